/*
 * clock.c - the kernel's clocks and random source, for stacks that live on this machine.
 *
 * CLOCK_BOOTTIME rather than CLOCK_MONOTONIC: a laptop that slept must let its old connections time
 * out, and TIME-WAIT must not last longer for the sleeper than for its peer.
 */
#include "posix/clock.h"

#include <errno.h>
#include <sys/random.h>
#include <sys/types.h>
#include <time.h>

static uint64_t read_clock(clockid_t id)
{
	struct timespec t = { 0, 0 };

	/* Cannot fail for these two clocks on any Linux that runs the rest of this. */
	(void)clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * TV_S + (uint64_t)t.tv_nsec;
}

tv_time clock_now(void)
{
	return read_clock(CLOCK_BOOTTIME);
}

uint64_t clock_wall(void)
{
	return read_clock(CLOCK_REALTIME);
}

bool random_secret(uint8_t secret[32])
{
	size_t have = 0;

	while (have < 32) {
		ssize_t got = getrandom(secret + have, 32 - have, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	return true;
}
