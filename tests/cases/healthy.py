"""Conversations in which nothing is wrong, of the kinds that a hasty judge takes for trouble."""
import random
import socket
import time

import craft
from net import abort, keepalive, read_all
from base import GET, echo, fetch, hello, http, is_syn, lab

HEALTHY = {}


def healthy(function):
    HEALTHY[function.__name__] = function
    return function


@healthy
def half_close(rng):
    """The client closes its direction first; the answer takes long and comes in pieces."""
    L = lab(rng)
    pause, pieces = rng.choice((0.4, 0.9)), rng.randrange(3, 9)

    def serve(s):
        read_all(s)
        for _ in range(pieces):
            time.sleep(pause)
            s.sendall(b"part" * rng.randrange(10, 900))
        s.close()
    L.listen(serve)
    L.record()
    s = L.connect()
    s.sendall(b"count this" * rng.randrange(1, 50))
    s.shutdown(socket.SHUT_WR)
    read_all(s)
    s.close()
    return L


@healthy
def long_poll(rng):
    L = lab(rng)
    wait = rng.choice((3, 5, 7))
    L.listen(http(rng.randrange(20, 500), delay=wait))
    L.record()
    fetch(L)
    return L


@healthy
def brief_zero_window(rng):
    """The reader pauses for a moment, and its window closes and opens again."""
    L = lab(rng)
    pause = rng.choice((0.3, 0.7, 1.2))

    def serve(s):
        for _ in range(2):
            time.sleep(pause)
            for _ in range(20):
                s.recv(8192)
        read_all(s)
        s.close()
    L.listen(serve, prepare=lambda s: s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192))
    L.record()
    s = L.connect()
    s.sendall(b"y" * rng.choice((60000, 150000)))
    s.shutdown(socket.SHUT_WR)
    read_all(s)
    s.close()
    return L


@healthy
def idle_with_keepalive(rng):
    L = lab(rng)
    L.listen(lambda s: (keepalive(s, 1, 1, 4), echo(s)))
    L.record()
    s = L.connect()
    keepalive(s, 2, 1, 3)
    hello(s)
    time.sleep(rng.choice((3.3, 4.6)))
    hello(s)
    s.close()
    return L


@healthy
def reordered(rng):
    """One packet in eight is overtaken by those behind it."""
    L = lab(rng)
    L.listen(http(rng.choice((30000, 80000))))
    dice = random.Random(rng.random())

    def rule(f):
        if f.tcp and craft.text_len(f.data, f.tcp) and dice.random() < 0.12:
            return 0.004
        return None
    L.relay.rule = rule
    L.record()
    fetch(L)
    return L


@healthy
def some_loss(rng):
    """A lossy path: everything arrives in the end."""
    L = lab(rng)
    L.listen(http(rng.choice((30000, 80000))))
    dice = random.Random(rng.random())

    def rule(f):
        if f.tcp and not is_syn(f) and dice.random() < 0.04:
            return "drop"
        return None
    L.relay.rule = rule
    L.record()
    fetch(L)
    return L


@healthy
def twice(rng):
    """A path that repeats packets."""
    L = lab(rng)
    L.listen(http(rng.choice((3000, 20000))))
    dice = random.Random(rng.random())
    L.relay.rule = lambda f: "twice" if f.tcp and dice.random() < 0.15 else None
    L.record()
    for _ in range(2):
        fetch(L)
    return L


@healthy
def nagle(rng):
    """Small writes that wait for each other's acknowledgment, and for the delayed one."""
    L = lab(rng)

    def serve(s):
        while True:
            d = s.recv(4096)
            if not d:
                break
            time.sleep(0.01)
            s.sendall(d[:1])
        s.close()
    L.listen(serve)
    L.record()
    s = L.connect()
    for _ in range(rng.randrange(5, 15)):
        s.sendall(b"a" * rng.randrange(1, 40))
        s.sendall(b"b" * rng.randrange(1, 40))
        s.recv(4096)
    s.close()
    return L


@healthy
def quick(rng):
    """Many short connections, one after another, closed by the client."""
    L = lab(rng)
    L.listen(echo)
    L.record()
    for _ in range(rng.choice((10, 25, 60, 200))):
        s = L.connect()
        s.sendall(b"ping")
        s.recv(10)
        s.close()
        time.sleep(rng.choice((0, 0.005)))
    return L


@healthy
def many_at_once(rng):
    L = lab(rng)
    L.listen(http(rng.randrange(100, 5000), delay=rng.choice((0, 0.2))), backlog=256)
    L.record()
    for t in L.together(*[lambda: fetch(L)] * rng.choice((12, 24, 40))):
        t.join()
    return L


@healthy
def opened_and_closed(rng):
    """Connections opened in advance and not needed; closed without a byte."""
    L = lab(rng)
    L.listen(echo)
    L.record()
    for _ in range(rng.randrange(1, 6)):
        s = L.connect()
        time.sleep(rng.choice((0, 0.4)))
        s.close()
    time.sleep(0.3)
    return L


@healthy
def server_pushes(rng):
    """The server talks, the client only listens, and hangs up when it has enough."""
    L = lab(rng)

    def serve(s):
        for _ in range(rng.randrange(4, 12)):
            s.sendall(b"event\n" * rng.randrange(1, 30))
            time.sleep(0.25)
        s.close()
    L.listen(serve)
    L.record()
    s = L.connect()
    read_all(s)
    s.close()
    return L


@healthy
def upload(rng):
    L = lab(rng)
    L.listen(lambda s: (read_all(s), time.sleep(0.3), s.sendall(b"done"), s.close()))
    L.record()
    s = L.connect()
    s.sendall(b"u" * rng.choice((5000, 100000)))
    s.shutdown(socket.SHUT_WR)
    read_all(s)
    s.close()
    return L


@healthy
def jitter(rng):
    """Delays that jump between nothing and a third of a second: repeats that were not needed."""
    L = lab(rng)
    L.listen(http(rng.choice((2000, 20000))))
    dice = random.Random(rng.random())
    L.relay.rule = lambda f: dice.choice((0, 0, 0, 0, 0.05, 0.3)) if f.tcp and not is_syn(f) else None
    L.record()
    fetch(L)
    return L


@healthy
def enough(rng):
    """The client has its whole answer and hangs up with RST, as browsers and load testers do."""
    L = lab(rng)
    size = rng.randrange(100, 3000)
    L.listen(http(size, close=False))
    L.record()
    s = L.connect()
    s.sendall(GET)
    total = 0
    while total < size:
        total += len(s.recv(65536))
    time.sleep(0.3)
    abort(s)
    return L


@healthy
def both_close(rng):
    """Both ends close at the same time."""
    L = lab(rng, delays=(0.03, 0.01))

    def serve(s):
        s.sendall(s.recv(100))
        time.sleep(0.3)
        s.close()
    L.listen(serve)
    L.record()
    s = L.connect()
    hello(s)
    time.sleep(0.3 - sum(L.delays))
    s.close()
    return L


@healthy
def conversation(rng):
    """Questions and answers with pauses between them, over one connection."""
    L = lab(rng)
    L.listen(echo)
    L.record()
    s = L.connect()
    for _ in range(rng.randrange(3, 8)):
        hello(s, b"q" * rng.randrange(1, 2000))
        time.sleep(rng.choice((0.05, 0.8, 1.4)))
    s.close()
    return L


@healthy
def still_running(rng):
    """The capture ends while the connections are in use."""
    L = lab(rng)
    L.listen(echo)
    L.record()
    ends = [L.connect() for _ in range(rng.randrange(1, 5))]
    for _ in range(3):
        for s in ends:
            hello(s, b"tick")
        time.sleep(0.5)
    return L


@healthy
def blind_reset(rng):
    """Somebody guesses an RST with a number that lies outside the window; nobody believes it."""
    L = lab(rng)
    L.listen(http(3000, delay=0.3))
    done = []

    def rule(f):
        if f.tcp and f.hop == 0 and f.toward_server and craft.text_len(f.data, f.tcp) > 0 and not done:
            done.append(1)
            rst = craft.forged_rst(f.data, f.tcp, craft.ttl(f.data, f.tcp), False, 3000000)
            return [(False, craft.answer_frame(f.data, rst)), (True, f.data)]
        return None
    L.relay.rule = rule
    L.record()
    fetch(L)
    return L


@healthy
def enough_at_once(rng):
    """As above, before it has acknowledged the last of it: the RST does."""
    L = lab(rng)
    size = rng.randrange(100, 3000)
    L.listen(http(size, close=False))
    L.record()
    s = L.connect()
    s.sendall(GET)
    total = 0
    while total < size:
        total += len(s.recv(65536))
    abort(s)
    return L


@healthy
def health_check(rng):
    """A load balancer asks whether the port is open, and hangs up with RST, again and again."""
    L = lab(rng)
    L.listen(lambda s: s.recv(10))
    L.record()
    for _ in range(rng.randrange(2, 9)):
        s = L.connect()
        time.sleep(rng.choice((0, 0.1)))
        abort(s)
    return L


@healthy
def reset_behind_the_end(rng):
    """Server and client are done; the server answers the client's FIN, or what comes with it, by RST."""
    L = lab(rng)
    late = rng.random() < 0.5

    def serve(s):
        s.recv(4096)
        s.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 700)
        if late:
            s.close()
            return
        while s.recv(4096):
            pass
        abort(s)
    L.listen(serve)
    L.record()
    s = L.connect()
    s.sendall(GET)
    s.recv(4096)
    if late:
        time.sleep(0.3)
        s.sendall(b"bye")
    s.close()
    return L


@healthy
def server_closes_at_once(rng):
    """A service that says nothing and closes in order, as daytime or a full server does."""
    L = lab(rng)
    text = rng.choice((b"", b"Sat Nov 21\r\n"))
    L.listen(lambda s: (s.sendall(text), s.close()))
    L.record()
    for _ in range(rng.randrange(1, 5)):
        s = L.connect()
        read_all(s)
        s.close()
    return L


@healthy
def pipelined(rng):
    """Requests follow each other without waiting; many answers, one connection."""
    L = lab(rng)

    def serve(s):
        while s.recv(16384):
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n" + b"x" * 900)
        s.close()
    L.listen(serve)
    L.record()
    s = L.connect()
    for _ in range(rng.randrange(5, 30)):
        s.sendall(GET)
        time.sleep(rng.choice((0, 0.01)))
    s.shutdown(socket.SHUT_WR)
    read_all(s)
    s.close()
    return L


@healthy
def slow_reader(rng):
    """A player that reads at its own speed; the window is small, closes and opens."""
    L = lab(rng)
    L.listen(lambda s: (s.recv(100), s.sendall(b"v" * 120000), s.close()))
    L.record()
    s = L.connect(rcvbuf=16384)
    s.sendall(GET)
    while s.recv(8192):
        time.sleep(0.04)
    s.close()
    return L
