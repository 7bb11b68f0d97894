/*
 * test_tcp_open.c - OPEN: whom one can be connected to, with which address, port, sequence number and
 * segment size.
 */
#include "lab.h"

static struct tv_connect_config towards(const struct lab *l)
{
	struct tv_connect_config g;

	tv_connect_default(&g);
	g.remote.addr = l->peer;
	g.remote.port = l->peer_port;
	return g;
}

/* [MUST-46]: at once, and without a packet. */
static void test_open_invalid_remote_is_refused(void **state)
{
	const struct tv_addr bad[] = {
		tv_addr_v4(255, 255, 255, 255), tv_addr_v4(224, 0, 0, 1), tv_addr_v4(239, 255, 255, 255),
		tv_addr_v4(0, 0, 0, 0), tv_addr_v4(192, 0, 2, 255), tv_addr_v4(240, 0, 0, 1), tv_addr_v4(127, 0, 0, 1),
		{{0}}, {{0xff, 2, [15] = 1}}, {{[15] = 1}},
	};
	struct lab *l = lab_new(NULL, false);
	struct tv_connect_config g = towards(l);
	tv_handle h = 0;

	(void)state;
	for (unsigned i = 0; i < COUNT(bad); i++) {
		g.remote.addr = bad[i];
		assert_int_equal(tv_connect(l->s, l->now, &g, &h, NULL), TV_ENOTPERM);
	}
	g = towards(l);
	g.remote.port = 0;
	assert_int_equal(tv_connect(l->s, l->now, &g, &h, NULL), TV_ENOTPERM);
	g = towards(l);
	g.size--;
	assert_int_equal(tv_connect(l->s, l->now, &g, &h, NULL), TV_EINVAL);
	g = towards(l);
	g.remote.addr = tv_addr_v4(198, 51, 100, 1);
	assert_int_equal(tv_connect(l->s, l->now, &g, &h, NULL), TV_ENOROUTE);
	g = towards(l);
	l->opts.dscp = 64;
	g.options = &l->opts;
	assert_int_equal(tv_connect(l->s, l->now, &g, &h, NULL), TV_EINVAL);
	assert_int_equal(lab_hear(l), 0);
	assert_int_equal(lab_counters(l).connections, 0);
	assert_int_equal(lab_counters(l).active_opens, 0);
	lab_free(l);
}

/* [MUST-43]: a local address that is given; one that is not ours, or of the other family, is refused. */
static void test_open_local_address_given_is_used(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_addr second = tv_addr_v4(192, 0, 2, 77), six = lab_v6(1);
	struct tv_connect_config g = towards(l);
	tv_handle h;

	(void)state;
	assert_int_equal(tv_address_add(l->s, l->now, 0, &second, 96 + 24), TV_OK);
	assert_int_equal(tv_address_add(l->s, l->now, 0, &six, 64), TV_OK);
	g.local.addr = tv_addr_v4(192, 0, 2, 78);
	assert_int_equal(tv_connect(l->s, l->now, &g, &h, NULL), TV_EADDRNOTAVAIL);
	g.local.addr = six;
	assert_int_equal(tv_connect(l->s, l->now, &g, &h, NULL), TV_EADDRNOTAVAIL);
	g.local.addr = second;
	g.local.port = 1234;
	assert_int_equal(tv_connect(l->s, l->now, &g, &h, NULL), TV_OK);
	lab_hear(l);
	lab_only(l, TV_SYN);
	assert_memory_equal(&l->heard[0].ip.src, &second, 16);
	assert_int_equal(tv_key_remote_port(&lab_last(l)->key), 1234);
	assert_int_equal(tv_connect(l->s, l->now, &g, &h, NULL), TV_EISCONN); /* [EV-49] */
	g.remote.port++;
	assert_int_equal(tv_connect(l->s, l->now, &g, &h, NULL), TV_OK); /* another tuple */
	lab_free(l);
}

/* [MUST-44] [MUST-45]: chosen by the route before the first SYN, and kept when a better route comes. */
static void test_open_local_address_chosen_by_route_and_kept(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_IP, .mtu = 1500};
	struct tv_addr other = tv_addr_v4(10, 0, 0, 1), far = tv_addr_v4(203, 0, 113, 0), none = {{0}};

	(void)state;
	assert_int_equal(tv_link_add(l->s, l->now, &link), 1);
	assert_int_equal(tv_address_add(l->s, l->now, 1, &other, 96 + 8), TV_OK);
	l->peer = tv_addr_v4(203, 0, 113, 9);
	assert_int_equal(tv_route_add(l->s, l->now, &far, 96 + 16, &none, 1, 5), TV_OK);
	lab_syn_sent(l);
	assert_memory_equal(&l->heard[0].ip.src, &other, 16);
	assert_int_equal(l->heard[0].link, 1);
	assert_int_equal(tv_route_add(l->s, l->now, &far, 96 + 24, &none, 0, 5), TV_OK);
	lab_wait(l, 5 * TV_S + TV_MS);
	assert_int_equal(l->total, 5);
	for (unsigned i = 0; i < 5; i++)
		assert_memory_equal(&l->heard[i].ip.src, &other, 16);
	l->peer_port++;
	lab_syn_sent(l); /* a new connection takes the better route */
	assert_memory_equal(&l->heard[0].ip.src, &l->us, 16);
	lab_free(l);
}

/* [MUST-45]: the answer and everything after comes from the address that the SYN was sent to. */
static void test_open_passive_address_of_the_syn_is_kept(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_addr second = tv_addr_v4(192, 0, 2, 77);

	(void)state;
	assert_int_equal(tv_address_add(l->s, l->now, 0, &second, 96 + 24), TV_OK);
	l->us = second;
	lab_listen(l);
	SAY(l, .flags = TV_SYN);
	assert_memory_equal(&l->heard[0].ip.src, &second, 16);
	l->ack = lab_only(l, TV_SYN | TV_ACK)->seq + 1;
	SAY(l, .flags = TV_ACK);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
	lab_send(l, 100, 0);
	assert_memory_equal(&l->heard[0].ip.src, &second, 16);
	lab_wait(l, 2 * TV_S);
	for (unsigned i = 0; i < l->count; i++)
		assert_memory_equal(&l->heard[i].ip.src, &second, 16);
	lab_free(l);
}

/* RFC 6724 5, the rules that we have [MUST-44]. */
static void test_open_source_address_follows_rfc_6724(void **state)
{
	static const struct {
		struct tv_addr dst;
		unsigned link;
		struct tv_addr src;
	} cases[] = {
		{V4(192, 0, 2, 9), 0, V4(192, 0, 2, 1)},     /* the outgoing link's */
		{V4(10, 0, 0, 9), 1, V4(10, 0, 0, 1)},
		{V4(10, 0, 0, 9), 0, V4(192, 0, 2, 1)},      /* rule 5 before rule 8 */
		{V4(192, 0, 2, 1), 1, V4(192, 0, 2, 1)},     /* rule 1: itself */
		{V6(0, 1, 9), 0, V6(0, 1, 1)},               /* rule 8: longest common prefix */
		{V6(0, 2, 9), 0, V6(0, 2, 1)},
		{V6(0, 9, 9), 1, V6(0, 9, 1)},
		{LL(9), 0, LL(1)},                           /* rule 2: scope */
		{V6(0x77, 7, 1), 0, V6(0, 1, 1)},            /* a global address, not the link-local one */
	};
	struct lab *l = lab_new(NULL, false);
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_IP, .mtu = 1500};
	const struct tv_addr own[] = {LL(1), V6(0, 1, 1), V6(0, 2, 1), V4(10, 0, 0, 1), V6(0, 9, 1)};
	const unsigned on[] = {0, 0, 0, 1, 1};

	(void)state;
	assert_int_equal(tv_link_add(l->s, l->now, &link), 1);
	for (unsigned i = 0; i < COUNT(own); i++)
		assert_int_equal(tv_address_add(l->s, l->now, on[i], &own[i], tv_addr_is_v4(&own[i]) ? 104 : 64),
		                 TV_OK);
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct tv_addr src;

		assert_true(tv_source_for(l->s, &cases[i].dst, cases[i].link, &src));
		if (memcmp(&src, &cases[i].src, 16) != 0)
			fail_msg("case %u: ends in %u.%u", i, src.b[14], src.b[15]);
	}
	lab_free(l);
}

/* RFC 6056: each port of the range once, whatever the order; then TV_EPORTS in numbers [MUST-43]. */
static void test_open_ports_whole_range_used_then_eports(void **state)
{
	static bool seen[65536];
	struct tv_config g;
	struct lab *l;
	struct tv_connect_config to;
	struct tv_ports_full full;
	tv_handle h;
	int r;

	(void)state;
	memset(seen, 0, sizeof seen);
	lab_config(&g);
	g.connections = 400;
	g.port_first = 50000;
	g.port_last = 50299;
	l = lab_new(&g, false);
	to = towards(l);
	for (unsigned i = 0; i < 300; i++) {
		struct tv_info info = {.size = sizeof info};

		while ((r = tv_connect(l->s, l->now, &to, &h, &full)) == TV_AGAIN)
			;
		assert_int_equal(r, TV_OK);
		assert_int_equal(tv_info(l->s, h, &info), TV_OK);
		assert_in_range(info.local.port, 50000, 50299);
		assert_false(seen[info.local.port]);
		seen[info.local.port] = true;
	}
	for (unsigned calls = 0;; calls++) {
		r = tv_connect(l->s, l->now, &to, &h, &full);
		if (r != TV_AGAIN) {
			assert_int_equal(calls, 4); /* 64 tries in a call: the fifth sees the end of 300 */
			break;
		}
	}
	assert_int_equal(r, TV_EPORTS);
	assert_int_equal(full.time_waits, 0);
	assert_true(full.first_free == TV_NEVER);
	to.remote.port++; /* another destination has all ports */
	assert_int_equal(tv_connect(l->s, l->now, &to, &h, &full), TV_OK);
	lab_free(l);
}

/* What EPORTS says of TIME-WAIT: how many, and when the first of them ends. */
static void test_open_ports_in_time_wait_are_counted(void **state)
{
	struct tv_config g;
	struct lab *l;
	struct tv_connect_config to;
	struct tv_ports_full full;
	tv_time first = 0;
	tv_handle h;

	(void)state;
	lab_config(&g);
	g.port_first = 50000;
	g.port_last = 50002;
	l = lab_new(&g, false);
	for (unsigned i = 0; i < 2; i++) {
		lab_state(l, TV_TIME_WAIT);
		assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
		if (i == 0)
			first = l->now;
		lab_wait(l, 5 * TV_S);
	}
	lab_active(l);
	to = towards(l);
	assert_int_equal(tv_connect(l->s, l->now, &to, &h, &full), TV_EPORTS);
	assert_int_equal(full.time_waits, 2);
	assert_true(full.first_free >= first + 60 * TV_S && full.first_free <= first + 60 * TV_S + TV_MS);
	lab_wait(l, full.first_free - l->now + TV_MS);
	assert_int_equal(tv_connect(l->s, l->now, &to, &h, &full), TV_OK);
	lab_free(l);
}

/* Own TIME-WAIT ports: off, loopback, all - and only when timestamps make it safe (RFC 6191). */
static void test_open_time_wait_port_reused_as_configured(void **state)
{
	static const struct {
		enum tv_reuse reuse;
		bool stamps;
		unsigned seconds;
		bool taken;
	} cases[] = {
		{TV_REUSE_OFF, true, 10, false},      {TV_REUSE_LOOPBACK, true, 10, false},
		{TV_REUSE_ALL, true, 10, true},       {TV_REUSE_ALL, false, 10, false},
		{TV_REUSE_ALL, true, 1, false},       {TV_REUSE_ALL, true, 2, true},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases); i++) {
		struct tv_config g;
		struct lab *l;
		struct tv_connect_config to;
		uint32_t old;
		tv_handle h;

		lab_config(&g);
		g.time_wait_reuse = cases[i].reuse;
		g.port_first = g.port_last = 50000;
		l = lab_new(&g, false);
		if (cases[i].stamps)
			l->syn.has |= TV_OPT_HAS_TS;
		lab_state(l, TV_TIME_WAIT);
		old = lab_info(l).snd_nxt;
		assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
		lab_wait(l, cases[i].seconds * TV_S - TV_MS * (cases[i].seconds == 1));
		to = towards(l);
		assert_int_equal(tv_connect(l->s, l->now, &to, &h, NULL), cases[i].taken ? TV_OK : TV_EPORTS);
		lab_hear(l);
		if (cases[i].taken) {
			assert_true(seq_gt(lab_only(l, TV_SYN)->seq, old + 65535));
			assert_int_equal(lab_counters(l).time_waits, 0);
			assert_int_equal(lab_counters(l).time_wait_reused, 1);
		} else {
			assert_int_equal(lab_counters(l).time_waits, 1);
		}
		lab_free(l);
	}
}

static struct tv_key key_of(const struct lab *l, uint16_t ours, uint16_t theirs)
{
	struct tv_endpoint local = {.addr = l->us, .port = ours}, remote = {.addr = l->peer, .port = theirs};
	struct tv_key k;

	tv_key_make(&k, l->v6, 0, &local, &remote);
	return k;
}

/* Chi-square of the four octets over n samples: 255 degrees of freedom, p > 0.001 below 330.5. */
static void assert_uniform(const uint32_t *x, unsigned n, const char *what)
{
	for (unsigned octet = 0; octet < 4; octet++) {
		unsigned bins[256] = {0};
		double chi = 0, each = n / 256.0;

		for (unsigned i = 0; i < n; i++)
			bins[x[i] >> (octet * 8) & 255]++;
		for (unsigned i = 0; i < 256; i++)
			chi += (bins[i] - each) * (bins[i] - each) / each;
		if (chi > 330.5)
			fail_msg("%s, octet %u: chi-square %.1f", what, octet, chi);
	}
}

/* [MUST-9] [SHLD-1]: over 65,536 tuples at one moment; nothing follows from the neighbour's. */
static void test_open_isn_uniform_over_tuples(void **state)
{
	static uint32_t isn[65536], step[65535];

	(void)state;
	for (unsigned v6 = 0; v6 < 2; v6++) {
		struct lab *l = lab_new(NULL, v6 != 0), *m;
		struct tv_config g = l->cfg;
		unsigned near = 0, same = 0;

		g.secret[31] ^= 1;
		m = lab_new(&g, v6 != 0);
		for (unsigned i = 0; i < 65536; i++) {
			struct tv_key k = key_of(l, 80, (uint16_t)i);

			isn[i] = tv_isn(&l->s->core, &k);
			same += isn[i] == tv_isn(&m->s->core, &k);
			if (i != 0)
				step[i - 1] = isn[i] - isn[i - 1];
			if (i > 1)
				near += step[i - 1] - step[i - 2] + 65536 < 131072;
		}
		assert_uniform(isn, 65536, "ISN");
		assert_uniform(step, 65535, "difference of ISNs");
		assert_true(near <= 12); /* 2 expected of a random function; 4 is what ID-01 allows of 65,536 */
		assert_true(same <= 1);  /* another secret: unrelated (ID-02) */
		lab_free(m);
		lab_free(l);
	}
}

/* [MUST-8]: the same tuple one second later is 250,000 higher; [EV-55]: also after a restart. */
static void test_open_isn_clock_ticks_every_4_us(void **state)
{
	struct lab *l = lab_new(NULL, false), *again;
	uint32_t first, next;

	(void)state;
	l->peer_port = 443;
	l->cfg.port_first = l->cfg.port_last = 50000;
	again = lab_new(&l->cfg, false); /* the same secret; nothing else is remembered */
	again->peer_port = 443;
	lab_free(l);
	l = lab_new(&again->cfg, false);
	l->peer_port = 443;
	lab_syn_sent(l);
	first = lab_last(l)->seq;
	tv_abort(l->s, l->now, l->conn);
	tv_release(l->s, l->now, l->conn);
	l->now += TV_S;
	lab_syn_sent(l);
	assert_int_equal(lab_last(l)->seq - first, 250000);
	again->now += 2 * TV_S + 4000;
	lab_syn_sent(again);
	next = lab_last(again)->seq;
	assert_int_equal(next - first, 500001);
	lab_free(again);
	lab_free(l);
}

/* The new secret counts for what is opened from then on; all zero is refused. */
static void test_open_reseed_changes_what_follows(void **state)
{
	struct lab *l = lab_new(NULL, false);
	struct tv_key k = key_of(l, 80, 1);
	uint32_t isn = tv_isn(&l->s->core, &k), offset = tv_ts_offset(&l->s->core, &k);
	uint8_t secret[32] = {0};

	(void)state;
	assert_int_equal(tv_reseed(l->s, l->now, secret), TV_ESECRET);
	assert_int_equal(tv_isn(&l->s->core, &k), isn);
	secret[0] = 1;
	assert_int_equal(tv_reseed(l->s, l->now, secret), TV_OK);
	assert_int_not_equal(tv_isn(&l->s->core, &k), isn);
	assert_int_not_equal(tv_ts_offset(&l->s->core, &k), offset);
	lab_free(l);
}

/* RFC 7323 5.4, RFC 6191: one offset for a pair of addresses, another for another pair; 1 ms a tick. */
static void test_open_timestamp_offset_keyed_by_addresses(void **state)
{
	static uint32_t offsets[4096];
	struct lab *l = lab_new(NULL, false);
	uint32_t first, second;

	(void)state;
	l->syn.has |= TV_OPT_HAS_TS;
	lab_syn_sent(l);
	first = lab_last(l)->opt.ts_val;
	l->peer_port++;
	l->now += 500 * TV_MS;
	lab_syn_sent(l);
	second = lab_last(l)->opt.ts_val;
	assert_int_equal(second - first, 500);
	for (unsigned i = 0; i < COUNT(offsets); i++) {
		struct tv_key k;

		l->peer = tv_addr_v4(198, 51, (uint8_t)(i >> 8), (uint8_t)i);
		k = key_of(l, 80, (uint16_t)i);
		offsets[i] = tv_ts_offset(&l->s->core, &k);
		assert_int_equal(tv_ts_offset(&l->s->core, &k), offsets[i]);
		k = key_of(l, 81, (uint16_t)(i * 7));
		assert_int_equal(tv_ts_offset(&l->s->core, &k), offsets[i]);
	}
	assert_uniform(offsets, COUNT(offsets), "timestamp offset");
	for (unsigned i = 0; i < 16; i++) { /* whoever else was asked about in between, of either family */
		struct tv_key k, other;

		l->v6 = true;
		l->us = lab_v6((uint16_t)(50 * i + 1));
		l->peer = lab_v6((uint16_t)(100 * i + 2));
		other = key_of(l, 80, 9);
		l->v6 = false;
		l->us = tv_addr_v4(192, 0, 2, 1);
		l->peer = tv_addr_v4(198, 51, 0, 7);
		k = key_of(l, 80, 9);
		tv_ts_offset(&l->s->core, &other);
		assert_int_equal(tv_ts_offset(&l->s->core, &k), offsets[7]);
	}
	lab_free(l);
}

/*
 * [MUST-14] [MUST-15] [MUST-16] [MUST-67] [SHLD-5] [SHLD-6] [EV-54] [MAY-3]: what we announce is what our
 * link carries, options not subtracted; what we send is the smaller of the peer's word and the path, less
 * options; without a word 536 or 1220.
 */
static void test_open_mss_rules_in_both_directions(void **state)
{
	static const struct {
		bool v6;
		uint32_t mtu;
		uint16_t peer;             /* 0: no option */
		bool stamps;
		uint16_t clamp;
		uint16_t announced, payload;
	} cases[] = {
		{false, 1500, 1460, false, 0, 1460, 1460}, {false, 1500, 1460, true, 0, 1460, 1448},
		{false, 1400, 1460, true, 0, 1360, 1348},  {false, 1500, 0, false, 0, 1460, 536},
		{false, 1500, 0, true, 0, 1460, 524},      {true, 1500, 0, false, 0, 1440, 1220},
		{true, 1500, 0, true, 0, 1440, 1208},      {true, 1500, 9000, false, 0, 1440, 1440},
		{false, 9000, 536, false, 0, 8960, 536},   {false, 9000, 8960, true, 0, 8960, 8948},
		{false, 1500, 1, false, 0, 1460, 48},      {false, 1500, 47, true, 0, 1460, 36},
		{false, 1500, 1460, false, 1000, 1000, 1000}, {false, 1500, 500, false, 1000, 1000, 500},
		{false, 576, 65535, false, 0, 536, 536},   {true, 1280, 65535, false, 0, 1220, 1220},
	};

	(void)state;
	for (unsigned i = 0; i < COUNT(cases) * 2; i++) {
		struct lab *l = lab_new(NULL, cases[i / 2].v6);
		uint32_t largest = 0;

		assert_int_equal(tv_link_mtu(l->s, l->now, 0, cases[i / 2].mtu), TV_OK);
		l->syn.has = (cases[i / 2].peer != 0 ? TV_OPT_HAS_MSS : 0) | (cases[i / 2].stamps ? TV_OPT_HAS_TS : 0);
		l->syn.mss = cases[i / 2].peer;
		l->opts.mss_max = cases[i / 2].clamp;
		if (i % 2 == 0) {
			lab_syn_sent(l);
			assert_int_equal(lab_last(l)->opt.mss, cases[i / 2].announced);
			SAY(l, .flags = TV_SYN | TV_ACK);
		} else {
			lab_listen(l);
			SAY(l, .flags = TV_SYN);
			assert_int_equal(lab_only(l, TV_SYN | TV_ACK)->opt.mss, cases[i / 2].announced);
			l->ack = lab_last(l)->seq + 1;
			l->ts = cases[i / 2].stamps;
			SAY(l, .flags = TV_ACK);
			assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
		}
		lab_set(l, TV_OPT_NODELAY, 1);
		lab_send(l, 20000, 0);
		assert_true(l->count > 1);
		for (unsigned k = 0; k < l->count; k++)
			if (l->heard[k].seg.len > largest)
				largest = l->heard[k].seg.len;
		if (largest != cases[i / 2].payload)
			fail_msg("case %u: %u octets, not %u", i, largest, cases[i / 2].payload);
		assert_int_equal(lab_info(l).mss_rcv, cases[i / 2].announced);
		assert_int_equal(lab_info(l).mss_snd, cases[i / 2].payload);
		/* What we announced may come: the other direction has its own [EV-54]. */
		assert_int_equal(SAY(l, .flags = TV_ACK, .len = cases[i / 2].announced - (l->ts ? 12u : 0)), TV_V_OK);
		assert_int_equal(lab_info(l).bytes_unread, cases[i / 2].announced - (l->ts ? 12u : 0));
		lab_free(l);
	}
}

/* Options are on only if both SYNs carry them, and a scale above 14 counts as 14 (RFC 7323 2.3). */
static void test_open_options_negotiated_both_or_none(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 8 * 8 * 2; i++) {
		unsigned peer = i % 8, ours = i / 8 % 8;
		struct tv_config g;
		struct lab *l;
		struct tv_info info;

		lab_config(&g);
		if (i / 64 == 0)
			g.timestamps = (ours & 1) != 0, g.sack = (ours & 2) != 0, g.window_scale = (ours & 4) != 0;
		l = lab_new(&g, false);
		if (i / 64 != 0) {
			l->opts.no_timestamps = (ours & 1) == 0;
			l->opts.no_sack = (ours & 2) == 0;
			l->opts.no_window_scale = (ours & 4) == 0;
		}
		l->syn.has |= ((peer & 1) != 0 ? TV_OPT_HAS_TS : 0) | ((peer & 2) != 0 ? TV_OPT_HAS_SACK_OK : 0) |
		              ((peer & 4) != 0 ? TV_OPT_HAS_WSCALE : 0);
		l->syn.wscale = 15;
		lab_syn_sent(l);
		assert_int_equal((lab_last(l)->opt.has & TV_OPT_HAS_TS) != 0, (ours & 1) != 0);
		assert_int_equal((lab_last(l)->opt.has & TV_OPT_HAS_SACK_OK) != 0, (ours & 2) != 0);
		assert_int_equal((lab_last(l)->opt.has & TV_OPT_HAS_WSCALE) != 0, (ours & 4) != 0);
		SAY(l, .flags = TV_SYN | TV_ACK);
		info = lab_info(l);
		assert_int_equal(info.timestamps, (ours & peer & 1) != 0);
		assert_int_equal(info.sack, (ours & peer & 2) != 0);
		assert_int_equal(info.window_scale, (ours & peer & 4) != 0);
		assert_int_equal(info.snd_scale, (ours & peer & 4) != 0 ? 14 : 0);
		assert_int_equal(info.rcv_scale, (ours & peer & 4) != 0 ? 5 : 0); /* 1 MiB in units of 32 */
		SAY(l, .flags = TV_ACK, .wnd_set = true, .wnd = 3);
		assert_int_equal(lab_info(l).snd_wnd, (ours & peer & 4) != 0 ? 3u << 14 : 3);
		lab_free(l);
	}
}

/* Limits: no record, no set of options left; the attempt leaves nothing behind. */
static void test_open_no_record_left_is_efull(void **state)
{
	struct tv_config g;
	struct lab *l;
	struct tv_connect_config to;
	tv_handle h;

	(void)state;
	lab_config(&g);
	g.connections = 2;
	l = lab_new(&g, false);
	to = towards(l);
	assert_int_equal(tv_connect(l->s, l->now, &to, &h, NULL), TV_OK);
	assert_int_equal(tv_connect(l->s, l->now, &to, &h, NULL), TV_OK);
	l->opts.dscp = 1;
	to.options = &l->opts;
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(tv_connect(l->s, l->now, &to, &h, NULL), TV_EFULL);
	assert_int_equal(lab_counters(l).connections, 2);
	assert_int_equal(lab_counters(l).record_failures, 100);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_open_invalid_remote_is_refused),
		cmocka_unit_test(test_open_local_address_given_is_used),
		cmocka_unit_test(test_open_local_address_chosen_by_route_and_kept),
		cmocka_unit_test(test_open_passive_address_of_the_syn_is_kept),
		cmocka_unit_test(test_open_source_address_follows_rfc_6724),
		cmocka_unit_test(test_open_ports_whole_range_used_then_eports),
		cmocka_unit_test(test_open_ports_in_time_wait_are_counted),
		cmocka_unit_test(test_open_time_wait_port_reused_as_configured),
		cmocka_unit_test(test_open_isn_uniform_over_tuples),
		cmocka_unit_test(test_open_isn_clock_ticks_every_4_us),
		cmocka_unit_test(test_open_reseed_changes_what_follows),
		cmocka_unit_test(test_open_timestamp_offset_keyed_by_addresses),
		cmocka_unit_test(test_open_mss_rules_in_both_directions),
		cmocka_unit_test(test_open_options_negotiated_both_or_none),
		cmocka_unit_test(test_open_no_record_left_is_efull),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
