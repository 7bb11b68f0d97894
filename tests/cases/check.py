#!/usr/bin/env python3
"""All cases before trivet explain: the kept ones, as many made out of them, and ten that are new.

    tests/cases/check.py [--trivet PROGRAM] [--changed N] [--new N] [--seed S] [--list] [--matrix FILE]

Prints (with --matrix into FILE) a matrix of what was expected against what was given, the kinds of healthy captures, and one line a
test. At least 95 of 100 must be right, and no healthy capture may get a problem. --list names every healthy
capture.
"""
import argparse
import csv
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import judge  # noqa: E402
import make  # noqa: E402

# Of those that take a few seconds at most, so that ten of them do not take long.
NEW = ("refused", "refused_after_loss", "filtered", "rejected", "router_error", "forged_refusal", "wrong_source",
       "wrong_ack", "family_fallback", "aborts_at_once", "server_crashes", "server_forgot", "client_aborts",
       "silent", "port_reused", "pmtu_found", "small_mss", "syn_lost", "synack_lost", "final_ack_lost", "far_away",
       "both_open", "one_direction", "began_late", "fast_open_works", "connect_scan", "no_route", "few_hops")
ENOUGH = 95


def rows_of(folder):
    with open(os.path.join(folder, "truth.tsv"), encoding="ascii") as f:
        return list(csv.DictReader(f, delimiter="\t"))


def new_cases(folder, count, seed):
    """Cases that nobody has seen, if this machine may make networks. Returns how many, or why none."""
    os.makedirs(folder, exist_ok=True)
    if os.geteuid() != 0:
        return "root is needed to make network namespaces"
    rng = random.Random(seed)
    wanted = [(kind, seed) for kind in rng.sample(NEW, count)]
    try:
        lines, complaints = make.make_all(wanted, folder, 5)
    except OSError as error:
        return str(error)
    for complaint in complaints:
        print(complaint)
    if not lines:
        return "; ".join(complaints) or "nothing was captured"
    with open(os.path.join(folder, "truth.tsv"), "w", encoding="ascii") as f:
        f.write("file\tkind\tpoint\ttruth\n" + "".join(line + "\n" for line in lines))
    return len(complaints)


def report(name, results, enough):
    right = sum(r[1][1] for r in results)
    for row, (given, fine) in results:
        if not fine:
            print("    %s: %s, given %s" % (row["file"], row["truth"], given))
    said = "%s: %d of %d right" % (name, right, len(results))
    print(("ok " if right * 100 >= enough * len(results) else "FAIL ") + said)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--trivet", default=os.environ.get("TRIVET", os.path.join(judge.ROOT, "build", "trivet")))
    ap.add_argument("--changed", type=int, default=400)
    ap.add_argument("--new", type=int, default=10)
    ap.add_argument("--seed", default="%x" % time.time_ns())
    ap.add_argument("--list", action="store_true")
    ap.add_argument("--matrix", type=argparse.FileType("w"), default=sys.stdout)
    args = ap.parse_args()
    with tempfile.TemporaryDirectory() as work:
        kept, changed, new = (os.path.join(work, n) for n in ("kept", "changed", "new"))
        with tarfile.open(os.path.join(HERE, "kept.tar.xz")) as tar:
            tar.extractall(kept, filter="data") if hasattr(tarfile, "data_filter") else tar.extractall(kept)
        subprocess.run([sys.executable, os.path.join(HERE, "mutate.py"), kept, changed, "--count", str(args.changed)],
                       check=True)
        failing = judge.judge_all(args.trivet, kept, [r for r in rows_of(kept) if r["truth"] != "healthy"])
        healthy = judge.judge_all(args.trivet, kept, [r for r in rows_of(kept) if r["truth"] == "healthy"])
        others = judge.judge_all(args.trivet, changed, rows_of(changed))
        judge.print_matrix(failing + [r for r in others if "+" not in r[0]["truth"]], args.matrix)
        print_healthy(healthy, args.list, args.matrix)
        report("cases made by the kernel", failing, ENOUGH)
        report("cases made out of them", others, ENOUGH)
        report("healthy captures without a problem", healthy, 100)
        trouble = new_cases(new, args.new, args.seed) if args.new else "none wanted"
        if isinstance(trouble, str):
            print("not run: new cases: " + trouble)
        else:
            print("    seed of the new cases: %s (%d could not be made)" % (args.seed, trouble))
            report("new cases", judge.judge_all(args.trivet, new, rows_of(new)), ENOUGH)


def print_healthy(results, names, out):
    kinds = {}
    for row, (given, _) in results:
        kinds.setdefault(row["kind"], []).append((row["file"], given))
    print("\nhealthy kinds: captures, of them with a problem", file=out)
    for kind, files in sorted(kinds.items()):
        print("%-24s %4d %4d" % (kind, len(files), sum(given != "healthy" for _, given in files)), file=out)
        for name, given in files if names else ():
            print("    %s: %s" % (name, given), file=out)


if __name__ == "__main__":
    main()
