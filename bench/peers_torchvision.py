#!/usr/bin/python3
"""torchvision's side of bench/peers.sh: the same views through its own RPN code, on one core.

usage: peers_torchvision.py check TARGETS_DIR   holds its labels, minibatches, targets to those in TARGETS_DIR
       peers_torchvision.py time TARGETS_DIR    prints CPU microseconds per view: all, assign, sample, encode

TARGETS_DIR was written by `anchorage label --assignment --with-gt --sampler torch --seed 1`.
The anchors are made beforehand and not timed.
"""
import sys
import time

import h5py
import numpy as np
import torch
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork

SEED = 1


def load(folder):
    """Of each view its boxes [G, 4] and what our file says of it; the anchors [A, 4], which all share."""
    with h5py.File(folder + "/targets.h5", "r") as f:
        padded, grid = f["views/padded_size"][:], f["views/grid"][:]
        assert (padded == padded[0]).all(), "all views must have one size"
        views = []
        for v in range(len(padded)):
            rows = lambda group, name: f[group][name][slice(*f[group]["offset"][v : v + 2])]
            used = rows("gt", "used").astype(bool)
            number = np.cumsum(used) - 1  # the file counts all annotated boxes, torchvision those in use
            gt = rows("assignment", "gt")
            views.append(
                {
                    "box": torch.from_numpy(rows("gt", "xyxy")[used]),
                    "anchor": rows("assignment", "anchor"),
                    "gt": np.where(gt < 0, -1, number[gt] if len(number) else -1),
                    "drawn": rows("minibatch", "anchor"),
                    "drawn_label": rows("minibatch", "label"),
                    "target": rows("positives", "target"),
                }
            )
    sizes = tuple((s,) for s in (32, 64, 128, 256, 512))
    generator = AnchorGenerator(sizes, ((0.5, 1.0, 2.0),) * len(sizes))
    image = ImageList(torch.zeros(1, 3, *padded[0]), [tuple(padded[0])])
    anchors = generator(image, [torch.zeros(1, 1, *g) for g in grid[0]])[0]
    return views, anchors


def system(anchors):
    return RegionProposalNetwork(
        None,
        torch.nn.Identity(),
        0.7,
        0.3,
        256,
        0.5,
        {"training": 1, "testing": 1},
        {"training": 1, "testing": 1},
        0.7,
    )


def ulps(a, b):
    order = lambda x: np.where(
        x.view(np.int32) < 0, -(x.view(np.int32).astype(np.int64) & 0x7FFFFFFF), x.view(np.int32)
    )
    return np.abs(order(a).astype(np.int64) - order(b))


def check(views, anchors):
    rpn = system(anchors)
    n_targets = 0
    for i, v in enumerate(views):
        label, box = rpn.assign_targets_to_anchors([anchors], [{"boxes": v["box"]}])
        wanted = np.zeros(len(anchors), np.float32)
        wanted[v["anchor"]] = np.where(v["gt"] >= 0, 1, -1)
        assert np.array_equal(label[0].numpy(), wanted), "view %d: labels differ" % i
        positive = v["anchor"][v["gt"] >= 0]
        matched = v["box"].numpy()[v["gt"][v["gt"] >= 0]]
        assert np.array_equal(box[0].numpy()[positive], matched), "view %d: matched boxes differ" % i
        torch.manual_seed(SEED)
        p, n = (torch.where(x[0])[0].numpy() for x in rpn.fg_bg_sampler(label))
        assert np.array_equal(np.concatenate([p, n]), v["drawn"]), "view %d: minibatches differ" % i
        assert np.array_equal(v["drawn_label"], np.repeat([1, 0], [len(p), len(n)])), (
            "view %d: labels drawn" % i
        )
        target = rpn.box_coder.encode(box, [anchors])[0].numpy()[p]
        assert np.array_equal(target[:, :2], v["target"][:, :2]), "view %d: tx, ty differ" % i
        assert not len(p) or ulps(target[:, 2:].copy(), v["target"][:, 2:].copy()).max() <= 1, (
            "view %d: tw, th" % i
        )
        n_targets += len(p)
    boxes = sum(len(v["box"]) for v in views)
    print(
        "peers.agree %d views  torchvision's labels, matches, minibatches of %d anchors, tx, ty equal ours, "
        "tw, th within 1 ulp, for %d boxes, %d targets" % (len(views), len(anchors), boxes, n_targets)
    )


def timed(views, anchors):
    rpn = system(anchors)
    seconds = np.zeros(3)
    for measured in (views[:3], views):  # the first few warm up
        seconds[:] = 0
        for v in measured:
            target = [{"boxes": v["box"]}]
            t = [time.process_time()]
            label, box = rpn.assign_targets_to_anchors([anchors], target)
            t.append(time.process_time())
            rpn.fg_bg_sampler(label)
            t.append(time.process_time())
            rpn.box_coder.encode(box, [anchors])
            t.append(time.process_time())
            seconds += np.diff(t)
    us = 1e6 * seconds / len(views)
    print("%.1f %.1f %.1f %.1f" % (us.sum(), *us))


if __name__ == "__main__":
    if len(sys.argv) != 3 or sys.argv[1] not in ("check", "time"):
        sys.exit(__doc__)
    torch.set_num_threads(1)
    with torch.no_grad():
        {"check": check, "time": timed}[sys.argv[1]](*load(sys.argv[2]))
