#!/usr/bin/env python3
"""Reads what `anchorage label` wrote, with h5py and numpy alone (shards.py, beside this file, opens the shards).

usage: read_targets.py targets.h5 [VIEW]     prints what one view (0) trains on
"""
import sys

import numpy as np

from shards import Shards


# f and v below are a shard and a view's row in it, as Shards gives them.


def rows(f, group, name, v):
    """A dataset's rows of view v."""
    first, last = f[group + "/offset"][v : v + 2]
    return f[group + "/" + name][first:last]


def anchor_boxes(f, v, index):
    """Boxes [n, 4] (x1, y1, x2, y2 in view pixels) of the anchor indices [n] of view v."""
    out, first = np.empty((len(index), 4), np.float32), 0
    for k, (h, w) in enumerate(f["views/grid"][v]):
        level = f["anchors/level%d" % k]
        base = level["base"][:]
        here = (index >= first) & (index < first + h * w * len(base))
        position, a = np.divmod(index[here] - first, len(base))
        step = np.full(2, level.attrs["stride"])
        if level.attrs["stride_from_grid"]:
            step = f["views/padded_size"][v] // (h, w)
        y, x = (
            position // w * step[0] + level.attrs["offset"] * step[0],
            position % w * step[1] + level.attrs["offset"] * step[1],
        )
        out[here] = base[a] + np.stack([x, y, x, y], axis=1).astype(np.float32)
        first += h * w * len(base)
    return out


def main(path, view=0):
    shards = Shards(path)
    if shards.format != "anchorage-targets":
        sys.exit("%s: holds targets of the second stage; see read_roi_targets.py" % path)
    f, v = shards[view]
    anchor, label = rows(f, "minibatch", "anchor", v), rows(f, "minibatch", "label", v)
    target, gt = rows(f, "positives", "target", v), rows(f, "positives", "gt", v)
    positive = anchor[label == 1]  # they come first, in the order of target and gt
    box = anchor_boxes(f, v, positive)
    height, width = f["views/size"][v]
    print(
        "view %d of %d: image %d%s, %d x %d px, %s"
        % (
            view,
            len(shards),
            f["views/image_id"][v],
            shards.file_name(view) and " (%s)" % shards.file_name(view),
            width,
            height,
            "mirrored" if f["views/flip"][v] else "not mirrored",
        )
    )
    print("anchors: %d positive, %d negative, %d ignored" % tuple(f["views/count"][v]))
    print("minibatch: %d anchors, %d of them positive" % (len(anchor), len(positive)))
    for i in range(min(3, len(positive))):
        print(
            "  anchor %d at %s learns box %d of its image by t = %s"
            % (positive[i], box[i], gt[i], target[i].round(4))
        )


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 0)
