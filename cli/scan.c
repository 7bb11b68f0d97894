/*
 * scan.c - trivet scan HOST PORTS: which ports are open, closed, filtered, and what tells.
 *
 * One host, the one that the user names; one address of it; our own address as the source. The kernel's
 * connect() needs no right; its error queue tells an ICMP error from an RST, which errno does not. Raw SYNs
 * need CAP_NET_RAW and leave no connection behind.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/address.h"
#include "cli/scan.h"
#include "cli/verb.h"
#include "posix/clock.h"

enum { RATE_MOST = 1000, TRIES_MOST = 5, SNAP = 256 };

/* ------------------------------------------------------------------------------------------ */
/* Ports                                                                                       */

static bool range_read(const char *text, size_t len, uint64_t *from, uint64_t *to)
{
	char copy[16], *dash;

	if (len == 0 || len >= sizeof copy)
		return false;
	memcpy(copy, text, len);
	copy[len] = 0;
	dash = strchr(copy, '-');
	if (dash)
		*dash = 0;
	if (!number_read(copy, 1, 65535, from))
		return false;
	*to = *from;
	return !dash || (number_read(dash + 1, 1, 65535, to) && *to >= *from);
}

/* "22,80,8000-8100", in any order; a port that is named twice is scanned once. */
static void ports_read(struct scan *s, const char *text)
{
	const char *at = text;
	uint64_t from, to;

	for (;; at++) {
		size_t len = strcspn(at, ",");

		if (!range_read(at, len, &from, &to))
			usage_error("scan", "'%s' are no ports: numbers from 1 to 65535 and ranges, as in 22,80,8000-8100", text);
		for (; from <= to; from++)
			s->place[from] = 1;
		at += len;
		if (!*at)
			break;
	}
	for (uint32_t port = 1; port <= SCAN_PORTS_MOST; port++)
		if (s->place[port]) {
			s->probes[s->count].port = (uint16_t)port;
			s->place[port] = (uint16_t)++s->count;
		}
}

/* ------------------------------------------------------------------------------------------ */
/* Rights                                                                                      */

static int no_right(const struct scan *s, int err)
{
	struct host_obstacle obstacle = {.step = HOST_STEP_PACKET, .err = err};
	struct host_facts facts;

	host_facts(&facts);
	return complain_cure(&s->common, &obstacle, NULL, &facts, NULL);
}

/* Packets are captured where that is allowed; --raw and -w need them. */
static int open_capture(struct scan *s)
{
	char host[ADDRESS_TEXT], filter[160];

	address_text(&s->remote, host);
	snprintf(filter, sizeof filter, "(tcp and host %s) or icmp or icmp6", host);
	s->live = live_open("any", filter, SNAP, &s->fault);
	if (s->live)
		return dump_open(&s->common, TV_LINK_IP, 0, &s->tap) ? 0 : EXIT_RIGHTS;
	if (!s->raw && !s->common.capture)
		return 0;
	if (s->fault.step == LINK_STEP_SOCKET)
		return no_right(s, s->fault.err);
	complain(&s->common, "%s", s->fault.text);
	return EXIT_RIGHTS;
}

static int open_raw(struct scan *s)
{
	uint8_t secret[32];
	int err;

	if (!s->raw)
		return 0;
	if (!random_secret(secret)) {
		complain(&s->common, "no random numbers from the kernel");
		return EXIT_FAILED;
	}
	memcpy(&s->isn, secret, sizeof s->isn);
	err = host_syn_open(&s->syn, &s->remote, s->lookup.scope[0]);
	if (err == -EPERM || err == -EACCES)
		return no_right(s, -err);
	if (err)
		complain(&s->common, "no SYN can be sent to %s: %s", s->host, strerror(-err));
	return err ? EXIT_FAILED : 0;
}

/* ------------------------------------------------------------------------------------------ */
/* The verb                                                                                    */

static int find_host(struct scan *s)
{
	char safe[300];

	host_lookup(s->host, s->family, 10 * TV_S, &s->lookup);
	if (s->lookup.result == HOST_LOOKUP_FOUND) {
		s->remote = s->lookup.list[0];
		return 0;
	}
	complain(&s->common, "%s has no address: %s", escaped(s->host, strlen(s->host), safe, sizeof safe), s->lookup.why);
	return EXIT_FAILED;
}

static int run(struct scan *s)
{
	struct live_counts counts;
	int status = find_host(s);

	if (status == 0)
		status = open_capture(s);
	if (status == 0)
		status = open_raw(s);
	if (status == 0 && !scan_run(s))
		status = EXIT_FAILED;
	if (s->live) {
		live_counts(s->live, &counts);
		s->dropped = counts.dropped;
	}
	if (status == 0)
		status = scan_report(s);
	live_close(s->live);
	if (!dump_close(&s->common, s->tap) && status == 0)
		status = EXIT_FAILED;
	if (s->raw)
		host_syn_close(&s->syn);
	return status;
}

static const char about[] =
	"Says of each port of HOST whether it is open, closed or filtered, and what tells: a SYN,ACK, an\n"
	"RST (with its TTL where packets may be captured), an ICMP error with type, code and sender, or\n"
	"silence. PORTS are numbers and ranges. Scan only hosts whose owner agrees.\n"
	"Exit status: 0 if anything answered, 4 if all was silent, 1 if nothing could be tried.";

static const char examples[] =
	"  trivet scan 192.0.2.1 22,80,8000-8100\n"
	"  sudo trivet scan --raw example.com 1-1024\n";

int verb_scan(int argc, char **argv)
{
	struct scan *s = calloc(1, sizeof *s);
	bool four = false, six = false;
	int status = EXIT_FAILED;

	if (!s)
		return EXIT_FAILED;
	s->rate = 100;
	s->tries = 2;
	s->timeout = TV_S;
	s->syn.fd = s->syn.holder = -1;
	const struct option options[] = {
		{"raw", 0, OPTION_FLAG, NULL, "send single SYNs instead of connecting (CAP_NET_RAW)", &s->raw, 0, 0},
		{"rate", 0, OPTION_NUMBER, "N", "probes a second, repeats included (100; at most 1000)", &s->rate, 1, RATE_MOST},
		{"tries", 0, OPTION_NUMBER, "N", "probes of a silent port (2; at most 5)", &s->tries, 1, TRIES_MOST},
		{"timeout", 0, OPTION_DURATION, "TIME", "wait so long for each (1s; 10ms to 10s)", &s->timeout, 0, 0},
		{"ipv4", '4', OPTION_FLAG, NULL, "only IPv4", &four, 0, 0},
		{"ipv6", '6', OPTION_FLAG, NULL, "only IPv6", &six, 0, 0},
		{0},
	};
	const struct usage usage = {"scan", "[--raw] [--rate N] [--tries N] [--timeout TIME] HOST PORTS", about, options,
		examples};
	int operands = options_read(&usage, &s->common, argc, argv);

	if (operands != 2)
		usage_error("scan", "%s", operands < 2 ? "HOST and PORTS are needed" : "one HOST and PORTS are enough");
	if (four && six)
		usage_error("scan", "--ipv4 and --ipv6 together leave nothing");
	if (s->timeout < 10 * TV_MS || s->timeout > 10 * TV_S)
		usage_error("scan", "--timeout must be from 10ms to 10s");
	s->host = argv[1];
	s->family = four ? 4 : six ? 6 : 0;
	s->place = calloc(65536, sizeof *s->place);
	s->probes = calloc(SCAN_PORTS_MOST, sizeof *s->probes);
	if (s->place && s->probes) {
		ports_read(s, argv[2]);
		status = run(s);
	} else {
		complain(&s->common, "out of memory");
	}
	free(s->place);
	free(s->probes);
	free(s);
	return status;
}
