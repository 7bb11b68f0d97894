/*
 * lookup.c - from a name to addresses, with a limit on the time that it may take.
 *
 * getaddrinfo() waits for as long as the resolver's own time-outs are, so it runs in a thread. When
 * the limit comes first, the thread is left to end by itself: it owns what it works on, and whoever
 * comes last, the thread or the caller, frees it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "host/attempt.h"

struct job {
	pthread_mutex_t lock;
	pthread_cond_t done;
	bool finished, left;
	struct addrinfo hints;
	int status;
	struct addrinfo *list;
	char name[256];
};

static void job_free(struct job *j)
{
	if (j->list)
		freeaddrinfo(j->list);
	pthread_cond_destroy(&j->done);
	pthread_mutex_destroy(&j->lock);
	free(j);
}

static void *work(void *user)
{
	struct job *j = user;
	struct addrinfo *list = NULL;
	int status = getaddrinfo(j->name, NULL, &j->hints, &list);
	bool left;

	pthread_mutex_lock(&j->lock);
	j->status = status;
	j->list = status ? NULL : list;
	j->finished = true;
	left = j->left;
	pthread_cond_signal(&j->done);
	pthread_mutex_unlock(&j->lock);
	if (left)
		job_free(j);
	return NULL;
}

static struct job *job_new(const char *name, unsigned family)
{
	struct job *j = calloc(1, sizeof *j);
	pthread_condattr_t attr;

	if (!j)
		return NULL;
	snprintf(j->name, sizeof j->name, "%s", name);
	j->hints.ai_family = family == 4 ? AF_INET : family == 6 ? AF_INET6 : AF_UNSPEC;
	j->hints.ai_socktype = SOCK_STREAM;
	pthread_mutex_init(&j->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&j->done, &attr);
	pthread_condattr_destroy(&attr);
	return j;
}

static struct timespec clock_at(tv_time ahead)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	ahead += (tv_time)t.tv_nsec;
	t.tv_sec += (time_t)(ahead / TV_S);
	t.tv_nsec = (long)(ahead % TV_S);
	return t;
}

static tv_time elapsed(const struct timespec *from)
{
	struct timespec t = clock_at(0);

	return (tv_time)(t.tv_sec - from->tv_sec) * TV_S + (tv_time)t.tv_nsec - (tv_time)from->tv_nsec;
}

static void add(struct host_lookup *f, const struct addrinfo *a)
{
	struct tv_addr addr = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
	uint32_t scope = 0;

	if (a->ai_family == AF_INET) {
		memcpy(addr.b + 12, &((const struct sockaddr_in *)(const void *)a->ai_addr)->sin_addr, 4);
	} else {
		const struct sockaddr_in6 *s = (const void *)a->ai_addr;

		memcpy(addr.b, &s->sin6_addr, 16);
		scope = s->sin6_scope_id;
	}
	if (f->count == HOST_ADDRESSES_MAX) {
		f->left_out++;
		return;
	}
	f->list[f->count] = addr;
	f->scope[f->count++] = scope;
}

static const struct addrinfo *next_of(const struct addrinfo *a, int family)
{
	while (a && (family == AF_INET || family == AF_INET6) && a->ai_family != family)
		a = a->ai_next;
	return a;
}

/* RFC 8305 4: the first one's family begins, then they take turns as long as both last. */
static void take_turns(struct host_lookup *f, const struct addrinfo *list)
{
	int first = list->ai_family, other = first == AF_INET ? AF_INET6 : AF_INET;
	const struct addrinfo *a = next_of(list, first), *b = next_of(list, other);

	while (a || b) {
		if (a) {
			add(f, a);
			a = next_of(a->ai_next, first);
		}
		if (b) {
			add(f, b);
			b = next_of(b->ai_next, other);
		}
	}
}

static void conclude(struct host_lookup *f, const struct job *j)
{
	if (j->status == 0 && j->list) {
		take_turns(f, j->list);
		return;
	}
	f->result = j->status == EAI_NONAME || j->status == EAI_NODATA || j->status == EAI_ADDRFAMILY ?
		HOST_LOOKUP_NOT_FOUND : HOST_LOOKUP_UNANSWERED;
	snprintf(f->why, sizeof f->why, "%s", gai_strerror(j->status));
}

static bool is_literal(const char *name)
{
	uint8_t bytes[16];
	char copy[64];

	snprintf(copy, sizeof copy, "%s", name);
	copy[strcspn(copy, "%")] = 0;
	return inet_pton(AF_INET, copy, bytes) == 1 || inet_pton(AF_INET6, copy, bytes) == 1;
}

void host_lookup(const char *name, unsigned family, tv_time limit, struct host_lookup *f)
{
	struct timespec begun = clock_at(0), end = clock_at(limit);
	struct job *j = strlen(name) < sizeof j->name ? job_new(name, family) : NULL;
	pthread_t thread;

	memset(f, 0, sizeof *f);
	f->literal = is_literal(name);
	if (!j || pthread_create(&thread, NULL, work, j) != 0) {
		f->result = j ? HOST_LOOKUP_UNANSWERED : HOST_LOOKUP_NOT_FOUND;
		snprintf(f->why, sizeof f->why, j ? "No thread could be started" : "The name is too long");
		if (j)
			job_free(j);
		return;
	}
	pthread_detach(thread);
	pthread_mutex_lock(&j->lock);
	while (!j->finished && !f->late)
		f->late = pthread_cond_timedwait(&j->done, &j->lock, &end) == ETIMEDOUT && !j->finished;
	j->left = f->late;
	pthread_mutex_unlock(&j->lock);
	f->took = elapsed(&begun);
	if (f->late) {
		f->result = HOST_LOOKUP_UNANSWERED;
		snprintf(f->why, sizeof f->why, "No answer in time");
		return;
	}
	conclude(f, j);
	job_free(j);
}
