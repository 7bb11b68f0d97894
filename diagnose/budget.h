/*
 * budget.h - how many round trips a visit needs, by arithmetic.
 *
 * What is counted here was not measured: it follows from the protocols, for a path that loses nothing,
 * a server that answers at once, and no limit but the congestion window.
 */
#ifndef TRIVET_DIAGNOSE_BUDGET_H
#define TRIVET_DIAGNOSE_BUDGET_H

#include <trivet/trivet.h>

enum budget_way {
	BUDGET_TCP,
	BUDGET_TCP_FASTOPEN,
	BUDGET_TLS12,
	BUDGET_TLS13,
	BUDGET_TLS13_0RTT,
	BUDGET_TLS13_FASTOPEN,
	BUDGET_TLS13_0RTT_FASTOPEN,
	BUDGET_QUIC,
	BUDGET_QUIC_0RTT,
	BUDGET_WAYS
};

/* Round trips of each phase; a phase that rides on another costs 0. */
struct budget_row {
	const char *name;      /* "TCP, TLS 1.3" */
	unsigned handshake;    /* of the transport; QUIC's includes TLS 1.3 */
	unsigned tls;
	unsigned request;      /* until the first byte of the answer */
	bool again;            /* only for who was there before: a cookie or a ticket is needed */
	const char *basis;     /* where it stands: "RFC 8446 2" */
};

const struct budget_row *budget_row(enum budget_way way);
/* Round trips from the beginning to the first byte of the answer. */
unsigned budget_first(enum budget_way way);
/*
 * Further round trips until the last byte of an answer of so many bytes has come: the window begins
 * with `initial` segments (0: 10, RFC 6928) of `mss` bytes (0: 1,460) and doubles with each round trip
 * (RFC 5681 3.1).
 */
unsigned budget_further(uint64_t bytes, uint32_t mss, uint32_t initial);

#endif
