/*
 * keepalive.c - is a silent peer still there (RFC 9293 3.8.4 [MAY-5])? Off unless asked for [MUST-24]
 * [MUST-25].
 *
 * A probe is sent only when nothing is outstanding and nothing has arrived for the idle time [MUST-26];
 * one unanswered probe means nothing, the configured number of them in a row is the end [MUST-29].
 */
#include "tcp/close/close.h"

void tv_keepalive_due(struct tv_core *c, struct tv_tcb *t)
{
	const struct tv_options *o = tv_opts(c, t);
	tv_time silent = (uint64_t)(uint32_t)(c->now_ms - t->received_ms) * TV_MS;
	bool user_limit = o->user_timeout != c->cfg.defaults.user_timeout && o->user_timeout != TV_NEVER;

	t->timer.keep = 0;
	if (t->snd.una != t->snd.nxt || t->out.len != 0) {
		tv_timer_keep(c, t, o->keepalive_idle); /* retransmission finds out */
		return;
	}
	if (t->rtt.probes != 0 && (user_limit ? silent >= o->user_timeout : t->rtt.probes >= o->keepalive_count)) {
		tv_reply_abort(c, t);
		tv_end(c, t, TV_R_KEEPALIVE_TIMEOUT);
		return;
	}
	tv_count8(&t->rtt.probes);
	c->cnt.keepalive_probes++;
	tv_want(c, t, TV_WANT_KEEPALIVE);
	tv_timer_keep(c, t, o->keepalive_interval);
}
