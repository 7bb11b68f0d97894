/*
 * scan_report.c - what a scan found: neighbours with the same state and witness share a line.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "cli/scan.h"
#include "diagnose/packet.h"
#include "diagnose/words.h"

static const char *const states[] = {"unknown", "open", "closed", "filtered", "not tried"};

enum { WITNESS_TEXT = 160 };

/* "admin-prohibited": the words of explain without their "icmp-". */
static const char *icmp_name(const struct scan *s, const struct probe *p)
{
	enum tv_icmp_kind kind = tv_icmp_kind(!tv_addr_is_v4(&s->remote), p->icmp_type, p->icmp_code);
	const char *name = word_info(word_of_icmp(kind))->name;

	return strncmp(name, "icmp-", 5) == 0 ? name + 5 : name;
}

static const char *with_ttl(const char *what, const struct probe *p, char *out)
{
	snprintf(out, WITNESS_TEXT, p->ttl ? "%s, TTL %u" : "%s", what, p->ttl);
	return out;
}

static const char *witness_text(const struct scan *s, const struct probe *p, char out[WITNESS_TEXT])
{
	struct tv_endpoint from = {.addr = p->icmp_from};
	char addr[64];

	switch ((enum witness)p->witness) {
	case WITNESS_SYNACK: return with_ttl("SYN,ACK", p, out);
	case WITNESS_CONNECTED: return "connected, SYN,ACK not seen";
	case WITNESS_RST: return with_ttl("RST", p, out);
	case WITNESS_REFUSED: return "refused, sender not seen";
	case WITNESS_ICMP:
		end_text(&from, addr, sizeof addr);
		snprintf(out, WITNESS_TEXT, "%s %u/%u (%s) from %s", tv_addr_is_v4(&s->remote) ? "ICMP" : "ICMPv6",
			p->icmp_type, p->icmp_code, icmp_name(s, p), addr);
		return out;
	case WITNESS_ERRNO:
		snprintf(out, WITNESS_TEXT, "the kernel says: %s", strerror(p->err));
		return out;
	case WITNESS_SILENCE:
		snprintf(out, WITNESS_TEXT, "silence after %u %s", p->tries, p->tries == 1 ? "try" : "tries");
		return out;
	case WITNESS_NONE: break;
	}
	return "";
}

/* ------------------------------------------------------------------------------------------ */
/* Text                                                                                        */

/* How many ports from i on share a line. */
static uint32_t run_length(const struct scan *s, uint32_t i)
{
	char a[WITNESS_TEXT], b[WITNESS_TEXT];
	const char *text = witness_text(s, &s->probes[i], a);
	uint32_t n = 1;

	for (const struct probe *p = &s->probes[i]; i + n < s->count; n++)
		if (p[n].port != p->port + n || p[n].state != p->state || strcmp(witness_text(s, &p[n], b), text) != 0)
			break;
	return n;
}

static void print_ports(const struct scan *s)
{
	static const char *const colors[] = {"", "\033[32m", "", "\033[33m", "\033[31m"};

	for (uint32_t i = 0, n; i < s->count; i += n) {
		const struct probe *p = &s->probes[i];
		char text[WITNESS_TEXT], ports[16];

		n = run_length(s, i);
		snprintf(ports, sizeof ports, n > 1 ? "%u-%u" : "%u", p->port, (unsigned)(p->port + n - 1));
		printf("%-12s %s%-9s%s  %s\n", ports, s->common.color ? colors[p->state] : "", states[p->state],
			s->common.color && colors[p->state][0] ? "\033[0m" : "", witness_text(s, p, text));
	}
}

struct sums {
	uint32_t by_state[PORT_UNTRIED + 1], icmp, silent;
	uint8_t rst_least, rst_most, synack;   /* TTLs; 0: none seen */
};

static void add_up(const struct scan *s, struct sums *sums)
{
	memset(sums, 0, sizeof *sums);
	for (uint32_t i = 0; i < s->count; i++) {
		const struct probe *p = &s->probes[i];

		sums->by_state[p->state]++;
		sums->icmp += p->witness == WITNESS_ICMP;
		sums->silent += p->witness == WITNESS_SILENCE;
		if (p->witness == WITNESS_SYNACK)
			sums->synack = p->ttl;
		if (p->witness != WITNESS_RST)
			continue;
		sums->rst_most = p->ttl > sums->rst_most ? p->ttl : sums->rst_most;
		sums->rst_least = sums->rst_least == 0 || p->ttl < sums->rst_least ? p->ttl : sums->rst_least;
	}
}

static void print_hints(const struct scan *s, const struct sums *sums)
{
	if (sums->rst_least && (sums->rst_least != sums->rst_most || (sums->synack && sums->synack != sums->rst_most)))
		print_wrapped(stdout, "The TTLs differ: not all of these answers come from the host itself. An RST whose "
			"TTL is not that of the host's SYN,ACKs was likely made by a box on the way.");
	if (sums->icmp && sums->silent)
		print_wrapped(stdout, "Some ports were reported by ICMP, others were silent: most hosts send only so many ICMP "
			"errors a second, so the silent ones may be rejected alike. Try again with a lower --rate.");
	if (s->dropped)
		printf("Mind: %llu packets were lost while capturing.\n", (unsigned long long)s->dropped);
	if (!s->live && !s->common.quiet)
		print_wrapped(stdout, "Packets could not be captured (CAP_NET_RAW): they would show the TTL of an RST, which "
			"tells whether the host sent it. With packets: sudo trivet scan ...");
}

static void print_text(const struct scan *s, const struct sums *sums)
{
	char took[24], host[80], safe[300];
	struct tv_endpoint e = {.addr = s->remote};

	end_text(&e, host, sizeof host);
	if (!s->common.quiet) {
		if (s->lookup.literal)
			printf("%s", host);
		else
			printf("%s (%s)", escaped(s->host, strlen(s->host), safe, sizeof safe), host);
		printf(", by %s\n\n", s->raw ? "single SYNs" : "connect() of this machine's kernel");
		if (s->lookup.count > 1)
			printf("Only this one of its %u addresses is tried.\n\n", s->lookup.count + s->lookup.left_out);
	}
	print_ports(s);
	if (s->common.quiet)
		return;
	printf("\n%u port%s in %s: %u open, %u closed, %u filtered", s->count, s->count == 1 ? "" : "s",
		duration_text(s->took, took), sums->by_state[PORT_OPEN], sums->by_state[PORT_CLOSED],
		sums->by_state[PORT_FILTERED]);
	if (sums->by_state[PORT_UNTRIED])
		printf(", %u not tried", sums->by_state[PORT_UNTRIED]);
	printf(".\n");
	print_hints(s, sums);
}

/* ------------------------------------------------------------------------------------------ */
/* JSON                                                                                        */

static json_t *port_of(const struct scan *s, const struct probe *p)
{
	static const char *const names[] = {"none", "syn-ack", "connected", "reset", "refused", "icmp", "errno", "silence"};
	struct tv_endpoint from = {.addr = p->icmp_from};
	char text[WITNESS_TEXT], addr[64];
	json_t *o = json_pack("{s:i,s:s,s:s,s:s,s:i,s:i}", "port", (int)p->port, "state", states[p->state], "witness",
		names[p->witness], "text", witness_text(s, p, text), "tries", (int)p->tries, "syns", (int)p->syns);

	if (p->ttl && (p->witness == WITNESS_SYNACK || p->witness == WITNESS_RST))
		json_object_set_new(o, "ttl", json_integer(p->ttl));
	if (p->witness == WITNESS_ICMP) {
		end_text(&from, addr, sizeof addr);
		json_object_set_new(o, "icmp_type", json_integer(p->icmp_type));
		json_object_set_new(o, "icmp_code", json_integer(p->icmp_code));
		json_object_set_new(o, "icmp_from", json_string(addr));
	}
	if (p->witness == WITNESS_ERRNO)
		json_object_set_new(o, "errno", json_integer(p->err));
	return o;
}

static int print_json(const struct scan *s, int status)
{
	json_t *list = json_array(), *o;
	struct tv_endpoint e = {.addr = s->remote};
	char host[80];

	end_text(&e, host, sizeof host);
	for (uint32_t i = 0; i < s->count; i++)
		json_array_append_new(list, port_of(s, &s->probes[i]));
	o = json_pack("{s:s,s:i,s:s,s:s,s:s,s:b,s:I,s:I,s:o,s:i}", "schema", "trivet-scan", "version", 1, "host", s->host,
		"address", host, "method", s->raw ? "syn" : "connect", "captured", s->live != NULL, "dropped",
		(json_int_t)s->dropped, "took_ns", (json_int_t)s->took, "ports", list, "exit", status);
	if (!o || json_dumpf(o, stdout, JSON_INDENT(1) | JSON_ENSURE_ASCII) != 0) {
		complain(&s->common, "out of memory, or the host's name is no UTF-8");
		return EXIT_FAILED;
	}
	printf("\n");
	json_decref(o);
	return status;
}

int scan_report(const struct scan *s)
{
	struct sums sums;
	int status = EXIT_FINE;

	add_up(s, &sums);
	if (sums.by_state[PORT_UNTRIED] == s->count)
		status = EXIT_FAILED;
	else if (sums.silent == s->count)
		status = EXIT_NOTHING;
	if (s->common.json)
		return print_json(s, status);
	print_text(s, &sums);
	return status;
}
