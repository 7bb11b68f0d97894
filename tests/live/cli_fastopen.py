#!/usr/bin/env python3
"""Fast Open between trivet and this machine's own TCP, over a link with a round trip of 40 ms: what the second visit
saves, whose cookies are good where, and what SYN cookies keep. Times are those of the packets at the client's end."""
import json
import os
import re
import socket
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_lib import (KERNEL, KERNEL6, TRIVET6, TRIVET_AT, enter, expect, folder, need, need_tun, read_all, run, run_tests,
                     start, stop_all, trivet, tshark, wait)

RTT = 0.040
HERE = {socket.AF_INET: "10.7.0.1", socket.AF_INET6: "fd00:7::1"}
THERE = {socket.AF_INET: TRIVET_AT, socket.AF_INET6: TRIVET6}
PORT = 7
KEY, OLD_KEY = "01234567-89abcdef-fedcba98-76543210", "deadbeef-00112233-44556677-8899aabb"
REQUEST = b"GET / HTTP/1.0\r\n\r\n"
VISITS = 12  # the quickest of the later ones counts: a busy machine delays most of them
TCP_FASTOPEN = 23

far = None  # a process whose network namespace is the other end


def setting(name, value, inside=()):
    run([*inside, "sysctl", "-q", "-w", "%s=%s" % (name, value)])


def there(*command):
    return ["nsenter", "-t", str(far), "-n", *command]


def make_link(name):
    """The relay, and the ways over it. Returns the captures at this end and at Trivet's."""
    global PORT
    paths = [os.path.join(folder(), "%s-%s.pcap" % (name, end)) for end in ("here", "there")]
    relay = start([sys.executable, os.path.join(os.path.dirname(os.path.abspath(__file__)), "relay.py"), str(far),
                   str(RTT * 500), *paths])
    relay.wait_for("ready")
    for command in (["ip", "link", "set", "far0", "up"], there("ip", "link", "set", "near0", "up"),
                    ["ip", "addr", "add", HERE[socket.AF_INET] + "/32", "dev", "far0"],
                    ["ip", "addr", "add", HERE[socket.AF_INET6] + "/128", "dev", "far0", "nodad"],
                    ["ip", "route", "add", "10.9.0.0/24", "dev", "far0"],
                    ["ip", "route", "add", "fd00:9::/64", "dev", "far0"],
                    there("ip", "route", "add", HERE[socket.AF_INET] + "/32", "dev", "near0"),
                    there("ip", "route", "add", HERE[socket.AF_INET6] + "/128", "dev", "near0")):
        status, _, err = run(command)
        expect(status == 0, "%s: %s" % (" ".join(command), err))
    run(["ip", "tcp_metrics", "flush"])
    PORT += 1
    return paths


def key_file(text=KEY):
    path = os.path.join(folder(), "key")
    with open(path, "w", encoding="ascii") as f:
        f.write(text + "\n")
    os.chmod(path, 0o600)
    return path


def serve_there(*arguments):
    program = start(there(trivet(), "serve", "--tun", "tv0", "--addr", KERNEL + "/24", "--addr", KERNEL6 + "/64",
                          *arguments, str(PORT)))
    program.wait_for(r"Trivet listens.*Try:")
    return program


def exchange(s):
    """Half-close, then all that comes back."""
    s.shutdown(socket.SHUT_WR)
    return read_all(s)


def visit(family, host, text=REQUEST):
    """A visit of this machine's own TCP."""
    with socket.socket(family, socket.SOCK_STREAM) as s:
        for limit in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            s.setsockopt(socket.SOL_SOCKET, limit, struct.pack("ll", 20, 0))
        s.sendto(text, socket.MSG_FASTOPEN, (host, PORT))
        return exchange(s)


class LinuxServer:
    """This machine's TCP with Fast Open: sends back what it receives."""

    def __init__(self, family, host):
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind((host, PORT))
        self.socket.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN, 16)
        self.socket.listen(16)
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        try:
            while True:
                c, _ = self.socket.accept()
                with c:
                    while True:
                        piece = c.recv(1000)
                        if not piece:
                            break
                        c.sendall(piece)
        except OSError:
            pass

    def end(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.thread.join(20)


def streams(path, client):
    """For each connection of this client: seconds from the first SYN to the first octet of the answer, octets on the
    SYN, octets of them that the SYN-ACK acknowledged."""
    seen = {}
    for number, at, v4, v6, flags, length, ack in tshark(
            path, "tcp.port == %d and not icmp and not icmpv6" % PORT, "tcp.stream", "frame.time_epoch", "ip.src",
            "ipv6.src", "tcp.flags", "tcp.len", "tcp.ack"):
        s = seen.setdefault(int(number), {"syn": None, "answer": None, "carried": 0, "taken": 0})
        ours, flags = (v4 or v6) == client, int(flags, 16)
        if flags & 2 and ours and s["syn"] is None:
            s["syn"], s["carried"] = float(at), int(length)
        elif flags & 2 and not ours:
            s["taken"] = max(s["taken"], int(ack) - 1)
        if int(length) > 0 and not ours and s["answer"] is None:
            s["answer"] = float(at)
    return [(s["answer"] - s["syn"], s["carried"], s["taken"]) for _, s in sorted(seen.items())
            if s["syn"] is not None and s["answer"] is not None]


def judge(path, client, what):
    """The first visit takes two round trips, each later one has its request taken on the SYN, and the quickest of them
    takes one (others may have waited for a busy machine). Captures end a moment after the connections."""
    wait(lambda: len(streams(path, client)) >= VISITS)
    visits = streams(path, client)
    expect(len(visits) == VISITS, "%s: %d connections in the capture" % (what, len(visits)))
    first, later = visits[0], visits[1:]
    expect(first[1] == 0 and first[0] > 1.9 * RTT, "%s: the first visit: %s" % (what, first))
    for _, carried, taken in later:
        expect(carried == taken == len(REQUEST), "%s: %d octets on the SYN, %d acknowledged" % (what, carried, taken))
    # The port is this test's own: a connection of an earlier one may still look for an end that is gone.
    status, out, err = run([trivet(), "explain", path, "tcp port %d" % PORT])
    expect(status == 0 and re.findall(r"^(\w+): ([\w-]+)", out, re.M) == [("note", "ok-tfo")],
           "%s: explain: %s%s" % (what, out, err))
    best = min(v[0] for v in later)
    expect(best < 1.5 * RTT, "%s: a later visit takes %.1f ms" % (what, best * 1000))
    print("# %s: first byte after %.1f ms on the first visit, %.1f ms on a later one" % (what, first[0] * 1000,
                                                                                         best * 1000))


def test_fastopen_trivet_client_linux_server():
    for family, here in sorted(HERE.items()):
        _, path = make_link("client-%d" % family)
        server = LinuxServer(family, here)
        status, out, err = run(there(trivet(), "connect", "--tun", "tv0", "--addr", KERNEL + "/24", "--addr",
                                     KERNEL6 + "/64", "--fastopen", "--count", str(VISITS), here, str(PORT)),
                               input=REQUEST)
        server.end()
        expect(status == 0 and out == REQUEST.decode() * VISITS, "status %d: %r %s" % (status, out, err))
        expect("Data on the SYN saved one round trip" in err, err)
        judge(path, THERE[family], "Trivet to Linux, " + here)
        end_link()


def test_fastopen_linux_client_trivet_server():
    for family, host in sorted(THERE.items()):
        path, _ = make_link("server-%d" % family)
        server = serve_there("--echo", "--fastopen-key-file", key_file())
        for _ in range(VISITS):
            expect(visit(family, host) == REQUEST, "the echo")
        expect(wait(lambda s=server: s.text.count(" closed ") == VISITS and s.text.count("Fast Open") == VISITS - 1),
               server.text)
        server.end()
        judge(path, HERE[family], "Linux to Trivet, " + host)
        end_link()


def linux_there(family, host):
    """A server of this machine's TCP at Trivet's own address. Returns how to end it."""
    bits = "/32" if family == socket.AF_INET else "/128"
    run(there("ip", "addr", "add", host + bits, "dev", "lo"))
    program = start(there(sys.executable, os.path.abspath(__file__), "--serve", str(int(family)), host,
                          str(PORT)))
    program.wait_for("ready")

    def end():
        program.end()
        run(there("ip", "addr", "delete", host + bits, "dev", "lo"))
    return end


def test_fastopen_servers_with_one_key_take_each_others_cookies():
    setting("net.ipv4.tcp_fastopen_key", KEY, there())
    for family, host in sorted(THERE.items()):
        for first in ("Linux", "Trivet"):
            path, _ = make_link("keys-%d-%s" % (family, first))
            for number, who in enumerate((first, "Trivet" if first == "Linux" else "Linux")):
                if who == "Linux":
                    end = linux_there(family, host)
                else:
                    end = serve_there("--echo", "--fastopen-key-file", key_file(KEY + "," + OLD_KEY)).end
                expect(visit(family, host) == REQUEST, "the echo of visit %d" % number)
                end()
            wait(lambda p=path: len(streams(p, HERE[family])) >= 2)
            _, (_, carried, taken) = streams(path, HERE[family])
            expect(carried == taken == len(REQUEST), "a cookie of %s, %s: %d octets on the SYN, %d acknowledged by the "
                   "other" % (first, host, carried, taken))
            end_link()


def test_fastopen_cache_makes_the_first_visit_a_later_one():
    cookies = os.path.join(folder(), "cookies")
    server = LinuxServer(socket.AF_INET, "0.0.0.0")
    for outcomes in (["GRANTED", "ACCEPTED"], ["ACCEPTED", "ACCEPTED"]):
        status, _, err = run([trivet(), "connect", "--tun", "tv0", "--addr", KERNEL + "/24", "--json", "--fastopen",
                              "--count", "2", "--fastopen-cache", cookies, KERNEL, str(PORT)], input=REQUEST)
        told = [json.loads(line) for line in err.splitlines()]
        expect(status == 0 and [t["fastopen"] for t in told if t["what"] == "ended"] == outcomes, err)
        expect([t["visit"] for t in told] == [1, 1, 2, 2], err)
    server.end()
    expect(os.stat(cookies).st_mode & 0o777 == 0o600, "others may read the cookies")
    with open(cookies, "a", encoding="ascii") as f:
        f.write("not a cookie\n")
    with open(cookies, "rb") as f:
        before = f.read()
    status, _, err = run([trivet(), "connect", "--tun", "tv0", "--addr", KERNEL + "/24", "--fastopen",
                          "--fastopen-cache", cookies, KERNEL, str(PORT)], input=REQUEST)
    with open(cookies, "rb") as f:
        expect(f.read() == before, "a file that was not understood was changed")
    expect("cookies: line 3 is not" in err, err)


def test_fastopen_key_file_that_is_none_is_named():
    command = [trivet(), "serve", "--tun", "tv0", "--addr", KERNEL + "/24", "--fastopen-key-file"]
    for text, status in (("hello", 2), ("00000000-00000000-00000000-00000000", 2), (None, 3)):
        path = key_file(text) if text else os.path.join(folder(), "none")
        got, _, err = run([*command, path, str(PORT)])
        expect(got == status and "--fastopen-key-file %s: " % path in err, "status %d: %s" % (got, err))
    os.chmod(key_file(), 0o644)
    server = start([*command, os.path.join(folder(), "key"), "--json", str(PORT)])
    server.wait_for("listening")
    expect("others may read the key" in server.text, server.text)
    run(["ip", "tcp_metrics", "flush"])
    for _ in range(2):
        expect(visit(socket.AF_INET, TRIVET_AT) == REQUEST, "the echo")
    server.wait_for('(?s)"fastopen":false.*"fastopen":true')


def options_seen(family, mode):
    """What ss says of a connection to Trivet: timestamps, SACK and both scales."""
    server = serve_there("--echo", "--syn-cookies", mode)
    with socket.create_connection((THERE[family], PORT), 20) as s:
        s.sendall(b"x")
        expect(s.recv(1) == b"x", "no echo")
        text = run(["ss", "-tinoH", "dport = :%d" % PORT])[1]
    expect(wait(lambda: "closed" in server.text), "the server has not seen the end: " + server.text)
    server.end()
    found = re.findall(r"\b(ts|sack|wscale:\d+,\d+)\b", text)
    return found, "from a cookie" in server.text, text


def test_syn_cookies_keep_options_as_ss_shows():
    for family, host in sorted(THERE.items()):
        make_link("cookies-%d" % family)
        kept, cookie, text = options_seen(family, "always")
        expect(cookie, host + ": not from a cookie")
        plain, cookie, _ = options_seen(family, "never")
        expect(not cookie, host + ": from a cookie")
        expect(kept == plain and len(kept) == 3, "%s: %s with a cookie, %s without: %s" % (host, kept, plain, text))
        end_link()


def end_link():
    """The next test begins with devices and counters of its own."""
    stop_all()
    for device, inside in (("far0", []), ("near0", there())):
        wait(lambda d=device, i=inside: run([*i, "ip", "link", "show", d])[0] != 0)


def serve_alone(family, host, port):
    global PORT
    PORT = port
    server = LinuxServer(socket.AddressFamily(family), host)
    print("ready", flush=True)
    server.thread.join()


def main():
    global far
    if sys.argv[1:2] == ["--serve"]:
        serve_alone(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
        return
    need("unshare", "nsenter", "ip", "ss", "sysctl", "tshark")
    enter()
    need_tun()
    other = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo ready; exec sleep 600"], stdout=subprocess.PIPE)
    other.stdout.readline()
    far = other.pid
    try:
        run(there("ip", "link", "set", "lo", "up"))
        for name in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            setting(name, 1, there())
        for inside in ((), there()):
            setting("net.ipv4.tcp_fastopen", 3, inside)
        run_tests([f for n, f in sorted(globals().items()) if n.startswith("test_")])
    finally:
        other.kill()
        other.wait()


main()
