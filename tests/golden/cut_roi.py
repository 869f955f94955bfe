#!/usr/bin/python3
"""Has torchvision's RoIHeads choose training samples, and keeps what it chose for tests/unit/test_roi.c.

usage: cut_roi.py DESTINATION.h5

Inputs are drawn here, everything else is torchvision's own: select_training_samples (gts appended, matched, sampled,
encoded) after torch.manual_seed, and assign_targets_to_proposals for the labels of all candidates. Arrays of all cases
are joined, with offsets. Ran with torchvision 0.14.1 and torch 1.13.1 on the CPU.
"""
import sys

import h5py
import numpy as np
import torch
from torchvision.models.detection.roi_heads import RoIHeads

# proposals, gts, positive iou, negative iou, batch, positive fraction, weights
USUAL = (0.5, 0.5, 512, 0.25, (10.0, 10.0, 5.0, 5.0))
CASES = [
    (2000, 7, *USUAL),
    (300, 1, *USUAL),
    (300, 40, *USUAL),
    (600, 15, *USUAL),
    (700, 0, *USUAL),
    (0, 5, *USUAL),
    (1, 1, *USUAL),
    (900, 200, *USUAL),
    (250, 12, 0.5, 0.5, 64, 0.25, (10.0, 10.0, 5.0, 5.0)),
    (250, 12, 0.6, 0.3, 64, 0.5, (1.0, 1.0, 1.0, 1.0)),
    (250, 12, 0.7, 0.4, 128, 0.3, (20.0, 30.0, 7.0, 3.0)),
    (250, 30, 0.5, 0.1, 33, 0.25, (10.0, 10.0, 5.0, 5.0)),
]


def boxes_near(rng, gt, n):
    """Half of them around gts, half anywhere; some of whole pixels, so that IoUs tie, and some exact copies."""
    corner = rng.uniform(0, 900, (n, 2))
    box = np.concatenate([corner, corner + rng.uniform(2, 300, (n, 2))], axis=1)
    if len(gt):
        near = gt[rng.integers(0, len(gt), n)]
        side = np.tile(near[:, 2:] - near[:, :2], 2)
        near = near + rng.normal(0, 0.12, (n, 4)) * side
        box = np.where(rng.random((n, 1)) < 0.5, near, box)
    box = np.where(rng.random((n, 1)) < 0.2, np.rint(box), box)
    if len(gt):
        box = np.where(rng.random((n, 1)) < 0.03, gt[rng.integers(0, len(gt), n)], box)
    box = np.clip(box, 0, 1200)
    box[:, 2:] = np.maximum(box[:, 2:], box[:, :2] + 0.5)
    return box.astype(np.float32)


def run(case, seed):
    n, n_gt, positive, negative, batch, fraction, weights = case
    rng = np.random.default_rng(1000 + seed)
    gt = boxes_near(rng, np.zeros((0, 4)), n_gt)
    if n_gt > 3:
        gt[2] = gt[1]  # the same box twice
    proposals = boxes_near(rng, gt.astype(np.float64), n)
    labels = rng.integers(1, 91, n_gt)
    heads = RoIHeads(None, None, None, positive, negative, batch, fraction, weights, 0.05, 0.5, 100)
    taken = []
    subsample = heads.subsample
    heads.subsample = lambda labels: taken.append(subsample(labels)) or taken[-1]
    boxes = torch.from_numpy(gt)
    target = {"boxes": boxes, "labels": torch.from_numpy(labels)}
    torch.manual_seed(seed)
    rois, matched, roi_labels, targets = heads.select_training_samples([torch.from_numpy(proposals)], [target])
    everything = torch.cat([torch.from_numpy(proposals), boxes])
    all_matched, all_labels = heads.assign_targets_to_proposals([everything], [boxes], [target["labels"]])
    return {
        "proposal": proposals,
        "gt": gt,
        "gt_label": labels.astype(np.int32),
        "candidate_label": all_labels[0].numpy().astype(np.int32),
        "candidate_gt": all_matched[0].numpy().astype(np.int32),
        "sampled": taken[0][0].numpy().astype(np.int32),
        "roi": rois[0].numpy(),
        "roi_label": roi_labels[0].numpy().astype(np.int32),
        "roi_gt": matched[0].numpy().astype(np.int32),
        "roi_target": np.where((roi_labels[0].numpy() > 0)[:, None], targets[0].numpy(), np.float32(0)),
    }


def main(destination):
    torch.set_num_threads(1)
    found = [run(case, seed) for seed, case in enumerate(CASES)]
    groups = {
        "proposal_offset": ("proposal",),
        "gt_offset": ("gt", "gt_label"),
        "candidate_offset": ("candidate_label", "candidate_gt"),
        "sampled_offset": ("sampled", "roi", "roi_label", "roi_gt", "roi_target"),
    }
    with h5py.File(destination, "w", libver=("v110", "v110")) as out:

        def put(name, data):
            out.create_dataset(name, data=data, compression=9, shuffle=True, track_times=False)

        for offset, names in groups.items():
            for name in names:
                put(name, np.concatenate([f[name] for f in found]))
            put(offset, np.cumsum([0] + [len(f[names[0]]) for f in found]).astype(np.int64))
        put("rules", np.array([[*c[2:6], *c[6]] for c in CASES], np.float64))
        put("seed", np.arange(len(CASES), dtype=np.int64))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
