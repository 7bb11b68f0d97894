/*
 * sysctl settings: see sysctl.h.
 *
 * Two tables: settings that become a field of struct tv_config, and settings that ask for what the
 * stack does anyway, honoured for these values only.  A setting in neither is not honoured.
 */
#include "sysctl.h"

#include <stdlib.h>
#include <string.h>

static bool first_number(const char *value, uint64_t *out)
{
	char *end;

	*out = strtoull(value, &end, 0);
	return end != value;
}

/* The first n numbers of a value ("min default max"); false: there are fewer. */
static bool numbers(const char *value, uint64_t *out, unsigned n)
{
	char *end;

	for (unsigned i = 0; i < n; i++, value = end) {
		out[i] = strtoull(value, &end, 0);
		if (end == value)
			return false;
	}
	return true;
}

/* How long Linux goes on for a number of retransmissions, when the first waits 200 ms. */
static tv_time retries_to_time(uint64_t retries)
{
	const tv_time rto_min = 200 * TV_MS;
	const tv_time rto_max = 120 * TV_S;
	tv_time sum = 0;
	tv_time rto = rto_min;

	for (uint64_t i = 0; i <= retries && i < 255; i++) {
		sum += rto;
		rto = rto * 2 > rto_max ? rto_max : rto * 2;
	}
	return sum;
}

static bool apply_switch(struct tv_config *c, const char *name, uint64_t n)
{
	if (strcmp(name, "tcp_timestamps") == 0 && n <= 2) {
		c->timestamps = n != 0;
		return true;
	}
	if (strcmp(name, "tcp_sack") == 0 && n <= 1) {
		c->sack = n == 1;
		return true;
	}
	if (strcmp(name, "tcp_window_scaling") == 0 && n <= 1) {
		c->window_scale = n == 1;
		return true;
	}
	if (strcmp(name, "tcp_rfc1337") == 0 && n <= 1) {
		c->time_wait_rst = n == 0;
		return true;
	}
	if (strcmp(name, "tcp_syncookies") == 0 && n <= 2) {
		c->syn_cookies = n == 0 ? TV_COOKIES_NEVER : n == 1 ? TV_COOKIES_AUTO
		                                                    : TV_COOKIES_ALWAYS;
		return true;
	}
	if (strcmp(name, "tcp_abort_on_overflow") == 0 && n <= 1) {
		c->accept_full_reset = n == 1;
		return true;
	}
	if (strcmp(name, "tcp_tw_reuse") == 0 && n <= 2) {
		c->time_wait_reuse = n == 0 ? TV_REUSE_OFF : n == 1 ? TV_REUSE_ALL
		                                                    : TV_REUSE_LOOPBACK;
		return true;
	}
	return false;
}

static bool apply_count(struct tv_config *c, const char *name, uint64_t n)
{
	if (n > 255)
		return false;
	if (strcmp(name, "tcp_syn_retries") == 0)
		c->syn_tries = sockets_syn_repeats((unsigned)n);
	else if (strcmp(name, "tcp_syn_linear_timeouts") == 0)
		c->syn_linear = (uint8_t)n;
	else if (strcmp(name, "tcp_synack_retries") == 0)
		c->syn_ack_tries = (uint8_t)n;
	else if (strcmp(name, "tcp_retries1") == 0)
		c->r1 = (uint8_t)n;
	else if (strcmp(name, "tcp_retries2") == 0)
		c->defaults.user_timeout = retries_to_time(n);
	else if (strcmp(name, "tcp_keepalive_probes") == 0)
		c->defaults.keepalive_count = (uint8_t)n;
	else if (strcmp(name, "ip_default_ttl") == 0)
		c->defaults.ttl = (uint8_t)n;
	else
		return false;
	return true;
}

static bool apply_time(struct tv_config *c, const char *name, uint64_t n)
{
	if (n > 1000000000)
		return false;
	if (strcmp(name, "tcp_fin_timeout") == 0)
		c->defaults.fin_wait_2 = n * TV_S;
	else if (strcmp(name, "tcp_keepalive_time") == 0)
		c->defaults.keepalive_idle = n * TV_S;
	else if (strcmp(name, "tcp_keepalive_intvl") == 0)
		c->defaults.keepalive_interval = n * TV_S;
	else if (strcmp(name, "tcp_rto_min_us") == 0)
		c->rto_min = n * TV_US;
	else if (strcmp(name, "tcp_rto_max_ms") == 0)
		c->rto_max = n * TV_MS;
	else if (strcmp(name, "tcp_invalid_ratelimit") == 0)
		c->challenge_gap = n * TV_MS;
	else
		return false;
	return true;
}

static bool apply_buffer(struct tv_config *c, const char *name, const char *value)
{
	const uint64_t most = 1u << 30;
	uint64_t n[3];

	if (strcmp(name, "tcp_rmem") != 0 && strcmp(name, "tcp_wmem") != 0)
		return false;
	if (!numbers(value, n, 3) || n[1] < 2048 || n[1] > most || n[2] > most)
		return false;
	/* Linux offers half of its receive memory as the window; its scale allows for the most it could grow to. */
	if (name[4] == 'r') {
		c->defaults.rcv_buf = (uint32_t)(n[1] / 2);
		c->defaults.rcv_buf_max = (uint32_t)n[2];
	} else {
		c->defaults.snd_buf = (uint32_t)n[1];
	}
	return true;
}

static bool apply_ports(struct tv_config *c, const char *name, const char *value)
{
	uint64_t n[2];

	if (strcmp(name, "ip_local_port_range") != 0 || !numbers(value, n, 2) || n[0] < 1 || n[1] > 65535 ||
	    n[0] > n[1])
		return false;
	c->port_first = (uint16_t)n[0];
	c->port_last = (uint16_t)n[1];
	return true;
}

/* Linux has given up the bits above: they say nothing. Without a cookie (4, 0x200) there is no Fast Open here. */
static bool apply_fastopen(struct setup *setup, const char *name, const char *value)
{
	const unsigned known = SOCKETS_FASTOPEN_CLIENT | SOCKETS_FASTOPEN_SERVER | SOCKETS_FASTOPEN_EVERY_LISTENER;
	uint64_t n;

	if (strcmp(name, "tcp_fastopen_key") == 0) {
		setup->fastopen_key_count = sockets_fastopen_keys(value, setup->fastopen_keys);
		return setup->fastopen_key_count != 0;
	}
	if (strcmp(name, "tcp_fastopen") != 0 || !first_number(value, &n) || (n & 0xffff & ~known) != 0)
		return false;
	setup->fastopen = (unsigned)n & known;
	return true;
}

/* What the stack does anyway, and the value that asks for it. */
static const struct {
	const char *name;
	const char *value;
} agreed[] = {
	{"tcp_dsack", "1"},          {"tcp_fack", "0"},           {"tcp_ecn", "0"},
	{"tcp_recovery", "0"},       {"tcp_early_retrans", "0"},  {"tcp_frto", "0"},
	{"tcp_congestion_control", "reno"},
	{"tcp_mtu_probing", "0"},    {"tcp_autocorking", "0"},    {"tcp_no_metrics_save", "1"},
	{"tcp_moderate_rcvbuf", "0"}, {"tcp_reordering", "3"},
	{"tcp_comp_sack_nr", "0"},   {"tcp_thin_linear_timeouts", "0"},
	{"tcp_notsent_lowat", "4294967295"},                      {"tcp_low_latency", "0"},
	{"tcp_plb_enabled", "0"},    {"tcp_migrate_req", "0"},    {"tcp_slow_start_after_idle", "1"},
};

static bool is_agreed(const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof(agreed) / sizeof(agreed[0]); i++)
		if (strcmp(agreed[i].name, name) == 0)
			return strcmp(agreed[i].value, value) == 0;
	return false;
}

bool sysctl_apply(struct setup *setup, const char *name, const char *value)
{
	struct tv_config *config = &setup->config;
	uint64_t n;

	if (apply_fastopen(setup, name, value) || is_agreed(name, value) || apply_buffer(config, name, value) ||
	    apply_ports(config, name, value))
		return true;
	if (!first_number(value, &n))
		return false;
	return apply_switch(config, name, n) || apply_count(config, name, n) ||
	       apply_time(config, name, n);
}
