/*
 * two_step.c - the responder that is sure too early.
 *
 * It reads what a stack would read, and leaves out what makes a stack safe: its own number is a
 * constant, and nobody has to repeat it. Everything that arrives in order is handed to the application
 * at once.
 */
#include "sim/two_step.h"

#include <string.h>

#include "sim/octets.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16, WINDOW = 65535 };

static struct two_step_end *find(struct two_step *t, const uint8_t *addr, uint32_t port)
{
	for (unsigned i = 0; i < TWO_STEP_ENDS; i++)
		if (t->ends[i].used && t->ends[i].port == port && memcmp(t->ends[i].addr, addr, 4) == 0)
			return &t->ends[i];
	return NULL;
}

static struct two_step_end *room(struct two_step *t)
{
	for (unsigned i = 0; i < TWO_STEP_ENDS; i++)
		if (!t->ends[i].used)
			return &t->ends[i];
	return NULL;
}

/* Queues one segment; a SYN carries MSS 1460 and nothing else. */
static void say(struct two_step *t, struct two_step_end *e, unsigned flags, const char *text)
{
	uint32_t options = flags & SYN ? 4 : 0, len = text ? (uint32_t)strlen(text) : 0;
	uint32_t total = 40 + options + len;
	uint8_t *ip;

	if (t->out_count == 4 || total > sizeof t->out[0])
		return;
	ip = t->out[t->out_count];
	memset(ip, 0, 44);
	ip[0] = 0x45;
	store16(ip + 2, total);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = 6;
	memcpy(ip + 12, t->addr, 4);
	memcpy(ip + 16, e->addr, 4);
	store16(ip + 10, octets_fold(octets_sum(ip, 20, 0)));
	store16(ip + 20, t->port);
	store16(ip + 22, e->port);
	store32(ip + 24, e->snd_nxt);
	store32(ip + 28, e->rcv_nxt);
	ip[32] = (uint8_t)((20 + options) / 4 << 4);
	ip[33] = (uint8_t)flags;
	store16(ip + 34, WINDOW);
	if (options)
		store32(ip + 40, 0x020405b4);
	for (uint32_t i = 0; i < len; i++)
		ip[40 + options + i] = (uint8_t)text[i];
	octets_tcp_checksum(ip, total);
	t->out_len[t->out_count++] = total;
	e->snd_nxt += len + ((flags & SYN) != 0) + ((flags & FIN) != 0);
}

/* The whole mistake: one message came, and the connection is open. */
static void take_syn(struct two_step *t, const uint8_t *ip)
{
	struct two_step_end *e = room(t);

	if (!e)
		return;
	*e = (struct two_step_end){.used = true, .port = (uint16_t)load16(ip + 20), .state = TV_ESTABLISHED};
	memcpy(e->addr, ip + 12, 4);
	e->rcv_nxt = load32(ip + 24) + 1;
	e->snd_nxt = t->isn;
	t->opened++;
	say(t, e, SYN | ACK, NULL);
	if (t->greeting)
		say(t, e, PSH | ACK, t->greeting);
}

static void take_text(struct two_step *t, const uint8_t *text, uint32_t len)
{
	if (len > TWO_STEP_ROOM - 1 - t->got_len)
		len = (uint32_t)(TWO_STEP_ROOM - 1 - t->got_len);
	memcpy(t->got + t->got_len, text, len);
	t->got_len += len;
}

static void take_segment(struct two_step *t, struct two_step_end *e, const uint8_t *ip, uint32_t len)
{
	unsigned flags = ip[33];
	uint32_t header = 20 + (ip[32] >> 4) * 4u;

	if (flags & RST) {
		e->used = false;
		return;
	}
	if (flags & SYN || load32(ip + 24) != e->rcv_nxt) {
		say(t, e, ACK, NULL);
		return;
	}
	if (e->state == TV_LAST_ACK && load32(ip + 28) == e->snd_nxt)
		e->used = false;
	if (header < len) {
		take_text(t, ip + header, len - header);
		e->rcv_nxt += len - header;
		if (t->answer) {
			say(t, e, PSH | FIN | ACK, t->answer);
			e->state = TV_FIN_WAIT_1;
			return;
		}
	}
	if (flags & FIN) {
		e->rcv_nxt++;
		say(t, e, e->state == TV_ESTABLISHED ? FIN | ACK : ACK, NULL);
		/* It waits for nothing at the end either. */
		if (e->state == TV_FIN_WAIT_1)
			e->used = false;
		e->state = TV_LAST_ACK;
	} else if (header < len) {
		say(t, e, ACK, NULL);
	}
}

static void take(void *user, const uint8_t *ip, uint32_t len)
{
	struct two_step *t = user;
	struct two_step_end *e;

	if (len < 40 || ip[0] != 0x45 || ip[9] != 6 || load16(ip + 2) != len || memcmp(ip + 16, t->addr, 4) != 0)
		return;
	if (load16(ip + 22) != t->port || (ip[32] >> 4) < 5 || 20u + (ip[32] >> 4) * 4u > len)
		return;
	e = find(t, ip + 12, load16(ip + 20));
	if (e)
		take_segment(t, e, ip, len);
	else if ((ip[33] & (SYN | ACK | RST)) == SYN)
		take_syn(t, ip);
}

static void speak(void *user)
{
	struct two_step *t = user;
	unsigned n = t->out_count;

	t->out_count = 0;
	for (unsigned i = 0; i < n; i++)
		network_inject(t->net, t->wire, t->side, t->out[i], t->out_len[i]);
}

struct network_puppet two_step_puppet(struct two_step *t)
{
	return (struct network_puppet){.take = take, .speak = speak, .user = t};
}

enum tv_state two_step_state(const struct two_step *t, const struct tv_endpoint *peer)
{
	for (unsigned i = 0; i < TWO_STEP_ENDS; i++)
		if (t->ends[i].used && t->ends[i].port == peer->port &&
			memcmp(t->ends[i].addr, peer->addr.b + 12, 4) == 0)
			return t->ends[i].state;
	return TV_LISTEN;
}
