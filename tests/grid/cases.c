/*
 * cases.c - see cases.h.
 */
#include "cases.h"

static bool has_fin_in_flight(enum case_start start)
{
	return start == START_FIN_WAIT_1 || start == START_CLOSING || start == START_LAST_ACK;
}

static bool has_data_in_flight(enum case_start start)
{
	return has_fin_in_flight(start) || start == START_ESTABLISHED || start == START_CLOSE_WAIT;
}

/* Text can fill the window of a connection that is open and whose peer has sent no FIN. */
bool case_wnd_exists(enum case_start start, enum case_wnd wnd)
{
	if (wnd == WND_OPEN)
		return true;
	return start == START_ESTABLISHED || start == START_FIN_WAIT_1 || start == START_FIN_WAIT_2;
}

bool case_seq_exists(enum case_start start, enum case_wnd wnd, enum case_seq seq)
{
	if (start <= START_SYN_SENT)
		return seq == SEQ_NXT; /* there is no RCV.NXT */
	if (wnd == WND_ZERO)
		return seq != SEQ_LAST && seq != SEQ_EDGE && seq != SEQ_IN; /* RCV.NXT-1, RCV.NXT, beyond */
	return true;
}

bool case_ack_exists(enum case_start start, enum case_ack ack)
{
	if (start <= START_LISTEN)
		return ack == ACK_NONE || ack == ACK_NXT; /* there is no SND.NXT: any number */
	if (ack == ACK_PART)
		return has_data_in_flight(start);
	if (ack == ACK_DATA)
		return has_fin_in_flight(start);
	if (ack == ACK_UNA)
		return start != START_FIN_WAIT_2 && start != START_TIME_WAIT; /* SND.NXT */
	if (start == START_SYN_SENT && (ack == ACK_TOO_OLD || ack == ACK_OLDEST))
		return false; /* there is no MAX.SND.WND yet */
	return true;
}

static enum model_state model_state_of(enum case_start start)
{
	static const enum model_state states[STARTS] = {M_CLOSED, M_LISTEN, M_SYN_SENT, M_SYN_RECEIVED,
		M_SYN_RECEIVED, M_ESTABLISHED, M_FIN_WAIT_1, M_FIN_WAIT_2, M_CLOSE_WAIT, M_CLOSING,
		M_LAST_ACK, M_TIME_WAIT};

	return states[start];
}

struct model case_model(enum case_start start, enum case_wnd wnd, uint32_t iss, uint32_t irs)
{
	struct model m = {.state = model_state_of(start), .next_iss = iss, .rcv_wnd = 5000};

	m.listener = start == START_TIME_WAIT;
	if (start <= START_LISTEN)
		return m;
	m.iss = m.una = iss;
	m.nxt = iss + 1;
	if (start == START_SYN_SENT)
		return m;
	m.passive = start == START_SYN_RECEIVED;
	m.irs = m.wl1 = irs;
	m.rcv_nxt = irs + 1;
	m.wnd = m.max_wnd = 1000;
	m.wl2 = m.una;
	if (start <= START_SYN_RECEIVED_ACTIVE)
		return m;
	m.una = m.wl2 = iss + 1;
	m.wl1 = m.rcv_nxt;
	if (has_data_in_flight(start))
		m.nxt = m.una + IN_FLIGHT;
	if (has_fin_in_flight(start))
		m.nxt++;
	if (start >= START_CLOSE_WAIT)
		m.rcv_nxt++; /* the peer's FIN */
	m.rcv_wnd = wnd == WND_OPEN ? 5000 : wnd == WND_SMALL ? SMALL_WINDOW : 0;
	return m;
}

static uint32_t case_seq_number(const struct model *m, enum case_seq seq)
{
	switch (seq) {
	case SEQ_OLD:
		return m->rcv_nxt - 1000;
	case SEQ_OVER:
		return m->rcv_nxt - 3;
	case SEQ_BELOW:
		return m->rcv_nxt - 1;
	case SEQ_NXT:
		return m->rcv_nxt;
	case SEQ_IN:
		return m->rcv_nxt + 2;
	case SEQ_LAST:
		return m->rcv_nxt + m->rcv_wnd - 1;
	case SEQ_EDGE:
		return m->rcv_nxt + m->rcv_wnd;
	case SEQ_BEYOND:
		return m->rcv_nxt + m->rcv_wnd + 1000;
	case SEQS:
		break;
	}
	return 0;
}

static uint32_t case_ack_number(const struct model *m, enum case_ack ack)
{
	switch (ack) {
	case ACK_NONE:
	case ACK_ABOVE:
		return m->nxt + 1;
	case ACK_TOO_OLD:
		return m->una - m->max_wnd - 1;
	case ACK_OLDEST:
		return m->una - m->max_wnd;
	case ACK_OLD:
		return m->una - 1;
	case ACK_UNA:
		return m->una;
	case ACK_PART:
		return m->una + IN_FLIGHT / 2;
	case ACK_DATA:
		return m->nxt - 1;
	case ACK_NXT:
		return m->nxt;
	case ACK_FAR:
		return m->nxt + 0x40000000u;
	case ACKS:
		break;
	}
	return 0;
}

struct model_segment case_segment(const struct model *m, const struct grid_case *c)
{
	struct model_segment s = {.flags = c->flags, .wnd = SEGMENT_WINDOW};

	s.seq = case_seq_number(m, c->seq);
	s.ack = case_ack_number(m, c->ack);
	if (c->ack != ACK_NONE)
		s.flags |= M_ACK;
	s.text = c->text >= TEXT_10 ? SOME_TEXT : c->text == TEXT_1 || c->text == TEXT_1_FIN;
	if (c->text == TEXT_FIN || c->text == TEXT_1_FIN || c->text == TEXT_10_FIN)
		s.flags |= M_FIN;
	if (s.flags & M_URG)
		s.up = URGENT_OFFSET;
	return s;
}

const char *case_start_name(enum case_start start)
{
	static const char *const names[STARTS] = {"CLOSED", "LISTEN", "SYN-SENT",
		"SYN-RECEIVED from LISTEN", "SYN-RECEIVED from SYN-SENT", "ESTABLISHED", "FIN-WAIT-1",
		"FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"};

	return names[start];
}

const char *case_wnd_name(enum case_wnd wnd)
{
	static const char *const names[WNDS] = {"window open", "window of 4", "window of 0"};

	return names[wnd];
}

const char *case_seq_name(enum case_seq seq)
{
	static const char *const names[SEQS] = {"old", "NXT-3", "NXT-1", "NXT", "NXT+2", "last", "edge",
		"beyond"};

	return names[seq];
}

const char *case_ack_name(enum case_ack ack)
{
	static const char *const names[ACKS] = {"none", "UNA-MAX-1", "UNA-MAX", "UNA-1", "UNA", "UNA+50",
		"NXT-1", "NXT", "NXT+1", "far"};

	return names[ack];
}

const char *case_text_name(enum case_text text)
{
	static const char *const names[TEXTS] = {"0", "1", "FIN", "1+FIN", "10", "10+FIN"};

	return names[text];
}
