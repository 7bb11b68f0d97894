/*
 * rights.c - from what failed to what to do about it.
 *
 * One pure function: the step, its errno and what is known about the machine go in; a sentence that
 * names the obstacle and the commands that remove it come out. It looks at nothing else, so that what
 * cannot be made to happen on the machine of whoever tests it (AppArmor, containers, other kernels) is
 * tested with tables all the same.
 *
 * The order of the questions matters: a switch that is off explains more than a security module that
 * might be there, and that more than the bare errno. An answer that is only likely says so ("probably").
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "host/host.h"

/* ------------------------------------------------------------------------------------------ */
/* Words                                                                                       */

static const char *const STEP_NAMES[HOST_STEP_COUNT] = {
	[HOST_STEP_NONE] = "nothing",
	[HOST_STEP_FORK] = "starting a child process",
	[HOST_STEP_UNSHARE_USER] = "making a user namespace",
	[HOST_STEP_MAP] = "mapping our user into the new user namespace",
	[HOST_STEP_UNSHARE_NET] = "making a network namespace",
	[HOST_STEP_LINK_UP] = "bringing up an interface in the new network namespace",
	[HOST_STEP_VETH] = "making a veth pair",
	[HOST_STEP_PACKET] = "opening a packet socket",
	[HOST_STEP_TUN_NODE] = "opening /dev/net/tun",
	[HOST_STEP_TUN_ATTACH] = "making or attaching to the TUN device",
	[HOST_STEP_ADDRESS] = "setting the interface's address",
	[HOST_STEP_SOCKDIAG] = "asking the kernel for its sockets",
	[HOST_STEP_CAPTURE] = "capturing packets",
};

const char *host_step_name(enum host_step step)
{
	return (unsigned)step < HOST_STEP_COUNT ? STEP_NAMES[step] : "an unknown step";
}

__attribute__((format(printf, 2, 3))) static void why(struct host_cure *c, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(c->why, sizeof c->why, format, args);
	va_end(args);
}

/* Appends one command line. */
__attribute__((format(printf, 2, 3))) static void command(struct host_cure *c, const char *format, ...)
{
	size_t used = strlen(c->commands);
	va_list args;

	if (used && used + 1 < sizeof c->commands) {
		c->commands[used++] = '\n';
		c->commands[used] = 0;
	}
	va_start(args, format);
	vsnprintf(c->commands + used, sizeof c->commands - used, format, args);
	va_end(args);
}

static bool denied(int err)
{
	return err == EPERM || err == EACCES;
}

/* As root there is no need for sudo, which may not even be installed. */
static const char *sudo(const struct host_facts *f)
{
	return f->root ? "" : "sudo ";
}

/* ------------------------------------------------------------------------------------------ */
/* Namespaces                                                                                  */

static void in_container(const struct host_facts *f, struct host_cure *c, const char *what)
{
	why(c, "this container %s: %s",
		f->seccomp == 2 ? "has a seccomp filter that forbids it" : "was started without the right to do it",
		what);
	command(c, "docker run --cap-add NET_ADMIN --cap-add SYS_ADMIN --security-opt seccomp=unconfined "
		"--security-opt apparmor=unconfined --device /dev/net/tun ...   (podman takes the same options)");
	c->try_root = false;
}

static void by_apparmor(struct host_cure *c, const char *what)
{
	why(c, "AppArmor keeps ordinary users from using the rights of a new user namespace "
		"(kernel.apparmor_restrict_unprivileged_userns is 1, Ubuntu's default since 23.10): %s", what);
	command(c, "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0");
	c->try_root = true;
}

static void no_user_namespace(const struct host_obstacle *o, const struct host_facts *f, struct host_cure *c)
{
	const char *what = host_step_name(o->step);

	c->try_root = !f->root;
	if (f->userns_clone == 0 && denied(o->err)) {
		why(c, "ordinary users may not make user namespaces here (kernel.unprivileged_userns_clone is 0)");
		command(c, "%ssysctl -w kernel.unprivileged_userns_clone=1", sudo(f));
	} else if (f->max_user_namespaces == 0 && (o->err == ENOSPC || o->err == EUSERS || denied(o->err))) {
		why(c, "user namespaces are switched off here (user.max_user_namespaces is 0)");
		command(c, "%ssysctl -w user.max_user_namespaces=15000", sudo(f));
	} else if (o->err == ENOSPC || o->err == EUSERS) {
		why(c, "no further user namespace: the limit user.max_user_namespaces (%ld) is reached, or "
			"32 are nested",
			f->max_user_namespaces);
		command(c, "%ssysctl -w user.max_user_namespaces=%ld", sudo(f),
			f->max_user_namespaces > 7500 ? f->max_user_namespaces * 2 : 15000);
	} else if (o->err == EINVAL || (o->err == ENOSYS && f->seccomp != 2)) {
		why(c, "this kernel was built without user namespaces (CONFIG_USER_NS)");
	} else if (f->apparmor_userns > 0 && denied(o->err) && !f->root) {
		by_apparmor(c, what);
	} else if (f->container || f->seccomp == 2) {
		in_container(f, c, what);
	} else if (o->err == EPERM) {
		why(c, "the kernel forbids user namespaces to this process: probably it runs in a chroot, or a "
			"security module forbids them");
	} else {
		why(c, "%s failed: %s", what, strerror(o->err));
	}
}

/* The namespace is there, its rights are not: the mark of AppArmor's restriction. */
static void no_rights_inside(const struct host_obstacle *o, const struct host_facts *f, struct host_cure *c)
{
	const char *what = host_step_name(o->step);

	c->try_root = !f->root;
	if (denied(o->err) && f->apparmor_userns > 0 && !f->root)
		by_apparmor(c, what);
	else if (o->err == EROFS || o->err == ENOENT)
		why(c, "%s failed: /proc is read-only or hidden, as in some containers", what);
	else if (denied(o->err) && (f->container || f->seccomp == 2))
		in_container(f, c, what);
	else if (denied(o->err))
		why(c, "%s failed: %s; probably a security module takes the new namespace's rights away", what,
			strerror(o->err));
	else
		why(c, "%s failed: %s", what, strerror(o->err));
}

static void no_net_namespace(const struct host_obstacle *o, const struct host_facts *f, struct host_cure *c)
{
	if (o->err == ENOSPC || o->err == EUSERS) {
		c->try_root = false;
		if (f->max_net_namespaces == 0)
			why(c, "network namespaces are switched off here (user.max_net_namespaces is 0)");
		else
			why(c, "no further network namespace: the limit user.max_net_namespaces (%ld) is reached",
				f->max_net_namespaces);
		command(c, "%ssysctl -w user.max_net_namespaces=15000", sudo(f));
	} else if (o->err == EINVAL) {
		why(c, "this kernel was built without network namespaces (CONFIG_NET_NS)");
	} else {
		no_rights_inside(o, f, c);
	}
}

/* ------------------------------------------------------------------------------------------ */
/* Links                                                                                       */

static void no_tun_node(const struct host_obstacle *o, const struct host_facts *f, struct host_cure *c)
{
	const char *s = sudo(f);
	bool absent = o->err == ENOENT || o->err == ENODEV || o->err == ENXIO;

	c->try_veth = true;
	if (o->err == EACCES && !f->root && f->tun_node >= 0 && (f->tun_node & 06) != 06) {
		c->try_root = true;
		why(c, "only root may open /dev/net/tun here (mode %04o; 0666 is usual and safe: making a device takes "
			"a right of its own)", (unsigned)f->tun_node);
		command(c, "%schmod 0666 /dev/net/tun", s);
	} else if ((absent || denied(o->err)) && f->container) {
		why(c, "this container has no usable /dev/net/tun (%s)", strerror(o->err));
		command(c, "docker run --device /dev/net/tun --cap-add NET_ADMIN ...   "
			"(podman takes the same options)");
	} else if (o->err == ENOENT) {
		why(c, "there is no /dev/net/tun: the tun module is not loaded");
		command(c, "%smodprobe tun", s);
		command(c, "%ssh -c 'mkdir -p /dev/net; test -c /dev/net/tun || mknod -m 666 /dev/net/tun c 10 200'",
			s);
	} else if (absent) {
		why(c, "/dev/net/tun is there, but the kernel has no tun driver behind it");
		command(c, "%smodprobe tun", s);
	} else if (denied(o->err)) {
		c->try_root = !f->root;
		why(c, "this process may not open /dev/net/tun (%s): probably a security module forbids it",
			strerror(o->err));
	} else {
		why(c, "opening /dev/net/tun failed: %s", strerror(o->err));
	}
}

/* The lines that make a TUN device for an ordinary user, with its address. */
static void make_tun(const struct host_facts *f, const struct host_wish *w, struct host_cure *c)
{
	const char *name = w && w->device ? w->device : "tv0";
	const char *s = sudo(f);

	if (f->root)
		command(c, "ip tuntap add dev %s mode tun", name);
	else
		command(c, "sudo ip tuntap add dev %s mode tun user %s", name, f->user[0] ? f->user : "$USER");
	command(c, "%sip addr add %s dev %s", s, w && w->address ? w->address : "10.9.0.1/24", name);
	command(c, "%sip link set %s up", s, name);
}

static void no_tun(const struct host_obstacle *o, const struct host_facts *f, const struct host_wish *w,
	struct host_cure *c)
{
	const char *name = w && w->device ? w->device : "tv0";

	if (denied(o->err)) {
		c->try_root = !f->root;
		if (f->root && f->container)
			in_container(f, c, host_step_name(o->step));
		else
			why(c, "no right to make the TUN device %s (CAP_NET_ADMIN), and there is none that belongs to "
				"this user", name);
		if (!f->root || !f->container)
			make_tun(f, w, c);
	} else if (o->err == EBUSY) {
		why(c, "another program uses the TUN device %s: end it, or name another device", name);
		command(c, "%sgrep -l '^iff:.%s$' /proc/[0-9]*/fdinfo/*   (finds the process)", sudo(f), name);
	} else if (o->err == EINVAL) {
		why(c, "%s exists and is no TUN device, or is not a name for one: name another device", name);
	} else if (o->err == ENAMETOOLONG) {
		why(c, "the name of an interface has at most 15 characters");
	} else {
		why(c, "making or attaching to the TUN device %s failed: %s", name, strerror(o->err));
	}
}

static void no_address(const struct host_obstacle *o, const struct host_facts *f, const struct host_wish *w,
	struct host_cure *c)
{
	const char *name = w && w->device ? w->device : "tv0";
	const char *address = w && w->address ? w->address : "10.9.0.1/24";
	const char *s = sudo(f);

	if (o->err == EACCES && strchr(address, ':')) {
		why(c, "%s takes no IPv6 address: IPv6 is switched off on it", name);
		command(c, "%ssysctl -w net.ipv6.conf.%s.disable_ipv6=0", s, name);
	} else if (denied(o->err)) {
		c->try_root = !f->root;
		why(c, "no right to set the address of %s (CAP_NET_ADMIN)", name);
		command(c, "%sip addr add %s dev %s", s, address, name);
		command(c, "%sip link set %s up", s, name);
	} else if (o->err == EEXIST) {
		why(c, "%s has the address %s already", name, address);
	} else if (o->err == ENODEV) {
		why(c, "there is no interface %s", name);
		make_tun(f, w, c);
	} else {
		why(c, "setting the address %s of %s failed: %s", address, name, strerror(o->err));
	}
}

/* A part of the kernel that may be a module nobody loaded. */
static void no_module(const struct host_obstacle *o, const struct host_facts *f, const char *module, const char *right,
	struct host_cure *c)
{
	const char *what = host_step_name(o->step);

	if (o->err == EOPNOTSUPP || o->err == EAFNOSUPPORT || o->err == EPROTONOSUPPORT || o->err == ENOENT) {
		why(c, "%s failed: the kernel has no %s, or its module is not loaded", what, module);
		command(c, "%smodprobe %s", sudo(f), module);
	} else if (denied(o->err) && f->container) {
		in_container(f, c, what);
	} else if (denied(o->err)) {
		c->try_root = !f->root;
		why(c, "%s needs the right %s, which this process has not", what, right);
	} else {
		why(c, "%s failed: %s", what, strerror(o->err));
	}
}

static void no_capture(const struct host_obstacle *o, const struct host_facts *f, struct host_cure *c)
{
	if (!denied(o->err) || f->root) {
		no_module(o, f, "af_packet", "CAP_NET_RAW", c);
		return;
	}
	c->try_root = true;
	why(c, "%s needs the right CAP_NET_RAW, which this process has not", host_step_name(o->step));
	/* For good, for everybody who may run this file. */
	command(c, "sudo setcap cap_net_raw=ep \"$(command -v trivet)\"");
}

/* ------------------------------------------------------------------------------------------ */

static void no_child(const struct host_obstacle *o, struct host_cure *c)
{
	if (o->err == EAGAIN) {
		why(c, "no further process may be started: the limit of this user is reached");
		command(c, "ulimit -u");
	} else if (o->err == ECHILD) {
		why(c, "the child process ended before its work did (killed, or out of memory)");
	} else {
		why(c, "%s failed: %s", host_step_name(o->step), strerror(o->err));
	}
}

void host_rights(const struct host_obstacle *o, const struct host_facts *f, const struct host_wish *w,
	struct host_cure *c)
{
	memset(c, 0, sizeof *c);
	switch (o->step) {
	case HOST_STEP_FORK: no_child(o, c); break;
	case HOST_STEP_UNSHARE_USER: no_user_namespace(o, f, c); break;
	case HOST_STEP_MAP:
	case HOST_STEP_LINK_UP: no_rights_inside(o, f, c); break;
	case HOST_STEP_UNSHARE_NET: no_net_namespace(o, f, c); break;
	case HOST_STEP_VETH: no_module(o, f, "veth", "CAP_NET_ADMIN", c); break;
	case HOST_STEP_PACKET: no_module(o, f, "af_packet", "CAP_NET_RAW", c); break;
	case HOST_STEP_SOCKDIAG: no_module(o, f, "tcp_diag", "CAP_NET_ADMIN", c); break;
	case HOST_STEP_CAPTURE: no_capture(o, f, c); break;
	case HOST_STEP_TUN_NODE: no_tun_node(o, f, c); break;
	case HOST_STEP_TUN_ATTACH: no_tun(o, f, w, c); break;
	case HOST_STEP_ADDRESS: no_address(o, f, w, c); break;
	case HOST_STEP_NONE:
	case HOST_STEP_COUNT: why(c, "there is no obstacle"); break;
	}
}
