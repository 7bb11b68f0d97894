/*
 * vnet.c - the kernel's offload header and our packet metadata.
 *
 * Both sides mean the same three things: the checksum is still to be made, or was verified; and the
 * packet stands for several segments of a given size. They differ in what they take for granted. The
 * header comes from the kernel, but what it describes may come from anywhere (another process behind
 * the device, a virtual machine), so each field is compared with the packet, and a packet whose header
 * lies is dropped: guessing would hand the stack a length it must not trust.
 *
 * The fields are in the host's byte order: TUN and packet sockets say so unless told otherwise
 * (TUNSETVNETLE, TUNSETVNETBE).
 */
#include "links/vnet.h"

#include "links/offload.h"

#define TCP_CSUM_OFFSET 16
#define TCP_FLAGS_OFFSET 13
#define TCP_CWR 0x80

/* The checksum is the one of this packet's own transport header. */
static bool is_ours(const struct virtio_net_hdr *h, const struct offload_view *v)
{
	return !v->fragment && h->csum_start == v->l4 && h->csum_offset != 0 &&
	       h->csum_offset == offload_csum_offset(v->protocol);
}

bool vnet_read(const struct virtio_net_hdr *h, enum tv_link_kind kind, struct tv_packet *packet)
{
	struct offload_view v;
	bool known = offload_view(kind, packet->data, packet->len, &v);
	uint8_t type = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	bool merged = type != VIRTIO_NET_HDR_GSO_NONE;

	packet->flags = 0;
	packet->seg_size = 0;
	if (h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		if ((uint32_t)h->csum_start + h->csum_offset + 2 > packet->len)
			return false;
		if (known && is_ours(h, &v))
			packet->flags = TV_PKT_CSUM_PARTIAL;
		else if (merged)
			return false;
		else
			offload_complete(packet->data, packet->len, h->csum_start, h->csum_offset);
	} else if (h->flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		packet->flags = TV_PKT_CSUM_OK;
	}
	if (!merged)
		return true;
	if (!known || v.fragment || v.protocol != OFFLOAD_TCP || h->gso_size == 0)
		return false;
	if (type != (v.version == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6))
		return false;
	/* One segment is no super-segment, whatever the header calls it. */
	if (v.end - v.payload > h->gso_size)
		packet->seg_size = h->gso_size;
	return true;
}

void vnet_write(struct virtio_net_hdr *h, enum tv_link_kind kind, const struct tv_packet *packet)
{
	uint32_t ip = kind == TV_LINK_ETHERNET ? 14 : 0;

	*h = (struct virtio_net_hdr){ 0 };
	if (packet->flags & TV_PKT_CSUM_PARTIAL) {
		h->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->csum_start = packet->csum_start;
		h->csum_offset = packet->csum_offset;
	}
	if (packet->seg_size == 0)
		return;
	h->gso_type = packet->data[ip] >> 4 == 4 ? VIRTIO_NET_HDR_GSO_TCPV4 : VIRTIO_NET_HDR_GSO_TCPV6;
	h->gso_size = packet->seg_size;
	h->hdr_len = packet->head_len;
	if (packet->csum_offset == TCP_CSUM_OFFSET &&
	    (packet->data[packet->csum_start + TCP_FLAGS_OFFSET] & TCP_CWR))
		h->gso_type |= VIRTIO_NET_HDR_GSO_ECN;
}
