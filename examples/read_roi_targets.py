#!/usr/bin/env python3
"""Reads what `anchorage label --stage roi` wrote, with h5py and numpy alone (shards.py, beside this file, opens the
shards): the second stage's minibatches.

usage: read_roi_targets.py targets.h5 [VIEW]     prints what one view (0) trains on

`minibatch` gives what a detector's loss takes; `per_class` spreads the targets out as heads with one box for each class
predict them.
"""
import sys

import numpy as np

from shards import Shards


# f and v below are a shard and a view's row in it, as Shards gives them.


def rows(f, group, name, v):
    """A dataset's rows of view v."""
    first, last = f[group + "/offset"][v : v + 2]
    return f[group + "/" + name][first:last]


def minibatch(f, v):
    """RoIs [S, 4] (x1, y1, x2, y2 in view pixels), labels [S], targets [P, 4] of the first P of them: the positives."""
    return rows(f, "rois", "xyxy", v), rows(f, "rois", "label", v), rows(f, "positives", "target", v)


def per_class(f, label, target):
    """The same targets as [S, 4 * classes], and 1 where they count: one box for each label from 0 to the largest."""
    background = int(f["classes"].attrs["background"])
    n = max(int(f["classes/label"][:].max(initial=0)), background) + 1
    spread, counts = np.zeros((2, len(label), n, 4), np.float32)
    i = np.arange(len(target))
    spread[i, label[: len(target)]] = target
    counts[i, label[: len(target)]] = 1
    return spread.reshape(len(label), -1), counts.reshape(len(label), -1)


def main(path, view=0):
    shards = Shards(path)
    if shards.format != "anchorage-roi-targets":
        sys.exit("%s: holds targets of the first stage; see read_targets.py" % path)
    f, v = shards[view]
    roi, label, target = minibatch(f, v)
    gt, proposal = rows(f, "positives", "gt", v), rows(f, "rois", "proposal", v)
    category = dict(zip(f["classes/label"][:], f["classes/category"][:]))
    spread, counts = per_class(f, label, target)
    height, width = f["views/size"][v]
    name = shards.file_name(view) and " (%s)" % shards.file_name(view)
    print("view %d of %d: image %d%s, %d x %d px" % (view, len(shards), f["views/image_id"][v], name, width, height))
    print("candidates: %d positive, %d negative, %d ignored" % tuple(f["views/count"][v]))
    print("minibatch: %d RoIs, %d of them positive" % (len(roi), len(target)))
    for i in range(min(3, len(target))):
        print(
            "  %s at %s is of category %d and learns box %d of its image by t = %s"
            % (
                "proposal %d" % proposal[i] if proposal[i] >= 0 else "the box itself",
                roi[i],
                category[label[i]],
                gt[i],
                target[i].round(4),
            )
        )
    print("for each class: targets %s, %d numbers of which count" % (spread.shape, counts.sum()))


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 0)
