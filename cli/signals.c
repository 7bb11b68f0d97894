/*
 * signals.c - signals as a descriptor of the loop.
 */
#include "cli/signals.h"

#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

static void on_signal(void *user, int fd, short ready)
{
	struct signals *s = user;

	(void)fd;
	(void)ready;
	s->came = true;
	run_stop(s->run);
}

int signals_open(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

bool signals_watch(struct signals *s, struct run *run)
{
	s->run = run;
	s->came = false;
	s->fd = signals_open();
	if (s->fd >= 0 && run_watch(run, s->fd, POLLIN, on_signal, s))
		return true;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	return false;
}

void signals_end(struct signals *s)
{
	if (s->fd < 0)
		return;
	run_unwatch(s->run, s->fd);
	close(s->fd);
	s->fd = -1;
}
