/*
 * tls.h - the client's end of a TLS connection over a socket that does not wait, by OpenSSL.
 *
 * The handshake is completed whatever the certificate is, so that all of it can be timed; what is wrong
 * with the certificate is said afterwards.
 */
#ifndef TRIVET_CLI_TLS_H
#define TRIVET_CLI_TLS_H

#include <trivet/trivet.h>

#include "diagnose/words.h"

struct tls;

enum tls_step {
	TLS_DONE,
	TLS_WANTS_READ,        /* poll for reading, then call again */
	TLS_WANTS_WRITE,
	TLS_ENDED,             /* the peer is done */
	TLS_FAILED             /* see tls_errno() and tls_judge() */
};

/* host: a name (sent as SNI, and compared with the certificate) or an address (compared only). NULL: out
 * of memory. Reading the trusted certificates takes its time: call it before the clock runs. */
struct tls *tls_new(const char *host);
/* The connected socket to speak over; it stays the caller's. False: out of memory. */
bool tls_attach(struct tls *t, int fd);
enum tls_step tls_handshake(struct tls *t);
/* *len: in, room or length; out, what was read or written. */
enum tls_step tls_read(struct tls *t, void *bytes, size_t *len);
enum tls_step tls_write(struct tls *t, const void *bytes, size_t *len);
/* "TLSv1.3"; and the round trips of the handshake so far. */
const char *tls_version(const struct tls *t);
unsigned tls_rounds(const struct tls *t);
/* errno of the socket where that is what failed, else 0. */
int tls_errno(const struct tls *t);
/* What is wrong, as a word and (printable) sentences of at most room bytes; WORD_NONE: nothing. */
enum word tls_judge(const struct tls *t, char *text, size_t room);
/* NULL is allowed. */
void tls_free(struct tls *t);

#endif
