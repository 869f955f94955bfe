#!/usr/bin/python3
"""The recall of proposals, restated in numpy from cocoapi's COCOeval and Detectron's evaluate_box_proposals.

usage: evaluate.py make FOLDER SEED        writes random annotations.json, results.json, proposals.h5
       evaluate.py jitter ANNOTATIONS FOLDER SEED   results.json for a real file: its boxes moved, and others
       evaluate.py check PROTOCOL RESULTS ANNOTATIONS REPORT.json   holds a report of `anchorage evaluate --json` to it

Written from what the two do (loops and all), not from our C. Sizes go by the boxes' areas.
"""
import json
import sys

import numpy as np

IOUS = np.linspace(0.5, 0.95, 10)
SIZES = {"all": (0, 1e10), "small": (0, 32**2), "medium": (32**2, 96**2), "large": (96**2, 1e10)}


def corners(b):
    return np.array([b[0], b[1], b[0] + b[2], b[1] + b[3]], float)


def overlaps(det, gt, crowd):
    """cocoapi's bbIou [D, G]; for a crowd the proposal's share in it."""
    d, g = det[:, None], gt[None]
    wh = np.minimum(d[..., 2:], g[..., 2:]) - np.maximum(d[..., :2], g[..., :2])
    inter = np.prod(np.maximum(wh, 0), -1)
    area = lambda b: (b[..., 2] - b[..., 0]) * (b[..., 3] - b[..., 1])
    return inter / np.where(crowd[None], area(d), area(d) + area(g) - inter)


def evaluate_image(iou, crowd, area, low, high):
    """COCOeval.evaluateImg: of each IoU and proposal the object it found, -1 for none; the objects that count."""
    ignored = crowd | (area < low) | (area > high)
    order = np.argsort(ignored, kind="mergesort")
    found = -np.ones((10, len(iou)), int)
    for t, least in enumerate(IOUS):
        taken = np.zeros(len(area), bool)
        for d in range(len(iou)):
            best, m = min(least, 1 - 1e-10), -1
            for g in order:
                if taken[g] and not crowd[g]:
                    continue
                if m > -1 and not ignored[m] and ignored[g]:
                    break
                if iou[d, g] < best:
                    continue
                best, m = iou[d, g], g
            if m >= 0:
                taken[m] = True
                if not ignored[m]:
                    found[t, d] = m
    return found, ~ignored


def coco(images, tops):
    out = {}
    for name, (low, high) in SIZES.items():
        n, hits, by = 0, np.zeros((len(tops), 10), int), {}
        for im in images:
            found, counts = evaluate_image(im["iou"][: max(tops)], im["crowd"], im["area"], low, high)
            n += counts.sum()
            for k, top in enumerate(tops):
                hits[k] += (found[:, :top] >= 0).sum(1)
            for c in np.unique(im["category"][counts]):
                row = by.setdefault(c, [0, np.zeros((len(tops), 10), int)])
                mine = counts & (im["category"] == c)
                row[0] += mine.sum()
                for k, top in enumerate(tops):
                    row[1][k] += np.isin(found[:, :top], np.where(mine)[0]).sum(1)
        out[name] = (n, hits, by)
    return out


def detectron(images, tops):
    out = {}
    for name, (low, high) in SIZES.items():
        n, hits, by = 0, np.zeros((len(tops), 10), int), {}
        for im in images:
            valid = np.where(~im["crowd"] & (im["area"] >= low) & (im["area"] <= high))[0]
            n += len(valid)
            for c in im["category"][valid]:
                by.setdefault(c, [0, np.zeros((len(tops), 10), int)])[0] += 1
            for k, top in enumerate(tops):
                iou = im["iou"][:top][:, valid].copy()
                for _ in range(min(iou.shape)):
                    gt = iou.max(0).argmax()
                    box = iou[:, gt].argmax()
                    hit = iou[box, gt] >= IOUS
                    hits[k] += hit
                    by[im["category"][valid[gt]]][1][k] += hit
                    iou[box] = -1
                    iou[:, gt] = -1
        out[name] = (n, hits, by)
    return out


def load(results, annotations):
    truth = json.load(open(annotations))
    det = {}
    for r in json.load(open(results)):
        det.setdefault(r["image_id"], []).append(r)
    gt = {}
    for a in truth["annotations"]:
        if a["bbox"][2] > 0 and a["bbox"][3] > 0:
            gt.setdefault(a["image_id"], []).append(a)
    images = []
    for i in sorted(im["id"] for im in truth["images"]):
        rows, objects = det.get(i, []), gt.get(i, [])
        rows = [rows[k] for k in np.argsort([-r["score"] for r in rows], kind="mergesort")]
        d = np.array([corners(r["bbox"]) for r in rows]).reshape(-1, 4)
        g = np.array([corners(a["bbox"]) for a in objects]).reshape(-1, 4)
        crowd = np.array([bool(a.get("iscrowd") or a.get("ignore")) for a in objects], bool)
        images.append({
            "iou": overlaps(d, g, crowd),
            "crowd": crowd,
            "area": (g[:, 2] - g[:, 0]) * (g[:, 3] - g[:, 1]),
            "category": np.array([a["category_id"] for a in objects], int),
        })
    return images, {c["id"]: c["name"] for c in truth["categories"]}


def near(a, b, what):
    assert (a is None and b is None) or abs(a - b) <= 1e-9, "%s: %r, numpy has %r" % (what, a, b)


def check(protocol, results, annotations, report):
    images, names = load(results, annotations)
    ours = json.load(open(report))
    tops = ours["proposals"]
    assert np.allclose(ours["iou"], IOUS, atol=1e-15) and ours["protocol"] == protocol
    wanted = {"coco": coco, "detectron": detectron}[protocol](images, tops)

    def row(got, n, hits):
        assert got["objects"] == n, "%s: %d objects, numpy has %d" % (got["name"], got["objects"], n)
        for k in range(len(tops)):
            near(got["average_recall"][k], (hits[k] / n).mean() if n else None, got["name"])
            for i in range(10):
                near(got["recall"][k][i], hits[k][i] / n if n else None, got["name"])

    for got in ours["sizes"]:
        row(got, *wanted[got["name"]][:2])
    assert [c["name"] for c in ours["categories"]] == [names[c] for c in sorted(names)]
    for got, c in zip(ours["categories"], sorted(names)):
        row(got, *wanted["all"][2].get(c, [0, np.zeros((len(tops), 10), int)]))
    print("AR %s of %d objects" % (" ".join("%.4f" % x for x in ours["sizes"][0]["average_recall"]), ours["sizes"][0]["objects"]))


def proposals_for(boxes, n, rng, w, h):
    """n boxes x, y, w, h with scores: near the objects and anywhere; eighths, so that sums are exact, with ties."""
    out = []
    for _ in range(n):
        if len(boxes) and rng.random() < 0.7:
            b = np.array(boxes[rng.integers(len(boxes))], float)
            b += rng.normal(size=4) * rng.choice([0, 0.03, 0.1, 0.3]) * np.array([b[2], b[3], b[2], b[3]])
        else:
            b = np.concatenate([rng.random(2) * [w, h], np.exp(rng.random(2) * 5)])
        b = np.round(np.abs(b) * 8) / 8 + [0, 0, 0.125, 0.125]
        out.append((b.tolist(), float(np.round(rng.random() * 50) / 50)))
    return out


def write_results(path, dets):
    json.dump([{"image_id": i, "category_id": 1, "bbox": b, "score": s, "segmentation": {"counts": [1, "x"]}}
               for i, rows in dets for b, s in rows], open(path, "w"))


def write_h5(path, dets):
    import h5py
    dets = sorted(dets)
    with h5py.File(path, "w") as f:
        for k, v in {"format": "anchorage-proposals", "anchorage_version": "0", "config": "{}"}.items():
            f.attrs[k] = v
        f.attrs["format_version"] = 1
        f["images/id"] = np.array([i for i, _ in dets], np.int64)
        f["proposals/offset"] = np.cumsum([0] + [len(r) for _, r in dets]).astype(np.int64)
        rows = [r for _, rows in dets for r in rows]
        f["proposals/xyxy"] = np.array([corners(b) for b, _ in rows], np.float32).reshape(-1, 4)
        f["proposals/score"] = np.array([s for _, s in rows], np.float32)
        f["proposals/level"] = np.zeros(len(rows), np.int32)


def make(folder, seed):
    rng = np.random.default_rng(seed)
    w, h = 320, 240
    ids = rng.permutation(1000)[:150].tolist()
    annotations, dets = [], []
    for i in ids:
        boxes = [(np.round(np.concatenate([rng.random(2) * [w, h], np.exp(rng.random(2) * 5)]) * 8) / 8 + 0.125).tolist()
                 for _ in range(rng.choice([0, 1, 3, 12, 30]))]
        if len(boxes) > 3:
            boxes[1] = boxes[0]  # two objects in one place
            for k in range(2, len(boxes), 2):  # and some side by side, which one proposal can find
                boxes[k] = (np.array(boxes[k - 1]) + np.round(rng.normal(size=4) * boxes[k - 1][2]) / 8 * [1, 1, 0, 0]).tolist()
        for b in boxes:
            annotations.append({"id": len(annotations) + 1, "image_id": i, "category_id": int(rng.choice([3, 7, 9])),
                                "bbox": b, "area": b[2] * b[3], "iscrowd": int(rng.random() < 0.15)})
        if rng.random() < 0.9:
            dets.append((i, proposals_for(boxes, int(rng.choice([0, 5, 60, 150])), rng, w, h)))
    rng.shuffle(annotations)
    json.dump({"images": [{"id": i, "width": w, "height": h} for i in ids], "annotations": annotations,
               "categories": [{"id": c, "name": 'c"%d\\' % c} for c in (9, 3, 7, 4)]}, open(folder + "/annotations.json", "w"))
    write_results(folder + "/results.json", dets)
    write_h5(folder + "/proposals.h5", [d for d in dets if d[1]])


def jitter(annotations, folder, seed):
    rng = np.random.default_rng(seed)
    truth = json.load(open(annotations))
    boxes = {im["id"]: [] for im in truth["images"]}
    for a in truth["annotations"]:
        boxes[a["image_id"]].append(a["bbox"])
    write_results(folder + "/results.json", [(im["id"], proposals_for(boxes[im["id"]], 120, rng, im["width"], im["height"]))
                                             for im in truth["images"][:150]])
    kept = {im["id"] for im in truth["images"][:150]}
    truth["images"] = truth["images"][:150]
    truth["annotations"] = [a for a in truth["annotations"] if a["image_id"] in kept]
    json.dump(truth, open(folder + "/annotations.json", "w"))


if __name__ == "__main__":
    commands = {"make": (make, 2), "jitter": (jitter, 3), "check": (check, 4)}
    if len(sys.argv) < 2 or sys.argv[1] not in commands or len(sys.argv) - 2 != commands[sys.argv[1]][1]:
        sys.exit(__doc__)
    arguments = sys.argv[2:]
    if sys.argv[1] != "check":
        arguments[-1] = int(arguments[-1])
    commands[sys.argv[1]][0](*arguments)
