#!/usr/bin/python3
"""Proposals restated in numpy: the dense head in float64, torchvision's filter_proposals, and the way back to original pixels.

usage: propose.py check HEAD.h5 FEATURES.h5 PROPOSALS.h5 [AFTER]
       propose.py coco PROPOSALS.h5 RESULTS.json         both must say the same

Written from torchvision's rules, not from our C; the anchors are those that HEAD.h5 lists. Rounding differs (float64 here), so a
borderline suppression may fall otherwise: 99.5 % of all proposals must be found here too, in place and score.
"""
import json
import sys

import h5py
import numpy as np

IOU, BEFORE, LEAST = 0.7, 1000, 1e-3


def head(f, x):
    """logits [H, W, A] and deltas [H, W, A, 4] of a map [H, W, C]."""
    par = lambda name: f["head." + name][:].astype(np.float64)
    h, w, _ = x.shape
    padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
    weight = par("conv.0.0.weight")
    hidden = sum(padded[y : y + h, z : z + w] @ weight[:, :, y, z].T for y in range(3) for z in range(3))
    hidden = np.maximum(hidden + par("conv.0.0.bias"), 0)
    out = lambda name: hidden @ par(name + ".weight")[:, :, 0, 0].T + par(name + ".bias")
    return out("cls_logits"), out("bbox_pred").reshape(h, w, -1, 4)


def decode(anchor, d):
    wh = anchor[:, 2:] - anchor[:, :2]
    centre = anchor[:, :2] + wh / 2 + d[:, :2] * wh
    half = np.exp(np.minimum(d[:, 2:], np.log(1000 / 16))) * wh / 2
    return np.concatenate([centre - half, centre + half], 1)


def suppress(box, order):
    keep, left = [], list(order)
    while left:
        i, left = left[0], np.array(left[1:], int)
        keep.append(i)
        side = np.clip(np.minimum(box[i, 2:], box[left, 2:]) - np.maximum(box[i, :2], box[left, :2]), 0, None)
        inter, area = side.prod(1), lambda b: (b[..., 2:] - b[..., :2]).prod(-1)
        left = list(left[inter / (area(box[i]) + area(box[left]) - inter) <= IOU]) if len(left) else []
    return keep


def propose(h, f, i, after):
    """Proposals of the image at place i, the best first: boxes in original pixels, probabilities, levels."""
    size, padded, boxes, scores, levels = f["images/size"][i], f["images/padded_size"][i], [], [], []
    for l in range(8):
        if "level%d" % l not in f:
            break
        g = f["level%d" % l]
        gh, gw = g["grid"][i]
        x = g["feature"][g["offset"][i] : g["offset"][i + 1]].astype(np.float64).reshape(gh, gw, -1)
        logit, delta = head(h, x)
        about = h["anchors/level%d" % l]
        stride = padded // (gh, gw) if about.attrs["stride_from_grid"] else np.array([about.attrs["stride"]] * 2)
        y, x = np.mgrid[0:gh, 0:gw] * stride[:, None, None]
        anchor = (np.stack([x, y, x, y], -1)[:, :, None] + about["base"][:][None, None]).reshape(-1, 4)
        best = np.argsort(-logit.ravel(), kind="stable")[:BEFORE]
        box = decode(anchor[best], delta.reshape(-1, 4)[best])
        box = np.clip(box, 0, [size[1], size[0], size[1], size[0]])
        good = ((box[:, 2:] - box[:, :2]) >= LEAST).all(1)
        box, score = box[good], logit.ravel()[best][good]
        keep = suppress(box, range(len(box)))
        boxes.append(box[keep])
        scores.append(score[keep])
        levels.append(np.full(len(keep), l))
    box, score, level = np.concatenate(boxes), np.concatenate(scores), np.concatenate(levels)
    order = np.argsort(-score, kind="stable")[:after]
    by = (f["images/original_size"][i] / size)[::-1] if "original_size" in f["images"] else np.ones(2)
    return box[order] * np.tile(by, 2), 1 / (1 + np.exp(-score[order])), level[order]


def check(head_file, features, proposals, after=1000):
    h, f, p = (h5py.File(n, "r") for n in (head_file, features, proposals))
    ids, total, found = f["images/id"][:], 0, 0
    assert (p["images/id"][:] == np.sort(ids)).all()
    for k, i in enumerate(np.argsort(ids)):
        box, score, level = propose(h, f, i, int(after))
        a, b = p["proposals/offset"][k : k + 2]
        mine = {n: p["proposals/" + n][a:b] for n in ("xyxy", "score", "level")}
        assert abs(len(box) - (b - a)) <= 1 + len(box) // 100, (len(box), b - a)
        assert (np.diff(mine["score"]) <= 0).all()
        tall, wide = f["images/original_size"][i] if "original_size" in f["images"] else f["images/size"][i]
        assert (mine["xyxy"] >= 0).all() and (mine["xyxy"] <= [wide, tall, wide, tall]).all()
        near = np.abs(mine["xyxy"][:, None] - box[None]).max(2) < 2e-3
        near &= (np.abs(mine["score"][:, None] - score[None]) < 1e-5) & (mine["level"][:, None] == level[None])
        total += b - a
        found += near.any(1).sum()
    assert total and found >= 0.995 * total, (found, total)
    print("%d of %d proposals are those of numpy" % (found, total))


def coco(proposals, results):
    p, r = h5py.File(proposals, "r"), json.load(open(results))
    offset = p["proposals/offset"][:]
    assert [x["image_id"] for x in r] == list(np.repeat(p["images/id"][:], np.diff(offset)))
    assert {x["category_id"] for x in r} == {1} and set(r[0]) == {"image_id", "category_id", "bbox", "score"}
    box = np.array([x["bbox"] for x in r])
    box[:, 2:] += box[:, :2]
    assert np.abs(box - p["proposals/xyxy"][:]).max() < 1e-3
    assert (np.float32([x["score"] for x in r]) == p["proposals/score"][:]).all()


if __name__ == "__main__":
    commands = {"check": check, "coco": coco}
    if len(sys.argv) < 4 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](*sys.argv[2:])
