#!/usr/bin/env python3
"""trivet connect against this machine's own TCP, through TUN in a private network namespace."""
import hashlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_lib import (KERNEL, KERNEL6, TRIVET_AT, capture_faults, enter, expect, folder, need, need_tun, read_all, run,
                     run_tests, start, trivet, tshark)

ENDS = ["--tun", "tv0", "--addr", KERNEL + "/24", "--addr", KERNEL6 + "/64"]


def connect(host, port, *flags, **options):
    return run([trivet(), "connect", *ENDS, *flags, host, str(port)], 60, **options)


class Server:
    """A Linux server for one connection: reads to the end, then answers and closes."""

    def __init__(self, family, answer=b"", answer_first=False, refuse_to_read=False):
        self.socket = socket.socket(family)
        self.socket.bind(("::" if family == socket.AF_INET6 else "0.0.0.0", 0))
        self.socket.listen(1)
        self.socket.settimeout(30)
        self.port = self.socket.getsockname()[1]
        self.got, self.answer, self.first, self.peer = b"", answer, answer_first, None
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        try:
            c, self.peer = self.socket.accept()
        except OSError:
            return
        with c:
            if self.first:
                c.sendall(self.answer)
                c.shutdown(socket.SHUT_WR)
            self.got = read_all(c)
            if not self.first:
                c.sendall(self.answer)

    def end(self):
        self.thread.join(30)
        self.socket.close()
        return self.got


FAMILIES = ((socket.AF_INET, KERNEL), (socket.AF_INET6, KERNEL6))


def test_connect_half_close_then_answer():
    for family, host in FAMILIES:
        server = Server(family, b"the answer\n")
        status, out, err = connect(host, server.port, input=b"the question\n")
        got = server.end()
        expect(status == 0, "%s: status %d: %s" % (host, status, err))
        expect(got == b"the question\n" and out == "the answer\n", "server got %r, we %r" % (got, out))
        expect("Connected" in err and " ms." in err, "what it says: " + err)
        expect(server.peer[0].endswith(TRIVET_AT if family == socket.AF_INET else "fd00:9::2"),
               "it came from %s" % (server.peer,))


def test_connect_20_mb_each_way():
    text = os.urandom(20 << 20)
    path = os.path.join(folder(), "text")
    with open(path, "wb") as f:
        f.write(text)
    for family, host in FAMILIES:
        server = Server(family, text)
        with open(path, "rb") as stdin:
            done = subprocess.run([trivet(), "connect", *ENDS, host, str(server.port)], stdin=stdin,
                                  capture_output=True, timeout=120, check=False)
        got = server.end()
        expect(done.returncode == 0, done.stderr)
        expect(hashlib.sha256(got).digest() == hashlib.sha256(text).digest(), "the server got other bytes")
        expect(done.stdout == text, "%d bytes came back, or others" % len(done.stdout))


def test_connect_server_that_speaks_first_and_closes():
    server = Server(socket.AF_INET, b"220 hello\r\n", answer_first=True)
    status, out, err = connect(KERNEL, server.port, input=b"")
    server.end()
    expect(status == 0 and out == "220 hello\r\n", "status %d: %r %s" % (status, out, err))


def test_connect_slow_output_loses_nothing():
    text = b"0123456789abcdef" * 65536 * 4
    server = Server(socket.AF_INET, text)
    command = "%s connect -q %s %s %d < /dev/null | (read -n 1 x; sleep 1; printf %%s \"$x\"; cat) | sha256sum" % (
        trivet(), " ".join(ENDS), KERNEL, server.port)
    status, out, err = run(["bash", "-c", command])
    server.end()
    expect(status == 0 and out.split()[0] == hashlib.sha256(text).hexdigest(), out + err)


def test_connect_refused_fails():
    for _, host in FAMILIES:
        status, out, err = connect(host, 9)
        expect(status == 1 and out == "" and "refused" in err, "status %d: %s" % (status, err))


def test_connect_timeout_is_kept():
    run(["ip", "tuntap", "add", "dev", "tv0", "mode", "tun"])
    run(["ip", "addr", "add", KERNEL + "/24", "dev", "tv0"])
    run(["ip", "link", "set", "tv0", "up"])
    run(["nft", "add table inet t; add chain inet t i { type filter hook input priority 0; }; "
         "add rule inet t i tcp dport 4444 drop"])
    status, _, err = connect(KERNEL, 4444, "--timeout", "1500ms")
    run(["nft", "delete", "table", "inet", "t"])
    run(["ip", "link", "delete", "tv0"])
    expect(status == 1 and "no answer within 1.5 s" in err, "status %d: %s" % (status, err))
    expect("trivet check" in err, "the other verb is not named: " + err)


def test_connect_without_a_way_names_the_purpose():
    for host in ("192.0.2.77", "2001:db8::77"):
        status, _, err = connect(host, 80)
        expect(status == 1, "status %d" % status)
        expect("there is no way from tv0" in err and "trivet check %s 80" % host in err, err)
    status, _, err = run([trivet(), "connect", "192.0.2.77", "80"])
    expect(status == 2 and "--addr" in err and "trivet check" in err, "status %d: %s" % (status, err))


def test_connect_interrupted_resets():
    listener = socket.socket()
    listener.bind(("0.0.0.0", 0))
    listener.listen(1)
    listener.settimeout(20)
    client = start([trivet(), "connect", *ENDS, KERNEL, str(listener.getsockname()[1])],
                   stdin=subprocess.PIPE)
    peer, _ = listener.accept()
    client.wait_for("Connected")
    expect(client.end(signal.SIGINT) == 1, "exit status")
    peer.settimeout(20)
    try:
        got = peer.recv(100)
        expect(False, "no reset, but %r" % got)
    except ConnectionResetError:
        pass
    peer.close()
    listener.close()


def test_connect_json_tells_what_happened():
    server = Server(socket.AF_INET, b"the answer\n")
    status, out, err = connect(KERNEL, server.port, "--json", input=b"abc")
    server.end()
    first, last = (json.loads(line) for line in err.splitlines())
    expect(status == 0 and out == "the answer\n", out)
    expect(first["what"] == "connected" and first["handshake_ns"] > 0, first)
    expect(last["what"] == "ended" and last["received"] == 11 and last["sent"] == 3, last)


def test_connect_captures_are_faultless():
    need("tshark")
    path = os.path.join(folder(), "connect.pcap")
    for family, host in FAMILIES:
        server = Server(family, b"x" * 1000000)
        status, out, err = connect(host, server.port, "-w", path, input=b"hello\n")
        server.end()
        expect(status == 0 and len(out) == 1000000, err)
        faults = capture_faults(path)
        expect(faults == "", "tshark: " + faults)
        fins = {tuple(f) for f in tshark(path, "tcp.flags.fin == 1", "tcp.srcport", "tcp.seq_raw", "tcp.len")}
        expect(len(fins) == 2, "the FINs are %s" % fins)


def test_connect_trivet_to_trivet_through_the_kernel():
    """Two devices, two stacks, and this machine's forwarding between them."""
    for name in ("net/ipv4/ip_forward", "net/ipv6/conf/all/forwarding"):
        with open("/proc/sys/" + name, "w", encoding="ascii") as f:
            f.write("1\n")
    server = start([trivet(), "serve", "--tun", "tv9", "--addr", "10.9.9.1/24", "--addr", "fd00:99::1/64", "7"])
    server.wait_for("Try:")
    for host in ("10.9.9.2", "fd00:99::2"):
        status, out, err = connect(host, 7, input=b"hello\n")
        expect(status == 0 and out == "hello\n", "%s: %d, %r, %s" % (host, status, out, err))


def main():
    need("unshare", "ip", "nft", "bash")
    enter()
    need_tun()
    run_tests([f for n, f in sorted(globals().items()) if n.startswith("test_")])


main()
