/* test_tcp_urgent.c - urgent data, received and sent (RFC 9293 3.8.5, RFC 6093). */
#include "lab.h"

/* [MUST-30] [MUST-32] [MUST-33]: the pointer's news are told once each; how much is left. */
static void test_urgent_pointer_told_when_it_moves(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t from;
	uint8_t b[3];

	(void)state;
	lab_active(l);
	from = l->seq;
	SAY(l, .flags = TV_ACK | TV_URG, .urg = 7, .len = 10);
	assert_int_equal(lab_events(l, l->conn), TV_EV_URGENT | TV_EV_READABLE);
	assert_int_equal(lab_info(l).urgent_left, 7);
	assert_int_equal(tv_recv(l->s, l->now, l->conn, b, 3, 0), 3);
	assert_int_equal(lab_info(l).urgent_left, 4);
	SAY(l, .flags = TV_ACK | TV_URG, .urg = 7, .off = -10, .len = 10); /* the same pointer again */
	assert_int_equal(lab_events(l, l->conn), 0);
	SAY(l, .flags = TV_ACK | TV_URG, .urg = 4, .len = 4);
	assert_int_equal(lab_events(l, l->conn), TV_EV_URGENT);
	assert_int_equal(lab_info(l).urgent_left, 11);
	from += 3;
	assert_int_equal(lab_read(l, &from), 11); /* it stays in the stream (RFC 6093) */
	assert_int_equal(lab_info(l).urgent_left, 0);
	SAY(l, .flags = TV_ACK | TV_URG, .urg = 0); /* points at what was read */
	assert_int_equal(lab_events(l, l->conn), 0);
	SAY(l, .flags = TV_ACK, .urg = 9); /* no URG, no pointer */
	assert_int_equal(lab_info(l).urgent_left, 0);
	SAY(l, .flags = TV_ACK | TV_URG, .urg = 1000); /* ahead of the text */
	assert_int_equal(lab_events(l, l->conn), TV_EV_URGENT);
	assert_int_equal(lab_info(l).urgent_left, 1000);
	lab_free(l);
}

/* [MUST-31]: a pointer that goes ahead for more than 64 KiB. */
static void test_urgent_data_of_any_length_received(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t from, left = 0;

	(void)state;
	lab_active(l);
	from = l->seq;
	for (unsigned i = 0; i < 100; i++) {
		SAY(l, .flags = TV_ACK | TV_URG, .urg = 60000, .len = 1000);
		assert_int_equal(lab_events(l, l->conn) & TV_EV_URGENT, TV_EV_URGENT);
		assert_true(lab_info(l).urgent_left > left);
		left = lab_info(l).urgent_left;
	}
	assert_int_equal(left, 99 * 1000 + 60000);
	assert_int_equal(lab_read(l, &from), 100000);
	assert_int_equal(lab_info(l).urgent_left, 59000);
	lab_free(l);
}

/* [MUST-31] [MUST-62] [SHLD-13]: our own urgent text, over several segments, one repeated. */
static void test_urgent_text_sent_points_behind_it(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t end;

	(void)state;
	l->opts.nodelay = true;
	lab_active(l);
	lab_send(l, 4000, TV_SEND_URGENT);
	end = l->ack + 4000;
	assert_int_equal(l->count, 3);
	for (unsigned i = 0; i < 3; i++) {
		assert_true((l->heard[i].seg.flags & TV_URG) != 0);
		assert_int_equal(l->heard[i].seg.seq + l->heard[i].seg.urg, end);
	}
	l->ack += 4000;
	SAY(l, .flags = TV_ACK);
	lab_send(l, 10, 0);
	assert_int_equal(lab_only(l, TV_ACK | TV_PSH)->urg, 0);
	l->ack += 10;
	SAY(l, .flags = TV_ACK);
	lab_send(l, 5, TV_SEND_URGENT);
	assert_int_equal(lab_only(l, TV_ACK | TV_PSH | TV_URG)->urg, 5);
	lab_wait(l, 250 * TV_MS);
	assert_int_equal(lab_only(l, TV_ACK | TV_PSH | TV_URG)->urg, 5);
	lab_free(l);
}

/* Urgent text farther ahead than 16 bits can say: URG only where the pointer fits [MUST-31]. */
static void test_urgent_text_beyond_16_bits_points_when_near(void **state)
{
	struct lab *l = lab_new(NULL, false);
	uint32_t end, urgent = 0, plain = 0;

	(void)state;
	lab_active(l);
	lab_send(l, 100000, TV_SEND_URGENT);
	end = l->ack + 100000;
	for (unsigned turn = 0; turn < 200 && seq_lt(l->ack, end); turn++) {
		for (unsigned i = 0; i < l->count; i++) {
			const struct tv_segment *s = &l->heard[i].seg;

			if ((s->flags & TV_URG) != 0)
				assert_int_equal(s->seq + s->urg, end);
			else
				assert_true(end - s->seq > 65535);
			urgent += (s->flags & TV_URG) != 0;
			plain += (s->flags & TV_URG) == 0;
			l->ack = s->seq + s->len;
		}
		SAY(l, .flags = TV_ACK);
	}
	assert_int_equal(l->ack, end);
	assert_true(urgent > 40 && plain > 20);
	lab_free(l);
}

/* As Linux: no super-segment while an urgent pointer goes out, and again as soon as its octet is acknowledged. */
static void test_urgent_text_acknowledged_super_segments_again(void **state)
{
	(void)state;
	for (int32_t all = 0; all < 2; all++) {
		struct lab *l = lab_new(NULL, false);

		tv_link_at(l->s, 0)->csum_offload = true;
		tv_link_at(l->s, 0)->gso_bytes = 65000;
		l->syn.mss = 1000;
		l->opts.nodelay = true;
		lab_active(l);
		lab_send(l, 100, TV_SEND_URGENT);
		assert_int_equal(lab_only(l, TV_URG | TV_PSH | TV_ACK)->urg, 100);
		SAY(l, .flags = TV_ACK, .ack_off = 99 + all);
		lab_send(l, 3000, 0);
		assert_int_equal(l->count, all != 0 ? 1 : 3);
		lab_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urgent_pointer_told_when_it_moves),
		cmocka_unit_test(test_urgent_data_of_any_length_received),
		cmocka_unit_test(test_urgent_text_sent_points_behind_it),
		cmocka_unit_test(test_urgent_text_beyond_16_bits_points_when_near),
		cmocka_unit_test(test_urgent_text_acknowledged_super_segments_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
