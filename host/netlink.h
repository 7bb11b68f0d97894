/*
 * netlink.h - requests to the kernel: a message with attributes, and what comes back.
 */
#ifndef TRIVET_HOST_NETLINK_H
#define TRIVET_HOST_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NL_BYTES 1024u

/* Begin with nl_start(); a message that does not fit turns `full` on, and nl_talk() refuses it. */
struct nl_request {
	union {
		struct nlmsghdr h;
		uint8_t bytes[NL_BYTES];
	} u;
	bool full;
};

/* Starts a message with its fixed part; NLM_F_REQUEST is added to flags. */
void nl_start(struct nl_request *r, uint16_t type, uint16_t flags, const void *fixed, size_t len);
void nl_put(struct nl_request *r, uint16_t type, const void *data, size_t len);
void nl_put_string(struct nl_request *r, uint16_t type, const char *text);
void nl_put_u32(struct nl_request *r, uint16_t type, uint32_t value);
/* Bytes without an attribute header (the fixed part inside a nested message). */
void nl_put_raw(struct nl_request *r, const void *data, size_t len);
/* A nested attribute: everything put between open and close is inside. */
size_t nl_open(struct nl_request *r, uint16_t type);
void nl_close(struct nl_request *r, size_t at);

/* Is called for each message of the answer; before, with NULL: what came so far is void. */
typedef void (*nl_fn)(void *user, const struct nlmsghdr *h);

/* Sends the request on a socket of its own and reads until the answer is complete. 0 or a negative
 * errno: the kernel's answer, or -EPROTO for one that makes no sense. */
int nl_talk(int protocol, struct nl_request *r, nl_fn fn, void *user);

/* The attribute `type` in the message behind its fixed part; NULL: absent or shorter than least. */
const void *nl_find(const struct nlmsghdr *h, size_t fixed, uint16_t type, size_t least, size_t *len);
/* The same inside the payload of a nested attribute. */
const void *nl_find_in(const void *attributes, size_t bytes, uint16_t type, size_t least, size_t *len);

#endif
