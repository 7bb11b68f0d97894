#!/usr/bin/env python3
"""The command line of trivet: help, versions, mistakes, exit statuses. Needs no rights."""
import json
import os
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_lib import expect, folder, run, run_tests, trivet

VERBS = ("demo", "serve", "connect", "check", "scan")


def test_usage_help_tells_every_verb():
    status, out, err = run([trivet(), "--help"])
    expect(status == 0 and err == "", "status %d" % status)
    for verb in VERBS:
        expect(verb in out, "'%s' is missing" % verb)
        status, text, err = run([trivet(), verb, "--help"])
        expect(status == 0 and err == "", "%s --help: %d" % (verb, status))
        for flag in ("--write", "--json", "--quiet", "--ascii", "--color", "Exit status"):
            expect(flag in text, "%s --help lacks %s" % (verb, flag))
        expect(all(len(line) <= 100 for line in text.splitlines()), "help of %s is wide" % verb)
    expect(run([trivet()])[0] == 2, "no verb is no mistake")


def test_usage_version_is_the_librarys():
    status, out, _ = run([trivet(), "--version"])
    expect(status == 0 and out.startswith("trivet "), out)


def test_usage_mistakes_exit_with_2_and_say_what():
    cases = (
        (["nonsense"], "unknown verb"), (["dmeo"], "did you mean 'demo'"), (["--nonsense"], "unknown flag"),
        (["demo", "--nonsense"], "unknown flag '--nonsense'"), (["demo", "--lossy"], "did you mean '--loss'"),
        (["demo", "-z"], "unknown flag '-z'"), (["demo", "extra"], "no operands"),
        (["demo", "--rtt"], "needs a value"), (["demo", "--rtt", "40"], "not a duration"),
        (["demo", "--loss", "101%"], "percentage"), (["demo", "--seed", "x"], "not a number"),
        (["demo", "--drop", "0"], "not a number"), (["demo", "--sim=yes"], "takes no value"),
        (["demo", "--color=blue"], "neither"), (["serve"], "PORT"), (["serve", "http"], "not a port"),
        (["serve", "0"], "not a port"), (["serve", "65536"], "not a port"), (["serve", "1", "2"], "one PORT"),
        (["serve", "--addr", "10.9.0.1", "7"], "prefix length"),
        (["serve", "--addr", "10.9.0.1/32", "7"], "no room"),
        (["serve", "--echo", "--discard", "7"], "one choice"), (["connect"], "needed"),
        (["connect", "example", "7"], "not an IPv4 or IPv6 address"), (["connect", "::1", "x"], "not a port"),
        (["check", "::1"], "needed"), (["check", "::1", "0"], "not a port"), (["check", "a b", "80"], "not a host"),
        (["check", "-4", "-6", "::1", "80"], "nothing"), (["check", "--ask", "x", "::1", "80"], "neither http"),
        (["check", "--timeout", "1ms", "::1", "80"], "from 10ms"),
        (["check", "--count", "0", "::1", "80"], "not a number"),
        (["scan", "::1"], "needed"), (["scan", "::1", "80,"], "no ports"), (["scan", "::1", "9-8"], "no ports"),
        (["scan", "::1", "0"], "no ports"), (["scan", "::1", "1-65536"], "no ports"),
        (["scan", "--rate", "1001", "::1", "1"], "not a number"), (["scan", "--tries", "6", "::1", "1"], "not a number"),
        (["scan", "--timeout", "11s", "::1", "1"], "from 10ms"), (["scan", "-4", "-6", "::1", "1"], "nothing"),
    )
    for arguments, words in cases:
        status, out, err = run([trivet(), *arguments])
        expect(status == 2, "%s: exit status %d" % (arguments, status))
        expect(words in err and "--help" in err, "%s: %s" % (arguments, err))
        expect(out == "", "%s prints on the standard output" % arguments)


def test_usage_unreadable_directory_exits_with_3():
    status, _, err = run([trivet(), "serve", "--http", "/nonexistent", "--addr", "10.9.0.1/24", "80"])
    expect(status == 3 and "/nonexistent" in err, "status %d: %s" % (status, err))


def test_usage_capture_that_cannot_be_written_fails():
    status, _, err = run([trivet(), "demo", "--sim", "-q", "-w", "/nonexistent/x.pcap"])
    expect(status == 3 and "/nonexistent/x.pcap" in err, "status %d: %s" % (status, err))


def test_usage_full_output_is_noticed():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([trivet(), "demo", "--sim"], stdout=full, stderr=subprocess.PIPE, check=False)
    expect(done.returncode == 1, "status %d" % done.returncode)


def test_usage_json_is_json():
    status, out, _ = run([trivet(), "demo", "--sim", "--json"])
    expect(status == 0 and isinstance(json.loads(out), list), out[:200])


def test_usage_no_rights_exits_with_3_and_names_the_cure():
    before = []
    if os.geteuid() == 0:
        before = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]
    for arguments in (["serve", "--addr", "10.9.0.1/24", "80"],
                      ["connect", "--addr", "10.9.0.1/24", "10.9.0.1", "80"]):
        status, _, err = run([*before, trivet(), *arguments], cwd=folder())
        expect(status == 3, "%s: status %d: %s" % (arguments, status, err))
        expect("To cure it, type:" in err and "sudo " in err, err)


run_tests([f for n, f in sorted(globals().items()) if n.startswith("test_")])
