#!/usr/bin/env python3
"""Makes one case: one.py KIND SEED DIR [POINT...] writes DIR/KIND-SEED-POINT.pcap, and prints its truth.

A line for each file: file, kind, point, what is true.
"""
import os
import random
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import craft  # noqa: E402
import situations  # noqa: E402


def from_address(records, address):
    """Only the records that come from this address."""
    want, kept = craft.packed(address), []
    for r in records:
        at = 26 if len(want) == 4 else 22
        if r[1][at:at + len(want)] == want:
            kept.append(r)
    return kept


def main():
    kind, seed, folder = sys.argv[1:4]
    wanted = sys.argv[4:]
    rng = random.Random(kind + seed)
    rng.index = int(re.search(r"\d*$", seed).group() or 0)
    if kind in situations.SITUATIONS:
        L, truth = situations.SITUATIONS[kind](rng)
    else:
        L = situations.HEALTHY[kind](rng)
        truth = situations.points("healthy")
    records = L.end()
    # A capture on all interfaces of the router has every packet twice, where both sides saw the same.
    if truth.get("lan") and not L.rewrites and truth.get("lan") == truth.get("wan", truth["lan"]):
        records["router"] = sorted(records["lan"] + records["wan"], key=lambda r: r[0])
        truth["router"] = truth["lan"]
    usable = [p for p in truth if len(records[p]) > 0]
    for point in wanted or rng.sample(usable, min(len(usable), 1 if kind in situations.HEALTHY else 2)):
        if point not in usable:
            continue
        taken = from_address(records[point], L.only_from) if L.only_from else records[point]
        name = "%s-%s-%s.pcap" % (kind, seed, point)
        craft.write_pcap(os.path.join(folder, name), taken, nano=rng.random() < 0.2)
        print("\t".join((name, kind, point, truth[point])))
    if os.environ.get("CASES_VERBOSE"):
        print("\n".join(L.errors), file=sys.stderr)
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
