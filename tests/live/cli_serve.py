#!/usr/bin/env python3
"""trivet serve against this machine's own TCP: curl, nc and Python over IPv4 and IPv6, through TUN in
a private network namespace. What nc sees is compared with what it sees from a Linux server."""
import hashlib
import os
import re
import selectors
import signal
import socket
import struct
import subprocess
import sys
import threading

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_lib import (KERNEL, KERNEL6, Skipped, TRIVET6, TRIVET_AT, capture_count, capture_faults, enter, expect,
                     folder, need, need_tun, read_all, run, run_tests, serve, start, trivet,
                     wait)

BIG = 100 * 1000 * 1000


def site():
    """The directory that is served."""
    path = os.path.join(folder(), "site")
    if not os.path.exists(path):
        os.makedirs(os.path.join(path, "deep", "er"))
        for name, text in (("hello.txt", "hello\n"), ("deep/er/page.html", "<p>deep</p>\n"),
                           ("index.html", "<p>index</p>\n"), ("a b.txt", "blank\n"), ("empty", "")):
            with open(os.path.join(path, name), "w", encoding="ascii") as f:
                f.write(text)
        os.symlink("/etc/passwd", os.path.join(path, "outside"))
        os.mkfifo(os.path.join(path, "fifo"))
        with open(os.path.join(folder(), "secret"), "w", encoding="ascii") as f:
            f.write("secret\n")
    return path


def big_file():
    path = os.path.join(site(), "big")
    if not os.path.exists(path):
        with open(path, "wb") as f:
            block = os.urandom(1000000)
            for i in range(BIG // len(block)):
                f.write(struct.pack("!Q", i) + block[8:])
    return path


def digest(path):
    total = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            total.update(block)
    return total.hexdigest()


def curl(*arguments, deadline=100):
    return run(["curl", "-sS", "--noproxy", "*", "--path-as-is", *arguments], deadline)


def test_serve_http_100_mb_intact():
    server = serve("--http", site())
    want = digest(big_file())
    for host in (TRIVET_AT, "[%s]" % TRIVET6):
        out = os.path.join(folder(), "out")
        status, _, err = curl("-o", out, "http://%s/big" % host)
        expect(status == 0, "%s: curl says %s" % (host, err))
        expect(digest(out) == want, "%s: the file is not the same" % host)
        os.remove(out)
    expect(server.end() == 0, "serve did not end well: " + server.text)


def test_serve_http_1000_curls_at_once():
    server = serve("--http", site())
    many = [subprocess.Popen(["curl", "-sS", "--noproxy", "*", "--max-time", "60", "http://%s/hello.txt" % host],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            for host in [TRIVET_AT, "[%s]" % TRIVET6] * 500]
    wrong = [out for out in (p.communicate(timeout=90)[0] for p in many) if out != b"hello\n"]
    expect(not wrong, "%d of 1000 failed: %s" % (len(wrong), wrong[:2]))
    expect(server.end() == 0, "serve did not end well")
    expect(len(re.findall(r' 200 "GET /hello.txt"', server.text)) == 1000, "it did not log 1000 requests")


def test_serve_http_answers_as_http_asks():
    serve("--http", site())
    base = "http://" + TRIVET_AT
    cases = (("/", 200, "<p>index</p>\n"), ("/hello.txt", 200, "hello\n"), ("/a%20b.txt", 200, "blank\n"),
             ("/deep/er/page.html?x=1", 200, "<p>deep</p>\n"), ("/deep/./er/page.html", 200, "<p>deep</p>\n"),
             ("/empty", 200, ""), ("/absent", 404, None), ("/deep", 404, None), ("/../secret", 403, None),
             ("/deep/../../secret", 403, None), ("/%2e%2e/secret", 403, None), ("/..%2fsecret", 400, None),
             ("/outside", 403, None), ("/fifo", 403, None), ("/hello.txt/x", 404, None), ("/%zz", 400, None),
             ("/%00", 400, None))
    for path, want, body in cases:
        status, out, err = curl("-w", "\n%{http_code}", base + path)
        expect(status == 0, "%s: %s" % (path, err))
        text, code = out.rsplit("\n", 1)
        expect(int(code) == want, "%s: %s, not %d" % (path, code, want))
        expect(body is None or text == body, "%s: %r" % (path, text))
        expect("secret\n" not in text and "root:" not in text, "%s leaves the directory" % path)
    status, out, err = curl("-I", base + "/hello.txt")
    expect(status == 0 and "Content-Length: 6" in out and "200 OK" in out, out)
    status, out, err = curl("-v", base + "/hello.txt", base + "/empty")
    expect("Re-using existing connection" in err or "Reusing existing connection" in err, "no keep-alive: " + err)
    status, out, err = curl("-0", "-v", base + "/hello.txt")
    expect(out == "hello\n" and "Connection: close" in err, "HTTP/1.0: " + err)
    status, out, err = curl("-w", "%{http_code}", "-d", "x=1", base + "/")
    expect(out.endswith("405"), "POST: " + out)


def talk(text, host=TRIVET_AT, port=80):
    with socket.create_connection((host, port), 20) as s:
        s.sendall(text)
        answer = b""
        try:
            while True:
                piece = s.recv(65536)
                if not piece:
                    break
                answer += piece
        except ConnectionResetError:
            pass
        return answer


def test_serve_http_takes_nothing_on_trust():
    server = serve("--http", site())
    expect(talk(b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 400"), "no Host is taken")
    expect(talk(b"\x16\x03\x01\x00\r\n\r\n").startswith(b"HTTP/1.1 400"), "TLS is taken for a request")
    expect(talk(b"GET / HTTP/2.0\r\n\r\n").startswith(b"HTTP/1.1 400"), "HTTP/2.0 is taken")
    expect(talk(b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n").startswith(b"HTTP/1.1 431"), "a long line is taken")
    two = b"GET /hello.txt HTTP/1.1\r\nHost: x\r\n\r\n" + b"HEAD / HTTP/1.1\nHost: x\nConnection: close\n\n"
    expect(talk(two).count(b"HTTP/1.1 200 OK") == 2, "two requests in one segment")
    talk(b"GET /\x1b[31mred HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    server.end()
    expect("\x1b" not in server.text and "\\x1b[31mred" in server.text, "the log is not escaped")


def test_serve_echo_2000_connections_at_once():
    serve("--echo", port=7)
    chosen, open_now, done = selectors.DefaultSelector(), [], 0
    for i in range(2000):
        v6 = i % 2
        s = socket.socket(socket.AF_INET6 if v6 else socket.AF_INET)
        s.setblocking(False)
        s.connect_ex((TRIVET6 if v6 else TRIVET_AT, 7))
        open_now.append(s)
        chosen.register(s, selectors.EVENT_WRITE, [b"%d\n" % i, b""])
    greatest = len(open_now)
    while chosen.get_map():
        ready = chosen.select(20)
        expect(ready, "%d connections are stuck" % len(chosen.get_map()))
        for key, _ in ready:
            s, (text, got) = key.fileobj, key.data
            if key.events & selectors.EVENT_WRITE:
                error = s.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                expect(error == 0, os.strerror(error))
                s.sendall(text)
                s.shutdown(socket.SHUT_WR)
                chosen.modify(s, selectors.EVENT_READ, key.data)
                continue
            piece = s.recv(100)
            key.data[1] = got + piece
            if not piece:
                expect(key.data[1] == text, "sent %r, got %r" % (text, key.data[1]))
                chosen.unregister(s)
                s.close()
                done += 1
    expect(done == greatest == 2000, "%d of %d" % (done, greatest))


def test_serve_echo_20_mb_each_way_at_once():
    serve("--echo", port=7)
    text = os.urandom(1 << 20) * 20
    for host in (TRIVET_AT, TRIVET6):
        with socket.create_connection((host, 7), 30) as s:
            def write(to=s):
                to.sendall(text)
                to.shutdown(socket.SHUT_WR)
            writer = threading.Thread(target=write)
            writer.start()
            got = read_all(s)
            writer.join()
        expect(got == text, "%s: %d bytes came back, or others" % (host, len(got)))


# ------------------------------------------------------------------------------------------------
# nc: the same from Trivet and from a Linux server

LINUX_SERVER = r"""
import socket, struct, sys
kind, host, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
s = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((host, port)); s.listen(8); print("listens", flush=True)
while True:
    c, _ = s.accept()
    while True:
        d = c.recv(65536)
        if kind == "abort":
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); break
        if not d: break
        if kind == "echo": c.sendall(d)
    c.close()
"""


def nc(host, port, text, *flags):
    """What a user of nc sees: status, output, complaint without the address."""
    status, out, err = run(["nc", "-v", "-n", "-w", "10", *flags, host, str(port)], 30, input=text)
    err = err.replace(host, "HOST").replace(str(port), "PORT")
    return status, out, re.sub(r"^nc: ", "", err.strip())


def same_from_both(kind, text, *flags):
    serve("--" + kind, port=7007)
    for ours, theirs in ((TRIVET_AT, KERNEL), (TRIVET6, KERNEL6)):
        linux = start([sys.executable, "-c", LINUX_SERVER, kind, theirs, "7008"])
        linux.wait_for("listens")
        a, b = nc(ours, 7007, text, *flags), nc(theirs, 7008, text, *flags)
        linux.end()
        expect(a == b, "Trivet: %s, Linux: %s" % (a, b))
    return a


def test_serve_nc_sees_half_close_as_from_linux():
    status, out, _ = same_from_both("echo", b"one\ntwo\n", "-N")
    expect(status == 0 and out == "one\ntwo\n", "nc got %d, %r" % (status, out))


def test_serve_nc_sees_discard_as_from_linux():
    status, out, _ = same_from_both("discard", b"x" * 100000, "-N")
    expect(status == 0 and out == "", "nc got %d, %r" % (status, out))


def test_serve_nc_sees_refused_as_from_linux():
    serve("--echo", port=7007)
    for ours, theirs in ((TRIVET_AT, KERNEL), (TRIVET6, KERNEL6)):
        a, b = nc(ours, 7999, b""), nc(theirs, 7999, b"")
        expect(a == b and a[0] != 0 and "refused" in a[2], "Trivet: %s, Linux: %s" % (a, b))


def test_serve_nc_sees_abort_as_from_linux():
    same_from_both("abort", b"hello\n")


def test_serve_socket_sees_reset_as_from_linux():
    """nc prints nothing at a reset; a socket tells ECONNRESET."""
    serve("--abort", port=7007)
    for host in (TRIVET_AT, TRIVET6):
        with socket.create_connection((host, 7007), 20) as s:
            s.sendall(b"hello")
            try:
                got = s.recv(100)
                expect(False, "no reset, but %r" % got)
            except ConnectionResetError:
                pass


def test_serve_peer_that_aborts_is_told():
    server = serve("--echo", port=7)
    with socket.create_connection((TRIVET_AT, 7), 20) as s:
        s.sendall(b"hello")
        expect(s.recv(100) == b"hello", "no echo")
        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    server.wait_for("reset by the peer")


# ------------------------------------------------------------------------------------------------

def test_serve_captures_are_faultless():
    need("tshark")
    path = os.path.join(folder(), "serve.pcap")
    with open(os.path.join(site(), "medium"), "wb") as f:
        f.write(os.urandom(3000000))
    server = serve("--http", site(), "-w", path)
    for host in (TRIVET_AT, "[%s]" % TRIVET6):
        expect(curl("-o", "/dev/null", "http://%s/medium" % host, "http://%s/hello.txt" % host)[0] == 0, "curl")
        nc(host.strip("[]"), 81, b"")
    ping(TRIVET_AT)
    expect(server.end() == 0, "serve did not end well")
    expect(capture_count(path, "tcp") > 1000, "too few packets in the capture")
    faults = capture_faults(path)
    expect(faults == "", "tshark: " + faults)


def ping(host):
    """Sends one echo request; returns what comes back as ICMP, or None."""
    v6 = ":" in host
    text = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, 77, 1) + b"are you there?"
    if not v6:
        total = sum(struct.unpack("!11H", text))
        text = text[:2] + struct.pack("!H", ~(total % 65535) & 65535) + text[4:]
    with socket.socket(socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_RAW,
                       socket.getprotobyname("ipv6-icmp" if v6 else "icmp")) as s:
        s.settimeout(10)
        s.connect((host, 0))
        s.send(text)
        answer = s.recv(2000)
    return answer if v6 else answer[20:]


def test_serve_ping_is_answered():
    serve("--echo", port=7)
    for host, kind in ((TRIVET_AT, 0), (TRIVET6, 129)):
        answer = ping(host)
        expect(answer[0] == kind and answer[4:] == struct.pack("!HH", 77, 1) + b"are you there?",
               "%s: %r" % (host, answer))


def test_serve_self_swaps_the_ends():
    server = start([trivet(), "serve", "--self", "--addr", "10.9.5.1/24", "7"])
    server.wait_for("nc -N 10.9.5.1 7")
    status, out, err = run(["nc", "-N", "10.9.5.1", "7"], input=b"hello\n")
    expect(status == 0 and out == "hello\n", out + err)
    expect("10.9.5.2/24" in run(["ip", "addr", "show", "tv0"])[1], "the kernel has not the other address")


def test_serve_device_of_somebody_else_stays():
    for command in ("ip tuntap add dev tv7 mode tun", "ip addr add 10.9.7.1/24 dev tv7", "ip link set tv7 up"):
        expect(run(command.split())[0] == 0, command)
    server = start([trivet(), "serve", "--tun", "tv7", "--addr", "10.9.7.1/24", "7"])
    server.wait_for("Try:")
    expect(run(["nc", "-N", "10.9.7.2", "7"], input=b"hello\n")[1] == "hello\n", "no echo")
    expect(server.end() == 0, "serve did not end well: " + server.text)
    expect(run(["ip", "link", "show", "tv7"])[0] == 0, "the device is gone")
    run(["ip", "link", "delete", "tv7"])


CURE = r"""
set -e
mount -t tmpfs none /dev/net
mknod -m 600 /dev/net/tun c 10 200
ordinary="setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all"
status=0
$ordinary "$0" serve --echo --addr 10.9.0.1/24 7 2> "$1" || status=$?
test $status = 3
sed -n 's/^  sudo //p' "$1" | sh -e
exec $ordinary "$0" serve --echo --addr 10.9.0.1/24 7
"""


def test_serve_printed_cure_lets_an_ordinary_user_serve():
    if os.stat("/dev/net/tun").st_uid != 0 or os.geteuid() != 0:
        raise Skipped("it begins as root")
    said = os.path.join(folder(), "said")
    server = start(["unshare", "-m", "sh", "-c", CURE, trivet(), said])
    server.wait_for("Try:")
    expect("ip tuntap add dev tv0 mode tun user" in open(said, encoding="utf-8").read(), "no tuntap line")
    expect(run(["nc", "-N", TRIVET_AT, "7"], input=b"hello\n")[1] == "hello\n", "no echo")
    expect(server.end() == 0, "serve did not end well: " + server.text)
    expect(run(["ip", "link", "delete", "tv0"])[0] == 0, "the prepared device is gone")


def test_serve_ends_on_signals_and_leaves_nothing():
    for how in (signal.SIGINT, signal.SIGTERM):
        server = serve("--echo", port=7)
        with socket.create_connection((TRIVET_AT, 7), 20) as s:
            s.sendall(b"hello")
            expect(s.recv(100) == b"hello", "no echo")
            expect(server.end(how) == 0, "exit status")
            s.settimeout(20)
            try:
                got = s.recv(100)
                expect(False, "the connection was not reset, but gave %r" % got)
            except OSError:
                pass
        expect(wait(lambda: run(["ip", "link", "show", "tv0"])[0] != 0), "the device is still there")


def main():
    need("unshare", "ip", "curl", "nc")
    enter()
    need_tun()
    run_tests([f for n, f in sorted(globals().items()) if n.startswith("test_")])


main()
