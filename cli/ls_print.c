/*
 * ls_print.c - the rows of `trivet ls` as a table, as `ss -tan` prints them, and as JSON.
 *
 * Columns are as wide as their widest cell. Many TIME-WAIT or half-open rows tell nothing one by one:
 * from FOLD on they are counted instead of listed, unless --all.
 */
#include "cli/ls.h"

#include <string.h>

enum { COLUMNS = 8, CELL = 64, FOLD = 20 };

struct cells {
	char c[COLUMNS][CELL];
};

static const char *const titles[COLUMNS] = {"STATE", "LOCAL", "PEER", "RECV-Q", "SEND-Q", "TIMER", "RTT", "CWND"};

static const char *const timer_names[] = {[LS_NO_TIMER] = "none", [LS_RETRANSMIT] = "retransmit",
	[LS_KEEPALIVE] = "keepalive", [LS_TIME_WAIT] = "2MSL", [LS_PERSIST] = "persist", [LS_ACK] = "ack",
	[LS_LIMIT] = "limit"};

static const char *end_cell(const struct tv_endpoint *e, char out[ENDPOINT_TEXT])
{
	static const struct tv_addr zero;

	if (e->port == 0)
		return "-";
	if (memcmp(&e->addr, &zero, sizeof zero) != 0)
		return endpoint_text(e, out);
	snprintf(out, ENDPOINT_TEXT, "*:%u", e->port);
	return out;
}

static void fill(const struct ls_row *r, struct cells *to)
{
	char end[ENDPOINT_TEXT], time[24];

	memset(to, 0, sizeof *to);
	snprintf(to->c[0], CELL, "%s", tv_state_name(r->state));
	snprintf(to->c[1], CELL, "%s", end_cell(&r->local, end));
	snprintf(to->c[2], CELL, "%s", end_cell(&r->remote, end));
	snprintf(to->c[3], CELL, "%u", r->recv_q);
	snprintf(to->c[4], CELL, "%u", r->send_q);
	if (r->timer != LS_NO_TIMER)
		snprintf(to->c[5], CELL, "%s %s", timer_names[r->timer], duration_text(r->left, time));
	if (r->measured) {
		snprintf(to->c[6], CELL, "%s", duration_text((tv_time)r->rtt_us * TV_US, time));
		snprintf(to->c[7], CELL, "%u", r->cwnd);
	}
}

/* What stands behind the columns: retransmissions and ages, in words. */
static void tail(const struct ls_row *r, char *out, size_t room)
{
	const char *comma = "";
	char time[24];
	size_t at = 0;

	out[0] = 0;
	if (r->tries) {
		at += (size_t)snprintf(out + at, room - at, "repeated %u time%s", r->tries, r->tries == 1 ? "" : "s");
		comma = ", ";
	}
	if (r->retransmitted) {
		at += (size_t)snprintf(out + at, room - at, "%s%u retransmitted", comma, r->retransmitted);
		comma = ", ";
	}
	if (r->heard_known && r->kernel)
		at += (size_t)snprintf(out + at, room - at, "%snothing received for %s", comma, duration_text(r->heard, time));
	else if (r->heard_known)
		at += (size_t)snprintf(out + at, room - at, "%s%s %s ago", comma, r->request ? "SYN came" : "received",
			duration_text(r->heard, time));
	if (r->heard_known)
		comma = ", ";
	if (r->opened_known) {
		at += (size_t)snprintf(out + at, room - at, "%sopened %s ago", comma, duration_text(r->opened, time));
		comma = ", ";
	}
	if (r->age_known)
		snprintf(out + at, room - at, "%s%s for %s%s", comma, tv_state_name(r->state), r->age_exact ? "" : "at least ",
			duration_text(r->age, time));
}

/* ------------------------------------------------------------------------------------------ */
/* The table                                                                                   */

static bool can_fold(const struct ls_row *r)
{
	return r->state == TV_TIME_WAIT || (r->state == TV_SYN_RECEIVED && r->request);
}

static void count_states(const struct ls *l, uint64_t count[TV_STATE_COUNT])
{
	memset(count, 0, TV_STATE_COUNT * sizeof *count);
	for (size_t i = 0; i < l->count; i++)
		count[l->rows[i].state]++;
}

static bool is_folded(const struct ls *l, const struct ls_row *r, const uint64_t *count)
{
	return !l->all && can_fold(r) && count[r->state] > FOLD;
}

static void print_row(const struct cells *cells, const size_t *width, const char *more, FILE *out)
{
	char line[COLUMNS * CELL + 256];
	size_t at = 0;

	for (unsigned i = 0; i < COLUMNS; i++) {
		bool number = i == 3 || i == 4;

		at += (size_t)snprintf(line + at, sizeof line - at, "%*s%s", number ? (int)width[i] : -(int)width[i],
			cells->c[i], i + 1 < COLUMNS ? "  " : "");
	}
	if (*more)
		at += (size_t)snprintf(line + at, sizeof line - at, "  %s", more);
	while (at && line[at - 1] == ' ')
		line[--at] = 0;
	fprintf(out, "%s\n", line);
}

static void print_rows(const struct ls *l, const uint64_t *count, FILE *out)
{
	size_t width[COLUMNS];
	struct cells cells;
	char more[240];
	size_t shown = 0;

	for (unsigned i = 0; i < COLUMNS; i++)
		width[i] = strlen(titles[i]);
	for (size_t n = 0; n < l->count; n++) {
		if (is_folded(l, &l->rows[n], count))
			continue;
		fill(&l->rows[n], &cells);
		for (unsigned i = 0; i < COLUMNS; i++)
			width[i] = strlen(cells.c[i]) > width[i] ? strlen(cells.c[i]) : width[i];
		shown++;
	}
	if (!shown)
		return;
	for (unsigned i = 0; i < COLUMNS; i++)
		snprintf(cells.c[i], CELL, "%s", titles[i]);
	print_row(&cells, width, "", out);
	for (size_t n = 0; n < l->count; n++) {
		if (is_folded(l, &l->rows[n], count))
			continue;
		fill(&l->rows[n], &cells);
		tail(&l->rows[n], more, sizeof more);
		print_row(&cells, width, more, out);
	}
}

static void print_sum(const struct ls *l, const uint64_t *count, FILE *out)
{
	const char *comma = "";

	if (l->kernel)
		fprintf(out, "This machine's TCP:");
	else
		fprintf(out, "%u Trivet stack%s:", l->list.stacks, l->list.stacks == 1 ? "" : "s");
	for (unsigned s = 0; s < TV_STATE_COUNT; s++)
		if (count[s]) {
			fprintf(out, "%s %llu %s", comma, (unsigned long long)count[s], tv_state_name((enum tv_state)s));
			comma = ",";
		}
	fprintf(out, "%s.\n", *comma ? "" : " no connections");
	for (unsigned s = 0; s < TV_STATE_COUNT; s++)
		if (!l->all && (s == TV_TIME_WAIT || s == TV_SYN_RECEIVED) && count[s] > FOLD)
			fprintf(out, "Those in %s are not listed; --all lists them.\n", tv_state_name((enum tv_state)s));
}

void ls_print(const struct ls *l, const struct ls_odd *odd, unsigned odd_count, FILE *out)
{
	uint64_t count[TV_STATE_COUNT];
	char text[sizeof odd->text + 8];

	count_states(l, count);
	print_rows(l, count, out);
	if (!l->common.quiet)
		print_sum(l, count, out);
	for (unsigned i = 0; i < odd_count; i++) {
		snprintf(text, sizeof text, "Mind: %s", odd[i].text);
		print_wrapped(out, text);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* As ss does                                                                                  */

static const char *ss_state(enum tv_state state)
{
	static const char *const names[] = {"UNCONN", "LISTEN", "SYN-SENT", "SYN-RECV", "ESTAB", "FIN-WAIT-1",
		"FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK", "TIME-WAIT"};
	_Static_assert(sizeof names / sizeof *names == TV_STATE_COUNT, "a state without a name");

	return names[state];
}

static void ss_address(const struct ls_row *r, const struct tv_endpoint *e, bool local, char *out, size_t room)
{
	static const struct tv_addr zero;
	bool any = memcmp(&e->addr, &zero, sizeof zero) == 0;
	char text[ADDRESS_TEXT], name[16];
	size_t at = 0;

	if (any && !r->v6)
		snprintf(out, room, "0.0.0.0");
	else if (any && !r->v6_only && r->kernel)
		snprintf(out, room, "*");
	else if (r->v6)
		snprintf(out, room, address_is_v4(&e->addr) ? "[::ffff:%s]" : "[%s]", address_text(&e->addr, text));
	else
		snprintf(out, room, "%s", address_text(&e->addr, text));
	at = strlen(out);
	if (local && r->interface && host_link_name((int)r->interface, name) == 0)
		snprintf(out + at, room - at, "%%%s", name);
}

static void ss_port(const struct tv_endpoint *e, char out[8])
{
	if (e->port)
		snprintf(out, 8, "%u", e->port);
	else
		snprintf(out, 8, "*");
}

void ls_print_ss(const struct ls *l, FILE *out)
{
	int local_width = 13, peer_width = 12; /* of "Local Address" and "Peer Address" */
	char local[96], peer[96], local_port[8], peer_port[8];

	for (size_t i = 0; i < l->count; i++) {
		ss_address(&l->rows[i], &l->rows[i].local, true, local, sizeof local);
		ss_address(&l->rows[i], &l->rows[i].remote, false, peer, sizeof peer);
		local_width = (int)strlen(local) > local_width ? (int)strlen(local) : local_width;
		peer_width = (int)strlen(peer) > peer_width ? (int)strlen(peer) : peer_width;
	}
	fprintf(out, "%-10s %-6s %-6s %*s:%-5s %*s:%-5s\n", "State", "Recv-Q", "Send-Q", local_width, "Local Address",
		"Port", peer_width, "Peer Address", "Port");
	for (size_t i = 0; i < l->count; i++) {
		const struct ls_row *r = &l->rows[i];

		ss_address(r, &r->local, true, local, sizeof local);
		ss_address(r, &r->remote, false, peer, sizeof peer);
		ss_port(&r->local, local_port);
		ss_port(&r->remote, peer_port);
		fprintf(out, "%-10s %-6u %-6u %*s:%-5s %*s:%-5s\n", ss_state(r->state), r->recv_q, r->send_q, local_width,
			local, local_port, peer_width, peer, peer_port);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* JSON                                                                                        */

static void set_number(json_t *o, const char *key, uint64_t n)
{
	json_object_set_new(o, key, json_integer((json_int_t)n));
}

static void set_end(json_t *o, const char *key, const struct tv_endpoint *e)
{
	char text[ENDPOINT_TEXT];

	json_object_set_new(o, key, e->port ? json_string(end_cell(e, text)) : json_null());
}

static json_t *row_json(const struct ls_row *r)
{
	json_t *o = json_object();

	json_object_set_new(o, "state", json_string(tv_state_name(r->state)));
	set_end(o, "local", &r->local);
	set_end(o, "peer", &r->remote);
	if (r->kernel)
		json_object_set_new(o, "owner", json_string("kernel"));
	else
		json_object_set_new(o, "owner", json_pack("{s:s,s:i}", "stack", r->stack, "pid", (int)r->pid));
	set_number(o, "recv_q", r->recv_q);
	set_number(o, "send_q", r->send_q);
	if (r->timer != LS_NO_TIMER) {
		json_object_set_new(o, "timer", json_string(timer_names[r->timer]));
		set_number(o, "timer_left_ns", r->left);
	}
	set_number(o, "repeated", r->tries);
	if (r->retransmitted_known)
		set_number(o, "retransmitted", r->retransmitted);
	if (r->measured) {
		set_number(o, "rtt_us", r->rtt_us);
		set_number(o, "rttvar_us", r->rttvar_us);
		set_number(o, "cwnd_segments", r->cwnd);
		set_number(o, "mss", r->mss);
	}
	if (r->request)
		json_object_set_new(o, "half_open", json_true());
	if (r->heard_known)
		set_number(o, "nothing_received_for_ns", r->heard);
	if (r->opened_known)
		set_number(o, "opened_ago_ns", r->opened);
	if (r->age_known) {
		set_number(o, "in_state_for_ns", r->age);
		json_object_set_new(o, "in_state_for_exact", json_boolean(r->age_exact));
	}
	return o;
}

json_t *ls_json(const struct ls *l, const struct ls_odd *odd, unsigned odd_count)
{
	json_t *o = json_pack("{s:s,s:i}", "schema", "trivet-ls", "version", 1);
	json_t *rows = json_array(), *list = json_array();

	for (size_t i = 0; i < l->count; i++)
		json_array_append_new(rows, row_json(&l->rows[i]));
	for (unsigned i = 0; i < odd_count; i++) {
		json_t *e = json_pack("{s:s,s:I,s:s}", "word", odd[i].word, "count", (json_int_t)odd[i].count, "text",
			odd[i].text);

		set_end(e, "at", &odd[i].at);
		json_array_append_new(list, e);
	}
	json_object_set_new(o, "connections", rows);
	json_object_set_new(o, "odd", list);
	if (!l->kernel) {
		set_number(o, "stacks", l->list.stacks);
		set_number(o, "stale", l->list.stale);
		set_number(o, "refused", l->list.refused);
		set_number(o, "failed", l->list.failed);
	}
	return o;
}
