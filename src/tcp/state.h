/*
 * state.h - which state may follow which: the one table, for the stack and for those who watch one.
 */
#ifndef TV_TCP_STATE_H
#define TV_TCP_STATE_H

#include <trivet/trivet.h>

/* May a connection go from one state to the other (RFC 9293 3.3.2)? CLOSED may follow any. */
bool tv_state_legal(enum tv_state from, enum tv_state to);

#endif
