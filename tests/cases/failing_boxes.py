"""What boxes between the ends do: translate addresses, answer for others, forget, and look at headers."""
import struct
import time

import craft
from base import ALL, GET, NEAR, echo, hello, http, is_syn, lab, points, situation
from net import keepalive, read_all

# A destination options header, with padding alone (RFC 8200 4.2, 4.6).
IPPROTO_IPV6, IPV6_HOPOPTS, IPV6_DSTOPTS, PADDING = 41, 54, 59, bytes((0, 0, 1, 4, 0, 0, 0, 0))


@situation
def two_answers(rng):
    """Another host has the server's address, and its RST arrives before the server's SYN,ACK."""
    L = lab(rng)
    L.listen(http())

    def rule(f):
        if f.tcp and f.hop == 1 and f.toward_server and is_syn(f):
            return [(False, craft.answer_frame(f.data, craft.forged_rst(f.data, f.tcp, 64))), (True, f.data)]
        return None
    L.relay.rule = rule
    L.record()
    L.try_connect(timeout=2)
    return L, points("reset-by-middlebox", ALL[:3])


@situation
def opener_without_server(rng):
    """A box that protects from floods opens the connection with a closed window, and finds no server behind it."""
    L = lab(rng)
    hop = rng.choice((0, 1))
    isn, again = rng.getrandbits(32), []

    def rule(f):
        if not f.tcp or f.hop != hop or not f.toward_server:
            return None
        if is_syn(f) and not again:
            again.append(1)
            v = f.tcp
            src, dst = (f.data[v.ip + 8:v.ip + 24], f.data[v.ip + 24:v.ip + 40]) if v.v6 else \
                (f.data[v.ip + 12:v.ip + 16], f.data[v.ip + 16:v.ip + 20])
            sport, dport = craft.ports(f.data, v)
            return [(False, craft.answer_frame(f.data, craft.tcp_packet(
                dst, dport, src, sport, isn, craft.seq_ack(f.data, v)[0] + 1, craft.SYN | craft.ACK, 0,
                struct.pack("!BBH", 2, 4, 1460), hops=250)))]
        return "drop"
    L.relay.rule = rule
    L.record()
    s = L.connect(timeout=3)
    s.sendall(GET)
    time.sleep(rng.choice((4, 6)))
    return L, points("synack-then-blackhole", ALL[:1] if hop == 0 else ALL[:3])


def forgetful_nat(rng):
    """Translates addresses, forgets what is idle for three seconds, and passes nothing that it does not know."""
    L = lab(rng, v6=False)
    L.rewrites = True
    L.r.nft_nat("oifname wan masquerade")
    L.r.nft("ct state invalid drop")
    L.r.set(netfilter__nf_conntrack_tcp_loose=0, netfilter__nf_conntrack_tcp_timeout_established=3)
    return L


@situation
def nat_forgets(rng):
    L = forgetful_nat(rng)
    L.listen(echo)
    L.record()
    s = L.connect()
    hello(s)
    time.sleep(rng.choice((6, 8)))
    s.sendall(b"ls\n")
    time.sleep(5)
    return L, points("idle-then-blackhole", NEAR)


@situation
def nat_forgets_before_keepalive(rng):
    L = forgetful_nat(rng)
    L.listen(echo)
    L.record()
    s = L.connect()
    hello(s)
    keepalive(s, rng.choice((5, 6)), 1, 3)
    time.sleep(11)
    return L, points("keepalive-peer-gone", NEAR)


@situation
def nat_resets_keepalive(rng):
    """The probes come from outside: the box takes them for its own and answers with an RST, from nearer by."""
    L = forgetful_nat(rng)
    L.listen(lambda s: (keepalive(s, 5, 1, 3), echo(s)))
    L.record()
    s = L.connect()
    hello(s)
    time.sleep(8)
    return L, points("reset-by-middlebox", ("wan", "server"))


@situation
def answers_directly(rng):
    """Direct server return without the shared address: the server answers with its own."""
    L = lab(rng, v6=False)
    L.rewrites = True
    shared = L.w4[:-1] + ("200" if not L.s4.endswith(".200") else "201")
    L.r.ip("addr add %s/32 dev wan" % shared)
    L.r.run("nft", "-f", "-", text="table ip direct {\nchain p {\ntype filter hook prerouting priority -300;\n"
            "ip daddr %s tcp dport %d ip daddr set %s notrack\n}\n}\n" % (shared, L.port, L.s4))
    L.listen(http())
    L.record()
    L.try_connect(to=shared, timeout=3.4)
    return L, points("synack-wrong-source", NEAR)


@situation
def extension_headers(rng):
    """A conversation whose packets carry an IPv6 extension header, which works or is dropped or refused on the way."""
    how = ("works", "refused", "dropped", "rejected")[rng.index % 4]
    L = lab(rng, v6=True)
    if how != "refused":
        L.listen(http(rng.choice((200, 20000))))
    if how in ("dropped", "rejected"):
        L.r.nft("exthdr dst exists " + {"dropped": "drop", "rejected": "reject with icmpv6 type admin-prohibited"}[how])
    L.record()
    s = L.client_socket(timeout=3.4)
    s.setsockopt(IPPROTO_IPV6, IPV6_DSTOPTS if how != "refused" else rng.choice((IPV6_DSTOPTS, IPV6_HOPOPTS)), PADDING)
    try:
        s.connect((L.s6, L.port))
        s.sendall(GET)
        read_all(s)
        s.close()
    except OSError:
        pass
    words = {"works": "ok", "dropped": "syn-unanswered", "rejected": "icmp-admin-prohibited", "refused": "refused"}
    return L, points(words[how], NEAR if how in ("dropped", "rejected") else ALL)
