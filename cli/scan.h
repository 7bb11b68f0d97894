/*
 * scan.h - what the files of trivet scan share.
 *
 *   scan.c          the verb: flags, ports, rights, exit status
 *   scan_run.c      probes at their rate, tries and time-outs
 *   scan_answer.c   what packets and the kernel say of a probe
 *   scan_report.c   the report
 */
#ifndef TRIVET_CLI_SCAN_H
#define TRIVET_CLI_SCAN_H

#include "cli/common.h"
#include "diagnose/report.h"
#include "host/attempt.h"
#include "host/syn.h"
#include "links/live.h"

enum { SCAN_PORTS_MOST = 65535, SCAN_OPEN_MOST = 500 };

enum port_state { PORT_UNKNOWN, PORT_OPEN, PORT_CLOSED, PORT_FILTERED, PORT_UNTRIED };

/* What tells the state. */
enum witness {
	WITNESS_NONE,
	WITNESS_SYNACK,        /* a SYN,ACK, with its TTL */
	WITNESS_CONNECTED,     /* connect() succeeded; the packet was not seen */
	WITNESS_RST,           /* an RST, with its TTL */
	WITNESS_REFUSED,       /* connect() was refused; nobody saw by whom */
	WITNESS_ICMP,          /* an ICMP error: type, code, sender */
	WITNESS_ERRNO,         /* an error of the kernel, without what told it so */
	WITNESS_SILENCE
};

struct probe {
	uint16_t port, local;  /* local: our port of the last try */
	uint8_t state, witness;
	uint8_t ttl;           /* 0: not seen */
	uint8_t icmp_type, icmp_code;
	uint8_t tries, syns;   /* syns: with those that the kernel repeats by itself */
	bool under_way;
	int err;
	struct tv_addr icmp_from;
	tv_time sent;
	struct host_attempt *at; /* while the kernel tries; NULL with raw SYNs */
};

struct scan {
	struct common common;
	const char *host;
	bool raw;
	uint64_t rate, tries;
	tv_time timeout;
	unsigned family;
	struct host_lookup lookup;
	struct tv_addr remote;
	struct probe *probes;  /* by ascending port */
	uint32_t count;
	uint16_t *place;       /* of a port in probes, + 1; 0: it is not scanned */
	struct host_syn syn;
	uint32_t isn;
	struct live *live;     /* NULL: packets may not be captured */
	struct link_fault fault;
	struct tap *tap;
	uint64_t dropped;
	tv_time took;
};

/* scan_run.c: false: memory is out, or a raw SYN cannot be sent, which was said. */
bool scan_run(struct scan *s);

/* scan_answer.c */
uint32_t scan_isn(const struct scan *s, uint16_t port);
/* The kernel has something to tell about this probe. */
void scan_look(struct probe *p);
/* No try is left, and nothing came. */
void scan_silent(struct probe *p);
/* Takes the packets that wait. */
void scan_capture(struct scan *s);

/* scan_report.c: returns the exit status. */
int scan_report(const struct scan *s);

#endif
