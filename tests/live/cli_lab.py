"""A client, a router and a server, each in a network namespace, for the verbs that look at a network.

The client's namespace is the one of the test (cli_lib.enter() made it). The others live as long as a
process each, which is ended by its pid.

    client 192.0.2.10, 2001:db8:c::10  --  router  --  server 198.51.100.20, 2001:db8:5::20
"""
import atexit
import os
import re
import socket
import subprocess

from cli_lib import Wrong, expect, folder, run, start, started, trivet, wait

CLIENT, SERVER = "192.0.2.10", "198.51.100.20"
CLIENT6, SERVER6 = "2001:db8:c::10", "2001:db8:5::20"
ROUTER, ROUTER6 = "192.0.2.1", "2001:db8:c::1"

holders = {}


def sh(where, command, check=True):
    """Runs a shell command in the namespace of 'client', 'router' or 'server'."""
    before = [] if where == "client" else ["nsenter", "-t", str(holders[where].process.pid), "-n"]
    status, out, err = run([*before, "sh", "-c", command])
    expect(status == 0 or not check, "%s: %s: %s%s" % (where, command, out, err))
    return out


def beside(where, command, **options):
    """Starts a program in a namespace."""
    before = [] if where == "client" else ["nsenter", "-t", str(holders[where].process.pid), "-n"]
    return start([*before, *command], **options)


def build():
    for name in ("router", "server"):
        holders[name] = start(["unshare", "-n", "sh", "-c", "ip link set lo up; echo ready; exec sleep 1000"])
        holders[name].wait_for("ready")
        started.remove(holders[name])
    router, server = (str(holders[n].process.pid) for n in ("router", "server"))
    quiet = ("for k in all default; do sysctl -qw net.ipv6.conf.$k.accept_dad=0 net.ipv6.conf.$k.accept_ra=0 "
             "net.ipv4.conf.$k.rp_filter=0; done; sysctl -qw net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0 "
             "net.ipv4.icmp_msgs_per_sec=100000 net.ipv4.icmp_msgs_burst=100000 2>/dev/null; true")
    for where in ("client", "router", "server"):
        sh(where, quiet)
    sh("client", "ip link add eth0 type veth peer name lan netns %s" % router)
    sh("router", "ip link add wan type veth peer name eth0 netns %s" % server)
    for where, device, four, six in (("client", "eth0", CLIENT, CLIENT6), ("router", "lan", ROUTER, ROUTER6),
                                     ("router", "wan", "198.51.100.1", "2001:db8:5::1"),
                                     ("server", "eth0", SERVER, SERVER6)):
        sh(where, "ip addr add %s/24 dev %s; ip addr add %s/64 dev %s nodad; ip link set %s up" % (
            four, device, six, device, device))
    sh("router", "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1")
    for where, four, six in (("client", ROUTER, ROUTER6), ("server", "198.51.100.1", "2001:db8:5::1")):
        sh(where, "ip route add default via %s; ip -6 route add default via %s" % (four, six))


    expect(wait(lambda: answers(SERVER) and answers(SERVER6)), "the server is not reached")


def answers(host):
    """Does the kernel of that host answer (a port where nobody listens)?"""
    try:
        socket.create_connection((host, 9), 0.5).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        pass
    return False


def filters(where, *rules, hook=None):
    """The one table of a namespace: these rules at `hook`, else where they meet what arrives."""
    sh(where, "nft delete table inet t", check=False)
    if not rules:
        return
    hook = hook or ("forward" if where == "router" else "input")
    text = "add table inet t; add chain inet t c { type filter hook %s priority 0; };" % hook
    sh(where, "nft '%s'" % (text + " ".join("add rule inet t c %s;" % r for r in rules)))


LISTENER = """
import socket, sys, time
listeners = []
for port in sys.argv[2:]:
    s = socket.socket(socket.AF_INET6)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("::", int(port)))
    s.listen(100)
    listeners.append(s)
print("ready", flush=True)
while len(listeners) > 1:
    time.sleep(1000)
while True:
    c, peer = listeners[0].accept()
    try:
        if sys.argv[1] == "greet":
            c.sendall(b"220 hello\\r\\n")
            c.recv(1000)
        elif sys.argv[1] == "reset":
            c.recv(1)
            c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\\1\\0\\0\\0\\0\\0\\0\\0")
        elif sys.argv[1] == "page":
            text = b""
            while b"\\r\\n\\r\\n" not in text:
                text += c.recv(4096) or b"\\r\\n\\r\\n"
            c.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\n" + b"x" * 100000)
        elif sys.argv[1] == "stream":
            while True:
                c.sendall(b"x" * 65536)
        elif sys.argv[1] == "goodbye":
            c.sendall(b"220 hello\\r\\n")
            c.recv(1000)
            c.sendall(b"421 goodbye\\r\\n")
        elif sys.argv[1] == "answer":
            while c.recv(4096):
                c.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
        elif sys.argv[1] == "silent":
            while c.recv(100000):
                pass
    except OSError:
        pass
    c.close()
"""


def listen(mode, *ports, where="server"):
    program = beside(where, ["python3", "-c", LISTENER, mode, *[str(p) for p in ports]])
    program.wait_for("ready")
    return program


def nobody():
    """The words that run a program without rights: as an ordinary user, where there is another one."""
    drop = ["setpriv", "--inh-caps=-all", "--bounding-set=-all"]
    with open("/proc/self/uid_map", encoding="ascii") as f:
        if int(f.read().split()[2]) > 65534:
            drop += ["--reuid=65534", "--regid=65534", "--clear-groups"]
    return drop


RELAY = """
import heapq, select, socket, sys, time
sockets = []
for name in sys.argv[2:]:
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
    s.bind((name, 3))
    sockets.append(s)
print("ready", flush=True)
waiting = []
while True:
    left = max(0, waiting[0][0] - time.monotonic()) if waiting else None
    for s in select.select(sockets, [], [], left)[0]:
        frame, origin = s.recvfrom(65536)
        if origin[2] != socket.PACKET_OUTGOING:
            to = sockets[1 - sockets.index(s)].fileno()
            heapq.heappush(waiting, (time.monotonic() + float(sys.argv[1]), len(waiting), to, frame))
    while waiting and waiting[0][0] <= time.monotonic():
        _, _, to, frame = heapq.heappop(waiting)
        next(s for s in sockets if s.fileno() == to).send(frame)
"""
FAR = "10.77.0.2"


def long_path(seconds):
    """A second way from client to server, to the address FAR, on which a packet takes so long."""
    if "relay" not in holders:
        holders["relay"] = start(["unshare", "-n", "sh", "-c", "ip link set lo up; echo ready; exec sleep 1000"])
        holders["relay"].wait_for("ready")
        started.remove(holders["relay"])
        sh("client", "ip link add far type veth peer name left netns %d" % holders["relay"].process.pid)
        sh("server", "ip link add far type veth peer name right netns %d" % holders["relay"].process.pid)
        sh("relay", "sysctl -qw net.ipv6.conf.all.disable_ipv6=1; ip link set left up; ip link set right up")
        for where, address in (("client", "10.77.0.1"), ("server", FAR)):
            sh(where, "ethtool -K far tx off tso off gso off >/dev/null 2>&1; ip addr add %s/30 dev far; "
               "ip link set far up" % address)
    beside("relay", ["python3", "-c", RELAY, str(seconds), "left", "right"]).wait_for("ready")


def with_names(names, command):
    """The command with /etc/hosts as given; in a mount namespace of its own."""
    path = os.path.join(folder(), "hosts")
    with open(path, "w", encoding="ascii") as f:
        f.write(names)
    return ["unshare", "-m", "sh", "-c", 'mount --bind "$0" /etc/hosts && exec "$@"', path, *command]


def stop_lab():
    for holder in holders.values():
        try:
            holder.end()
        except (OSError, Wrong, subprocess.SubprocessError):
            pass


atexit.register(stop_lab)


def words(text):
    """The verdicts of a report."""
    return re.findall(r"^(?:problem|note|unknown): ([a-z0-9-]+)", text, re.M)


def tool(*arguments):
    return [trivet(), *[str(a) for a in arguments]]
