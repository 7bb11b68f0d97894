/*
 * host.h - this machine: what may be done here, namespaces, interfaces, addresses, the kernel's
 * sockets.
 *
 * Every call returns 0 (or a count) or a negative errno; it changes nothing when it fails. An address
 * is the library's: 16 bytes, IPv4 mapped; prefix lengths count as people write them (/24, /64).
 */
#ifndef TRIVET_HOST_H
#define TRIVET_HOST_H

#include <sys/types.h>

#include <trivet/trivet.h>

/* ------------------------------------------------------------------------------------------ */
/* Rights: what is missing, and its cure (rights.c, probe.c)                                   */

/* The steps that can meet an obstacle, in the order in which a demo takes them. */
enum host_step {
	HOST_STEP_NONE,
	HOST_STEP_FORK,          /* a child process */
	HOST_STEP_UNSHARE_USER,  /* a user namespace */
	HOST_STEP_MAP,           /* its uid_map, gid_map, setgroups */
	HOST_STEP_UNSHARE_NET,   /* a network namespace */
	HOST_STEP_LINK_UP,       /* bring its loopback up: the first use of the new rights */
	HOST_STEP_VETH,          /* a veth pair */
	HOST_STEP_PACKET,        /* socket(AF_PACKET) */
	HOST_STEP_TUN_NODE,      /* open /dev/net/tun */
	HOST_STEP_TUN_ATTACH,    /* TUNSETIFF */
	HOST_STEP_ADDRESS,       /* give an interface an address, bring it up */
	HOST_STEP_SOCKDIAG,      /* ask for the kernel's sockets */
	HOST_STEP_CAPTURE,       /* watch interfaces */
	HOST_STEP_COUNT
};

enum host_system { HOST_OTHER, HOST_DEBIAN, HOST_UBUNTU, HOST_FEDORA, HOST_ARCH };

/* What is known about this machine. -1: not there or not readable. */
struct host_facts {
	bool root;                    /* effective uid 0, and not only in a user namespace */
	bool net_admin;               /* CAP_NET_ADMIN is effective */
	bool container;               /* signs of Docker, Podman, LXC, Kubernetes */
	enum host_system system;
	int seccomp;                  /* "Seccomp:" of /proc/self/status: 0 off, 1 strict, 2 filter */
	int apparmor_userns;          /* kernel.apparmor_restrict_unprivileged_userns */
	int userns_clone;             /* kernel.unprivileged_userns_clone (Debian) */
	long max_user_namespaces;     /* user.max_user_namespaces */
	long max_net_namespaces;      /* user.max_net_namespaces */
	int tun_node;                 /* permission bits of /dev/net/tun; -1: there is none */
	char user[33];                /* login name, for the commands; "" if unknown */
};

/* What the user wanted, for the commands; any may be NULL. */
struct host_wish {
	const char *device;           /* "tv0" */
	const char *address;          /* "10.9.0.1/24" */
};

struct host_obstacle {
	enum host_step step;
	int err;                      /* errno of the step */
};

/* The answer: one sentence that names the obstacle, and the commands that remove it, one a line. */
struct host_cure {
	char why[320];
	char commands[640];           /* "" when no command helps */
	bool try_veth;                /* the same can be done with a veth pair and AF_PACKET here */
	bool try_root;                /* the same command works as root (with sudo) */
};

/* Pure: looks at its arguments only. */
void host_rights(const struct host_obstacle *obstacle, const struct host_facts *facts,
                 const struct host_wish *wish, struct host_cure *cure);
const char *host_step_name(enum host_step step);

/* Reads the facts from /proc, /sys, /etc and the environment. Never fails. */
void host_facts(struct host_facts *facts);

/* What works here, found by doing it in a child process that is gone afterwards. */
struct host_probe {
	bool namespaces;              /* a private network namespace, with rights in it */
	bool user_namespace;          /* ... for which a user namespace was needed */
	bool tun;                     /* a TUN device inside */
	bool veth;                    /* a veth pair and AF_PACKET inside */
	struct host_obstacle namespaces_why, tun_why, veth_why; /* step NONE where it works */
};
void host_probe(struct host_probe *probe);

/* ------------------------------------------------------------------------------------------ */
/* Giving rights up (drop.c)                                                                   */

/*
 * Gives up, for good, every right that this process has beyond an ordinary user's: as root it becomes
 * the user who called sudo (SUDO_UID, SUDO_GID) or else nobody, without supplementary groups; then all
 * capabilities go, and no program that it might start could bring them back (no_new_privs). Descriptors
 * that are open stay. In a user namespace that has no such user it stays root there, without rights.
 * 0, or a negative errno and a sentence in why[]: then the caller should not go on.
 */
int host_drop(char why[128]);

/* ------------------------------------------------------------------------------------------ */
/* Namespaces (netns.c)                                                                        */

#define HOST_NS_NEW_USER 1u   /* a user namespace even when root could do without */

/*
 * Puts the calling process, which must have one thread, into a network namespace of its own with
 * loopback up; when it lacks CAP_SYS_ADMIN (or is told to) into a user namespace first, in which it is
 * root. There is no way back: call it in a child. 0, or a negative errno and the step in *at.
 */
int host_netns_enter(unsigned flags, struct host_obstacle *at);

/*
 * Runs fn(user) in a child process in such a namespace. Returns fn's result (0..255), or a negative
 * errno: the namespace could not be made (*at says where) or the child died (-ECHILD, *at says FORK).
 * Signals that end the caller end the child too.
 */
int host_netns_run(unsigned flags, int (*fn)(void *user), void *user, struct host_obstacle *at);

/* The same without waiting: returns the child's pid once it is inside its namespace. */
pid_t host_netns_spawn(unsigned flags, int (*fn)(void *user), void *user, struct host_obstacle *at);

/* Moves the calling process into the network namespace (and before, if it is another, the user
 * namespace) of a process. */
int host_netns_join(pid_t pid);

/* ------------------------------------------------------------------------------------------ */
/* Interfaces, addresses, routes (rtnl.c); each call talks to the namespace of the caller       */

struct host_link {
	int index;
	char name[16];
	char kind[16];                /* "veth", "tun", "" */
	bool up, running;
	uint32_t mtu;
	uint8_t mac[6];
	bool has_mac;
	long owner;                   /* a TUN's owner: user id; -1: none */
};

struct host_address {
	int index;
	struct tv_addr addr;
	unsigned prefix;
	bool tentative;
};

struct host_route {
	int index;                    /* interface; 0: none (unreachable, blackhole) */
	struct tv_addr dst, gateway, source; /* all zero: none */
	unsigned prefix;
	uint32_t metric;
	bool v6;
};

int host_link_read(const char *name, struct host_link *link);
int host_link_name(int index, char name[16]);
int host_link_up(const char *name, bool up);
int host_link_mtu(const char *name, uint32_t mtu);
int host_link_delete(const char *name);
/* Before it is up: the kernel forwards nothing that arrives there (IPv4), and gives it no link-local
 * address, from which it would speak by itself. Addresses of both families can still be added. */
int host_link_quiet(const char *name);
/* A veth pair; the peer appears in the namespace of process peer_pid (0: the caller's). */
int host_veth_add(const char *name, const char *peer, pid_t peer_pid);
/* IPv6 addresses are given without duplicate address detection: they work at once. */
int host_address_add(const char *name, const struct tv_addr *addr, unsigned prefix);
/* gateway NULL: on-link. A default route has prefix 0; v6 follows from dst. */
int host_route_add(const char *name, const struct tv_addr *dst, unsigned prefix,
                   const struct tv_addr *gateway);
/* Which way the kernel would send to dst. -ENETUNREACH and the like when it would not. */
int host_route_get(const struct tv_addr *dst, struct host_route *route);
/* Up to cap of them; returns how many there are (may be more than cap). */
int host_addresses(struct host_address *list, unsigned cap);
int host_routes(struct host_route *list, unsigned cap);

/* "net/ipv4/tcp_congestion_control" below /proc/sys; value without newline. */
int host_sysctl_write(const char *name, const char *value);
int host_sysctl_read(const char *name, char *value, size_t cap);

/* ------------------------------------------------------------------------------------------ */
/* The kernel's TCP sockets (sockdiag.c)                                                       */

struct host_socket {
	enum tv_state state;          /* the kernel's, by the RFC's name */
	bool request;                 /* half-open: SYN-RECEIVED without a socket yet */
	bool v6;                      /* AF_INET6 socket (its addresses may be mapped IPv4) */
	struct tv_endpoint local, remote;
	uint32_t rqueue;              /* bytes unread; a listener's: connections that wait for accept() */
	uint32_t wqueue;              /* bytes unacknowledged and unsent; a listener's: its backlog */
	uint8_t timer;                /* 0 none, 1 retransmit, 2 keepalive, 3 TIME-WAIT, 4 persist */
	uint8_t retransmits;
	uint32_t timer_ms;
	uint32_t uid, inode;
	uint32_t interface;           /* that it is bound to; 0: none */
	bool v6_only;                 /* a listener of AF_INET6 that takes no IPv4 */
	bool has_info;                /* the fields below are known */
	uint32_t rtt_us, rttvar_us, rto_us, min_rtt_us;
	uint32_t cwnd, ssthresh;      /* segments */
	uint32_t snd_mss, rcv_mss, pmtu, rcv_space, snd_wnd, rcv_wnd;
	uint32_t unacked, lost, retrans, total_retrans;
	uint8_t snd_scale, rcv_scale;
	bool timestamps, sack, window_scale, ecn;
	uint32_t received_ms;         /* nothing was received for so long; of no use before ESTABLISHED */
	uint64_t bytes_acked, bytes_received, bytes_sent, bytes_retransmitted;
	char congestion[16];
};

/* Which sockets: zero fields match everything. */
struct host_socket_filter {
	struct tv_endpoint local, remote;
	uint32_t states;              /* bit n is enum tv_state n; 0: all */
};

/* Up to cap TCP sockets that match; returns how many matched (may be more than cap). */
int host_sockets(const struct host_socket_filter *filter, struct host_socket *list, unsigned cap);

#endif
