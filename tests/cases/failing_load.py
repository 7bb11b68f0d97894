"""A listener under load, and what it does to its clients and they to it."""
import time

from base import GET, echo, hello, lab, points, situation


@situation
def backlog_of_proxy(rng):
    """One client alone is ignored by a full queue, seen at the server: the ACK did arrive."""
    L = lab(rng, delays=(0.04, 0.002))
    L.s.set(ipv4__tcp_synack_retries=3, ipv4__tcp_syncookies=0)
    L.listen(backlog=1)
    L.connect()
    L.record()

    def client():
        s = L.connect()
        s.sendall(GET)
        s.settimeout(6)
        s.recv(10)
    L.together(*[client] * 4)
    time.sleep(7)
    return L, points("accept-queue-overflow")


@situation
def queue_ignores_ack(rng):
    """Nobody accepts: the final ACK of what does not fit is ignored."""
    L = lab(rng, delays=(rng.choice((0.03, 0.05, 0.07)), 0.005))
    L.s.set(ipv4__tcp_synack_retries=3)
    backlog = rng.choice((2, 4))
    L.listen(backlog=backlog)
    L.record()
    if rng.random() < 0.6:
        for _ in range(backlog):
            L.connect()
            time.sleep(0.3)

    def client():
        s = L.connect()
        s.sendall(GET)
        s.settimeout(8)
        s.recv(10)
    L.together(*[client] * (backlog + rng.choice((2, 3, 4))))
    time.sleep(8.5)
    return L, points("accept-queue-overflow")


@situation
def queue_drops_syn(rng):
    L = lab(rng)
    backlog = rng.choice((1, 2, 3))
    L.listen(backlog=backlog)
    L.record()
    for _ in range(backlog + 1):
        s = L.connect()
        s.sendall(GET)
        time.sleep(rng.choice((0.2, 0.4)))
    for _ in range(rng.choice((1, 2))):
        L.try_connect(timeout=3.4)
    return L, points("accept-queue-full-syn-dropped")


@situation
def queue_resets(rng):
    L = lab(rng, delays=(rng.choice((0.03, 0.05)), 0.005))
    L.s.set(ipv4__tcp_abort_on_overflow=1)
    backlog = rng.choice((2, 4))
    L.listen(backlog=backlog)
    for _ in range(backlog):
        L.connect()
        time.sleep(0.2)
    L.record()

    def client():
        s = L.connect()
        s.sendall(GET)
        s.settimeout(2)
        s.recv(10)
    L.together(*[client] * 4)
    time.sleep(2.5)
    return L, points("accept-queue-overflow-reset")


@situation
def ports_exhausted(rng):
    L = lab(rng)
    low, count = rng.randrange(20000, 60000), rng.choice((8, 12, 20, 40))
    L.c.set(ipv4__ip_local_port_range="%d %d" % (low, low + count - 1))
    L.listen(echo)
    L.record()
    for _ in range(count + 3):
        s = L.try_connect()
        if s:
            hello(s)
            s.close()
            time.sleep(0.01)
    return L, points("time-wait-port-exhaustion")


@situation
def never_closed(rng):
    L = lab(rng)
    kept = []

    def serve(s):
        while True:
            d = s.recv(4096)
            if not d:
                break
            s.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        kept.append(s)
    L.listen(serve)
    L.record()
    for _ in range(rng.choice((4, 6, 9))):
        s = L.connect()
        s.sendall(GET)
        s.recv(4096)
        s.close()
        time.sleep(rng.choice((0.05, 0.3)))
    time.sleep(6)
    return L, points("close-wait-leak")
