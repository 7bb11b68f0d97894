"""A slow link between two network namespaces: relay.py PID DELAY_MS CAPTURE_HERE CAPTURE_THERE.

Makes a TUN device far0 here and one near0 in the namespace of process PID, and carries IP packets between them, each
after DELAY_MS. The captures (raw IP) have each packet at the moment at which it left or reached that end. It says
"ready" once both devices are there, and ends when it is told to.
"""
import ctypes
import fcntl
import heapq
import os
import select
import struct
import sys
import time

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 1, 0x1000
LINKTYPE_RAW = 101


def device(name):
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return fd


def enter_namespace(pid):
    libc = ctypes.CDLL(None, use_errno=True)
    with open("/proc/%d/ns/net" % pid, "rb") as namespace:
        if libc.setns(namespace.fileno(), 0) != 0:
            raise OSError(ctypes.get_errno(), "setns")


class Capture:
    def __init__(self, path):
        self.file = open(path, "wb", buffering=0)
        self.file.write(struct.pack("=IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, LINKTYPE_RAW))

    def write(self, packet):
        now = time.time_ns()
        self.file.write(struct.pack("=IIII", now // 10**9, now % 10**9, len(packet), len(packet)) + packet)


def main():
    pid, delay = int(sys.argv[1]), float(sys.argv[2]) / 1000
    ends = [device("far0")]
    captures = [Capture(path) for path in sys.argv[3:5]]
    enter_namespace(pid)
    ends.append(device("near0"))
    print("ready", flush=True)
    under_way, count = [], 0
    while True:
        patience = max(0, under_way[0][0] - time.monotonic()) if under_way else None
        for fd in select.select(ends, [], [], patience)[0]:
            packet, side = os.read(fd, 65536), ends.index(fd)
            captures[side].write(packet)
            count += 1
            heapq.heappush(under_way, (time.monotonic() + delay, count, 1 - side, packet))
        while under_way and under_way[0][0] <= time.monotonic():
            _, _, side, packet = heapq.heappop(under_way)
            try:
                os.write(ends[side], packet)
            except OSError:
                continue  # that end is not up yet
            captures[side].write(packet)


main()
