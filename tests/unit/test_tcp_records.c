/*
 * test_tcp_records.c - the small records: what a half-open and a TIME-WAIT record remember is what their
 * unpacking gives back, and a segment for one of them meets the same checks as for a full record.
 */
#include "lab.h"
#include "tcp/open/open.h"

/* Half-open: the record of a SYN unpacked is what the SYN makes of a full one, for all options, both families, and
 * every kind of number. */
static void test_records_half_open_unpacked_is_what_the_syn_made(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 8 * 2 * 16; i++) {
		struct lab *l = lab_new(NULL, i / 8 % 2 != 0);
		struct tv_core *c = &l->s->core;
		struct tv_segment s = {.flags = TV_SYN, .wnd = (uint16_t)lab_random(&seed), .key.v6 = l->v6,
		                       .seq = lab_random(&seed) * 2 + 1};
		struct tv_endpoint local = {.addr = l->us, .port = 80}, remote = {.addr = l->peer, .port = 1234};
		struct tv_tcb t, back;
		struct tv_key k, key;
		uint8_t era;
		uint32_t slot;

		s.opt.has = (i & 1 ? TV_OPT_HAS_TS : 0) | (i & 2 ? TV_OPT_HAS_SACK_OK : 0) |
		            (i & 4 ? TV_OPT_HAS_WSCALE : 0) | (i & 16 ? TV_OPT_HAS_MSS : 0);
		s.opt.mss = (uint16_t)lab_random(&seed);
		s.opt.wscale = (uint8_t)(lab_random(&seed) % 16);
		s.opt.ts_val = lab_random(&seed);
		l->opts.nodelay = (i & 32) != 0;
		l->opts.rcv_buf = 1024u << (lab_random(&seed) % 20);
		lab_listen(l);
		memset(&t, 0, sizeof t);
		t.flags = TV_F_SCRATCH;
		t.listener = (uint16_t)((uint32_t)l->listener + 1);
		t.profile = tv_listener_at(c, (uint32_t)l->listener)->profile;
		t.zone = (i & 64) != 0 && l->v6 ? 9 : 0;
		tv_key_make(&k, l->v6, t.zone, &local, &remote);
		tv_open_passive(c, &t, &s, &k);
		era = t.rtt.era;
		memset(&t.rtt, 0, sizeof t.rtt); /* of the connection that may come of it, not of the record */
		t.rtt.era = era;
		t.opt.ts_recent_at = c->coarse;
		if ((t.opt.flags & TV_O_TS) == 0)
			t.opt.ts_offset = 0;
		slot = tv_pool_take(&c->halves, tv_region(c));
		s.key = k;
		tv_half_open(c, slot, (uint32_t)l->listener, &s);
		t.challenge_ms = lab_random(&seed);
		tv_half_update(c, slot, &t);
		tv_half_unpack(c, slot, &back, &key);
		t.want = 0; /* what is to be said was said */
		assert_memory_equal(key.b, k.b, l->v6 ? 36 : 12);
		assert_int_equal(key.zone, k.zone);
		assert_int_equal(key.v6, k.v6);
		assert_memory_equal(&back, &t, sizeof t);
		lab_free(l);
	}
}

/* Half-open: the short way into a connection is taken by exactly those final ACKs that begin at RCV.NXT and to which
 * each step of the spine says NEXT, and these steps leave nothing behind. */
static void test_records_half_open_completes_where_the_steps_promote(void **state)
{
	static const uint16_t flags[] = {TV_ACK, TV_ACK | TV_PSH, TV_ACK | TV_FIN, TV_ACK | TV_URG, TV_ACK | TV_SYN,
	                                 TV_ACK | TV_RST, TV_SYN, TV_RST, TV_PSH, 0};
	uint64_t seed = 3;
	unsigned both[2] = {0, 0};

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct lab *l = lab_new(NULL, (i & 1) != 0);
		struct tv_core *c = &l->s->core;
		struct tv_endpoint local = {.addr = l->us, .port = 80}, remote = {.addr = l->peer, .port = 1234};
		struct tv_segment syn = {.flags = TV_SYN, .seq = 0xffffffffu - i, .wnd = 1000};
		uint32_t slot = tv_pool_take(&c->halves, tv_region(c));

		lab_listen(l);
		tv_key_make(&syn.key, l->v6, 0, &local, &remote);
		syn.opt.has = (i & 2) != 0 ? TV_OPT_HAS_TS : 0;
		syn.opt.ts_val = lab_random(&seed);
		tv_half_open(c, slot, (uint32_t)l->listener, &syn);
		for (unsigned n = 0; n < 4000; n++) {
			struct tv_segment s = {.key = syn.key, .flags = flags[lab_random(&seed) % 3]};
			const struct tv_half *h = tv_half_at(c, slot);
			struct tv_tcb t, before;
			struct tv_key k;
			bool promoted;

			if (lab_random(&seed) % 4 == 0)
				s.flags = flags[lab_random(&seed) % COUNT(flags)];
			s.seq = h->irs + 1 + (lab_random(&seed) % 8 == 0 ? lab_random(&seed) % 5 - 2 : 0);
			s.ack = h->iss + 1 + (lab_random(&seed) % 8 == 0 ? lab_random(&seed) % 5 - 2 : 0);
			s.len = lab_random(&seed) % 3 * 100;
			s.opt.has = lab_random(&seed) % 8 != 0 ? syn.opt.has : syn.opt.has ^ TV_OPT_HAS_TS;
			s.opt.ts_val = syn.opt.ts_val + lab_random(&seed) % 8 - 2;
			tv_half_unpack(c, slot, &t, &k);
			before = t;
			promoted = tv_tcp_steps(c, &t, &s) == TV_PROMOTE;
			assert_int_equal(tv_half_completes(h, &s), promoted && s.seq == h->irs + 1);
			if (promoted)
				assert_memory_equal(&t, &before, sizeof t);
			both[promoted]++;
			c->reply_head = c->reply_tail;
		}
		lab_free(l);
	}
	assert_true(both[0] > 1000 && both[1] > 1000);
}

/* TIME-WAIT: the same for what a connection at its end has to know. */
static void test_records_time_wait_unpacked_is_what_was_packed(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		struct lab *l = lab_new(NULL, (i & 1) != 0);
		struct tv_core *c = &l->s->core;
		struct tv_endpoint local = {.addr = l->us, .port = 80}, remote = {.addr = l->peer, .port = 1234};
		struct tv_tcb t, back, again;
		struct tv_key k, key;
		uint8_t rest[TV_KEY_REST], other[TV_KEY_REST];
		uint32_t slot = tv_pool_take(&c->waits, tv_region(c));

		memset(&t, 0, sizeof t);
		t.flags = TV_F_SCRATCH | ((i & 2) != 0 ? TV_F_ACTIVE : 0);
		t.state = TV_TIME_WAIT;
		t.v6 = l->v6;
		t.zone = (uint8_t)(i & 4);
		t.link = (uint8_t)(i & 1);
		t.snd.nxt = t.snd.una = lab_random(&seed);
		t.rcv.nxt = t.rcv.acked = lab_random(&seed);
		t.rcv.adv = t.rcv.nxt + lab_random(&seed) % 100000;
		t.opt.ts_recent = lab_random(&seed);
		t.opt.ts_recent_at = lab_random(&seed);
		t.opt.ts_offset = lab_random(&seed);
		t.opt.flags = (uint8_t)(i >> 3 & 7);
		t.opt.rcv_scale = (uint8_t)(lab_random(&seed) % 15);
		t.challenge_ms = lab_random(&seed);
		tv_key_make(&k, l->v6, t.zone, &local, &remote);
		tv_key_store(&k, t.key, rest);
		tv_wait_pack(c, slot, &t, rest);
		tv_wait_unpack(c, slot, &back, &key);
		tv_key_store(&key, back.key, other); /* a scratch record has its key beside it */
		assert_memory_equal(&back, &t, sizeof t);
		assert_memory_equal(key.b, k.b, l->v6 ? 36 : 12);
		tv_wait_pack(c, slot, &back, other);
		tv_wait_unpack(c, slot, &again, &key);
		tv_key_store(&key, again.key, other);
		assert_memory_equal(&again, &back, sizeof t);
		assert_memory_equal(key.b, k.b, l->v6 ? 36 : 12);
		lab_free(l);
	}
}

/* To TIME-WAIT, the handle given back or not. */
static void time_wait(struct lab *l, bool released)
{
	lab_state(l, TV_TIME_WAIT);
	if (released)
		assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(lab_counters(l).time_waits, released ? 1 : 0);
}

/* Is the connection still in TIME-WAIT, as either record? */
static bool waits(struct lab *l, bool released)
{
	return released ? lab_counters(l).time_waits == 1 : lab_info(l).state == TV_TIME_WAIT;
}

/* [EV-31] [EV-32]: the same answers from a full and from a small record, RFC 1337, RFC 5961. */
static void test_records_time_wait_answers_alike_full_and_small(void **state)
{
	static const struct {
		struct say say;
		enum tv_verdict verdict;
		uint16_t answer; /* 0: none */
	} cases[] = {
		{{.flags = TV_FIN | TV_ACK, .off = -1}, TV_V_OK, TV_ACK},          /* the peer's FIN again */
		{{.flags = TV_FIN | TV_ACK, .off = -11, .len = 10}, TV_V_OK, TV_ACK},
		{{.flags = TV_RST}, TV_V_RST_TIME_WAIT, 0},
		{{.flags = TV_RST, .off = 1}, TV_V_RST_TIME_WAIT, 0},
		{{.flags = TV_RST, .off = -1}, TV_V_RST_OUT_OF_WINDOW, 0},
		{{.flags = TV_ACK}, TV_V_TIME_WAIT_OTHER, 0},
		{{.flags = TV_ACK, .len = 10}, TV_V_TIME_WAIT_OTHER, TV_ACK},
		{{.flags = TV_ACK, .off = -10, .len = 5}, TV_V_OUT_OF_WINDOW, TV_ACK},
		{{.flags = TV_SYN, .off = -5}, TV_V_SYN_CHALLENGED, TV_ACK},       /* an old SYN */
		{{.flags = TV_SYN, .off = -1}, TV_V_SYN_CHALLENGED, TV_ACK},       /* not beyond the FIN */
		{{.flags = TV_SYN | TV_ACK, .off = 5}, TV_V_SYN_CHALLENGED, TV_ACK},
		{{.flags = TV_ACK, .ack_off = 1}, TV_V_ACK_TOO_NEW, TV_ACK},
		{{.flags = 0}, TV_V_NO_ACK, 0},
		{{.flags = TV_FIN, .off = -1}, TV_V_OUT_OF_WINDOW, TV_ACK},        /* without ACK: no FIN of a peer */
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases) * 4; i++) {
		struct lab *l = lab_new(NULL, (i & 1) != 0);
		bool released = (i & 2) != 0;
		struct say say = cases[i / 4].say;

		time_wait(l, released);
		say.stay = true;
		if (lab_say(l, &say) != cases[i / 4].verdict)
			fail_msg("case %u: %s", i, tv_verdict_name((enum tv_verdict)l->verdict));
		if (cases[i / 4].answer == 0) {
			assert_int_equal(l->count, 0);
		} else {
			assert_int_equal(lab_only(l, cases[i / 4].answer)->ack, l->seq);
			assert_int_equal(lab_last(l)->seq, l->ack);
		}
		assert_true(waits(l, released));
		lab_wait(l, 62 * TV_S);
		assert_false(waits(l, released));
		lab_free(l);
	}
}

/* [EV-31]: only the FIN begins 2 MSL anew. */
static void test_records_time_wait_fin_again_restarts_the_wait(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct lab *l = lab_new(NULL, false);
		bool released = (i & 1) != 0, fin = (i & 2) != 0;

		time_wait(l, released);
		lab_wait(l, 40 * TV_S);
		if (fin)
			SAY(l, .flags = TV_FIN | TV_ACK, .off = -1);
		else
			SAY(l, .flags = TV_ACK, .off = -1, .len = 1);
		lab_only(l, TV_ACK);
		lab_wait(l, 30 * TV_S);
		assert_int_equal(waits(l, released), fin);
		lab_wait(l, 31 * TV_S);
		assert_false(waits(l, released));
		lab_free(l);
	}
}

/* No room for what a small record has to say: dropped and counted, and said when the FIN comes again. */
static void test_records_time_wait_fin_again_while_replies_are_full(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint16_t port;
	uint8_t bytes[100];
	struct tv_packet p = {.data = bytes};

	(void)state;
	time_wait(l, true);
	port = l->port;
	for (unsigned i = 0; i <= l->cfg.replies; i++) {
		l->port = i < l->cfg.replies ? 81 : port; /* nobody listens at 81: each is worth a RST */
		p.len = lab_build(l, &(struct say){.flags = TV_FIN | TV_ACK, .off = -1}, bytes);
		tv_input(l->s, l->now, &p, 1, NULL);
	}
	assert_int_equal(lab_counters(l).replies_dropped, 1);
	lab_hear(l);
	assert_int_equal(l->count, l->cfg.replies);
	assert_int_equal(lab_last(l)->flags, TV_RST);
	assert_int_equal(SAY(l, .flags = TV_FIN | TV_ACK, .off = -1, .stay = true), TV_V_OK);
	assert_int_equal(lab_only(l, TV_ACK)->ack, l->seq);
	lab_free(l);
}

/* By configuration a RST ends it, as RFC 9293 says - at exactly RCV.NXT. */
static void test_records_time_wait_rst_ends_it_when_configured(void **state)
{
	(void)state;
	for (unsigned released = 0; released < 2; released++) {
		struct tv_config g;
		struct lab *l;

		lab_config(&g);
		g.time_wait_rst = true;
		l = lab_new(&g, false);
		time_wait(l, released != 0);
		assert_int_equal(SAY(l, .flags = TV_RST, .off = 1), TV_V_RST_INEXACT);
		assert_true(waits(l, released != 0));
		assert_int_equal(SAY(l, .flags = TV_RST), TV_V_OK);
		assert_false(waits(l, released != 0));
		lab_free(l);
	}
}

/* RFC 6191, RFC 9293 3.6.1 [SHLD-4] [MAY-2]: which SYN may open the tuple again. */
static void test_records_time_wait_new_syn_reopens(void **state)
{
	static const struct {
		bool old_ts, new_ts;
		int32_t ts, seq;           /* against the last ones */
		bool opens;
	} cases[] = {
		{true, true, 1, -1000, true},  {true, true, 0, 0, true},     {true, true, 0, -1, false},
		{true, true, -1, 1000, false}, {true, false, 0, 0, true},    {true, false, 0, -1, false},
		{false, true, 5, 0, true},     {false, true, 5, -1, false},  {false, false, 0, 0, true},
		{false, false, 0, 1, true},    {false, false, 0, -1, false},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases) * 2; i++) {
		struct lab *l = lab_new(NULL, false);
		bool released = i % 2 != 0;
		uint32_t seq, next;

		l->syn.has |= cases[i / 2].old_ts ? TV_OPT_HAS_TS : 0;
		lab_listen(l);
		lab_passive(l);
		assert_int_equal(tv_shutdown(l->s, l->now, l->conn), TV_OK);
		lab_hear(l);
		l->ack++;
		SAY(l, .flags = TV_FIN | TV_ACK);
		if (released)
			tv_release(l->s, l->now, l->conn);
		assert_true(waits(l, released));
		next = l->ack;
		seq = l->seq;
		l->syn.has = TV_OPT_HAS_MSS | (cases[i / 2].new_ts ? TV_OPT_HAS_TS : 0);
		l->tsval += (uint32_t)cases[i / 2].ts;
		l->seq = seq + (uint32_t)cases[i / 2].seq;
		SAY(l, .flags = TV_SYN);
		assert_true(waits(l, released)); /* until that handshake is complete */
		if (!cases[i / 2].opens) {
			assert_int_equal(lab_counters(l).half_opens, 0);
			lab_free(l);
			continue;
		}
		assert_int_equal(lab_counters(l).half_opens, 1);
		assert_true(seq_gt(lab_only(l, TV_SYN | TV_ACK)->seq, next)); /* beyond the old numbers [MAY-2] */
		next = lab_last(l)->seq;
		SAY(l, .flags = TV_RST); /* changed its mind: TIME-WAIT is still there */
		assert_true(waits(l, released));
		assert_int_equal(lab_counters(l).half_opens, 0);
		l->seq--;
		SAY(l, .flags = TV_SYN);
		l->ack = lab_only(l, TV_SYN | TV_ACK)->seq + 1;
		l->ts = cases[i / 2].new_ts;
		SAY(l, .flags = TV_ACK);
		assert_false(waits(l, released));
		assert_int_equal(lab_counters(l).time_wait_reused, 1);
		if (!released) {
			lab_events(l, l->conn);
			assert_int_equal(l->reason, TV_R_REPLACED);
		}
		assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
		assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
		lab_free(l);
	}
}

/* A table that is full loses its oldest, and says so. */
static void test_records_time_wait_full_evicts_the_oldest(void **state)
{
	struct tv_config g;
	struct lab *l;
	uint16_t first;

	(void)state;
	lab_config(&g);
	g.time_waits = 3;
	l = lab_new(&g, true);
	first = l->peer_port;
	for (unsigned i = 0; i < 5; i++) {
		lab_state(l, TV_TIME_WAIT);
		tv_release(l->s, l->now, l->conn);
		l->peer_port++;
		lab_wait(l, TV_S);
	}
	assert_int_equal(lab_counters(l).time_waits, 3);
	assert_int_equal(lab_counters(l).time_wait_evicted, 2);
	for (uint16_t i = 0; i < 5; i++) {
		uint64_t cursor = 0;
		struct tv_info info = {.size = sizeof info};
		tv_handle h;
		bool found = false;

		while (tv_next(l->s, &cursor, &h, &info))
			found = found || info.remote.port == first + i;
		assert_int_equal(found, i >= 2);
	}
	lab_free(l);
}

/* Without a table the full record waits. */
static void test_records_time_wait_without_a_table_stays_full(void **state)
{
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.time_waits = 0;
	l = lab_new(&g, false);
	lab_state(l, TV_TIME_WAIT);
	tv_release(l->s, l->now, l->conn);
	assert_int_equal(lab_counters(l).connections, 1);
	lab_wait(l, 61 * TV_S);
	assert_int_equal(lab_counters(l).connections, 0);
	lab_free(l);
}

/* Unread text keeps the full record; when it is read and released, the small one follows. */
static void test_records_time_wait_keeps_unread_text(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t from;

	(void)state;
	lab_state(l, TV_FIN_WAIT_2);
	from = l->seq;
	SAY(l, .flags = TV_FIN | TV_ACK, .len = 100);
	assert_int_equal(lab_info(l).state, TV_TIME_WAIT);
	lab_wait(l, 61 * TV_S);
	assert_int_equal(lab_info(l).state, TV_CLOSED);
	assert_int_equal(lab_read(l, &from), 100); /* also after its end [EV-51] */
	assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(lab_counters(l).connections, 0);
	lab_free(l);
}

/* [EV-35]: an old duplicate SYN; the peer resets our answer, and the listener listens as before. */
static void test_records_old_duplicate_syn_is_recovered_from(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_listen(l);
	l->seq = 90;
	SAY(l, .flags = TV_SYN);
	assert_int_equal(lab_only(l, TV_SYN | TV_ACK)->ack, 91);
	SAY(l, .flags = TV_RST); /* SEQ=91: our ACK was not for anything it had sent */
	assert_int_equal(lab_counters(l).half_opens, 0);
	l->seq = 100;
	lab_passive(l);
	assert_int_equal(lab_info(l).state, TV_ESTABLISHED);
	assert_int_equal(lab_info(l).irs, 100);
	lab_free(l);
}

/* [EV-36]: the peer crashed and begins anew; our challenge tells it, its RST tells us. */
static void test_records_half_open_discovery_by_the_challenge(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t expected;

	(void)state;
	lab_passive(l);
	expected = l->seq;
	l->seq = 400;
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_SYN_CHALLENGED);
	assert_int_equal(lab_only(l, TV_ACK)->ack, expected);
	l->seq = expected;
	assert_int_equal(SAY(l, .flags = TV_RST), TV_V_OK);
	lab_events(l, l->conn);
	assert_int_equal(l->reason, TV_R_RESET);
	tv_release(l->s, l->now, l->conn);
	l->seq = 400;
	lab_passive(l); /* and the SYN again is taken */
	lab_free(l);
}

/* What a half-open record says is what a full one would: challenges, repeated SYN, wrong ACK, RST. */
static void test_records_half_open_checks_as_a_connection(void **state)
{
	static const struct {
		struct say say;
		enum tv_verdict verdict;
		uint16_t answer;
		bool stays;
	} cases[] = {
		{{.flags = TV_SYN, .off = -1}, TV_V_OK, TV_SYN | TV_ACK, true},
		{{.flags = TV_SYN, .off = 7}, TV_V_SYN_CHALLENGED, TV_ACK, true},
		{{.flags = TV_SYN, .off = -9}, TV_V_SYN_CHALLENGED, TV_ACK, true},
		{{.flags = TV_SYN | TV_ACK, .off = -1}, TV_V_SYN_CHALLENGED, TV_ACK, true},
		{{.flags = TV_ACK, .ack_off = 1}, TV_V_ACK_BAD_HANDSHAKE, TV_RST, true},
		{{.flags = TV_ACK, .ack_off = -1}, TV_V_ACK_BAD_HANDSHAKE, TV_RST, true},
		{{.flags = TV_ACK, .off = -1}, TV_V_OUT_OF_WINDOW, TV_ACK, true},
		{{.flags = TV_ACK, .off = 65535}, TV_V_OUT_OF_WINDOW, TV_ACK, true},
		{{.flags = 0, .len = 3}, TV_V_NO_ACK, 0, true},
		{{.flags = TV_RST, .off = 3}, TV_V_RST_INEXACT, TV_ACK, true},
		{{.flags = TV_RST, .off = -3}, TV_V_RST_OUT_OF_WINDOW, 0, true},
		{{.flags = TV_RST}, TV_V_OK, 0, false},
		{{.flags = TV_ACK, .len = 100}, TV_V_OK, TV_ACK, false},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases) * 2; i++) {
		struct lab *l = lab_new(NULL, i % 2 != 0);

		lab_listen(l);
		SAY(l, .flags = TV_SYN);
		l->ack = lab_only(l, TV_SYN | TV_ACK)->seq + 1;
		if (lab_say(l, &cases[i / 2].say) != cases[i / 2].verdict)
			fail_msg("case %u: %s", i, tv_verdict_name((enum tv_verdict)l->verdict));
		if (cases[i / 2].answer == 0)
			assert_int_equal(l->count, 0);
		else
			lab_only(l, cases[i / 2].answer);
		assert_int_equal(lab_counters(l).half_opens, cases[i / 2].stays);
		lab_free(l);
	}
}

/* The challenge gap of small records is their own: 500 ms, then again (RFC 5961 7). */
static void test_records_challenges_are_spaced(void **state)
{
	(void)state;
	for (unsigned kind = 0; kind < 3; kind++) {
		struct lab *l = lab_new(NULL, false);

		if (kind == 0) {
			lab_listen(l);
			SAY(l, .flags = TV_SYN);
			l->ack = lab_only(l, TV_SYN | TV_ACK)->seq + 1;
		} else if (kind == 1) {
			time_wait(l, true);
		} else {
			lab_passive(l);
		}
		SAY(l, .flags = TV_SYN, .off = -70000);
		lab_only(l, TV_ACK);
		for (unsigned i = 0; i < 3; i++) {
			SAY(l, .flags = TV_SYN, .off = -70000);
			assert_int_equal(l->count, 0);
		}
		assert_int_equal(lab_counters(l).challenge_acks, 1);
		assert_int_equal(lab_counters(l).challenge_suppressed, 3);
		lab_wait(l, 499 * TV_MS);
		SAY(l, .flags = TV_SYN, .off = -70000);
		assert_int_equal(l->count, 0);
		lab_wait(l, TV_MS);
		SAY(l, .flags = TV_SYN, .off = -70000);
		lab_only(l, TV_ACK);
		assert_int_equal(lab_counters(l).challenge_acks, 2);
		lab_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_records_half_open_completes_where_the_steps_promote),
		cmocka_unit_test(test_records_half_open_unpacked_is_what_the_syn_made),
		cmocka_unit_test(test_records_time_wait_unpacked_is_what_was_packed),
		cmocka_unit_test(test_records_time_wait_answers_alike_full_and_small),
		cmocka_unit_test(test_records_time_wait_fin_again_restarts_the_wait),
		cmocka_unit_test(test_records_time_wait_fin_again_while_replies_are_full),
		cmocka_unit_test(test_records_time_wait_rst_ends_it_when_configured),
		cmocka_unit_test(test_records_time_wait_new_syn_reopens),
		cmocka_unit_test(test_records_time_wait_full_evicts_the_oldest),
		cmocka_unit_test(test_records_time_wait_without_a_table_stays_full),
		cmocka_unit_test(test_records_time_wait_keeps_unread_text),
		cmocka_unit_test(test_records_old_duplicate_syn_is_recovered_from),
		cmocka_unit_test(test_records_half_open_discovery_by_the_challenge),
		cmocka_unit_test(test_records_half_open_checks_as_a_connection),
		cmocka_unit_test(test_records_challenges_are_spaced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
