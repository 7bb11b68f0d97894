/*
 * print_icmp.c - ICMP, ICMPv6 and ARP messages as tcpdump writes them; see print.c.
 *
 * A message that is cut before what its line needs ends in [|icmp] or [|icmp6], as soon as the first
 * byte is missing. The names are tcpdump's own, spelling and spaces included.
 */
#include "wire/print.h"
#include "wire/arp.h"
#include "wire/icmp.h"
#include "base/bytes.h"

static void print_number(struct tv_text *t, const char *before, uint32_t v)
{
	tv_text_str(t, before);
	tv_text_uint(t, v);
}

static void print_v4(struct tv_text *t, const uint8_t *p)
{
	struct tv_addr a = tv_addr_v4(p[0], p[1], p[2], p[3]);

	tv_text_addr(t, &a);
}

static void print_v6(struct tv_text *t, const uint8_t *p)
{
	struct tv_addr a;

	memcpy(a.b, p, 16);
	tv_text_addr(t, &a);
}

/* ------------------------------------------------------------------------------------------ */
/* ICMP                                                                                        */

/* Around the address: what is unreachable, and why. Codes 2, 3 and 4 have words of their own. */
static const char *const unreachable[16][2] = {
	{"net ", " unreachable"}, {"host ", " unreachable"}, {"", ""}, {"", ""}, {"", ""},
	{"", " unreachable - source route failed"}, {"net ", " unreachable - unknown"},
	{"host ", " unreachable - unknown"}, {"", " unreachable - source host isolated"},
	{"net ", " unreachable - admin prohibited"}, {"host ", " unreachable - admin prohibited"},
	{"net ", " unreachable - tos prohibited"}, {"host ", " unreachable - tos prohibited"},
	{"host ", " unreachable - admin prohibited filter"},
	{"host ", " unreachable - host precedence violation"},
	{"host ", " unreachable - precedence cutoff"}};

/* false: the port that the line names is not there. */
static bool print_port_unreachable(struct tv_text *t, const uint8_t *p, size_t there)
{
	uint32_t header = (p[8] & 15u) * 4;

	if (there < 8 + header + 4) return false;
	print_v4(t, p + 24);
	if (p[17] == TV_PROTO_TCP)
		tv_text_str(t, " tcp");
	else if (p[17] == TV_PROTO_UDP)
		tv_text_str(t, " udp");
	else
		print_number(t, " protocol ", p[17]);
	print_number(t, " port ", tv_load16(p + 8 + header + 2));
	tv_text_str(t, " unreachable");
	return true;
}

static bool print_unreachable(struct tv_text *t, const uint8_t *p, size_t there)
{
	if (there < 28) return false;
	if (p[1] == 3) return print_port_unreachable(t, p, there);
	if (p[1] < 16) tv_text_str(t, unreachable[p[1]][0]);
	print_v4(t, p + 24);
	if (p[1] == 2) {
		print_number(t, " protocol ", p[17]);
		tv_text_str(t, " unreachable");
	} else if (p[1] == 4) {
		tv_text_str(t, " unreachable - need to frag");
		if (tv_load16(p + 6) == 0) return true;
		print_number(t, " (mtu ", tv_load16(p + 6));
		tv_text_char(t, ')');
	} else if (p[1] < 16) {
		tv_text_str(t, unreachable[p[1]][1]);
	} else {
		print_number(t, " unreachable - #", p[1]);
	}
	return true;
}

static bool print_redirect(struct tv_text *t, const uint8_t *p, size_t there)
{
	static const char *const to[4] = {" to net ", " to host ", " to net ", " to host "};

	if (there < 28) return false;
	tv_text_str(t, "redirect");
	if (p[1] == 2 || p[1] == 3) tv_text_str(t, "-tos");
	if (p[1] > 3) print_number(t, "-#", p[1]);
	tv_text_char(t, ' ');
	print_v4(t, p + 24);
	tv_text_str(t, p[1] < 4 ? to[p[1]] : " to ");
	print_v4(t, p + 4);
	return true;
}

static bool print_icmp4(struct tv_text *t, const uint8_t *p, size_t there)
{
	switch (p[0]) {
	case TV_ICMP4_ECHO:
	case TV_ICMP4_ECHO_REPLY:
		if (there < 8) return false;
		tv_text_str(t, p[0] == TV_ICMP4_ECHO ? "echo request" : "echo reply");
		print_number(t, ", id ", tv_load16(p + 4));
		print_number(t, ", seq ", tv_load16(p + 6));
		return true;
	case TV_ICMP4_UNREACHABLE: return print_unreachable(t, p, there);
	case TV_ICMP4_SOURCE_QUENCH: tv_text_str(t, "source quench"); return true;
	case 5: return print_redirect(t, p, there);
	case TV_ICMP4_TIME_EXCEEDED:
		if (there < 28) return false;
		if (p[1] > 1) print_number(t, "time exceeded-#", p[1]);
		if (p[1] == 0) tv_text_str(t, "time exceeded in-transit");
		if (p[1] == 1) tv_text_str(t, "ip reassembly time exceeded");
		return true;
	case TV_ICMP4_PARAMETER:
		if (there < 5) return false;
		tv_text_str(t, "parameter problem - ");
		print_number(t, p[1] != 0 ? "code " : "octet ", p[1] != 0 ? p[1] : p[4]);
		return true;
	default: print_number(t, "type-#", p[0]); return true;
	}
}

/* ------------------------------------------------------------------------------------------ */
/* ICMPv6                                                                                      */

static bool print_port_unreachable6(struct tv_text *t, const uint8_t *p, size_t there)
{
	struct tv_ip quoted;

	if (tv_ip_parse_quoted(&quoted, p + 8, there - 8) != TV_V_OK || quoted.len < 4)
		return false;
	if (quoted.protocol != TV_PROTO_TCP && quoted.protocol != TV_PROTO_UDP) return false;
	tv_text_str(t, ", ");
	print_v6(t, p + 32);
	tv_text_str(t, quoted.protocol == TV_PROTO_TCP ? " tcp" : " udp");
	print_number(t, " port ", tv_load16(quoted.payload + 2));
	return true;
}

static bool print_unreachable6(struct tv_text *t, const uint8_t *p, size_t there)
{
	static const char *const why[5] = {"unreachable route", " unreachable prohibited",
		"beyond scope", "unreachable address", "unreachable port"};

	tv_text_str(t, "destination unreachable, ");
	if (p[1] > 4) {
		print_number(t, "unknown unreach code (", p[1]);
		tv_text_char(t, ')');
		return true;
	}
	tv_text_str(t, why[p[1]]);
	if (there < 48) return false;
	if (p[1] == 4) return print_port_unreachable6(t, p, there);
	tv_text_char(t, ' ');
	print_v6(t, p + 32);
	if (p[1] == 2) {
		tv_text_str(t, ", source address ");
		print_v6(t, p + 16);
	}
	return true;
}

static bool print_exceeded6(struct tv_text *t, const uint8_t *p, size_t there)
{
	tv_text_str(t, "time exceeded in-transit");
	if (p[1] > 1) {
		print_number(t, ", unknown code (", p[1]);
		tv_text_char(t, ')');
		return true;
	}
	if (p[1] == 1) {
		tv_text_str(t, " (reassembly)");
		return true;
	}
	if (there < 48) return false;
	tv_text_str(t, " for ");
	print_v6(t, p + 32);
	return true;
}

static bool print_parameter6(struct tv_text *t, const uint8_t *p, size_t there)
{
	static const char *const what[3] = {", erroneous", ", next header", ", option"};

	tv_text_str(t, "parameter problem");
	if (there < 48) return false;
	if (p[1] > 2) {
		print_number(t, ", code-#", p[1]);
		return true;
	}
	tv_text_str(t, what[p[1]]);
	print_number(t, " - octet ", tv_load32(p + 4));
	return true;
}

/* "echo request, id 1, seq 2" and whatever else begins with a name and ends in something short. */
static bool print_icmp6(struct tv_text *t, const uint8_t *p, size_t there)
{
	bool reply = p[0] == TV_ICMP6_ECHO_REPLY, advert = p[0] == TV_ICMP6_ADVERT;

	switch (p[0]) {
	case TV_ICMP6_UNREACHABLE: return print_unreachable6(t, p, there);
	case TV_ICMP6_TOO_BIG:
		tv_text_str(t, "packet too big");
		if (there < 8) return false;
		print_number(t, ", mtu ", tv_load32(p + 4));
		return true;
	case TV_ICMP6_TIME_EXCEEDED: return print_exceeded6(t, p, there);
	case TV_ICMP6_PARAMETER: return print_parameter6(t, p, there);
	case TV_ICMP6_ECHO:
	case TV_ICMP6_ECHO_REPLY:
		tv_text_str(t, reply ? "echo reply" : "echo request");
		if (there < 8) return false;
		print_number(t, ", id ", tv_load16(p + 4));
		print_number(t, ", seq ", tv_load16(p + 6));
		return true;
	case 133: tv_text_str(t, "router solicitation"); return true;
	case 134: tv_text_str(t, "router advertisement"); return true;
	case TV_ICMP6_SOLICIT:
	case TV_ICMP6_ADVERT:
		tv_text_str(t, advert ? "neighbor advertisement" : "neighbor solicitation");
		if (there < 24) return false;
		tv_text_str(t, advert ? ", tgt is " : ", who has ");
		print_v6(t, p + 8);
		return true;
	case 143: tv_text_str(t, "multicast listener report v2"); return true;
	default:
		print_number(t, "unknown icmp6 type (", p[0]);
		tv_text_char(t, ')');
		return true;
	}
}

void tv_print_icmp(struct tv_text *t, bool v6, const uint8_t *p, size_t n, size_t there)
{
	struct tv_text before = *t;

	tv_text_str(t, v6 ? "ICMP6, " : "ICMP ");
	if (there >= 4 && (v6 ? print_icmp6(t, p, there) : print_icmp4(t, p, there))) {
		print_number(t, ", length ", (uint32_t)n);
		return;
	}
	if (!v6) { /* tcpdump makes the whole line first, and then has none */
		*t = before;
		if (t->len < t->cap) t->p[t->len] = '\0';
	}
	tv_text_str(t, v6 ? " [|icmp6]" : " [|icmp]");
}

/* ------------------------------------------------------------------------------------------ */
/* ARP                                                                                         */

void tv_print_arp(struct tv_text *t, const uint8_t *p, size_t n)
{
	bool known_mac = false;

	if (n < TV_ARP_LEN || tv_load32(p) != 0x00010800 || tv_load16(p + 4) != 0x0604) {
		tv_text_str(t, "ARP, not IPv4 over Ethernet");
		return;
	}
	switch (tv_load16(p + 6)) {
	case TV_ARP_REQUEST:
		tv_text_str(t, "ARP, Request who-has ");
		print_v4(t, p + 24);
		for (unsigned i = 18; i < 24; i++) known_mac |= p[i] != 0;
		if (known_mac) {
			tv_text_str(t, " (");
			tv_text_mac(t, p + 18);
			tv_text_char(t, ')');
		}
		tv_text_str(t, " tell ");
		print_v4(t, p + 14);
		break;
	case TV_ARP_REPLY:
		tv_text_str(t, "ARP, Reply ");
		print_v4(t, p + 14);
		tv_text_str(t, " is-at ");
		tv_text_mac(t, p + 8);
		break;
	default: print_number(t, "ARP, Unknown (", tv_load16(p + 6)); tv_text_char(t, ')');
	}
	print_number(t, ", length ", (uint32_t)n);
}
