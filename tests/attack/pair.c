/*
 * pair.c - two stacks of our own and the way between them.
 */
#include "pair.h"

#define LINK_MTU 1500u

static void begin(struct pair *p, unsigned i, bool timestamps)
{
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_IP, .mtu = LINK_MTU};
	struct tv_config g;
	size_t bytes;

	lab_config(&g);
	g.secret[0] = (uint8_t)(i + 1);
	g.timestamps = timestamps;
	g.pages = g.small_pages = g.ranges = 16; /* little is said, but many are made */
	g.connections = g.half_opens = g.time_waits = g.listeners = 4;
	bytes = tv_stack_size(&g);
	p->region[i] = aligned_alloc(4096, bytes);
	assert_non_null(p->region[i]);
	memset(p->region[i], 0, bytes);
	assert_int_equal(tv_stack_init(p->region[i], bytes, &g, p->now, &p->s[i]), TV_OK);
	assert_int_equal(tv_link_add(p->s[i], p->now, &link), 0);
	p->addr[i] = tv_addr_v4(192, 0, 2, (uint8_t)(i + 1));
	assert_int_equal(tv_address_add(p->s[i], p->now, 0, &p->addr[i], 96 + 24), TV_OK);
}

struct pair *pair_new(tv_time delay, bool timestamps)
{
	struct pair *p = calloc(1, sizeof *p);
	struct tv_listen_config listen;

	assert_non_null(p);
	p->now = 1000 * TV_S;
	p->delay = delay;
	begin(p, 0, timestamps);
	begin(p, 1, timestamps);
	tv_listen_default(&listen);
	listen.port_first = listen.port_last = 80;
	assert_int_equal(tv_listen(p->s[1], p->now, &listen, &p->listener), TV_OK);
	return p;
}

void pair_free(struct pair *p)
{
	free(p->region[0]);
	free(p->region[1]);
	free(p);
}

void pair_connect(struct pair *p)
{
	struct tv_connect_config to;

	tv_connect_default(&to);
	to.remote.addr = p->addr[1];
	to.remote.port = 80;
	assert_int_equal(tv_connect(p->s[0], p->now, &to, &p->conn[0], NULL), TV_OK);
}

void pair_put(struct pair *p, unsigned to, const void *bytes, uint32_t len, tv_time at)
{
	struct flying *way = p->way[to];
	unsigned i = p->count[to];

	if (i == PAIR_FLYING)
		return;
	for (; i > 0 && way[i - 1].at > at; i--)
		way[i] = way[i - 1];
	way[i].at = at;
	way[i].len = len;
	memcpy(way[i].bytes, bytes, len);
	p->count[to]++;
}

void pair_forge(struct pair *p, unsigned to, const struct tv_tcp_header *h, const struct tv_tcp_options *o,
	uint32_t text, tv_time at)
{
	struct tv_tcp_header header = *h;
	uint8_t b[200] = {0};
	uint32_t n = 40;

	if (o != NULL)
		n += tv_tcp_opt_build(b + n, o);
	header.header_len = (uint16_t)(n - 20);
	n += text;
	tv_ip_build(b, &p->addr[1 - to], &p->addr[to], TV_PROTO_TCP, n - 20, 64, 0);
	tv_tcp_header_build(b + 20, &header);
	mend(b, n);
	pair_put(p, to, b, n, at);
}

static void deliver(struct pair *p, unsigned to)
{
	struct tv_packet packet = {.data = p->way[to][0].bytes, .len = p->way[to][0].len};

	tv_input(p->s[to], p->now, &packet, 1, NULL);
	p->delivered++;
	p->count[to]--;
	memmove(&p->way[to][0], &p->way[to][1], p->count[to] * sizeof p->way[to][0]);
}

static void say(struct pair *p, unsigned from)
{
	static uint8_t room[2048];
	struct tv_packet packet = {.data = room, .cap = sizeof room};

	while (tv_output(p->s[from], p->now, TV_ANY_LINK, &packet, 1) == 1) {
		pair_put(p, 1 - from, room, packet.len, p->now + p->delay);
		packet = (struct tv_packet){.data = room, .cap = sizeof room};
	}
}

void pair_run(struct pair *p, tv_time until)
{
	for (;;) {
		tv_time next = until + 1;

		for (unsigned i = 0; i < 2; i++) {
			say(p, i);
			next = p->count[1 - i] != 0 && p->way[1 - i][0].at < next ? p->way[1 - i][0].at : next;
		}
		for (unsigned i = 0; i < 2; i++)
			next = tv_deadline(p->s[i]) < next ? tv_deadline(p->s[i]) : next;
		if (next > until)
			break;
		p->now = next > p->now ? next : p->now;
		for (unsigned i = 0; i < 2; i++)
			while (p->count[i] != 0 && p->way[i][0].at <= p->now)
				deliver(p, i);
	}
	p->now = until;
}

struct tv_info pair_info(const struct pair *p, unsigned which)
{
	struct tv_info info = {.size = sizeof info};

	assert_int_equal(tv_info(p->s[which], p->conn[which], &info), TV_OK);
	return info;
}
