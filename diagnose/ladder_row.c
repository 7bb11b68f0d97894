/*
 * ladder_row.c - the list of events, and what each packet in it was.
 *
 * The list owns copies of what it is given. The reader goes through it from the start and remembers,
 * for each side, the sequence number that its stream began with, how far it has sent and the scale
 * of its window, so that numbers can be told relative and a retransmission be called one.
 *
 * A side's numbers count from its SYN; if the list begins later, from the first number seen (in its
 * own packets, or in the other side's acknowledgments).
 *
 * Nothing about a packet is trusted: it is read as one quoted in an ICMP error would be, which may
 * be cut anywhere. What cannot be read is shown as what the parser said.
 */
#include "diagnose/ladder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "diagnose/ladder_list.h"
#include "wire/print.h"
#include "wire/segment.h"

/* ------------------------------------------------------------------------------------------ */
/* The list                                                                                    */

struct ladder *ladder_new(void)
{
	struct ladder *l = calloc(1, sizeof *l);

	if (l)
		l->start[0] = l->start[1] = LADDER_UNKNOWN;
	return l;
}

void ladder_free(struct ladder *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < l->count; i++)
		free(l->owned[i]);
	free(l->owned);
	free(l->events);
	free(l);
}

void ladder_end(struct ladder *l, unsigned end, const char *name, const char *address)
{
	snprintf(l->name[end], sizeof l->name[end], "%s", name);
	snprintf(l->address[end], sizeof l->address[end], "%s", address);
}

const char *ladder_end_name(const struct ladder *l, unsigned end)
{
	return l->name[end];
}

const char *ladder_end_address(const struct ladder *l, unsigned end)
{
	return l->address[end];
}

void ladder_start(struct ladder *l, unsigned end, enum tv_state state)
{
	l->start[end] = state;
}

enum tv_state ladder_started(const struct ladder *l, unsigned end)
{
	return l->start[end];
}

static bool grow(struct ladder *l)
{
	size_t room = l->room ? 2 * l->room : 64;
	struct ladder_event *events = realloc(l->events, room * sizeof *events);
	uint8_t **owned;

	if (!events)
		return false;
	l->events = events;
	owned = realloc(l->owned, room * sizeof *owned);
	if (!owned)
		return false;
	l->owned = owned;
	l->room = room;
	return true;
}

size_t ladder_packet(struct ladder *l, const struct ladder_event *packet)
{
	const char *remark = packet->remark ? packet->remark : "";
	size_t text = strlen(remark) + 1;
	struct ladder_event *e;
	uint8_t *copy;

	if (l->count == l->room && !grow(l))
		return LADDER_NONE;
	copy = malloc(packet->len + text);
	if (!copy)
		return LADDER_NONE;
	if (packet->len)
		memcpy(copy, packet->ip, packet->len);
	memcpy(copy + packet->len, remark, text);
	l->owned[l->count] = copy;
	e = &l->events[l->count];
	*e = *packet;
	e->ip = copy;
	e->remark = (const char *)copy + packet->len;
	return l->count++;
}

size_t ladder_note(struct ladder *l, tv_time time, unsigned about, const char *text)
{
	struct ladder_event note = {.time = time, .is_note = true, .from = about, .remark = text};

	note.state[0] = note.state[1] = LADDER_UNKNOWN;
	return ladder_packet(l, &note);
}

size_t ladder_count(const struct ladder *l)
{
	return l->count;
}

struct ladder_event *ladder_at(struct ladder *l, size_t number)
{
	return number < l->count ? &l->events[number] : NULL;
}

/* ------------------------------------------------------------------------------------------ */
/* The reader                                                                                  */

void ladder_read(struct ladder_reader *reader, const struct ladder *l)
{
	memset(reader, 0, sizeof *reader);
	reader->ladder = l;
}

static void flag_words(struct ladder_row *row, uint16_t flags)
{
	struct tv_text words = tv_text_start(row->words, sizeof row->words);
	struct tv_text letters = tv_text_start(row->flags, sizeof row->flags);

	tv_print_flag_words(&words, flags);
	tv_print_flags(&letters, flags);
}

/* As tcpdump names it. */
static void read_fastopen(struct ladder_row *row, const struct tv_tcp_options *o)
{
	struct tv_text t = tv_text_start(row->fastopen, sizeof row->fastopen);

	if (!(o->has & TV_OPT_HAS_FASTOPEN))
		return;
	tv_text_str(&t, o->cookie_exp ? "exp-tfo cookie" : "tfo cookie");
	tv_text_str(&t, o->cookie_len == 0 ? "req" : " ");
	for (unsigned i = 0; i < o->cookie_len; i++)
		tv_text_hex(&t, o->cookie[i], 2);
}

static void read_options(struct ladder_row *row, const struct tv_tcp_options *o, uint32_t acked_first)
{
	row->has_mss = o->has & TV_OPT_HAS_MSS;
	row->has_scale = o->has & TV_OPT_HAS_WSCALE;
	row->has_timestamps = o->has & TV_OPT_HAS_TS;
	row->sack_permitted = o->has & TV_OPT_HAS_SACK_OK;
	row->mss = o->mss;
	row->scale = o->wscale;
	row->ts_val = o->ts_val;
	row->ts_ecr = o->ts_ecr;
	read_fastopen(row, o);
	if (!(o->has & TV_OPT_HAS_SACK))
		return;
	row->sack_count = o->sack_count;
	for (unsigned i = 0; i < o->sack_count && i < 4; i++) {
		row->sack[i][0] = o->sack[i].left - acked_first;
		row->sack[i][1] = o->sack[i].right - acked_first;
	}
}

/* What is known of both sides after this packet. */
static void learn(struct ladder_reader *r, const struct tv_segment *s, unsigned from, uint32_t end)
{
	/* Another connection on the same ports: its timestamps are others too. */
	if (s->flags & TV_SYN && r->side[from].known && s->seq != r->side[from].first)
		r->side[from].ts_seen = false;
	if (!r->side[from].known || s->flags & TV_SYN) {
		r->side[from].known = true;
		r->side[from].first = s->seq;
		r->side[from].sent = r->side[from].sent && r->side[from].next_seq == s->seq + 1;
	}
	if (!r->side[!from].known && s->flags & TV_ACK) {
		r->side[!from].known = true;
		r->side[!from].first = s->flags & TV_SYN ? s->ack - 1 : s->ack;
	}
	if (s->flags & TV_SYN && s->opt.has & TV_OPT_HAS_WSCALE) {
		r->side[from].scale = s->opt.wscale > 14 ? 14 : s->opt.wscale;
		r->side[from].scale_seen = true;
	}
	if (!r->side[from].sent || (int32_t)(end - r->side[from].next_seq) > 0)
		r->side[from].next_seq = end;
	r->side[from].sent = true;
}

static void relate_timestamps(struct ladder_reader *r, struct ladder_row *row, unsigned from)
{
	row->rel_ts_val = row->ts_val - r->side[from].ts_first;
	row->rel_ts_ecr = row->ts_ecr - r->side[!from].ts_first;
	/* What is older than the first one belongs to another connection. */
	row->ts_relative = row->has_timestamps && r->side[0].ts_seen && r->side[1].ts_seen &&
		(int32_t)row->rel_ts_val >= 0 && (int32_t)row->rel_ts_ecr >= 0;
	if (row->has_timestamps && !r->side[from].ts_seen) {
		r->side[from].ts_seen = true;
		r->side[from].ts_first = row->ts_val;
	}
}

static void read_segment(struct ladder_reader *r, struct ladder_row *row, const struct tv_segment *s,
	uint32_t text_len)
{
	unsigned from = row->event->from & 1;
	uint32_t end = s->seq + text_len + ((s->flags & TV_SYN) != 0) + ((s->flags & TV_FIN) != 0);
	bool scaled = r->side[0].scale_seen && r->side[1].scale_seen && !(s->flags & TV_SYN);

	row->tcp = true;
	flag_words(row, s->flags);
	row->syn = s->flags & TV_SYN;
	row->fin = s->flags & TV_FIN;
	row->rst = s->flags & TV_RST;
	row->has_ack = s->flags & TV_ACK;
	row->seq = s->seq;
	row->ack = s->ack;
	row->len = text_len;
	row->text = s->text;
	row->text_have = s->len < text_len ? s->len : text_len;
	row->window = scaled ? (uint32_t)s->wnd << r->side[from].scale : s->wnd;
	row->again = r->side[from].sent && end != s->seq && !row->rst && (!row->syn || s->seq == r->side[from].first) &&
		(int32_t)(end - r->side[from].next_seq) <= 0;
	/* A RST that answers a SYN has a number from its ACK, not from a stream of its own. */
	if (!row->rst || !row->has_ack || r->side[from].known)
		learn(r, s, from, end);
	row->rel_seq = r->side[from].known ? s->seq - r->side[from].first : 0;
	row->rel_ack = row->has_ack && r->side[!from].known ? s->ack - r->side[!from].first : 0;
	read_options(row, &s->opt, r->side[!from].first);
	relate_timestamps(r, row, from);
}

static void read_icmp(struct ladder_row *row, const struct tv_ip *ip)
{
	static const char *const unreachable4[] = {"network unreachable", "host unreachable",
		"protocol unreachable", "port unreachable", "too big for the path"};
	static const char *const unreachable6[] = {"no route", "administratively prohibited",
		"beyond scope", "address unreachable", "port unreachable"};
	const char *what = "message";
	uint8_t type = ip->len > 1 ? ip->payload[0] : 255, code = ip->len > 1 ? ip->payload[1] : 0;

	if (!ip->v6 && type == 3)
		what = code < 5 ? unreachable4[code] :
			code == 9 || code == 10 || code == 13 ? "administratively prohibited" : "unreachable";
	else if (ip->v6 && type == 1)
		what = code < 5 ? unreachable6[code] : "unreachable";
	else if (ip->v6 && type == 2)
		what = "packet too big";
	else if (type == (ip->v6 ? 3 : 11))
		what = "time exceeded";
	else if (type == (ip->v6 ? 128 : 8))
		what = "echo request";
	else if (type == (ip->v6 ? 129 : 0))
		what = "echo reply";
	else if (ip->v6 && type >= 133 && type <= 137)
		what = "neighbour discovery";
	snprintf(row->words, sizeof row->words, "ICMP %s", what);
}

/* The length that the IP header tells, from the header on; 0: it tells none. */
static uint32_t told_length(const uint8_t *ip, uint32_t len)
{
	if (len >= 20 && ip[0] >> 4 == 4)
		return (uint32_t)ip[2] << 8 | ip[3];
	if (len >= 40 && ip[4] | ip[5])
		return 40 + ((uint32_t)ip[4] << 8 | ip[5]);
	return 0;
}

static void read_packet(struct ladder_reader *r, struct ladder_row *row)
{
	const struct ladder_event *e = row->event;
	uint32_t told = told_length(e->ip, e->len), cut;
	enum tv_verdict v;
	struct tv_ip ip;
	struct tv_segment s;

	v = tv_ip_parse_quoted(&ip, e->ip, e->len);
	if (v == TV_V_OK && ip.protocol == TV_PROTO_TCP) {
		v = tv_segment_parse(&s, &ip, TV_PKT_CSUM_OK, 0, TV_ARCH_PORTABLE);
		cut = told > e->len ? told - e->len : 0;
		if (v == TV_V_OK) {
			read_segment(r, row, &s, s.len + cut);
			return;
		}
	} else if (v == TV_V_OK && (ip.protocol == TV_PROTO_ICMP || ip.protocol == TV_PROTO_ICMP6)) {
		read_icmp(row, &ip);
		return;
	} else if (v == TV_V_OK) {
		snprintf(row->words, sizeof row->words, "IP protocol %u", ip.protocol);
		return;
	}
	snprintf(row->words, sizeof row->words, "unreadable: %s", tv_verdict_name(v));
}

bool ladder_next(struct ladder_reader *reader, struct ladder_row *row)
{
	memset(row, 0, sizeof *row);
	if (reader->next == reader->ladder->count)
		return false;
	row->event = &reader->ladder->events[reader->next++];
	if (!row->event->is_note)
		read_packet(reader, row);
	return true;
}
