/*
 * attempt.c - from errno, the error queue and TCP_INFO to a word.
 *
 * What was said aloud counts most: an ICMP error with type, code and sender is certain, whatever errno
 * the kernel made of it. ECONNREFUSED without one is an RST whose sender and TTL nobody saw: likely the
 * host's own. An errno that stands for ICMP errors, without the error itself, is likely what it usually
 * means. Silence is as certain as the number of SYNs that it lasted.
 */
#include "diagnose/attempt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "wire/icmp.h"

static void start(const struct attempt_facts *a, struct finding *f, enum word word, enum certainty certainty)
{
	memset(f, 0, sizeof *f);
	f->word = word;
	f->certainty = certainty;
	f->client = a->client;
	f->server = a->server;
	f->v6 = !tv_addr_is_v4(&a->server.addr);
	f->count = 1;
	f->connection = 1;
}

static void judge_icmp(const struct attempt_facts *a, struct finding *f)
{
	bool v6 = !tv_addr_is_v4(&a->server.addr);
	struct tv_endpoint from = {.addr = a->icmp_from};
	enum word word = word_of_icmp(tv_icmp_kind(v6, a->icmp_type, a->icmp_code));
	bool other_end = tv_addr_equal(&a->icmp_from, &a->server.addr);
	char text[64];

	start(a, f, word, CERTAIN);
	end_text(&from, text, sizeof text);
	finding_say(f, "%s type %u code %u from %s (%s).", v6 ? "ICMPv6" : "ICMP", a->icmp_type, a->icmp_code, text,
		icmp_sender(word, other_end, a->from_here));
}

/* connect() failed before a packet left. */
static void judge_at_once(const struct attempt_facts *a, struct finding *f)
{
	switch (a->err) {
	case ENETUNREACH:
	case EHOSTUNREACH:
	case ENETDOWN:
	case EAFNOSUPPORT:
	case ENODEV: start(a, f, WORD_NO_ROUTE, CERTAIN); break;
	case EADDRNOTAVAIL: start(a, f, WORD_TIME_WAIT_PORT_EXHAUSTION, LIKELY); break;
	default: start(a, f, WORD_FAILED_HERE, CERTAIN); break;
	}
	finding_say(f, "The kernel says: %s.", strerror(a->err));
}

static void judge_silence(const struct attempt_facts *a, struct finding *f)
{
	char text[24];

	if (a->unseen) {
		start(a, f, WORD_FAILED_HERE, LIKELY);
		finding_say(f, "The kernel counts %u SYN%s, and none was seen leaving: a rule of this machine's firewall drops "
			"what goes out, or nobody answers its ARP or neighbour solicitation.", a->syn_repeats + 1,
			a->syn_repeats ? "s" : "");
		return;
	}
	start(a, f, WORD_SYN_UNANSWERED, a->syn_repeats ? CERTAIN : OPEN);
	if (a->syn_repeats)
		finding_say(f, "%u SYNs in %s.", a->syn_repeats + 1, time_text(a->waited, text));
	else
		finding_say(f, "One SYN, and %s of waiting: that may be too short.", time_text(a->waited, text));
}

static void judge_closed(const struct attempt_facts *a, struct finding *f)
{
	enum word word = WORD_FAILED_HERE;
	enum certainty certainty = LIKELY;

	switch (a->err) {
	case ECONNREFUSED:
		if (a->unseen) {
			start(a, f, WORD_FAILED_HERE, LIKELY);
			finding_say(f, "An RST came, and no SYN was seen leaving: a rule of this machine's firewall rejects what "
				"goes out.");
			return;
		}
		start(a, f, a->syn_repeats ? WORD_REFUSED_AFTER_LOSS : WORD_REFUSED, LIKELY);
		finding_say(f, "Who sent the RST was not seen.");
		return;
	/* It was open already, and not any more when the kernel told of it. */
	case ECONNRESET:
		start(a, f, WORD_RESET_AFTER_ACCEPT, LIKELY);
		finding_say(f, "Who sent the RST was not seen.");
		return;
	case 0:
	case ETIMEDOUT: judge_silence(a, f); return;
	case ENETUNREACH: word = WORD_ICMP_NET_UNREACHABLE; break;
	case EHOSTUNREACH: word = WORD_ICMP_HOST_UNREACHABLE; break;
	case ENOPROTOOPT: word = WORD_ICMP_PROTOCOL_UNREACHABLE; break;
	case EACCES: word = WORD_ICMP_ADMIN_PROHIBITED; break;
	default: certainty = OPEN; break;
	}
	start(a, f, word, certainty);
	finding_say(f, "The kernel says: %s; what told it so was not seen.", strerror(a->err));
}

/* It was open, and is not any more, or nothing comes. False: there is nothing to complain of. */
static bool judge_open(const struct attempt_facts *a, struct finding *f)
{
	char text[24];

	if (a->err == ECONNRESET || a->err == EPIPE) {
		start(a, f, a->received ? WORD_RESET_MID_TRANSFER : WORD_RESET_AFTER_ACCEPT, LIKELY);
		finding_say(f, "Who sent the RST was not seen.");
		return true;
	}
	if (a->err == 0 && (!a->gave_up || !a->asked))
		return false;
	if (!a->heard) {
		if (a->err == 0 && a->repeats < REPEATS_LOST)
			return false;
		start(a, f, a->received ? WORD_PEER_GONE_DATA_UNACKED : WORD_SYNACK_THEN_BLACKHOLE, OPEN);
		finding_say(f, "What was sent was repeated %u time%s and not acknowledged.", a->repeats,
			a->repeats == 1 ? "" : "s");
		return true;
	}
	if (a->received || a->waited < limit(LIMIT_SERVER_SILENT))
		return false;
	/* An answer that is lost on the way looks the same to the kernel. */
	start(a, f, WORD_SERVER_SILENT, LIKELY);
	finding_say(f, "The request was acknowledged, and nothing came for %s.", time_text(a->waited, text));
	return true;
}

void attempt_judge(const struct attempt_facts *a, struct finding *f)
{
	char text[24];

	if (a->err && a->reported) {
		judge_icmp(a, f);
	} else if (a->at_once) {
		judge_at_once(a, f);
	} else if (!a->open) {
		judge_closed(a, f);
	} else if (!judge_open(a, f)) {
		enum word slow = a->rtt > limit(LIMIT_HIGH_RTT) ? WORD_OK_HIGH_RTT : WORD_OK;

		start(a, f, a->syn_repeats ? WORD_OK_SYN_LOST : slow, CERTAIN);
		if (a->rtt)
			finding_say(f, "A round trip takes %s.", time_text(a->rtt, text));
	}
}
