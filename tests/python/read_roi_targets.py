#!/usr/bin/python3
"""Computes the second stage again, with numpy, and holds `anchorage label --stage roi` to it.

usage: read_roi_targets.py annotations.json proposals.h5 targets.h5 [VIEW]...     all views when none is named

For preset torchvision-fpn, with any [roi] classes: candidates, labels, matches, classes and targets of every sampled RoI, and the counts of all
candidates. Written after torchvision's RoIHeads, not after our code. Which of several positives were drawn is not
computed, but they must be as many as there should be, each one of them, and ascending.
"""
import json
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples"))
from shards import Shards

F = np.float32
BATCH, QUOTA, IOU, WEIGHTS = 512, 128, F(0.5), np.array([10, 10, 5, 5], F)


def into_view(box, size, image, flip):
    """float32 corners [n, 4], original px, as torchvision resizes boxes; which have an area there."""
    h, w = F(image["height"]), F(image["width"])
    box = np.stack([box[:, 0].clip(0, w), box[:, 1].clip(0, h), box[:, 2].clip(0, w), box[:, 3].clip(0, h)], axis=1)
    kept = (box[:, 2] > box[:, 0]) & (box[:, 3] > box[:, 1])
    if flip:
        box = np.stack([w - box[:, 2], box[:, 1], w - box[:, 0], box[:, 3]], axis=1)
    sy, sx = F(size[0]) / h, F(size[1]) / w
    box = box * np.array([sx, sy, sx, sy], F)
    return box, kept & (box[:, 2] > box[:, 0]) & (box[:, 3] > box[:, 1])


def iou_matrix(gt, box):
    area_g = (gt[:, 2] - gt[:, 0]) * (gt[:, 3] - gt[:, 1])
    area_b = (box[:, 2] - box[:, 0]) * (box[:, 3] - box[:, 1])
    low, high = np.maximum(gt[:, None, :2], box[None, :, :2]), np.minimum(gt[:, None, 2:], box[None, :, 2:])
    side = (high - low).clip(0)
    inter = side[..., 0] * side[..., 1]
    return inter / (area_g[:, None] + area_b[None] - inter)


def encode(gt, box):
    def form(b):
        side = b[:, 2:] - b[:, :2]
        return b[:, :2] + F(0.5) * side, side

    (gc, gs), (bc, bs) = form(gt), form(box)
    return np.concatenate([WEIGHTS[:2] * (gc - bc) / bs, WEIGHTS[2:] * np.log(gs / bs)], axis=1)


def check_view(f, v, image, annotations, proposals):
    size, flip = f["views/size"][v], f["views/flip"][v]
    xywh = np.array([a["bbox"] for _, a in annotations], np.float64).reshape(-1, 4).astype(F)
    gt, used = into_view(np.concatenate([xywh[:, :2], xywh[:, :2] + xywh[:, 2:]], axis=1), size, image, flip)
    index = np.array([i for i, _ in annotations], np.int64)[used]
    category = np.array([a["category_id"] for _, a in annotations], np.int64)[used]
    gt = gt[used]
    placed, kept = into_view(proposals, size, image, flip)
    box = np.concatenate([placed[kept], gt])
    source = np.concatenate([np.flatnonzero(kept), np.full(len(gt), -1)])
    if len(gt):
        iou = iou_matrix(gt, box)
        match, best = iou.argmax(axis=0), iou.max(axis=0, initial=0)
    else:
        match, best = np.zeros(len(box), np.int64), np.full(len(box), -1, F)
    positive, negative = best >= IOU, best < IOU
    assert list(f["views/count"][v]) == [positive.sum(), negative.sum(), 0], "counts"

    first, last = f["rois/offset"][v : v + 2]
    xyxy, label = f["rois/xyxy"][first:last], f["rois/label"][first:last]
    proposal = f["rois/proposal"][first:last]
    p, q = f["positives/offset"][v : v + 2]
    n = q - p
    assert n == min(positive.sum(), QUOTA) and last - first - n == min(negative.sum(), BATCH - n), "sizes of the sample"
    number = dict(zip(f["classes/category"][:].tolist(), f["classes/label"][:].tolist()))
    background = f["classes"].attrs["background"]
    assert (label[:n] != background).all() and (label[n:] == background).all(), "positives come first"
    own, chosen = f["positives/gt"][p:q], []
    for i in range(last - first):  # the candidate that each RoI is
        if proposal[i] >= 0:
            c = int(np.flatnonzero(source == proposal[i])[0])
        else:
            same = [int(k) for k in np.flatnonzero(source < 0) if np.array_equal(box[k], xyxy[i])]
            c = next(k for k in same if k not in chosen)
        chosen.append(c)
        assert np.array_equal(box[c], xyxy[i]), "box"
        assert positive[c] == (i < n) and negative[c] == (i >= n), "label"
    for part in (chosen[:n], chosen[n:]):
        assert all(a < b for a, b in zip(part, part[1:])), "ascending"
    c = np.array(chosen[:n], np.int64)
    if n == 0:
        return
    assert np.array_equal(index[match[c]], own), "matched boxes"
    assert [number[int(k)] for k in category[match[c]]] == label[:n].tolist(), "classes"
    wanted, target = encode(gt[match[c]], box[c]), f["positives/target"][p:q]
    assert np.array_equal(wanted[:, :2], target[:, :2]), "tx, ty"
    assert np.allclose(wanted[:, 2:], target[:, 2:], rtol=1e-6, atol=1e-6), "tw, th"


def main(annotations, proposals, targets, views):
    with open(annotations) as file:
        data = json.load(file)
    images, boxes = {i["id"]: i for i in data["images"]}, {}
    for a in data["annotations"]:
        if a["bbox"][2] > 0 and a["bbox"][3] > 0:
            boxes.setdefault(a["image_id"], []).append(a)
    shards = Shards(targets)
    with h5py.File(proposals, "r") as g:
        at = {int(i): k for k, i in enumerate(g["images/id"][:])}
        offset, xyxy = g["proposals/offset"][:], g["proposals/xyxy"]
        views = views or range(len(shards))
        for view in views:
            f, v = shards[view]
            i = int(f["views/image_id"][v])
            listed = [(k, a) for k, a in enumerate(boxes.get(i, [])) if not a.get("iscrowd")]
            try:
                check_view(f, v, images[i], listed, xyxy[offset[at[i]] : offset[at[i] + 1]])
            except AssertionError as wrong:
                sys.exit("view %d (image %d): %s differ" % (view, i, wrong))
    print("%d views recomputed, equal" % len(views))


if __name__ == "__main__":
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    main(*sys.argv[1:4], [int(v) for v in sys.argv[4:]])
