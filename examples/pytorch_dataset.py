#!/usr/bin/env python3
"""Training targets of `anchorage label` as a torch Dataset, and the RPN loss over them.

usage: pytorch_dataset.py targets.h5 [VIEWS]     loads VIEWS views (16) in batches and checks itself

A view's tensors are what torchvision's RPN computes in every step, read instead of computed:
    anchor  int64 [S]       sampled anchors, index in level, y, x, a order; positives first
    label   float32 [S]     1 or 0
    target  float32 [P, 4]  regression targets of the P positives
    grid    [(rows, columns) of each level], image_id, file_name, size (height, width), padded_size, flip
Load the image, mirror it if `flip`, resize it to `size`, and add zeros at the right and the bottom up to the
largest `padded_size` of the batch: `collate` renumbers the anchors for that.

Under torchvision-fpn the step between anchors is the padded side divided by the grid's, so that in a batch of
several padded sizes some views' anchors stand elsewhere than where they were labelled. `collate` refuses such a
batch; the batch sampler `SamePadding` makes batches of one padded size.
"""
import sys

import numpy as np
import torch

from shards import Shards


class Targets(torch.utils.data.Dataset):
    """May go to worker processes, forked or spawned: Shards opens files in each as it needs them."""

    def __init__(self, path):
        self.shards = Shards(path)
        if self.shards.format != "anchorage-targets":
            raise ValueError("%s: holds targets of the second stage; see read_roi_targets.py" % path)
        self.levels = []
        for f in self.shards.files():
            for k in range(len(f["anchors"])):
                level = f["anchors/level%d" % k]
                self.levels.append({**level.attrs, "base": torch.from_numpy(level["base"][:])})
            break

    def __len__(self):
        return len(self.shards)

    def __getitem__(self, v):
        f, row = self.shards[v]
        m, p = (slice(*f[k + "/offset"][row : row + 2]) for k in ("minibatch", "positives"))
        return {
            "anchor": torch.from_numpy(f["minibatch/anchor"][m].astype(np.int64)),
            "label": torch.from_numpy(f["minibatch/label"][m].astype(np.float32)),
            "target": torch.from_numpy(f["positives/target"][p]),
            "levels": self.levels,
            "view": v,
            "file_name": self.shards.file_name(v),
            **{
                k: f["views/" + k][row].tolist()
                for k in ("image_id", "epoch", "size", "padded_size", "flip", "grid")
            },
        }

    def padded_sizes(self):
        """Of all views, [V, 2]."""
        return np.concatenate([np.zeros((0, 2), np.int32)] + [f["views/padded_size"][:] for f in self.shards.files()])


class SamePadding(torch.utils.data.Sampler):
    """Batches of views of one padded size, of those that are listed, in another order after each set_epoch. The
    last batch of a size may be smaller."""

    def __init__(self, padded_sizes, views, batch_size, seed=0):
        self.padded, self.views, self.batch_size, self.seed, self.epoch = padded_sizes, views, batch_size, seed, 0

    def set_epoch(self, epoch):
        self.epoch = epoch

    def __iter__(self):
        random = torch.Generator().manual_seed(self.seed + self.epoch)
        begun, done = {}, []
        for i in torch.randperm(len(self.views), generator=random).tolist():
            size = tuple(self.padded[self.views[i]])
            begun.setdefault(size, []).append(self.views[i])
            if len(begun[size]) == self.batch_size:
                done.append(begun.pop(size))
        done += begun.values()
        return iter([done[i] for i in torch.randperm(len(done), generator=random).tolist()])

    def __len__(self):
        _, n = np.unique(np.asarray(self.padded)[list(self.views)], axis=0, return_counts=True)
        return int(sum(-(-n // self.batch_size)))


def steps(levels, grid, padded):
    """The step (y, x) between positions of each level, px."""
    return [
        (padded[0] // h, padded[1] // w) if level["stride_from_grid"] else (int(level["stride"]),) * 2
        for level, (h, w) in zip(levels, grid)
    ]


def renumber(views, grid):
    """The anchors' indices with each view laid on this grid, one view after the other, and how many a view has."""
    shapes = [len(level["base"]) for level in views[0]["levels"]]
    n_anchors, out = int((grid.prod(axis=1) * shapes).sum()), []
    for i, v in enumerate(views):
        new, first, first_new = torch.empty_like(v["anchor"]), 0, i * n_anchors
        for (h, w), (_, w_new), area_new, a in zip(v["grid"], grid, grid.prod(axis=1), shapes):
            here = (v["anchor"] >= first) & (v["anchor"] < first + h * w * a)
            rest = v["anchor"][here] - first
            new[here] = first_new + (rest // (w * a) * int(w_new) * a) + rest % (w * a)
            first, first_new = first + h * w * a, first_new + int(area_new) * a
        out.append(new)
    return out, n_anchors


def collate(views):
    """One batch: indices into the anchors of all its views, each laid on the largest grid of the batch, one
    after the other, as torchvision concatenates them. Refuses a batch in which that moves an anchor."""
    grid = np.max([v["grid"] for v in views], axis=0)
    padded = np.max([v["padded_size"] for v in views], axis=0).tolist()
    for v in views:
        if steps(v["levels"], v["grid"], v["padded_size"]) != steps(v["levels"], grid, padded):
            raise ValueError(
                "view %d, labelled as padded to %s px, would have other anchors in a batch padded to %s px: make "
                "batches of one padded size (SamePadding), or label with fixed strides (a detectron2 preset)"
                % (v["view"], v["padded_size"], padded)
            )
    anchor, n_anchors = renumber(views, grid)
    return {
        "anchor": torch.cat(anchor),
        "label": torch.cat([v["label"] for v in views]),
        "positive": torch.cat([a[: len(v["target"])] for a, v in zip(anchor, views)]),
        "target": torch.cat([v["target"] for v in views]),
        "view": [v["view"] for v in views],
        "image_id": [v["image_id"] for v in views],
        "file_name": [v["file_name"] for v in views],
        "padded_size": padded,
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


# ---- the check ----


def all_anchors(levels, grid, padded):
    """Boxes [N, 4] of all anchors of a view, by docs/FORMAT.md."""
    out = []
    for level, (h, w), (sy, sx) in zip(levels, grid, steps(levels, grid, padded)):
        y, x = torch.meshgrid(torch.arange(h) * sy, torch.arange(w) * sx, indexing="ij")
        at = torch.stack([x, y, x, y], dim=-1).reshape(-1, 1, 4) + level["offset"] * torch.tensor([sx, sy, sx, sy])
        out.append((at.float() + level["base"]).reshape(-1, 4))
    return torch.cat(out)


def torchvision_anchors(levels, grid, padded):
    """The same by torchvision's AnchorGenerator, as a batch of this padded size has them."""
    from torchvision.models.detection.anchor_utils import AnchorGenerator
    from torchvision.models.detection.image_list import ImageList

    generator = AnchorGenerator(((1,),) * len(levels), ((1.0,),) * len(levels))
    generator.cell_anchors = [level["base"] for level in levels]
    images = ImageList(torch.empty(1, 1, *padded), [tuple(padded)])
    return generator(images, [torch.empty(1, 1, h, w) for h, w in grid])[0]


def check_anchors(batch, data, anchors_of=all_anchors):
    """Each sampled anchor of a batch must be the box that it is in its view alone; anchors_of: how the trainer lays the
    batch's."""
    theirs, at = anchors_of(data.levels, batch["grid"], batch["padded_size"]), 0
    for i, v in enumerate(data[v] for v in batch["view"]):
        index = batch["anchor"][at : at + len(v["anchor"])] - i * batch["n_anchors"]
        at += len(index)
        ours = all_anchors(data.levels, v["grid"], v["padded_size"])[v["anchor"]]
        assert torch.equal(theirs[index], ours), "view %d: the batch's anchors are others than the view's" % v["view"]
    assert at == len(batch["anchor"])


def check_loss(batch):
    """torchvision's own loss must say the same of dense labels: -1 (ignored) outside of the minibatch."""
    from torchvision.models.detection.rpn import RegionProposalNetwork

    n_views, n = len(batch["view"]), batch["n_anchors"]
    objectness, deltas = torch.randn(n_views * n, 1), torch.randn(n_views * n, 4)  # a head's output, flattened
    label, target = torch.full((n_views * n,), -1.0), torch.zeros(n_views * n, 4)
    label[batch["anchor"]], target[batch["positive"]] = batch["label"], batch["target"]
    k = {"training": 1, "testing": 1}
    rpn = RegionProposalNetwork(None, torch.nn.Identity(), 0.7, 0.3, 256, 0.5, k, k, 0.7)
    theirs = rpn.compute_loss(objectness, deltas, list(label.split(n)), list(target.split(n)))
    ours = rpn_loss(objectness, deltas, batch)
    assert all(torch.allclose(a, b, rtol=1e-5) for a, b in zip(ours, theirs)), (ours, theirs)


def check_batch(batch, data, torchvision):
    n = len(batch["view"]) * batch["n_anchors"]
    assert 0 <= batch["anchor"].min() and batch["anchor"].max() < n
    assert batch["anchor"].unique().numel() == len(batch["anchor"])
    assert torch.isfinite(batch["target"]).all() and int(batch["label"].sum()) == len(batch["target"])
    check_anchors(batch, data)
    if torchvision:
        if all(level["stride_from_grid"] and not level["offset"] for level in data.levels):  # its anchors are these
            check_anchors(batch, data, torchvision_anchors)
        check_loss(batch)


def main(path, n_views=16):
    data = Targets(path)
    views = range(min(n_views, len(data)))
    try:
        import torchvision
    except ImportError:
        torchvision = None
    torch.manual_seed(0)
    batches = SamePadding(data.padded_sizes(), views, 2)
    once = [collate([data[v] for v in batch]) for batch in batches]
    for batch in once:
        check_batch(batch, data, torchvision)
    refused = 0
    for v in views[1:]:  # neighbours, of whatever sizes
        try:
            check_batch(collate([data[v - 1], data[v]]), data, torchvision)
        except ValueError:
            refused += 1
    for method in "fork", "spawn", "forkserver":  # the same from worker processes
        loader = torch.utils.data.DataLoader(
            data, batch_sampler=batches, collate_fn=collate, num_workers=2, multiprocessing_context=method
        )
        for one, other in zip(once, loader, strict=True):
            assert all(torch.equal(x, other[k]) if torch.is_tensor(x) else x == other[k] for k, x in one.items()), method
    print(
        "%d of %d views, %d sampled anchors, %d positive, in %d batches of one padded size; of %d batches of neighbours %d "
        "are refused; anchors and losses %s"
        % (
            len(views),
            len(data),
            sum(len(b["anchor"]) for b in once),
            sum(len(b["target"]) for b in once),
            len(batches),
            max(0, len(views) - 1),
            refused,
            "equal to torchvision's" if torchvision else "not compared: torchvision is not here",
        )
    )


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or not (len(sys.argv) == 2 or sys.argv[2].isdigit() and int(sys.argv[2]) > 0):
        sys.exit(__doc__)
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) == 3 else 16)
