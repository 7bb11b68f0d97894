/*
 * clock.h - the time and the secret of a stack that lives on this machine.
 *
 * A stack's time must not go back for one secret. clock_now() is CLOCK_BOOTTIME: it only moves
 * forward, also through suspend, and starts again at a reboot. A secret lives as long as its process:
 * each start draws a new one from random_secret(), so a reboot cannot replay the time of an old one.
 */
#ifndef TRIVET_POSIX_CLOCK_H
#define TRIVET_POSIX_CLOCK_H

#include <stdint.h>

#include <trivet/trivet.h>

/* Nanoseconds since boot. */
tv_time clock_now(void);
/* Nanoseconds since 1970, for people and files: may jump when the machine's clock is set. */
uint64_t clock_wall(void);

/* 32 bytes from the kernel's random source. false: there is none (errno says why); never weak. */
bool random_secret(uint8_t secret[32]);

#endif
