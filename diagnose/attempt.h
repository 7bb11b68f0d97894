/*
 * attempt.h - the verdict on an attempt of which no packet was seen: from what the kernel tells.
 *
 * The words are those of captured packets. What only packets could show (who sent an RST, which packet
 * was lost) lowers the certainty.
 */
#ifndef TRIVET_DIAGNOSE_ATTEMPT_H
#define TRIVET_DIAGNOSE_ATTEMPT_H

#include "diagnose/report.h"

struct attempt_facts {
	struct tv_endpoint client, server;
	int err;                       /* errno that ended it; 0: none did */
	bool at_once;                  /* connect() itself failed: no packet left this machine */
	bool gave_up;                  /* whoever tried had no more patience */
	bool open;                     /* connect() succeeded */
	bool unseen;                   /* packets were captured, and no SYN of this attempt was among them */
	bool reported;                 /* an ICMP error came: the next four are known */
	bool from_here;                /* ... from an address of this machine */
	uint8_t icmp_type, icmp_code;
	struct tv_addr icmp_from;
	uint32_t syn_repeats;
	uint32_t repeats;              /* of segments after the handshake */
	tv_time waited;                /* since the attempt began, or since the last byte either way */
	tv_time rtt;                   /* 0: not known */
	bool asked;                    /* a request was sent */
	bool heard;                    /* ... and its bytes were acknowledged */
	uint64_t received;             /* bytes */
};

/* Fills f: always a word, WORD_OK if there is nothing to complain of. */
void attempt_judge(const struct attempt_facts *a, struct finding *f);

#endif
