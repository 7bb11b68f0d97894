/*
 * names.h - the lists of trivet.h: what calls return, states, verdicts, reasons, Fast Open, counters. Each is an
 * X macro, so that a program can make its own tables of them. Included by trivet.h.
 */
#ifndef TRIVET_NAMES_H
#define TRIVET_NAMES_H

/* What a call returns when it could not do its work. Nothing changed in any of these cases. */
enum tv_error {
	TV_OK = 0,
	TV_AGAIN = -1,          /* not now: no room, no data, or the search goes on; call again */
	TV_EINVAL = -2,         /* an argument is outside its range */
	TV_ESTALE = -3,         /* the handle was released or never existed */
	TV_EFULL = -4,          /* a limit of tv_config is reached: the counter of that pool tells which */
	TV_EADDRINUSE = -5,     /* another listener or connection has this address and port */
	TV_EADDRNOTAVAIL = -6,  /* the local address is not one of this stack's */
	TV_ENOROUTE = -7,       /* no route leads to the remote address */
	TV_EPORTS = -8,         /* every ephemeral port to this destination is in use */
	TV_ESTATE = -9,         /* the connection is not in a state for this call (RFC 9293 3.9.1) */
	TV_EISCONN = -10,       /* connection already exists */
	TV_ECLOSING = -11,      /* connection closing: no more can be sent */
	TV_ECLOSED = -12,       /* the connection has ended; its reason is in tv_info() and the event */
	TV_ESECRET = -13,       /* the secret is all zero */
	TV_ENOTPERM = -14       /* remote address is broadcast, multicast or otherwise invalid [MUST-46] */
};

/* The eleven states of RFC 9293 3.3.2. */
enum tv_state {
	TV_CLOSED, TV_LISTEN, TV_SYN_SENT, TV_SYN_RECEIVED, TV_ESTABLISHED, TV_FIN_WAIT_1, TV_FIN_WAIT_2,
	TV_CLOSE_WAIT, TV_CLOSING, TV_LAST_ACK, TV_TIME_WAIT, TV_STATE_COUNT
};

/* Why the stack dropped a segment (or took it: TV_V_OK). X(name, sentence). */
#define TV_VERDICTS(X)                                                                              \
	X(OK, "accepted")                                                                           \
	X(TRUNCATED, "shorter than its headers say")                                                \
	X(BAD_VERSION, "neither IPv4 nor IPv6")                                                     \
	X(BAD_IP_HEADER, "IP header length or total length impossible")                             \
	X(BAD_IP_CHECKSUM, "IPv4 header checksum wrong")                                            \
	X(IP_OPTION, "IPv4 source route or malformed option")                                       \
	X(FRAGMENT, "IP fragment: reassembly is not done")                                          \
	X(BAD_EXTENSION, "IPv6 extension headers too many, too long or malformed")                  \
	X(UNKNOWN_PROTOCOL, "not TCP, ICMP or UDP")                                                 \
	X(MAPPED_ADDRESS, "IPv4-mapped address on an IPv6 packet")                                  \
	X(NOT_OURS, "destination is not an address of this stack")                                  \
	X(MARTIAN, "source address is invalid, ours or loopback from outside")                      \
	X(NOT_UNICAST, "source or destination is broadcast or multicast")                           \
	X(BAD_TCP_HEADER, "data offset below five or beyond the segment")                           \
	X(BAD_TCP_CHECKSUM, "TCP checksum wrong")                                                   \
	X(BAD_OPTION, "TCP option with an illegal length")                                          \
	X(BAD_METADATA, "offload metadata contradicts the packet")                                  \
	X(BAD_FLAGS, "SYN with FIN or RST")                                                         \
	X(NO_CONNECTION, "no connection and no listener: answered with RST")                        \
	X(NO_LISTENER_RST, "RST for no connection: ignored")                                        \
	X(LISTEN_RST, "RST to a listener: ignored")                                                 \
	X(LISTEN_ACK, "ACK to a listener: answered with RST")                                       \
	X(COOKIE_BAD, "ACK to a listener with a wrong, old or foreign SYN cookie: answered with RST") \
	X(COOKIE_UNCHECKED, "SYN cookie not looked at: failed checks used their budget up")         \
	X(LISTEN_OTHER, "neither SYN, ACK nor RST to a listener")                                   \
	X(BACKLOG_FULL, "half-open backlog is full")                                                \
	X(PREFIX_FULL, "its prefix holds its share of the half-open backlog")                       \
	X(SYN_RATE, "SYN over the configured rate")                                                 \
	X(ACCEPT_FULL, "accept queue is full")                                                      \
	X(HELD_FULL, "held SYNs at their limit")                                                    \
	X(HELD_REPEAT, "repeated SYN of a held question")                                           \
	X(NO_RECORD, "no free record for a connection")                                             \
	X(PAWS, "timestamp older than the last one (RFC 7323)")                                     \
	X(MISSING_TIMESTAMP, "timestamps were negotiated and are missing")                          \
	X(OUT_OF_WINDOW, "sequence number outside the receive window")                              \
	X(RST_OUT_OF_WINDOW, "RST outside the receive window")                                      \
	X(RST_INEXACT, "RST in the window but not at RCV.NXT: challenged (RFC 5961)")               \
	X(RST_TIME_WAIT, "RST in TIME-WAIT: ignored (RFC 1337)")                                    \
	X(RST_UNACCEPTABLE, "RST in SYN-SENT without an acceptable ACK")                            \
	X(SYN_CHALLENGED, "SYN in a synchronised state: challenged (RFC 5961)")                     \
	X(NO_ACK, "no ACK bit in a synchronised state")                                             \
	X(ACK_BAD_HANDSHAKE, "ACK does not acknowledge our SYN: answered with RST")                 \
	X(ACK_TOO_OLD, "ACK below SND.UNA - MAX.SND.WND (RFC 5961)")                                \
	X(ACK_TOO_NEW, "ACK of something not yet sent")                                             \
	X(SYN_SENT_OTHER, "neither SYN nor RST in SYN-SENT")                                        \
	X(AFTER_FIN, "text after the peer's FIN")                                                   \
	X(AFTER_CLOSE, "text after the user closed: answered with RST")                             \
	X(NO_PAGE, "no page for in-window data: not acknowledged")                                  \
	X(NO_RANGE, "too many out-of-order pieces")                                                 \
	X(TIME_WAIT_OTHER, "segment in TIME-WAIT that is neither FIN nor a new SYN")                \
	X(ICMP_UNVALIDATED, "ICMP error whose quoted segment is not in flight (RFC 5927)")          \
	X(ICMP_NO_CONNECTION, "ICMP error that quotes no connection of ours")                       \
	X(ICMP_IGNORED, "ICMP of a type that is ignored by rule")                                   \
	X(ICMP_MALFORMED, "ICMP message too short or with a wrong checksum")                        \
	X(UDP, "UDP: no service, answered with port unreachable")                                   \
	X(ARP_MALFORMED, "ARP or neighbour discovery message malformed or not for us")              \
	X(NO_NEIGHBOUR, "next hop does not answer")                                                 \
	X(REPLIES_FULL, "stateless reply dropped: queue full")                                      \
	X(RATE_LIMITED, "stateless reply dropped: over its rate")                                   \
	X(DONE, "not TCP: handled inside the stack")

enum tv_verdict {
#define X(name, sentence) TV_V_##name,
	TV_VERDICTS(X)
#undef X
	TV_VERDICT_COUNT
};

/* Why a connection or an attempt ended. X(name, sentence). */
#define TV_REASONS(X)                                                                               \
	X(NONE, "has not ended")                                                                    \
	X(NORMAL, "closed by both sides")                                                           \
	X(ABORTED, "aborted by this side's user")                                                   \
	X(RESET, "reset by the peer")                                                               \
	X(REFUSED, "refused: RST in answer to the SYN")                                             \
	X(SYN_TIMEOUT, "no answer to the SYN")                                                      \
	X(SYN_ACK_TIMEOUT, "no answer to the SYN-ACK")                                              \
	X(RETRANSMIT_TIMEOUT, "data was not acknowledged within R2")                                \
	X(USER_TIMEOUT, "user timeout")                                                             \
	X(KEEPALIVE_TIMEOUT, "keepalive probes unanswered")                                         \
	X(FIN_TIMEOUT, "peer did not close within the FIN-WAIT-2 limit")                            \
	X(NET_UNREACHABLE, "ICMP: network unreachable")                                             \
	X(HOST_UNREACHABLE, "ICMP: host unreachable")                                               \
	X(PROTOCOL_UNREACHABLE, "ICMP: protocol unreachable")                                       \
	X(PORT_UNREACHABLE, "ICMP: port unreachable")                                               \
	X(ADMIN_PROHIBITED, "ICMP: administratively prohibited")                                    \
	X(ICMP_OTHER, "ICMP: another error")                                                        \
	X(NEIGHBOUR_TIMEOUT, "next hop does not answer ARP or neighbour solicitation")              \
	X(REPLACED, "a new SYN took the tuple over (RFC 6191)")                                     \
	X(QUESTION_TIMEOUT, "the held SYN was not answered in time")                                \
	X(LISTENER_CLOSED, "the listener was closed before the connection was accepted")            \
	X(DATA_AFTER_CLOSE, "data arrived after the user had closed")                               \
	X(SIMULTANEOUS_RESET, "SYN-RECEIVED after simultaneous open was reset")                     \
	X(EVICTED, "given up because records or memory had run out, and its peer let it stall")

enum tv_reason {
#define X(name, sentence) TV_R_##name,
	TV_REASONS(X)
#undef X
	TV_REASON_COUNT
};

/* What became of Fast Open (RFC 7413) on a connection. X(name, sentence). */
#define TV_FASTOPENS(X)                                                                             \
	X(NONE, "not asked for")                                                                    \
	X(PLANNED, "the SYN has not left yet")                                                      \
	X(REQUESTED, "the SYN asked for a cookie")                                                  \
	X(GRANTED, "the SYN asked for a cookie and got one")                                        \
	X(IGNORED, "the SYN asked for a cookie and got none")                                       \
	X(SENT, "the SYN carried a cookie, and data if there was any")                              \
	X(ACCEPTED, "the SYN's cookie was good, and its data is acknowledged")                      \
	X(NOT_ACCEPTED, "the SYN-ACK did not acknowledge the SYN's data: it was sent again")        \
	X(LOST, "the SYN timed out and was repeated without cookie and data")                       \
	X(BACKED_OFF, "not tried: it failed with this destination lately")

enum tv_fastopen {
#define X(name, sentence) TV_FO_##name,
	TV_FASTOPENS(X)
#undef X
	TV_FASTOPEN_COUNT
};

/* Counters of the stack. X(name). */
#define TV_COUNTERS(X)                                                                              \
	X(packets_in) X(packets_out) X(bytes_in) X(bytes_out) X(segments_in) X(segments_out)        \
	X(active_opens) X(passive_opens) X(established) X(attempts_failed) X(resets_in)             \
	X(resets_out) X(retransmissions) X(rto_events) X(fast_recoveries) X(syn_retransmissions)    \
	X(challenge_acks) X(challenge_suppressed) X(delayed_acks) X(dup_acks_in) X(sacks_in)        \
	X(dsacks_in) X(dsacks_out) X(zero_window_probes) X(keepalive_probes)                        \
	X(time_wait_evicted) X(time_wait_reused) X(backlog_drops) X(accept_drops) X(held_drops)     \
	X(pruned_ranges) X(page_failures) X(range_failures) X(record_failures) X(rate_limited)      \
	X(replies_dropped) X(parked_drops) X(icmp_in) X(icmp_out) X(arp_in) X(arp_out) X(nd_in)     \
	X(nd_out) X(pmtu_reduced) X(icmp_soft) X(icmp_hard) X(echo_replies) X(timers_run)           \
	X(cookies_sent) X(cookies_accepted) X(cookies_refused) X(cookies_unchecked)                 \
	X(syn_rate_drops) X(accept_resets) X(floods)                                                \
	X(fastopen_active) X(fastopen_active_failed) X(fastopen_losses) X(fastopen_requests)        \
	X(fastopen_passive) X(fastopen_passive_failed) X(fastopen_overflow) X(fastopen_old_key)     \
	X(evicted)                                                                                  \
	X(index_rekeys) X(index_moves) X(looped)

#endif
