/*
 * test_diagnose_rules.c - rules on streams of packets that are written here, not captured: what each
 * rule must see, and the neighbours that it must not take for it.
 *
 * A stream is a list of steps, "TIME > FLAGS SEQ ACK LEN key=value...", separated by semicolons: time in
 * ms, > from the client, < from the server, numbers relative to each side's first. Keys: w window, ttl,
 * p the client's port, d the server's, ts the timestamp's ms, mss, ws (-1: none), nots, nops, h the client's host,
 * x another host that the server's packet comes from, v6, icmp (type.code of an error about the last SYN).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "diagnose/verdict.h"

enum { CLIENT_ISN = 1000000, SERVER_ISN = 50000000 };

struct stream {
	struct tracker *tracker;
	uint64_t number;
	uint32_t ts[2];
};

static int key(const char *step, const char *name, int otherwise)
{
	char pattern[16];
	const char *at;

	snprintf(pattern, sizeof pattern, " %s=", name);
	at = strstr(step, pattern);
	return at ? atoi(at + strlen(pattern)) : otherwise;
}

static uint16_t flags_of(const char *letters)
{
	uint16_t flags = 0;

	for (; *letters; letters++)
		flags |= (uint16_t)(*letters == 'S' ? TV_SYN : *letters == 'A' ? TV_ACK : *letters == 'F' ? TV_FIN :
			*letters == 'R' ? TV_RST : *letters == 'P' ? TV_PSH : 0);
	return flags;
}

static struct tv_addr address(bool v6, uint8_t net, uint8_t host)
{
	struct tv_addr a = {{0x20, 1, 0x0d, 0xb8, 0, net, 0, 0, 0, 0, 0, 0, 0, 0, 0, host}};

	return v6 ? a : tv_addr_v4(10, 0, net, host);
}

static void set_options(struct packet *p, const char *step, bool client, struct stream *s)
{
	int ws = key(step, "ws", 7);

	if (p->flags & TV_RST)
		return;
	if (!strstr(step, " nots")) {
		p->opt.has |= TV_OPT_HAS_TS;
		p->opt.ts_val = (uint32_t)key(step, "ts", (int)((p->time - 1700000000 * TV_S) / TV_MS)) + 1;
		p->opt.ts_ecr = p->flags & TV_ACK ? (uint32_t)key(step, "ecr", (int)s->ts[client]) : 0;
		s->ts[!client] = p->opt.ts_val;
	}
	if (!(p->flags & TV_SYN))
		return;
	p->opt.has |= TV_OPT_HAS_MSS;
	p->opt.mss = (uint16_t)key(step, "mss", 1460);
	p->nops = (uint8_t)key(step, "nops", 1);
	if (ws >= 0) {
		p->opt.has |= TV_OPT_HAS_WSCALE | TV_OPT_HAS_SACK_OK;
		p->opt.wscale = (uint8_t)ws;
	}
	if (strstr(step, " few"))
		p->opt.has = TV_OPT_HAS_MSS;
}

static void take_step(struct stream *s, const char *step)
{
	bool v6 = strstr(step, " v6"), client;
	struct packet p = {.kind = PACKET_TCP, .v6 = v6};
	char letters[8] = "", arrow = 0;
	unsigned seq = 0, ack = 0, len = 0;
	double ms = 0;
	int type, code;

	assert_true(sscanf(step, " %lf %c %7s %u %u %u", &ms, &arrow, letters, &seq, &ack, &len) >= 3);
	client = arrow == '>';
	p.number = ++s->number;
	p.time = 1700000000 * TV_S + (tv_time)(ms * 1000) * TV_US;
	p.flags = flags_of(letters);
	p.ttl = (uint8_t)key(step, "ttl", client ? 64 : 60);
	p.src = address(v6, 1, (uint8_t)key(step, "h", 1));
	p.dst = address(v6, 2, (uint8_t)key(step, "s", 9));
	p.sport = (uint16_t)key(step, "p", 40000);
	p.dport = (uint16_t)key(step, "d", 80);
	p.seq = seq + (client ? CLIENT_ISN : SERVER_ISN);
	p.ack = ack + (client ? SERVER_ISN : CLIENT_ISN);
	if (!(p.flags & TV_ACK))
		p.ack = 0;
	p.len = len;
	p.wnd = (uint16_t)key(step, "w", p.flags & TV_SYN ? 64240 : p.flags & TV_RST ? 0 : 502);
	set_options(&p, step, client, s);
	if (strstr(step, " icmp=") && sscanf(strstr(step, " icmp="), " icmp=%d.%d", &type, &code) == 2) {
		p.kind = PACKET_ICMP;
		p.quoted_src = p.dst;
		p.quoted_dst = p.src;
		p.quoted_src = address(v6, 1, (uint8_t)key(step, "h", 1));
		p.quoted_dst = address(v6, 2, (uint8_t)key(step, "s", 9));
		p.src = address(v6, 3, 3);
		p.seq = seq + CLIENT_ISN;
		p.icmp_type = (uint8_t)type;
		p.icmp_code = (uint8_t)code;
		p.icmp = tv_icmp_kind(v6, p.icmp_type, p.icmp_code);
	} else if (!client) {
		struct tv_addr a = p.src;
		uint16_t port = p.sport;

		p.src = strstr(step, " x=") ? address(v6, 2, (uint8_t)key(step, "x", 9)) : p.dst;
		p.dst = a;
		p.sport = p.dport;
		p.dport = port;
	}
	tracker_count(s->tracker, &p, 1);
	(void)tracker_take(s->tracker, &p);
}

static void take_all(struct stream *s, const char *text)
{
	char *copy = strdup(text), *save, *step;

	assert_non_null(s->tracker);
	assert_non_null(copy);
	for (step = strtok_r(copy, ";", &save); step; step = strtok_r(NULL, ";", &save))
		take_step(s, step);
	free(copy);
}

/* The findings but plain ok, as "word:certainty:lost", in the order of the report. */
static void judge(const char *text, char *out, size_t room)
{
	struct stream s = {.tracker = tracker_new(0, NULL, NULL)};
	struct report report = {.keep_healthy = false};

	take_all(&s, text);
	verdict_all(s.tracker, &report);
	*out = 0;
	for (size_t i = 0; i < report.count; i++) {
		const struct finding *f = &report.list[i];

		snprintf(out + strlen(out), room - strlen(out), "%s%s:%s%s%s", i ? " " : "", word_info(f->word)->name,
			certainty_name(f->certainty), f->lost ? ":" : "", f->lost ? f->lost : "");
		assert_true(f->frame_count > 0 && f->frame_count <= FRAMES_MAX);
	}
	report_free(&report);
	tracker_free(s.tracker);
}

#define OPEN_ "0 > S; 10 < SA 0 1; 10.1 > A 1 1; "
#define ASKED OPEN_ "11 > PA 1 1 100; 21 < A 1 101; "
#define CLOSED "40 > FA 101 501; 50 < FA 501 102; 50.1 > A 102 502"

static const struct {
	const char *stream, *want;
} cases[] = {
	/* healthy */
	{ASKED "22 < PA 1 101 500; 22.1 > A 101 501; " CLOSED, ""},
	{OPEN_ "5000 > FA 1 1; 5010 < FA 1 2; 5010.1 > A 2 2", ""},
	{"0 > S; 0.1 > S; 10 < SA 0 1; 10 < SA 0 1; 10.1 > A 1 1; 10.2 > A 1 1", ""},      /* recorded twice */
	{ASKED "8000 < PA 1 101 500; 8000.1 > A 101 501", ""},                             /* a long poll */
	{ASKED "30 > FA 101 1; 40 < A 1 102; 9000 < PA 1 102 1000; 9000.1 > A 102 1001; 9001 < FA 1001 102", ""},
	{OPEN_ "11 > PA 1 1 100; 211 > PA 1 1 100; 221 < A 1 101; 222 < PA 1 101 50; 223 > A 101 51", ""},
	{OPEN_ "11 > PA 1 1 1400; 21 < A 1 1401 w=0; 500 < A 1 1401 w=300; 501 > PA 1401 1 1400; 511 < A 1 2801", ""},
	{OPEN_ "11 > RA 1 1", ""},                                                         /* a health check */
	{ASKED "22 < PA 1 101 500; 22.1 > A 101 501; 60 > RA 101 501", ""},
	{ASKED "22 < FA 1 101; 22.1 > A 101 2; 3000 > PA 101 2 10; 3010 < R 2", ""},       /* it had closed */
	{ASKED "22 < PA 1 101 500; 22.1 > A 101 501; 9000 > A 100 501; 9010 < A 501 101; " "9100 > FA 101 501; "
		"9110 < FA 501 102", "ok-keepalive:certain"},
	{"0 < SA 0 1; 0.2 > S; 0.3 > A 1 1; 11 > PA 1 1 100; 21 < A 1 101", ""},           /* recorded in disorder */
	/* The end of the server, which acknowledges the client's, is recorded before that: nothing here is a probe. */
	{ASKED "22 < PA 1 101 500; 40 < FA 501 102; 40.1 > A 101 101; 40.2 > A 101 501; 40.3 > FA 101 501; "
		"40.4 > A 102 502", ""},
	{"0 > S ws=3 w=65535; 10 < SA 0 1; 10.1 > A 1 1 w=65535; 11 > PA 1 1 792 w=65535; 21 < PA 1 793 856; "
		"22 > A 793 857 w=65535", ""},                                             /* a large buffer, scaled */
	{"0 > S; 10 < SA 0 1 ws=5 w=32806; 10.1 > A 1 1; 11 > PA 1 1 9; 21 < A 1 10 w=32806", ""},
	{"0 > S; 10 < SA 0 1; 9000 > S p=2; 9010 < SA 0 1 p=2; 9010.1 > A 1 1 p=2", ""},   /* filtered: no ACK */
	{ASKED "22 < FA 1 101; 22.1 > A 101 2; 604900000 > S p=2; 604900010 < SA 0 1 p=2; 604900010.1 > A 1 1 p=2",
		""},                                                                       /* two captures in one */
	{"604900000 > S; 604900010 < SA 0 1; 0 > S p=2; 10 < SA 0 1 p=2; 10.1 > A 1 1 p=2", ""},
	{ASKED "22 < PA 1 101 500; 22.1 > A 101 501; " CLOSED "; 90000 < SA 7000 9001; 90001 > A 9001 7001",
		""},                                                                       /* the SYN is missing */
	/* the attempt */
	{"0 > S; 10 < RA 0 1", "refused:certain"},
	{"0.2 < RA 0 1; 0.1 > S", "refused:certain"},                                      /* recorded in disorder */
	{"0 < RA 0 77; 0.1 > S; 10 < SA 0 1; 10.1 > A 1 1", "one-direction-only:certain"}, /* the RST of another one */
	{"0 > S p=1 ttl=1; 0.1 < RA 0 1 p=1 ttl=64; 1000 > S p=2; 1000.1 < SA 0 1 p=2 ttl=1; 1000.2 > A 1 1 p=2",
		"refused:certain"},                                                        /* a TTL of the socket */
	{"0 > S p=1; 0.1 < RA 0 1 p=1 ttl=62; 1000 > S p=2; 1000.1 < SA 0 1 p=2 ttl=253; 1000.2 > A 1 1 p=2",
		"refused:certain"},
	{"0 > S p=1; 0.1 < RA 0 1 p=1 ttl=61; 1000 > S p=2; 1000.1 < SA 0 1 p=2 ttl=253; 1000.2 > A 1 1 p=2",
		"reset-by-middlebox:likely"},
	{"0 > S; 10 < RA 0 1; 500 > S; 510 < RA 0 1; 1000 > S; 1010 < RA 0 1", "refused:certain"}, /* insists */
	{"0 > S; 1000 > S; 1010 < RA 0 1", "refused-after-loss:certain"},
	{"0 > S p=1; 10 < SA 0 1 p=1; 10.1 > A 1 1 p=1; 20 > S p=2 d=81; 30 < RA 0 1 p=2 d=81 ttl=64",
		"reset-by-middlebox:likely"},
	{"0 > S; 1000 > S; 2000 > S; 4000 > S", "syn-unanswered:certain"},
	/* the answer comes from another port, and nobody resets it */
	{"0 > S; 10 < SA 0 1 d=8080; 1000 > S; 1010 < SA 0 1 d=8080", "synack-wrong-source:certain"},
	/* two machines answer one SYN; and the service begins between the two that the client sends */
	{"0 > S; 10 < RA 0 1; 11 < SA 0 1; 11.1 > R 1", "reset-by-middlebox:likely"},
	{"0 > S; 10 < RA 0 1; 500 > S; 510 < SA 0 1; 510.1 > A 1 1", ""},
	/* a box opens the connection with a closed window, and has no server behind it */
	{"0 > S; 10 < SA 0 1 w=0; 10.1 > A 1 1; 210 > A 0 1; 610 > A 0 1; 1410 > A 0 1", "synack-then-blackhole:open"},
	{"0 > S; 10 < SA 0 1 w=0; 10.1 > A 1 1; 210 > A 0 1; 610 > A 0 1; 620 < A 1 1 w=500; 621 > PA 1 1 9; "
		"631 < A 1 10", ""},
	{"0 > S", "syn-unanswered:open"},
	{"0 > S; 10 < SA 0 1; 1010 < SA 0 1; 3010 < SA 0 1", "synack-unanswered:certain"},
	{"0 > S; 10 < SA 0 77; 10.1 > R 77; 1000 > S; 1010 < SA 0 77", "synack-wrong-ack:certain"},
	{"0 > S; 10 < SA 0 1 x=44; 10.1 > R 1 s=44; 1000 > S; 1010 < SA 0 1 x=44", "synack-wrong-source:certain"},
	{"0 > S; 10 < A icmp=3.13", "icmp-admin-prohibited:certain"},
	{"0 > S; 10 < A icmp=3.0; 1000 > S; 1010 < A icmp=3.0", "icmp-net-unreachable:certain"},
	{"0 > S; 10 < A icmp=3.2", "icmp-protocol-unreachable:certain"},
	{"0 > S; 10 < A icmp=11.0; 1000 > S", "icmp-ttl-exceeded:certain"},
	{"0 > S v6; 10 < A icmp=1.4 v6", "icmp-port-unreachable:certain"},
	{"0 > S; 10 < A icmp=3.1; 1000 > S; 1010 < SA 0 1; 1010.1 > A 1 1", "ok-syn-lost:certain:syn"},
	{"0 > S; 1000 > S; 1010 < SA 0 1; 1010.1 > A 1 1", "ok-syn-lost:certain:syn"},
	{"0 > S; 1000 > S; 1010 < SA 0 1 ecr=1; 1010.1 > A 1 1", "ok-syn-lost:certain:synack"},
	{"0 > S nots; 1000 > S nots; 1010 < SA 0 1 nots; 1010.1 > A 1 1 nots", "ok-syn-lost:certain"},
	{"0 > S; 0.1 < SA 0 1; 1000 < SA 0 1; 1010 > A 1 1 ecr=1; 1011 < PA 1 1 20; 1021 > A 1 21",
		"ok-final-ack-lost:certain:ack"},
	{"0 > S; 300 < SA 0 1; 300.1 > A 1 1", "ok-high-rtt:certain"},
	{"0 > S; 10 < SA 0 1 mss=536; 10.1 > A 1 1", "ok-small-mss:certain"},
	{"0 > S; 10 < SA 0 1 ws=-1; 10.1 > A 1 1 w=64240; 11 > PA 1 1 9; 21 < A 1 10 w=64000",
		"ok-no-window-scaling:certain"},
	{"0 > S; 10 < SA 0 1 ws=-1 nops=4; 10.1 > A 1 1 w=64240; 11 > PA 1 1 9; 21 < A 1 10 w=70",
		"window-scale-stripped:certain"},
	{"0 > S; 10 < SA 0 1; 10.1 > A 1 1 w=64240", "window-scale-disagreement:likely"},
	{"0 > S; 10 < SA 0 1; 10.1 > A 1 1 w=64240; 11 > PA 1 1 1448; 21 < A 1 1449 w=70; 22 > PA 1449 1 70; "
		"32 < A 1 1519 w=69; 33 > PA 1519 1 69; 43 < A 1 1588 w=70; 44 > PA 1588 1 70; 54 < A 1 1658 w=70",
		"window-scale-disagreement:certain"},
	{"0 > S; 5 < S; 5.1 > SA 0 1; 10 < SA 0 1; 10.1 > A 1 1", "ok-simultaneous-open:certain"},
	{"0 > S few; 1 < SA 0 1; 1.1 > R 1; 2 > S p=1 d=81 few; 3 < RA 0 1 p=1 d=81; 4 > S p=2 d=82 few",
		"syn-scan:certain"},
	{"0 > S v6; 250 > S; 260 < SA 0 1; 260.1 > A 1 1", "ok-family-fallback:certain"},
	/* it was established */
	{OPEN_ "11 > PA 1 1 9; 211 > PA 1 1 9; 611 > PA 1 1 9; 1010 < SA 0 1; 1010.1 > A 10 1",
		"synack-then-blackhole:open"},
	{OPEN_ "11 > PA 1 1 9; 21 < RA 1 10", "reset-after-accept:certain"},
	{ASKED "22 < PA 1 101 500; 23 < RA 501 101", "reset-mid-transfer:certain"},
	{ASKED "22 < PA 1 101 500; 22.1 > A 101 501; 5000 > PA 101 501 9; 5010 < R 501", "reset-stale-connection:likely"},
	{OPEN_ "11 > PA 1 1 9; 21 < R 1; 21.1 < R 1", "accept-queue-overflow-reset:likely"},
	{ASKED "22 < PA 1 101 500; 22.1 > A 101 501; 1000 > PA 101 501 9; 1200 > PA 101 501 9; 1600 > PA 101 501 9; "
		"2400 > PA 101 501 9", "peer-gone-data-unacked:certain"},
	{ASKED "22 < PA 1 101 500; 22.1 > A 101 501; 9000 > PA 101 501 9; 9200 > PA 101 501 9; 9600 > PA 101 501 9",
		"idle-then-blackhole:likely"},
	{"0 > PA 500 500 46; 200 > PA 500 500 46; 600 > PA 500 500 46", "peer-gone-data-unacked:likely"},
	{ASKED "22 < FA 1 101; 22.1 > A 101 2; 604700000 > S p=2; 604700010 < SA 0 1 p=2; 604700010.1 > A 1 1 p=2",
		"close-wait-leak:likely"},
	{ASKED "22 < PA 1 101 9; 23 > PA 101 10 9; 33 < A 10 110; 5000 > FA 110 10; 5010 < A 10 111",
		"server-silent:likely"},
	{ASKED "5000 > FA 101 1; 5010 < A 1 102", "server-silent:certain"},
	{ASKED "5000 > FA 101 1; 5010 < FA 1 102; 5010.1 > A 102 2", ""},                  /* it closes in turn */
	{OPEN_ "11 > PA 1 1 1400; 21 < A 1 1401 w=0; 221 > A 1400 1; 231 < A 1 1401 w=0", "zero-window:certain"},
	{ASKED "22 < A 1 101 1448; 222 < A 1 101 1448; 622 < A 1 101 1448; 5000 > FA 101 1; 5010 < A 1449 102",
		"mtu-blackhole:certain"},
	{ASKED "5000 > FA 101 1; 5010 < A 14481 102", "mtu-blackhole:likely"},
	/* the same with offload at the server, and with an answer that had begun with what passes */
	{ASKED "22 < PA 1 101 1223; 32 > A 101 1224; 40 < PA 1224 101 8688; 240 < A 1224 101 1448; 640 < A 1224 101 1448; "
		"1440 < A 1224 101 1448; 5000 > FA 101 1224; 5010 < A 9912 102", "mtu-blackhole:certain"},
	{ASKED "22 < PA 1 101 1223; 32 > A 101 1224; 5000 > FA 101 1224; 5010 < A 9912 102", "mtu-blackhole:likely"},
	/* offload, and loss that is repaired; offload, and the path's MTU found out */
	{ASKED "22 < PA 1 101 8688; 222 < A 1 101 1448; 232 > A 101 8689; " CLOSED, ""},
	{ASKED "22 < PA 1 101 8688; 222 < A 1 101 1248; 232 > A 101 1249; 233 < A 1249 101 1248; 234 < A 2497 101 1248; "
		"250 > A 101 3745; 251 < PA 3745 101 4944; 260 > A 101 8689", ""},
	{OPEN_ "6000 > RA 15929 1; 6000.1 < A 1 1; 6010 > R 1", "mtu-blackhole:likely"},
	{OPEN_ "11 > PA 1 1 9; 20 < A icmp=3.13; 211 > PA 1 1 9; 1010 < SA 0 1; 1011 > A 10 1",
		"icmp-admin-prohibited:certain"},
	{"0 > S; 0.1 < SA 0 1; 1000 > S; 1000.1 < SA 0 1; 1200 > A 1 1 ecr=1; 1201 < PA 1 1 9; 2401 > A 1 10",
		"ok-high-rtt:certain"},
	{ASKED "2000 < A 0 101; 2010 > A 101 1; 4000 < A 0 101; 5000 < A 0 101; 6000 < A 0 101; 7000 < RA 1 101",
		"keepalive-peer-gone:certain"},
	{ASKED "5000 > FA 101 1; 5010 < A 100000 102", ""},                                /* beyond the window */
	/* what one end says is lost, the other end lives: seen at who says it, and at who misses it */
	{ASKED "22 < PA 1 101 140; 222 < PA 1 101 140; 622 < PA 1 101 140; 1422 < PA 1 101 140; 5000 > FA 101 1; "
		"5010 < A 141 102; 5100 < PA 1 101 140", "peer-gone-data-unacked:likely"},
	{ASKED "5000 > FA 101 1; 5010 < A 141 102", "peer-gone-data-unacked:likely"},
	{OPEN_ "5000 > FA 1 1; 5010 < A 21 2", "peer-gone-data-unacked:likely"},
	{OPEN_ "20 < FA 12 1; 20.1 > A 1 1; 4000 > FA 1 1; 4010 < A 13 2", "peer-gone-data-unacked:likely"},
	{OPEN_ "20 < FA 12 1; 20.1 > A 1 1; 400 < PA 1 1 11; 400.1 > A 1 13; 4000 > FA 1 13; 4010 < A 13 2", ""},
	{ASKED "22 < PA 1 101 140; 222 < PA 1 101 140; 622 < PA 1 101 140; 632 > A 101 141; " "633 < PA 141 101 360; "
		"634 > A 101 501; " CLOSED, ""},                                           /* heavy loss, repaired */
	/* three that never close: their last words did not arrive */
	{"0 > S p=1; 10 < SA 0 1 p=1; 10.1 > A 1 1 p=1; 11 > FA 1 1 p=1; 21 < A 9 2 p=1; "
		"100 > S p=2; 110 < SA 0 1 p=2; 110.1 > A 1 1 p=2; 111 > FA 1 1 p=2; 121 < A 9 2 p=2; "
		"200 > S p=3; 210 < SA 0 1 p=3; 210.1 > A 1 1 p=3; 211 > FA 1 1 p=3; 221 < A 9 2 p=3; 9000 > S p=4; "
		"9010 < SA 0 1 p=4; 9010.1 > A 1 1 p=4", ""},
	/* only the very last ACK is missing: both have all, and have closed */
	{ASKED "22 < PA 1 101 500; 22.1 > A 101 501; 40 < FA 501 101; 40.1 > A 101 502; 41 > FA 101 502; "
		"300 > FA 101 502; 800 > FA 101 502; 1800 > FA 101 502", ""},
	{ASKED "22 < PA 1 101 500; 22.1 > A 101 501; 41 > FA 101 501; 300 > FA 101 501; 800 > FA 101 501; "
		"1800 > FA 101 501", "peer-gone-data-unacked:certain"},
	{ASKED "22 < PA 1 101 1400; 23 < PA 1401 101 1400; 24 < PA 2801 101 1400; 25 > A 101 1401; 30 > RA 101 1401",
		"reset-mid-transfer:certain"},
	/* a queue that overflows: another is served meanwhile. All were over, or by another box: who knows */
	{OPEN_ "11 > PA 1 1 9; 211 > PA 1 1 9; 611 > PA 1 1 9; 1010 < SA 0 1; 1010.1 > A 10 1; 20 > S p=2; 30 < SA 0 1 p=2; "
		"30.1 > A 1 1 p=2; 31 > PA 1 1 9 p=2; 41 < A 1 10 p=2", "accept-queue-overflow:likely"},
	{"0 > S p=2; 10 < SA 0 1 p=2; 10.1 > A 1 1 p=2; 11 > PA 1 1 9 p=2; 21 < A 1 10 p=2; 22 < FA 1 10 p=2; "
		"22.1 > FA 10 2 p=2; 32 < A 2 11 p=2; 1000 > S; 1010 < SA 0 1; 1010.1 > A 1 1; 1011 > PA 1 1 9; "
		"1211 > PA 1 1 9; 1611 > PA 1 1 9", "synack-then-blackhole:open"},
	{"0 > S p=2; 10 < SA 0 1 p=2 mss=1400; 10.1 > A 1 1 p=2; 20 > S; 30 < SA 0 1; 30.1 > A 1 1; 31 > PA 1 1 9; "
		"231 > PA 1 1 9; 300 > PA 1 1 9 p=2; 310 < A 1 10 p=2; 631 > PA 1 1 9", "synack-then-blackhole:open"},
	/* a SYN,ACK of another time behind a conversation on the same ports */
	{"0 > S; 20 > PA 1 1 9; 30 < PA 1 10 9; 31 > A 10 10; 40 < FA 10 10; 90000 > FA 10 11; 90010 < A 11 11; "
		"3600000 < SA 700 900; 3600001 > A 900 701", "no-handshake-in-capture:certain"},
	/* the capture lost packets: a SYN that is not repeated may have lost its answer there */
	{ASKED "22 > A 101 501; 30 > S p=2; 5000 > A 101 501", ""},
	{ASKED "22 > A 101 501; 30 > S p=2 d=81; 1030 > S p=2 d=81; 5000 > A 101 501",
		"syn-unanswered:certain"},
	/* a scan with segments out of nowhere; and what is left of connections that are over */
	{"0 > F 0 0 d=1; 1 < RA 0 1 d=1; 2 > F 0 0 d=2; 3 < RA 0 1 d=2; 4 > F 0 0 d=3; 5 < RA 0 1 d=3; 6 > F 0 0 d=4; "
		"7 < RA 0 1 d=4; 8 > F 0 0 d=5; 9 < RA 0 1 d=5; 10 > F 0 0 d=6; 11 < RA 0 1 d=6; 12 > F 0 0 d=7; 13 > F 0 0 d=8",
		"syn-scan:likely"},
	{"0 > FA 1 1 p=1; 1 < R 1 0 p=1; 2 > FA 1 1 p=2; 3 < R 1 0 p=2; 4 > FA 1 1 p=3; 5 < R 1 0 p=3; 6 > FA 1 1 p=4",
		"no-handshake-in-capture:certain"},
	/* captures of both ends in one file, half a round trip apart: nothing was repeated */
	{"0 > S; 20 > S ttl=63 ts=0; 20.1 < SA 0 1 ttl=61 ts=20; 40 < SA 0 1 ts=20; 40.1 > A 1 1; 60 > A 1 1 ttl=63", ""},
	{"0 > S nots; 20 > S ttl=63 nots; 20.1 < SA 0 1 ttl=61 nots; 40 < SA 0 1 nots; 40.1 > A 1 1 nots; "
		"60 > A 1 1 ttl=63 nots", ""},
	/* a clock that was set back in the middle of a scan */
	{"9000 > S few d=1; 9001 < RA 0 1 d=1; 9002 > S few d=2; 6000 < RA 0 1 d=2; 6001 > S few d=3; 6002 < RA 0 1 d=3",
		"syn-scan:certain"},
	/* nothing can be judged */
	{"0 < PA 500 500 9; 10 > R 500", "no-handshake-in-capture:certain"},
	{"0 > S; 10 > A 1 1; 11 > PA 1 1 9; 30 > A 10 900", "one-direction-only:certain"},
	{"0 > PA 500 500 9; 10 < PA 500 509 9; 11 > A 509 509", "no-handshake-in-capture:certain"},
};

static void test_diagnose_streams_get_their_words(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		char got[512];

		judge(cases[i].stream, got, sizeof got);
		if (strcmp(got, cases[i].want) != 0) {
			print_message("%s\n  gives '%s', not '%s'\n", cases[i].stream, got, cases[i].want);
			failed++;
		}
	}
	assert_int_equal(failed, 0);
}

/* What a file without packets is. */
static void test_diagnose_nothing_is_empty(void **state)
{
	struct tracker *t = tracker_new(0, NULL, NULL);
	struct report r = {0};

	(void)state;
	verdict_all(t, &r);
	assert_int_equal(r.count, 1);
	assert_int_equal(r.list[0].word, WORD_EMPTY);
	assert_int_equal(report_status(&r), 4);
	report_free(&r);
	tracker_free(t);
}

/* A capture that ends with its only SYN tells nothing of an answer; one that goes on for a second does. */
static void test_diagnose_end_after_one_syn_is_unknown(void **state)
{
	static const struct {
		const char *stream;
		tv_time silence;
		enum severity severity;
		int status;
	} rows[] = {
		{"0 > S", 0, SEVERITY_UNKNOWN, 4},
		{"0 > S", TV_S - TV_MS, SEVERITY_UNKNOWN, 4},
		{"0 > S", TV_S, SEVERITY_PROBLEM, 1},
		{"0 > S; 300 > S", 0, SEVERITY_PROBLEM, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct stream s = {.tracker = tracker_new(0, NULL, NULL)};
		struct report report = {.keep_healthy = true};

		take_all(&s, rows[i].stream);
		tracker_silence(s.tracker, 1700000000 * TV_S + rows[i].silence);
		verdict_all(s.tracker, &report);
		assert_int_equal(report.count, 1);
		assert_int_equal(report.list[0].word, WORD_SYN_UNANSWERED);
		assert_int_equal(finding_severity(&report.list[0]), rows[i].severity);
		assert_int_equal(report_status(&report), rows[i].status);
		report_free(&report);
		tracker_free(s.tracker);
	}
}

/*
 * An ICMPv6 error of which the capture (tcpdump -s 64) holds two bytes of what it quotes, and one without any: the
 * first is about the attempt that waits, since it goes to who sent that.
 */
static void test_diagnose_error_cut_before_its_addresses(void **state)
{
	static const struct {
		uint32_t quoted;
		enum word word;
	} rows[] = {{2, WORD_ICMP_ADMIN_PROHIBITED}, {7, WORD_ICMP_ADMIN_PROHIBITED}, {0, WORD_SYN_UNANSWERED}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		uint8_t error[40 + 8 + 40 + 20] = {0x60, 0, 0, 0, 0, 68, 58, 64};
		struct packet_record record = {.number = 2, .time = 1700000000 * TV_S + TV_MS, .link_type = 101,
			.wire_len = sizeof error, .len = 48 + rows[i].quoted, .data = error};
		struct stream s = {.tracker = tracker_new(0, NULL, NULL)};
		struct tv_addr client = address(true, 1, 1);
		struct report report = {.keep_healthy = true};
		struct packet p;

		take_all(&s, "0 > S v6");
		memcpy(error + 24, client.b, 16);
		error[40] = 1;                 /* destination unreachable, */
		error[41] = 1;                 /* administratively prohibited */
		error[48] = 0x60;
		error[54] = TV_PROTO_TCP;
		assert_int_equal(packet_read(&p, &record), rows[i].quoted != 0);
		(void)tracker_take(s.tracker, &p);
		verdict_all(s.tracker, &report);
		assert_int_equal(report.count, 1);
		assert_int_equal(report.list[0].word, rows[i].word);
		assert_int_equal(report.list[0].certainty, rows[i].quoted ? LIKELY : OPEN);
		report_free(&report);
		tracker_free(s.tracker);
	}
}

struct leavers {
	struct tracker *tracker;
	unsigned count;
};

static void count_leaver(void *user, struct conn *c)
{
	struct leavers *l = user;

	assert_true(c->number == ++l->count);
}

/* More connections than there is room for: the oldest leave, in order, and are found no more. */
static void test_diagnose_tracker_is_bounded(void **state)
{
	struct leavers l = {NULL, 0};
	struct packet p = {.kind = PACKET_TCP, .flags = TV_SYN, .dport = 80};

	(void)state;
	l.tracker = tracker_new(100, count_leaver, &l);
	for (unsigned i = 0; i < 1000; i++) {
		p.number = i + 1;
		p.time = i * TV_MS;
		p.src = tv_addr_v4(10, 0, (uint8_t)(i >> 8), (uint8_t)i);
		p.dst = tv_addr_v4(10, 1, 0, 1);
		p.sport = (uint16_t)(1000 + i);
		p.seq = i;
		assert_non_null(tracker_take(l.tracker, &p));
	}
	assert_int_equal(l.count, 900);
	assert_int_equal(tracker_counts(l.tracker)->connections, 1000);
	tracker_free(l.tracker);
}

/* A SYN of host h to 10.0.2.9:d. */
static void syn_of(struct stream *s, unsigned ms, unsigned h, unsigned p, unsigned d)
{
	char step[80];

	snprintf(step, sizeof step, "%u > S h=%u p=%u d=%u", ms, h, p, d);
	take_step(s, step);
}

static void on_leave(void *user, struct conn *c)
{
	void **both = user;

	verdict_leaving(((struct stream *)both[0])->tracker, both[1], c);
}

/*
 * A flood of more connections than there is room for, at port 80; an honest client that is kept out, and
 * leaves too; and single SYNs to other ports, which are no flood.
 */
static void test_diagnose_flood_is_known_when_it_has_left(void **state)
{
	struct report r = {.keep_healthy = false};
	struct stream s = {NULL, 0, {0}};
	void *both[2] = {&s, &r};
	unsigned flood = 0, denied = 0, single = 0;

	(void)state;
	s.tracker = tracker_new(50, on_leave, both);
	for (unsigned i = 0; i < 1000; i++) {
		syn_of(&s, 40 * i, 2 + i % 250, 1000 + i, 80);
		if (i >= 400 && i <= 440 && i % 20 == 0)
			syn_of(&s, 40 * i, 1, 50000, 80);
		if (i % 20 == 10 && i < 900)
			syn_of(&s, 40 * i, 2 + i % 250, 60000, 8000 + i);
	}
	verdict_all(s.tracker, &r);
	for (size_t i = 0; i < r.count; i++) {
		const struct finding *f = &r.list[i];

		flood += f->word == WORD_SYN_FLOOD_DENIED || f->word == WORD_SYN_FLOOD_SURVIVED;
		denied += f->word == WORD_SYN_FLOOD_DENIED;
		single += f->word == WORD_SYN_UNANSWERED;
		assert_true(f->word != WORD_SYN_UNANSWERED || f->server.port != 80);
		if (f->word == WORD_SYN_FLOOD_DENIED)
			assert_int_equal(f->count, 1000);
	}
	assert_int_equal(flood, 1);
	assert_int_equal(denied, 1);
	assert_int_equal(single, 45);
	report_free(&r);
	tracker_free(s.tracker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_diagnose_streams_get_their_words),
		cmocka_unit_test(test_diagnose_nothing_is_empty),
		cmocka_unit_test(test_diagnose_end_after_one_syn_is_unknown),
		cmocka_unit_test(test_diagnose_error_cut_before_its_addresses),
		cmocka_unit_test(test_diagnose_tracker_is_bounded),
		cmocka_unit_test(test_diagnose_flood_is_known_when_it_has_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
