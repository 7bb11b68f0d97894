/*
 * drop.c - gives up all rights, and looks whether they are gone.
 *
 * The order matters: the bounding set and the groups can only be changed while the rights are there;
 * the user changes last, which takes the capabilities along, but only for a process that was root, so
 * they are cleared as well. What the kernel says afterwards is believed, not what the calls returned.
 */
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/host.h"

#define NOBODY 65534u

static int failed(char why[128], const char *what)
{
	int err = errno ? errno : EPERM;

	snprintf(why, 128, "%s: %s", what, strerror(err));
	return -err;
}

/* A user or group number from the environment; 0 (root) and nonsense are none. */
static bool read_id(const char *name, uint32_t *id)
{
	const char *text = getenv(name);
	char *end;
	unsigned long n;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	n = strtoul(text, &end, 10);
	if (errno || *end || n == 0 || n >= UINT32_MAX)
		return false;
	*id = (uint32_t)n;
	return true;
}

static void choose(uid_t *uid, gid_t *gid)
{
	const struct passwd *nobody;

	if (read_id("SUDO_UID", uid) && read_id("SUDO_GID", gid))
		return;
	nobody = getpwnam("nobody");
	*uid = nobody && nobody->pw_uid ? nobody->pw_uid : NOBODY;
	*gid = nobody && nobody->pw_gid ? nobody->pw_gid : NOBODY;
}

/* Does this user namespace know the number? */
static bool is_mapped(const char *map, uint32_t id)
{
	FILE *f = fopen(map, "re");
	unsigned long from, outside, count;
	bool found = false;

	if (!f)
		return true; /* a kernel without user namespaces */
	while (!found && fscanf(f, "%lu %lu %lu", &from, &outside, &count) == 3)
		found = id >= from && id - from < count;
	fclose(f);
	return found;
}

static int drop_bounding_set(void)
{
	for (unsigned long cap = 0; cap < 64; cap++)
		/* EINVAL: this kernel has no more; EPERM: without CAP_SETPCAP, and then nothing needs dropping. */
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL && errno != EPERM)
			return -1;
	return 0;
}

static int set_capabilities(struct __user_cap_data_struct data[2], bool read)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};

	return (int)syscall(read ? SYS_capget : SYS_capset, &header, data);
}

static int become(uid_t uid, gid_t gid, char why[128])
{
	uid_t r, e, s;

	if (setgroups(0, NULL) < 0)
		return failed(why, "the groups cannot be given up");
	if (setresgid(gid, gid, gid) < 0)
		return failed(why, "the group cannot be changed");
	if (setresuid(uid, uid, uid) < 0)
		return failed(why, "the user cannot be changed");
	if (getresuid(&r, &e, &s) < 0 || r != uid || e != uid || s != uid || setuid(0) == 0) {
		errno = EPERM;
		return failed(why, "the user was not changed");
	}
	return 0;
}

int host_drop(char why[128])
{
	struct __user_cap_data_struct data[2];
	uid_t uid;
	gid_t gid;
	int err;

	why[0] = 0;
	choose(&uid, &gid);
	if (drop_bounding_set() < 0)
		return failed(why, "the bounding set cannot be changed");
	if (geteuid() == 0 && is_mapped("/proc/self/uid_map", uid) && is_mapped("/proc/self/gid_map", gid)) {
		err = become(uid, gid, why);
		if (err)
			return err;
	}
	(void)prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* none before Linux 4.3 */
	memset(data, 0, sizeof data);
	if (set_capabilities(data, false) < 0)
		return failed(why, "capabilities cannot be given up");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return failed(why, "no_new_privs cannot be set");
	if (set_capabilities(data, true) < 0 || data[0].effective || data[0].permitted || data[1].effective ||
		data[1].permitted) {
		errno = EPERM;
		return failed(why, "capabilities are still there");
	}
	return 0;
}
