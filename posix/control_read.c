/*
 * control_read.c - the side of who asks: finds the sockets of this user's stacks and reads them.
 *
 * Whoever listens there is believed only if the socket belongs to this user and the kernel says that
 * the process behind it does too (SO_PEERCRED). What it says is still checked: lengths, states, the
 * number of records. A socket that nobody listens at is what a killed process left behind: removed.
 */
#include "posix/control_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define RECORDS_MAX (1ull << 28)
#define ANSWER_SECONDS 2

static void refuse(struct control_list *list, unsigned *count, const char *path, const char *why)
{
	(*count)++;
	snprintf(list->why, sizeof list->why, "%s: %s", path, why);
}

static bool take(int fd, void *to, size_t len)
{
	size_t at = 0;

	while (at < len) {
		ssize_t n = recv(fd, (uint8_t *)to + at, len - at, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += (size_t)n;
	}
	return true;
}

/* Are all values such as a stack can have? A bool that is neither true nor false must not even be read. */
static bool is_sound(const struct tv_info *info)
{
	static const size_t bools[] = {offsetof(struct tv_info, active_open),
		offsetof(struct tv_info, released), offsetof(struct tv_info, user_closed),
		offsetof(struct tv_info, has_side), offsetof(struct tv_info, from_cookie),
		offsetof(struct tv_info, timestamps), offsetof(struct tv_info, sack),
		offsetof(struct tv_info, window_scale), offsetof(struct tv_info, flood.on)};

	for (size_t i = 0; i < sizeof bools / sizeof *bools; i++)
		if (((const uint8_t *)info)[bools[i]] > 1)
			return false;
	return (unsigned)info->state < TV_STATE_COUNT && (unsigned)info->reason < TV_REASON_COUNT &&
		(unsigned)info->soft_reason < TV_REASON_COUNT && (unsigned)info->fastopen < TV_FASTOPEN_COUNT;
}

const char *control_answer(int fd, struct control_stack *stack, control_record_fn fn, void *user)
{
	struct control_head head;
	struct control_record r;

	if (!take(fd, &head, sizeof head))
		return "the stack behind it does not answer";
	if (memcmp(head.magic, CONTROL_MAGIC, sizeof head.magic) != 0 || head.head_bytes != sizeof head ||
		head.record_bytes != sizeof r || head.info_bytes != sizeof r.info)
		return "the stack behind it belongs to another version of Trivet";
	head.name[sizeof head.name - 1] = 0;
	for (char *p = head.name; *p; p++)
		if (*p < '-' || *p > 'z')
			*p = '?';
	memcpy(stack->name, head.name, sizeof stack->name);
	for (uint64_t n = 0; n < RECORDS_MAX; n++) {
		if (!take(fd, &r, sizeof r))
			return "the stack behind it ended in the middle of its answer";
		if (r.end)
			return NULL;
		if (!is_sound(&r.info))
			return "the stack behind it tells what no stack can";
		fn(user, stack, r.now, r.handle, &r.info);
	}
	return "the stack behind it does not come to an end";
}

static int connect_to(const char *path)
{
	const struct timeval limit = {.tv_sec = ANSWER_SECONDS};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return -errno;
	memcpy(at.sun_path, path, strlen(path) + 1);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
	if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
		return fd;
	err = errno;
	close(fd);
	return -err;
}

static void read_one(const char *path, control_record_fn fn, void *user, struct control_list *list)
{
	struct control_stack stack = {.pid = 0};
	const char *wrong;
	struct stat s;
	uid_t uid;
	int fd;

	if (lstat(path, &s) < 0 || !S_ISSOCK(s.st_mode))
		return;
	if (s.st_uid != geteuid()) {
		refuse(list, &list->refused, path, "refused, it belongs to another user");
		return;
	}
	fd = connect_to(path);
	if (fd == -ECONNREFUSED) {
		list->stale += unlink(path) == 0;
		return;
	}
	if (fd < 0) {
		if (fd != -ENOENT)
			refuse(list, &list->failed, path, strerror(-fd));
		return;
	}
	snprintf(stack.path, sizeof stack.path, "%s", path);
	if (!control_peer(fd, &uid, &stack.pid) || uid != geteuid()) {
		refuse(list, &list->refused, path, "refused, it leads to another user's process");
	} else {
		wrong = control_answer(fd, &stack, fn, user);
		if (wrong)
			refuse(list, &list->failed, path, wrong);
		else
			list->stacks++;
	}
	close(fd);
}

/* A name that control_open() gives out, and not yet ".new". */
static bool is_ours(const char *name)
{
	return name[0] != '.' && !strchr(name, '.') && strlen(name) < CONTROL_NAME + 16;
}

int control_read(control_record_fn fn, void *user, struct control_list *list)
{
	char folder[CONTROL_PATH], path[CONTROL_PATH + CONTROL_NAME + 24], why[CONTROL_WHY];
	int result = 0;

	memset(list, 0, sizeof *list);
	for (unsigned i = 0; i < CONTROL_FOLDERS; i++) {
		int err = control_folder(i, false, folder, why);
		DIR *d = err == 0 ? opendir(folder) : NULL;
		const struct dirent *e;

		if (!d && err != -ENOENT) {
			result = err ? err : -errno;
			snprintf(list->why, sizeof list->why, "%s", why[0] ? why : folder);
		}
		while (d && (e = readdir(d)) != NULL) {
			if (!is_ours(e->d_name))
				continue;
			snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
			if (strlen(path) < CONTROL_PATH)
				read_one(path, fn, user, list);
		}
		if (d)
			closedir(d);
	}
	return list->stacks ? (int)list->stacks : result;
}
