#!/usr/bin/python3
"""torchvision's side of bench/peers.sh: the same views through its own RPN code, on one core.

usage: peers_torchvision.py time TARGETS_DIR    prints CPU microseconds per view: all, assign, sample, encode

TARGETS_DIR was written by `anchorage label --assignment --with-gt`, and tests/real/real_torchvision.py has found
torchvision's output equal to what is in it. The anchors are made beforehand and not timed.
"""
import glob
import sys
import time

import h5py
import numpy as np
import torch
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import RegionProposalNetwork


def load(folder):
    """Of each view its boxes [G, 4] and which anchors are not negative; the anchors [A, 4], which all share."""
    views = []
    for path in sorted(glob.glob(folder + "/shard-*.h5")):
        with h5py.File(path, "r") as f:
            padded, grid = f["views/padded_size"][:], f["views/grid"][:]
            assert (padded == padded[0]).all(), "all views must have one size"
            for v in range(len(padded)):
                rows = lambda group, name: f[group][name][slice(*f[group]["offset"][v : v + 2])]
                box = torch.from_numpy(rows("gt", "xyxy")[rows("gt", "used").astype(bool)])
                anchor, gt = rows("assignment", "anchor"), rows("assignment", "gt")
                views.append({"box": box, "anchor": anchor, "gt": gt})
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
    if len(sys.argv) != 3 or sys.argv[1] != "time":
        sys.exit(__doc__)
    torch.set_num_threads(1)
    with torch.no_grad():
        timed(*load(sys.argv[2]))
