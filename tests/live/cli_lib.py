"""What the live tests of the tool share: results, a private network namespace, waiting for conditions.

A test script calls enter() first: it starts itself again inside a namespace of its own, or says why it
cannot. Everything started with start() is ended, by its pid, when the script ends.
"""
import atexit
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BUILD = os.environ.get("BUILD_DIR", os.path.join(ROOT, "build"))
KERNEL, TRIVET_AT = "10.9.0.1", "10.9.0.2"
KERNEL6, TRIVET6 = "fd00:9::1", "fd00:9::2"
DEADLINE = 30.0

started = []
failed = 0
temporary = None


def ok(name):
    print("ok " + name, flush=True)


def fail(name, why):
    global failed
    failed += 1
    print("FAIL %s: %s" % (name, " / ".join(str(why).strip().splitlines()[:12])), flush=True)


def not_run(reason):
    print("not run: " + reason, flush=True)
    sys.exit(0)


class Wrong(Exception):
    """What a test found; the message says it."""


class Skipped(Exception):
    """Why a test cannot run here."""


def expect(condition, why):
    if not condition:
        raise Wrong(why)


def run_tests(tests):
    """Runs functions named test_*, each by itself; exits with 1 if any failed."""
    only = sys.argv[1:]
    for test in tests:
        name = test.__name__.replace("test_", "", 1)
        if only and name not in only:
            continue
        try:
            test()
            ok(name)
        except Skipped as skipped:
            print("not run: %s: %s" % (name, skipped), flush=True)
        except Wrong as wrong:
            fail(name, wrong)
        except (OSError, subprocess.SubprocessError) as error:
            fail(name, repr(error))
        finally:
            stop_all()
    sys.exit(1 if failed else 0)


def folder():
    """A temporary folder that everybody may read, gone at the end."""
    global temporary
    if temporary is None:
        temporary = tempfile.mkdtemp(prefix="trivet-live-")
        os.chmod(temporary, 0o755)
        atexit.register(shutil.rmtree, temporary, True)
    return temporary


def trivet():
    """The tool, copied to where every user may run it."""
    copy = os.path.join(folder(), "trivet")
    if not os.path.exists(copy):
        shutil.copy(os.environ.get("TRIVET", os.path.join(BUILD, "trivet")), copy)
        os.chmod(copy, 0o755)
    return copy


def need(*tools):
    for tool in tools:
        if shutil.which(tool) is None:
            not_run("there is no " + tool)


def enter():
    """Goes on inside a private network namespace; without root, in a user namespace."""
    if os.environ.get("TRIVET_LIVE_INSIDE") == "1":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        return
    flags = ["-n"] if os.geteuid() == 0 else ["-Urn"]
    probe = subprocess.run(["unshare"] + flags + ["true"], capture_output=True, text=True, check=False)
    if probe.returncode:
        not_run("no network namespace here: " + probe.stderr.strip())
    os.environ["TRIVET_LIVE_INSIDE"] = "1"
    os.execvp("unshare", ["unshare"] + flags + [sys.executable] + sys.argv)


def need_tun():
    try:
        os.close(os.open("/dev/net/tun", os.O_RDWR))
    except OSError as error:
        not_run("/dev/net/tun cannot be opened: " + (error.strerror or "?"))


class Program:
    """A program that runs beside the test; its output is collected."""

    def __init__(self, command, **options):
        self.command = command
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        stdin=options.pop("stdin", subprocess.DEVNULL), **options)
        self.text = ""
        self.thread = threading.Thread(target=self.collect, daemon=True)
        self.thread.start()
        started.append(self)

    def collect(self):
        for line in self.process.stdout:
            self.text += line.decode("utf-8", "replace")

    def wait_for(self, pattern, deadline=DEADLINE):
        if not wait(lambda: re.search(pattern, self.text) or self.process.poll() is not None, deadline) \
                or not re.search(pattern, self.text):
            raise Wrong("%s did not say '%s' but: %s" % (self.command[0], pattern, self.text))

    def end(self, how=signal.SIGTERM, deadline=DEADLINE):
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            status = self.process.wait(deadline)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Wrong("%s did not end" % self.command) from None
        self.thread.join(deadline)
        if self in started:
            started.remove(self)
        return status


def start(command, **options):
    return Program(command, **options)


def stop_all():
    for program in list(started):
        try:
            program.end(signal.SIGTERM, 10)
        except Wrong:
            pass


atexit.register(stop_all)


def wait(condition, deadline=DEADLINE):
    """True as soon as the condition holds; False if it does not come to that."""
    limit = time.monotonic() + deadline
    while not condition():
        if time.monotonic() >= limit:
            return False
        time.sleep(0.01)
    return True


def run(command, deadline=60, **options):
    """Status, output and error output (as text) of a program that ends by itself."""
    options.setdefault("stdin", subprocess.DEVNULL)
    if "input" in options:
        options.pop("stdin")
    try:
        done = subprocess.run(command, capture_output=True, timeout=deadline, check=False, **options)
    except subprocess.TimeoutExpired as late:
        raise Wrong("%s did not end in %d s" % (" ".join(command[:4]), deadline)) from late
    return done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace")


def serve(*arguments, port=80):
    """trivet serve behind tv0, on both families, once it listens."""
    program = start([trivet(), "serve", "--tun", "tv0", "--addr", KERNEL + "/24", "--addr", KERNEL6 + "/64",
                     *arguments, str(port)])
    program.wait_for(r"Trivet listens.*Try:")
    return program


def read_all(s):
    """What comes on a socket until the other end closes."""
    got = bytearray()
    while True:
        piece = s.recv(1 << 20)
        if not piece:
            return bytes(got)
        got += piece


def listens(port, family="inet"):
    """Does a socket of this machine's kernel listen on this port?"""
    text = run(["ss", "-Hltn", "--family", family, "sport = :%d" % port])[1]
    return str(port) in text


FAULTS = ("_ws.malformed", "tcp.checksum.status == Bad", "ip.checksum.status == Bad",
          "icmp.checksum.status == Bad", "icmpv6.checksum.status == Bad", "tcp.analysis.out_of_order",
          "tcp.analysis.lost_segment", "tcp.analysis.ack_lost_segment")
REPEATS = ("tcp.analysis.retransmission", "tcp.analysis.fast_retransmission",
           "tcp.analysis.spurious_retransmission")
# The kernel probes for a lost tail after two round trips, which are shorter here than the pause that
# the scheduler may give either of us: then original and copy wait together and are read within this time,
# or we acknowledged the original within this time after it was read, and the copy crossed the ACK.
TOGETHER = 0.001


def tshark(path, condition, *fields):
    """One list of fields for each packet of a capture that meets the condition."""
    wanted = [x for f in fields for x in ("-e", f)]
    status, out, err = run(["tshark", "-r", path, "-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE",
                            "-Y", condition, "-T", "fields", "-E", "separator=|", *wanted], 120)
    expect(status == 0, "tshark: " + err)
    return [line.split("|") for line in out.splitlines()]


def explained(path, number, source, sequence, port):
    """Was the original of this repeat, if it is Linux's, still unread a moment before, or answered at once?

    The original may be longer: of a super-segment the kernel repeats the last segment alone."""
    if source not in (KERNEL, KERNEL6):
        return False
    rows = [[float(x) for x in row] for row in tshark(
        path, "tcp.port == %s and frame.number <= %s" % (port, number), "frame.time_epoch", "tcp.srcport",
        "tcp.seq_raw", "tcp.len", "tcp.ack_raw", "tcp.flags.fin")]
    holds = [(t, length) for t, sender, first, length, ack, fin in rows if sender == int(port) and length + fin > 0 and
             0 <= (int(sequence) - first) % 2 ** 32 < max(length, 1)]
    if len(holds) < 2:
        return False
    behind = (int(sequence) + max(holds[-1][1], 1)) % 2 ** 32
    answers = [t for t, sender, first, length, ack, fin in rows if sender != int(port) and t >= holds[0][0] and
               (ack - behind) % 2 ** 32 < 2 ** 31]
    return min([holds[-1][0], *answers]) - holds[0][0] < TOGETHER


def capture_faults(path):
    """What tshark finds wrong in a capture: lines, or ''."""
    wrong = tshark(path, " or ".join("(%s)" % f for f in FAULTS), "frame.number", "_ws.col.Info")
    for number, v4, v6, sequence, port, info in tshark(
            path, " or ".join(REPEATS), "frame.number", "ip.src", "ipv6.src", "tcp.seq_raw", "tcp.srcport",
            "_ws.col.Info"):
        if not explained(path, number, v4 or v6, sequence, port):
            wrong.append([number, v4 or v6, info])
    return "\n".join(" ".join(w) for w in wrong)


def capture_count(path, what="frame"):
    return len(tshark(path, what, "frame.number"))
