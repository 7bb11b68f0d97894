/*
 * test_sim_reasons.c - what the stack says of an end, and what a diagnosis of the packets says, are the same.
 *
 * Each scene brings one of two stacks on a simulated wire to an end, for one of the reasons that the table of
 * words (diagnose/words.c) names. The first stack's packets go to the tracker as a capture would. Then the
 * stack must have counted that reason, and a finding must have a word whose row names it. At the end every
 * reason of the table has had its scene.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diagnose/verdict.h"
#include "sim/network.h"
#include "wire/csum.h"
#include "wire/ip.h"

#define DAWN (1000 * TV_S)

enum { PORT = 4000, LINKTYPE_RAW = 101 };

struct scene {
	struct network *net;
	struct tracker *tracker;
	struct report report;
	tv_handle listener, client, server;
	uint64_t number;
	uint8_t last[2048];    /* the last packet that left the first host */
	uint32_t last_len;
};

static struct tv_addr address(unsigned host)
{
	return tv_addr_v4(192, 0, 2, (uint8_t)(1 + host));
}

static struct tv_stack *stack(const struct scene *s, unsigned host)
{
	return network_stack(s->net, host);
}

static tv_time now(const struct scene *s)
{
	return network_now(s->net);
}

static void record(struct scene *s, const uint8_t *ip, uint32_t len)
{
	struct packet_record r = {.number = ++s->number, .time = now(s), .link_type = LINKTYPE_RAW, .len = len,
		.wire_len = len, .data = ip};
	struct packet p;

	(void)packet_read(&p, &r);
	tracker_count(s->tracker, &p, r.link_type);
	(void)tracker_take(s->tracker, &p);
}

static void sees(void *user, const struct network_sight *sight)
{
	struct scene *s = user;
	uint32_t len = sight->packet->len - sight->ip_offset;

	if (sight->side != 0)
		return;
	record(s, sight->packet->data + sight->ip_offset, len);
	if (sight->arrived || len > sizeof s->last)
		return;
	memcpy(s->last, sight->packet->data + sight->ip_offset, len);
	s->last_len = len;
}

static bool never(void *user)
{
	(void)user;
	return false;
}

static void wait_for(struct scene *s, tv_time time)
{
	network_run(s->net, now(s) + time, never, s);
}

static void way(struct scene *s, unsigned direction, bool open)
{
	struct network_way w = {.delay = 10 * TV_MS, .loss = open ? 0 : 1000000};

	network_way(s->net, 0, direction, &w);
}

static void begin(struct scene *s, enum tv_link_kind kind)
{
	struct network_wire wire = {.way = {{.delay = 10 * TV_MS}, {.delay = 10 * TV_MS}}, .kind = kind};
	struct tv_listen_config listen;
	struct tv_config config;

	memset(s, 0, sizeof *s);
	s->net = network_new(7, DAWN);
	s->tracker = tracker_new(64, NULL, NULL);
	assert_non_null(s->net);
	assert_non_null(s->tracker);
	s->report.keep_healthy = true;
	tv_config_default(&config);
	config.connections = config.half_opens = config.time_waits = 16;
	for (unsigned host = 0; host < 2; host++)
		assert_int_equal(network_host(s->net, &config), host);
	assert_int_equal(network_wire(s->net, 0, 1, &wire), 0);
	for (unsigned host = 0; host < 2; host++) {
		struct tv_addr a = address(host);

		assert_true(tv_address_add(stack(s, host), DAWN, network_link(s->net, 0, host), &a, 96 + 24) >= 0);
	}
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = PORT;
	assert_int_equal(tv_listen(stack(s, 1), DAWN, &listen, &s->listener), 0);
	network_tap(s->net, sees, s);
}

static void connect_to(struct scene *s, struct tv_connect_config *config, uint16_t port)
{
	config->remote.addr = address(1);
	config->remote.port = port;
	assert_int_equal(tv_connect(stack(s, 0), now(s), config, &s->client, NULL), 0);
}

/* A connection, and both have said something. */
static void converse(struct scene *s, struct tv_connect_config *config)
{
	struct tv_connect_config plain;
	char text[16];

	tv_connect_default(&plain);
	connect_to(s, config ? config : &plain, PORT);
	wait_for(s, 100 * TV_MS);
	assert_int_equal(tv_accept(stack(s, 1), now(s), s->listener, &s->server), 0);
	assert_int_equal(tv_send(stack(s, 0), now(s), s->client, "hello", 5, 0), 5);
	wait_for(s, 100 * TV_MS);
	assert_int_equal(tv_recv(stack(s, 1), now(s), s->server, text, sizeof text, 0), 5);
	assert_int_equal(tv_send(stack(s, 1), now(s), s->server, "world", 5, 0), 5);
	wait_for(s, 100 * TV_MS);
	assert_int_equal(tv_recv(stack(s, 0), now(s), s->client, text, sizeof text, 0), 5);
}

/* ------------------------------------------------------------------------------------------ */
/* The scenes                                                                                  */

static void play_normal(struct scene *s)
{
	converse(s, NULL);
	tv_close(stack(s, 0), now(s), s->client);
	wait_for(s, 100 * TV_MS);
	tv_close(stack(s, 1), now(s), s->server);
	wait_for(s, 200 * TV_S);
}

static void play_refused(struct scene *s)
{
	struct tv_connect_config config;

	tv_connect_default(&config);
	connect_to(s, &config, PORT + 1);
	wait_for(s, TV_S);
}

/* The server has sent part of an answer and aborts. */
static void play_reset(struct scene *s)
{
	converse(s, NULL);
	tv_abort(stack(s, 1), now(s), s->server);
	wait_for(s, TV_S);
}

static void play_aborted(struct scene *s)
{
	static char much[30000];

	converse(s, NULL);
	assert_true(tv_send(stack(s, 1), now(s), s->server, much, sizeof much, 0) > 0);
	wait_for(s, 25 * TV_MS);
	tv_abort(stack(s, 0), now(s), s->client);
	wait_for(s, TV_S);
}

static void play_syn_timeout(struct scene *s)
{
	struct tv_connect_config config;

	tv_connect_default(&config);
	way(s, 0, false);
	connect_to(s, &config, PORT);
	wait_for(s, 200 * TV_S);
}

/* Seen beside the server: nothing comes of its SYN,ACK. Here the first host is the server. */
static void play_syn_ack_timeout(struct scene *s)
{
	struct tv_connect_config config;
	struct tv_options options;
	struct tv_listen_config listen;

	tv_listen_default(&listen);
	listen.port_first = listen.port_last = PORT;
	assert_int_equal(tv_listen(stack(s, 0), now(s), &listen, &s->listener), 0);
	tv_connect_default(&config);
	tv_options_default(&options);
	config.options = &options;
	config.remote.addr = address(0);
	config.remote.port = PORT;
	options.syn_tries = 1;
	assert_int_equal(tv_connect(stack(s, 1), now(s), &config, &s->client, NULL), 0);
	way(s, 0, false);
	wait_for(s, 300 * TV_S);
}

static void play_neighbour_timeout(struct scene *s)
{
	play_syn_timeout(s);
}

static void say_into_the_void(struct scene *s, struct tv_connect_config *config)
{
	converse(s, config);
	way(s, 1, false);
	assert_int_equal(tv_send(stack(s, 0), now(s), s->client, "more", 4, 0), 4);
	wait_for(s, 2000 * TV_S);
}

static void play_retransmit_timeout(struct scene *s)
{
	say_into_the_void(s, NULL);
}

static void play_user_timeout(struct scene *s)
{
	struct tv_connect_config config;
	struct tv_options options;

	tv_connect_default(&config);
	tv_options_default(&options);
	config.options = &options;
	options.user_timeout = 20 * TV_S;
	say_into_the_void(s, &config);
}

static void play_keepalive_timeout(struct scene *s)
{
	struct tv_connect_config config;
	struct tv_options options;

	tv_connect_default(&config);
	tv_options_default(&options);
	config.options = &options;
	options.keepalive = true;
	options.keepalive_idle = 5 * TV_S;
	options.keepalive_interval = TV_S;
	options.keepalive_count = 3;
	converse(s, &config);
	wait_for(s, 7 * TV_S);
	way(s, 1, false);
	wait_for(s, 60 * TV_S);
}

/* The server closes none of several: the clients wait in FIN-WAIT-2 until they have enough of it. */
static void play_fin_timeout(struct scene *s)
{
	for (unsigned i = 0; i < 4; i++) {
		converse(s, NULL);
		tv_close(stack(s, 0), now(s), s->client);
		tv_release(stack(s, 0), now(s), s->client);
		wait_for(s, TV_S);
	}
	wait_for(s, 200 * TV_S);
}

static void play_data_after_close(struct scene *s)
{
	static char much[30000];

	converse(s, NULL);
	tv_close(stack(s, 0), now(s), s->client);
	wait_for(s, 50 * TV_MS);
	assert_true(tv_send(stack(s, 1), now(s), s->server, much, sizeof much, 0) > 0);
	wait_for(s, TV_S);
}

/* The server closed, and the client's ports come again while it waits in TIME-WAIT, its handle still held. */
static void play_replaced(struct scene *s)
{
	struct tv_connect_config config;

	for (unsigned i = 0; i < 2; i++) {
		tv_connect_default(&config);
		config.local.port = 45000;
		converse(s, &config);
		tv_close(stack(s, 1), now(s), s->server);
		wait_for(s, 100 * TV_MS);
		tv_close(stack(s, 0), now(s), s->client);
		wait_for(s, 100 * TV_MS);
		tv_release(stack(s, 0), now(s), s->client);
		wait_for(s, 2 * TV_S);
	}
}

/* A router at 192.0.2.9 reports the SYN; the attempt goes on until it has had enough. */
static void report_syn(struct scene *s, uint8_t type, uint8_t code)
{
	struct tv_connect_config config;
	struct tv_addr router = tv_addr_v4(192, 0, 2, 9), client = address(0);
	uint8_t packet[20 + 8 + sizeof s->last] = {0}, *icmp = packet + 20;
	struct tv_packet p = {.data = packet};

	tv_connect_default(&config);
	way(s, 0, false);
	connect_to(s, &config, PORT);
	wait_for(s, 20 * TV_MS);
	assert_true(s->last_len >= 40);
	icmp[0] = type;
	icmp[1] = code;
	memcpy(icmp + 8, s->last, s->last_len);
	tv_csum_store(icmp + 2, tv_csum_add(0, icmp, 8 + s->last_len));
	tv_ip_build(packet, &router, &client, TV_PROTO_ICMP, 8 + s->last_len, 60, 0);
	p.len = 20 + 8 + s->last_len;
	p.link = (uint16_t)network_link(s->net, 0, 0);
	record(s, packet, p.len);
	tv_input(stack(s, 0), now(s), &p, 1, NULL);
	wait_for(s, 200 * TV_S);
}

static void play_net(struct scene *s) { report_syn(s, 3, 0); }
static void play_host(struct scene *s) { report_syn(s, 3, 1); }
static void play_protocol(struct scene *s) { report_syn(s, 3, 2); }
static void play_port(struct scene *s) { report_syn(s, 3, 3); }
static void play_admin(struct scene *s) { report_syn(s, 3, 13); }
static void play_other(struct scene *s) { report_syn(s, 11, 0); }

static const struct play {
	enum tv_reason reason;
	void (*play)(struct scene *s);
	unsigned host;         /* whose end it is */
} plays[] = {
	{TV_R_NORMAL, play_normal, 0},
	{TV_R_REFUSED, play_refused, 0},
	{TV_R_RESET, play_reset, 0},
	{TV_R_ABORTED, play_aborted, 0},
	{TV_R_SYN_TIMEOUT, play_syn_timeout, 0},
	{TV_R_SYN_ACK_TIMEOUT, play_syn_ack_timeout, 0},
	{TV_R_NEIGHBOUR_TIMEOUT, play_neighbour_timeout, 0},
	{TV_R_RETRANSMIT_TIMEOUT, play_retransmit_timeout, 0},
	{TV_R_USER_TIMEOUT, play_user_timeout, 0},
	{TV_R_KEEPALIVE_TIMEOUT, play_keepalive_timeout, 0},
	{TV_R_FIN_TIMEOUT, play_fin_timeout, 0},
	{TV_R_DATA_AFTER_CLOSE, play_data_after_close, 0},
	{TV_R_REPLACED, play_replaced, 1},
	{TV_R_NET_UNREACHABLE, play_net, 0},
	{TV_R_HOST_UNREACHABLE, play_host, 0},
	{TV_R_PROTOCOL_UNREACHABLE, play_protocol, 0},
	{TV_R_PORT_UNREACHABLE, play_port, 0},
	{TV_R_ADMIN_PROHIBITED, play_admin, 0},
	{TV_R_ICMP_OTHER, play_other, 0},
};

enum { PLAYS = sizeof plays / sizeof *plays };

/* ------------------------------------------------------------------------------------------ */
/* The comparison                                                                              */

static bool names(enum word word, enum tv_reason reason)
{
	for (unsigned i = 0; i < REASONS_MAX; i++)
		if (word_info(word)->reasons[i] == reason)
			return true;
	return false;
}

static void test_reasons_stack_and_diagnosis_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < PLAYS; i++) {
		struct tv_counters counters = {.size = sizeof counters};
		bool agrees = false;
		struct scene s;

		begin(&s, plays[i].reason == TV_R_NEIGHBOUR_TIMEOUT ? TV_LINK_ETHERNET : TV_LINK_IP);
		plays[i].play(&s);
		tv_counters(stack(&s, plays[i].host), &counters);
		if (counters.reasons[plays[i].reason] == 0)
			fail_msg("%s: the stack did not end so", tv_reason_name(plays[i].reason));
		verdict_all(s.tracker, &s.report);
		for (size_t j = 0; j < s.report.count; j++)
			agrees |= names(s.report.list[j].word, plays[i].reason);
		if (!agrees)
			fail_msg("%s: the packets say %s", tv_reason_name(plays[i].reason),
				s.report.count ? word_info(s.report.list[0].word)->name : "nothing");
		report_free(&s.report);
		tracker_free(s.tracker);
		network_free(s.net);
	}
}

static void test_reasons_each_of_the_table_has_a_scene(void **state)
{
	(void)state;
	for (unsigned word = WORD_NONE + 1; word < WORD_COUNT; word++)
		for (unsigned i = 0; i < REASONS_MAX; i++) {
			enum tv_reason reason = word_info((enum word)word)->reasons[i];
			bool played = reason == TV_R_NONE;

			for (size_t j = 0; j < PLAYS; j++)
				played |= plays[j].reason == reason;
			if (!played)
				fail_msg("%s has no scene", tv_reason_name(reason));
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reasons_stack_and_diagnosis_agree),
		cmocka_unit_test(test_reasons_each_of_the_table_has_a_scene),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
