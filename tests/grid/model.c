/*
 * model.c - RFC 9293 3.10.7.1 to 3.10.7.4, fifth step: see model.h.
 *
 * The functions stand in the order of the RFC's text and each `if` quotes the step that it is. A
 * step that ends the processing of the segment returns true ("return" in the RFC's words).
 *
 * The third step, security and compartment, is not modelled: nobody implements it (Appendix A.1).
 */
#include "model.h"

#include <string.h>

bool model_lt(uint32_t a, uint32_t b) { return a != b && b - a < 0x80000000u; }
bool model_le(uint32_t a, uint32_t b) { return a == b || model_lt(a, b); }
bool model_within(uint32_t x, uint32_t from, uint32_t length) { return x - from < length; }

uint32_t model_len(const struct model_segment *s)
{
	return s->text + (s->flags & M_SYN ? 1 : 0) + (s->flags & M_FIN ? 1 : 0);
}

static void send_packet(struct model_result *r, unsigned flags, uint32_t seq, uint32_t ack)
{
	r->reply = M_REPLY_NOW;
	r->packet.flags = flags;
	r->packet.seq = seq;
	r->packet.ack = ack;
}

void model_ack(const struct model *m, struct model_result *r, enum model_reply kind)
{
	enum model_reply before = r->reply;

	send_packet(r, M_ACK, m->nxt, m->rcv_nxt);
	r->reply = before > kind ? before : kind;
}

/* RFC 5961, with the house's throttle: at most one in 500 ms for each connection. */
static void challenge_ack(struct model *m, struct model_result *r)
{
	r->dropped = true;
	if (m->challenge_spent) {
		r->suppressed = true;
		return;
	}
	m->challenge_spent = !m->maybe_spent;
	r->challenge = true;
	model_ack(m, r, m->maybe_spent ? M_REPLY_MAY : M_REPLY_NOW);
}

/* The ACK of the first step, and of PAWS. What carries neither text nor FIN, or is a SYN, may be
 * part of a loop of ACKs and may be throttled; all of them may be counted with the challenges. */
static void first_step_ack(struct model *m, const struct model_segment *s, struct model_result *r)
{
	bool always = !(s->flags & M_SYN) && model_len(s) > 0;

	r->dropped = true;
	model_ack(m, r, always || !(m->challenge_spent || m->maybe_spent) ? M_REPLY_NOW : M_REPLY_MAY);
	m->maybe_spent = !m->challenge_spent;
}

static void note_window(struct model *m, const struct model_segment *s)
{
	m->wnd = s->wnd;
	m->wl1 = s->seq;
	m->wl2 = s->ack;
	if (s->wnd > m->max_wnd)
		m->max_wnd = s->wnd;
}

static void go_closed(struct model *m, struct model_result *r, unsigned event)
{
	m->state = M_CLOSED;
	m->held_count = 0;
	m->fin_held = false;
	r->events |= event;
}

/* --- 3.10.7.1 ---------------------------------------------------------------------------------- */

static void closed(const struct model_segment *s, struct model_result *r)
{
	r->dropped = true; /* "all data in the incoming segment is discarded" */
	if (s->flags & M_RST)
		return; /* "An incoming segment containing a RST is discarded" */
	if (!(s->flags & M_ACK))
		send_packet(r, M_RST | M_ACK, 0, s->seq + model_len(s)); /* "If the ACK bit is off" */
	else
		send_packet(r, M_RST, s->ack, 0); /* "If the ACK bit is on" */
}

/* --- 3.10.7.2 ---------------------------------------------------------------------------------- */

static void open_from_syn(struct model *m, const struct model_segment *s, struct model_result *r)
{
	/* "Set RCV.NXT to SEG.SEQ+1, IRS is set to SEG.SEQ"; text is not kept. */
	m->irs = s->seq;
	m->rcv_nxt = s->seq + 1;
	m->iss = m->next_iss;
	m->una = m->iss;
	m->nxt = m->iss + 1;
	m->wnd = s->wnd;
	m->wl1 = s->seq;
	m->wl2 = m->iss;
	m->max_wnd = s->wnd;
	m->ts_on = m->ts_on && s->has_ts;
	m->ts_recent = s->tsval;
	m->last_ack_sent = m->rcv_nxt;
	m->passive = true;
	m->state = M_SYN_RECEIVED;
	send_packet(r, M_SYN | M_ACK, m->iss, m->rcv_nxt); /* <SEQ=ISS><ACK=RCV.NXT><CTL=SYN,ACK> */
}

static void listening(struct model *m, const struct model_segment *s, struct model_result *r)
{
	r->dropped = true;
	if (s->flags & M_RST)
		return; /* first: "An incoming RST should be ignored. Return." */
	if (s->flags & M_ACK) {
		send_packet(r, M_RST, s->ack, 0); /* second: "Any acknowledgment is bad" */
		return;
	}
	if (s->flags & M_SYN) {
		if (s->flags & M_FIN)
			return; /* SYN and FIN together never open a connection */
		r->dropped = false;
		open_from_syn(m, s, r); /* third */
		return;
	}
	/* fourth: "This should not be reached. Drop the segment and return." */
}

/* --- 3.10.7.3 ---------------------------------------------------------------------------------- */

static void synchronise(struct model *m, const struct model_segment *s)
{
	m->irs = s->seq;
	m->rcv_nxt = s->seq + 1; /* "RCV.NXT is set to SEG.SEQ+1, IRS is set to SEG.SEQ" */
	m->ts_on = m->ts_on && s->has_ts;
	m->ts_recent = s->tsval;
	m->last_ack_sent = m->rcv_nxt;
	note_window(m, s); /* in both branches */
}

static void syn_sent(struct model *m, const struct model_segment *s, struct model_result *r)
{
	r->dropped = true;
	if (s->flags & M_ACK) { /* first */
		if (model_le(s->ack, m->iss) || model_lt(m->nxt, s->ack)) {
			if (!(s->flags & M_RST))
				send_packet(r, M_RST, s->ack, 0);
			return; /* "and discard the segment. Return." */
		}
	}
	if (s->flags & M_RST) { /* second */
		if (s->flags & M_ACK)
			go_closed(m, r, M_EV_REFUSED); /* "If the ACK was acceptable" */
		return;                                /* "Otherwise (no ACK), drop the segment" */
	}
	if (!(s->flags & M_SYN))
		return; /* fifth: "if neither of the SYN or RST bits is set" */
	r->dropped = false; /* fourth */
	synchronise(m, s);
	if (s->flags & M_ACK) {
		m->una = s->ack;
		m->state = M_ESTABLISHED; /* "If SND.UNA > ISS (our SYN has been ACKed)" */
		r->events |= M_EV_ESTABLISHED;
		model_ack(m, r, M_REPLY_NOW);
		/* "continue processing at the sixth step"; one packet for all of it [MUST-58] */
		model_urg_text_fin(m, s, r, true);
		return;
	}
	m->passive = false;
	m->state = M_SYN_RECEIVED;
	m->wl2 = m->iss; /* there is no SEG.ACK */
	send_packet(r, M_SYN | M_ACK, m->iss, m->rcv_nxt); /* text and FIN are not kept */
}

/* --- 3.10.7.4 ---------------------------------------------------------------------------------- */

enum acceptable { NO, YES, CONTROL_ONLY };

/* Table 6, and what is said below it about a window of zero. */
static enum acceptable sequence_test(const struct model *m, const struct model_segment *s)
{
	uint32_t len = model_len(s), last = s->seq + len - 1;

	if (m->rcv_wnd == 0) {
		if (len == 0 && s->seq == m->rcv_nxt)
			return YES;
		/* "special allowance should be made to accept valid ACKs, URGs, and RSTs" [MUST-66];
		 * one below the edge as well, for probes that cross (Appendix A.2, R-6) */
		if (s->seq == m->rcv_nxt || s->seq == m->rcv_nxt - 1)
			return CONTROL_ONLY;
		return NO;
	}
	if (model_within(s->seq, m->rcv_nxt, m->rcv_wnd))
		return YES;
	if (len == 0)
		return NO;
	/* one that begins before the window and ends behind it is not acceptable either */
	return model_within(last, m->rcv_nxt, m->rcv_wnd) ? YES : NO;
}

/* The first step, for a segment that failed the test. */
static void unacceptable(struct model *m, const struct model_segment *s, struct model_result *r)
{
	r->dropped = true;
	if (s->flags & M_RST)
		return; /* "unless the RST bit is set, if so drop the segment and return" */
	if (s->flags & M_SYN && m->state != M_SYN_RECEIVED) {
		challenge_ack(m, r); /* fourth: "irrespective of the sequence number" */
		return;
	}
	first_step_ack(m, s, r);
	if (m->state == M_TIME_WAIT && s->flags & M_FIN && s->flags & M_ACK
		&& s->seq + s->text == m->rcv_nxt - 1)
		r->restart_2msl = true; /* fifth, TIME-WAIT: "a retransmission of the remote FIN" */
}

/* second: "check the RST bit". */
static void take_rst(struct model *m, const struct model_segment *s, struct model_result *r)
{
	r->dropped = true;
	if (m->state == M_TIME_WAIT)
		return; /* RFC 1337, F1 */
	if (s->seq != m->rcv_nxt) {
		if (model_within(s->seq, m->rcv_nxt, m->rcv_wnd))
			challenge_ack(m, r); /* 3) */
		return;                      /* 1) "silently drop the segment" */
	}
	switch (m->state) { /* 2) */
	case M_SYN_RECEIVED:
		if (m->passive)
			m->state = M_LISTEN; /* "The user need not be informed." */
		else
			go_closed(m, r, M_EV_REFUSED);
		return;
	case M_ESTABLISHED:
	case M_FIN_WAIT_1:
	case M_FIN_WAIT_2:
	case M_CLOSE_WAIT:
		go_closed(m, r, M_EV_RESET);
		return;
	case M_CLOSING:
	case M_LAST_ACK:
		go_closed(m, r, M_EV_GONE);
		return;
	case M_TIME_WAIT:
	case M_CLOSED:
	case M_LISTEN:
	case M_SYN_SENT:
	case M_STATES:
		return;
	}
}

/* The processing of the ESTABLISHED state, which most states begin with. */
static void established_ack(struct model *m, const struct model_segment *s)
{
	if (model_lt(m->una, s->ack))
		m->una = s->ack; /* SEG.ACK =< SND.NXT is known here */
	/* "If SND.UNA =< SEG.ACK =< SND.NXT, the send window should be updated." */
	if (s->ack == m->una
		&& (model_lt(m->wl1, s->seq) || (m->wl1 == s->seq && model_le(m->wl2, s->ack))))
		note_window(m, s);
}

/* fifth: "check the ACK field". True: return. */
static bool take_ack(struct model *m, const struct model_segment *s, struct model_result *r)
{
	bool ours;

	if (!(s->flags & M_ACK)) {
		r->dropped = true;
		return true; /* "if the ACK bit is off, drop the segment and return" */
	}
	if (m->state == M_SYN_RECEIVED) { /* before RFC 5961's range */
		if (model_le(s->ack, m->una) || model_lt(m->nxt, s->ack)) {
			r->dropped = true;
			send_packet(r, M_RST, s->ack, 0);
			return true;
		}
		m->state = M_ESTABLISHED; /* "enter ESTABLISHED state and continue processing" */
		r->events |= M_EV_ESTABLISHED;
		note_window(m, s);
	}
	/* "(SND.UNA - MAX.SND.WND) =< SEG.ACK =< SND.NXT" [MAY-12] */
	if (model_lt(m->nxt, s->ack) || model_lt(s->ack, m->una - m->max_wnd)) {
		challenge_ack(m, r);
		return true;
	}
	established_ack(m, s);
	ours = m->una == m->nxt; /* in the states below SND.NXT - 1 is our FIN */
	if (m->state == M_FIN_WAIT_1 && ours)
		m->state = M_FIN_WAIT_2; /* "enter FIN-WAIT-2 and continue processing in that state" */
	if (m->state == M_CLOSING) {
		if (!ours) { /* "otherwise, ignore the segment" */
			r->dropped = s->text > 0;
			if (s->text || s->flags & M_FIN)
				model_ack(m, r, M_REPLY_MAY); /* */
			return true;
		}
		m->state = M_TIME_WAIT;
		r->restart_2msl = true;
	}
	if (m->state == M_LAST_ACK && ours) {
		go_closed(m, r, M_EV_GONE); /* "delete the TCB, enter the CLOSED state, and return" */
		r->reply = M_REPLY_NONE;
		return true;
	}
	return false;
}

/* RFC 7323 5.3, R1, and 3.2 for a segment without the option. True: return. */
static bool paws(struct model *m, const struct model_segment *s, struct model_result *r)
{
	if (!m->ts_on || s->flags & M_RST)
		return false;
	if (!s->has_ts) {
		if (s->flags & M_SYN)
			return false; /* it may come from a peer that has forgotten everything */
		r->dropped = true;
		return true; /* "a TCP SHOULD silently drop the segment" */
	}
	if (model_lt(s->tsval, m->ts_recent)) {
		r->dropped = true;
		if (s->flags & M_SYN)
			challenge_ack(m, r);
		else
			first_step_ack(m, s, r);
		return true;
	}
	return false;
}

/* RFC 9293 3.10.7.4, fourth, TIME-WAIT: "new connections can be accepted", by RFC 6191. */
static bool reopens(const struct model *m, const struct model_segment *s)
{
	bool higher = model_lt(m->rcv_nxt - 1, s->seq); /* the FIN is the last number that was used */

	if (m->state != M_TIME_WAIT || !m->listener)
		return false;
	if ((s->flags & (M_SYN | M_ACK | M_RST | M_FIN)) != M_SYN)
		return false;
	if (m->ts_on && s->has_ts)
		return model_lt(m->ts_recent, s->tsval) || (m->ts_recent == s->tsval && higher);
	return s->has_ts || higher;
}

/* SYN-RECEIVED: what the text's first step would discard, and practice and its figures do not.
 * True: return. May clear SYN in *s, for a segment whose SYN was taken before. */
static bool known_syn(struct model *m, struct model_segment *s, struct model_result *r)
{
	if (m->state != M_SYN_RECEIVED || !(s->flags & M_SYN) || s->flags & M_RST)
		return false;
	if (!m->passive && s->flags & M_ACK && s->ack == m->nxt && s->seq != m->irs) {
		syn_sent(m, s, r); /* the SYN that was seen was somebody else's */
		return true;
	}
	if (s->seq != m->irs)
		return false;
	if (m->passive && !(s->flags & M_ACK)) { /* the same SYN again: the SYN-ACK again */
		r->dropped = true;
		send_packet(r, M_SYN | M_ACK, m->iss, m->rcv_nxt);
		return true;
	}
	/* Figure 7, lines 6 and 7: the SYN-ACK of a simultaneous open establishes */
	if (!m->passive && s->flags & M_ACK && s->ack == m->nxt) {
		model_ack(m, r, M_REPLY_MAY);
		s->flags &= ~(unsigned)M_SYN;
		s->seq++;
	}
	return false;
}

static void other_states(struct model *m, const struct model_segment *arrived, struct model_result *r)
{
	struct model_segment copy = *arrived;
	const struct model_segment *s = &copy;
	enum acceptable sequence;

	if (reopens(m, s)) {
		open_from_syn(m, s, r);
		return;
	}
	if (known_syn(m, &copy, r) || paws(m, s, r))
		return;
	sequence = sequence_test(m, s);
	if (sequence == NO) {
		unacceptable(m, s, r); /* first */
		return;
	}
	if (s->flags & M_RST) {
		take_rst(m, s, r); /* second */
		return;
	}
	/* third: security, not modelled */
	if (s->flags & M_SYN) {
		challenge_ack(m, r); /* fourth: in SYN-RECEIVED from LISTEN too */
		return;
	}
	/* 3.8.6.1: "it must still send an acknowledgment showing its next expected sequence number
	 * and current window (zero)" */
	if (sequence == CONTROL_ONLY)
		model_ack(m, r, M_REPLY_NOW);
	if (take_ack(m, s, r))
		return; /* fifth */
	if (m->ts_on && s->has_ts && model_le(s->seq, m->last_ack_sent))
		m->ts_recent = s->tsval; /* RFC 7323 5.3, R3, for a segment that was believed */
	model_urg_text_fin(m, s, r, sequence == YES); /* sixth, seventh, eighth */
}

void model_arrives(struct model *m, const struct model_segment *s, struct model_result *r)
{
	memset(r, 0, sizeof *r);
	switch (m->state) {
	case M_CLOSED:
		closed(s, r);
		return;
	case M_LISTEN:
		listening(m, s, r);
		return;
	case M_SYN_SENT:
		syn_sent(m, s, r);
		return;
	case M_SYN_RECEIVED:
	case M_ESTABLISHED:
	case M_FIN_WAIT_1:
	case M_FIN_WAIT_2:
	case M_CLOSE_WAIT:
	case M_CLOSING:
	case M_LAST_ACK:
	case M_TIME_WAIT:
		other_states(m, s, r);
		return;
	case M_STATES:
		return;
	}
}

const char *model_state_name(enum model_state state)
{
	static const char *const names[M_STATES] = {"CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED",
		"ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"};

	return names[state];
}
