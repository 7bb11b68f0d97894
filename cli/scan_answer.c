/*
 * scan_answer.c - from an answer to the state of a port.
 *
 * With raw SYNs the packets alone tell; an answer must acknowledge the SYN that went to this port. With
 * the kernel's connect() the kernel tells, by success, errno and error queue, and a packet that was
 * captured adds its TTL. An ICMP error means filtered whatever its code: a TCP host that is reached
 * answers with SYN,ACK or RST.
 */
#include <errno.h>
#include <string.h>

#include "cli/reading.h"
#include "cli/scan.h"

/* So many packets at once, so that the probes keep their rate. */
enum { TAKE_MOST = 1000 };

uint32_t scan_isn(const struct scan *s, uint16_t port)
{
	return s->isn + port * 2654435761u;
}

static void settle(struct probe *p, enum port_state state, enum witness witness)
{
	p->state = (uint8_t)state;
	p->witness = (uint8_t)witness;
	p->under_way = false;
}

static void settle_icmp(struct probe *p, uint8_t type, uint8_t code, const struct tv_addr *from)
{
	p->icmp_type = type;
	p->icmp_code = code;
	p->icmp_from = *from;
	settle(p, PORT_FILTERED, WITNESS_ICMP);
}

/* What errno means when no ICMP error was kept. */
static void settle_errno(struct probe *p, int err)
{
	p->err = err;
	switch (err) {
	case ECONNREFUSED: settle(p, PORT_CLOSED, p->ttl ? WITNESS_RST : WITNESS_REFUSED); break;
	case EHOSTUNREACH:
	case ENETUNREACH:
	case ENOPROTOOPT:
	case EPROTO:
	case EACCES: settle(p, PORT_FILTERED, WITNESS_ERRNO); break;
	case ETIMEDOUT: scan_silent(p); break;
	default: settle(p, PORT_UNTRIED, WITNESS_ERRNO); break;
	}
}

void scan_look(struct probe *p)
{
	struct host_attempt *a = p->at;

	if (a->fd >= 0 && !host_attempt_look(a))
		return;
	if (a->err && a->reported) {
		settle_icmp(p, a->icmp_type, a->icmp_code, &a->icmp_from);
	} else if (a->at_once) {
		p->err = a->err;
		settle(p, PORT_UNTRIED, WITNESS_ERRNO);
	} else if (a->err) {
		settle_errno(p, a->err);
	} else {
		settle(p, PORT_OPEN, p->ttl ? WITNESS_SYNACK : WITNESS_CONNECTED);
	}
}

void scan_silent(struct probe *p)
{
	settle(p, PORT_FILTERED, WITNESS_SILENCE);
}

/* ------------------------------------------------------------------------------------------ */
/* Packets                                                                                     */

static struct probe *probe_of(const struct scan *s, uint16_t port)
{
	return s->place[port] ? &s->probes[s->place[port] - 1] : NULL;
}

static void take_segment(const struct scan *s, const struct packet *p)
{
	struct probe *probe = probe_of(s, p->sport);
	bool synack = (p->flags & (TV_SYN | TV_ACK | TV_RST)) == (TV_SYN | TV_ACK);

	if (!probe || p->dport != probe->local || !probe->tries || !(synack || p->flags & TV_RST))
		return;
	if (!s->raw) {
		if (!probe->ttl)
			probe->ttl = p->ttl;
		if (synack && probe->witness == WITNESS_CONNECTED)
			probe->witness = WITNESS_SYNACK;
		if (!synack && probe->witness == WITNESS_REFUSED)
			probe->witness = WITNESS_RST;
		return;
	}
	if (!(p->flags & TV_ACK) || p->ack != scan_isn(s, probe->port) + 1 || probe->state == PORT_OPEN ||
		probe->state == PORT_CLOSED)
		return;
	probe->ttl = p->ttl;
	settle(probe, synack ? PORT_OPEN : PORT_CLOSED, synack ? WITNESS_SYNACK : WITNESS_RST);
}

static void take_error(const struct scan *s, const struct packet *p)
{
	struct probe *probe = probe_of(s, p->dport);

	if (!s->raw || !probe || !probe->under_way || p->sport != probe->local || p->icmp == TV_ICMP_TOO_BIG)
		return;
	if (tv_addr_equal(&p->quoted_dst, &s->remote) && p->seq == scan_isn(s, probe->port))
		settle_icmp(probe, p->icmp_type, p->icmp_code, &p->src);
}

/* Part of this scan? */
static bool belongs(const struct scan *s, const struct packet *p)
{
	const struct probe *probe;

	if (p->kind == PACKET_ICMP) {
		probe = probe_of(s, p->dport);
		return probe && p->sport == probe->local && tv_addr_equal(&p->quoted_dst, &s->remote);
	}
	if (tv_addr_equal(&p->src, &s->remote)) {
		probe = probe_of(s, p->sport);
		if (probe && p->dport == probe->local)
			return true;
	}
	probe = probe_of(s, p->dport);
	return probe && tv_addr_equal(&p->dst, &s->remote) && p->sport == probe->local;
}

static void write_packet(const struct scan *s, const struct packet *p)
{
	uint8_t bytes[2048];
	struct tv_packet packet = {.data = bytes, .len = p->ip_have < sizeof bytes ? p->ip_have : sizeof bytes};

	memcpy(bytes, p->ip, packet.len);
	tap_write(s->tap, p->time, TAP_IN, &packet);
}

void scan_capture(struct scan *s)
{
	struct records_packet record;
	struct packet p;

	for (unsigned n = 0; n < TAKE_MOST && s->live && live_next(s->live, &record) > 0; n++) {
		reading_packet(&record, &p);
		if ((p.kind != PACKET_TCP && p.kind != PACKET_ICMP) || !belongs(s, &p))
			continue;
		if (s->tap)
			write_packet(s, &p);
		if (p.kind == PACKET_ICMP)
			take_error(s, &p);
		else if (tv_addr_equal(&p.src, &s->remote))
			take_segment(s, &p);
	}
}
