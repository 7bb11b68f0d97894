/*
 * test_review_sizes.c - buffers of every size given to tv_output(), super-segments at the limits of their
 * 16-bit fields, and the receive window at the edges of its scale.
 */
#include "lab.h"

/* Adds up what the packets of one connection carry, checking each against its buffer. */
struct sink {
	struct tv_ip ip;
	struct tv_segment seg;
	uint32_t next;             /* sequence number of the next octet */
	uint32_t bytes, packets, largest;
};

static void take(struct sink *k, const struct tv_packet *p, uint32_t base)
{
	static uint8_t whole[1 << 17];
	uint32_t n = p->len;

	assert_true(p->len <= p->cap);
	memcpy(whole, p->data, p->len);
	for (unsigned i = 0; i < p->piece_count; i++) {
		memcpy(whole + n, p->pieces[i].data, p->pieces[i].len);
		n += p->pieces[i].len;
	}
	assert_true(n <= UINT16_MAX + 40u);
	assert_int_equal(tv_ip_parse(&k->ip, whole, n), TV_V_OK);
	assert_int_equal(k->ip.header_len + k->ip.len, n);
	assert_int_equal(tv_segment_parse(&k->seg, &k->ip, TV_PKT_CSUM_OK, 0, TV_ARCH_PORTABLE), TV_V_OK);
	if (k->seg.len == 0)
		return;
	assert_true(p->seg_size == 0 || k->seg.len > p->seg_size); /* 0: a single segment */
	assert_int_equal(k->seg.seq, k->next);
	for (uint32_t i = 0; i < k->seg.len; i++)
		assert_int_equal(k->seg.text[i], lab_octet(k->next - base + i));
	k->next += k->seg.len;
	k->bytes += k->seg.len;
	k->packets++;
	k->largest = k->seg.len > k->largest ? k->seg.len : k->largest;
}

static void fill(uint8_t *bytes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		bytes[i] = lab_octet(i);
}

/* trivet.h, tv_output(): a buffer below the MTU gets shorter segments, one below TV_PACKET_MIN nothing. */
static void test_sizes_output_buffer_of_any_size_is_never_overrun(void **state)
{
	static const uint32_t caps[] = {0, 1, 19, 20, 40, 60, 113, 127, 128, 129, 200, 600, 1000, 1499, 1500};
	static uint8_t bytes[5000], room[4096], packet[256];

	(void)state;
	fill(bytes, sizeof bytes);
	for (unsigned v6 = 0; v6 < 2; v6++)
		for (unsigned i = 0; i < COUNT(caps); i++) {
			struct lab *l = lab_new(NULL, v6 != 0);
			struct sink k = {0};
			struct tv_packet p, in = {.data = packet};
			uint32_t base;

			l->opts.nodelay = true;
			l->syn.has |= TV_OPT_HAS_TS;
			lab_active(l);
			k.next = base = lab_info(l).snd_nxt;
			assert_int_equal(tv_send(l->s, l->now, l->conn, bytes, 5000, TV_SEND_FIN), 5000);
			for (unsigned turn = 0; turn < 1000 && k.bytes < sizeof bytes; turn++) {
				memset(room, 0xa5, sizeof room);
				memset(&p, 0, sizeof p);
				p.data = room;
				p.cap = caps[i];
				if (tv_output(l->s, l->now, TV_ANY_LINK, &p, 1) == 0)
					break;
				for (uint32_t at = caps[i]; at < sizeof room; at++)
					assert_int_equal(room[at], 0xa5);
				take(&k, &p, base);
				l->tsval++;
				struct say ack = {.flags = TV_ACK, .ack_off = (int32_t)k.bytes};

				in.len = lab_build(l, &ack, packet);
				tv_input(l->s, l->now, &in, 1, NULL);
			}
			assert_int_equal(tv_stack_check(l->s), 0);
			assert_int_equal(k.bytes, caps[i] < TV_PACKET_MIN ? 0 : sizeof bytes);
			lab_free(l);
		}
}

/* Replies into small buffers: a RST fits where TV_PACKET_MIN does, and is kept where it does not. */
static void test_sizes_reply_waits_for_a_buffer(void **state)
{
	struct lab *l = lab_new(NULL, true);
	uint8_t p[256], room[256];
	struct tv_packet in = {.data = p}, out = {.data = room, .cap = TV_PACKET_MIN - 1};

	(void)state;
	in.len = lab_build(l, &(struct say){.flags = TV_SYN}, p);
	tv_input(l->s, l->now, &in, 1, NULL);
	assert_int_equal(tv_output(l->s, l->now, TV_ANY_LINK, &out, 1), 0);
	out.cap = TV_PACKET_MIN;
	assert_int_equal(tv_output(l->s, l->now, TV_ANY_LINK, &out, 1), 1);
	lab_free(l);
}

/* A stack whose one link cuts up super-segments; an MSS as the case says. */
static struct lab *cutter(uint16_t mss, bool v6, bool gather, uint32_t gso)
{
	struct lab *l = lab_new(NULL, v6);
	struct tv_link *link = tv_link_at(l->s, 0);

	link->csum_offload = true;
	link->gather = gather;
	link->gso_bytes = gso;
	l->syn.mss = mss;
	l->syn.has |= TV_OPT_HAS_WSCALE | TV_OPT_HAS_TS;
	l->syn.wscale = 10;
	return l;
}

/* Opens it, and opens the peer's window: that of its SYN,ACK is not scaled (RFC 7323 2.2). */
static struct tv_tcb *open_wide(struct lab *l)
{
	lab_active(l);
	assert_int_equal(lab_say(l, &(struct say){.flags = TV_ACK}), TV_V_OK);
	return tv_conn(&l->s->core, (uint32_t)l->conn);
}

/* RFC 791 3.1, RFC 8200 3: lengths have 16 bits, so no super-segment is longer, whatever the link says. */
static void test_sizes_super_segment_fits_its_length_field(void **state)
{
	static const uint16_t sizes[] = {48, 60, 524, 536, 549, 1000, 1337, 1460};
	static uint8_t bytes[1 << 18], data[1 << 17];

	(void)state;
	fill(bytes, sizeof bytes);
	for (unsigned i = 0; i < COUNT(sizes) * 4; i++) {
		struct lab *l = cutter(sizes[i / 4], i % 2 != 0, i % 4 >= 2, 65535);
		struct tv_piece pieces[64];
		struct tv_packet p = {.data = data, .cap = sizeof data, .pieces = pieces, .piece_cap = 64};
		struct tv_tcb *t;
		struct sink k = {0};
		uint32_t base;

		l->opts.nodelay = true;
		t = open_wide(l);
		t->cc.cwnd = 1 << 20;
		k.next = base = lab_info(l).snd_nxt;
		assert_int_equal(tv_send(l->s, l->now, l->conn, bytes, sizeof bytes, 0), sizeof bytes);
		while (tv_output(l->s, l->now, TV_ANY_LINK, &p, 1) == 1)
			take(&k, &p, base);
		assert_int_equal(k.bytes, sizeof bytes);
		assert_true(k.largest > 60000);
		assert_int_equal(tv_stack_check(l->s), 0);
		lab_free(l);
	}
}

/* Pieces are handed out only where the link sums: a link that gathers and does not sum gets a copy, summed. */
static void test_sizes_gather_without_checksum_offload_is_copied(void **state)
{
	static uint8_t bytes[3000], data[2000];
	struct lab *l = cutter(1000, false, true, 0);
	struct tv_piece pieces[16];
	struct tv_packet p = {.data = data, .cap = sizeof data, .pieces = pieces, .piece_cap = 16};
	struct tv_segment s;
	struct tv_ip ip;

	(void)state;
	fill(bytes, sizeof bytes);
	tv_link_at(l->s, 0)->csum_offload = false;
	lab_active(l);
	assert_int_equal(tv_send(l->s, l->now, l->conn, bytes, sizeof bytes, 0), sizeof bytes);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(tv_output(l->s, l->now, TV_ANY_LINK, &p, 1), 1);
		assert_int_equal(p.piece_count, 0);
		assert_int_equal(p.flags & TV_PKT_CSUM_PARTIAL, 0);
		assert_int_equal(tv_ip_parse(&ip, data, p.len), TV_V_OK);
		assert_int_equal(tv_segment_parse(&s, &ip, 0, 0, TV_ARCH_PORTABLE), TV_V_OK);
		assert_true(s.len != 0);
	}
	lab_free(l);
}

/* A buffer with room for one segment and a part of the next gets one, and that is no super-segment. */
static void test_sizes_super_segment_cut_to_one_segment_is_a_single_one(void **state)
{
	static uint8_t bytes[4000], data[8000];

	(void)state;
	fill(bytes, sizeof bytes);
	for (uint32_t cap = 1000; cap < 3300; cap += 4) {
		struct lab *l = cutter(1000, false, false, 65000);
		struct tv_packet p = {.data = data, .cap = cap};
		struct sink k = {0};
		uint32_t base;

		l->opts.nodelay = true;
		lab_active(l);
		k.next = base = lab_info(l).snd_nxt;
		assert_int_equal(tv_send(l->s, l->now, l->conn, bytes, sizeof bytes, 0), sizeof bytes);
		while (tv_output(l->s, l->now, TV_ANY_LINK, &p, 1) == 1)
			take(&k, &p, base);
		assert_int_equal(k.bytes, sizeof bytes);
		lab_free(l);
	}
}

/* Few pieces and a small buffer: the super-segment is as long as these can carry. */
static void test_sizes_gather_with_few_pieces_sends_shorter_ones(void **state)
{
	static const uint16_t piece_caps[] = {0, 1, 2, 3, 8, 64};
	static const uint32_t caps[] = {128, 600, 1600, 9000, 1 << 17};
	static uint8_t bytes[100000], data[1 << 17];

	(void)state;
	fill(bytes, sizeof bytes);
	for (unsigned i = 0; i < COUNT(piece_caps) * COUNT(caps); i++) {
		struct lab *l = cutter(1460, false, true, 65000);
		struct tv_piece pieces[64];
		struct tv_packet p = {.data = data, .cap = caps[i / COUNT(piece_caps)], .pieces = pieces,
		                      .piece_cap = piece_caps[i % COUNT(piece_caps)]};
		struct tv_tcb *t;
		struct sink k = {0};
		uint32_t base;

		l->opts.nodelay = true;
		l->cfg.ranges_each = 1024;
		t = open_wide(l);
		t->cc.cwnd = 1 << 20;
		k.next = base = lab_info(l).snd_nxt;
		/* Small writes first: small pages, each a piece of its own. */
		for (uint32_t at = 0; at < 900; at += 90)
			assert_int_equal(tv_send(l->s, l->now, l->conn, bytes + at, 90, 0), 90);
		assert_int_equal(tv_send(l->s, l->now, l->conn, bytes + 900, sizeof bytes - 900, 0),
		                 sizeof bytes - 900);
		for (unsigned turn = 0; turn < 20000 && k.bytes < sizeof bytes; turn++) {
			if (tv_output(l->s, l->now, TV_ANY_LINK, &p, 1) == 0)
				break;
			take(&k, &p, base);
		}
		assert_int_equal(k.bytes, sizeof bytes);
		assert_int_equal(tv_stack_check(l->s), 0);
		lab_free(l);
	}
}

/* RFC 7323 2.4, RFC 9293 3.8.6 [SHLD-14]: what the scale rounds up must not add up: a peer that sends octet
 * by octet gets no more than one and a half buffers. */
static void test_sizes_window_rounding_does_not_add_up(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t buffer = 131072 + 1, unit;

	(void)state;
	l->opts.rcv_buf = buffer;
	l->syn.has |= TV_OPT_HAS_WSCALE;
	lab_active(l);
	unit = 1u << lab_info(l).rcv_scale;
	assert_true(unit >= 4);
	while (lab_info(l).rcv_wnd >= 1000) {
		SAY(l, .flags = TV_ACK, .len = 1000);
		lab_wait(l, 50 * TV_MS);
	}
	for (unsigned i = 0; i < 40000; i++) {
		uint32_t left = lab_info(l).rcv_wnd;

		if (left == 0)
			break;
		SAY(l, .flags = TV_ACK, .len = left > unit - 1 ? unit - 1 : left);
		lab_set(l, TV_OPT_QUICK_ACK, 1);
		lab_hear(l);
	}
	assert_true(lab_info(l).bytes_unread <= buffer / 2 * 3 + unit);
	assert_int_equal(lab_info(l).rcv_wnd, 0);
	lab_free(l);
}

/* A link number that does not exist is the packet's fault, not the end of the program. */
static void test_sizes_packet_of_an_unknown_link_is_dropped(void **state)
{
	static const uint16_t links[] = {1, 2, 3, 4, 5, 63, 64, 255, 256, 65535};
	struct lab *l = lab_new(NULL, false);
	uint8_t p[256], verdict;
	struct tv_packet in = {.data = p};

	(void)state;
	lab_listen(l);
	in.len = lab_build(l, &(struct say){.flags = TV_SYN}, p);
	for (unsigned i = 0; i < COUNT(links); i++) {
		in.link = links[i];
		tv_input(l->s, l->now, &in, 1, &verdict);
		assert_int_equal(verdict, TV_V_BAD_METADATA);
	}
	assert_int_equal(lab_counters(l).half_opens, 0);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes_output_buffer_of_any_size_is_never_overrun),
		cmocka_unit_test(test_sizes_reply_waits_for_a_buffer),
		cmocka_unit_test(test_sizes_super_segment_fits_its_length_field),
		cmocka_unit_test(test_sizes_gather_without_checksum_offload_is_copied),
		cmocka_unit_test(test_sizes_super_segment_cut_to_one_segment_is_a_single_one),
		cmocka_unit_test(test_sizes_gather_with_few_pieces_sends_shorter_ones),
		cmocka_unit_test(test_sizes_window_rounding_does_not_add_up),
		cmocka_unit_test(test_sizes_packet_of_an_unknown_link_is_dropped),
	};

	return cmocka_run_group_tests_name("review_sizes", tests, NULL, NULL);
}
