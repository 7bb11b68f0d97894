/*
 * watch.c - when a verdict about a living connection may be told.
 *
 * A rule of verdict.c says what the facts mean if nothing more comes. While more may come, three cases
 * are kept apart. The connection is over (reset, ICMP error to the SYN, both FINs acknowledged): its
 * word is told at once, with the certainty that it has. It is silent: its word is told as a stall,
 * before the connection is open as soon as it is certain, otherwise when it has stayed the same for
 * STEADY; if the connection goes on, that is told as well. An attempt that was never answered has failed
 * when the next repeat is overdue: no sender waits longer for it than it has tried already (RFC 6298 5.5
 * doubles, Linux's first repeats come every second).
 *
 * What was told of a connection is kept beside the tracker, found by the connection's number; it goes
 * when the tracker gives the connection up. So memory is bounded by the tracker's limit.
 *
 * Words that need several connections (a full queue, a flood, a scan) are not told line by line: the
 * report at the end has them.
 */
#include "diagnose/watch.h"

#include <stdlib.h>
#include <string.h>

#include "diagnose/verdict.h"

#define MOST_DEFAULT 16384u
#define STEADY (3 * TV_S)

/* What was told of a connection. */
struct told {
	uint32_t number;               /* of the connection; 0: free */
	bool opened, over;
	uint8_t stalled;               /* enum word, or NONE */
	uint8_t maybe;                 /* the word that is not certain, or NONE */
	uint32_t maybe_ms;             /* since when */
	uint64_t progress;             /* when it was looked at last */
	uint64_t lasting;              /* words told that stay true (bit n: word n) */
};

_Static_assert(WORD_COUNT <= 64, "a bit for each word");

struct watch {
	struct tracker *tracker;
	watch_fn fn;
	void *user;
	struct told *table;            /* open addressing, at most half full */
	uint32_t mask;
	tv_time ticked;
	struct watch_counts counts;
};

const char *watch_name(enum watch_what what)
{
	static const char *const names[] = {"opened", "failed", "stalled", "resumed", "closed"};

	return names[what];
}

/* ------------------------------------------------------------------------------------------ */
/* What was told                                                                               */

static uint32_t home(const struct watch *w, uint32_t number)
{
	return number * 2654435761u >> 7 & w->mask;
}

/* Its place, or the free one where it would stand. */
static struct told *place(const struct watch *w, uint32_t number)
{
	uint32_t i = home(w, number);

	while (w->table[i].number && w->table[i].number != number)
		i = (i + 1) & w->mask;
	return &w->table[i];
}

static struct told *told_of(const struct watch *w, const struct conn *c)
{
	struct told *t = place(w, c->number);

	t->number = c->number;
	return t;
}

/* Takes it out, and moves those behind it that would not be found over the gap. */
static void forget(struct watch *w, uint32_t number)
{
	uint32_t gap = (uint32_t)(place(w, number) - w->table);

	if (!w->table[gap].number)
		return;
	for (uint32_t i = (gap + 1) & w->mask; w->table[i].number; i = (i + 1) & w->mask)
		if (((i - home(w, w->table[i].number)) & w->mask) >= ((i - gap) & w->mask)) {
			w->table[gap] = w->table[i];
			gap = i;
		}
	memset(&w->table[gap], 0, sizeof w->table[gap]);
}

/* ------------------------------------------------------------------------------------------ */
/* Telling                                                                                     */

static void tell(struct watch *w, enum watch_what what, tv_time time, const struct conn *c, const struct finding *f)
{
	struct watch_event e = {.what = what, .time = time, .c = c, .finding = f};

	switch (what) {
	case WATCH_OPENED: w->counts.opened++; break;
	case WATCH_FAILED: w->counts.failed++; break;
	case WATCH_STALLED: w->counts.stalled++; break;
	case WATCH_RESUMED: w->counts.resumed++; break;
	case WATCH_CLOSED: w->counts.closed++; break;
	}
	if (f)
		w->counts.words[f->word]++;
	w->fn(w->user, &e);
}

static bool is_problem(enum word word)
{
	return word != WORD_NONE && word_info(word)->severity == SEVERITY_PROBLEM;
}

/* True of the connection as long as it lives: told once. */
static bool is_lasting(enum word word)
{
	return word == WORD_WINDOW_SCALE_STRIPPED || word == WORD_WINDOW_SCALE_DISAGREEMENT;
}

/* Is it so now? A window that was closed for long and is open again is still worth a word at the end. */
static bool is_present(const struct conn *c, enum word word)
{
	return word != WORD_ZERO_WINDOW || seen(&c->side[0].zero) || seen(&c->side[1].zero);
}

static uint64_t progress_of(const struct conn *c)
{
	const struct side *a = &c->side[0], *b = &c->side[1];

	return a->bytes + b->bytes + a->acked + b->acked + seen(&c->ack) + seen(&a->fin) + seen(&b->fin);
}

static bool was_reset(const struct conn *c)
{
	return seen(&c->side[0].rst) || seen(&c->side[1].rst);
}

static bool is_closed(const struct conn *c)
{
	return seen(&c->side[0].fin_acked) && seen(&c->side[1].fin_acked);
}

/* Nothing can change its word any more. An error about an open connection is a matter of time. */
static bool is_over(const struct conn *c)
{
	return was_reset(c) || is_closed(c) || (!is_established(c) && c->icmp_count && c->icmp_of_syn);
}

static void tell_end(struct watch *w, struct told *t, const struct conn *c, tv_time time)
{
	struct finding f;
	enum word word = verdict_of(w->tracker, c, &f);
	bool noted = word_info(f.word)->severity == SEVERITY_NOTE;

	if (is_problem(word))
		tell(w, is_closed(c) && !was_reset(c) ? WATCH_CLOSED : WATCH_FAILED, time, c, &f);
	else if (t->opened || c->late || (word != WORD_NONE && noted))
		tell(w, WATCH_CLOSED, time, c, noted ? &f : NULL);
	else
		return; /* an RST that means nothing by itself: what follows may */
	t->over = true;
}

/* ------------------------------------------------------------------------------------------ */
/* Packets                                                                                     */

void watch_take(struct watch *w, const struct packet *p, uint16_t link_type)
{
	struct packet copy = *p;
	struct told *t;
	struct conn *c;

	/* Numbers are kept with 32 bits, and 0 means that there was none. */
	copy.number = (p->number - 1) % UINT32_MAX + 1;
	tracker_count(w->tracker, &copy, link_type);
	c = tracker_take(w->tracker, &copy);
	if (!c)
		return;
	t = told_of(w, c);
	if (!t->opened && !c->late && seen(&c->ack) && c->side[0].syn_seen && c->side[1].syn_seen) {
		t->opened = true;
		t->over = false;
		t->stalled = t->maybe = WORD_NONE;
		tell(w, WATCH_OPENED, p->time, c, NULL);
	}
	if (!t->over && is_over(c))
		tell_end(w, t, c, p->time);
}

/* ------------------------------------------------------------------------------------------ */
/* Silence                                                                                     */

static tv_time last_packet(const struct conn *c)
{
	tv_time a = mark_time(&c->side[0].last), b = mark_time(&c->side[1].last);

	return a > b ? a : b;
}

/* Both ends have been silent for longer than any repeat would take. */
static bool is_given_up(const struct conn *c, tv_time now)
{
	tv_time last = last_packet(c), first = mark_time(&c->first), tried = last > first ? last - first : 0;

	return !is_established(c) && now > last && now - last > STEADY && now - last > tried + tried / 5 + TV_S;
}

/*
 * May this word be told now? One that is not certain has to last; so has one about an open connection,
 * because certain it is only if nothing more comes, and a burst of losses soon ends.
 */
static bool is_ripe(struct told *t, const struct conn *c, const struct finding *f, tv_time now)
{
	uint32_t ms = (uint32_t)(now / TV_MS);

	if (f->certainty == CERTAIN && (!is_established(c) || is_lasting(f->word)))
		return true;
	if (t->maybe != f->word) {
		t->maybe = (uint8_t)f->word;
		t->maybe_ms = ms;
	}
	return ms - t->maybe_ms >= STEADY / TV_MS;
}

static void look(struct watch *w, struct told *t, const struct conn *c, tv_time now)
{
	uint64_t progress = progress_of(c);
	bool moved = progress != t->progress;
	struct finding f;
	enum word word = verdict_of(w->tracker, c, &f);

	t->progress = progress;
	if (t->stalled != WORD_NONE && (moved || !is_problem(word) || !is_present(c, word))) {
		t->stalled = t->maybe = WORD_NONE;
		tell(w, WATCH_RESUMED, now, c, NULL);
		return;
	}
	if (!is_problem(word) || !is_present(c, word)) {
		t->maybe = WORD_NONE;
		return;
	}
	if (is_given_up(c, now)) {
		tell(w, WATCH_FAILED, now, c, &f);
		t->over = true;
		return;
	}
	if (moved && !is_lasting(word))
		t->maybe = WORD_NONE;
	if (t->stalled == word || !is_ripe(t, c, &f, now))
		return;
	if (!is_lasting(word)) {
		t->stalled = (uint8_t)word;
		tell(w, WATCH_STALLED, now, c, &f);
	} else if (!(t->lasting >> word & 1)) {
		t->lasting |= 1ull << word;
		tell(w, WATCH_STALLED, now, c, &f);
	}
}

void watch_tick(struct watch *w, tv_time now)
{
	uint32_t cursor = 0;
	struct conn *c;

	if (now < w->ticked + WATCH_TICK)
		return;
	w->ticked = now;
	tracker_silence(w->tracker, now);
	while ((c = tracker_next(w->tracker, &cursor)) != NULL) {
		struct told *t = told_of(w, c);

		if (!t->over)
			look(w, t, c, now);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Beginning and end                                                                           */

/* The tracker has no room for it any more: this is the last chance to say something. */
static void on_leave(void *user, struct conn *c)
{
	struct watch *w = user;
	struct told *t = told_of(w, c);
	struct finding f;

	if (!t->over && t->stalled == WORD_NONE && is_problem(verdict_of(w->tracker, c, &f)))
		tell(w, WATCH_STALLED, mark_time(&tracker_counts(w->tracker)->last), c, &f);
	forget(w, c->number);
}

struct watch *watch_new(uint32_t most, watch_fn fn, void *user)
{
	struct watch *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	most = most ? most : MOST_DEFAULT;
	w->fn = fn;
	w->user = user;
	w->mask = 1023;
	while (w->mask < 2 * most)
		w->mask = w->mask * 2 + 1;
	w->table = calloc((size_t)w->mask + 1, sizeof *w->table);
	w->tracker = tracker_new(most, on_leave, w);
	if (w->table && w->tracker)
		return w;
	watch_free(w);
	return NULL;
}

void watch_free(struct watch *w)
{
	if (!w)
		return;
	tracker_free(w->tracker);
	free(w->table);
	free(w);
}

void watch_end(struct watch *w, struct report *r)
{
	verdict_all(w->tracker, r);
}

const struct tracker_counts *watch_tracker(const struct watch *w)
{
	return tracker_counts(w->tracker);
}

const struct watch_counts *watch_counts(const struct watch *w)
{
	return &w->counts;
}
