#!/usr/bin/env python3
"""trivet explain and ladder on files: what they print, beside tcpdump; mistakes, exit statuses. Needs no rights."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_lib import ROOT, expect, folder, need, run, run_tests, trivet

KEPT = os.path.join(ROOT, "tests", "captures")
GOOD, REFUSED, NOTHING = (os.path.join(KEPT, n) for n in (
    "01-success-http.pcap", "02-refused-closed-port.pcap", "57-empty-header-only.pcap"))


def test_lines_are_those_of_tcpdump():
    """All kept captures; up to what tcpdump says of the text of an application."""
    need("tcpdump")
    for name in sorted(n for n in os.listdir(KEPT) if not n.endswith(".tsv")):
        path = os.path.join(KEPT, name)
        theirs = [line for line in run(["tcpdump", "-n", "-r", path])[1].splitlines() if re.match(r"\d\d:\d\d:", line)]
        status, out, err = run([trivet(), "ladder", "--lines", path])
        ours = out.splitlines()
        expect(status in (0, 4), "%s: exit status %d: %s" % (name, status, err))
        expect(len(ours) == len(theirs), "%s: %d lines, and tcpdump has %d" % (name, len(ours), len(theirs)))
        for a, b in zip(ours, theirs):
            expect(b == a or b.startswith(a + ":"), "%s: '%s' is not '%s'" % (name, a, b))


def test_explain_exit_statuses():
    cut = os.path.join(folder(), "cut")
    with open(cut, "wb") as f:
        f.write(b"no capture at all")
    cases = (([GOOD], 0), ([REFUSED], 1), ([NOTHING], 4), (["/nonexistent"], 3), ([cut], 3), ([], 2),
             ([GOOD, "tcp", "port"], 2), ([REFUSED, "port", "1"], 4), ([GOOD, "port", "80"], 0))
    for arguments, wanted in cases:
        status, _, err = run([trivet(), "explain", *arguments])
        expect(status == wanted, "explain %s: exit status %d, not %d: %s" % (arguments, status, wanted, err))
        expect((wanted in (2, 3)) == bool(err), "explain %s says: %s" % (arguments, err))


def test_ladder_exit_statuses():
    cases = (([GOOD], 0), ([GOOD, "-n", "2"], 4), (["/nonexistent"], 3), ([], 2), ([GOOD, "nonsense", "filter"], 2),
             ([GOOD, "-n", "0"], 2))
    for arguments, wanted in cases:
        status, _, err = run([trivet(), "ladder", *arguments])
        expect(status == wanted, "ladder %s: exit status %d, not %d: %s" % (arguments, status, wanted, err))


def test_explain_reads_the_standard_input():
    with open(REFUSED, "rb") as f:
        data = f.read()
    status, out, _ = run([trivet(), "explain", "--json", "-"], input=data)
    report = json.loads(out)
    expect(status == 1 and [x["verdict"] for x in report["findings"]] == ["refused"], out)


def test_explain_all_shows_what_went_well():
    expect("ok: ok" not in run([trivet(), "explain", GOOD])[1], "a healthy connection is listed without --all")
    expect("ok: ok" in run([trivet(), "explain", "--all", GOOD])[1], "--all does not list it")


def test_explain_jsonl_is_one_finding_a_line():
    lines = run([trivet(), "explain", "--jsonl", "--all", REFUSED])[1].splitlines()
    expect(lines and all("verdict" in json.loads(line) for line in lines), str(lines))


def test_ladder_fits_eighty_columns_and_needs_no_colour():
    for name in ("01-success-http.pcap", "47-ipv6-admin-prohibited.pcap", "11-reset-mid-transfer.pcap"):
        for flags in ([], ["--ascii"], ["--abs"]):
            out = run([trivet(), "ladder", *flags, "--color=never", os.path.join(KEPT, name)])[1]
            wide = [line for line in out.splitlines() if len(line) > 80]
            expect(out and not wide, "%s %s: %s" % (name, flags, wide))
            expect("\033" not in out, "colour without being asked")
            expect("--ascii" not in flags or out.isascii(), "%s is not ASCII" % name)


def test_payload_is_shown_on_request_alone():
    for verb in ("explain", "ladder"):
        expect("GET /" not in run([trivet(), verb, GOOD])[1], "%s shows text of the application" % verb)
    expect("GET /" in run([trivet(), "ladder", "--payload", GOOD])[1], "--payload does not show it")


if __name__ == "__main__":
    run_tests([f for n, f in list(globals().items()) if n.startswith("test_")])
