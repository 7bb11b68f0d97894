#!/usr/bin/env python3
"""The experiments of trivet demo: what each prints holds, for several seeds; the same seed gives the
same bytes; the text fits its page; what `trivet explain` says of each capture is what the experiment
promises; the pages ask nothing of anybody. Needs no rights."""
import html.parser
import json
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree

TRIVET = os.path.abspath(os.environ.get("TRIVET", "build/trivet"))
ARGUMENTS = {"ports": ["--ports=10"]}


class Fault(Exception):
    pass


def expect(holds, why):
    if not holds:
        raise Fault(str(why))


def run(*arguments, given=""):
    p = subprocess.run([TRIVET, *arguments], input=given, capture_output=True, text=True, timeout=60, check=False,
                       env={**os.environ, "LC_ALL": "C.UTF-8"})
    return p.returncode, p.stdout, p.stderr


def flag(name):
    return ARGUMENTS.get(name, ["--" + name])


def scenes(name, *more):
    status, out, err = run("demo", *flag(name), "--json", *more)
    expect(status == 0, "exit status %d: %s" % (status, err))
    return json.loads(out)


def arrows(scene):
    return [e for e in scene["events"] if "note" not in e]


def flags(scene):
    return [(e["from"], e.get("flags", e["what"])) for e in arrows(scene)]


# --- what holds for each experiment -------------------------------------------------------------------

def check_claims(name):
    for seed in ("1", "2", "3"):
        for scene in scenes(name, "--seed", seed):
            expect(scene["ok"], "seed %s: %s" % (seed, scene["scene"]))
            for claim in scene["claims"]:
                expect(claim["holds"], "seed %s: %s" % (seed, claim["text"]))
                expect(claim["text"] in scene["sentence"], "a claim is not printed: " + claim["text"])


def check_other_round_trips(name):
    for rtt in ("2ms", "90ms"):
        for scene in scenes(name, "--rtt", rtt):
            expect(scene["ok"], "rtt %s: %s: %s" % (rtt, scene["scene"], scene["sentence"]))


def check_same_seed_same_bytes(name):
    for how in ((), ("--json",), ("--lines",)):
        first = run("demo", *flag(name), "--seed", "7", *how)
        expect(first == run("demo", *flag(name), "--seed", "7", *how), "two runs differ")
        expect(first[1] != "", "nothing is printed")


def check_fits_the_page(name):
    for how in ((), ("--ascii",)):
        status, out, err = run("demo", *flag(name), *how)
        expect(status == 0 and err == "", "exit status %d: %s" % (status, err))
        wide = [line for line in out.splitlines() if len(line) > 80]
        expect(not wide, "wider than 80 columns: %s" % wide[:2])
        expect("\033" not in out, "colour into a pipe")
        expect(not how or out.isascii(), "not ASCII")
    expect("\033[" in run("demo", *flag(name), "--color=always")[1], "no colour")


def check_words(name, words):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.pcap")
        status, _, err = run("demo", *flag(name), "-q", "-w", path)
        expect(status == 0, err)
        status, out, err = run("explain", "--json", "--all", path)
        found = sorted({f["verdict"] for f in json.loads(out)["findings"]})
        expect(found == sorted(words), "explain says %s, not %s" % (found, sorted(words)))


class Page(html.parser.HTMLParser):
    EMPTY = {"meta", "input", "line", "rect", "path"}

    def __init__(self):
        super().__init__()
        self.open, self.ids, self.links, self.faults = [], set(), [], []

    def handle_starttag(self, tag, attrs):
        for key, value in attrs:
            if key == "id":
                if value in self.ids:
                    self.faults.append("twice #" + value)
                self.ids.add(value)
            if key == "href" and value.startswith("#"):
                self.links.append(value[1:])
            if key in ("src", "href") and not value.startswith("#"):
                self.faults.append("asks for " + value)
            if key.startswith("on"):
                self.faults.append("a handler in an attribute")
        if tag not in self.EMPTY:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in self.EMPTY:
            return
        while self.open and self.open[-1] in ("html",) and tag != "html":
            self.open.pop()
        if not self.open or self.open.pop() != tag:
            self.faults.append("</%s> closes something else" % tag)


def check_page_text(text):
    page = Page()
    page.feed(text)
    expect(not page.faults, page.faults[:3])
    missing = [x for x in page.links if x not in page.ids]
    expect(not missing, "links to nothing: %s" % missing[:3])
    for drawing in re.findall(r"<svg.*?</svg>", text, re.S):
        xml.etree.ElementTree.fromstring(drawing)
    return page


def check_labels_between_the_bars(drawing):
    """The labels of arrows end before the bars, at the width of letters that a browser's usual font has."""
    bars = sorted({int(x) for x in re.findall(r'<rect class="bar [^"]*" x="(\d+)"', drawing)})
    left, right = bars[0] + 8, bars[-1]
    for group, inside in re.findall(r'<g class="packet ([^"]*)".*?>(.*?)</g>', drawing, re.S):
        for kind, x, label in re.findall(r'<text class="(label|detail)" transform="matrix\(1 \S+ 0 1 (\d+) \d+\)"[^>]*>'
                                         r"([^<]*)<", inside):
            small = kind == "detail" or "first" in group or "second" in group
            width = len(html.unescape(label)) * (4.6 if small else 5.4)
            start = int(x) - (0 if "first" in group else width if "second" in group else width / 2)
            expect(left <= start and start + width <= right, "%s stands on a bar: %s" % (kind, label))


def check_page(name):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.html")
        status, out, err = run("demo", *flag(name), "--json", "--html", path)
        expect(status == 0, err)
        with open(path, encoding="utf-8") as f:
            text = f.read()
        check_page_text(text)
        for drawing in re.findall(r"<svg.*?</svg>", text, re.S):
            check_labels_between_the_bars(drawing)
            expect(len(re.findall(r'<rect class="bar [^>]* data-n="-?\d+"/>', drawing)) == drawing.count('class="bar '),
                   "the slider does not reach a piece of a bar")
        for scene in json.loads(out):
            expect(html.escape(scene["scene"], quote=False) in text.replace("&#39;", "'"), "no scene " + scene["scene"])
            first = text.index("<svg")
            expect(first >= 0, "no drawing")
        expect(text.count("class=\"packet ") == sum(len(arrows(s)) for s in json.loads(out)), "arrows are missing")
        expect(text.count("type=\"range\"") == len(json.loads(out)), "a slider for each drawing")


# --- what is told, looked at once more ------------------------------------------------------------------

def test_whiteboard_shows_the_three_messages():
    text = run("demo", "--whiteboard")[1]
    for label in (" SYN seq=1000 ", " SYN,ACK seq=2000 ack=1001 ", " ACK seq=1001 ack=2001 "):
        expect(label in text, label)
    for state in ("CLOSED", "LISTEN", "SYN-SENT", "SYN-RECEIVED", "ESTABLISHED"):
        expect(state in text, state)
    text = run("demo", "--whiteboard", "--isn", "x,y")[1]
    for label in ("SYN seq=x ", "SYN,ACK seq=y ack=x+1 ", "ACK seq=x+1 ack=y+1 "):
        expect(label in text, label)
    for longest, label in (("4294967290,4294967290", "SYN,ACK seq=4294967290 ack=4294967291"),
                           ("abcdefgh,ABCDEFGH", "SYN,ACK seq=ABCDEFGH ack=abcdefgh+1")):
        text = run("demo", "--whiteboard", "--isn", longest)[1]
        expect(label in text and max(map(len, text.splitlines())) <= 80, "no room for " + label)
    for wrong in ("x", "1,", ",", "1,-2", "x,y,z", "4294967296,1", "abcdefghi,y", "x1,y"):
        status, _, err = run("demo", "--whiteboard", "--isn", wrong)
        expect(status == 2 and "--isn" in err, "%s is taken" % wrong)


def test_whiteboard_numbers_are_an_offset_of_the_real_ones():
    scene = scenes("whiteboard")[0]
    syn, answer, ack = arrows(scene)
    expect(str(syn["seq"]) in scene["sentence"] and str(answer["seq"]) in scene["sentence"], "the ISNs are not told")
    expect(answer["ack"] == (syn["seq"] + 1) % 2**32 and ack["ack"] == (answer["seq"] + 1) % 2**32, "not a handshake")
    seeds = {arrows(scenes("whiteboard", "--seed", str(s))[0])[0]["seq"] for s in range(5)}
    expect(len(seeds) == 5, "ISNs repeat: %s" % seeds)


def test_whiteboard_svg_is_a_drawing():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.svg")
        expect(run("demo", "--whiteboard", "--svg", path)[0] == 0, "it fails")
        text = "".join(xml.etree.ElementTree.parse(path).getroot().itertext())
        for label in ("SYN seq=1000", "SYN,ACK seq=2000 ack=1001", "ACK seq=1001 ack=2001", "SYN-RECEIVED"):
            expect(label in text, label)
    status, _, err = run("demo", "--whiteboard", "--svg", "/nonexistent/x.svg")
    expect(status == 1 and "/nonexistent" in err, "a file that cannot be written: %d %s" % (status, err))


def test_close_arrows_are_those_of_the_rfc():
    """RFC 9293 3.6: figures 12 and 13; the half-close of 3.6, case 1."""
    four, three, both, half = (flags(s) for s in scenes("close"))
    expect(four[3:] == [(0, "F."), (1, "."), (1, "F."), (0, ".")], four)
    expect(three[3:] == [(0, "F."), (1, "F."), (0, ".")], three)
    expect(sorted(both[3:]) == [(0, "."), (0, "F."), (1, "."), (1, "F.")], both)
    crossed = arrows(scenes("close")[2])[3:5]
    expect(all(e["left_state"] == "CLOSING" or e["right_state"] == "CLOSING" for e in crossed), crossed)
    expect([f for f in half[3:] if f[1] != "."] == [(0, "FP."), (1, "FP.")], half)


def test_reset_answers_are_those_of_the_rfc():
    """RFC 9293 3.10.7.1: to a SYN, RST with ACK of SEG.SEQ+1; to what has an ACK, RST with that number."""
    closed, killed, stale = scenes("reset")
    syn, rst = arrows(closed)
    expect((syn["flags"], rst["flags"]) == ("S", "R."), flags(closed))
    expect(rst["seq"] == 0 and rst["ack"] == (syn["seq"] + 1) % 2**32, rst)
    expect(arrows(killed)[-1]["flags"] == "R." and arrows(killed)[-1]["from"] == 1, flags(killed))
    text, rst = arrows(stale)[-2:]
    expect(rst["flags"] == "R" and rst["seq"] == text["ack"], (text, rst))


def test_time_wait_repeats_the_last_ack_and_its_absence_resets():
    kept, lost, late, reused = scenes("time-wait")
    expect([f[1] for f in flags(kept)[3:]] == ["F.", "F.", ".", "F.", "."], flags(kept))
    expect(arrows(kept)[5]["fate"] == "lost" and arrows(kept)[5]["from"] == 0, "not the last ACK is lost")
    expect(flags(lost)[-1] == (0, "R"), flags(lost))
    expect(late["ends"][0]["state"] == "TIME-WAIT", late["ends"])
    expect(reused["ends"][0]["state"] == reused["ends"][1]["state"] == "ESTABLISHED", reused["ends"])


def test_a_lost_ack_is_named_in_the_middle_of_its_arrow():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.html")
        expect(run("demo", "--time-wait", "-q", "--html", path)[0] == 0, "it fails")
        with open(path, encoding="utf-8") as f:
            lost = re.findall(r'<g class="packet (lost[^"]*)".*?<line x1="(\d+)" y1="\d+" x2="(\d+)".*?'
                              r'class="label" transform="matrix\(1 \S+ 0 1 (\d+) ', f.read(), re.S)
    expect(len(lost) == 2, lost)
    for name, x1, x2, x in lost:
        expect(name == "lost" and abs(int(x) - (int(x1) + int(x2)) / 2) < 2, (name, x1, x2, x))


def test_half_open_is_discovered_as_in_the_rfc():
    """RFC 9293 3.5.1, figures 9 and 10; RFC 5961 4.2: a SYN is answered with a challenge ACK."""
    server, client, silent = scenes("half-open")
    expect(flags(server)[-2:] == [(0, "P."), (1, "R")], flags(server))
    rows = arrows(client)
    at = max(i for i, e in enumerate(rows) if e["flags"] == "R")
    syn, challenge, rst = rows[at - 2:at + 1]
    expect((syn["flags"], challenge["flags"]) == ("S", "."), flags(client))
    expect(rst["seq"] == challenge["ack"], "the RST does not fit the challenge")
    expect(flags(client)[at + 1:] == [(0, "S"), (1, "S."), (0, ".")], flags(client))
    probes = [e for e in arrows(silent) if e["fate"] == "lost" and e["flags"] == "."]
    gaps = [round((b["time_ns"] - a["time_ns"]) / 1e9) for a, b in zip(probes, probes[1:])]
    expect(gaps == [5, 5, 5] and all(p["len"] == 0 for p in probes), "probes %s apart" % gaps)


def test_ports_run_out_exactly():
    for ports in (6, 10, 24):
        status, out, err = run("demo", "--ports", str(ports), "--json")
        expect(status == 0, err)
        notes = [[e["note"] for e in s["events"] if "note" in e] for s in json.loads(out)]
        opened = [[n for n in part if "opened and closed" in n] for part in notes]
        expect(len(opened[0]) == ports and len(notes[0]) == ports + 2, "without reuse: %d" % len(opened[0]))
        expect(len({n.split("port ")[1] for n in opened[0]}) == ports, "a port twice")
        expect(len(opened[1]) == ports + 1 and len(notes[1]) == ports + 1, "with reuse: %d" % len(opened[1]))


def test_ports_used_up_are_told_wherever_the_range_is_entered():
    """Seeds 4, 19 and 20 begin with the lowest port of ten: a range used from there up is one that is counted."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.pcap")
        for seed in range(1, 25):
            expect(run("demo", "--ports=10", "--scene=1", "--seed=%d" % seed, "-q", "-w", path)[0] == 0, "it fails")
            found = {f["verdict"] for f in json.loads(run("explain", "--json", path)[1])["findings"]}
            expect(found == {"time-wait-port-exhaustion"}, "seed %d: %s" % (seed, found))


def test_mtu_segments_fit_the_path_once_it_is_known():
    """RFC 1191: what follows the message is not longer than it allows."""
    works, hole = scenes("mtu")
    rows = arrows(works)
    first = next(i for i, e in enumerate(rows) if "ICMP" in e["what"])
    behind = [e for e in rows[first:] if e["from"] == 1 and e.get("len")]
    expect(behind and all(e["len"] + 52 <= 1300 and e["fate"] == "carried" for e in behind), behind)
    large = [e for e in arrows(hole) if e["from"] == 1 and e.get("len", 0) + 52 > 1300]
    expect(len(large) > 3 and all(e["fate"] == "lost" for e in large), "a large packet passed")
    expect(not any("ICMP" in e["what"] for e in arrows(hole)), "a black hole speaks")


def test_options_scale_is_in_what_left_and_the_ends_disagree():
    plain, stripped = scenes("options")
    for scene in (plain, stripped):
        expect(all("window_scale" in e["options"] for e in arrows(scene)[:2]), "a SYN without the option left")
    expect("instead of" in stripped["sentence"], stripped["sentence"])
    means, reads, client, server = map(int, re.search(
        r"server means (\d+) bytes, the client reads (\d+); where the client means (\d+), the server reads (\d+)",
        stripped["sentence"]).groups())
    scale = [2 ** e["options"]["window_scale"] for e in arrows(stripped)[:2]]
    expect((means, server) == (reads * scale[1], client * scale[0]), stripped["sentence"])


def test_why_two_messages_fail_where_three_do_not():
    old, old3, forged, forged3, lost, lost3, zero, zero3 = (arrows(s) for s in scenes("why"))
    # (a) The copy is acknowledged by the one, which needs no third message; the other's SYN,ACK has a new number.
    def copies(rows):
        return [i for i, e in enumerate(rows) if e.get("remark") == "an old copy"]
    text = copies(old)[1]
    expect(any(e["from"] == 1 and e["flags"] == "." and e["ack"] == old[text]["seq"] + 8 for e in old[text:]), old[text:])
    text = copies(old3)[1]
    expect(not any(e["from"] == 1 and e["flags"] == "." for e in old3[text:]), old3[text:])
    isns = {e["seq"] for e in old3 if e["flags"] == "S."}
    expect(len(isns) == 2 and old3[-1]["flags"] == "R" and old3[-1]["right_state"] == "CLOSED", old3[-1])
    # (b) RFC 9293 3.10.7.4, fifth: an unacceptable ACK in SYN-RECEIVED draws a RST with its number.
    expect(forged[-1]["flags"] == "." and forged[-1]["right_state"] == "ESTABLISHED", forged[-1])
    text = next(e for e in forged3 if e["flags"] == "P.")
    rst = next(e for e in forged3 if e["flags"] == "R")
    expect(rst["seq"] == text["ack"] and "ESTABLISHED" not in {e.get("right_state") for e in forged3}, rst)
    # (c) Only who is in SYN-RECEIVED repeats the SYN,ACK.
    expect([e["fate"] for e in lost if e["flags"] == "S."] == ["lost"] and lost[-1]["left_state"] == "SYN-SENT", lost[-1])
    again = [e["fate"] for e in lost3 if e["flags"] == "S."]
    expect(again[0] == "lost" and "carried" in again, again)
    expect(lost3[-1]["left_state"] == lost3[-1]["right_state"] == "ESTABLISHED", lost3[-1])
    # (d) The old answer fits the second connection only if both began with the same number.
    expect(len({e["seq"] for e in zero if e["flags"] == "S."}) == 1, "not the same number")
    expect(zero[copies(zero)[0]]["left_state"] == "CLOSE-WAIT", "the old answer was not taken")
    expect(len({e["seq"] for e in zero3 if e["flags"] == "S."}) == 2, "the same number")
    expect(zero3[copies(zero3)[0]]["left_state"] == "ESTABLISHED", "the old answer was taken")


def test_step_tells_both_ends_and_a_sentence_for_each_packet():
    """The three messages as in RFC 9293 3.5, figure 6; each packet has a sentence of 3.10.7 by which it is taken."""
    text = run("demo", "--step", given="\n" * 20)[1]
    steps = re.split(r"^\d+\. (?=Client|Server)", text, flags=re.M)[1:]
    expect(len(steps) == 10 and all(len(re.findall(r"follows RFC 9293\s+3\.10\.7\.\d", s)) == 1 for s in steps), len(steps))
    def told(step, name):
        return re.search(r"^  %s +(\S+) +(\S+)$" % re.escape(name), step, re.M).groups()
    for i, (states, una, nxt, expected) in enumerate((
            (("SYN-SENT", "SYN-RECEIVED"), ("0", "0"), ("1", "1"), ("0", "1")),
            (("ESTABLISHED", "SYN-RECEIVED"), ("1", "0"), ("1", "1"), ("1", "1")),
            (("ESTABLISHED", "ESTABLISHED"), ("1", "1"), ("1", "1"), ("1", "1")))):
        expect(told(steps[i], "state") == states, steps[i])
        for name, want in (("SND.UNA", una), ("SND.NXT", nxt), ("RCV.NXT", expected)):
            expect(told(steps[i], name) == want, (name, steps[i]))
    expect(told(steps[-1], "state") == ("TIME-WAIT", "CLOSED"), steps[-1])
    for s in steps:
        expect({"SND.WND", "RCV.WND", "next timer"} <= set(re.findall(r"^  (\S+(?: timer)?)", s, re.M)), s)


def test_flood_keeps_out_and_lets_in():
    none, cookies, share = scenes("flood")
    for scene in (none, cookies, share):
        expect(scene["table"]["syns"] == 100000, "%d SYNs" % scene["table"]["syns"])
        ports = {e["from"] for e in arrows(scene) if e.get("syn") or e["flags"] == "S"}
        expect(ports == {0}, "somebody else's SYN is drawn")
    expect({e["flags"] for e in arrows(none)} == {"S"}, "the client got an answer: %s" % flags(none))
    for scene in (cookies, share):
        syn, answer, ack = arrows(scene)[:3]
        expect([e["flags"] for e in (syn, answer, ack)] == ["S", "S.", "."], flags(scene))
        expect(ack["time_ns"] - syn["time_ns"] == 40000000, "more than one round trip")
        for e in (syn, answer):
            expect({"mss", "window_scale", "timestamps", "sack_permitted"} <= set(e["options"]), e["options"])
    table = cookies["table"]
    # Each SYN got a record or a cookie, and so did the client's.
    expect(table["cookies_sent"] + table["half_open_most"] == 100001, table)
    expect(table["cookies_accepted"] == 1 and table["dropped_backlog"] == 0, table)
    table = share["table"]
    expect(table["cookies_sent"] == 0 and table["half_open_most"] <= 1024 * 4 // 5 + 2, table)


def test_flood_capture_has_each_syn_and_is_judged():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "x.pcap")
        for n, word in ((1, "syn-flood-denied"), (2, "syn-flood-survived"), (3, "syn-flood-survived")):
            expect(run("demo", "--flood", "--scene", str(n), "-q", "-w", path)[0] == 0, "it fails")
            status, out, _ = run("explain", "--json", path)
            finding, = json.loads(out)["findings"]
            expect(finding["verdict"] == word and finding["count"] == 100000, finding)
            expect(status == (n == 1), "exit status %d" % status)


def test_fastopen_saves_a_round_trip_and_loses_nothing():
    first, second, lost, key = scenes("fastopen")
    for scene, rtts in ((first, 2), (second, 1), (key, 2)):
        expect(scene["table"]["answer_ns"] == rtts * 40000000, scene["table"])
    def syns(scene):
        return [e for e in arrows(scene) if e["flags"] == "S"]
    expect([s["options"].get("fastopen") for s in syns(first)] == ["tfo cookiereq"], "no request: %s" % syns(first))
    expect(syns(first)[0].get("len", 0) == 0 and "tfo cookie " in arrows(first)[1]["options"]["fastopen"], "no cookie")
    for scene in (second, lost, key):
        syn = syns(scene)[0]
        expect(syn["len"] == 6 and "tfo cookie " in syn["options"]["fastopen"], syn)
    # RFC 7413 4.2.2: text that was taken is acknowledged with the SYN; what was not is sent again.
    for scene, acked in ((second, 7), (key, 1)):
        syn, answer = arrows(scene)[:2]
        expect((answer["ack"] - syn["seq"]) % 2**32 == acked, answer)
    bare = syns(lost)[1]
    expect(bare.get("len", 0) == 0 and "fastopen" not in bare["options"], bare)
    for scene in (first, second, lost, key):
        text = sum(e.get("len", 0) for e in arrows(scene) if e["from"] == 0 and e["fate"] == "carried")
        expect(text == 6 or (scene is key and text == 12), "%d octets" % text)


def test_budget_with_fastopen_is_run():
    for rtt in ("20ms", "100ms"):
        status, out, err = run("demo", "--budget", "--rtt", rtt, "--json")
        expect(status == 0, err)
        ways = {w["way"]: w for w in json.loads(out)[0]["table"]}
        ns = int(rtt[:-2]) * 1000000
        for way, first in (("TCP", 2), ("TCP Fast Open", 1)):
            expect(ways[way]["run"] and ways[way]["first_byte_ns"] == first * ns, ways[way])
        expect(all(not w["run"] for name, w in ways.items() if "TLS" in name or "QUIC" in name), "TLS is not run")
        expect(ways["TCP"]["last_byte_ns"] - ways["TCP Fast Open"]["last_byte_ns"] == ns, "another way to the last byte")
    status, out, _ = run("demo", "--budget", "--fastopen")
    rows = [line for line in out.splitlines() if line.endswith(("run", "arithmetic"))]
    expect(status == 0 and len(rows) == 4 and sum("Fast Open" in r for r in rows) == 3, rows)


def test_list_names_every_experiment_and_help_too():
    names = [e["name"] for e in EXPERIMENTS]
    text, told = run("demo", "--list")[1], run("demo", "--help")[1]
    for e in EXPERIMENTS:
        expect("--" + e["name"] in text and e["line"] in text and "--" + e["name"] in told, e["name"])
    expect(len(set(names)) == len(names), "a name twice")


def test_scene_shows_one_alone():
    every = scenes("close")
    for n in range(1, 5):
        expect(scenes("close", "--scene", str(n)) == [every[n - 1]], "scene %d is another one" % n)
    status, out, err = run("demo", "--close", "--scene", "5")
    expect(status == 2 and out == "" and "has 4" in err, err)


def test_flags_that_would_be_passed_over_are_refused():
    for arguments, why in ((["--html", "x"], "--html is for an experiment"), (["--scene", "2"], "one experiment"),
                           (["--all", "--scene", "2"], "one experiment"), (["--close", "--isn", "1,2"], "--whiteboard"),
                           (["--svg", "x"], "--whiteboard"), (["--close", "--bytes", "1k"], "--budget"),
                           (["--tls", "1.3"], "--budget"), (["--close", "--loss", "1%"], "--sim and --budget"),
                           (["--close", "--drop", "1"], "--sim"), (["--all", "--close"], "--all runs --close too"),
                           (["--close", "--rtt", "1ms"], "2ms to 1s"), (["--budget", "--rtt", "1001ms"], "2ms to 1s"),
                           (["--budget", "--rtt", "0"], "more than 0"), (["--ports", "24", "--rtt", "1s"], "at most 8"),
                           (["--budget", "--fastopen", "--tls", "1.2"], "no such row"),
                           (["--ports", "5"], "6 to 24"), (["--ports"], "needs a value")):
        status, out, err = run("demo", *arguments)
        expect(status == 2 and out == "" and why in err, "%s: %d %s" % (arguments, status, err))
    # What is within these bounds holds.
    for arguments in (["--budget", "--rtt", "1us"], ["--ports", "8", "--rtt", "1s"], ["--ports", "24", "--rtt", "90ms"],
                      ["--all", "--rtt", "2ms"], ["--all", "--rtt", "1s"], ["--all", "--ports", "12"]):
        status, _, err = run("demo", "-q", *arguments)
        expect(status == 0 and err == "", "%s: %d %s" % (arguments, status, err))


def test_two_experiments_at_once_are_refused():
    status, _, err = run("demo", *flag(EXPERIMENTS[0]["name"]), *flag(EXPERIMENTS[1]["name"]))
    expect(status == 2 and "one experiment at a time" in err, err)


def test_all_runs_them_and_writes_a_file_for_each():
    with tempfile.TemporaryDirectory() as folder:
        status, out, err = run("demo", "--all", "-w", os.path.join(folder, "a.pcap"), "--html",
                               os.path.join(folder, "a.html"))
        expect(status == 0, err)
        for e in EXPERIMENTS:
            expect("trivet demo --" + e["name"] in out, e["name"] + " is missing")
            for kind in ("pcap", "html"):
                expect(os.path.getsize(os.path.join(folder, "a-%s.%s" % (e["name"], kind))) > 100, e["name"] + kind)


def test_explain_pages_stand_alone_and_cite_what_is_there():
    folder = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "captures")
    with tempfile.TemporaryDirectory() as work:
        path = os.path.join(work, "x.html")
        for name in sorted(os.listdir(folder)):
            if name.endswith(".tsv"):
                continue
            status, out, err = run("explain", "--json", "--html", path, os.path.join(folder, name))
            expect(status in (0, 1, 4), "%s: %d %s" % (name, status, err))
            with open(path, encoding="utf-8") as f:
                text = f.read()
            try:
                page = check_page_text(text)
            except Fault as e:
                raise Fault("%s: %s" % (name, e)) from e
            findings = json.loads(out)["findings"]
            expect(text.count('<section class="finding') == len(findings), "%s: findings are missing" % name)
            expect("GET /" not in text, name + ": payload is on the page")
            for finding in findings:
                expect(finding["verdict"] in text and html.escape(finding["next"], quote=True).replace("&#x27;", "&#39;")
                       .replace("&quot;", "&#34;").replace("&lt;", "&#60;").replace("&gt;", "&#62;")
                       .replace("&amp;", "&#38;") in text, "%s: %s" % (name, finding["verdict"]))
                expect(not finding["frames"] or page.links, name + ": no link to the proof")


def test_explain_page_of_the_standard_input():
    capture = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "captures",
                           "02-refused-closed-port.pcap")
    with tempfile.TemporaryDirectory() as work, open(capture, "rb") as f:
        path = os.path.join(work, "x.html")
        p = subprocess.run([TRIVET, "explain", "-q", "--html", path, "-"], stdin=f, capture_output=True, text=True,
                           timeout=60, check=False)
        expect(p.returncode == 1 and "refused" in p.stdout, p.stderr)
        with open(path, encoding="utf-8") as page:
            expect("class=\"packet " in page.read(), "nothing is drawn")
    status, _, err = run("explain", "--html", "/nonexistent/x.html", capture)
    expect(status == 3 and "/nonexistent" in err, "a page that cannot be written: %d %s" % (status, err))


EXPERIMENTS = json.loads(run("demo", "--list", "--json")[1])


def main():
    cases = [(name, f) for name, f in sorted(globals().items()) if name.startswith("test_")]
    for e in EXPERIMENTS:
        n = e["name"]
        for f in (check_claims, check_other_round_trips, check_same_seed_same_bytes, check_fits_the_page, check_page):
            cases.append(("experiment_%s_%s" % (n.replace("-", "_"), f.__name__[6:]), lambda f=f, n=n: f(n)))
        cases.append(("experiment_%s_words" % n.replace("-", "_"), lambda n=n, w=e["words"]: check_words(n, w)))
    for name, f in cases:
        try:
            f()
            print("ok " + name)
        except (Fault, ValueError, KeyError, IndexError, OSError, subprocess.TimeoutExpired) as e:
            print("FAIL %s: %s" % (name, str(e).replace("\n", " ")[:600]))


if __name__ == "__main__":
    sys.exit(main())
