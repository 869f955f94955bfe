#!/usr/bin/python3
"""torchvision's side of bench/peers_nms.sh.

usage: peers_nms.py TIMINGS FOLDER
"""
import statistics
import subprocess
import sys
import time

import numpy as np
import torch
import torchvision

W, H, IOU, ROUNDS = 1333, 800, 0.7, 5


def draw(n, rng):
    """n rows x1, y1, x2, y2, score: two thirds of them about 40 objects, the better the nearer."""
    side = np.exp(rng.uniform(np.log(16), np.log(600), 40))
    ratio = np.exp(rng.uniform(-0.7, 0.7, 40))
    objects = np.stack([rng.uniform(0, W, 40), rng.uniform(0, H, 40), side * ratio, side / ratio], 1)
    which = rng.integers(0, 40, n)
    spread = rng.uniform(0.02, 0.6, (n, 1))
    near = objects[which].copy()
    near[:, :2] += rng.normal(size=(n, 2)) * spread * near[:, 2:]
    near[:, 2:] *= np.exp(rng.normal(size=(n, 2)) * spread)
    side = np.exp(rng.uniform(np.log(16), np.log(600), n))
    ratio = np.exp(rng.uniform(-0.7, 0.7, n))
    far = np.stack([rng.uniform(0, W, n), rng.uniform(0, H, n), side * ratio, side / ratio], 1)
    object_near = rng.uniform(size=(n, 1)) < 2 / 3
    c = np.where(object_near, near, far)
    box = np.concatenate([c[:, :2] - c[:, 2:] / 2, c[:, :2] + c[:, 2:] / 2], 1).clip(0, [W, H, W, H])
    box[:, 2:] = np.maximum(box[:, 2:], box[:, :2] + 1)
    score = np.where(object_near, 1 - spread, 0.3) + rng.normal(size=(n, 1)) * 0.1
    return np.concatenate([box, score], 1).astype(np.float32)


def main(timings, folder):
    torch.set_num_threads(1)
    for n in (2000, 12000):
        rows = draw(n, np.random.default_rng(n))
        path = "%s/%d" % (folder, n)
        rows.tofile(path)
        box, score = torch.from_numpy(rows[:, :4].copy()), torch.from_numpy(rows[:, 4].copy())
        ours, theirs = [], []
        for _ in range(ROUNDS):
            ours.append(float(subprocess.check_output([timings, "nms", path, str(IOU), "15"])))
            start = time.process_time()
            kept = torchvision.ops.nms(box, score, IOU)
            theirs.append(1e6 * (time.process_time() - start))
        assert np.array_equal(kept.numpy(), np.fromfile(path + ".keep", np.int32)), "what is kept differs"
        beside = "%d boxes, %d kept by both in the same order; median of %d rounds" % (n, len(kept), ROUNDS)
        a, b = statistics.median(theirs), statistics.median(ours)
        for name, value, unit in (("torchvision.nms", a, "us"), ("anchorage.nms", b, "us"), ("peers.nms.ratio", a / b, "x")):
            print("%-28s %12.1f %-8s %s" % ("%s.%d" % (name, n), value, unit, beside))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
