/*
 * accept.h - is the segment believable? The questions that the spine asks of every segment, each with
 * the answer that nearly every segment gets; what happens to the others is told in the files beside
 * this one. They stand here so that the spine is one piece of code for the compiler.
 */
#ifndef TV_TCP_ACCEPT_ACCEPT_H
#define TV_TCP_ACCEPT_ACCEPT_H

#include "tcp/core.h"

#define TV_IDLE_24_DAYS ((uint32_t)(24ull * 24 * 3600 * TV_S >> TV_COARSE_SHIFT))

/* ---- paws.c ---- */
int tv_paws_fails(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);

static inline int tv_check_paws(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	if ((t->opt.flags & TV_O_TS) == 0 || (s->flags & TV_RST) != 0)
		return TV_NEXT;
	if ((s->opt.has & TV_OPT_HAS_TS) != 0 && seq_geq(s->opt.ts_val, t->opt.ts_recent))
		return TV_NEXT;
	return tv_paws_fails(c, t, s);
}

/* RFC 7323 4.3 (2): an acceptable segment (so it has a TSval, and one that is not older) that covers
 * Last.ACK.sent. */
static inline void tv_take_timestamp_of(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	if (seq_leq(s->seq, t->rcv.acked)) {
		t->opt.ts_recent = s->opt.ts_val;
		t->opt.ts_recent_at = c->coarse;
	}
}

static inline void tv_take_timestamp(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	if ((t->opt.flags & TV_O_TS) != 0)
		tv_take_timestamp_of(c, t, s);
}

/* ---- window.c ---- */
int tv_seq_fails(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);

/* The table of RFC 9293 3.10.7.4 [EV-16] for what does not begin inside the window. */
static inline bool tv_seq_acceptable(const struct tv_tcb *t, uint32_t seq, uint32_t len)
{
	if (t->rcv.adv == t->rcv.nxt)
		return len == 0 && seq == t->rcv.nxt;
	return len != 0 && seq_in(seq + len - 1, t->rcv.nxt, t->rcv.adv);
}

/* A RST counts by its first octet alone. */
static inline int tv_check_seq(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	if (TV_LIKELY((s->flags & TV_RST) == 0 &&
	              (seq_in(s->seq, t->rcv.nxt, t->rcv.adv) || tv_seq_acceptable(t, s->seq, tv_segment_len(s)))))
		return TV_NEXT;
	return tv_seq_fails(c, t, s);
}
/* ---- reset.c ---- */
int tv_rst_arrives(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);
int tv_syn_arrives(struct tv_core *c, struct tv_tcb *t);

static inline int tv_check_rst(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	return TV_LIKELY((s->flags & TV_RST) == 0) ? TV_NEXT : tv_rst_arrives(c, t, s);
}

static inline int tv_check_syn(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	return TV_LIKELY((s->flags & TV_SYN) == 0) ? TV_NEXT : tv_syn_arrives(c, t);
}

/* ---- ack_valid.c ---- */
int tv_ack_fails(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);

/* Between what was acknowledged (elsewhere long ago; in SYN-RECEIVED not at all) and SND.NXT? */
static inline int tv_check_ack(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s)
{
	if ((s->flags & TV_ACK) != 0 && seq_leq(s->ack, t->snd.nxt) &&
	    (t->state == TV_SYN_RECEIVED ? seq_lt(t->snd.una, s->ack)
	                                 : seq_geq(s->ack, t->snd.una - t->snd.max_wnd)))
		return TV_NEXT;
	return tv_ack_fails(c, t, s);
}

#endif
