#!/usr/bin/python3
"""Holds target shards to the torchvision that is installed here: its own transform, anchors, labels, draws, targets.

usage: real_torchvision.py preset
           prints the preset that this torchvision is held by; without torchvision says so and ends with 3
       real_torchvision.py check ANNOTATIONS.json TARGETS_DIR [VIEWS]
           TARGETS_DIR was written from ANNOTATIONS.json by
           `anchorage label --preset PRESET --sampler torch --assignment --with-gt`, with any seed, epochs and flip.
           All views are compared, or VIEWS of them, evenly spread. Ends with 1 if any differs.

Each view goes through GeneralizedRCNNTransform as a batch of one, so it is resized and padded by torchvision
itself; nothing but the annotations is taken from our side. Needs numpy, h5py, torch and torchvision.
"""
import glob
import json
import os
import re
import sys

try:
    import h5py
    import numpy as np
    import torch
    import torchvision
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.rpn import RegionProposalNetwork
    from torchvision.models.detection.transform import GeneralizedRCNNTransform
    from torchvision.ops.feature_pyramid_network import LastLevelMaxPool
except ImportError as e:
    print("NOT RUN: torchvision's own code: %s; apt-get install -y python3-torchvision python3-h5py" % e)
    sys.exit(3)

RESIZE = {"torchvision-fpn": "torchvision-double", "torchvision-0.14-fpn": "torchvision"}
SIZES, RATIOS = ((32,), (64,), (128,), (256,), (512,)), ((0.5, 1.0, 2.0),) * 5


def transform_of():
    """Of one channel: the sizes do not depend on what is in the image."""
    return GeneralizedRCNNTransform(800, 1333, [0.0], [1.0]).train()


def held_by():
    """By version where the rule is known by it; between, by the one size that tells the rules apart."""
    version = tuple(int(n) for n in re.findall(r"\d+", torchvision.__version__)[:2])
    if version >= (0, 21):
        return "torchvision-fpn"
    if version < (0, 15):
        return "torchvision-0.14-fpn"
    images, _ = transform_of()([torch.zeros(1, 427, 640)])
    return "torchvision-0.14-fpn" if tuple(images.image_sizes[0]) == (799, 1199) else "torchvision-fpn"


def read_coco(path):
    """Images by id: (height, width, boxes [G, 4] as x, y, w, h, crowd [G]); boxes without area are none of ours."""
    with open(path, encoding="utf-8-sig") as f:
        d = json.load(f)
    images = {i["id"]: (i["height"], i["width"], [], []) for i in d["images"]}
    for a in d["annotations"]:
        x, y, w, h = a["bbox"]
        if x + w > x and y + h > y:
            images[a["image_id"]][2].append(a["bbox"])
            images[a["image_id"]][3].append(bool(a.get("iscrowd") or a.get("ignore")))
    return images


def views_of(folder):
    """(shard, number of the view in it) of each view; shards are opened one at a time."""
    for path in sorted(glob.glob(os.path.join(folder, "shard-*.h5"))):
        with h5py.File(path, "r") as f:
            for v in range(len(f["views/image_id"])):
                yield f, v


def rows(f, group, name, v):
    first, last = f[group]["offset"][v : v + 2]
    return f[group][name][first:last]


def annotated(image, flip):
    """What torchvision's reference training code hands to the model: corners within the image, no crowds, nothing
    empty, perhaps mirrored. Also which of the image's boxes those are."""
    h, w, boxes, crowd = image
    box = torch.tensor(boxes, dtype=torch.float32).reshape(-1, 4)
    box[:, 2:] += box[:, :2]
    box[:, 0::2].clamp_(min=0, max=w)
    box[:, 1::2].clamp_(min=0, max=h)
    kept = (box[:, 2] > box[:, 0]) & (box[:, 3] > box[:, 1]) & ~torch.tensor(crowd, dtype=torch.bool)
    box = box[kept]
    if flip:
        box[:, [0, 2]] = w - box[:, [2, 0]]
    return box, torch.where(kept)[0].numpy()


def our_anchors(f, v):
    """All anchors [A, 4] that a shard's view has, and their grids."""
    parts, padded, grid = [], f["views/padded_size"][v], f["views/grid"][v]
    for k, (h, w) in enumerate(grid):
        level = f["anchors/level%d" % k]
        y, x = np.meshgrid(
            np.arange(h, dtype=np.float32) * np.float32(padded[0] // h),
            np.arange(w, dtype=np.float32) * np.float32(padded[1] // w),
            indexing="ij",
        )
        shift = np.stack([x, y, x, y], axis=-1)
        parts.append((shift[:, :, None, :] + level["base"][:][None, None]).reshape(-1, 4))
    return np.concatenate(parts), grid


def ulps(a, b):
    """How many float32 numbers apart."""

    def order(x):
        i = np.ascontiguousarray(x, np.float32).view(np.int32).astype(np.int64)
        return np.where(i < 0, -(i & 0x7FFFFFFF), i)

    return np.abs(order(a) - order(b))


class System:
    """torchvision's parts, put together as FasterRCNN does for a ResNet-FPN."""

    def __init__(self, seed):
        self.seed = seed
        self.transform = transform_of()
        self.generator = AnchorGenerator(SIZES, RATIOS)
        some = {"training": 2000, "testing": 1000}
        self.rpn = RegionProposalNetwork(
            self.generator, torch.nn.Identity(), 0.7, 0.3, 256, 0.5, some, some, 0.7
        )

    def maps(self, batch):
        """The FPN's maps, as far as their sizes go."""
        h, w = batch.shape[-2:]
        maps = [torch.zeros(1, 1, -(-h // s), -(-w // s)) for s in (4, 8, 16, 32)]
        return LastLevelMaxPool()(maps, maps, ["0", "1", "2", "3"])[0]

    def compute(self, image, flip):
        box, of = annotated(image, flip)
        images, targets = self.transform([torch.zeros(1, *image[:2])], [{"boxes": box}])
        maps = self.maps(images.tensors)
        anchors = self.generator(images, maps)
        label, matched = self.rpn.assign_targets_to_anchors(anchors, targets)
        torch.manual_seed(self.seed)
        p, n = (torch.where(x[0])[0].numpy() for x in self.rpn.fg_bg_sampler(label))
        target = self.rpn.box_coder.encode(matched, anchors)[0].numpy()[p]
        return {
            "size": images.image_sizes[0],
            "padded size": images.tensors.shape[-2:],
            "grid": [m.shape[-2:] for m in maps],
            "anchors": anchors[0].numpy(),
            "boxes in use": of,
            "boxes": targets[0]["boxes"].numpy(),
            "labels": label[0].numpy(),
            "matched boxes": matched[0].numpy()[label[0].numpy() == 1],
            "minibatch": np.concatenate([p, n]),
            "labels drawn": np.repeat([1, 0], [len(p), len(n)]),
            "tx, ty": target[:, :2],
            "tw, th": target[:, 2:],
        }


def ours(f, v):
    """The same of a shard's view; None stands for what can not be told."""
    anchors, grid = our_anchors(f, v)
    used = rows(f, "gt", "used", v).astype(bool)
    box = rows(f, "gt", "xyxy", v)
    anchor, gt = rows(f, "assignment", "anchor", v), rows(f, "assignment", "gt", v)
    label = np.zeros(len(anchors), np.float32)
    label[anchor] = np.where(gt >= 0, 1, -1)
    target = rows(f, "positives", "target", v)
    return {
        "size": f["views/size"][v],
        "padded size": f["views/padded_size"][v],
        "grid": grid,
        "anchors": anchors,
        "boxes in use": np.flatnonzero(used),
        "boxes": box[used],
        "labels": label,
        "matched boxes": box[gt[gt >= 0]],
        "minibatch": rows(f, "minibatch", "anchor", v),
        "labels drawn": rows(f, "minibatch", "label", v),
        "tx, ty": target[:, :2],
        "tw, th": target[:, 2:],
    }


def check(annotations, folder, n):
    images = read_coco(annotations)
    with h5py.File(sorted(glob.glob(os.path.join(folder, "shard-*.h5")))[0], "r") as f:
        config = json.loads(f.attrs["config"])
    rules, preset = config["rules"], held_by()
    if rules["view"]["resize"] != RESIZE[preset] or rules["sample"]["sampler"] != "torch":
        sys.exit(
            "%s: resize %s, sampler %s; torchvision %s is held by --preset %s --sampler torch"
            % (folder, rules["view"]["resize"], rules["sample"]["sampler"], torchvision.__version__, preset)
        )
    system, seen = System(config["seed"]), {}
    total = len(images) * config["epochs"]
    chosen = set(np.linspace(0, total - 1, min(n or total, total)).astype(int).tolist())
    differ, first, counts, logs, apart = {}, {}, np.zeros(4, np.int64), 0, 0
    for number, (f, v) in enumerate(views_of(folder)):
        seen[int(f["views/image_id"][v])] = seen.get(int(f["views/image_id"][v]), 0) + 1
        if number not in chosen:
            continue
        image_id = int(f["views/image_id"][v])
        theirs, mine = system.compute(images[image_id], bool(f["views/flip"][v])), ours(f, v)
        for what in theirs:
            a, b = np.asarray(theirs[what]), np.asarray(mine[what])
            same = a.shape == b.shape and (a.astype(b.dtype) == b).all()
            if what == "tw, th" and a.shape == b.shape and a.size: # torch's logarithm is its own
                d = ulps(a, b)
                same, logs, apart = d.max() <= 1, logs + a.size, apart + int((d > 0).sum())
            if not same:
                differ[what] = differ.get(what, 0) + 1
                first.setdefault(what, image_id)
        counts += (1, len(theirs["boxes"]), len(theirs["anchors"]), len(theirs["tx, ty"]))
    if sorted(seen) != sorted(images) or set(seen.values()) != {config["epochs"]} or counts[0] != len(chosen):
        sys.exit("%s: not a view of every image of %s in each epoch" % (folder, annotations))
    name = "torchvision %s (torch %s)" % (torchvision.__version__, torch.__version__)
    print(
        "%s, %s: %d views, %d boxes, %d anchors, %d targets compared" % (name, rules["preset"], *counts)
    )
    for what in differ:
        print("  %s: %d views differ, first image %d" % (what, differ[what], first[what]))
    if differ:
        sys.exit(1)
    print(
        "  0 views differ in sizes, grids, anchors, boxes, labels, matches, minibatches, tx, ty; tw, th within 1 ulp "
        "(%d of %d are 1 apart)" % (apart, logs)
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    if sys.argv[1:] == ["preset"]:
        print(held_by())
    elif len(sys.argv) in (4, 5) and sys.argv[1] == "check":
        with torch.no_grad():
            check(sys.argv[2], sys.argv[3], int(sys.argv[4]) if len(sys.argv) == 5 else 0)
    else:
        sys.exit(__doc__)
