/*
 * test_tcp_predict.c - header prediction against the steps of RFC 9293 3.10.7.4: a connection is led through
 * random talk, and each segment is given twice, to the stack and to a copy of its whole region, once with
 * the short way allowed and once without; to a third as a whole stack has it. Verdict and region have to be the same
 * to the last octet.
 */
#include "lab.h"
#include "stack/predicted.h"
#include "wire/plain.h"

struct pair {
	struct lab *l;
	struct tv_core *copy;
	struct tv_stack *stack;    /* another */
	bool plain;                /* the stack took the last segment, and said: */
	enum tv_verdict told;
	uint64_t seed;
	unsigned with_text, with_ack, with_fin, wanting, farewells, met;
};

static uint32_t chance(struct pair *p, uint32_t of)
{
	return lab_random(&p->seed) % of;
}

/* Mostly what is expected next; sometimes not. */
static struct say anything(struct pair *p, struct tv_tcp_options *o)
{
	struct lab *l = p->l;
	const struct tv_tcb *t = tv_conn(&l->s->core, (uint32_t)l->conn);
	struct say say = {.flags = TV_ACK, .len = chance(p, 3) * chance(p, 300), .stay = true};

	if (chance(p, 2) == 0)
		say.flags |= TV_PSH;
	if (chance(p, 12) == 0)
		say.flags |= (uint16_t)(1u << chance(p, 9));
	if (chance(p, t->state == TV_ESTABLISHED ? 40 : 3) == 0)
		say.flags |= TV_FIN;
	if (t->state != TV_ESTABLISHED && chance(p, 3) != 0)
		say.len = 0;
	if (chance(p, 12) == 0)
		say.off = (int32_t)chance(p, 400) - 200;
	if (chance(p, 3) == 0)
		say.ack_off = (int32_t)(t->snd.una - t->snd.nxt);
	if (chance(p, 8) == 0)
		say.ack_off = -(int32_t)chance(p, 300);
	if (chance(p, 16) == 0)
		say.ack_off = (int32_t)chance(p, 100);
	if (chance(p, 3) == 0) {
		say.wnd_set = true;
		say.wnd = (uint16_t)(chance(p, 4) == 0 ? 0 : chance(p, 2000));
	}
	o->has = l->ts ? TV_OPT_HAS_TS : 0;
	o->ts_val = l->tsval - (chance(p, 10) == 0 ? 5 : 0);
	if (chance(p, 16) == 0)
		o->has ^= TV_OPT_HAS_TS;
	if (chance(p, 16) == 0) {
		o->has |= TV_OPT_HAS_SACK;
		o->sack_count = 1;
		o->sack[0].left = l->ack + chance(p, 100);
		o->sack[0].right = o->sack[0].left + chance(p, 100);
	}
	say.opt = o;
	return say;
}

/* The same in a stack of its own, as a batch of packets has it: what is plain is met before it is looked up. */
static void in_stack(struct pair *p, const uint8_t *packet, uint32_t n)
{
	const struct lab *l = p->l;
	struct tv_stack *s = p->stack;
	struct tv_segment seg;
	uint32_t ref = (uint32_t)TV_KIND_CONN << TV_REF_SLOT_BITS | (uint32_t)l->conn;
	struct tv_tcb *t;
	bool met;

	memcpy(s, l->region, l->bytes);
	t = tv_conn(&s->core, (uint32_t)l->conn);
	p->plain = tv_plain_is_ack(packet, n, false, &l->cfg.arch);
	if (!p->plain)
		return;
	tv_plain_read_ack(&seg, packet, n);
	seg.link = t->link;
	met = tv_conn_expects(t, &seg);
	p->told = met ? tv_conn_in(s, t, &seg) : tv_demux(s, &seg, tv_key_hash(&seg.key, &s->seed), ref);
	p->met += met;
}

/* Both ways with the same segment. */
static void twice(struct pair *p, const struct say *say)
{
	struct lab *l = p->l;
	struct tv_core *c = &l->s->core;
	struct tv_tcb *t = tv_conn(c, (uint32_t)l->conn);
	uint32_t una = t->snd.una;
	struct tv_segment s;
	struct tv_ip ip;
	uint8_t packet[1000];
	uint32_t n = lab_build(l, say, packet);
	uint8_t state = t->state;
	int v, wanted;

	assert_int_equal(tv_ip_parse(&ip, packet, n), TV_V_OK);
	assert_int_equal(tv_segment_parse(&s, &ip, 0, 0, TV_ARCH_PORTABLE), TV_V_OK);
	in_stack(p, packet, n);
	memcpy(p->copy, l->region, l->bytes);
	wanted = tv_tcp_steps(p->copy, tv_conn(p->copy, (uint32_t)l->conn), &s);
	v = tv_tcp_in(c, t, &s);
	assert_int_equal(v, wanted);
	assert_memory_equal(p->copy, l->region, l->bytes);
	p->with_text += s.len != 0 && v == TV_V_OK;
	p->with_ack += t->snd.una != una;
	p->with_fin += (t->flags & TV_F_FIN_RECEIVED) != 0;
	p->wanting += t->want != 0;
	p->farewells += (state == TV_FIN_WAIT_1 || state == TV_LAST_ACK) && t->state != state;
	tv_settle(l->s, t);
	c->cnt.segments_in += p->plain;
	if (p->plain) {
		assert_int_equal(p->told, v);
		assert_memory_equal(p->stack, l->region, l->bytes);
	}
}

/* Congestion control at the end of slow start or behind it, some octets counted (RFC 5681 3.1). */
static void congested(struct pair *p)
{
	struct tv_tcb *t = tv_conn(&p->l->s->core, (uint32_t)p->l->conn);

	t->cc.ssthresh = t->cc.cwnd + chance(p, 3) - 1;
	t->cc.acked = chance(p, 400);
}

/* Something else than a segment. */
static void meanwhile(struct pair *p)
{
	struct lab *l = p->l;
	uint8_t text[400] = {0};

	switch (chance(p, 6)) {
	case 0:
		(void)tv_send(l->s, l->now, l->conn, text, 1 + chance(p, 300), chance(p, 4) == 0 ? TV_SEND_MORE : 0);
		break;
	case 1:
		(void)tv_recv(l->s, l->now, l->conn, text, 1 + chance(p, sizeof text), 0);
		break;
	case 2:
		lab_wait(l, chance(p, 60) * TV_MS);
		break;
	case 3:
		l->tsval += chance(p, 20);
		break;
	case 4:
		if (chance(p, 12) == 0)
			(void)tv_shutdown(l->s, l->now, l->conn);
		else if (chance(p, 6) == 0)
			(void)tv_close(l->s, l->now, l->conn);
		break;
	case 5:
		congested(p);
		break;
	default:
		break;
	}
	lab_hear(l);
	(void)lab_events(l, l->conn);
}

/* The peer goes on from where the connection is, to its end. */
static bool follow(struct lab *l)
{
	const struct tv_tcb *t = tv_conn(&l->s->core, (uint32_t)l->conn);

	l->seq = t->rcv.nxt;
	l->ack = t->snd.nxt;
	return t->state >= TV_ESTABLISHED && t->state != TV_TIME_WAIT;
}

static void region_copied(struct pair *p, struct lab *l)
{
	p->l = l;
	p->copy = aligned_alloc(4096, (l->bytes + 4095) / 4096 * 4096);
	p->stack = aligned_alloc(4096, (l->bytes + 4095) / 4096 * 4096);
	assert_true(p->copy != NULL && p->stack != NULL);
}

static void talk(struct pair *p, bool ts)
{
	struct lab *l = lab_new(NULL, chance(p, 4) == 0);

	l->opts.no_timestamps = !ts;
	l->opts.keepalive = chance(p, 2) == 0;
	l->syn.has = TV_OPT_HAS_MSS | (ts ? TV_OPT_HAS_TS : 0) | (chance(p, 2) == 0 ? TV_OPT_HAS_SACK_OK : 0) |
	             (chance(p, 2) == 0 ? TV_OPT_HAS_WSCALE : 0);
	l->syn.mss = 1460;
	l->syn.wscale = 3;
	if (chance(p, 2) == 0)
		lab_passive(l);
	else
		lab_active(l);
	region_copied(p, l);
	for (unsigned i = 0; i < 120 && follow(l); i++) {
		struct tv_tcp_options o = {.ts_ecr = 1};
		struct say say = anything(p, &o);

		twice(p, &say);
		if (follow(l))
			meanwhile(p);
	}
	free(p->copy);
	free(p->stack);
	lab_free(l);
}

static void test_predict_and_steps_do_the_same(void **state)
{
	struct pair p = {.seed = 20261121};

	(void)state;
	for (unsigned i = 0; i < 48; i++)
		talk(&p, i % 4 != 0);
	assert_true(p.with_text > 150 && p.with_ack > 60 && p.wanting > 60 && p.with_fin > 12 && p.farewells > 8);
	assert_true(p.met > 60);
}

/* How a connection is left, and what the peer says then. */
struct farewell {
	bool peer_first, close, text, heard; /* CLOSE or SHUTDOWN; behind text; did any of it leave? */
	bool acks, fin;                      /* all that was sent; a FIN of its own */
	uint32_t len;
};

static void part(const struct farewell *f)
{
	struct lab *l = lab_new(NULL, false);
	struct pair p = {.seed = 1};
	struct tv_tcp_options o = {.has = TV_OPT_HAS_TS, .ts_ecr = 1};
	struct say say = {.flags = TV_ACK, .len = f->len, .stay = true, .opt = &o};
	struct tv_tcb *t;

	l->syn.has = TV_OPT_HAS_MSS | TV_OPT_HAS_TS;
	l->syn.mss = 1460;
	lab_passive(l);
	region_copied(&p, l);
	if (f->peer_first)
		(void)SAY(l, .flags = TV_ACK | TV_FIN);
	if (f->text)
		lab_send(l, 100, 0);
	assert_int_equal((f->close ? tv_close : tv_shutdown)(l->s, l->now, l->conn), TV_OK);
	if (f->heard)
		lab_hear(l);
	(void)lab_events(l, l->conn);
	(void)follow(l);
	t = tv_conn(&l->s->core, (uint32_t)l->conn);
	o.ts_val = l->tsval;
	say.flags |= f->fin ? TV_FIN : 0;
	say.ack_off = f->acks ? 0 : (int32_t)(t->snd.una - t->snd.nxt);
	twice(&p, &say);
	free(p.copy);
	free(p.stack);
	lab_free(l);
}

static void test_predict_and_steps_part_alike(void **state)
{
	(void)state;
	for (unsigned bits = 0; bits < 128; bits++)
		part(&(struct farewell){.peer_first = bits & 1, .close = bits & 2, .text = bits & 4, .heard = bits & 8,
		                        .acks = bits & 16, .fin = bits & 32, .len = bits & 64 ? 10 : 0});
}

/* What the link says of one packet does not count for the next (verdicts: trivet.h). */
static void test_batch_every_packet_is_read_by_what_its_link_says(void **state)
{
	static const struct {
		uint16_t flags, link, seg_size;
		bool wrong, later;     /* its checksum; it is the next one in the stream */
		enum tv_verdict wanted;
	} of[] = {
		{.later = true, .wanted = TV_V_OK},
		{.wrong = true, .wanted = TV_V_BAD_TCP_CHECKSUM},
		{.flags = TV_PKT_CSUM_OK, .wrong = true, .later = true, .wanted = TV_V_OK},
		{.wrong = true, .wanted = TV_V_BAD_TCP_CHECKSUM},
		{.flags = TV_PKT_CSUM_PARTIAL, .wrong = true, .later = true, .wanted = TV_V_OK},
		{.link = 1, .wanted = TV_V_BAD_METADATA},
		{.later = true, .wanted = TV_V_OK},
		{.link = 1, .flags = TV_PKT_CSUM_OK, .wanted = TV_V_BAD_METADATA},
		{.seg_size = 30, .later = true, .wanted = TV_V_OK},
		{.seg_size = 30, .wrong = true, .wanted = TV_V_BAD_TCP_CHECKSUM},
		{.later = true, .wanted = TV_V_OK},
	};
	struct lab *l = lab_new(NULL, false);
	struct tv_packet packets[COUNT(of)] = {0};
	uint8_t bytes[COUNT(of)][200], verdicts[COUNT(of)];
	struct tv_tcp_options o = {.has = TV_OPT_HAS_TS, .ts_ecr = 1};
	struct say say = {.flags = TV_ACK | TV_PSH, .len = 60, .opt = &o};
	uint32_t from, text = 0;

	(void)state;
	l->syn.has = TV_OPT_HAS_MSS | TV_OPT_HAS_TS;
	l->syn.mss = 1460;
	lab_passive(l);
	from = l->seq;
	o.ts_val = l->tsval;
	for (unsigned i = 0; i < COUNT(of); i++) {
		packets[i] = (struct tv_packet){.data = bytes[i], .len = lab_build(l, &say, bytes[i])};
		packets[i].link = of[i].link;
		packets[i].flags = of[i].flags;
		packets[i].seg_size = of[i].seg_size;
		bytes[i][20 + 16] ^= of[i].wrong;
		if (of[i].later)
			l->seq += say.len;
		text += of[i].later ? say.len : 0;
	}
	tv_input(l->s, l->now, packets, COUNT(of), verdicts);
	for (unsigned i = 0; i < COUNT(of); i++)
		assert_int_equal(verdicts[i], of[i].wanted);
	assert_int_equal(lab_read(l, &from), text);
	lab_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_predict_and_steps_do_the_same),
		cmocka_unit_test(test_predict_and_steps_part_alike),
		cmocka_unit_test(test_batch_every_packet_is_read_by_what_its_link_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
