#!/usr/bin/python3
"""Holds target files to an independent recomputation from the COCO JSON they were made from.

usage: real_label.py kind ANNOTATIONS.json
           prints "detection" when every annotation has a box and every image a size, else "other"
       real_label.py check ANNOTATIONS.json TARGETS_DIR SUMMARY.json [VIEWS]
           TARGETS_DIR was written by `anchorage label --assignment --with-gt --summary-json SUMMARY.json`
           under one of the presets in RULES, with or without --flip. Counts are compared over the whole file;
           labels, matched boxes and targets of VIEWS views (24), bit for bit, by the full matrix.

Only numpy, json and h5py: the rules are written down here a second time, each as its system does it.
"""
import json
import sys

import h5py
import numpy as np

F = np.float32


class Fault(Exception):
    pass


def same(what, got, wanted):
    got, wanted = np.asarray(got), np.asarray(wanted)
    if got.shape != wanted.shape or not np.array_equal(got, wanted):
        where = np.flatnonzero((got != wanted).ravel())[:4].tolist() if got.shape == wanted.shape else "shape"
        raise Fault(
            "%s: file has %s, recomputed %s (at %s)"
            % (
                what,
                got.ravel()[where] if where != "shape" else got.shape,
                wanted.ravel()[where] if where != "shape" else wanted.shape,
                where,
            )
        )


def read_coco(path):
    """Images by id: (height, width, [(x, y, w, h, crowd)]), in the file's order, without boxes of no area."""
    with open(path, encoding="utf-8-sig") as f:
        d = json.load(f)
    images = {i["id"]: (i["height"], i["width"], []) for i in d["images"]}
    for a in d["annotations"]:
        x, y, w, h = a["bbox"]
        if x + w > x and y + h > y:
            images[a["image_id"]][2].append((x, y, w, h, bool(a.get("iscrowd") or a.get("ignore"))))
    return images, len(d["annotations"])


def kind(path):
    try:
        with open(path, encoding="utf-8-sig") as f:
            d = json.load(f)
        good = all(i["id"] is not None and i["height"] > 0 and i["width"] > 0 for i in d["images"])
        return "detection" if good and all(len(a["bbox"]) == 4 for a in d["annotations"]) else "other"
    except (ValueError, KeyError, TypeError):
        return "other"


# ---- sizes: height and width of an image to those of its view, short side 800, long side at most 1333 ----


def size_torchvision(h, w):
    scale = min(800 / min(h, w), 1333 / max(h, w))
    return int(np.floor(h * scale)), int(np.floor(w * scale))


def size_torchvision_0_14(h, w):
    scale = min(F(1) / F(min(h, w)) * F(800), F(1) / F(max(h, w)) * F(1333))
    return int(np.floor(h * float(scale))), int(np.floor(w * float(scale)))


def size_detectron2(h, w):
    scale = 800 / min(h, w)
    new_h, new_w = (800, scale * w) if h < w else (scale * h, 800)
    if max(new_h, new_w) > 1333:
        scale = 1333 / max(new_h, new_w)
        new_h, new_w = new_h * scale, new_w * scale
    return int(new_h + 0.5), int(new_w + 0.5)


def size_mmcv(h, w):
    scale = min(1333 / max(h, w), 800 / min(h, w))
    return int(h * scale + 0.5), int(w * scale + 0.5)


def size_maskrcnn_benchmark(h, w):
    side = 800
    if max(h, w) / min(h, w) * side > 1333:
        side = int(round(1333 * min(h, w) / max(h, w)))
    if side == min(h, w):
        return h, w
    return (int(side * h / w), side) if w < h else (side, int(side * w / h))


def factor_py_faster_rcnn(h, w):
    scale = 600 / min(h, w)
    return 1000 / max(h, w) if round(scale * max(h, w)) > 1000 else scale


def size_py_faster_rcnn(h, w):
    return round(h * factor_py_faster_rcnn(h, w)), round(w * factor_py_faster_rcnn(h, w))


# ---- boxes: (x, y, w, h) of the JSON to float32 corners in the view, None when the system drops them ----


def box_torchvision(b, hw, view, flip):
    x1, y1, x2, y2 = F(b[0]), F(b[1]), F(b[0]) + F(b[2]), F(b[1]) + F(b[3])
    h, w = F(hw[0]), F(hw[1])
    x1, x2, y1, y2 = (min(max(v, F(0)), top) for v, top in ((x1, w), (x2, w), (y1, h), (y2, h)))
    if not (x2 > x1 and y2 > y1):
        return None
    if flip:
        x1, x2 = w - x2, w - x1
    sx, sy = F(view[1]) / w, F(view[0]) / h
    return x1 * sx, y1 * sy, x2 * sx, y2 * sy


def box_detectron2(b, hw, view, flip):
    x1, y1, x2, y2 = (
        F(b[0]),
        F(b[1]),
        F(b[0]) + F(b[2]),
        F(b[1]) + F(b[3]),
    )  # BoxMode.convert: a float32 tensor
    sx, sy = view[1] * 1.0 / hw[1], view[0] * 1.0 / hw[0]
    x1, y1, x2, y2 = float(x1) * sx, float(y1) * sy, float(x2) * sx, float(y2) * sy
    if flip:  # after the resize
        x1, x2 = view[1] - x2, view[1] - x1
    x1, x2, y1, y2 = (
        F(min(max(v, 0.0), float(top)))
        for v, top in ((x1, view[1]), (x2, view[1]), (y1, view[0]), (y2, view[0]))
    )
    return (x1, y1, x2, y2) if x2 - x1 > F(1e-5) and y2 - y1 > F(1e-5) else None


def box_mmdet(b, hw, view, flip):
    x, y, w, h = b[:4]
    if max(0, min(x + w, hw[1]) - max(x, 0)) * max(0, min(y + h, hw[0]) - max(y, 0)) == 0 or w < 1 or h < 1:
        return None
    sx, sy = F(view[1] / hw[1]), F(view[0] / hw[0])
    x1, y1, x2, y2 = F(x) * sx, F(y) * sy, F(x + w) * sx, F(y + h) * sy
    x1, x2, y1, y2 = (
        min(max(v, F(0)), F(top)) for v, top in ((x1, view[1]), (x2, view[1]), (y1, view[0]), (y2, view[0]))
    )
    if flip:  # after resize and clip
        x1, x2 = F(view[1]) - x2, F(view[1]) - x1
    return (x1, y1, x2, y2) if x2 > x1 and y2 > y1 else None


def box_maskrcnn_benchmark(b, hw, view, flip):
    x1, y1 = F(b[0]), F(b[1])
    x2, y2 = x1 + max(F(b[2]) - F(1), F(0)), y1 + max(F(b[3]) - F(1), F(0))
    x1, x2, y1, y2 = (
        min(max(v, F(0)), F(top - 1)) for v, top in ((x1, hw[1]), (x2, hw[1]), (y1, hw[0]), (y2, hw[0]))
    )
    if not (x2 > x1 and y2 > y1):
        return None
    sx, sy = F(view[1] / hw[1]), F(view[0] / hw[0])
    x1, y1, x2, y2 = x1 * sx, y1 * sy, x2 * sx, y2 * sy
    if flip:  # after the resize
        x1, x2 = F(view[1]) - x2 - F(1), F(view[1]) - x1 - F(1)
    return x1, y1, x2, y2


def box_py_faster_rcnn(b, hw, view, flip):
    x1, y1 = max(0, b[0]), max(0, b[1])
    x2, y2 = min(hw[1] - 1, x1 + max(0, b[2] - 1)), min(hw[0] - 1, y1 + max(0, b[3] - 1))
    if x2 < x1 or y2 < y1:
        return None
    x1, y1, x2, y2 = int(x1), int(y1), int(x2), int(y2)  # kept as uint16
    if flip:
        x1, x2 = hw[1] - x2 - 1, hw[1] - x1 - 1
    scale = factor_py_faster_rcnn(*hw)
    return tuple(F(v * scale) for v in (x1, y1, x2, y2))


# ---- the rest ----


def anchors_of(f, padded):
    """All anchors of a view, float32 [A, 4], from the file's base anchors; and the grids."""
    parts, grids = [], []
    for k in range(len(f["anchors"])):
        level = f["anchors/level%d" % k]
        stride = int(level.attrs["stride"])
        h, w = -(-padded[0] // stride), -(-padded[1] // stride)
        step = (padded[0] // h, padded[1] // w) if level.attrs["stride_from_grid"] else (stride, stride)
        y, x = np.meshgrid(
            np.arange(h, dtype=F) * F(step[0]), np.arange(w, dtype=F) * F(step[1]), indexing="ij"
        )
        shift = np.stack([x, y, x, y], axis=-1) + F(level.attrs["offset"] * stride)
        parts.append((shift[:, :, None, :] + level["base"][:][None, None]).reshape(-1, 4))
        grids.append((h, w))
    return np.concatenate(parts), np.array(grids)


def sides(b, one):
    return b[:, 2] - b[:, 0] + one, b[:, 3] - b[:, 1] + one


def assign(a, gts, inside, rule):
    """label [A] and matched gt [A] by the definition: every anchor with every box."""
    real, one = rule.get("real", F), rule.get("real", F)(rule.get("one", 0))
    a, gts = a.astype(real), gts.astype(real)
    best, arg = np.full(len(a), real(-1)), np.zeros(len(a), np.int64)
    area = np.multiply(*sides(a, one))
    label, with_box = np.zeros(len(a), np.int8), []
    for i, g in enumerate(gts):
        w = np.maximum(np.minimum(a[:, 2], g[2]) - np.maximum(a[:, 0], g[0]) + one, real(0))
        h = np.maximum(np.minimum(a[:, 3], g[3]) - np.maximum(a[:, 1], g[1]) + one, real(0))
        inter, own = w * h, (g[2] - g[0] + one) * (g[3] - g[1] + one)
        v = inter / np.maximum(own + area - inter, real(rule.get("floor", 0)))
        if rule.get("border") == "drop":
            v[~inside] = 0
        arg[v > best] = i
        best = np.maximum(best, v)
        with_box.append(v)
    if len(gts):
        label = np.where(best >= real(0.7), 1, np.where(best < real(0.3), 0, -1)).astype(np.int8)
    for i, v in enumerate(with_box):
        top = v.max()
        if top <= 0 or (rule.get("claim") and top < real(0.3)):
            continue
        label[v == top] = 1
        if rule.get("claim"):
            arg[v == top] = i
    if rule.get("border"):
        label[~inside] = -1
    return label, arg


def encode(a, g, rule):
    """Targets [n, 4] of float32 anchors and boxes."""
    one = rule.get("one", 0)
    gw, gh = sides(g, F(one))
    if rule.get("real") == np.float64:  # py-faster-rcnn: the anchor's side in double
        a = a.astype(np.float64)
    aw, ah = sides(a, a.dtype.type(one))
    if rule.get("claim"):  # mmdetection
        ax, ay, gx, gy = ((b[:, k] + b[:, k + 2]) * F(0.5) for b in (a, g) for k in (0, 1))
    else:
        ax, ay, gx, gy = (
            b[:, k] + b.dtype.type(0.5) * side
            for b, both in ((a, (aw, ah)), (g, (gw, gh)))
            for k, side in enumerate(both)
        )
    tw, th = (
        np.log((x / y).astype(np.float64)) for x, y in ((gw, aw), (gh, ah))
    )  # numpy's float32 log is 2 ulp off
    return np.stack(
        [((gx - ax) / aw).astype(F), ((gy - ay) / ah).astype(F), tw.astype(F), th.astype(F)], axis=1
    )


def ulps(a, b):
    """How many float32 numbers apart."""

    def order(x):
        i = np.ascontiguousarray(x, F).view(np.int32).astype(np.int64)
        return np.where(i < 0, -(i & 0x7FFFFFFF), i)

    return np.abs(order(a) - order(b))


RULES = {
    "torchvision-fpn": {"size": size_torchvision, "box": box_torchvision},
    "torchvision-0.14-fpn": {"size": size_torchvision_0_14, "box": box_torchvision},
    "detectron2-fpn": {"size": size_detectron2, "box": box_detectron2},
    "mmdet-fpn": {"size": size_mmcv, "box": box_mmdet, "claim": True, "floor": 1e-6},
    "maskrcnn-benchmark-fpn": {
        "size": size_maskrcnn_benchmark,
        "box": box_maskrcnn_benchmark,
        "one": 1,
        "border": "ignore",
    },
    "faster-rcnn-vgg16": {
        "size": size_py_faster_rcnn,
        "box": box_py_faster_rcnn,
        "one": 1,
        "border": "drop",
        "pad": 1,
        "real": np.float64,
        "crowd": True,
    },
}


def check_view(f, v, image, preset):
    rule = RULES[preset]
    h, w, boxes = image
    view, flip, pad = rule["size"](h, w), bool(f["views/flip"][v]), rule.get("pad", 32)
    padded = tuple(-(-side // pad) * pad for side in view)
    same("size", f["views/size"][v], view)
    same("padded size", f["views/padded_size"][v], padded)
    a, grids = anchors_of(f, padded)
    same("grid", f["views/grid"][v], grids)

    kept = [
        (i, rule["box"](b, (h, w), view, flip)) for i, b in enumerate(boxes) if rule.get("crowd") or not b[4]
    ]
    kept = [(i, g) for i, g in kept if g is not None]
    of = np.array([i for i, _ in kept], np.int64)
    gts = np.array([g for _, g in kept], F).reshape(-1, 4)
    first, last = f["gt/offset"][v : v + 2]
    used = f["gt/used"][first:last].astype(bool)
    same("boxes in use", np.flatnonzero(used), of)
    same("boxes", f["gt/xyxy"][first:last][used].view(np.int32), gts.view(np.int32))

    inside = (a[:, 0] >= 0) & (a[:, 1] >= 0) & (a[:, 2] < view[1]) & (a[:, 3] < view[0])
    label, arg = assign(a, gts, inside, rule)
    first, last = f["assignment/offset"][v : v + 2]
    of_file, gt_file = f["assignment/anchor"][first:last], f["assignment/gt"][first:last]
    same("anchors that are not negative", of_file, np.flatnonzero(label))
    matched = np.where(label == 1, of[arg] if len(of) else -1, -1)
    same("matched gt", gt_file, matched[of_file])
    same("counts", f["views/count"][v], [(label == 1).sum(), (label == 0).sum(), (label == -1).sum()])

    first, last = f["minibatch/offset"][v : v + 2]
    drawn, drawn_label = f["minibatch/anchor"][first:last], f["minibatch/label"][first:last]
    p = int((drawn_label == 1).sum())
    same("positives drawn", p, min(128, (label == 1).sum()))
    same("negatives drawn", len(drawn) - p, min(256 - p, (label == 0).sum()))
    same("labels drawn", drawn_label, label[drawn])
    if not ((np.diff(drawn[:p]) > 0).all() and (np.diff(drawn[p:]) > 0).all()):
        raise Fault("the minibatch does not ascend")
    first, last = f["positives/offset"][v : v + 2]
    same("gt drawn", f["positives/gt"][first:last], matched[drawn[:p]])
    t = f["positives/target"][first:last]
    wanted = encode(a[drawn[:p]], gts[arg[drawn[:p]]], rule) if p else np.zeros((0, 4), F)
    same("tx, ty", t[:, :2].copy().view(np.int32), wanted[:, :2].copy().view(np.int32))
    if p and ulps(t[:, 2:], wanted[:, 2:]).max() > 1:
        raise Fault("tw, th: %d ulp apart" % ulps(t[:, 2:], wanted[:, 2:]).max())
    return len(a), p


def pick(images, ids, n):
    """Views to look at: the most crowded, the extreme shapes, and others evenly over the file."""
    by = {
        "most boxes": lambda v: -len(images[ids[v]][2]),
        "largest": lambda v: -images[ids[v]][0] * images[ids[v]][1],
        "smallest": lambda v: images[ids[v]][0] * images[ids[v]][1],
        "widest": lambda v: images[ids[v]][0] / images[ids[v]][1],
        "tallest": lambda v: images[ids[v]][1] / images[ids[v]][0],
    }
    chosen = {min(range(len(ids)), key=k) for k in by.values()} if ids else set()
    chosen |= set(np.linspace(0, len(ids) - 1, min(n, len(ids))).astype(int).tolist()) if ids else set()
    return sorted(chosen)


def check(annotations, folder, summary, n):
    images, n_annotations = read_coco(annotations)
    ids = sorted(images)
    with open(summary) as s:
        s = json.load(s)
    n_boxes, n_crowds = (
        sum(f(b) for i in images.values() for b in i[2]) for f in (lambda b: 1, lambda b: b[4])
    )
    same("annotations", s["source"]["annotations"], n_annotations)
    same("boxes", s["config"]["data"]["boxes"], n_boxes)
    same("boxes without area", s["source"]["empty_boxes"], n_annotations - n_boxes)
    same("crowds", s["source"]["crowds"], n_crowds)
    anchors = positives = 0
    with h5py.File(folder + "/targets.h5", "r") as f:
        preset = json.loads(f.attrs["config"])["rules"]["preset"]
        same("image ids", f["views/image_id"][:], np.array(ids, np.int64))
        same(
            "boxes of each image",
            np.diff(f["gt/offset"][:]),
            np.array([len(images[i][2]) for i in ids], np.int64),
        )
        same("crowd marks", f["gt/crowd"][:], np.array([b[4] for i in ids for b in images[i][2]], np.uint8))
        views = pick(images, ids, n)
        for v in views:
            try:
                a, p = check_view(f, v, images[ids[v]], preset)
            except Fault as e:
                raise Fault("image %d: %s" % (ids[v], e))
            anchors, positives = anchors + a, positives + p
    print(
        "ok: %s: %d images, %d boxes; %d views, %d anchors, %d targets recomputed"
        % (preset, len(ids), n_boxes, len(views), anchors, positives)
    )


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "kind":
        print(kind(sys.argv[2]))
    elif len(sys.argv) in (5, 6) and sys.argv[1] == "check":
        try:
            check(*sys.argv[2:5], int(sys.argv[5]) if len(sys.argv) == 6 else 24)
        except Fault as e:
            sys.exit("%s: %s" % (sys.argv[2], e))
    else:
        sys.exit(__doc__)
