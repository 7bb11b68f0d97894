/*
 * Constants by name: see symbols.h.  Names that the headers of an old system may lack are given
 * their numbers here; they are part of Linux's interface and do not change.
 */
#include "symbols.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

struct symbol {
	const char *name;
	int64_t value;
};

#define S(name) {#name, (int64_t)(name)}
#define N(name, value) {#name, value}

static const struct symbol symbols[] = {
	S(AF_INET), S(AF_INET6), S(AF_UNSPEC), S(PF_INET), S(PF_INET6),
	S(SOCK_STREAM), S(SOCK_DGRAM), S(SOCK_RAW), S(SOCK_NONBLOCK), S(SOCK_CLOEXEC),
	S(IPPROTO_IP), S(IPPROTO_IPV6), S(IPPROTO_TCP), S(IPPROTO_UDP), S(IPPROTO_ICMP),
	S(IPPROTO_ICMPV6), S(SOL_SOCKET), S(SOL_TCP), N(SOL_IP, 0), N(SOL_IPV6, 41), N(SOL_UDP, 17),
	S(SHUT_RD), S(SHUT_WR), S(SHUT_RDWR), S(SOMAXCONN), S(INADDR_ANY), S(INADDR_LOOPBACK),
	/* socket options */
	S(SO_ACCEPTCONN), S(SO_BROADCAST), S(SO_DOMAIN), S(SO_ERROR), S(SO_KEEPALIVE), S(SO_LINGER),
	S(SO_OOBINLINE), S(SO_PRIORITY), S(SO_PROTOCOL), S(SO_RCVBUF), S(SO_RCVLOWAT),
	S(SO_RCVTIMEO), S(SO_REUSEADDR), S(SO_REUSEPORT), S(SO_SNDBUF), S(SO_SNDTIMEO), S(SO_TYPE),
	S(SO_MARK), S(SO_TIMESTAMPING), S(SO_BUSY_POLL), S(SO_BINDTODEVICE), S(SO_RCVBUFFORCE),
	S(SO_SNDBUFFORCE), S(SO_TIMESTAMP), S(SO_DONTROUTE), S(SO_SNDLOWAT),
	N(SO_MAX_PACING_RATE, 47), N(SO_ZEROCOPY, 60), N(SO_TXTIME, 61), N(SO_TXREHASH, 74),
	S(TCP_NODELAY), S(TCP_MAXSEG), S(TCP_CORK), S(TCP_KEEPIDLE), S(TCP_KEEPINTVL), S(TCP_KEEPCNT),
	S(TCP_SYNCNT), S(TCP_LINGER2), S(TCP_DEFER_ACCEPT), S(TCP_WINDOW_CLAMP), S(TCP_INFO),
	S(TCP_QUICKACK), S(TCP_CONGESTION), S(TCP_MD5SIG), S(TCP_USER_TIMEOUT), S(TCP_FASTOPEN),
	N(TCP_THIN_LINEAR_TIMEOUTS, 16), N(TCP_THIN_DUPACK, 17), N(TCP_REPAIR, 19),
	N(TCP_TIMESTAMP, 24), N(TCP_NOTSENT_LOWAT, 25), N(TCP_CC_INFO, 26), N(TCP_SAVE_SYN, 27),
	N(TCP_SAVED_SYN, 28), N(TCP_FASTOPEN_CONNECT, 30), N(TCP_FASTOPEN_KEY, 33),
	N(TCP_FASTOPEN_NO_COOKIE, 34), N(TCP_ZEROCOPY_RECEIVE, 35), N(TCP_INQ, 36),
	N(TCP_CM_INQ, 36), N(TCP_TX_DELAY, 37), N(TCP_RTO_MAX_MS, 44), N(TCP_RTO_MIN_US, 45),
	N(TCP_DELACK_MAX_US, 46),
	S(IP_TOS), S(IP_TTL), S(IP_MTU), S(IP_MTU_DISCOVER), S(IP_RECVERR), S(IP_FREEBIND),
	S(IP_RECVTTL), S(IP_RECVTOS), S(IP_PMTUDISC_DO), S(IP_PMTUDISC_DONT), S(IP_PMTUDISC_WANT),
	S(IP_PMTUDISC_PROBE), S(IPV6_TCLASS), S(IPV6_UNICAST_HOPS), S(IPV6_V6ONLY), S(IPV6_MTU),
	S(IPV6_MTU_DISCOVER), S(IPV6_RECVERR), S(IPV6_RECVTCLASS),
	/* flags of send and receive */
	S(MSG_OOB), S(MSG_PEEK), S(MSG_DONTROUTE), S(MSG_CTRUNC), S(MSG_TRUNC), S(MSG_DONTWAIT),
	S(MSG_EOR), S(MSG_WAITALL), S(MSG_CONFIRM), S(MSG_ERRQUEUE), S(MSG_NOSIGNAL), S(MSG_MORE),
	S(MSG_CMSG_CLOEXEC), N(MSG_FASTOPEN, 0x20000000), N(MSG_ZEROCOPY, 0x4000000),
	/* fcntl, ioctl */
	S(F_GETFL), S(F_SETFL), S(F_GETFD), S(F_SETFD), S(F_DUPFD), S(FD_CLOEXEC), S(O_RDONLY),
	S(O_WRONLY), S(O_RDWR), S(O_NONBLOCK), S(O_APPEND), S(O_ASYNC), S(O_CREAT), S(O_TRUNC),
	S(FIONREAD), S(FIONBIO), S(SIOCINQ), S(SIOCOUTQ), S(SIOCOUTQNSD), S(SIOCATMARK),
	/* poll and epoll */
	S(POLLIN), S(POLLPRI), S(POLLOUT), S(POLLRDNORM), S(POLLRDBAND), S(POLLWRNORM),
	S(POLLWRBAND), S(POLLERR), S(POLLHUP), S(POLLNVAL), N(POLLRDHUP, 0x2000),
	S(EPOLLIN), S(EPOLLPRI), S(EPOLLOUT), S(EPOLLRDNORM), S(EPOLLRDBAND), S(EPOLLWRNORM),
	S(EPOLLWRBAND), S(EPOLLERR), S(EPOLLHUP), S(EPOLLRDHUP), S(EPOLLONESHOT), S(EPOLLET),
	S(EPOLL_CTL_ADD), S(EPOLL_CTL_MOD), S(EPOLL_CTL_DEL), S(EPOLL_CLOEXEC),
	{"NULL", 0},
};

static const struct symbol errors[] = {
	S(EPERM), S(ENOENT), S(EINTR), S(EIO), S(EBADF), S(EAGAIN), S(ENOMEM), S(EACCES), S(EFAULT),
	S(EBUSY), S(EEXIST), S(ENODEV), S(EINVAL), S(ENFILE), S(EMFILE), S(ENOTTY), S(ENOSPC),
	S(ESPIPE), S(EPIPE), S(EDOM), S(ERANGE), S(ENOSYS), S(EBADFD), S(ENOTSOCK), S(EDESTADDRREQ),
	S(EMSGSIZE), S(EPROTOTYPE), S(ENOPROTOOPT), S(EPROTONOSUPPORT), S(ESOCKTNOSUPPORT),
	S(EOPNOTSUPP), S(EPFNOSUPPORT), S(EAFNOSUPPORT), S(EADDRINUSE), S(EADDRNOTAVAIL),
	S(ENETDOWN), S(ENETUNREACH), S(ENETRESET), S(ECONNABORTED), S(ECONNRESET), S(ENOBUFS),
	S(EISCONN), S(ENOTCONN), S(ESHUTDOWN), S(ETOOMANYREFS), S(ETIMEDOUT), S(ECONNREFUSED),
	S(EHOSTDOWN), S(EHOSTUNREACH), S(EALREADY), S(EINPROGRESS), S(EPROTO), S(ENOMSG),
	S(EWOULDBLOCK), S(ENOTSUP),
};

static const struct symbol tcp_info[] = {
	N(TCP_ESTABLISHED, 1), N(TCP_SYN_SENT, 2), N(TCP_SYN_RECV, 3), N(TCP_FIN_WAIT1, 4),
	N(TCP_FIN_WAIT2, 5), N(TCP_TIME_WAIT, 6), N(TCP_CLOSE, 7), N(TCP_CLOSE_WAIT, 8),
	N(TCP_LAST_ACK, 9), N(TCP_LISTEN, 10), N(TCP_CLOSING, 11),
	N(TCP_CA_Open, 0), N(TCP_CA_Disorder, 1), N(TCP_CA_CWR, 2), N(TCP_CA_Recovery, 3),
	N(TCP_CA_Loss, 4),
	N(TCPI_OPT_TIMESTAMPS, 1), N(TCPI_OPT_SACK, 2), N(TCPI_OPT_WSCALE, 4), N(TCPI_OPT_ECN, 8),
	N(TCPI_OPT_ECN_SEEN, 16), N(TCPI_OPT_SYN_DATA, 32),
};

static bool find(const struct symbol *table, size_t count, const char *name, int64_t *value)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(table[i].name, name) == 0) {
			*value = table[i].value;
			return true;
		}
	}
	return false;
}

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

bool symbol_value(const char *name, int64_t *value)
{
	return find(symbols, COUNT(symbols), name, value) ||
	       find(errors, COUNT(errors), name, value);
}

bool symbol_tcp_info(const char *name, int64_t *value)
{
	return find(tcp_info, COUNT(tcp_info), name, value);
}

const char *symbol_errno(int number)
{
	for (size_t i = 0; i < COUNT(errors); i++)
		if (errors[i].value == number)
			return errors[i].name;
	return NULL;
}
