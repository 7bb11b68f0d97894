/*
 * Packets of a run: what the stack sends is collected, what the script delivers is injected, and
 * what it expects is waited for and compared.
 *
 * A packet without ports in the script is about the current connection: the one that connect()
 * opened last, or that the last SYN opened after listen(). Packets with ports name theirs. Each
 * packet that the stack sends is put behind the others of its connection, and an expected packet is
 * compared with the oldest; so a packet that nobody expected is noticed at the next expectation.
 *
 * Where the script expects more payload than a segment holds, consecutive segments are put together
 * (as the language's own tool does for segmentation offload), unless --strict_segments is given.
 */
#include "runner.h"

#include "icmp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BATCH 16
#define FIRST_REMOTE_PORT 40001
#define DEFAULT_TTL 64

/* ------------------------------------------------------------------------- connections -- */

static struct conn *new_conn(struct runner *r, uint16_t local_port, uint16_t remote_port)
{
	struct conn *c = arena_take(r->arena, sizeof(*c));

	c->local_port = local_port;
	c->remote_port = remote_port;
	c->remote = r->setup.remote;
	c->fd = -1;
	c->next = r->conns;
	r->conns = c;
	return c;
}

static struct conn *find_conn(const struct runner *r, uint16_t local_port, uint16_t remote_port)
{
	for (struct conn *c = r->conns; c != NULL; c = c->next)
		if (c->local_port == local_port && c->remote_port == remote_port)
			return c;
	return NULL;
}

struct conn *packets_connecting(struct runner *r, int script_fd, uint16_t port,
                                const struct tv_addr *remote)
{
	for (struct conn *c = r->conns; c != NULL; c = c->next)
		if (c->fd == script_fd)
			c->fd = -1;
	struct conn *c = new_conn(r, 0, port);

	c->remote = *remote;
	c->fd = script_fd;
	c->awaits_syn = true;
	r->current = c;
	return c;
}

struct conn *packets_conn_of(struct runner *r, int script_fd)
{
	for (struct conn *c = r->conns; c != NULL; c = c->next)
		if (c->fd == script_fd)
			return c;
	return NULL;
}

void packets_attach(struct runner *r, int script_fd, uint16_t local_port, uint16_t remote_port)
{
	struct conn *c = find_conn(r, local_port, remote_port);

	if (c == NULL)
		c = new_conn(r, local_port, remote_port);
	c->fd = script_fd;
}

/* The connection that a packet of the script is about; made if it is new and arrives. */
static struct conn *conn_of_spec(struct runner *r, const struct packet_spec *spec)
{
	uint16_t local = spec->inbound ? spec->dst_port : spec->src_port;
	uint16_t remote = spec->inbound ? spec->src_port : spec->dst_port;

	if (local == 0 && remote == 0 && r->current != NULL)
		return r->current;
	if (local == 0)
		local = r->current != NULL ? r->current->local_port : r->setup.bind_port;
	if (remote == 0)
		remote = r->current != NULL ? r->current->remote_port : r->next_port++;
	struct conn *c = find_conn(r, local, remote);
	if (c == NULL)
		c = new_conn(r, local, remote);
	if (r->current == NULL)
		r->current = c;
	return c;
}

/* The connection that a packet of the stack belongs to. */
static struct conn *conn_of_wire(struct runner *r, const struct wire_packet *p)
{
	struct conn *c;

	if (p->protocol != WIRE_TCP)
		return r->current;
	c = find_conn(r, p->src_port, p->dst_port);
	if (c != NULL || (p->flags & FLAG_SYN) == 0)
		return c;
	/* Our SYN tells which port the stack chose. */
	for (c = r->conns; c != NULL; c = c->next) {
		if (c->awaits_syn && c->remote_port == p->dst_port && c->local_port == 0) {
			c->awaits_syn = false;
			c->local_port = p->src_port;
			return c;
		}
	}
	return NULL;
}

/* ------------------------------------------------------------------------- collecting --- */

static void show(const char *what, const struct packet_spec *p, int64_t time_ns)
{
	char text[TEXT_MAX];

	text_spec(p, text);
	printf("  %10.6f %s %s\n", (double)time_ns / 1e9, what, text);
}

/* A packet of the stack as a script would write it. */
static void describe(const struct sent *s, struct packet_spec *out)
{
	static const struct conn nobody;

	if (s->wire.protocol == WIRE_TCP) {
		conn_to_script(s->conn != NULL ? s->conn : &nobody, &s->wire, out);
		return;
	}
	memset(out, 0, sizeof(*out));
	out->icmp_mtu = -1;
	out->window = -1;
	out->kind = s->wire.protocol == WIRE_UDP ? PACKET_UDP : PACKET_ICMP;
	out->length = s->wire.length;
	out->icmp_type = icmp_type_name(s->wire.icmp_type, s->wire.ip.v6);
}

static void take_sent(struct runner *r, const struct tv_packet *packet)
{
	struct sent *s = arena_take(r->arena, sizeof(*s));
	uint8_t *bytes = arena_take(r->arena, packet->len);

	memcpy(bytes, packet->data, packet->len);
	s->time_ns = r->now_ns;
	s->malformed = wire_parse(&s->wire, bytes, packet->len);
	s->conn = s->malformed == NULL ? conn_of_wire(r, &s->wire) : r->current;
	*r->sent_tail = s;
	r->sent_tail = &s->next;
	r->sent_count++;
	bool syn = s->malformed == NULL && (s->wire.flags & FLAG_SYN) != 0;
	if (syn && s->conn != NULL && !s->conn->local_known) {
		s->conn->local_known = true;
		s->conn->local_isn = s->wire.seq;
	}
	if (r->verbose && s->malformed == NULL) {
		struct packet_spec spec;
		describe(s, &spec);
		show("sent     ", &spec, s->time_ns);
	}
}

unsigned packets_collect(struct runner *r)
{
	static uint8_t bytes[BATCH][2048 + WIRE_MAX];
	struct tv_packet packets[BATCH];
	unsigned total = 0;
	unsigned n;

	do {
		memset(packets, 0, sizeof(packets));
		for (unsigned i = 0; i < BATCH; i++) {
			packets[i].data = bytes[i];
			packets[i].cap = sizeof(bytes[i]);
		}
		n = tv_output(r->stack, runner_time(r), TV_ANY_LINK, packets, BATCH);
		for (unsigned i = 0; i < n; i++)
			take_sent(r, &packets[i]);
		total += n;
	} while (n == BATCH);
	return total;
}

/* ------------------------------------------------------------------------- delivering --- */

static void fill_ip(const struct runner *r, const struct packet_spec *spec, const struct conn *c,
                    struct wire_packet *p)
{
	p->ip.v6 = r->setup.version == VERSION_IPV6;
	p->ip.src = c != NULL ? c->remote : r->setup.remote;
	p->ip.dst = r->setup.local;
	p->ip.tos = spec->tos_check == TOS_UNCHECKED ? 0 : spec->tos;
	p->ip.ttl = spec->ttl != 0 ? spec->ttl : DEFAULT_TTL;
	p->ip.flow_label = spec->flow_label;
}

static bool inject(struct runner *r, const struct wire_packet *p)
{
	static uint8_t bytes[WIRE_MAX];
	struct tv_packet packet = {.data = bytes};
	uint8_t verdict = 0;

	packet.len = wire_build(p, bytes);
	packet.cap = WIRE_MAX;
	packet.link = (uint16_t)r->link;
	if (packet.len == 0)
		return fail_with(r->f, "the packet is larger than IP allows");
	tv_input(r->stack, runner_time(r), &packet, 1, &verdict);
	if (r->verbose && verdict != TV_V_OK && verdict != TV_V_DONE)
		printf("             verdict   %s: %s\n", tv_verdict_name(verdict),
		       tv_verdict_text(verdict));
	return true;
}

/* Payload that continues the stream: position 0 is the byte behind the SYN. */
static uint8_t *make_payload(struct runner *r, const struct packet_spec *spec,
                             const struct conn *c)
{
	uint8_t *payload = arena_take(r->arena, spec->length);
	uint32_t isn = c->remote_isn;
	uint32_t first = (spec->flags & FLAG_SYN) != 0 ? spec->seq + 1 - isn : spec->seq;

	for (uint32_t i = 0; i < spec->length; i++)
		payload[i] = payload_byte((uint32_t)(first - 1 + i));
	return payload;
}

static bool deliver_tcp(struct runner *r, const struct packet_spec *spec)
{
	struct conn *c = conn_of_spec(r, spec);
	struct wire_packet p;
	bool syn = (spec->flags & FLAG_SYN) != 0;

	if (syn) {
		c->last_syn = spec->seq;
		if (!c->remote_known) {
			c->remote_known = true;
			c->remote_isn = spec->seq;
		}
	}
	if ((spec->flags & FLAG_URG) != 0)
		c->urgent = true;
	memset(&p, 0, sizeof(p));
	fill_ip(r, spec, c, &p);
	p.protocol = WIRE_TCP;
	conn_to_wire(c, spec, &p);
	p.src_port = c->remote_port;
	p.dst_port = c->local_port;
	p.length = spec->length;
	p.payload = make_payload(r, spec, c);
	return inject(r, &p);
}

static bool deliver_udp(struct runner *r, const struct packet_spec *spec)
{
	struct wire_packet p;

	memset(&p, 0, sizeof(p));
	fill_ip(r, spec, r->current, &p);
	p.protocol = WIRE_UDP;
	p.src_port = spec->src_port != 0 ? spec->src_port : r->next_port++;
	p.dst_port = spec->dst_port != 0 ? spec->dst_port : r->setup.bind_port;
	p.length = spec->length;
	p.payload = arena_take(r->arena, spec->length);
	return inject(r, &p);
}

/* The packet of ours that an ICMP error quotes. */
static uint32_t quote(struct runner *r, const struct packet_spec *spec, uint8_t *out)
{
	const struct conn *c = r->current;
	struct wire_packet p;

	memset(&p, 0, sizeof(p));
	fill_ip(r, spec, c, &p);
	p.ip.dst = p.ip.src;
	p.ip.src = r->setup.local;
	p.protocol = spec->quote == QUOTE_UDP ? WIRE_UDP : WIRE_TCP;
	p.src_port = c != NULL ? c->local_port : r->setup.bind_port;
	p.dst_port = c != NULL ? c->remote_port : FIRST_REMOTE_PORT;
	p.flags = FLAG_ACK;
	p.seq = spec->quote_seq + (c != NULL ? c->local_isn : 0);
	p.ack = c != NULL ? c->remote_isn + 1 : 0;
	p.length = spec->quote_length;
	return wire_quote(&p, 20, out);
}

static bool is_echo(const struct icmp_name *name, bool v6)
{
	return v6 ? name->type == 128 || name->type == 129 : name->type == 0 || name->type == 8;
}

static bool deliver_icmp(struct runner *r, const struct packet_spec *spec)
{
	struct wire_packet p;
	struct icmp_name name;
	uint8_t quoted[128];

	memset(&p, 0, sizeof(p));
	fill_ip(r, spec, r->current, &p);
	if (!icmp_by_name(spec->icmp_type, spec->icmp_code, p.ip.v6, &name, r->f))
		return false;
	p.protocol = p.ip.v6 ? WIRE_ICMP6 : WIRE_ICMP;
	p.icmp_type = name.type;
	p.icmp_code = name.code;
	if (is_echo(&name, p.ip.v6)) {
		p.icmp_rest = (uint32_t)spec->icmp_id << 16;
		return inject(r, &p);
	}
	if (spec->icmp_mtu >= 0)
		p.icmp_rest = (uint32_t)spec->icmp_mtu;
	/* frag_needed in a script for both versions: the IPv6 header is 20 bytes longer. */
	if (spec->icmp_mtu >= 0 && p.ip.v6 && spec->icmp_code != NULL)
		p.icmp_rest += 20;
	p.length = quote(r, spec, quoted);
	p.payload = quoted;
	return inject(r, &p);
}

bool packets_deliver(struct runner *r, const struct packet_spec *spec)
{
	if (spec->encapsulation != NULL)
		return fail_unsupported(r->f, "packets inside %s are not supported",
		                        spec->encapsulation);
	if (r->verbose)
		show("delivered", spec, r->now_ns);
	switch (spec->kind) {
	case PACKET_TCP: return deliver_tcp(r, spec);
	case PACKET_UDP: return deliver_udp(r, spec);
	case PACKET_ICMP: return deliver_icmp(r, spec);
	}
	return false;
}

/* ------------------------------------------------------------------------- expecting ---- */

static bool is_for(const struct sent *s, const struct packet_spec *spec, const struct conn *c)
{
	if (s->malformed != NULL)
		return true;
	if (spec->kind == PACKET_TCP && s->wire.protocol == WIRE_TCP)
		return s->conn == c || s->conn == NULL;
	/* Another protocol than expected is shown as a difference. */
	return s->conn == c || s->wire.protocol != WIRE_TCP;
}

static struct sent *first_for(const struct runner *r, const struct packet_spec *spec,
                              const struct conn *c)
{
	for (struct sent *s = r->sent; s != NULL; s = s->next)
		if (is_for(s, spec, c))
			return s;
	return NULL;
}

static void drop_sent(struct runner *r, struct sent *gone)
{
	struct sent **at = &r->sent;

	while (*at != gone)
		at = &(*at)->next;
	*at = gone->next;
	if (r->sent_tail == &gone->next)
		r->sent_tail = at;
}

/* Waits for a packet of the connection; NULL after the time is over or a failure. */
static struct sent *await(struct runner *r, const struct packet_spec *spec, const struct conn *c,
                          int64_t until_ns)
{
	struct sent *s = first_for(r, spec, c);

	while (s == NULL && runner_step(r, until_ns))
		s = first_for(r, spec, c);
	return s;
}

static bool nothing_sent(struct runner *r, const struct packet_spec *spec, int64_t to)
{
	char text[TEXT_MAX];

	if (r->f->failed)
		return false;
	text_spec(spec, text);
	return fail_with(r->f, "no packet was sent until %.6f\n  expected %s", (double)to / 1e9, text);
}

static bool differs(struct runner *r, const char *what, const struct packet_spec *want,
                    const struct packet_spec *got, int64_t time_ns)
{
	char expected[TEXT_MAX];
	char actual[TEXT_MAX];

	text_spec(want, expected);
	text_spec(got, actual);
	return fail_with(r->f, "wrong packet: %s\n  expected %s\n  actual   %s   (at %.6f)", what,
	            expected, actual, (double)time_ns / 1e9);
}

static bool check_payload(struct runner *r, const struct conn *c, const struct wire_packet *p)
{
	uint32_t first = p->seq - c->local_isn - 1 + ((p->flags & FLAG_SYN) != 0 ? 1 : 0);

	for (uint32_t i = 0; i < p->length; i++) {
		uint32_t at = first + i;
		/* A keepalive probe may carry one byte that is no part of the stream. */
		bool probe = p->length == 1 && at + 1 == 0;
		if (at >= c->written_length && !probe)
			return fail_with(r->f, "the packet carries byte %u of the stream, which was "
			            "never written", at + 1);
		if (!probe && p->payload[i] != c->written[at])
			return fail_with(r->f, "byte %u of the stream is not what was written: "
			            "expected 0x%02x, actual 0x%02x", at + 1, c->written[at],
			            p->payload[i]);
	}
	return true;
}

/* May `next` be counted as the continuation of what has been seen so far? */
static bool continues(const struct wire_packet *so_far, const struct wire_packet *next,
                      uint32_t wanted)
{
	return next->protocol == WIRE_TCP && next->length > 0 &&
	       next->seq == so_far->seq + so_far->length && next->ack == so_far->ack &&
	       (so_far->flags & (FLAG_FIN | FLAG_SYN | FLAG_RST)) == 0 &&
	       so_far->length + next->length <= wanted;
}

/*
 * Puts further segments behind `whole` until it has the length that the script expects. Linux pushes each
 * super-segment that it hands to a device, wherever the text goes on; together they are taken for pushed where the
 * script says so.
 */
static bool gather(struct runner *r, const struct packet_spec *spec, struct conn *c,
                   struct wire_packet *whole, int64_t to)
{
	while (!r->setup.strict_segments && whole->length > 0 && whole->length < spec->length) {
		struct sent *s = await(r, spec, c, to);
		if (s == NULL)
			return !r->f->failed;
		if (s->malformed != NULL || !continues(whole, &s->wire, spec->length))
			return true;
		if (!check_payload(r, c, &s->wire))
			return false;
		whole->length += s->wire.length;
		whole->flags |= s->wire.flags | (spec->flags & FLAG_PSH);
		whole->window = s->wire.window;
		drop_sent(r, s);
	}
	return true;
}

static bool expect_tcp(struct runner *r, const struct packet_spec *spec, struct conn *c,
                       const struct sent *s, int64_t to)
{
	struct wire_packet whole = s->wire;
	struct packet_spec got;

	conn_learn(c, spec, &whole);
	if (!check_payload(r, c, &whole) || !gather(r, spec, c, &whole, to))
		return false;
	const char *what = match_tcp(c, spec, &whole, &r->setup, &got);
	return what == NULL || differs(r, what, spec, &got, s->time_ns);
}

bool packets_expect(struct runner *r, const struct packet_spec *spec, int64_t from, int64_t to)
{
	struct packet_spec got;
	const char *what;

	if (spec->encapsulation != NULL)
		return fail_unsupported(r->f, "packets inside %s are not supported",
		                        spec->encapsulation);
	struct conn *c = conn_of_spec(r, spec);
	struct sent *s = await(r, spec, c, to);
	if (s == NULL)
		return nothing_sent(r, spec, to);
	drop_sent(r, s);
	if (s->malformed != NULL)
		return fail_with(r->f, "the stack sent a packet with %s", s->malformed);
	if (s->wire.protocol == WIRE_TCP && spec->kind == PACKET_TCP) {
		if (!expect_tcp(r, spec, c, s, to))
			return false;
	} else if (s->wire.protocol == WIRE_TCP) {
		describe(s, &got);
		return differs(r, "protocol", spec, &got, s->time_ns);
	} else {
		what = match_other(spec, &s->wire, &got, r->arena);
		if (what != NULL)
			return differs(r, what, spec, &got, s->time_ns);
	}
	if (s->time_ns < from || s->time_ns > to) {
		char text[TEXT_MAX];
		text_spec(spec, text);
		return fail_with(r->f, "the packet was sent at the wrong time\n  expected %.6f%s%.6f\n"
		            "  actual   %.6f\n  packet   %s", (double)from / 1e9, " to ",
		            (double)to / 1e9, (double)s->time_ns / 1e9, text);
	}
	return true;
}

bool packets_check_rest(struct runner *r)
{
	struct packet_spec spec;
	char text[TEXT_MAX];
	const struct sent *s = r->sent;

	/* Scripts end without naming every acknowledgment; that a connection was reset, and nobody
	 * looked, is another matter. */
	while (s != NULL && s->malformed == NULL &&
	       (s->conn != r->current || (s->wire.flags & FLAG_RST) == 0))
		s = s->next;
	if (s == NULL)
		return true;
	if (s->malformed != NULL)
		return fail_with(r->f, "the stack sent a packet with %s", s->malformed);
	describe(s, &spec);
	text_spec(&spec, text);
	return fail_with(r->f, "a packet was sent that no event expects\n  actual   %s   (at %.6f)",
	            text, (double)s->time_ns / 1e9);
}
