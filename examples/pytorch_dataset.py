#!/usr/bin/env python3
"""Training targets of `anchorage label` as a torch Dataset, and the RPN loss over them.

usage: pytorch_dataset.py targets.h5 [VIEWS]     loads VIEWS views (16) in batches and checks itself

A view's tensors are what torchvision's RPN computes in every step, read instead of computed:
    anchor  int64 [S]       sampled anchors, index in level, y, x, a order; positives first
    label   float32 [S]     1 or 0
    target  float32 [P, 4]  regression targets of the P positives
    grid    [(rows, columns) of each level], image_id, size (height, width), padded_size, flip
Load the image `image_id`, mirror it if `flip`, resize it to `size`, and add zeros at the right and the bottom
up to the largest `padded_size` of the batch: `collate` renumbers the anchors for that. (Under torchvision-fpn
the step of the last level follows the padded size, so there batch views of one padded size, or label with a
detectron2 preset.)
"""
import sys

import h5py
import numpy as np
import torch


class Targets(torch.utils.data.Dataset):
    def __init__(self, path):
        self.path, self.file = path, None
        with h5py.File(path, "r") as f:
            if f.attrs["format"] not in ("anchorage-targets", b"anchorage-targets"):
                raise ValueError("%s: not made by `anchorage label`" % path)
            self.minibatch, self.positives = f["minibatch/offset"][:], f["positives/offset"][:]
            self.views = {
                k: f["views/" + k][:] for k in ("image_id", "epoch", "size", "padded_size", "flip", "grid")
            }
            self.shapes = [f["anchors/level%d/base" % k].shape[0] for k in range(len(f["anchors"]))]

    def __len__(self):
        return len(self.views["image_id"])

    def __getitem__(self, v):
        if self.file is None:  # opened here, so that each worker process has a handle of its own
            self.file = h5py.File(self.path, "r")
        m, p = slice(*self.minibatch[v : v + 2]), slice(*self.positives[v : v + 2])
        return {
            "anchor": torch.from_numpy(self.file["minibatch/anchor"][m].astype(np.int64)),
            "label": torch.from_numpy(self.file["minibatch/label"][m].astype(np.float32)),
            "target": torch.from_numpy(self.file["positives/target"][p]),
            "shapes": self.shapes,
            **{k: x[v].tolist() for k, x in self.views.items()},
        }


def collate(views):
    """One batch: indices into the anchors of all its views, each laid on the largest grid of the batch, one
    after the other, as torchvision concatenates them."""
    shapes = views[0]["shapes"]
    grid = np.max([v["grid"] for v in views], axis=0)
    n_anchors = int((grid.prod(axis=1) * shapes).sum())
    anchor = []
    for i, v in enumerate(views):
        new, first, first_new = torch.empty_like(v["anchor"]), 0, i * n_anchors
        for (h, w), (_, w_new), area_new, a in zip(v["grid"], grid, grid.prod(axis=1), shapes):
            here = (v["anchor"] >= first) & (v["anchor"] < first + h * w * a)
            rest = v["anchor"][here] - first
            new[here] = first_new + (rest // (w * a) * int(w_new) * a) + rest % (w * a)
            first, first_new = first + h * w * a, first_new + int(area_new) * a
        anchor.append(new)
    return {
        "anchor": torch.cat(anchor),
        "label": torch.cat([v["label"] for v in views]),
        "positive": torch.cat([a[: len(v["target"])] for a, v in zip(anchor, views)]),
        "target": torch.cat([v["target"] for v in views]),
        "image_id": [v["image_id"] for v in views],
        "grid": grid.tolist(),
        "n_anchors": n_anchors,
    }


def rpn_loss(objectness, deltas, batch):
    """torchvision's compute_loss for objectness [N] and deltas [N, 4] of all anchors, less its sampling."""
    n = batch["anchor"].numel()
    box = (
        torch.nn.functional.smooth_l1_loss(
            deltas[batch["positive"]], batch["target"], beta=1 / 9, reduction="sum"
        )
        / n
    )
    return (
        torch.nn.functional.binary_cross_entropy_with_logits(
            objectness.flatten()[batch["anchor"]], batch["label"]
        ),
        box,
    )


def check(batch, objectness, deltas, loss):
    """torchvision's own loss must say the same of dense labels: -1 (ignored) outside of the minibatch."""
    from torchvision.models.detection.rpn import RegionProposalNetwork

    n_views, n = len(batch["image_id"]), batch["n_anchors"]
    label, target = torch.full((n_views * n,), -1.0), torch.zeros(n_views * n, 4)
    label[batch["anchor"]], target[batch["positive"]] = batch["label"], batch["target"]
    k = {"training": 1, "testing": 1}
    rpn = RegionProposalNetwork(None, torch.nn.Identity(), 0.7, 0.3, 256, 0.5, k, k, 0.7)
    theirs = rpn.compute_loss(objectness, deltas, list(label.split(n)), list(target.split(n)))
    assert all(torch.allclose(a, b, rtol=1e-5) for a, b in zip(loss, theirs)), (loss, theirs)


def main(path, n_views=16):
    data = Targets(path)
    part = torch.utils.data.Subset(data, range(min(n_views, len(data))))
    loader = torch.utils.data.DataLoader(part, batch_size=2, collate_fn=collate, num_workers=2)
    try:
        import torchvision  # noqa: F401

        compared = "equal to torchvision's"
    except ImportError:
        compared = "torchvision is not here to compare with"
    torch.manual_seed(0)
    total, n_sampled, n_positive = 0.0, 0, 0
    for batch in loader:
        n = len(batch["image_id"]) * batch["n_anchors"]
        objectness, deltas = torch.randn(n, 1), torch.randn(n, 4)  # a head's output, flattened
        loss = rpn_loss(objectness, deltas, batch)
        assert (
            batch["anchor"].min() >= 0
            and batch["anchor"].max() < n
            and batch["anchor"].unique().numel() == len(batch["anchor"])
        )
        assert torch.isfinite(batch["target"]).all() and int(batch["label"].sum()) == len(batch["target"])
        if compared.startswith("equal"):
            check(batch, objectness, deltas, loss)
        total, n_sampled, n_positive = (
            total + float(sum(loss)),
            n_sampled + len(batch["anchor"]),
            n_positive + len(batch["target"]),
        )
    print(
        "%d of %d views, %d sampled anchors, %d positive; mean loss of a random head %.4f, %s"
        % (len(part), len(data), n_sampled, n_positive, total / max(1, len(loader)), compared)
    )


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 16)
