/*
 * test_review_soak.c - after any history, when all is closed and enough time has gone by, every pool is as
 * it was in the beginning: no page, range, busy or side record, profile, half-open, TIME-WAIT or connection
 * record, reply, parked connection or timer is left.
 *
 * The history: a listener that accepts and one that holds, connections that go round inside the stack and
 * others to a peer that answers at random with segments near the truth; all calls in random order.
 */
#include "lab.h"

#define HANDLES 48

struct soak {
	struct lab *l;
	uint64_t seed;
	tv_handle open[HANDLES];
	tv_handle listeners[2];
};

static uint32_t pick(struct soak *k, uint32_t n)
{
	return lab_random(&k->seed) % n;
}

static void keep(struct soak *k, tv_handle h)
{
	unsigned i = pick(k, HANDLES);

	if (k->open[i] != 0)
		tv_release(k->l->s, k->l->now, k->open[i]);
	k->open[i] = h;
}

static void listen_both(struct soak *k)
{
	for (unsigned i = 0; i < 2; i++) {
		struct tv_listen_config g;

		tv_listen_default(&g);
		g.port_first = g.port_last = (uint16_t)(80 + i);
		g.hold = i == 1;
		g.backlog = 8;
		assert_int_equal(tv_listen(k->l->s, k->l->now, &g, &k->listeners[i]), TV_OK);
	}
}

static void open_one(struct soak *k)
{
	struct tv_options o = k->l->cfg.defaults;
	struct tv_connect_config g;
	tv_handle h;

	tv_connect_default(&g);
	o.snd_buf = 1024u << pick(k, 7);
	o.rcv_buf = 1024u << pick(k, 7);
	o.nodelay = pick(k, 2) != 0;
	o.keepalive = pick(k, 2) != 0;
	if (pick(k, 2) != 0)
		g.options = &o;
	g.remote.addr = pick(k, 3) != 0 ? k->l->us : k->l->peer;
	g.remote.port = (uint16_t)(80 + pick(k, 3));
	if (tv_connect(k->l->s, k->l->now, &g, &h, NULL) == TV_OK)
		keep(k, h);
}

static void events(struct soak *k)
{
	struct tv_event e;

	while (tv_event(k->l->s, &e)) {
		struct tv_answer a = {.size = sizeof a, .kind = (enum tv_answer_kind)pick(k, 4), .icmp_type = 3};
		tv_handle h;

		if ((e.flags & TV_EV_QUESTION) != 0 && pick(k, 4) != 0 &&
		    tv_answer(k->l->s, k->l->now, e.handle, &a, &h) == TV_OK && a.kind == TV_ANSWER_ACCEPT)
			keep(k, h);
		if ((e.flags & TV_EV_ACCEPT) != 0 && pick(k, 4) != 0 &&
		    tv_accept(k->l->s, k->l->now, e.handle, &h) == TV_OK)
			keep(k, h);
	}
}

static void call(struct soak *k)
{
	static uint8_t bytes[65536];
	struct tv_stack *s = k->l->s;
	tv_time now = k->l->now;
	unsigned i = pick(k, HANDLES);
	tv_handle h = k->open[i];

	switch (pick(k, 24)) {
	case 0: case 1: case 2: tv_send(s, now, h, bytes, 1 + pick(k, sizeof bytes), pick(k, 8)); break;
	case 3: case 4: case 5: tv_recv(s, now, h, bytes, pick(k, sizeof bytes), pick(k, 2)); break;
	case 6: case 12: case 13: case 14: tv_shutdown(s, now, h); break;
	case 15: case 16: case 17: case 18: tv_recv(s, now, h, bytes, sizeof bytes, 0); break;
	case 7: tv_close(s, now, h); break;
	case 8: tv_abort(s, now, h); break;
	case 9: tv_set(s, now, h, TV_OPT_SIDE, pick(k, 2)); break;
	case 10: tv_set(s, now, h, (enum tv_option)pick(k, 20), pick(k, 5000)); break;
	default:
		tv_release(s, now, h);
		k->open[i] = 0;
		break;
	}
}

/* The peer says something about one of the segments that it heard, or begins anew. */
static void peer(struct soak *k)
{
	static const uint16_t flags[] = {TV_ACK, TV_ACK, TV_ACK, TV_ACK,
	                                 TV_ACK | TV_FIN, TV_RST, TV_SYN, TV_SYN | TV_ACK};
	struct lab *l = k->l;
	struct say say = {.flags = flags[pick(k, COUNT(flags))], .len = pick(k, 3) * 700, .stay = true, .wnd_set = true,
	                  .wnd = (uint16_t)(pick(k, 2) * 3000)};

	l->ts = false;
	if (say.flags == TV_SYN || l->count == 0) {
		l->port = (uint16_t)(80 + pick(k, 2));
		l->peer_port = (uint16_t)(5000 + pick(k, 100));
		say.flags = TV_SYN;
		say.len = 0;
	} else {
		const struct heard *h = &l->heard[pick(k, l->count)];

		if (!h->tcp)
			return;
		l->port = tv_key_remote_port(&h->seg.key);
		l->peer_port = tv_key_local_port(&h->seg.key);
		l->ack = h->seg.seq + tv_segment_len(&h->seg);
		l->seq = (h->seg.flags & TV_ACK) != 0 ? h->seg.ack : pick(k, 1u << 30);
		say.off = pick(k, 4) == 0 ? (int32_t)pick(k, 4000) - 1000 : 0;
		l->ts = (h->seg.opt.has & TV_OPT_HAS_TS) != 0;
		l->tsval++;
	}
	lab_say(l, &say);
}

static void assert_empty(const struct lab *l)
{
	const struct tv_core *c = &l->s->core;

	assert_int_equal(c->conns.used, 0);
	assert_int_equal(c->busies.used, 0);
	assert_int_equal(c->sides.used, 0);
	assert_int_equal(c->profiles.used, 1); /* the defaults */
	assert_int_equal(tv_profile_at(c, 0)->refs, 1);
	assert_int_equal(c->halves.used, 0);
	assert_int_equal(c->waits.used, 0);
	assert_int_equal(c->listeners.used, 0);
	assert_int_equal(c->pages.big.used + c->pages.small.used, 0);
	assert_int_equal(c->ranges.pool.used, 0);
	assert_int_equal(c->wheel.armed, 0);
	assert_int_equal(c->reply_tail - c->reply_head, 0);
	assert_int_equal(l->s->parked, 0);
	assert_true(tv_deadline(l->s) == TV_NEVER);
}

static void test_soak_everything_comes_back(void **state)
{
	struct tv_counters all = {0}, c;

	(void)state;
	for (unsigned round = 0; round < 12; round++) {
		struct soak k = {.seed = 77 + round};
		struct tv_config g;
		tv_handle h;
		uint64_t at = 0;
		struct tv_info info = {.size = sizeof info};

		lab_config(&g);
		g.stall_min = round < 6 ? TV_NEVER : TV_S;
		if (round % 3 == 1) {
			g.pages = 24;
			g.small_pages = 16;
			g.ranges = 4;
			g.ranges_each = 4;
			g.busy = 6;
			g.replies = 4;
		}
		if (round % 3 == 2) {
			g.connections = 24;
			g.half_opens = 3;
			g.time_waits = 2;
			g.side_records = 1;
			g.held_max = 2;
		}
		k.l = lab_new(&g, round % 2 != 0);
		listen_both(&k);
		for (unsigned i = 0; i < 8000; i++) {
			switch (pick(&k, 8)) {
			case 0: open_one(&k); break;
			case 1: case 2: peer(&k); break;
			case 3: events(&k); break;
			case 4: lab_wait(k.l, pick(&k, 300) * TV_MS); break;
			case 5: if (pick(&k, 40) == 0) lab_wait(k.l, pick(&k, 100) * TV_S); break;
			default: call(&k); break;
			}
		}
		for (unsigned i = 0; i < 2; i++)
			assert_int_equal(tv_close(k.l->s, k.l->now, k.listeners[i]), TV_OK);
		for (bool any = true; any;) { /* also what was lost from sight, by its handle */
			any = false;
			at = 0;
			while (tv_next(k.l->s, &at, &h, &info))
				if (h != 0 && info.state != TV_LISTEN) {
					tv_release(k.l->s, k.l->now, h);
					any = true;
				}
		}
		lab_wait(k.l, 3600 * TV_S);
		assert_empty(k.l);
		c = lab_counters(k.l);
		all.established += c.established;
		all.page_failures += c.page_failures;
		all.range_failures += c.range_failures;
		all.record_failures += c.record_failures;
		all.time_wait_evicted += c.time_wait_evicted;
		all.retransmissions += c.retransmissions;
		all.evicted += c.evicted;
		lab_free(k.l);
	}
	/* It was a life, not a wait. */
	assert_true(all.established > 1000 && all.retransmissions > 500);
	assert_true(all.page_failures > 20 && all.range_failures != 0 && all.record_failures > 100);
	assert_true(all.time_wait_evicted != 0 && all.evicted != 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_soak_everything_comes_back),
	};

	return cmocka_run_group_tests_name("review_soak", tests, NULL, NULL);
}
