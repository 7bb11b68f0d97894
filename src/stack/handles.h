/* handles.h - what the files of public calls share. */
#ifndef TV_STACK_HANDLES_H
#define TV_STACK_HANDLES_H

#include "stack/stack.h"

/* The record of a handle that its user still holds; NULL: stale. */
struct tv_tcb *tv_handle_conn(const struct tv_stack *s, tv_handle h);
struct tv_listener *tv_handle_listener(const struct tv_stack *s, tv_handle h);
/* TV_NONE: stale, or answered. */
uint32_t tv_handle_question(const struct tv_stack *s, tv_handle h);
int tv_listener_close(struct tv_stack *s, tv_handle h);

#endif
