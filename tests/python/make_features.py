#!/usr/bin/python3
"""Writes a features.h5 for the scenes of a COCO file, as a backbone would: noise, and in some channels where objects are.

usage: make_features.py ANNOTATIONS.json OUT.h5 [WORD...]

Words: packed (chunks, deflate), float32, reversed (images in descending order of id), and faults: nan, size, grid, stride,
missing (the last image), channels, offset, narrow (8 channels), silent (no original sizes, no scale). resized: the images were
larger by 1.5 (down) and 2 (across). Values are the same whatever the storage.
"""
import json
import sys

import h5py
import numpy as np

CHANNELS, STRIDES = 16, (8, 16)


def main(source, out, *words):
    d = json.load(open(source))
    images = sorted(d["images"], key=lambda i: i["id"], reverse="reversed" in words)
    if "missing" in words:
        images = images[:-1]
    boxes = {}
    for a in d["annotations"]:
        boxes.setdefault(a["image_id"], []).append(a["bbox"])
    size = np.array([(i["height"], i["width"]) for i in images], np.int32)
    padded = (size + 31) // 32 * 32
    with h5py.File(out, "w") as f:
        f.attrs["format"], f.attrs["format_version"] = "anchorage-features", 1
        f["images/id"] = np.array([i["id"] for i in images], np.int64)
        f["images/size"] = size + (np.arange(len(size)) == 1)[:, None] * ("size" in words)
        f["images/padded_size"] = padded
        if "silent" not in words:
            by = np.array([1.5, 2] if "resized" in words else [1, 1])
            f["images/original_size"] = np.rint(size * by).astype(np.int32)
            f["images/scale"] = (size / np.rint(size * by)).astype(np.float32)
        for l, stride in enumerate(STRIDES):
            grid, maps = padded // stride, []
            for i, (h, w) in zip(images, grid):
                x = np.random.RandomState(i["id"] * 10 + l).randn(h, w, CHANNELS) * 0.3
                for bx, by, bw, bh in boxes.get(i["id"], []):
                    y0, y1, x0, x1 = (int(v / stride) for v in (by, by + bh, bx, bx + bw))
                    x[y0 : y1 + 1, x0 : x1 + 1, 0] += 1
                    x[(y0 + y1) // 2, (x0 + x1) // 2, 1 + min(6, int(np.log2(max(bw, bh, 2))))] += 3
                maps.append(x.reshape(-1, CHANNELS))
            rows = np.concatenate(maps).astype(np.float16)
            if "nan" in words and l == 0:
                rows[: len(maps[0]), 3] = np.nan
            if "float32" in words:
                rows = rows.astype(np.float32)
            if "narrow" in words or "channels" in words and l == 1:
                rows = rows[:, :8]
            how = dict(chunks=(64, rows.shape[1]), compression=1, shuffle=True) if "packed" in words else {}
            g = f.create_group("level%d" % l)
            g.create_dataset("feature", data=rows, **how)
            g["offset"] = np.cumsum([0] + [len(m) for m in maps]).astype(np.int64) + ("offset" in words)
            g["grid"] = (grid[:, ::-1] if "grid" in words and l == 1 else grid).astype(np.int32)
            g.attrs["stride"], g.attrs["channels"] = stride * (1 + ("stride" in words)), rows.shape[1]


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
