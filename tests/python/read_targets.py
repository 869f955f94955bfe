#!/usr/bin/python3
"""Recomputes labels, matches and targets of a few views from nothing but a targets file, in plain numpy.

usage: read_targets.py TARGETS.h5 [VIEW]...      written with --assignment --labels --with-gt, --crowd drop, and
                                                 torchvision-fpn's rules for all but sizes

An example of how the file is read, too: every array that a trainer needs is made here. f and view are a shard and a view's
row in it.
"""
import os
import sys

import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples"))
from shards import Shards


def anchors_of(f, view):
    """float32 [A, 4] in the order of the anchor index: level, y, x, shape."""
    padded, grids, parts = f["views/padded_size"][view], f["views/grid"][view], []
    for level, (h, w) in enumerate(grids):
        group = f["anchors/level%d" % level]
        step = padded // (h, w) if group.attrs["stride_from_grid"] else np.repeat(group.attrs["stride"], 2)
        y, x = np.meshgrid(np.arange(h) * step[0], np.arange(w) * step[1], indexing="ij")
        shift = np.stack([x, y, x, y], axis=-1) + group.attrs["offset"] * step[[1, 0, 1, 0]]
        parts.append((shift[:, :, None].astype(np.float32) + group["base"][:]).reshape(-1, 4))
    return np.concatenate(parts)


def rows(f, kind, view):
    first, last = f[kind + "/offset"][view : view + 2]
    return {name: data[first:last] for name, data in f[kind].items() if name != "offset"}


def label(anchors, boxes):
    """Labels (1, 0, -1) and matched boxes (index, -1: none) by the whole anchors x boxes matrix, in float32."""
    if not len(boxes):
        return np.zeros(len(anchors), np.int8), np.full(len(anchors), -1)
    low = np.maximum(anchors[:, None, :2], boxes[None, :, :2])
    high = np.minimum(anchors[:, None, 2:], boxes[None, :, 2:])
    both = np.prod(np.maximum(high - low, 0), axis=2)
    area = lambda b: (b[:, 2] - b[:, 0]) * (b[:, 3] - b[:, 1])
    iou = both / (area(anchors)[:, None] + area(boxes)[None] - both)
    best, match = iou.max(axis=1), iou.argmax(axis=1)
    top = iou.max(axis=0)
    positive = (best >= np.float32(0.7)) | ((iou == top) & (top > 0)).any(axis=1)
    labels = np.where(positive, 1, np.where(best < np.float32(0.3), 0, -1)).astype(np.int8)
    return labels, np.where(positive, match, -1)


def encode(anchors, boxes):
    aw, ah, bw, bh = (b[:, i + 2] - b[:, i] for b in (anchors, boxes) for i in (0, 1))
    half = np.float32(0.5)
    tx = (boxes[:, 0] + half * bw - (anchors[:, 0] + half * aw)) / aw
    ty = (boxes[:, 1] + half * bh - (anchors[:, 1] + half * ah)) / ah
    logs = (np.log((b / a).astype(np.float64)).astype(np.float32) for b, a in ((bw, aw), (bh, ah)))
    return np.stack([tx, ty, *logs], axis=1)


def check(f, view):
    anchors, gt = anchors_of(f, view), rows(f, "gt", view)
    used = np.flatnonzero(gt["used"])
    labels, match = label(anchors, gt["xyxy"][used])
    match = np.where(match >= 0, used[match] if len(used) else -1, -1)
    assert np.array_equal(labels, rows(f, "labels", view)["label"]), "labels"
    assert np.array_equal(f["views/count"][view], [(labels == k).sum() for k in (1, 0, -1)]), "count"
    kept = rows(f, "assignment", view)
    assert np.array_equal(kept["anchor"], np.flatnonzero(labels)), "assignment"
    assert np.array_equal(kept["gt"], match[kept["anchor"]]), "assignment's matched gt"
    batch, positives = rows(f, "minibatch", view), rows(f, "positives", view)
    assert np.array_equal(labels[batch["anchor"]], batch["label"]), "minibatch"
    chosen = batch["anchor"][batch["label"] == 1]
    assert len(set(batch["anchor"])) == len(batch["anchor"]) <= 256 and len(chosen) <= 128, "minibatch's size"
    assert np.array_equal(match[chosen], positives["gt"]), "matched gt"
    wanted = encode(anchors[chosen], gt["xyxy"][positives["gt"]])
    assert np.array_equal(wanted[:, :2], positives["target"][:, :2]), "tx, ty"
    # numpy's log may differ from C's in the last bit
    assert np.allclose(wanted[:, 2:], positives["target"][:, 2:], rtol=3e-7, atol=0), "tw, th"


def main():
    shards = Shards(sys.argv[1])
    views = [int(v) for v in sys.argv[2:]] or range(len(shards))
    for view in views:
        try:
            check(*shards[view])
        except AssertionError as fault:
            sys.exit("view %d: %s" % (view, fault))
    print("%d views recomputed, equal" % len(views))


main()
