/*
 * ls_odd.c - what is odd among the connections, in plain words.
 *
 * Rows are sorted by state and by the service that they belong to: a port that somebody listens at
 * here, or else the far end's address and port. Each rule looks at one such group, or at one row.
 * Thresholds that `trivet explain` has too are its own (diagnose/words.h).
 */
#include "cli/ls.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/words.h"

/* From here on so many are worth a word. */
enum { TIME_WAIT_PERCENT = 50, TRIES_ODD = 2 };
#define UNREAD_FOR (5 * TV_S)

struct looker {
	struct ls *l;
	struct ls_odd *odd;
	unsigned count;
};

/* Is the row's service here (a listener of this port) or at the far end? */
static uint8_t listening[65536 / 8];

static bool is_here(const struct ls_row *r)
{
	return r->state == TV_LISTEN || (listening[r->local.port / 8] >> r->local.port % 8 & 1);
}

static const struct tv_endpoint *service_of(const struct ls_row *r)
{
	return is_here(r) ? &r->local : &r->remote;
}

static int compare_end(const struct tv_endpoint *a, const struct tv_endpoint *b)
{
	int order = memcmp(&a->addr, &b->addr, sizeof a->addr);

	return order ? order : (int)a->port - (int)b->port;
}

static int compare(const void *x, const void *y)
{
	const struct ls_row *a = x, *b = y;
	int order = (int)a->state - (int)b->state;

	if (order == 0)
		order = (int)is_here(b) - (int)is_here(a);
	if (order == 0)
		order = compare_end(service_of(a), service_of(b));
	if (order == 0)
		order = compare_end(&a->local, &b->local);
	return order ? order : compare_end(&a->remote, &b->remote);
}

static bool same_service(const struct ls_row *a, const struct ls_row *b)
{
	return a->state == b->state && is_here(a) == is_here(b) && a->pid == b->pid &&
		compare_end(service_of(a), service_of(b)) == 0;
}

__attribute__((format(printf, 5, 6))) static void say(struct looker *k, const char *word,
	const struct tv_endpoint *at, uint64_t count, const char *format, ...)
{
	struct ls_odd *o;
	va_list args;

	if (k->count == LS_ODD_MAX)
		return;
	o = &k->odd[k->count++];
	*o = (struct ls_odd){.word = word, .count = count};
	if (at)
		o->at = *at;
	va_start(args, format);
	vsnprintf(o->text, sizeof o->text, format, args);
	va_end(args);
}

/* ------------------------------------------------------------------------------------------ */
/* Groups                                                                                      */

static void look_close_wait(struct looker *k, const struct ls_row *r, size_t n)
{
	char text[ENDPOINT_TEXT], time[24];
	tv_time longest = 0;

	for (size_t i = 0; i < n; i++)
		if (r[i].heard_known && r[i].heard > longest)
			longest = r[i].heard;
	if (n < LEAK_CONNECTIONS && longest < limit(LIMIT_CLOSE_WAIT))
		return;
	say(k, "close-wait", service_of(r), n,
		"%s: %zu in CLOSE-WAIT, nothing received for %s: the peer has closed and the program here has not; "
		"until it calls close() they stay.",
		endpoint_text(service_of(r), text), n, duration_text(longest, time));
}

static void look_time_wait(struct looker *k, const struct ls_row *r, size_t n)
{
	char text[ENDPOINT_TEXT];
	unsigned percent = k->l->ports ? (unsigned)(n * 100 / k->l->ports) : 0;

	/* Where the far end is the service, each holds a local port that no other connection to it can have. */
	if (is_here(r) || percent < TIME_WAIT_PERCENT)
		return;
	say(k, "time-wait", &r->remote, n,
		"%s: %zu in TIME-WAIT towards this one port: %u %% of the %u local ports are taken, each for up to a "
		"minute; when none is left, connecting fails. Keep connections open, or let the other end close first.",
		endpoint_text(&r->remote, text), n, percent, k->l->ports);
}

static void look_half_open(struct looker *k, const struct ls_row *r, size_t n)
{
	char text[ENDPOINT_TEXT];

	if (n >= FLOOD_SYNS)
		say(k, "half-open", service_of(r), n,
			"%s: %zu half-open in SYN-RECEIVED: SYNs whose senders do not answer, as in a SYN flood, or "
			"answers that get lost on their way.",
			endpoint_text(service_of(r), text), n);
}

/* ------------------------------------------------------------------------------------------ */
/* Rows                                                                                        */

static void look_listener(struct looker *k, const struct ls_row *r)
{
	char text[ENDPOINT_TEXT];
	/* The kernel takes one more than the backlog. */
	bool full = r->kernel ? r->recv_q > r->send_q : r->send_q && r->recv_q >= r->send_q;

	if (full)
		say(k, "accept-queue-full", &r->local, r->recv_q,
			"%s: the accept queue is full (%u wait, the backlog is %u): the program does not accept them fast "
			"enough, and new connections are not completed.",
			endpoint_text(&r->local, text), r->recv_q, r->send_q);
}

static void look_connection(struct looker *k, const struct ls_row *r)
{
	char text[ENDPOINT_TEXT], time[24];

	endpoint_text(&r->remote, text);
	if (r->state == TV_SYN_SENT && r->tries)
		say(k, "syn-unanswered", &r->remote, 1, "%s: the SYN was repeated %u time%s, and nothing answers.", text,
			r->tries, r->tries == 1 ? "" : "s");
	else if (r->timer == LS_PERSIST)
		say(k, "zero-window", &r->remote, 1,
			"%s: its window is closed and %u bytes wait: the program over there does not read.", text, r->send_q);
	else if (r->timer == LS_RETRANSMIT && r->tries >= TRIES_ODD && !r->request)
		say(k, "unacknowledged", &r->remote, 1,
			"%s: %u bytes were sent again %u times and are not acknowledged%s%s.", text, r->send_q, r->tries,
			r->heard_known ? ", nothing received for " : "", r->heard_known ? duration_text(r->heard, time) : "");
	else if (r->state == TV_ESTABLISHED && r->recv_q && r->heard_known && r->heard >= UNREAD_FOR)
		say(k, "unread", &r->remote, 1,
			"%s: %u bytes have come that the program here does not read, nothing received for %s.", text,
			r->recv_q, duration_text(r->heard, time));
}

static void look_group(struct looker *k, const struct ls_row *r, size_t n)
{
	switch (r->state) {
	case TV_LISTEN:
		for (size_t i = 0; i < n; i++)
			look_listener(k, &r[i]);
		return;
	case TV_CLOSE_WAIT: look_close_wait(k, r, n); break;
	case TV_TIME_WAIT: look_time_wait(k, r, n); return;
	case TV_SYN_RECEIVED: look_half_open(k, r, n); break;
	case TV_CLOSED:
	case TV_SYN_SENT:
	case TV_ESTABLISHED:
	case TV_FIN_WAIT_1:
	case TV_FIN_WAIT_2:
	case TV_CLOSING:
	case TV_LAST_ACK:
	case TV_STATE_COUNT: break;
	}
	for (size_t i = 0; i < n; i++)
		look_connection(k, &r[i]);
}

unsigned ls_odd(struct ls *l, struct ls_odd odd[LS_ODD_MAX])
{
	struct looker k = {.l = l, .odd = odd};

	memset(listening, 0, sizeof listening);
	for (size_t i = 0; i < l->count; i++)
		if (l->rows[i].state == TV_LISTEN)
			listening[l->rows[i].local.port / 8] |= (uint8_t)(1u << l->rows[i].local.port % 8);
	if (l->count)
		qsort(l->rows, l->count, sizeof *l->rows, compare);
	for (size_t i = 0, next; i < l->count; i = next) {
		for (next = i + 1; next < l->count && same_service(&l->rows[i], &l->rows[next]);)
			next++;
		look_group(&k, &l->rows[i], next - i);
	}
	return k.count;
}
