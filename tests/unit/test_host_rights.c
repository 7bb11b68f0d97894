/*
 * test_host_rights.c - which sentence and which command belong to which obstacle.
 *
 * Most of these machines cannot be had at will: the table stands for them. Each row gives the step, its
 * errno and what is known, and says which words the answer must contain.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "host/host.h"

/* An ordinary user on a machine where nothing is forbidden; rows change what differs. */
#define MACHINE                                                                                     \
	.seccomp = 0, .apparmor_userns = -1, .userns_clone = -1, .max_user_namespaces = 60000,      \
	.max_net_namespaces = 60000, .tun_node = 0666, .user = "ada"
#define NOTHING ""

struct row {
	const char *name;
	struct host_obstacle obstacle;
	struct host_facts facts;
	const char *why;       /* is contained */
	const char *command;   /* is contained; "" means that there is none */
	bool veth, root;
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverride-init"
#ifdef __clang__
#pragma clang diagnostic ignored "-Winitializer-overrides"
#endif
static const struct row ROWS[] = {
	{ "ubuntu 24.04: unshare succeeds, the map is refused", { HOST_STEP_MAP, EPERM },
	  { MACHINE, .system = HOST_UBUNTU, .apparmor_userns = 1 },
	  "AppArmor", "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0", false, true },
	{ "ubuntu 24.04: the map is taken, the rights are missing", { HOST_STEP_LINK_UP, EPERM },
	  { MACHINE, .system = HOST_UBUNTU, .apparmor_userns = 1 },
	  "kernel.apparmor_restrict_unprivileged_userns is 1", "sudo sysctl -w kernel.apparmor_", false, true },
	{ "ubuntu: unshare of the network is refused", { HOST_STEP_UNSHARE_NET, EPERM },
	  { MACHINE, .system = HOST_UBUNTU, .apparmor_userns = 1 }, "AppArmor", "sudo sysctl -w kernel.apparmor_",
	  false, true },
	{ "ubuntu: unshare of the user is refused", { HOST_STEP_UNSHARE_USER, EACCES },
	  { MACHINE, .system = HOST_UBUNTU, .apparmor_userns = 1 }, "AppArmor", "sudo sysctl -w kernel.apparmor_",
	  false, true },
	{ "ubuntu with the restriction off is no AppArmor", { HOST_STEP_MAP, EPERM },
	  { MACHINE, .apparmor_userns = 0 }, "security module", NOTHING, false, true },
	{ "debian 10: switched off for users", { HOST_STEP_UNSHARE_USER, EPERM }, { MACHINE, .userns_clone = 0 },
	  "kernel.unprivileged_userns_clone is 0", "sudo sysctl -w kernel.unprivileged_userns_clone=1", false, true },
	{ "a limit of zero", { HOST_STEP_UNSHARE_USER, ENOSPC }, { MACHINE, .max_user_namespaces = 0 },
	  "user.max_user_namespaces is 0", "sudo sysctl -w user.max_user_namespaces=15000", false, true },
	{ "an ordinary user watches interfaces", { HOST_STEP_CAPTURE, EPERM }, { MACHINE },
	  "capturing packets needs the right CAP_NET_RAW", "sudo setcap cap_net_raw=ep", false, true },
	{ "root without the right watches interfaces", { HOST_STEP_CAPTURE, EPERM }, { MACHINE, .root = true },
	  "capturing packets needs the right CAP_NET_RAW", NOTHING, false, false },
	{ "the switch explains more than the module", { HOST_STEP_UNSHARE_USER, EPERM },
	  { MACHINE, .userns_clone = 0, .apparmor_userns = 1, .container = true },
	  "kernel.unprivileged_userns_clone is 0",
	  "kernel.unprivileged_userns_clone=1", false, true },
	{ "a limit that is reached", { HOST_STEP_UNSHARE_USER, ENOSPC }, { MACHINE, .max_user_namespaces = 20000 },
	  "(20000) is reached", "user.max_user_namespaces=40000", false, true },
	{ "an old kernel's word for the limit", { HOST_STEP_UNSHARE_USER, EUSERS }, { MACHINE,
	  .max_user_namespaces = 3 },
	  "(3) is reached", "user.max_user_namespaces=15000", false, true },
	{ "a kernel without user namespaces", { HOST_STEP_UNSHARE_USER, EINVAL }, { MACHINE }, "CONFIG_USER_NS",
	  NOTHING, false, true },
	{ "docker's filter", { HOST_STEP_UNSHARE_USER, EPERM }, { MACHINE, .container = true, .seccomp = 2 },
	  "seccomp filter", "--security-opt seccomp=unconfined", false, false },
	{ "docker's filter says ENOSYS", { HOST_STEP_UNSHARE_USER, ENOSYS }, { MACHINE, .container = true,
	  .seccomp = 2 },
	  "seccomp filter", "--security-opt seccomp=unconfined", false, false },
	{ "no filter, no right", { HOST_STEP_UNSHARE_USER, EPERM }, { MACHINE, .container = true },
	  "started without the right", "--cap-add SYS_ADMIN", false, false },
	{ "a chroot", { HOST_STEP_UNSHARE_USER, EPERM }, { MACHINE }, "chroot", NOTHING, false, true },
	{ "root in a chroot", { HOST_STEP_UNSHARE_USER, EPERM }, { MACHINE, .root = true }, "chroot", NOTHING, false,
	  false },
	{ "a hidden /proc", { HOST_STEP_MAP, EROFS }, { MACHINE, .container = true }, "/proc", NOTHING, false, true },
	{ "network namespaces off", { HOST_STEP_UNSHARE_NET, ENOSPC }, { MACHINE, .max_net_namespaces = 0 },
	  "user.max_net_namespaces is 0", "user.max_net_namespaces=15000", false, false },
	{ "network namespaces used up", { HOST_STEP_UNSHARE_NET, ENOSPC }, { MACHINE, .max_net_namespaces = 9 },
	  "(9) is reached", "user.max_net_namespaces=15000", false, false },
	{ "a kernel without network namespaces", { HOST_STEP_UNSHARE_NET, EINVAL }, { MACHINE }, "CONFIG_NET_NS",
	  NOTHING, false, false },
	{ "the node is root's", { HOST_STEP_TUN_NODE, EACCES }, { MACHINE, .tun_node = 0600 },
	  "only root may open /dev/net/tun here (mode 0600", "sudo chmod 0666 /dev/net/tun", true, true },
	{ "the node is root's, in a container", { HOST_STEP_TUN_NODE, EACCES }, { MACHINE, .tun_node = 0600,
	  .container = true },
	  "mode 0600", "sudo chmod 0666 /dev/net/tun", true, true },
	{ "no node", { HOST_STEP_TUN_NODE, ENOENT }, { MACHINE, .tun_node = -1 }, "there is no /dev/net/tun",
	  "sudo modprobe tun\nsudo sh -c 'mkdir", true, false },
	{ "no node, as root without sudo", { HOST_STEP_TUN_NODE, ENOENT }, { MACHINE, .root = true, .tun_node = -1 },
	  "there is no /dev/net/tun", "modprobe tun\nsh -c", true, false },
	{ "no node in a container", { HOST_STEP_TUN_NODE, ENOENT }, { MACHINE, .container = true, .tun_node = -1 },
	  "this container has no usable /dev/net/tun", "--device /dev/net/tun", true, false },
	{ "a node that the container may not open", { HOST_STEP_TUN_NODE, EPERM }, { MACHINE, .container = true,
	  .root = true },
	  "this container has no usable /dev/net/tun", "--device /dev/net/tun", true, false },
	{ "a node without a driver", { HOST_STEP_TUN_NODE, ENODEV }, { MACHINE }, "no tun driver",
	  "sudo modprobe tun", true, false },
	{ "a user makes a device", { HOST_STEP_TUN_ATTACH, EPERM }, { MACHINE }, "CAP_NET_ADMIN",
	  "sudo ip tuntap add dev tv7 mode tun user ada\n"
	  "sudo ip addr add 10.1.2.3/24 dev tv7\nsudo ip link set tv7 up", false, true },
	{ "a user without a name makes a device", { HOST_STEP_TUN_ATTACH, EPERM }, { MACHINE, .user = "" },
	  "CAP_NET_ADMIN",
	  "sudo ip tuntap add dev tv7 mode tun user $USER\n", false, true },
	{ "root without the right", { HOST_STEP_TUN_ATTACH, EPERM }, { MACHINE, .root = true, .container = true },
	  "started without the right", "--cap-add NET_ADMIN", false, false },
	{ "a device in use", { HOST_STEP_TUN_ATTACH, EBUSY }, { MACHINE }, "another program uses the TUN device tv7",
	  "fdinfo", false, false },
	{ "a name that is taken by another kind", { HOST_STEP_TUN_ATTACH, EINVAL }, { MACHINE }, "no TUN device",
	  NOTHING, false, false },
	{ "a name too long", { HOST_STEP_TUN_ATTACH, ENAMETOOLONG }, { MACHINE }, "15 characters", NOTHING, false,
	  false },
	{ "no right to set the address", { HOST_STEP_ADDRESS, EPERM }, { MACHINE }, "CAP_NET_ADMIN",
	  "sudo ip addr add 10.1.2.3/24 dev tv7\nsudo ip link set tv7 up", false, true },
	{ "an address that is there", { HOST_STEP_ADDRESS, EEXIST }, { MACHINE },
	  "has the address 10.1.2.3/24 already", NOTHING, false, false },
	{ "no such interface", { HOST_STEP_ADDRESS, ENODEV }, { MACHINE }, "no interface tv7",
	  "sudo ip tuntap add dev tv7", false, false },
	{ "no veth module", { HOST_STEP_VETH, EOPNOTSUPP }, { MACHINE }, "has no veth", "sudo modprobe veth", false,
	  false },
	{ "no packet sockets", { HOST_STEP_PACKET, EAFNOSUPPORT }, { MACHINE }, "has no af_packet",
	  "sudo modprobe af_packet", false, false },
	{ "no right to a packet socket", { HOST_STEP_PACKET, EPERM }, { MACHINE }, "CAP_NET_RAW", NOTHING, false,
	  true },
	{ "no right to a packet socket in a container", { HOST_STEP_PACKET, EPERM }, { MACHINE, .container = true },
	  "this container", "docker run", false, false },
	{ "no sock_diag", { HOST_STEP_SOCKDIAG, ENOENT }, { MACHINE }, "has no tcp_diag", "sudo modprobe tcp_diag",
	  false, false },
	{ "too many processes", { HOST_STEP_FORK, EAGAIN }, { MACHINE }, "limit of this user", "ulimit -u", false,
	  false },
	{ "a child that died", { HOST_STEP_FORK, ECHILD }, { MACHINE }, "child process ended", NOTHING, false, false },
	{ "nothing", { HOST_STEP_NONE, 0 }, { MACHINE }, "no obstacle", NOTHING, false, false },
};
#pragma GCC diagnostic pop

static const struct host_wish WISH = { .device = "tv7", .address = "10.1.2.3/24" };

static void test_rights_interface_without_ipv6_is_no_missing_right(void **state)
{
	static const struct host_wish wish = { .device = "tv7", .address = "fd09::1/64" };
	struct host_obstacle o = { HOST_STEP_ADDRESS, EACCES };
	struct host_facts f = { MACHINE };
	struct host_cure c;

	(void)state;
	host_rights(&o, &f, &wish, &c);
	assert_non_null(strstr(c.why, "IPv6 is switched off"));
	assert_string_equal(c.commands, "sudo sysctl -w net.ipv6.conf.tv7.disable_ipv6=0");
	assert_false(c.try_root);
	o.err = EPERM;
	host_rights(&o, &f, &wish, &c);
	assert_non_null(strstr(c.why, "CAP_NET_ADMIN"));
}

static void test_rights_obstacle_names_cause_and_cure(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
		const struct row *r = &ROWS[i];
		struct host_cure c;
		bool right;

		host_rights(&r->obstacle, &r->facts, &WISH, &c);
		right = strstr(c.why, r->why) && (*r->command ? strstr(c.commands,
			r->command) != NULL : c.commands[0] == 0) &&
			c.try_veth == r->veth && c.try_root == r->root;
		if (!right)
			print_error("%s:\n  why: %s\n  commands: %s\n  veth %d root %d\n", r->name, c.why, c.commands,
				c.try_veth, c.try_root);
		assert_true(right);
	}
}

/* Whatever comes, there is a sentence; it ends without a newline; every command line is whole; a root
 * needs no sudo. */
static void test_rights_any_errno_gives_a_sentence(void **state)
{
	(void)state;
	for (int step = 0; step < HOST_STEP_COUNT; step++) {
		for (int err = 0; err < 134; err++) {
			for (int bits = 0; bits < 16; bits++) {
				struct host_facts f = { MACHINE };
				struct host_obstacle o = { (enum host_step)step, err };
				struct host_cure c;

				f.root = bits & 1;
				f.container = bits & 2;
				f.seccomp = bits & 4 ? 2 : 0;
				f.apparmor_userns = bits & 8 ? 1 : -1;
				memset(&c, 'x', sizeof c);
				host_rights(&o, &f, bits & 1 ? &WISH : NULL, &c);
				assert_true(strnlen(c.why, sizeof c.why) > 10);
				assert_true(strlen(c.why) + 1 < sizeof c.why);
				assert_true(strlen(c.commands) + 1 < sizeof c.commands);
				assert_null(strchr(c.why, '\n'));
				if (f.root) {
					assert_null(strstr(c.commands, "sudo"));
					assert_false(c.try_root);
				}
			}
		}
	}
}

static void test_rights_step_out_of_range_has_a_name(void **state)
{
	(void)state;
	for (int step = 0; step < HOST_STEP_COUNT; step++)
		assert_true(strlen(host_step_name((enum host_step)step)) > 3);
	assert_string_equal(host_step_name(HOST_STEP_COUNT), "an unknown step");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rights_obstacle_names_cause_and_cure),
		cmocka_unit_test(test_rights_interface_without_ipv6_is_no_missing_right),
		cmocka_unit_test(test_rights_any_errno_gives_a_sentence),
		cmocka_unit_test(test_rights_step_out_of_range_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
