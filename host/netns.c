/*
 * netns.c - network namespaces of our own.
 *
 * A process that has entered a namespace cannot come back, so the work is done in a child: it enters,
 * says through a pipe whether that went well and where not, runs the caller's function and ends with
 * its result. The pipe is the only thing that both share.
 *
 * Without CAP_SYS_ADMIN a network namespace needs a user namespace around it, in which we are root and
 * have every right over the network inside. The two are made by two calls, so that the step that failed
 * is known. On some systems (Ubuntu's AppArmor) both succeed and the rights are missing all the same:
 * the first use of them, bringing loopback up, is part of entering.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "host/host.h"

static int stopped_at(struct host_obstacle *at, enum host_step step, int err)
{
	at->step = step;
	at->err = -err;
	return err;
}

/* ------------------------------------------------------------------------------------------ */
/* Entering                                                                                    */

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t w;
	int err;

	if (fd < 0)
		return -errno;
	w = write(fd, text, strlen(text));
	err = w < 0 ? -errno : 0;
	close(fd);
	return err;
}

/* Root inside is whom we were outside; nobody else exists there. */
static int map_ids(uid_t uid, gid_t gid)
{
	char text[64];
	int err;

	/* Since Linux 3.19 a group map needs this first; before there is no such file. */
	err = write_file("/proc/self/setgroups", "deny");
	if (err < 0 && err != -ENOENT)
		return err;
	snprintf(text, sizeof text, "0 %lu 1\n", (unsigned long)uid);
	err = write_file("/proc/self/uid_map", text);
	if (err < 0)
		return err;
	snprintf(text, sizeof text, "0 %lu 1\n", (unsigned long)gid);
	return write_file("/proc/self/gid_map", text);
}

static int enter_user(struct host_obstacle *at)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int err;

	if (unshare(CLONE_NEWUSER) < 0)
		return stopped_at(at, HOST_STEP_UNSHARE_USER, -errno);
	err = map_ids(uid, gid);
	if (err < 0)
		return stopped_at(at, HOST_STEP_MAP, err);
	if (unshare(CLONE_NEWNET) < 0)
		return stopped_at(at, HOST_STEP_UNSHARE_NET, -errno);
	return 0;
}

int host_netns_enter(unsigned flags, struct host_obstacle *at)
{
	int err = 0;

	*at = (struct host_obstacle){ .step = HOST_STEP_NONE };
	if ((flags & HOST_NS_NEW_USER) || unshare(CLONE_NEWNET) < 0) {
		if (!(flags & HOST_NS_NEW_USER) && errno != EPERM)
			return stopped_at(at, HOST_STEP_UNSHARE_NET, -errno);
		err = enter_user(at);
	}
	if (err < 0)
		return err;
	err = host_link_up("lo", true);
	return err < 0 ? stopped_at(at, HOST_STEP_LINK_UP, err) : 0;
}

/* ------------------------------------------------------------------------------------------ */
/* The child                                                                                   */

static void child(unsigned flags, int (*fn)(void *user), void *user, int pipe_fd, pid_t parent)
{
	struct host_obstacle at;
	int err, result;

	err = host_netns_enter(flags, &at);
	/* After entering: gaining rights clears it. */
	if (err == 0 && (prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent))
		_exit(1);
	if (write(pipe_fd, &at, sizeof at) != (ssize_t)sizeof at || err < 0)
		_exit(1);
	close(pipe_fd);
	result = fn(user);
	fflush(NULL);
	_exit(result & 255);
}

static int wait_for(pid_t pid, int *status)
{
	while (waitpid(pid, status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

pid_t host_netns_spawn(unsigned flags, int (*fn)(void *user), void *user, struct host_obstacle *at)
{
	pid_t parent = getpid(), pid;
	int fds[2], status;
	ssize_t n;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return stopped_at(at, HOST_STEP_FORK, -errno);
	fflush(NULL); /* or the child would print it again */
	pid = fork();
	if (pid == 0) {
		close(fds[0]);
		child(flags, fn, user, fds[1], parent);
	}
	close(fds[1]);
	if (pid < 0) {
		close(fds[0]);
		return stopped_at(at, HOST_STEP_FORK, -EAGAIN);
	}
	do
		n = read(fds[0], at, sizeof *at);
	while (n < 0 && errno == EINTR);
	close(fds[0]);
	if (n == (ssize_t)sizeof *at && at->step == HOST_STEP_NONE)
		return pid;
	(void)wait_for(pid, &status);
	if (n != (ssize_t)sizeof *at)
		return stopped_at(at, HOST_STEP_FORK, -ECHILD);
	return -at->err;
}

int host_netns_run(unsigned flags, int (*fn)(void *user), void *user, struct host_obstacle *at)
{
	pid_t pid = host_netns_spawn(flags, fn, user, at);
	int status, err;

	if (pid < 0)
		return (int)pid;
	err = wait_for(pid, &status);
	if (err == 0 && WIFEXITED(status))
		return WEXITSTATUS(status);
	return stopped_at(at, HOST_STEP_FORK, -ECHILD);
}

/* ------------------------------------------------------------------------------------------ */
/* Joining                                                                                     */

static int join_one(pid_t pid, const char *kind, int type)
{
	char path[64], own[64];
	struct stat a, b;
	int fd, err = 0;

	snprintf(path, sizeof path, "/proc/%ld/ns/%s", (long)pid, kind);
	snprintf(own, sizeof own, "/proc/self/ns/%s", kind);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	/* Joining the user namespace that one is in is an error. */
	if (fstat(fd, &a) == 0 && stat(own, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino) {
		close(fd);
		return 0;
	}
	if (setns(fd, type) < 0)
		err = -errno;
	close(fd);
	return err;
}

int host_netns_join(pid_t pid)
{
	int err = join_one(pid, "user", CLONE_NEWUSER);

	return err < 0 ? err : join_one(pid, "net", CLONE_NEWNET);
}
