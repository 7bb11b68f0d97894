/* reno.h - the answers of Reno to the questions of cc.c. */
#ifndef TV_TCP_FLOW_RENO_H
#define TV_TCP_FLOW_RENO_H

#include "tcp/core.h"

/* ssthresh of a connection that has lost nothing yet; its window never exceeds it. */
#define TV_SSTHRESH_NONE (1u << 30)

/* The window after `acked` more octets were acknowledged. */
uint32_t tv_reno_grown(struct tv_tcb *t, uint32_t acked);
/* The slow start threshold after a loss with `flight` octets in flight. */
uint32_t tv_reno_reduced(const struct tv_tcb *t, uint32_t flight);

#endif
