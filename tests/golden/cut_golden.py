#!/usr/bin/python3
"""Gathers the peers' golden target files into the one file that tests/unit/test_golden.c reads.

usage: cut_golden.py SOURCE_DIR DESTINATION.h5 [MAX_TARGETS]

The numbers are what torchvision, detectron2, mmdetection, maskrcnn-benchmark and py-faster-rcnn themselves produced;
nothing is computed here. Cases that the peer refused are left out; of each case at most MAX_TARGETS targets are kept
(all without it). Arrays of all cases of a preset are joined, with offsets, so that the file stays small.
"""
import os
import sys

import h5py
import numpy as np

PEERS = ("torchvision", "detectron2", "mmdet", "maskrcnn_benchmark", "py_faster_rcnn")
RULE_ATTRS = ("boundary_thresh", "offset", "ignore_iof_thr", "allowed_border", "straddle_thresh")


def put(group, name, data):
    data = np.ascontiguousarray(data)
    if data.size < 64:
        group.create_dataset(name, data=data, track_times=False)
    else:
        group.create_dataset(name, data=data, compression=9, shuffle=True, track_times=False)


def offsets(parts):
    return np.cumsum([0] + [len(p) for p in parts]).astype(np.int64)


def main(source, destination, max_targets=None):
    with h5py.File(destination, "w", libver=("v110", "v110")) as out:
        for peer in PEERS:
            with h5py.File(os.path.join(source, peer + ".h5"), "r") as f:
                for preset in f:
                    cases = [(n, c) for n, c in f[preset].items() if "error" not in c.attrs]
                    g = out.create_group("%s/%s" % (peer, preset))
                    for k in RULE_ATTRS:
                        if k in cases[0][1].attrs:
                            g.attrs[k] = float(cases[0][1].attrs[k])
                    put(g, "name", np.array([n.encode() for n, _ in cases], dtype="S32"))
                    for k in ("image_hw", "padded_hw", "grid_hw", "stride_yx"):
                        put(g, k, np.stack([c.attrs[k] for _, c in cases]).astype(np.int32))
                    put(g, "seed", np.array([c.attrs["seed"] for _, c in cases], np.int64))
                    for offset, names in (("gt_offset", ("gt_boxes", "gt_crowd", "gt_used")), ("label_offset", ("labels",)),
                                          ("positive_offset", ("matched_gt",)), ("target_offset", ("targets",)),
                                          ("sampled_pos_offset", ("sampled_pos",)), ("sampled_neg_offset", ("sampled_neg",))):
                        for k in names:
                            parts = [c[k][:] for _, c in cases]
                            if k == "targets":
                                parts = [p[:max_targets] for p in parts]
                            put(g, k, np.concatenate(parts))
                        put(g, offset, offsets(parts))
                    for l in range(cases[0][1].attrs["grid_hw"].shape[0]):
                        put(g, "base_anchors_%d" % l, cases[0][1]["base_anchors_%d" % l][:])
        with h5py.File(os.path.join(source, "resize.h5"), "r") as f:
            for k in f:
                put(out.require_group("resize"), k, f[k][:])


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) == 4 else None)
