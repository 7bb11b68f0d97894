/*
 * System calls that open, use and close connections.
 *
 * What a script writes with `...` is the pattern of payload_byte, going on where the stream of the
 * connection stands; what it reads is compared with that pattern.  The bytes of a write are known
 * to the connection as soon as they are offered, because a blocking write sends some of them before
 * it returns.
 */
#include "runner.h"

#include "value.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#define LENGTH_MAX (1 << 28)

/* ------------------------------------------------------------------------- opening ------ */

static bool opened_socket(struct runner *r, struct call *c)
{
	if (c->result < 0)
		return true;
	r->current = NULL;
	r->last_fd = c->script_fd;
	return true;
}

static bool prepare_socket(struct runner *r, struct call *c)
{
	int domain = r->setup.version == VERSION_IPV4 ? AF_INET : AF_INET6;
	int type;
	int protocol;

	if (!call_count(r, c, 3) || !call_int(r, c, 1, &type) || !call_int(r, c, 2, &protocol))
		return false;
	if (!value_is_ellipsis(call_argument(r, c, 0)) && !call_int(r, c, 0, &domain))
		return false;
	c->result = sockets_socket(r->sockets, domain, type, protocol);
	c->makes_fd = true;
	c->finish = opened_socket;
	return true;
}

/* The address that `...` stands for. */
static void own_address(const struct runner *r, const struct tv_addr *addr, uint16_t port,
                        struct call *c)
{
	if (r->setup.version == VERSION_IPV4) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
		memcpy(&in.sin_addr, addr->b + 12, 4);
		memcpy(&c->address, &in, sizeof(in));
		c->address_size = sizeof(in);
	} else {
		struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
		memcpy(&in6.sin6_addr, addr->b, 16);
		memcpy(&c->address, &in6, sizeof(in6));
		c->address_size = sizeof(in6);
	}
}

static bool take_address(struct runner *r, struct call *c, const struct expr *e,
                         const struct tv_addr *addr, uint16_t port)
{
	int family;

	if (e == NULL)
		return false;
	if (value_is_ellipsis(e)) {
		own_address(r, addr, port, c);
		return true;
	}
	if (e->kind == EXPR_RECORD)
		return value_address(e, &c->address, &c->address_size, r->f);
	if (!value_int(e, &family, r->f))
		return false;
	c->address.ss_family = (sa_family_t)family;
	c->address_size = sizeof(c->address);
	return true;
}

static struct sockaddr *call_address(struct call *c)
{
	return (struct sockaddr *)&c->address;
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
	struct sockaddr_in in;

	/* The port is at the same place in both families. */
	memcpy(&in, address, sizeof(in));
	return ntohs(in.sin_port);
}

static bool prepare_bind(struct runner *r, struct call *c)
{
	static const struct tv_addr any;
	int fd;

	if (!call_count(r, c, 3) || !call_fd(r, c, 0, &fd))
		return false;
	/* A socket for both families is bound to any address, as the language's own tool does. */
	bool mapped = r->setup.version == VERSION_MAPPED;
	if (!take_address(r, c, call_argument(r, c, 1), mapped ? &any : &r->setup.local,
	                  r->setup.bind_port))
		return false;
	c->result = sockets_bind(r->sockets, fd, call_address(c), c->address_size);
	return true;
}

static bool prepare_listen(struct runner *r, struct call *c)
{
	int fd;
	int backlog;

	if (!call_count(r, c, 2) || !call_fd(r, c, 0, &fd) || !call_int(r, c, 1, &backlog))
		return false;
	c->result = sockets_listen(r->sockets, fd, backlog);
	if (c->result == 0)
		r->current = NULL;
	return true;
}

static bool accepted(struct runner *r, struct call *c)
{
	struct sockaddr_storage local;
	socklen_t size = sizeof(local);

	if (c->result < 0)
		return true;
	memset(&local, 0, sizeof(local));
	sockets_getsockname(r->sockets, (int)c->result, (struct sockaddr *)&local, &size);
	packets_attach(r, c->script_fd, port_of(&local), port_of(&c->address));
	r->last_fd = c->script_fd;
	return true;
}

static bool prepare_accept(struct runner *r, struct call *c)
{
	bool four = strcmp(c->spec->name, "accept4") == 0;

	if (!call_count(r, c, four ? 4 : 3) || !call_fd(r, c, 0, &c->op.fd))
		return false;
	if (four && !call_int(r, c, 3, &c->op.flags))
		return false;
	c->is_op = true;
	c->op.call = SOCKETS_ACCEPT;
	c->address_size = sizeof(c->address);
	c->op.addr = call_address(c);
	c->op.addr_len = &c->address_size;
	c->makes_fd = true;
	c->finish = accepted;
	return true;
}

static void remote_of(const struct call *c, struct tv_addr *out)
{
	struct sockaddr_in in;
	struct sockaddr_in6 in6;

	memset(out, 0, sizeof(*out));
	if (c->address.ss_family == AF_INET) {
		memcpy(&in, &c->address, sizeof(in));
		out->b[10] = out->b[11] = 0xff;
		memcpy(out->b + 12, &in.sin_addr, 4);
	} else {
		memcpy(&in6, &c->address, sizeof(in6));
		memcpy(out->b, &in6.sin6_addr, 16);
	}
}

/* Where connect(), or a send that opens the connection, goes. */
static bool take_remote(struct runner *r, struct call *c, const struct expr *e)
{
	struct tv_addr remote;

	if (!take_address(r, c, e, &r->setup.remote, r->setup.connect_port))
		return false;
	c->op.to = call_address(c);
	c->op.to_len = c->address_size;
	if (c->address.ss_family == AF_UNSPEC)
		return true;
	remote_of(c, &remote);
	/* A second connect() on the same socket asks how the first went; it opens nothing. */
	struct conn *known = packets_conn_of(r, c->script_fd);
	if (known == NULL || sockets_handle(r->sockets, c->op.fd) == 0)
		packets_connecting(r, c->script_fd, port_of(&c->address), &remote);
	return true;
}

static bool prepare_connect(struct runner *r, struct call *c)
{
	if (!call_count(r, c, 3) || !call_fd(r, c, 0, &c->op.fd))
		return false;
	c->is_op = true;
	c->op.call = SOCKETS_CONNECT;
	return take_remote(r, c, call_argument(r, c, 1));
}

/* ------------------------------------------------------------------------- buffers ------ */

/* One buffer: argument n is `...` or "text", argument n + 1 its length. */
static bool take_buffer(struct runner *r, struct call *c, int n)
{
	const struct expr *e = call_argument(r, c, n);
	int length;

	if (e == NULL || !call_int(r, c, n + 1, &length))
		return false;
	if (length < 0 || length > LENGTH_MAX)
		return fail_with(r->f, "%s: the length %d is impossible here", c->spec->name, length);
	bool null = e->kind == EXPR_WORD && strcmp(e->text, "NULL") == 0;
	if (!value_is_ellipsis(e) && e->kind != EXPR_STRING && !null)
		return fail_unsupported(r->f, "%s: only `...', \"text\" and NULL are known as buffers",
		                        c->spec->name);
	c->length = (size_t)length;
	c->buffer = arena_take(r->arena, c->length);
	c->iov[0].iov_base = null ? NULL : c->buffer;
	c->iov[0].iov_len = c->length;
	c->op.iov = c->iov;
	c->op.iov_count = 1;
	return true;
}

/* A list of {..., length}. */
static bool take_vector(struct runner *r, struct call *c, const struct expr *list)
{
	if (list == NULL || list->kind != EXPR_LIST)
		return fail_with(r->f, "%s: a list of {..., length} is needed", c->spec->name);
	c->op.iov = c->iov;
	for (const struct expr *e = list->items; e != NULL; e = e->next) {
		int length;
		if (c->op.iov_count == IOV_MAX_HERE)
			return fail_unsupported(r->f, "%s: more than %d buffers", c->spec->name,
			                        IOV_MAX_HERE);
		if (e->kind != EXPR_RECORD || !value_int(value_item(e->items, 1), &length, r->f))
			return fail_with(r->f, "%s: a buffer is {..., length}", c->spec->name);
		if (length < 0 || length > LENGTH_MAX)
			return fail_with(r->f, "%s: the length %d is impossible here", c->spec->name,
			            length);
		c->iov[c->op.iov_count++].iov_len = (size_t)length;
		c->length += (size_t)length;
	}
	c->buffer = arena_take(r->arena, c->length);
	size_t at = 0;
	for (int i = 0; i < c->op.iov_count; i++) {
		c->iov[i].iov_base = c->buffer + at;
		at += c->iov[i].iov_len;
	}
	return true;
}

/* The buffers of sendmsg and recvmsg. */
static bool take_message(struct runner *r, struct call *c)
{
	const struct expr *e = call_argument(r, c, 1);

	if (e == NULL)
		return false;
	c->wanted = e;
	return take_vector(r, c, value_field(e, "msg_iov"));
}

static bool is_vector_call(const char *name)
{
	return strcmp(name, "readv") == 0 || strcmp(name, "writev") == 0;
}

static bool is_message_call(const char *name)
{
	return strcmp(name, "sendmsg") == 0 || strcmp(name, "recvmsg") == 0;
}

/* Buffers and flags of all calls that move data. */
static bool take_transfer(struct runner *r, struct call *c)
{
	const char *name = c->spec->name;
	bool plain = strcmp(name, "read") == 0 || strcmp(name, "write") == 0;
	bool addressed = strcmp(name, "sendto") == 0 || strcmp(name, "recvfrom") == 0;
	int count;

	if (!call_fd(r, c, 0, &c->op.fd))
		return false;
	c->is_op = true;
	if (is_vector_call(name))
		return call_count(r, c, 3) && take_vector(r, c, call_argument(r, c, 1)) &&
		       call_int(r, c, 2, &count);
	if (is_message_call(name))
		return call_count(r, c, 3) && take_message(r, c) &&
		       call_int(r, c, 2, &c->op.flags);
	if (!call_count(r, c, plain ? 3 : addressed ? 6 : 4) || !take_buffer(r, c, 1))
		return false;
	return plain || call_int(r, c, 3, &c->op.flags);
}

/* ------------------------------------------------------------------------- writing ------ */

static bool wrote(struct runner *r, struct call *c)
{
	(void)r;
	if (c->conn != NULL)
		c->conn->written_length = c->start + (c->result > 0 ? (size_t)c->result : 0);
	return true;
}

/* The address of a send with MSG_FASTOPEN; without that flag it means nothing on a stream. */
static bool take_destination(struct runner *r, struct call *c)
{
	const struct expr *e = NULL;

	if ((c->op.flags & MSG_FASTOPEN) == 0)
		return true;
	if (is_message_call(c->spec->name))
		e = value_field(c->wanted, "msg_name");
	else if (strcmp(c->spec->name, "sendto") == 0)
		e = call_argument(r, c, 4);
	bool none = e == NULL || (e->kind == EXPR_WORD && strcmp(e->text, "NULL") == 0);
	return none || take_remote(r, c, e);
}

static bool prepare_write(struct runner *r, struct call *c)
{
	c->op.call = SOCKETS_SEND;
	if (!take_transfer(r, c) || !take_destination(r, c))
		return false;
	c->conn = packets_conn_of(r, c->script_fd);
	c->start = c->conn != NULL ? c->conn->written_length : 0;
	const struct expr *given = value_item(c->spec->arguments, 1);
	bool text = given->kind == EXPR_STRING;
	for (size_t i = 0; i < c->length; i++)
		c->buffer[i] = text && i < given->length ? (uint8_t)given->text[i]
		                                         : payload_byte(c->start + i);
	if (c->conn != NULL)
		conn_wrote(c->conn, r->arena, c->buffer, c->length);
	c->finish = wrote;
	return true;
}

/* ------------------------------------------------------------------------- reading ------ */

static bool check_content(struct runner *r, const struct call *c, size_t n)
{
	const struct conn *conn = c->conn;

	if (conn == NULL || conn->urgent || (c->op.flags & MSG_TRUNC) != 0)
		return true;
	for (size_t i = 0; i < n; i++)
		if (c->buffer[i] != payload_byte(conn->read + i))
			return fail_with(r->f, "%s: byte %zu of the stream is not what was sent: "
			            "expected 0x%02x, actual 0x%02x", c->spec->name,
			            conn->read + i + 1, payload_byte(conn->read + i),
			            c->buffer[i]);
	return true;
}

/* msg_flags and a TCP_CM_INQ message, if the script says what they must be. */
static bool check_message(struct runner *r, const struct call *c)
{
	const struct expr *flags = value_field(c->wanted, "msg_flags");
	const struct expr *control = value_field(c->wanted, "msg_control");
	int expected;

	if (flags != NULL && !value_is_ellipsis(flags)) {
		if (!value_int(flags, &expected, r->f))
			return false;
		if (expected != c->op.msg_flags)
			return fail_with(r->f, "%s: msg_flags: expected 0x%x, actual 0x%x",
			            c->spec->name, (unsigned)expected,
			            (unsigned)c->op.msg_flags);
	}
	for (const struct expr *e = control == NULL ? NULL : control->items; e != NULL;
	     e = e->next) {
		const struct expr *type = value_field(e, "cmsg_type");
		if (type == NULL || type->kind != EXPR_WORD ||
		    (strcmp(type->text, "TCP_CM_INQ") != 0 && strcmp(type->text, "TCP_INQ") != 0))
			return fail_unsupported(r->f, "%s: only the control message TCP_CM_INQ is "
			                        "known", c->spec->name);
		if (!value_int(value_field(e, "cmsg_data"), &expected, r->f))
			return false;
		if (expected != c->op.inq)
			return fail_with(r->f, "%s: TCP_CM_INQ: expected %d, actual %lld", c->spec->name,
			            expected, (long long)c->op.inq);
	}
	return true;
}

static bool did_read(struct runner *r, struct call *c)
{
	size_t n = c->result > 0 ? (size_t)c->result : 0;

	if (!check_content(r, c, n))
		return false;
	if (c->conn != NULL && (c->op.flags & MSG_PEEK) == 0)
		c->conn->read += n;
	return c->wanted == NULL || c->result < 0 || check_message(r, c);
}

static bool prepare_read(struct runner *r, struct call *c)
{
	c->op.call = SOCKETS_RECV;
	if (!take_transfer(r, c))
		return false;
	c->conn = packets_conn_of(r, c->script_fd);
	c->finish = did_read;
	return true;
}

/* ------------------------------------------------------------------------- closing ------ */

static bool prepare_shutdown(struct runner *r, struct call *c)
{
	int fd;
	int how;

	if (!call_count(r, c, 2) || !call_fd(r, c, 0, &fd) || !call_int(r, c, 1, &how))
		return false;
	c->result = sockets_shutdown(r->sockets, fd, how);
	return true;
}

static bool closed(struct runner *r, struct call *c)
{
	if (c->result < 0)
		return true;
	r->fds[c->script_fd] = 0;
	if (c->conn != NULL)
		c->conn->fd = -1;
	return true;
}

static bool prepare_close(struct runner *r, struct call *c)
{
	if (!call_count(r, c, 1) || !call_fd(r, c, 0, &c->op.fd))
		return false;
	c->is_op = true;
	c->op.call = SOCKETS_CLOSE;
	c->conn = packets_conn_of(r, c->script_fd);
	c->finish = closed;
	return true;
}

call_prepare call_of_stream(const char *name)
{
	static const struct {
		const char *name;
		call_prepare prepare;
	} calls[] = {
		{"socket", prepare_socket},   {"bind", prepare_bind},
		{"listen", prepare_listen},   {"accept", prepare_accept},
		{"accept4", prepare_accept},  {"connect", prepare_connect},
		{"read", prepare_read},       {"readv", prepare_read},
		{"recv", prepare_read},       {"recvfrom", prepare_read},
		{"recvmsg", prepare_read},    {"write", prepare_write},
		{"writev", prepare_write},    {"send", prepare_write},
		{"sendto", prepare_write},    {"sendmsg", prepare_write},
		{"shutdown", prepare_shutdown}, {"close", prepare_close},
	};

	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].prepare;
	return NULL;
}
