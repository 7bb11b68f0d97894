/*
 * fuzz_stack.c - a whole stack under hostile packets and every order of calls. The input is a list of
 * operations: packets made from it (mostly near what would be right: numbers relative to what the stack
 * said last), raw bytes as a packet, user calls on handles old and new, time, and output. After each
 * operation every invariant holds; nothing is asserted about what the stack decides.
 *
 * Half of the time an Ethernet link and IPv6 are used instead of IPv4 without a link header. Beside it there
 * is a second link that cuts up super-segments and gathers, whose peer has another address, and connections
 * to our own address go round inside, with Fast Open too; the peer knows a good cookie of our server's.
 * Buffers for output are of all sizes, their ends guarded; time jumps by up to months.
 */
#include <stdlib.h>
#include <string.h>

#include <trivet/trivet.h>

#include "wire/csum.h"
#include "wire/eth.h"
#include "wire/ip.h"
#include "wire/segment.h"

#define HANDLES 16
#define PACKET 2048
#define GUARD 16
#define PIECES 4
#define BATCH 8

struct world {
	const uint8_t *in, *end;
	struct tv_stack *stack;
	tv_handle handles[HANDLES];
	unsigned next_handle;
	tv_time now;
	uint32_t said_seq, said_ack; /* of the last TCP packet that the stack sent */
	uint16_t our_port, peer_port;
	bool v6;
	uint16_t link;               /* on which the last packet left */
	uint8_t cookie[8];           /* the last that a SYN-ACK brought */
	uint8_t bytes[BATCH][PACKET + GUARD];
};

static uint8_t byte(struct world *w)
{
	return w->in < w->end ? *w->in++ : 0;
}

static uint16_t half(struct world *w)
{
	uint16_t high = byte(w);

	return (uint16_t)(high << 8 | byte(w));
}

static struct tv_addr address(const struct world *w, uint8_t host)
{
	struct tv_addr four = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, host}};
	struct tv_addr six = {{0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host}};

	return w->v6 ? six : four;
}

static void remember(struct world *w, tv_handle h)
{
	w->handles[w->next_handle++ % HANDLES] = h;
}

static tv_handle some_handle(struct world *w)
{
	return w->handles[byte(w) % HANDLES];
}

static const uint8_t mac[6] = {2, 0, 0, 0, 0, 1}, peer_mac[6] = {2, 0, 0, 0, 0, 2};

/* A number near `base`: exact, one beside, in a window, or far away. */
static uint32_t near(struct world *w, uint32_t base)
{
	uint8_t how = byte(w);

	if (how < 128)
		return base;
	if (how < 192)
		return base + (uint32_t)(int32_t)(int8_t)byte(w);
	if (how < 240)
		return base + half(w);
	return base + ((uint32_t)half(w) << 16);
}

static uint32_t options(struct world *w, uint8_t *p, bool syn)
{
	struct tv_tcp_options o = {0};
	uint8_t what = byte(w);

	if ((what & 0x80) != 0) { /* anything at all */
		uint32_t n = (what & 7u) * 4;

		for (uint32_t i = 0; i < n; i++)
			p[i] = byte(w);
		return n;
	}
	o.has = what & (syn ? 15u : 24u);
	if (syn && (what & 16) != 0) { /* Fast Open: a good cookie, a bad one, a request */
		o.has |= TV_OPT_HAS_FASTOPEN;
		o.cookie_exp = (what & 32) != 0;
		o.cookie_len = (uint8_t)((what & 64) != 0 ? 8 : byte(w) % 9 * 2);
		o.cookie_len = o.cookie_len == 2 ? 0 : o.cookie_len;
		memcpy(o.cookie, w->cookie, sizeof w->cookie);
	}
	o.mss = half(w);
	o.wscale = byte(w);
	o.ts_val = half(w);
	o.ts_ecr = half(w);
	o.sack_count = (uint8_t)(byte(w) % 5);
	for (unsigned i = 0; i < o.sack_count; i++) {
		o.sack[i].left = near(w, w->said_seq);
		o.sack[i].right = near(w, w->said_seq);
	}
	if (syn)
		o.has &= ~(uint32_t)TV_OPT_HAS_SACK;
	return tv_tcp_opt_build(p, &o);
}

static void give(struct world *w, uint8_t *p, uint32_t len, uint16_t seg_size)
{
	struct tv_packet packet = {.data = p, .len = len, .flags = TV_PKT_CSUM_OK, .link = w->link,
	                           .seg_size = seg_size};

	tv_input(w->stack, w->now, &packet, 1, NULL);
}

static uint32_t head_of(const struct world *w, unsigned link)
{
	return w->v6 && link == 0 ? TV_ETH_HEADER : 0;
}

/* A segment in w->bytes[i]. */
static struct tv_packet make(struct world *w, unsigned i)
{
	uint8_t *p = w->bytes[i], *ip = p + head_of(w, w->link), *tcp = ip + tv_ip_header_len(w->v6);
	struct tv_tcp_header h = {.sport = w->peer_port, .dport = w->our_port};
	struct tv_addr src = address(w, w->link == 0 ? 2 : 130), dst = address(w, w->link == 0 ? 1 : 129);
	uint32_t text, length;
	uint8_t ports = byte(w);

	if ((ports & 3) == 3)
		h.dport = (uint16_t)(80 + (ports >> 6));
	if ((ports & 12) == 12)
		h.sport = (uint16_t)(1000 + (ports >> 4));
	h.flags = byte(w);
	h.seq = near(w, w->said_ack);
	h.ack = near(w, w->said_seq);
	h.wnd = half(w);
	h.urg = byte(w);
	h.header_len = (uint16_t)(20 + options(w, tcp + 20, (h.flags & TV_SYN) != 0));
	text = byte(w) * (byte(w) & 7u);
	text = text > 1400 ? 1400 : text;
	memset(tcp + h.header_len, byte(w), text);
	tv_tcp_header_build(tcp, &h);
	length = tv_ip_build(ip, &src, &dst, TV_PROTO_TCP, h.header_len + text, 64, 0) + h.header_len + text;
	if (head_of(w, w->link) != 0)
		tv_eth_build(p, mac, peer_mac, TV_ETH_IP6);
	return (struct tv_packet){.data = p, .len = (uint32_t)(ip - p) + length, .flags = TV_PKT_CSUM_OK,
	                          .link = w->link, .seg_size = text > 600 ? 500 : 0};
}

static void segment(struct world *w)
{
	struct tv_packet packet = make(w, 0);

	tv_input(w->stack, w->now, &packet, 1, NULL);
}

/* Several at once, most of them SYNs of somebody else each. */
static void burst(struct world *w)
{
	unsigned n = 1 + byte(w) % BATCH;
	struct tv_packet packets[BATCH];

	for (unsigned i = 0; i < n; i++) {
		uint8_t *tcp;

		packets[i] = make(w, i);
		tcp = packets[i].data + head_of(w, w->link) + tv_ip_header_len(w->v6);
		if (packets[i].seg_size != 0 || byte(w) < 40)
			continue;
		tcp[13] = TV_SYN;
		tcp[0] = byte(w); /* its port */
	}
	tv_input(w->stack, w->now, packets, n, NULL);
}

static void raw(struct world *w)
{
	uint32_t n = byte(w);

	for (uint32_t i = 0; i < n; i++)
		w->bytes[0][i] = byte(w);
	give(w, w->bytes[0], n, half(w));
}

/* The whole packet in one piece; its length. Nothing was written behind its buffer. */
static uint32_t whole(const struct tv_packet *p, uint8_t *to, size_t room)
{
	uint32_t n = p->len;

	for (unsigned i = 0; i < GUARD; i++)
		if (p->data[p->cap + i] != 0xa5)
			abort();
	if (p->len > p->cap || p->piece_count > p->piece_cap || n > room)
		abort();
	memcpy(to, p->data, n);
	for (unsigned i = 0; i < p->piece_count; i++) {
		if (p->pieces[i].len > room - n)
			abort();
		memcpy(to + n, p->pieces[i].data, p->pieces[i].len);
		n += p->pieces[i].len;
	}
	return n;
}

static void output(struct world *w)
{
	static uint8_t packet[1 << 17];
	static const uint16_t caps[] = {PACKET, PACKET, PACKET, PACKET, 1500, 600, 128, 127, 0};
	struct tv_packet packets[BATCH];
	struct tv_piece pieces[BATCH][PIECES];
	uint8_t how = byte(w), first = byte(w);
	unsigned n;

	for (unsigned i = 0; i < BATCH; i++) {
		uint32_t cap = caps[(first + i * (first >> 6)) % (sizeof caps / sizeof caps[0])];

		memset(w->bytes[i] + cap, 0xa5, GUARD);
		packets[i] = (struct tv_packet){.data = w->bytes[i], .cap = cap, .pieces = pieces[i],
		                                .piece_cap = (uint16_t)((first >> 4) % (PIECES + 1))};
	}
	n = tv_output(w->stack, w->now, how < 160 ? TV_ANY_LINK : how & 1, packets, how % (BATCH + 1));
	for (unsigned i = 0; i < n; i++) {
		struct tv_segment s;
		struct tv_ip ip;
		uint32_t head = head_of(w, packets[i].link), len = whole(&packets[i], packet, sizeof packet);

		if (len < head || tv_ip_parse(&ip, packet + head, len - head) != TV_V_OK ||
		    ip.protocol != TV_PROTO_TCP)
			continue;
		/* What we send is well-formed, whatever we were told. */
		if (tv_segment_parse(&s, &ip, packets[i].flags, packets[i].seg_size, TV_ARCH_PORTABLE) != TV_V_OK)
			abort();
		w->link = packets[i].link;
		w->said_seq = s.seq + tv_segment_len(&s);
		if ((s.flags & TV_ACK) != 0)
			w->said_ack = s.ack;
		if ((s.opt.has & TV_OPT_HAS_FASTOPEN) != 0 && s.opt.cookie_len == sizeof w->cookie &&
		    s.flags == (TV_SYN | TV_ACK))
			memcpy(w->cookie, s.opt.cookie, sizeof w->cookie);
		w->our_port = tv_key_remote_port(&s.key);
		w->peer_port = tv_key_local_port(&s.key);
	}
}

static void open_call(struct world *w)
{
	struct tv_connect_config c;
	tv_handle h;

	tv_connect_default(&c);
	c.remote.addr = address(w, (uint8_t)(byte(w) & 0x83)); /* .1 and .129 are ours */
	c.remote.port = (uint16_t)(1 + byte(w));
	c.fastopen = (c.remote.port & 1) == 0;
	if (tv_connect(w->stack, w->now, &c, &h, NULL) == TV_OK)
		remember(w, h);
}

static void listen_call(struct world *w)
{
	struct tv_listen_config c;
	tv_handle h;
	uint8_t how = byte(w);

	tv_listen_default(&c);
	c.port_first = (uint16_t)(how & 1 ? 80 + (how >> 6) : 0);
	c.port_last = c.port_first;
	c.hold = (how & 2) != 0;
	c.any_address = (how & 4) != 0;
	c.backlog = 1 + (how >> 4);
	c.fastopen = how >> 3 & 3;
	if (tv_listen(w->stack, w->now, &c, &h) == TV_OK)
		remember(w, h);
}

static void stream_call(struct world *w, uint8_t op)
{
	static uint8_t data[4096];
	tv_handle h = some_handle(w);

	tv_fetch(w->stack, &h, 1);
	switch (op & 7) {
	case 0: tv_send(w->stack, w->now, h, data, 1u + half(w) % sizeof data, byte(w) & 7); break;
	case 1: tv_recv(w->stack, w->now, h, data, half(w) % sizeof data, byte(w) & 1); break;
	case 2: tv_shutdown(w->stack, w->now, h); break;
	case 3: tv_close(w->stack, w->now, h); break;
	case 4: tv_abort(w->stack, w->now, h); break;
	case 5: tv_release(w->stack, w->now, h); break;
	case 6: tv_set(w->stack, w->now, h, (enum tv_option)(byte(w) % (TV_OPT_FASTOPEN + 2)), half(w)); break;
	default: tv_consume(w->stack, w->now, h, half(w)); break;
	}
}

static void answer_call(struct world *w)
{
	struct tv_answer a = {.size = sizeof a, .icmp_type = 3, .icmp_code = 1};
	tv_handle h;

	a.kind = (enum tv_answer_kind)(byte(w) % 4);
	if (tv_answer(w->stack, w->now, some_handle(w), &a, &h) == TV_OK && a.kind == TV_ANSWER_ACCEPT)
		remember(w, h);
}

static void events(struct world *w)
{
	struct tv_event e;
	tv_handle h;

	while (tv_event(w->stack, &e)) {
		struct tv_info info = {.size = sizeof info};

		if (tv_info(w->stack, e.handle, &info) != TV_OK)
			abort(); /* an event names something that exists */
		remember(w, e.handle);
		if ((e.flags & TV_EV_ACCEPT) != 0 && tv_accept(w->stack, w->now, e.handle, &h) == TV_OK)
			remember(w, h);
	}
}

/* What changes under the connections: the size of packets, and their ways. */
static void path_call(struct world *w)
{
	struct tv_addr to = address(w, 0), by = address(w, (uint8_t)(byte(w) & 0x83));
	uint8_t how = byte(w);

	if (how < 128)
		tv_link_mtu(w->stack, w->now, how & 1, 576 + half(w) % 1000);
	else
		tv_route_add(w->stack, w->now, &to, 121 + how % 8, &by, how & 1, how >> 4);
}

/* Keys of the server, and what the client remembers. */
static void fastopen_call(struct world *w)
{
	uint8_t how = byte(w), keys[2][16] = {{how}, {0}};
	struct tv_fastopen_path p = {.size = sizeof p};
	uint64_t cursor = 0;

	if (how < 64)
		tv_fastopen_keys(w->stack, w->now, (how & 1) != 0 ? keys[0] : NULL, (how & 2) != 0 ? keys[1] : NULL);
	while (tv_fastopen_next(w->stack, &cursor, &p))
		if (p.cookie_len > sizeof p.cookie || tv_fastopen_put(w->stack, w->now, &p) != TV_OK)
			abort(); /* what it says can be said to it */
	p.addr = address(w, (uint8_t)(byte(w) & 0x83));
	p.cookie_len = byte(w) & 30;
	p.experimental = (how & 4) != 0;
	p.mss = half(w);
	p.failures = byte(w);
	tv_fastopen_put(w->stack, w->now, &p);
}

static void wait_a_while(struct world *w)
{
	tv_time next = tv_deadline(w->stack);
	uint8_t how = byte(w);

	if (how < 128 && next != TV_NEVER && next > w->now)
		w->now = next;
	else
		w->now += (tv_time)half(w) * (how < 200 ? TV_MS : how < 240 ? TV_S : 100 * TV_S);
}

static void step(struct world *w)
{
	uint8_t op = byte(w);

	switch (op >> 5) {
	case 0:
	case 1: segment(w); break;
	case 2: output(w); break;
	case 3: stream_call(w, op); break;
	case 4: events(w); break;
	case 5: wait_a_while(w); break;
	case 6: (op & 1 ? open_call : listen_call)(w); break;
	case 7:
		if ((op & 4) != 0)
			(op & 8 ? fastopen_call : burst)(w);
		else
			(op & 2 ? path_call : op & 1 ? raw : answer_call)(w);
		break;
	default: abort();
	}
}

/* kind: the mode of SYN cookies (2 bits), tight limits of what stalls, what a full accept queue does. */
static bool begin(struct world *w, uint8_t kind, void *region, size_t bytes)
{
	static const enum tv_cookies modes[] = {TV_COOKIES_AUTO, TV_COOKIES_ALWAYS, TV_COOKIES_NEVER, TV_COOKIES_FARM};
	struct tv_config g;
	struct tv_link_config link = {.size = sizeof link, .kind = w->v6 ? TV_LINK_ETHERNET : TV_LINK_IP, .mtu = 1500};
	struct tv_addr addr = address(w, 1);

	tv_config_default(&g);
	g.secret[0] = 1;
	g.connections = 8;
	g.half_opens = 8;
	g.time_waits = 4;
	g.listeners = 4;
	g.pages = 12;
	g.small_pages = 12;
	g.ranges = 24;
	g.ranges_each = 6;
	g.replies = 8;
	g.held_max = 3;
	g.side_records = 4;
	g.neighbours = 3;
	g.timer_budget = 4;
	g.fastopen_paths = 2;
	g.defaults.rcv_buf = g.defaults.snd_buf = 16384;
	g.syn_cookies = modes[kind & 3];
	if ((kind & 4) != 0) {
		g.orphans = 2;
		g.send_pages = 6;
		g.stall_min = TV_MS;
	}
	g.accept_full_reset = (kind & 8) != 0;
	memcpy(link.mac, mac, 6);
	if (tv_stack_size(&g) > bytes || tv_stack_init(region, bytes, &g, w->now, &w->stack) != TV_OK)
		return false;
	if (tv_link_add(w->stack, w->now, &link) != 0 ||
	    tv_address_add(w->stack, w->now, 0, &addr, 121) != TV_OK)
		return false;
	link.kind = TV_LINK_IP;
	link.csum_offload = link.gather = true;
	link.gso_bytes = 65535;
	addr = address(w, 129);
	return tv_link_add(w->stack, w->now, &link) == 1 &&
	       tv_address_add(w->stack, w->now, 1, &addr, 121) == TV_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t region[1 << 20] __attribute__((aligned(64)));
	static struct world w;
	uint8_t kind;

	memset(&w, 0, sizeof w);
	memset(region, 0, sizeof region);
	w.in = data;
	w.end = data + size;
	w.now = TV_S;
	w.our_port = 80;
	w.peer_port = 1000;
	kind = byte(&w);
	w.v6 = kind & 1;
	if (!begin(&w, kind >> 1, region, sizeof region))
		abort();
	while (w.in < w.end) {
		step(&w);
		if (tv_stack_check(w.stack) != 0)
			abort();
	}
	return 0;
}
