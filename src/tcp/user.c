/*
 * user.c - the user calls on one connection: SEND, RECEIVE, CLOSE, ABORT, STATUS (RFC 9293 3.10.2 to
 * 3.10.6). OPEN is in open/ and in stack/, which knows addresses and ports.
 *
 * A call changes queues and leaves wants; what it causes to be sent leaves with the next tv_output().
 */
#include "tcp/user.h"

static void mark_urgent(struct tv_tcb *t)
{
	t->flags |= TV_F_URG_SND;
	t->snd.up = tv_out_end(t); /* the octet behind the last urgent one [MUST-62] [SHLD-13] */
}

#define PAGES_NS (200 * TV_MS)

void tv_write_room(struct tv_core *c, struct tv_tcb *t)
{
	struct tv_pages *p = &c->pages;

	if ((t->flags & TV_F_WRITE_BLOCKED) == 0)
		return;
	if (tv_may_write(c) || p->small.used < p->small.count) {
		t->flags &= ~(uint32_t)TV_F_WRITE_BLOCKED;
		tv_tell(c, t, TV_EV_WRITABLE);
	} else if (t->timer.main == 0) {
		t->flags |= TV_F_OVERRIDE;
		tv_timer_main(c, t, PAGES_NS);
		p->failures++; /* it asks, and is refused */
	}
}

/* How many of n octets may be written as far as the pages of all connections go? A text that one small page holds
 * may take one when the big ones are used up. */
static uint32_t pages_allow(struct tv_core *c, const struct tv_tcb *t, uint32_t n)
{
	uint64_t bytes = tv_write_bytes(c);

	if (TV_LIKELY(n <= bytes))
		return n;
	c->pages.failures++;
	if (bytes == 0 && t->out.len == 0 && c->pages.small.used < c->pages.small.count)
		return tv_min32(n, TV_SMALL_BYTES);
	return (uint32_t)bytes;
}

int64_t tv_user_send(struct tv_core *c, struct tv_tcb *t, const uint8_t *data, size_t len, unsigned flags)
{
	uint32_t limit = tv_opts(c, t)->snd_buf, room, n;
	int error = tv_send_allowed(t);

	if (error != TV_OK)
		return error;
	room = t->out.len < limit ? limit - t->out.len : 0;
	n = pages_allow(c, t, len < room ? (uint32_t)len : room);
	n = n == 0 ? 0 : tv_stream_append(&t->out, &c->pages, tv_region(c), data, n, false);
	if (n < len) {
		t->flags |= TV_F_WRITE_BLOCKED;
		if (n == 0 && t->out.len == 0 && t->timer.main == 0) {
			/* No ACK will come and tell: others have all the pages. */
			t->flags |= TV_F_OVERRIDE;
			tv_timer_main(c, t, PAGES_NS);
			tv_timers_sync(c, t);
		}
		if (n == 0)
			return TV_AGAIN;
	}
	if (n == len && (flags & TV_SEND_URGENT) != 0)
		mark_urgent(t);
	if (n == len && (flags & TV_SEND_FIN) != 0)
		tv_close_send(c, t);
	if ((flags & TV_SEND_MORE) != 0) /* the opposite of a PUSH flag [MAY-15] */
		t->flags |= TV_F_MORE;
	else
		t->flags &= ~(uint32_t)TV_F_MORE;
	tv_send_want(c, t);
	return n;
}

/* What RECEIVE says when there is nothing to read (3.10.3) [EV-51]. */
static int nothing_to_read(const struct tv_tcb *t)
{
	if ((t->flags & TV_F_FIN_RECEIVED) != 0)
		return 0;
	if (t->state == TV_CLOSED)
		return t->reason == TV_R_NORMAL ? 0 : TV_ECLOSED;
	return TV_AGAIN;
}

int64_t tv_user_consume(struct tv_core *c, struct tv_tcb *t, size_t bytes)
{
	uint32_t n = bytes < t->in.len ? (uint32_t)bytes : t->in.len;

	tv_stream_consume(&t->in, &c->pages, tv_region(c), n, NULL);
	if ((t->flags & TV_F_URG_RCV) != 0 && seq_leq(t->rcv.up, t->rcv.nxt - t->in.len))
		t->flags &= ~(uint32_t)TV_F_URG_RCV; /* [MUST-33] */
	if (n != 0)
		tv_rcv_read(c, t);
	return n;
}

int64_t tv_user_receive(struct tv_core *c, struct tv_tcb *t, uint8_t *data, size_t len, unsigned flags)
{
	uint32_t n = len < t->in.len ? (uint32_t)len : t->in.len;

	if ((t->flags & TV_F_CLOSED_BY_USER) != 0)
		return t->state == TV_CLOSED ? TV_ECLOSED : TV_ESTATE;
	if (n == 0)
		return t->in.len != 0 ? 0 : nothing_to_read(t);
	tv_stream_copy(&t->in, &c->pages, tv_region(c), 0, n, NULL, data);
	if ((flags & TV_RECV_PEEK) == 0)
		tv_user_consume(c, t, n);
	return n;
}

int tv_user_shutdown(struct tv_core *c, struct tv_tcb *t)
{
	int error = tv_send_allowed(t);

	if (error != TV_OK)
		return error;
	tv_close_send(c, t);
	tv_timers_sync(c, t);
	return TV_OK;
}

int tv_user_close(struct tv_core *c, struct tv_tcb *t)
{
	if (t->state == TV_CLOSED || (t->flags & TV_F_CLOSED_BY_USER) != 0)
		return TV_OK; /* harmless [EV-52] */
	t->flags |= TV_F_CLOSED_BY_USER;
	if (t->state == TV_SYN_SENT) {
		tv_end(c, t, TV_R_ABORTED); /* 3.10.4: just vanishes */
		return TV_OK;
	}
	if (t->state == TV_TIME_WAIT) {
		tv_stream_clear(&t->in, &c->pages, tv_region(c));
		return TV_OK;
	}
	if (t->in.len != 0) { /* unread text is lost: the peer has to know (RFC 9293 3.6.1) [SHLD-3] [MAY-1] */
		tv_reply_abort(c, t);
		tv_end(c, t, TV_R_ABORTED);
		return TV_OK;
	}
	if ((t->flags & TV_F_FIN_QUEUED) == 0)
		tv_close_send(c, t); /* [EV-42] [EV-52] */
	tv_timers_sync(c, t);
	return TV_OK;
}

int tv_user_abort(struct tv_core *c, struct tv_tcb *t, enum tv_reason reason)
{
	/* RFC 9293 3.10.5: RST from SYN-RECEIVED to CLOSE-WAIT, nothing in the others [EV-43]. */
	bool rst = t->state >= TV_SYN_RECEIVED && t->state <= TV_CLOSE_WAIT;

	if (t->state == TV_CLOSED)
		return TV_OK;
	if (rst)
		tv_reply_abort(c, t);
	tv_end(c, t, reason);
	return TV_OK;
}

static void info_side(const struct tv_side *side, struct tv_info *info)
{
	info->has_side = true;
	info->bytes_sent = side->bytes_sent;
	info->bytes_acked = side->bytes_acked;
	info->bytes_received = side->bytes_received;
	info->bytes_retransmitted = side->bytes_retransmitted;
	info->segs_out = side->segs_out;
	info->segs_in = side->segs_in;
	info->data_segs_out = side->data_segs_out;
	info->data_segs_in = side->data_segs_in;
	info->retransmitted_segs = side->retransmitted_segs;
	info->last_data_sent = side->last_data_sent;
	info->last_data_received = side->last_data_received;
	info->dsacks_received = side->dsacks_received;
	info->out_of_order_segs = side->out_of_order_segs;
	info->duplicate_segs = side->duplicate_segs;
	info->rto_events = side->rto_events;
	info->recoveries = side->recoveries;
	info->challenge_acks = side->challenge_acks;
}

static void info_numbers(const struct tv_core *c, const struct tv_tcb *t, struct tv_info *info)
{
	const struct tv_busy *b = tv_busy(c, t);

	info->iss = t->snd.iss;
	info->irs = t->rcv.irs;
	info->snd_una = t->snd.una;
	info->snd_nxt = t->snd.nxt;
	info->snd_wnd = t->snd.wnd;
	info->snd_wl1 = t->snd.wl1;
	info->snd_wl2 = t->snd.wl2;
	info->snd_max_wnd = t->snd.max_wnd;
	info->rcv_nxt = t->rcv.nxt;
	info->rcv_wnd = t->rcv.adv - t->rcv.nxt;
	info->bytes_unread = t->in.len;
	info->bytes_queued = t->out.len;
	info->bytes_in_flight = t->snd.nxt - t->snd.una;
	info->bytes_unacked = t->state == TV_CLOSED ? t->cc.recover : tv_out_sent(t);
	info->bytes_unsent = t->state == TV_CLOSED ? t->cc.acked : t->out.len - tv_out_sent(t);
	if (b != NULL) {
		info->bytes_out_of_order = b->early_bytes;
		info->bytes_sacked = b->sacked;
		info->bytes_lost = b->lost;
		info->bytes_repeated = b->again;
	}
	if ((t->flags & TV_F_URG_RCV) != 0)
		info->urgent_left = t->rcv.up - (t->rcv.nxt - t->in.len); /* [MUST-33] */
}

void tv_user_info(const struct tv_core *c, const struct tv_tcb *t, struct tv_info *info)
{
	const struct tv_options *o = tv_opts(c, t);
	const struct tv_side *side = tv_side(c, t);

	info->state = (enum tv_state)t->state;
	info->reason = (enum tv_reason)t->reason;
	info->soft_reason = (enum tv_reason)t->soft_reason;
	info->fastopen = (enum tv_fastopen)(t->opt.fastopen & TV_FO_WHAT);
	info->active_open = (t->flags & TV_F_ACTIVE) != 0;
	info->released = (t->flags & TV_F_RELEASED) != 0;
	info->user_closed = (t->flags & TV_F_CLOSED_BY_USER) != 0;
	info->from_cookie = (t->flags & TV_F_COOKIE) != 0;
	info->timestamps = (t->opt.flags & TV_O_TS) != 0;
	info->sack = (t->opt.flags & TV_O_SACK) != 0;
	info->window_scale = (t->opt.flags & TV_O_WSCALE) != 0;
	info->snd_scale = t->opt.snd_scale;
	info->rcv_scale = t->opt.rcv_scale;
	info->retransmits = t->rtt.tries;
	info->backoff = t->rtt.backoff;
	info->probes = t->rtt.probes;
	info->dup_acks = t->cc.dup_acks;
	info->recovery = (t->flags & TV_F_RECOVERY) != 0 ? 1 : (t->flags & TV_F_RTO_RECOVERY) != 0 ? 2 : 0;
	info->dscp = o->dscp;
	info->ttl = o->ttl;
	info->mss_snd = t->opt.mss;
	info->mss_rcv = t->opt.mss_rcv;
	info->mss_peer = t->opt.mss_peer;
	info->pmtu = t->opt.pmtu;
	info->cwnd = t->cc.cwnd;
	info->ssthresh = t->cc.ssthresh;
	info->srtt_us = t->rtt.srtt_us >> 3;
	info->rttvar_us = t->rtt.var_us >> 2;
	info->min_rtt_us = t->rtt.min_us;
	info->rto_us = (uint32_t)(tv_rto_ns(c, t) / TV_US);
	info->timer = tv_timers_next(c, t);
	info->last_received = c->now - (uint64_t)(uint32_t)(c->now_ms - t->received_ms) * TV_MS;
	info->user = t->user;
	info_numbers(c, t, info);
	if (side != NULL)
		info_side(side, info);
}
