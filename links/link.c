/*
 * link.c - what all links have in common: batches, counters, the tap, and the packets that could not
 * be written at once.
 *
 * A packet handed out by the stack counts as sent, and its pieces are only valid until the next call
 * on the stack. When the kernel has no room for it, it is joined into one copy and kept in order
 * behind those kept before; `waiting` tells the caller to ask the stack for no more until link_flush()
 * has emptied the queue. So the queue never holds more than the rest of one link_tx().
 *
 * A single packet that the kernel refuses (interface down, no memory, a size that it does not take) is
 * lost as on any wire, and counted. Only errors that say that the device is gone end the link.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "links/links.h"

struct link_kept {
	struct link_kept *next;
	struct tv_packet packet;
	uint8_t data[];
};

static uint64_t wall_now(void)
{
	struct timespec t = { 0, 0 };

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * TV_S + (uint64_t)t.tv_nsec;
}

static bool is_gone(int err)
{
	return err == -EBADFD || err == -EBADF || err == -ENODEV || err == -ENXIO;
}

static size_t packet_bytes(const struct tv_packet *packet)
{
	size_t n = packet->len;

	for (unsigned i = 0; i < packet->piece_count; i++)
		n += packet->pieces[i].len;
	return n;
}

int link_rx(struct link *l, struct tv_packet *packets, unsigned n)
{
	int got = l->ops->rx(l, packets, n);

	l->counts.rx_calls++;
	for (int i = 0; i < got; i++) {
		packets[i].piece_count = 0; /* it is whole; the caller's structure may hold anything */
		l->counts.rx_bytes += packets[i].len;
		if (l->tap)
			tap_write(l->tap, packets[i].time ? packets[i].time : wall_now(), TAP_IN, &packets[i]);
	}
	if (got > 0)
		l->counts.rx_packets += (unsigned)got;
	return got;
}

static void keep(struct link *l, const struct tv_packet *packet)
{
	size_t bytes = packet_bytes(packet);
	struct link_kept *k = malloc(sizeof *k + bytes);
	uint8_t *to;

	if (!k) {
		l->counts.tx_lost++;
		return;
	}
	k->next = NULL;
	k->packet = *packet;
	k->packet.data = k->data;
	k->packet.len = (uint32_t)bytes;
	k->packet.pieces = NULL;
	k->packet.piece_count = 0;
	memcpy(k->data, packet->data, packet->len);
	to = k->data + packet->len;
	for (unsigned i = 0; i < packet->piece_count; i++) {
		memcpy(to, packet->pieces[i].data, packet->pieces[i].len);
		to += packet->pieces[i].len;
	}
	if (!l->kept)
		l->kept_end = &l->kept;
	*l->kept_end = k;
	l->kept_end = &k->next;
	l->waiting = true;
	l->counts.tx_kept++;
}

/* 0: gone or lost; -EAGAIN: no room; other: the link is gone. */
static int send_one(struct link *l, const struct tv_packet *packet)
{
	int err = l->ops->send(l, packet);

	if (err == 0) {
		l->counts.tx_packets++;
		l->counts.tx_bytes += packet_bytes(packet);
		return 0;
	}
	if (err == -EAGAIN || is_gone(err))
		return err;
	l->counts.tx_lost++;
	return 0;
}

int link_tx(struct link *l, const struct tv_packet *packets, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int err = -EAGAIN;

		if (l->tap)
			tap_write(l->tap, wall_now(), TAP_OUT, &packets[i]);
		if (!l->kept)
			err = send_one(l, &packets[i]);
		if (err == -EAGAIN)
			keep(l, &packets[i]);
		else if (err < 0)
			return err;
	}
	return 0;
}

int link_flush(struct link *l)
{
	while (l->kept) {
		struct link_kept *k = l->kept;
		int err = send_one(l, &k->packet);

		if (err == -EAGAIN)
			return 0;
		if (err < 0)
			return err;
		l->kept = k->next;
		free(k);
	}
	l->waiting = false;
	return 0;
}

void link_close(struct link *l)
{
	if (!l)
		return;
	while (l->kept) {
		struct link_kept *k = l->kept;

		l->kept = k->next;
		free(k);
	}
	l->ops->close(l);
}
