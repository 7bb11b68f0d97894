/*
 * test_stack_icmp.c - ICMP in and out, path MTU, and packets that a host has to leave alone: fragments,
 * source routes, addresses that cannot be, what is for others.
 */
#include "lab.h"

#include "wire/csum.h"
#include "wire/icmp.h"

/* A quote of what the connection has sent last, or would send, with this sequence number. */
static uint32_t quote(const struct lab *l, uint32_t seq, uint8_t *p)
{
	struct tv_tcp_header h = {.sport = l->port, .dport = l->peer_port, .seq = seq, .flags = TV_ACK,
	                          .header_len = 20};
	uint32_t n = tv_ip_build(p, &l->us, &l->peer, TV_PROTO_TCP, 1480, 60, 0);

	tv_tcp_header_build(p + n, &h);
	return n + 8; /* only eight octets of TCP: enough [MUST-54] */
}

static enum tv_verdict about(struct lab *l, uint8_t type, uint8_t code, uint32_t value, uint32_t seq)
{
	uint8_t p[100];
	uint32_t n = quote(l, seq, p);

	return lab_icmp(l, type, code, value, p, n);
}

/* An octet that is in flight in this state. */
static uint32_t in_flight(struct lab *l, enum tv_state state)
{
	struct tv_info info;

	if (state == TV_ESTABLISHED || state == TV_CLOSE_WAIT)
		lab_send(l, 100, 0);
	info = lab_info(l);
	assert_true(info.snd_una != info.snd_nxt);
	return info.snd_una;
}

static const struct {
	bool v6;
	uint8_t type, code;
	bool hard;
	enum tv_reason reason;
} errors[] = {
	{false, 3, 0, false, TV_R_NET_UNREACHABLE},      {false, 3, 1, false, TV_R_HOST_UNREACHABLE},
	{false, 3, 5, false, TV_R_NET_UNREACHABLE},      {false, 3, 2, true, TV_R_PROTOCOL_UNREACHABLE},
	{false, 3, 3, true, TV_R_PORT_UNREACHABLE},      {false, 3, 13, true, TV_R_ADMIN_PROHIBITED},
	{false, 11, 0, false, TV_R_ICMP_OTHER},          {false, 12, 0, false, TV_R_ICMP_OTHER},
	{true, 1, 0, false, TV_R_NET_UNREACHABLE},       {true, 1, 3, false, TV_R_HOST_UNREACHABLE},
	{true, 1, 4, true, TV_R_PORT_UNREACHABLE},       {true, 1, 1, true, TV_R_ADMIN_PROHIBITED},
	{true, 3, 0, false, TV_R_ICMP_OTHER},            {true, 4, 0, false, TV_R_ICMP_OTHER},
	{true, 4, 1, false, TV_R_PROTOCOL_UNREACHABLE},            {true, 4, 2, false, TV_R_ICMP_OTHER},
};

/*
 * [MUST-54] [MUST-56] [SHLD-25] [SHLD-26] [MUST-47]: a hard error ends an attempt; a soft one, and in a
 * synchronised state every one (RFC 5927 5.2), is told and nothing else.
 */
static void test_icmp_errors_in_each_state_hard_ends_attempts_only(void **state)
{
	static const enum tv_state states[] = {TV_SYN_SENT, TV_SYN_RECEIVED, TV_ESTABLISHED, TV_CLOSE_WAIT,
	                                       TV_FIN_WAIT_1, TV_CLOSING, TV_LAST_ACK};

	(void)state;
	for (unsigned i = 0; i < COUNT(errors) * COUNT(states); i++) {
		enum tv_state in = states[i % COUNT(states)];
		struct lab *l = lab_new(NULL, errors[i / COUNT(states)].v6);
		bool ends = errors[i / COUNT(states)].hard && in <= TV_SYN_RECEIVED;
		uint32_t seq;

		lab_state(l, in);
		seq = in_flight(l, in);
		assert_int_equal(about(l, errors[i / COUNT(states)].type, errors[i / COUNT(states)].code, 0, seq),
		                 TV_V_OK);
		assert_int_equal(l->count, 0);
		assert_int_equal(lab_info(l).state, ends ? TV_CLOSED : in);
		assert_int_equal(lab_info(l).soft_reason, errors[i / COUNT(states)].reason);
		assert_int_equal(lab_events(l, l->conn), ends ? TV_EV_CLOSED : TV_EV_SOFT_ERROR);
		if (ends)
			assert_int_equal(l->reason, errors[i / COUNT(states)].reason);
		assert_int_equal(lab_counters(l).icmp_hard, ends);
		assert_int_equal(lab_counters(l).icmp_soft, !ends);
		lab_free(l);
	}
}

/* [SHLD-20]: reports can be switched off; hard errors still end an attempt. */
static void test_icmp_soft_reports_off_are_not_told(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	l->opts.soft_errors = false;
	lab_active(l);
	about(l, 3, 1, 0, in_flight(l, TV_ESTABLISHED));
	assert_int_equal(lab_events(l, l->conn), 0);
	assert_int_equal(lab_info(l).soft_reason, TV_R_HOST_UNREACHABLE);
	lab_wait(l, 10 * TV_S); /* R1 is not told either */
	assert_int_equal(lab_events(l, l->conn), 0);
	l->ack += 100;
	SAY(l, .flags = TV_ACK);
	assert_int_equal(lab_info(l).soft_reason, TV_R_NONE); /* it goes on: that is over */
	lab_free(l);
}

/* A soft error is what an attempt that times out ends with. */
static void test_icmp_soft_error_names_the_end_of_an_attempt(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_syn_sent(l);
	about(l, 3, 0, 0, lab_info(l).iss);
	lab_wait(l, 200 * TV_S);
	lab_events(l, l->conn);
	assert_int_equal(l->reason, TV_R_NET_UNREACHABLE);
	lab_free(l);
}

/* RFC 5927 4.1: outside of what is in flight - not one byte of the stack changes, but counters. */
static void test_icmp_quote_out_of_window_changes_nothing(void **state)
{
	static const int32_t offs[] = {-1, 100, -70000, 70000, INT32_MIN};
	static const uint8_t types[][2] = {{3, 3}, {3, 4}, {3, 1}};
	struct lab *l = lab_new(NULL, false);
	uint8_t *before = malloc(l->bytes);
	struct tv_counters kept;
	uint32_t seq;

	(void)state;
	assert_non_null(before);
	lab_active(l);
	seq = in_flight(l, TV_ESTABLISHED);
	kept = l->s->core.cnt;
	memcpy(before, l->region, l->bytes);
	for (unsigned i = 0; i < COUNT(offs) * COUNT(types); i++) {
		const uint8_t *t = types[i / COUNT(offs)];

		assert_int_equal(about(l, t[0], t[1], 700, seq + (uint32_t)offs[i % COUNT(offs)]),
		                 TV_V_ICMP_UNVALIDATED);
		l->s->core.cnt = kept;
		assert_memory_equal(before, l->region, l->bytes);
	}
	l->peer_port++; /* another tuple [MUST-54] */
	assert_int_equal(about(l, 3, 3, 0, seq), TV_V_ICMP_NO_CONNECTION);
	l->peer_port--;
	l->s->core.cnt = kept;
	assert_memory_equal(before, l->region, l->bytes);
	assert_int_equal(about(l, 3, 1, 0, seq + 99), TV_V_OK); /* the last octet in flight */
	free(before);
	lab_free(l);
}

/* [MUST-55]: source quench is discarded, whatever it quotes. */
static void test_icmp_source_quench_changes_nothing(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_info before, after;

	(void)state;
	lab_active(l);
	in_flight(l, TV_ESTABLISHED);
	before = lab_info(l);
	assert_int_equal(about(l, 4, 0, 0, before.snd_una), TV_V_ICMP_IGNORED);
	after = lab_info(l);
	assert_memory_equal(&before, &after, sizeof before);
	assert_int_equal(lab_events(l, l->conn), 0);
	lab_free(l);
}

/* Half-open and TIME-WAIT records have nothing to learn. */
static void test_icmp_about_small_records_is_ignored(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_state(l, TV_TIME_WAIT);
	assert_int_equal(about(l, 3, 3, 0, l->ack - 1), TV_V_ICMP_UNVALIDATED);
	tv_release(l->s, l->now, l->conn);
	assert_int_equal(about(l, 3, 3, 0, l->ack - 1), TV_V_ICMP_NO_CONNECTION);
	l->peer_port++;
	lab_listen(l);
	SAY(l, .flags = TV_SYN);
	assert_int_equal(about(l, 3, 3, 0, lab_last(l)->seq), TV_V_ICMP_NO_CONNECTION);
	assert_int_equal(lab_counters(l).half_opens, 1);
	lab_free(l);
}

/* [EV-48]: too big is acted on at once: smaller segments, all of it again, the window untouched. */
static void test_icmp_too_big_cuts_segments_and_repeats(void **state)
{
	static const struct {
		bool v6;
		uint32_t mtu, expected;    /* 0: nothing changes */
	} cases[] = {
		{false, 1000, 1000}, {false, 552, 552}, {false, 100, 552}, {false, 1499, 1499}, {false, 1500, 0},
		{false, 9000, 0},    {true, 1400, 1400}, {true, 1280, 1280}, {true, 1279, 0}, {true, 1500, 0},
		{false, 0, 1492},    /* an old router: the next lower of the usual sizes (RFC 1191 5) */
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct lab *l = lab_new(NULL, cases[i].v6);
		uint32_t head = l->v6 ? 60 : 40, got = 0;
		struct tv_info before;

		lab_active(l);
		lab_send(l, 2 * (1500 - head), 0);
		assert_int_equal(l->count, 2);
		before = lab_info(l);
		assert_int_equal(about(l, l->v6 ? 2 : 3, l->v6 ? 0 : 4, cases[i].mtu, before.snd_una), TV_V_OK);
		if (cases[i].expected == 0) {
			assert_int_equal(l->count, 0);
			assert_int_equal(lab_info(l).pmtu, before.pmtu);
			lab_free(l);
			continue;
		}
		assert_int_equal(lab_info(l).pmtu, cases[i].expected);
		assert_int_equal(lab_info(l).mss_snd, cases[i].expected - head);
		assert_int_equal(lab_counters(l).pmtu_reduced, 1);
		assert_int_equal(lab_info(l).cwnd, before.cwnd);
		assert_int_equal(lab_info(l).ssthresh, before.ssthresh);
		for (unsigned k = 0; k < l->count; k++) {
			assert_true(l->heard[k].len <= cases[i].expected);
			assert_int_equal(l->heard[k].seg.seq, before.snd_una + got);
			got += l->heard[k].seg.len;
		}
		assert_int_equal(got, 2 * (1500 - head)); /* at once and whole */
		/* The same again says nothing new. */
		about(l, l->v6 ? 2 : 3, l->v6 ? 0 : 4, cases[i].expected, before.snd_una);
		assert_int_equal(l->count, 0);
		if (cases[i].expected == 552) { /* nor does one below the floor, when that is reached */
			about(l, 3, 4, 100, before.snd_una);
			assert_int_equal(l->count, 0);
			assert_int_equal(lab_counters(l).pmtu_reduced, 1);
		}
		lab_free(l);
	}
}

/* The MTU of a link changes: connections follow, down and up. */
static void test_icmp_link_mtu_change_is_followed(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	l->syn.mss = 8960;
	lab_active(l);
	assert_int_equal(tv_link_mtu(l->s, l->now, 0, 9000), TV_OK);
	assert_int_equal(lab_info(l).mss_snd, 8960);
	assert_int_equal(tv_link_mtu(l->s, l->now, 0, 600), TV_OK);
	assert_int_equal(lab_info(l).mss_snd, 560);
	assert_int_equal(tv_link_mtu(l->s, l->now, 0, 575), TV_EINVAL);
	assert_int_equal(tv_link_mtu(l->s, l->now, 0, 65536), TV_EINVAL);
	assert_int_equal(tv_link_mtu(l->s, l->now, 1, 1500), TV_EINVAL);
	lab_free(l);
}

static uint32_t echo(const struct lab *l, uint8_t *p, uint32_t text)
{
	uint32_t n = tv_ip_build(p, &l->peer, &l->us, l->v6 ? TV_PROTO_ICMP6 : TV_PROTO_ICMP, 8 + text, 64, 0);
	uint64_t sum = l->v6 ? tv_csum_pseudo(&l->peer, &l->us, true, TV_PROTO_ICMP6, 8 + text) : 0;

	memset(p + n, 0, 8 + text);
	p[n] = l->v6 ? 128 : 8;
	p[n + 5] = 77;
	p[n + 7] = 3;
	for (uint32_t i = 0; i < text; i++)
		p[n + 8 + i] = lab_octet(i);
	tv_csum_store(p + n + 2, tv_csum_add(sum, p + n, 8 + text));
	return n + 8 + text;
}

/* RFC 1122 3.2.2.6, RFC 4443 4.2: the same text back, from the address that was asked. */
static void test_icmp_echo_is_answered(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = lab_new(NULL, v6 != 0);
		uint8_t p[1600];
		uint32_t n = echo(l, p, 1000);
		struct tv_icmp m;

		assert_int_equal(lab_packet(l, 0, p, n), TV_V_DONE);
		assert_int_equal(l->count, 1);
		assert_int_equal(tv_icmp_parse(&m, &l->heard[0].ip), TV_V_OK);
		assert_int_equal(m.kind, TV_ICMP_ECHO_ANSWER);
		assert_int_equal(m.id, 77);
		assert_int_equal(m.sequence, 3);
		assert_memory_equal(&l->heard[0].ip.src, &l->us, 16);
		assert_memory_equal(&l->heard[0].ip.dst, &l->peer, 16);
		assert_int_equal(l->heard[0].len, n);
		assert_memory_equal(l->heard[0].bytes + l->heard[0].ip.header_len + 8,
		                    p + l->heard[0].ip.header_len + 8, 1000);
		assert_int_equal(lab_counters(l).echo_replies, 1);
		p[n - 1] ^= 1;
		assert_int_equal(lab_packet(l, 0, p, n), TV_V_ICMP_MALFORMED);
		assert_int_equal(l->count, 0);
		lab_free(l);
	}
}

static uint32_t udp(const struct lab *l, uint8_t *p)
{
	uint32_t n = tv_ip_build(p, &l->peer, &l->us, TV_PROTO_UDP, 12, 64, 0);

	memset(p + n, 0, 12);
	p[n + 1] = 53;
	p[n + 3] = 53;
	p[n + 5] = 12;
	return n + 12;
}

/* RFC 1122 3.2.2.1: port unreachable with the datagram quoted, so many in a second and no more. */
static void test_icmp_udp_port_unreachable_within_its_rate(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = lab_new(NULL, v6 != 0);
		uint8_t p[100];
		uint32_t n = udp(l, p);
		struct tv_icmp m;
		unsigned sent = 0;

		assert_int_equal(lab_packet(l, 0, p, n), TV_V_UDP);
		assert_int_equal(l->count, 1);
		assert_int_equal(tv_icmp_parse(&m, &l->heard[0].ip), TV_V_OK);
		assert_int_equal(m.kind, TV_ICMP_PORT);
		assert_int_equal(m.quoted.protocol, TV_PROTO_UDP);
		for (unsigned i = 0; i < 200; i++) {
			lab_packet(l, 0, p, n);
			sent += l->count;
		}
		assert_in_range(sent, 50 * 3 / 4 - 2, 49); /* the full bucket, less a secret share, less one */
		assert_int_equal(lab_counters(l).rate_limited, 200 - sent);
		assert_int_equal(lab_counters(l).icmp_out, sent + 1);
		l->now += 100 * TV_MS;
		for (unsigned i = 0, more = 0; i < 20; i++, more += l->count) {
			lab_packet(l, 0, p, n);
			assert_true(more <= 5); /* a tenth of a second's worth */
		}
		lab_free(l);
	}
}

/* RSTs: so many for one prefix; another prefix has its own; all together have a limit, too. */
static void test_icmp_resets_limited_for_each_prefix(void **state)
{
	struct tv_config g;
	struct lab *l;
	struct tv_addr none = {{0}}, all = tv_addr_v4(0, 0, 0, 0);
	unsigned sent = 0, other = 0, third = 0;

	(void)state;
	lab_config(&g);
	g.replies_per_second = 150;
	l = lab_new(&g, false);
	assert_int_equal(tv_route_add(l->s, l->now, &all, 96, &none, 0, 1), TV_OK);
	l->peer = tv_addr_v4(198, 51, 100, 1);
	for (unsigned i = 0; i < 200; i++) {
		l->peer.b[15] = (uint8_t)(1 + i % 200);
		assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_NO_CONNECTION);
		sent += l->count;
	}
	assert_in_range(sent, 74, 100);
	l->peer = tv_addr_v4(203, 0, 113, 1);
	for (unsigned i = 0; i < 200; i++) {
		SAY(l, .flags = TV_ACK);
		other += l->count;
	}
	assert_true(other >= 5 && sent + other <= 150 && sent + other >= 110);
	assert_int_equal(lab_counters(l).rate_limited, 400 - sent - other);
	l->now += 2 * TV_S;
	for (unsigned i = 0; i < 10; i++) {
		SAY(l, .flags = TV_ACK);
		third += l->count;
	}
	assert_int_equal(third, 10);
	lab_free(l);
}

/* What a connection says about itself is not limited. */
static void test_icmp_no_limit_for_what_is_ours(void **state)
{
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.rst_per_second = 1;
	g.replies_per_second = 1;
	l = lab_new(&g, false);
	for (unsigned i = 0; i < 20; i++) {
		lab_active(l);
		tv_abort(l->s, l->now, l->conn);
		lab_hear(l);
		lab_only(l, TV_RST | TV_ACK);
		tv_release(l->s, l->now, l->conn);
	}
	lab_free(l);
}

/* 0 means no limit. */
static void test_icmp_rate_zero_is_no_limit(void **state)
{
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.rst_per_second = g.replies_per_second = 0;
	l = lab_new(&g, true);
	for (unsigned i = 0; i < 3000; i++) {
		SAY(l, .flags = TV_ACK);
		lab_only(l, TV_RST);
	}
	lab_free(l);
}

/* Replies wait in a ring of its size; the newest is dropped and counted. */
static void test_icmp_reply_ring_full_drops_the_newest(void **state)
{
	struct lab *l = lab_new(NULL, false);
	static uint8_t bytes[100][100];
	struct tv_packet p[100];

	(void)state;
	memset(p, 0, sizeof p);
	for (unsigned i = 0; i < 100; i++) {
		l->peer_port = (uint16_t)(i + 1);
		p[i].data = bytes[i];
		p[i].len = lab_build(l, &(struct say){.flags = TV_ACK}, bytes[i]);
	}
	tv_input(l->s, l->now, p, 100, NULL);
	assert_int_equal(lab_counters(l).replies_dropped, 36);
	lab_hear(l);
	assert_int_equal(l->count, 64);
	for (unsigned i = 0; i < 64; i++)
		assert_int_equal(tv_key_local_port(&l->heard[i].seg.key), i + 1);
	lab_free(l);
}

/* A full ring: the RST of an abort and a SYN-ACK are dropped and counted like any other reply. */
static void test_icmp_reply_ring_full_drops_what_records_say(void **state)
{
	struct lab *l = lab_new(NULL, false);
	static uint8_t bytes[66][100];
	struct tv_packet p[66];

	(void)state;
	lab_active(l);
	l->port = 80;
	lab_listen(l);
	memset(p, 0, sizeof p);
	for (unsigned i = 0; i < 66; i++) {
		l->peer_port = (uint16_t)(i + 1);
		l->port = i < 64 ? 81 : 80;
		p[i].data = bytes[i];
		p[i].len = lab_build(l, &(struct say){.flags = i < 64 ? TV_ACK : TV_SYN}, bytes[i]);
	}
	tv_input(l->s, l->now, p, 66, NULL);
	assert_int_equal(tv_abort(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(lab_counters(l).replies_dropped, 3);
	lab_hear(l);
	assert_int_equal(l->count, 64);
	assert_int_equal(lab_info(l).state, TV_CLOSED);
	lab_wait(l, 1100 * TV_MS); /* the SYN-ACKs come again */
	assert_int_equal(l->count, 2);
	lab_free(l);
}

/* [MUST-57] [MUST-63]: from or to what is no single host: silence and no state, with a listener open. */
static void test_icmp_bad_addresses_are_dropped_silently(void **state)
{
	static const struct tv_addr v4_src[] = {V4(224, 0, 0, 1), V4(255, 255, 255, 255), V4(0, 0, 0, 0),
	                                        V4(127, 0, 0, 1), V4(192, 0, 2, 255), V4(240, 1, 2, 3),
	                                        V4(192, 0, 2, 1), V4(0, 1, 2, 3)};
	static const struct tv_addr v4_dst[] = {V4(224, 0, 0, 1), V4(255, 255, 255, 255), V4(192, 0, 2, 255),
	                                        V4(192, 0, 2, 9), V4(127, 0, 0, 1), V4(0, 0, 0, 0)};
	static const struct tv_addr v6_src[] = {{{0xff, 2, [15] = 1}}, {{0}}, {{[15] = 1}}, V6(0, 0, 1)};
	static const struct tv_addr v6_dst[] = {{{0xff, 2, [15] = 1}}, {{[15] = 1}}, {{0x20, 1, 0xd, 0xb8, [15] = 9}}};

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = lab_new(NULL, v6 != 0);
		const struct tv_addr *src = v6 != 0 ? v6_src : v4_src, *dst = v6 != 0 ? v6_dst : v4_dst;
		unsigned ns = v6 != 0 ? COUNT(v6_src) : COUNT(v4_src), nd = v6 != 0 ? COUNT(v6_dst) : COUNT(v4_dst);
		struct tv_addr us = l->us, peer = l->peer;

		lab_listen(l);
		for (unsigned i = 0; i < ns + nd; i++) {
			l->peer = i < ns ? src[i] : peer;
			l->us = i < ns ? us : dst[i - ns];
			for (unsigned k = 0; k < 3; k++) {
				SAY(l, .flags = k == 0 ? TV_SYN : k == 1 ? TV_ACK : TV_RST);
				if (l->verdict != TV_V_MARTIAN && l->verdict != TV_V_NOT_UNICAST &&
				    l->verdict != TV_V_NOT_OURS && l->verdict != TV_V_BAD_IP_HEADER)
					fail_msg("case %u: %s", i, tv_verdict_name((enum tv_verdict)l->verdict));
				assert_int_equal(l->count, 0);
			}
		}
		assert_int_equal(lab_counters(l).half_opens, 0);
		l->us = us;
		l->peer = peer;
		lab_passive(l);
		lab_free(l);
	}
}

/* Fragments and source routes: dropped, each with its verdict [MUST-51] [MUST-52] [MUST-53] [SHLD-24]. */
static void test_icmp_source_routes_and_fragments_are_dropped(void **state)
{
	struct lab *l = lab_new(NULL, false);
	static const uint8_t options[][8] = {{0x83, 7, 4, 203, 0, 113, 1, 0}, {0x89, 7, 4, 203, 0, 113, 1, 0},
	                                     {0x94, 4, 0, 0, 1, 1, 1, 0}};
	static const enum tv_verdict verdicts[] = {TV_V_IP_OPTION, TV_V_IP_OPTION, TV_V_OK};

	(void)state;
	lab_listen(l);
	for (unsigned i = 0; i < 3; i++) {
		uint8_t plain[100], p[120];
		uint32_t n = lab_build(l, &(struct say){.flags = TV_SYN}, plain);

		memcpy(p, plain, 20);
		memcpy(p + 20, options[i], 8);
		memcpy(p + 28, plain + 20, n - 20);
		p[0] = 0x47;
		p[3] = (uint8_t)(n + 8);
		p[10] = p[11] = 0;
		tv_csum_store(p + 10, tv_csum_add(0, p, 28));
		assert_int_equal(lab_packet(l, 0, p, n + 8), verdicts[i]);
		assert_int_equal(l->count, verdicts[i] == TV_V_OK); /* router alert means nothing to us [MUST-50] */
		if (l->count == 1) /* no source route of the peer's is used, nor is there a call to give one */
			assert_int_equal(l->heard[0].ip.header_len, 20);
	}
	for (unsigned i = 0; i < 2; i++) {
		uint8_t p[100];
		uint32_t n = lab_build(l, &(struct say){.flags = TV_SYN}, p);

		p[6] = i == 0 ? 0x20 : 0;
		p[7] = i == 0 ? 0 : 5;
		p[10] = p[11] = 0;
		tv_csum_store(p + 10, tv_csum_add(0, p, 20));
		assert_int_equal(lab_packet(l, 0, p, n), TV_V_FRAGMENT);
		assert_int_equal(l->count, 0);
	}
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_icmp_errors_in_each_state_hard_ends_attempts_only),
		cmocka_unit_test(test_icmp_soft_reports_off_are_not_told),
		cmocka_unit_test(test_icmp_soft_error_names_the_end_of_an_attempt),
		cmocka_unit_test(test_icmp_quote_out_of_window_changes_nothing),
		cmocka_unit_test(test_icmp_source_quench_changes_nothing),
		cmocka_unit_test(test_icmp_about_small_records_is_ignored),
		cmocka_unit_test(test_icmp_too_big_cuts_segments_and_repeats),
		cmocka_unit_test(test_icmp_link_mtu_change_is_followed),
		cmocka_unit_test(test_icmp_echo_is_answered),
		cmocka_unit_test(test_icmp_udp_port_unreachable_within_its_rate),
		cmocka_unit_test(test_icmp_resets_limited_for_each_prefix),
		cmocka_unit_test(test_icmp_no_limit_for_what_is_ours),
		cmocka_unit_test(test_icmp_rate_zero_is_no_limit),
		cmocka_unit_test(test_icmp_reply_ring_full_drops_the_newest),
		cmocka_unit_test(test_icmp_reply_ring_full_drops_what_records_say),
		cmocka_unit_test(test_icmp_bad_addresses_are_dropped_silently),
		cmocka_unit_test(test_icmp_source_routes_and_fragments_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
