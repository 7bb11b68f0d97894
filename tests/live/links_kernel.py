#!/usr/bin/env python3
"""The links against this machine's kernel: over TUN and over veth with AF_PACKET, as root, as an
ordinary user, and where namespaces are forbidden.

First without a stack (tests/live/links_peer.c is the other end): ping, and 16 MB of TCP each way in
super-segments; every checksum in its captures is verified here. Then with a stack in the event loop
(tests/live/links_stack.c).
"""
import array
import os
import shutil
import struct
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NO_RIGHTS = 3


def build(where):
    """The peers that make builds, copied to where every user may run them."""
    folder = os.environ.get("BUILD_DIR", os.path.join(ROOT, "build"))
    peers = []
    for name in ("tests/live/links_peer", "tests/live/links_stack"):
        made = os.path.join(folder, name)
        if not os.path.exists(made):
            done = subprocess.run(["make", "-s", "BUILD=" + folder, made], cwd=ROOT, capture_output=True, text=True)
            if done.returncode:
                sys.exit("FAIL %s: %s" % (os.path.basename(name), done.stderr.strip().splitlines()[-1:]))
        peers.append(shutil.copy(made, where))
    return peers


def folded(data, start=0):
    if len(data) % 2:
        data += b"\0"
    words = array.array("H", data)
    words.byteswap()
    s = start + sum(words)
    while s >> 16:
        s = (s & 0xffff) + (s >> 16)
    return s


def check_packet(ip):
    """What is wrong with this IPv4 packet, or None."""
    if ip[0] >> 4 != 4:
        return None
    head, total = (ip[0] & 15) * 4, struct.unpack("!H", ip[2:4])[0]
    if folded(ip[:head]) != 0xffff:
        return "IP checksum"
    if total != len(ip):
        return "IP length %d of %d" % (total, len(ip))
    if ip[9] == 6 and folded(ip[12:20] + ip[head:], 6 + total - head) != 0xffff:
        return "TCP checksum"
    return None


def check_capture(path):
    """(packets, largest, what is wrong or None)."""
    with open(path, "rb") as f:
        data = f.read()
    magic, kind = struct.unpack("<I16xI", data[:24])
    if magic != 0xa1b23c4d:
        return 0, 0, "not a nanosecond capture"
    skip, at, n, largest = (14 if kind == 1 else 0), 24, 0, 0
    while at < len(data):
        caplen, length = struct.unpack("<8xII", data[at:at + 16])
        packet = data[at + 16:at + 16 + caplen]
        at, n, largest = at + 16 + caplen, n + 1, max(largest, caplen)
        if caplen != length:
            return n, largest, "packet %d is cut" % n
        if skip and packet[12:14] != b"\x08\x00":
            continue
        wrong = check_packet(packet[skip:])
        if wrong:
            return n, largest, "packet %d: %s" % (n, wrong)
    return n, largest, None


def run(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return done.returncode, (done.stdout + done.stderr).strip().replace("\n", "; ")
    except subprocess.TimeoutExpired:
        return 1, "did not end within 60 s"


def carry(name, where, command, kind):
    capture = os.path.join(where, name + ".pcap")
    code, said = run(command + [kind, capture])
    if code == NO_RIGHTS or "Permission denied" in said or "Operation not permitted" in said:
        print("not run: %s: %s" % (name, said))
        return
    if code:
        print("FAIL %s: %s" % (name, said or "exit %d" % code))
        return
    packets, largest, wrong = check_capture(capture)
    os.unlink(capture)
    if wrong or largest < 20000:
        print("FAIL %s: capture of %d packets, largest %d: %s" % (name, packets, largest, wrong))
    else:
        print("ok %s" % name)


def simple(name, command):
    code, said = run(command)
    if code == NO_RIGHTS or "Permission denied" in said or "Operation not permitted" in said:
        print("not run: %s: %s" % (name, said))
    else:
        print("FAIL %s: %s" % (name, said or "exit %d" % code) if code else "ok %s" % name)


def expect(name, command, words):
    code, said = run(command)
    missing = [w for w in words if w not in said]
    if code == NO_RIGHTS and not missing:
        print("ok %s" % name)
    else:
        print("FAIL %s: exit %d, %r lacks %r" % (name, code, said, missing))


def main():
    with tempfile.TemporaryDirectory() as where:
        os.chmod(where, 0o777)
        peer, stack = build(where)
        user, off = [], "echo 0 > /proc/sys/user/max_user_namespaces; exec "
        if os.geteuid() == 0:
            carry("links_tun_as_root", where, [peer], "tun")
            carry("links_tun_kept_as_root", where, [peer], "kept")
            carry("links_veth_as_root", where, [peer], "veth")
            simple("host_join_as_root", [peer, "join"])
            simple("links_stack_tun_as_root", [stack, "tun"])
            simple("links_stack_veth_as_root", [stack, "veth"])
            user = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"]
        carry("links_veth_as_user", where, user + [peer], "veth")
        simple("host_join_as_user", user + [peer, "join"])
        simple("links_stack_veth_as_user", user + [stack, "veth"])
        if not shutil.which("unshare") or run(user + ["unshare", "-Ur", "true"])[0]:
            print("not run: links_forbidden: no user namespace to forbid them in")
            return
        # Root of a user namespace may still make a network namespace; without any right it may not.
        carry("links_veth_user_namespaces_off", where, user + ["unshare", "-Ur", "sh", "-c", off + '"$0" "$@"', peer], "veth")
        expect("links_forbidden_names_the_switch",
               user + ["unshare", "-Ur", "sh", "-c",
                       off + 'setpriv --bounding-set=-all --inh-caps=-all "$0" veth /dev/null', peer],
               ["user.max_user_namespaces is 0", "sysctl -w user.max_user_namespaces="])


main()
