"""Packets as bytes: looked at, changed, made, and written to capture files. No kernel is needed here."""
import ipaddress
import struct

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class View:
    """Where the parts of a frame with TCP are."""

    def __init__(self, v6, ip, tcp, end):
        self.v6, self.ip, self.tcp, self.end = v6, ip, tcp, end


def look(frame, at=14):
    """The parts of an Ethernet frame (or, with at=0, of an IP packet) that holds TCP; None: it does not."""
    if len(frame) < at + 40:
        return None
    if frame[at] >> 4 == 4 and frame[at + 9] == 6:
        ihl = (frame[at] & 15) * 4
        return View(False, at, at + ihl, at + struct.unpack_from("!H", frame, at + 2)[0])
    if frame[at] >> 4 == 6:
        head, protocol = v6_walk(frame[at:])
        if len(frame) >= at + head + 20 and protocol == 6:
            return View(True, at, at + head, at + 40 + struct.unpack_from("!H", frame, at + 4)[0])
    return None


def v6_walk(packet):
    """Where the upper layer of an IPv6 packet begins, behind hop-by-hop and destination options, and its number."""
    at, kind = 40, packet[6]
    while kind in (0, 60) and len(packet) > at + 1:
        at, kind = at + (packet[at + 1] + 1) * 8, packet[at]
    return at, kind


def is_kept(frame):
    """TCP and ICMP errors."""
    if len(frame) < 34:
        return False
    kind = frame[12:14]
    if kind == b"\x08\x00":
        return frame[23] == 6 or (frame[23] == 1 and frame[34] in (3, 4, 5, 11, 12))
    if kind != b"\x86\xdd" or len(frame) <= 54:
        return False
    at, kind = v6_walk(frame[14:])
    return kind == 6 or (kind == 58 and len(frame) > 14 + at and frame[14 + at] < 128)


def flags(frame, v):
    return frame[v.tcp + 13]


def text_len(frame, v):
    return v.end - v.tcp - (frame[v.tcp + 12] >> 4) * 4


def ports(frame, v):
    return struct.unpack_from("!HH", frame, v.tcp)


def seq_ack(frame, v):
    return struct.unpack_from("!II", frame, v.tcp + 4)


def ttl(frame, v):
    return frame[v.ip + (7 if v.v6 else 8)]


def checksum(data):
    if len(data) & 1:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def pseudo(src, dst, protocol, length):
    if len(src) == 4:
        return src + dst + struct.pack("!BBH", 0, protocol, length)
    return src + dst + struct.pack("!IHBB", length, 0, 0, protocol)


def ip_packet(src, dst, protocol, text, hops=64, tos=0, number=0):
    """src, dst: packed addresses."""
    if len(src) == 4:
        head = struct.pack("!BBHHHBBH4s4s", 0x45, tos, 20 + len(text), number, 0x4000, hops, protocol, 0, src, dst)
        return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + text
    return struct.pack("!IHBB16s16s", 6 << 28, len(text), protocol, hops, src, dst) + text


def packed(address):
    return ipaddress.ip_address(address).packed


def tcp_packet(src, sport, dst, dport, seq, ack, bits, window=0, options=b"", text=b"", hops=64, number=0):
    head = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xffffffff, ack & 0xffffffff,
                       (5 + len(options) // 4) << 4, bits, window, 0, 0) + options
    total = checksum(pseudo(src, dst, 6, len(head) + len(text)) + head + text)
    return ip_packet(src, dst, 6, head[:16] + struct.pack("!H", total) + head[18:] + text, hops, 0, number)


def icmp_error(router, packet, kind, code, extra=0, hops=64):
    """An ICMP error by the router (packed address) about an IP packet."""
    if packet[0] >> 4 == 4:
        text = struct.pack("!BBHI", kind, code, 0, extra) + packet[:min(len(packet), 96)]
        text = text[:2] + struct.pack("!H", checksum(text)) + text[4:]
        return ip_packet(router, packet[12:16], 1, text, hops)
    text = struct.pack("!BBHI", kind, code, 0, extra) + packet[:min(len(packet), 400)]
    total = checksum(pseudo(router, packet[8:24], 58, len(text)) + text)
    return ip_packet(router, packet[8:24], 58, text[:2] + struct.pack("!H", total) + text[4:], hops)


def ether(packet, to=b"\x02\0\0\0\0\1", by=b"\x02\0\0\0\0\2"):
    return to + by + (b"\x08\0" if packet[0] >> 4 == 4 else b"\x86\xdd") + packet


def mac_bytes(text):
    return bytes(int(x, 16) for x in text.split(":"))


def answer_frame(frame, packet):
    """An Ethernet frame that goes back to where this one came from."""
    return ether(packet, frame[6:12], frame[:6])


def forged_rst(frame, v, hops, with_ack=True, off=0):
    """An RST as a box on the way makes it, in answer to this frame, so far off; as an IP packet."""
    src, dst = (frame[v.ip + 8:v.ip + 24], frame[v.ip + 24:v.ip + 40]) if v.v6 else \
        (frame[v.ip + 12:v.ip + 16], frame[v.ip + 16:v.ip + 20])
    sport, dport = ports(frame, v)
    seq, ack = seq_ack(frame, v)
    bits = flags(frame, v)
    end = seq + text_len(frame, v) + bool(bits & SYN) + bool(bits & FIN)
    if with_ack:
        return tcp_packet(dst, dport, src, sport, ack if bits & ACK else 0, end, RST | ACK, hops=hops)
    return tcp_packet(dst, dport, src, sport, ack + off, 0, RST, hops=hops)


def rst_onward(frame, v, hops):
    """The same toward the receiver of this frame, in the name of its sender; as an IP packet."""
    src, dst = (frame[v.ip + 8:v.ip + 24], frame[v.ip + 24:v.ip + 40]) if v.v6 else \
        (frame[v.ip + 12:v.ip + 16], frame[v.ip + 16:v.ip + 20])
    sport, dport = ports(frame, v)
    seq, ack = seq_ack(frame, v)
    return tcp_packet(src, sport, dst, dport, seq + text_len(frame, v), ack, RST | ACK, hops=hops)


# --- files ------------------------------------------------------------------------------------------


def write_pcap(path, records, link=1, nano=False, snap=262144, little=True):
    """records: (time in ns, bytes) or (time, bytes, wire length)."""
    e = "<" if little else ">"
    with open(path, "wb") as f:
        f.write(struct.pack(e + "IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, snap, link))
        for r in records:
            data, wire = r[1][:snap], r[2] if len(r) > 2 else len(r[1])
            f.write(struct.pack(e + "IIII", r[0] // 10**9, r[0] % 10**9 // (1 if nano else 1000), len(data), wire) + data)


def read_pcap(path):
    """Records of what write_pcap() wrote, and the link type."""
    with open(path, "rb") as f:
        data = f.read()
    e = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    nano = struct.unpack_from(e + "I", data)[0] == 0xa1b23c4d
    link, at, records = struct.unpack_from(e + "I", data, 20)[0], 24, []
    while at + 16 <= len(data):
        seconds, part, have, wire = struct.unpack_from(e + "IIII", data, at)
        at += 16
        records.append((seconds * 10**9 + part * (1 if nano else 1000), data[at:at + have], wire))
        at += have
    return records, link


def write_pcapng(path, records, link=1, clock=6):
    """One section, one interface; clock: decimal digits of its time unit (6, 9 or 3)."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    with open(path, "wb") as f:
        f.write(block(0x0a0d0d0a, struct.pack("<IHHq", 0x1a2b3c4d, 1, 0, -1)))
        f.write(block(1, struct.pack("<HHIHHB3xHH", link, 0, 0, 9, 1, clock, 0, 0)))
        for r in records:
            t = r[0] // 10**(9 - clock)
            f.write(block(6, struct.pack("<IIIII", 0, t >> 32, t & 0xffffffff, len(r[1]),
                                         r[2] if len(r) > 2 else len(r[1])) + r[1]))
