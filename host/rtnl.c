/*
 * rtnl.c - interfaces, addresses and routes, by rtnetlink.
 *
 * What `ip link`, `ip addr` and `ip route` do, for the few things that a demo, a test or a server needs
 * to set up a private network, and to say what is there. Everything works in the namespace of the
 * calling process. Nothing is remembered between calls: the kernel is asked each time.
 *
 * Addresses are the library's (IPv4 mapped into 16 bytes); netlink's are 4 or 16 bytes with a family.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/host.h"
#include "host/netlink.h"

#define CHANGE(r) nl_talk(NETLINK_ROUTE, r, NULL, NULL)

/* ------------------------------------------------------------------------------------------ */
/* Addresses                                                                                   */

static const uint8_t MAPPED[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static bool is_v4(const struct tv_addr *a)
{
	return memcmp(a->b, MAPPED, sizeof MAPPED) == 0;
}

static unsigned char family_of(const struct tv_addr *a)
{
	return is_v4(a) ? AF_INET : AF_INET6;
}

static void put_addr(struct nl_request *r, uint16_t type, const struct tv_addr *a)
{
	if (is_v4(a))
		nl_put(r, type, a->b + 12, 4);
	else
		nl_put(r, type, a->b, 16);
}

/* An attribute as an address; false: absent (out is all zero then). */
static bool get_addr(const struct nlmsghdr *h, size_t fixed, uint16_t type, struct tv_addr *out)
{
	size_t len;
	const void *data = nl_find(h, fixed, type, 4, &len);

	memset(out, 0, sizeof *out);
	if (!data || (len != 4 && len != 16))
		return false;
	if (len == 4)
		memcpy(out->b, MAPPED, sizeof MAPPED);
	memcpy(out->b + (16 - len), data, len);
	return true;
}

static bool get_u32(const struct nlmsghdr *h, size_t fixed, uint16_t type, uint32_t *out)
{
	const void *data = nl_find(h, fixed, type, sizeof *out, NULL);

	if (data)
		memcpy(out, data, sizeof *out);
	return data != NULL;
}

static int index_of(const char *name)
{
	unsigned i = if_nametoindex(name);

	return i ? (int)i : -ENODEV;
}

/* ------------------------------------------------------------------------------------------ */
/* Links                                                                                       */

static void read_kind(const struct nlmsghdr *h, struct host_link *link)
{
	size_t bytes, len;
	const void *info = nl_find(h, sizeof(struct ifinfomsg), IFLA_LINKINFO, 0, &bytes);
	const char *kind = info ? nl_find_in(info, bytes, IFLA_INFO_KIND, 1, &len) : NULL;
	const void *data, *owner;

	if (kind)
		snprintf(link->kind, sizeof link->kind, "%.*s", (int)strnlen(kind, len), kind);
	if (!kind || strcmp(link->kind, "tun") != 0)
		return;
	data = nl_find_in(info, bytes, IFLA_INFO_DATA, 0, &len);
	owner = data ? nl_find_in(data, len, IFLA_TUN_OWNER, 4, NULL) : NULL;
	if (owner) {
		uint32_t uid;

		memcpy(&uid, owner, sizeof uid);
		link->owner = (long)uid;
	}
}

static void read_link(void *user, const struct nlmsghdr *h)
{
	struct host_link *link = user;
	struct ifinfomsg i;
	size_t len;
	const void *p;

	if (!h || h->nlmsg_type != RTM_NEWLINK || h->nlmsg_len < sizeof *h + sizeof i)
		return;
	memcpy(&i, (const uint8_t *)h + sizeof *h, sizeof i);
	*link = (struct host_link){ .index = i.ifi_index, .owner = -1 };
	link->up = i.ifi_flags & IFF_UP;
	link->running = i.ifi_flags & IFF_RUNNING;
	p = nl_find(h, sizeof i, IFLA_IFNAME, 1, &len);
	if (p)
		snprintf(link->name, sizeof link->name, "%.*s", (int)strnlen(p, len), (const char *)p);
	p = nl_find(h, sizeof i, IFLA_ADDRESS, 6, &len);
	if (p && len == 6 && i.ifi_type == ARPHRD_ETHER) {
		memcpy(link->mac, p, 6);
		link->has_mac = true;
	}
	(void)get_u32(h, sizeof i, IFLA_MTU, &link->mtu);
	read_kind(h, link);
}

int host_link_read(const char *name, struct host_link *link)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC };
	struct nl_request r;
	int err;

	memset(link, 0, sizeof *link);
	if (strlen(name) >= IFNAMSIZ)
		return -ENODEV;
	nl_start(&r, RTM_GETLINK, 0, &i, sizeof i);
	nl_put_string(&r, IFLA_IFNAME, name);
	err = nl_talk(NETLINK_ROUTE, &r, read_link, link);
	if (err < 0)
		return err;
	return link->index ? 0 : -ENODEV;
}

int host_link_name(int index, char name[16])
{
	char found[IF_NAMESIZE];

	if (index <= 0 || !if_indextoname((unsigned)index, found))
		return -ENODEV;
	snprintf(name, 16, "%.15s", found);
	return 0;
}

/* Starts a change of an existing interface. */
static int start_change(struct nl_request *r, uint16_t type, const char *name, unsigned flags, unsigned mask)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC, .ifi_index = index_of(name) };

	if (i.ifi_index < 0)
		return i.ifi_index;
	i.ifi_flags = flags;
	i.ifi_change = mask;
	nl_start(r, type, 0, &i, sizeof i);
	return 0;
}

int host_link_up(const char *name, bool up)
{
	struct nl_request r;
	int err = start_change(&r, RTM_NEWLINK, name, up ? IFF_UP : 0, IFF_UP);

	return err < 0 ? err : CHANGE(&r);
}

int host_link_mtu(const char *name, uint32_t mtu)
{
	struct nl_request r;
	int err = start_change(&r, RTM_NEWLINK, name, 0, 0);

	if (err < 0)
		return err;
	nl_put_u32(&r, IFLA_MTU, mtu);
	return CHANGE(&r);
}

int host_link_delete(const char *name)
{
	struct nl_request r;
	int err = start_change(&r, RTM_DELLINK, name, 0, 0);

	return err < 0 ? err : CHANGE(&r);
}

/* No forwarding of what arrives, a setting that a namespace may inherit from its maker (IPv4); no
 * link-local address and so no solicitations (IPv6). */
int host_link_quiet(const char *name)
{
	struct nl_request r;
	uint8_t none = IN6_ADDR_GEN_MODE_NONE;
	size_t all, family, inner;
	int err = start_change(&r, RTM_NEWLINK, name, 0, 0);

	if (err < 0)
		return err;
	all = nl_open(&r, IFLA_AF_SPEC);
	family = nl_open(&r, AF_INET);
	inner = nl_open(&r, IFLA_INET_CONF);
	nl_put_u32(&r, IPV4_DEVCONF_FORWARDING, 0);
	nl_close(&r, inner);
	nl_close(&r, family);
	nl_close(&r, all);
	err = CHANGE(&r);
	if (err < 0)
		return err;
	err = start_change(&r, RTM_NEWLINK, name, 0, 0);
	if (err < 0)
		return err;
	all = nl_open(&r, IFLA_AF_SPEC);
	family = nl_open(&r, AF_INET6);
	nl_put(&r, IFLA_INET6_ADDR_GEN_MODE, &none, sizeof none);
	nl_close(&r, family);
	nl_close(&r, all);
	err = CHANGE(&r);
	/* A kernel without IPv6 is quiet. */
	return err == -EAFNOSUPPORT ? 0 : err;
}

int host_veth_add(const char *name, const char *peer, pid_t peer_pid)
{
	struct ifinfomsg i = { .ifi_family = AF_UNSPEC };
	struct nl_request r;
	size_t info, data, other;

	nl_start(&r, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, &i, sizeof i);
	nl_put_string(&r, IFLA_IFNAME, name);
	info = nl_open(&r, IFLA_LINKINFO);
	nl_put_string(&r, IFLA_INFO_KIND, "veth");
	data = nl_open(&r, IFLA_INFO_DATA);
	other = nl_open(&r, VETH_INFO_PEER);
	nl_put_raw(&r, &i, sizeof i);
	nl_put_string(&r, IFLA_IFNAME, peer);
	if (peer_pid)
		nl_put_u32(&r, IFLA_NET_NS_PID, (uint32_t)peer_pid);
	nl_close(&r, other);
	nl_close(&r, data);
	nl_close(&r, info);
	return CHANGE(&r);
}

/* ------------------------------------------------------------------------------------------ */
/* Addresses                                                                                   */

int host_address_add(const char *name, const struct tv_addr *addr, unsigned prefix)
{
	int index = index_of(name);
	struct ifaddrmsg a = { .ifa_family = family_of(addr), .ifa_prefixlen = (unsigned char)prefix };
	struct nl_request r;

	if (index < 0)
		return index;
	if (prefix > (is_v4(addr) ? 32u : 128u))
		return -EINVAL;
	a.ifa_index = (unsigned)index;
	nl_start(&r, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &a, sizeof a);
	put_addr(&r, IFA_LOCAL, addr);
	put_addr(&r, IFA_ADDRESS, addr);
	if (!is_v4(addr))
		nl_put_u32(&r, IFA_FLAGS, IFA_F_NODAD);
	return CHANGE(&r);
}

struct address_list {
	struct host_address *list;
	unsigned cap;
	int count;
};

static void read_address(void *user, const struct nlmsghdr *h)
{
	struct address_list *to = user;
	struct host_address found;
	struct ifaddrmsg a;
	uint32_t flags;

	if (!h) {
		to->count = 0;
		return;
	}
	if (h->nlmsg_type != RTM_NEWADDR || h->nlmsg_len < sizeof *h + sizeof a)
		return;
	memcpy(&a, (const uint8_t *)h + sizeof *h, sizeof a);
	if (a.ifa_family != AF_INET && a.ifa_family != AF_INET6)
		return;
	/* On a point-to-point link IFA_ADDRESS is the peer's. */
	if (!get_addr(h, sizeof a, IFA_LOCAL, &found.addr) && !get_addr(h, sizeof a, IFA_ADDRESS, &found.addr))
		return;
	flags = a.ifa_flags;
	(void)get_u32(h, sizeof a, IFA_FLAGS, &flags);
	found.index = (int)a.ifa_index;
	found.prefix = a.ifa_prefixlen;
	found.tentative = flags & IFA_F_TENTATIVE;
	if ((unsigned)to->count < to->cap)
		to->list[to->count] = found;
	to->count++;
}

int host_addresses(struct host_address *list, unsigned cap)
{
	struct address_list to = { .list = list, .cap = cap };
	struct ifaddrmsg a = { .ifa_family = AF_UNSPEC };
	struct nl_request r;
	int err;

	nl_start(&r, RTM_GETADDR, NLM_F_DUMP, &a, sizeof a);
	err = nl_talk(NETLINK_ROUTE, &r, read_address, &to);
	return err < 0 ? err : to.count;
}

/* ------------------------------------------------------------------------------------------ */
/* Routes                                                                                      */

int host_route_add(const char *name, const struct tv_addr *dst, unsigned prefix, const struct tv_addr *gateway)
{
	struct rtmsg m = {
		.rtm_family = family_of(dst),
		.rtm_dst_len = (unsigned char)prefix,
		.rtm_table = RT_TABLE_MAIN,
		.rtm_protocol = RTPROT_STATIC,
		.rtm_type = RTN_UNICAST,
	};
	int index = index_of(name);
	struct nl_request r;

	if (index < 0)
		return index;
	if (prefix > (is_v4(dst) ? 32u : 128u))
		return -EINVAL;
	m.rtm_scope = is_v4(dst) && !gateway ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
	nl_start(&r, RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &m, sizeof m);
	if (prefix)
		put_addr(&r, RTA_DST, dst);
	if (gateway)
		put_addr(&r, RTA_GATEWAY, gateway);
	nl_put_u32(&r, RTA_OIF, (uint32_t)index);
	return CHANGE(&r);
}

static bool parse_route(const struct nlmsghdr *h, struct host_route *route, struct rtmsg *m)
{
	uint32_t index = 0;

	if (h->nlmsg_type != RTM_NEWROUTE || h->nlmsg_len < sizeof *h + sizeof *m)
		return false;
	memcpy(m, (const uint8_t *)h + sizeof *h, sizeof *m);
	if (m->rtm_family != AF_INET && m->rtm_family != AF_INET6)
		return false;
	*route = (struct host_route){ .prefix = m->rtm_dst_len, .v6 = m->rtm_family == AF_INET6 };
	(void)get_u32(h, sizeof *m, RTA_OIF, &index);
	(void)get_u32(h, sizeof *m, RTA_PRIORITY, &route->metric);
	route->index = (int)index;
	/* A default route has no destination; for IPv4 its form is the mapped 0.0.0.0. */
	if (!get_addr(h, sizeof *m, RTA_DST, &route->dst) && !route->v6)
		memcpy(route->dst.b, MAPPED, sizeof MAPPED);
	(void)get_addr(h, sizeof *m, RTA_GATEWAY, &route->gateway);
	(void)get_addr(h, sizeof *m, RTA_PREFSRC, &route->source);
	return true;
}

struct route_list {
	struct host_route *list;
	unsigned cap;
	int count;
};

static void read_route(void *user, const struct nlmsghdr *h)
{
	struct route_list *to = user;
	struct host_route found;
	struct rtmsg m;
	uint32_t table;

	if (!h) {
		to->count = 0;
		return;
	}
	if (!parse_route(h, &found, &m))
		return;
	table = m.rtm_table;
	(void)get_u32(h, sizeof m, RTA_TABLE, &table);
	if (table != RT_TABLE_MAIN || (m.rtm_flags & RTM_F_CLONED))
		return;
	if ((unsigned)to->count < to->cap)
		to->list[to->count] = found;
	to->count++;
}

int host_routes(struct host_route *list, unsigned cap)
{
	struct route_list to = { .list = list, .cap = cap };
	struct rtmsg m = { .rtm_family = AF_UNSPEC };
	struct nl_request r;
	int err;

	nl_start(&r, RTM_GETROUTE, NLM_F_DUMP, &m, sizeof m);
	err = nl_talk(NETLINK_ROUTE, &r, read_route, &to);
	return err < 0 ? err : to.count;
}

static void read_one_route(void *user, const struct nlmsghdr *h)
{
	struct rtmsg m;

	if (h)
		(void)parse_route(h, user, &m);
}

int host_route_get(const struct tv_addr *dst, struct host_route *route)
{
	struct rtmsg m = { .rtm_family = family_of(dst), .rtm_dst_len = is_v4(dst) ? 32 : 128 };
	struct nl_request r;

	memset(route, 0, sizeof *route);
	nl_start(&r, RTM_GETROUTE, 0, &m, sizeof m);
	put_addr(&r, RTA_DST, dst);
	return nl_talk(NETLINK_ROUTE, &r, read_one_route, route);
}

/* ------------------------------------------------------------------------------------------ */
/* Settings below /proc/sys                                                                    */

static int open_setting(const char *name, int how)
{
	char path[256];
	int fd;

	if (snprintf(path, sizeof path, "/proc/sys/%s", name) >= (int)sizeof path)
		return -ENAMETOOLONG;
	fd = open(path, how | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int host_sysctl_write(const char *name, const char *value)
{
	int fd = open_setting(name, O_WRONLY), err;

	if (fd < 0)
		return fd;
	err = write(fd, value, strlen(value)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

int host_sysctl_read(const char *name, char *value, size_t cap)
{
	int fd = open_setting(name, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read(fd, value, cap - 1);
	if (n < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	close(fd);
	while (n > 0 && (value[n - 1] == '\n' || value[n - 1] == ' '))
		n--;
	value[n] = 0;
	return 0;
}
