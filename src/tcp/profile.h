/*
 * profile.h - sets of options that connections and listeners share (profile.c). A profile counts who points to
 * it; number 0, the defaults of the stack, is nobody's and is never freed.
 */
#ifndef TV_TCP_PROFILE_H
#define TV_TCP_PROFILE_H

#include "tcp/core.h"

/* One more points to it; one fewer does, and the last one frees it. */
static inline void tv_profile_share(struct tv_core *c, uint32_t profile)
{
	tv_profile_at(c, profile)->refs++;
}
static inline void tv_profile_drop(struct tv_core *c, uint32_t profile)
{
	if (TV_UNLIKELY(--tv_profile_at(c, profile)->refs == 0))
		tv_pool_give(&c->profiles, tv_region(c), profile);
}
/* A profile with these options, shared when one of the usual ones has them; TV_NONE: no room. */
uint32_t tv_profile_find(struct tv_core *c, const struct tv_options *o);
static inline uint32_t tv_profile_take(struct tv_core *c, const struct tv_options *o)
{
	if (o != NULL)
		return tv_profile_find(c, o);
	tv_profile_share(c, 0);
	return 0;
}
/* Sets the options of a profile that nobody else uses. */
void tv_profile_write(struct tv_core *c, uint32_t profile, const struct tv_options *o);
int tv_options_valid(const struct tv_options *o);
int tv_option_set(struct tv_core *c, struct tv_tcb *t, enum tv_option option, uint64_t value);
/* For the connections that a listener will have; TV_ESTATE: not an option that can be inherited. */
int tv_option_inherit(struct tv_core *c, struct tv_listener *l, enum tv_option option, uint64_t value);
int tv_option_get(const struct tv_core *c, const struct tv_tcb *t, enum tv_option option, uint64_t *value);

#endif
