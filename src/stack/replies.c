/*
 * replies.c - what is said without a connection goes out here, within its rates.
 *
 * RSTs are limited per prefix of the asker (/24 or /56, hashed with a keyed function into 256 buckets),
 * ICMP errors as a whole, and all stateless replies together; a bucket holds a quarter of a second's
 * worth more or less by a keyed jitter, so that a stranger cannot count what others were answered (RFC
 * 5961 and its 2016 lesson). What a connection or a half-open record says about itself is not limited
 * here. Packets that are not TCP wait on a page of their own.
 */
#include "stack/stack.h"
#include "wire/eth.h"

#define JITTER_SHARE 4

/* Takes one token if there is one; rate per second, 0: no limit. */
static bool take_token(const struct tv_stack *s, struct tv_bucket *b, uint32_t rate, uint64_t which)
{
	const struct tv_core *c = &s->core;
	uint64_t in[2] = {which, c->now_ms / 1000};
	uint32_t most = rate * 1000, waited = c->now_ms - b->at_ms;

	if (rate == 0)
		return true;
	if (b->at_ms == 0 || waited >= 1000) {
		/* A full bucket is between 3/4 and 1 of the rate, as the key and the second have it. */
		uint32_t jitter = (uint32_t)(tv_siphash(&c->key_rate, in, sizeof in) % (most / JITTER_SHARE + 1));

		b->tokens_milli = most - jitter;
		b->at_ms = c->now_ms + (c->now_ms == 0);
	} else {
		b->tokens_milli = (uint32_t)tv_min64(most, b->tokens_milli + (uint64_t)waited * rate);
		b->at_ms = c->now_ms;
	}
	if (b->tokens_milli < 1000)
		return false;
	b->tokens_milli -= 1000;
	return true;
}

static struct tv_bucket *bucket_of(struct tv_stack *s, const struct tv_addr *a)
{
	uint8_t prefix[8] = {0};

	if (tv_addr_is_v4(a))
		memcpy(prefix, a->b + 12, 3); /* /24 */
	else
		memcpy(prefix, a->b, 7);      /* /56 */
	return &s->rate_rst[tv_siphash(&s->core.key_rate, prefix, sizeof prefix) % TV_RATE_BUCKETS];
}

/* May this reply leave? Only answers to strangers are limited. */
static bool allowed(struct tv_stack *s, const struct tv_reply *r, const struct tv_endpoint *to)
{
	const struct tv_config *g = &s->core.cfg;

	if (!r->limited)
		return true;
	if (r->kind == TV_REPLY_TCP && !take_token(s, bucket_of(s, &to->addr), g->rst_per_second, 2))
		return false;
	return take_token(s, &s->rate_all, g->replies_per_second, 1);
}

static struct tv_reply *ring(const struct tv_stack *s)
{
	return (struct tv_reply *)(void *)(tv_region(&s->core) + s->core.reply_ring);
}

bool tv_replies_waiting(const struct tv_stack *s)
{
	return s->core.reply_head != s->core.reply_tail;
}

/* Queues bytes as they are; head: they begin with a link header. */
static bool queue_bytes(struct tv_stack *s, unsigned link, const struct tv_addr *dst, const uint8_t *p, uint32_t len)
{
	struct tv_core *c = &s->core;
	struct tv_key k = {.v6 = dst != NULL && !tv_addr_is_v4(dst)};
	struct tv_reply *r;
	uint32_t page;

	if (len > TV_PAGE_BYTES)
		return false;
	if (dst != NULL)
		tv_key_addrs(&k, k.v6, 0, dst, dst);
	r = tv_reply_new(c, &k, (uint8_t)link);
	if (r == NULL)
		return false;
	page = tv_page_take(&c->pages, tv_region(c), len, false);
	if (page == 0) {
		c->reply_tail--;
		c->cnt.replies_dropped++;
		return false;
	}
	memcpy(tv_page_bytes(&c->pages, tv_region(c), page), p, len);
	tv_page_meta(&c->pages, tv_region(c), page)->len = (uint16_t)len;
	r->kind = TV_REPLY_PACKET;
	r->page = page;
	r->frame = dst == NULL;
	return true;
}

void tv_reply_frame(struct tv_stack *s, unsigned link, const uint8_t *p, uint32_t len)
{
	queue_bytes(s, link, NULL, p, len);
}

bool tv_reply_packet(struct tv_stack *s, unsigned link, const struct tv_addr *dst, const uint8_t *p, uint32_t len)
{
	return queue_bytes(s, link, dst, p, len);
}

void tv_icmp_report(struct tv_stack *s, unsigned link, const struct tv_icmp_error *e)
{
	struct tv_core *c = &s->core;
	uint8_t packet[1280];
	uint32_t len;

	if (!take_token(s, &s->rate_icmp, c->cfg.icmp_per_second, 3) ||
	    !take_token(s, &s->rate_all, c->cfg.replies_per_second, 1)) {
		c->cnt.rate_limited++;
		return;
	}
	len = tv_icmp_build_error(packet, sizeof packet, e);
	if (len != 0 && queue_bytes(s, link, &e->dst, packet, len))
		c->cnt.icmp_out++;
}

static void drop_page(struct tv_stack *s, const struct tv_reply *r)
{
	if (r->page != 0)
		tv_page_give(&s->core.pages, tv_region(&s->core), r->page);
}

/* Writes one that is limited, goes over Ethernet, or is no segment; false: it cannot leave (no next hop, no
 * room, over its rate). */
static bool write_limited(struct tv_stack *s, const struct tv_reply *r, struct tv_packet *p, uint32_t head)
{
	struct tv_core *c = &s->core;
	const struct tv_link *l = tv_link_at(s, r->link);
	uint32_t len;
	struct tv_out out = {.packet = p, .head = head, .csum_partial = l->csum_offload};
	struct tv_endpoint to;

	tv_key_remote(&r->key, &to);
	if (!allowed(s, r, &to)) {
		c->cnt.rate_limited++;
		return false;
	}
	if (head != 0 && tv_hop_header(s, r->link, &to.addr, p->data, false, NULL) != TV_HOP_READY) {
		c->cnt.parked_drops++;
		return false;
	}
	p->link = r->link;
	if (r->kind == TV_REPLY_TCP) {
		tv_reply_build(c, r, &out);
		return true;
	}
	len = tv_page_meta(&c->pages, tv_region(c), r->page)->len;
	if (head + len > p->cap) {
		c->cnt.replies_dropped++;
		return false;
	}
	memcpy(p->data + head, tv_page_bytes(&c->pages, tv_region(c), r->page), len);
	p->len = head + len;
	p->head_len = p->flags = p->seg_size = p->piece_count = 0;
	return true;
}

/* The same for each reply, and the observer is told. */
static TV_APART bool write_any(struct tv_stack *s, const struct tv_reply *r, struct tv_packet *p)
{
	uint32_t head = tv_link_at(s, r->link)->kind == TV_LINK_ETHERNET && !r->frame ? TV_ETH_HEADER : 0;

	if (!write_limited(s, r, p, head))
		return false;
	if (s->core.cfg.trace != NULL && !r->frame)
		tv_trace_out(s, NULL, p, head);
	return true;
}

/* A segment over a link without a header, which nothing limits or observes. */
static inline bool is_plain(const struct tv_stack *s, const struct tv_reply *r)
{
	return tv_link_at(s, r->link)->kind == TV_LINK_IP && !r->limited && r->kind == TV_REPLY_TCP &&
	       s->core.cfg.trace == NULL;
}

static inline bool write_reply(struct tv_stack *s, const struct tv_reply *r, struct tv_packet *p)
{
	struct tv_out out = {.packet = p, .csum_partial = tv_link_at(s, r->link)->csum_offload};

	if (TV_UNLIKELY(!is_plain(s, r)))
		return write_any(s, r, p);
	p->link = r->link;
	tv_reply_build(&s->core, r, &out);
	return true;
}

/* The replies at the head of the ring that say the same as the first, at most `most` of them; 0: there is no
 * second one, or they cannot be made from a mould. */
static unsigned write_alike(struct tv_stack *s, struct tv_packet *packets, uint32_t most)
{
	struct tv_core *c = &s->core;
	const struct tv_reply *first = tv_reply_at(c, c->reply_head);
	struct tv_mould mould;

	if (most < 2 || !tv_reply_is_like(first, tv_reply_at(c, c->reply_head + 1)) || !is_plain(s, first) ||
	    tv_link_at(s, first->link)->csum_offload || (first->has & TV_OPT_HAS_FASTOPEN) != 0)
		return 0;
	tv_mould_make(c, first, &mould);
	return tv_mould_cast(c, &mould, packets, most);
}

/* A reply to one of our own addresses goes round inside. */
static TV_APART void loop_reply(struct tv_stack *s, const struct tv_reply *r)
{
	struct tv_packet p = {.data = tv_region(&s->core) + s->loop_buffer, .cap = s->core.link_mtu[tv_loop_link(s)]};
	struct tv_reply copy = *r; /* its place is free for what the packet is answered with */

	s->core.reply_head++;
	if (write_any(s, &copy, &p))
		tv_loop_in(s, &p);
	drop_page(s, &copy);
}

/* Not this link's turn: to the end of the ring, where its own place becomes free. */
static void put_back(struct tv_stack *s, const struct tv_reply *r)
{
	struct tv_core *c = &s->core;
	struct tv_reply copy = *r;

	c->reply_head++;
	ring(s)[c->reply_tail++ & (c->cfg.replies - 1)] = copy;
}

unsigned tv_replies_out(struct tv_stack *s, uint32_t link, struct tv_packet *packets, unsigned cap)
{
	struct tv_core *c = &s->core;
	uint32_t end = c->reply_tail;
	unsigned n = 0, alike;

	while (n < cap && c->reply_head != end) {
		const struct tv_reply *r = &ring(s)[c->reply_head & (c->cfg.replies - 1)];

		if (TV_UNLIKELY(r->link == tv_loop_link(s))) {
			loop_reply(s, r);
		} else if (TV_UNLIKELY(link != TV_ANY_LINK && r->link != link)) {
			put_back(s, r);
		} else if ((alike = write_alike(s, packets + n, tv_min32(cap - n, end - c->reply_head))) != 0) {
			n += alike;
		} else {
			n += write_reply(s, r, &packets[n]);
			drop_page(s, r);
			c->reply_head++;
		}
	}
	if (c->reply_head == c->reply_tail)
		c->reply_head = c->reply_tail = 0; /* the first places of the ring stay in the cache */
	return n;
}
