/*
 * open.h - handshakes of which little or nothing is stored: who may have a half-open record, and SYN
 * cookies for the others; and Fast Open. The rest of this room is declared in tcp/core.h.
 */
#ifndef TV_TCP_OPEN_OPEN_H
#define TV_TCP_OPEN_OPEN_H

#include "tcp/core.h"

/* ---- isn.c ---- */
/* What is known of the addresses of a key. */
void tv_pair_anew(struct tv_core *c, const struct tv_key *k);
static inline bool tv_pair_known(const struct tv_core *c, const struct tv_key *k)
{
	const uint64_t *a = c->pair.addrs;
	uint64_t other = tv_native64(k->b) ^ a[0];

	other |= c->pair.words ^ (k->v6 ? 4u : 1u);
	if (TV_UNLIKELY(k->v6))
		other |= (tv_native64(k->b + 8) ^ a[1]) | (tv_native64(k->b + 16) ^ a[2]) |
		         (tv_native64(k->b + 24) ^ a[3]);
	return other == 0;
}
static inline struct tv_pair *tv_pair(struct tv_core *c, const struct tv_key *k)
{
	if (TV_UNLIKELY(!tv_pair_known(c, k)))
		tv_pair_anew(c, k);
	return &c->pair;
}
/* tv_isn() of a key whose tv_pair() was asked for last. */
uint32_t tv_isn_of_pair(struct tv_core *c, const struct tv_key *k);
/* SipHash of the key without its local port, by c->key_port; i: its place among those that are remembered. */
void tv_isn_port_anew(struct tv_core *c, const struct tv_key *k, uint32_t i);
/* Is it remembered? */
static inline bool tv_isn_port_known(const struct tv_core *c, const struct tv_key *k)
{
	uint32_t port = tv_key_remote_port(k);

	return c->pair.port_known && c->pair.ports[port % TV_PAIR_PORTS].remote == port + 1 && tv_pair_known(c, k);
}
static inline uint64_t tv_isn_port(struct tv_core *c, const struct tv_key *k)
{
	uint32_t i = tv_key_remote_port(k) % TV_PAIR_PORTS;

	if (TV_UNLIKELY(!tv_isn_port_known(c, k)))
		tv_isn_port_anew(c, k, i);
	return c->pair.ports[i].hash;
}

#define TV_ISN_TICK_NS 4000u
#define TV_ISN_ERA_LOG 31          /* ticks: half of a round */
#define TV_ISN_ERAS 255u
#define TV_ISN_ERA_NS ((uint64_t)TV_ISN_TICK_NS << TV_ISN_ERA_LOG)
void tv_isn_era_anew(struct tv_core *c, tv_time at);
/* For rtt.era, of a connection that is opened at this time and has tv_isn() of then. */
static inline uint8_t tv_isn_era(struct tv_core *c, tv_time at)
{
	if (TV_UNLIKELY(at - c->era_began >= TV_ISN_ERA_NS))
		tv_isn_era_anew(c, at);
	return (uint8_t)(c->era + 1);
}
/* What a connection adds to the clock of timestamps, and the era of its ISN. Whoever fills a record asks for them
 * first: behind that nothing is called, and compilers see what is in it. */
struct tv_clocks {
	uint32_t offset;
	uint8_t era;
};
/* When it was opened; 0: not known. */
tv_time tv_isn_time(const struct tv_core *c, const struct tv_tcb *t, const struct tv_key *k);

/* ---- negotiate.c ---- */
/* What we can receive over this link. */
static inline uint16_t tv_mss_announced(const struct tv_core *c, const struct tv_profile *p, unsigned link, bool v6)
{
	uint32_t mss = c->link_mtu[link] - (tv_ip_header_len(v6) + 20); /* [MUST-67] [SHLD-6] */

	return (uint16_t)tv_min32(mss, p->mss_most);
}

#define TV_MSS_FLOOR 48u           /* Linux: tcp_min_snd_mss */
#define TV_TS_OPTION_BYTES 12u

/* Of a connection with this profile: what its link carries and we announce, */
static inline void tv_mss_own(const struct tv_core *c, const struct tv_profile *p, struct tv_tcb *t)
{
	t->opt.pmtu = c->link_mtu[t->link];
	t->opt.mss_rcv = tv_mss_announced(c, p, t->link, t->v6);
}

/* and the payload of a full segment now. */
static inline void tv_mss_agreed(const struct tv_profile *p, struct tv_tcb *t)
{
	uint32_t mss = tv_min32(t->opt.mss_peer, t->opt.pmtu - (tv_ip_header_len(t->v6) + 20));

	mss = tv_max32(tv_min32(mss, p->mss_most), TV_MSS_FLOOR);
	if ((t->opt.flags & TV_O_TS) != 0)
		mss -= TV_TS_OPTION_BYTES; /* RFC 9293 3.7.1 [MUST-16] [SHLD-28] */
	t->opt.mss = (uint16_t)mss;
}

static inline uint16_t tv_mss_default(bool v6)
{
	return v6 ? 1220 : 536; /* [MUST-15] */
}

#define TV_O_ALL (TV_O_TS | TV_O_SACK | TV_O_WSCALE)

/* The options of a SYN that both sides have to offer. */
static inline uint8_t tv_mutual(const struct tv_tcp_options *o)
{
	return (uint8_t)(o->has & TV_O_ALL);
}

/* The same as what stands in a SYN or SYN-ACK that offers them; an MSS stands in each. */
static inline uint8_t tv_offered(uint8_t flags)
{
	return (uint8_t)(TV_OPT_HAS_MSS | (flags & TV_O_ALL)); /* [MUST-14] [SHLD-5] [MAY-3] */
}

/* What the options of a SYN and those of its SYN-ACK make: as tv_open_passive(), without a connection. */
struct tv_agreed {
	uint16_t mss_peer, mss_rcv;
	uint8_t flags;             /* TV_O_ */
	uint8_t snd_scale;         /* with TV_O_WSCALE, else 0 */
	uint8_t rcv_scale;         /* the same */
};
static inline void tv_negotiate_listen(const struct tv_core *c, uint32_t profile, const struct tv_segment *s,
                                       struct tv_agreed *a)
{
	const struct tv_profile *p = tv_profile_at(c, profile);
	bool v6 = s->key.v6;

	a->mss_rcv = tv_mss_announced(c, p, s->link, v6);
	a->mss_peer = (s->opt.has & TV_OPT_HAS_MSS) != 0 ? s->opt.mss : tv_mss_default(v6); /* [MUST-14] */
	a->flags = p->offers & tv_mutual(&s->opt);
	a->snd_scale = (a->flags & TV_O_WSCALE) != 0 ? (uint8_t)tv_min32(s->opt.wscale, TV_SCALE_MAX) : 0;
	a->rcv_scale = (a->flags & TV_O_WSCALE) != 0 ? p->rcv_scale : 0; /* RFC 7323 2.2: both or none */
}
/* The options of our SYN or SYN-ACK, into what need not be zeroed. */
TV_INLINE void tv_negotiate_offer(const struct tv_core *c, const struct tv_tcb *t, struct tv_tcp_options *o)
{
	o->has = tv_offered(t->opt.flags);
	o->mss = t->opt.mss_rcv;
	o->wscale = t->opt.rcv_scale;
	o->ts_val = c->now_ms + t->opt.ts_offset;
	o->ts_ecr = t->state == TV_SYN_SENT ? 0 : t->opt.ts_recent;
}
/* Fills a zeroed record, whose link, listener and profile are set, from the final ACK of a handshake and
 * the options of its SYN. */
void tv_open_cookie(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, const struct tv_key *k,
                    const struct tv_tcp_options *syn);

/* ---- half_open.c ---- (records, their FIFOs and their timers; see half_open.h) */
/* Its SYN-ACK; NULL: no room for it. */
struct tv_reply *tv_half_say(struct tv_core *c, uint32_t slot);
/* Makes a scratch record and a key of it, and keeps what in.c has changed. */
void tv_half_unpack(struct tv_core *c, uint32_t slot, struct tv_tcb *t, struct tv_key *k);
void tv_half_update(struct tv_core *c, uint32_t slot, const struct tv_tcb *t);
/* The slot of a half-open record whose tries are used up (to be freed by the caller), TV_NONE: no
 * more is due. Sends due SYN-ACKs again; each counts in *budget. */
uint32_t tv_half_due(struct tv_core *c, uint32_t *budget);
tv_time tv_half_next(const struct tv_core *c);
/* The final ACK of a handshake as it nearly always is, with or without text: each step of the spine (tcp/in.c)
 * would say NEXT to it. False: the spine has to be asked. */
static inline bool tv_half_completes(const struct tv_half *h, const struct tv_segment *s)
{
	if ((s->flags & (TV_SYN | TV_RST | TV_ACK)) != TV_ACK)
		return false;
	if (s->seq != h->irs + 1 || s->ack != h->iss + 1)
		return false;
	return (h->opt & TV_O_TS) == 0 || ((s->opt.has & TV_OPT_HAS_TS) != 0 && seq_geq(s->opt.ts_val, h->ts_recent));
}

/* ---- backlog.c ---- (may this SYN have a half-open record? backlog.h) */
/* Every SYN to this listener gets a cookie, until its accept queue is full or a flood is told of. */
static inline bool tv_backlog_always(const struct tv_core *c, const struct tv_listener *l)
{
	return c->cfg.syn_cookies >= TV_COOKIES_ALWAYS && c->cfg.syn_per_second == 0 && !l->hold;
}
/* Is there a token? rate: per second, at most 4,000,000. Take it only if there is. */
bool tv_bucket_has(struct tv_bucket *b, uint32_t rate, uint32_t now_ms);
void tv_bucket_take(struct tv_bucket *b);
/* Hangs it into the list of those with news. */
void tv_listener_ready(struct tv_core *c, uint32_t index);
static inline void tv_listener_tell(struct tv_core *c, struct tv_listener *l, uint32_t index, uint16_t events)
{
	l->events |= events;
	if (!l->in_ready_list)
		tv_listener_ready(c, index);
}
void tv_flood_due(struct tv_core *c);

/* ---- cookie.c ---- */
/* Answers a SYN with a cookie: TV_V_OK, or TV_V_REPLIES_FULL. What depends on hashes is filled in by
 * tv_cookies_seal(), not later than at the end of the batch. */
int tv_cookie_answer(struct tv_core *c, struct tv_listener *l, const struct tv_segment *s);
void tv_cookies_seal(struct tv_core *c);
/* An ACK to a listener: TV_V_OK with the options of the SYN in *syn; TV_NEXT: it cannot be ours;
 * TV_V_COOKIE_BAD; TV_V_COOKIE_UNCHECKED. */
int tv_cookie_check(struct tv_core *c, struct tv_listener *l, const struct tv_segment *s, const struct tv_key *k,
                    struct tv_tcp_options *syn);

/* ---- fastopen.c ---- */
#define TV_FO_COOKIE 8             /* bytes of a cookie of ours */
void tv_fastopen_key(struct tv_core *c, unsigned which, const uint8_t key[16]);
/* What follows from the secret. */
void tv_fastopen_derive(struct tv_core *c, const uint8_t secret[32]);
/* What a SYN to a listener gets: an ordinary handshake, one with a cookie, a connection at once (and a cookie
 * of the primary key in place of that of the backup). */
enum tv_fo_answer { TV_FO_NO, TV_FO_GRANT, TV_FO_OPEN, TV_FO_OPEN_OLD };
enum tv_fo_answer tv_fastopen_asked(struct tv_core *c, struct tv_listener *l, const struct tv_segment *s);
static inline enum tv_fo_answer tv_fastopen_ask(struct tv_core *c, struct tv_listener *l, const struct tv_segment *s)
{
	return TV_LIKELY((s->opt.has & TV_OPT_HAS_FASTOPEN) == 0) ? TV_FO_NO : tv_fastopen_asked(c, l, s);
}
/* Our SYN-ACK shall carry a cookie, in the option kind that the SYN used. */
static inline void tv_fastopen_grant(struct tv_reply *r, const struct tv_segment *s)
{
	r->has |= TV_OPT_HAS_FASTOPEN;
	r->cookie_exp = s->opt.cookie_exp;
}
/* A record in SYN-RECEIVED whose SYN brought a good cookie. */
void tv_fastopen_open(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s, enum tv_fo_answer how);
/* Puts the cookie for the ends of a key among the options of a SYN-ACK. */
void tv_fastopen_cookie(const struct tv_core *c, const struct tv_key *k, bool exp, struct tv_tcp_options *o);
/* How much text our SYN, which is about to leave, carries: at most room. */
uint32_t tv_fastopen_syn(struct tv_core *c, struct tv_tcb *t, uint32_t room);
/* The option of our SYN or SYN-ACK, if it has one. */
void tv_fastopen_option(struct tv_core *c, struct tv_tcb *t, struct tv_tcp_options *o);
/* The SYN has to be sent again. */
void tv_fastopen_late(struct tv_tcb *t);
/* The handshake is complete with this segment; or it ended before. */
void tv_fastopen_answered(struct tv_core *c, struct tv_tcb *t, const struct tv_segment *s);
void tv_fastopen_ended(struct tv_core *c, struct tv_tcb *t, enum tv_reason reason);

/* ---- paths.c ---- */
#define TV_PATH_BACKOFF (60 * TV_S)
#define TV_PATH_DOUBLINGS 9
/* A destination of Fast Open. */
struct tv_path {
	struct tv_addr addr;
	uint64_t used;             /* when last: counts up; 0: free */
	tv_time until;             /* Fast Open is not tried before */
	uint16_t mss;              /* that it announced; 0: not known */
	uint8_t zone, failures, cookie_len;
	bool exp;                  /* option kind 254 */
	uint8_t cookie[16];
};
void tv_paths_plan(struct tv_core *c, uint32_t paths, uint64_t *end);
uint32_t tv_paths_count(const struct tv_core *c);
struct tv_path *tv_path_at(const struct tv_core *c, uint32_t i);
struct tv_path *tv_path_find(const struct tv_core *c, const struct tv_addr *addr, uint8_t zone);
/* The same, a new one if there is none. */
struct tv_path *tv_path_take(struct tv_core *c, const struct tv_addr *addr, uint8_t zone);
/* That of a connection, which is using it; NULL: not known. */
struct tv_path *tv_path_of(struct tv_core *c, const struct tv_tcb *t);
/* What its SYN-ACK said: a cookie; our text is acknowledged; it is not, and there was no cookie; no cookie in
 * answer to a request; or it did not answer to Fast Open at all. */
void tv_path_granted(struct tv_core *c, const struct tv_tcb *t, const struct tv_tcp_options *o);
void tv_path_worked(struct tv_core *c, const struct tv_tcb *t, const struct tv_tcp_options *o);
void tv_path_refused(struct tv_core *c, const struct tv_tcb *t);
void tv_path_ignored(struct tv_core *c, const struct tv_tcb *t);
void tv_path_failed(struct tv_core *c, const struct tv_tcb *t);

#endif
