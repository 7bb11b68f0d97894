/*
 * two_step.h - a responder that does without the third message of the handshake: made to be wrong.
 *
 * It answers a SYN with a SYN,ACK and takes the connection for open at once; it asks for no proof that
 * the SYN was meant. It keeps no timers and repeats nothing. With `isn` it begins every connection with
 * the same number. It exists to be compared with a stack that does it right (`trivet demo --why`), IPv4
 * only, on a wire of kind TV_LINK_IP.
 */
#ifndef TRIVET_SIM_TWO_STEP_H
#define TRIVET_SIM_TWO_STEP_H

#include "sim/network.h"

enum { TWO_STEP_ROOM = 256, TWO_STEP_ENDS = 4 };

/* What it believes of one peer. */
struct two_step_end {
	bool used;
	uint8_t addr[4];
	uint16_t port;
	enum tv_state state;
	uint32_t rcv_nxt, snd_nxt;
};

struct two_step {
	/* given */
	struct network *net;
	unsigned wire, side;
	uint8_t addr[4];
	uint16_t port;
	uint32_t isn;
	const char *greeting;      /* said to everybody at once; NULL: nothing */
	const char *answer;        /* said to a request, and then it closes; NULL: it waits */
	/* what became of it */
	struct two_step_end ends[TWO_STEP_ENDS];
	unsigned opened;           /* connections that it took for open */
	char got[TWO_STEP_ROOM];   /* text that it handed to its application */
	size_t got_len;
	/* packets that are to be sent */
	uint8_t out[4][128];
	uint32_t out_len[4];
	unsigned out_count;
};

/* For network_puppet(); net, wire and side are filled in afterwards. */
struct network_puppet two_step_puppet(struct two_step *t);
/* What it believes about this peer: LISTEN if it knows nothing. */
enum tv_state two_step_state(const struct two_step *t, const struct tv_endpoint *peer);

#endif
