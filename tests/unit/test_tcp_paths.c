/*
 * test_tcp_paths.c - the destinations that a client of Fast Open remembers: how many, which goes, and how a
 * program keeps them.
 */
#include "fastopen_client.h"

static struct tv_fastopen_path path_to(uint8_t host, uint8_t failures)
{
	struct tv_fastopen_path p = {.size = sizeof p, .addr = V4(192, 0, 2, host), .failures = failures};

	return p;
}

/* How often this host has failed; -1: it is not remembered. */
static int failures_of(const struct lab *l, uint8_t host)
{
	struct tv_addr addr = V4(192, 0, 2, host);
	struct tv_fastopen_path p;
	uint64_t cursor = 0;

	for (p.size = sizeof p; tv_fastopen_next(l->s, &cursor, &p);)
		if (tv_addr_equal(&p.addr, &addr))
			return p.failures;
	return -1;
}

static void put(struct lab *l, uint8_t host, uint8_t failures)
{
	struct tv_fastopen_path p = path_to(host, failures);

	assert_int_equal(tv_fastopen_put(l->s, l->now, &p), TV_OK);
}

/* The one not used for longest goes; a use is a connection, a SYN-ACK, or a put. */
static void test_fastopen_paths_are_limited(void **state)
{
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.fastopen_paths = 3;
	l = lab_new(&g, false);
	put(l, 2, 1); /* the lab's peer */
	put(l, 3, 2);
	put(l, 4, 3);
	put(l, 3, 9);
	assert_int_equal(failures_of(l, 2), 1);
	assert_int_equal(failures_of(l, 3), 9);
	open_with(l, 1); /* uses the first one */
	put(l, 5, 5);
	assert_int_equal(failures_of(l, 4), -1);
	assert_int_equal(failures_of(l, 2), 1);
	put(l, 6, 6);
	assert_int_equal(failures_of(l, 3), -1);
	put(l, 3, 0); /* what is not known is forgotten without harm */
	assert_int_equal(failures_of(l, 2), 1);
	assert_int_equal(failures_of(l, 5), 5);
	assert_int_equal(failures_of(l, 6), 6);
	put(l, 5, 0);
	assert_int_equal(failures_of(l, 5), -1);
	put(l, 7, 7);
	assert_int_equal(failures_of(l, 2), 1);
	assert_int_equal(failures_of(l, 6), 6);
	assert_int_equal(failures_of(l, 7), 7);
	lab_free(l);
}

/* Who takes the place of another begins with nothing of it. */
static void test_fastopen_paths_take_nothing_over(void **state)
{
	struct tv_fastopen_path p = {.size = sizeof p, .addr = V4(192, 0, 2, 9), .cookie_len = 8, .experimental = true,
	                             .failures = 7, .mss = 999};
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	g.fastopen_paths = 1;
	l = lab_new(&g, false);
	assert_int_equal(tv_fastopen_put(l->s, l->now, &p), TV_OK);
	assert_int_equal(option(open_with(l, 10)), 0);
	assert_false(lab_last(l)->opt.cookie_exp);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK), TV_V_OK);
	p = remembered(l);
	assert_memory_equal(&p.addr, &l->peer, sizeof p.addr);
	assert_int_equal(p.cookie_len, 0);
	assert_true(p.experimental); /* the next request */
	assert_int_equal(p.failures, 0);
	assert_int_equal(p.mss, 0);
	done(l);
	lab_free(l);
}

/* Above eight: sets of eight, and each destination is found again. */
static void test_fastopen_many_paths(void **state)
{
	struct tv_fastopen_path p = {.size = sizeof p};
	unsigned n = 0, found = 0;
	uint64_t cursor = 0;
	struct tv_config g;
	struct lab *l;

	(void)state;
	lab_config(&g);
	assert_int_equal(g.fastopen_paths, 128);
	g.fastopen_paths = 60;
	l = lab_new(&g, false);
	for (unsigned host = 1; host < 255; host++) {
		put(l, (uint8_t)host, (uint8_t)host);
		assert_int_equal(failures_of(l, (uint8_t)host), host);
	}
	while (tv_fastopen_next(l->s, &cursor, &p))
		n++;
	assert_int_equal(n, 64); /* rounded up to a multiple of eight; 254 of them fill each set */
	assert_int_equal(tv_reseed(l->s, l->now, (const uint8_t[32]){9}), TV_OK); /* changes no place */
	for (unsigned host = 247; host < 255; host++)
		put(l, (uint8_t)host, (uint8_t)host);
	for (n = 0, cursor = 0; tv_fastopen_next(l->s, &cursor, &p);)
		n += p.addr.b[15] >= 247;
	assert_int_equal(n, 8); /* each of them once */
	for (unsigned host = 247; host < 255; host++)
		found += failures_of(l, (uint8_t)host) == (int)host;
	assert_int_equal(found, 8); /* the last eight are there, wherever they fell */
	lab_free(l);
}

/* A link-local address is another one on another link. */
static void test_fastopen_paths_have_zones(void **state)
{
	struct lab *l = client(true);
	struct tv_fastopen_path p = {.size = sizeof p, .addr = LL(9), .zone = 1, .failures = 1};
	uint64_t cursor = 0;

	(void)state;
	assert_int_equal(tv_fastopen_put(l->s, l->now, &p), TV_OK);
	p.zone = 2;
	p.failures = 0;
	assert_int_equal(tv_fastopen_put(l->s, l->now, &p), TV_OK);
	assert_true(tv_fastopen_next(l->s, &cursor, &p));
	assert_int_equal(p.zone, 1);
	lab_free(l);
}

static void test_fastopen_put_says_what_it_got(void **state)
{
	struct lab *l = client(true);
	struct tv_fastopen_path in = {.size = sizeof in, .addr = LL(9), .zone = 3, .cookie_len = 16};
	struct tv_fastopen_path out = {.size = sizeof out}, little = {.size = 24};
	uint64_t cursor = 0;

	(void)state;
	in.experimental = true;
	in.failures = 200;
	in.mss = 1234;
	in.backoff = 30720 * TV_S;
	memset(in.cookie, 0xab, 16);
	assert_int_equal(tv_fastopen_put(l->s, l->now, &in), TV_OK);
	out = remembered(l);
	assert_memory_equal(&in.addr, &out.addr, sizeof in.addr);
	assert_int_equal(out.zone, 3);
	assert_int_equal(out.cookie_len, 16);
	assert_true(out.experimental);
	assert_int_equal(out.failures, 200);
	assert_int_equal(out.mss, 1234);
	assert_memory_equal(in.cookie, out.cookie, 16);
	assert_true(out.backoff == 30720 * TV_S);
	assert_int_equal(out.size, sizeof out);
	lab_sleep(l, 20 * TV_S);
	assert_int_equal(tv_reseed(l->s, l->now, (const uint8_t[32]){1}), TV_OK); /* tells the time */
	assert_true(tv_fastopen_next(l->s, &cursor, &little));
	assert_memory_equal(&little.addr, &in.addr, sizeof in.addr);
	assert_int_equal(little.zone, 3);
	assert_int_equal(little.mss, 0);
	cursor = 0;
	assert_true(tv_fastopen_next(l->s, &cursor, &out) && out.backoff == 30700 * TV_S);
	cursor = 0;
	assert_false(tv_fastopen_next(l->s, &cursor, &(struct tv_fastopen_path){.size = 3}));
	lab_free(l);
}

static void test_fastopen_put_refuses(void **state)
{
	struct tv_fastopen_path fine = {.size = sizeof fine, .addr = V4(192, 0, 2, 9), .cookie_len = 8}, p;
	struct tv_connect_config connect;
	struct lab *l = client(false);
	uint64_t cursor = 0;
	struct tv_config g;

	(void)state;
	for (unsigned len = 0; len <= 18; len++) {
		p = fine;
		p.cookie_len = (uint8_t)len;
		assert_int_equal(tv_fastopen_put(l->s, l->now, &p),
		                 len % 2 == 0 && len != 2 && len <= 16 ? TV_OK : TV_EINVAL);
	}
	p = fine;
	p.size--;
	assert_int_equal(tv_fastopen_put(l->s, l->now, &p), TV_EINVAL);
	p = fine;
	p.backoff = 30720 * TV_S + 1;
	assert_int_equal(tv_fastopen_put(l->s, l->now, &p), TV_EINVAL);
	p = fine;
	memset(&p.addr, 0, sizeof p.addr);
	assert_int_equal(tv_fastopen_put(l->s, l->now, &p), TV_EINVAL);
	lab_free(l);

	lab_config(&g);
	g.fastopen_paths = 65537;
	assert_int_equal(tv_stack_size(&g), 0);
	g.fastopen_paths = 65536;
	assert_true(tv_stack_size(&g) != 0);
	g.fastopen_paths = 0;
	l = lab_new(&g, false);
	assert_int_equal(tv_fastopen_put(l->s, l->now, &fine), TV_EFULL);
	assert_false(tv_fastopen_next(l->s, &cursor, &fine));
	tv_connect_default(&connect);
	connect.remote.addr = l->peer;
	connect.remote.port = 1;
	connect.fastopen = true;
	assert_int_equal(tv_connect(l->s, l->now, &connect, &l->conn, NULL), TV_EINVAL);
	connect.fastopen = false;
	assert_int_equal(tv_connect(l->s, l->now, &connect, &l->conn, NULL), TV_OK);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fastopen_paths_are_limited),
		cmocka_unit_test(test_fastopen_paths_take_nothing_over),
		cmocka_unit_test(test_fastopen_many_paths),
		cmocka_unit_test(test_fastopen_paths_have_zones),
		cmocka_unit_test(test_fastopen_put_says_what_it_got),
		cmocka_unit_test(test_fastopen_put_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
