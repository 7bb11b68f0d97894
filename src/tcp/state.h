/*
 * state.h - which state may follow which: the one table, for the stack and for those who watch one.
 */
#ifndef TV_TCP_STATE_H
#define TV_TCP_STATE_H

#include <trivet/trivet.h>

/* May a connection go from one state to the other (RFC 9293 3.3.2)? CLOSED may follow any. */
bool tv_state_legal(enum tv_state from, enum tv_state to);

/* Which states may follow (bit n: state n). tv_state_set() (tcp/core.h) asks, and most often compilers know. */
#define TV_ENDS (1u << TV_CLOSED)
static const uint16_t tv_state_follows[TV_STATE_COUNT] = {
	[TV_CLOSED] = TV_ENDS | 1u << TV_LISTEN | 1u << TV_SYN_SENT | 1u << TV_SYN_RECEIVED,
	[TV_LISTEN] = TV_ENDS | 1u << TV_SYN_RECEIVED | 1u << TV_SYN_SENT,
	[TV_SYN_SENT] = TV_ENDS | 1u << TV_SYN_RECEIVED | 1u << TV_ESTABLISHED,
	[TV_SYN_RECEIVED] = TV_ENDS | 1u << TV_ESTABLISHED | 1u << TV_FIN_WAIT_1 | 1u << TV_LISTEN |
	                    1u << TV_CLOSE_WAIT,
	[TV_ESTABLISHED] = TV_ENDS | 1u << TV_FIN_WAIT_1 | 1u << TV_CLOSE_WAIT,
	[TV_FIN_WAIT_1] = TV_ENDS | 1u << TV_FIN_WAIT_2 | 1u << TV_CLOSING | 1u << TV_TIME_WAIT,
	[TV_FIN_WAIT_2] = TV_ENDS | 1u << TV_TIME_WAIT,
	[TV_CLOSE_WAIT] = TV_ENDS | 1u << TV_LAST_ACK,
	[TV_CLOSING] = TV_ENDS | 1u << TV_TIME_WAIT,
	[TV_LAST_ACK] = TV_ENDS,
	[TV_TIME_WAIT] = TV_ENDS,
};

#undef TV_ENDS

#endif
