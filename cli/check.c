/*
 * check.c - trivet check HOST PORT: try it for real, and say what happened.
 *
 * The attempt is the kernel's, as any program's would be. The report is that of trivet explain on the
 * packets of the attempt where they may be captured, and else as much of it as the kernel tells.
 */
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"
#include "cli/verb.h"

enum { ROUNDS_MOST = 1000 };

/* Handshakes of the rounds that connected. */
struct rounds {
	tv_time took[ROUNDS_MOST];
	unsigned connected, fine, count;
};

static int compare(const void *a, const void *b)
{
	const tv_time *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

static bool is_fine(const struct check *c)
{
	return c->winner >= 0 && try_is_fine(&c->tries[c->winner]);
}

static void note_round(const struct check *c, struct rounds *r)
{
	const struct try *t = c->winner >= 0 ? &c->tries[c->winner] : NULL;

	r->count++;
	r->fine += is_fine(c);
	if (t)
		r->took[r->connected++] = t->opened - t->begun;
}

static void print_rounds(struct rounds *r)
{
	char least[24], middle[24], most[24];

	printf("\n%u rounds: %u connected, %u without a problem.", r->count, r->connected, r->fine);
	if (r->connected) {
		qsort(r->took, r->connected, sizeof *r->took, compare);
		printf(" Handshake: %s, %s, %s (least, median, most).", duration_text(r->took[0], least),
			duration_text(r->took[r->connected / 2], middle),
			duration_text(r->took[r->connected - 1], most));
	}
	printf("\n");
}

static int print_json(const struct check *c, json_t *list, int status)
{
	json_t *o = json_pack("{s:s,s:i,s:s,s:i,s:b,s:I,s:o,s:i}", "schema", "trivet-check", "version", 1, "host",
		c->host, "port", (int)c->port, "captured", c->capture.live != NULL, "dropped", (json_int_t)c->capture.dropped, "rounds",
		list, "exit", status);

	if (!o || json_dumpf(o, stdout, JSON_INDENT(2) | JSON_ENSURE_ASCII) != 0) {
		complain(&c->common, "out of memory, or the host's name is no UTF-8");
		return EXIT_FAILED;
	}
	printf("\n");
	json_decref(o);
	return status;
}

static int run(struct check *c, unsigned count)
{
	struct rounds *r = calloc(1, sizeof *r);
	json_t *list = json_array();
	int status = capture_open(c);

	while (status == 0 && r && c->round < count) {
		c->round++;
		if (!check_round(c))
			status = EXIT_FAILED;
		note_round(c, r);
		if (c->common.json)
			json_array_append_new(list, check_json(c));
		else
			check_print(c);
		fflush(stdout);
		capture_forget(c);
	}
	if (!capture_close(c) && status == 0)
		status = EXIT_FAILED;
	if (r && r->count) {
		status = status ? status : r->fine == r->count ? EXIT_FINE : EXIT_FAILED;
		if (!c->common.json && !c->common.quiet && count > 1)
			print_rounds(r);
		if (!c->common.json)
			check_print_rights(c);
		else
			status = print_json(c, list, status);
	} else {
		json_decref(list);
	}
	free(r);
	return status;
}

/* Ports on which a page may be asked for unless the user says otherwise. */
static bool is_web(uint16_t port)
{
	static const uint16_t ports[] = {80, 443, 8000, 8008, 8080, 8443};

	for (unsigned i = 0; i < sizeof ports / sizeof *ports; i++)
		if (ports[i] == port)
			return true;
	return false;
}

static void make_request(struct check *c, const char *ask)
{
	bool v6 = strchr(c->host, ':') != NULL;

	if (ask && strcmp(ask, "http") != 0 && strcmp(ask, "nothing") != 0)
		usage_error("check", "--ask: '%s' is neither http nor nothing", ask);
	c->asks = ask ? ask[0] == 'h' : is_web(c->port);
	snprintf(c->name, sizeof c->name, "%.*s", (int)strcspn(c->host, "%"), c->host);
	if (strlen(c->host) > 253 || strpbrk(c->host, " \t\r\n/\"\\") || !*c->host)
		usage_error("check", "'%s' is not a host: a name or an address is needed", c->host);
	snprintf(c->request, sizeof c->request, "GET / HTTP/1.1\r\nHost: %s%s%s\r\nUser-Agent: trivet-check\r\n"
		"Accept: */*\r\nConnection: close\r\n\r\n", v6 ? "[" : "", c->name, v6 ? "]" : "");
}

static const char about[] =
	"Connects to HOST PORT with this machine's own TCP, over IPv4 and IPv6 (250 ms apart, as\n"
	"programs do it), follows each attempt to its end, and says what happened: the same verdicts\n"
	"as 'trivet explain', from the packets where they may be captured, else from what the kernel\n"
	"tells. On the usual ports of the web it asks for a page, elsewhere it only listens.\n"
	"Exit status: 0 if a program would get through, 1 if not.";

static const char examples[] =
	"  trivet check example.com 443 --tls --budget\n"
	"  trivet check 192.0.2.1 22 --timeout 3s\n"
	"  sudo trivet check -w try.pcap db.internal 5432 --count 10\n";

static void check_operands(int operands, char **argv)
{
	const char *colon = operands == 1 ? strrchr(argv[1], ':') : NULL;
	/* More than one colon outside brackets is an IPv6 address alone. */
	bool one = colon && colon > argv[1] && (strchr(argv[1], ':') == colon || colon[-1] == ']');

	if (one && number_read(colon + 1, 1, 65535, &(uint64_t){0}))
		usage_error("check", "HOST and PORT are two words: trivet check %.*s %s", (int)(colon - argv[1]), argv[1],
			colon + 1);
	if (operands != 2)
		usage_error("check", "%s", operands < 2 ? "HOST and PORT are needed" : "HOST and PORT are enough");
}

int verb_check(int argc, char **argv)
{
	struct check *c = calloc(1, sizeof *c);
	const char *ask = NULL;
	bool four = false, six = false;
	uint64_t count = 1, port;
	int status;

	if (!c)
		return EXIT_FAILED;
	c->timeout = 10 * TV_S;
	const struct option options[] = {
		{"count", 'n', OPTION_NUMBER, "N", "so many rounds, one after the other (1)", &count, 1, ROUNDS_MOST},
		{"timeout", 0, OPTION_DURATION, "TIME", "how long an attempt, and the look-up, may take (10s)",
			&c->timeout, 0, 0},
		{"tls", 0, OPTION_FLAG, NULL, "speak TLS, and judge the certificate", &c->tls, 0, 0},
		{"ask", 0, OPTION_TEXT, "WHAT", "http: ask for a page; nothing: only listen", &ask, 0, 0},
		{"budget", 0, OPTION_FLAG, NULL, "what other ways to connect would need (arithmetic)", &c->budget, 0, 0},
		{"ipv4", '4', OPTION_FLAG, NULL, "only IPv4", &four, 0, 0},
		{"ipv6", '6', OPTION_FLAG, NULL, "only IPv6", &six, 0, 0},
		{0},
	};
	const struct usage usage = {"check", "[--count N] [--timeout TIME] [--tls] [--ask WHAT] [--budget] HOST PORT", about,
		options, examples};
	int operands = options_read(&usage, &c->common, argc, argv);

	check_operands(operands, argv);
	if (!number_read(argv[2], 1, 65535, &port))
		usage_error("check", "'%s' is not a port: a number from 1 to 65535", argv[2]);
	if (four && six)
		usage_error("check", "--ipv4 and --ipv6 together leave nothing");
	if (c->timeout < 10 * TV_MS || c->timeout > 600 * TV_S)
		usage_error("check", "--timeout must be from 10ms to 600s");
	c->host = argv[1];
	c->port = (uint16_t)port;
	c->family = four ? 4 : six ? 6 : 0;
	make_request(c, ask);
	signal(SIGPIPE, SIG_IGN);
	status = run(c, (unsigned)count);
	free(c);
	return status;
}
