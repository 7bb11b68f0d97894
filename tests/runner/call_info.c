/*
 * TCP_INFO for assertions: see call_info.h.  The names are those of Linux's struct tcp_info; a field
 * that the stack cannot tell is refused, so that no assertion passes on a value that is always zero.
 */
#include "call_info.h"

#include "runner.h"
#include "symbols.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

int call_info_fd(const struct runner *r)
{
	int script_fd = r->current != NULL && r->current->fd >= 0 ? r->current->fd : r->last_fd;

	return call_live_fd(r, script_fd);
}

/* 1 known, 0 no such field, -1 a field that is always zero. */
static int field(const struct sockets_tcp_info *info, const char *name, double *value)
{
#define X(type, field_name, known)                                                                 \
	if (strcmp(name, #field_name) == 0) {                                                      \
		*value = (double)info->field_name;                                                 \
		return (known) ? 1 : -1;                                                             \
	}
	SOCKETS_TCP_INFO(X)
#undef X
	return 0;
}

int call_info_lookup(void *user, const char *name, double *value)
{
	struct runner *r = user;
	struct sockets_tcp_info info;
	socklen_t size = sizeof(info);
	int64_t number;

	if (symbol_tcp_info(name, &number)) {
		*value = (double)number;
		return 1;
	}
	if (sockets_getsockopt(r->sockets, call_info_fd(r), IPPROTO_TCP, TCP_INFO, &info,
	                       &size) < 0)
		return -1;
	if (strcmp(name, "tcpi_snd_wscale") == 0) {
		*value = info.tcpi_wscales & 15;
		return 1;
	}
	if (strcmp(name, "tcpi_rcv_wscale") == 0) {
		*value = info.tcpi_wscales >> 4;
		return 1;
	}
	if (strcmp(name, "tcpi_fastopen_client_fail") == 0) {
		*value = info.tcpi_bits >> 1 & 3;
		return 1;
	}
	return field(&info, name, value);
}
