/*
 * pcap.c - capture files: the tap writes them, and a link reads them.
 *
 * The tap writes the old pcap format with nanosecond times, which every reader knows. What is written
 * is what an observer on the wire would call a correct packet: pieces are joined, and a checksum that
 * the link would have filled is filled. Super-segments stay whole, as tcpdump shows them on the
 * sender, or are cut as the link would cut them (TAP_CUT).
 *
 * A disk that is full must not stop the connection that is being watched: the first write error is
 * remembered, later packets are only counted, and tap_close() tells.
 *
 * As a source, a file is a link that is always ready until it ends. One packet is given at a time:
 * libpcap's buffer holds only one.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "links/links.h"
#include "links/offload.h"

#define PACKET_MOST (65535u + 14u)
#define SNAPLEN 262144

/* ------------------------------------------------------------------------------------------ */
/* Writing                                                                                     */

struct tap {
	pcap_t *pcap;
	pcap_dumper_t *dumper;
	enum tv_link_kind kind;
	unsigned flags;
	int err;               /* errno of the first write that failed */
	uint64_t count;
	char path[160];
	uint8_t whole[PACKET_MOST + 1], part[PACKET_MOST + 1];
};

static void say(struct link_fault *fault, enum link_step step, int err, const char *what, const char *path)
{
	const char *cure = "";

	if (err == ENOSPC)
		cure = "; make room, or name a file on another disk";
	else if (err == ENOENT)
		cure = "; make the directory first, or name another";
	else if (err == EACCES || err == EROFS)
		cure = "; name a file in a directory that you may write to";
	*fault = (struct link_fault){ .step = step, .err = err };
	snprintf(fault->text, sizeof fault->text, "%s %.160s: %s%s", what, path, strerror(err), cure);
}

struct tap *tap_open(const char *path, enum tv_link_kind kind, unsigned flags, struct link_fault *fault)
{
	struct tap *t = calloc(1, sizeof *t);
	int type = kind == TV_LINK_ETHERNET ? DLT_EN10MB : DLT_RAW;
	FILE *file;

	*fault = (struct link_fault){ .step = LINK_STEP_NONE };
	if (!t) {
		say(fault, LINK_STEP_MEMORY, ENOMEM, "cannot write", path);
		return NULL;
	}
	t->kind = kind;
	t->flags = flags;
	snprintf(t->path, sizeof t->path, "%s", path);
	/* Opened here and not by libpcap, which would tell the reason as a text only. */
	file = strcmp(path, "-") == 0 ? stdout : fopen(path, "wbe");
	if (!file) {
		say(fault, LINK_STEP_FILE, errno, "cannot write", path);
		free(t);
		return NULL;
	}
	t->pcap = pcap_open_dead_with_tstamp_precision(type, SNAPLEN, PCAP_TSTAMP_PRECISION_NANO);
	t->dumper = t->pcap ? pcap_dump_fopen(t->pcap, file) : NULL;
	if (t->dumper && pcap_dump_flush(t->dumper) == 0)
		return t;
	say(fault, t->dumper ? LINK_STEP_FILE : LINK_STEP_MEMORY, errno ? errno : ENOMEM, "cannot write", path);
	if (t->dumper)
		pcap_dump_close(t->dumper);
	else if (file != stdout)
		fclose(file);
	if (t->pcap)
		pcap_close(t->pcap);
	free(t);
	return NULL;
}

static void write_record(struct tap *t, uint64_t wall, const uint8_t *data, size_t len)
{
	struct pcap_pkthdr h = { .caplen = (bpf_u_int32)len, .len = (bpf_u_int32)len };

	t->count++;
	if (t->err)
		return;
	h.ts.tv_sec = (time_t)(wall / TV_S);
	h.ts.tv_usec = (suseconds_t)(wall % TV_S); /* nanoseconds in this kind of file */
	errno = 0;
	pcap_dump((u_char *)t->dumper, &h, data);
	if (t->flags & TAP_FLUSH)
		(void)pcap_dump_flush(t->dumper);
	if (ferror(pcap_dump_file(t->dumper)))
		t->err = errno ? errno : EIO;
}

void tap_write(struct tap *t, uint64_t wall, enum tap_direction direction, const struct tv_packet *packet)
{
	struct offload_view v;
	size_t len = packet->len, n;

	(void)direction; /* the format has no place for it; the addresses tell */
	if (len > PACKET_MOST)
		len = PACKET_MOST;
	memcpy(t->whole, packet->data, len);
	for (unsigned i = 0; i < packet->piece_count; i++) {
		n = packet->pieces[i].len;
		if (n > PACKET_MOST - len)
			n = PACKET_MOST - len;
		memcpy(t->whole + len, packet->pieces[i].data, n);
		len += n;
	}
	if (!offload_view(t->kind, t->whole, len, &v)) {
		write_record(t, wall, t->whole, len);
		return;
	}
	if (packet->seg_size && (t->flags & TAP_CUT)) {
		for (uint32_t i = 0; (n = offload_cut(t->whole, &v, packet->seg_size, i, t->part)) != 0; i++)
			write_record(t, wall, t->part, n);
		return;
	}
	if (packet->flags & TV_PKT_CSUM_PARTIAL)
		offload_fill(t->whole, &v);
	write_record(t, wall, t->whole, len);
}

uint64_t tap_count(const struct tap *t)
{
	return t->count;
}

bool tap_close(struct tap *t, struct link_fault *fault)
{
	bool ok;

	*fault = (struct link_fault){ .step = LINK_STEP_NONE };
	if (!t)
		return true;
	errno = 0;
	if (pcap_dump_flush(t->dumper) != 0 && !t->err)
		t->err = errno ? errno : EIO;
	pcap_dump_close(t->dumper);
	pcap_close(t->pcap);
	ok = t->err == 0;
	if (!ok)
		say(fault, LINK_STEP_FILE, t->err, "the capture is incomplete:", t->path);
	free(t);
	return ok;
}

/* ------------------------------------------------------------------------------------------ */
/* Reading                                                                                     */

struct source {
	struct link link;
	pcap_t *pcap;
	uint32_t skip;         /* bytes of a link header that is neither ours nor Ethernet's */
	uint8_t *buffer;
	char error[128];
};

static int source_rx(struct link *l, struct tv_packet *packets, unsigned n)
{
	struct source *s = (struct source *)l;
	struct pcap_pkthdr *h;
	const u_char *data;

	while (n > 0 && !l->ended) {
		int r = pcap_next_ex(s->pcap, &h, &data);

		if (r != 1) {
			l->ended = true;
			return r == PCAP_ERROR_BREAK ? 0 : -EBADMSG;
		}
		if (h->caplen <= s->skip || h->caplen - s->skip > PACKET_MOST) {
			l->counts.rx_bad++;
			continue;
		}
		packets[0] = (struct tv_packet){ .data = s->buffer, .len = h->caplen - s->skip };
		memcpy(s->buffer, data + s->skip, packets[0].len);
		packets[0].time = (uint64_t)h->ts.tv_sec * TV_S + (uint64_t)h->ts.tv_usec;
		return 1;
	}
	return 0;
}

static int source_send(struct link *l, const struct tv_packet *packet)
{
	(void)l;
	(void)packet;
	return -EROFS; /* counted as lost */
}

static void source_close(struct link *l)
{
	struct source *s = (struct source *)l;

	if (s->pcap)
		pcap_close(s->pcap);
	free(s->buffer);
	free(s);
}

static const struct link_ops source_ops = { .rx = source_rx, .send = source_send, .close = source_close };

static bool learn_type(struct source *s)
{
	s->link.config.kind = TV_LINK_IP;
	switch (pcap_datalink(s->pcap)) {
	case DLT_EN10MB: s->link.config.kind = TV_LINK_ETHERNET; return true;
	case DLT_RAW: case DLT_IPV4: case DLT_IPV6: return true;
	case DLT_NULL: case DLT_LOOP: s->skip = 4; return true;
	case DLT_LINUX_SLL: s->skip = 16; return true;
	case DLT_LINUX_SLL2: s->skip = 20; return true;
	default: return false;
	}
}

static bool open_source(struct source *s, const char *path, struct link_fault *fault)
{
	char error[PCAP_ERRBUF_SIZE] = "";
	FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");

	fault->step = LINK_STEP_FILE;
	if (!file) {
		fault->err = errno;
		snprintf(fault->text, sizeof fault->text, "cannot read %.160s: %s", path, strerror(errno));
		return false;
	}
	s->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error);
	if (!s->pcap) {
		if (file != stdin)
			fclose(file);
		snprintf(fault->text, sizeof fault->text, "%.120s is no capture file: %.100s", path, error);
		return false;
	}
	if (!learn_type(s)) {
		const char *name = pcap_datalink_val_to_name(pcap_datalink(s->pcap));

		snprintf(fault->text, sizeof fault->text, "%.120s: link type %.40s is not understood; "
			"capture on an Ethernet or IP interface", path, name ? name : "(unknown)");
		return false;
	}
	s->buffer = malloc(PACKET_MOST);
	if (s->buffer) {
		fault->step = LINK_STEP_NONE;
		return true;
	}
	*fault = (struct link_fault){ LINK_STEP_MEMORY, ENOMEM, "out of memory" };
	return false;
}

struct link *link_pcap_open(const char *path, struct link_fault *fault)
{
	struct source *s = calloc(1, sizeof *s);

	*fault = (struct link_fault){ .step = LINK_STEP_NONE };
	if (!s) {
		*fault = (struct link_fault){ LINK_STEP_MEMORY, ENOMEM, "out of memory" };
		return NULL;
	}
	s->link.ops = &source_ops;
	s->link.fd = -1;
	s->link.limit = UINT32_MAX;
	s->link.config.size = sizeof s->link.config;
	s->link.config.mtu = 65535;
	snprintf(s->link.name, sizeof s->link.name, "pcap");
	if (!open_source(s, path, fault)) {
		source_close(&s->link);
		return NULL;
	}
	return &s->link;
}
