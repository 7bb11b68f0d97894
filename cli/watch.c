/*
 * watch.c - trivet watch: tells of the connections of this machine as they open, fail, stall and close.
 *
 * Two rights are needed, and only at the beginning: to capture packets, and to write where -w says.
 * Both are used up before the first packet is read; then everything is given up (host_drop), because
 * what reads packets of strangers should not be root.
 *
 * The loop waits for packets, a signal, or the next look at silences. Silences are looked at when no
 * packet is waiting, so that one that is still in the ring is not taken for missing; under a load that
 * never lets up, by the time of the packets.
 */
#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/findings.h"
#include "cli/reading.h"
#include "cli/signals.h"
#include "cli/verb.h"
#include "cli/watch.h"
#include "diagnose/lines.h"
#include "diagnose/verdict.h"
#include "links/live.h"
#include "posix/clock.h"

/* Headers and what an ICMP error quotes fit into so much. */
enum { SNAP = 256, BURST = 512, LINE = 512, LINES_PER_SECOND = 200 };

/* ------------------------------------------------------------------------------------------ */
/* Text                                                                                        */

static const char *clock_text(tv_time time, char out[24])
{
	time_t seconds = (time_t)(time / TV_S);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || strftime(out, 24, "%H:%M:%S", &tm) == 0)
		out[0] = 0;
	snprintf(out + strlen(out), 24 - strlen(out), ".%06llu", (unsigned long long)(time % TV_S / 1000));
	return out;
}

static const char *paint(const struct watcher *w, enum watch_what what)
{
	static const char *const codes[] = {"\033[32m", "\033[31m", "\033[33m", "\033[32m", "\033[36m"};

	return w->common.color ? codes[what] : "";
}

/* What the line says behind the two ends. */
static void describe(const struct watch_event *e, char *out, size_t room)
{
	const struct side *a = &e->c->side[0], *b = &e->c->side[1];
	tv_time rtt = handshake_rtt(e->c);
	char time[24], up[24], down[24];

	out[0] = 0;
	switch (e->what) {
	case WATCH_OPENED:
		if (rtt)
			snprintf(out, room, "in %s", time_text(rtt, time));
		else
			snprintf(out, room, "after %u SYN%s and %u SYN,ACK%s, in %s", a->syn_count, a->syn_count == 1 ? "" : "s",
				b->syn_count, b->syn_count == 1 ? "" : "s", time_text(since(&a->syn, &e->c->ack), time));
		break;
	case WATCH_CLOSED:
		snprintf(out, room, "after %s, %s up, %s down%s%s",
			time_text(e->time > mark_time(&e->c->first) ? e->time - mark_time(&e->c->first) : 0, time),
			bytes_text(a->bytes, up), bytes_text(b->bytes, down), e->c->late ? " since the watch began" : "",
			seen(&a->rst) || seen(&b->rst) ? ", by a reset" : "");
		break;
	case WATCH_FAILED:
	case WATCH_STALLED:
	case WATCH_RESUMED: break;
	}
	if (e->finding)
		snprintf(out + strlen(out), room - strlen(out), "%s%s (%s)", *out ? ": " : "",
			word_info(e->finding->word)->name, certainty_name(e->finding->certainty));
}

/* A flood of attempts shall not become a flood of lines: more than so many in a second are counted. */
static bool has_room(struct watcher *w, tv_time time)
{
	if (time / TV_S != w->second) {
		if (w->left_out)
			printf("Mind: %llu more lines within a second were left out; --json has them all.\n",
				(unsigned long long)w->left_out);
		w->second = time / TV_S;
		w->lines_in_second = 0;
		w->left_out = 0;
	}
	if (w->lines_in_second < LINES_PER_SECOND) {
		w->lines_in_second++;
		return true;
	}
	w->left_out++;
	return false;
}

static void print_event(struct watcher *w, const struct watch_event *e)
{
	struct tv_endpoint client = {.addr = e->c->addr[0], .port = e->c->port[0]};
	struct tv_endpoint server = {.addr = e->c->addr[1], .port = e->c->port[1]};
	char time[24], a[ENDPOINT_TEXT], b[ENDPOINT_TEXT], what[200], text[1024];

	if (!has_room(w, e->time))
		return;
	describe(e, what, sizeof what);
	printf("%s  %s%-8s%s %s -> %s%s%s\n", clock_text(e->time, time), paint(w, e->what), watch_name(e->what),
		w->common.color ? "\033[0m" : "", endpoint_text(&client, a), endpoint_text(&server, b), *what ? "  " : "", what);
	if (!e->finding || w->common.quiet)
		return;
	finding_text(e->finding, text, sizeof text);
	print_indented(text);
	if (*word_info(e->finding->word)->next && finding_severity(e->finding) == SEVERITY_PROBLEM) {
		snprintf(text, sizeof text, "Next: %s", word_info(e->finding->word)->next);
		print_indented(text);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* JSON                                                                                        */

static void print_object(json_t *o)
{
	if (o && json_dumpf(o, stdout, JSON_COMPACT | JSON_ENSURE_ASCII) == 0)
		putchar('\n');
	json_decref(o);
}

static json_t *finding_object(const struct finding *f)
{
	char *text = finding_json(f);
	json_t *o = text ? json_loads(text, 0, NULL) : NULL;

	free(text);
	return o ? o : json_object();
}

static void print_event_json(const struct watch_event *e)
{
	const struct conn *c = e->c;
	struct tv_endpoint client = {.addr = c->addr[0], .port = c->port[0]};
	struct tv_endpoint server = {.addr = c->addr[1], .port = c->port[1]};
	char a[ENDPOINT_TEXT], b[ENDPOINT_TEXT];
	json_t *o = json_pack("{s:s,s:I,s:s,s:s,s:I}", "event", watch_name(e->what), "time_ns", (json_int_t)e->time, "client",
		endpoint_text(&client, a), "server", endpoint_text(&server, b), "connection", (json_int_t)c->number);
	json_t *f = e->finding ? finding_object(e->finding) : NULL;

	if (!o)
		return;
	if (e->what == WATCH_OPENED && handshake_rtt(c))
		json_object_set_new(o, "handshake_ns", json_integer((json_int_t)handshake_rtt(c)));
	if (e->what == WATCH_OPENED)
		json_object_set_new(o, "syns", json_integer(c->side[0].syn_count));
	json_object_set_new(o, "bytes_up", json_integer((json_int_t)c->side[0].bytes));
	json_object_set_new(o, "bytes_down", json_integer((json_int_t)c->side[1].bytes));
	json_object_set_new(o, "age_ns",
		json_integer((json_int_t)(e->time > mark_time(&c->first) ? e->time - mark_time(&c->first) : 0)));
	if (f)
		json_object_update_missing(o, f);
	json_decref(f);
	print_object(o);
}

/* ------------------------------------------------------------------------------------------ */
/* What happens                                                                                */

static void on_event(void *user, const struct watch_event *e)
{
	struct watcher *w = user;

	if (e->finding && finding_severity(e->finding) == SEVERITY_PROBLEM)
		w->problem = true;
	if (w->most && w->told >= w->most)
		return;
	w->told++;
	if (w->common.json)
		print_event_json(e);
	else
		print_event(w, e);
}

/* Packets that the capture itself lost: verdicts from then on may miss something. */
static void tell_drops(struct watcher *w)
{
	struct live_counts counts;

	live_counts(w->live, &counts);
	if (counts.dropped == w->dropped)
		return;
	if (w->common.json)
		print_object(json_pack("{s:s,s:I,s:I}", "event", "dropped", "packets",
			(json_int_t)(counts.dropped - w->dropped), "all", (json_int_t)counts.dropped));
	else
		printf("Mind: the capture lost %llu packets (%llu in all): this machine was too busy to read them, and "
		       "verdicts may be wrong.\n",
			(unsigned long long)(counts.dropped - w->dropped), (unsigned long long)counts.dropped);
	w->dropped = counts.dropped;
}

static void take(struct watcher *w, const struct records_packet *r)
{
	struct packet_record record = {.number = r->number, .time = r->time, .link_type = r->link_type, .len = r->len,
		.wire_len = r->wire_len, .data = r->data};
	char line[LINE];
	struct packet p;

	(void)packet_read(&p, &record);
	if (w->verbose && !w->common.json && lines_packet(w->lines, &p, line, sizeof line))
		printf("%s\n", line);
	watch_take(w->watch, &p, r->link_type);
	w->last = r->time;
}

static bool is_enough(const struct watcher *w)
{
	return (w->most && w->told >= w->most) || (w->until && clock_now() >= w->until) || ferror(stdout);
}

/* Reads what is there. Negative: the interface is gone. */
static int drain(struct watcher *w)
{
	struct records_packet r;
	int status = 1;

	for (unsigned i = 0; i < BURST && (status = live_next(w->live, &r)) > 0 && !is_enough(w); i++)
		take(w, &r);
	watch_tick(w->watch, status == 0 ? clock_wall() : w->last);
	return status < 0 ? status : 0;
}

static int wait_ms(const struct watcher *w)
{
	tv_time now = clock_now(), wait = WATCH_TICK;

	if (w->until && w->until < now + wait)
		wait = w->until > now ? w->until - now : 0;
	return (int)((wait + TV_MS - 1) / TV_MS);
}

static int loop(struct watcher *w, int signals)
{
	struct pollfd p[] = {{.fd = live_fd(w->live), .events = POLLIN}, {.fd = signals, .events = POLLIN}};

	while (!is_enough(w)) {
		int err;

		if (poll(p, 2, wait_ms(w)) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			return drain(w); /* what came before the signal still counts */
		err = drain(w);
		if (err < 0)
			return err;
		tell_drops(w);
		fflush(stdout);
	}
	return 0;
}

/* ------------------------------------------------------------------------------------------ */
/* The end                                                                                     */

/* What all connections together show, and no line has said yet. */
static bool is_news(const struct watcher *w, const struct finding *f)
{
	enum severity s = finding_severity(f);

	return f->word != WORD_EMPTY && (s == SEVERITY_PROBLEM || s == SEVERITY_NOTE) &&
		watch_counts(w->watch)->words[f->word] == 0;
}

static void sum_up_json(const struct watcher *w, const struct report *r)
{
	const struct tracker_counts *t = watch_tracker(w->watch);
	const struct watch_counts *n = watch_counts(w->watch);
	json_t *list = json_array();
	json_t *o = json_pack("{s:s,s:I,s:I,s:I,s:I,s:I,s:I,s:I,s:I}", "event", "summary", "packets", (json_int_t)t->packets,
		"dropped", (json_int_t)w->dropped, "connections", (json_int_t)t->connections, "opened", (json_int_t)n->opened,
		"failed", (json_int_t)n->failed, "stalled", (json_int_t)n->stalled, "resumed", (json_int_t)n->resumed, "closed",
		(json_int_t)n->closed);

	for (size_t i = 0; i < r->count; i++)
		if (is_news(w, &r->list[i]))
			json_array_append_new(list, finding_object(&r->list[i]));
	if (o)
		json_object_set_new(o, "findings", list);
	print_object(o);
}

static void sum_up_text(const struct watcher *w, const struct report *r)
{
	const struct tracker_counts *t = watch_tracker(w->watch);
	const struct watch_counts *n = watch_counts(w->watch);

	if (w->left_out)
		printf("Mind: %llu more lines were left out.\n", (unsigned long long)w->left_out);
	if (!w->common.quiet)
		printf("\n%llu packets of %llu connections: %llu opened, %llu failed, %llu stalled (%llu went on), %llu closed; "
		       "%llu packets were lost by the capture.\n",
			(unsigned long long)t->packets, (unsigned long long)t->connections,
			(unsigned long long)n->opened, (unsigned long long)n->failed,
			(unsigned long long)n->stalled, (unsigned long long)n->resumed,
			(unsigned long long)n->closed, (unsigned long long)w->dropped);
	for (size_t i = 0; i < r->count; i++)
		if (is_news(w, &r->list[i]) && finding_severity(&r->list[i]) == SEVERITY_PROBLEM)
			print_finding(&w->common, &r->list[i]);
}

static int finish(struct watcher *w)
{
	struct report report = {.keep_healthy = false};
	bool seen_any = watch_tracker(w->watch)->connections > 0;

	watch_end(w->watch, &report);
	if (w->common.json)
		sum_up_json(w, &report);
	else
		sum_up_text(w, &report);
	if (report_status(&report) == 1)
		w->problem = true;
	report_free(&report);
	return w->problem ? EXIT_FAILED : seen_any ? EXIT_FINE : EXIT_NOTHING;
}

/* ------------------------------------------------------------------------------------------ */
/* The beginning                                                                               */

static int complain_live(const struct watcher *w, const struct link_fault *fault)
{
	struct host_obstacle obstacle = {.step = HOST_STEP_CAPTURE, .err = fault->err};
	struct host_facts facts;

	if (fault->step == LINK_STEP_SOCKET && fault->err == EPERM) {
		host_facts(&facts);
		return complain_cure(&w->common, &obstacle, NULL, &facts, NULL);
	}
	complain(&w->common, "%s", fault->text);
	return fault->err == EINVAL ? EXIT_USAGE : fault->step == LINK_STEP_INTERFACE ? EXIT_RIGHTS : EXIT_FAILED;
}

static void announce(const struct watcher *w)
{
	if (w->common.json)
		print_object(json_pack("{s:s,s:s,s:i}", "event", "watching", "interface", w->interface, "uid", (int)geteuid()));
	else if (!w->common.quiet)
		printf("Watching %s. Ctrl-C ends it.\n",
			strcmp(w->interface, "any") == 0 ? "all interfaces" : w->interface);
	fflush(stdout);
}

/* All that needs rights; then they go. 0, or an exit status. */
static int begin(struct watcher *w, const char *filter)
{
	struct link_fault fault;
	char why[128];

	tzset(); /* reads a file */
	w->live = live_open(w->interface, filter, w->common.capture ? 0 : SNAP, &fault);
	if (!w->live)
		return complain_live(w, &fault);
	if (w->common.capture && !live_save(w->live, w->common.capture, &fault)) {
		complain(&w->common, "%s", fault.text);
		return EXIT_RIGHTS;
	}
	if (host_drop(why) < 0) {
		complain(&w->common, "rights could not be given up, and to go on with them is not safe: %s", why);
		return EXIT_RIGHTS;
	}
	w->watch = watch_new(0, on_event, w);
	w->lines = lines_new();
	if (w->watch && w->lines)
		return 0;
	complain(&w->common, "out of memory");
	return EXIT_FAILED;
}

static int run(struct watcher *w, const char *filter)
{
	int signals = signals_open(), status = begin(w, filter), err = 0;

	if (status == 0) {
		announce(w);
		if (w->limit)
			w->until = clock_now() + w->limit;
		err = loop(w, signals);
		tell_drops(w);
		status = finish(w);
	}
	if (err < 0) {
		complain(&w->common, "%s: %s", w->interface, strerror(-err));
		status = EXIT_FAILED;
	}
	if (w->live && !live_saved(w->live)) {
		complain(&w->common, "%s could not be written", w->common.capture);
		status = EXIT_FAILED;
	}
	watch_free(w->watch);
	lines_free(w->lines);
	live_close(w->live);
	if (signals >= 0)
		close(signals);
	return status;
}

static const char about[] =
	"Watches the packets of this machine and tells of each connection that opens, fails, stalls, goes on\n"
	"again or closes, with the verdict that 'trivet explain' would give, as soon as it is certain. FILTER\n"
	"is a pcap filter. It needs the right to capture, which it gives up before it reads the first packet.\n"
	"SIGINT ends it, with a summary. The exit status is 1 if there was a problem, 4 if there was nothing.";

static const char examples[] =
	"  sudo trivet watch\n"
	"  sudo trivet watch -i eth0 port 443\n"
	"  sudo trivet watch -v -w seen.pcap --for 30s host 192.0.2.7\n"
	"  sudo trivet watch --json | jq -r 'select(.verdict == \"refused\").server'\n";

int verb_watch(int argc, char **argv)
{
	struct watcher w = {.interface = "any"};
	const struct option table[] = {
		{"interface", 'i', OPTION_TEXT, "IF", "the interface (any: all of them)", &w.interface, 0, 0},
		{"verbose", 'v', OPTION_FLAG, NULL, "print packets too, as 'tcpdump -n' does", &w.verbose, 0, 0},
		{"for", 0, OPTION_DURATION, "TIME", "end after so long", &w.limit, 0, 0},
		{"count", 'c', OPTION_NUMBER, "N", "end after so many lines", &w.most, 1, UINT32_MAX},
		{0},
	};
	const struct usage usage = {"watch", "[-i IF] [-v] [-w FILE] [--for TIME] [--count N] [FILTER]", about, table,
		examples};
	int operands = options_read(&usage, &w.common, argc, argv), status;
	char *filter;

	if (w.common.capture && strcmp(w.common.capture, "-") == 0)
		usage_error("watch", "-w -: the standard output has the lines; name a file");
	filter = reading_filter(operands, argv + 1);
	if (!filter) {
		complain(&w.common, "out of memory");
		return EXIT_FAILED;
	}
	status = run(&w, filter);
	free(filter);
	return status;
}
