#!/usr/bin/env python3
"""Makes other cases out of kept ones, with the same truth: mutate.py KEPT OUT [--count N] [--seed S]

KEPT and OUT are folders with captures and truth.tsv. A capture is given other addresses, ports, sequence numbers
(across the wrap, too), hop counts, a faster or slower time, another file format, link type or snap length, and
may be merged with others, of whose truth it then has the sum. Checksums are made right.
"""
import argparse
import csv
import gzip
import ipaddress
import os
import random
import struct

import craft

SERVICE_MAX = 32767
# A datagram: there is no TCP in it.
UDP = craft.ether(craft.ip_packet(b"\xc0\0\2\1", b"\xc0\0\2\2", 17, struct.pack("!HHHH", 53, 9999, 12, 0) + b"data"))


class Renamer:
    """Consistent new names for what identifies the ends of a capture."""

    def __init__(self, rng, index):
        self.rng, self.index = rng, index
        self.addresses, self.services, self.shifts, self.hops = {}, {}, {}, {}
        self.client_shift = rng.randrange(-300, 300)
        self.shift_numbers = rng.random() < 0.7

    def address(self, old):
        if old not in self.addresses:
            number = (self.index << 16) + len(self.addresses) + 1
            if len(old) == 4:
                new = ipaddress.ip_address((10 + 11 * self.index) << 24 | self.rng.randrange(256) << 16 | (number & 0xffff))
            else:
                new = ipaddress.ip_address((0x20010db8 << 96) | (self.index + 1) << 64 | self.rng.getrandbits(48) << 16 |
                                           (number & 0xffff))
            self.addresses[old] = new.packed
        return self.addresses[old]

    def port(self, old):
        """Service ports get any other; those of clients move together, so that their order stays."""
        if old > SERVICE_MAX or 20000 < old:
            return old + self.client_shift if 1024 < old + self.client_shift < 65536 else old
        if old not in self.services:
            new = self.rng.randrange(1, 19000)
            while new in self.services.values():
                new = self.rng.randrange(1, 19000)
            self.services[old] = new
        return self.services[old]

    def shift(self, key):
        """What is added to the sequence numbers of a direction: often so that they wrap soon."""
        if not self.shift_numbers:
            return 0
        if key not in self.shifts:
            self.shifts[key] = None
        return self.shifts[key] or 0

    def learn(self, key, seq):
        if self.shift_numbers and self.shifts.get(key) is None:
            target = 0x100000000 - self.rng.choice((1, 2, 30, 700, 3000)) if self.rng.random() < 0.6 else \
                self.rng.getrandbits(32)
            self.shifts[key] = (target - seq) & 0xffffffff

    def hop_count(self, src, old):
        """A host's packets lose or gain so many hops; differences between its packets stay."""
        if src not in self.hops:
            self.hops[src] = self.rng.randrange(-6, 1) if old > 30 else 0
        return max(1, min(255, old + self.hops[src]))


def rename_tcp(names, tcp, quoted=False):
    """The TCP segment with other ports and numbers; its checksum is left to the caller."""
    sport, dport = struct.unpack_from("!HH", tcp)
    out = bytearray(tcp)
    struct.pack_into("!HH", out, 0, names.port(sport), names.port(dport))
    if len(tcp) < 8:
        return bytes(out)
    # Without the addresses, because an answer may come from a wrong one.
    mine, other = (sport, dport), (dport, sport)
    seq = struct.unpack_from("!I", tcp, 4)[0]
    bits = tcp[13] if len(tcp) > 13 else craft.SYN
    if not quoted and not (bits & craft.RST and seq == 0):
        names.learn(mine, seq)
    if not (bits & craft.RST and seq == 0):
        struct.pack_into("!I", out, 4, (seq + names.shift(mine)) & 0xffffffff)
    if len(tcp) < 20 or not bits & craft.ACK:
        return bytes(out)
    ack = struct.unpack_from("!I", tcp, 8)[0]
    names.learn(other, ack - 1)
    struct.pack_into("!I", out, 8, (ack + names.shift(other)) & 0xffffffff)
    shift_sack(out, names.shift(other))
    return bytes(out)


def shift_sack(tcp, shift):
    at, end = 20, min((tcp[12] >> 4) * 4, len(tcp))
    while at + 1 < end and tcp[at] != 0:
        if tcp[at] == 1:
            at += 1
            continue
        size = tcp[at + 1]
        if size < 2 or at + size > end:
            return
        if tcp[at] == 5:
            for edge in range(at + 2, at + size - 3, 4):
                number = struct.unpack_from("!I", tcp, edge)[0]
                struct.pack_into("!I", tcp, edge, (number + shift) & 0xffffffff)
        at += size


def rename_ip(names, packet, quoted=False):
    """The IP packet with other names, and right checksums; what is neither TCP nor an ICMP error stays as it is."""
    v6 = packet[0] >> 4 == 6
    head, protocol = craft.v6_walk(packet) if v6 else ((packet[0] & 15) * 4, packet[9])
    src, dst = (packet[8:24], packet[24:40]) if v6 else (packet[12:16], packet[16:20])
    new_src, new_dst = names.address(src), names.address(dst)
    out, text = bytearray(packet[:head]), packet[head:]
    if v6:
        out[8:40] = new_src + new_dst
        out[7] = out[7] if quoted else names.hop_count(src, out[7])
    else:
        out[12:20] = new_src + new_dst
        out[8] = out[8] if quoted else names.hop_count(src, out[8])
        out[10:12] = b"\0\0"
        out[10:12] = struct.pack("!H", craft.checksum(bytes(out)))
    if protocol == 6:
        text = rename_tcp(names, text, quoted)
        if not quoted and len(text) >= 20:
            text = text[:16] + b"\0\0" + text[18:]
            total = craft.checksum(craft.pseudo(new_src, new_dst, 6, len(text)) + text)
            text = text[:16] + struct.pack("!H", total) + text[18:]
    elif protocol in (1, 58) and not quoted and len(text) >= 36:
        text = text[:2] + b"\0\0" + text[4:8] + rename_ip(names, text[8:], True)
        pseudo = craft.pseudo(new_src, new_dst, 58, len(text)) if v6 else b""
        text = text[:2] + struct.pack("!H", craft.checksum(pseudo + text)) + text[4:]
    return bytes(out) + text


def renamed(rng, records, index):
    """All records with other names, and their times faster or slower by a tenth at most."""
    names = Renamer(rng, index)
    pace = 1 if not records else rng.uniform(0.93, 1.08)
    start = records[0][0] if records else 0
    return [(int((r[0] - start) * pace), r[1][:14] + rename_ip(names, r[1][14:])) for r in records]


def merged(rng, parts):
    """All in one, beginning at other moments."""
    every = []
    for part in parts:
        off = rng.randrange(0, 3 * 10**9)
        every += [(t + off, data) for t, data in part]
    every.sort(key=lambda r: r[0])
    return every


def ip_only(data):
    return data[14:]


def sll(data):
    return struct.pack("!HHH6s2s2s", rng_free(data), 1, 6, data[6:12], b"\0\0", data[12:14]) + data[14:]


def sll2(data):
    return data[12:14] + b"\0\0" + struct.pack("!IHBB6s2s", 2, 1, rng_free(data), 6, data[6:12], b"\0\0") + data[14:]


def rng_free(data):
    """In or out; nobody may rely on it."""
    return 4 if data[11] & 1 else 0


def vlan(data):
    return data[:12] + b"\x81\0\0\x2a" + data[12:]


def qinq(data):
    return data[:12] + b"\x88\xa8\0\x07\x81\0\0\x2a" + data[12:]


def pppoe(data):
    body = (b"\0\x21" if data[12:14] == b"\x08\0" else b"\0\x57") + data[14:]
    return data[:12] + b"\x88\x64\x11\0" + struct.pack("!HH", 7, len(body)) + body


def null(data):
    return struct.pack("<I", 2 if data[12:14] == b"\x08\0" else 30) + data[14:]


LINKS = ((1, lambda d: d), (1, lambda d: d), (101, ip_only), (113, sll), (276, sll2), (1, vlan), (1, qinq), (1, pppoe),
         (0, null))


def write(rng, path, records):
    """In one of the formats; returns the path, whose end may have changed."""
    link, wrap = rng.choice(LINKS)
    snap = rng.choice((262144, 262144, 65535, 160))
    base = 1_600_000_000 * 10**9 + rng.randrange(10**17)
    rows = []
    for t, data in records:
        frame = wrap(data)
        rows.append((base + t, frame[:snap], len(frame)))
    if rng.random() < 0.25:
        path += ".pcapng"
        craft.write_pcapng(path, rows, link, rng.choice((6, 9)))
    else:
        path += ".pcap"
        craft.write_pcap(path, rows, link, rng.random() < 0.3, 262144, rng.random() < 0.8)
    if rng.random() < 0.15:
        with open(path, "rb") as f, gzip.open(path + ".gz", "wb") as z:
            z.write(f.read())
        os.unlink(path)
        path += ".gz"
    return path


def sum_of(truths):
    words = sorted({w for t in truths for w in t.split("+") if w not in ("healthy", "ok")})
    return "+".join(words) or "healthy"


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--count", type=int, default=300)
    ap.add_argument("--seed", default="1")
    ap.add_argument("kept")
    ap.add_argument("out")
    args = ap.parse_args()
    with open(os.path.join(args.kept, "truth.tsv"), encoding="ascii") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))
    os.makedirs(args.out, exist_ok=True)
    # Big ones cost more than they tell; the rest come round in turn, so that every kind does.
    rows = [r for r in rows if os.path.getsize(os.path.join(args.kept, r["file"])) < 60000 and r["truth"] != "healthy"]
    order = random.Random(args.seed)
    order.shuffle(rows)
    with open(os.path.join(args.out, "truth.tsv"), "w", encoding="ascii") as truth:
        truth.write("file\tkind\tpoint\ttruth\n")
        craft.write_pcap(os.path.join(args.out, "nothing.pcap"), [])
        craft.write_pcapng(os.path.join(args.out, "no-tcp.pcapng"), [(10**18, UDP)])
        truth.write("nothing.pcap\tempty\tmade\tempty\nno-tcp.pcapng\tempty\tmade\tempty\n")
        for i in range(args.count):
            rng = random.Random("%s %d" % (args.seed, i))
            chosen = [rows[i % len(rows)]]
            if rng.random() < 0.35:
                chosen += rng.sample(rows, rng.randrange(1, 4))
            parts = [renamed(rng, craft.read_pcap(os.path.join(args.kept, r["file"]))[0], n)
                     for n, r in enumerate(chosen)]
            records = merged(rng, parts) if len(parts) > 1 else parts[0]
            path = write(rng, os.path.join(args.out, "m%04d-%s" % (i, chosen[0]["kind"])), records)
            kinds = "+".join(sorted({r["kind"] for r in chosen}))
            truth.write("\t".join((os.path.basename(path), kinds, "changed", sum_of([r["truth"] for r in chosen]))) + "\n")


if __name__ == "__main__":
    main()
