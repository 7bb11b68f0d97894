/*
 * test_tcp_fastopen.c - Fast Open (RFC 7413), the client: what goes on the SYN, what its answer means, and what
 * is remembered of the destination.
 */
#include "fastopen_client.h"

static void test_fastopen_first_visit_asks_second_sends(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = client(v6 != 0);
		const struct tv_segment *s = open_with(l, 10);
		struct tv_tcp_options grant = l->syn;

		assert_int_equal(s->len, 0);
		assert_true((s->opt.has & TV_OPT_HAS_FASTOPEN) != 0);
		assert_int_equal(s->opt.cookie_len, 0);
		assert_false(s->opt.cookie_exp);
		assert_int_equal(lab_info(l).fastopen, TV_FO_REQUESTED);
		grant.has |= TV_OPT_HAS_FASTOPEN;
		grant.cookie_len = 8;
		memcpy(grant.cookie, cookie, 8);
		assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK, .opt = &grant), TV_V_OK);
		assert_int_equal(lab_info(l).fastopen, TV_FO_GRANTED);
		assert_int_equal(lab_last(l)->len, 10);
		assert_int_equal(remembered(l).cookie_len, 8);
		assert_memory_equal(remembered(l).cookie, cookie, 8);
		assert_int_equal(remembered(l).mss, l->syn.mss);

		l->seq = 70000;
		s = open_with(l, 10);
		assert_int_equal(s->len, 10);
		assert_int_equal(s->opt.cookie_len, 8);
		assert_memory_equal(s->opt.cookie, cookie, 8);
		assert_int_equal(lab_info(l).fastopen, TV_FO_SENT);
		l->ack += 10;
		assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK), TV_V_OK);
		lab_only(l, TV_ACK);
		assert_int_equal(lab_last(l)->len, 0);
		assert_int_equal(lab_info(l).fastopen, TV_FO_ACCEPTED);
		assert_int_equal(lab_info(l).bytes_queued, 0);
		lab_free(l);
	}
}

/* RFC 7413 4.2.2: what the SYN-ACK does not acknowledge leaves again with the final ACK, at once [EV-15]. */
static void test_fastopen_rest_of_the_text_leaves_at_once(void **state)
{
	static const uint32_t acked[] = {0, 1, 51, 99, 100};

	(void)state;
	for (unsigned i = 0; i < COUNT(acked); i++) {
		struct lab *l = client(false);
		uint32_t iss, left = 100 - acked[i];
		const struct tv_segment *s;

		know(l);
		iss = open_with(l, 100)->seq;
		assert_int_equal(lab_last(l)->len, 100);
		assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK, .ack_off = (int32_t)acked[i]), TV_V_OK);
		assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
		s = lab_only(l, left != 0 ? TV_ACK | TV_PSH : TV_ACK);
		assert_int_equal(s->seq, iss + 1 + acked[i]);
		assert_int_equal(s->len, left);
		for (uint32_t k = 0; k < left; k++)
			assert_int_equal(s->text[k], lab_octet(acked[i] + k));
		assert_int_equal(lab_info(l).fastopen, left == 0 ? TV_FO_ACCEPTED : TV_FO_NOT_ACCEPTED);
		assert_int_equal(lab_info(l).bytes_queued, left);
		assert_int_equal(lab_counters(l).fastopen_active, left == 0);
		assert_int_equal(lab_counters(l).fastopen_active_failed, left != 0);
		/* It took something (as Linux), or it knows nothing of the cookie: then the next SYN asks anew. */
		assert_int_equal(remembered(l).cookie_len, acked[i] != 0 ? 8 : 0);
		assert_int_equal(remembered(l).failures, 0);
		assert_int_equal(lab_counters(l).retransmissions, 0);
		lab_free(l);
	}
}

/* RFC 7413 4.1.3, Linux syn-data-mss.pkt: the MSS that the server announced, our clamp, our path; less 40. */
static void test_fastopen_how_much_text_fits(void **state)
{
	static const struct { uint16_t mss, clamp; uint32_t mtu, write, expect; } cases[] = {
		{940, 0, 1500, 2000, 900},    {10000, 0, 1500, 2000, 1420}, {1340, 1040, 1500, 2000, 1000},
		{0, 0, 1500, 2000, 496},      {1460, 0, 1000, 2000, 920},   {1460, 0, 1500, 1420, 1420},
		{1460, 0, 1500, 1419, 1419},  {1460, 0, 1500, 1, 1},        {41, 0, 1500, 10, 1},
		{40, 0, 1500, 10, 0},         {20, 0, 1500, 10, 0},         {1460, 0, 1500, 0, 0},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct lab *l = client(false);
		struct tv_fastopen_path p = {.size = sizeof p, .addr = l->peer, .cookie_len = 16, .mss = cases[i].mss};
		const struct tv_segment *s;

		l->opts.mss_max = cases[i].clamp;
		assert_int_equal(tv_link_mtu(l->s, l->now, 0, cases[i].mtu), TV_OK);
		assert_int_equal(tv_fastopen_put(l->s, l->now, &p), TV_OK);
		s = open_with(l, cases[i].write);
		assert_int_equal(s->len, cases[i].expect);
		assert_int_equal(option(s), 16);
		assert_int_equal(lab_info(l).fastopen, TV_FO_SENT);
		assert_int_equal(lab_info(l).snd_nxt, s->seq + 1 + s->len);
		lab_free(l);
	}
}

static void test_fastopen_default_mss_of_ipv6(void **state)
{
	struct lab *l = client(true);
	struct tv_fastopen_path p = {.size = sizeof p, .addr = l->peer, .cookie_len = 4};

	(void)state;
	assert_int_equal(tv_fastopen_put(l->s, l->now, &p), TV_OK);
	assert_int_equal(open_with(l, 2000)->len, 1180); /* RFC 7413 4.1.3: 1220, less 40 */
	lab_free(l);
}

/* A small buffer for the packet: as much as it holds. */
static void test_fastopen_small_packet(void **state)
{
	uint8_t bytes[TV_PACKET_MIN], data[1000] = {0};
	struct tv_packet p = {.data = bytes, .cap = sizeof bytes};
	struct lab *l = client(false);
	struct tv_connect_config g;

	(void)state;
	know(l);
	tv_connect_default(&g);
	assert_false(g.fastopen);
	g.remote.addr = l->peer;
	g.remote.port = l->peer_port;
	g.fastopen = true;
	assert_int_equal(tv_connect(l->s, l->now, &g, &l->conn, NULL), TV_OK);
	assert_int_equal(tv_send(l->s, l->now, l->conn, data, sizeof data, 0), sizeof data);
	assert_int_equal(tv_output(l->s, l->now, TV_ANY_LINK, &p, 1), 1);
	assert_in_range(p.len, TV_PACKET_MIN - 60, TV_PACKET_MIN);
	assert_int_equal(lab_info(l).snd_nxt - lab_info(l).iss, 1 + TV_PACKET_MIN - 100);
	assert_int_equal(p.len, 20 + 20 + 20 + 12 + TV_PACKET_MIN - 100);
	lab_free(l);
}

/* A cookie without text (as Linux): what it was good for cannot be told, and nothing is forgotten. */
static void test_fastopen_cookie_without_text(void **state)
{
	struct lab *l = client(false);
	struct tv_tcp_options o;

	(void)state;
	know(l);
	assert_int_equal(option(open_with(l, 0)), 8);
	l->syn.mss = 1111;
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK), TV_V_OK);
	assert_int_equal(lab_info(l).fastopen, TV_FO_NOT_ACCEPTED);
	assert_int_equal(remembered(l).cookie_len, 8);
	assert_int_equal(remembered(l).mss, 1111);
	assert_int_equal(lab_counters(l).fastopen_active_failed, 0);
	assert_int_equal(lab_counters(l).fastopen_active, 0);
	done(l);
	open_with(l, 0);
	o = granting(l, 4, true, 70);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK, .opt = &o), TV_V_OK);
	assert_int_equal(remembered(l).cookie_len, 4);
	assert_true(remembered(l).experimental);
	done(l);
	assert_int_equal(option(open_with(l, 5)), 4);
	assert_true(lab_last(l)->opt.cookie_exp);
	assert_int_equal(lab_last(l)->opt.cookie[3], 73);
	lab_free(l);
}

/* RFC 7413 4.2.2: text that is refused with a new cookie; the next SYN brings that. */
static void test_fastopen_refused_with_a_new_cookie(void **state)
{
	struct lab *l = client(false);
	struct tv_tcp_options o;

	(void)state;
	know(l);
	open_with(l, 100);
	o = granting(l, 16, false, 40);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK, .opt = &o), TV_V_OK);
	assert_int_equal(lab_only(l, TV_ACK | TV_PSH)->len, 100);
	assert_int_equal(lab_info(l).fastopen, TV_FO_NOT_ACCEPTED);
	done(l);
	assert_int_equal(option(open_with(l, 100)), 16);
	assert_memory_equal(lab_last(l)->opt.cookie, o.cookie, 16);
	assert_int_equal(lab_last(l)->len, 100);
	lab_free(l);
}

/* Nobody asked: the cookie is not remembered, as by Linux. */
static void test_fastopen_unasked_cookie_is_ignored(void **state)
{
	struct tv_fastopen_path p = {.size = sizeof p};
	struct lab *l = client(false);
	struct tv_tcp_options o;
	uint64_t cursor = 0;

	(void)state;
	lab_syn_sent(l);
	assert_int_equal(option(lab_last(l)), -1);
	o = granting(l, 8, false, 1);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK, .opt = &o), TV_V_OK);
	assert_int_equal(lab_info(l).fastopen, TV_FO_NONE);
	assert_false(tv_fastopen_next(l->s, &cursor, &p));
	lab_free(l);
}

/* Linux fallback-exp-opt.pkt: kind 34, then once kind 254; then it counts as failed (RFC 7413 4.2.1). */
static void test_fastopen_ignored_request(void **state)
{
	static const tv_time backoff[] = {60 * TV_S, 120 * TV_S};
	struct lab *l = client(false);

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned exp = 0; exp < 2; exp++) {
			assert_int_equal(option(open_with(l, 10)), 0);
			assert_int_equal(lab_last(l)->len, 0);
			assert_int_equal(lab_last(l)->opt.cookie_exp, exp);
			assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK), TV_V_OK);
			assert_int_equal(lab_info(l).fastopen, TV_FO_IGNORED);
			assert_int_equal(lab_only(l, TV_ACK | TV_PSH)->len, 10);
			assert_int_equal(remembered(l).failures, round + exp);
			assert_int_equal(remembered(l).experimental, exp == 0);
			done(l);
		}
		assert_true(remembered(l).backoff == backoff[round]);
		lab_wait(l, backoff[round] - TV_MS);
		assert_int_equal(option(open_with(l, 10)), -1);
		assert_int_equal(lab_info(l).fastopen, TV_FO_BACKED_OFF);
		assert_int_equal(lab_last(l)->len, 0);
		assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK), TV_V_OK);
		assert_int_equal(lab_only(l, TV_ACK | TV_PSH)->len, 10);
		assert_int_equal(lab_info(l).fastopen, TV_FO_BACKED_OFF);
		assert_int_equal(remembered(l).failures, round + 1);
		done(l);
		lab_wait(l, TV_MS);
		assert_int_equal(remembered(l).backoff, 0);
	}
	assert_int_equal(lab_counters(l).fastopen_losses, 2);
	lab_free(l);
}

/* RFC 7413 4.2.2, 4.1.3.1: the SYN comes again without text and option; the text follows the handshake; the
 * destination is left alone, for twice as long each time. */
static void test_fastopen_lost_syn_data(void **state)
{
	struct lab *l = client(false);

	(void)state;
	know(l);
	for (unsigned i = 0; i < 12; i++) {
		uint32_t iss = open_with(l, 1000)->seq;
		tv_time backoff = (60 * TV_S) << (i < 9 ? i : 9);

		assert_int_equal(option(lab_last(l)), 8);
		assert_int_equal(lab_last(l)->len, 1000);
		lab_wait(l, TV_S + TV_MS);
		assert_int_equal(lab_only(l, TV_SYN)->len, 0);
		assert_int_equal(lab_last(l)->seq, iss);
		assert_int_equal(option(lab_last(l)), -1);
		assert_int_equal(lab_info(l).fastopen, TV_FO_LOST);
		assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK), TV_V_OK);
		assert_int_equal(lab_only(l, TV_ACK | TV_PSH)->seq, iss + 1);
		assert_int_equal(lab_last(l)->len, 1000);
		assert_int_equal(lab_info(l).fastopen, TV_FO_LOST);
		assert_int_equal(lab_counters(l).fastopen_active_failed, i + 1);
		assert_int_equal(remembered(l).failures, i + 1);
		assert_int_equal(remembered(l).cookie_len, 8);
		assert_true(remembered(l).backoff == backoff);
		done(l);
		lab_wait(l, backoff);
	}
	/* It worked again: all is forgotten. */
	open_with(l, 10);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK, .ack_off = 10), TV_V_OK);
	assert_int_equal(remembered(l).failures, 0);
	assert_int_equal(remembered(l).backoff, 0);
	lab_free(l);
}

/* Two attempts at the same time are one failure: nothing was learnt between them. */
static void test_fastopen_failures_together_count_once(void **state)
{
	struct lab *l = client(false);
	tv_handle first;
	uint32_t ack;
	uint16_t port;

	(void)state;
	know(l);
	open_with(l, 10);
	first = l->conn;
	ack = l->ack;
	port = l->port;
	open_with(l, 10);
	lab_wait(l, TV_S + TV_MS);
	assert_int_equal(l->count, 2);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK, .stay = true), TV_V_OK);
	l->port = port;
	l->ack = ack;
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK), TV_V_OK);
	l->conn = first;
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	assert_int_equal(remembered(l).failures, 1);
	assert_int_equal(lab_counters(l).fastopen_losses, 1);
	assert_true(remembered(l).backoff == 60 * TV_S);
	lab_free(l);
}

/* The first SYN was late, not lost: its SYN-ACK acknowledges the text, or brings a cookie (Linux
 * cookie-req-timeout.pkt). */
static void test_fastopen_late_answers_are_no_failure(void **state)
{
	struct lab *l = client(false);
	struct tv_tcp_options o;

	(void)state;
	know(l);
	open_with(l, 100);
	lab_wait(l, TV_S + TV_MS);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK, .ack_off = 100), TV_V_OK);
	lab_only(l, TV_ACK);
	assert_int_equal(lab_info(l).fastopen, TV_FO_ACCEPTED);
	assert_int_equal(lab_info(l).bytes_queued, 0);
	assert_int_equal(remembered(l).failures, 0);
	done(l);
	open_with(l, 100);
	lab_wait(l, TV_S + TV_MS);
	o = granting(l, 6, false, 9);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK, .opt = &o), TV_V_OK);
	assert_int_equal(lab_only(l, TV_ACK | TV_PSH)->len, 100);
	assert_int_equal(lab_info(l).fastopen, TV_FO_LOST);
	assert_int_equal(remembered(l).failures, 0);
	assert_int_equal(remembered(l).cookie_len, 6);
	lab_free(l);
}

/* RFC 7413 4.2.1: a request too is not repeated, and a path that loses it is left alone. */
static void test_fastopen_lost_request(void **state)
{
	struct lab *l = client(false);

	(void)state;
	assert_int_equal(option(open_with(l, 10)), 0);
	lab_wait(l, TV_S + TV_MS);
	assert_int_equal(option(lab_only(l, TV_SYN)), -1);
	assert_int_equal(lab_info(l).fastopen, TV_FO_LOST);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK), TV_V_OK);
	assert_int_equal(lab_counters(l).fastopen_active_failed, 0);
	assert_int_equal(lab_counters(l).fastopen_losses, 1);
	assert_int_equal(remembered(l).failures, 1);
	assert_true(remembered(l).backoff == 60 * TV_S);
	assert_false(remembered(l).experimental);
	lab_free(l);
}

/* RFC 7413 4.1.3.1: no answer at all, and an ICMP error, are negative ones; a refusal and our own end are not. */
static void test_fastopen_attempts_that_end(void **state)
{
	enum end { NO_ANSWER, USER_LIMIT, NET, OTHER, ICMP, RST, ABORT, ENDS };
	static const enum tv_reason reasons[ENDS] = {TV_R_SYN_TIMEOUT, TV_R_USER_TIMEOUT,     TV_R_NET_UNREACHABLE,
	                                             TV_R_ICMP_OTHER,  TV_R_ADMIN_PROHIBITED, TV_R_REFUSED,
	                                             TV_R_ABORTED};

	(void)state;
	for (unsigned asks = 0; asks < 2; asks++)
		for (unsigned end = 0; end < ENDS; end++) {
			struct tv_fastopen_path p = {.size = sizeof p};
			struct lab *l = client(false);
			uint64_t cursor = 0;
			uint8_t quoted[28];

			if (asks == 0)
				know(l);
			if (end == USER_LIMIT)
				l->opts.user_timeout = 5 * TV_S;
			open_with(l, 100);
			memcpy(quoted, l->heard[0].bytes, sizeof quoted);
			if (end == NET || end == OTHER) /* soft ones: no answer follows */
				lab_icmp(l, end == NET ? 3 : 11, 0, 0, quoted, sizeof quoted);
			if (end < ICMP)
				lab_wait(l, 300 * TV_S);
			else if (end == ICMP)
				lab_icmp(l, 3, 13, 0, quoted, sizeof quoted);
			else if (end == RST)
				SAY(l, .flags = TV_RST | TV_ACK, .ack_off = asks == 0 ? 100 : 0);
			else
				tv_abort(l->s, l->now, l->conn);
			assert_int_equal(lab_info(l).state, TV_CLOSED);
			assert_int_equal(lab_info(l).reason, reasons[end]);
			if (asks != 0 && end >= RST) {
				assert_false(tv_fastopen_next(l->s, &cursor, &p));
			} else {
				assert_int_equal(remembered(l).failures, end < RST);
				assert_int_equal(remembered(l).cookie_len, asks == 0 ? 8 : 0);
			}
			assert_int_equal(lab_counters(l).fastopen_losses, end < RST);
			lab_free(l);
		}
}

/* What had backed off, or was not asked for, says nothing of the path. */
static void test_fastopen_attempts_without_it_teach_nothing(void **state)
{
	struct lab *l = client(false);
	struct tv_fastopen_path p = {.size = sizeof p, .addr = l->peer, .failures = 3, .backoff = 1000 * TV_S};

	(void)state;
	assert_int_equal(tv_fastopen_put(l->s, l->now, &p), TV_OK);
	open_with(l, 10);
	lab_wait(l, 300 * TV_S);
	assert_int_equal(lab_info(l).reason, TV_R_SYN_TIMEOUT);
	assert_int_equal(lab_info(l).fastopen, TV_FO_BACKED_OFF);
	assert_int_equal(remembered(l).failures, 3);
	tv_release(l->s, l->now, l->conn);
	lab_syn_sent(l);
	lab_wait(l, 300 * TV_S);
	assert_int_equal(lab_info(l).reason, TV_R_SYN_TIMEOUT);
	assert_int_equal(remembered(l).failures, 3);
	lab_free(l);
}

/* Linux syn-data-icmp-unreach-frag-needed.pkt: the SYN again at once, without text. */
static void test_fastopen_syn_too_big(void **state)
{
	struct lab *l = client(false);
	uint8_t quoted[28];

	(void)state;
	know(l);
	open_with(l, 1000);
	memcpy(quoted, l->heard[0].bytes, sizeof quoted);
	assert_int_equal(lab_icmp(l, 3, 4, 840, quoted, sizeof quoted), TV_V_OK);
	assert_int_equal(lab_only(l, TV_SYN)->len, 0);
	assert_int_equal(option(lab_last(l)), -1);
	assert_int_equal(lab_info(l).fastopen, TV_FO_LOST);
	assert_int_equal(lab_info(l).pmtu, 840);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK), TV_V_OK);
	assert_int_equal(l->count, 2);
	assert_int_equal(l->heard[0].seg.seq, l->ack);
	assert_int_equal(l->heard[0].seg.len, 800);
	assert_int_equal(lab_last(l)->seq, l->ack + 800);
	assert_int_equal(lab_last(l)->len, 200);
	assert_int_equal(remembered(l).failures, 1);
	lab_free(l);
}

/* RFC 9293 3.10.7.3, first: beyond what the SYN carried is answered with a RST; the cache is as it was. */
static void test_fastopen_ack_beyond_the_text(void **state)
{
	struct lab *l = client(false);
	struct tv_tcp_options o = granting(l, 4, false, 200);

	(void)state;
	know(l);
	open_with(l, 100);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK, .ack_off = 101, .opt = &o, .stay = true),
	                 TV_V_ACK_BAD_HANDSHAKE);
	lab_only(l, TV_RST);
	assert_int_equal(lab_info(l).state, TV_SYN_SENT);
	assert_int_equal(remembered(l).cookie_len, 8);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK, .ack_off = 100), TV_V_OK);
	assert_int_equal(lab_info(l).fastopen, TV_FO_ACCEPTED);
	lab_free(l);
}

/* Linux synack-data.pkt: text, and a FIN, on the SYN-ACK. */
static void test_fastopen_text_on_the_syn_ack(void **state)
{
	struct lab *l = client(false);
	uint32_t from;

	(void)state;
	know(l);
	open_with(l, 100);
	from = l->seq; /* as the lab numbers the text of a SYN */
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK | TV_PSH, .ack_off = 100, .len = 500), TV_V_OK);
	assert_int_equal(lab_only(l, TV_ACK)->ack, from + 501);
	assert_int_equal(lab_info(l).fastopen, TV_FO_ACCEPTED);
	assert_int_equal(lab_read(l, &from), 500);
	lab_free(l);
}

/* Linux simultaneous-fast-open.pkt: our text counts, the peer's comes again. */
static void test_fastopen_simultaneous_open(void **state)
{
	static const uint32_t acked[] = {0, 50, 100};

	(void)state;
	for (unsigned again = 0; again < 2; again++) /* by its SYN-ACK, or by a plain ACK */
		for (unsigned i = 0; i < COUNT(acked); i++) {
			struct lab *l = client(false);
			struct tv_tcp_options o = granting(l, 8, false, 90);
			uint32_t irs = l->seq;

			know(l);
			open_with(l, 100);
			assert_int_equal(SAY(l, .flags = TV_SYN, .opt = &o, .len = 50), TV_V_OK);
			assert_int_equal(lab_only(l, TV_SYN | TV_ACK)->ack, irs + 1);
			assert_int_equal(lab_last(l)->len, 0);
			assert_int_equal(option(lab_last(l)), -1);
			l->seq = again == 0 ? irs : irs + 1;
			SAY(l, .flags = again == 0 ? TV_SYN | TV_ACK : TV_ACK, .ack_off = (int32_t)acked[i]);
			assert_int_equal(l->verdict, TV_V_OK);
			assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
			assert_int_equal(lab_info(l).fastopen, acked[i] == 100 ? TV_FO_ACCEPTED : TV_FO_NOT_ACCEPTED);
			assert_int_equal(lab_info(l).bytes_queued, 100 - acked[i]);
			assert_int_equal(lab_info(l).bytes_in_flight, 100 - acked[i]);
			assert_int_equal(remembered(l).cookie_len, 8); /* the peer is no server: nothing is learnt */
			assert_memory_equal(remembered(l).cookie, cookie, 8);
			lab_free(l);
		}
}

/* The peer's SYN came before ours had left: no Fast Open, and nothing on our SYN-ACK. */
static void test_fastopen_peer_was_first(void **state)
{
	struct lab *l = client(false);
	struct tv_connect_config g;

	(void)state;
	know(l);
	tv_connect_default(&g);
	g.remote.addr = l->peer;
	g.remote.port = l->peer_port;
	g.local.port = l->port;
	g.fastopen = true;
	assert_int_equal(tv_connect(l->s, l->now, &g, &l->conn, NULL), TV_OK);
	assert_int_equal(tv_send(l->s, l->now, l->conn, cookie, 8, 0), 8);
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_OK);
	assert_int_equal(lab_only(l, TV_SYN | TV_ACK)->len, 0);
	assert_int_equal(option(lab_last(l)), -1);
	l->ack = lab_last(l)->seq + 1;
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	assert_int_equal(lab_info(l).fastopen, TV_FO_NONE);
	assert_int_equal(lab_only(l, TV_ACK | TV_PSH)->len, 8);
	lab_free(l);
}

/* FIN behind the text of the SYN waits for the handshake. */
static void test_fastopen_fin_follows_the_handshake(void **state)
{
	struct lab *l = client(false);

	(void)state;
	know(l);
	open_with(l, 0);
	done(l);
	open_with(l, 100);
	assert_int_equal(tv_shutdown(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(lab_hear(l), 0);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK, .ack_off = 100), TV_V_OK);
	assert_int_equal(lab_last(l)->flags & TV_FIN, TV_FIN);
	assert_int_equal(lab_last(l)->seq, l->ack + 100);
	assert_int_equal(lab_info(l).state, TV_FIN_WAIT_1);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fastopen_first_visit_asks_second_sends),
		cmocka_unit_test(test_fastopen_rest_of_the_text_leaves_at_once),
		cmocka_unit_test(test_fastopen_how_much_text_fits),
		cmocka_unit_test(test_fastopen_default_mss_of_ipv6),
		cmocka_unit_test(test_fastopen_small_packet),
		cmocka_unit_test(test_fastopen_cookie_without_text),
		cmocka_unit_test(test_fastopen_refused_with_a_new_cookie),
		cmocka_unit_test(test_fastopen_unasked_cookie_is_ignored),
		cmocka_unit_test(test_fastopen_ignored_request),
		cmocka_unit_test(test_fastopen_lost_syn_data),
		cmocka_unit_test(test_fastopen_failures_together_count_once),
		cmocka_unit_test(test_fastopen_late_answers_are_no_failure),
		cmocka_unit_test(test_fastopen_lost_request),
		cmocka_unit_test(test_fastopen_attempts_that_end),
		cmocka_unit_test(test_fastopen_attempts_without_it_teach_nothing),
		cmocka_unit_test(test_fastopen_syn_too_big),
		cmocka_unit_test(test_fastopen_ack_beyond_the_text),
		cmocka_unit_test(test_fastopen_text_on_the_syn_ack),
		cmocka_unit_test(test_fastopen_simultaneous_open),
		cmocka_unit_test(test_fastopen_peer_was_first),
		cmocka_unit_test(test_fastopen_fin_follows_the_handshake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
