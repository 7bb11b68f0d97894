#!/usr/bin/env python3
"""Makes the kept cases: every situation and every healthy kind, by this machine's kernel.

    tests/cases/make.py [--runs N] [--healthy N] [--jobs N] [--seed S] [--only KIND,...] [--keep DIR]

Needs root, ip, nft and ethtool. Writes kept.tar.xz beside this file (with --keep, only the files and truth.tsv
into DIR): the captures and truth.tsv, whose truth is what was set up.
"""
import argparse
import concurrent.futures
import os
import subprocess
import sys
import tarfile
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import situations  # noqa: E402


def make(kind, seed, folder, points=()):
    """One case in a process of its own, so that its network is gone with it. Returns its lines, and complaints."""
    command = [sys.executable, os.path.join(HERE, "one.py"), kind, seed, folder, *points]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=90, check=False)
    except subprocess.TimeoutExpired:
        return [], "%s %s: not done in 90 s" % (kind, seed)
    if done.returncode:
        return [], "%s %s: %s" % (kind, seed, done.stderr.strip().splitlines()[-1:])
    return done.stdout.splitlines(), done.stderr.strip()


def make_all(wanted, folder, jobs):
    lines, complaints = [], []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for made, complaint in pool.map(lambda w: make(w[0], w[1], folder), wanted):
            lines += made
            if complaint:
                complaints.append(complaint)
    return lines, complaints


def pack(folder, archive):
    """Files in the order of their kinds, so that what is alike stands together; no owner, no time."""
    def plain(info):
        info.uid = info.gid = info.mtime = 0
        info.uname = info.gname = ""
        return info
    with tarfile.open(archive, "w:xz", preset=9) as tar:
        for name in sorted(os.listdir(folder)):
            tar.add(os.path.join(folder, name), name, filter=plain)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--runs", type=int, default=3)
    ap.add_argument("--healthy", type=int, default=12)
    ap.add_argument("--jobs", type=int, default=12)
    ap.add_argument("--seed", default="a")
    ap.add_argument("--only", default="")
    ap.add_argument("--keep")
    args = ap.parse_args()
    if os.geteuid() != 0:
        sys.exit("make cases: root is needed to make network namespaces")
    only = args.only.split(",") if args.only else None
    wanted = [(k, "%s%d" % (args.seed, i)) for k in situations.SITUATIONS
              for i in range(args.runs * situations.OFTEN.get(k, 1))]
    wanted += [(k, "%s%d" % (args.seed, i)) for i in range(args.healthy) for k in situations.HEALTHY]
    wanted = [w for w in wanted if not only or w[0] in only]
    with tempfile.TemporaryDirectory() as temporary:
        folder = args.keep or temporary
        os.makedirs(folder, exist_ok=True)
        lines, complaints = make_all(wanted, folder, args.jobs)
        with open(os.path.join(folder, "truth.tsv"), "w", encoding="ascii") as f:
            f.write("file\tkind\tpoint\ttruth\n" + "".join(line + "\n" for line in sorted(lines)))
        if not args.keep:
            pack(folder, os.path.join(HERE, "kept.tar.xz"))
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print("cases: %d captures from %d runs" % (len(lines), len(wanted)))


if __name__ == "__main__":
    main()
