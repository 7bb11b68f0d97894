#!/usr/bin/env python3
"""trivet check against this machine's own TCP, over a router, with the faults that people meet."""
import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_lab import (FAR, ROUTER, ROUTER6, SERVER, SERVER6, beside, build, filters, listen, long_path, nobody, sh, tool,
                     with_names, words)
from cli_lib import Skipped, enter, expect, folder, need, run, run_tests, stop_all, trivet

# Each: rules of the router, rules of the server, port, the word with packets, the word without, what it says.
FAULTS = (
    ("refused", (), (), 81, "refused", "refused", "Port 81"),
    ("filtered", (), ("tcp dport 81 drop",), 81, "syn-unanswered", "syn-unanswered", "SYNs"),
    ("admin_prohibited", ("tcp dport 81 reject with icmp admin-prohibited",), (), 81, "icmp-admin-prohibited",
     "icmp-admin-prohibited", "type 3 code 13 from " + ROUTER + " (not the other end)"),
    ("host_prohibited", ("tcp dport 81 reject with icmp host-prohibited",), (), 81, "icmp-admin-prohibited",
     "icmp-admin-prohibited", "type 3 code 10 from " + ROUTER),
    ("net_prohibited", ("tcp dport 81 reject with icmp net-prohibited",), (), 81, "icmp-admin-prohibited",
     "icmp-admin-prohibited", "type 3 code 9 from " + ROUTER),
    ("port_unreachable", (), ("tcp dport 81 reject with icmp port-unreachable",), 81, "icmp-port-unreachable",
     "icmp-port-unreachable", "type 3 code 3 from " + SERVER + " (the other end itself)"),
    ("host_unreachable", ("tcp dport 81 reject with icmp host-unreachable",), (), 81, "icmp-host-unreachable",
     "icmp-host-unreachable", "type 3 code 1 from " + ROUTER),
    ("net_unreachable", ("tcp dport 81 reject with icmp net-unreachable",), (), 81, "icmp-net-unreachable",
     "icmp-net-unreachable", "type 3 code 0 from " + ROUTER),
    ("protocol_unreachable", (), ("tcp dport 81 reject with icmp prot-unreachable",), 81,
     "icmp-protocol-unreachable", "icmp-protocol-unreachable", "type 3 code 2 from " + SERVER),
)
FAULTS6 = (
    ("refused", (), (), 81, "refused"),
    ("no_route", ("tcp dport 81 reject with icmpv6 no-route",), (), 81, "icmp-net-unreachable"),
    ("admin_prohibited", ("tcp dport 81 reject with icmpv6 admin-prohibited",), (), 81, "icmp-admin-prohibited"),
    ("addr_unreachable", ("tcp dport 81 reject with icmpv6 addr-unreachable",), (), 81, "icmp-host-unreachable"),
    ("port_unreachable", (), ("tcp dport 81 reject with icmpv6 port-unreachable",), 81, "icmp-port-unreachable"),
)


def check(*arguments, before=(), deadline=60):
    return run([*before, *tool("check", *arguments)], deadline)


def flat(text):
    return " ".join(text.split())


def test_check_names_each_fault_with_packets_and_without():
    for name, router, server, port, word, blind, says in FAULTS:
        filters("router", *router)
        filters("server", *server)
        try:
            for before, expected in (((), word), (nobody(), blind)):
                status, out, err = check("--timeout", "1500ms", SERVER, port, before=before)
                expect(status == 1 and words(out) == [expected], "%s: %d %s %s" % (name, status, out, err))
                expect(says in flat(out) or before, "%s does not say '%s': %s" % (name, says, out))
                expect(("no packet was seen" in flat(out)) == bool(before), "%s: rights: %s" % (name, out))
                expect(" > " + SERVER + "." in out or before, "%s: no packet is cited: %s" % (name, out))
                if "type" in says:
                    expect(says in flat(out), "%s without rights: %s" % (name, out))
        finally:
            filters("router")
            filters("server")


def test_check_names_each_fault_of_ipv6():
    for name, router, server, port, word in FAULTS6:
        filters("router", *router)
        filters("server", *server)
        try:
            for before in ((), nobody()):
                status, out, _ = check("--timeout", "1500ms", SERVER6, port, before=before)
                expect(status == 1 and words(out) == [word], "%s: %d %s" % (name, status, out))
        finally:
            filters("router")
            filters("server")


def test_check_tells_each_repeated_syn():
    filters("server", "tcp dport 81 drop")
    status, out, err = check("--timeout", "2500ms", SERVER, 81)
    filters("server")
    lines = err.splitlines()
    expect(status == 1 and "no connection after" in out, out)
    expect(len(lines) == 2 and "SYN sent 2 times" in lines[0] and "SYN sent 3 times" in lines[1], err)
    expect(lines[0].startswith("1.") and lines[1].startswith("2."), err)


def test_check_says_that_the_neighbour_is_silent():
    status, out, _ = check("--timeout", "5s", "192.0.2.77", 80)
    expect(status == 1 and words(out) == ["icmp-host-unreachable"], out)
    status, out, _ = check("--timeout", "5s", "192.0.2.77", 80, before=nobody())
    expect(words(out) == ["icmp-host-unreachable"] and "nobody answered its ARP" in flat(out), out)


def test_check_what_a_filter_of_this_machine_stops():
    """The kernel counts SYNs that never leave."""
    for rule, says in (("drop", "none was seen leaving"), ("reject with tcp reset", "no SYN was seen leaving")):
        filters("client", "tcp dport 82 " + rule, hook="output")
        try:
            status, out, _ = check("--timeout", "1500ms", SERVER, 82)
        finally:
            filters("client")
        expect(status == 1 and words(out) == ["failed-here"] and says in flat(out), out)


def test_check_answer_that_is_lost_is_no_silent_server():
    """With packets it shows in the server's numbers; without them it is told beside a silent application."""
    listen("answer", 80)
    filters("router", "tcp sport 80 tcp flags & psh == psh drop")
    try:
        status, out, _ = check("--timeout", "3s", SERVER, 80)
        expect(status == 1 and words(out) == ["peer-gone-data-unacked"] and "ahead of what arrived" in flat(out), out)
        status, out, _ = check("--timeout", "3s", SERVER, 80, before=nobody())
        expect(words(out) == ["server-silent"] and "lost on the way" in flat(out), out)
    finally:
        filters("router")


def test_check_hop_limit_that_runs_out():
    sh("router", "ip route add 203.0.113.0/24 via %s" % SERVER)
    sh("server", "sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0")
    status, out, _ = check("203.0.113.5", 80)
    sh("server", "sysctl -qw net.ipv4.ip_forward=0")
    expect(status == 1 and words(out) == ["icmp-ttl-exceeded"], out)


def test_check_no_route():
    sh("client", "ip route add unreachable 203.0.113.0/25; ip route add prohibit 203.0.113.128/25")
    for host, word in (("203.0.113.1", "no-route"), ("203.0.113.200", "failed-here")):
        for before in ((), nobody()):
            status, out, _ = check(host, 80, before=before)
            expect(status == 1 and words(out) == [word], out)
    sh("client", "ip route del 203.0.113.0/25; ip route del 203.0.113.128/25")


def test_check_connected_gives_the_budget():
    listen("page", 80)
    for host in (SERVER, SERVER6):
        status, out, err = check("--budget", host, 80)
        expect(status == 0 and words(out) == [] and err == "", out + err)
        for line in ("handshake", "first byte", "last byte", "in all", "arithmetic", "TCP, TLS 1.3", "QUIC"):
            expect(line in out, "'%s' is missing: %s" % (line, out))
        expect("100.0 kB came, and the server closed" in out, out)


def test_check_handshake_is_one_round_trip():
    """On a path of 100 ms the handshake takes 100 ms, not 300, and the first byte as much again."""
    listen("page", 80)
    long_path(0.05)
    for before in ((), nobody()):
        # The first round also asks for the neighbour; of the others, the one that was disturbed least.
        status, out, _ = check("--json", "--count", 4, FAR, 80, before=before)
        attempt = min((r["attempts"][0] for r in json.loads(out)["rounds"]), key=lambda a: a["phases"]["handshake"]["ns"])
        phases = attempt["phases"]
        expect(status == 0 and phases["handshake"]["round_trips"] == phases["first_byte"]["round_trips"] == 1, out)
        expect(attempt["rtt_ns"] >= 100e6, "the round trip took %d ns" % attempt["rtt_ns"])
        expect(100e6 <= phases["handshake"]["ns"] < 1.5 * attempt["rtt_ns"], "the handshake took %s" % attempt)
        expect(phases["first_byte"]["ns"] >= 100e6, "the first byte took %s" % phases)
        expect(phases["last_byte"]["round_trips"] in (1, 2) and phases["last_byte"]["ns"] >= 100e6, "the rest: %s" % phases)
    status, out, _ = check("--budget", FAR, 80)
    expect("1 round trip" in out and "TCP Fast Open" in out, out)


def test_check_a_server_that_speaks_first_and_one_that_does_not():
    listen("greet", 25)
    status, out, _ = check(SERVER, 25)
    expect(status == 0 and "11 bytes came, unasked" in out, out)
    expect("220" not in out and "hello" not in out, "the text is shown: " + out)
    listen("silent", 5432)
    status, out, _ = check(SERVER, 5432)
    expect(status == 0 and "said nothing, and was asked nothing" in out, out)


def test_check_hanging_up_is_nobodys_fault():
    """A server that would go on for ever, and one that still has something to say when we close."""
    listen("stream", 80)
    for before in ((), nobody()):
        status, out, _ = check("--timeout", "2s", SERVER, 80, before=before)
        expect(status == 0 and words(out) == [] and ("and more would have" in out or "did not close" in out), out)
    long_path(0.05)
    status, out, _ = check("--timeout", "3s", FAR, 80)
    expect(status == 0 and words(out) == [], "with text under way: " + out)
    listen("goodbye", 25)
    status, out, _ = check(SERVER, 25)
    expect(status == 0 and words(out) == [], out)


def test_check_silent_server():
    listen("silent", 80)
    for before in ((), nobody()):
        status, out, _ = check("--timeout", "3s", SERVER, 80, before=before)
        expect(status == 1 and words(out) == ["server-silent"], out)


def test_check_reset_after_accept():
    listen("reset", 80)
    for before in ((), nobody()):
        for more in ((), ("--tls",)):
            status, out, _ = check(*more, SERVER, 80, before=before)
            expect(status == 1 and words(out) == ["reset-after-accept"], out)


def test_check_connected_that_is_none():
    """Only the handshake gets through: the kernel says connected."""
    listen("page", 80)
    filters("router", "tcp dport 80 tcp flags & syn == 0 drop")
    try:
        for before in ((), nobody()):
            status, out, _ = check("--timeout", "4s", SERVER, 80, before=before)
            expect(status == 1 and words(out) == ["synack-then-blackhole"], out)
    finally:
        filters("router")


def test_check_answer_from_a_wrong_port():
    """A box translates the way back and not the way there: this machine resets what it cannot know."""
    listen("page", 80)
    filters("router", "tcp sport 80 tcp sport set 8080", hook="postrouting")
    try:
        status, out, _ = check("--timeout", "2500ms", SERVER, 80)
        expect(status == 1 and words(out) == ["synack-wrong-source"] and SERVER + ":8080" in flat(out), out)
    finally:
        filters("router")


def test_check_connected_that_is_none_and_nobody_asks():
    """The final ACK never arrives: the server repeats its SYN,ACK, which only packets show."""
    listen("silent", 5432)
    filters("router", "tcp dport 5432 tcp flags & (syn | ack) == ack drop")
    try:
        status, out, _ = check(SERVER, 5432)
        expect(status == 1 and words(out) == ["synack-then-blackhole"], out)
        expect("SYN,ACK came" in flat(out), out)
    finally:
        filters("router")


def test_check_first_syn_lost():
    listen("page", 80)
    filters("server", "tcp dport 80 tcp flags syn limit rate over 1/minute burst 1 packets accept",
            "tcp dport 80 tcp flags syn drop")
    try:
        status, out, _ = check(SERVER, 80)
        expect(status == 0 and words(out) == ["ok-syn-lost"], out)
    finally:
        filters("server")


def test_check_both_families_to_their_end():
    listen("page", 80)
    names = "%s both.test\n%s both.test\n" % (SERVER6, SERVER)
    status, out, err = run(with_names(names, tool("check", "--json", "both.test", 80)))
    attempts = json.loads(out)["rounds"][0]["attempts"]
    expect(status == 0 and [a["family"] for a in attempts] == ["ipv6", "ipv4"], out + err)
    expect(all(a["connected"] and a["fine"] for a in attempts), out)
    expect([a["winner"] for a in attempts] == [True, False], out)
    expect(250e6 <= attempts[1]["begun_ns"] < 2e9, "the second began after %d ns" % attempts[1]["begun_ns"])


def test_check_dead_ipv6_falls_back():
    listen("page", 80)
    names = "%s both.test\n%s both.test\n" % (SERVER6, SERVER)
    filters("server", "ip6 nexthdr tcp drop")
    try:
        for before in ([], nobody()):
            status, out, _ = run(with_names(names, before + tool("check", "--timeout", "1500ms", "both.test", 80)))
            expect(status == 0 and words(out) == ["syn-unanswered", "ok-family-fallback"], out)
            expect("IPv6 failed: syn-unanswered" in flat(out), out)
    finally:
        filters("server")
    filters("server", "ip6 nexthdr tcp reject with tcp reset")
    try:
        status, out, _ = run(with_names(names, tool("check", "both.test", 80)))
        expect(status == 0 and words(out) == ["refused", "ok-family-fallback"], out)
        expect("as the one before failed" in out, out)
    finally:
        filters("server")


def test_check_machine_without_ipv6():
    listen("page", 80)
    names = "%s both.test\n%s both.test\n" % (SERVER6, SERVER)
    sh("client", "ip -6 route del default")
    try:
        status, out, _ = run(with_names(names, tool("check", "both.test", 80)))
        expect(status == 0 and words(out) == [] and "not tried, no-route" in out, out)
        status, out, _ = run(with_names(names, tool("check", "-6", "both.test", 80)))
        expect(status == 1 and words(out) == ["no-route"], out)
    finally:
        sh("client", "ip -6 route add default via " + ROUTER6)


def test_check_names_that_do_not_resolve():
    status, out, _ = check("nosuch.invalid", 80)
    expect(status == 1 and words(out)[0] in ("name-unanswered", "name-not-found"), out)
    status, out, _ = run(with_names("%s four.test\n" % SERVER, tool("check", "-6", "--timeout", "2s", "four.test", 80)))
    expect(status == 1 and words(out)[0] in ("name-unanswered", "name-not-found"), out)


def test_check_quiet_says_only_what_is_wrong():
    listen("page", 80)
    expect(check("-q", SERVER, 80) == (0, "", ""), "there is something to say")
    status, out, err = check("-q", SERVER, 81)
    expect(status == 1 and words(out) == ["refused"] and err == "" and "handshake" not in out, out + err)


def test_check_rounds():
    listen("page", 80)
    status, out, _ = check("--count", 3, SERVER, 80)
    expect(status == 0 and "3 rounds: 3 connected, 3 without a problem" in out, out)
    status, out, _ = check("--count", 3, "--json", SERVER, 80)
    expect(status == 0 and len(json.loads(out)["rounds"]) == 3, out)


def test_check_capture_file_explains_the_same():
    path = os.path.join(folder(), "check.pcap")
    filters("router", "tcp dport 81 reject with icmp host-prohibited")
    status, out, _ = check("-w", path, SERVER, 81)
    filters("router")
    expect(status == 1, out)
    said = json.loads(run([trivet(), "explain", "--json", path])[1])["findings"]
    expect([f["verdict"] for f in said] == words(out), "explain says %s, check: %s" % (said, out))
    frames = ["#%d " % n for n in said[0]["frames"]]
    expect(all(f in out for f in frames), "packets %s: %s" % (frames, out))
    status, _, err = check("-w", path, SERVER, 81, before=nobody())
    expect(status == 3, "without rights: %d %s" % (status, err))


# ------------------------------------------------------------------------------------------------------------
# TLS

def certificate(name, *times):
    key, path = (os.path.join(folder(), name + end) for end in (".key", ".pem"))
    made = run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                key, "-out", path, "-subj", "/CN=" + name, "-addext", "subjectAltName=DNS:" + name, *times])
    if made[0]:
        raise Skipped("openssl makes no certificate: " + made[2].strip()[:100])
    return key, path


TLS_SERVER = """
import socket, ssl, sys
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[2], sys.argv[1])
if sys.argv[3] == "1.2":
    context.maximum_version = ssl.TLSVersion.TLSv1_2
s = socket.create_server(("", 443))
print("ready", flush=True)
while True:
    c, _ = s.accept()
    try:
        with context.wrap_socket(c, server_side=True) as t:
            t.recv(4096)
            t.sendall(b"HTTP/1.1 200 OK\\r\\n\\r\\nhello")
    except OSError:
        pass
"""


def tls_server(key, path, version="1.3"):
    beside("server", ["python3", "-c", TLS_SERVER, key, path, version]).wait_for("ready")


def tls_check(path, *arguments):
    names = "%s tls.test\n" % SERVER
    return run(with_names(names, ["env", "SSL_CERT_FILE=" + path, *tool("check", "--tls", *arguments)]))


def test_check_tls_round_trips():
    key, path = certificate("tls.test")
    for version, rounds in (("1.3", 1), ("1.2", 2)):
        tls_server(key, path, version)
        status, out, err = tls_check(path, "--json", "tls.test", 443)
        attempt = json.loads(out)["rounds"][0]["attempts"][0]
        expect(status == 0 and attempt["tls"] == "TLSv" + version, out + err)
        expect(attempt["phases"]["tls"]["round_trips"] == rounds, "TLS %s: %s" % (version, attempt["phases"]))
        expect(attempt["received"] == 24, "%d bytes came" % attempt["received"])
        stop_all()


def test_check_tls_certificates():
    key, path = certificate("tls.test")
    tls_server(key, path)
    status, out, _ = tls_check("/dev/null", "tls.test", 443)
    expect(status == 1 and words(out) == ["tls-certificate"] and "self-signed" in flat(out), out)
    expect("first byte" in out, "the rest was not timed: " + out)
    status, out, _ = run(with_names("%s other.test\n" % SERVER, ["env", "SSL_CERT_FILE=" + path,
                                                                *tool("check", "--tls", "other.test", 443)]))
    expect(status == 1 and words(out) == ["tls-certificate"] and "hostname mismatch" in flat(out), out)


def test_check_tls_expired_certificate():
    folder_ = folder()
    key, path = os.path.join(folder_, "old.key"), os.path.join(folder_, "old.pem")
    made = run(["sh", "-c", "openssl ecparam -genkey -name prime256v1 -out %s && openssl req -new -key %s -subj /CN=tls.test "
                "-out %s.csr && openssl x509 -req -in %s.csr -signkey %s -days -1 -out %s" % (key, key, path, path, key, path)])
    if made[0]:
        raise Skipped("openssl makes no expired certificate: " + made[2].strip()[-100:])
    tls_server(key, path)
    status, out, _ = tls_check(path, "tls.test", 443)
    expect(status == 1 and words(out) == ["tls-certificate"] and "expired" in flat(out), out)


def test_check_tls_on_a_port_that_speaks_http():
    listen("page", 80)
    for before in ((), nobody()):
        status, out, _ = check("--tls", SERVER, 80, before=before, deadline=30)
        expect(status == 1 and words(out)[0] in ("tls-not-spoken", "server-silent"), out)
    listen("greet", 25)
    status, out, _ = check("--tls", SERVER, 25)
    expect(status == 1 and words(out) == ["tls-not-spoken"], out)


def main():
    need("unshare", "ip", "nft", "nsenter", "setpriv", "openssl", "mount", "ethtool")
    enter()
    build()
    run_tests([f for n, f in sorted(globals().items()) if n.startswith("test_")])


main()
