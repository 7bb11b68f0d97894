/*
 * verdict_note.c - notes: what is worth a word about a connection that came up and went well.
 */
#include "diagnose/verdict.h"

static bool note_simultaneous(const struct case_ *k, struct finding *f)
{
	if (!k->c->simultaneous || !k->a->syn_seen || !k->b->syn_seen)
		return false;
	finding_start(f, k->c, WORD_OK_SIMULTANEOUS_OPEN, CERTAIN);
	/* A SYN,ACK of an end that had opened counts as its first repeat. */
	finding_cite(f, &k->a->syn);
	finding_cite(f, &k->b->syn);
	finding_cite(f, &k->a->syn_answer);
	finding_cite(f, &k->b->syn_answer);
	return true;
}

static bool note_half_open(const struct case_ *k, struct finding *f)
{
	if (!seen(&k->c->challenge) || !k->b->syn_seen)
		return false;
	finding_start(f, k->c, WORD_OK_HALF_OPEN_RECOVERED, CERTAIN);
	finding_cite(f, &k->a->syn);
	finding_cite(f, &k->c->challenge);
	finding_cite(f, &k->b->syn);
	return true;
}

static bool note_port_reuse(const struct case_ *k, struct finding *f)
{
	char text[24];

	if (!k->c->over_closed || since(&k->c->old_fin, &k->a->syn) > limit(LIMIT_TIME_WAIT) || !k->b->syn_seen)
		return false;
	finding_start(f, k->c, WORD_OK_TIME_WAIT_PORT_REUSE, CERTAIN);
	finding_cite(f, &k->a->syn);
	finding_cite(f, &k->b->syn);
	finding_cite(f, &k->c->ack);
	finding_say(f, "The connection before ended %s earlier.", time_text(since(&k->c->old_fin, &k->a->syn), text));
	return true;
}

/* From the first text of an end to what acknowledged it, if nothing was repeated; 0: not known. */
static tv_time text_rtt(const struct side *s)
{
	return seen(&s->data) && seen(&s->data_acked) && s->again_count == 0 ? since(&s->data, &s->data_acked) : 0;
}

/* A round trip later in the connection, seen from whichever end is the farther. */
static tv_time later_rtt(const struct case_ *k)
{
	tv_time a = text_rtt(k->a), b = text_rtt(k->b);

	return a > b ? a : b;
}

/* Did it take one honest round trip, so that the repeats were only impatience? */
static bool is_one_round_trip(const struct case_ *k, tv_time took)
{
	return later_rtt(k) * 5 >= took * 4;
}

/* The SYN was repeated before an answer came: TSecr tells which copy the answer is for. */
static bool note_syn_lost(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;
	tv_time waited = since(&a->syn, &b->syn);
	bool told = a->has & TV_OPT_HAS_TS && b->has & TV_OPT_HAS_TS;
	bool first = told && b->syn_echo == a->syn_ts;
	char text[24];

	if (a->syn_count < 2 || k->c->simultaneous || k->c->challenge.number || seen(&b->rst))
		return false;
	if (is_behind(&b->syn, &a->syn_again[0])) {
		if (a->syn_len && a->syn_again_len == 0 && !first) {
			finding_start(f, k->c, WORD_TFO_SYN_DATA_DROPPED, LIKELY);
			finding_cite(f, &a->syn);
			finding_cite(f, &a->syn_again[0]);
			finding_cite(f, &b->syn);
			finding_say(f, "It cost %s.", time_text(since(&a->syn, &a->syn_again[0]), text));
			return true;
		}
		/* An answer to the first copy that took one honest round trip: nothing was lost. */
		if ((first || !told) && is_one_round_trip(k, waited))
			return false;
		finding_start(f, k->c, WORD_OK_SYN_LOST, CERTAIN);
		if (told)
			f->lost = first ? "synack" : "syn";
	} else {
		/* The answer took as long as a timer, and crossed the repeat: an earlier one was lost. */
		bool crossed = waited * 10 >= since(&a->syn, &a->syn_again[0]) * 9 && later_rtt(k) &&
			!is_one_round_trip(k, waited) && (!told || first);

		/* The final ACK says which SYN,ACK it answers: the first, if nothing was lost. */
		if (!crossed && (b->syn_count < 2 || (told && a->syn_echo == b->syn_ts) ||
			is_one_round_trip(k, since(&b->syn, &k->c->ack))))
			return false;
		finding_start(f, k->c, WORD_OK_SYN_LOST, CERTAIN);
		f->lost = "synack";
	}
	finding_cite(f, &a->syn);
	finding_cite(f, &a->syn_again[0]);
	finding_cite(f, &b->syn);
	finding_say(f, "%s was lost; it cost %s.", !f->lost ? "The SYN or the SYN,ACK" :
		f->lost[3] ? "The SYN,ACK" : "The SYN", time_text(since(&a->syn, &a->syn_again[1]), text));
	return true;
}

static bool note_final_ack_lost(const struct case_ *k, struct finding *f)
{
	const struct side *b = k->b;
	bool told = k->a->has & TV_OPT_HAS_TS && b->has & TV_OPT_HAS_TS;
	char text[24];

	if (b->syn_count < 2 || k->a->syn_count > 1 || k->c->simultaneous || !b->syn_is_answer)
		return false;
	/* A path longer than the timer: the ACK was under way when the SYN,ACK was repeated. */
	if (is_behind(&k->c->ack, &b->syn_again[0]) && is_one_round_trip(k, since(&b->syn, &k->c->ack)))
		return false;
	if (told && k->a->syn_echo && k->a->syn_echo != b->syn_ts) {
		/* It answers the second copy: the first SYN,ACK is what was lost. */
		finding_start(f, k->c, WORD_OK_SYN_LOST, CERTAIN);
		finding_cite(f, &k->a->syn);
		f->lost = "synack";
	} else {
		finding_start(f, k->c, WORD_OK_FINAL_ACK_LOST, CERTAIN);
		f->lost = "ack";
	}
	finding_cite(f, &b->syn);
	finding_cite(f, &b->syn_again[0]);
	finding_cite(f, &k->c->ack);
	finding_say(f, "The SYN,ACK was repeated after %s.", time_text(since(&b->syn, &b->syn_again[0]), text));
	return true;
}

static bool note_fast_open(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;

	if (!a->syn_len || !b->syn_is_answer || b->syn_ack != a->isn + 1 + a->syn_len)
		return false;
	finding_start(f, k->c, WORD_OK_TFO, CERTAIN);
	finding_cite(f, &a->syn);
	finding_cite(f, &b->syn);
	finding_say(f, "%u bytes in the SYN were accepted.", a->syn_len);
	return true;
}

static bool note_high_rtt(const struct case_ *k, struct finding *f)
{
	tv_time rtt = handshake_rtt(k->c);
	char text[24];

	if (rtt == 0 && later_rtt(k) > TV_S)
		rtt = later_rtt(k);
	/* Both copies of the SYN,ACK are here, and the final ACK answers the first. */
	if (rtt == 0 && k->b->syn_count > 1 && k->b->has & TV_OPT_HAS_TS && k->a->syn_echo == k->b->syn_ts &&
		is_behind(&k->c->ack, &k->b->syn_again[0]) && k->a->syn_count > 1)
		rtt = since(&k->b->syn, &k->c->ack);
	if (rtt < limit(LIMIT_HIGH_RTT))
		return false;
	finding_start(f, k->c, WORD_OK_HIGH_RTT, CERTAIN);
	finding_cite(f, &k->a->syn);
	finding_cite(f, &k->b->syn);
	finding_cite(f, &k->c->ack);
	finding_say(f, "A round trip takes %s.", time_text(rtt, text));
	return true;
}

static bool note_small_mss(const struct case_ *k, struct finding *f)
{
	const struct side *s = k->b->mss && k->b->mss < SMALL_MSS ? k->b : k->a;

	if (s->mss == 0 || s->mss >= SMALL_MSS)
		return false;
	finding_start(f, k->c, WORD_OK_SMALL_MSS, CERTAIN);
	finding_cite(f, &s->syn);
	finding_say(f, "The %s's SYN says MSS %u.", s == k->a ? "client" : "server", s->mss);
	return true;
}

static bool note_keepalive(const struct case_ *k, struct finding *f)
{
	const struct side *s = k->a->probes > k->b->probes ? k->a : k->b, *o = s == k->a ? k->b : k->a;

	if (s->probes == 0 || s->probes_answered == 0)
		return false;
	/* They asked for a window that the SYN,ACK did not open. */
	if (o->syn_wnd == 0 && is_behind(&o->wnd_first, &s->probe))
		return false;
	finding_start(f, k->c, WORD_OK_KEEPALIVE, CERTAIN);
	finding_cite(f, &s->probe);
	finding_say(f, "%u probe%s by the %s.", s->probes, s->probes == 1 ? "" : "s", s == k->a ? "client" : "server");
	return true;
}

static bool note_pmtu(const struct case_ *k, struct finding *f)
{
	if (!seen(&k->c->pmtu))
		return false;
	finding_start(f, k->c, WORD_OK_PMTU_LOWERED, CERTAIN);
	finding_cite(f, &k->c->pmtu);
	finding_say(f, "The next hop's MTU is %u.", k->c->mtu);
	return true;
}

static bool note_no_scaling(const struct case_ *k, struct finding *f)
{
	const struct side *a = k->a, *b = k->b;
	bool offered = a->has & TV_OPT_HAS_WSCALE, taken = b->has & TV_OPT_HAS_WSCALE;

	if (!a->syn_seen || !b->syn_is_answer || a->options_cut || b->options_cut || (offered && taken))
		return false;
	if (a->syn_options_few && a->bytes == 0)
		return false;
	finding_start(f, k->c, WORD_OK_NO_WINDOW_SCALING, CERTAIN);
	finding_cite(f, &a->syn);
	finding_cite(f, &b->syn);
	finding_say(f, "The %s does not offer it.", offered ? "server" : "client");
	return true;
}

const rule_fn note_rules[] = {note_simultaneous, note_half_open, note_port_reuse, note_syn_lost,
	note_final_ack_lost, note_fast_open, note_high_rtt, note_small_mss, note_keepalive, note_pmtu, note_no_scaling};
const unsigned note_rule_count = sizeof note_rules / sizeof *note_rules;
