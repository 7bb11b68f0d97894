/*
 * control_folder.c - the folder of the control sockets.
 *
 * /tmp is everybody's: another user may have made the folder first, or a symbolic link of its name. So
 * nothing is followed, and what is there is used only if it is a directory of this user that nobody
 * else may enter. The sticky bit of /tmp keeps it from being exchanged afterwards.
 */
#include "posix/control_folder.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* $XDG_RUNTIME_DIR, if it is an absolute path of a directory of this user. */
static const char *runtime_folder(void)
{
	const char *path = getenv("XDG_RUNTIME_DIR");
	struct stat s;

	if (!path || path[0] != '/' || stat(path, &s) < 0 || !S_ISDIR(s.st_mode) || s.st_uid != geteuid())
		return NULL;
	return path;
}

static int check(const char *path, char why[CONTROL_WHY])
{
	struct stat s;

	if (lstat(path, &s) < 0) {
		int err = errno;

		snprintf(why, CONTROL_WHY, "%s: %s", path, strerror(err));
		return -err;
	}
	if (!S_ISDIR(s.st_mode))
		snprintf(why, CONTROL_WHY, "%s is not a directory: remove it", path);
	else if (s.st_uid != geteuid())
		snprintf(why, CONTROL_WHY, "%s belongs to another user (%u): set XDG_RUNTIME_DIR to a directory of "
			"your own", path, (unsigned)s.st_uid);
	else if (s.st_mode & 077)
		snprintf(why, CONTROL_WHY, "%s is open to other users: chmod 700 %s", path, path);
	else
		return 0;
	return -EPERM;
}

int control_folder(unsigned n, bool make, char path[CONTROL_PATH], char why[CONTROL_WHY])
{
	const char *runtime = runtime_folder();
	int len;

	path[0] = why[0] = 0;
	if (n == 0 && !runtime)
		return -ENOENT;
	if (n == 0)
		len = snprintf(path, CONTROL_PATH, "%s/trivet", runtime);
	else
		len = snprintf(path, CONTROL_PATH, "/tmp/trivet-%u", (unsigned)geteuid());
	/* A socket's name has to fit behind it. */
	if (len > CONTROL_PATH - CONTROL_NAME - 24) {
		snprintf(why, CONTROL_WHY, "XDG_RUNTIME_DIR is too long for the name of a socket");
		return -ENAMETOOLONG;
	}
	if (make && mkdir(path, 0700) < 0 && errno != EEXIST) {
		int err = errno;

		snprintf(why, CONTROL_WHY, "%s cannot be made: %s", path, strerror(err));
		return -err;
	}
	return check(path, why);
}

bool control_peer(int fd, uid_t *uid, pid_t *pid)
{
	struct ucred who;
	socklen_t len = sizeof who;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return false;
	*uid = who.uid;
	*pid = who.pid;
	return true;
}
