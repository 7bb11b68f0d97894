/*
 * begin.h - the two ends of every handshake: the record of an attempt (RFC 9293 3.10.1), and what makes it
 * ESTABLISHED. Whoever opens connections takes them as parts of himself: the record has just been filled then, and
 * nearly all that is asked of it here is known.
 */
#ifndef TV_TCP_OPEN_BEGIN_H
#define TV_TCP_OPEN_BEGIN_H

#include "tcp/deliver/rtt.h"
#include "tcp/flow/cc.h"
#include "tcp/open/open.h"
#include "tcp/timers.h"

/* What we offer, and what holds of a peer that says nothing. */
static inline void tv_offer_anew(const struct tv_profile *p, struct tv_tcb *t)
{
	t->opt.mss_peer = tv_mss_default(t->v6);
	t->opt.flags = p->offers;
	t->opt.rcv_scale = p->rcv_scale;
}

/* Of one that is opened now. */
TV_INLINE struct tv_clocks tv_clocks_now(struct tv_core *c, const struct tv_key *k)
{
	return (struct tv_clocks){.offset = tv_pair(c, k)->offset, .era = tv_isn_era(c, c->now)};
}

/* Of a zeroed record whose link and profile are set: its ends, its SYN's number and options. */
TV_INLINE void tv_open_begin(const struct tv_core *c, struct tv_tcb *t, const struct tv_key *k, uint32_t iss,
                             const struct tv_clocks *clocks)
{
	const struct tv_profile *p = tv_profile_at(c, t->profile);

	t->v6 = k->v6;
	t->zone = k->zone;
	tv_mss_own(c, p, t);
	tv_offer_anew(p, t);
	if ((t->opt.flags & TV_O_TS) != 0)
		t->opt.ts_offset = clocks->offset;
	if (p->o.nodelay)
		t->flags |= TV_F_NODELAY;
	t->snd.iss = t->snd.una = t->snd.nxt = iss;
	t->progress_ms = t->received_ms = c->now_ms;
	tv_rtt_begin(c, t);
	t->rtt.era = clocks->era;
}

/* Active OPEN: SYN-SENT, and the SYN is wanted. */
TV_INLINE void tv_open_active(struct tv_core *c, struct tv_tcb *t, const struct tv_key *k, uint32_t iss,
                              const struct tv_clocks *clocks)
{
	t->flags |= TV_F_ACTIVE;
	tv_open_begin(c, t, k, iss, clocks);
	tv_mss_agreed(tv_profile_at(c, t->profile), t);
	tv_cc_begin(c, t);
	tv_deadline_at(t, &t->timer.main, tv_tick_soon(c, tv_rto_ns(c, t)));
	c->cnt.active_opens++;
	tv_state_set(c, t, TV_SYN_SENT);
	tv_want(c, t, TV_WANT_SYN);
	tv_timers_sync(c, t);
}

/* tv_negotiate_syn(). */
TV_INLINE void tv_agree(struct tv_core *c, struct tv_tcb *t, const struct tv_tcp_options *o)
{
	if ((o->has & TV_OPT_HAS_MSS) != 0)
		t->opt.mss_peer = o->mss; /* [MUST-14] */
	t->opt.flags &= tv_mutual(o);
	if ((o->has & TV_OPT_HAS_WSCALE) == 0) {
		t->opt.rcv_scale = 0; /* RFC 7323 2.2: both or none */
		t->opt.snd_scale = 0;
	} else if ((t->opt.flags & TV_O_WSCALE) != 0) {
		t->opt.snd_scale = (uint8_t)tv_min32(o->wscale, TV_SCALE_MAX);
	}
	if ((t->opt.flags & TV_O_TS) != 0) {
		t->opt.ts_recent = o->ts_val;
		t->opt.ts_recent_at = c->coarse;
	}
	tv_mss_agreed(tv_profile_at(c, t->profile), t);
}

/* What few connections need when they are established. */
void tv_establish_more(struct tv_core *c, struct tv_tcb *t, const struct tv_options *o);

/* tv_established(). What may call something stands behind what is known of a record that was just filled. */
TV_INLINE void tv_establish(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	const struct tv_options *o = tv_opts(c, t);
	bool more;

	if (TV_UNLIKELY(t->opt.fastopen != 0))
		tv_fastopen_answered(c, t, s);
	/* RFC 9293 3.10.7.4, fifth, SYN-RECEIVED: the window of this segment is the first scaled one. */
	t->snd.wnd = (s->flags & TV_SYN) != 0 ? s->wnd : (uint32_t)s->wnd << t->opt.snd_scale;
	t->snd.max_wnd = tv_max32(t->snd.max_wnd, t->snd.wnd);
	t->snd.wl1 = s->seq;
	t->snd.wl2 = s->ack;
	t->timer.main = 0;
	t->want &= (uint16_t)~TV_WANT_SYN;
	t->snd.una = t->snd.iss + 1; /* here alone: after 2^32 octets ISS is a number like any other */
	t->flags |= TV_F_FORWARD;
	if ((t->flags & (TV_F_SYN_LOST | TV_F_COOKIE)) == 0) /* Karn: a repeated SYN is no sample [MUST-18] */
		tv_rtt_first(c, t, tv_min32(c->now_ms - t->progress_ms, TV_RTT_MAX_US / 1000) * 1000);
	t->rtt.tries = t->rtt.backoff = 0;
	t->progress_ms = c->now_ms;
	tv_cc_begin(c, t); /* the MSS is known only now */
	more = (t->flags & (TV_F_SYN_LOST | TV_F_WRITE_BLOCKED | TV_F_FIN_QUEUED)) != 0 || t->opt.fastopen != 0 ||
	       t->snd.una != t->snd.nxt || o->keepalive;
	tv_tell(c, t, TV_EV_CONNECTED);
	if (t->out.len != 0)
		tv_want(c, t, TV_WANT_SEND);
	tv_state_set(c, t, TV_ESTABLISHED);
	if (TV_UNLIKELY(more))
		tv_establish_more(c, t, o);
}

#endif
