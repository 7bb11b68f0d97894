#!/usr/bin/env python3
"""trivet ls: what Trivet's stacks and this machine's own TCP have open, against programs that make it so
and against ss."""
import json
import os
import signal
import socket
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_lib import TRIVET6, TRIVET_AT, Skipped, enter, expect, folder, need_tun, run, run_tests, serve, start, \
    trivet, wait

enter()
RUNTIME = os.path.join(folder(), "run")
os.makedirs(RUNTIME, mode=0o700, exist_ok=True)
os.environ["XDG_RUNTIME_DIR"] = RUNTIME


def listing(*arguments):
    status, out, err = run([trivet(), "ls", "--json", *arguments])
    expect(err == "", err)
    return status, json.loads(out)


def states(answer):
    return sorted(c["state"] for c in answer["connections"])


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def test_ls_without_a_stack_exits_with_4():
    status, out, _ = run([trivet(), "ls"])
    expect(status == 4 and "No Trivet stack" in out, "%d: %s" % (status, out))


def test_ls_shows_a_stack_its_records_and_ages():
    need_tun()
    program = serve("--echo", port=7)
    four, six = socket.create_connection((TRIVET_AT, 7)), socket.create_connection((TRIVET6, 7))
    four.sendall(b"hello")
    expect(four.recv(5) == b"hello", "no echo")
    expect(wait(lambda: states(listing()[1]) == ["ESTABLISHED", "ESTABLISHED", "LISTEN"]), str(listing()))
    status, answer = listing()
    expect(status == 0 and answer["stacks"] == 1 and answer["schema"] == "trivet-ls", str(answer))
    mine = [c for c in answer["connections"] if c["peer"] == "%s:%d" % four.getsockname()][0]
    expect(mine["local"] == TRIVET_AT + ":7" and mine["owner"]["pid"] == program.process.pid, str(mine))
    expect(mine["owner"]["stack"] == "serve" and mine["mss"] > 1000 and mine["cwnd_segments"] >= 1, str(mine))
    # The age is the stack's own: it only grows while nothing comes.
    before = mine["nothing_received_for_ns"]
    later = [c for c in listing()[1]["connections"] if c["peer"] == mine["peer"]][0]
    expect(later["nothing_received_for_ns"] > before, "%s, then %s" % (mine, later))
    # The stack closes first (its service is told to by the end of the input): nothing of that here; a
    # close by the client leaves its TIME-WAIT with the kernel.
    six.close()
    expect(wait(lambda: states(listing()[1]) == ["ESTABLISHED", "LISTEN"]), str(listing()))
    reset(four)
    expect(wait(lambda: states(listing()[1]) == ["LISTEN"]), str(listing()))


def test_ls_shows_half_open_records():
    """The SYN,ACK of a stack never arrives: nft drops it."""
    need_tun()
    status, _, err = run(["nft", "-f", "-"], input=b"table inet t {\nchain in {\ntype filter hook prerouting "
                         b"priority raw;\niifname tv0 tcp flags & (syn|ack) == syn|ack drop\n}\n}\n")
    expect("syntax error" not in err, err)
    if status:
        raise Skipped("nft cannot be used here: " + err)
    try:
        serve("--echo", port=7)
        caller = socket.socket()
        caller.setblocking(False)
        caller.connect_ex((TRIVET_AT, 7))
        expect(wait(lambda: "SYN-RECEIVED" in states(listing()[1])), str(listing()))
        row = [c for c in listing()[1]["connections"] if c["state"] == "SYN-RECEIVED"][0]
        expect(row["half_open"] and row["timer"] == "retransmit", str(row))
        expect(wait(lambda: [o for o in listing("--kernel")[1]["odd"] if o["word"] == "syn-unanswered"]),
               str(listing("--kernel")))
        caller.close()
    finally:
        run(["nft", "delete", "table", "inet", "t"])


def test_ls_killed_stack_leaves_a_stale_socket_that_is_removed():
    need_tun()
    program = serve("--echo", port=7)
    expect(len(os.listdir(os.path.join(RUNTIME, "trivet"))) == 1, "no socket")
    program.end(signal.SIGKILL)
    status, answer = listing()
    expect(status == 4 and answer["stale"] == 1 and answer["connections"] == [], str(answer))
    expect(os.listdir(os.path.join(RUNTIME, "trivet")) == [], "the socket is still there")


def test_ls_ended_stack_takes_its_socket_along():
    need_tun()
    serve("--echo", port=7).end()
    expect(os.listdir(os.path.join(RUNTIME, "trivet")) == [], "the socket is still there")


def test_ls_other_users_are_refused():
    if os.geteuid() != 0:
        raise Skipped("only root can be somebody else")
    need_tun()
    where = os.path.join(RUNTIME, "trivet")
    serve("--echo", port=7)
    path = os.path.join(where, os.listdir(where)[0])
    before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    # Even if the doors stood open, the stack looks at who knocks.
    os.chmod(folder(), 0o755)
    os.chmod(RUNTIME, 0o755)
    os.chmod(where, 0o755)
    os.chmod(path, 0o666)
    knock = "import socket; s=socket.socket(socket.AF_UNIX); s.connect('%s'); print(len(s.recv(100)))" % path
    status, out, err = run([*before, sys.executable, "-c", knock])
    if status and "ermission" in err:
        raise Skipped("the interpreter is not for everybody: " + err.strip().splitlines()[-1])
    expect(status == 0 and out.strip() == "0", "%d %s %s" % (status, out, err))
    os.chmod(where, 0o700)
    # And the other way round: a socket of somebody else is not believed.
    os.chown(path, 65534, 65534)
    status, out, err = run([trivet(), "ls"])
    expect(status == 3 and "belongs to another user" in err, "%d %s %s" % (status, out, err))
    os.unlink(path)
    # Nor a process of somebody else behind a name that seems ours.
    listen = "import socket, sys; s=socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen(); " \
             "print('listens', flush=True); s.accept(); print('came', flush=True); sys.stdin.read()"
    os.chmod(where, 0o777)
    fake = start([*before, sys.executable, "-c", listen, path], stdin=subprocess.PIPE)
    fake.wait_for("listens")
    os.chown(path, 0, 0)
    os.chmod(where, 0o700)
    status, out, err = run([trivet(), "ls"])
    expect(status == 3 and "another user's process" in err, "%d %s %s" % (status, out, err))
    os.unlink(path)


def ss_lines(text):
    """State, queues and ends of each line, without the blanks."""
    return sorted(" ".join(line.replace(":*", ": *").split()[:5]) for line in text.splitlines()[1:] if line.strip())


def scenery():
    """Listeners of three kinds, and connections in half a dozen states."""
    keep = []
    for family, address, only in ((socket.AF_INET, "127.0.0.1", None), (socket.AF_INET, "0.0.0.0", None),
                                  (socket.AF_INET6, "::", 1), (socket.AF_INET6, "::", 0)):
        s = socket.socket(family)
        if only is not None:
            s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        s.bind((address, 0))
        s.listen(5)
        keep.append(s)
    port, dual = keep[0].getsockname()[1], keep[3].getsockname()[1]
    for shut in (None, "client", "server", "both"):
        a = socket.create_connection(("127.0.0.1", port))
        b = keep[0].accept()[0]
        if shut in ("client", "both"):
            a.shutdown(socket.SHUT_WR)
        if shut in ("server", "both"):
            b.shutdown(socket.SHUT_WR)
        keep += [a, b]
    a = socket.create_connection(("127.0.0.1", dual))  # a mapped address at the other end
    a.sendall(b"unread")
    keep += [a, keep[3].accept()[0]]
    a = socket.create_connection(("::1", keep[2].getsockname()[1]))
    keep += [a, keep[2].accept()[0]]
    return keep


def test_ls_ss_prints_what_ss_prints():
    keep = scenery()
    read = []

    def between_two_alike():
        """Sockets are still closing: a reading counts if ss says the same before it and after it."""
        before = run(["ss", "-tan"])[1]
        status, mine, err = run([trivet(), "ls", "--kernel", "--ss"])
        expect(err == "" and status in (0, 1), err)
        after = run(["ss", "-tan"])[1]
        read[:] = [mine, after]
        return ss_lines(before) == ss_lines(after)

    expect(wait(between_two_alike), "the sockets of this machine do not come to rest")
    mine, theirs = read
    expect(ss_lines(mine) == ss_lines(theirs), "%s\n%s" % (ss_lines(mine), ss_lines(theirs)))
    for word in ("ESTAB", "LISTEN", "CLOSE-WAIT", "FIN-WAIT-2", "TIME-WAIT", "[::]:", "[::ffff:127.0.0.1]:"):
        expect(word in mine, word + " is missing: " + mine)
    expect("FIN-WAIT-2" in run([trivet(), "ls", "--kernel"])[1], "RFC words")
    del keep


def test_ls_kernel_says_what_is_odd():
    listener = socket.create_server(("127.0.0.1", 0), backlog=1)
    port = listener.getsockname()[1]
    callers = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
    status, answer = listing("--kernel")
    odd = {o["word"]: o for o in answer["odd"]}
    expect(status == 1 and "accept-queue-full" in odd, str(answer))
    expect(odd["accept-queue-full"]["at"] == "127.0.0.1:%d" % port, str(odd))
    accepted = [listener.accept()[0] for _ in callers]
    expect(listing("--kernel")[0] == 0, str(listing("--kernel")[1]["odd"]))
    callers.append(socket.create_connection(("127.0.0.1", port)))
    accepted.append(listener.accept()[0])
    for caller in callers:
        caller.close()
    expect(wait(lambda: [o for o in listing("--kernel")[1]["odd"] if o["word"] == "close-wait" and o["count"] == 3]),
           str(listing("--kernel")))
    text = run([trivet(), "ls", "--kernel"])[1]
    expect("nothing received for" in text and "has not" in text and "CLOSE-WAIT" in text, text)


def test_ls_z_kernel_counts_20000_time_waits():
    """So many short connections that the local ports towards one port run short. They stay: the last test."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    at = listener.getsockname()
    port_range = [int(n) for n in open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii").read().split()]
    most = open("/proc/sys/net/ipv4/tcp_max_tw_buckets", encoding="ascii").read()
    if port_range[1] - port_range[0] > 36000 or int(most) < 20000:
        raise Skipped("this machine keeps fewer, or has more ports")
    # The kernel's own search for a free port takes longer and longer: each gets a port named, but for
    # those that the tests before have in TIME-WAIT.
    for port in range(port_range[0], port_range[0] + 20000):
        caller = socket.socket()
        try:
            caller.bind(("127.0.0.1", port))
        except OSError:
            caller.close()
            continue
        caller.connect(at)
        accepted = listener.accept()[0]
        caller.close()
        accepted.close()
    listener.close()
    status, answer = listing("--kernel")
    odd = {o["word"]: o for o in answer["odd"]}
    expect(status == 1 and odd["time-wait"]["count"] >= 19000, str(odd))
    expect(odd["time-wait"]["at"] == "%s:%d" % at, str(odd))
    text = run([trivet(), "ls", "--kernel"])[1]
    expect(len(text.splitlines()) < 30 and "towards this one port" in " ".join(text.split()), text[:2000])
    everything = run([trivet(), "ls", "--kernel", "--all"])[1]
    expect(everything.count("TIME-WAIT") >= 19000, "not all of them")


def test_ls_watch_measures_ages():
    listener = socket.create_server(("127.0.0.1", 0))
    program = start([trivet(), "ls", "--kernel", "--json", "--watch", "50ms"])
    program.wait_for(r"\n")
    caller = socket.create_connection(listener.getsockname())
    name = '"local":"%s:%d"' % caller.getsockname()
    program.wait_for(name + r'[^{}]*"in_state_for_ns":[1-9][^{}]*"in_state_for_exact":true')
    program.wait_for(r'"state":"LISTEN"[^{}]*"in_state_for_exact":false')
    expect(program.end(signal.SIGINT) == 0, program.text[-300:])
    caller.close()


def test_ls_mistakes_are_named():
    for arguments, words in ((["x"], "no operands"), (["--ss", "--json"], "one choice"), (["--count", "2"], "--watch"),
                             (["-w", "/tmp/x"], "no packets"), (["--watch", "1"], "not a duration")):
        status, _, err = run([trivet(), "ls", *arguments])
        expect(status == 2 and words in err, "%s: %d %s" % (arguments, status, err))


run_tests([f for n, f in sorted(globals().items()) if n.startswith("test_")])
