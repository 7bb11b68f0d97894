/*
 * fastopen_server.h - a server of Fast Open in the lab, and a peer with cookies.
 */
#ifndef TEST_FASTOPEN_SERVER_H
#define TEST_FASTOPEN_SERVER_H

#include "lab.h"

/* net.ipv4.tcp_fastopen_key = 01020304-05060708-090a0b0c-0d0e0f10 */
static const uint8_t key[16] = {4, 3, 2, 1, 8, 7, 6, 5, 12, 11, 10, 9, 16, 15, 14, 13};
/* What Linux 6 answers with this key to 192.0.2.7 from 192.0.2.1, and to 2001:db8::7 from 2001:db8::1. */
static const uint8_t linux_v4[8] = {0x79, 0x96, 0x44, 0xdc, 0x17, 0x0f, 0x4c, 0xcd};
static const uint8_t linux_v6[8] = {0x1c, 0x64, 0x08, 0xb3, 0xb8, 0x1a, 0x30, 0x9b};

static inline struct lab *server_with(const struct tv_config *g, bool v6, uint32_t limit)
{
	struct lab *l = lab_new(g, v6);

	l->peer = v6 ? lab_v6(7) : tv_addr_v4(192, 0, 2, 7);
	lab_listen(l);
	assert_int_equal(tv_fastopen_keys(l->s, l->now, key, NULL), TV_OK);
	assert_int_equal(tv_set(l->s, l->now, l->listener, TV_OPT_FASTOPEN, limit), TV_OK);
	return l;
}

static inline struct lab *server(bool v6)
{
	return server_with(NULL, v6, TV_FASTOPEN_PENDING);
}

/* A SYN of a new port with this cookie (NULL: a request) and text; the last thing heard. */
static inline const struct tv_segment *syn(struct lab *l, const uint8_t *cookie, uint8_t cookie_len, bool exp,
                                           uint32_t text)
{
	struct tv_tcp_options o = l->syn;

	o.has |= TV_OPT_HAS_FASTOPEN;
	o.cookie_len = cookie_len;
	o.cookie_exp = exp;
	if (cookie != NULL)
		memcpy(o.cookie, cookie, cookie_len);
	l->peer_port++;
	l->seq = 5000;
	assert_int_equal(SAY(l, .flags = TV_SYN, .opt = &o, .len = text), TV_V_OK);
	l->ack = lab_last(l)->seq + 1;
	return lab_last(l);
}

static inline void accept_it(struct lab *l)
{
	assert_int_equal(tv_accept(l->s, l->now, l->listener, &l->conn), TV_OK);
}

/* A connection by the good cookie, with ten octets on its SYN. */
static inline void open_fast(struct lab *l)
{
	const struct tv_segment *s = syn(l, l->v6 ? linux_v6 : linux_v4, 8, false, 10);

	assert_int_equal(s->flags, TV_SYN | TV_ACK);
	assert_int_equal(s->ack, 5011);
}

static inline uint32_t peer_ack(struct lab *l)
{
	return (uint32_t)SAY(l, .flags = TV_ACK);
}

#endif
