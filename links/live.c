/*
 * live.c - a live capture, by libpcap.
 *
 * Packets are read in immediate mode: each is there as soon as it passed, at the price of one wake-up
 * each, since who watches attempts to connect waits for single packets. The ring holds RING_BYTES; what
 * finds it full is counted by the kernel as dropped. Times are the kernel's, in nanoseconds where it
 * has them. On "any", libpcap leaves out one of the two copies of each loopback packet.
 */
#include "links/live.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>

#define SNAP_MOST 65535u
#define RING_BYTES (16 << 20)

struct live {
	pcap_t *pcap;
	uint16_t link_type;
	bool nano;
	uint64_t count;
	pcap_dumper_t *dump;   /* NULL: nothing is written */
	bool dump_failed, dump_dirty;
};

static bool blame(struct link_fault *fault, enum link_step step, int err, const char *what, const char *why)
{
	*fault = (struct link_fault){.step = step, .err = err};
	snprintf(fault->text, sizeof fault->text, "%s: %s", what, why);
	return false;
}

static bool activate(struct live *l, const char *interface, uint32_t snap, struct link_fault *fault)
{
	int status;

	pcap_set_snaplen(l->pcap, (int)(snap && snap < SNAP_MOST ? snap : SNAP_MOST));
	pcap_set_immediate_mode(l->pcap, 1);
	pcap_set_buffer_size(l->pcap, RING_BYTES);
	l->nano = pcap_set_tstamp_precision(l->pcap, PCAP_TSTAMP_PRECISION_NANO) == 0;
	status = pcap_activate(l->pcap);
	if (status >= 0)
		return true;
	switch (status) {
	case PCAP_ERROR_PERM_DENIED:
	case PCAP_ERROR_PROMISC_PERM_DENIED:
		return blame(fault, LINK_STEP_SOCKET, EPERM, interface, "capturing packets is not permitted");
	case PCAP_ERROR_NO_SUCH_DEVICE:
		return blame(fault, LINK_STEP_INTERFACE, ENODEV, interface, "there is no such interface");
	case PCAP_ERROR_IFACE_NOT_UP:
		return blame(fault, LINK_STEP_INTERFACE, ENETDOWN, interface, "the interface is down");
	default:
		return blame(fault, LINK_STEP_INTERFACE, EIO, interface, pcap_geterr(l->pcap));
	}
}

static bool set_filter(struct live *l, const char *filter, struct link_fault *fault)
{
	struct bpf_program program;
	bool set;

	if (!*filter)
		return true;
	if (pcap_compile(l->pcap, &program, filter, 1, PCAP_NETMASK_UNKNOWN) < 0)
		return blame(fault, LINK_STEP_FILE, EINVAL, "the filter is wrong", pcap_geterr(l->pcap));
	set = pcap_setfilter(l->pcap, &program) == 0;
	pcap_freecode(&program);
	return set || blame(fault, LINK_STEP_FILE, EINVAL, "the filter cannot be used", pcap_geterr(l->pcap));
}

struct live *live_open(const char *interface, const char *filter, uint32_t snap, struct link_fault *fault)
{
	struct live *l = calloc(1, sizeof *l);
	char text[PCAP_ERRBUF_SIZE] = "";

	*fault = (struct link_fault){.step = LINK_STEP_NONE};
	if (!l) {
		blame(fault, LINK_STEP_MEMORY, ENOMEM, interface, "out of memory");
		return NULL;
	}
	l->pcap = pcap_create(interface, text);
	if (!l->pcap) {
		blame(fault, LINK_STEP_INTERFACE, ENODEV, interface, text);
		live_close(l);
		return NULL;
	}
	if (!activate(l, interface, snap, fault) || !set_filter(l, filter, fault)) {
		live_close(l);
		return NULL;
	}
	if (pcap_setnonblock(l->pcap, 1, text) < 0) {
		blame(fault, LINK_STEP_SOCKET, EIO, interface, text);
		live_close(l);
		return NULL;
	}
	l->link_type = (uint16_t)pcap_datalink(l->pcap);
	return l;
}

int live_fd(const struct live *l)
{
	return pcap_get_selectable_fd(l->pcap);
}

bool live_save(struct live *l, const char *path, struct link_fault *fault)
{
	l->dump = pcap_dump_open(l->pcap, path);
	return l->dump || blame(fault, LINK_STEP_FILE, errno, "capture file", pcap_geterr(l->pcap));
}

static void flush(struct live *l)
{
	if (l->dump && l->dump_dirty && (pcap_dump_flush(l->dump) < 0 || ferror(pcap_dump_file(l->dump))))
		l->dump_failed = true;
	l->dump_dirty = false;
}

bool live_saved(struct live *l)
{
	l->dump_dirty = true;
	flush(l);
	return !l->dump_failed;
}

int live_next(struct live *l, struct records_packet *packet)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	int status = pcap_next_ex(l->pcap, &header, &data);

	if (status <= 0) {
		flush(l);
		return status == 0 ? 0 : -ENETDOWN;
	}
	if (l->dump) {
		pcap_dump((u_char *)l->dump, header, data);
		l->dump_dirty = true;
	}
	*packet = (struct records_packet){
		.number = ++l->count,
		.time = (uint64_t)header->ts.tv_sec * TV_S + (uint64_t)header->ts.tv_usec * (l->nano ? 1 : 1000),
		.data = data,
		.len = header->caplen,
		.wire_len = header->len,
		.link_type = l->link_type,
	};
	return 1;
}

void live_counts(struct live *l, struct live_counts *counts)
{
	struct pcap_stat stat = {.ps_drop = 0};

	(void)pcap_stats(l->pcap, &stat);
	*counts = (struct live_counts){.packets = l->count, .dropped = stat.ps_drop};
}

void live_close(struct live *l)
{
	if (l && l->dump)
		pcap_dump_close(l->dump);
	if (l && l->pcap)
		pcap_close(l->pcap);
	free(l);
}
