/*
 * offload.c - metadata of links that lie, and what merging and cutting of segments may not lose.
 */
#define _GNU_SOURCE
#include "attack.h"

#include <sys/mman.h>

#include "links/offload.h"
#include "links/vnet.h"

#define ROOM 65536u

/* A copy of the packet that ends where a page without access begins, or begins where one ends. */
static uint8_t *guarded(const uint8_t *p, uint32_t n, bool at_end)
{
	static uint8_t *map;
	uint8_t *at;

	if (map == NULL) {
		map = mmap(NULL, ROOM + 2 * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		assert_true(map != MAP_FAILED);
		assert_int_equal(mprotect(map, 4096, PROT_NONE), 0);
		assert_int_equal(mprotect(map + 4096 + ROOM, 4096, PROT_NONE), 0);
	}
	at = at_end ? map + 4096 + ROOM - n : map + 4096;
	memcpy(at, p, n);
	return at;
}

/* What the header may say of this packet, for it to be taken; what the link may do with it is the same. */
static bool honest(const struct virtio_net_hdr *h, enum tv_link_kind kind, const uint8_t *p, uint32_t n)
{
	uint8_t type = h->gso_type & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	uint32_t ip = kind == TV_LINK_ETHERNET ? 14 : 0;

	if ((h->flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) != 0 && (uint32_t)h->csum_start + h->csum_offset + 2 > n)
		return false;
	if (type == VIRTIO_NET_HDR_GSO_NONE)
		return true;
	if (h->gso_size == 0 || n < ip + 40)
		return false;
	return p[ip] >> 4 == 4 ? type == VIRTIO_NET_HDR_GSO_TCPV4 && p[ip + 9] == TV_PROTO_TCP
	                       : type == VIRTIO_NET_HDR_GSO_TCPV6 && p[ip + 6] == TV_PROTO_TCP;
}

static uint16_t edge(uint64_t *random, uint32_t n)
{
	const uint32_t edges[] = {0, 1, 2, 13, 14, 16, 20, 34, 36, 40, 54, 56, n - 2, n - 1, n, n + 1, n + 100, 1460,
		65535};

	return (uint16_t)(lab_random(random) % 4 == 0 ? lab_random(random) : edges[lab_random(random) % COUNT(edges)]);
}

/* A segment of the connection, or a part of it, or noise; with a link header or without. Returns its length. */
static uint32_t any_packet(const struct lab *l, uint64_t *random, enum tv_link_kind kind, uint8_t *p)
{
	uint32_t ip = kind == TV_LINK_ETHERNET ? 14 : 0, n;

	memset(p, 0, 14);
	tv_store16(p + 12, l->v6 ? 0x86dd : 0x0800);
	n = ip + lab_build(l, &(struct say){.flags = TV_ACK | TV_PSH, .len = lab_random(random) % 4000}, p + ip);
	if (lab_random(random) % 4 == 0)
		p[ip + lab_random(random) % 40] = (uint8_t)lab_random(random);
	return lab_random(random) % 4 == 0 ? 1 + lab_random(random) % n : n;
}

static void pa_27(struct attack *a)
{
	uint64_t random = 1, n = a->quick ? 50000 : 1000000, lies = 0, taken = 0, contradicted = 0, good = 0;
	struct lab *labs[2] = {lab_new(NULL, false), lab_new(NULL, true)};

	lab_passive(labs[0]);
	lab_passive(labs[1]);
	for (uint64_t i = 0; i < n; i++) {
		enum tv_link_kind kind = (i & 1) != 0 ? TV_LINK_ETHERNET : TV_LINK_IP;
		struct lab *l = labs[(i & 2) != 0];
		static uint8_t p[ROOM];
		uint32_t len = any_packet(l, &random, kind, p);
		struct virtio_net_hdr h = {.flags = (uint8_t)(lab_random(&random) % 8),
			.gso_type = (uint8_t)(lab_random(&random) % (i % 4 != 0 ? 6 : 256)),
			.hdr_len = edge(&random, len),
			.gso_size = edge(&random, len),
			.csum_start = edge(&random, len),
			.csum_offset = edge(&random, len)};
		struct tv_packet packet = {.data = guarded(p, len, lab_random(&random) % 2 == 0), .len = len};
		bool ok = vnet_read(&h, kind, &packet), may = honest(&h, kind, p, len);

		lies += !may;
		taken += ok && !may;
		good += ok;
		contradicted += ok && packet.seg_size >= len;
		if (!ok || kind != TV_LINK_IP)
			continue;
		tv_input(l->s, l->now, &packet, 1, NULL);
		hear(l, &(struct said){0});
	}
	must(a, tv_stack_check(labs[0]->s) == 0 && tv_stack_check(labs[1]->s) == 0, "every invariant of the stacks");
	measured(a, taken == 0 && lies > n / 10 && good > n / 20,
		"%llu of %llu headers that lie believed, of %llu in all, against guard pages", (unsigned long long)taken,
		(unsigned long long)lies, (unsigned long long)n);
	measured(a, contradicted == 0, "%llu segment sizes as long as the packet", (unsigned long long)contradicted);
}

/* Is this super-segment cut into segments with the same text, flags and options, each with its ECN field? */
static bool cut_well(uint8_t *p, uint32_t len, uint16_t size)
{
	static uint8_t out[ROOM];
	struct tv_segment whole, part;
	struct offload_view v;
	struct tv_ip ip;
	uint32_t at = 0, n;

	p[1] |= 3; /* congestion experienced, RFC 3168 5 */
	if (!offload_view(TV_LINK_IP, p, len, &v) || tv_ip_parse(&ip, p, len) != TV_V_BAD_IP_CHECKSUM)
		return false;
	memset(p + 10, 0, 2);
	tv_csum_store(p + 10, tv_csum_add(0, p, 20));
	if (tv_ip_parse(&ip, p, len) != TV_V_OK ||
		tv_segment_parse(&whole, &ip, TV_PKT_CSUM_OK, size, TV_ARCH_PORTABLE) != TV_V_OK)
		return false;
	for (uint32_t i = 0; (n = (uint32_t)offload_cut(p, &v, size, i, out)) != 0; i++) {
		bool last = at + size >= whole.len;

		if (tv_ip_parse(&ip, out, n) != TV_V_OK || (out[1] & 3) != 3 ||
			tv_segment_parse(&part, &ip, 0, 0, TV_ARCH_PORTABLE) != TV_V_OK)
			return false;
		if (part.seq != whole.seq + at || part.ack != whole.ack || part.wnd != whole.wnd ||
			part.opt.has != whole.opt.has || part.opt.ts_val != whole.opt.ts_val ||
			part.flags != (last ? whole.flags : whole.flags & ~(TV_PSH | TV_FIN)) ||
			memcmp(part.text, whole.text + at, part.len) != 0)
			return false;
		at += part.len;
	}
	return at == whole.len;
}

/* What leaves: text, urgent text, ends of records, in super-segments where they may be. */
static void sender(struct attack *a, uint64_t *random)
{
	unsigned supers = 0, well = 0, urgent = 0, rounds = a->quick ? 200 : 4000;
	struct lab *l = lab_new(NULL, false);
	static uint8_t room[ROOM], text[20000];

	l->syn.has |= TV_OPT_HAS_TS | TV_OPT_HAS_WSCALE;
	l->syn.wscale = 7;
	tv_link_at(l->s, 0)->gso_bytes = 65535;
	lab_passive(l);
	for (unsigned i = 0; i < rounds; i++) {
		struct tv_packet p = {.data = room, .cap = sizeof room};
		uint32_t pick = lab_random(random);
		struct tv_segment s;
		struct tv_ip ip;

		tv_send(l->s, l->now, l->conn, text, 1 + lab_random(random) % sizeof text,
			pick % 4 == 0 ? TV_SEND_URGENT : pick % 4 == 1 ? TV_SEND_MORE : 0);
		while (tv_output(l->s, l->now, TV_ANY_LINK, &p, 1) == 1) {
			assert_int_equal(tv_ip_parse(&ip, room, p.len), TV_V_OK);
			assert_int_equal(tv_segment_parse(&s, &ip, TV_PKT_CSUM_OK, p.seg_size, TV_ARCH_PORTABLE),
				TV_V_OK);
			l->ack = s.seq + s.len;
			supers += p.seg_size != 0;
			urgent += p.seg_size != 0 && (s.flags & TV_URG) != 0;
			well += p.seg_size != 0 && cut_well(room, p.len, p.seg_size);
			p = (struct tv_packet){.data = room, .cap = sizeof room};
		}
		l->now += TV_MS;
		l->tsval++;
		TOSS(l, .flags = TV_ACK);
	}
	measured(a, supers > rounds / 4 && well == supers && urgent == 0,
		"%u of %u super-segments cut without loss, each segment with the mark of congestion; %u of them urgent", well,
		supers, urgent);
}

/* What arrives: the same in super-segments, and cut, to two stacks that then have to know the same. */
static void receivers(struct attack *a, uint64_t *random)
{
	struct lab *whole = lab_new(NULL, false), *cut = lab_new(NULL, false);
	unsigned rounds = a->quick ? 500 : 20000, same = 0;
	static uint8_t p[ROOM], out[ROOM];

	for (unsigned i = 0; i < 2; i++) {
		struct lab *l = i == 0 ? whole : cut;

		l->syn.has |= TV_OPT_HAS_WSCALE;
		lab_passive(l);
	}
	for (unsigned i = 0; i < rounds; i++) {
		uint32_t pick = lab_random(random), from = whole->seq, copy = from, n;
		struct say say = {.flags = TV_ACK | (pick & 1 ? TV_PSH : 0) | (pick % 8 == 0 ? TV_URG : 0),
			.len = 1 + lab_random(random) % 20000};
		struct tv_packet packet = {.data = p, .flags = TV_PKT_CSUM_OK, .seg_size = 1460};
		struct offload_view v;

		say.urg = (uint16_t)(say.flags & TV_URG ? 1 + lab_random(random) % say.len : 0);
		if ((say.flags & TV_URG) != 0) /* with urgent text nothing is merged */
			say.len = 1 + say.len % 1460;
		packet.len = lab_build(whole, &say, p);
		p[1] |= (uint8_t)(pick >> 4 & 3); /* the ECN field is not ours to look at */
		mend(p, packet.len);
		tv_input(whole->s, whole->now, &packet, 1, NULL);
		assert_true(offload_view(TV_LINK_IP, p, packet.len, &v));
		for (uint32_t k = 0; (n = (uint32_t)offload_cut(p, &v, 1460, k, out)) != 0; k++) {
			struct tv_packet one = {.data = out, .len = n};

			tv_input(cut->s, cut->now, &one, 1, NULL);
		}
		same += lab_info(whole).rcv_nxt == lab_info(cut).rcv_nxt && lab_info(whole).rcv_nxt == from + say.len &&
		        lab_info(whole).urgent_left == lab_info(cut).urgent_left;
		hear(whole, &(struct said){0});
		hear(cut, &(struct said){0});
		while (lab_read(whole, &from) != 0)
			;
		while (lab_read(cut, &copy) != 0)
			;
		whole->seq = cut->seq = from;
		must(a, from == copy, "both streams are as long");
	}
	measured(a, same == rounds, "%u of %u arrivals the same, whole and cut", same, rounds);
}

static void di_09(struct attack *a)
{
	uint64_t random = 1;

	sender(a, &random);
	receivers(a, &random);
}

const struct attack_case attack_offload[] = {
	{"PA-27", pa_27},
	{"DI-09", di_09},
	{NULL, NULL},
};
