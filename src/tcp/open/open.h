/*
 * open.h - handshakes of which little or nothing is stored: who may have a half-open record, and SYN
 * cookies for the others. The rest of this room is declared in tcp/core.h.
 */
#ifndef TV_TCP_OPEN_OPEN_H
#define TV_TCP_OPEN_OPEN_H

#include "tcp/core.h"

/* ---- negotiate.c ---- */
/* As tv_open_passive(), but only what the options of a SYN-ACK need, in a record that is not zeroed. */
void tv_negotiate_listen(struct tv_core *c, struct tv_tcb *t, uint32_t profile, const struct tv_segment *s,
                         const struct tv_key *k);
/* Fills a zeroed record, whose link, listener and profile are set, from the final ACK of a handshake and
 * the options of its SYN. */
void tv_open_cookie(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, const struct tv_key *k,
                    const struct tv_tcp_options *syn);

/* ---- backlog.c ---- */
/* May this SYN to listener number `index` have a half-open record? TV_NEXT; TV_COOKIE; else why not.
 * reopens: its tuple is in TIME-WAIT, which a cookie would not get past. */
int tv_backlog_ask(struct tv_core *c, uint32_t index, const struct tv_segment *s, bool reopens);
/* A half-open record, already filled, begins or ends to count. */
void tv_backlog_take(struct tv_core *c, uint32_t slot);
void tv_backlog_give(struct tv_core *c, uint32_t slot);
/* Is there a token? rate: per second, at most 4,000,000. Take it only if there is. */
bool tv_bucket_has(struct tv_bucket *b, uint32_t rate, uint32_t now_ms);
void tv_bucket_take(struct tv_bucket *b);
void tv_listener_tell(struct tv_core *c, uint32_t index, uint16_t events);
void tv_flood_due(struct tv_core *c);

/* ---- cookie.c ---- */
/* Answers a SYN with a cookie: TV_V_OK, or TV_V_REPLIES_FULL. */
int tv_cookie_answer(struct tv_core *c, struct tv_listener *l, const struct tv_segment *s, const struct tv_key *k);
/* An ACK to a listener: TV_V_OK with the options of the SYN in *syn; TV_NEXT: it cannot be ours;
 * TV_V_COOKIE_BAD; TV_V_COOKIE_UNCHECKED. */
int tv_cookie_check(struct tv_core *c, struct tv_listener *l, const struct tv_segment *s, const struct tv_key *k,
                    struct tv_tcp_options *syn);

#endif
