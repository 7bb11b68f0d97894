/*
 * test_tcp_edges.c - the last octet inside and the first outside: of the windows, of PAWS, of the limits
 * on records, ranges and pages; super-segments and gathered packets; and the checker itself.
 */
#include "lab.h"

#include "stack/handles.h"

#define DAYS_24 (24ull * 24 * 3600 * TV_S)

/* RFC 9293 3.10.7.4, fifth; RFC 5961 5: from SND.UNA - MAX.SND.WND to SND.NXT [EV-26] [MAY-12] */
static void test_edges_ack_believed_between_its_bounds(void **state)
{
	static const struct {
		int32_t ack;               /* against SND.UNA; 100 octets are in flight */
		enum tv_verdict verdict;
	} cases[] = {
		{-65535, TV_V_OK}, {-65536, TV_V_ACK_TOO_OLD}, {0, TV_V_OK}, {100, TV_V_OK}, {101, TV_V_ACK_TOO_NEW},
		{INT32_MAX, TV_V_ACK_TOO_NEW}, {-1000000, TV_V_ACK_TOO_OLD},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct lab *l = lab_new(NULL, false);

		lab_active(l);
		lab_send(l, 100, 0);
		assert_int_equal(SAY(l, .flags = TV_ACK, .ack_off = cases[i].ack, .len = 10), cases[i].verdict);
		assert_int_equal(lab_info(l).bytes_unread, cases[i].verdict == TV_V_OK ? 10 : 0);
		assert_int_equal(lab_counters(l).challenge_acks, cases[i].verdict != TV_V_OK);
		lab_free(l);
	}
}

static struct lab *with_stamps(void)
{
	struct lab *l = lab_new(NULL, false);

	l->syn.has |= TV_OPT_HAS_TS;
	lab_active(l);
	return l;
}

/* RFC 7323 3.2, 5.3: older is dropped and answered; none is dropped silently; RST is exempt. */
static void test_edges_paws_older_or_missing_timestamp_is_dropped(void **state)
{
	struct tv_tcp_options none = {0}, old = {.has = TV_OPT_HAS_TS};
	struct lab *l = with_stamps();

	(void)state;
	old.ts_val = l->tsval - 1;
	assert_int_equal(SAY(l, .flags = TV_ACK, .len = 10, .opt = &none, .stay = true), TV_V_MISSING_TIMESTAMP);
	assert_int_equal(l->count, 0);
	for (unsigned i = 0; i < 2; i++) { /* text: answered each time */
		assert_int_equal(SAY(l, .flags = TV_ACK, .len = 10, .opt = &old, .stay = true), TV_V_PAWS);
		lab_only(l, TV_ACK);
	}
	for (unsigned i = 0; i < 2; i++) { /* nothing in it: once in the gap */
		assert_int_equal(SAY(l, .flags = TV_ACK, .opt = &old), TV_V_PAWS);
		assert_int_equal(l->count, i == 0);
	}
	assert_int_equal(SAY(l, .flags = TV_SYN, .off = 5, .opt = &none), TV_V_SYN_CHALLENGED);
	assert_int_equal(SAY(l, .flags = TV_ACK, .len = 10), TV_V_OK);
	assert_int_equal(lab_info(l).bytes_unread, 10);
	assert_int_equal(SAY(l, .flags = TV_RST, .opt = &none), TV_V_OK);
	assert_int_equal(lab_info(l).state, TV_CLOSED);
	lab_free(l);
}

/* RFC 7323 5.5: TS.Recent is void after more than 24 days; whatever TSval comes then is the new one. */
static void test_edges_paws_void_after_24_days(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		struct tv_tcp_options old = {.has = TV_OPT_HAS_TS};
		struct lab *l = with_stamps();
		bool void_now = i == 1 || i > 3;

		old.ts_val = l->tsval - 1000;
		lab_wait(l, 5 * TV_S); /* until nothing waits: then a stack may sleep for long */
		if (i < 2) { /* so long, and a second more */
			lab_sleep(l, DAYS_24 - 6 * TV_S + i * 2 * TV_S);
		} else if (i > 3) { /* and when a clock of milliseconds has gone round */
			lab_sleep(l, (i == 4 ? 2 : 80) * DAYS_24 + 2 * DAYS_24 / 10);
		} else { /* an equal TSval keeps it young, a later one, too */
			lab_sleep(l, DAYS_24 - TV_S);
			l->tsval += i - 2;
			assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
			lab_sleep(l, DAYS_24 - TV_S);
		}
		assert_int_equal(SAY(l, .flags = TV_ACK, .len = 10, .opt = &old), void_now ? TV_V_OK : TV_V_PAWS);
		lab_wait(l, 50 * TV_MS);
		if (void_now) {
			lab_send(l, 1, 0);
			assert_int_equal(lab_last(l)->opt.ts_ecr, old.ts_val);
			old.ts_val--;
			assert_int_equal(SAY(l, .flags = TV_ACK, .len = 10, .opt = &old), TV_V_PAWS);
		}
		lab_free(l);
	}
}

/* RFC 7323 4.3 (2): only a segment that covers Last.ACK.sent updates TS.Recent. */
static void test_edges_ts_recent_from_segments_that_cover_last_ack(void **state)
{
	struct tv_tcp_options o = {.has = TV_OPT_HAS_TS};
	struct lab *l = with_stamps();

	(void)state;
	o.ts_val = l->tsval + 50;
	SAY(l, .flags = TV_ACK, .off = 100, .len = 10, .opt = &o);
	assert_int_equal(lab_only(l, TV_ACK)->opt.ts_ecr, l->tsval);
	SAY(l, .flags = TV_ACK, .off = 1, .len = 10, .opt = &o);
	assert_int_equal(lab_only(l, TV_ACK)->opt.ts_ecr, l->tsval);
	o.ts_val++;
	SAY(l, .flags = TV_ACK, .len = 10, .opt = &o);
	assert_int_equal(lab_only(l, TV_ACK)->opt.ts_ecr, o.ts_val);
	lab_free(l);
}

/* Pieces out of order: so many for a connection, so many in all; a piece that grows needs none. */
static void test_edges_ranges_run_out_text_is_dropped(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct tv_config g;
		struct lab *l;

		lab_config(&g);
		if (i == 0)
			g.ranges_each = 3;
		else
			g.ranges = 3;
		l = lab_new(&g, false);
		lab_active(l);
		for (int32_t k = 1; k <= 3; k++)
			assert_int_equal(SAY(l, .flags = TV_ACK, .off = k * 1000, .len = 100), TV_V_OK);
		assert_int_equal(SAY(l, .flags = TV_ACK, .off = 4000, .len = 100), TV_V_NO_RANGE);
		assert_int_equal(lab_only(l, TV_ACK)->ack, l->seq);
		assert_int_equal(lab_counters(l).range_failures, i);
		assert_int_equal(SAY(l, .flags = TV_ACK, .off = 3100, .len = 100), TV_V_OK);
		assert_int_equal(lab_info(l).bytes_out_of_order, 400);
		assert_int_equal(SAY(l, .flags = TV_ACK, .len = 1000), TV_V_OK); /* room again */
		assert_int_equal(SAY(l, .flags = TV_ACK, .off = 3500, .len = 100), TV_V_OK);
		lab_free(l);
	}
}

/* At least 64, or one for each 512 octets of the receive buffer. */
static void test_edges_pieces_for_a_small_buffer_are_64(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	l->opts.rcv_buf = 16384;
	lab_active(l);
	for (int32_t k = 1; k <= 70; k++)
		assert_int_equal(SAY(l, .flags = TV_ACK, .off = k * 2, .len = 1), k <= 64 ? TV_V_OK : TV_V_NO_RANGE);
	lab_free(l);
}

/* Records of busy connections run out: text out of order is dropped, duplicates are not told of. */
static void test_edges_busy_records_run_out(void **state)
{
	struct tv_config g;
	struct lab *l;
	tv_handle first;

	(void)state;
	lab_config(&g);
	g.busy = 1;
	l = lab_new(&g, false);
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	l->opts.nodelay = true;
	lab_active(l);
	SAY(l, .flags = TV_ACK, .off = 1000, .len = 100);
	first = l->conn;
	l->peer_port++;
	lab_active(l);
	assert_int_equal(SAY(l, .flags = TV_ACK, .off = 1000, .len = 100), TV_V_NO_RANGE);
	assert_true(lab_counters(l).record_failures >= 1);
	assert_int_equal(SAY(l, .flags = TV_ACK, .len = 100), TV_V_OK);
	SAY(l, .flags = TV_ACK, .off = -100, .len = 100);
	lab_only(l, TV_ACK);
	lab_send(l, 100, 0); /* one piece needs no record */
	assert_int_equal(lab_only(l, TV_PSH | TV_ACK)->len, 100);
	lab_send(l, 200, 0); /* the second cannot be remembered: not sent, until there is room */
	SAY(l, .flags = TV_ACK, .ack_off = -100);
	for (unsigned i = 0; i < l->count; i++)
		assert_int_equal(l->heard[i].seg.len, 0);
	lab_wait(l, 2 * TV_S); /* what is lost waits for the next time-out that finds a record */
	assert_int_equal(l->count, 0);
	tv_abort(l->s, l->now, first);
	lab_hear(l);
	lab_wait(l, 4 * TV_S);
	assert_int_equal(l->heard[0].seg.len, 100);
	assert_int_equal(lab_last(l)->len, 200);
	lab_free(l);
}

/* No record for the map of what is in flight: three duplicates tell of a loss that cannot be noted; the time-out
 * that finds a record repeats it (RFC 6298 5.4). */
static void test_edges_no_busy_record_loss_waits_for_the_time_out(void **state)
{
	struct tv_config g;
	struct lab *l;
	tv_handle first;

	(void)state;
	lab_config(&g);
	g.busy = 1;
	l = lab_new(&g, false);
	lab_active(l);
	SAY(l, .flags = TV_ACK, .off = 1000, .len = 100);
	first = l->conn;
	l->peer_port++;
	lab_active(l);
	lab_send(l, 100, 0);
	assert_int_equal(lab_only(l, TV_PSH | TV_ACK)->len, 100);
	for (unsigned i = 0; i < 4; i++) {
		SAY(l, .flags = TV_ACK);
		assert_int_equal(l->count, 0);
	}
	assert_int_equal(lab_info(l).bytes_in_flight, 100);
	tv_abort(l->s, l->now, first);
	lab_hear(l);
	lab_wait(l, 2 * TV_S);
	assert_int_equal(lab_last(l)->len, 100);
	l->ack += 100;
	SAY(l, .flags = TV_ACK);
	assert_int_equal(lab_info(l).bytes_in_flight, 0);
	lab_free(l);
}

/* Pages run out: what is early goes first, from the right; then text in order is not acknowledged. */
static void test_edges_pages_run_out_left_edge_goes_on(void **state)
{
	struct { uint32_t seq, ack; tv_handle h; uint16_t port; } c[4];
	struct tv_config g;
	struct lab *l;
	bool full = false, in_order = false;

	(void)state;
	lab_config(&g);
	g.pages = 32;
	g.small_pages = 16;
	l = lab_new(&g, false);
	for (unsigned i = 0; i < 4; i++) {
		l->peer_port++;
		lab_active(l);
		c[i].seq = l->seq, c[i].ack = l->ack, c[i].h = l->conn, c[i].port = l->port;
		for (int32_t off = i == 0 ? 40000 : 3000; off < 45000 && !full; off += 2000) {
			SAY(l, .flags = TV_ACK, .off = off, .len = 1400);
			full = l->verdict == TV_V_NO_PAGE;
			assert_true(full || l->verdict == TV_V_OK);
			assert_int_equal(lab_last(l)->ack, l->seq);
		}
	}
	assert_true(full);
	assert_int_equal(lab_counters(l).page_failures, 1);
	for (unsigned i = 0; i < 4; i++) {
		l->conn = c[i].h, l->seq = c[i].seq, l->ack = c[i].ack, l->port = c[i].port;
		l->peer_port = (uint16_t)(40001 + i);
		for (unsigned k = 0; k < 30; k++) {
			uint32_t before = lab_info(l).rcv_nxt;

			SAY(l, .flags = TV_ACK, .len = 1400);
			l->seq = lab_info(l).rcv_nxt;
			if (l->verdict != TV_V_OK)
				break;
			assert_true(l->seq - before >= 1400);
		}
		if (i == 0) /* its three pieces gave way, one after the other */
			assert_int_equal(lab_counters(l).pruned_ranges, 3);
		if (l->verdict == TV_V_NO_PAGE) {
			uint32_t from = c[i].seq;

			in_order = true;
			assert_int_equal(lab_info(l).bytes_out_of_order, 0); /* nothing early is left to give */
			assert_int_equal(lab_last(l)->ack, l->seq);
			assert_int_equal(lab_read(l, &from), l->seq - c[i].seq);
			assert_int_equal(SAY(l, .flags = TV_ACK, .len = 1000), TV_V_OK); /* reading makes room */
		}
	}
	assert_true(in_order);
	assert_true(lab_counters(l).page_failures >= 2);
	lab_free(l);
}

/* RFC 2883 4: of two pieces held already the first is told; what lies beyond the window is no duplicate. */
static void test_edges_duplicates_are_told_once_and_truly(void **state)
{
	struct lab *l = lab_new(NULL, false);
	const struct tv_segment *s;

	(void)state;
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	lab_active(l);
	lab_set(l, TV_OPT_SIDE, 1);
	SAY(l, .flags = TV_ACK, .off = 1000, .len = 500);
	SAY(l, .flags = TV_ACK, .off = 2000, .len = 500);
	SAY(l, .flags = TV_ACK, .off = 800, .len = 2200);
	s = lab_only(l, TV_ACK);
	assert_int_equal(s->opt.sack[0].left, l->seq + 1000);
	assert_int_equal(s->opt.sack[0].right, l->seq + 1500);
	assert_int_equal(s->opt.sack[1].left, l->seq + 800);
	assert_int_equal(s->opt.sack[1].right, l->seq + 3000);
	assert_int_equal(s->opt.sack_count, 2);
	assert_int_equal(SAY(l, .flags = TV_ACK, .off = 2000000, .len = 100), TV_V_OUT_OF_WINDOW);
	s = lab_only(l, TV_ACK);
	assert_int_equal(s->opt.sack_count, 1);
	assert_int_equal(s->opt.sack[0].left, l->seq + 800);
	assert_int_equal(lab_info(l).duplicate_segs, 0);
	assert_int_equal(lab_counters(l).dsacks_out, 1);
	lab_free(l);
}

/* A duplicate takes no busy record where it cannot be told: without SACK, for a small record. */
static void test_edges_duplicates_without_sack_take_no_record(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_active(l);
	SAY(l, .flags = TV_ACK, .len = 100);
	SAY(l, .flags = TV_ACK, .off = -100, .len = 100);
	assert_int_equal(l->s->core.busies.used, 0);
	l->syn.has |= TV_OPT_HAS_SACK_OK;
	l->peer_port++;
	lab_state(l, TV_TIME_WAIT);
	lab_wait(l, TV_S);
	tv_release(l->s, l->now, l->conn);
	SAY(l, .flags = TV_ACK, .off = -100, .len = 50);
	lab_only(l, TV_ACK);
	assert_int_equal(l->s->core.busies.used, 0);
	lab_free(l);
}

/* The listener's options can be changed; what follows inherits them. */
static void test_edges_options_of_a_listener_change(void **state)
{
	struct lab *l = lab_new(NULL, false);

	(void)state;
	lab_listen(l);
	assert_int_equal(tv_set(l->s, l->now, l->listener, (enum tv_option)(TV_OPT_FASTOPEN + 1), 1), TV_EINVAL);
	assert_int_equal(tv_set(l->s, l->now, l->listener, TV_OPT_DSCP, 64), TV_EINVAL);
	assert_int_equal(tv_set(l->s, l->now, l->listener, TV_OPT_DSCP, 33), TV_OK);
	assert_int_equal(tv_set(l->s, l->now, l->listener, TV_OPT_USER, 55), TV_OK);
	assert_int_equal(tv_set(l->s, l->now, l->listener, TV_OPT_SIDE, 1), TV_ESTATE); /* of a connection alone */
	lab_passive(l);
	assert_int_equal(lab_info(l).dscp, 33);
	assert_int_equal(lab_info(l).user, 55);
	lab_free(l);
}

/* ---- Links that cut, sum and gather ---- */
static struct lab *offload(uint32_t gso, bool gather)
{
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_IP, .mtu = 1500, .csum_offload = true,
	                              .gather = gather, .gso_bytes = gso};
	struct lab *l = lab_new(NULL, false);

	assert_int_equal(tv_link_add(l->s, l->now, &link), 1);
	l->us = tv_addr_v4(10, 0, 0, 1);
	l->peer = tv_addr_v4(10, 0, 0, 2);
	assert_int_equal(tv_address_add(l->s, l->now, 1, &l->us, 104), TV_OK);
	l->syn.mss = 1000;
	return l;
}

/* The text of one write, as it leaves in super-segments of whole segments, the rest at the end. */
static void test_edges_super_segments_by_size(void **state)
{
	static const struct {
		uint32_t gso, bytes;
		bool nodelay;
		uint32_t busy;             /* octets in flight already */
		uint32_t lens[4];
	} cases[] = {
		{4000, 3500, true, 0, {3500}},       {4000, 4000, true, 0, {4000}},
		{4000, 4500, true, 0, {4000, 500}},  {4000, 5000, false, 0, {4000, 1000}},
		{4100, 5000, true, 0, {4000, 1000}}, {1000, 2500, true, 0, {1000, 1000, 500}},
		{1999, 2000, true, 0, {1000, 1000}}, {2000, 2000, true, 0, {2000}},
		{4000, 900, true, 0, {900}},         {0, 2000, true, 0, {1000, 1000}},
		/* Nagle (RFC 9293 A.3): a small one in flight, alone or at the end of a longer text, holds the rest. */
		{4000, 3500, false, 100, {3000}},    {4000, 3500, false, 1500, {3000}},
		{4000, 3500, true, 100, {3500}},     {4000, 3500, false, 2000, {3500}},
		{4000, 3500, false, 1000, {3500}},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct lab *l = offload(cases[i].gso, false);
		unsigned n = 0;

		l->opts.nodelay = cases[i].nodelay;
		lab_active(l);
		if (cases[i].busy != 0)
			lab_send(l, cases[i].busy, 0);
		lab_send(l, cases[i].bytes, 0);
		while (n < 4 && cases[i].lens[n] != 0)
			n++;
		assert_int_equal(l->count, n);
		for (unsigned k = 0; k < n; k++) {
			if (l->heard[k].seg.len != cases[i].lens[k])
				fail_msg("case %u, packet %u: %u octets", i, k, l->heard[k].seg.len);
			assert_int_equal((l->heard[k].seg.flags & TV_PSH) != 0,
			                 cases[i].lens[k] != 3000 && k + 1 == n);
		}
		lab_free(l);
	}
}

/* RFC 9293 3.1: of the pseudo-header; what a link that sums has to find in the checksum field. */
static uint32_t pseudo_sum(const uint8_t *ip, uint32_t tcp_len)
{
	uint32_t sum = TV_PROTO_TCP + tcp_len;

	for (unsigned i = 12; i < 20; i += 2)
		sum += (uint32_t)ip[i] << 8 | ip[i + 1];
	return (sum & 0xffff) + (sum >> 16);
}

/* Pieces point at the text; when there are too few, it is copied. */
static void test_edges_gathered_text_is_not_copied(void **state)
{
	(void)state;
	for (unsigned few = 0; few < 2; few++) {
		struct lab *l = offload(16000, true);
		static uint8_t bytes[PACKET_ROOM], text[9000];
		struct tv_piece pieces[16];
		struct tv_packet p = {.data = bytes, .cap = sizeof bytes, .pieces = pieces, .piece_cap = few ? 1 : 16};
		uint32_t at = 0;

		memset(pieces, 1, sizeof pieces); /* of a packet before */
		for (unsigned i = 0; i < sizeof text; i++)
			text[i] = lab_octet(i);
		lab_active(l);
		assert_int_equal(tv_send(l->s, l->now, l->conn, text, sizeof text, 0), sizeof text);
		assert_int_equal(tv_output(l->s, l->now, TV_ANY_LINK, &p, 1), 1);
		assert_int_equal(p.flags & TV_PKT_CSUM_PARTIAL, TV_PKT_CSUM_PARTIAL);
		assert_int_equal(p.csum_start, 20);
		assert_int_equal(p.csum_offset, 16);
		assert_int_equal((uint32_t)bytes[36] << 8 | bytes[37], pseudo_sum(bytes, 20 + 9000));
		assert_int_equal(p.head_len, 40);
		assert_int_equal(p.seg_size, 1000);
		if (few != 0) {
			assert_int_equal(p.piece_count, 0);
			assert_int_equal(p.len, 40 + 9000);
			assert_memory_equal(bytes + 40, text, sizeof text);
		} else {
			assert_true(p.piece_count >= 2);
			assert_int_equal(p.len, 40);
			for (unsigned i = 0; i < p.piece_count; at += pieces[i++].len)
				assert_memory_equal(pieces[i].data, text + at, pieces[i].len);
			assert_int_equal(at, 9000);
		}
		lab_free(l);
	}
}

/* ---- The checker: each broken invariant is found, whatever stands before it ---- */
static void test_edges_checker_finds_what_is_broken(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_core *c = &l->s->core;
	struct tv_tcb *t, kept;
	struct tv_busy *b, busy;

	(void)state;
	lab_active(l);
	lab_send(l, 3000, 0);
	SAY(l, .flags = TV_ACK, .off = 500, .len = 100);
	t = tv_handle_conn(l->s, l->conn);
	b = tv_busy(c, t);
	kept = *t;
	busy = *b;
	assert_int_equal(tv_tcb_check(c, t), 0);
	for (unsigned i = 0; i < 16; i++) {
		switch (i) {
		case 0: t->state = TV_LISTEN; break;
		case 1: t->state = TV_CLOSE_WAIT; break;
		case 2: t->state = TV_FIN_WAIT_2; break;
		case 3: t->rcv.adv = t->rcv.nxt - 1; break;
		case 4: t->snd.una = t->snd.nxt + 1; break;
		case 5: t->snd.nxt += 4000; break;
		case 6: t->opt.snd_scale = 15; break;
		case 7: t->opt.mss = 3; break;
		case 8: t->out.len++; break;
		case 9: t->timer.main = 0; break;
		case 10: t->timer.node.where = 0; break;
		case 11: b->lost++; break;
		case 12: b->sacked++; break;
		case 13: b->early_bytes--; break;
		case 14: t->rcv.adv = t->rcv.nxt + 1; break;
		default: t->rcv.nxt += 500; break;
		}
		if (tv_tcb_check(c, t) == 0)
			fail_msg("case %u was not found", i);
		assert_int_not_equal(tv_stack_check(l->s), 0);
		*t = kept;
		*b = busy;
		assert_int_equal(tv_tcb_check(c, t), 0);
	}
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edges_ack_believed_between_its_bounds),
		cmocka_unit_test(test_edges_paws_older_or_missing_timestamp_is_dropped),
		cmocka_unit_test(test_edges_paws_void_after_24_days),
		cmocka_unit_test(test_edges_ts_recent_from_segments_that_cover_last_ack),
		cmocka_unit_test(test_edges_ranges_run_out_text_is_dropped),
		cmocka_unit_test(test_edges_pieces_for_a_small_buffer_are_64),
		cmocka_unit_test(test_edges_busy_records_run_out),
		cmocka_unit_test(test_edges_no_busy_record_loss_waits_for_the_time_out),
		cmocka_unit_test(test_edges_pages_run_out_left_edge_goes_on),
		cmocka_unit_test(test_edges_duplicates_are_told_once_and_truly),
		cmocka_unit_test(test_edges_duplicates_without_sack_take_no_record),
		cmocka_unit_test(test_edges_options_of_a_listener_change),
		cmocka_unit_test(test_edges_super_segments_by_size),
		cmocka_unit_test(test_edges_gathered_text_is_not_copied),
		cmocka_unit_test(test_edges_checker_finds_what_is_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
