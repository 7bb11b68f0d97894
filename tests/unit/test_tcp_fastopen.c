/*
 * test_tcp_fastopen.c - Fast Open (RFC 7413), the client: what goes on the SYN, what its answer means, and what
 * is remembered of the destination.
 */
#include "lab.h"

static const uint8_t cookie[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static struct lab *client(bool v6)
{
	return lab_new(NULL, v6);
}

/* The one destination that is remembered. */
static struct tv_fastopen_path remembered(const struct lab *l)
{
	struct tv_fastopen_path p = {.size = sizeof p};
	uint64_t cursor = 0;

	assert_true(tv_fastopen_next(l->s, &cursor, &p));
	assert_false(tv_fastopen_next(l->s, &cursor, &(struct tv_fastopen_path){.size = sizeof p}));
	return p;
}

/* Opens, and writes n octets before the SYN leaves. */
static const struct tv_segment *open_with(struct lab *l, uint32_t n)
{
	struct tv_connect_config g;

	tv_connect_default(&g);
	g.remote.addr = l->peer;
	g.remote.port = l->peer_port;
	g.options = &l->opts;
	g.fastopen = true;
	assert_int_equal(tv_connect(l->s, l->now, &g, &l->conn, NULL), TV_OK);
	assert_int_equal(lab_info(l).fastopen, TV_FO_PLANNED);
	l->sent = 0;
	if (n != 0)
		lab_send(l, n, 0); /* hears what it makes the stack say */
	else
		lab_hear(l);
	lab_only(l, TV_SYN);
	l->ack = l->heard[0].seg.seq + 1;
	l->port = tv_key_remote_port(&l->heard[0].seg.key);
	l->ts = (l->syn.has & TV_OPT_HAS_TS) != 0;
	return &l->heard[0].seg;
}

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

/* A destination whose cookie and MSS are known already. */
static void know(struct lab *l)
{
	struct tv_fastopen_path p = {.size = sizeof p, .addr = l->peer, .cookie_len = 8, .mss = 1460};

	memcpy(p.cookie, cookie, sizeof cookie);
	assert_int_equal(tv_fastopen_put(l->s, l->now, &p), TV_OK);
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
		assert_int_equal(lab_info(l).fastopen, acked[i] != 0 ? TV_FO_ACCEPTED : TV_FO_NOT_ACCEPTED);
		assert_int_equal(lab_info(l).bytes_queued, left);
		assert_int_equal(lab_counters(l).fastopen_active, acked[i] != 0);
		assert_int_equal(lab_counters(l).fastopen_active_failed, acked[i] == 0);
		assert_int_equal(lab_counters(l).retransmissions, 0);
		lab_free(l);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fastopen_first_visit_asks_second_sends),
		cmocka_unit_test(test_fastopen_rest_of_the_text_leaves_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
