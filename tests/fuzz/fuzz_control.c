/*
 * fuzz_control.c - what a control socket says, from the input: the reader of trivet ls, what it finds odd,
 * and the three ways in which it is printed.
 *
 * The first byte chooses: bit 0, the right head comes first and the input is what follows; bit 1, each
 * record has a state and flags such as a stack can have, so that most of the input reaches what prints.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cli/ls.h"
#include "posix/control_folder.h"

#define MUST(condition) ((condition) ? (void)0 : abort())

enum { INPUT_MAX = 16384, ROWS_MAX = 32 };

struct taken {
	struct ls ls;
	struct ls_row rows[ROWS_MAX];
};

static void take(void *user, const struct control_stack *stack, tv_time now, tv_handle handle,
	const struct tv_info *info)
{
	struct taken *t = user;

	(void)handle;
	MUST((unsigned)info->state < TV_STATE_COUNT && strlen(stack->name) < CONTROL_NAME);
	if (t->ls.count < ROWS_MAX && info->state != TV_CLOSED)
		t->rows[t->ls.count++] = ls_row_of(stack, now, info);
}

/* Gives a record what every stack's has. */
static void make_sound(struct control_record *r, const uint8_t *raw)
{
	struct tv_info *i = &r->info;

	r->end = 0;
	i->state = (enum tv_state)(raw[0] % TV_STATE_COUNT);
	i->reason = (enum tv_reason)(raw[1] % TV_REASON_COUNT);
	i->soft_reason = TV_R_NONE;
	i->fastopen = TV_FO_NONE;
	i->active_open = raw[2] & 1;
	i->released = raw[2] & 2;
	i->user_closed = raw[2] & 4;
	i->has_side = raw[2] & 8;
	i->from_cookie = raw[2] & 16;
	i->timestamps = raw[2] & 32;
	i->sack = raw[2] & 64;
	i->window_scale = raw[2] & 128;
	i->flood.on = raw[3] & 1;
}

static void say_records(int fd, const uint8_t *p, size_t n)
{
	struct control_record r;

	while (n > 4) {
		size_t len = n < sizeof r ? n : sizeof r;

		memset(&r, 0, sizeof r);
		memcpy(&r, p, len);
		make_sound(&r, p);
		MUST(send(fd, &r, sizeof r, 0) == (ssize_t)sizeof r);
		p += len;
		n -= len;
	}
	memset(&r, 0, sizeof r);
	r.end = 1;
	MUST(send(fd, &r, sizeof r, 0) == (ssize_t)sizeof r);
}

static void say(int fd, const uint8_t *p, size_t n)
{
	struct control_head head = {.head_bytes = sizeof head, .record_bytes = sizeof(struct control_record),
		.info_bytes = sizeof(struct tv_info), .pid = 1};
	size_t name = n - 1 < sizeof head.name ? n - 1 : sizeof head.name;

	memcpy(head.magic, CONTROL_MAGIC, sizeof head.magic);
	if (p[0] & 1) {
		memcpy(head.name, p + 1, name);
		MUST(send(fd, &head, sizeof head, 0) == (ssize_t)sizeof head);
	}
	if (p[0] & 2)
		say_records(fd, p + 1, n - 1);
	else
		MUST(send(fd, p + 1, n - 1, 0) == (ssize_t)(n - 1));
}

static void print(struct taken *t, FILE *out)
{
	static struct ls_odd odd[LS_ODD_MAX];
	unsigned n;
	json_t *o;

	t->ls.rows = t->rows;
	t->ls.room = ROWS_MAX;
	t->ls.ports = 28232;
	n = ls_odd(&t->ls, odd);
	ls_print(&t->ls, odd, n, out);
	ls_print_ss(&t->ls, out);
	o = ls_json(&t->ls, odd, n);
	MUST(o != NULL && json_dumpf(o, out, JSON_COMPACT) == 0);
	json_decref(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static char text[1 << 17];
	struct control_stack stack = {.pid = 1};
	struct taken taken = {.ls = {.all = true}};
	FILE *out;
	int fd[2];

	if (n < 1 || n > INPUT_MAX)
		return 0;
	MUST(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
	say(fd[0], p, n);
	shutdown(fd[0], SHUT_WR);
	(void)control_answer(fd[1], &stack, take, &taken);
	close(fd[0]);
	close(fd[1]);
	if (taken.ls.count == 0)
		return 0;
	memset(text, 0, sizeof text);
	out = fmemopen(text, sizeof text - 1, "w");
	MUST(out != NULL);
	print(&taken, out);
	fclose(out);
	for (const char *c = text; *c; c++)
		MUST(*c == '\n' || *c >= 0x20);
	return 0;
}
