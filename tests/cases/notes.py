"""Situations that end well and are worth a word, or of which a capture shows too little."""
import socket
import time

import craft
from net import MSG_FASTOPEN, TCP_FASTOPEN, Lab, keepalive, read_all, vanish
from base import (ALL, FAR, GET, echo, fetch, first, hello, http, is_syn, is_synack, lab, points,
                        situation)


@situation
def port_reused(rng):
    L = lab(rng)
    L.c.set(ipv4__tcp_timestamps=1)
    L.s.set(ipv4__tcp_timestamps=1)
    L.listen(http(rng.randrange(100, 3000)))
    L.record()
    local = rng.randrange(20000, 60000)
    for _ in range(rng.choice((2, 3))):
        fetch(L, local=local)
        time.sleep(rng.choice((1.2, 1.6)))
    return L, points("ok-time-wait-port-reuse")


@situation
def half_open(rng):
    L = lab(rng)
    L.listen(echo)
    local = rng.randrange(20000, 60000)
    L.record()
    s = L.connect(local=local)
    hello(s)
    time.sleep(rng.choice((0.3, 1)))
    vanish(s)
    time.sleep(rng.choice((0.7, 1.5)))
    s = L.connect(local=local)
    hello(s)
    s.close()
    return L, points("ok-half-open-recovered")


@situation
def keepalive_works(rng):
    L = lab(rng)
    by_client = rng.random() < 0.5
    L.listen(lambda s: (None if by_client else keepalive(s, 1, 1, 3), echo(s)))
    L.record()
    s = L.connect()
    if by_client:
        keepalive(s, 1, 1, 3)
    hello(s)
    time.sleep(rng.choice((2.5, 4.5)))
    s.close()
    return L, points("ok-keepalive")


@situation
def pmtu_found(rng):
    L = lab(rng)
    L.r.ip("link set lan mtu %d" % rng.choice((1300, 1400)))
    L.listen(http(rng.choice((8000, 30000))))
    L.record()
    fetch(L)
    return L, points("ok-pmtu-lowered", FAR)


@situation
def small_mss(rng):
    L = lab(rng)
    size, how = rng.choice((536, 900, 1100)), rng.random()
    if how < 0.4:
        L.r.nft("tcp flags & syn == syn tcp option maxseg size set %d" % size)
        where = ALL
    else:
        where = ALL
    L.listen(http(5000))
    L.record()
    fetch(L, mss=0 if how < 0.4 else size)
    return L, points("ok-small-mss", where)


@situation
def no_scaling(rng):
    L = lab(rng)
    rng.choice((L.c, L.s)).set(ipv4__tcp_window_scaling=0)
    L.listen(http(rng.choice((500, 20000))))
    L.record()
    fetch(L)
    return L, points("ok-no-window-scaling")


def fast_open(L, text=GET):
    s = L.client_socket(timeout=None)
    s.sendto(text, MSG_FASTOPEN, (L.server, L.port))
    read_all(s)
    s.close()


def serve_fast_open(L):
    L.c.set(ipv4__tcp_fastopen=1)
    L.s.set(ipv4__tcp_fastopen=3)
    L.listen(http(), prepare=lambda s: s.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16))


@situation
def fast_open_works(rng):
    L = lab(rng)
    serve_fast_open(L)
    L.record()
    fast_open(L)
    time.sleep(0.3)
    fast_open(L, GET + b"x" * rng.choice((0, 300)))
    return L, points("ok-tfo")


@situation
def fast_open_dropped(rng):
    L = lab(rng)
    serve_fast_open(L)
    L.record()
    fast_open(L)
    L.relay.rule = lambda f: "drop" if f.tcp and f.hop == 1 and is_syn(f) and craft.text_len(f.data, f.tcp) else None
    time.sleep(0.3)
    fast_open(L)
    return L, points("tfo-syn-data-dropped", ALL[:3])


@situation
def far_away(rng):
    L = lab(rng, delays=rng.choice(((0.12, 0.005), (0.15, 0.03), (0.25, 0.01), (0.3, 0.1), (0.01, 0.14),
                               (0.55, 0.1), (0.02, 0.7), (1.1, 0.2))))
    L.listen(http(rng.choice((200, 20000))))
    L.record()
    fetch(L)
    return L, points("ok-high-rtt")


def loses(rng, which, hop, where, word):
    L = lab(rng)
    L.listen(http(rng.choice((200, 9000))))
    L.relay.rule = first(1, lambda f: f.hop == hop and which(f))
    L.record()
    fetch(L)
    return L, points(word, where)


@situation
def syn_lost(rng):
    hop = rng.choice((0, 1))
    return loses(rng, is_syn, hop, ALL[:1] if hop == 0 else ALL[:3], "ok-syn-lost")


@situation
def synack_lost(rng):
    return loses(rng, is_synack, rng.choice((0, 1)), ALL, "ok-syn-lost")


@situation
def final_ack_lost(rng):
    """The server speaks first, so that nothing of the client completes the handshake instead."""
    L = lab(rng)
    L.listen(lambda s: (s.sendall(b"220 mail.example.test\r\n"), s.recv(100), s.close()))
    hop = rng.choice((0, 1))
    L.relay.rule = first(1, lambda f: f.hop == hop and f.toward_server and not is_syn(f))
    L.record()
    s = L.connect()
    s.recv(100)
    s.close()
    return L, points("ok-final-ack-lost")


@situation
def both_open(rng):
    L = lab(rng, delays=(rng.choice((0.05, 0.08, 0.12)), rng.choice((0.02, 0.05))))
    port = rng.randrange(3000, 60000)
    ends = []

    def opener(place, me, peer):
        s = place.socket(L.family(), socket.SOCK_STREAM)
        s.settimeout(5)
        s.bind((me, port))
        ends.append(s)
        return lambda: (s.connect((peer, port)), s.sendall(b"hello"), s.recv(100))
    calls = [opener(L.c, L.client, L.server), opener(L.s, L.server, L.client)]
    L.record()
    for t in L.together(*calls):
        t.join()
    for s in ends:
        s.close()
        time.sleep(0.3)
    return L, points("ok-simultaneous-open")


@situation
def began_late(rng):
    L = lab(rng)
    L.listen(echo)
    s = L.connect()
    hello(s)
    L.record()
    time.sleep(0.1)
    for _ in range(rng.randrange(1, 6)):
        hello(s, b"q" * rng.randrange(1, 900))
        time.sleep(0.02)
    if rng.random() < 0.7:
        s.close()
    return L, points("no-handshake-in-capture")


@situation
def one_direction(rng):
    """The records of the other direction are left out, as a filter or a mirror port does."""
    L = lab(rng)
    L.listen(http(rng.choice((200, 20000))))
    L.record()
    for _ in range(rng.choice((1, 2))):
        fetch(L)
    time.sleep(2 * sum(L.delays) + 0.2)
    L.only_from = L.client if rng.random() < 0.5 else L.server
    return L, points("one-direction-only")


@situation
def nothing_wrong(rng):
    L = lab(rng)
    L.listen(http(rng.choice((200, 4000, 60000)), delay=rng.choice((0, 0.1))))
    L.record()
    for _ in range(rng.choice((1, 2, 5))):
        fetch(L)
    return L, points("ok")


@situation
def behind_nat(rng):
    L = lab(rng, v6=False)
    L.r.nft_nat("oifname wan masquerade")
    L.listen(http(rng.choice((200, 9000))))
    L.record()
    for _ in range(rng.choice((1, 4))):
        fetch(L)
    return L, points("ok")


@situation
def both_families(rng):
    L = lab(rng)
    L.listen(http(300))
    L.record()
    for v6 in (True, False, True, False):
        fetch(L, v6=v6)
    return L, points("ok")


@situation
def offloaded(rng):
    L = Lab(rng, offload=True)
    L.listen(http(rng.choice((60000, 200000))))
    L.record()
    fetch(L)
    return L, points("ok")
