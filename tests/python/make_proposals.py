#!/usr/bin/python3
"""Writes a proposals.h5 for a COCO annotation file: what a proposal network might give, drawn from a seed.

usage: make_proposals.py annotations.json proposals.h5 [PER_IMAGE]

Of each image's proposals (up to PER_IMAGE, 120) some lie near its annotated boxes, the others anywhere; every seventh
image has none.
"""
import json
import sys

import h5py
import numpy as np


def proposals_of(rng, image, boxes, most):
    w, h = image["width"], image["height"]
    n = rng.integers(most // 2, most + 1)
    corner = rng.random((n, 2)) * (w, h)
    out = np.concatenate([corner, corner + rng.random((n, 2)) * (w, h)], axis=1)
    if len(boxes):
        near = boxes[rng.integers(0, len(boxes), n)]
        near = near + rng.normal(0, 0.15, (n, 4)) * np.tile(near[:, 2:] - near[:, :2], 2)
        out = np.where(rng.random((n, 1)) < 0.6, near, out)
    out = np.clip(out, 0, (w, h, w, h))
    out[:, 2:] = np.maximum(out[:, 2:], out[:, :2])
    return out.astype(np.float32)


def main(annotations, destination, most=120):
    with open(annotations) as f:
        data = json.load(f)
    boxes = {}
    for a in data["annotations"]:
        x, y, w, h = a["bbox"]
        boxes.setdefault(a["image_id"], []).append((x, y, x + w, y + h))
    images = sorted(data["images"], key=lambda i: i["id"])
    parts = []
    for k, image in enumerate(images):
        rng = np.random.default_rng(image["id"])
        some = proposals_of(rng, image, np.array(boxes.get(image["id"], []), np.float64).reshape(-1, 4), most)
        parts.append(some if k % 7 else some[:0])
    xyxy = np.concatenate(parts) if parts else np.zeros((0, 4), np.float32)
    with h5py.File(destination, "w") as f:
        f.attrs["format"], f.attrs["format_version"], f.attrs["anchorage_version"] = "anchorage-proposals", 1, "test"
        f.attrs["config"] = "{}"
        f["images/id"] = np.array([i["id"] for i in images], np.int64)
        f["proposals/offset"] = np.cumsum([0] + [len(p) for p in parts]).astype(np.int64)
        f["proposals/xyxy"] = xyxy
        f["proposals/score"] = -np.arange(len(xyxy), dtype=np.float32)
        f["proposals/level"] = np.zeros(len(xyxy), np.int32)


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
