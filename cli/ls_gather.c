/*
 * ls_gather.c - rows for `trivet ls`: from the control sockets of this user's stacks, or from the
 * kernel's list of TCP sockets.
 */
#include "cli/ls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "posix/clock.h"

static void add(struct ls *l, const struct ls_row *row)
{
	if (l->count == l->room) {
		size_t room = l->room ? 2 * l->room : 256;
		struct ls_row *rows = realloc(l->rows, room * sizeof *rows);

		if (!rows) {
			l->short_of_memory = true;
			return;
		}
		l->rows = rows;
		l->room = room;
	}
	l->rows[l->count++] = *row;
}

/* ------------------------------------------------------------------------------------------ */
/* Trivet                                                                                      */

/* The library tells when a connection wants something next; what that is follows from the rest. */
static enum ls_timer timer_of(const struct tv_info *i, tv_time left)
{
	if (i->timer == TV_NEVER)
		return LS_NO_TIMER;
	if (i->state == TV_TIME_WAIT)
		return LS_TIME_WAIT;
	if (i->state == TV_SYN_SENT || i->state == TV_SYN_RECEIVED || i->bytes_in_flight)
		return LS_RETRANSMIT;
	if (i->snd_wnd == 0 && i->bytes_queued)
		return LS_PERSIST;
	if (i->state == TV_FIN_WAIT_2)
		return LS_LIMIT;
	return left > TV_S ? LS_KEEPALIVE : LS_ACK;
}

struct ls_row ls_row_of(const struct control_stack *stack, tv_time now, const struct tv_info *i)
{
	struct ls_row r = {.state = i->state, .local = i->local, .remote = i->remote,
		.v6 = !address_is_v4(&i->local.addr), .pid = stack->pid};

	memcpy(r.stack, stack->name, sizeof r.stack);
	r.recv_q = i->bytes_unread;
	r.send_q = i->bytes_queued;
	if (i->state == TV_LISTEN)
		return r;
	r.left = i->timer > now ? i->timer - now : 0;
	r.timer = timer_of(i, r.left);
	r.tries = i->probes > i->retransmits ? i->probes : i->retransmits;
	r.retransmitted_known = i->has_side;
	r.retransmitted = (uint32_t)i->retransmitted_segs;
	if (i->state == TV_TIME_WAIT)
		return r;
	r.request = i->state == TV_SYN_RECEIVED && !i->active_open;
	r.heard_known = i->state != TV_SYN_SENT && i->state != TV_CLOSED;
	r.heard = now > i->last_received ? now - i->last_received : 0;
	r.opened_known = i->opened != 0 && i->opened <= now && !r.request && i->state != TV_CLOSED;
	r.opened = now - i->opened;
	r.measured = i->srtt_us != 0 && !r.request;
	r.rtt_us = i->srtt_us;
	r.rttvar_us = i->rttvar_us;
	r.mss = i->mss_snd;
	r.cwnd = i->mss_snd ? i->cwnd / i->mss_snd : 0;
	return r;
}

static void take_record(void *user, const struct control_stack *stack, tv_time now, tv_handle handle,
	const struct tv_info *info)
{
	struct ls_row row = ls_row_of(stack, now, info);

	(void)handle;
	/* Ended, and only kept until its user lets go of the handle. */
	if (info->state != TV_CLOSED)
		add(user, &row);
}

static int gather_stacks(struct ls *l)
{
	int n = control_read(take_record, l, &l->list);

	if (l->list.why[0])
		complain(&l->common, "%s", l->list.why);
	return n < 0 || (n == 0 && l->list.refused + l->list.failed) ? EXIT_RIGHTS : 0;
}

/* ------------------------------------------------------------------------------------------ */
/* The kernel                                                                                  */

static struct ls_row row_of_socket(const struct host_socket *s)
{
	static const enum ls_timer timers[] = {LS_NO_TIMER, LS_RETRANSMIT, LS_KEEPALIVE, LS_TIME_WAIT, LS_PERSIST};
	struct ls_row r = {.state = s->state, .kernel = true, .request = s->request, .v6 = s->v6,
		.v6_only = s->v6_only, .interface = s->interface, .local = s->local, .remote = s->remote,
		.recv_q = s->rqueue, .send_q = s->wqueue, .tries = s->retransmits};

	if (s->timer < sizeof timers / sizeof *timers)
		r.timer = timers[s->timer];
	r.left = s->timer_ms * TV_MS;
	if (!s->has_info || s->state == TV_LISTEN || s->state == TV_CLOSED)
		return r;
	r.retransmitted_known = true;
	r.retransmitted = s->total_retrans;
	r.measured = s->rtt_us != 0 && s->state != TV_SYN_SENT;
	r.rtt_us = s->rtt_us;
	r.rttvar_us = s->rttvar_us;
	r.cwnd = s->cwnd;
	r.mss = s->snd_mss;
	r.heard_known = s->state != TV_SYN_SENT && s->state != TV_SYN_RECEIVED;
	r.heard = s->received_ms * TV_MS;
	return r;
}

static void read_ports(struct ls *l)
{
	char text[64];
	unsigned first, last;

	if (host_sysctl_read("net/ipv4/ip_local_port_range", text, sizeof text) >= 0 &&
		sscanf(text, "%u %u", &first, &last) == 2 && first <= last && last <= 65535)
		l->ports = last - first + 1;
}

static int gather_kernel(struct ls *l)
{
	struct host_socket *list = NULL;
	unsigned room = 1024;
	int n;

	/* Between the count and the list there may be more of them. */
	for (;;) {
		struct host_socket *more = realloc(list, room * sizeof *list);

		if (!more) {
			free(list);
			complain(&l->common, "out of memory");
			return EXIT_FAILED;
		}
		list = more;
		n = host_sockets(NULL, list, room);
		if (n <= (int)room)
			break;
		room = (unsigned)n + (unsigned)n / 4;
	}
	for (int i = 0; i < n; i++) {
		struct ls_row row = row_of_socket(&list[i]);

		add(l, &row);
	}
	free(list);
	read_ports(l);
	if (n < 0) {
		struct host_obstacle obstacle = {.step = HOST_STEP_SOCKDIAG, .err = -n};
		struct host_facts facts;

		host_facts(&facts);
		return complain_cure(&l->common, &obstacle, NULL, &facts, NULL);
	}
	return 0;
}

int ls_gather(struct ls *l)
{
	int status;

	l->count = 0;
	l->ports = 28232; /* of a Trivet stack, by default */
	status = l->kernel ? gather_kernel(l) : gather_stacks(l);
	if (l->short_of_memory) {
		complain(&l->common, "out of memory: the list is not whole");
		return EXIT_FAILED;
	}
	return status;
}
