/*
 * A script as a list of events.
 *
 * A file in the packetdrill language is a few options, perhaps a set-up command, and then
 * events, each with a time: a packet that the network delivers (`<`), a packet that we must send
 * (`>`), a system call of the program, a command of the shell, or an assertion.  The reader
 * (read_*.c) turns text into the structures below and judges only the form; what a word such as
 * SO_LINGER means, and whether we can do it, is decided when the event runs.  Numbers of packets
 * are kept in the script's own terms: sequence numbers count from the first byte of each side.
 *
 * Everything is owned by the script's arena.
 */
#ifndef RUNNER_SCRIPT_H
#define RUNNER_SCRIPT_H

#include "arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -------------------------------------------------------------------- expressions ------- */

enum expr_kind {
	EXPR_ELLIPSIS, /* ...                    the runner chooses, or does not look */
	EXPR_INTEGER,  /* 12, -1, 0x30           */
	EXPR_WORD,     /* SOCK_STREAM            text */
	EXPR_STRING,   /* "abc" or "abc"...      text, length */
	EXPR_OR,       /* a | b                  left, right */
	EXPR_SET,      /* fd=4, msg_iov(1)=[...] left, right */
	EXPR_CALL,     /* htons(8080)            text, items */
	EXPR_LIST,     /* [a, b]                 items */
	EXPR_RECORD    /* {onoff=1, linger=0}    items */
};

struct expr {
	enum expr_kind kind;
	int line;
	int64_t integer;
	const char *text;
	size_t length;
	struct expr *left;
	struct expr *right;
	struct expr *items; /* the first; the others follow through `next` */
	struct expr *next;
};

/* ------------------------------------------------------------------------ packets ------- */

enum packet_kind { PACKET_TCP, PACKET_UDP, PACKET_ICMP };

enum tos_check {
	TOS_UNCHECKED, /* nothing said: 0 when we inject, not compared when we receive */
	TOS_ECN,       /* [noecn] [ect0] [ect1] [ce]: the two low bits */
	TOS_ECT01,     /* [ect01]: either ECT codepoint, outbound only */
	TOS_BYTE       /* [tos 0x10]: all eight bits */
};

/* TCP flags as they stand in the header; FLAG_AE is the lowest reserved bit (AccECN). */
enum tcp_flag {
	FLAG_FIN = 0x001,
	FLAG_SYN = 0x002,
	FLAG_RST = 0x004,
	FLAG_PSH = 0x008,
	FLAG_ACK = 0x010,
	FLAG_URG = 0x020,
	FLAG_ECE = 0x040,
	FLAG_CWR = 0x080,
	FLAG_AE = 0x100
};

enum quote_kind { QUOTE_NONE, QUOTE_TCP, QUOTE_UDP, QUOTE_RAW };

#define OPTIONS_MAX 40

struct packet_spec {
	enum packet_kind kind;
	bool inbound;
	const char *encapsulation; /* name of an outer header that the script asks for, or NULL */

	enum tos_check tos_check;
	uint8_t tos;
	uint8_t ttl;         /* 0: not said */
	uint32_t flow_label; /* 0: not said */
	uint16_t src_port;   /* 0: that of the connection */
	uint16_t dst_port;

	uint16_t flags; /* enum tcp_flag */
	bool ace;       /* flags were given with an ACE counter, as in `.5` */
	uint32_t seq;
	uint32_t length; /* payload bytes, also of UDP */
	uint32_t ack;
	int32_t window; /* as it stands in the header; -1: not said */
	uint16_t urgent;
	bool options_any; /* <...> */
	uint8_t options[OPTIONS_MAX];
	uint8_t options_length;

	const char *icmp_type; /* word of the script */
	const char *icmp_code; /* word of the script or NULL */
	int64_t icmp_mtu;      /* -1: not said */
	uint16_t icmp_id;
	enum quote_kind quote;
	uint32_t quote_seq;
	uint32_t quote_length;
};

/* ------------------------------------------------------------------- system calls ------- */

#define NOT_BLOCKING (-1)

struct call_spec {
	const char *name;
	struct expr *arguments;
	int argument_count;
	struct expr *result;
	const char *error;  /* EAGAIN, or NULL */
	const char *note;   /* the text in parentheses, or NULL */
	int64_t end_ns;     /* when a blocking call returns; NOT_BLOCKING for others */
};

/* ------------------------------------------------------------------------- events ------- */

enum time_kind {
	TIME_ABSOLUTE,       /* 0.1 */
	TIME_RELATIVE,       /* +0.1: after the previous event */
	TIME_ANY,            /* *: whenever it comes */
	TIME_ABSOLUTE_RANGE, /* 0.1~0.2 */
	TIME_RELATIVE_RANGE  /* +0.1~+0.2 */
};

enum event_kind { EVENT_PACKET, EVENT_CALL, EVENT_COMMAND, EVENT_CODE };

struct event {
	struct event *next;
	enum event_kind kind;
	int line;
	enum time_kind time;
	int64_t from_ns;
	int64_t to_ns; /* end of a range */
	struct packet_spec *packet;
	struct call_spec *call;
	const char *text; /* of a command or of an assertion */
};

/* --name=value at the head of a script; value is NULL when none was given. */
struct script_option {
	struct script_option *next;
	int line;
	const char *name;
	const char *value;
};

/* --define=NAME=value: NAME stands for value in the events. */
struct script_define {
	struct script_define *next;
	const char *name;
	const char *value;
};

struct script {
	struct arena arena;
	const char *path;
	struct script_option *options;
	struct script_define *defines;
	const char *init_command;    /* without a time, before the first event; or NULL */
	int init_line;
	const char *cleanup_command; /* without a time, after the last event; or NULL */
	struct event *events;
	int event_count;
};

struct script_error {
	int line;
	char text[320];
};

/*
 * Reads `length` bytes at `text` as a script.  `path` is used in messages; `defines` come from
 * the command line and win over those of the script.  Returns true, or false with the first
 * error filled in.  In both cases the caller calls script_free.
 */
bool script_read(struct script *script, const char *path, const char *text, size_t length,
                 const struct script_define *defines, struct script_error *error);

void script_free(struct script *script);

#endif
