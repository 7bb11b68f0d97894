#!/usr/bin/env python3
"""trivet demo: as root, as an ordinary user, where namespaces are forbidden, and simulated."""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cli_lib import (Skipped, capture_count, capture_faults, expect, folder, need, not_run, run, run_tests,
                     trivet)

ORDINARY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]


def demo(*arguments, before=(), **options):
    status, out, err = run([*before, trivet(), "demo", *arguments], 60, **options)
    expect(status == 0, "exit status %d: %s%s" % (status, out[-300:], err))
    return out, err


def arrows(scene):
    return [e for e in scene["events"] if "note" not in e]


def check_conversation(scene, opener_waits=True):
    """A handshake of three arrows, data each way, four arrows at the end, and who waits."""
    rows = arrows(scene)
    flags = [r["flags"] for r in rows]
    expect(scene["ok"], scene["sentence"])
    expect(flags[:3] == ["S", "S.", "."], "it begins with %s" % flags[:3])
    expect([r["from"] for r in rows[:3]] == [0, 1, 0], "the handshake goes the wrong way")
    expect(rows[0]["left_state"] == "SYN-SENT" and rows[0]["right_state"] == "SYN-RECEIVED",
           "after the SYN: %s" % rows[0])
    expect(rows[2]["left_state"] == "ESTABLISHED" and rows[2]["right_state"] == "ESTABLISHED",
           "after the handshake: %s" % rows[2])
    last = rows[-4:]
    expect([r["flags"] for r in last] == ["F.", ".", "F.", "."], "it ends with %s" % flags[-4:])
    expect([r["from"] for r in last] == [0, 1, 1, 0], "the four arrows go the wrong way")
    states = [(r["left_state"], r["right_state"]) for r in last]
    expect(states == [("FIN-WAIT-1", "CLOSE-WAIT"), ("FIN-WAIT-2", "CLOSE-WAIT"),
                      ("TIME-WAIT", "LAST-ACK"), ("TIME-WAIT", "CLOSED")], "states at the end: %s" % states)
    expect(all(r["len"] == 0 for r in last), "data in the four arrows")
    expect(sum(r["len"] for r in rows if r["from"] == 0) > 0, "no request")
    expect(sum(r["len"] for r in rows if r["from"] == 1) > 0, "no answer")
    for end in scene["ends"]:
        expect("isn" in end and str(end["isn"]) in scene["sentence"], "an ISN is not told: %s" % end)
    expect("TIME-WAIT" in scene["sentence"] and "round trip" in scene["sentence"], scene["sentence"])


def check_refused(scene):
    rows = arrows(scene)
    expect(scene["ok"] and [r["flags"] for r in rows] == ["S", "R."], "refused: %s" % rows)
    expect(rows[1]["left_state"] == "CLOSED", "after the RST: %s" % rows[1])


def check_live(out):
    scenes = json.loads(out)
    expect(len(scenes) == 3, "%d scenes" % len(scenes))
    expect([e["name"] for e in scenes[0]["ends"]] == ["Linux", "Trivet"], "scene 1 is not Linux to Trivet")
    expect([e["name"] for e in scenes[1]["ends"]] == ["Trivet", "Linux"], "scene 2 is not Trivet to Linux")
    check_conversation(scenes[0])
    check_conversation(scenes[1])
    check_refused(scenes[2])
    for scene in scenes:
        times = [e["time_ns"] for e in scene["events"]]
        expect(times == sorted(times), "time goes back: %s" % times)


def need_root():
    if os.geteuid() != 0:
        raise Skipped("it begins as root")


def test_demo_as_root():
    need_root()
    out, err = demo("--json")
    check_live(out)
    expect(err == "", "it complains: " + err)


def test_demo_as_ordinary_user():
    before = ORDINARY if os.geteuid() == 0 else []
    out, err = demo("--json", before=before)
    check_live(out)
    if not os.access("/dev/net/tun", os.W_OK) or os.stat("/dev/net/tun").st_mode & 6 != 6:
        expect("/dev/net/tun" in err and "AF_PACKET" in err, "the way around TUN is not told: " + err)


def test_demo_without_a_tun_node():
    need_root()
    hide = "mount -t tmpfs none /dev/net && exec \"$@\""
    out, err = demo("--json", before=["unshare", "-m", "sh", "-c", hide, "-"])
    check_live(out)
    expect("/dev/net/tun" in err and "AF_PACKET" in err, "the way around TUN is not told: " + err)


def test_demo_where_namespaces_are_forbidden():
    shell = "echo 0 > /proc/sys/user/max_user_namespaces; exec setpriv --bounding-set=-all --inh-caps=-all " \
            "--ambient-caps=-all \"$@\""
    out, err = demo(before=["unshare", "-Ur", "sh", "-c", shell, "-"])
    expect("max_user_namespaces" in err and "sysctl -w" in err, "no cure is named: " + err)
    expect("Trivet A" in out and "TIME-WAIT" in out, "no simulation: " + out)


def test_demo_where_root_of_a_namespace_is_forbidden_more():
    shell = "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$@\""
    out, _ = demo(before=["unshare", "-Ur", "sh", "-c", shell, "-"])
    expect("TIME-WAIT" in out, "nothing to see: " + out)


def test_demo_fits_the_page():
    out, _ = demo("--sim")
    wide = [line for line in out.splitlines() if len(line) > 80]
    expect(not wide, "wider than 80 columns: %s" % wide[:2])
    expect("\033" not in out, "colour into a pipe")
    out, _ = demo("--sim", "--ascii")
    expect(out.isascii(), "not ASCII")
    expect("SYN,ACK [S.]" in out and "<---" in out, out)
    out, _ = demo("--sim", "--color=always")
    expect("\033[" in out, "no colour")
    out, _ = demo("--sim", env={**os.environ, "LC_ALL": "C"})
    expect(out.isascii(), "not ASCII in a locale that is")


def test_demo_writes_a_faultless_capture():
    need("tshark")
    path = os.path.join(folder(), "demo.pcap")
    for arguments in (["-w", path], ["--sim", "-w", path]):
        demo(*arguments)
        faults = capture_faults(path)
        expect(faults == "", "tshark: " + faults)
        expect(capture_count(path, "tcp") >= 10, "too few packets")


def test_demo_sim_drop_is_repaired():
    scenes = json.loads(demo("--sim", "--drop", "2", "--json")[0])
    rows = arrows(scenes[0])
    expect(scenes[0]["ok"], scenes[0]["sentence"])
    expect([r["fate"] for r in rows[:2]] == ["carried", "lost"], "packet 2 was not lost")
    expect(any(r["again"] for r in rows), "nothing was sent again")
    out, _ = demo("--sim", "--drop", "2", "--ascii")
    expect("lost x" in out and "sent again" in out, out)


def test_demo_sim_delay_is_the_round_trip():
    scenes = json.loads(demo("--sim", "--rtt", "80ms", "--json")[0])
    rows = arrows(scenes[0])
    check_conversation(scenes[0])
    check_refused(scenes[1])
    expect(rows[2]["time_ns"] == 80000000, "the ACK left after %d ns" % rows[2]["time_ns"])


def test_demo_sim_same_seed_same_ladder():
    one = demo("--sim", "--loss", "20%", "--seed", "5")[0]
    expect(one == demo("--sim", "--loss", "20%", "--seed", "5")[0], "two runs differ")
    expect(one != demo("--sim", "--loss", "20%", "--seed", "6")[0], "two seeds do not differ")


def test_demo_sim_heavy_loss_still_ends():
    for seed in range(1, 13):
        scenes = json.loads(demo("--sim", "--loss", "25%", "--seed", str(seed), "--json")[0])
        expect(all(s["ok"] for s in scenes), "seed %d: %s" % (seed, [s["sentence"] for s in scenes]))


def test_demo_sim_that_fails_says_why():
    status, out, _ = run([trivet(), "demo", "--sim", "--loss", "100%"])
    expect(status == 1 and out.count("no answer to the SYN") == 2, "status %d: %s" % (status, out[-200:]))


def test_demo_lines_are_those_of_tcpdump():
    need("tcpdump")
    path = os.path.join(folder(), "lines.pcap")
    out, _ = demo("--sim", "--lines", "-w", path)
    status, dump, err = run(["tcpdump", "-n", "-ttttt", "-r", path])
    expect(status == 0, err)

    def body(text):
        return sorted(re.sub(r"^\s*\S+ ", "", line) for line in text.splitlines() if " IP " in line)

    ours, theirs = body(out), body(dump)
    expect(ours == theirs, "only one says: %s" % sorted(set(ours) ^ set(theirs))[:4])


def main():
    need("unshare", "setpriv")
    probe = subprocess.run(["unshare", "-Urn", "true"], capture_output=True, check=False)
    if probe.returncode and os.geteuid() != 0:
        not_run("no namespaces here")
    run_tests([f for n, f in sorted(globals().items()) if n.startswith("test_")])


main()
