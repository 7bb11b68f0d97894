/*
 * address.h - addresses as people write them.
 */
#ifndef TRIVET_CLI_ADDRESS_H
#define TRIVET_CLI_ADDRESS_H

#include <trivet/trivet.h>

#define ADDRESS_TEXT 46
#define ENDPOINT_TEXT 56

bool address_is_v4(const struct tv_addr *addr);
bool address_is_zero(const struct tv_addr *addr);
/* "10.9.0.1" or "fd00::1"; false: it is neither. */
bool address_read(const char *text, struct tv_addr *addr);
/* "10.9.0.1/24"; the prefix as people count it. */
bool prefix_read(const char *text, struct tv_addr *addr, unsigned *prefix);
/* The neighbour in the same subnet: one higher, or one lower where that is the last address. */
struct tv_addr address_next(const struct tv_addr *addr, unsigned prefix);
bool address_in(const struct tv_addr *addr, const struct tv_addr *subnet, unsigned prefix);
/* Bits of the 16-byte form, as the library counts them. */
unsigned prefix_bits(const struct tv_addr *addr, unsigned prefix);

const char *address_text(const struct tv_addr *addr, char text[ADDRESS_TEXT]);
/* "10.9.0.1:80", "[fd00::1]:80". */
const char *endpoint_text(const struct tv_endpoint *endpoint, char text[ENDPOINT_TEXT]);

#endif
