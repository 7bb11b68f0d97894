/* lab.c - one stack on virtual time, and a peer whose every packet is made by hand. */
#include "lab.h"

#include "wire/csum.h"
#include "wire/icmp.h"

#include <malloc.h>

#define START (1000 * TV_S)

struct tv_addr lab_v6(uint16_t last)
{
	struct tv_addr a = {{0x20, 1, 0xd, 0xb8}};

	a.b[14] = (uint8_t)(last >> 8);
	a.b[15] = (uint8_t)last;
	return a;
}

uint32_t lab_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

uint8_t lab_octet(uint32_t at)
{
	return (uint8_t)(at * 7 + (at >> 8) + 1);
}

void lab_config(struct tv_config *g)
{
	tv_config_default(g);
	for (unsigned i = 0; i < sizeof g->secret; i++)
		g->secret[i] = (uint8_t)(i * 5 + 3);
	g->connections = 64;
	g->half_opens = 64;
	g->time_waits = 64;
	g->listeners = 16;
	g->pages = 512;
	g->small_pages = 512;
	g->ranges = 1024;
	g->side_records = 8;
	g->replies = 64;
	g->neighbours = 8;
}

struct lab *lab_new(const struct tv_config *g, bool v6)
{
	struct lab *l = calloc(1, sizeof *l);
	struct tv_link_config link = {.size = sizeof link, .kind = TV_LINK_IP, .mtu = 1500};

	assert_non_null(l);
	/* Stacks come and go by the hundred: their memory stays here, and is not fetched anew from the kernel. */
	mallopt(M_MMAP_THRESHOLD, 1 << 30);
	mallopt(M_TRIM_THRESHOLD, 1 << 30);
	if (g != NULL)
		l->cfg = *g;
	else
		lab_config(&l->cfg);
	l->opts = l->cfg.defaults;
	l->v6 = v6;
	l->now = START;
	l->us = v6 ? lab_v6(1) : tv_addr_v4(192, 0, 2, 1);
	l->peer = v6 ? lab_v6(2) : tv_addr_v4(192, 0, 2, 2);
	l->port = 80;
	l->peer_port = 40000;
	l->seq = 1000000;
	l->wnd = 65535;
	l->tsval = 5000;
	l->syn.has = TV_OPT_HAS_MSS;
	l->syn.mss = 1460;
	for (unsigned i = 0; i < HEARD_MAX; i++) {
		l->heard[i].bytes = malloc(PACKET_ROOM);
		assert_non_null(l->heard[i].bytes);
	}
	l->bytes = tv_stack_size(&l->cfg);
	assert_true(l->bytes != 0);
	l->region = aligned_alloc(4096, l->bytes);
	assert_non_null(l->region);
	memset(l->region, 0, l->bytes);
	assert_int_equal(tv_stack_init(l->region, l->bytes, &l->cfg, l->now, &l->s), TV_OK);
	assert_int_equal(tv_link_add(l->s, l->now, &link), 0);
	assert_int_equal(tv_address_add(l->s, l->now, 0, &l->us, v6 ? 64 : 96 + 24), TV_OK);
	return l;
}

void lab_free(struct lab *l)
{
	for (unsigned i = 0; i < HEARD_MAX; i++)
		free(l->heard[i].bytes);
	free(l->region);
	free(l);
}

static void check(const struct lab *l)
{
	int line = tv_stack_check(l->s);

	if (line != 0)
		fail_msg("tv_stack_check: %d", line);
}

/* Ethernet links of a test are told by their header; frames that are no IP stay unparsed. */
static void understand(struct lab *l, struct heard *h, const struct tv_packet *p)
{
	bool ethernet = tv_link_at(l->s, p->link)->kind == TV_LINK_ETHERNET;
	uint32_t head = ethernet ? 14 : 0;

	h->at = l->now;
	h->link = p->link;
	h->len = p->len;
	h->tcp = false;
	memset(&h->ip, 0, sizeof h->ip);
	if (ethernet && (h->bytes[12] << 8 | h->bytes[13]) == 0x0806)
		return;
	assert_int_equal(tv_ip_parse(&h->ip, h->bytes + head, h->len - head), TV_V_OK);
	assert_int_equal(h->ip.header_len + h->ip.len, h->len - head);
	if (h->ip.protocol != TV_PROTO_TCP)
		return;
	h->tcp = true;
	assert_int_equal(tv_segment_parse(&h->seg, &h->ip, p->flags, 0, TV_ARCH_PORTABLE), TV_V_OK);
	assert_true(p->seg_size == 0 || h->seg.len > p->seg_size); /* trivet.h: 0 for a single segment */
}

static unsigned collect(struct lab *l)
{
	unsigned n, all = 0;

	do {
		struct tv_packet p[16];
		static uint8_t spill[16][PACKET_ROOM];

		memset(p, 0, sizeof p);
		for (unsigned i = 0; i < COUNT(p); i++) {
			bool room = l->count + i < HEARD_MAX;

			p[i].data = room ? l->heard[l->count + i].bytes : spill[i];
			p[i].cap = PACKET_ROOM;
		}
		n = tv_output(l->s, l->now, TV_ANY_LINK, p, COUNT(p));
		for (unsigned i = 0; i < n && l->count < HEARD_MAX; i++)
			understand(l, &l->heard[l->count++], &p[i]);
		l->total += n;
		all += n;
		check(l);
	} while (n == 16);
	return all;
}

unsigned lab_hear(struct lab *l)
{
	l->count = l->total = 0;
	collect(l);
	if (tv_deadline(l->s) <= l->now) /* what was found out on the way: a neighbour to be asked */
		collect(l);
	return l->total;
}

unsigned lab_wait(struct lab *l, tv_time ns)
{
	tv_time end = l->now + ns;

	l->count = l->total = 0;
	for (unsigned quiet = 0;;) {
		tv_time next = tv_deadline(l->s);

		if (next > end)
			break;
		if (next > l->now)
			l->now = next;
		quiet = collect(l) != 0 ? 0 : quiet + 1;
		assert_true(quiet < 100000);
	}
	l->now = end;
	collect(l);
	return l->total;
}

void lab_sleep(struct lab *l, tv_time ns)
{
	l->now += ns;
}

enum tv_verdict lab_packet(struct lab *l, unsigned link, const void *bytes, uint32_t len)
{
	uint8_t *copy = malloc(len); /* exactly so long: reading beyond it shows */
	struct tv_packet p = {.data = copy, .len = len, .link = (uint16_t)link};

	assert_non_null(copy);
	memcpy(copy, bytes, len);
	tv_input(l->s, l->now, &p, 1, &l->verdict);
	free(copy);
	check(l);
	lab_hear(l);
	return (enum tv_verdict)l->verdict;
}

uint32_t lab_build(const struct lab *l, const struct say *say, uint8_t *p)
{
	struct tv_tcp_header h = {.sport = l->peer_port, .dport = l->port, .flags = say->flags, .urg = say->urg};
	struct tv_tcp_options o = {0};
	uint32_t head = l->v6 ? 40 : 20, opt_len;
	uint8_t *tcp = p + head;
	uint64_t sum;

	if (say->opt != NULL) {
		o = *say->opt;
	} else if ((say->flags & TV_SYN) != 0) {
		o = l->syn;
		o.ts_val = l->tsval;
	} else if (l->ts && (say->flags & TV_RST) == 0) {
		o.has = TV_OPT_HAS_TS;
		o.ts_val = l->tsval;
	}
	h.seq = l->seq + (uint32_t)say->off;
	h.ack = (say->flags & TV_ACK) != 0 ? l->ack + (uint32_t)say->ack_off : 0;
	h.wnd = say->wnd_set ? say->wnd : l->wnd;
	opt_len = tv_tcp_opt_build(tcp + 20, &o);
	h.header_len = (uint16_t)(20 + opt_len);
	tv_tcp_header_build(tcp, &h);
	for (uint32_t i = 0; i < say->len; i++)
		tcp[h.header_len + i] = say->text != NULL ? ((const uint8_t *)say->text)[i] : lab_octet(h.seq + i);
	tv_ip_build(p, &l->peer, &l->us, TV_PROTO_TCP, h.header_len + say->len, 64, 0);
	sum = tv_csum_pseudo(&l->peer, &l->us, l->v6, TV_PROTO_TCP, h.header_len + say->len);
	tv_csum_store(tcp + 16, tv_csum_add(sum, tcp, h.header_len + say->len));
	return head + h.header_len + say->len;
}

enum tv_verdict lab_say(struct lab *l, const struct say *say)
{
	static uint8_t p[PACKET_ROOM];
	uint32_t n = lab_build(l, say, p);
	uint32_t end = l->seq + (uint32_t)say->off + say->len + ((say->flags & TV_SYN) != 0) +
	               ((say->flags & TV_FIN) != 0);

	if (!say->stay && say->off == 0 && (say->flags & TV_RST) == 0)
		l->seq = end;
	return lab_packet(l, 0, p, n);
}

const struct tv_segment *lab_last(const struct lab *l)
{
	for (unsigned i = l->count; i > 0; i--)
		if (l->heard[i - 1].tcp)
			return &l->heard[i - 1].seg;
	fail_msg("no segment was heard");
	return NULL;
}

const struct tv_segment *lab_only(const struct lab *l, uint16_t flags)
{
	assert_int_equal(l->count, 1);
	assert_true(l->heard[0].tcp);
	assert_int_equal(l->heard[0].seg.flags, flags);
	return &l->heard[0].seg;
}

void lab_listen(struct lab *l)
{
	struct tv_listen_config g;

	tv_listen_default(&g);
	g.port_first = g.port_last = l->port;
	g.options = &l->opts;
	g.user = 7;
	assert_int_equal(tv_listen(l->s, l->now, &g, &l->listener), TV_OK);
}

/* What the two SYNs agreed upon. */
static void agree(struct lab *l, const struct tv_segment *syn)
{
	l->ack = syn->seq + 1;
	l->ts = (l->syn.has & TV_OPT_HAS_TS) != 0 && (syn->opt.has & TV_OPT_HAS_TS) != 0;
}

void lab_passive(struct lab *l)
{
	if (l->listener == 0)
		lab_listen(l);
	assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_OK);
	agree(l, lab_only(l, TV_SYN | TV_ACK));
	assert_int_equal(SAY(l, .flags = TV_ACK), TV_V_OK);
	assert_int_equal(l->count, 0);
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
	lab_events(l, l->conn);
}

void lab_syn_sent(struct lab *l)
{
	struct tv_connect_config g;

	tv_connect_default(&g);
	g.remote.addr = l->peer;
	g.remote.port = l->peer_port;
	g.options = &l->opts;
	g.user = 9;
	assert_int_equal(tv_connect(l->s, l->now, &g, &l->conn, NULL), TV_OK);
	lab_hear(l);
	agree(l, lab_only(l, TV_SYN));
	l->port = tv_key_remote_port(&l->heard[0].seg.key);
}

void lab_active(struct lab *l)
{
	lab_syn_sent(l);
	assert_int_equal(SAY(l, .flags = TV_SYN | TV_ACK), TV_V_OK);
	lab_only(l, TV_ACK);
	assert_int_equal(lab_events(l, l->conn), TV_EV_CONNECTED);
}

void lab_state(struct lab *l, enum tv_state state)
{
	bool fin = state == TV_FIN_WAIT_1 || state == TV_FIN_WAIT_2 || state == TV_CLOSING || state == TV_TIME_WAIT;

	if (state == TV_SYN_SENT || state == TV_SYN_RECEIVED) {
		lab_syn_sent(l);
		if (state == TV_SYN_RECEIVED)
			assert_int_equal(SAY(l, .flags = TV_SYN), TV_V_OK);
	} else {
		lab_active(l);
	}
	if (state == TV_CLOSE_WAIT || state == TV_LAST_ACK)
		SAY(l, .flags = TV_FIN | TV_ACK);
	if (fin || state == TV_LAST_ACK) {
		assert_int_equal(tv_shutdown(l->s, l->now, l->conn), TV_OK);
		lab_hear(l);
		lab_only(l, TV_FIN | TV_ACK);
	}
	if (state == TV_CLOSING) {
		SAY(l, .flags = TV_FIN | TV_ACK);
		l->ack++;
	} else if (fin || state == TV_LAST_ACK) {
		l->ack++;
	}
	if (state == TV_FIN_WAIT_2 || state == TV_TIME_WAIT)
		SAY(l, .flags = TV_ACK);
	if (state == TV_TIME_WAIT)
		SAY(l, .flags = TV_FIN | TV_ACK);
	assert_int_equal(lab_info(l).state, state);
	lab_events(l, l->conn);
	lab_hear(l);
}

uint32_t lab_events(struct lab *l, tv_handle h)
{
	struct tv_event e;
	uint32_t flags = 0;

	while (tv_event(l->s, &e))
		if (e.handle == h) {
			flags |= e.flags;
			l->reason = e.reason;
		}
	return flags;
}

struct tv_info lab_info(const struct lab *l)
{
	struct tv_info info = {.size = sizeof info};

	assert_int_equal(tv_info(l->s, l->conn, &info), TV_OK);
	return info;
}

struct tv_counters lab_counters(const struct lab *l)
{
	struct tv_counters c = {.size = sizeof c};

	tv_counters(l->s, &c);
	return c;
}

void lab_send(struct lab *l, uint32_t n, unsigned flags)
{
	static uint8_t bytes[1 << 20];

	assert_true(n <= sizeof bytes);
	for (uint32_t i = 0; i < n; i++)
		bytes[i] = lab_octet(l->sent + i);
	assert_int_equal(tv_send(l->s, l->now, l->conn, bytes, n, flags), n);
	l->sent += n;
	lab_hear(l);
}

uint32_t lab_read(struct lab *l, uint32_t *from)
{
	uint8_t bytes[4096];
	uint32_t all = 0;
	int64_t n;

	while ((n = tv_recv(l->s, l->now, l->conn, bytes, sizeof bytes, 0)) > 0) {
		for (int64_t i = 0; i < n; i++)
			assert_int_equal(bytes[i], lab_octet(*from + (uint32_t)i));
		*from += (uint32_t)n;
		all += (uint32_t)n;
	}
	return all;
}

void lab_set(struct lab *l, enum tv_option option, uint64_t value)
{
	assert_int_equal(tv_set(l->s, l->now, l->conn, option, value), TV_OK);
}

enum tv_verdict lab_icmp(struct lab *l, uint8_t type, uint8_t code, uint32_t value, const uint8_t *p, uint32_t n)
{
	struct tv_icmp_error e = {.src = l->v6 ? lab_v6(0xfe) : tv_addr_v4(192, 0, 2, 254), .dst = l->us, .type = type,
	                          .code = code, .ttl = 64, .value = value, .quoted = p, .quoted_len = n};
	uint8_t packet[1500];
	uint32_t len = tv_icmp_build_error(packet, sizeof packet, &e);

	assert_true(len != 0);
	return lab_packet(l, 0, packet, len);
}
