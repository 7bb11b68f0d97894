/*
 * test_posix_control.c - the control socket: what it tells, whom it believes, and that no reader can
 * hold up the stack or shut out others.
 */
#include "lab.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "posix/control_folder.h"

/* ------------------------------------------------------------------------------------------ */
/* A folder, a stack with everything in it, a thread that serves                                */

static char folder[64];

static int make_folder(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/trivet-test-XXXXXX");
	return mkdtemp(folder) == NULL || setenv("XDG_RUNTIME_DIR", folder, 1) != 0;
}

static int remove_folder(void **state)
{
	char path[128];

	(void)state;
	snprintf(path, sizeof path, "%s/trivet", folder);
	return (rmdir(path) != 0 && errno != ENOENT) || rmdir(folder) != 0;
}

static struct lab *crowd(unsigned connections)
{
	struct tv_config g;
	struct lab *l;

	lab_config(&g);
	g.connections = g.time_waits = g.half_opens = 1000;
	l = lab_new(&g, false);
	for (unsigned i = 0; i < connections; i++, l->peer_port++)
		lab_passive(l);
	return l;
}

struct server {
	struct control *control;
	tv_time now;
	int stop[2];
	pthread_t thread;
};

static void *serve(void *user)
{
	struct server *s = user;
	struct pollfd p[] = {{.fd = control_fd(s->control), .events = POLLIN}, {.fd = s->stop[0], .events = POLLIN}};

	while (poll(p, 2, -1) > 0 && !p[1].revents)
		control_serve(s->control, s->now);
	return NULL;
}

static void server_start(struct server *s, struct lab *l)
{
	char why[CONTROL_WHY];

	s->control = control_open(l->s, "test", why);
	s->now = l->now;
	assert_non_null(s->control);
	assert_int_equal(pipe(s->stop), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void server_end(struct server *s)
{
	assert_int_equal(write(s->stop[1], "x", 1), 1);
	pthread_join(s->thread, NULL);
	close(s->stop[0]);
	close(s->stop[1]);
	control_close(s->control);
}

struct seen {
	unsigned states[TV_STATE_COUNT], all, user;
	pid_t pid;
	char name[CONTROL_NAME];
};

static void count(void *user, const struct control_stack *stack, tv_time now, tv_handle handle,
	const struct tv_info *info)
{
	struct seen *s = user;

	(void)now;
	(void)handle;
	s->states[info->state]++;
	s->all++;
	s->user += info->user != 0;
	s->pid = stack->pid;
	memcpy(s->name, stack->name, sizeof s->name);
}

/* ------------------------------------------------------------------------------------------ */
/* What is told                                                                                */

static void test_control_tells_every_record(void **state)
{
	struct control_list list;
	struct seen seen = {.all = 0};
	struct server server;
	struct lab *l = crowd(200);

	(void)state;
	lab_state(l, TV_TIME_WAIT);
	tv_release(l->s, l->now, l->conn);
	l->port = 80;
	l->peer_port = 50000;
	SAY(l, .flags = TV_SYN); /* half-open */
	server_start(&server, l);
	assert_int_equal(control_read(count, &seen, &list), 1);
	assert_int_equal(list.stacks, 1);
	assert_int_equal(list.refused + list.failed + list.stale, 0);
	assert_string_equal(list.why, "");
	assert_int_equal(seen.states[TV_ESTABLISHED], 200);
	assert_int_equal(seen.states[TV_SYN_RECEIVED], 1);
	assert_int_equal(seen.states[TV_TIME_WAIT], 1);
	assert_int_equal(seen.states[TV_LISTEN], lab_counters(l).listeners);
	assert_int_equal(seen.user, 0); /* pointers of the program are not told */
	assert_int_equal(seen.pid, getpid());
	assert_string_equal(seen.name, "test");
	server_end(&server);
	assert_int_equal(control_read(count, &seen, &list), 0);
	lab_free(l);
}

static int connect_first(void)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	static unsigned next; /* control sockets are numbered through a process */

	for (; next < 1000; next++) {
		snprintf(at.sun_path, sizeof at.sun_path, "%s/trivet/test-%ld-%u", folder, (long)getpid(), next);
		if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
			return fd;
	}
	fail_msg("there is no socket");
	return -1;
}

/* Takes all that is there; the records so far. */
static size_t drain(int fd, uint8_t *to, size_t at, size_t room, bool *over)
{
	for (;;) {
		ssize_t n = recv(fd, to + at, room - at, 0);

		*over = n == 0;
		if (n <= 0)
			return at;
		at += (size_t)n;
	}
}

/* Between two pieces of work connections end and others begin: who was there all the time is told once. */
static void test_control_survives_changes_between_pieces(void **state)
{
	static uint8_t got[sizeof(struct control_head) + 1000 * sizeof(struct control_record)];
	static tv_handle kept[400];
	struct control_record r;
	char why[CONTROL_WHY];
	struct lab *l = crowd(0);
	struct control *c = control_open(l->s, "test", why);
	unsigned told[400] = {0}, pieces = 0;
	size_t at = 0;
	bool over = false;
	int fd;

	(void)state;
	assert_non_null(c);
	for (unsigned i = 0; i < 400; i++, l->peer_port++) {
		lab_passive(l);
		kept[i] = l->conn;
	}
	fd = connect_first();
	for (; !over && pieces < 100; pieces++) {
		unsigned gone = 399 - pieces * 3; /* those from the end go, new ones take their places */

		control_serve(c, l->now);
		at = drain(fd, got, at, sizeof got, &over);
		if (pieces < 20) {
			tv_abort(l->s, l->now, kept[gone]);
			tv_release(l->s, l->now, kept[gone]);
			lab_hear(l);
			lab_passive(l);
			l->peer_port++;
		}
	}
	assert_true(over && pieces > 400 / 64 && pieces < 30);
	for (size_t p = sizeof(struct control_head); p < at; p += sizeof r) {
		memcpy(&r, got + p, sizeof r);
		for (unsigned i = 0; i < 400 && !r.end; i++)
			told[i] += r.handle == kept[i];
	}
	assert_true(r.end);
	for (unsigned i = 0; i < 400; i++)
		assert_in_range(told[i], i > 399 - 20 * 3 && (399 - i) % 3 == 0 ? 0 : 1, 1);
	close(fd);
	control_close(c);
	lab_free(l);
}

/* ------------------------------------------------------------------------------------------ */
/* Whom it bears                                                                               */

/* Readers that never read take no time, and the fifth one has the place of the oldest. */
static void test_control_reader_that_never_reads_gives_way(void **state)
{
	struct lab *l = crowd(900);
	char why[CONTROL_WHY], byte;
	struct control *c = control_open(l->s, "test", why);
	int fd[6];

	(void)state;
	assert_non_null(c);
	for (unsigned i = 0; i < 6; i++) {
		struct pollfd p = {.fd = control_fd(c), .events = POLLIN};

		fd[i] = connect_first();
		for (unsigned k = 0; k < 100 && poll(&p, 1, 0) == 1; k++)
			control_serve(c, l->now);
		assert_int_equal(poll(&p, 1, 0), 0); /* all that can be written is written: nothing to do */
	}
	for (unsigned i = 0; i < 6; i++) {
		ssize_t n;

		do
			n = recv(fd[i], &byte, 1, 0);
		while (n == 1);
		/* The oldest were hung up on; the others' end is still to come. */
		assert_int_equal(n == 0, i < 2);
		close(fd[i]);
	}
	control_close(c);
	lab_free(l);
}

static void make_socket(const char *name, char path[CONTROL_PATH], int *fd)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	snprintf(path, CONTROL_PATH, "%s/trivet", folder);
	assert_true(mkdir(path, 0700) == 0 || errno == EEXIST);
	snprintf(path, CONTROL_PATH, "%s/trivet/%s", folder, name);
	memcpy(at.sun_path, path, sizeof at.sun_path);
	*fd = socket(AF_UNIX, SOCK_STREAM, 0);
	assert_int_equal(bind(*fd, (struct sockaddr *)&at, sizeof at), 0);
}

static void test_control_stale_socket_is_removed(void **state)
{
	struct control_list list;
	struct seen seen = {.all = 0};
	char path[CONTROL_PATH];
	int fd;

	(void)state;
	make_socket("serve-1-0", path, &fd);
	close(fd);
	assert_int_equal(control_read(count, &seen, &list), 0);
	assert_true(list.stale >= 1); /* the folder in /tmp is read as well */
	assert_int_equal(access(path, F_OK), -1);
}

struct liar {
	int fd;
	const void *says;
	size_t len;
};

static void *lie(void *user)
{
	const struct liar *l = user;
	int fd = accept(l->fd, NULL, NULL);

	send(fd, l->says, l->len, MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

/* What says something else than a stack does is named, and nothing of it is believed. */
static void test_control_answer_that_is_none_is_refused(void **state)
{
	struct control_head good = {.head_bytes = sizeof good, .record_bytes = sizeof(struct control_record),
		.info_bytes = sizeof(struct tv_info), .pid = 1, .name = "test"}, other;
	uint8_t bad_state[sizeof good + sizeof(struct control_record)];
	uint8_t bad_flag[sizeof bad_state];
	struct control_record r = {.info.state = (enum tv_state)99};
	const struct {
		const void *says;
		size_t len;
		const char *why;
	} rows[] = {
		{"", 0, "does not answer"},
		{"GET / HTTP/1.0\r\n", 16, "does not answer"},
		{&other, sizeof other, "another version"},
		{&good, sizeof good, "in the middle"},
		{bad_flag, sizeof bad_flag, "what no stack can"},
		{bad_state, sizeof bad_state, "what no stack can"},
	};

	(void)state;
	memcpy(good.magic, CONTROL_MAGIC, sizeof good.magic);
	other = good;
	other.info_bytes += 8;
	memcpy(bad_state, &good, sizeof good);
	memcpy(bad_state + sizeof good, &r, sizeof r);
	r.info.state = TV_ESTABLISHED;
	memcpy(bad_flag, &good, sizeof good);
	memcpy(bad_flag + sizeof good, &r, sizeof r);
	bad_flag[sizeof good + offsetof(struct control_record, info.sack)] = 2; /* neither true nor false */
	for (unsigned i = 0; i < COUNT(rows); i++) {
		struct liar liar = {.says = rows[i].says, .len = rows[i].len};
		struct control_list list;
		struct seen seen = {.all = 0};
		char path[CONTROL_PATH];
		pthread_t thread;

		make_socket("liar-1-0", path, &liar.fd);
		assert_int_equal(listen(liar.fd, 1), 0);
		assert_int_equal(pthread_create(&thread, NULL, lie, &liar), 0);
		assert_int_equal(control_read(count, &seen, &list), 0);
		pthread_join(thread, NULL);
		assert_int_equal(list.failed, 1);
		assert_int_equal(seen.all, 0);
		assert_non_null(strstr(list.why, rows[i].why));
		close(liar.fd);
		unlink(path);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* The folder                                                                                  */

static void test_control_folder_of_others_is_refused(void **state)
{
	char path[CONTROL_PATH], why[CONTROL_WHY], target[80];

	(void)state;
	assert_int_equal(control_folder(0, true, path, why), 0);
	assert_int_equal(chmod(path, 0755), 0);
	assert_int_equal(control_folder(0, true, path, why), -EPERM);
	assert_non_null(strstr(why, "chmod 700"));
	assert_int_equal(rmdir(path), 0);
	snprintf(target, sizeof target, "%s/elsewhere", folder);
	assert_int_equal(mkdir(target, 0700), 0);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(control_folder(0, true, path, why), -EPERM);
	assert_non_null(strstr(why, "not a directory"));
	unlink(path);
	rmdir(target);
	if (geteuid() == 0) { /* only root can give a directory away */
		assert_int_equal(mkdir(path, 0700), 0);
		assert_int_equal(chown(path, 65534, 65534), 0);
		assert_int_equal(control_folder(0, true, path, why), -EPERM);
		assert_non_null(strstr(why, "belongs to another user"));
		rmdir(path);
	}
	setenv("XDG_RUNTIME_DIR", "/nonexistent", 1);
	assert_int_equal(control_folder(0, true, path, why), -ENOENT); /* then the other one is taken */
	setenv("XDG_RUNTIME_DIR", folder, 1);
}

int main(void)
{
#define TEST(t) cmocka_unit_test_setup_teardown(t, make_folder, remove_folder)
	const struct CMUnitTest tests[] = {
		TEST(test_control_tells_every_record),
		TEST(test_control_survives_changes_between_pieces),
		TEST(test_control_reader_that_never_reads_gives_way),
		TEST(test_control_stale_socket_is_removed),
		TEST(test_control_answer_that_is_none_is_refused),
		TEST(test_control_folder_of_others_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
