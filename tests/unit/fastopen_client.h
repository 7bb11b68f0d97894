/*
 * fastopen_client.h - a client of Fast Open in the lab: opens with text for the SYN, and answers with cookies.
 */
#ifndef TEST_FASTOPEN_CLIENT_H
#define TEST_FASTOPEN_CLIENT_H

#include "lab.h"

static const uint8_t cookie[8] = {1, 2, 3, 4, 5, 6, 7, 8};

static inline struct lab *client(bool v6)
{
	return lab_new(NULL, v6);
}

/* The one destination that is remembered. */
static inline struct tv_fastopen_path remembered(const struct lab *l)
{
	struct tv_fastopen_path p = {.size = sizeof p};
	uint64_t cursor = 0;

	assert_true(tv_fastopen_next(l->s, &cursor, &p));
	assert_false(tv_fastopen_next(l->s, &cursor, &(struct tv_fastopen_path){.size = sizeof p}));
	return p;
}

/* Opens, and writes n octets before the SYN leaves. */
static inline const struct tv_segment *open_with(struct lab *l, uint32_t n)
{
	struct tv_connect_config g;

	tv_connect_default(&g);
	g.remote.addr = l->peer;
	g.remote.port = l->peer_port;
	g.options = &l->opts;
	g.fastopen = true;
	assert_int_equal(tv_connect(l->s, l->now, &g, &l->conn, NULL), TV_OK);
	assert_int_equal(lab_info(l).fastopen, TV_FO_PLANNED);
	l->sent = 0;
	if (n != 0)
		lab_send(l, n, 0); /* hears what it makes the stack say */
	else
		lab_hear(l);
	lab_only(l, TV_SYN);
	l->ack = l->heard[0].seg.seq + 1;
	l->port = tv_key_remote_port(&l->heard[0].seg.key);
	l->ts = (l->syn.has & TV_OPT_HAS_TS) != 0;
	return &l->heard[0].seg;
}

/* A destination whose cookie and MSS are known already. */
static inline void know(struct lab *l)
{
	struct tv_fastopen_path p = {.size = sizeof p, .addr = l->peer, .cookie_len = 8, .mss = 1460};

	memcpy(p.cookie, cookie, sizeof cookie);
	assert_int_equal(tv_fastopen_put(l->s, l->now, &p), TV_OK);
}

/* The SYN-ACK that grants this cookie. */
static inline struct tv_tcp_options granting(const struct lab *l, uint8_t len, bool exp, uint8_t first)
{
	struct tv_tcp_options o = l->syn;

	o.has |= TV_OPT_HAS_FASTOPEN;
	o.cookie_len = len;
	o.cookie_exp = exp;
	for (unsigned i = 0; i < len; i++)
		o.cookie[i] = (uint8_t)(first + i);
	return o;
}

/* Ends this attempt; the next one uses other numbers. */
static inline void done(struct lab *l)
{
	assert_int_equal(tv_abort(l->s, l->now, l->conn), TV_OK);
	assert_int_equal(tv_release(l->s, l->now, l->conn), TV_OK);
	lab_hear(l);
	l->seq += 100000;
}

/* Of the option of the SYN: -1 none, else the length of its cookie. */
static inline int option(const struct tv_segment *s)
{
	return (s->opt.has & TV_OPT_HAS_FASTOPEN) == 0 ? -1 : s->opt.cookie_len;
}

#endif
