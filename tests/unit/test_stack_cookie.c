/*
 * test_stack_cookie.c - SYN cookies: what is negotiated, what is refused, and when they are looked at.
 */
#include "lab.h"

#define PERIOD (64 * TV_S)

static struct lab *with(enum tv_cookies mode, bool v6, uint8_t secret)
{
	struct tv_config g;

	lab_config(&g);
	g.syn_cookies = mode;
	g.secret[0] = secret;
	return lab_new(&g, v6);
}

/* What a peer gets that offers l->syn: the whole handshake, then tv_info(). */
static struct tv_info handshake(struct lab *l, uint16_t port)
{
	struct tv_info info;

	l->peer_port = port;
	lab_passive(l);
	info = lab_info(l);
	assert_int_equal(info.state, TV_ESTABLISHED);
	assert_int_equal(tv_abort(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
	lab_hear(l);
	return info;
}

/* The peer echoes the timestamp of the SYN-ACK, as every peer does. */
static enum tv_verdict final_ack(struct lab *l, const struct tv_segment *syn_ack, uint32_t text)
{
	struct tv_tcp_options o = {.has = syn_ack->opt.has & TV_OPT_HAS_TS, .ts_val = l->tsval};

	o.ts_ecr = syn_ack->opt.ts_val;
	l->ack = syn_ack->seq + 1;
	return SAY(l, .flags = TV_ACK, .opt = &o, .len = text);
}

/* The SYN-ACK for a SYN with l->syn. */
static struct tv_segment syn_ack(struct lab *l, uint16_t port)
{
	l->peer_port = port;
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_OK);
	return *lab_only(l, TV_SYN | TV_ACK);
}

static struct tv_info through(struct lab *l, uint16_t port, const struct tv_tcp_options *syn)
{
	struct tv_segment answer;
	struct tv_info info;

	l->syn = *syn;
	answer = syn_ack(l, port);
	assert_int_equal(final_ack(l, &answer, 0), TV_V_OK);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
	info = lab_info(l);
	assert_int_equal(info.state, TV_ESTABLISHED);
	assert_int_equal(tv_abort(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
	lab_hear(l);
	return info;
}

/* With timestamps and an MSS of the table: scale, SACK and MSS as without a cookie, in all combinations. */
static void negotiates_the_same(bool v6)
{
	static const uint16_t table[] = {48, 536, 1220, 1360, 1440, 1460, 8960};
	struct lab *with_cookie = with(TV_COOKIES_ALWAYS, v6, 1), *without = with(TV_COOKIES_NEVER, v6, 1);
	uint16_t port = 1000;

	lab_listen(with_cookie);
	lab_listen(without);
	for (unsigned scale = 0; scale <= 15; scale++)
		for (unsigned sack = 0; sack < 2; sack++)
			for (unsigned i = 0; i < COUNT(table); i++) {
				struct tv_tcp_options syn = {.has = TV_OPT_HAS_MSS | TV_OPT_HAS_TS, .mss = table[i]};
				struct tv_info a, b;

				syn.has |= (scale < 15 ? TV_OPT_HAS_WSCALE : 0) | (sack != 0 ? TV_OPT_HAS_SACK_OK : 0);
				syn.wscale = (uint8_t)scale;
				a = through(with_cookie, ++port, &syn);
				b = through(without, port, &syn);
				assert_true(a.from_cookie && !b.from_cookie);
				assert_true(a.timestamps && b.timestamps);
				assert_int_equal(a.sack, b.sack);
				assert_int_equal(a.sack, sack);
				assert_int_equal(a.window_scale, b.window_scale);
				assert_int_equal(a.snd_scale, scale < 15 ? scale : 0);
				assert_int_equal(a.snd_scale, b.snd_scale);
				assert_int_equal(a.rcv_scale, b.rcv_scale);
				assert_int_equal(a.mss_snd, b.mss_snd);
				assert_int_equal(a.mss_peer, b.mss_peer);
				assert_int_equal(a.mss_rcv, b.mss_rcv);
				assert_int_equal(a.snd_wnd, b.snd_wnd);
				assert_int_equal(a.rcv_wnd, b.rcv_wnd);
			}
	assert_int_equal(lab_counters(with_cookie).cookies_accepted, lab_counters(with_cookie).cookies_sent);
	lab_free(with_cookie);
	lab_free(without);
}

static void test_cookie_with_timestamps_negotiates_the_same(void **state)
{
	(void)state;
	negotiates_the_same(false);
	negotiates_the_same(true);
}

/* The others: never above what the peer offered, and what the SYN-ACK says is what counts. */
static void test_cookie_without_timestamps_rounds_down(void **state)
{
	struct lab *l = with(TV_COOKIES_ALWAYS, false, 1);
	uint64_t random = 7;

	(void)state;
	lab_listen(l);
	for (uint16_t i = 0; i < 2000; i++) {
		struct tv_tcp_options syn = {.has = TV_OPT_HAS_MSS, .mss = (uint16_t)(48 + lab_random(&random) % 9000)};
		struct tv_info info;
		uint32_t choice = lab_random(&random);

		syn.has |= (choice & 1) != 0 ? TV_OPT_HAS_WSCALE : 0;
		syn.has |= (choice & 2) != 0 ? TV_OPT_HAS_SACK_OK : 0;
		syn.wscale = choice >> 4 & 15;
		info = through(l, (uint16_t)(1000 + i), &syn);
		assert_true(info.from_cookie && !info.timestamps);
		assert_true(info.mss_peer <= syn.mss);
		assert_true(!info.sack || (syn.has & TV_OPT_HAS_SACK_OK) != 0);
		assert_true(!info.window_scale || (syn.has & TV_OPT_HAS_WSCALE) != 0);
		assert_true(info.snd_scale <= syn.wscale || !info.window_scale);
	}
	lab_free(l);
}

/* What frequent peers get. A table: without timestamps the nearest lower profile, with them the MSS. */
/* The first SYN that a stack ever sees, without options: an MSS and nothing else in answer (RFC 7323 1.3, 2.2; RFC 2018
 * 2), from where it was sent to. */
static void test_cookie_for_a_first_syn_without_options(void **state)
{
	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = with(TV_COOKIES_ALWAYS, v6 != 0, 1);
		const struct tv_segment *s;

		lab_listen(l);
		SAY(l, .flags = TV_SYN);
		s = lab_only(l, TV_SYN | TV_ACK);
		assert_int_equal(s->ack, 1000001);
		assert_int_equal(s->opt.has, TV_OPT_HAS_MSS);
		assert_int_equal(s->opt.mss, v6 != 0 ? 1440 : 1460);
		assert_int_equal(s->wnd, 65535);
		assert_int_equal(tv_key_remote_port(&s->key), 80); /* as the peer sees it */
		lab_free(l);
	}
}

static void test_cookie_profiles_of_known_peers(void **state)
{
	static const struct {
		uint32_t has;
		uint16_t mss;
		uint8_t scale;
		uint32_t mss_got;
		int scale_got;             /* -1: no option */
		bool sack_got;
	} cases[] = {
		{TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK, 1460, 8, 1460, 8, true},
		{TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK, 1452, 8, 1440, 8, true},
		{TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK, 1460, 7, 1360, 7, true},
		{TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK, 1460, 5, 1220, 2, true},
		{TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK, 1460, 0, 1460, -1, false},
		{TV_OPT_HAS_SACK_OK, 1460, 0, 1460, -1, false},
		{0, 1400, 0, 536, -1, false},
		{0, 100, 0, 48, -1, false},
		{TV_OPT_HAS_TS | TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK, 1452, 7, 1440, 7, true},
		{TV_OPT_HAS_TS, 65495, 0, 8960, -1, false},
	};
	struct lab *l = with(TV_COOKIES_ALWAYS, false, 1);

	(void)state;
	lab_listen(l);
	for (uint16_t i = 0; i < COUNT(cases); i++) {
		struct tv_tcp_options syn = {
			.has = TV_OPT_HAS_MSS | cases[i].has, .mss = cases[i].mss, .wscale = cases[i].scale};
		struct tv_info info = through(l, (uint16_t)(1000 + i), &syn);

		assert_int_equal(info.mss_peer, cases[i].mss_got);
		assert_int_equal(info.window_scale ? info.snd_scale : -1, cases[i].scale_got);
		assert_int_equal(info.sack, cases[i].sack_got);
	}
	lab_free(l);
}

/* TSval of the SYN-ACK is not ahead of the clock, and at most 63 ms behind it; later ones go on. */
static void test_cookie_timestamp_is_the_clock_but_for_its_bits(void **state)
{
	struct lab *l = with(TV_COOKIES_ALWAYS, false, 1), *clock = with(TV_COOKIES_NEVER, false, 1);

	(void)state;
	lab_listen(l);
	lab_listen(clock);
	for (uint16_t i = 0; i < 60; i++) {
		struct tv_segment a, b;

		l->syn.has = clock->syn.has = TV_OPT_HAS_MSS | TV_OPT_HAS_TS | (i % 2 != 0 ? TV_OPT_HAS_WSCALE : 0u);
		l->syn.wscale = clock->syn.wscale = (uint8_t)(i % 15);
		a = syn_ack(l, (uint16_t)(1000 + i));
		b = syn_ack(clock, (uint16_t)(1000 + i));
		assert_true(b.opt.ts_val - a.opt.ts_val < 64);
		assert_int_equal(a.opt.ts_val & 15, i % 2 != 0 ? i % 15u : 15u);
		assert_int_equal(a.opt.ts_val & 48, 0); /* no SACK; ECN is not negotiated */
		lab_sleep(l, 7 * TV_MS);
		lab_sleep(clock, 7 * TV_MS);
	}
	lab_free(l);
	lab_free(clock);
}

/* Nothing is stored for a SYN, and it is answered once. */
static void test_cookie_stores_nothing(void **state)
{
	struct lab *l = with(TV_COOKIES_ALWAYS, false, 1);

	(void)state;
	lab_listen(l);
	syn_ack(l, 1000);
	assert_int_equal(lab_counters(l).half_opens, 0);
	assert_int_equal(lab_counters(l).connections, 0);
	assert_int_equal(lab_wait(l, 200 * TV_S), 0);
	lab_free(l);
}

/* One bit anywhere in what the cookie stands for, and it is refused with a RST and counted. */
static void test_cookie_altered_is_refused(void **state)
{
	struct lab *l = with(TV_COOKIES_ALWAYS, false, 1);
	struct tv_segment answer;
	uint64_t refused = 0;

	(void)state;
	lab_listen(l);
	l->syn.has = TV_OPT_HAS_MSS | TV_OPT_HAS_TS | TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK;
	l->syn.wscale = 7;
	answer = syn_ack(l, 1000);
	for (unsigned bit = 0; bit < 32 + 32 + 6; bit++) {
		struct tv_segment wrong = answer;
		uint32_t seq = l->seq;

		if (bit < 32)
			wrong.seq ^= 1u << bit;
		else if (bit < 64)
			l->seq ^= 1u << (bit - 32);
		else
			wrong.opt.ts_val ^= 1u << (bit - 64);
		assert_int_equal(final_ack(l, &wrong, 0), TV_V_COOKIE_BAD);
		lab_only(l, TV_RST);
		l->seq = seq;
		assert_int_equal(lab_counters(l).cookies_refused, ++refused);
	}
	l->peer_port++;
	assert_int_equal(final_ack(l, &answer, 0), TV_V_COOKIE_BAD);
	l->peer_port--;
	l->peer.b[15] ^= 1;
	assert_int_equal(final_ack(l, &answer, 0), TV_V_COOKIE_BAD);
	l->peer.b[15] ^= 1;
	assert_int_equal(lab_counters(l).connections, 0);
	assert_int_equal(final_ack(l, &answer, 0), TV_V_OK);
	lab_free(l);
}

/* Between 63 s and 128 s, never longer: 64 s and what is left of the period in which it was made. */
static void test_cookie_ages(void **state)
{
	static const tv_time begins[] = {0, TV_S, 32 * TV_S, 63 * TV_S, PERIOD - TV_MS};

	(void)state;
	for (unsigned i = 0; i < COUNT(begins); i++)
		for (unsigned late = 0; late < 2; late++) {
			struct lab *l = with(TV_COOKIES_ALWAYS, false, 1);
			tv_time left;

			lab_listen(l);
			lab_sleep(l, PERIOD - l->now % PERIOD + begins[i]);
			left = 2 * PERIOD - TV_S - l->now % PERIOD;
			struct tv_segment answer = syn_ack(l, 1000);

			lab_sleep(l, late != 0 ? left : left - TV_MS);
			syn_ack(l, 2000); /* so that cookies are looked at */
			l->peer_port = 1000;
			l->seq--;
			assert_int_equal(final_ack(l, &answer, 0), late != 0 ? TV_V_COOKIE_BAD : TV_V_OK);
			lab_free(l);
		}
}

/* Long after the last one that was sent, and in a stack that sent none, ACKs are not looked at. */
static void test_cookie_is_looked_at_only_after_an_overflow(void **state)
{
	struct lab *l = with(TV_COOKIES_AUTO, false, 1), *other = with(TV_COOKIES_ALWAYS, false, 1);
	struct tv_segment answer;

	(void)state;
	lab_listen(l);
	lab_listen(other);
	answer = syn_ack(other, 1000);
	l->peer_port = 1000;
	l->seq = other->seq;
	assert_int_equal(final_ack(l, &answer, 0), TV_V_LISTEN_ACK);
	assert_int_equal(lab_counters(l).cookies_refused, 0);
	lab_sleep(other, 2 * PERIOD);
	assert_int_equal(final_ack(other, &answer, 0), TV_V_LISTEN_ACK);
	assert_int_equal(lab_counters(other).cookies_refused, 0);
	lab_free(l);
	lab_free(other);
}

/* SYN answered by one, ACK accepted by another with the same secret, clocks a second apart; refused by one
 * with another secret. */
static void test_cookie_farm_finishes_each_others_handshakes(void **state)
{
	(void)state;
	for (tv_time at = 62 * TV_S; at < 67 * TV_S; at += TV_S / 2)
		for (int ahead = -1; ahead <= 1; ahead++) {
			struct lab *a = with(TV_COOKIES_FARM, false, 1), *b = with(TV_COOKIES_FARM, false, 1);
			struct lab *stranger = with(TV_COOKIES_FARM, false, 2);
			struct tv_segment answer;
			tv_time start = a->now + PERIOD - a->now % PERIOD + at;

			lab_listen(a);
			lab_listen(b);
			lab_listen(stranger);
			a->now = start;
			b->now = stranger->now = start + (tv_time)(ahead * (int64_t)TV_S);
			answer = syn_ack(a, 1000);
			b->peer_port = stranger->peer_port = 1000;
			b->seq = stranger->seq = a->seq;
			assert_int_equal(final_ack(stranger, &answer, 0), TV_V_COOKIE_BAD);
			assert_int_equal(final_ack(b, &answer, 100), TV_V_OK);
			assert_int_equal(tv_accept(b->s, b->now, b->listener, &b->conn), TV_OK);
			assert_int_equal(lab_info(b).bytes_unread, 100);
			assert_true(lab_info(b).from_cookie);
			lab_free(a);
			lab_free(b);
			lab_free(stranger);
		}
}

/* Failed checks use the budget of their second up; then nothing is looked at, and nothing answered. */
static void test_cookie_farm_budget_for_failed_checks(void **state)
{
	struct tv_segment answer, wrong;
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.syn_cookies = TV_COOKIES_FARM;
	g.cookie_checks = 5;
	l = lab_new(&g, false);
	lab_listen(l);
	answer = wrong = syn_ack(l, 1000);
	wrong.seq++;
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(final_ack(l, &wrong, 0), TV_V_COOKIE_BAD);
	assert_int_equal(final_ack(l, &answer, 0), TV_V_COOKIE_UNCHECKED);
	assert_int_equal(l->count, 0);
	assert_int_equal(lab_counters(l).cookies_unchecked, 1);
	lab_sleep(l, 200 * TV_MS);
	assert_int_equal(final_ack(l, &answer, 0), TV_V_OK);
	lab_free(l);
}

/* The final ACK was lost: the first text is one too, and is delivered. Its FIN as well. */
static void test_cookie_comes_with_the_first_text(void **state)
{
	struct lab *l = with(TV_COOKIES_ALWAYS, true, 1);
	struct tv_segment answer;
	uint32_t from;

	(void)state;
	lab_listen(l);
	answer = syn_ack(l, 1000);
	from = l->seq;
	l->ack = answer.seq + 1;
	assert_int_equal(SAY(l, .flags = TV_ACK | TV_PSH | TV_FIN, .len = 500), TV_V_OK);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
	assert_int_equal(lab_read(l, &from), 500);
	assert_int_equal(lab_info(l).state, TV_CLOSE_WAIT);
	lab_free(l);
}

/* A full accept queue: the ACK of a cookie is ignored, and taken when there is a place; or it is reset. */
static void test_cookie_finds_the_accept_queue_full(void **state)
{
	(void)state;
	for (unsigned reset = 0; reset < 2; reset++) {
		struct tv_segment first, second;
		struct tv_config g;
		struct lab *l;
		tv_handle h;

		lab_config(&g);
		g.syn_cookies = TV_COOKIES_ALWAYS;
		g.accept_full_reset = reset != 0;
		l = lab_new(&g, false);
		lab_listen(l);
		tv_listener_at(&l->s->core, 0)->backlog = 1; /* as if its user had lowered it */
		first = syn_ack(l, 1000);
		l->seq--;
		second = syn_ack(l, 1001);
		l->peer_port = 1000;
		assert_int_equal(final_ack(l, &first, 0), TV_V_OK);
		l->peer_port = 1001;
		assert_int_equal(final_ack(l, &second, 0), TV_V_ACCEPT_FULL);
		assert_int_equal(l->count, reset);
		assert_int_equal(lab_counters(l).accept_resets, reset);
		assert_int_equal(tv_accept(l->s, l->now, l->listener, &h), TV_OK);
		assert_int_equal(final_ack(l, &second, 0), TV_V_OK);
		lab_free(l);
	}
}

/* A listener that holds SYNs asks its user, whatever the configuration. */
static void test_cookie_never_from_a_hold_listener(void **state)
{
	struct lab *l = with(TV_COOKIES_FARM, false, 1);
	struct tv_listen_config g;

	(void)state;
	tv_listen_default(&g);
	g.port_first = g.port_last = l->port;
	g.hold = true;
	assert_int_equal(tv_listen(l->s, l->now, &g, &l->listener), TV_OK);
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_OK);
	assert_int_equal(l->count, 0);
	assert_int_equal(lab_counters(l).half_opens, 1);
	l->peer_port++;
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_LISTEN_ACK);
	lab_free(l);
}

/* A SYN that takes a tuple over from TIME-WAIT would have its ACK go to TIME-WAIT: it gets a record. */
static void test_cookie_not_for_a_tuple_in_time_wait(void **state)
{
	struct lab *l = with(TV_COOKIES_ALWAYS, false, 1);

	(void)state;
	handshake(l, 1000);
	lab_passive(l);
	tv_shutdown(l->s, l->now, l->conn);
	lab_hear(l);
	l->ack++;
	SAY(l, .flags = TV_FIN | TV_ACK);
	tv_release(l->s, l->now, l->conn);
	assert_int_equal(lab_counters(l).time_waits, 1);
	l->seq += 100000;
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_OK);
	assert_int_equal(lab_counters(l).half_opens, 1);
	l->ack = lab_only(l, TV_SYN | TV_ACK)->seq + 1;
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	assert_int_equal(lab_counters(l).time_waits, 0);
	lab_free(l);
}

/* tv_reseed(): what was sent under the old secret is foreign. */
static void test_cookie_of_an_old_secret_is_refused(void **state)
{
	struct lab *l = with(TV_COOKIES_ALWAYS, false, 1);
	uint8_t secret[32] = {9};
	struct tv_segment answer;

	(void)state;
	lab_listen(l);
	answer = syn_ack(l, 1000);
	assert_int_equal(tv_reseed(l->s, l->now, secret), TV_OK);
	assert_int_equal(final_ack(l, &answer, 0), TV_V_COOKIE_BAD);
	lab_free(l);
}

/* An MSS below the least of the table is raised to the least that any MSS is raised to. */
static void test_cookie_for_an_absurdly_small_mss(void **state)
{
	(void)state;
	for (uint16_t mss = 0; mss < 50; mss += 7)
		for (uint32_t ts = 0; ts < 2; ts++) {
			struct lab *l = with(TV_COOKIES_ALWAYS, false, 1);
			struct tv_tcp_options syn = {.has = TV_OPT_HAS_MSS | (ts != 0 ? TV_OPT_HAS_TS : 0), .mss = mss};
			struct tv_info info;

			lab_listen(l);
			info = through(l, 1000, &syn);
			assert_true(info.from_cookie);
			assert_int_equal(info.mss_snd, ts != 0 ? 48 - 12 : 48);
			lab_free(l);
		}
}

/* The queue of replies is full: the SYN is dropped, with its verdict, and comes again. */
static void test_cookie_without_room_for_a_reply_is_dropped(void **state)
{
	struct lab *l = with(TV_COOKIES_ALWAYS, false, 1);
	uint8_t bytes[256], verdict;
	struct tv_packet p = {.data = bytes};
	unsigned room;

	(void)state;
	lab_listen(l);
	room = l->cfg.replies;
	for (unsigned i = 0; i <= room; i++) {
		l->peer_port = (uint16_t)(1000 + i);
		p.len = lab_build(l, &(struct say){.flags = TV_SYN}, bytes);
		tv_input(l->s, l->now, &p, 1, &verdict);
		assert_int_equal(verdict, i < room ? TV_V_OK : TV_V_REPLIES_FULL);
	}
	assert_int_equal(lab_counters(l).cookies_sent, room);
	lab_wait(l, TV_S);
	assert_int_equal(through(l, l->peer_port, &l->syn).state, TV_ESTABLISHED);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cookie_with_timestamps_negotiates_the_same),
		cmocka_unit_test(test_cookie_without_timestamps_rounds_down),
		cmocka_unit_test(test_cookie_for_a_first_syn_without_options),
		cmocka_unit_test(test_cookie_profiles_of_known_peers),
		cmocka_unit_test(test_cookie_timestamp_is_the_clock_but_for_its_bits),
		cmocka_unit_test(test_cookie_stores_nothing),
		cmocka_unit_test(test_cookie_altered_is_refused),
		cmocka_unit_test(test_cookie_ages),
		cmocka_unit_test(test_cookie_is_looked_at_only_after_an_overflow),
		cmocka_unit_test(test_cookie_farm_finishes_each_others_handshakes),
		cmocka_unit_test(test_cookie_farm_budget_for_failed_checks),
		cmocka_unit_test(test_cookie_comes_with_the_first_text),
		cmocka_unit_test(test_cookie_finds_the_accept_queue_full),
		cmocka_unit_test(test_cookie_never_from_a_hold_listener),
		cmocka_unit_test(test_cookie_not_for_a_tuple_in_time_wait),
		cmocka_unit_test(test_cookie_of_an_old_secret_is_refused),
		cmocka_unit_test(test_cookie_for_an_absurdly_small_mss),
		cmocka_unit_test(test_cookie_without_room_for_a_reply_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
