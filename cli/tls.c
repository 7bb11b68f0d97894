/*
 * tls.c - TLS by OpenSSL, and what its failures mean.
 *
 * A failed handshake is one of three things. The socket failed: that is TCP's affair, and tls_errno()
 * says how. The answer was no TLS record: the port speaks something else. Everything else is the two
 * ends not agreeing, and OpenSSL's reason is repeated (escaped, as it may quote the peer).
 */
#include "cli/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/common.h"

struct tls {
	SSL_CTX *context;
	SSL *ssl;
	bool waits;            /* the last message of the handshake was ours */
	unsigned rounds;
	bool secured, failed, ended;
	int err;               /* errno */
	unsigned long reason;  /* OpenSSL's */
};

static bool set_host(struct tls *t, const char *host)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, host, bytes) == 1 || inet_pton(AF_INET6, host, bytes) == 1)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(t->ssl), host) == 1;
	return SSL_set_tlsext_host_name(t->ssl, host) == 1 && SSL_set1_host(t->ssl, host) == 1;
}

/* A message of the peer behind one of ours has taken a round trip. */
static void on_message(int sent, int version, int type, const void *bytes, size_t len, SSL *ssl, void *user)
{
	struct tls *t = user;

	(void)version;
	(void)bytes;
	(void)len;
	(void)ssl;
	if (type != SSL3_RT_HANDSHAKE || t->secured)
		return;
	t->rounds += !sent && t->waits;
	t->waits = sent;
}

struct tls *tls_new(const char *host)
{
	static const unsigned char protocols[] = "\x08http/1.1";
	struct tls *t = calloc(1, sizeof *t);

	if (!t)
		return NULL;
	t->context = SSL_CTX_new(TLS_client_method());
	if (t->context) {
		(void)SSL_CTX_set_default_verify_paths(t->context);
		SSL_CTX_set_verify(t->context, SSL_VERIFY_NONE, NULL);
		SSL_CTX_set_options(t->context, SSL_OP_IGNORE_UNEXPECTED_EOF);
		SSL_CTX_set_mode(t->context, SSL_MODE_ENABLE_PARTIAL_WRITE);
		t->ssl = SSL_new(t->context);
	}
	if (!t->ssl || !set_host(t, host) || SSL_set_alpn_protos(t->ssl, protocols, sizeof protocols - 1) != 0) {
		tls_free(t);
		return NULL;
	}
	SSL_set_msg_callback(t->ssl, on_message);
	SSL_set_msg_callback_arg(t->ssl, t);
	SSL_set_connect_state(t->ssl);
	return t;
}

bool tls_attach(struct tls *t, int fd)
{
	return SSL_set_fd(t->ssl, fd) == 1;
}

static enum tls_step step_of(struct tls *t, int result)
{
	int err = errno;

	switch (SSL_get_error(t->ssl, result)) {
	case SSL_ERROR_NONE: return TLS_DONE;
	case SSL_ERROR_WANT_READ: return TLS_WANTS_READ;
	case SSL_ERROR_WANT_WRITE: return TLS_WANTS_WRITE;
	case SSL_ERROR_ZERO_RETURN: t->ended = true; break;
	case SSL_ERROR_SYSCALL:
		t->err = err;
		t->ended = err == 0;
		break;
	default: t->reason = ERR_peek_error(); break;
	}
	t->failed = !t->ended || !t->secured;
	return t->failed ? TLS_FAILED : TLS_ENDED;
}

enum tls_step tls_handshake(struct tls *t)
{
	enum tls_step step;

	ERR_clear_error();
	errno = 0;
	step = step_of(t, SSL_do_handshake(t->ssl));
	t->secured = step == TLS_DONE;
	return step;
}

enum tls_step tls_read(struct tls *t, void *bytes, size_t *len)
{
	size_t room = *len;

	*len = 0;
	ERR_clear_error();
	errno = 0;
	return step_of(t, SSL_read_ex(t->ssl, bytes, room, len));
}

enum tls_step tls_write(struct tls *t, const void *bytes, size_t *len)
{
	size_t n = *len;

	*len = 0;
	ERR_clear_error();
	errno = 0;
	return step_of(t, SSL_write_ex(t->ssl, bytes, n, len));
}

const char *tls_version(const struct tls *t)
{
	return SSL_get_version(t->ssl);
}

unsigned tls_rounds(const struct tls *t)
{
	return t->rounds;
}

int tls_errno(const struct tls *t)
{
	return t->err;
}

/* ------------------------------------------------------------------------------------------ */
/* Judging                                                                                     */

static bool is_no_tls(unsigned long reason)
{
	switch (ERR_GET_REASON(reason)) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
	case SSL_R_UNEXPECTED_MESSAGE: return true;
	default: return false;
	}
}

static void say_time(const ASN1_TIME *time, char *text, size_t room)
{
	BIO *bio = BIO_new(BIO_s_mem());
	int n = 0;

	if (bio && ASN1_TIME_print(bio, time) == 1)
		n = BIO_read(bio, text, (int)room - 1);
	text[n > 0 ? n : 0] = 0;
	BIO_free(bio);
}

static enum word judge_certificate(const struct tls *t, char *text, size_t room)
{
	long result = SSL_get_verify_result(t->ssl);
	X509 *certificate = SSL_get0_peer_certificate(t->ssl);
	char from[40], until[40], subject[160], safe[320];

	if (result == X509_V_OK)
		return WORD_NONE;
	snprintf(text, room, "OpenSSL says: %s.", X509_verify_cert_error_string(result));
	if (!certificate)
		return WORD_TLS_CERTIFICATE;
	say_time(X509_get0_notBefore(certificate), from, sizeof from);
	say_time(X509_get0_notAfter(certificate), until, sizeof until);
	if (!X509_NAME_oneline(X509_get_subject_name(certificate), subject, sizeof subject))
		subject[0] = 0;
	escaped(subject, strlen(subject), safe, sizeof safe);
	snprintf(text, room, "OpenSSL says: %s. It is that of %s, valid from %s until %s.",
		X509_verify_cert_error_string(result), safe, from, until);
	return WORD_TLS_CERTIFICATE;
}

enum word tls_judge(const struct tls *t, char *text, size_t room)
{
	const char *reason = ERR_reason_error_string(t->reason);

	text[0] = 0;
	if (t->secured)
		return judge_certificate(t, text, room);
	if (!t->failed || t->err)
		return WORD_NONE;
	if (t->ended) {
		snprintf(text, room, "The server closed the connection in the middle of it.");
		return WORD_TLS_REFUSED;
	}
	snprintf(text, room, "OpenSSL says: %s.", reason ? reason : "no reason");
	return is_no_tls(t->reason) ? WORD_TLS_NOT_SPOKEN : WORD_TLS_REFUSED;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	SSL_CTX_free(t->context);
	free(t);
}
