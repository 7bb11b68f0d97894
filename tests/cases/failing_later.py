"""Connections that came up and end badly."""
import socket
import time

from base import ALL, FAR, GET, NEAR, SYNACK, echo, hello, http, lab, points, situation
from net import TCP_USER_TIMEOUT, Lab, abort, keepalive, read_all, vanish


@situation
def aborts_at_once(rng):
    L = lab(rng)

    def serve(s):
        if read:
            s.recv(4096)
        abort(s)
    read = rng.random() < 0.5
    L.listen(serve)
    L.record()
    for _ in range(rng.choice((1, 2))):
        s = L.try_connect()
        try:
            if s:
                s.sendall(GET)
                s.recv(100)
        except OSError:
            pass
    return L, points("reset-after-accept")


@situation
def server_crashes(rng):
    L = lab(rng)
    size = rng.choice((3000, 20000, 60000))

    def serve(s):
        s.recv(4096)
        s.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * size)
        time.sleep(rng.choice((0.3, 0.6)))
        abort(s)
    L.listen(serve)
    L.record()
    try:
        s = L.connect()
        s.sendall(GET)
        read_all(s)
    except OSError:
        pass
    return L, points("reset-mid-transfer")


@situation
def client_aborts(rng):
    """The client hangs up with RST while the answer is on its way."""
    L = lab(rng, delays=(0.03, 0.01))
    L.listen(http(400000))
    L.record()
    s = L.connect()
    s.sendall(GET)
    s.recv(30000)
    abort(s)
    return L, points("reset-mid-transfer")


@situation
def aborts_half_closed(rng):
    """The client has sent all of its request and its FIN, and gets an RST for an answer, or in its middle."""
    L = lab(rng)
    partial = rng.random() < 0.5

    def serve(s):
        read_all(s)
        if partial:
            s.sendall(b"part of it" * 300)
            time.sleep(0.3)
        abort(s)
    L.listen(serve)
    L.record()
    s = L.connect()
    s.sendall(GET)
    s.shutdown(socket.SHUT_WR)
    try:
        read_all(s)
    except OSError:
        pass
    return L, points("reset-mid-transfer" if partial else "reset-after-accept")


@situation
def reset_of_unknown_beginning(rng):
    """The capture began later than the connection, and saw it fail."""
    L = lab(rng)

    def serve(s):
        hello(s, b"welcome")
        time.sleep(0.5)
        s.sendall(b"half of what" * 100)
        time.sleep(0.3)
        abort(s)
    L.listen(serve)
    s = L.connect()
    s.sendall(s.recv(7))
    time.sleep(0.3)
    L.record()
    try:
        read_all(s)
    except OSError:
        pass
    return L, points("reset-mid-transfer")


@situation
def client_never_closes(rng):
    """The service closes each connection after its answer, and the client keeps them all."""
    L = lab(rng)
    L.listen(lambda s: (s.recv(4096), s.sendall(b"HTTP/1.0 200 OK\r\n\r\nyes"), s.close()))
    L.record()
    for _ in range(rng.choice((4, 7))):
        s = L.connect()
        s.sendall(GET)
        read_all(s)
        time.sleep(0.1)
    time.sleep(6)
    return L, points("close-wait-leak")


@situation
def server_forgot(rng):
    L = lab(rng)
    mine = []

    def serve(s):
        mine.append(s)
        s.sendall(s.recv(4096))
    L.listen(serve)
    L.record()
    s = L.connect()
    hello(s)
    time.sleep(2 * sum(L.delays) + 0.3)
    vanish(mine[0])
    time.sleep(rng.choice((2, 4)))
    try:
        hello(s, b"again")
    except OSError:
        pass
    return L, points("reset-stale-connection")


@situation
def server_forgot_busy(rng):
    """The state is lost in a box, or the service restarted, while the client streams without a pause."""
    L = lab(rng)
    mine = []

    def serve(s):
        mine.append(s)
        s.sendall(s.recv(4096))
    L.listen(serve)
    L.record()
    s = L.connect()
    hello(s)
    time.sleep(1.5 + 2 * sum(L.delays))
    vanish(mine[0])
    for _ in range(3):
        try:
            s.sendall(b"more")
        except OSError:
            break
        time.sleep(0.02)
    return L, points("reset-stale-connection")


@situation
def client_forgot(rng):
    """The server pushes to a client that was restarted."""
    L = lab(rng)
    idle = rng.choice((2, 3.5))

    def serve(s):
        s.sendall(s.recv(4096))
        time.sleep(idle)
        s.sendall(b"news")
        s.recv(100)
    L.listen(serve)
    L.record()
    s = L.connect()
    hello(s)
    time.sleep(0.2)
    vanish(s)
    time.sleep(idle)
    return L, points("reset-stale-connection")


@situation
def silent(rng):
    """The server reads and never answers; the client gives up."""
    L = lab(rng)
    L.listen(lambda s: s.recv(4096))
    L.record()
    s = L.connect()
    s.sendall(GET)
    time.sleep(rng.choice((3, 5)))
    s.close()
    return L, points("server-silent")


@situation
def answers_too_late(rng):
    """The client gave up and closed; then the answer comes, and is reset."""
    L = lab(rng)
    L.listen(http(rng.choice((200, 5000)), delay=4))
    L.record()
    s = L.connect()
    s.sendall(GET)
    time.sleep(3)
    s.close()
    time.sleep(1.2)
    return L, points("server-silent")


@situation
def closes_in_the_middle(rng):
    """The client closes when it has read all that came so far, and more comes."""
    L = lab(rng, delays=(0.02, 0.01))

    def serve(s):
        s.recv(4096)
        for _ in range(6):
            s.sendall(b"x" * 20000)
            time.sleep(0.3)
    L.listen(serve)
    L.record()
    s = L.connect()
    s.sendall(GET)
    total = 0
    while total < 40000:
        total += len(s.recv(65536))
    s.close()
    time.sleep(1)
    return L, points("reset-mid-transfer")


@situation
def silent_after_answers(rng):
    L = lab(rng)

    def serve(s):
        for _ in range(3):
            s.sendall(s.recv(4096))
        s.recv(4096)
    L.listen(serve)
    L.record()
    s = L.connect()
    for _ in range(3):
        hello(s)
    s.sendall(GET)
    time.sleep(4)
    s.close()
    return L, points("server-silent")


@situation
def keepalive_fails(rng):
    L = lab(rng)
    by_client = rng.random() < 0.5
    L.listen(lambda s: (None if by_client else keepalive(s, 1, 1, 3), echo(s)))
    L.record()
    s = L.connect()
    if by_client:
        keepalive(s, 1, 1, 3)
    hello(s)
    time.sleep(rng.choice((0.3, 1.6)))
    L.relay.rule = lambda f: "drop" if f.tcp else None
    time.sleep(6)
    return L, points("keepalive-peer-gone", ("client",) if by_client else ("server",))


def path_dies(rng, idle, word):
    L = lab(rng)
    upload = rng.random() < 0.6
    hop = rng.choice((0, 1))

    def serve(s):
        s.sendall(s.recv(4096))
        time.sleep(0.3 + idle)
        if not upload:
            s.sendall(b"news" * 50)
        s.recv(4096)
    L.listen(serve)
    L.record()
    s = L.connect()
    hello(s)
    time.sleep(0.3)
    L.relay.rule = lambda f: "drop" if f.hop == hop else None
    time.sleep(idle)
    s.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 8000)
    if upload:
        s.sendall(b"z" * rng.choice((5, 300)))
    time.sleep(6)
    return L, points(word, (ALL[:1] if hop == 0 else ALL[:3]) if upload else (ALL[1:] if hop == 0 else ALL[3:]))


@situation
def unreachable_later(rng):
    """The route to the server goes away during the conversation, and a router says so."""
    L = lab(rng)
    L.listen(echo)
    L.record()
    s = L.connect()
    hello(s)
    time.sleep(0.3)
    how = rng.choice(("unreachable", "prohibit"))
    L.r.ip(*("route add %s %s" % (how, a) for a in (L.s4, L.s6)))
    s.sendall(b"again")
    time.sleep(3)
    word = {"unreachable": "icmp-net-unreachable" if L.v6 else "icmp-host-unreachable",
            "prohibit": "icmp-admin-prohibited"}[how]
    return L, points(word, NEAR)


@situation
def peer_dies(rng):
    return path_dies(rng, rng.choice((0.2, 1, 2.5)), "peer-gone-data-unacked")


@situation
def state_expires(rng):
    return path_dies(rng, rng.choice((7, 9)), "idle-then-blackhole")


@situation
def mtu_blackhole(rng):
    L = lab(rng)
    L.r.ip("link set lan mtu %d" % rng.choice((1300, 1400)))
    L.r.nft("icmp type destination-unreachable drop", hook="output")
    L.r.nft("icmpv6 type packet-too-big drop", hook="output")
    L.listen(http(30000))
    L.record()
    s = L.connect()
    s.sendall(GET)
    s.settimeout(rng.choice((5, 8)))
    try:
        read_all(s)
    except OSError:
        pass
    s.close()
    return L, points("mtu-blackhole", FAR)


@situation
def mtu_blackhole_at_once(rng):
    """The very first request is full-size, as that of TLS often is, and the path is narrow."""
    L = lab(rng)
    L.r.ip("link set wan mtu %d" % rng.choice((1300, 1400)))
    L.r.nft("icmp type destination-unreachable drop", hook="output")
    L.r.nft("icmpv6 type packet-too-big drop", hook="output")
    L.listen(echo)
    L.record()
    s = L.connect()
    s.sendall(b"h" * rng.choice((1700, 2600)))
    time.sleep(rng.choice((5, 7)))
    return L, points("mtu-blackhole", NEAR)


@situation
def no_banner(rng):
    """The server should speak first and does not; the client gives up."""
    L = lab(rng)
    L.listen(lambda s: None)
    L.record()
    s = L.connect()
    time.sleep(rng.choice((3, 6)))
    s.close()
    return L, points("server-silent")


@situation
def closes_before_the_request(rng):
    """A wrapper accepts, closes in order without a word, and answers the request by RST."""
    L = lab(rng)
    L.listen(lambda s: s.close())
    L.record()
    s = L.connect()
    time.sleep(2 * sum(L.delays) + 0.1)
    s.sendall(GET)
    time.sleep(0.2)
    s.close()
    return L, points("reset-after-accept")


@situation
def mtu_blackhole_up(rng):
    L = lab(rng)
    L.r.ip("link set wan mtu %d" % rng.choice((1300, 1400)))
    L.r.nft("icmp type destination-unreachable drop", hook="output")
    L.r.nft("icmpv6 type packet-too-big drop", hook="output")
    L.listen(lambda s: (s.sendall(b"220 ready\r\n"), s.recv(100), s.sendall(b"go\r\n"), read_all(s)))
    L.record()
    s = L.connect()
    s.recv(100)
    s.sendall(b"STOR\r\n")
    s.recv(100)
    s.sendall(b"y" * 20000)
    time.sleep(rng.choice((4, 6)))
    return L, points("mtu-blackhole", NEAR)


@situation
def reader_stalls(rng):
    L = lab(rng)
    down = rng.random() < 0.4
    L.listen(lambda s: s.sendall(b"w" * 300000) if down else time.sleep(30),
             prepare=lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096))
    L.record()
    s = L.connect(rcvbuf=4096)
    if not down:
        s.settimeout(1)
        try:
            s.sendall(b"y" * 300000)
        except OSError:
            pass
    time.sleep(rng.choice((4, 6)))
    return L, points("zero-window")


@situation
def scale_stripped(rng):
    L = Lab(rng)
    L.r.nft("tcp sport %d %s reset tcp option window" % (L.port, SYNACK))
    L.listen(lambda s: (read_all(s), s.close()))
    L.record()
    s = L.connect()
    s.settimeout(3)
    try:
        s.sendall(b"y" * 100000)
        time.sleep(2)
    except OSError:
        pass
    return L, {"client": "window-scale-stripped", "lan": "window-scale-stripped", "wan": "window-scale-disagreement",
               "server": "window-scale-disagreement"}
