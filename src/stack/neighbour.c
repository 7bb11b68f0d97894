/*
 * neighbour.c - who is the next hop on an Ethernet: ARP (RFC 826) and neighbour discovery (RFC 4861),
 * one table for both.
 *
 * An entry is ASKING (requests go out once a second, three of them), KNOWN, STALE (used, but not
 * confirmed for 30 s: used on, and asked again) or PROBING. An acknowledgment of new text confirms it as
 * well. Connections whose next hop is not known wait
 * parked and are woken when it answers or when it has not answered three times; a stateless reply is
 * dropped and counted. Learnt is only from answers to what we asked, and from requests for our own
 * addresses; nobody can overwrite an entry unasked but by an answer to a probe.
 *
 * When the table is full the entry that was used longest ago goes.
 */
#include "stack/stack.h"
#include "wire/arp.h"
#include "wire/eth.h"
#include "wire/nd.h"

#define ASK_NS TV_S
#define STALE_NS (30 * TV_S)

static uint32_t tick_now(const struct tv_stack *s)
{
	return (uint32_t)(s->core.now >> TV_TICK_SHIFT);
}

static uint32_t tick_after(const struct tv_stack *s, tv_time after)
{
	uint32_t tick = (uint32_t)tv_tick_up(s->core.now + after);

	return tick + (tick == 0);
}

static struct tv_neighbour *find(const struct tv_stack *s, unsigned link, const struct tv_addr *a)
{
	for (unsigned i = 0; i < s->core.cfg.neighbours; i++) {
		struct tv_neighbour *n = tv_neighbour_at(s, i);

		if (n->state != TV_NB_FREE && n->link == link && tv_addr_equal(&n->addr, a))
			return n;
	}
	return NULL;
}

static struct tv_neighbour *create(struct tv_stack *s, unsigned link, const struct tv_addr *a)
{
	struct tv_neighbour *best = NULL;
	uint32_t now = tick_now(s);

	for (unsigned i = 0; i < s->core.cfg.neighbours; i++) {
		struct tv_neighbour *n = tv_neighbour_at(s, i);

		if (n->state == TV_NB_FREE) {
			best = n;
			break;
		}
		if (!n->parked && (best == NULL || now - n->used > now - best->used))
			best = n;
	}
	if (best == NULL)
		return NULL;
	s->neighbour_asks -= best->ask;
	s->neighbour_count += best->state == TV_NB_FREE;
	memset(best, 0, sizeof *best);
	best->addr = *a;
	best->link = (uint8_t)link;
	best->used = now;
	return best;
}

static void ask(struct tv_stack *s, struct tv_neighbour *n, uint8_t state)
{
	n->state = state;
	n->tries++;
	s->neighbour_asks += !n->ask;
	n->ask = true;
	n->at = tick_after(s, ASK_NS);
}

/* Wakes the connections that wait for this neighbour; failed: it does not answer. */
static void wake(struct tv_stack *s, struct tv_neighbour *n, bool failed)
{
	struct tv_core *c = &s->core;

	n->parked = false;
	for (uint32_t i = tv_pool_next(&c->conns, tv_region(c), 0); i != TV_NONE && s->parked != 0;
	     i = tv_pool_next(&c->conns, tv_region(c), i + 1)) {
		struct tv_tcb *t = tv_conn(c, i);
		struct tv_endpoint remote;
		struct tv_key k;
		struct tv_hop hop;

		if ((t->flags & TV_F_PARKED) == 0 || t->link != n->link)
			continue;
		tv_tcb_key(c, t, &k);
		tv_key_remote(&k, &remote);
		if (!tv_route_find(s, &remote.addr, remote.zone, &hop) || !tv_addr_equal(&hop.next, &n->addr))
			continue;
		t->flags &= ~(uint32_t)TV_F_PARKED;
		s->parked--;
		if (failed && t->state == TV_SYN_SENT) {
			tv_end(c, t, TV_R_NEIGHBOUR_TIMEOUT);
			tv_settle(s, t);
			continue;
		}
		if (failed) {
			t->soft_reason = TV_R_NEIGHBOUR_TIMEOUT;
			if (tv_opts(c, t)->soft_errors)
				tv_tell(c, t, TV_EV_SOFT_ERROR);
			tv_send_later(c, t);
			tv_settle(s, t);
		} else if (t->want != 0) {
			tv_want(c, t, t->want);
		}
	}
}

void tv_unpark(struct tv_stack *s)
{
	struct tv_core *c = &s->core;

	for (uint32_t i = tv_pool_next(&c->conns, tv_region(c), 0); i != TV_NONE && s->parked != 0;
	     i = tv_pool_next(&c->conns, tv_region(c), i + 1)) {
		struct tv_tcb *t = tv_conn(c, i);

		if ((t->flags & TV_F_PARKED) == 0)
			continue;
		t->flags &= ~(uint32_t)TV_F_PARKED;
		s->parked--;
		if (t->want != 0)
			tv_want(c, t, t->want);
	}
}

static void confirm(struct tv_stack *s, struct tv_neighbour *n)
{
	n->state = TV_NB_KNOWN;
	n->tries = 0;
	s->neighbour_asks -= n->ask;
	n->ask = false;
	n->at = tick_after(s, STALE_NS);
}

static void learn(struct tv_stack *s, struct tv_neighbour *n, const uint8_t mac[6])
{
	if (tv_mac_is_group(mac) || tv_mac_is_zero(mac))
		return;
	memcpy(n->mac, mac, 6);
	confirm(s, n);
	if (n->parked)
		wake(s, n, false);
}

enum tv_hop_result tv_hop_header(struct tv_stack *s, unsigned link, const struct tv_addr *dst, uint8_t *p,
                                 bool forward, bool *parked)
{
	const struct tv_link *l = tv_link_at(s, link);
	uint16_t type = tv_addr_is_v4(dst) ? TV_ETH_IP4 : TV_ETH_IP6;
	struct tv_neighbour *n;
	struct tv_hop hop;

	if (l->kind == TV_LINK_IP)
		return TV_HOP_READY;
	if (!tv_route_find(s, dst, tv_addr_is_link_local(dst) ? l->zone : 0, &hop) || hop.link != link)
		return TV_HOP_NONE;
	n = find(s, link, &hop.next);
	if (n == NULL) {
		n = create(s, link, &hop.next);
		if (n == NULL)
			return TV_HOP_NONE;
		ask(s, n, TV_NB_ASKING);
	}
	n->used = tick_now(s);
	if (n->state == TV_NB_ASKING) {
		if (parked != NULL)
			n->parked = true;
		return TV_HOP_WAIT;
	}
	if (forward)
		confirm(s, n);            /* RFC 4861 7.3.1: it carries what we send to where it is answered */
	else if (n->state == TV_NB_STALE)
		ask(s, n, TV_NB_PROBING); /* used on meanwhile */
	tv_eth_build(p, n->mac, l->mac, type);
	return TV_HOP_READY;
}

enum tv_verdict tv_arp_in(struct tv_stack *s, unsigned link, const uint8_t *p, size_t len)
{
	const struct tv_link *l = tv_link_at(s, link);
	struct tv_neighbour *n;
	struct tv_arp a;

	s->core.cnt.arp_in++;
	if (tv_arp_parse(&a, p, len) != TV_V_OK)
		return TV_V_ARP_MALFORMED;
	n = find(s, link, &a.sender);
	if (!tv_is_ours(s, &a.target) || tv_is_ours(s, &a.sender))
		return TV_V_ARP_MALFORMED;
	if (a.op == TV_ARP_REPLY) {
		if (n != NULL && (n->state == TV_NB_ASKING || n->state == TV_NB_PROBING))
			learn(s, n, a.sender_mac);
		return TV_V_DONE;
	}
	/* RFC 826: whoever asks us will hear from us. */
	if (!tv_addr_is_any(&a.sender) && tv_addr_is_valid_source(&a.sender)) {
		if (n == NULL)
			n = create(s, link, &a.sender);
		if (n != NULL && (n->state != TV_NB_KNOWN || memcmp(n->mac, a.sender_mac, 6) == 0))
			learn(s, n, a.sender_mac);
	}
	struct tv_arp answer = {.op = TV_ARP_REPLY, .sender = a.target, .target = a.sender};
	uint8_t out[TV_ETH_HEADER + TV_ARP_LEN];

	memcpy(answer.sender_mac, l->mac, 6);
	memcpy(answer.target_mac, a.sender_mac, 6);
	tv_eth_build(out, a.sender_mac, l->mac, TV_ETH_ARP);
	tv_arp_build(out + TV_ETH_HEADER, &answer);
	s->core.cnt.arp_out++;
	tv_reply_frame(s, link, out, sizeof out);
	return TV_V_DONE;
}

/* Answers a solicitation for one of our addresses (RFC 4861 7.2.4). */
static void advertise(struct tv_stack *s, unsigned link, const struct tv_ip *ip, const struct tv_nd *asked)
{
	const struct tv_link *l = tv_link_at(s, link);
	struct tv_nd d = {.advert = true, .override = true, .has_mac = true, .target = asked->target};
	struct tv_addr all = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, dst = ip->src;
	uint8_t out[TV_ETH_HEADER + TV_ND_MAX], mac[6];

	memcpy(d.mac, l->mac, 6);
	d.solicited = !tv_addr_is_any(&ip->src);
	if (!d.solicited)
		dst = all;
	if (d.solicited && asked->has_mac)
		memcpy(mac, asked->mac, 6);
	else
		tv_mac_of_group(mac, &all);
	tv_eth_build(out, mac, l->mac, TV_ETH_IP6);
	uint32_t len = tv_nd_build(out + TV_ETH_HEADER, &d, &asked->target, &dst);

	s->core.cnt.nd_out++;
	tv_reply_frame(s, link, out, TV_ETH_HEADER + len);
}

enum tv_verdict tv_nd_in(struct tv_stack *s, unsigned link, const struct tv_ip *ip)
{
	struct tv_neighbour *n;
	struct tv_nd d;
	enum tv_verdict v;

	s->core.cnt.nd_in++;
	if (tv_link_at(s, link)->kind != TV_LINK_ETHERNET)
		return TV_V_ICMP_IGNORED;
	v = tv_nd_parse(&d, ip);
	if (v != TV_V_OK)
		return v;
	if (d.advert) {
		n = find(s, link, &d.target);
		if (n != NULL && d.has_mac && d.solicited && (n->state == TV_NB_ASKING || n->state == TV_NB_PROBING))
			learn(s, n, d.mac);
		return TV_V_DONE;
	}
	if (!tv_is_ours(s, &d.target))
		return TV_V_ARP_MALFORMED;
	if (d.has_mac && !tv_addr_is_any(&ip->src)) {
		n = find(s, link, &ip->src);
		if (n == NULL)
			n = create(s, link, &ip->src);
		if (n != NULL && (n->state != TV_NB_KNOWN || memcmp(n->mac, d.mac, 6) == 0))
			learn(s, n, d.mac);
	}
	advertise(s, link, ip, &d);
	return TV_V_DONE;
}

static void build_request(struct tv_stack *s, const struct tv_neighbour *n, struct tv_packet *p)
{
	const struct tv_link *l = tv_link_at(s, n->link);
	bool known = n->state == TV_NB_PROBING;
	struct tv_addr src;
	uint8_t mac[6];

	if (!tv_source_for(s, &n->addr, n->link, &src))
		memset(&src, 0, sizeof src);
	p->head_len = 0;
	if (tv_addr_is_v4(&n->addr)) {
		struct tv_arp a = {.op = TV_ARP_REQUEST, .sender = src, .target = n->addr};

		memset(mac, 0xff, 6);
		memcpy(a.sender_mac, l->mac, 6);
		tv_eth_build(p->data, known ? n->mac : mac, l->mac, TV_ETH_ARP);
		tv_arp_build(p->data + TV_ETH_HEADER, &a);
		p->len = TV_ETH_HEADER + TV_ARP_LEN;
		s->core.cnt.arp_out++;
	} else {
		struct tv_nd d = {.has_mac = true, .target = n->addr};
		struct tv_addr dst = known ? n->addr : tv_nd_solicited_node(&n->addr);

		memcpy(d.mac, l->mac, 6);
		tv_mac_of_group(mac, &dst);
		tv_eth_build(p->data, known ? n->mac : mac, l->mac, TV_ETH_IP6);
		p->len = TV_ETH_HEADER + tv_nd_build(p->data + TV_ETH_HEADER, &d, &src, &dst);
		s->core.cnt.nd_out++;
	}
}

bool tv_neighbour_out(struct tv_stack *s, uint32_t link, struct tv_packet *p)
{
	for (unsigned i = 0; i < s->core.cfg.neighbours && s->neighbour_asks != 0; i++) {
		struct tv_neighbour *n = tv_neighbour_at(s, i);

		if (!n->ask || (link != TV_ANY_LINK && n->link != link) || p->cap < TV_ETH_HEADER + TV_ND_MAX)
			continue;
		n->ask = false;
		s->neighbour_asks--;
		p->link = n->link;
		p->flags = p->seg_size = p->piece_count = 0;
		build_request(s, n, p);
		return true;
	}
	return false;
}

/* The answer did not come, or the entry has become old. */
static void expire(struct tv_stack *s, struct tv_neighbour *n)
{
	n->at = 0;
	if (n->state == TV_NB_KNOWN) {
		n->state = TV_NB_STALE;
		n->tries = 0;
		return;
	}
	if (n->tries < TV_NEIGHBOUR_TRIES) {
		ask(s, n, n->state);
		return;
	}
	s->neighbour_asks -= n->ask;
	n->ask = false;
	if (n->parked)
		wake(s, n, true);
	n->state = TV_NB_FREE;
	s->neighbour_count--;
}

void tv_neighbour_due(struct tv_stack *s, uint32_t *budget)
{
	uint32_t now = tick_now(s);

	if (s->neighbour_count == 0)
		return;
	for (unsigned i = 0; i < s->core.cfg.neighbours && *budget != 0; i++) {
		struct tv_neighbour *n = tv_neighbour_at(s, i);

		if (n->state == TV_NB_FREE || n->at == 0 || (int32_t)(now - n->at) < 0)
			continue;
		(*budget)--;
		expire(s, n);
	}
}

tv_time tv_neighbour_next(const struct tv_stack *s)
{
	uint64_t now = s->core.now >> TV_TICK_SHIFT;
	int64_t best = INT64_MAX;

	if (s->neighbour_count == 0)
		return TV_NEVER;
	for (unsigned i = 0; i < s->core.cfg.neighbours; i++) {
		const struct tv_neighbour *n = tv_neighbour_at(s, i);
		int32_t wait = (int32_t)(n->at - (uint32_t)now);

		if (n->state != TV_NB_FREE && n->at != 0 && wait < best)
			best = wait;
	}
	return best == INT64_MAX ? TV_NEVER : (now + (uint64_t)best) << TV_TICK_SHIFT;
}
