"""Attempts to connect that fail, or that a client makes up for."""
import socket
import struct
import time

import craft
from base import (ALL, FAR, GET, NEAR, SYNACK, fetch, first, http, is_syn, lab, points, situation)
from net import read_all


@situation
def refused(rng):
    L = lab(rng)
    L.record()
    for _ in range(rng.choice((1, 1, 2, 4))):
        L.try_connect()
        time.sleep(rng.choice((0.01, 0.3)))
    return L, points("refused")


@situation
def refused_among_others(rng):
    L = lab(rng)
    other = L.port + 1
    L.listen(http(rng.randrange(100, 4000)), port=other)
    L.record()
    for _ in range(rng.randrange(1, 4)):
        fetch(L, port=other)
    L.try_connect()
    fetch(L, port=other)
    return L, points("refused")


@situation
def refused_after_loss(rng):
    L = lab(rng)
    hop = rng.choice((0, 1))
    L.relay.rule = first(1, lambda f: f.hop == hop and is_syn(f))
    L.record()
    L.try_connect()
    return L, points("refused-after-loss", ALL[:1] if hop == 0 else ALL[:3])


@situation
def refused_and_asked_again(rng):
    """As some systems do: the refused SYN is sent again, twice, on the same ports and with the same number."""
    L = lab(rng, v6=False)
    L.record()
    raw = L.c.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    sport, number = rng.randrange(49152, 65535), rng.getrandbits(32)
    for _ in range(3):
        raw.sendto(craft.tcp_packet(craft.packed(L.c4), sport, craft.packed(L.s4), L.port, number, 0, craft.SYN, 64240,
                                    bytes.fromhex("020405b40103030801010402"), hops=128), (L.s4, 0))
        time.sleep(0.5)
    return L, points("refused")


@situation
def refused_behind_nat(rng):
    L = lab(rng, v6=False)
    L.r.nft_nat("oifname wan masquerade")
    L.listen(http(), port=L.port + 1)
    L.record()
    fetch(L, port=L.port + 1)
    L.try_connect()
    return L, points("refused")


@situation
def filtered(rng):
    L = lab(rng)
    L.listen(http())
    if rng.random() < 0.5:
        L.r.nft("tcp dport %d drop" % L.port)
        where = NEAR
    else:
        L.s.nft("tcp dport %d drop" % L.port, hook="input")
        where = ALL
    L.record()
    L.try_connect(timeout=rng.choice((1.5, 3.5, 5.2)))
    return L, points("syn-unanswered", where)


@situation
def filtered_beside_open(rng):
    """Another port of the same host answers: still no answer of any kind to this one."""
    L = lab(rng)
    L.listen(http(), port=L.port + 7)
    L.r.nft("tcp dport %d drop" % L.port)
    L.record()
    fetch(L, port=L.port + 7)
    L.try_connect(timeout=3.4)
    fetch(L, port=L.port + 7)
    return L, points("syn-unanswered", NEAR)


@situation
def way_back_missing(rng):
    L = lab(rng)
    L.listen(http())
    L.r.nft("tcp sport %d drop" % L.port)
    L.s.set(ipv4__tcp_synack_retries=2)
    L.record()
    L.try_connect(timeout=rng.choice((2.5, 4.5)))
    return L, {"client": "syn-unanswered", "lan": "syn-unanswered", "wan": "synack-unanswered",
               "server": "synack-unanswered"}


REJECTS = (("icmp", "net-unreachable", "net"), ("icmp", "host-unreachable", "host"),
           ("icmp", "prot-unreachable", "protocol"), ("icmp", "port-unreachable", "port"),
           ("icmp", "net-prohibited", "admin"), ("icmp", "host-prohibited", "admin"),
           ("icmp", "admin-prohibited", "admin"), ("icmpv6", "no-route", "net"),
           ("icmpv6", "admin-prohibited", "admin"), ("icmpv6", "addr-unreachable", "host"),
           ("icmpv6", "port-unreachable", "port"), ("icmpv6", "policy-fail", "admin"),
           ("icmpv6", "reject-route", "admin"))
REJECT_WORDS = {"net": "icmp-net-unreachable", "host": "icmp-host-unreachable", "port": "icmp-port-unreachable",
                "protocol": "icmp-protocol-unreachable", "admin": "icmp-admin-prohibited"}


@situation
def rejected(rng):
    family, kind, word = REJECTS[rng.index % len(REJECTS)]
    L = lab(rng, v6=family == "icmpv6")
    L.listen(http())
    rule = "%s tcp dport %d reject with %s type %s" % (
        "meta nfproto " + ("ipv6" if L.v6 else "ipv4"), L.port, family, kind)
    where = NEAR
    if rng.random() < 0.3:
        L.s.nft(rule, hook="input")
        where = ALL
    else:
        L.r.nft(rule)
    L.record()
    for _ in range(rng.choice((1, 1, 2))):
        L.try_connect(timeout=2.5)
    return L, points(REJECT_WORDS[word], where)


# Type, code, of IPv6, and what it means; the box at hop 1 or 0 invents it as a router does.
ERRORS = ((3, 0, False, "net"), (3, 6, False, "net"), (3, 11, False, "net"), (3, 5, False, "net"),
          (3, 1, False, "host"), (3, 7, False, "host"), (3, 12, False, "host"), (3, 8, False, "host"),
          (3, 9, False, "admin"), (3, 10, False, "admin"), (3, 13, False, "admin"), (3, 14, False, "admin"),
          (3, 15, False, "admin"), (3, 3, False, "port"), (3, 2, False, "protocol"), (11, 0, False, "ttl"),
          (12, 0, False, "other"), (11, 1, False, "other"), (1, 0, True, "net"), (1, 2, True, "net"),
          (1, 7, True, "net"), (1, 3, True, "host"), (1, 1, True, "admin"), (1, 5, True, "admin"),
          (1, 6, True, "admin"), (1, 4, True, "port"), (4, 1, True, "protocol"), (3, 0, True, "ttl"),
          (4, 0, True, "other"), (3, 1, True, "other"))
ERROR_WORDS = dict(REJECT_WORDS, ttl="icmp-ttl-exceeded", other="icmp-other")


@situation
def router_error(rng):
    kind, code, v6, word = ERRORS[rng.index % len(ERRORS)]
    L = lab(rng, v6=v6)
    hop = rng.choice((0, 1))
    box = craft.packed("2001:db8:ffff::9" if v6 else "198.18.0.9")

    def rule(f):
        if f.tcp and f.hop == hop and is_syn(f):
            packet = f.data[14:] if v6 or rng.random() < 0.5 else f.data[14:14 + 28]
            return [(False, craft.answer_frame(f.data, craft.icmp_error(box, packet, kind, code, hops=250)))]
        return None
    L.relay.rule = rule
    L.record()
    L.try_connect(timeout=3.4)
    return L, points(ERROR_WORDS[word], ALL[:1] if hop == 0 else ALL[:3])


@situation
def nobody_there(rng):
    """An address of the last network that nobody has: the router finds no neighbour."""
    L = lab(rng, v6=False)
    L.record()
    L.try_connect(to=L.w4[:-1] + "251", timeout=8)
    return L, points("icmp-host-unreachable", NEAR)


@situation
def no_route(rng):
    L = lab(rng)
    how = rng.choice(("unreachable", "prohibit", "blackhole"))
    L.r.ip(*("route add %s %s" % (how, a) for a in (L.s4, L.s6)))
    L.record()
    L.try_connect(timeout=3.4)
    words = {"unreachable": "icmp-net-unreachable" if L.v6 else "icmp-host-unreachable",
             "prohibit": "icmp-admin-prohibited", "blackhole": "syn-unanswered"}
    return L, points(words[how], NEAR)


@situation
def few_hops(rng):
    L = lab(rng)
    L.c.set(ipv4__ip_default_ttl=1, ipv6__conf__eth0__hop_limit=1)
    L.record()
    L.try_connect(timeout=2.5)
    return L, points("icmp-ttl-exceeded", NEAR)


@situation
def forged_refusal(rng):
    """The router answers for the server, whose own packets come from one hop farther."""
    L = lab(rng)
    L.rewrites = True
    other = L.port + 3
    L.listen(http(), port=other)
    L.listen(http())
    L.r.nft("tcp dport %d reject with tcp reset" % L.port)
    L.record()
    fetch(L, port=other)
    L.try_connect()
    return L, points("reset-by-middlebox", NEAR)


@situation
def forged_reset_later(rng):
    """A box on the way resets both ends when it sees the request."""
    L = lab(rng)
    hops = rng.choice((57, 99, 200, 241))
    done = []

    def rule(f):
        if f.tcp and f.hop == 1 and f.toward_server and craft.text_len(f.data, f.tcp) > 0 and not done:
            done.append(1)
            return [(False, craft.answer_frame(f.data, craft.forged_rst(f.data, f.tcp, hops)))]
        return None
    L.listen(http())
    L.relay.rule = rule
    L.record()
    s = L.connect()
    s.sendall(GET)
    try:
        s.recv(100)
    except OSError:
        pass
    return L, points("reset-by-middlebox", ("client", "lan", "wan"))


@situation
def forged_resets_both(rng):
    """As above, and both ends are reset, each in the name of the other, some with three copies."""
    L = lab(rng)
    hops = rng.choice((44, 99, 200, 241))
    copies = rng.choice((1, 3))
    done = []

    def rule(f):
        if f.tcp and f.hop == 1 and f.toward_server and craft.text_len(f.data, f.tcp) > 0 and not done:
            done.append(1)
            back = craft.answer_frame(f.data, craft.forged_rst(f.data, f.tcp, hops))
            on = f.data[:14] + craft.rst_onward(f.data, f.tcp, hops)
            return [(False, back)] * copies + [(True, f.data), (True, on)]
        return None
    L.listen(http(delay=0.3))
    L.relay.rule = rule
    L.record()
    s = L.connect()
    s.sendall(GET)
    try:
        s.recv(100)
    except OSError:
        pass
    return L, points("reset-by-middlebox")


@situation
def wrong_source(rng):
    L = lab(rng)
    L.rewrites = True
    L.listen(http())
    other = L.w6[:-1] + "77" if L.v6 else L.w4[:-1] + "77"
    L.r.nft("%s saddr %s %s %s saddr set %s" % (("ip6" if L.v6 else "ip"), L.server, SYNACK,
                                                "ip6" if L.v6 else "ip", other), hook="postrouting")
    L.record()
    L.try_connect(timeout=3.4)
    return L, points("synack-wrong-source", NEAR)


@situation
def wrong_ack(rng):
    L = lab(rng)
    L.rewrites = True
    L.listen(http())
    L.r.nft("%s tcp sport %d tcp ackseq set %d" % (SYNACK, L.port, rng.randrange(1, 2**31)))
    L.record()
    L.try_connect(timeout=3.4)
    return L, points("synack-wrong-ack", NEAR)


@situation
def only_the_syn_passes(rng):
    L = lab(rng)
    L.listen(http())
    L.s.set(ipv4__tcp_synack_retries=3)
    L.r.nft("tcp dport %d tcp flags & syn == 0 drop" % L.port)
    L.record()
    s = L.connect()
    s.sendall(GET)
    time.sleep(rng.choice((5, 8)))
    s.close()
    return L, {"client": "synack-then-blackhole", "lan": "synack-then-blackhole", "wan": "synack-unanswered",
               "server": "synack-unanswered"}


@situation
def family_fallback(rng):
    L = lab(rng, v6=False)
    L.listen(http())
    how = rng.choice(("drop", "reject", "refuse"))
    v6 = rng.random() < 0.7
    rule = "meta nfproto %s tcp dport %d " % ("ipv6" if v6 else "ipv4", L.port)
    L.r.nft(rule + {"drop": "drop", "reject": "reject with icmpx type admin-prohibited",
                    "refuse": "reject with tcp reset"}[how])
    L.record()
    for _ in range(rng.choice((1, 1, 2))):
        lost = L.client_socket(v6=v6)
        lost.setblocking(False)
        lost.connect_ex((L.s6 if v6 else L.s4, L.port))
        if how == "drop":
            time.sleep(rng.choice((0.2, 0.25, 0.3, 0.05)))
            s = L.connect(v6=not v6)
            lost.close()
        else:
            L.try_wait(lost)
            lost.close()
            s = L.connect(v6=not v6)
        s.sendall(GET)
        read_all(s)
        s.close()
        time.sleep(0.3)
    return L, points("ok-family-fallback", NEAR)


@situation
def port_scan(rng):
    """SYNs made by hand, as scanners make them: one socket, hardly any options, RST from the kernel."""
    L = lab(rng, v6=False)
    opened = [L.port] if rng.random() < 0.7 else []
    for port in opened:
        L.listen(http(), port=port)
    chosen = sorted(set([L.port] + rng.sample(range(1, 60000), rng.choice((4, 12, 40)))))
    rng.shuffle(chosen)
    if rng.random() < 0.4:
        L.r.nft("tcp dport { %s } drop" % ", ".join(str(p) for p in chosen[:2]))
    L.record()
    raw = L.c.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    sport, options = rng.randrange(33000, 64000), b"" if rng.random() < 0.2 else struct.pack("!BBH", 2, 4, 1460)
    for port in chosen:
        raw.sendto(craft.tcp_packet(craft.packed(L.c4), sport, craft.packed(L.s4), port, rng.getrandbits(32), 0,
                                    craft.SYN, 1024, options, hops=rng.randrange(38, 60)), (L.s4, 0))
        time.sleep(0.002)
    time.sleep(1.1)
    return L, points("syn-scan", NEAR)


@situation
def connect_scan(rng):
    L = lab(rng)
    L.listen(http())
    L.record()
    for port in rng.sample(range(1, 30000), rng.choice((12, 30))) + [L.port]:
        s = L.try_connect(port=port, timeout=1)
        if s:
            s.close()
    return L, points("syn-scan")


@situation
def flood(rng):
    """Spoofed SYNs; cookies save the service, or do not."""
    cookies = rng.index % 2 == 0
    L = lab(rng, v6=False)
    L.s.set(ipv4__tcp_syncookies=int(cookies), ipv4__tcp_max_syn_backlog=16, ipv4__tcp_synack_retries=2)
    L.r.ip("route add blackhole 198.19.0.0/16")
    L.r.set(ipv4__conf__all__rp_filter=0)
    L.listen(http(), backlog=16)
    L.record()
    raw = L.c.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
    for i in range(rng.choice((45, 80, 150))):
        raw.sendto(craft.tcp_packet(craft.packed("198.19.%d.%d" % (rng.randrange(8), i + 1)), rng.randrange(1024, 65535),
                                    craft.packed(L.s4), L.port, rng.getrandbits(32), 0, craft.SYN, 1024,
                                    struct.pack("!BBH", 2, 4, 1460), hops=rng.randrange(40, 60)), (L.s4, 0))
        time.sleep(rng.choice((0.001, 0.003)))
    if cookies:
        fetch(L)
        time.sleep(3)
    else:
        L.try_connect(timeout=3.4)
    return L, points("syn-flood-survived" if cookies else "syn-flood-denied", FAR)
