#!/usr/bin/env python3
"""trivet scan over a router: states and witnesses, with rights and without, and against nmap."""
import json
import os
import shutil
import sys
import time
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_lab import CLIENT, ROUTER, ROUTER6, SERVER, SERVER6, build, filters, listen, nobody, sh, tool, with_names
from cli_lib import Skipped, enter, expect, folder, need, run, run_tests, trivet

ICMP4 = {(3, 0): "net-unreach", (3, 1): "host-unreach", (3, 2): "proto-unreach", (3, 3): "port-unreach",
         (3, 9): "net-prohibited", (3, 10): "host-prohibited", (3, 13): "admin-prohibited"}
ICMP6 = {(1, 0): "no-route", (1, 1): "admin-prohibited", (1, 3): "addr-unreach", (1, 4): "port-unreach"}


def scan(*arguments, before=(), deadline=120):
    return run([*before, *tool("scan", *arguments)], deadline)


def scan_json(*arguments, before=()):
    status, out, err = scan("--json", *arguments, before=before)
    expect(out.startswith("{"), "status %d: %s%s" % (status, out, err))
    return {p["port"]: p for p in json.loads(out)["ports"]}, json.loads(out)


def mixed_rules():
    filters("router", "tcp dport 1020-1029 reject with icmp admin-prohibited",
            "tcp dport 1030-1039 reject with icmp host-unreachable", "tcp dport 1040-1049 drop")
    filters("server", "tcp dport 1050-1059 reject with icmp port-unreachable",
            "tcp dport 1060-1069 reject with tcp reset")


def no_rules():
    filters("router")
    filters("server")


def test_scan_states_and_witnesses():
    listen("greet", 1000, 1001)
    mixed_rules()
    try:
        for before, raw in (((), ()), ((), ("--raw",)), (nobody(), ())):
            ports, _ = scan_json(*raw, "--timeout", "500ms", SERVER, "1000-1001,1010,1025,1035,1045,1055,1065", before=before)
            expect([ports[p]["state"] for p in (1000, 1001, 1010)] == ["open", "open", "closed"], ports)
            witness = {p: (ports[p]["witness"], ports[p].get("ttl")) for p in ports}
            if before:
                expect(witness[1000][0] == "connected" and witness[1010][0] == "refused", witness)
                expect(ports[1010]["text"] == "refused, sender not seen", ports[1010])
            else:
                expect(witness[1000] == ("syn-ack", 63) and witness[1010] == ("reset", 63), witness)
                expect(witness[1065] == ("reset", 63) and ports[1065]["state"] == "closed", witness)
            told = {p: (ports[p].get("icmp_type"), ports[p].get("icmp_code"), ports[p].get("icmp_from")) for p in ports}
            expect(told[1025] == (3, 13, ROUTER) and told[1035] == (3, 1, ROUTER) and told[1055] == (3, 3, SERVER), told)
            expect(all(ports[p]["state"] == "filtered" for p in (1025, 1035, 1045, 1055)), ports)
            expect(ports[1045]["witness"] == "silence" and ports[1045]["syns"] == 2, ports[1045])
    finally:
        no_rules()


def test_scan_of_ipv6():
    listen("greet", 1000)
    filters("router", "tcp dport 1020-1029 reject with icmpv6 admin-prohibited", "tcp dport 1040-1049 drop")
    try:
        for raw in ((), ("--raw",)):
            ports, _ = scan_json(*raw, "--timeout", "500ms", SERVER6, "1000,1010,1025,1045")
            expect([ports[p]["state"] for p in sorted(ports)] == ["open", "closed", "filtered", "filtered"], ports)
            expect((ports[1025]["icmp_type"], ports[1025]["icmp_code"], ports[1025]["icmp_from"]) == (1, 1, ROUTER6), ports)
            expect(ports[1010].get("ttl") == 63 and ports[1000].get("ttl") == 63, ports)
    finally:
        no_rules()


def test_scan_raw_leaves_no_connection():
    listen("greet", 1000)
    path = os.path.join(folder(), "scan.pcap")
    status, out, _ = scan("--raw", "-w", path, SERVER, "1000")
    expect(status == 0 and "1000         open       SYN,ACK, TTL 63" in out, out)
    packets = run(["tcpdump", "-n", "-r", path])[1]
    flags = [line.split("Flags [")[1].split("]")[0] for line in packets.splitlines() if "Flags [" in line]
    expect(flags == ["S", "S.", "R"], packets)
    expect("cksum" not in packets and CLIENT in packets, packets)


def test_scan_ranges_share_a_line():
    listen("greet", 1003)
    status, out, _ = scan("-q", SERVER, "1000-1005,1003,1001")
    lines = [line.split() for line in out.splitlines()]
    expect(status == 0 and [line[:2] for line in lines] == [["1000-1002", "closed"], ["1003", "open"],
                                                            ["1004-1005", "closed"]], out)


def test_scan_foreign_rst_is_told_by_its_ttl():
    listen("greet", 1000)
    filters("router", "tcp dport 1001 reject with tcp reset")
    try:
        status, out, _ = scan(SERVER, "1000-1002")
        expect(status == 0 and "RST, TTL 64" in out and "RST, TTL 63" in out and "made by a box on the way" in
               " ".join(out.split()), out)
    finally:
        no_rules()


def test_scan_keeps_its_rate_and_counts_its_tries():
    filters("server", "tcp dport 1000-1099 drop")
    try:
        begun = time.monotonic()
        status, out, _ = scan("--rate", 50, "--tries", 3, "--timeout", "200ms", SERVER, "1000-1019")
        took = time.monotonic() - begun
        expect(status == 4 and "1000-1019    filtered   silence after 3 tries" in out, "%d: %s" % (status, out))
        expect(took >= 1.1, "60 probes at 50/s took %.2f s" % took)
    finally:
        no_rules()


def test_scan_raw_without_rights_names_the_cure():
    for extra in (["--raw"], ["-w", "/dev/null"]):
        status, _, err = scan(*extra, SERVER, "1000", before=nobody())
        expect(status == 3 and "packet socket" in err, "%d %s" % (status, err))


def test_scan_no_route_and_no_name():
    status, out, _ = scan("203.0.113.1", "1-3")
    expect(status == 0 or "unreachable" in out, out)
    sh("client", "ip route add unreachable 203.0.113.0/24")
    status, out, _ = scan("203.0.113.1", "1-3")
    sh("client", "ip route del 203.0.113.0/24")
    expect(status == 1 and "1-3          not tried  the kernel says: No route to host" in out, out)
    status, _, err = scan("nosuch.invalid", "80")
    expect(status == 1 and "has no address" in err, err)


def nmap(host, ports, flags):
    """Port -> (state, reason), by nmap."""
    path = os.path.join(folder(), "nmap.xml")
    # At our own rate: where the kernel's budget of ICMP errors cannot be raised, 50 come in 20 ms, no more.
    status, out, err = run(["nmap", *flags, "-n", "-Pn", "--reason", "-T4", "--max-rate", "400", "--max-retries", "2",
                            "-oX", path, "-p", ports, host], 280)
    expect(status == 0, "nmap: " + out + err)
    result = {}
    tree = xml.etree.ElementTree.parse(path)
    for extra in tree.iter("extraports"):
        for why in extra.iter("extrareasons"):
            for part in why.get("ports").split(","):
                first, _, last = part.partition("-")
                for port in range(int(first), int(last or first) + 1):
                    result[port] = (extra.get("state"), why.get("reason"))
    for port in tree.iter("port"):
        state = port.find("state")
        result[int(port.get("portid"))] = (state.get("state"), state.get("reason"))
    return result


def reason(port, table):
    """A port of ours in nmap's words."""
    named = {"syn-ack": "syn-ack", "connected": "syn-ack", "reset": "reset", "refused": "reset", "silence": "no-response"}
    if port["witness"] == "icmp":
        return table.get((port["icmp_type"], port["icmp_code"]), "?")
    return named.get(port["witness"], "?")


def test_scan_agrees_with_nmap_on_1000_ports():
    """Open, closed, dropped, and rejected in eight ways, in stripes of 17 ports over 1,000."""
    if shutil.which("nmap") is None:
        raise Skipped("there is no nmap")
    kinds = ("drop", "reject with icmp net-unreachable", "reject with icmp host-unreachable",
             "reject with icmp prot-unreachable", "reject with icmp port-unreachable", "reject with icmp net-prohibited",
             "reject with icmp host-prohibited", "reject with icmp admin-prohibited", "reject with tcp reset")
    ranges = [(2000 + 17 * i, 2000 + 17 * i + 16) for i in range(0, 1000 // 17 + 1)]
    rules = ["tcp dport %d-%d %s" % (a, b, kinds[i // 2 % len(kinds)]) for i, (a, b) in enumerate(ranges) if i % 2]
    listeners = [p for a, _ in ranges[::2] for p in (a, a + 5, a + 6)]
    listen("greet", *listeners)
    filters("server", *rules)
    try:
        theirs = nmap(SERVER, "2000-2999", ["-sS"])
        for flags in ((), ("--raw",)):
            ours, _ = scan_json(*flags, "--rate", 400, SERVER, "2000-2999")
            expect(len(ours) == 1000, "%d ports" % len(ours))
            wrong = ["%d: nmap %s %s, we %s %s" % (p, *theirs.get(p, ("?", "?")), ours[p]["state"], reason(ours[p], ICMP4))
                     for p in sorted(ours) if theirs.get(p) != (ours[p]["state"], reason(ours[p], ICMP4))]
            expect(not wrong, "%d differ: %s" % (len(wrong), "; ".join(wrong[:5])))
            found = {reason(p, ICMP4) for p in ours.values()}
            expect(len(found) == 10, "the lab shows only %s" % found)
    finally:
        no_rules()


def main():
    need("unshare", "ip", "nft", "nsenter", "setpriv", "tcpdump")
    enter()
    build()
    run_tests([f for n, f in sorted(globals().items()) if n.startswith("test_")])


main()
