#!/usr/bin/env python3
"""Judges captures with trivet explain, and prints what was expected against what was given.

    tests/cases/judge.py [--trivet PROGRAM] [-v] DIR

DIR holds captures and truth.tsv (file, kind, point, truth).
"""
import argparse
import concurrent.futures
import csv
import json
import os
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
NOTES = ("syn-scan", "syn-flood-survived", "tfo-syn-data-dropped")


def is_problem(word):
    return not word.startswith("ok") and word not in NOTES


def explain(program, path):
    """The words of a capture: those of severity problem and unknown, and all."""
    done = subprocess.run([program, "explain", "--json", "--all", path], capture_output=True, check=False, timeout=120)
    try:
        findings = json.loads(done.stdout)["findings"]
    except ValueError:
        return ["(no report)"], ["(no report)"]
    bad = sorted({f["verdict"] for f in findings if f["severity"] in ("problem", "unknown")})
    return bad, sorted({f["verdict"] for f in findings})


def verdict(truth, bad, words):
    """What was given, as one text, and whether it is right. truth: words joined by +, or healthy."""
    wanted = truth.split("+")
    if truth == "healthy":
        return "+".join(bad) or "healthy", not bad
    want_bad = sorted(w for w in wanted if is_problem(w))
    right = bad == want_bad and all(w in words for w in wanted)
    if right:
        return truth, True
    return "+".join(bad or [w for w in words if w != "ok"] or words or ["nothing"]), False


def judge_all(program, folder, rows):
    def one(row):
        return verdict(row["truth"], *explain(program, os.path.join(folder, row["file"])))
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        return list(zip(rows, pool.map(one, rows)))


def print_matrix(results, out=sys.stdout):
    """A line for each truth: how many, how many right, and what the others got."""
    truths = {}
    for row, (given, right) in results:
        n = truths.setdefault(row["truth"], [0, 0, {}])
        n[0] += 1
        n[1] += right
        if not right:
            n[2][given] = n[2].get(given, 0) + 1
    print("%-36s %5s %5s  %s" % ("expected", "cases", "right", "given instead"), file=out)
    for truth, (count, right, wrong) in sorted(truths.items()):
        print("%-36s %5d %5d  %s" % (truth, count, right, ", ".join("%s %d" % w for w in sorted(wrong.items()))),
              file=out)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--trivet", default=os.environ.get("TRIVET", os.path.join(ROOT, "build", "trivet")))
    ap.add_argument("-v", action="store_true", help="name each file that was judged wrongly")
    ap.add_argument("dir")
    args = ap.parse_args()
    with open(os.path.join(args.dir, "truth.tsv"), encoding="ascii") as f:
        rows = list(csv.DictReader(f, delimiter="\t"))
    results = judge_all(args.trivet, args.dir, rows)
    print_matrix(results)
    for row, (given, right) in results:
        if args.v and not right:
            print("%s: %s, given %s" % (row["file"], row["truth"], given))
    right = sum(r[1][1] for r in results)
    print("%d of %d right" % (right, len(results)))
    return right != len(results)


if __name__ == "__main__":
    sys.exit(main())
