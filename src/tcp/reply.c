/*
 * reply.c - the queue of what is said without a connection: RST, the ACK or SYN-ACK of a small record,
 * ICMP, ARP. It is a ring of fixed size; when it is full the newest is dropped and counted, which costs
 * the asker one repetition. stack/replies.c limits rates and hands the entries out.
 */
#include "tcp/core.h"

struct tv_reply *tv_reply_new(struct tv_core *c, const struct tv_key *key, uint8_t link)
{
	struct tv_reply *r = tv_reply_take(c);

	if (r != NULL)
		tv_reply_blank(r, key, link);
	return r;
}

void tv_reply_rst(struct tv_core *c, const struct tv_segment *s)
{
	struct tv_reply *r;

	if ((s->flags & TV_RST) != 0)
		return; /* RFC 9293 3.5.2: never a RST for a RST [EV-39] */
	r = tv_reply_new(c, &s->key, s->link);
	if (r == NULL)
		return;
	if ((s->flags & TV_ACK) != 0) {
		r->flags = TV_RST; /* [EV-03] */
		r->seq = s->ack;
	} else {
		r->flags = TV_RST | TV_ACK; /* [EV-02] */
		r->ack = s->seq + tv_segment_len(s);
	}
	r->limited = true;
	c->cnt.resets_out++;
}

void tv_reply_abort(struct tv_core *c, const struct tv_tcb *t)
{
	struct tv_reply *r;
	struct tv_key k;

	tv_tcb_key(c, t, &k);
	r = tv_reply_new(c, &k, t->link);
	if (r == NULL)
		return;
	r->flags = TV_RST | TV_ACK; /* <SEQ=SND.NXT><CTL=RST>, and an ACK as Linux sends it */
	r->seq = t->snd.nxt;
	r->ack = t->rcv.nxt;
	if ((t->opt.flags & TV_O_TS) != 0) { /* RFC 7323 3.2: a RST may carry it, and Linux's does */
		r->has = TV_OPT_HAS_TS;
		r->ts_val = c->now_ms + t->opt.ts_offset;
		r->ts_ecr = t->opt.ts_recent;
	}
	r->ttl = tv_opts(c, t)->ttl;
	r->tos = (uint8_t)(tv_opts(c, t)->dscp << 2);
	c->cnt.resets_out++;
}

void tv_reply_scratch(struct tv_core *c, const struct tv_tcb *t, const struct tv_key *key)
{
	struct tv_reply *r = tv_reply_new(c, key, t->link);

	if (r == NULL)
		return;
	r->flags = TV_ACK;
	r->seq = t->snd.nxt;
	r->ack = t->rcv.nxt;
	r->wnd = (uint16_t)((t->rcv.adv - t->rcv.nxt) >> t->opt.rcv_scale);
	r->ttl = tv_opts(c, t)->ttl;
	r->tos = (uint8_t)(tv_opts(c, t)->dscp << 2);
	if ((t->opt.flags & TV_O_TS) != 0) {
		r->has = TV_OPT_HAS_TS;
		r->ts_val = c->now_ms + t->opt.ts_offset;
		r->ts_ecr = t->opt.ts_recent;
	}
}
