/*
 * profile.c - sets of options. Connections and listeners point to a profile; the usual case is that all
 * share profile 0, the defaults of the stack. Changing an option of a connection whose profile is shared
 * gives it one of its own. A profile is freed with its last user; profile 0 never.
 */
#include "tcp/deliver/window.h"
#include "tcp/profile.h"

static const uint32_t BUF_MIN = 1024, BUF_MAX = 1u << 30;

static bool wait_valid(tv_time wait)
{
	return wait != 0;
}

int tv_options_valid(const struct tv_options *o)
{
	bool fine = o->size == sizeof *o && o->rcv_buf >= BUF_MIN && o->rcv_buf <= BUF_MAX && o->snd_buf >= BUF_MIN &&
	            o->snd_buf <= BUF_MAX && o->rcv_buf_max <= BUF_MAX &&
	            (o->mss_max == 0 || (o->mss_max >= 48 && o->mss_max <= 65495)) &&
	            o->dscp < 64 && o->keepalive_count != 0 && wait_valid(o->keepalive_idle) &&
	            wait_valid(o->keepalive_interval) && wait_valid(o->user_timeout) && wait_valid(o->fin_wait_2) &&
	            (o->fin_wait_2 <= TV_WAIT_MOST || o->fin_wait_2 == TV_NEVER);

	return fine ? TV_OK : TV_EINVAL;
}

static bool same(const struct tv_options *a, const struct tv_options *b)
{
	return memcmp(a, b, sizeof *a) == 0; /* padding may differ: then they merely do not share */
}

/* The smallest scale that lets a receive buffer of so many bytes be announced whole (RFC 7323 2.2). */
static uint8_t scale_for(uint32_t bytes)
{
	uint32_t bits = 32 - (uint32_t)__builtin_clz(bytes | 1);

	return (uint8_t)tv_min32(tv_max32(bits, 16) - 16, TV_SCALE_MAX);
}

void tv_profile_write(struct tv_core *c, uint32_t profile, const struct tv_options *o)
{
	struct tv_profile *p = tv_profile_at(c, profile);

	p->o = *o;
	p->mss_most = o->mss_max != 0 ? o->mss_max : UINT16_MAX;
	if (o->ttl == 0)
		p->o.ttl = c->cfg.defaults.ttl;
	p->ip4 = tv_ip4_mould(TV_PROTO_TCP, p->o.ttl, (uint8_t)(p->o.dscp << 2)); /* [MUST-48] [MUST-49] */
	p->offers = 0;
	if (c->cfg.timestamps && !o->no_timestamps)
		p->offers |= TV_O_TS;
	if (c->cfg.sack && !o->no_sack)
		p->offers |= TV_O_SACK;
	if (c->cfg.window_scale && !o->no_window_scale)
		p->offers |= TV_O_WSCALE;
	p->rcv_scale = (p->offers & TV_O_WSCALE) != 0 ? scale_for(tv_max32(o->rcv_buf, o->rcv_buf_max)) : 0;
}

uint32_t tv_profile_find(struct tv_core *c, const struct tv_options *o)
{
	uint32_t i;

	if (same(o, &tv_profile_at(c, 0)->o)) {
		tv_profile_share(c, 0);
		return 0;
	}
	i = tv_pool_take(&c->profiles, tv_region(c));
	if (i == TV_NONE) {
		c->cnt.record_failures++;
		return TV_NONE;
	}
	tv_profile_at(c, i)->refs = 1;
	tv_profile_write(c, i, o);
	return i;
}

/* Makes *profile one that nobody else uses. */
static void own(struct tv_core *c, uint32_t *profile)
{
	struct tv_profile *p = tv_profile_at(c, *profile);
	uint32_t i;

	if (*profile != 0 && p->refs == 1)
		return;
	i = tv_pool_take(&c->profiles, tv_region(c));
	TV_ASSERT(i != TV_NONE); /* there is one for each connection and each listener */
	*tv_profile_at(c, i) = *p;
	tv_profile_at(c, i)->refs = 1;
	tv_profile_drop(c, *profile);
	*profile = i;
}

/* Writes one option into a set; TV_EINVAL when the value is outside its range, TV_ESTATE: not of a set. */
static int write_option(struct tv_options *o, enum tv_option option, uint64_t v)
{
	switch (option) {
	case TV_OPT_RCV_BUF:
		o->rcv_buf = (uint32_t)tv_min64(v, UINT32_MAX);
		break;
	case TV_OPT_SND_BUF:
		o->snd_buf = (uint32_t)tv_min64(v, UINT32_MAX);
		break;
	case TV_OPT_MSS_MAX:
		o->mss_max = (uint16_t)tv_min64(v, UINT16_MAX);
		break;
	case TV_OPT_DSCP:
		o->dscp = (uint8_t)tv_min64(v, UINT8_MAX); /* also while it is open [SHLD-21] */
		break;
	case TV_OPT_TTL:
		if (v == 0 || v > UINT8_MAX)
			return TV_EINVAL;
		o->ttl = (uint8_t)v;
		break;
	case TV_OPT_NODELAY:
		o->nodelay = v != 0;
		break;
	case TV_OPT_KEEPALIVE:
		o->keepalive = v != 0;
		break;
	case TV_OPT_KEEPALIVE_OCTET:
		o->keepalive_octet = v != 0;
		break;
	case TV_OPT_SOFT_ERRORS:
		o->soft_errors = v != 0;
		break;
	case TV_OPT_SYN_TRIES:
	case TV_OPT_SYN_ACK_TRIES:
	case TV_OPT_KEEPALIVE_COUNT:
		if (v > UINT8_MAX)
			return TV_EINVAL;
		*(option == TV_OPT_SYN_TRIES ? &o->syn_tries
		  : option == TV_OPT_SYN_ACK_TRIES ? &o->syn_ack_tries : &o->keepalive_count) = (uint8_t)v;
		break;
	case TV_OPT_KEEPALIVE_IDLE:
		o->keepalive_idle = v;
		break;
	case TV_OPT_KEEPALIVE_INTERVAL:
		o->keepalive_interval = v;
		break;
	case TV_OPT_USER_TIMEOUT:
		o->user_timeout = v;
		break;
	case TV_OPT_FIN_WAIT_2:
		o->fin_wait_2 = v;
		break;
	case TV_OPT_CORK:
	case TV_OPT_QUICK_ACK:
	case TV_OPT_USER:
	case TV_OPT_SIDE:
	case TV_OPT_FASTOPEN:
		return TV_ESTATE;
	}
	return tv_options_valid(o);
}

static int set_side(struct tv_core *c, struct tv_tcb *t, bool on)
{
	if (on == (t->side != 0))
		return TV_OK;
	if (!on) {
		tv_pool_give(&c->sides, tv_region(c), t->side - 1);
		t->side = 0;
		return TV_OK;
	}
	t->side = tv_pool_take(&c->sides, tv_region(c)) + 1;
	if (t->side == 0)
		return TV_EFULL; /* TV_NONE + 1 */
	memset(tv_side(c, t), 0, sizeof(struct tv_side));
	return TV_OK;
}

/* Options that are state of the connection and not of its profile. */
static int set_own(struct tv_core *c, struct tv_tcb *t, enum tv_option option, uint64_t value)
{
	if (option == TV_OPT_USER) {
		t->user = value;
	} else if (option == TV_OPT_SIDE) {
		return set_side(c, t, value != 0);
	} else if (option == TV_OPT_QUICK_ACK) {
		t->cc.quick = value != 0 ? 16 : 0;
		t->flags = value != 0 ? t->flags & ~(uint32_t)TV_F_PINGPONG : t->flags | TV_F_PINGPONG;
		if (value != 0 && t->timer.ack != 0)
			tv_want(c, t, TV_WANT_ACK);
	} else {
		t->flags = value != 0 ? t->flags | TV_F_CORK : t->flags & ~(uint32_t)TV_F_CORK;
		if (value == 0 && t->state >= TV_ESTABLISHED)
			tv_want(c, t, TV_WANT_SEND);
	}
	return TV_OK;
}

/* What a changed option means for a connection that is open. */
static void apply(struct tv_core *c, struct tv_tcb *t, enum tv_option option)
{
	if (option == TV_OPT_NODELAY) {
		t->flags = tv_opts(c, t)->nodelay ? t->flags | TV_F_NODELAY : t->flags & ~(uint32_t)TV_F_NODELAY;
		if (t->state >= TV_ESTABLISHED) /* what waits goes now, a cork or not (as Linux) */
			tv_want(c, t, (t->flags & TV_F_NODELAY) != 0 ? TV_WANT_SEND | TV_WANT_PUSH : TV_WANT_SEND);
	} else if (option == TV_OPT_MSS_MAX) {
		tv_mss_update(c, t);
	} else if (option == TV_OPT_KEEPALIVE || option == TV_OPT_KEEPALIVE_IDLE) {
		tv_keepalive_restart(c, t);
	} else if (option == TV_OPT_RCV_BUF) {
		tv_rcv_read(c, t);
	}
	tv_timers_sync(c, t);
}

/* Writes one option into a profile; TV_ESTATE: it is not one of a profile's. */
static int set_in_profile(struct tv_core *c, uint32_t *profile, enum tv_option option, uint64_t value)
{
	struct tv_options trial = tv_profile_at(c, *profile)->o;
	int error = write_option(&trial, option, value);

	if (error != TV_OK)
		return error;
	own(c, profile);
	tv_profile_write(c, *profile, &trial);
	return TV_OK;
}

int tv_option_set(struct tv_core *c, struct tv_tcb *t, enum tv_option option, uint64_t value)
{
	int error;

	if (option > TV_OPT_SIDE)
		return TV_EINVAL;
	error = set_in_profile(c, &t->profile, option, value);
	if (error == TV_ESTATE)
		return set_own(c, t, option, value);
	if (error == TV_OK && t->state != TV_CLOSED)
		apply(c, t, option);
	return error;
}

int tv_option_inherit(struct tv_core *c, struct tv_listener *l, enum tv_option option, uint64_t value)
{
	int error;

	if (option == TV_OPT_FASTOPEN && value <= UINT32_MAX) {
		l->fastopen.max = (uint32_t)value;
		return TV_OK;
	}
	if (option > TV_OPT_SIDE)
		return TV_EINVAL;
	error = set_in_profile(c, &l->profile, option, value);
	if (error == TV_ESTATE && option == TV_OPT_USER) {
		l->user = value;
		return TV_OK;
	}
	return error;
}

int tv_option_get(const struct tv_core *c, const struct tv_tcb *t, enum tv_option option, uint64_t *value)
{
	const struct tv_options *o = tv_opts(c, t);
	const uint64_t values[] = {
		[TV_OPT_RCV_BUF] = o->rcv_buf,
		[TV_OPT_SND_BUF] = o->snd_buf,
		[TV_OPT_MSS_MAX] = o->mss_max,
		[TV_OPT_DSCP] = o->dscp,
		[TV_OPT_TTL] = o->ttl,
		[TV_OPT_NODELAY] = o->nodelay,
		[TV_OPT_KEEPALIVE] = o->keepalive,
		[TV_OPT_KEEPALIVE_OCTET] = o->keepalive_octet,
		[TV_OPT_SOFT_ERRORS] = o->soft_errors,
		[TV_OPT_SYN_TRIES] = o->syn_tries,
		[TV_OPT_SYN_ACK_TRIES] = o->syn_ack_tries,
		[TV_OPT_KEEPALIVE_COUNT] = o->keepalive_count,
		[TV_OPT_KEEPALIVE_IDLE] = o->keepalive_idle,
		[TV_OPT_KEEPALIVE_INTERVAL] = o->keepalive_interval,
		[TV_OPT_USER_TIMEOUT] = o->user_timeout,
		[TV_OPT_FIN_WAIT_2] = o->fin_wait_2,
		[TV_OPT_CORK] = (t->flags & TV_F_CORK) != 0,
		[TV_OPT_QUICK_ACK] = (t->flags & TV_F_PINGPONG) == 0,
		[TV_OPT_USER] = t->user,
		[TV_OPT_SIDE] = t->side != 0,
	};

	if (option > TV_OPT_SIDE)
		return TV_EINVAL;
	*value = values[option];
	return TV_OK;
}
