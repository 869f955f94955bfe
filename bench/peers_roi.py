#!/usr/bin/python3
"""torchvision's side of bench/peers_roi.sh.

usage: peers_roi.py TIMINGS FOLDER
"""
import statistics
import subprocess
import sys
import time

import numpy as np
import torch
from torchvision.models.detection.roi_heads import RoIHeads

W, H, ROUNDS = 1333, 800, 7


def draw(rng, n, n_gt):
    """n proposals, two thirds of them about one of n_gt boxes."""

    def anywhere(k):
        side = np.exp(rng.uniform(np.log(12), np.log(500), (k, 2)))
        corner = rng.uniform(0, 1, (k, 2)) * ((W, H) - np.minimum(side, (W - 1, H - 1)))
        return np.concatenate([corner, corner + side], axis=1)

    gt = anywhere(n_gt)
    near = gt[rng.integers(0, n_gt, n)]
    near = near + rng.normal(0, 0.12, (n, 4)) * np.tile(near[:, 2:] - near[:, :2], 2)
    box = np.where(rng.random((n, 1)) < 2 / 3, near, anywhere(n))
    both = np.concatenate([box, gt]).clip(0, (W, H, W, H))
    both[:, 2:] = np.maximum(both[:, 2:], both[:, :2] + 1).clip(0, (W, H))
    both[:, :2] = np.minimum(both[:, :2], both[:, 2:] - 0.5)
    return both.astype(np.float32)


def theirs(heads, box, n, seed):
    """What it chooses, and the CPU time in us."""
    gt = torch.from_numpy(box[n:])
    target = [{"boxes": gt, "labels": torch.ones(len(gt), dtype=torch.int64)}]
    proposals = [torch.from_numpy(box[:n])]
    torch.manual_seed(seed)
    start = time.process_time()
    rois, _, labels, targets = heads.select_training_samples(proposals, target)
    return 1e6 * (time.process_time() - start), rois[0].numpy(), labels[0].numpy(), targets[0].numpy()


def check(path, box, rois, labels, targets):
    """Ours chose the same RoIs, with the same targets."""
    raw = np.fromfile(path + ".chosen", np.int32)
    p, q = raw[:2]
    chosen = raw[2 : 2 + p + q]
    own = raw[2 + p + q :].view(np.float32).reshape(p, 4)
    assert p == (labels > 0).sum() and q == (labels == 0).sum(), "the numbers of samples differ"
    assert np.array_equal(box[chosen[:p]], rois[labels > 0]), "the positives differ"
    assert np.array_equal(box[chosen[p:]], rois[labels == 0]), "the negatives differ"
    wanted = targets[labels > 0]
    assert np.array_equal(own[:, :2], wanted[:, :2]), "tx, ty differ"
    assert np.allclose(own[:, 2:], wanted[:, 2:], rtol=3e-7, atol=0), "tw, th differ"


def main(timings, folder):
    torch.set_num_threads(1)
    heads = RoIHeads(None, None, None, 0.5, 0.5, 512, 0.25, None, 0.05, 0.5, 100)
    for n_gt in (7, 50, 1000):
        n, path = 2000, "%s/%d" % (folder, n_gt)
        box = draw(np.random.default_rng(n_gt), n, n_gt)
        with open(path, "wb") as f:
            np.array([n, n_gt, 5, 0], np.int32).tofile(f)
            box.tofile(f)
        a, b = [], []
        for _ in range(ROUNDS):
            b.append(float(subprocess.check_output([timings, "roi", path, "31"])))
            took, *chosen = theirs(heads, box, n, 5)
            a.append(took)
            check(path, box, *chosen)
        beside = "2000 proposals, %d boxes, 512 RoIs, the same ones by both; median of %d rounds" % (n_gt, ROUNDS)
        x, y = statistics.median(a), statistics.median(b)
        for name, value, unit in (("torchvision.roi", x, "us"), ("anchorage.roi", y, "us"), ("peers.roi.ratio", x / y, "x")):
            print("%-28s %12.1f %-8s %s" % ("%s.%d" % (name, n_gt), value, unit, beside))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
