/*
 * budget.c - the round trips of a visit, for each way to make it.
 *
 * TCP opens in one round trip (RFC 9293 3.5): the client may send as soon as the SYN,ACK is there, its
 * request riding on or behind the final ACK. Fast Open puts the request on the SYN. TLS 1.2 needs two
 * more, TLS 1.3 one, early data none. QUIC opens transport and TLS 1.3 together.
 */
#include "diagnose/budget.h"

enum { MSS_USUAL = 1460, INITIAL_USUAL = 10 };

static const struct budget_row rows[BUDGET_WAYS] = {
	[BUDGET_TCP] = {"TCP", 1, 0, 1, false, "RFC 9293 3.5"},
	[BUDGET_TCP_FASTOPEN] = {"TCP Fast Open", 0, 0, 1, true, "RFC 7413 2"},
	[BUDGET_TLS12] = {"TCP, TLS 1.2", 1, 2, 1, false, "RFC 5246 7.3"},
	[BUDGET_TLS13] = {"TCP, TLS 1.3", 1, 1, 1, false, "RFC 8446 2"},
	[BUDGET_TLS13_0RTT] = {"TCP, TLS 1.3 with 0-RTT", 1, 0, 1, true, "RFC 8446 2.3"},
	[BUDGET_TLS13_FASTOPEN] = {"TCP Fast Open, TLS 1.3", 0, 1, 1, true, "RFC 7413 2, RFC 8446 2"},
	[BUDGET_TLS13_0RTT_FASTOPEN] = {"TCP Fast Open, TLS 1.3 with 0-RTT", 0, 0, 1, true,
		"RFC 7413 2, RFC 8446 2.3"},
	[BUDGET_QUIC] = {"QUIC", 1, 0, 1, false, "RFC 9001 4"},
	[BUDGET_QUIC_0RTT] = {"QUIC with 0-RTT", 0, 0, 1, true, "RFC 9001 4.6"},
};

const struct budget_row *budget_row(enum budget_way way)
{
	return &rows[way];
}

unsigned budget_first(enum budget_way way)
{
	return rows[way].handshake + rows[way].tls + rows[way].request;
}

unsigned budget_further(uint64_t bytes, uint32_t mss, uint32_t initial)
{
	uint64_t window = (uint64_t)(initial ? initial : INITIAL_USUAL) * (mss ? mss : MSS_USUAL);
	unsigned rounds = 0;

	for (; bytes > window; window *= 2, rounds++)
		bytes -= window;
	return rounds;
}
