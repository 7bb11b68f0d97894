/*
 * Connections of a script: see conn.h.
 */
#include "conn.h"

#include <string.h>

#define KIND_SACK 5
#define KIND_TIMESTAMP 8

uint8_t payload_byte(size_t position)
{
	/* 251 is prime, so that shifts by a page or a segment show. */
	return (uint8_t)(position % 251 + 1);
}

void conn_wrote(struct conn *c, struct arena *arena, const uint8_t *data, size_t length)
{
	if (c->written_room - c->written_length < length) {
		size_t room = (c->written_room + length) * 2;
		uint8_t *more = arena_take(arena, room);
		if (c->written_length > 0)
			memcpy(more, c->written, c->written_length);
		c->written = more;
		c->written_room = room;
	}
	if (length > 0)
		memcpy(c->written + c->written_length, data, length);
	c->written_length += length;
}

void conn_restart(struct conn *c)
{
	c->written_length = 0;
	c->read = 0;
	c->urgent = false;
	c->ts_count = 0;
	c->flow_script = c->flow_live = 0;
}

/* ------------------------------------------------------------------------- options ------ */

/* Where the data of the first option of a kind and length is; NULL if there is none. */
static const uint8_t *find_option(const uint8_t *options, unsigned size, uint8_t kind,
                                  uint8_t *length)
{
	struct wire_option o;
	unsigned at = 0;

	while (wire_option_next(options, size, &at, &o)) {
		if (o.kind == kind) {
			*length = o.length;
			return o.data;
		}
	}
	return NULL;
}

bool options_timestamp(const uint8_t *options, unsigned size, uint32_t *val, uint32_t *ecr)
{
	uint8_t length;
	const uint8_t *data = find_option(options, size, KIND_TIMESTAMP, &length);

	if (data == NULL || length != 10)
		return false;
	*val = wire_load32(data);
	*ecr = wire_load32(data + 4);
	return true;
}

/* Adds `offset` to every edge of every SACK option. */
static void shift_sack(uint8_t *options, unsigned size, uint32_t offset)
{
	struct wire_option o;
	unsigned at = 0;

	while (wire_option_next(options, size, &at, &o)) {
		if (o.kind != KIND_SACK)
			continue;
		uint8_t *data = options + (o.data - options);
		for (unsigned i = 0; i + 4 <= o.length - 2u; i += 4)
			wire_store32(data + i, wire_load32(data + i) + offset);
	}
}

/* Replaces one of the two values of a timestamp option; `at` is 0 or 4. */
static void set_timestamp(uint8_t *options, unsigned size, unsigned at, uint32_t value)
{
	uint8_t length;
	const uint8_t *data = find_option(options, size, KIND_TIMESTAMP, &length);

	if (data != NULL && length == 10)
		wire_store32(options + (data - options) + at, value);
}

/* ------------------------------------------------------------------------- mapping ------ */

static uint32_t live_timestamp(const struct conn *c, uint32_t script)
{
	for (unsigned i = 0; i < c->ts_count; i++)
		if (c->ts[i].script == script)
			return c->ts[i].live;
	return c->ts_count == 0 ? script : script - c->ts[0].script + c->ts[0].live;
}

static uint32_t script_timestamp(const struct conn *c, uint32_t live)
{
	return c->ts_count == 0 ? live : live - c->ts[0].live + c->ts[0].script;
}

void conn_to_wire(const struct conn *c, const struct packet_spec *spec, struct wire_packet *out)
{
	bool syn = (spec->flags & FLAG_SYN) != 0;
	bool ack = (spec->flags & FLAG_ACK) != 0;
	uint32_t val;
	uint32_t ecr;

	out->flags = spec->flags;
	out->seq = spec->seq + (syn ? 0 : c->remote_isn);
	/* A SYN-ACK is written against the number that the script gives our SYN. */
	uint32_t ours = syn ? c->local_isn - c->script_isn : c->local_isn;
	out->ack = ack ? spec->ack + ours : spec->ack;
	out->window = (uint16_t)(spec->window < 0 ? 0 : spec->window);
	out->urgent = spec->urgent;
	out->options_length = spec->options_length;
	memcpy(out->options, spec->options, spec->options_length);
	shift_sack(out->options, out->options_length, c->local_isn);
	if (ack && options_timestamp(out->options, out->options_length, &val, &ecr))
		set_timestamp(out->options, out->options_length, 4, live_timestamp(c, ecr));
}

void conn_to_script(const struct conn *c, const struct wire_packet *wire, struct packet_spec *out)
{
	bool syn = (wire->flags & FLAG_SYN) != 0;
	bool ack = (wire->flags & FLAG_ACK) != 0;
	uint32_t val;
	uint32_t ecr;

	memset(out, 0, sizeof(*out));
	out->kind = PACKET_TCP;
	out->icmp_mtu = -1;
	out->flags = wire->flags;
	out->seq = wire->seq - c->local_isn + (syn ? c->script_isn : 0);
	out->length = wire->length;
	out->ack = ack && !syn ? wire->ack - c->remote_isn : wire->ack;
	out->window = wire->window;
	out->urgent = wire->urgent;
	out->options_length = wire->options_length;
	memcpy(out->options, wire->options, wire->options_length);
	shift_sack(out->options, out->options_length, 0u - c->remote_isn);
	if (options_timestamp(out->options, out->options_length, &val, &ecr))
		set_timestamp(out->options, out->options_length, 0, script_timestamp(c, val));
}

static void learn_timestamp(struct conn *c, const struct packet_spec *spec,
                            const struct wire_packet *wire)
{
	uint32_t script;
	uint32_t live;
	uint32_t ecr;

	if (!options_timestamp(spec->options, spec->options_length, &script, &ecr) ||
	    !options_timestamp(wire->options, wire->options_length, &live, &ecr))
		return;
	unsigned i = 0;
	while (i < c->ts_count && c->ts[i].script != script)
		i++;
	if (i == TS_PAIRS)
		i = 1; /* the first one is the baseline and stays */
	/* The baseline also stays when its value is written again. */
	if (i == 0 && c->ts_count > 0)
		return;
	c->ts[i].script = script;
	c->ts[i].live = live;
	if (i == c->ts_count)
		c->ts_count++;
}

void conn_learn(struct conn *c, const struct packet_spec *spec, const struct wire_packet *wire)
{
	bool syn = (wire->flags & FLAG_SYN) != 0 && (spec->flags & FLAG_SYN) != 0;
	bool ack = (wire->flags & FLAG_ACK) != 0;

	if (syn && c->local_known && ack && c->local_isn != wire->seq) {
		/* The same ports again: a new connection, with the peer's latest SYN. */
		conn_restart(c);
		c->remote_isn = c->last_syn;
	}
	if (syn) {
		c->local_known = true;
		c->local_isn = wire->seq;
		c->script_isn = spec->seq;
	}
	learn_timestamp(c, spec, wire);
}
