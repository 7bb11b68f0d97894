/*
 * words.c - the one table of words: what each means, how bad it is, what else would look the same,
 * what settles it, and which reason of the stack it corresponds to.
 *
 * A word names an outcome, never a suspicion: doubt is the finding's certainty and the alternatives
 * here. Sentences speak of "the client" (who opened) and "the server".
 */
#include "diagnose/words.h"

#include <stdio.h>
#include <string.h>

#include "wire/icmp.h"

#define OK SEVERITY_OK
#define NOTE SEVERITY_NOTE
#define PROBLEM SEVERITY_PROBLEM
#define UNKNOWN SEVERITY_UNKNOWN

static const struct word_info table[WORD_COUNT] = {
[WORD_NONE] = {"none", OK, "", "", {0}, {0}},
[WORD_OK] = {"ok", OK, "The handshake completed, and nothing went wrong.", "", {0}, {TV_R_NORMAL}},
[WORD_OK_TIME_WAIT_PORT_REUSE] = {"ok-time-wait-port-reuse", NOTE,
	"The same ports were used again while the connection before could still be in TIME-WAIT; the new SYN was accepted (RFC 6191), which is harmless.",
	"nothing to do", {0}, {TV_R_REPLACED}},
[WORD_OK_HALF_OPEN_RECOVERED] = {"ok-half-open-recovered", NOTE,
	"The server still had an older connection on these ports: it answered the SYN with a challenge ACK, the client reset that one, and then got in.",
	"look for what made the client forget the older connection (a crash, a lost network)", {0}, {TV_R_NONE}},
[WORD_OK_KEEPALIVE] = {"ok-keepalive", NOTE,
	"An idle connection is kept alive: its probes carry no text, and were answered. They are no retransmissions.",
	"nothing to do", {0}, {TV_R_NONE}},
[WORD_OK_PMTU_LOWERED] = {"ok-pmtu-lowered", NOTE,
	"Path MTU discovery worked: a router reported that packets were too big, and the sender made them smaller.",
	"nothing to do", {0}, {TV_R_NONE}},
[WORD_OK_SMALL_MSS] = {"ok-small-mss", NOTE,
	"It works, but an unusually small maximum segment size was announced: somebody clamps it, or a tunnel is narrow.",
	"compare the MSS in captures at both ends", {0}, {TV_R_NONE}},
[WORD_OK_NO_WINDOW_SCALING] = {"ok-no-window-scaling", NOTE,
	"It works without window scaling: at most 64 KB can be under way in each round trip.",
	"sysctl net.ipv4.tcp_window_scaling on the end that does not offer it", {0}, {TV_R_NONE}},
[WORD_OK_TFO] = {"ok-tfo", NOTE,
	"TCP Fast Open works: the SYN carried data, and the SYN,ACK acknowledged it, which saves a round trip.",
	"nothing to do", {0}, {TV_R_NONE}},
[WORD_TFO_SYN_DATA_DROPPED] = {"tfo-syn-data-dropped", NOTE,
	"The SYN with data (TCP Fast Open) was not answered, the plain SYN after it was: something on the way drops SYNs with data.",
	"try again without Fast Open, and with it; curl --tcp-fastopen", {"ok-syn-lost"}, {TV_R_NONE}},
[WORD_OK_HIGH_RTT] = {"ok-high-rtt", NOTE,
	"The handshake took long because the path is long: every round trip takes that time, not the server.",
	"mtr to the server", {0}, {TV_R_NONE}},
[WORD_OK_SYN_LOST] = {"ok-syn-lost", NOTE,
	"Connected, but only at a repeated SYN: one packet of the handshake was lost, and its timer had to expire.",
	"capture at the other end if it happens again", {0}, {TV_R_NONE}},
[WORD_OK_FINAL_ACK_LOST] = {"ok-final-ack-lost", NOTE,
	"Connected, but the SYN,ACK had to be repeated because the final ACK was lost or late.",
	"capture at the other end if it happens again", {0}, {TV_R_NONE}},
[WORD_OK_SIMULTANEOUS_OPEN] = {"ok-simultaneous-open", NOTE,
	"Simultaneous open: both ends sent a SYN, and both answered the other's; it is one connection.",
	"nothing to do", {0}, {TV_R_NONE}},
[WORD_OK_FAMILY_FALLBACK] = {"ok-family-fallback", NOTE,
	"One address family got no connection, and the client fell back to the other: every visit pays for that.",
	"repair the failing family, or withdraw its address record", {0}, {TV_R_NONE}},
[WORD_SYN_SCAN] = {"syn-scan", NOTE,
	"A port scan: probes of several ports without a conversation on any.",
	"ask who runs the scanner", {0}, {TV_R_NONE}},
[WORD_SYN_FLOOD_SURVIVED] = {"syn-flood-survived", NOTE,
	"A SYN flood: many SYNs, none of which completes a handshake. Clients that mean it still get in.",
	"nstat TcpExtSyncookiesSent on the server", {0}, {TV_R_NONE}},
[WORD_REFUSED] = {"refused", PROBLEM,
	"Connection refused: the SYN was answered with RST. The host is reachable, and nothing listens on this port.",
	"ss -lnt on the server", {"reset-by-middlebox"}, {TV_R_REFUSED}},
[WORD_REFUSED_AFTER_LOSS] = {"refused-after-loss", PROBLEM,
	"Connection refused by RST, but only at a repeated SYN: a packet was lost first, then the port was found closed.",
	"ss -lnt on the server", {"reset-by-middlebox"}, {TV_R_REFUSED}},
[WORD_RESET_BY_MIDDLEBOX] = {"reset-by-middlebox", PROBLEM,
	"Reset by an RST that does not come from the server: its TTL is not that of the server's own "
	"packets, or the server itself answered otherwise.",
	"capture at the server: an RST that it did not send was made on the way", {"refused", "reset-mid-transfer"},
	{TV_R_REFUSED, TV_R_RESET}},
[WORD_SYN_UNANSWERED] = {"syn-unanswered", PROBLEM,
	"No answer of any kind to the SYN: it is filtered, or the host is down, or the way back is missing. The capture cannot tell these apart.",
	"capture at the server while trying again, and try another port", {"filtered", "host down", "no route back"},
	{TV_R_SYN_TIMEOUT}},
[WORD_SYNACK_UNANSWERED] = {"synack-unanswered", PROBLEM,
	"The SYN arrived and was answered, but the final ACK never came: the connection stays half-open here.",
	"capture at the client: did the SYN,ACK arrive, and did it send the ACK?",
	{"SYN,ACK lost on the way back", "ACK dropped on the way", "forged source address"}, {TV_R_SYN_ACK_TIMEOUT}},
[WORD_SYNACK_WRONG_SOURCE] = {"synack-wrong-source", PROBLEM,
	"The SYN was answered from another address or port than it was sent to, so the client cannot take the answer.",
	"look at the NAT, load balancer or direct server return in front of the server", {0}, {TV_R_SYN_TIMEOUT}},
[WORD_SYNACK_WRONG_ACK] = {"synack-wrong-ack", PROBLEM,
	"The SYN,ACK acknowledges a number that the client never sent: something on the way rewrites or invents it.",
	"compare sequence numbers in captures at both ends", {0}, {TV_R_SYN_TIMEOUT}},
[WORD_ICMP_NET_UNREACHABLE] = {"icmp-net-unreachable", PROBLEM,
	"A router has no route to that network (ICMP).", "ip route get, on the router that reports it", {0},
	{TV_R_NET_UNREACHABLE}},
[WORD_ICMP_HOST_UNREACHABLE] = {"icmp-host-unreachable", PROBLEM,
	"The last machine on the way cannot reach the host (ICMP): it is off, or the address is wrong.",
	"ip neigh, on the machine that reports it", {0}, {TV_R_HOST_UNREACHABLE}},
[WORD_ICMP_PROTOCOL_UNREACHABLE] = {"icmp-protocol-unreachable", PROBLEM,
	"Rejected as if the host spoke no TCP (ICMP protocol unreachable): mostly a filter, seldom the truth.",
	"look at the rules of the box that reports it", {0}, {TV_R_PROTOCOL_UNREACHABLE}},
[WORD_ICMP_PORT_UNREACHABLE] = {"icmp-port-unreachable", PROBLEM,
	"Refused by ICMP port unreachable, where a TCP host would send RST: a box on the way rejects it. The service may well be up.",
	"nft list ruleset, on the box that reports it", {0}, {TV_R_PORT_UNREACHABLE}},
[WORD_ICMP_ADMIN_PROHIBITED] = {"icmp-admin-prohibited", PROBLEM,
	"Rejected by a firewall (ICMP: administratively prohibited). Programs say \"No route to host\", which is misleading.",
	"nft list ruleset, on the box that reports it", {0}, {TV_R_ADMIN_PROHIBITED}},
[WORD_ICMP_TTL_EXCEEDED] = {"icmp-ttl-exceeded", PROBLEM,
	"The packet ran out of hops on the way (ICMP time exceeded): a routing loop, or a TTL that is too small.",
	"traceroute -T to the server: hops that repeat are the loop", {0}, {TV_R_ICMP_OTHER}},
[WORD_ICMP_OTHER] = {"icmp-other", PROBLEM, "An ICMP error ended the attempt.",
	"look at the box that reports it", {0}, {TV_R_ICMP_OTHER}},
[WORD_SYNACK_THEN_BLACKHOLE] = {"synack-then-blackhole", PROBLEM,
	"The client believes that it is connected, the server does not: nothing that the client sends after the SYN is acknowledged. \"Connected\" is no proof that the handshake succeeded.",
	"ss -lnt on the server (Recv-Q above Send-Q: its accept queue is full), or capture there",
	{"a filter lets only the SYN pass", "accept-queue-overflow"}, {TV_R_RETRANSMIT_TIMEOUT, TV_R_USER_TIMEOUT}},
[WORD_ACCEPT_QUEUE_OVERFLOW] = {"accept-queue-overflow", PROBLEM,
	"The accept queue of the server is full: some connections are ignored after the handshake, while others to the same port are served. A filter would hit all alike.",
	"ss -lnt on the server (Recv-Q above Send-Q); nstat TcpExtListenOverflows",
	{"synack-then-blackhole"}, {TV_R_RETRANSMIT_TIMEOUT, TV_R_USER_TIMEOUT}},
[WORD_ACCEPT_QUEUE_FULL_SYN_DROPPED] = {"accept-queue-full-syn-dropped", PROBLEM,
	"SYNs get no answer at all although the same port answered others just before: the listener is overloaded (its accept queue is full), it is not a filter.",
	"ss -lnt on the server (Recv-Q at Send-Q); nstat TcpExtListenDrops", {"syn-unanswered"}, {TV_R_SYN_TIMEOUT}},
[WORD_ACCEPT_QUEUE_OVERFLOW_RESET] = {"accept-queue-overflow-reset", PROBLEM,
	"The handshake completed, and the final ACK was answered with an RST that acknowledges nothing: the accept queue is full, and the server resets what does not fit.",
	"sysctl net.ipv4.tcp_abort_on_overflow and ss -lnt on the server", {"reset-after-accept"}, {TV_R_RESET}},
[WORD_SYN_FLOOD_DENIED] = {"syn-flood-denied", PROBLEM,
	"A SYN flood keeps others out: many SYNs of which none completes a handshake, and an honest client that gets no answer.",
	"sysctl net.ipv4.tcp_syncookies on the server", {0}, {TV_R_SYN_TIMEOUT}},
[WORD_TIME_WAIT_PORT_EXHAUSTION] = {"time-wait-port-exhaustion", PROBLEM,
	"The client used every port of its range towards this server and closed each connection first: all are in TIME-WAIT, and none is left. Further attempts leave no packet, so the capture cannot show them.",
	"sysctl net.ipv4.ip_local_port_range and ss -tan state time-wait on the client", {"a client that stopped"},
	{TV_R_NONE}},
[WORD_RESET_AFTER_ACCEPT] = {"reset-after-accept", PROBLEM,
	"The handshake completed, then the server reset the connection before it answered a single byte: the service, or a proxy or wrapper in front of it, accepted and aborted. This is not a refusal.",
	"the log of the service", {"accept-queue-overflow-reset"}, {TV_R_RESET}},
[WORD_RESET_MID_TRANSFER] = {"reset-mid-transfer", PROBLEM,
	"The connection was reset in the middle of the conversation.", "the log of the end that sent the RST",
	{"reset-by-middlebox"}, {TV_R_RESET, TV_R_ABORTED, TV_R_DATA_AFTER_CLOSE}},
[WORD_RESET_STALE_CONNECTION] = {"reset-stale-connection", PROBLEM,
	"The other end no longer knows this connection: after a silence it answers with an RST that carries no ACK. It was restarted, or a box in front of it lost its state.",
	"uptime of the service and of the boxes in front of it", {"reset-by-middlebox"}, {TV_R_RESET}},
[WORD_SERVER_SILENT] = {"server-silent", PROBLEM,
	"The network is fine, the application does not answer: the request was acknowledged, and then nothing came.",
	"the log of the service; ss -tnp on the server (Recv-Q: unread)", {"an answer that takes long", "an answer that is lost on the way"}, {TV_R_NONE}},
[WORD_CLOSE_WAIT_LEAK] = {"close-wait-leak", PROBLEM,
	"The other side closed, and this side never did: its connections stay in CLOSE-WAIT. The application forgets to close().",
	"ss -tanp state close-wait", {"one long answer still to come"}, {TV_R_FIN_TIMEOUT}},
[WORD_KEEPALIVE_PEER_GONE] = {"keepalive-peer-gone", PROBLEM,
	"The peer vanished: keepalive probes get no answer any more.", "ping the peer; capture there",
	{"a filter forgot the connection"}, {TV_R_KEEPALIVE_TIMEOUT}},
[WORD_PEER_GONE_DATA_UNACKED] = {"peer-gone-data-unacked", PROBLEM,
	"Established, and then what one end sends is not acknowledged any more, however often it is sent again: the path or the peer died.",
	"ping the peer; capture there", {"a filter forgot the connection", "a filter drops these packets alone"},
	{TV_R_RETRANSMIT_TIMEOUT, TV_R_USER_TIMEOUT}},
[WORD_IDLE_THEN_BLACKHOLE] = {"idle-then-blackhole", PROBLEM,
	"It worked, then it was idle, and since then every packet stays unanswered: a stateful box (NAT, firewall) forgot the connection while it was idle, or the peer vanished.",
	"use keepalive with a period below the box's time-out; conntrack -L on the box",
	{"a NAT or firewall forgot the connection", "peer-gone-data-unacked"},
	{TV_R_RETRANSMIT_TIMEOUT, TV_R_USER_TIMEOUT}},
[WORD_MTU_BLACKHOLE] = {"mtu-blackhole", PROBLEM,
	"A path MTU black hole: small packets pass, full-size ones vanish, and no ICMP says so.",
	"ping -M do -s 1472 to the peer; clamp the MSS, or let ICMP packet-too-big pass",
	{"peer-gone-data-unacked"}, {TV_R_RETRANSMIT_TIMEOUT, TV_R_USER_TIMEOUT}},
[WORD_ZERO_WINDOW] = {"zero-window", PROBLEM,
	"The receiver closed its window: its application does not read. The network is fine.",
	"ss -tnp on the receiver (Recv-Q)", {0}, {TV_R_USER_TIMEOUT}},
[WORD_WINDOW_SCALE_STRIPPED] = {"window-scale-stripped", PROBLEM,
	"The client offered window scaling, the option is missing in the SYN,ACK as it arrives, and yet the server scales: a box on the way edits options. The transfer crawls.",
	"compare the SYN,ACK in captures at both ends", {0}, {TV_R_NONE}},
[WORD_WINDOW_SCALE_DISAGREEMENT] = {"window-scale-disagreement", PROBLEM,
	"Both SYN and SYN,ACK carry window scaling here, yet one end does not scale: the two ends disagree, because a box on the way edits options.",
	"compare the SYN,ACK with a capture at the other end", {0}, {TV_R_NONE}},
[WORD_ONE_DIRECTION_ONLY] = {"one-direction-only", UNKNOWN,
	"Only one direction was captured: packets are acknowledged that are not in the file. The other side cannot be judged.",
	"repair the capture filter or the mirror port, and capture again", {0}, {TV_R_NONE}},
[WORD_NO_HANDSHAKE_IN_CAPTURE] = {"no-handshake-in-capture", UNKNOWN,
	"The capture began in the middle of this connection: there is no handshake to judge, and window scaling is not known.",
	"begin the capture before the connection", {0}, {TV_R_NONE}},
[WORD_EMPTY] = {"empty", UNKNOWN, "There is no TCP packet in this capture.",
	"capture on another interface, or without a filter", {0}, {TV_R_NEIGHBOUR_TIMEOUT}},
[WORD_NAME_NOT_FOUND] = {"name-not-found", PROBLEM,
	"The name has no address: the name servers say that there is none. No packet was sent to anybody else.",
	"getent ahosts NAME, and look at how it is spelled", {0}, {TV_R_NONE}},
[WORD_NAME_UNANSWERED] = {"name-unanswered", PROBLEM,
	"The name could not be looked up: no name server gave an answer. Of the host itself this says nothing.",
	"cat /etc/resolv.conf, and trivet check to port 53 of the server that it names", {0}, {TV_R_NONE}},
[WORD_NO_ROUTE] = {"no-route", PROBLEM,
	"This machine has no route to that address: no packet left it.",
	"ip route get ADDRESS", {0}, {TV_R_NONE}},
[WORD_FAILED_HERE] = {"failed-here", PROBLEM,
	"This machine itself refused to try (a prohibiting route, a rule for outgoing packets, a security module, a limit): no packet left it.",
	"ip route get ADDRESS; ip rule; nft list ruleset", {"syn-unanswered"}, {TV_R_NONE}},
[WORD_TLS_NOT_SPOKEN] = {"tls-not-spoken", PROBLEM,
	"The connection is fine, but what answers there is not TLS: the port speaks something else.",
	"trivet check again without --tls", {0}, {TV_R_NONE}},
[WORD_TLS_REFUSED] = {"tls-refused", PROBLEM,
	"The connection is fine, but the TLS handshake was broken off before it was complete.",
	"openssl s_client -connect HOST:PORT, and the log of the service", {0}, {TV_R_NONE}},
[WORD_TLS_CERTIFICATE] = {"tls-certificate", PROBLEM,
	"Connection and TLS handshake are fine, but the certificate is not to be trusted: programs refuse it.",
	"openssl s_client -connect HOST:PORT -showcerts", {0}, {TV_R_NONE}},
};

const struct word_info *word_info(enum word word)
{
	return &table[word < WORD_COUNT ? word : WORD_NONE];
}

const char *severity_name(enum severity severity)
{
	static const char *const names[] = {"ok", "note", "problem", "unknown"};

	return names[severity];
}

const char *certainty_name(enum certainty certainty)
{
	static const char *const names[] = {"certain", "likely", "open"};

	return names[certainty];
}

const char *icmp_sender(enum word word, bool other_end, bool own)
{
	if (other_end)
		return word == WORD_ICMP_HOST_UNREACHABLE || word == WORD_ICMP_NET_UNREACHABLE ?
			"the other end's own address: a NAT or load balancer that cannot reach what is behind it, or a rule of its "
			"firewall" : "the other end itself";
	if (!own)
		return "not the other end";
	return word == WORD_ICMP_HOST_UNREACHABLE ?
		"this end's own host: nobody answered its ARP or neighbour solicitation, or a rule of its firewall" :
		"this end's own host: a rule of its firewall";
}

enum word word_of_icmp(unsigned kind)
{
	switch ((enum tv_icmp_kind)kind) {
	case TV_ICMP_NET: return WORD_ICMP_NET_UNREACHABLE;
	case TV_ICMP_HOST: return WORD_ICMP_HOST_UNREACHABLE;
	case TV_ICMP_PROTOCOL: return WORD_ICMP_PROTOCOL_UNREACHABLE;
	case TV_ICMP_PORT: return WORD_ICMP_PORT_UNREACHABLE;
	case TV_ICMP_ADMIN: return WORD_ICMP_ADMIN_PROHIBITED;
	case TV_ICMP_TIME_EXCEEDED: return WORD_ICMP_TTL_EXCEEDED;
	case TV_ICMP_IGNORED:
	case TV_ICMP_ECHO_REQUEST:
	case TV_ICMP_ECHO_ANSWER:
	case TV_ICMP_NEIGHBOUR:
	case TV_ICMP_TOO_BIG:
	case TV_ICMP_PARAMETER:
	case TV_ICMP_OTHER: break;
	}
	return WORD_ICMP_OTHER;
}

/* ------------------------------------------------------------------------------------------ */
/* The document                                                                                */

static const struct {
	const char *name;
	tv_time value;
	const char *why;
} limits[] = {
#define X(name, value, why) {#name, value, why},
	THRESHOLDS(X)
#undef X
};

tv_time limit(enum limit which)
{
	return limits[which].value;
}

struct page {
	words_sink_fn sink;
	void *user;
};

static void put(const struct page *page, const char *text)
{
	page->sink(page->user, text, strlen(text));
}

static void put_row(const struct page *page, const struct word_info *w)
{
	put(page, "| `");
	put(page, w->name);
	put(page, "` | ");
	put(page, severity_name(w->severity));
	put(page, " | ");
	put(page, w->sentence);
	put(page, " | ");
	for (unsigned i = 0; i < ALTERNATIVES_MAX && w->alternatives[i]; i++) {
		put(page, i ? "; " : "");
		put(page, w->alternatives[i]);
	}
	put(page, " | ");
	put(page, w->next);
	put(page, " | ");
	for (unsigned i = 0; i < REASONS_MAX && w->reasons[i] != TV_R_NONE; i++) {
		put(page, i ? ", " : "");
		put(page, tv_reason_name(w->reasons[i]));
	}
	put(page, " |\n");
}

void words_markdown(words_sink_fn sink, void *user)
{
	struct page page = {sink, user};
	char line[160];

	put(&page, "# The words of `trivet explain`\n\n"
		"Made from the table in `diagnose/words.c` by `trivet explain --words`; a test compares. `trivet check` "
		"speaks the same words; the last seven, which leave nothing in a capture, are its own.\n\n"
		"A word names one outcome. How sure it is stands in a finding's certainty (`certain`, `likely`, `open`); "
		"when it is not certain, the alternatives say what else fits. \"Stack\" is what a Trivet stack calls "
		"the end of such a connection. Severity is the word's, with one exception: when the only SYN of a capture is "
		"followed by nothing for less than a second, because the capture ends, `syn-unanswered` is `unknown`.\n\n"
		"| word | severity | it says | alternatives | next step | stack |\n|---|---|---|---|---|---|\n");
	for (unsigned i = WORD_OK; i < WORD_COUNT; i++)
		put_row(&page, &table[i]);
	put(&page, "\n## Thresholds\n\n| name | value | what for |\n|---|---|---|\n");
	for (unsigned i = 0; i < LIMIT_COUNT; i++) {
		snprintf(line, sizeof line, "| %s | %llu ms | ", limits[i].name,
			(unsigned long long)(limits[i].value / TV_MS));
		put(&page, line);
		put(&page, limits[i].why);
		put(&page, " |\n");
	}
	snprintf(line, sizeof line, "| FLOOD_SYNS | %d | attempts to one port that never complete |\n", FLOOD_SYNS);
	put(&page, line);
	snprintf(line, sizeof line, "| SCAN_PORTS | %d | ports of one host, with a scanner's SYNs |\n", SCAN_PORTS);
	put(&page, line);
	snprintf(line, sizeof line, "| SCAN_PORTS_PLAIN | %d | the same with ordinary SYNs |\n", SCAN_PORTS_PLAIN);
	put(&page, line);
	snprintf(line, sizeof line, "| LEAK_CONNECTIONS | %d | connections in CLOSE-WAIT at once |\n", LEAK_CONNECTIONS);
	put(&page, line);
	snprintf(line, sizeof line, "| EXHAUSTION_PORTS | %d | ports of a range that is used up |\n", EXHAUSTION_PORTS);
	put(&page, line);
	snprintf(line, sizeof line, "| REPEATS_LOST | %d | repeats without an answer |\n", REPEATS_LOST);
	put(&page, line);
	snprintf(line, sizeof line, "| SMALL_MSS | %d | bytes: a smaller MSS is worth a note |\n", SMALL_MSS);
	put(&page, line);
	snprintf(line, sizeof line, "| FULL_SIZE | %d | bytes of text that a narrow path might not carry |\n", FULL_SIZE);
	put(&page, line);
}
