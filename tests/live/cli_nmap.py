#!/usr/bin/env python3
"""nmap -O against trivet serve behind TUN: how hard its sequence numbers are to guess, compared with this machine's own
TCP, and what it says of open, closed and filtered ports."""
import os
import sys
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_lib import TRIVET_AT, Program, Skipped, enter, expect, folder, need, need_tun, run, run_tests, serve

LINUX_AT, CLIENT_AT = "10.8.1.2", "10.8.2.2"
LISTEN = "import socket; s = socket.create_server(('', 7), backlog=100); print('ready', flush=True); " \
         "[s.accept() for _ in iter(int, 1)]"
WAIT = "import time; print('ready', flush=True); time.sleep(600)"
OPEN, CLOSED, FILTERED = 7, 8, 9


def sh(*command):
    status, out, err = run(list(command))
    expect(status == 0, " ".join(command) + ": " + out + err)


def host(name, address, program):
    """A Linux in a namespace of its own, which we are the router of; its pid."""
    there = Program(["unshare", "-n", sys.executable, "-c", program])
    there.wait_for("ready")
    pid = str(there.process.pid)
    router = address.rsplit(".", 1)[0] + ".1"
    sh("ip", "link", "add", name, "type", "veth", "peer", "name", "eth", "netns", pid)
    sh("ip", "address", "add", router + "/24", "dev", name)
    sh("ip", "link", "set", name, "up")
    for command in (("address", "add", address + "/24", "dev", "eth"), ("link", "set", "eth", "up"),
                    ("route", "add", "default", "via", router)):
        sh("nsenter", "-t", pid, "-n", "ip", *command)
    return pid


def drop():
    """What goes through us to this port is lost without a word."""
    status, out, err = run(["nft", "add table ip lost; add chain ip lost way { type filter hook forward priority 0; }; "
                            "add rule ip lost way tcp dport %d drop" % FILTERED])
    if status:
        raise Skipped("nft: " + (out + err).strip())


def nmap(client, target):
    """States of the ports, and the difficulty of the sequence numbers, in nmap's words."""
    path = os.path.join(folder(), "os.xml")
    status, out, err = run(["nsenter", "-t", client, "-n", "nmap", "-O", "-n", "-Pn", "-T4", "-oX", path, "-p",
                            "%d-%d" % (OPEN, FILTERED), target], 120)
    expect(status == 0, "nmap: " + out + err)
    tree = xml.etree.ElementTree.parse(path)
    states = {int(p.get("portid")): p.find("state").get("state") for p in tree.iter("port")}
    found = [s.get("difficulty") for s in tree.iter("tcpsequence")]
    return states, found[0] if found else out


def test_nmap_sequence_prediction_is_as_hard_as_that_of_linux():
    client = host("client", CLIENT_AT, WAIT)
    host("linux", LINUX_AT, LISTEN)
    with open("/proc/sys/net/ipv4/ip_forward", "w", encoding="ascii") as f:
        f.write("1")
    drop()
    serve("--echo", port=OPEN)
    theirs, hard = nmap(client, LINUX_AT)
    expect(theirs == {OPEN: "open", CLOSED: "closed", FILTERED: "filtered"}, "ports of Linux: %s" % theirs)
    ours, difficulty = nmap(client, TRIVET_AT)
    expect(ours == theirs, "ports: %s" % ours)
    expect(difficulty == hard == "Good luck!", "sequence prediction: ours %s, Linux's %s" % (difficulty, hard))


def main():
    need("unshare", "nsenter", "ip", "nft", "nmap")
    enter()
    need_tun()
    run_tests([f for n, f in sorted(globals().items()) if n.startswith("test_")])


main()
