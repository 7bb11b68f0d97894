/*
 * test_links_run.c - the event loop, on a stack and a link of this test: what it asks for, in which
 * order, and when it does not ask.
 *
 * The stack is a script: it says packets when told to, has a deadline when told to, and notes what it
 * is given. The link is one end of a socket pair, so that poll() is real. Nothing here waits: whatever
 * a turn needs is ready before it, or lies in the past.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "links/links.h"
#include "posix/clock.h"
#include "posix/run.h"

/* ------------------------------------------------------------------------------------------ */
/* The stack                                                                                   */

struct tv_stack {
	unsigned links;
	unsigned to_say[2];    /* packets that wait to be put out, for each link */
	unsigned asked[2];     /* calls of tv_output() */
	unsigned given, largest; /* packets given out, in one call */
	unsigned taken, batches;
	uint16_t last_link;
	tv_time last_time;
	unsigned events;       /* that wait */
	tv_time deadline;
	bool gathered;         /* pieces were offered */
	uint32_t cap;
};

static struct tv_stack stack;

int tv_link_add(struct tv_stack *s, tv_time now, const struct tv_link_config *link)
{
	(void)now;
	assert_int_equal(link->size, sizeof *link);
	return s->links == 2 ? TV_EFULL : (int)s->links++;
}

void tv_input(struct tv_stack *s, tv_time now, const struct tv_packet *packets, unsigned n, uint8_t *verdicts)
{
	assert_null(verdicts);
	assert_in_range(n, 1, 32);
	assert_true(now >= s->last_time);
	s->last_time = now;
	s->last_link = packets[0].link;
	s->taken += n;
	s->batches++;
	s->events++;
	/* One answer for each. */
	s->to_say[packets[0].link] += n;
}

unsigned tv_output(struct tv_stack *s, tv_time now, uint32_t link, struct tv_packet *packets, unsigned cap)
{
	unsigned n;

	assert_true(now >= s->last_time && link < s->links);
	s->last_time = now;
	s->asked[link]++;
	n = s->to_say[link] < cap ? s->to_say[link] : cap;
	for (unsigned i = 0; i < n; i++) {
		assert_true(packets[i].cap >= 1500);
		assert_int_equal(packets[i].flags, 0);
		assert_int_equal(packets[i].piece_count, 0);
		s->cap = packets[i].cap;
		s->gathered = packets[i].piece_cap > 0 && packets[i].pieces;
		memset(packets[i].data, 'o', 4);
		packets[i].len = 4;
		packets[i].flags = 77; /* must be gone at the next call */
	}
	s->to_say[link] -= n;
	s->given += n;
	s->largest = n > s->largest ? n : s->largest;
	if (s->deadline <= now)
		s->deadline = TV_NEVER;
	return n;
}

tv_time tv_deadline(const struct tv_stack *s)
{
	return s->to_say[0] + s->to_say[1] ? 0 : s->deadline;
}

bool tv_event(struct tv_stack *s, struct tv_event *event)
{
	if (s->events == 0)
		return false;
	s->events--;
	*event = (struct tv_event){ .user = 5 };
	return true;
}

/* ------------------------------------------------------------------------------------------ */
/* The link                                                                                    */

struct pair {
	struct link link;
	int far;               /* the other end */
	int room;              /* sends before -EAGAIN; -1: no end */
	int rx_error;
	unsigned sends;
	uint8_t buffers[32][64];
};

static int pair_rx(struct link *l, struct tv_packet *packets, unsigned n)
{
	struct pair *p = (struct pair *)l;
	unsigned got = 0;

	if (p->rx_error)
		return p->rx_error;
	while (got < n) {
		ssize_t r = recv(l->fd, p->buffers[got], sizeof p->buffers[got], MSG_DONTWAIT);

		if (r < 0)
			break;
		packets[got] = (struct tv_packet){ .data = p->buffers[got], .len = (uint32_t)r };
		got++;
	}
	return (int)got;
}

static int pair_send(struct link *l, const struct tv_packet *packet)
{
	struct pair *p = (struct pair *)l;

	(void)packet;
	if (p->room == 0)
		return -EAGAIN;
	p->room -= p->room > 0;
	p->sends++;
	return 0;
}

static void pair_close(struct link *l)
{
	close(l->fd);
	close(((struct pair *)l)->far);
}

static const struct link_ops PAIR_OPS = { .rx = pair_rx, .send = pair_send, .close = pair_close };

static void open_pair(struct pair *p)
{
	int fds[2];

	memset(p, 0, sizeof *p);
	assert_int_equal(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds), 0);
	p->far = fds[1];
	p->room = -1;
	p->link = (struct link){ .ops = &PAIR_OPS, .fd = fds[0], .name = "pair0",
		.config = { .size = sizeof p->link.config, .mtu = 1500, .gather = true, .gso_bytes = 65535 } };
}

static void arrive(struct pair *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(send(p->far, "hello", 5, MSG_DONTWAIT), 5);
}

/* ------------------------------------------------------------------------------------------ */

static struct pair first, second;
static struct run *run;
static unsigned events, alarms, readies;

static void on_event(void *user, const struct tv_event *event)
{
	assert_ptr_equal(user, &events);
	assert_int_equal(event->user, 5);
	events++;
}

static void on_alarm(void *user)
{
	(void)user;
	alarms++;
}

static void on_ready(void *user, int fd, short ready)
{
	char c;

	(void)user;
	assert_true(ready & (POLLIN | POLLHUP));
	readies++;
	if (read(fd, &c, 1) == 0)
		run_unwatch(run, fd);
}

static int set_up(void **state)
{
	(void)state;
	memset(&stack, 0, sizeof stack);
	stack.deadline = TV_NEVER;
	events = alarms = readies = 0;
	open_pair(&first);
	open_pair(&second);
	run = run_new(&stack);
	if (!run || run_link(run, &first.link) != 0)
		return -1;
	run_events(run, on_event, &events);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	run_free(run);
	link_close(&first.link);
	link_close(&second.link);
	return 0;
}

/* The past: a turn that finds nothing does not wait. */
#define AT_ONCE 1

static void test_run_input_is_fed_and_answered_in_one_turn(void **state)
{
	struct run_counts c;

	(void)state;
	arrive(&first, 5);
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(stack.taken, 5);
	assert_int_equal(stack.batches, 1);
	assert_int_equal(first.sends, 5);
	assert_int_equal(events, 1);
	assert_true(stack.gathered);
	assert_true(stack.cap >= 1500 && stack.cap < 65535);
	run_counts(run, &c);
	assert_int_equal(c.packets_in, 5);
	assert_int_equal(c.packets_out, 5);
	assert_int_equal(c.turns, 1);
	assert_int_equal(c.polls, 1);
}

static void test_run_output_is_asked_for_until_it_is_short(void **state)
{
	(void)state;
	stack.to_say[0] = 32 * 3;
	assert_int_equal(run_once(run, TV_NEVER), 0);
	assert_int_equal(first.sends, 96);
	assert_int_equal(stack.largest, 32);
	/* Three full ones and the one that said nothing, which the round's end may repeat once. */
	assert_in_range(stack.asked[0], 4, 5);
}

static void test_run_deadline_in_the_past_asks_without_packets(void **state)
{
	(void)state;
	stack.deadline = 1;
	assert_int_equal(run_once(run, TV_NEVER), 0);
	assert_true(stack.asked[0] >= 1);
	assert_int_equal(first.sends, 0);
	assert_true(tv_deadline(&stack) == TV_NEVER);
}

static void test_run_link_without_room_is_asked_for_no_more(void **state)
{
	unsigned asked;

	(void)state;
	stack.to_say[0] = 40;
	first.room = 10;
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_true(first.link.waiting);
	assert_int_equal(stack.given, 32);
	asked = stack.asked[0];
	assert_int_equal(asked, 1);
	/* The socket is writable, so each turn tries; without room nothing changes. */
	first.room = 0;
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(stack.asked[0], asked);
	assert_int_equal(first.sends, 10);
	first.room = -1;
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_false(first.link.waiting);
	assert_int_equal(first.sends, 40);
	assert_int_equal(stack.given, 40);
}

static void test_run_link_without_room_does_not_stop_the_other(void **state)
{
	(void)state;
	assert_int_equal(run_link(run, &second.link), 1);
	first.room = 0;
	stack.to_say[0] = 40;
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_true(first.link.waiting);
	arrive(&second, 3);
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(stack.last_link, 1);
	assert_int_equal(second.sends, 3);
	assert_int_equal(stack.given, 32 + 3);
}

static void test_run_watch_is_called_replaced_and_forgotten(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_false(run_watch(run, -1, POLLIN, on_ready, NULL));
	assert_true(run_watch(run, fds[0], 0, on_ready, NULL));
	assert_int_equal(write(fds[1], "ab", 2), 2);
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(readies, 0); /* not asked for */
	assert_true(run_watch(run, fds[0], POLLIN, on_ready, NULL));
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(readies, 2);
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(readies, 2); /* empty */
	close(fds[1]);
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(readies, 3); /* the end, where it forgets itself */
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(readies, 3);
	run_unwatch(run, fds[0]);
	close(fds[0]);
}

static int many[40][2];

static void forget_all(void *user, int fd, short ready)
{
	(void)user;
	(void)fd;
	(void)ready;
	readies++;
	for (unsigned i = 0; i < 40; i++)
		run_unwatch(run, many[i][0]);
	assert_true(run_watch(run, many[7][0], POLLIN, on_ready, NULL));
}

/* The first of forty that are ready forgets all and watches one anew: no other is called. */
static void test_run_watches_may_change_while_they_are_called(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 40; i++) {
		assert_int_equal(pipe(many[i]), 0);
		assert_int_equal(write(many[i][1], "x", 1), 1);
		assert_true(run_watch(run, many[i][0], POLLIN, forget_all, NULL));
	}
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(readies, 1);
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(readies, 2);
	for (unsigned i = 0; i < 40; i++) {
		close(many[i][0]);
		close(many[i][1]);
	}
}

static void test_run_alarm_rings_once_and_may_be_taken_back(void **state)
{
	(void)state;
	run_alarm(run, 1, on_alarm, NULL);
	assert_int_equal(run_once(run, TV_NEVER), 0);
	assert_int_equal(alarms, 1);
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(alarms, 1);
	run_alarm(run, 1, on_alarm, NULL);
	run_alarm(run, TV_NEVER, NULL, NULL);
	assert_int_equal(run_once(run, AT_ONCE), 0);
	assert_int_equal(alarms, 1);
}

static void stop(void *user)
{
	(void)user;
	alarms++;
	run_stop(run);
}

static void test_run_loop_ends_when_stopped_or_late(void **state)
{
	(void)state;
	run_alarm(run, 1, stop, NULL);
	assert_int_equal(run_loop(run, TV_NEVER), 0);
	assert_int_equal(alarms, 1);
	/* The stop was used up; a limit in the past ends the loop before its first turn. */
	arrive(&first, 1);
	assert_int_equal(run_loop(run, AT_ONCE), 0);
	assert_int_equal(stack.taken, 0);
}

static void test_run_failing_link_ends_the_loop_with_its_name(void **state)
{
	(void)state;
	assert_string_equal(run_error(run), "");
	arrive(&first, 1);
	first.rx_error = -ENODEV;
	assert_int_equal(run_loop(run, TV_NEVER), -ENODEV);
	assert_non_null(strstr(run_error(run), "pair0"));
}

static void test_run_stack_without_room_for_a_link_is_told(void **state)
{
	(void)state;
	assert_int_equal(run_link(run, &second.link), 1);
	assert_int_equal(run_link(run, &second.link), TV_EFULL);
}

static void test_run_clock_never_goes_back(void **state)
{
	tv_time last = 0;
	uint8_t a[32] = { 0 }, b[32] = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		tv_time now = run_now(run);

		assert_true(now >= last && now > 0);
		last = now;
	}
	assert_true(random_secret(a) && random_secret(b));
	assert_memory_not_equal(a, b, sizeof a);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_run_input_is_fed_and_answered_in_one_turn),
		TEST(test_run_output_is_asked_for_until_it_is_short),
		TEST(test_run_deadline_in_the_past_asks_without_packets),
		TEST(test_run_link_without_room_is_asked_for_no_more),
		TEST(test_run_link_without_room_does_not_stop_the_other),
		TEST(test_run_watch_is_called_replaced_and_forgotten),
		TEST(test_run_watches_may_change_while_they_are_called),
		TEST(test_run_alarm_rings_once_and_may_be_taken_back),
		TEST(test_run_loop_ends_when_stopped_or_late),
		TEST(test_run_failing_link_ends_the_loop_with_its_name),
		TEST(test_run_stack_without_room_for_a_link_is_told),
		TEST(test_run_clock_never_goes_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
