/*
 * packet.c - Ethernet frames of one interface, through a packet socket.
 *
 * This is the link for machines whose TUN node only root may open: a user namespace gives CAP_NET_RAW
 * and a veth pair without any node. The kernel's TCP sits behind one end, we behind the other, and as
 * on a TUN device super-segments with unfinished checksums pass both ways (PACKET_VNET_HDR).
 *
 * Received frames come through a ring (TPACKET_V2) of frames of 64 KB, mapped here: no call and no
 * second copy to read one, and room that a socket's receive buffer, which an ordinary user may not
 * raise, would not have: it ends at six super-segments. The frames of a batch go back to the kernel at
 * the next link_rx(). Frames are sent with one sendmsg() each, gathered from their pieces.
 *
 * The socket sees what the interface receives and, unless told otherwise, what the kernel sends there.
 * The latter, and frames for other stations, are dropped: the interface is not made promiscuous.
 */
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "links/vnet.h"

#define FRAME_BYTES (65536u + 256u)     /* headers of the ring, of Ethernet, and the packet */
#define BLOCK_BYTES (1u << 20)
#define BLOCK_FRAMES (BLOCK_BYTES / FRAME_BYTES)
#define BLOCKS_MOST 16u
#define BLOCKS_LEAST 2u
#define BATCH_BYTES (128u * 1024u)
#define PIECES_MAX 1000u                /* less than IOV_MAX */
#define SEND_BUFFER (4 * 1024 * 1024)
#define ADDRESS_AT ((sizeof(struct tpacket2_hdr) + TPACKET_ALIGNMENT - 1) / TPACKET_ALIGNMENT * TPACKET_ALIGNMENT)

struct packet_link {
	struct link link;
	uint8_t *ring;
	unsigned blocks, frames;
	unsigned next;         /* the frame that the kernel fills next, as far as we know */
	unsigned given;        /* frames before it that the caller still looks at */
	struct iovec iov[PIECES_MAX + 2];
};

/* ------------------------------------------------------------------------------------------ */
/* Receiving                                                                                   */

static struct tpacket2_hdr *frame(const struct packet_link *p, unsigned i)
{
	return (struct tpacket2_hdr *)(void *)(p->ring + (size_t)(i / BLOCK_FRAMES) * BLOCK_BYTES +
	                                       (size_t)(i % BLOCK_FRAMES) * FRAME_BYTES);
}

static void give_back(struct packet_link *p)
{
	while (p->given) {
		struct tpacket2_hdr *h = frame(p, (p->next + p->frames - p->given--) % p->frames);

		__atomic_store_n(&h->tp_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	}
}

/* Describes the frame; false: not for us, or not whole. */
static bool read_frame(struct packet_link *p, struct tpacket2_hdr *h, struct tv_packet *packet)
{
	struct sockaddr_ll from;
	struct virtio_net_hdr vnet;
	uint8_t *data = (uint8_t *)h + h->tp_mac;

	memcpy(&from, (uint8_t *)h + ADDRESS_AT, sizeof from);
	if (from.sll_pkttype == PACKET_OUTGOING || from.sll_pkttype == PACKET_OTHERHOST)
		return false;
	packet->data = data;
	packet->len = h->tp_snaplen;
	packet->time = 0;
	memcpy(&vnet, data - VNET_BYTES, VNET_BYTES);
	if (h->tp_snaplen == h->tp_len && !(h->tp_status & TP_STATUS_VLAN_VALID) &&
	    vnet_read(&vnet, TV_LINK_ETHERNET, packet))
		return true;
	p->link.counts.rx_bad++;
	return false;
}

/* What the socket has to say when the ring is empty: that the interface is gone, or down. */
static int pending_error(struct packet_link *p)
{
	struct tpacket_stats stats;
	socklen_t bytes = sizeof stats;
	int err = 0;

	if (getsockopt(p->link.fd, SOL_PACKET, PACKET_STATISTICS, &stats, &bytes) == 0)
		p->link.counts.rx_lost += stats.tp_drops;
	bytes = sizeof err;
	if (getsockopt(p->link.fd, SOL_SOCKET, SO_ERROR, &err, &bytes) < 0)
		return -errno;
	/* An interface that is down may come up again; one that is gone has no number any more. */
	if (err == ENETDOWN && if_nametoindex(p->link.name) != 0)
		return 0;
	return err == ENETDOWN ? -ENODEV : -err;
}

static int packet_rx(struct link *l, struct tv_packet *packets, unsigned n)
{
	struct packet_link *p = (struct packet_link *)l;
	uint32_t bytes = 0;
	unsigned got = 0;

	give_back(p);
	while (got < n && bytes < l->limit && p->given < p->frames) {
		struct tpacket2_hdr *h = frame(p, p->next);

		if (!(__atomic_load_n(&h->tp_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
			break;
		p->next = (p->next + 1) % p->frames;
		p->given++;
		if (read_frame(p, h, &packets[got]))
			bytes += packets[got++].len;
	}
	return got ? (int)got : pending_error(p);
}

/* ------------------------------------------------------------------------------------------ */
/* Sending                                                                                     */

static int packet_send(struct link *l, const struct tv_packet *packet)
{
	struct packet_link *p = (struct packet_link *)l;
	struct msghdr msg = { .msg_iov = p->iov, .msg_iovlen = 2u + packet->piece_count };
	struct virtio_net_hdr h;
	ssize_t w;

	if (packet->piece_count > PIECES_MAX)
		return -EMSGSIZE;
	vnet_write(&h, TV_LINK_ETHERNET, packet);
	p->iov[0] = (struct iovec){ &h, VNET_BYTES };
	p->iov[1] = (struct iovec){ packet->data, packet->len };
	for (unsigned i = 0; i < packet->piece_count; i++)
		p->iov[2 + i] = (struct iovec){ (void *)(uintptr_t)packet->pieces[i].data, packet->pieces[i].len };
	do
		w = sendmsg(l->fd, &msg, MSG_DONTWAIT);
	while (w < 0 && errno == EINTR);
	return w < 0 ? -errno : 0;
}

static void packet_close(struct link *l)
{
	struct packet_link *p = (struct packet_link *)l;

	if (p->ring)
		munmap(p->ring, (size_t)p->blocks * BLOCK_BYTES);
	if (l->fd >= 0)
		close(l->fd);
	free(p);
}

static const struct link_ops packet_ops = { .rx = packet_rx, .send = packet_send, .close = packet_close };

/* ------------------------------------------------------------------------------------------ */
/* Opening                                                                                     */

static bool failed(struct link_fault *fault, enum link_step step, const char *what, const char *name)
{
	fault->step = step;
	fault->err = errno;
	snprintf(fault->text, sizeof fault->text, "%s %s: %s", what, name, strerror(errno));
	return false;
}

int link_interface(const char *name, uint8_t mac[6], uint32_t *mtu)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq req;
	int err = 0;

	if (fd < 0)
		return -errno;
	memset(&req, 0, sizeof req);
	if (strlen(name) >= IFNAMSIZ) {
		close(fd);
		return -ENODEV;
	}
	memcpy(req.ifr_name, name, strlen(name));
	if (ioctl(fd, SIOCGIFHWADDR, &req) < 0)
		err = -errno;
	else if (req.ifr_hwaddr.sa_family != ARPHRD_ETHER)
		err = -EPROTOTYPE;
	else
		memcpy(mac, req.ifr_hwaddr.sa_data, 6);
	if (err == 0 && ioctl(fd, SIOCGIFMTU, &req) < 0)
		err = -errno;
	close(fd);
	if (err == 0)
		*mtu = (uint32_t)req.ifr_mtu;
	return err;
}

static bool set_option(struct packet_link *p, int option, int value)
{
	return setsockopt(p->link.fd, SOL_PACKET, option, &value, sizeof value) == 0;
}

/* The ring is kernel memory: take less where there is less. */
static bool make_ring(struct packet_link *p)
{
	if (!set_option(p, PACKET_VERSION, TPACKET_V2) || !set_option(p, PACKET_VNET_HDR, 1))
		return false;
	/* Since Linux 4.20; before, read_frame() does it. */
	set_option(p, PACKET_IGNORE_OUTGOING, 1);
	for (p->blocks = BLOCKS_MOST; p->blocks >= BLOCKS_LEAST; p->blocks /= 2) {
		struct tpacket_req req = {
			.tp_block_size = BLOCK_BYTES,
			.tp_block_nr = p->blocks,
			.tp_frame_size = FRAME_BYTES,
			.tp_frame_nr = p->blocks * BLOCK_FRAMES,
		};
		void *ring;

		if (setsockopt(p->link.fd, SOL_PACKET, PACKET_RX_RING, &req, sizeof req) < 0) {
			if (errno != ENOMEM)
				return false;
			continue;
		}
		ring = mmap(NULL, (size_t)p->blocks * BLOCK_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, p->link.fd, 0);
		if (ring == MAP_FAILED)
			return false;
		p->ring = ring;
		p->frames = p->blocks * BLOCK_FRAMES;
		return true;
	}
	return false;
}

static bool open_socket(struct packet_link *p, struct link_fault *fault)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	const char *name = p->link.name;
	int err, buffer = SEND_BUFFER;

	/* Protocol 0: nothing is received before bind() has chosen the interface. */
	p->link.fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->link.fd < 0)
		return failed(fault, LINK_STEP_SOCKET, "packet socket for", name);
	err = link_interface(name, p->link.config.mac, &p->link.config.mtu);
	if (err < 0) {
		errno = -err;
		return failed(fault, LINK_STEP_INTERFACE, err == -EPROTOTYPE ? "no Ethernet:" : "interface", name);
	}
	if (!make_ring(p))
		return failed(fault, LINK_STEP_OFFLOAD, "receive ring for", name);
	/* Beyond net.core.wmem_max only with the right to; as much as it gives otherwise. */
	if (setsockopt(p->link.fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof buffer) < 0)
		(void)setsockopt(p->link.fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
	to.sll_ifindex = (int)if_nametoindex(name);
	if (bind(p->link.fd, (struct sockaddr *)&to, sizeof to) < 0)
		return failed(fault, LINK_STEP_INTERFACE, "interface", name);
	return true;
}

struct link *link_packet_open(const char *name, unsigned flags, struct link_fault *fault)
{
	bool offload = !(flags & LINK_PACKET_NO_OFFLOAD);
	struct packet_link *p;

	*fault = (struct link_fault){ .step = LINK_STEP_NONE };
	if (strlen(name) >= IFNAMSIZ) {
		errno = ENODEV;
		failed(fault, LINK_STEP_INTERFACE, "interface", name);
		return NULL;
	}
	p = calloc(1, sizeof *p);
	if (!p) {
		failed(fault, LINK_STEP_MEMORY, "link", name);
		return NULL;
	}
	memcpy(p->link.name, name, strlen(name));
	p->link.ops = &packet_ops;
	p->link.fd = -1;
	p->link.limit = BATCH_BYTES;
	p->link.config = (struct tv_link_config){
		.size = sizeof p->link.config,
		.kind = TV_LINK_ETHERNET,
		.csum_offload = offload,
		.gather = true,
		.gso_bytes = offload ? 65535 : 0,
	};
	if (!open_socket(p, fault)) {
		packet_close(&p->link);
		return NULL;
	}
	return &p->link;
}
