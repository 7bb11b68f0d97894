/*
 * probe.c - what is known about this machine, and what works here.
 *
 * The facts are read from files and believed only as far as they explain a failure; whether something
 * works is found out by doing it, in a child process, because a kernel may allow a step and take it
 * back in the next one. The child writes its findings into a page that it shares with us.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host/host.h"

/* ------------------------------------------------------------------------------------------ */
/* Facts                                                                                       */

static long read_number(const char *name)
{
	char text[64], *end;
	long value;

	if (host_sysctl_read(name, text, sizeof text) < 0)
		return -1;
	value = strtol(text, &end, 10);
	return end == text ? -1 : value;
}

/* What stands behind `key` at the start of a line; false: no such file or line. */
static bool read_line(const char *path, const char *key, char *value, size_t cap)
{
	char line[512];
	bool found = false;
	FILE *file = fopen(path, "re");

	while (file && !found && fgets(line, sizeof line, file)) {
		if (strncmp(line, key, strlen(key)) != 0)
			continue;
		snprintf(value, cap, "%s", line + strlen(key) + strspn(line + strlen(key), " \t\""));
		value[strcspn(value, "\"\n")] = 0;
		found = true;
	}
	if (file)
		fclose(file);
	return found;
}

static bool in_container(void)
{
	char line[512];

	/* What the container engines leave behind; none of it is certain, all of it is usual. */
	return access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0 || getenv("container") ||
	       getenv("KUBERNETES_SERVICE_HOST") ||
	       (read_line("/proc/1/cgroup", "", line, sizeof line) &&
	        (strstr(line, "docker") || strstr(line, "kubepods") || strstr(line, "lxc")));
}

static enum host_system which_system(void)
{
	static const struct {
		const char *id;
		enum host_system system;
	} KNOWN[] = {
		{ "ubuntu", HOST_UBUNTU }, { "debian", HOST_DEBIAN }, { "fedora", HOST_FEDORA },
		{ "rhel", HOST_FEDORA }, { "arch", HOST_ARCH },
	};
	char id[128] = "", like[128] = "";

	(void)read_line("/etc/os-release", "ID=", id, sizeof id);
	(void)read_line("/etc/os-release", "ID_LIKE=", like, sizeof like);
	for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
		if (strcmp(id, KNOWN[i].id) == 0)
			return KNOWN[i].system;
	for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
		if (strstr(like, KNOWN[i].id))
			return KNOWN[i].system;
	return HOST_OTHER;
}

/* Whom the initial user namespace (or as much as we see of it) knows us as: the owner that a device
 * must have so that we may use it. */
static uid_t outer_uid(bool *nested)
{
	unsigned long inside = 0, outside = 0, count = 0;
	FILE *file = fopen("/proc/self/uid_map", "re");
	bool read = file && fscanf(file, "%lu %lu %lu", &inside, &outside, &count) == 3;

	if (file)
		fclose(file);
	*nested = read && (inside != 0 || outside != 0 || count != UINT32_MAX);
	if (*nested && getuid() >= inside && getuid() - inside < count)
		return (uid_t)(getuid() - inside + outside);
	return getuid();
}

/* A name that goes into a command line for people to copy: nothing but what a login name has. */
static void user_name(uid_t uid, char out[33])
{
	const struct passwd *p = getpwuid(uid);
	const char *name = p ? p->pw_name : "";
	size_t usual = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-");

	out[0] = 0;
	if (usual > 32 || name[usual])
		return;
	snprintf(out, 33, "%s", name);
}

void host_facts(struct host_facts *f)
{
	char text[128];
	struct stat s;
	bool nested;
	uid_t uid = outer_uid(&nested);

	memset(f, 0, sizeof *f);
	f->root = geteuid() == 0 && !nested;
	if (read_line("/proc/self/status", "CapEff:", text, sizeof text))
		f->net_admin = strtoull(text, NULL, 16) >> CAP_NET_ADMIN & 1;
	f->seccomp = read_line("/proc/self/status", "Seccomp:", text, sizeof text) ? atoi(text) : -1;
	f->container = in_container();
	f->system = which_system();
	f->apparmor_userns = (int)read_number("kernel/apparmor_restrict_unprivileged_userns");
	f->userns_clone = (int)read_number("kernel/unprivileged_userns_clone");
	f->max_user_namespaces = read_number("user/max_user_namespaces");
	f->max_net_namespaces = read_number("user/max_net_namespaces");
	f->tun_node = stat("/dev/net/tun", &s) == 0 ? (int)(s.st_mode & 07777) : -1;
	user_name(uid, f->user);
}

/* ------------------------------------------------------------------------------------------ */
/* Doing                                                                                       */

static struct host_obstacle obstacle(enum host_step step, int err)
{
	return (struct host_obstacle){ .step = step, .err = err };
}

static struct host_obstacle try_tun(void)
{
	struct host_obstacle found = { .step = HOST_STEP_NONE };
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	struct ifreq req;

	if (fd < 0)
		return obstacle(HOST_STEP_TUN_NODE, errno);
	memset(&req, 0, sizeof req);
	req.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
	if (ioctl(fd, TUNSETIFF, &req) < 0)
		found = obstacle(HOST_STEP_TUN_ATTACH, errno);
	close(fd);
	return found;
}

static struct host_obstacle try_veth(void)
{
	int err = host_veth_add("probe0", "probe1", 0), fd;

	if (err < 0)
		return obstacle(HOST_STEP_VETH, -err);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return obstacle(HOST_STEP_PACKET, errno);
	close(fd);
	return obstacle(HOST_STEP_NONE, 0);
}

static uint64_t user_namespace(void)
{
	struct stat s;

	return stat("/proc/self/ns/user", &s) == 0 ? (uint64_t)s.st_ino : 0;
}

/* The page that both processes see. */
struct shared {
	struct host_probe probe;
	uint64_t outside;      /* our user namespace */
};

static int probe_inside(void *user)
{
	struct shared *page = user;
	struct host_probe *p = &page->probe;

	p->user_namespace = user_namespace() != page->outside;
	p->tun_why = try_tun();
	p->veth_why = try_veth();
	p->tun = p->tun_why.step == HOST_STEP_NONE;
	p->veth = p->veth_why.step == HOST_STEP_NONE;
	return 0;
}

void host_probe(struct host_probe *probe)
{
	struct shared *page = mmap(NULL, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct host_obstacle at = { .step = HOST_STEP_NONE };

	memset(probe, 0, sizeof *probe);
	if (page == MAP_FAILED) {
		at = obstacle(HOST_STEP_FORK, errno);
	} else {
		page->outside = user_namespace();
		if (host_netns_run(0, probe_inside, page, &at) == 0)
			*probe = page->probe;
		munmap(page, sizeof *page);
	}
	probe->namespaces = at.step == HOST_STEP_NONE;
	probe->namespaces_why = at;
	if (!probe->namespaces) {
		probe->tun_why = at;
		probe->veth_why = at;
	}
}
