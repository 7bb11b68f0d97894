/*
 * vnet.h - the header that the kernel puts before each packet on a TUN device or packet socket when
 * asked to (struct virtio_net_hdr), and our packet metadata: one translation for both links.
 */
#ifndef TRIVET_LINKS_VNET_H
#define TRIVET_LINKS_VNET_H

#include <linux/virtio_net.h>

#include "links/links.h"

#define VNET_BYTES sizeof(struct virtio_net_hdr)

/*
 * Sets flags and seg_size of a received packet (kind, data and len are set) from its header. False:
 * the header contradicts the packet, which must be dropped. A partial checksum that is not the one of
 * an unfragmented TCP, UDP or ICMPv6 header is completed here, in the packet.
 */
bool vnet_read(const struct virtio_net_hdr *h, enum tv_link_kind kind, struct tv_packet *packet);

/* Makes the header for a packet of ours. */
void vnet_write(struct virtio_net_hdr *h, enum tv_link_kind kind, const struct tv_packet *packet);

#endif
