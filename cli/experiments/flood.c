/*
 * flood.c - a flood of forged SYNs beside an honest client: what keeps the door open.
 *
 * Somebody sends SYNs as if they came from addresses that he does not have, and never answers. Each scene
 * is the same ten seconds; what differs is the server's defence, and in the last one from where the SYNs
 * seem to come. Only the honest client's packets are drawn; the capture has all of them.
 */
#include <string.h>

#include "cli/experiments/lab.h"
#include "sim/octets.h"

enum { SYNS = 100000, EACH_MS = 10, BACKLOG = 1024, BEGIN_MS = 1000, PATIENT_S = 30, SYN_BYTES = 40 };

struct flood {
	const struct lab_setup *setup;
	bool one_prefix;               /* all from one /24; else from all of 198.18.0.0/15 (RFC 2544: for tests) */
	uint32_t sent;
	uint32_t most;                 /* half-open records at once */
	bool from_cookie;
	struct tv_info client;         /* what the honest client's connection agreed on */
	tv_time began, open_at;        /* when it sent its SYN, and was ESTABLISHED; 0: it never was */
	bool talked;
	struct tv_counters counters;   /* of the server, at the end */
};

/* A SYN as somebody makes it who wants no answer. All differ: one source is not used twice. */
static void forge(const struct lab *lab, const struct flood *f, uint32_t number, uint8_t ip[SYN_BYTES])
{
	uint32_t host = number * 40503u % 131072, scattered = number * 2654435761u;

	memset(ip, 0, SYN_BYTES);
	ip[0] = 0x45;
	store16(ip + 2, SYN_BYTES);
	store16(ip + 4, number & 0xffff);
	ip[8] = 52; /* from afar */
	ip[9] = 6;
	store32(ip + 12, f->one_prefix ? 0xcb007100 + number % 254 + 1 : 0xc6120000 + host);
	memcpy(ip + 16, lab->at[1].addr.b + 12, 4);
	store16(ip + 10, octets_fold(octets_sum(ip, 20, 0)));
	store16(ip + 20, 1024 + number / 254 % 60000);
	store16(ip + 22, f->setup->port);
	store32(ip + 24, scattered);
	ip[32] = 5 << 4;
	ip[33] = 2;
	store16(ip + 34, 512);
	octets_tcp_checksum(ip, SYN_BYTES);
}

/* A millisecond of the flood. */
static void pour(struct lab *lab, struct flood *f)
{
	uint8_t ip[SYN_BYTES];
	struct tv_counters c = {.size = sizeof c};

	for (unsigned i = 0; i < EACH_MS && f->sent < SYNS; i++) {
		forge(lab, f, f->sent++, ip);
		network_inject(lab->net, lab->wire, 0, ip, sizeof ip);
	}
	lab_wait(lab, TV_MS);
	tv_counters(lab_stack(lab, 1), &c);
	f->most = c.half_opens > f->most ? c.half_opens : f->most;
}

static void watch(struct lab *lab, const struct network_sight *s)
{
	struct flood *f = lab->user;

	if (!f->open_at && s->arrived && s->side == 0 && lab_state(lab, 0) == TV_ESTABLISHED)
		f->open_at = s->time;
}

/* What the honest client does as soon as it is connected. */
static void talk(struct lab *lab, struct flood *f)
{
	f->talked = true;
	f->client = lab_info(lab, 0);
	f->from_cookie = lab_info(lab, 1).from_cookie;
	lab->closes[1] = true;
	lab_say(lab, 0, "hello\n");
	lab_shut(lab, 0);
}

/* The honest client: connects in the midst of it, says a word, closes; or gives up. */
static void visit(struct lab *lab, struct flood *f)
{
	bool over = false;

	while (f->sent < BEGIN_MS * EACH_MS)
		pour(lab, f);
	lab_note(lab, 0, "The flood has been there for a second. An honest client connects.");
	f->began = lab_now(lab);
	lab_connect(lab, 0);
	while (lab_now(lab) < f->began + PATIENT_S * TV_S) {
		pour(lab, f);
		if (!f->talked && lab_state(lab, 0) == TV_ESTABLISHED && lab->handle[1])
			talk(lab, f);
		if (!over && f->sent == SYNS)
			lab_note(lab, 2, "The flood is over.");
		over = f->sent == SYNS;
	}
	if (!f->open_at) {
		lab_note(lab, 0, "The client's user gives up.");
		lab_close(lab, 0);
	}
	f->counters = (struct tv_counters){.size = sizeof f->counters};
	tv_counters(lab_stack(lab, 1), &f->counters);
}

/* ------------------------------------------------------------------------------------------ */
/* The numbers                                                                                 */

enum { ROWS = 7 };

struct number {
	const char *key, *what;
	uint64_t n;
};

static void numbers(const struct flood *f, struct number rows[ROWS])
{
	const struct tv_counters *c = &f->counters;
	const struct number all[ROWS] = {
		{"syns", "SYNs of the flood", f->sent},
		{"half_open_most", "half-open records at once, of 1,024", f->most},
		{"syn_acks_repeated", "SYN,ACKs repeated for them in vain", c->syn_retransmissions},
		{"dropped_backlog", "SYNs dropped: the backlog was full", c->verdicts[TV_V_BACKLOG_FULL]},
		{"dropped_prefix", "SYNs dropped: their prefix had its share", c->verdicts[TV_V_PREFIX_FULL]},
		{"cookies_sent", "SYNs answered with a cookie", c->cookies_sent},
		{"cookies_accepted", "cookies that came back", c->cookies_accepted},
	};

	memcpy(rows, all, sizeof all);
}

static void print_numbers(struct lab *lab)
{
	struct number rows[ROWS];

	numbers(lab->user, rows);
	for (unsigned i = 0; i < ROWS; i++)
		printf("  %-42s %7llu\n", rows[i].what, (unsigned long long)rows[i].n);
}

static void page_numbers(struct lab *lab, struct html *page)
{
	struct number rows[ROWS];

	numbers(lab->user, rows);
	html_raw(page, "<table>\n");
	for (unsigned i = 0; i < ROWS; i++)
		html_raw(page, "<tr><td>%s</td><td>%llu</td></tr>\n", rows[i].what, (unsigned long long)rows[i].n);
	html_raw(page, "</table>\n");
}

static json_t *json_numbers(const struct flood *f)
{
	struct number rows[ROWS];
	json_t *o = json_object();

	numbers(f, rows);
	for (unsigned i = 0; i < ROWS; i++)
		json_object_set_new(o, rows[i].key, json_integer((json_int_t)rows[i].n));
	return o;
}

/* ------------------------------------------------------------------------------------------ */
/* The scenes                                                                                  */

static void claim(struct lab *lab, const struct flood *f, bool cookies)
{
	const struct tv_counters *c = &f->counters;
	bool prompt = f->open_at == f->began + lab->rtt;
	bool all = f->client.timestamps && f->client.sack && f->client.window_scale;
	uint64_t refused = c->verdicts[TV_V_BACKLOG_FULL] + c->verdicts[TV_V_PREFIX_FULL];
	char time[24];

	if (cookies) {
		lab_claim(lab, prompt && f->from_cookie && all && c->cookies_accepted == 1,
			"The client is connected after one round trip, %s, as if there were no flood. The server answered its SYN "
			"with a cookie: it kept nothing, and took all that it had to know (with window scale, SACK and timestamps) "
			"from the numbers that the third message gave back.", duration_text(lab->rtt, time));
		lab_claim(lab, f->most <= BACKLOG && refused == 0 && c->cookies_sent > 90000,
			"Nobody who forges a sender gets to read the number that he would have to repeat, so of %llu cookies one "
			"came back: the honest one. No SYN was dropped, and the flood cost no memory beyond the %u records.",
			(unsigned long long)c->cookies_sent, BACKLOG);
	} else if (f->one_prefix) {
		lab_claim(lab, prompt && !f->from_cookie && c->cookies_sent == 0 && f->most < BACKLOG,
			"Here all SYNs seem to come from one network, 203.0.113.0/24. Without cookies, too, the client is connected "
			"after one round trip: a prefix gets at most four fifths of the backlog, %u of %u records here, and whoever is "
			"not part of it finds a place.", f->most, BACKLOG);
	} else {
		lab_claim(lab, f->open_at == 0 && f->most == BACKLOG && c->half_opens == BACKLOG,
			"The flood lasted ten seconds; the client had no answer in %u. All %u half-open records wait for people who "
			"do not exist, each until its SYN,ACK was repeated five times, which takes 63 seconds; whoever comes in the "
			"meantime is not heard.", PATIENT_S, BACKLOG);
	}
}

static void play(struct show *show, const char *title, uint16_t port, bool cookies, bool one_prefix)
{
	struct tv_config server;
	const struct lab_setup setup = {.title = title, .port = port, .config = {[1] = &server}, .seen_from = 1};
	struct flood f = {.setup = &setup, .one_prefix = one_prefix};
	struct lab lab;

	lab_config(&server);
	server.half_opens = BACKLOG;
	server.syn_cookies = cookies ? TV_COOKIES_AUTO : TV_COOKIES_NEVER;
	if (!lab_begin(&lab, show, &setup))
		return;
	lab.user = &f;
	lab.crowded = true;
	lab.watch = watch;
	lab.below = print_numbers;
	lab.page = page_numbers;
	lab_listen(&lab);
	lab_note(&lab, 2, one_prefix ? "100,000 forged SYNs begin to arrive, 10,000 a second, all from one network." :
		"100,000 forged SYNs begin to arrive, 10,000 a second, each from another address.");
	visit(&lab, &f);
	lab.table = json_numbers(&f);
	claim(&lab, &f, cookies);
	lab_end(&lab);
}

void show_flood(struct show *show)
{
	if (show->demo->rtt > 5 * TV_S)
		usage_error("demo", "--flood lasts ten seconds: --rtt must be 5s at most");
	play(show, "1. A flood of SYNs, and a server without SYN cookies", 9001, false, false);
	play(show, "2. The same with SYN cookies", 9002, true, false);
	play(show, "3. Without cookies, from one network: the share of a prefix", 9003, false, true);
}
