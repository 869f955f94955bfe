#!/usr/bin/python3
"""Helps tests/real/real_train.c: torch's reference training runs, as files that `anchorage train` reads, and held to its output.

usage: real_train.py trace FEATURES.h5 REFERENCE OUT     writes OUT-targets.h5 (the trace's minibatches, in its order) and
                                                         OUT-init.h5 (torch's weights before the first step)
       real_train.py follow REFERENCE LOG.csv STEPS      each step's two losses against torch's
       real_train.py weights REFERENCE HEAD.h5 STEP      weights after that step against torch's
       real_train.py losses REFERENCES... -- HEADS...    mean losses of the last 100 steps, ours against torch's, as sets

REFERENCE is a path without its ending: REFERENCE.json, REFERENCE_init.npz, REFERENCE_trace.npz. Labels, targets and
anchors are computed here with numpy, sharing no code with the program.
"""
import json
import sys

import h5py
import numpy as np


def cell(sizes, ratios):
    """Base anchors of a level, ratio-major, as torchvision makes them."""
    r, s = np.sqrt(np.float32(ratios)), np.float32(sizes)
    w, h = ((1 / r)[:, None] * s[None]).ravel(), (r[:, None] * s[None]).ravel()
    return np.round(np.stack([-w, -h, w, h], 1) / 2)


def lay(bases, grids, strides):
    out = []
    for base, (h, w), stride in zip(bases, grids, strides):
        y, x = np.mgrid[0:h, 0:w] * stride
        out.append((np.stack([x, y, x, y], -1).reshape(-1, 1, 4) + base[None]).reshape(-1, 4))
    return np.concatenate(out).astype(np.float32)


def match(anchor, gt):
    """Labels and each anchor's best box, in float32 as torchvision does."""
    if not len(gt):
        return np.zeros(len(anchor), int), np.zeros(len(anchor), int)
    a, g = anchor[None], gt[:, None]
    side = np.clip(np.minimum(a[..., 2:], g[..., 2:]) - np.maximum(a[..., :2], g[..., :2]), 0, None)
    inter = side[..., 0] * side[..., 1]
    area = lambda b: (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    iou = inter / (area(a) + area(g) - inter)
    best = iou.max(0)
    label = np.where(best < 0.3, 0, np.where(best < 0.7, -1, 1))
    label[(iou == iou.max(1, keepdims=True)).any(0)] = 1
    return label, iou.argmax(0)


def encode(a, g):
    half = np.float32(0.5)
    aw, gw = a[:, 2:] - a[:, :2], g[:, 2:] - g[:, :2]
    return np.concatenate([((g[:, :2] + gw * half) - (a[:, :2] + aw * half)) / aw, np.log(gw / aw)], 1)


def stamp(f, kind):
    f.attrs["format"], f.attrs["format_version"] = kind, 1
    f.attrs["anchorage_version"], f.attrs["config"] = "torch", "{}"


def write_init(path, init):
    with h5py.File(path, "w") as f:
        stamp(f, "anchorage-head")
        for k in init.files:
            if k.startswith("rpn.head."):
                f[k[4:]] = init[k]


def trace(features, reference, out):
    meta, steps = json.load(open(reference + ".json")), 50
    write_init(out + "-init.h5", np.load(reference + "_init.npz"))
    log = np.load(reference + "_trace.npz")
    h = h5py.File(features, "r")
    place = {int(k): n for n, k in enumerate(h["images/id"][:])}
    scale = h["images/size"][:] / h["images/original_size"][:]
    boxes = {}
    for q in json.load(open(features[:-3] + ".json"))["annotations"]:
        n, (x, y, w, t) = place[q["image_id"]], q["bbox"]
        boxes.setdefault(n, []).append(np.array([x, y, x + w, y + t]) * np.tile(scale[n, ::-1], 2))
    bases = [cell(s, meta["ratios"]) for s in meta["sizes"]]
    levels = range(len(bases))
    views, rows, positives, matched = [], [], [], {}
    for step in range(steps):
        for b in range(meta["batch"]):
            i = meta["image_order"][step * meta["batch"] + b]
            if i not in matched:
                grids = [h["level%d/grid" % l][i] for l in levels]
                anchor = lay(bases, grids, meta["strides"])
                gt = np.float32(boxes.get(i, [])).reshape(-1, 4)
                matched[i] = (anchor, gt, grids, *match(anchor, gt))
            anchor, gt, grids, label, best = matched[i]
            p, n = log["step%d_img%d_pos" % (step, b)], log["step%d_img%d_neg" % (step, b)]
            assert (label[p] == 1).all() and (label[n] == 0).all(), "torch's labels differ from numpy's"
            views.append((i, step, grids, [(label == k).sum() for k in (1, 0, -1)]))
            rows.append(np.concatenate([np.stack([p, p * 0 + 1], 1), np.stack([n, n * 0], 1)]))
            positives.append((encode(anchor[p], gt[best[p]]) if len(p) else np.zeros((0, 4)), best[p]))
    at = [v[0] for v in views]
    offset = lambda parts: np.cumsum([0] + [len(x) for x in parts]).astype(np.int64)
    with h5py.File(out + "-targets.h5", "w") as f:
        stamp(f, "anchorage-targets")
        for k, v in {
            "views/image_id": h["images/id"][:][at],
            "views/epoch": np.int32([v[1] for v in views]),
            "views/flip": np.zeros(len(views), np.uint8),
            "views/size": h["images/size"][:][at],
            "views/padded_size": h["images/padded_size"][:][at],
            "views/scale": np.float32(scale[at]),
            "views/grid": np.int32([v[2] for v in views]),
            "views/count": np.int32([v[3] for v in views]),
            "minibatch/offset": offset(rows),
            "minibatch/anchor": np.concatenate(rows)[:, 0].astype(np.int32),
            "minibatch/label": np.concatenate(rows)[:, 1].astype(np.int8),
            "positives/offset": offset([p[0] for p in positives]),
            "positives/target": np.concatenate([p[0] for p in positives]).astype(np.float32),
            "positives/gt": np.concatenate([p[1] for p in positives]).astype(np.int32),
        }.items():
            f[k] = v
        for l in levels:
            f["anchors/level%d/base" % l] = bases[l].astype(np.float32)
            a = f["anchors/level%d" % l].attrs
            a["stride"], a["offset"], a["stride_from_grid"] = meta["strides"][l], 0.0, 1


def follow(reference, log, steps):
    meta, ours = json.load(open(reference + ".json")), np.loadtxt(log, delimiter=",", skiprows=1)
    assert len(ours) == int(steps), "%d steps in the log" % len(ours)
    record = np.load(reference + "_trace.npz")
    worst = 0
    for step in range(int(steps)):
        torch = np.mean([record["step%d_img%d_loss" % (step, b)] for b in range(meta["batch"])], 0)
        worst = max(worst, np.abs(ours[step, 2:4] / torch - 1).max())
        assert abs(ours[step, 1] / meta["curve"]["lr"][step] - 1) < 1e-8, "learning rate of step %d" % step
    print("losses of %s steps within %.1e of torch's" % (steps, worst))
    assert worst < 1e-5


def weights(reference, head, step):
    torch, worst = np.load(reference + "_trace.npz"), 0
    with h5py.File(head, "r") as f:
        assert f.attrs["step"] == int(step)
        names = [k for k in f if k.startswith("head.")]
        assert len(names) == 6
        for k in names:
            t = torch["after%s/rpn.%s" % (step, k)]
            assert t.shape == f[k].shape
            worst = max(worst, np.abs(f[k][:] - t).max() / np.abs(t).max())
    print("weights after %s steps within %.1e of each tensor's largest" % (step, worst))
    assert worst < 1e-5


def losses(*paths):
    cut = paths.index("--")
    torch = np.array([json.load(open(p + ".json"))["loss_last100"] for p in paths[:cut]])
    ours = np.array([h5py.File(p, "r")["history/step"][-100:, 1:3].mean(0) for p in paths[cut + 1 :]])
    t, o = torch.sum(1), ours.sum(1)
    print("torch %s mean %.4f, ours %s mean %.4f" % (np.round(t, 4), t.mean(), np.round(o, 4), o.mean()))
    noise = max(np.std(t, ddof=1), np.std(o, ddof=1))
    assert o.mean() <= t.mean() + 2 * noise, "worse than torch by more than two deviations between seeds (%.4f)" % noise


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    {"trace": trace, "follow": follow, "weights": weights, "losses": losses}[sys.argv[1]](*sys.argv[2:])
