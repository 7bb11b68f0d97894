/*
 * records.c - reads capture files record by record.
 *
 * libpcap refuses a pcapng file whose interfaces differ in link type or snap length, and gives up a
 * file at the first record that is not whole; a diagnosis wants what is there. So records are read
 * here: both byte orders of pcap, with microseconds and nanoseconds, and the blocks of pcapng that
 * matter (section, interface, enhanced, simple and old packet); other blocks are skipped. Each
 * interface of a section has its own link type and clock. gzip is undone by zlib on the way.
 *
 * Nothing in the file is trusted. A record that claims more than RECORD_MAX, or a length that cannot
 * be, ends the reading there with a sentence; everything before it was given out. Memory is bounded:
 * one buffer, in which records are given out where they lie, and at most INTERFACES_MAX interfaces.
 *
 * A filter is compiled by libpcap, once for each link type that turns up.
 */
#include "links/records.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define RECORD_MAX (1u << 20)

enum { INTERFACES_MAX = 256, FILTERS_MAX = 16, READ_BUFFER = 1 << 18, ZLIB_BUFFER = 1 << 16 };
enum { BLOCK_INTERFACE = 1, BLOCK_OLD_PACKET = 2, BLOCK_SIMPLE = 3, BLOCK_PACKET = 6 };

#define MAGIC_US 0xa1b2c3d4u
#define MAGIC_NS 0xa1b23c4du
#define MAGIC_MODIFIED 0xa1b2cd34u
#define BLOCK_SECTION 0x0a0d0d0au
#define ORDER_MAGIC 0x1a2b3c4du

struct interface {
	uint16_t link_type;
	uint32_t snaplen;
	uint64_t per_second;   /* ticks of its clock */
	int64_t offset;        /* seconds to add */
};

struct filter {
	uint16_t link_type;
	bool usable;
	struct bpf_program program;
};

struct records {
	gzFile file;
	bool blocks;           /* pcapng */
	bool swapped;          /* the file's byte order is not this machine's */
	bool modified;         /* pcap with 8 more bytes in each record */
	bool ended;
	uint64_t count;
	const char *filter_text;
	struct filter filters[FILTERS_MAX];
	unsigned filter_count;
	struct interface interfaces[INTERFACES_MAX];
	unsigned interface_count;
	uint8_t *buffer;       /* room bytes; what was read and not yet given out is at [from, to) */
	uint32_t room, from, to;
	char damage[128], name[32];
};

/* ------------------------------------------------------------------------------------------ */
/* Bytes                                                                                       */

static uint32_t get32(const struct records *c, const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, 4);
	return c->swapped ? __builtin_bswap32(v) : v;
}

static uint16_t get16(const struct records *c, const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, 2);
	return c->swapped ? __builtin_bswap16(v) : v;
}

static void damaged(struct records *c, const char *what)
{
	c->ended = true;
	if (!c->damage[0])
		snprintf(c->damage, sizeof c->damage, "%s", what);
}

/* Room for n bytes in a row. */
static bool make_room(struct records *c, uint32_t n)
{
	uint8_t *larger = n > c->room ? realloc(c->buffer, n) : c->buffer;

	if (!larger)
		return false;
	if (n > c->room)
		c->room = n;
	c->buffer = larger;
	return true;
}

/* At least n bytes to [from, to), or all that is left. A read of a plain file's goes past zlib's buffer. */
static void fill(struct records *c, uint32_t n)
{
	int got;

	memmove(c->buffer, c->buffer + c->from, c->to - c->from);
	c->to -= c->from;
	c->from = 0;
	if (!make_room(c, n)) {
		damaged(c, "there is no memory for a packet of the file");
		return;
	}
	got = gzread(c->file, c->buffer + c->to, c->room - c->to);
	if (got < 0)
		damaged(c, "the file's compressed data is damaged");
	else
		c->to += (uint32_t)got;
}

/*
 * The next n bytes, until the next call; n is at most RECORD_MAX. NULL: the file ends; in the middle of
 * something unless nothing was left of it.
 */
static const uint8_t *take(struct records *c, uint32_t n, bool may_end)
{
	const uint8_t *p;

	if (c->to - c->from < n)
		fill(c, n);
	if (c->to - c->from < n) {
		c->ended = true;
		if (c->to > c->from || !may_end)
			damaged(c, "the file ends in the middle of a packet");
		return NULL;
	}
	p = c->buffer + c->from;
	c->from += n;
	return p;
}

/* ------------------------------------------------------------------------------------------ */
/* pcap                                                                                        */

static bool start_pcap(struct records *c, const uint8_t *magic)
{
	const uint8_t *rest;
	uint32_t m = get32(c, magic);

	if (m != MAGIC_US && m != MAGIC_NS && m != MAGIC_MODIFIED) {
		c->swapped = true;
		m = get32(c, magic);
	}
	if (m != MAGIC_US && m != MAGIC_NS && m != MAGIC_MODIFIED)
		return false;
	rest = take(c, 20, false);
	if (!rest)
		return false;
	c->modified = m == MAGIC_MODIFIED;
	c->interface_count = 1;
	c->interfaces[0] = (struct interface){
		.link_type = (uint16_t)get32(c, rest + 16),
		.per_second = m == MAGIC_NS ? TV_S : 1000000
	};
	return true;
}

static bool next_pcap(struct records *c, struct records_packet *p)
{
	const struct interface *in = &c->interfaces[0];
	const uint8_t *h = take(c, c->modified ? 24 : 16, true);
	uint64_t fraction;

	if (!h)
		return false;
	fraction = get32(c, h + 4);
	*p = (struct records_packet){ .len = get32(c, h + 8), .wire_len = get32(c, h + 12) };
	if (p->len > RECORD_MAX) {
		damaged(c, "a record in the file has an impossible length");
		return false;
	}
	p->time = get32(c, h) * TV_S + fraction * (TV_S / in->per_second);
	p->link_type = in->link_type;
	p->data = take(c, p->len, false);
	return p->data != NULL;
}

/* ------------------------------------------------------------------------------------------ */
/* pcapng                                                                                      */

/* The options of an interface: 9 is the clock's resolution, 14 its offset. */
static void interface_options(const struct records *c, struct interface *in, const uint8_t *p, uint32_t n)
{
	for (uint32_t at = 0; n - at >= 4;) {
		uint16_t code = get16(c, p + at), length = get16(c, p + at + 2);

		at += 4;
		if (code == 0 || length > n - at)
			return;
		if (code == 9 && length == 1) {
			unsigned power = p[at] & 0x7f;

			in->per_second = 1;
			if (p[at] & 0x80)
				in->per_second = power < 63 ? 1ull << power : 0;
			else
				for (unsigned i = 0; i < power; i++)
					in->per_second = power < 19 ? in->per_second * 10 : 0;
			if (in->per_second == 0)
				in->per_second = 1000000;
		}
		if (code == 14 && length == 8)
			in->offset = (int32_t)get32(c, p + at + (c->swapped ? 4 : 0));
		at += (length + 3u) & ~3u;
		if (at > n)
			return;
	}
}

static void add_interface(struct records *c, const uint8_t *p, uint32_t n)
{
	struct interface *in = &c->interfaces[c->interface_count];

	if (n < 8 || c->interface_count == INTERFACES_MAX) {
		damaged(c, n < 8 ? "an interface in the file is not described in full" :
			"the file has more interfaces than can be followed");
		return;
	}
	*in = (struct interface){ .link_type = get16(c, p), .snaplen = get32(c, p + 4), .per_second = 1000000 };
	interface_options(c, in, p + 8, n - 8);
	c->interface_count++;
}

/* Ticks of this interface's clock as nanoseconds. */
static uint64_t ticks_to_ns(const struct interface *in, uint64_t ticks)
{
	uint64_t whole = ticks / in->per_second, rest = ticks % in->per_second;
	uint64_t ns;

	if (in->per_second <= TV_S)
		ns = rest * TV_S / in->per_second;
	else
		ns = rest / (in->per_second / TV_S);
	return (whole + (uint64_t)in->offset) * TV_S + ns;
}

/* A packet block: false when it is none, or not to be believed. */
static bool block_packet(struct records *c, uint32_t type, const uint8_t *b, uint32_t n, struct records_packet *p)
{
	uint32_t at = type == BLOCK_SIMPLE ? 4 : 20, number = 0;
	const struct interface *in;

	if (type != BLOCK_PACKET && type != BLOCK_SIMPLE && type != BLOCK_OLD_PACKET)
		return false;
	*p = (struct records_packet){ 0 };
	if (n < at) {
		damaged(c, "a packet in the file is shorter than its header");
		return false;
	}
	if (type == BLOCK_PACKET)
		number = get32(c, b);
	else if (type == BLOCK_OLD_PACKET)
		number = get16(c, b);
	if (number >= c->interface_count) {
		damaged(c, "a packet in the file names an interface that is not described");
		return false;
	}
	in = &c->interfaces[number];
	p->wire_len = get32(c, type == BLOCK_SIMPLE ? b : b + 16);
	p->len = p->wire_len;
	if (type == BLOCK_SIMPLE) {
		if (in->snaplen && p->len > in->snaplen)
			p->len = in->snaplen;
		if (p->len > n - at)
			p->len = n - at;
	} else {
		p->len = get32(c, b + 12);
		p->time = ticks_to_ns(in, (uint64_t)get32(c, b + 4) << 32 | get32(c, b + 8));
	}
	if (p->len > n - at) {
		damaged(c, "a packet in the file is longer than its block");
		return false;
	}
	p->data = b + at;
	p->link_type = in->link_type;
	return true;
}

/* The head of a section: its byte order is told by its first word. */
static bool start_section(struct records *c)
{
	const uint8_t *h = take(c, 8, false); /* length, order */
	uint32_t n;

	if (!h)
		return false;
	c->swapped = false;
	if (get32(c, h + 4) != ORDER_MAGIC)
		c->swapped = true;
	n = get32(c, h);
	if (get32(c, h + 4) != ORDER_MAGIC || n < 28 || n > RECORD_MAX || n % 4) {
		damaged(c, "a section of the file does not begin as one");
		return false;
	}
	c->interface_count = 0;
	return take(c, n - 12, false) != NULL;
}

static bool next_block(struct records *c, struct records_packet *p)
{
	const uint8_t *h, *body;

	while (!c->ended && (h = take(c, 4, true)) != NULL) {
		uint32_t type = get32(c, h), n;

		if (type == BLOCK_SECTION) {
			if (!start_section(c))
				return false;
			continue;
		}
		h = take(c, 4, false);
		if (!h)
			return false;
		n = get32(c, h);
		if (n < 12 || n > RECORD_MAX || n % 4) {
			damaged(c, "a block of the file has an impossible length");
			return false;
		}
		body = take(c, n - 8, false);
		if (!body)
			return false;
		if (type == BLOCK_INTERFACE)
			add_interface(c, body, n - 12);
		else if (block_packet(c, type, body, n - 12, p))
			return true;
	}
	return false;
}

/* ------------------------------------------------------------------------------------------ */
/* The filter                                                                                  */

/* Files and libpcap number raw IP differently. */
static int dlt_of(uint16_t link_type)
{
	return link_type == 101 || link_type == 12 || link_type == 14 ? DLT_RAW : link_type;
}

static bool compile(struct records *c, struct filter *f, uint16_t link_type, char *error, size_t room)
{
	pcap_t *dead = pcap_open_dead(dlt_of(link_type), 262144);

	f->link_type = link_type;
	f->usable = dead && pcap_compile(dead, &f->program, c->filter_text, 1, PCAP_NETMASK_UNKNOWN) == 0;
	if (error && !f->usable)
		snprintf(error, room, "%s", dead ? pcap_geterr(dead) : "out of memory");
	if (dead)
		pcap_close(dead);
	return f->usable;
}

static bool passes(struct records *c, const struct records_packet *p)
{
	struct pcap_pkthdr h = { .caplen = p->len, .len = p->wire_len };
	struct filter *f = c->filters;

	if (!c->filter_text)
		return true;
	while (f < c->filters + c->filter_count && f->link_type != p->link_type)
		f++;
	if (f == c->filters + FILTERS_MAX)
		return false;
	if (f == c->filters + c->filter_count) {
		c->filter_count++;
		(void)compile(c, f, p->link_type, NULL, 0);
	}
	return f->usable && pcap_offline_filter(&f->program, &h, p->data) != 0;
}

/* ------------------------------------------------------------------------------------------ */
/* The whole                                                                                   */

static bool start(struct records *c)
{
	const uint8_t *p = take(c, 4, false);
	uint8_t magic[4];

	if (!p)
		return false;
	memcpy(magic, p, 4);
	if (get32(c, magic) != BLOCK_SECTION)
		return start_pcap(c, magic);
	c->blocks = true;
	return start_section(c) && !c->ended;
}

static bool open_file(struct records *c, const char *path, struct link_fault *fault)
{
	int fd = -1;

	fault->step = LINK_STEP_FILE;
	errno = 0;
	if (strcmp(path, "-") == 0) {
		fd = dup(STDIN_FILENO);
		c->file = fd >= 0 ? gzdopen(fd, "rb") : NULL;
	} else {
		c->file = gzopen(path, "rb");
	}
	if (!c->file) {
		fault->err = errno ? errno : ENOMEM;
		if (fd >= 0)
			close(fd);
		snprintf(fault->text, sizeof fault->text, "cannot read %.160s: %s", path, strerror(fault->err));
		return false;
	}
	gzbuffer(c->file, ZLIB_BUFFER);
	if (start(c))
		return true;
	snprintf(fault->text, sizeof fault->text, "%.160s is no capture file: it begins neither as pcap nor as pcapng",
		path);
	return false;
}

struct records *records_open(const char *path, const char *filter, struct link_fault *fault)
{
	struct records *c = calloc(1, sizeof *c);
	char error[PCAP_ERRBUF_SIZE] = "";

	*fault = (struct link_fault){ .step = LINK_STEP_NONE };
	if (!c || !make_room(c, READ_BUFFER)) {
		*fault = (struct link_fault){ LINK_STEP_MEMORY, ENOMEM, "out of memory" };
		records_close(c);
		return NULL;
	}
	if (filter && *filter)
		c->filter_text = filter;
	if (!open_file(c, path, fault)) {
		records_close(c);
		return NULL;
	}
	/* A wrong filter is told at once, not as a file without packets. */
	if (c->filter_text) {
		uint16_t type = c->interface_count ? c->interfaces[0].link_type : DLT_EN10MB;

		c->filter_count = 1;
		if (!compile(c, &c->filters[0], type, error, sizeof error)) {
			*fault = (struct link_fault){ .step = LINK_STEP_FILE, .err = EINVAL };
			snprintf(fault->text, sizeof fault->text, "the filter '%.80s' is wrong: %.120s", filter, error);
			records_close(c);
			return NULL;
		}
	}
	*fault = (struct link_fault){ .step = LINK_STEP_NONE };
	return c;
}

bool records_next(struct records *c, struct records_packet *packet)
{
	while (!c->ended && (c->blocks ? next_block(c, packet) : next_pcap(c, packet))) {
		packet->number = ++c->count;
		if (packet->wire_len < packet->len)
			packet->wire_len = packet->len;
		if (passes(c, packet))
			return true;
	}
	return false;
}

uint64_t records_count(const struct records *c)
{
	return c->count;
}

const char *records_damage(const struct records *c)
{
	return c->damage;
}

const char *records_link_name(struct records *c, uint16_t link_type)
{
	const char *name = pcap_datalink_val_to_name(dlt_of(link_type));

	if (name)
		snprintf(c->name, sizeof c->name, "%s", name);
	else
		snprintf(c->name, sizeof c->name, "type %u", link_type);
	return c->name;
}

void records_close(struct records *c)
{
	if (!c)
		return;
	for (unsigned i = 0; i < c->filter_count; i++)
		if (c->filters[i].usable)
			pcap_freecode(&c->filters[i].program);
	if (c->file)
		gzclose(c->file);
	free(c->buffer);
	free(c);
}
