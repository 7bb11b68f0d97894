/*
 * Expressions: see value.h.
 */
#include "value.h"

#include "symbols.h"

#include <arpa/inet.h>
#include <limits.h>
#include <netinet/in.h>
#include <string.h>

bool value_is_ellipsis(const struct expr *e)
{
	return e != NULL && e->kind == EXPR_ELLIPSIS;
}

static bool call_value(const struct expr *e, int64_t *out, struct fail *f)
{
	struct in_addr v4;

	if (e->items == NULL || e->items->next != NULL)
		return fail_unsupported(f, "%s(...) is not a number", e->text);
	if (strcmp(e->text, "inet_addr") == 0 && e->items->kind == EXPR_STRING) {
		if (inet_pton(AF_INET, e->items->text, &v4) != 1)
			return fail_with(f, "`%s' is no IPv4 address", e->items->text);
		*out = v4.s_addr;
		return true;
	}
	if (!value_integer(e->items, out, f))
		return false;
	if (strcmp(e->text, "htons") == 0)
		*out = htons((uint16_t)*out);
	else if (strcmp(e->text, "htonl") == 0)
		*out = htonl((uint32_t)*out);
	else
		return fail_unsupported(f, "the function %s is not known", e->text);
	return true;
}

bool value_integer(const struct expr *e, int64_t *out, struct fail *f)
{
	int64_t right;

	*out = 0;
	if (e == NULL)
		return fail_with(f, "an argument is missing");
	switch (e->kind) {
	case EXPR_INTEGER: *out = e->integer; return true;
	case EXPR_WORD:
		if (symbol_value(e->text, out))
			return true;
		return fail_unsupported(f, "the constant %s is not known", e->text);
	case EXPR_OR:
		if (!value_integer(e->left, out, f) || !value_integer(e->right, &right, f))
			return false;
		*out |= right;
		return true;
	case EXPR_CALL: return call_value(e, out, f);
	case EXPR_ELLIPSIS: return fail_with(f, "`...' stands where a number is needed");
	case EXPR_STRING:
	case EXPR_SET:
	case EXPR_LIST:
	case EXPR_RECORD: break;
	}
	return fail_with(f, "a number is needed");
}

bool value_int(const struct expr *e, int *out, struct fail *f)
{
	int64_t wide;

	if (!value_integer(e, &wide, f))
		return false;
	/* Flags such as EPOLLET use the sign bit. */
	if (wide < INT_MIN || wide > UINT_MAX)
		return fail_with(f, "%lld does not fit an int", (long long)wide);
	*out = (int)(uint32_t)wide;
	return true;
}

const struct expr *value_item(const struct expr *items, int n)
{
	while (items != NULL && n-- > 0)
		items = items->next;
	return items;
}

const struct expr *value_field(const struct expr *record, const char *name)
{
	if (record == NULL || record->kind != EXPR_RECORD)
		return NULL;
	for (const struct expr *e = record->items; e != NULL; e = e->next) {
		bool named = e->kind == EXPR_SET &&
			(e->left->kind == EXPR_WORD || e->left->kind == EXPR_CALL);
		if (named && strcmp(e->left->text, name) == 0)
			return e->right;
	}
	return NULL;
}

bool value_numbers(const struct expr *e, int *out, int max, int *count, struct fail *f)
{
	*count = 0;
	if (e != NULL && e->kind != EXPR_LIST && e->kind != EXPR_RECORD) {
		*count = 1;
		return value_int(e, out, f);
	}
	for (const struct expr *item = e == NULL ? NULL : e->items; item != NULL;
	     item = item->next) {
		if (*count == max)
			return fail_unsupported(f, "a list has more than %d numbers", max);
		if (!value_int(item->kind == EXPR_SET ? item->right : item, &out[(*count)++], f))
			return false;
	}
	return true;
}

static bool v6_address(const struct expr *addr, struct in6_addr *out, struct fail *f)
{
	bool call = addr != NULL && addr->kind == EXPR_CALL && addr->items != NULL &&
		addr->items->kind == EXPR_STRING;

	if (!call || inet_pton(AF_INET6, addr->items->text, out) != 1)
		return fail_with(f, "an IPv6 address is needed: inet6_addr(\"...\")");
	return true;
}

bool value_address(const struct expr *e, struct sockaddr_storage *out, socklen_t *size,
                   struct fail *f)
{
	int64_t family;
	int64_t port;
	int64_t v4;
	const struct expr *addr = value_field(e, "sin_addr");

	memset(out, 0, sizeof(*out));
	if (!value_integer(value_field(e, "sa_family"), &family, f) ||
	    !value_integer(value_field(e, "sin_port"), &port, f))
		return false;
	if (family == AF_INET) {
		struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = (in_port_t)port};
		if (!value_integer(addr, &v4, f))
			return false;
		in.sin_addr.s_addr = (in_addr_t)v4;
		memcpy(out, &in, sizeof(in));
		*size = sizeof(in);
		return true;
	}
	if (family != AF_INET6)
		return fail_unsupported(f, "only AF_INET and AF_INET6 addresses are known");
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = (in_port_t)port};
	if (!v6_address(addr, &in6.sin6_addr, f))
		return false;
	memcpy(out, &in6, sizeof(in6));
	*size = sizeof(in6);
	return true;
}
