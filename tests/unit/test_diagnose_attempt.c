/*
 * test_diagnose_attempt.c - which word the kernel's errno, error queue and counters stand for.
 *
 * What Linux makes of each ICMP error is in its tables (net/ipv4/icmp.c icmp_err_convert, net/ipv6/icmp.c
 * icmpv6_err_convert): one errno stands for several errors, so the type and code decide where they are
 * known.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "diagnose/attempt.h"

#define V4(d) {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, d}}
#define V6(d) {{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, d}}

struct row {
	const char *name;
	bool v6;
	struct attempt_facts facts;
	enum word word;
	enum certainty certainty;
	const char *says;              /* is contained */
};

static const struct row rows[] = {
	/* errno alone */
	{"refused", false, {.err = ECONNREFUSED}, WORD_REFUSED, LIKELY, "Who sent the RST was not seen"},
	{"refused after loss", false, {.err = ECONNREFUSED, .syn_repeats = 1}, WORD_REFUSED_AFTER_LOSS, LIKELY, ""},
	{"host", false, {.err = EHOSTUNREACH}, WORD_ICMP_HOST_UNREACHABLE, LIKELY, "not seen"},
	{"net", false, {.err = ENETUNREACH}, WORD_ICMP_NET_UNREACHABLE, LIKELY, "not seen"},
	{"protocol", false, {.err = ENOPROTOOPT}, WORD_ICMP_PROTOCOL_UNREACHABLE, LIKELY, ""},
	{"prohibited, IPv6", true, {.err = EACCES}, WORD_ICMP_ADMIN_PROHIBITED, LIKELY, ""},
	{"reset as soon as it was open", false, {.err = ECONNRESET}, WORD_RESET_AFTER_ACCEPT, LIKELY, "not seen"},
	{"what nobody expects", false, {.err = EIO}, WORD_FAILED_HERE, OPEN, ""},
	/* the kernel's patience, and ours */
	{"timed out", false, {.err = ETIMEDOUT, .syn_repeats = 10, .waited = 131 * TV_S}, WORD_SYN_UNANSWERED, CERTAIN,
		"11 SYNs in 131.00 s"},
	{"gave up", false, {.gave_up = true, .syn_repeats = 2, .waited = 3 * TV_S}, WORD_SYN_UNANSWERED, CERTAIN,
		"3 SYNs"},
	{"gave up early", false, {.gave_up = true, .waited = TV_S / 2}, WORD_SYN_UNANSWERED, OPEN, "One SYN"},
	/* the error queue: type and code decide, whatever errno says */
	{"3/0", false, {.err = ENETUNREACH, .reported = true, .icmp_type = 3, .icmp_code = 0, .icmp_from = V4(1)},
		WORD_ICMP_NET_UNREACHABLE, CERTAIN, "ICMP type 3 code 0 from 192.0.2.1 (not the other end)"},
	{"3/1 from the last router", false, {.err = EHOSTUNREACH, .reported = true, .icmp_type = 3, .icmp_code = 1,
		.icmp_from = V4(1)}, WORD_ICMP_HOST_UNREACHABLE, CERTAIN, "type 3 code 1"},
	{"3/1 from this machine", false, {.err = EHOSTUNREACH, .reported = true, .from_here = true, .icmp_type = 3,
		.icmp_code = 1, .icmp_from = V4(3)}, WORD_ICMP_HOST_UNREACHABLE, CERTAIN, "nobody answered its ARP"},
	{"3/2", false, {.err = ENOPROTOOPT, .reported = true, .icmp_type = 3, .icmp_code = 2, .icmp_from = V4(2)},
		WORD_ICMP_PROTOCOL_UNREACHABLE, CERTAIN, "the other end itself"},
	{"3/3 is no RST", false, {.err = ECONNREFUSED, .reported = true, .icmp_type = 3, .icmp_code = 3,
		.icmp_from = V4(2)}, WORD_ICMP_PORT_UNREACHABLE, CERTAIN, "type 3 code 3"},
	{"3/9", false, {.err = ENETUNREACH, .reported = true, .icmp_type = 3, .icmp_code = 9, .icmp_from = V4(1)},
		WORD_ICMP_ADMIN_PROHIBITED, CERTAIN, ""},
	{"3/10", false, {.err = EHOSTUNREACH, .reported = true, .icmp_type = 3, .icmp_code = 10, .icmp_from = V4(1)},
		WORD_ICMP_ADMIN_PROHIBITED, CERTAIN, ""},
	{"3/13", false, {.err = EHOSTUNREACH, .reported = true, .icmp_type = 3, .icmp_code = 13, .icmp_from = V4(1)},
		WORD_ICMP_ADMIN_PROHIBITED, CERTAIN, ""},
	{"11/0", false, {.err = EHOSTUNREACH, .reported = true, .icmp_type = 11, .icmp_code = 0, .icmp_from = V4(1)},
		WORD_ICMP_TTL_EXCEEDED, CERTAIN, "type 11 code 0"},
	{"12/0", false, {.err = EPROTO, .reported = true, .icmp_type = 12, .icmp_code = 0, .icmp_from = V4(1)},
		WORD_ICMP_OTHER, CERTAIN, ""},
	{"v6 1/0", true, {.err = ENETUNREACH, .reported = true, .icmp_type = 1, .icmp_code = 0, .icmp_from = V6(1)},
		WORD_ICMP_NET_UNREACHABLE, CERTAIN, "ICMPv6 type 1 code 0 from 2001:db8::1"},
	{"v6 1/1", true, {.err = EACCES, .reported = true, .icmp_type = 1, .icmp_code = 1, .icmp_from = V6(1)},
		WORD_ICMP_ADMIN_PROHIBITED, CERTAIN, ""},
	{"v6 1/3", true, {.err = EHOSTUNREACH, .reported = true, .icmp_type = 1, .icmp_code = 3, .icmp_from = V6(1)},
		WORD_ICMP_HOST_UNREACHABLE, CERTAIN, ""},
	{"v6 1/4", true, {.err = ECONNREFUSED, .reported = true, .icmp_type = 1, .icmp_code = 4, .icmp_from = V6(2)},
		WORD_ICMP_PORT_UNREACHABLE, CERTAIN, ""},
	{"v6 1/5", true, {.err = EACCES, .reported = true, .icmp_type = 1, .icmp_code = 5, .icmp_from = V6(1)},
		WORD_ICMP_ADMIN_PROHIBITED, CERTAIN, ""},
	{"v6 3/0", true, {.err = EHOSTUNREACH, .reported = true, .icmp_type = 3, .icmp_code = 0, .icmp_from = V6(1)},
		WORD_ICMP_TTL_EXCEEDED, CERTAIN, ""},
	{"v6 4/1", true, {.err = EPROTO, .reported = true, .icmp_type = 4, .icmp_code = 1, .icmp_from = V6(2)},
		WORD_ICMP_PROTOCOL_UNREACHABLE, CERTAIN, ""},
	/* nothing left this machine */
	{"no route", false, {.err = ENETUNREACH, .at_once = true}, WORD_NO_ROUTE, CERTAIN, "unreachable"},
	{"unreachable route", false, {.err = EHOSTUNREACH, .at_once = true}, WORD_NO_ROUTE, CERTAIN, ""},
	{"no IPv6 here", true, {.err = EAFNOSUPPORT, .at_once = true}, WORD_NO_ROUTE, CERTAIN, ""},
	{"prohibited route", false, {.err = EACCES, .at_once = true}, WORD_FAILED_HERE, CERTAIN, "denied"},
	{"too many files", false, {.err = EMFILE, .at_once = true}, WORD_FAILED_HERE, CERTAIN, ""},
	{"no port left", false, {.err = EADDRNOTAVAIL, .at_once = true}, WORD_TIME_WAIT_PORT_EXHAUSTION, LIKELY, ""},
	{"a filter here drops what goes out", false, {.gave_up = true, .unseen = true, .syn_repeats = 3, .waited = 4 * TV_S},
		WORD_FAILED_HERE, LIKELY, "The kernel counts 4 SYNs, and none was seen leaving"},
	{"a filter here rejects what goes out", false, {.err = ECONNREFUSED, .unseen = true}, WORD_FAILED_HERE, LIKELY,
		"no SYN was seen leaving"},
	{"a reject rule of this machine", false, {.err = ECONNREFUSED, .reported = true, .from_here = true, .icmp_type = 3,
		.icmp_code = 3, .icmp_from = V4(3)}, WORD_ICMP_PORT_UNREACHABLE, CERTAIN, "this end's own host: a rule of its"},
	/* it was open */
	{"fine", false, {.open = true, .rtt = 20 * TV_MS}, WORD_OK, CERTAIN, "20 ms"},
	{"a SYN was lost", false, {.open = true, .syn_repeats = 1}, WORD_OK_SYN_LOST, CERTAIN, ""},
	{"a long way", false, {.open = true, .rtt = 300 * TV_MS}, WORD_OK_HIGH_RTT, CERTAIN, "300 ms"},
	{"reset before a byte", false, {.open = true, .err = ECONNRESET, .asked = true}, WORD_RESET_AFTER_ACCEPT, LIKELY,
		""},
	{"reset later", false, {.open = true, .err = ECONNRESET, .received = 100}, WORD_RESET_MID_TRANSFER, LIKELY, ""},
	{"not one byte gets through", false, {.open = true, .gave_up = true, .asked = true, .repeats = 5},
		WORD_SYNACK_THEN_BLACKHOLE, OPEN, "5 times"},
	{"... and the kernel gave up", false, {.open = true, .err = ETIMEDOUT, .asked = true, .repeats = 15},
		WORD_SYNACK_THEN_BLACKHOLE, OPEN, ""},
	{"silent", false, {.open = true, .gave_up = true, .asked = true, .heard = true, .waited = 10 * TV_S},
		WORD_SERVER_SILENT, LIKELY, "10.00 s"},
	{"impatience is no silence", false, {.open = true, .gave_up = true, .asked = true, .heard = true,
		.waited = TV_S / 2}, WORD_OK, CERTAIN, ""},
	{"never asked, never answered", false, {.open = true, .gave_up = true, .waited = 60 * TV_S}, WORD_OK, CERTAIN,
		""},
	{"prohibited when open", false, {.open = true, .err = EHOSTUNREACH, .reported = true, .icmp_type = 3,
		.icmp_code = 13, .icmp_from = V4(1)}, WORD_ICMP_ADMIN_PROHIBITED, CERTAIN, ""},
};

static void test_diagnose_attempt_gets_the_word_that_packets_would_give(void **state)
{
	static const struct tv_addr v4 = V4(2), v6 = V6(2);

	(void)state;
	for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct attempt_facts facts = rows[i].facts;
		struct finding f;
		char text[1024];

		facts.server = (struct tv_endpoint){.addr = rows[i].v6 ? v6 : v4, .port = 80};
		attempt_judge(&facts, &f);
		finding_text(&f, text, sizeof text);
		if (f.word != rows[i].word || f.certainty != rows[i].certainty || !strstr(text, rows[i].says))
			fail_msg("%s: %s (%s): %s", rows[i].name, word_info(f.word)->name, certainty_name(f.certainty), text);
		assert_int_equal(f.v6, rows[i].v6);
		assert_int_equal(f.count, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diagnose_attempt_gets_the_word_that_packets_would_give),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
