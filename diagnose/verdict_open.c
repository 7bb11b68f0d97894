/*
 * verdict_open.c - rules about the handshake: how an attempt to connect failed.
 *
 * What an unseen capture of each kind must satisfy stands with its rule. None looks at an address, a
 * port or a count.
 */
#include "diagnose/verdict.h"

#include <stdio.h>

bool sees_server(const struct conn *c)
{
	const struct side *a = &c->side[0], *b = &c->side[1];
	tv_time before, behind;

	if (!a->syn_seen || !b->syn_is_answer || !seen(&c->ack))
		return false;
	if (tv_addr_is_loopback(&c->addr[1]))
		return true;
	before = since(&a->syn, &b->syn);
	behind = since(&b->syn, &c->ack);
	return before * 4 < behind && before < 2 * TV_MS;
}

tv_time handshake_rtt(const struct conn *c)
{
	const struct side *a = &c->side[0], *b = &c->side[1];

	if (!a->syn_seen || !b->syn_is_answer || !seen(&c->ack) || a->syn_count != 1 || b->syn_count != 1)
		return 0;
	return since(&a->syn, &c->ack);
}

/*
 * A socket may have a TTL of its own: 1 for a neighbour on the link, 255 so that nobody from farther away can
 * speak to it (RFC 5082 3). A host's RST for which there is no socket has the host's TTL.
 */
static bool is_ttl_of_a_socket(uint8_t usual, uint8_t rst)
{
	uint8_t hops = (uint8_t)(255 - usual);

	if (usual == 1)
		return rst == 64 || rst == 128 || rst == 255;
	return usual > 128 && (rst + hops == 64 || rst + hops == 128);
}

bool rst_is_foreign(const struct case_ *k, const struct side *s, const struct host **host)
{
	const struct host *h = tracker_host(k->tracker, &k->c->addr[s == k->b]);

	*host = h;
	return h && s->rst_ttl && h->ttl_min == h->ttl_max && h->ttl_min != s->rst_ttl &&
		!is_ttl_of_a_socket(h->ttl_min, s->rst_ttl);
}

/*
 * ICMP: an error quotes this connection, and nothing went on after it: the attempt never got a SYN,ACK,
 * or what was sent was not acknowledged any more. Packet too big is not among them.
 */
bool rule_icmp(const struct case_ *k, struct finding *f)
{
	const struct conn *c = k->c;
	const struct side *s = &c->side[c->icmp_about], *o = &c->side[!c->icmp_about];
	struct tv_endpoint from = {.addr = c->icmp_from};
	char text[64];

	if (c->icmp_count == 0)
		return false;
	if (is_established(c)) {
		/* The SYN,ACK again is no progress: it says the same as the error. */
		if (is_behind(&o->last, &c->icmp[0]) && (o->packets > o->syn_count || is_behind(&o->syn, &c->icmp[0])))
			return false;
		if (is_behind(&o->rst, &c->icmp[0]))
			return false;
		if (s->packets && !seen(&s->out) && !seen(&s->fin) && s->bytes)
			return false;
	} else if (c->icmp_about == 0 ? o->syn_seen || seen(&o->rst) : false) {
		return false;
	}
	finding_start(f, c, word_of_icmp(c->icmp_kind), c->icmp_cut ? LIKELY : CERTAIN);
	for (uint32_t i = 0; i < ICMP_MARKS; i++)
		finding_cite(f, &c->icmp[i]);
	finding_cite(f, &s->syn);
	end_text(&from, text, sizeof text);
	finding_say(f, "%s type %u code %u from %s (%s) quotes %s.", c->v6 ? "ICMPv6" : "ICMP", c->icmp_type, c->icmp_code,
		text, icmp_sender(f->word, tv_addr_equal(&c->icmp_from, &c->addr[!c->icmp_about]),
			tv_addr_equal(&c->icmp_from, &c->addr[c->icmp_about])),
		c->icmp_of_syn ? "the SYN" : "a packet of this connection");
	if (c->icmp_cut)
		finding_say(f, "It was captured in part: that it is about this SYN is the likeliest.");
	return true;
}

/* One SYN, and both an RST and a SYN,ACK answer it: two machines did, and the client believed the first. */
static bool is_answered_twice(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;

	if (!b->syn_is_answer || !is_behind(&b->syn, &b->rst) || seen(&k->c->ack) || a->syn_count > 1)
		return false;
	if (!b->rst_has_ack || b->rst_ack != b->syn_ack)
		return false;
	finding_start(f, k->c, WORD_RESET_BY_MIDDLEBOX, LIKELY);
	finding_cite(f, &a->syn);
	finding_cite(f, &b->rst);
	finding_cite(f, &b->syn);
	finding_say(f, "The one SYN was answered by an RST with TTL %u and then by a SYN,ACK with %u: not both are the server's.",
		b->rst_ttl, b->ttl);
	return true;
}

/*
 * Refused: an RST is the only answer to the SYN. It is the host's own as far as its TTL is that of the
 * host's other packets; after loss: the first SYN had got nothing when it was repeated.
 */
bool rule_refused(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;
	const struct host *host;
	char text[24];
	bool late;

	if (!a->syn_seen || !seen(&b->rst))
		return false;
	if (b->syn_seen)
		return is_answered_twice(k, f);
	if (b->rst_has_ack && b->rst_ack != a->isn + 1 && b->rst_ack != a->isn + 1 + a->syn_len)
		return false;
	if (b->packets > b->rst_count)
		return false;
	late = a->syn_count > 1 && is_behind(&b->rst, &a->syn_again[0]) && b->rst_count < a->syn_count &&
		since(&a->syn, &a->syn_again[0]) > 2 * since(&a->syn_again[0], &b->rst);
	if (rst_is_foreign(k, b, &host)) {
		finding_start(f, k->c, WORD_RESET_BY_MIDDLEBOX, LIKELY);
		finding_cite(f, &host->first);
		finding_cite(f, &b->rst);
		finding_say(f, "The RST came with TTL %u, the packets of the same host with %u (packet %u).",
			b->rst_ttl, host->ttl_min, host->first.number);
		return true;
	}
	finding_start(f, k->c, late ? WORD_REFUSED_AFTER_LOSS : WORD_REFUSED, CERTAIN);
	finding_cite(f, &b->rst);
	finding_cite(f, &a->syn);
	if (late)
		finding_cite(f, &a->syn_again[0]);
	finding_say(f, "Port %u answered %s after the SYN.", k->c->port[1],
		time_text(since(late ? &a->syn_again[0] : &a->syn, &b->rst), text));
	return true;
}

/* A SYN,ACK came on the right ports, but acknowledges what was never sent; no right one followed. */
bool rule_synack_wrong_ack(const struct case_ *k, struct finding *f)
{
	const struct conn *c = k->c;

	/* A right one may be here as well, if this is where it is rewritten. */
	if (!seen(&c->wrong_synack) || (k->b->syn_seen && seen(&c->ack)) || seen(&k->b->rst))
		return false;
	finding_start(f, c, WORD_SYNACK_WRONG_ACK, CERTAIN);
	finding_cite(f, &k->a->syn);
	finding_cite(f, &c->wrong_synack);
	return true;
}

/* SYNs, and nothing at all from the other side. One alone says little if the capture ends soon. */
bool rule_syn_unanswered(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;
	tv_time waited = k->end > mark_time(&a->syn) ? k->end - mark_time(&a->syn) : 0;
	bool alone = tracker_counts(k->tracker)->connections == 1;
	bool too_soon = a->syn_count == 1 && waited < limit(LIMIT_UNANSWERED);
	char text[24];

	if (!a->syn_seen || b->syn_seen || seen(&b->rst) || (b->packets && !seen(&k->c->challenge)))
		return false;
	if (a->packets > a->syn_count && !seen(&a->rst))
		return false;
	if (too_soon && !alone)
		return false;
	/* Its answer may be among what the capture lost. */
	if (a->syn_count == 1 && tracker_counts(k->tracker)->gaps)
		return false;
	finding_start(f, k->c, WORD_SYN_UNANSWERED, a->syn_count > 1 ? CERTAIN : OPEN);
	f->too_soon = too_soon;
	finding_cite(f, &a->syn);
	finding_cite(f, &a->syn_again[0]);
	finding_cite(f, &a->syn_again[1]);
	finding_cite(f, &k->c->challenge);
	if (a->syn_count > 1)
		finding_say(f, "%u SYNs over %s.", a->syn_count, time_text(since(&a->syn, &a->syn_again[1]), text));
	else
		finding_say(f, too_soon ? "One SYN, and the capture ends before an answer could be missed." :
			"One SYN; the capture may have ended too soon.");
	return true;
}

/* The opener hangs up as soon as it knows that the port is open, without an ACK: a scanner. */
bool rule_half_open_scan(const struct case_ *k, struct finding *f)
{
	if (!k->a->syn_seen || !k->b->syn_is_answer || seen(&k->c->ack) || !seen(&k->a->rst) || k->a->rst_has_ack)
		return false;
	if (seen(&k->c->wrong_synack) || k->a->bytes)
		return false;
	finding_start(f, k->c, WORD_SYN_SCAN, LIKELY);
	finding_cite(f, &k->a->syn);
	finding_cite(f, &k->b->syn);
	finding_cite(f, &k->a->rst);
	finding_say(f, "Port %u is open.", k->c->port[1]);
	return true;
}

/*
 * SYN and SYN,ACK, which was repeated, and no final ACK. A SYN,ACK that is never repeated was acknowledged, and the
 * capture has a filter, or it holds a cookie, of which floods tell.
 */
bool rule_synack_unanswered(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;

	if (!a->syn_seen || !b->syn_is_answer || seen(&k->c->ack) || seen(&a->rst) || a->packets > a->syn_count)
		return false;
	if (b->syn_count < 2)
		return false;
	finding_start(f, k->c, WORD_SYNACK_UNANSWERED, CERTAIN);
	finding_cite(f, &a->syn);
	finding_cite(f, &b->syn);
	finding_cite(f, &b->syn_again[0]);
	finding_cite(f, &b->syn_again[1]);
	finding_say(f, "The SYN,ACK was sent %u times.", b->syn_count);
	return true;
}

/* Packets of one end alone, which acknowledge what the other must have sent. */
bool rule_one_direction(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b, *s = a->packets ? a : b;

	if ((a->packets && b->packets) || (!a->packets && !b->packets))
		return false;
	if (s == a && a->syn_seen && !seen(&k->c->ack) && a->packets == a->syn_count)
		return false;
	/* Many copies of the same: the other end is gone, which is another rule's. */
	if (seen(&s->out) && s->out_again_count >= REPEATS_LOST)
		return false;
	if (s == b && !b->syn_is_answer && b->packets == b->rst_count && !b->rst_has_ack)
		return false;
	/* One stray packet of an older connection. */
	if (s->packets == 1 && !s->syn_seen && !s->rst_count && tracker_counts(k->tracker)->connections > 1)
		return false;
	finding_start(f, k->c, WORD_ONE_DIRECTION_ONLY, CERTAIN);
	finding_cite(f, &k->c->first);
	finding_cite(f, seen(&s->wnd_first) ? &s->wnd_first : &s->last);
	finding_say(f, "Only packets of the %s are here.", s == a ? "client" : "server");
	return true;
}

/*
 * The client has acknowledged the SYN,ACK, and since then the server sent nothing but the SYN,ACK again,
 * or nothing at all while the client repeats its request. Where the capture was made beside the server,
 * the ACK did arrive: then no filter explains it, and the accept queue does.
 */
bool rule_synack_blackhole(const struct case_ *k, struct finding *f)
{
	const struct conn *c = k->c;
	const struct side *a = k->a, *b = k->b;
	bool again = b->syn_count > 1 && is_behind(&b->syn_again[1], &c->ack);
	bool unacked = seen(&a->out) && !seen(&a->data_acked) && a->out_again_count >= 1;
	/* It may not even send its request: all that it can do is ask for the window. */
	bool shut = b->syn_wnd == 0 && a->probes_open >= REPEATS_LOST;

	if (!b->syn_is_answer || !seen(&c->ack) || c->simultaneous || seen(&b->rst))
		return false;
	if (b->packets > b->syn_count || b->bytes || seen(&b->fin) ||
		(a->acked_known && a->acked - a->isn > 1u + a->syn_len))
		return false;
	if (!(again && (unacked || b->syn_count > 2)) && !(unacked && a->out_again_count >= REPEATS_LOST) && !shut)
		return false;
	/* The final ACK did arrive, or its SYN,ACK would come again; what does not arrive is large. */
	if (!again && is_full_size(a, b) && since(&c->ack, &a->out_again_last) >= limit(LIMIT_ACK_ARRIVED))
		return false;
	if (sees_server(c) && !shut)
		finding_start(f, c, WORD_ACCEPT_QUEUE_OVERFLOW, LIKELY);
	else
		finding_start(f, c, WORD_SYNACK_THEN_BLACKHOLE, OPEN);
	finding_cite(f, &b->syn);
	if (again) {
		finding_cite(f, &b->syn_again[0]);
		finding_cite(f, &b->syn_again[1]);
		finding_say(f, "The SYN,ACK came %u times.", b->syn_count);
	}
	finding_cite(f, &a->out);
	finding_cite(f, &a->out_again);
	if (shut) {
		finding_cite(f, &a->probe_open);
		finding_cite(f, &a->last);
		finding_say(f, "The SYN,ACK announced a window of 0, and %u probes of it were not answered.", a->probes_open);
	}
	if (unacked)
		finding_say(f, "The request was sent %u times and never acknowledged.", a->out_again_count + 1);
	return true;
}
