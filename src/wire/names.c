/*
 * names.c - names and sentences of the enums in trivet.h, for people. Each list is made from the
 * same X-macro as its enum, so that none can be missing. A number outside the enum gets "?" instead
 * of a crash: it may come from a file or from another version.
 */
#include <trivet/trivet.h>

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))
#define PICK(list, i) ((size_t)(i) < COUNT(list) ? (list)[i] : "?")

const char *tv_state_name(enum tv_state state)
{
	static const char *const names[] = {"CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED",
		"ESTABLISHED", "FIN-WAIT-1", "FIN-WAIT-2", "CLOSE-WAIT", "CLOSING", "LAST-ACK",
		"TIME-WAIT"};
	_Static_assert(COUNT(names) == TV_STATE_COUNT, "a state without a name");

	return PICK(names, state);
}

const char *tv_verdict_name(enum tv_verdict verdict)
{
#define X(name, sentence) #name,
	static const char *const names[] = {TV_VERDICTS(X)};
#undef X

	return PICK(names, verdict);
}

const char *tv_verdict_text(enum tv_verdict verdict)
{
#define X(name, sentence) sentence,
	static const char *const texts[] = {TV_VERDICTS(X)};
#undef X

	return PICK(texts, verdict);
}

const char *tv_reason_name(enum tv_reason reason)
{
#define X(name, sentence) #name,
	static const char *const names[] = {TV_REASONS(X)};
#undef X

	return PICK(names, reason);
}

const char *tv_reason_text(enum tv_reason reason)
{
#define X(name, sentence) sentence,
	static const char *const texts[] = {TV_REASONS(X)};
#undef X

	return PICK(texts, reason);
}

const char *tv_fastopen_name(enum tv_fastopen fastopen)
{
#define X(name, sentence) #name,
	static const char *const names[] = {TV_FASTOPENS(X)};
#undef X

	return PICK(names, fastopen);
}

const char *tv_fastopen_text(enum tv_fastopen fastopen)
{
#define X(name, sentence) sentence,
	static const char *const texts[] = {TV_FASTOPENS(X)};
#undef X

	return PICK(texts, fastopen);
}

const char *tv_error_text(int error)
{
	static const char *const texts[] = {"no error", "not now: call again",
		"an argument is outside its range", "the handle was released or never existed",
		"a limit of the configuration is reached",
		"another listener or connection has this address and port",
		"the local address is not one of this stack's",
		"no route leads to the remote address",
		"every ephemeral port to this destination is in use",
		"the connection is not in a state for this call", "the connection already exists",
		"the connection is closing: no more can be sent", "the connection has ended",
		"the secret is all zero", "the remote address is not one that can be connected to"};
	_Static_assert(COUNT(texts) == 1 - TV_ENOTPERM, "an error without a text");

	if (error > 0) return texts[0];
	return PICK(texts, -(int64_t)error);
}
