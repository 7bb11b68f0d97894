"""What situations share. Each is a conversation with the truth at every capture point.

A situation makes its network, does what it is about with ordinary sockets, and returns the network and
the word that is true at each point (see net.POINTS); a point that is left out shows nothing of it. The
truth comes from what was set up here. Everything that varies comes from rng.
"""
import socket
import time

import craft
from net import Lab, read_all

# How many times as often as others a situation is made that has many variants; rng.index tells which it is.
OFTEN = {"router_error": 10, "rejected": 5, "flood": 2, "extension_headers": 2}
ALL = ("client", "lan", "wan", "server")
NEAR, FAR = ("client", "lan"), ("wan", "server")
SITUATIONS = {}
GET = b"GET / HTTP/1.0\r\nHost: example.test\r\n\r\n"
SYNACK = "tcp flags & (syn|ack) == (syn|ack)"


def situation(function):
    SITUATIONS[function.__name__] = function
    return function


def points(word, where=ALL):
    return dict.fromkeys(where, word)


def vary_stack(L, timestamps=True):
    """Ends that are not all alike: other TTLs, no timestamps, no SACK, ECN."""
    rng = L.rng
    for place in (L.c, L.s):
        place.set(ipv4__ip_default_ttl=rng.choice((64, 64, 128, 255)))
        place.set(ipv6__conf__eth0__hop_limit=rng.choice((64, 128, 255)))
        if rng.random() < 0.2:
            place.set(ipv4__tcp_sack=0)
        if timestamps and rng.random() < 0.35:
            place.set(ipv4__tcp_timestamps=0)
        if rng.random() < 0.2:
            place.set(ipv4__tcp_ecn=1)
        if rng.random() < 0.3:
            place.set(ipv4__tcp_syn_linear_timeouts=0)


def lab(rng, **options):
    L = Lab(rng, **options)
    vary_stack(L)
    return L


def http(size=200, delay=0.0, close=True):
    def serve(s):
        if not s.recv(4096):
            s.close()
            return
        if delay:
            time.sleep(delay)
        s.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
        if close:
            s.shutdown(socket.SHUT_WR)
            while s.recv(4096):
                pass
            s.close()
    return serve


def echo(s):
    while True:
        d = s.recv(4096)
        if not d:
            break
        s.sendall(d)
    s.close()


def fetch(L, **options):
    s = L.connect(**options)
    s.sendall(GET)
    read_all(s)
    s.close()


def hello(s, text=b"hello"):
    s.sendall(text)
    missing = len(text)
    while missing > 0:
        d = s.recv(missing)
        if not d:
            raise OSError("no echo")
        missing -= len(d)


def is_to(port, syn=None):
    """A test of frames: TCP to this port; syn: only, or no, opening SYNs."""
    def test(f):
        return f.tcp and craft.ports(f.data, f.tcp)[1] == port and (
            syn is None or (craft.flags(f.data, f.tcp) & (craft.SYN | craft.ACK) == craft.SYN) == syn)
    return test


def first(count, test, what="drop"):
    """A rule that does something with the first frames that pass the test."""
    left = [count]

    def rule(f):
        if left[0] and f.tcp and test(f):
            left[0] -= 1
            return what
        return None
    return rule


def is_syn(f):
    return craft.flags(f.data, f.tcp) & (craft.SYN | craft.ACK) == craft.SYN


def is_synack(f):
    return craft.flags(f.data, f.tcp) & (craft.SYN | craft.ACK) == craft.SYN | craft.ACK
