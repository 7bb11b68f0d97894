/*
 * links_peer.c - the other end of the live test of the links, without a stack.
 *
 *     links_peer tun|kept|veth FILE
 *     links_peer join
 *
 * In a private namespace: this machine's kernel with the address 10.9.0.1 on one side of a link, and on
 * the other this program as 10.9.0.2, which answers ARP and ICMP echo, and is a TCP server of the most
 * simple kind: it takes BYTES from a client of the kernel, gives BYTES back, both in super-segments, and
 * closes. Both sides check every byte. FILE is the capture of it all. With "kept" the TUN device was
 * made before, with several queues, and outlived its maker. "join" needs no link: a veth pair reaches
 * into the namespace of another process, where a third one finds its end.
 *
 * Nothing here is a TCP that anyone should use: there is one connection, in order, on a link that loses
 * nothing or the test fails.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "host/host.h"
#include "links/links.h"
#include "links/offload.h"

#define BYTES (16u << 20)
#define LIMIT_MS 20000
#define CHUNK 61440u            /* of a super-segment that we send; a multiple of MSS or not, no matter */
#define MSS 1460u
#define WINDOW_SCALE 4          /* a window of 1 MB, which the link must be able to hold */

#define FIN 1
#define SYN 2
#define PSH 8
#define ACK 16

static const struct tv_addr KERNEL = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 9, 0, 1 } };

struct peer {
	bool veth, kept;
	bool asked;            /* the kernel, for its side of the connection */
	const char *file;
	struct link *link;
	uint32_t head;         /* bytes of the link header */
	uint8_t kernel_mac[6];
	bool pinged;
	/* the connection */
	uint16_t port;         /* the client's; 0: none yet */
	uint32_t rcv_nxt, snd_nxt, snd_una, iss, window;
	uint8_t scale;         /* of the client's windows */
	uint32_t got, sent;
	bool half_closed, fin_sent, done;
	uint32_t largest_in, merged_in, partial_in;
	const char *wrong;
};

/* What byte number i of either stream is. */
static uint8_t pattern(uint32_t i)
{
	return (uint8_t)(i * 7 + (i >> 8) * 13 + (i >> 16));
}

static long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static uint16_t sum(const uint8_t *p, size_t n, uint32_t s)
{
	for (; n > 1; p += 2, n -= 2)
		s += (uint32_t)p[0] << 8 | p[1];
	if (n)
		s += (uint32_t)p[0] << 8;
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)s;
}

/* ------------------------------------------------------------------------------------------ */
/* Our side                                                                                    */

static void fail(struct peer *p, const char *why)
{
	if (!p->wrong)
		p->wrong = why;
	p->done = true;
}

static void transmit(struct peer *p, const struct tv_packet *packet)
{
	if (link_tx(p->link, packet, 1) < 0)
		fail(p, "link_tx() says that the link is gone");
}

static uint32_t ip_header(struct peer *p, uint8_t *data, uint8_t protocol, uint32_t bytes)
{
	uint8_t *ip = data + p->head;

	if (p->head) {
		memcpy(data, p->kernel_mac, 6);
		memcpy(data + 6, p->link->config.mac, 6);
		put16(data + 12, 0x0800);
	}
	memset(ip, 0, 20);
	ip[0] = 0x45;
	put16(ip + 2, 20 + bytes);
	ip[8] = 64;
	ip[9] = protocol;
	memcpy(ip + 12, (uint8_t[]){ 10, 9, 0, 2, 10, 9, 0, 1 }, 8);
	put16(ip + 10, (uint16_t)~sum(ip, 20, 0));
	return p->head + 20;
}

/* A segment whose checksum, and if it is large whose segmentation, is the link's work; the payload is
 * gathered from three pieces. */
static void send_segment(struct peer *p, uint8_t flags, uint32_t bytes)
{
	static uint8_t payload[CHUNK];
	uint8_t data[128];
	struct tv_piece pieces[3] = { { payload, bytes / 3 }, { payload + bytes / 3, bytes / 3 },
		{ payload + bytes / 3 * 2, bytes - bytes / 3 * 2 } };
	uint32_t header = flags & SYN ? 28 : 20, at = ip_header(p, data, 6, header + bytes);
	uint8_t *tcp = data + at;

	memset(tcp, 0, header);
	put16(tcp, 80);
	put16(tcp + 2, p->port);
	put32(tcp + 4, p->snd_nxt);
	put32(tcp + 8, p->rcv_nxt);
	tcp[12] = (uint8_t)(header / 4 << 4);
	tcp[13] = flags;
	put16(tcp + 14, 0xffff);
	if (flags & SYN)
		memcpy(tcp + 20, (uint8_t[]){ 2, 4, MSS >> 8, MSS & 255, 1, 3, 3, WINDOW_SCALE }, 8);
	put16(tcp + 16, sum(data + p->head + 12, 8, 6 + header + bytes));
	for (uint32_t i = 0; i < bytes; i++)
		payload[i] = pattern(p->sent + i);
	transmit(p, &(struct tv_packet){
		.data = data, .len = at + header, .flags = TV_PKT_CSUM_PARTIAL, .csum_start = (uint16_t)at,
		.csum_offset = 16, .head_len = (uint16_t)(at + header),
		.seg_size = bytes > MSS ? MSS : 0, .pieces = pieces, .piece_count = bytes ? 3 : 0 });
	p->snd_nxt += bytes + ((flags & (SYN | FIN)) != 0);
	p->sent += bytes;
}

static void arp(struct peer *p, const uint8_t *data, uint32_t len)
{
	uint8_t out[42];

	if (len < 42 || data[21] != 1 || memcmp(data + 38, (uint8_t[]){ 10, 9, 0, 2 }, 4) != 0)
		return;
	memcpy(p->kernel_mac, data + 6, 6);
	memcpy(out, data + 6, 6);
	memcpy(out + 6, p->link->config.mac, 6);
	memcpy(out + 12, data + 12, 8);
	put16(out + 20, 2);
	memcpy(out + 22, p->link->config.mac, 6);
	memcpy(out + 28, data + 38, 4);
	memcpy(out + 32, data + 22, 10);
	transmit(p, &(struct tv_packet){ .data = out, .len = 42 });
}

static void echo(struct peer *p, uint8_t *data, const struct offload_view *v)
{
	uint32_t bytes = v->end - v->l4;

	if (bytes < 8 || data[v->l4] != 8)
		return;
	ip_header(p, data, 1, bytes);
	data[v->l4] = 0;
	put16(data + v->l4 + 2, 0);
	put16(data + v->l4 + 2, (uint16_t)~sum(data + v->l4, bytes, 0));
	transmit(p, &(struct tv_packet){ .data = data, .len = v->end });
	p->pinged = true;
}

/* The kernel's socket of this connection, in the middle of it. */
static void ask_kernel(struct peer *p)
{
	struct host_socket_filter filter = { .local = { .addr = KERNEL, .port = p->port },
		.states = 1u << TV_ESTABLISHED };
	struct host_socket s[2];

	p->asked = true;
	if (host_sockets(&filter, s, 2) != 1 || s[0].state != TV_ESTABLISHED || s[0].remote.port != 80)
		fail(p, "sock_diag does not know the connection");
	else if (!s[0].has_info || s[0].cwnd == 0 || s[0].snd_mss != MSS || s[0].snd_scale != WINDOW_SCALE ||
	         s[0].sack || s[0].bytes_acked == 0 || s[0].congestion[0] == 0)
		fail(p, "sock_diag knows too little of the connection");
	filter.local.port++;
	if (host_sockets(&filter, s, 2) != 0)
		fail(p, "sock_diag does not look at the port");
}

/* The window scale among a SYN's options; 0: none. */
static uint8_t scale_of(const uint8_t *option, const uint8_t *end)
{
	while (option < end && *option != 0) {
		if (*option == 1) {
			option++;
			continue;
		}
		if (end - option < 2 || option[1] < 2 || option[1] > end - option)
			return 0;
		if (option[0] == 3 && option[1] == 3)
			return option[2];
		option += option[1];
	}
	return 0;
}

static void tcp_in(struct peer *p, const struct tv_packet *packet, const struct offload_view *v)
{
	const uint8_t *tcp = packet->data + v->l4;
	uint32_t bytes = v->end - v->payload;
	uint8_t flags = tcp[13];

	if (flags & SYN) {
		p->port = (uint16_t)(tcp[0] << 8 | tcp[1]);
		p->rcv_nxt = get32(tcp + 4) + 1;
		p->scale = scale_of(tcp + 20, packet->data + v->payload);
		p->snd_nxt = p->iss = 0xfffff000; /* wraps early */
		send_segment(p, SYN | ACK, 0);
		p->snd_una = p->snd_nxt;
		return;
	}
	p->snd_una = get32(tcp + 8);
	p->window = (uint32_t)(tcp[14] << 8 | tcp[15]) << p->scale;
	/* Linux repeats its last segment when we were slow to answer: that is no loss. */
	if ((int32_t)(get32(tcp + 4) + bytes + (flags & FIN) - p->rcv_nxt) <= 0 && bytes + (flags & FIN) != 0) {
		send_segment(p, ACK, 0);
		return;
	}
	if (get32(tcp + 4) != p->rcv_nxt) {
		fail(p, "a segment came out of order: something was lost");
		return;
	}
	for (uint32_t i = 0; i < bytes; i++)
		if (packet->data[v->payload + i] != pattern(p->got + i))
			fail(p, "a byte from the kernel is wrong");
	p->got += bytes;
	p->rcv_nxt += bytes + (flags & FIN);
	p->half_closed = p->half_closed || (flags & FIN);
	if (bytes > p->largest_in)
		p->largest_in = bytes;
	if (p->got > BYTES / 2 && !p->asked)
		ask_kernel(p);
	p->merged_in += packet->seg_size != 0;
	p->partial_in += (packet->flags & TV_PKT_CSUM_PARTIAL) != 0;
	if (bytes || (flags & FIN))
		send_segment(p, ACK, 0);
	if (p->fin_sent && p->snd_una == p->snd_nxt)
		p->done = true;
}

static void take(struct peer *p, struct tv_packet *packet)
{
	struct offload_view v;

	if (p->head && packet->len >= 14 && packet->data[12] == 8 && packet->data[13] == 6)
		arp(p, packet->data, packet->len);
	else if (!offload_view(p->link->config.kind, packet->data, packet->len, &v) || v.version != 4)
		return;
	else if (v.protocol == 1)
		echo(p, packet->data, &v);
	else if (v.protocol == 6)
		tcp_in(p, packet, &v);
}

/* Gives back as much as the window allows once the client has closed its side. */
static void talk(struct peer *p)
{
	while (p->half_closed && !p->fin_sent && !p->link->waiting) {
		uint32_t left = BYTES - p->sent, flight = p->snd_nxt - p->snd_una;
		uint32_t n = left < CHUNK ? left : CHUNK;

		if (left == 0) {
			send_segment(p, ACK | FIN, 0);
			p->fin_sent = true;
			return;
		}
		if (flight + n > p->window || flight + n > 512 * 1024)
			return;
		send_segment(p, ACK | PSH, n);
	}
}

static void serve(struct peer *p)
{
	long end = now_ms() + LIMIT_MS;
	struct tv_packet packets[32];

	while (!p->done && now_ms() < end) {
		struct pollfd fd = { p->link->fd, (short)(p->link->waiting ? POLLIN | POLLOUT : POLLIN), 0 };
		int n;

		poll(&fd, 1, 100);
		if (p->link->waiting && link_flush(p->link) < 0)
			fail(p, "link_flush() says that the link is gone");
		while (!p->done && (n = link_rx(p->link, packets, 32)) != 0) {
			if (n < 0)
				fail(p, "link_rx() says that the link is gone");
			for (int i = 0; i < n && !p->done; i++)
				take(p, &packets[i]);
			talk(p);
		}
		talk(p);
	}
	if (!p->done)
		fail(p, "it took too long");
}

/* ------------------------------------------------------------------------------------------ */
/* The kernel's side, in a child                                                               */

static int ping(void)
{
	uint8_t request[64] = { 8, 0, 0, 0, 0x12, 0x34, 0, 1 }, answer[256];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x0a090002) };
	struct timeval limit = { 5, 0 };
	int fd = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);
	ssize_t n;

	put16(request + 2, (uint16_t)~sum(request, sizeof request, 0));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (fd < 0 || sendto(fd, request, sizeof request, 0, (struct sockaddr *)&to, sizeof to) < 0)
		return 1;
	do
		n = recv(fd, answer, sizeof answer, 0);
	while (n >= 28 && answer[20] != 0);
	close(fd);
	return n == 20 + 64 && answer[24] == 0x12 && answer[25] == 0x34 ? 0 : 2;
}

static int client(void)
{
	static uint8_t buffer[256 * 1024];
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(80), .sin_addr.s_addr = htonl(0x0a090002) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	uint32_t at = 0;
	ssize_t n;

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
		return 3;
	while (at < BYTES) {
		uint32_t want = BYTES - at < sizeof buffer ? BYTES - at : (uint32_t)sizeof buffer;

		for (uint32_t i = 0; i < want; i++)
			buffer[i] = pattern(at + i);
		n = send(fd, buffer, want, 0);
		if (n <= 0)
			return 4;
		at += (uint32_t)n;
	}
	shutdown(fd, SHUT_WR);
	for (at = 0; (n = recv(fd, buffer, sizeof buffer, 0)) > 0; at += (uint32_t)n)
		for (uint32_t i = 0; i < (uint32_t)n; i++)
			if (buffer[i] != pattern(at + i))
				return 5;
	return n < 0 || at != BYTES ? 6 : 0;
}

static const char *const CLIENT_WORDS[] = { "fine", "ping: no raw socket", "ping: no answer", "connect failed",
	"send failed", "a byte from us is wrong", "the stream ended early" };

/* ------------------------------------------------------------------------------------------ */

/* What rtnetlink tells of an interface that set_up() has made. */
static bool is_known(const char *name)
{
	static const struct tv_addr other = { { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 9, 0, 2 } };
	static const struct tv_addr far = { { 0x20, 0x01, 0x0d, 0xb8 } };
	struct host_address addresses[16];
	struct host_route route, routes[16];
	struct host_link link;
	int n = host_addresses(addresses, 16), r = host_routes(routes, 16);
	bool found = false;

	if (host_link_read(name, &link) < 0 || !link.up || link.mtu != 1500 || n > 16 || r < 1 || r > 16)
		return false;
	for (int i = 0; i < n; i++)
		found = found || (addresses[i].index == link.index && addresses[i].prefix == 24 &&
		                  memcmp(&addresses[i].addr, &KERNEL, sizeof KERNEL) == 0);
	return found && host_route_get(&other, &route) == 0 && route.index == link.index &&
	       memcmp(&route.source, &KERNEL, sizeof KERNEL) == 0 && host_route_get(&far, &route) < 0 &&
	       host_link_read("nothing0", &link) == -ENODEV && host_link_mtu(name, 1499) == 0 &&
	       host_link_read(name, &link) == 0 && link.mtu == 1499 && host_link_mtu(name, 1500) == 0;
}

static bool set_up(struct peer *p)
{
	struct link_fault fault = { .step = LINK_STEP_NONE };

	if (p->veth) {
		if (host_veth_add("kern0", "ours0", 0) < 0 || host_link_quiet("ours0") < 0 || host_link_up("ours0",
			true) < 0)
			return printf("a veth pair cannot be made\n") < 0;
		p->link = link_packet_open("ours0", 0, &fault);
		p->head = 14;
	} else if (p->kept) {
		p->link = link_tun_open("kern0", LINK_TUN_MULTI_QUEUE, &fault);
		if (p->link && link_tun_persist(p->link, true) < 0)
			return printf("the device cannot be kept\n") < 0;
		link_close(p->link);
	}
	if (!p->veth)
		p->link = link_tun_open("kern0", 0, &fault);
	if (!p->link)
		return printf("%s\n", fault.text) < 0;
	/* A second queue of a kept device would be given, and would take packets away. */
	if (!p->kept && (link_tun_open("kern0", 0, &fault) || (!p->veth && fault.err != EBUSY)))
		return printf("the device was opened twice\n") < 0;
	if (host_address_add("kern0", &KERNEL, 24) < 0 || host_link_up("kern0", true) < 0)
		return printf("no address for the kernel's end\n") < 0;
	if (!is_known("kern0"))
		return printf("rtnetlink does not tell what was set\n") < 0;
	p->link->tap = tap_open(p->file, p->link->config.kind, 0, &fault);
	if (!p->link->tap)
		return printf("%s\n", fault.text) < 0;
	return true;
}

/* A link whose interface was removed says so. */
static bool is_gone(struct peer *p)
{
	struct tv_packet packets[32];
	int n;

	p->link->tap = NULL;
	if (host_link_delete("kern0") < 0)
		return false;
	while ((n = link_rx(p->link, packets, 32)) > 0)
		;
	return n < 0;
}

static int play(void *user)
{
	struct peer *p = user;
	struct link_fault fault;
	struct link_counts c;
	int status = 0;
	pid_t pid;

	if (!set_up(p))
		return 1;
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		int err = ping();

		alarm(LIMIT_MS / 1000);
		_exit(err ? err : client());
	}
	serve(p);
	if (p->wrong)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	c = p->link->counts;
	if (!tap_close(p->link->tap, &fault) && !p->wrong)
		p->wrong = "the capture could not be written";
	if (!p->wrong && !is_gone(p))
		p->wrong = "a link without its interface goes on";
	link_close(p->link);
	if (!p->wrong && (!WIFEXITED(status) || WEXITSTATUS(status)))
		p->wrong = WIFEXITED(status) &&
			WEXITSTATUS(status) < 7 ? CLIENT_WORDS[WEXITSTATUS(status)] : "the client died";
	if (!p->wrong && (!p->pinged || p->got != BYTES))
		p->wrong = "not everything arrived";
	if (!p->wrong && (p->largest_in < 20000 || !p->merged_in || p->partial_in < p->merged_in))
		p->wrong = "no super-segments came";
	if (!p->wrong && (c.rx_bad || c.rx_lost || c.tx_lost))
		p->wrong = "packets were dropped";
	if (p->wrong)
		printf("%s (largest %u, merged %u, partial %u, bad %lu, lost in %lu out %lu, errno %d)\n", p->wrong,
			p->largest_in,
			p->merged_in, p->partial_in, (unsigned long)c.rx_bad, (unsigned long)c.rx_lost,
			(unsigned long)c.tx_lost, errno);
	return p->wrong != NULL;
}

/* ------------------------------------------------------------------------------------------ */
/* Joining                                                                                     */

static int wait_for_end(void *user)
{
	char c;

	return read(*(int *)user, &c, 1) == 0 ? 0 : 1;
}

static int look_inside(pid_t pid)
{
	struct host_link link;

	if (host_netns_join(pid) < 0)
		return 1;
	return host_link_read("inner0", &link) < 0 || strcmp(link.kind, "veth") != 0 || host_link_up("inner0",
		true) < 0 ||
	       host_link_read("lo", &link) < 0 || !link.up;
}

static int join(void *user)
{
	struct host_obstacle at;
	struct host_link link;
	int fds[2], status = 1, wrong = 0;
	pid_t inner, outer;

	(void)user;
	for (unsigned flags = 0; flags <= HOST_NS_NEW_USER && !wrong; flags++) {
		if (pipe(fds) < 0)
			return 1;
		inner = host_netns_spawn(flags, wait_for_end, &fds[0], &at);
		close(fds[0]);
		if (inner < 0)
			return printf("no namespace: %s, errno %d\n", host_step_name(at.step), at.err) > 0;
		wrong = host_veth_add("outer0", "inner0", inner) < 0 || host_link_read("inner0", &link) != -ENODEV;
		outer = fork();
		if (outer == 0)
			_exit(look_inside(inner));
		waitpid(outer, &status, 0);
		wrong = wrong || status != 0;
		kill(inner, SIGKILL);
		close(fds[1]);
		waitpid(inner, &status, 0);
		host_link_delete("outer0");
	}
	if (wrong)
		printf("the end inside was not found\n");
	return wrong;
}

/* Both ends on one processor: a veth pair hands over what two of them send in no order. */
static void stay_on_one_processor(void)
{
	cpu_set_t all, one;
	size_t cpu = 0;

	if (sched_getaffinity(0, sizeof all, &all) < 0)
		return;
	while (cpu < CPU_SETSIZE - 1 && !CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	sched_setaffinity(0, sizeof one, &one);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "tun";
	struct peer p = { .veth = strcmp(mode, "veth") == 0, .kept = strcmp(mode, "kept") == 0,
		.file = argc > 2 ? argv[2] : "/dev/null" };
	struct host_obstacle at;
	struct host_facts facts;
	struct host_cure cure;
	int r;

	stay_on_one_processor();
	r = host_netns_run(0, strcmp(mode, "join") == 0 ? join : play, &p, &at);

	if (r >= 0)
		return r;
	host_facts(&facts);
	host_rights(&at, &facts, NULL, &cure);
	printf("%s: %s\n", cure.why, cure.commands);
	return 3;
}
