/*
 * budget.c - how long a visit takes: round trips and milliseconds until the first and the last byte.
 *
 * The rows of TCP and of TCP with Fast Open are runs of the stack: a request, and an answer of --bytes that
 * slow start spreads over rounds. The other rows are arithmetic (diagnose/budget), and say so: what the stack
 * does not speak, it cannot show. --loss befalls only the runs. The one with Fast Open is the second visit to
 * its server, and is not drawn.
 */
#include <stdlib.h>
#include <string.h>

#include "cli/experiments/lab.h"
#include "diagnose/budget.h"

enum { REQUEST = 200, MSS = 1448, INITIAL = 10, BAR = 24, ROUNDS_SHOWN = 4 };

struct row {
	const char *name;
	bool run;                      /* by the stack; else by arithmetic */
	unsigned handshake, tls, request, further; /* round trips */
	tv_time first, last;           /* when the bytes come */
};

struct budget {
	struct row rows[BUDGET_WAYS];
	unsigned count;
	tv_time rtt, first, last;      /* of the run */
	tv_time fast_first, fast_last; /* of that with Fast Open; 0: it was not wanted */
	bool begun;
	unsigned burst;                /* segments with text that left the server in this round */
	tv_time burst_at;
};

static bool is_wanted(const struct demo *d, enum budget_way way)
{
	bool fast = way == BUDGET_TCP_FASTOPEN || way == BUDGET_TLS13_FASTOPEN || way == BUDGET_TLS13_0RTT_FASTOPEN;
	bool zero = way == BUDGET_TLS13_0RTT || way == BUDGET_TLS13_0RTT_FASTOPEN || way == BUDGET_QUIC_0RTT;
	bool quic = way == BUDGET_QUIC || way == BUDGET_QUIC_0RTT;
	unsigned tls = budget_row(way)->tls;

	if (way == BUDGET_TCP)
		return true;
	if (d->fastopen && !fast)
		return false;
	if (!d->tls)
		return true;
	if (strcmp(d->tls, "0rtt") == 0)
		return zero;
	return !zero && (strcmp(d->tls, "1.2") == 0 ? tls == 2 : tls == 1 || quic);
}

static void make_rows(struct budget *b, const struct demo *d)
{
	unsigned further = budget_further(d->bytes, MSS, INITIAL);

	for (unsigned way = 0; way < BUDGET_WAYS; way++) {
		const struct budget_row *from = budget_row((enum budget_way)way);
		struct row *r = &b->rows[b->count];

		if (!is_wanted(d, (enum budget_way)way))
			continue;
		*r = (struct row){.name = from->name, .further = further};
		r->run = way == BUDGET_TCP || way == BUDGET_TCP_FASTOPEN;
		r->handshake = from->handshake;
		r->tls = from->tls;
		r->request = from->request;
		r->first = budget_first((enum budget_way)way) * b->rtt;
		r->last = r->first + further * b->rtt;
		if (r->run) {
			r->first = way == BUDGET_TCP ? b->first : b->fast_first;
			r->last = way == BUDGET_TCP ? b->last : b->fast_last;
		}
		b->count++;
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Printing                                                                                    */

static void put_phase(const struct common *c, unsigned trips, unsigned all, const char *letter, const char *code)
{
	if (c->color)
		printf("\033[%sm", code);
	for (unsigned i = 0; i < trips * BAR / all; i++)
		printf("%s", letter);
	if (c->color)
		printf("\033[m");
}

static unsigned longest(const struct budget *b)
{
	unsigned most = 1;

	for (unsigned i = 0; i < b->count; i++) {
		unsigned n = b->rows[i].handshake + b->rows[i].tls + b->rows[i].request + b->rows[i].further;

		most = n > most ? n : most;
	}
	return most;
}

static void print_table(struct lab *lab)
{
	const struct budget *b = lab->user;
	const struct common *c = &lab->show->demo->common;
	unsigned all = longest(b);

	printf("%-34s %12s %12s\n", "", "first byte", "last byte");
	printf("%-34s %4s %7s %4s %7s\n", "", "RTTs", "ms", "RTTs", "ms");
	for (unsigned i = 0; i < b->count; i++) {
		const struct row *r = &b->rows[i];

		printf("%-34s %4.1f %7.0f %4.1f %7.0f  %s\n", r->name, (double)r->first / (double)b->rtt, (double)r->first / 1e6,
			(double)r->last / (double)b->rtt, (double)r->last / 1e6, r->run ? "run" : "arithmetic");
		printf("  ");
		put_phase(c, r->handshake, all, "c", "32");
		put_phase(c, r->tls, all, "t", "33");
		put_phase(c, r->request, all, "r", "36");
		put_phase(c, r->further, all, "d", "34");
		printf("\n");
	}
	printf("\nc: connection, t: TLS, r: request and first byte, d: the rest of the data\n");
}

static void page_table(struct lab *lab, struct html *page)
{
	const struct budget *b = lab->user;

	html_raw(page, "<table>\n<tr><th>way</th><th>first byte</th><th>last byte</th><th></th></tr>\n");
	for (unsigned i = 0; i < b->count; i++) {
		const struct row *r = &b->rows[i];

		html_raw(page, "<tr><td>%s</td><td>%.1f RTT, %.0f ms</td><td>%.1f RTT, %.0f ms</td><td>%s</td></tr>\n", r->name,
			(double)r->first / (double)b->rtt, (double)r->first / 1e6, (double)r->last / (double)b->rtt,
			(double)r->last / 1e6, r->run ? "run" : "arithmetic");
	}
	html_raw(page, "</table>\n");
}

static json_t *json_table(const struct budget *b)
{
	json_t *rows = json_array();

	for (unsigned i = 0; i < b->count; i++) {
		const struct row *r = &b->rows[i];

		json_array_append_new(rows, json_pack("{s:s,s:b,s:i,s:i,s:i,s:i,s:I,s:I}", "way", r->name, "run", r->run,
			"connection_rtts", (int)r->handshake, "tls_rtts", (int)r->tls, "request_rtts", (int)r->request,
			"further_rtts", (int)r->further, "first_byte_ns", (json_int_t)r->first, "last_byte_ns",
			(json_int_t)r->last));
	}
	return rows;
}

/* ------------------------------------------------------------------------------------------ */
/* The run                                                                                     */

/* The flights of an answer are told, not drawn. */
static void end_burst(struct lab *lab, struct budget *b)
{
	char text[80];

	if (b->burst) {
		snprintf(text, sizeof text, "Not drawn: the server sends %u segment%s.", b->burst, b->burst == 1 ? "" : "s");
		(void)ladder_note(lab->ladder, b->burst_at, 1, text);
	}
	b->burst = 0;
}

static void watch(struct lab *lab, const struct network_sight *s)
{
	struct budget *b = lab->user;
	const struct tv_packet *p = s->packet;

	if (!s->arrived && s->side == 1 && p->len > 20u + (p->data[32] >> 4) * 4u) {
		if (s->time > b->burst_at + lab->rtt / 2)
			end_burst(lab, b);
		b->burst_at = b->burst++ ? b->burst_at : s->time;
	}
	/* The first packet with text that comes to the client. */
	if (!b->begun && s->arrived && s->side == 0 && p->len > 20u + (p->data[32] >> 4) * 4u) {
		b->begun = true;
		b->first = s->time - b->last;
	}
}

static void fetch(struct lab *lab, struct budget *b)
{
	uint64_t size = lab->show->demo->bytes, sent = 0, read = lab->got_len[1], got = lab->got_len[0];
	static const char text[16384];
	char request[REQUEST];
	tv_time start = lab_now(lab);

	memset(request, 'q', sizeof request);
	if (!lab->listener)
		lab_listen(lab);
	b->last = start;
	if (lab_connect(lab, 0) < 0)
		return;
	/* The request rides on the third message, or with Fast Open on the first. */
	lab_send(lab, 0, request, sizeof request);
	lab_until_read(lab, 1, read + REQUEST);
	/* As web servers do: else the last, short segment waits for an ACK that is delayed. */
	lab_set(lab, 1, TV_OPT_NODELAY, 1);
	lab->blind = true;
	while (sent < size && !lab->trouble) {
		uint64_t left = size - sent < sizeof text ? size - sent : sizeof text;
		int64_t n = tv_send(lab_stack(lab, 1), lab_now(lab), lab->handle[1], text, (size_t)left, 0);

		if (n > 0)
			sent += (uint64_t)n;
		else
			lab_wait(lab, TV_MS);
	}
	lab_until_read(lab, 0, got + size);
	b->last = lab_now(lab) - start;
	end_burst(lab, b);
	lab_wait(lab, lab->rtt + 100 * TV_MS);
	lab->blind = false;
	lab_close(lab, 0);
	lab->closes[1] = true;
	lab_until(lab, 1, TV_LISTEN);
}

static void set_loss(struct lab *lab)
{
	const struct demo *d = lab->show->demo;

	for (unsigned side = 0; side < 2 && d->loss; side++)
		network_way(lab->net, lab->wire, side,
			&(struct network_way){.delay = side ? d->rtt - d->rtt / 2 : d->rtt / 2, .loss = d->loss});
}

/* Two visits with Fast Open, of which nothing is shown; the first fetches the cookie. */
static void run_fast(struct show *show, const struct lab_setup *setup, struct budget *b)
{
	struct budget fast = {.rtt = b->rtt};
	struct lab lab;

	if (!lab_begin(&lab, show, setup))
		return;
	lab.hidden = true;
	lab.fastopen = true;
	lab.user = &fast;
	fetch(&lab, &fast);
	lab.watch = watch;
	set_loss(&lab);
	lab.closes[1] = false;
	fetch(&lab, &fast);
	b->fast_first = fast.first;
	b->fast_last = fast.last;
	lab_end(&lab);
	show->scenes--;
}

void show_budget(struct show *show)
{
	const struct demo *d = show->demo;
	const struct lab_setup setup = {.title = "The budget of a visit", .port = 8800};
	struct budget b = {.rtt = d->rtt};
	struct lab lab;
	unsigned further = budget_further(d->bytes, MSS, INITIAL);
	char time[24], path[24];

	if (d->rtt == 0)
		usage_error("demo", "--budget counts round trips: --rtt must be more than 0");
	if (!lab_begin(&lab, show, &setup))
		return;
	lab.user = &b;
	lab.watch = watch;
	lab.print = print_table;
	lab.page = page_table;
	set_loss(&lab);
	fetch(&lab, &b);
	if (is_wanted(d, BUDGET_TCP_FASTOPEN))
		run_fast(show, &setup, &b);
	make_rows(&b, d);
	lab.table = json_table(&b);
	if (!d->loss)
		lab_claim(&lab, b.first == 2 * d->rtt,
			"The first byte is there after two round trips, %s: one to connect, one to ask. A path of %s costs %s to "
			"connect, not three times that: the third message carries the request.",
			duration_text(b.first, time), duration_text(d->rtt, path), path);
	if (!d->loss && further <= ROUNDS_SHOWN)
		lab_claim(&lab, b.last >= (2 + further) * d->rtt && b.last < (3 + further) * d->rtt,
			"Slow start spreads the %llu bytes over %u round%s: ten segments first, twice as much in each.",
			(unsigned long long)d->bytes, further + 1, further ? "s" : "");
	else
		lab_claim(&lab, b.last >= b.first && lab.got_len[0] == d->bytes, "The last byte came after %s%s.",
			duration_text(b.last, time),
			d->loss ? ", with this loss and this seed" : ": soon the window, not slow start, is the limit");
	if (!d->loss && b.fast_last)
		lab_claim(&lab, b.fast_first == d->rtt, "With Fast Open the request of the second visit rides on the SYN: the "
			"first byte is there after one round trip, %s.", duration_text(b.fast_first, time));
	lab_tell(&lab, "TLS and QUIC are not spoken here: their rows are arithmetic for a path without loss.");
	lab_end(&lab);
}
