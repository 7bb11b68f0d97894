/*
 * print.c - packets as text: what every line has in common, and TCP. ICMP and ARP are in
 * print_icmp.c.
 *
 * The form is tcpdump's, because everybody who looks at packets reads it. It prints what the bytes
 * say, not what they mean: options stand in the order of the wire, a wrong length is shown and not
 * judged, and a packet that was captured in part ends in [|tcp] where the bytes end. So nothing here
 * uses the parsed segment, and no byte is read beyond `there`.
 */
#include "wire/print.h"
#include "wire/segment.h"
#include "base/bytes.h"

/* ------------------------------------------------------------------------------------------ */
/* Flags and numbers                                                                           */

void tv_print_flags(struct tv_text *t, uint16_t flags)
{
	static const char letters[] = "FSRP.UEWe";

	if ((flags & 0x1ff) == 0) tv_text_str(t, "none");
	for (unsigned i = 0; i < 9; i++)
		if (flags >> i & 1) tv_text_char(t, letters[i]);
}

void tv_print_flag_words(struct tv_text *t, uint16_t flags)
{
	static const struct {
		uint16_t flag;
		char word[4];
	} words[] = {{TV_SYN, "SYN"}, {TV_FIN, "FIN"}, {TV_RST, "RST"}, {TV_PSH, "PSH"},
		{TV_ACK, "ACK"}, {TV_URG, "URG"}, {TV_ECE, "ECE"}, {TV_CWR, "CWR"}, {TV_AE, "AE"}};
	const char *before = "";

	if ((flags & 0x1ff) == 0) tv_text_str(t, "none");
	for (unsigned i = 0; i < sizeof words / sizeof *words; i++) {
		if (!(flags & words[i].flag)) continue;
		tv_text_str(t, before);
		tv_text_str(t, words[i].word);
		before = ",";
	}
}

bool tv_print_is_reverse(const struct tv_endpoint *src, const struct tv_endpoint *dst)
{
	if (src->port != dst->port) return src->port > dst->port;
	return memcmp(src->addr.b, dst->addr.b, sizeof src->addr.b) > 0;
}

struct tv_print_base tv_print_follow(struct tv_print_talk *talk, bool reverse, uint16_t flags,
	uint32_t seq, uint32_t ack)
{
	struct tv_print_base base = {0, 0, 0};

	if (!(flags & TV_ACK)) return base;
	if (!talk->known || flags & TV_SYN) {
		talk->known = true;
		talk->seq = reverse ? ack - 1 : seq;
		talk->ack = reverse ? seq : ack - 1;
	} else {
		base.seq = reverse ? talk->ack : talk->seq;
		base.ack = reverse ? talk->seq : talk->ack;
	}
	base.sack = reverse ? talk->seq : talk->ack;
	return base;
}

/* ------------------------------------------------------------------------------------------ */
/* Options                                                                                     */

/* How an option's value is written. */
enum form { BARE, NUMBER, TIMESTAMPS, BLOCKS, COOKIE, EXPERIMENT, SCPS, USER_TIMEOUT, AUTH, BYTES };

struct option_form {
	uint8_t kind, form;
	uint8_t length;            /* that it must have; 0: any */
	char name[10];
};

static const struct option_form option_forms[] = {
	{0, BARE, 1, "eol"}, {1, BARE, 1, "nop"}, {2, NUMBER, 4, "mss"}, {3, NUMBER, 3, "wscale"},
	{4, BARE, 2, "sackOK"}, {5, BLOCKS, 0, "sack"}, {6, NUMBER, 6, "echo"},
	{7, NUMBER, 6, "echoreply"}, {8, TIMESTAMPS, 10, "TS"}, {11, NUMBER, 6, "cc"},
	{12, NUMBER, 6, "ccnew"}, {13, NUMBER, 6, "ccecho"}, {19, BYTES, 18, "md5"},
	{20, SCPS, 4, "scps"}, {28, USER_TIMEOUT, 4, "uto"}, {29, AUTH, 0, "tcp-ao"},
	{30, BYTES, 0, "mptcp"}, {34, COOKIE, 0, "tfo"}, {254, EXPERIMENT, 0, "exp"}};

static const struct option_form *find_form(uint8_t kind)
{
	for (unsigned i = 0; i < sizeof option_forms / sizeof *option_forms; i++)
		if (option_forms[i].kind == kind) return &option_forms[i];
	return NULL;
}

static uint32_t load_some(const uint8_t *p, unsigned n)
{
	uint32_t v = 0;

	while (n-- > 0) v = v << 8 | *p++;
	return v;
}

static void print_bytes(struct tv_text *t, const uint8_t *p, unsigned n)
{
	for (unsigned i = 0; i < n; i++) tv_text_hex(t, p[i], 2);
}

static void print_number(struct tv_text *t, const char *before, uint32_t v)
{
	tv_text_str(t, before);
	tv_text_uint(t, v);
}

/* n bytes of SACK blocks, of which `there` can be read. */
static void print_blocks(struct tv_text *t, const uint8_t *p, unsigned n, size_t there,
	uint32_t base)
{
	if (n % 8 != 0) {
		tv_text_str(t, " invalid sack");
		return;
	}
	print_number(t, " ", n / 8);
	tv_text_char(t, ' ');
	for (unsigned i = 0; i < n && i + 8 <= there; i += 8) {
		print_number(t, "{", tv_load32(p + i) - base);
		print_number(t, ":", tv_load32(p + i + 4) - base);
		tv_text_char(t, '}');
	}
}

static void print_cookie(struct tv_text *t, const uint8_t *p, unsigned n)
{
	if (n == 0) {
		tv_text_str(t, " cookiereq");
	} else if (n % 2 != 0 || n < 4 || n > 16) {
		tv_text_str(t, " (invalid)");
	} else {
		tv_text_str(t, " cookie ");
		print_bytes(t, p, n);
	}
}

static void print_experiment(struct tv_text *t, const uint8_t *p, unsigned n)
{
	uint16_t magic = tv_load16(p);

	tv_text_char(t, '-');
	if (magic != 0xf989) {
		tv_text_hex(t, magic, 4);
		return;
	}
	tv_text_str(t, "tfo");
	print_cookie(t, p + 2, n - 2);
}

static void print_auth(struct tv_text *t, const uint8_t *p, unsigned n)
{
	if (n < 2) {
		tv_text_str(t, " (invalid)");
		return;
	}
	print_number(t, " keyid ", p[0]);
	print_number(t, " rnextkeyid ", p[1]);
	if (n == 2) return;
	tv_text_str(t, " mac 0x");
	print_bytes(t, p + 2, n - 2);
}

static void print_user_timeout(struct tv_text *t, uint32_t v)
{
	tv_text_str(t, " 0x");
	tv_text_hex(t, v, 1);
	print_number(t, " ", v & 1 ? (v >> 1) * 60 : v >> 1); /* RFC 5482 3: minutes or seconds */
}

static void print_value(struct tv_text *t, enum form form, const uint8_t *p, unsigned n,
	uint32_t sack)
{
	switch (form) {
	case BARE: return;
	case NUMBER: print_number(t, " ", load_some(p, n)); return;
	case TIMESTAMPS:
		print_number(t, " val ", tv_load32(p));
		print_number(t, " ecr ", tv_load32(p + 4));
		return;
	case BLOCKS: print_blocks(t, p, n, n, sack); return;
	case COOKIE:
		tv_text_char(t, ' ');
		print_cookie(t, p, n);
		return;
	case EXPERIMENT: print_experiment(t, p, n); return;
	case SCPS:
		tv_text_str(t, " cap ");
		tv_text_hex(t, p[0], 2);
		print_number(t, " id ", p[1]);
		return;
	case USER_TIMEOUT: print_user_timeout(t, load_some(p, n)); return;
	case AUTH: print_auth(t, p, n); return;
	case BYTES: break;
	}
	if (n > 0) tv_text_str(t, " 0x");
	print_bytes(t, p, n);
}

enum walked { GOOD, BAD, CUT, CUT_INSIDE };

/*
 * One option at p: `left` bytes of the header and `there` readable ones begin there, at least one
 * each. *used is what it takes. A kind whose length is fixed takes that, whatever it says itself, and
 * its own number is put behind it.
 */
static enum walked print_option(struct tv_text *t, const uint8_t *p, size_t left, size_t there,
	uint32_t sack, unsigned *used)
{
	const struct option_form *f = find_form(p[0]);
	unsigned length = 1;

	if (p[0] > 1) {
		if (there < 2) return CUT;
		length = p[1];
		if (length < 2 || length > left) return BAD;
	}
	if (f != NULL)
		tv_text_str(t, f->name);
	else
		print_number(t, "unknown-", p[0]);
	*used = f != NULL && f->length != 0 ? f->length : length;
	if (*used > left || (f != NULL && f->form == EXPERIMENT && length < 4)) return BAD;
	if (*used > there) {
		if (p[0] == 5) print_blocks(t, p + 2, length - 2, there - 2, sack);
		return CUT_INSIDE;
	}
	if (length > 1)
		print_value(t, f != NULL ? (enum form)f->form : BYTES, p + 2, *used - 2, sack);
	if (*used == length) return GOOD;
	print_number(t, "[len ", length);
	tv_text_char(t, ']');
	return GOOD;
}

bool tv_print_options(struct tv_text *t, const uint8_t *p, size_t n, size_t there, uint32_t sack)
{
	unsigned used = 0;

	for (size_t at = 0; at < n; at += used) {
		enum walked w = CUT;

		if (at > 0) tv_text_char(t, ',');
		if (at < there) w = print_option(t, p + at, n - at, there - at, sack, &used);
		if (w == BAD) {
			tv_text_str(t, at > 0 ? "[bad opt]]" : "[bad opt]");
			return false;
		}
		if (w != GOOD) {
			tv_text_str(t, w == CUT_INSIDE && at > 0 ? " [|tcp]>" : " [|tcp]");
			return false;
		}
		if (p[at] == 0) return true;
	}
	return true;
}

/* ------------------------------------------------------------------------------------------ */
/* Segments and packets                                                                        */

static void print_numbers(struct tv_text *t, const uint8_t *p, size_t text,
	const struct tv_print_base *base)
{
	uint32_t seq = tv_load32(p + 4) - base->seq;
	uint16_t flags = tv_load16(p + 12) & 0xff;

	if (text > 0 || flags & (TV_SYN | TV_FIN | TV_RST)) print_number(t, ", seq ", seq);
	if (text > 0) print_number(t, ":", seq + (uint32_t)text);
	if (flags & TV_ACK) print_number(t, ", ack ", tv_load32(p + 8) - base->ack);
	print_number(t, ", win ", tv_load16(p + 14));
	if (flags & TV_URG) print_number(t, ", urg ", tv_load16(p + 18));
}

void tv_print_tcp(struct tv_text *t, const uint8_t *p, size_t n, size_t there,
	const struct tv_print_base *base)
{
	static const struct tv_print_base absolute;
	uint32_t header;

	if (there < 20) {
		tv_text_str(t, " [|tcp]");
		return;
	}
	header = (p[12] >> 4) * 4u;
	if (header < 20) {
		print_number(t, " tcp ", (uint32_t)n - header);
		print_number(t, " [bad hdr length ", header);
		tv_text_str(t, " - too short, < 20]");
		return;
	}
	tv_text_str(t, "Flags [");
	tv_print_flags(t, p[13]);
	tv_text_char(t, ']');
	if (header > n) {
		print_number(t, " [bad hdr length ", header);
		print_number(t, " - too long, > ", (uint32_t)n);
		tv_text_char(t, ']');
		return;
	}
	if (base == NULL) base = &absolute;
	print_numbers(t, p, n - header, base);
	if (header > 20) {
		tv_text_str(t, ", options [");
		if (!tv_print_options(t, p + 20, header - 20, there - 20, base->sack)) return;
		tv_text_char(t, ']');
	}
	print_number(t, ", length ", (uint32_t)(n - header));
}

static void print_ends(struct tv_text *t, const struct tv_ip *ip, bool ports)
{
	tv_text_str(t, ip->v6 ? "IP6 " : "IP ");
	tv_text_addr(t, &ip->src);
	if (ports) print_number(t, ".", tv_load16(ip->payload));
	tv_text_str(t, " > ");
	tv_text_addr(t, &ip->dst);
	if (ports) print_number(t, ".", tv_load16(ip->payload + 2));
	tv_text_str(t, ": ");
}

void tv_print_packet(struct tv_text *t, const uint8_t *p, size_t there,
	const struct tv_print_base *base)
{
	struct tv_ip ip;
	enum tv_verdict v = tv_ip_parse_quoted(&ip, p, there);
	size_t n;
	bool ports;

	if (v != TV_V_OK) {
		tv_text_str(t, there > 0 && p[0] >> 4 == 6 ? "IP6 [" : "IP [");
		tv_text_str(t, tv_verdict_text(v));
		tv_text_char(t, ']');
		return;
	}
	n = ip.v6 ? tv_load16(p + 4) + 40u : tv_load16(p + 2); /* what was captured may be less */
	n -= tv_min64(n, ip.header_len);
	ports = ip.len >= 4 && (ip.protocol == TV_PROTO_TCP || ip.protocol == TV_PROTO_UDP);
	print_ends(t, &ip, ports);
	if (ip.protocol == TV_PROTO_TCP) {
		tv_print_tcp(t, ip.payload, n, ip.len, base);
	} else if (ip.protocol == (ip.v6 ? TV_PROTO_ICMP6 : TV_PROTO_ICMP)) {
		tv_print_icmp(t, ip.v6, ip.payload, n, ip.len);
	} else if (ports && n >= 8) {
		print_number(t, "UDP, length ", (uint32_t)n - 8);
	} else {
		print_number(t, " ip-proto-", ip.protocol);
		print_number(t, " ", (uint32_t)n);
	}
}
