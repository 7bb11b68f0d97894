"""A network of this machine's own kernel, made for one case and gone with the process that made it.

    c (client) -- hop 0 -- r (router) -- hop 1 -- s (server)

Each end is a network namespace that a thread of this process holds; a hop is a pair of veths whose other
ends lie in a fourth namespace, where a relay carries frames with a delay and may drop, repeat or invent
some. Captures are taken by packet sockets with the kernel's own times: at the client, on both sides of
the router (lan, wan), and at the server. Only TCP and ICMP errors are kept.
"""
import ctypes
import heapq
import queue
import select
import socket
import struct
import subprocess
import threading
import time

import craft

LIBC = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000
TCP_REPAIR, TCP_FASTOPEN, MSG_FASTOPEN, TCP_USER_TIMEOUT = 19, 23, 0x20000000, 18
PACKET_OUTGOING, SO_TIMESTAMPNS = 4, 35
POINTS = {"client": ("c", "eth0"), "lan": ("r", "lan"), "wan": ("r", "wan"), "server": ("s", "eth0")}


class Place:
    """A network namespace, and the thread that lives in it."""

    def __init__(self):
        self.calls = queue.Queue()
        self.tid = None
        ready = threading.Event()
        threading.Thread(target=self.live, args=(ready,), daemon=True).start()
        ready.wait()
        if self.tid is None:
            raise OSError("no network namespace: are you root?")

    def live(self, ready):
        if LIBC.unshare(CLONE_NEWNET) == 0:
            self.tid = threading.get_native_id()
        ready.set()
        while True:
            call, box = self.calls.get()
            try:
                box.put((call(), None))
            except Exception as error:  # pylint: disable=broad-except
                box.put((None, error))

    def do(self, call):
        box = queue.Queue()
        self.calls.put((call, box))
        value, error = box.get()
        if error:
            raise error
        return value

    def run(self, *command, text=None):
        done = self.do(lambda: subprocess.run(command, input=text, capture_output=True, text=True, check=False))
        if done.returncode:
            raise OSError("%s: %s" % (" ".join(command), done.stderr.strip()))
        return done.stdout

    def ip(self, *lines):
        self.run("ip", "-batch", "-", text="\n".join(lines) + "\n")

    def set(self, **values):
        """Sysctls below net, with __ for the dots: ipv4__tcp_sack=0."""
        def write():
            for name, value in values.items():
                with open("/proc/sys/net/" + name.replace("__", "/"), "w", encoding="ascii") as f:
                    f.write(str(value))
        self.do(write)

    def nft(self, rules, hook="forward"):
        self.run("nft", "-f", "-", text="table inet t%d {\nchain x {\ntype filter hook %s priority 0; policy accept;\n"
                 "%s\n}\n}\n" % (time.monotonic_ns(), hook, rules))

    def nft_nat(self, rule):
        self.run("nft", "-f", "-", text="table ip nat {\nchain post {\ntype nat hook postrouting priority 100;\n%s\n}\n}\n"
                 % rule)

    def socket(self, *kind):
        return self.do(lambda: socket.socket(*kind))


class Frame:
    """What a rule of the relay sees."""

    def __init__(self, data, hop, toward_server):
        self.data, self.hop, self.toward_server = data, hop, toward_server
        self.tcp = craft.look(data)


class Relay(threading.Thread):
    """Carries frames over both hops. rule(frame) says what to do: None or 0 passes, "drop", "twice", a
    number delays by so many seconds more, bytes replace the frame, a list is sent instead."""

    def __init__(self, place, delays):
        super().__init__(daemon=True)
        self.delays, self.rule, self.waiting, self.count = delays, None, [], 0
        self.sockets = {}
        for hop in (0, 1):
            for end in ("left", "right"):
                s = place.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
                s.setsockopt(socket.SOL_SOCKET, 33, 8 << 20)  # SO_RCVBUFFORCE
                s.bind(("%s%d" % (end, hop), 3))
                self.sockets[s] = (hop, end)
        self.out = {v: k for k, v in self.sockets.items()}
        self.lock = threading.Lock()

    def put(self, hop, toward_server, data, delay):
        self.count += 1
        heapq.heappush(self.waiting, (time.monotonic() + delay, self.count, hop,
                                      "right" if toward_server else "left", data))

    def take(self, s):
        hop, end = self.sockets[s]
        data, where = s.recvfrom(65600)
        if where[2] == PACKET_OUTGOING:
            return
        toward = end == "left"
        delay, rule = self.delays[hop], self.rule
        what = rule(Frame(data, hop, toward)) if rule else None
        if what == "drop":
            return
        if what == "twice":
            self.put(hop, toward, data, delay)
            self.put(hop, toward, data, delay + 0.003)
        elif isinstance(what, bytes):
            self.put(hop, toward, what, delay)
        elif isinstance(what, list):
            for direction, frame in what:
                self.put(hop, direction, frame, delay)
        else:
            self.put(hop, toward, data, delay + (what or 0))

    def run(self):
        poll = select.poll()
        by_fd = {}
        for s in self.sockets:
            by_fd[s.fileno()] = s
            poll.register(s, select.POLLIN)
        while True:
            wait = max(0, self.waiting[0][0] - time.monotonic()) * 1000 if self.waiting else 500
            for fd, _ in poll.poll(wait):
                self.take(by_fd[fd])
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, _, hop, end, data = heapq.heappop(self.waiting)
                try:
                    self.out[(hop, end)].send(data)
                except OSError:
                    pass


class Recorder(threading.Thread):
    """Records at all points from start() on."""

    def __init__(self, places):
        super().__init__(daemon=True)
        self.records = {point: [] for point in POINTS}
        self.sockets, self.ending = {}, False
        for point, (place, device) in POINTS.items():
            s = places[place].socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
            s.setsockopt(socket.SOL_SOCKET, 33, 16 << 20)
            s.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            s.bind((device, 3))
            s.setblocking(False)
            self.sockets[s.fileno()] = (s, point)

    def drain(self, fd):
        s, point = self.sockets[fd]
        while True:
            try:
                data, extra, _, _ = s.recvmsg(65600, 64)
            except BlockingIOError:
                return
            if craft.is_kept(data):
                seconds, nanos = struct.unpack("qq", extra[0][2])
                self.records[point].append((seconds * 10**9 + nanos, data))

    def run(self):
        poll = select.poll()
        for fd in self.sockets:
            poll.register(fd, select.POLLIN)
        while not self.ending:
            for fd, _ in poll.poll(100):
                self.drain(fd)

    def end(self):
        self.ending = True
        self.join()
        for fd in self.sockets:
            self.drain(fd)
        return self.records


class Lab:
    """The network of one case. Everything that varies comes from rng."""

    def __init__(self, rng, v6=None, delays=None, offload=False, mtu=None):
        self.rng = rng
        self.v6 = rng.random() < 0.3 if v6 is None else v6
        self.delays = delays or (rng.choice((0.0005, 0.002, 0.005, 0.012, 0.03, 0.06)),
                                 rng.choice((0.0003, 0.001, 0.004, 0.01, 0.025)))
        self.port = rng.choice((80, 443, 22, 25, 8080, 5432, 3306, rng.randrange(1024, 32000)))
        self.c4, self.r4, self.s4, self.w4 = self.addresses4()
        self.c6, self.r6, self.s6, self.w6 = self.addresses6()
        self.places = {k: Place() for k in "crsd"}
        self.c, self.r, self.s = (self.places[k] for k in "crs")
        self.build(offload, mtu)
        self.relay = Relay(self.places["d"], self.delays)
        if not offload:
            self.relay.start()
        self.recorder = None
        self.only_from = None   # an address: records of other sources are left out
        self.rewrites = False   # the router changes packets, so that its two sides tell different stories
        self.listeners, self.kept, self.threads, self.errors = [], [], [], []

    def addresses4(self):
        a, b = self.rng.sample(("192.0.2", "198.51.100", "203.0.113", "10.%d.7" % self.rng.randrange(256),
                                "172.20.%d" % self.rng.randrange(256), "100.64.9"), 2)
        x, y = self.rng.randrange(2, 250), self.rng.randrange(2, 250)
        return "%s.%d" % (a, x), a + ".1", "%s.%d" % (b, y), b + ".1"

    def addresses6(self):
        a, b = self.rng.randrange(1, 0x7fff), self.rng.randrange(0x8000, 0xfff0)
        return "2001:db8:%x::%x" % (a, self.rng.randrange(2, 0xffff)), "2001:db8:%x::1" % a, \
            "2001:db8:%x::%x" % (b, self.rng.randrange(2, 0xffff)), "2001:db8:%x::1" % b

    @property
    def server(self):
        return self.s6 if self.v6 else self.s4

    @property
    def client(self):
        return self.c6 if self.v6 else self.c4

    def build(self, offload, mtu):
        c, r, s, d = (self.places[k] for k in "crsd")
        for place in self.places.values():
            place.set(ipv6__conf__default__accept_dad=0, ipv6__conf__all__accept_dad=0,
                      ipv6__conf__default__accept_ra=0)
        d.set(ipv6__conf__default__disable_ipv6=1)
        mac = {n: "02:%02x:00:00:%02x:%02x" % (self.rng.randrange(256), self.rng.randrange(256), n) for n in range(4)}
        size = " mtu %d" % mtu if mtu else ""
        d.ip("link add left0 type veth peer name eth0 address %s netns %d" % (mac[0], c.tid),
             "link add right0 type veth peer name lan address %s netns %d" % (mac[1], r.tid),
             "link add left1 type veth peer name wan address %s netns %d" % (mac[2], r.tid),
             "link add right1 type veth peer name eth0 address %s netns %d" % (mac[3], s.tid),
             *("link set %s%d up" % (e, h) for e in ("left", "right") for h in (0, 1)))
        c.ip("link set lo up", "addr add %s/24 dev eth0" % self.c4, "addr add %s/64 dev eth0 nodad" % self.c6,
             "link set eth0 up" + size, "neigh replace %s lladdr %s dev eth0 nud permanent" % (self.r4, mac[1]),
             "neigh replace %s lladdr %s dev eth0 nud permanent" % (self.r6, mac[1]),
             "route add default via " + self.r4, "route add default via " + self.r6)
        s.ip("link set lo up", "addr add %s/24 dev eth0" % self.s4, "addr add %s/64 dev eth0 nodad" % self.s6,
             "link set eth0 up" + size, "neigh replace %s lladdr %s dev eth0 nud permanent" % (self.w4, mac[2]),
             "neigh replace %s lladdr %s dev eth0 nud permanent" % (self.w6, mac[2]),
             "route add default via " + self.w4, "route add default via " + self.w6)
        r.ip("link set lo up", "addr add %s/24 dev lan" % self.r4, "addr add %s/64 dev lan nodad" % self.r6,
             "addr add %s/24 dev wan" % self.w4, "addr add %s/64 dev wan nodad" % self.w6, "link set lan up",
             "link set wan up", *("neigh replace %s lladdr %s dev %s nud permanent" % n for n in (
                 (self.c4, mac[0], "lan"), (self.c6, mac[0], "lan"), (self.s4, mac[3], "wan"),
                 (self.s6, mac[3], "wan"))))
        r.set(ipv4__ip_forward=1, ipv6__conf__all__forwarding=1)
        if offload:
            # A frame whose checksum the card is to fill may not pass through a socket: bridges carry it.
            d.ip(*("%s" % line for h in (0, 1) for line in (
                "link add br%d type bridge" % h, "link set left%d master br%d" % (h, h),
                "link set right%d master br%d" % (h, h), "link set br%d up" % h)))
            return
        for place, devices in ((c, ["eth0"]), (s, ["eth0"]), (r, ["lan", "wan"]),
                               (d, ["left0", "right0", "left1", "right1"])):
            for device in devices:
                place.run("ethtool", "-K", device, "tx", "off", "tso", "off", "gso", "off", "gro", "off")

    def record(self):
        self.recorder = Recorder(self.places)
        self.recorder.start()

    # --- ends ---------------------------------------------------------------------------------------

    def family(self, v6=None):
        return socket.AF_INET6 if (self.v6 if v6 is None else v6) else socket.AF_INET

    def listen(self, handler=None, port=None, backlog=64, place=None, prepare=None):
        """A listener on both families; handler(socket) serves each connection in a thread of its own."""
        s = (place or self.s).socket(socket.AF_INET6, socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if prepare:
            prepare(s)
        s.bind(("::", port or self.port))
        s.listen(backlog)
        self.listeners.append(s)
        if handler:
            threading.Thread(target=self.accept, args=(s, handler), daemon=True).start()
        return s

    def accept(self, s, handler):
        def serve(conn):
            try:
                handler(conn)
            except OSError as error:
                self.errors.append("server: %s" % error)
        while True:
            try:
                conn = s.accept()[0]
            except OSError:
                return
            conn.settimeout(60)
            self.kept.append(conn)
            threading.Thread(target=serve, args=(conn,), daemon=True).start()

    def client_socket(self, port=0, v6=None, **options):
        s = self.c.socket(self.family(v6), socket.SOCK_STREAM)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.settimeout(options.get("timeout", 20))
        if options.get("rcvbuf"):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options["rcvbuf"])
        if options.get("mss"):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, options["mss"])
        if port:
            s.bind(("", port))
        self.kept.append(s)
        return s

    def connect(self, to=None, port=None, v6=None, local=0, **options):
        s = self.client_socket(local, v6, **options)
        address = to or ((self.s6 if v6 else self.s4) if v6 is not None else self.server)
        s.connect((address, port or self.port))
        return s

    def try_connect(self, **options):
        """An attempt that is expected to fail."""
        try:
            s = self.connect(**options)
        except OSError:
            return None
        return s

    @staticmethod
    def try_wait(s):
        """Waits until an attempt without blocking has failed."""
        poll = select.poll()
        poll.register(s, select.POLLOUT)
        poll.poll(4000)

    def together(self, *calls):
        """Runs calls in threads; waits for all."""
        def guard(call):
            try:
                call()
            except OSError as error:
                self.errors.append(str(error))
        threads = [threading.Thread(target=guard, args=(c,), daemon=True) for c in calls]
        for t in threads:
            t.start()
        return threads

    def end(self, settle=None):
        time.sleep(2 * sum(self.delays) + 0.15 if settle is None else settle)
        return self.recorder.end()


def abort(s):
    """Closes with an RST."""
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


def vanish(s):
    """The connection is gone without a packet, as after a crash."""
    s.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    s.close()


def keepalive(s, idle, interval, count):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, idle)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, interval)
    s.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, count)


def read_all(s):
    total = 0
    while True:
        d = s.recv(65536)
        if not d:
            return total
        total += len(d)
