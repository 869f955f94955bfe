#!/usr/bin/env python3
"""Loads head.h5 into torchvision's RPNHead, and checks that both give the same outputs.

usage: load_head_torchvision.py HEAD.h5 FEATURES.h5

The ten lines that matter are load_head. The check runs the dense head of torch on the features of the first images, and
computes objectness and deltas at some anchors once more with numpy, from the numbers in the file.
"""
import sys

import h5py
import numpy as np
import torch
from torchvision.models.detection.rpn import RPNHead, concat_box_prediction_layers


def load_head(path):
    with h5py.File(path, "r") as f:
        if f.attrs["format"] not in (b"anchorage-head", "anchorage-head"):
            sys.exit("%s: not a head of anchorage" % path)
        weights = {k[len("head.") :]: torch.from_numpy(f[k][:]) for k in f if k.startswith("head.")}
    head = RPNHead(weights["conv.0.0.weight"].shape[1], weights["cls_logits.weight"].shape[0])
    head.load_state_dict(weights)
    return head.eval()


def maps_of(features, i):
    """The feature maps [H, W, C] of image i, level by level."""
    out = []
    while "level%d" % len(out) in features:
        level = features["level%d" % len(out)]
        rows = level["feature"][slice(*level["offset"][i : i + 2])].astype(np.float32)
        out.append(rows.reshape(*level["grid"][i], -1))
    return out


def outputs_at(head_file, maps, anchor):
    """Objectness and deltas of an anchor (its index over levels, rows, columns, shapes), from the definition."""
    with h5py.File(head_file, "r") as f:
        w = {k.split(".")[1] + "." + k.split(".")[-1]: f[k][:].astype(np.float64) for k in f if k.startswith("head.")}
    shapes = len(w["cls_logits.bias"])
    for x in maps:
        if anchor < x.shape[0] * x.shape[1] * shapes:
            break
        anchor -= x.shape[0] * x.shape[1] * shapes
    position, a = divmod(anchor, shapes)
    y, x0 = divmod(position, x.shape[1])
    patch = np.pad(x, ((1, 1), (1, 1), (0, 0)))[y : y + 3, x0 : x0 + 3]
    hidden = np.maximum(np.einsum("ocyx,yxc->o", w["conv.weight"], patch) + w["conv.bias"], 0)
    logit = w["cls_logits.weight"][a, :, 0, 0] @ hidden + w["cls_logits.bias"][a]
    part = slice(4 * a, 4 * a + 4)
    return logit, w["bbox_pred.weight"][part, :, 0, 0] @ hidden + w["bbox_pred.bias"][part]


def main(head_file, features_file):
    head, rng, worst, n = load_head(head_file), np.random.RandomState(0), 0.0, 0
    with h5py.File(features_file, "r") as features, torch.no_grad():
        for i in range(min(3, len(features["images/id"]))):
            maps = maps_of(features, i)
            logit, delta = concat_box_prediction_layers(
                *head([torch.from_numpy(x.transpose(2, 0, 1)[None].copy()) for x in maps])
            )
            for anchor in rng.randint(len(logit), size=50):
                ours = outputs_at(head_file, maps, anchor)
                worst = max(worst, abs(ours[0] - logit[anchor].item()), np.abs(ours[1] - delta[anchor].numpy()).max())
                n += 1
    print("torchvision's RPNHead and the file agree within %.1e at %d anchors" % (worst, n))
    assert worst < 1e-4


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
