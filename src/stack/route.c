/*
 * route.c - links, addresses and routes: which link leads to a destination, who is the next hop, and
 * which of our addresses to use (RFC 6724).
 *
 * The tables are small and searched in order; a connection remembers its link, so that only opening it,
 * and packets over Ethernet, ask again. Our own addresses are reached over a link inside the stack.
 */
#include "stack/stack.h"

bool tv_is_broadcast(const struct tv_stack *s, const struct tv_addr *a)
{
	return (tv_addr_is_v4(a) && tv_native32(a->b + 12) == UINT32_MAX) || tv_whose(s, a) == TV_SUBNET_BROADCAST;
}

enum tv_verdict tv_check_addresses(const struct tv_stack *s, const struct tv_addr *src, const struct tv_addr *dst,
                                   uint8_t protocol, unsigned link)
{
	bool ours = tv_is_ours(s, dst);
	enum tv_whose from;

	if (link == tv_loop_link(s))
		return ours ? TV_V_OK : TV_V_NOT_OURS;
	if (protocol == TV_PROTO_ICMP6 && (ours || tv_addr_is_multicast(dst)))
		return TV_V_OK; /* neighbour discovery has rules of its own */
	if (!ours && (tv_addr_is_multicast(dst) || tv_is_broadcast(s, dst)))
		return TV_V_NOT_UNICAST; /* RFC 9293 3.9.2.3 [MUST-57] */
	if (!tv_addr_is_valid_source(src))
		return tv_addr_is_multicast(src) ? TV_V_NOT_UNICAST : TV_V_MARTIAN; /* [MUST-63] */
	from = tv_whose(s, src);
	if (from != TV_SOMEONE)
		return TV_V_MARTIAN; /* a broadcast, or our own address from outside: RFC 1122 3.2.1.3, LAND */
	if (!ours && (s->core.any_address_listeners == 0 || protocol != TV_PROTO_TCP))
		return TV_V_NOT_OURS;
	return TV_V_OK;
}

static const struct tv_route *best_route(const struct tv_stack *s, const struct tv_addr *dst)
{
	const struct tv_route *best = NULL;

	for (unsigned i = 0; i < s->route_count; i++) {
		const struct tv_route *r = tv_route_at(s, i);

		if (!tv_addr_in_prefix(dst, &r->dst, r->bits) || tv_addr_is_v4(dst) != tv_addr_is_v4(&r->dst))
			continue;
		if (best == NULL || r->bits > best->bits || (r->bits == best->bits && r->metric < best->metric))
			best = r;
	}
	return best;
}

bool tv_route_find(const struct tv_stack *s, const struct tv_addr *dst, uint8_t zone, struct tv_hop *hop)
{
	const struct tv_route *r;

	hop->next = *dst;
	if (tv_is_ours(s, dst)) {
		hop->link = tv_loop_link(s);
		return true;
	}
	if (zone != 0) {
		for (unsigned i = 0; i < s->link_count; i++) {
			hop->link = i;
			if (tv_link_at(s, i)->zone == zone)
				return true;
		}
		return false;
	}
	r = best_route(s, dst);
	if (r == NULL)
		return false;
	hop->link = r->link;
	if (!r->on_link)
		hop->next = r->gateway;
	return true;
}

/* How many leading bits two addresses share. */
static unsigned common_bits(const struct tv_addr *a, const struct tv_addr *b)
{
	unsigned bits = 0;

	while (bits < 128 && tv_addr_in_prefix(a, b, bits + 1))
		bits++;
	return bits;
}

/* RFC 6724 3.1: the scope of an address, link-local below global. */
static bool narrow(const struct tv_addr *a)
{
	return tv_addr_is_link_local(a);
}

/* RFC 6724 5: is candidate a better than b towards dst? Rules 1 (same), 2 (scope), 5 (outgoing
 * interface) and 8 (longest prefix); 3, 4, 6 and 7 are about states and policies that we do not have. */
static bool better(const struct tv_address *a, const struct tv_address *b, const struct tv_addr *dst, unsigned link)
{
	if (tv_addr_equal(&a->addr, dst) != tv_addr_equal(&b->addr, dst))
		return tv_addr_equal(&a->addr, dst);
	if (narrow(&a->addr) != narrow(&b->addr))
		return narrow(&a->addr) == narrow(dst);
	if ((a->link == link) != (b->link == link))
		return a->link == link;
	return common_bits(&a->addr, dst) > common_bits(&b->addr, dst);
}

bool tv_source_for(const struct tv_stack *s, const struct tv_addr *dst, unsigned link, struct tv_addr *src)
{
	const struct tv_address *best = NULL;

	for (unsigned i = 0; i < s->address_count; i++) {
		const struct tv_address *a = tv_address_at(s, i);

		if (tv_addr_is_v4(&a->addr) != tv_addr_is_v4(dst))
			continue;
		if (best == NULL || better(a, best, dst, link))
			best = a;
	}
	if (best == NULL)
		return false;
	*src = best->addr;
	return true;
}

int tv_link_add(struct tv_stack *s, tv_time now, const struct tv_link_config *g)
{
	struct tv_link *l;

	tv_stack_now(s, now);
	if (g->size != sizeof *g || g->mtu < 576 || g->mtu > UINT16_MAX || g->gso_bytes > UINT16_MAX ||
	    (g->kind != TV_LINK_IP && g->kind != TV_LINK_ETHERNET))
		return TV_EINVAL;
	if (g->kind == TV_LINK_ETHERNET && (g->mac[0] & 1) != 0)
		return TV_EINVAL;
	if (s->link_count == s->core.cfg.links)
		return TV_EFULL;
	s->way.known = false;
	l = tv_link_at(s, s->link_count);
	l->kind = g->kind;
	memcpy(l->mac, g->mac, 6);
	l->csum_offload = g->csum_offload;
	l->gather = g->gather;
	l->mtu = g->mtu;
	l->gso_bytes = g->csum_offload ? g->gso_bytes : 0; /* who cuts has to sum */
	l->zone = g->zone != 0 ? g->zone : (uint8_t)(s->link_count + 1);
	s->core.link_mtu[s->link_count] = (uint16_t)g->mtu;
	return (int)s->link_count++;
}

int tv_link_mtu(struct tv_stack *s, tv_time now, unsigned link, uint32_t mtu)
{
	struct tv_core *c = &s->core;

	tv_stack_now(s, now);
	if (link >= s->link_count || mtu < 576 || mtu > UINT16_MAX)
		return TV_EINVAL;
	tv_link_at(s, link)->mtu = mtu;
	c->link_mtu[link] = (uint16_t)mtu;
	for (uint32_t i = tv_pool_next(&c->conns, tv_region(c), 0); i != TV_NONE;
	     i = tv_pool_next(&c->conns, tv_region(c), i + 1)) {
		struct tv_tcb *t = tv_conn(c, i);

		if (t->state != TV_CLOSED && t->link == link)
			tv_pmtu_set(c, t, mtu);
	}
	return TV_OK;
}

int tv_address_add(struct tv_stack *s, tv_time now, unsigned link, const struct tv_addr *addr, unsigned bits)
{
	struct tv_address *a;

	tv_stack_now(s, now);
	if (link >= s->link_count || bits > 128 || tv_addr_is_any(addr) || tv_addr_is_multicast(addr) ||
	    (tv_addr_is_v4(addr) && bits < 96) || !tv_addr_is_valid_source(addr))
		return TV_EINVAL;
	if (tv_is_ours(s, addr))
		return TV_EADDRINUSE;
	if (s->address_count == s->core.cfg.addresses)
		return TV_EFULL;
	s->address_late = s->address_late || (s->core.conns.used | s->core.halves.used) != 0;
	s->way.known = false;
	a = tv_address_at(s, s->address_count++);
	a->addr = *addr;
	a->bits = (uint8_t)bits;
	a->link = (uint8_t)link;
	memset(a->broadcast, 0, 4);
	if (tv_addr_is_v4(addr) && bits < 127) /* RFC 3021: a /31 has none */
		tv_store32(a->broadcast, tv_load32(addr->b + 12) | UINT32_MAX >> (bits - 96));
	if (bits < 128) {
		struct tv_addr none = {{0}};

		return tv_route_add(s, now, addr, bits, &none, link, 0);
	}
	return TV_OK;
}

int tv_route_add(struct tv_stack *s, tv_time now, const struct tv_addr *dst, unsigned bits,
                 const struct tv_addr *gateway, unsigned link, uint32_t metric)
{
	struct tv_route *r;

	tv_stack_now(s, now);
	if (link >= s->link_count || bits > 128 || (tv_addr_is_v4(dst) && bits < 96))
		return TV_EINVAL;
	if (s->route_count == s->core.cfg.routes)
		return TV_EFULL;
	s->way.known = false;
	r = tv_route_at(s, s->route_count++);
	r->dst = *dst;
	r->bits = (uint8_t)bits;
	r->link = (uint8_t)link;
	r->metric = metric;
	r->gateway = *gateway;
	r->on_link = tv_addr_is_any(gateway);
	tv_unpark(s);
	return TV_OK;
}
