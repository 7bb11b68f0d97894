/*
 * control_folder.h - where the control sockets of a user lie, whom a connection to one leads to, and what is
 * said over it.
 */
#ifndef TRIVET_POSIX_CONTROL_FOLDER_H
#define TRIVET_POSIX_CONTROL_FOLDER_H

#include "posix/control.h"

/* What is sent, in this machine's own byte order: a head, then records, the last with `end` set. The
 * sizes tell a reader whether it was made with the same header. */
struct control_head {
	char magic[8];
	uint32_t head_bytes, record_bytes, info_bytes;
	int32_t pid;
	char name[CONTROL_NAME];
};

struct control_record {
	tv_time now;
	tv_handle handle;
	uint64_t end;
	struct tv_info info;
};

#define CONTROL_MAGIC "trivet\0\1"

enum { CONTROL_FOLDERS = 2 };

/*
 * The n-th folder where this user's sockets may lie, 0 first; with `make` it is made if it is absent.
 * 0, or a negative errno: -ENOENT there is none (and none was to be made), -EPERM it is not this
 * user's own or open to others. why[] says it in a sentence.
 */
int control_folder(unsigned n, bool make, char path[CONTROL_PATH], char why[CONTROL_WHY]);
/* Reads an answer from a connected socket, and calls fn for each record; fills stack->name. NULL, or what is
 * wrong with the answer. */
const char *control_answer(int fd, struct control_stack *stack, control_record_fn fn, void *user);
/* The user at the other end of a connected socket: SO_PEERCRED. False: not known. */
bool control_peer(int fd, uid_t *uid, pid_t *pid);

#endif
