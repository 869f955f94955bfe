#!/usr/bin/python3
"""Cuts the systems' golden proposals down to what tests/unit/test_proposals.c reads.

usage: cut_proposals.py SOURCE.h5 DESTINATION.h5 [all]

The numbers are what torchvision, detectron2 and py-faster-rcnn themselves produced; nothing is computed here. Of each
case all logits are kept, and the rows (anchor, deltas, decoded box) of those anchors only that some configuration takes
before suppression (every row with "all").
"""
import sys

import h5py
import numpy as np

BEFORE = ("pre_nms_top_n", "pre_nms_topk")


def put(group, name, data):
    group.create_dataset(name, data=data, compression=9, shuffle=True, track_times=False)


def rows_of(case, logits, per_level, keep_all):
    """The anchors with the highest logits of each level, as many as the greediest configuration takes."""
    configurations = [c for c in case.values() if isinstance(c, h5py.Group)] or [case]
    most = max(int(c.attrs[k]) for c in configurations for k in BEFORE if k in c.attrs)
    rows, first = [], 0
    for n in per_level:
        top = np.argsort(-logits[first : first + n], kind="stable")
        rows.append(first + np.sort(top if keep_all else top[:most]))
        first += n
    return np.concatenate(rows).astype(np.int32)


def main(source, destination, keep_all=False):
    with h5py.File(source, "r") as f, h5py.File(destination, "w", libver=("v110", "v110")) as out:
        for peer in f:
            for name, case in f[peer].items():
                g = out.create_group("%s/%s" % (peer, name))
                logits = case["fg_prob" if "fg_prob" in case else "logits"][:]
                per_level = case.attrs.get("anchors_per_level", np.array([len(logits)], np.int32))
                row = rows_of(case, logits, per_level, keep_all)
                put(g, "anchors_per_level", per_level.astype(np.int32))
                put(g, "image_hw", np.array(case.attrs["image_hw"], np.int32))
                put(g, "logits", logits)
                put(g, "row", row)
                for k in ("anchors", "deltas", "decoded"):
                    if k in case:
                        put(g, k, case[k][:][row])
                for k, v in case.items():
                    if isinstance(v, h5py.Group):
                        f.copy(v, g, name=k)
                if "rois" in case:
                    c = g.create_group("test")
                    for k in ("pre_nms_top_n", "post_nms_top_n", "nms_thresh", "min_size"):
                        c.attrs[k] = case.attrs[k]
                    put(c, "boxes", case["rois"][:, 1:])
                    put(c, "logits", case["roi_scores"][:, 0])


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], len(sys.argv) == 4)
