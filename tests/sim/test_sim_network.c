/*
 * test_sim_network.c - the simulated network keeps what it promises: delays to the nanosecond, the
 * chosen packet lost and no other, rates, queues, sizes, order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sim/network.h"
#include "sim/random.h"
#include "sim/too_big.h"

#define DAWN (1000 * TV_S)

enum { PORT = 4000 };

struct bench {
	struct network *net;
	int wire;
	tv_handle listener, client, server;
	unsigned sent, arrived, lost, copies, damaged, overtaken;
	uint64_t last_number[2];
	tv_time first_arrival, last_arrival;
	uint64_t bytes_arrived;
	unsigned too_big;
};

static struct tv_addr address(unsigned host)
{
	return (struct tv_addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 255, 255, 192, 0, 2, (uint8_t)(1 + host)}};
}

static void sees(void *user, const struct network_sight *s)
{
	struct bench *b = user;

	assert_int_equal(s->time, network_now(b->net));
	if (!s->arrived) {
		b->sent++;
		b->lost += s->fate != NETWORK_CARRIED;
		b->too_big += s->fate == NETWORK_TOO_BIG;
		return;
	}
	if (s->number == 0) /* the wire's own */
		return;
	b->arrived++;
	b->copies += s->copy;
	b->damaged += s->corrupted;
	b->overtaken += !s->copy && s->number < b->last_number[s->side];
	if (!s->copy)
		b->last_number[s->side] = s->number;
	if (!b->first_arrival)
		b->first_arrival = s->time;
	b->last_arrival = s->time;
	b->bytes_arrived += s->packet->len;
}

static void bench_begin(struct bench *b, const struct network_way *way)
{
	struct network_wire wire = {.way = {*way, *way}};
	struct tv_listen_config listen;
	struct tv_config config;

	memset(b, 0, sizeof *b);
	b->net = network_new(5, DAWN);
	assert_non_null(b->net);
	tv_config_default(&config);
	config.connections = config.half_opens = config.time_waits = 16;
	for (unsigned host = 0; host < 2; host++)
		assert_int_equal(network_host(b->net, &config), host);
	b->wire = network_wire(b->net, 0, 1, &wire);
	assert_int_equal(b->wire, 0);
	for (unsigned host = 0; host < 2; host++) {
		struct tv_addr a = address(host);

		assert_true(tv_address_add(network_stack(b->net, host), DAWN, network_link(b->net, 0, host),
				    &a, 96 + 24) >= 0);
	}
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = PORT;
	assert_int_equal(tv_listen(network_stack(b->net, 1), DAWN, &listen, &b->listener), 0);
	network_tap(b->net, sees, b);
}

static void bench_connect(struct bench *b)
{
	struct tv_connect_config config;

	tv_connect_default(&config);
	config.remote.addr = address(1);
	config.remote.port = PORT;
	assert_int_equal(tv_connect(network_stack(b->net, 0), network_now(b->net), &config, &b->client,
				 NULL),
		0);
}

static enum tv_state client_state(const struct bench *b)
{
	struct tv_info info = {.size = sizeof info};

	assert_int_equal(tv_info(network_stack(b->net, 0), b->client, &info), 0);
	return info.state;
}

static bool is_open(void *user)
{
	struct bench *b = user;

	return client_state(b) == TV_ESTABLISHED;
}

static void test_network_delay_handshake_takes_one_round_trip(void **state)
{
	struct network_way way = {.delay = 20 * TV_MS};
	struct bench b;

	(void)state;
	bench_begin(&b, &way);
	bench_connect(&b);
	assert_true(network_run(b.net, DAWN + TV_S, is_open, &b));
	assert_int_equal(network_now(b.net), DAWN + 40 * TV_MS);
	network_free(b.net);
}

/* RFC 6298 2.1: the first RTO is one second; so the SYN that is lost costs exactly that. */
static void test_network_drop_first_packet_costs_one_timeout(void **state)
{
	struct network_way way = {.delay = 20 * TV_MS};
	struct bench b;

	(void)state;
	bench_begin(&b, &way);
	assert_true(network_drop(b.net, 0, 1));
	bench_connect(&b);
	assert_true(network_run(b.net, DAWN + 10 * TV_S, is_open, &b));
	assert_true(network_now(b.net) >= DAWN + TV_S + 40 * TV_MS);
	assert_true(network_now(b.net) < DAWN + TV_S + 41 * TV_MS);
	assert_int_equal(b.lost, 1);
	network_free(b.net);
}

/* The server's stream of one byte after the other, so that many packets go one way. */
struct flood {
	struct bench *b;
	uint64_t want, written, read;
	uint32_t piece;
};

static bool flood_is_over(void *user)
{
	static uint8_t bytes[65536];
	struct flood *f = user;
	struct bench *b = f->b;
	struct tv_stack *from = network_stack(b->net, 0), *to = network_stack(b->net, 1);
	int64_t n;

	if (!b->server)
		tv_accept(to, network_now(b->net), b->listener, &b->server);
	while (f->written < f->want) {
		n = tv_send(from, network_now(b->net), b->client, bytes, f->piece, 0);
		if (n <= 0)
			break;
		f->written += (uint64_t)n;
	}
	while (b->server && (n = tv_recv(to, network_now(b->net), b->server, bytes, sizeof bytes, 0)) > 0)
		f->read += (uint64_t)n;
	return f->read >= f->want;
}

static void bench_flood(struct bench *b, uint64_t bytes, uint32_t piece)
{
	struct flood f = {.b = b, .want = bytes, .piece = piece};

	bench_connect(b);
	assert_true(network_run(b->net, DAWN + 1000 * TV_S, is_open, b));
	assert_int_equal(tv_set(network_stack(b->net, 0), network_now(b->net), b->client, TV_OPT_NODELAY,
				 1),
		0);
	assert_true(network_run(b->net, DAWN + 3000 * TV_S, flood_is_over, &f));
}

static void test_network_loss_is_near_its_rate(void **state)
{
	struct network_way way = {.delay = 2 * TV_MS, .loss = 50000};
	struct bench b;

	(void)state;
	bench_begin(&b, &way);
	bench_flood(&b, 3000000, 1460);
	assert_true(b.sent > 2000);
	assert_in_range(b.lost * 1000 / b.sent, 35, 65);
	assert_int_equal(b.overtaken, 0);
	network_free(b.net);
}

static void test_network_each_mishap_happens_and_no_other(void **state)
{
	static const struct {
		struct network_way way;
		bool lost, copies, damaged, overtaken;
	} cases[] = {
		{{.delay = TV_MS}, false, false, false, false},
		{{.delay = TV_MS, .jitter = 10 * TV_MS}, false, false, false, false},
		{{.delay = TV_MS, .loss = 30000}, true, false, false, false},
		{{.delay = TV_MS, .duplicate = 30000}, false, true, false, false},
		{{.delay = TV_MS, .corrupt = 30000}, false, false, true, false},
		{{.delay = TV_MS, .reorder = 30000}, false, false, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct bench b;

		bench_begin(&b, &cases[i].way);
		bench_flood(&b, 500000, 1460);
		assert_int_equal(b.lost > 0, cases[i].lost);
		assert_int_equal(b.copies > 0, cases[i].copies);
		assert_int_equal(b.damaged > 0, cases[i].damaged);
		assert_int_equal(b.overtaken > 0, cases[i].overtaken);
		network_free(b.net);
	}
}

static void test_network_rate_bounds_the_bytes_in_a_second(void **state)
{
	struct network_way way = {.delay = TV_MS, .rate = 10000000, .queue_bytes = 60000};
	uint64_t limit;
	struct bench b;

	(void)state;
	bench_begin(&b, &way);
	bench_flood(&b, 2000000, 1460);
	/* Both directions are counted, and each has the rate; acknowledgments are small. */
	limit = (b.last_arrival - b.first_arrival) / TV_MS * 10000 / 8;
	assert_true(b.bytes_arrived <= limit + limit / 10);
	assert_true(b.bytes_arrived >= limit / 2);
	network_free(b.net);
}

static void test_network_narrow_wire_says_too_big_and_stream_goes_on(void **state)
{
	struct network_way way = {.delay = TV_MS, .mtu = 1280};
	struct bench b;

	(void)state;
	bench_begin(&b, &way);
	bench_flood(&b, 200000, 8000);
	assert_true(b.too_big > 0);
	assert_true(b.too_big <= 20); /* the first window at most: then the stack knows */
	network_free(b.net);
}

/* A host in the middle with a wire to each of five others, and a subnet for each wire. */
struct star {
	struct network *net;
	tv_handle client[5];
};

static bool star_is_open(void *user)
{
	struct tv_info info = {.size = sizeof info};
	struct star *s = user;

	for (unsigned i = 0; i < 5; i++)
		if (tv_info(network_stack(s->net, 1 + i), s->client[i], &info) < 0 ||
			info.state != TV_ESTABLISHED)
			return false;
	return true;
}

static void add(struct network *net, unsigned host, unsigned wire, unsigned side, const struct tv_addr *addr)
{
	int error = tv_address_add(network_stack(net, host), DAWN, network_link(net, wire, side), addr, 120);

	assert_true(error >= 0);
}

static void star_connect(struct star *s, unsigned i)
{
	struct network_wire wire = {.way = {{.delay = (1 + i) * TV_MS}, {.delay = TV_MS}}};
	struct tv_addr hub = address(0), spoke = address(1);
	struct tv_connect_config config;
	int number = network_wire(s->net, 0, 1 + i, &wire);

	assert_int_equal(number, i);
	hub.b[14] = spoke.b[14] = (uint8_t)(10 + i);
	add(s->net, 0, i, 0, &hub);
	add(s->net, 1 + i, i, 1, &spoke);
	tv_connect_default(&config);
	config.remote.addr = hub;
	config.remote.port = PORT;
	assert_int_equal(tv_connect(network_stack(s->net, 1 + i), DAWN, &config, &s->client[i], NULL), 0);
}

static void test_network_many_hosts_reach_each_over_its_wire(void **state)
{
	struct star s = {.net = network_new(3, DAWN)};
	struct tv_listen_config listen;
	tv_handle listener;
	struct tv_config config;

	(void)state;
	assert_non_null(s.net);
	tv_config_default(&config);
	config.connections = config.half_opens = config.time_waits = 16;
	config.links = config.addresses = config.routes = 8;
	for (unsigned host = 0; host < 6; host++)
		assert_int_equal(network_host(s.net, &config), host);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = PORT;
	assert_int_equal(tv_listen(network_stack(s.net, 0), DAWN, &listen, &listener), 0);
	for (unsigned i = 0; i < 5; i++)
		star_connect(&s, i);
	assert_true(network_run(s.net, DAWN + TV_S, star_is_open, &s));
	assert_int_equal(network_now(s.net), DAWN + 6 * TV_MS); /* the longest way there, and back */
	network_free(s.net);
}

/* RFC 792: type 3, code 4; its checksum and the quoted packet. */
static void test_too_big_is_a_valid_icmp_message(void **state)
{
	uint8_t packet[1500] = {0x45, 0, 1500 >> 8, 1500 & 255, 0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1,
		192, 0, 2, 2};
	uint8_t out[TOO_BIG_MAX];
	uint32_t len = too_big(out, packet, sizeof packet, 1280), sum = 0;

	(void)state;
	assert_int_equal(len, 576);
	assert_int_equal(out[20], 3);
	assert_int_equal(out[21], 4);
	assert_int_equal(out[26] << 8 | out[27], 1280);
	assert_memory_equal(out + 12, packet + 16, 4);
	assert_memory_equal(out + 16, packet + 12, 4);
	assert_memory_equal(out + 28, packet, 548);
	for (uint32_t i = 20; i < len; i += 2)
		sum += (uint32_t)out[i] << 8 | out[i + 1];
	assert_int_equal((sum & 0xffff) + (sum >> 16), 0xffff);
	packet[9] = 1; /* no error about an ICMP message */
	assert_int_equal(too_big(out, packet, sizeof packet, 1280), 0);
	assert_int_equal(too_big(out, packet, 10, 1280), 0);
}

static void test_random_same_seed_same_numbers(void **state)
{
	struct random a, b;

	(void)state;
	random_seed(&a, 1);
	random_seed(&b, 1);
	for (int i = 0; i < 1000; i++) {
		uint64_t n = random_between(&a, 10, 20);

		assert_in_range(n, 10, 20);
		assert_int_equal(n, random_between(&b, 10, 20));
	}
	assert_int_equal(random_below(&a, 0), 0);
	assert_false(random_chance(&a, 0));
	assert_true(random_chance(&a, 1000000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_network_delay_handshake_takes_one_round_trip),
		cmocka_unit_test(test_network_drop_first_packet_costs_one_timeout),
		cmocka_unit_test(test_network_loss_is_near_its_rate),
		cmocka_unit_test(test_network_each_mishap_happens_and_no_other),
		cmocka_unit_test(test_network_rate_bounds_the_bytes_in_a_second),
		cmocka_unit_test(test_network_narrow_wire_says_too_big_and_stream_goes_on),
		cmocka_unit_test(test_network_many_hosts_reach_each_over_its_wire),
		cmocka_unit_test(test_too_big_is_a_valid_icmp_message),
		cmocka_unit_test(test_random_same_seed_same_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
