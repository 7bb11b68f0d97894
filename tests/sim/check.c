/*
 * check.c - checkers of a simulation.
 *
 * They use nothing of src/: packets are read byte by byte here, and the table of transitions is
 * drawn from RFC 9293 figure 5 and section 3.10, so that a mistake in the stack is not shared.
 */
#include "check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { HOSTS = 2, CONNECTIONS = 1024, FLOWS = 1024 };

struct flow {
	uint8_t key[36];       /* addresses and ports, sender first */
	bool used, edge_known, scaled, syn_scale_known;
	uint8_t scale;
	uint32_t edge;         /* the highest right edge that the sender has advertised */
};

/* One stack's connections: handles are unique within it. */
struct host {
	struct check *check;
	struct {
		tv_handle handle;
		enum tv_state state;
	} seen[CONNECTIONS];
	size_t count;
};

struct check {
	char error[CHECK_ERROR];
	struct host hosts[HOSTS];
	struct flow flows[FLOWS];
};

/* One at a time, at one place: its address stands in the stacks' configuration, and two runs shall
 * leave the same bytes there. */
static struct check the_check;

struct check *check_new(void)
{
	memset(&the_check, 0, sizeof the_check);
	return &the_check;
}

const char *check_error(const struct check *c)
{
	return c->error;
}

void check_fail(struct check *c, const char *format, ...)
{
	va_list args;

	if (c->error[0])
		return;
	va_start(args, format);
	vsnprintf(c->error, sizeof c->error, format, args);
	va_end(args);
}

/* ------------------------------------------------------------------------------------------ */
/* Transitions                                                                                 */

static bool legal(enum tv_state from, enum tv_state to)
{
	static const struct {
		enum tv_state from, to;
	} arrows[] = {
		{TV_CLOSED, TV_LISTEN},             /* passive OPEN */
		{TV_CLOSED, TV_SYN_SENT},           /* active OPEN */
		{TV_CLOSED, TV_SYN_RECEIVED},       /* a listener's connection: it stays in LISTEN itself */
		{TV_LISTEN, TV_SYN_RECEIVED},       /* rcv SYN */
		{TV_LISTEN, TV_SYN_SENT},           /* SEND */
		{TV_SYN_SENT, TV_SYN_RECEIVED},     /* rcv SYN: simultaneous open */
		{TV_SYN_SENT, TV_ESTABLISHED},      /* rcv SYN,ACK */
		{TV_SYN_RECEIVED, TV_LISTEN},       /* rcv RST, 3.10.7.4 second */
		{TV_SYN_RECEIVED, TV_ESTABLISHED},  /* rcv ACK of SYN */
		{TV_SYN_RECEIVED, TV_FIN_WAIT_1},   /* CLOSE */
		{TV_SYN_RECEIVED, TV_CLOSE_WAIT},   /* rcv FIN, 3.10.7.4 eighth */
		{TV_ESTABLISHED, TV_FIN_WAIT_1},    /* CLOSE */
		{TV_ESTABLISHED, TV_CLOSE_WAIT},    /* rcv FIN */
		{TV_FIN_WAIT_1, TV_FIN_WAIT_2},     /* rcv ACK of FIN */
		{TV_FIN_WAIT_1, TV_CLOSING},        /* rcv FIN */
		{TV_FIN_WAIT_1, TV_TIME_WAIT},      /* rcv FIN and ACK of FIN, note 2 of the figure */
		{TV_FIN_WAIT_2, TV_TIME_WAIT},      /* rcv FIN */
		{TV_CLOSE_WAIT, TV_LAST_ACK},       /* CLOSE */
		{TV_CLOSING, TV_TIME_WAIT},         /* rcv ACK of FIN */
	};

	if (to == TV_CLOSED)
		return true; /* RST, ABORT, time-outs, and the orderly ends */
	for (size_t i = 0; i < sizeof arrows / sizeof *arrows; i++)
		if (arrows[i].from == from && arrows[i].to == to)
			return true;
	return false;
}

void *check_of_host(struct check *c, unsigned host)
{
	c->hosts[host].check = c;
	return &c->hosts[host];
}

void check_trace(void *user, const struct tv_trace *trace)
{
	struct host *h = user;
	struct check *c = h->check;
	size_t i;

	if (trace->kind != TV_TRACE_STATE)
		return;
	if (!legal(trace->from, trace->to))
		check_fail(c, "transition %s -> %s", tv_state_name(trace->from), tv_state_name(trace->to));
	if (trace->handle == 0)
		return;
	for (i = 0; i < h->count && h->seen[i].handle != trace->handle; i++)
		;
	if (i < h->count && h->seen[i].state != trace->from)
		check_fail(c, "was in %s, but leaves %s for %s", tv_state_name(h->seen[i].state),
			tv_state_name(trace->from), tv_state_name(trace->to));
	if (i == CONNECTIONS)
		return;
	if (i == h->count)
		h->count++;
	h->seen[i].handle = trace->handle;
	h->seen[i].state = trace->to;
}

/* ------------------------------------------------------------------------------------------ */
/* Packets                                                                                     */

static uint32_t load16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t load32(const uint8_t *p)
{
	return load16(p) << 16 | load16(p + 2);
}

static uint32_t sum(const uint8_t *p, uint32_t len, uint32_t start)
{
	for (uint32_t i = 0; i < len; i++)
		start += i & 1 ? p[i] : (uint32_t)p[i] << 8;
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	return start;
}

/* The TCP header of a packet, with the pseudo-header's addresses; NULL: not TCP. */
static const uint8_t *tcp_of(const uint8_t *ip, uint32_t len, uint32_t *tcp_len, uint8_t key[36])
{
	bool v6 = len >= 40 && ip[0] >> 4 == 6;
	uint32_t head = v6 ? 40 : 20, size = v6 ? 16 : 4;

	if (len < head + 20 || ip[v6 ? 6 : 9] != 6)
		return NULL;
	*tcp_len = (v6 ? load16(ip + 4) : load16(ip + 2) - 20);
	memset(key, 0, 36);
	memcpy(key, ip + (v6 ? 8 : 12), size);
	memcpy(key + 16, ip + (v6 ? 24 : 16), size);
	memcpy(key + 32, ip + head, 4);
	return *tcp_len == len - head ? ip + head : NULL;
}

static struct flow *flow_of(struct check *c, const uint8_t key[36])
{
	uint32_t at = (load32(key + 32) * 2654435761u ^ key[15] ^ key[3]) % FLOWS;

	for (int i = 0; i < FLOWS; i++, at = (at + 1) % FLOWS) {
		struct flow *f = &c->flows[at];

		if (!f->used) {
			f->used = true;
			memcpy(f->key, key, 36);
			return f;
		}
		if (memcmp(f->key, key, 36) == 0)
			return f;
	}
	return NULL;
}

/* The shift of a window scale option; -1: there is none. */
static int scale_of(const uint8_t *tcp)
{
	uint32_t head = (tcp[12] >> 4) * 4u;

	for (uint32_t i = 20; i + 1 < head && tcp[i] != 0; i += tcp[i] == 1 ? 1 : tcp[i + 1])
		if (tcp[i] == 3)
			return tcp[i + 2];
		else if (tcp[i] != 1 && tcp[i + 1] < 2)
			return -1;
	return -1;
}

/*
 * RFC 9293 3.8.6.2.1 [SHLD-14]: a receiver should not take back what it has offered; but what a scaled
 * window field cannot express may be lacking for a while (RFC 7323 2.4): less than one unit of it, seen
 * from the highest edge that was ever offered.
 */
static void check_window(struct check *c, const uint8_t *tcp, const uint8_t key[36])
{
	struct flow *f = flow_of(c, key), *reverse;
	uint8_t other[36], flags = tcp[13];
	uint32_t edge;

	memcpy(other, key + 16, 16);
	memcpy(other + 16, key, 16);
	memcpy(other + 32, key + 34, 2);
	memcpy(other + 34, key + 32, 2);
	reverse = flow_of(c, other);
	if (!f || !reverse || flags & 4)
		return;
	if (flags & 2) {
		int scale = scale_of(tcp);

		f->scaled = scale >= 0;
		f->scale = scale < 0 ? 0 : (uint8_t)scale;
		f->edge_known = false;
	}
	if (!(flags & 16))
		return;
	edge = load32(tcp + 8) + (load16(tcp + 14) << (flags & 2 || !reverse->scaled ? 0 : f->scale));
	if (f->edge_known && (int32_t)(edge - f->edge) <= -(int32_t)(1u << (reverse->scaled ? f->scale : 0)))
		check_fail(c, "the right edge of the window moved left by %u", f->edge - edge);
	if (!f->edge_known || (int32_t)(edge - f->edge) > 0)
		f->edge = edge;
	f->edge_known = true;
}

void check_sight(struct check *c, const struct network_sight *sight)
{
	const uint8_t *ip = sight->packet->data + sight->ip_offset, *tcp;
	uint32_t len = sight->packet->len - sight->ip_offset, tcp_len, pseudo;
	bool v6 = ip[0] >> 4 == 6;
	uint8_t key[36];

	if (sight->arrived || len < 20)
		return;
	if (!v6 && ip[0] >> 4 == 4 && sum(ip, 20, 0) != 0xffff)
		check_fail(c, "sent an IPv4 header with a wrong checksum");
	tcp = tcp_of(ip, len, &tcp_len, key);
	if (!tcp)
		return;
	pseudo = sum(ip + (v6 ? 8 : 12), v6 ? 32 : 8, 0) + 6 + tcp_len;
	if (sight->packet->flags & TV_PKT_CSUM_PARTIAL) {
		if (load16(tcp + 16) != sum(tcp, 0, pseudo))
			check_fail(c, "a partial checksum is not the sum of the pseudo-header");
	} else if (sum(tcp, tcp_len, pseudo) != 0xffff)
		check_fail(c, "sent a TCP segment with a wrong checksum"); /* RFC 9293 3.1 [MUST-2] */
	check_window(c, tcp, key);
}

/* ------------------------------------------------------------------------------------------ */
/* Stacks                                                                                      */

void check_stack(struct check *c, const struct tv_stack *stack, const struct tv_config *config)
{
	struct tv_counters n = {.size = sizeof n};
	int broken = tv_stack_check(stack);

	if (broken)
		check_fail(c, "tv_stack_check() says %d", broken);
	tv_counters(stack, &n);
	if (n.connections > config->connections || n.half_opens > config->half_opens ||
		n.time_waits > config->time_waits || n.pages_used > config->pages ||
		n.small_pages_used > config->small_pages || n.ranges_used > config->ranges)
		check_fail(c, "a pool is beyond its limit");
}

bool check_is_empty(const struct tv_stack *stack)
{
	struct tv_counters n = {.size = sizeof n};

	tv_counters(stack, &n);
	return n.connections == 0 && n.half_opens == 0 && n.time_waits == 0 && n.pages_used == 0 &&
		n.small_pages_used == 0 && n.ranges_used == 0;
}
