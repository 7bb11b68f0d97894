/*
 * too_big.h - the ICMP message of a router whose next link is too narrow for a packet.
 */
#ifndef TRIVET_SIM_TOO_BIG_H
#define TRIVET_SIM_TOO_BIG_H

#include <stdint.h>

#define TOO_BIG_MAX 1280u

/*
 * Writes the IP packet that answers ip[0..len) (RFC 1191 3, RFC 4443 3.2): it comes from the
 * packet's destination and quotes what fits. Returns its length, 0 if the packet cannot be answered.
 */
uint32_t too_big(uint8_t out[TOO_BIG_MAX], const uint8_t *ip, uint32_t len, uint32_t mtu);

#endif
