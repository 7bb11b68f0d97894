/*
 * ladder_list.h - a ladder's inside, for the files that make and read it.
 */
#ifndef TRIVET_DIAGNOSE_LADDER_LIST_H
#define TRIVET_DIAGNOSE_LADDER_LIST_H

#include "diagnose/ladder.h"

struct ladder {
	char name[2][64], address[2][64];
	enum tv_state start[2];
	struct ladder_event *events;
	uint8_t **owned;       /* the bytes and remark of each event */
	size_t count, room;
};

#endif
