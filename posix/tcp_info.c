/*
 * tcp_info.c - what the stack tells of a connection, in the terms of Linux's struct tcp_info.
 *
 * Linux counts segments where the stack counts bytes (congestion window, slow start threshold, what
 * is in flight); they are divided by the MSS in use. What the stack cannot tell stays zero, and the
 * list in sockets.h says which fields those are.
 */
#include "posix/slot.h"

#include <linux/tcp.h>
#include <string.h>

#define FASTOPEN_FAIL_SHIFT 1 /* of tcpi_fastopen_client_fail, behind tcpi_delivery_rate_app_limited */
#define SSTHRESH_NONE (1u << 30)      /* tv_info: nothing was lost yet; Linux shows 0x7fffffff */

/* Linux's numbers of the states (net/tcp_states.h); they are part of its user interface. */
static uint8_t linux_state(enum tv_state state)
{
	switch (state) {
	case TV_ESTABLISHED: return 1;
	case TV_SYN_SENT: return 2;
	case TV_SYN_RECEIVED: return 3;
	case TV_FIN_WAIT_1: return 4;
	case TV_FIN_WAIT_2: return 5;
	case TV_TIME_WAIT: return 6;
	case TV_CLOSED: return 7;
	case TV_CLOSE_WAIT: return 8;
	case TV_LAST_ACK: return 9;
	case TV_LISTEN: return 10;
	case TV_CLOSING: return 11;
	case TV_STATE_COUNT: break;
	}
	return 0;
}

static uint32_t segments(uint32_t bytes, uint32_t mss)
{
	return mss == 0 ? 0 : (bytes + mss - 1) / mss;
}

/* Whole segments that fit: what a window in bytes is worth. */
static uint32_t whole_segments(uint32_t bytes, uint32_t mss)
{
	return mss == 0 ? 0 : bytes < mss ? 1 : bytes / mss;
}

static uint32_t since_ms(const struct sockets *s, tv_time then)
{
	return (uint32_t)((sockets_now(s) - then) / TV_MS);
}

static void fill_side(const struct tv_info *info, struct sockets_tcp_info *out)
{
	out->tcpi_total_retrans = (uint32_t)info->retransmitted_segs;
	out->tcpi_bytes_acked = info->bytes_acked;
	out->tcpi_bytes_received = info->bytes_received;
	out->tcpi_segs_out = (uint32_t)info->segs_out;
	out->tcpi_segs_in = (uint32_t)info->segs_in;
	out->tcpi_data_segs_out = (uint32_t)info->data_segs_out;
	out->tcpi_data_segs_in = (uint32_t)info->data_segs_in;
	out->tcpi_bytes_sent = info->bytes_sent;
	out->tcpi_bytes_retrans = info->bytes_retransmitted;
	out->tcpi_dsack_dups = info->dsacks_received;
	out->tcpi_rcv_ooopack = info->out_of_order_segs;
	out->tcpi_total_rto = (uint16_t)info->rto_events;
	out->tcpi_total_rto_recoveries = (uint16_t)info->recoveries;
}

/* Linux's TFO_STATUS_: why text did not go on the SYN, or was not taken. */
static uint8_t client_fail(const struct tv_info *info)
{
	if (!info->active_open) return 0;
	switch (info->fastopen) {
	case TV_FO_REQUESTED:
	case TV_FO_GRANTED:
	case TV_FO_IGNORED:
	case TV_FO_BACKED_OFF: return 1;
	case TV_FO_NOT_ACCEPTED: return 2;
	case TV_FO_LOST: return 3;
	case TV_FO_NONE:
	case TV_FO_PLANNED:
	case TV_FO_SENT:
	case TV_FO_ACCEPTED:
	case TV_FASTOPEN_COUNT: break;
	}
	return 0;
}

static void fill(const struct sockets *s, const struct tv_info *info, struct sockets_tcp_info *out)
{
	out->tcpi_state = linux_state(info->state);
	out->tcpi_retransmits = info->retransmits;
	out->tcpi_probes = info->probes;
	out->tcpi_backoff = info->backoff;
	if (info->timestamps) out->tcpi_options |= TCPI_OPT_TIMESTAMPS;
	if (info->sack) out->tcpi_options |= TCPI_OPT_SACK;
	if (info->window_scale) out->tcpi_options |= TCPI_OPT_WSCALE;
	if (info->fastopen == TV_FO_ACCEPTED) out->tcpi_options |= TCPI_OPT_SYN_DATA;
	out->tcpi_bits = (uint8_t)(client_fail(info) << FASTOPEN_FAIL_SHIFT);
	out->tcpi_wscales = (uint8_t)((info->snd_scale & 15) | (info->rcv_scale & 15) << 4);
	out->tcpi_rto = info->rto_us;
	out->tcpi_snd_mss = info->mss_snd;
	out->tcpi_rcv_mss = info->mss_rcv;
	out->tcpi_advmss = info->mss_rcv;
	out->tcpi_unacked = segments(info->bytes_in_flight, info->mss_snd);
	out->tcpi_pmtu = info->pmtu;
	out->tcpi_rtt = info->srtt_us;
	out->tcpi_rttvar = info->rttvar_us;
	out->tcpi_min_rtt = info->min_rtt_us;
	out->tcpi_snd_cwnd = whole_segments(info->cwnd, info->mss_snd);
	out->tcpi_snd_ssthresh = info->ssthresh >= SSTHRESH_NONE ? 0x7fffffff
		: whole_segments(info->ssthresh, info->mss_snd);
	out->tcpi_sacked = segments(info->bytes_sacked, info->mss_snd);
	/* What was sent again still counts as lost until it is acknowledged. */
	out->tcpi_lost = segments(info->bytes_lost + info->bytes_repeated, info->mss_snd);
	out->tcpi_retrans = segments(info->bytes_repeated, info->mss_snd);
	out->tcpi_ca_state = info->recovery == 2 ? 4 : info->recovery == 1 ? 3 : info->dup_acks != 0;
	out->tcpi_notsent_bytes = info->bytes_queued - info->bytes_in_flight;
	out->tcpi_snd_wnd = info->snd_wnd;
	out->tcpi_rcv_wnd = info->rcv_wnd;
	if (info->last_received != 0)
		out->tcpi_last_ack_recv = since_ms(s, info->last_received);
	if (info->has_side) fill_side(info, out);
}

void sockets_tcp_info(struct sockets *s, const struct slot *slot, struct sockets_tcp_info *out)
{
	struct tv_info info;

	memset(out, 0, sizeof *out);
	if (slot->phase == PHASE_LISTENING) {
		out->tcpi_state = linux_state(TV_LISTEN);
	} else if (sockets_slot_info(s, slot, &info)) {
		fill(s, &info, out);
	} else {
		out->tcpi_state = linux_state(TV_CLOSED);
	}
}
