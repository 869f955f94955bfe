#!/usr/bin/python3
"""Helps tests/real/real_propose.c: torch's trained heads as files that `anchorage propose` reads, and recall held to torch's.

usage: real_propose.py head REFERENCE OUT.h5                 torch's weights after its last step
       real_propose.py same REFERENCE REPORT.json            recall of that head's proposals, ours against torch's
       real_propose.py as-good REFERENCES... -- REPORTS...   recall of heads trained with several seeds, as sets
       real_propose.py above REPORT.json UNTRAINED.json      a trained head's recall is several times an untrained one's

REFERENCE is a path without its ending: REFERENCE.json, REFERENCE_head.npz. REPORT.json is of `anchorage evaluate --protocol
detectron --top 10,100,1000 --json`. Torch's figures are those of torchvision's own filter_proposals.
"""
import json
import sys

import h5py
import numpy as np

TOPS = ("AR@10", "AR@100", "AR@1000")


def head(reference, out):
    with h5py.File(out, "w") as f:
        f.attrs["format"], f.attrs["format_version"] = "anchorage-head", 1
        f.attrs["anchorage_version"], f.attrs["config"] = "torch", "{}"
        for name, value in np.load(reference + "_head.npz").items():
            f[name.replace("rpn.", "")] = value.astype(np.float32)


def recall(report):
    r = json.load(open(report))
    assert r["proposals"] == [10, 100, 1000] and r["sizes"][0]["name"] == "all"
    return r["sizes"][0]["average_recall"]


def torchs(reference):
    val = json.load(open(reference + ".json"))["val"]
    return [val[k] for k in TOPS]


def same(reference, report):
    ours, theirs = recall(report), torchs(reference)
    print("%s, torch's head: ours %s, torch's %s" % (reference.split("/")[-1], np.round(ours, 4), theirs))
    # a recall is a multiple of 1/9000; a borderline suppression may fall otherwise
    assert np.abs(np.subtract(ours, theirs)).max() < 1e-3


def as_good(*words):
    k = words.index("--")
    theirs, ours = np.array([torchs(r) for r in words[:k]]), np.array([recall(r) for r in words[k + 1 :]])
    print("%s: ours %s, torch's %s" % (words[0].split("/")[-1][:-6], np.round(ours, 4).tolist(), theirs.tolist()))
    # the means differ by chance: by about 1.2 standard deviations of a seed over sqrt(3) for each side
    noise = np.maximum(np.sqrt(ours.var(0, ddof=1) + theirs.var(0, ddof=1)), 0.003)
    assert (ours.mean(0) > theirs.mean(0) - 2 * noise).all(), (ours.mean(0), theirs.mean(0), noise)


def above(report, untrained):
    a, b = recall(report), recall(untrained)
    print("trained %s, untrained %s" % (np.round(a, 4), np.round(b, 4)))
    assert a[0] > 4 * b[0] and a[1] > 3 * b[1] and a[2] > 1.3 * b[2]


if __name__ == "__main__":
    commands = {"head": head, "same": same, "as-good": as_good, "above": above}
    if len(sys.argv) < 3 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
