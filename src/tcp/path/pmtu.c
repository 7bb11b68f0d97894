/*
 * pmtu.c - the path MTU of a connection (RFC 1191, RFC 8201).
 *
 * A too-big message that quotes what is in flight is believed at once: what it quotes has not been
 * acknowledged, so nothing has passed it (RFC 5927 7). What is in flight is then cut anew to the smaller
 * size and sent again, without touching the congestion window [EV-48]. An MTU below the floor is taken as
 * the floor for IPv4 (552, as Linux); for IPv6 (1280) the message is discarded (RFC 8201 4).
 */
#include "tcp/open/open.h"

#define FLOOR_V4 552u
#define FLOOR_V6 1280u

void tv_pmtu_set(struct tv_core *c, struct tv_tcb *t, uint32_t mtu)
{
	uint32_t floor = t->v6 ? FLOOR_V6 : FLOOR_V4;

	mtu = tv_min32(tv_max32(mtu, floor), c->link_mtu[t->link]);
	t->opt.pmtu = (uint16_t)mtu;
	tv_mss_update(c, t);
}

void tv_pmtu_reduce(struct tv_core *c, struct tv_tcb *t, uint32_t mtu, uint32_t quoted_seq)
{
	uint16_t before = t->opt.pmtu;

	if (!tv_rtx_in_flight(t, quoted_seq) || (t->v6 && mtu < FLOOR_V6))
		return;
	tv_pmtu_set(c, t, tv_min32(mtu, before));
	if (t->opt.pmtu == before)
		return;
	c->cnt.pmtu_reduced++;
	if (t->state == TV_SYN_SENT) { /* its text was too much */
		tv_fastopen_late(t);
		tv_want(c, t, TV_WANT_SYN);
		return;
	}
	tv_rtx_lose_all(c, t);
	tv_want(c, t, TV_WANT_SEND);
}
