#!/usr/bin/env python3
"""trivet watch on real traffic: connections of this machine's TCP that open, fail, stall and close, made
by sockets, nc and nft in a private network namespace; and that it gives up its rights."""
import json
import os
import re
import signal
import socket
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_lib import Skipped, Wrong, capture_count, enter, expect, folder, run, run_tests, start, trivet, wait

enter()


def events(program):
    return [json.loads(line) for line in program.text.splitlines() if line.startswith("{")]


def watch(*arguments):
    """trivet watch --json, once it watches."""
    program = start([trivet(), "watch", "--json", *arguments])
    program.wait_for('"event":"watching"')
    return program


def told(program, event, verdict=None, deadline=30):
    """The first such event."""
    def find():
        return [e for e in events(program) if e["event"] == event and (verdict is None or e.get("verdict") == verdict)]
    if not wait(find, deadline):
        raise Wrong("no %s %s but: %s" % (event, verdict, program.text))
    return find()[0]


def nft(text):
    status, _, err = run(["nft", "-f", "-"], input=text.encode())
    expect("syntax error" not in err, err)
    if status:
        raise Skipped("nft cannot be used here: " + err.strip()[:100])


def filtered(rule):
    nft("table inet t {\nchain in {\ntype filter hook input priority 0;\n%s\n}\n}\n" % rule)


def unfiltered():
    run(["nft", "delete", "table", "inet", "t"])


def test_watch_tells_of_a_connection_that_opens_and_closes():
    program = watch()
    listener = socket.create_server(("127.0.0.1", 0))
    caller = socket.create_connection(listener.getsockname())
    peer = listener.accept()[0]
    opened = told(program, "opened")
    expect(opened["client"] == "%s:%d" % caller.getsockname() and opened["handshake_ns"] > 0, str(opened))
    expect(opened["server"] == "%s:%d" % listener.getsockname(), str(opened))
    caller.sendall(b"x" * 1000)
    expect(len(peer.recv(1000, socket.MSG_WAITALL)) == 1000, "nothing came")
    peer.sendall(b"y" * 10)
    caller.recv(10)
    caller.close()
    peer.close()
    closed = told(program, "closed")
    expect(closed["bytes_up"] == 1000 and closed["bytes_down"] == 10 and "verdict" not in closed, str(closed))
    status = program.end(signal.SIGINT)
    summary = events(program)[-1]
    expect(status == 0 and summary["event"] == "summary" and summary["opened"] == summary["closed"] == 1, str(summary))
    expect(summary["failed"] == summary["stalled"] == summary["dropped"] == 0, str(summary))


def test_watch_tells_of_ipv6_and_of_one_interface():
    program = watch("-i", "lo", "tcp")
    listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
    socket.create_connection(listener.getsockname()[:2]).close()
    expect(told(program, "opened")["server"] == "[::1]:%d" % listener.getsockname()[1], program.text)
    expect(program.end() == 0, "SIGTERM ends it as SIGINT does")


def test_watch_tells_of_refusal_at_once():
    program = watch("--count", "1")
    spare = socket.create_server(("127.0.0.1", 0))
    at = spare.getsockname()
    spare.close()
    try:
        socket.create_connection(at)
    except ConnectionRefusedError:
        pass
    failed = told(program, "failed", "refused", 5)
    expect(failed["certainty"] == "certain" and failed["severity"] == "problem" and failed["next"], str(failed))
    expect(wait(lambda: program.process.poll() is not None), "--count 1 does not end it")
    expect(program.end() == 1, "a problem exits with 1")


def test_watch_tells_of_silence_and_of_what_goes_on():
    filtered("tcp dport 7002 drop")
    listener = socket.create_server(("127.0.0.1", 7002))
    program = watch()
    caller = socket.socket()
    caller.setblocking(False)
    caller.connect_ex(("127.0.0.1", 7002))
    try:
        stalled = told(program, "stalled", "syn-unanswered")
        expect(stalled["certainty"] == "certain" and stalled["age_ns"] < 3e9, str(stalled))
    finally:
        unfiltered()
    # The next repeat arrives: it opens after all.
    opened = told(program, "opened")
    expect(opened["syns"] >= 2 and opened["connection"] == stalled["connection"], str(opened))
    caller.close()
    listener.close()
    program.end()


def test_watch_tells_of_an_attempt_that_was_given_up():
    filtered("tcp dport 7003 drop")
    try:
        program = watch("port 7003")
        status = run(["nc", "-w", "1", "127.0.0.1", "7003"])[0]
        expect(status != 0, "nc came through")
        failed = told(program, "failed", "syn-unanswered")
        expect(failed["age_ns"] < 20e9, str(failed))
        program.end()
    finally:
        unfiltered()


def test_watch_tells_of_icmp():
    filtered("tcp dport 7004 reject with icmp type admin-prohibited")
    try:
        program = watch()
        run(["nc", "-w", "3", "127.0.0.1", "7004"])
        expect(told(program, "failed", "icmp-admin-prohibited")["certainty"] == "certain", program.text)
        program.end()
    finally:
        unfiltered()


def test_watch_tells_of_a_peer_that_is_killed():
    """The process dies with data unread: its kernel answers with a reset."""
    listen = "import socket; l = socket.create_server(('127.0.0.1', 7005)); print('up', flush=True); " \
             "c = l.accept()[0]; c.recv(1, socket.MSG_PEEK); print('peeked', flush=True); l.accept()"
    peer = start([sys.executable, "-c", listen])
    peer.wait_for("up")
    program = watch()
    caller = socket.create_connection(("127.0.0.1", 7005))
    caller.sendall(b"will never be read")
    peer.wait_for("peeked")
    peer.end(signal.SIGKILL)
    failed = told(program, "failed")
    expect(failed["verdict"].startswith("reset"), str(failed))
    program.end()


def test_watch_tells_of_a_closed_window():
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    program = watch()
    caller = socket.create_connection(listener.getsockname())
    peer = listener.accept()[0]
    caller.setblocking(False)
    expect(wait(lambda: not sent_some(caller)), "the window does not close")
    told(program, "stalled", "zero-window")
    caller.setblocking(True)
    expect(wait(lambda: told_now(program, "resumed") or not peer.recv(65536)), "it does not go on")
    caller.close()
    peer.close()
    program.end()


def sent_some(sock):
    try:
        return sock.send(b"x" * 65536) > 0
    except BlockingIOError:
        return False


def told_now(program, event):
    return [e for e in events(program) if e["event"] == event]


def status_of(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as f:
        return dict(line.split(":", 1) for line in f.read().splitlines() if ":" in line)


def dropped_as(environment, uid):
    out = os.path.join(folder(), "dropped-%d.pcap" % uid)
    program = start([trivet(), "watch", "--json", "-w", out], env={**os.environ, **environment})
    program.wait_for('"event":"watching"')
    facts = status_of(program.process.pid)
    if uid:
        expect(facts["Uid"].split() == [str(uid)] * 4 and facts["Gid"].split() == [str(uid)] * 4, str(facts))
        expect(facts["Groups"].split() == [], facts["Groups"])
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        expect(int(facts[name], 16) == 0, "%s is %s" % (name, facts[name]))
    expect(facts["NoNewPrivs"].strip() == "1", str(facts))
    # The file was opened before, and is written all the same.
    listener = socket.create_server(("127.0.0.1", 0))
    socket.create_connection(listener.getsockname()).close()
    told(program, "opened")
    program.end()
    expect(capture_count(out, "tcp.flags.syn == 1") == 2, "the capture file lacks the handshake")


def test_watch_gives_up_its_rights():
    with open("/proc/self/uid_map", encoding="ascii") as f:
        if [line.split() for line in f.read().splitlines()] != [["0", "0", "4294967295"]]:
            dropped_as({}, 0)  # in a user namespace of one user the capabilities go
            return
    dropped_as({}, 65534)
    dropped_as({"SUDO_UID": "12345", "SUDO_GID": "12345"}, 12345)
    # What is no user's number, or root's, is not believed.
    for bad in ("0", "-1", "4294967295", "x"):
        program = start([trivet(), "watch", "--json"], env={**os.environ, "SUDO_UID": bad, "SUDO_GID": bad})
        program.wait_for('"uid":65534')
        program.end()


def test_watch_without_rights_names_the_cure():
    before = []
    if os.geteuid() == 0:
        before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
    status, out, err = run([*before, trivet(), "watch"], cwd=folder())
    expect(status == 3 and out == "", "%d: %s" % (status, out))
    expect("CAP_NET_RAW" in err and "sudo setcap cap_net_raw=ep" in err and "sudo trivet watch" in err, err)


def test_watch_prints_text_and_packets():
    program = start([trivet(), "watch", "-v", "port", "7006"])
    program.wait_for("Ctrl-C")
    listener = socket.create_server(("127.0.0.1", 7006))
    caller = socket.create_connection(("127.0.0.1", 7006))
    program.wait_for(r"Flags \[S\.\]")
    program.wait_for(r"\n\d\d:\d\d:\d\d\.\d{6}  opened   127\.0\.0\.1:\d+ -> 127\.0\.0\.1:7006  in \d")
    caller.close()
    listener.close()
    program.end(signal.SIGINT)
    expect(re.search(r"1 opened, 0 failed", program.text) or re.search(r"1 opened, 1 failed", program.text), program.text)


def test_watch_counts_what_the_capture_lost():
    """Stopped while more passes than the ring holds, it says what it missed."""
    out = os.path.join(folder(), "much.pcap")
    program = watch("-w", out)  # whole packets: the ring is full sooner
    program.process.send_signal(signal.SIGSTOP)
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(("127.0.0.1", 0))
    source = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        for _ in range(4000):
            source.sendto(b"x" * 60000, sink.getsockname())
    finally:
        program.process.send_signal(signal.SIGCONT)
    lost = told(program, "dropped")
    expect(lost["packets"] > 0 and lost["all"] >= lost["packets"], str(lost))
    program.end()
    expect(events(program)[-1]["dropped"] >= lost["all"], program.text[-300:])


def test_watch_ends_by_itself_and_says_that_there_was_nothing():
    status, out, _ = run([trivet(), "watch", "--for", "300ms", "port", "1"])
    expect(status == 4 and "0 opened" in out, "%d %s" % (status, out))


def test_watch_mistakes_are_named():
    for arguments, status, words in ((["-i", "nonsense0"], 3, "nonsense0"), (["port", "nonsense"], 2, "filter"),
                                     (["-w", "-"], 2, "name a file"), (["-w", "/nonexistent/x.pcap"], 3, "/nonexistent"),
                                     (["--for", "3"], 2, "not a duration"), (["--count", "0"], 2, "not a number")):
        got, _, err = run([trivet(), "watch", *arguments])
        expect(got == status and words in err, "%s: %d %s" % (arguments, got, err))


run_tests([f for n, f in sorted(globals().items()) if n.startswith("test_")])
