#!/usr/bin/env python3
"""trivet serve in a flood of SYNs, behind TUN in a private network namespace: what it prints, whom it serves,
and what a connection that a cookie opened looks like to this machine's own TCP."""
import os
import random
import re
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_lib import TRIVET6, TRIVET_AT, enter, expect, need, need_tun, read_all, run_tests, serve, wait


def ones(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def syn(source, sport, dport):
    """An IPv4 packet with a SYN and the options that Linux sends."""
    options = struct.pack("!BBHBBBBIIBBBB", 2, 4, 1460, 4, 2, 8, 10, random.getrandbits(32), 0, 1, 3, 3, 7)
    tcp = struct.pack("!HHIIBBHHH", sport, dport, random.getrandbits(32), 0, 10 << 4, 2, 64240, 0, 0) + options
    ends = socket.inet_aton(source) + socket.inet_aton(TRIVET_AT)
    total = ones(ends + struct.pack("!HH", 6, len(tcp)) + tcp)
    tcp = tcp[:16] + struct.pack("!H", total) + tcp[18:]
    return struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0) + ends + tcp


def flood(count, port):
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW) as raw:
        for _ in range(count):
            source = "10.%d.%d.%d" % (random.randrange(100, 200), random.randrange(256), random.randrange(1, 255))
            raw.sendto(syn(source, random.randrange(1024, 65536), port), (TRIVET_AT, 0))


def echo(host, text=b"hello"):
    with socket.create_connection((host, 7), 20) as s:
        s.sendall(text)
        s.shutdown(socket.SHUT_WR)
        return read_all(s)


def test_flood_is_told_and_others_are_served():
    server = serve("--echo", "--backlog", "16", port=7)
    flood(500, 7)
    server.wait_for("A flood of SYNs to port 7 begins: more are answered with cookies")
    for host in (TRIVET_AT, TRIVET6):
        expect(echo(host) == b"hello", "no echo from " + host)
    server.wait_for("from a cookie")
    over = r"flood of SYNs to port 7 is over: .*, (\d+) SYNs, (\d+) answered with a cookie, 0 dropped; (\d+) conn"
    server.wait_for(over)
    numbers = [int(n) for n in re.search(over, server.text).groups()]
    expect(numbers[0] >= 480 and numbers[1] >= 480 and numbers[2] == 2, "the numbers: %s" % numbers)
    expect(echo(TRIVET_AT) == b"hello", "no echo after the flood")


def test_flood_without_cookies_drops():
    server = serve("--echo", "--backlog", "4", "--syn-cookies", "never", port=7)
    flood(100, 7)
    server.wait_for("A flood of SYNs to port 7 begins: more are dropped")


def options_seen(*flags):
    """What this machine's TCP has negotiated with Trivet: options (1 timestamps, 2 SACK, 4 window scale), both
    scales, MSS."""
    server = serve("--echo", *flags, port=7)
    with socket.create_connection((TRIVET_AT, 7), 20) as s:
        s.sendall(b"x")
        expect(s.recv(1) == b"x", "no echo")
        info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    expect(wait(lambda: "closed" in server.text), "the server has not seen the end: " + server.text)
    server.end()
    return (info[5] & 7, info[6], struct.unpack_from("I", info, 16)[0]), server.text


def test_cookie_keeps_options_as_linux_sees_them():
    with_cookie, said = options_seen("--syn-cookies", "always")
    expect("from a cookie" in said, "not from a cookie: " + said)
    without, said = options_seen("--syn-cookies", "never")
    expect("from a cookie" not in said, "from a cookie: " + said)
    expect(with_cookie == without and without[0] == 7, "%s with, %s without" % (with_cookie, without))


def test_syn_rate_delays_whom_it_drops():
    server = serve("--echo", "--syn-rate", "1/s", port=7)
    expect(echo(TRIVET_AT) == b"hello", "no echo")
    expect(echo(TRIVET_AT) == b"hello", "no echo after a repeated SYN")
    server.wait_for("A flood of SYNs")


def main():
    need("unshare", "ip")
    enter()
    need_tun()
    run_tests([f for n, f in sorted(globals().items()) if n.startswith("test_")])


main()
