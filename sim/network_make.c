/*
 * network_make.c - hosts and wires: how a network is built, changed and taken down.
 */
#include <stdlib.h>
#include <string.h>

#include "sim/network_inside.h"

struct network *network_new(uint64_t seed, tv_time start)
{
	struct network *net = calloc(1, sizeof *net);

	if (!net)
		return NULL;
	net->buffers = malloc((size_t)BATCH_MAX * PACKET_MAX);
	if (!net->buffers) {
		free(net);
		return NULL;
	}
	random_seed(&net->luck, seed);
	net->now = start;
	net->batch = 1;
	return net;
}

void network_free(struct network *net)
{
	if (!net)
		return;
	for (size_t i = 0; i < net->heap_count; i++)
		free(net->heap[i]);
	for (size_t i = 0; i < net->host_count; i++)
		free(net->hosts[i].allocated);
	for (size_t i = 0; i < net->wire_count; i++)
		free(net->wires[i].drops);
	free(net->heap);
	free(net->hosts);
	free(net->wires);
	free(net->buffers);
	free(net);
}

static bool all_zero(const uint8_t *p, size_t n)
{
	while (n > 0 && p[n - 1] == 0)
		n--;
	return n == 0;
}

int network_host(struct network *net, const struct tv_config *config)
{
	struct tv_config own = *config;
	struct host host = {0};
	struct host *more = realloc(net->hosts, (net->host_count + 1) * sizeof *more);
	int error;

	if (!more)
		return TV_EFULL;
	net->hosts = more;
	if (all_zero(own.secret, sizeof own.secret))
		for (size_t i = 0; i < sizeof own.secret; i++)
			own.secret[i] = (uint8_t)random_next(&net->luck);
	host.bytes = (tv_stack_size(&own) + 63) & ~(size_t)63;
	if (host.bytes == 0)
		return TV_EINVAL;
	/* Memory from calloc() costs nothing until it is used; most of a stack never is. */
	host.allocated = calloc(1, host.bytes + 64);
	if (!host.allocated)
		return TV_EFULL;
	host.memory = (void *)(((uintptr_t)host.allocated + 63) & ~(uintptr_t)63);
	error = tv_stack_init(host.memory, host.bytes, &own, net->now, &host.stack);
	if (error) {
		free(host.allocated);
		return error;
	}
	host.config = own;
	net->hosts[net->host_count] = host;
	return (int)net->host_count++;
}

int network_puppet(struct network *net, const struct network_puppet *puppet)
{
	struct host *more = realloc(net->hosts, (net->host_count + 1) * sizeof *more);

	if (!more)
		return TV_EFULL;
	net->hosts = more;
	net->hosts[net->host_count] = (struct host){.puppet = *puppet};
	return (int)net->host_count++;
}

static int add_link(struct network *net, struct wire *w, unsigned side)
{
	struct tv_link_config link = {.size = sizeof link, .kind = w->is.kind, .mtu = w->is.link_mtu};
	int number;

	if (w->is.kind == TV_LINK_ETHERNET) {
		link.mac[0] = 2; /* locally administered */
		link.mac[4] = (uint8_t)net->wire_count;
		link.mac[5] = (uint8_t)(1 + side);
	}
	if (w->is.super_segments) {
		link.csum_offload = true;
		link.gso_bytes = 65535;
	}
	if (!net->hosts[w->host[side]].stack)
		return 0;
	number = tv_link_add(net->hosts[w->host[side]].stack, net->now, &link);
	if (number >= 0)
		w->link[side] = (unsigned)number;
	return number;
}

int network_wire(struct network *net, unsigned host_a, unsigned host_b, const struct network_wire *wire)
{
	struct wire w = {.is = *wire, .host = {host_a, host_b}};
	struct wire *more = realloc(net->wires, (net->wire_count + 1) * sizeof *more);

	if (!more)
		return TV_EFULL;
	net->wires = more;
	if (w.is.link_mtu == 0)
		w.is.link_mtu = 1500;
	for (unsigned side = 0; side < 2; side++) {
		int number = add_link(net, &w, side);

		if (number < 0)
			return number;
		w.way[side].is = wire->way[side];
		random_seed(&w.way[side].luck, random_next(&net->luck));
	}
	net->wires[net->wire_count] = w;
	return (int)net->wire_count++;
}

int network_restart(struct network *net, unsigned number)
{
	struct host *host = &net->hosts[number];
	void *fresh;
	int error;

	for (size_t i = 0; i < sizeof host->config.secret; i++)
		host->config.secret[i] = (uint8_t)random_next(&net->luck);
	/* Anew, not cleared: memory from calloc() costs nothing until it is used. */
	fresh = calloc(1, host->bytes + 64);
	if (!fresh)
		return TV_EFULL;
	free(host->allocated);
	host->allocated = fresh;
	host->memory = (void *)(((uintptr_t)host->allocated + 63) & ~(uintptr_t)63);
	error = tv_stack_init(host->memory, host->bytes, &host->config, net->now, &host->stack);
	for (size_t i = 0; i < net->wire_count; i++)
		for (unsigned side = 0; !error && side < 2; side++)
			if (net->wires[i].host[side] == number) {
				int link = add_link(net, &net->wires[i], side);

				error = link < 0 ? link : 0;
			}
	return error;
}

void network_box(struct network *net, unsigned wire, network_box_fn box, void *user)
{
	net->wires[wire].box = box;
	net->wires[wire].box_user = user;
}

void network_way(struct network *net, unsigned wire, unsigned way, const struct network_way *to)
{
	net->wires[wire].way[way].is = *to;
}

bool network_drop(struct network *net, unsigned wire, uint64_t n)
{
	struct wire *w = &net->wires[wire];
	uint64_t *more = realloc(w->drops, (w->drop_count + 1) * sizeof *more);

	if (!more)
		return false;
	w->drops = more;
	w->drops[w->drop_count++] = n;
	return true;
}

void network_batch(struct network *net, unsigned packets)
{
	net->batch = packets < 1 ? 1 : packets > BATCH_MAX ? BATCH_MAX : packets;
}

void network_tap(struct network *net, network_tap_fn fn, void *user)
{
	net->tap = fn;
	net->tap_user = user;
}

struct tv_stack *network_stack(const struct network *net, unsigned host)
{
	return net->hosts[host].stack;
}

const void *network_region(const struct network *net, unsigned host, size_t *bytes)
{
	*bytes = net->hosts[host].bytes;
	return net->hosts[host].memory;
}

unsigned network_link(const struct network *net, unsigned wire, unsigned side)
{
	return net->wires[wire].link[side];
}

tv_time network_now(const struct network *net)
{
	return net->now;
}

uint64_t network_in_flight(const struct network *net)
{
	return net->heap_count;
}
