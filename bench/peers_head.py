#!/usr/bin/python3
"""torch's side of bench/peers_head.sh: torchvision's dense RPN head on the same features and minibatches, on one core.

usage: peers_head.py features ANNOTATIONS.json OUT.h5    random features of 256 channels on FPN grids, float16
       peers_head.py time TARGETS.h5 FEATURES.h5 HEAD.h5 STEPS
           HEAD.h5 holds the start weights and one step's loss and gradient norm; torch must agree with both.
           Prints seconds per step: all, forward, loss, backward, update; then the number of positions of a view.
"""
import json
import sys
import time

import h5py
import numpy as np

STRIDES, CHANNELS = (4, 8, 16, 32, 64), 256


def features(source, out):
    images = json.load(open(source))["images"]
    size = np.array([(i["height"], i["width"]) for i in images], np.int32)
    padded = (size + 31) // 32 * 32
    noise = np.random.RandomState(0).randn(1 << 22).astype(np.float16)
    with h5py.File(out, "w") as f:
        f.attrs["format"], f.attrs["format_version"] = "anchorage-features", 1
        f["images/id"], f["images/size"] = np.array([i["id"] for i in images]), size
        f["images/padded_size"], f["images/original_size"] = padded, size
        for l, stride in enumerate(STRIDES):
            grid = (padded + stride - 1) // stride
            n = grid.prod(1)
            rows = np.resize(np.roll(noise, 977 * l), n.sum() * CHANNELS).reshape(-1, CHANNELS)
            g = f.create_group("level%d" % l)
            g["feature"], g["grid"] = rows, grid.astype(np.int32)
            g["offset"] = np.concatenate([[0], np.cumsum(n)]).astype(np.int64)
            g.attrs["stride"], g.attrs["channels"] = stride, CHANNELS


def load(targets, maps):
    import torch

    t, f, views = h5py.File(targets, "r"), h5py.File(maps, "r"), []
    place = {int(k): i for i, k in enumerate(f["images/id"][:])}
    for v, k in enumerate(t["views/image_id"][:]):
        i, x = place[int(k)], []
        for l in range(len(STRIDES)):
            g = f["level%d" % l]
            h, w = g["grid"][i]
            rows = g["feature"][g["offset"][i] : g["offset"][i + 1]].astype(np.float32)
            x.append(torch.from_numpy(rows.reshape(1, h, w, CHANNELS).transpose(0, 3, 1, 2).copy()))
        part = lambda group, name: torch.from_numpy(t[group][name][slice(*t[group]["offset"][v : v + 2])])
        views.append((x, part("minibatch", "anchor").long(), part("minibatch", "label").float(), part("positives", "target")))
    return views


def timed(targets, maps, head_file, steps):
    import torch
    import torch.nn.functional as F
    from torchvision.models.detection.rpn import RPNHead, concat_box_prediction_layers

    torch.set_num_threads(1)
    views, head = load(targets, maps), RPNHead(CHANNELS, 3)
    with h5py.File(head_file, "r") as f:
        head.load_state_dict({k[5:]: torch.from_numpy(f[k][:]) for k in f if k.startswith("head.")})
        ours = f["history/step"][0]
    optimiser = torch.optim.SGD(head.parameters(), lr=0.0, momentum=0.9, weight_decay=1e-4)
    sampled, spent = sum(len(v[1]) for v in views), np.zeros(4)
    for step in range(int(steps)):
        optimiser.zero_grad()
        losses = np.zeros(2)
        for x, anchor, label, target in views:
            clock = [time.perf_counter()]
            logit, delta = concat_box_prediction_layers(*head(x))
            clock.append(time.perf_counter())
            positive = anchor[label == 1]
            cls = F.binary_cross_entropy_with_logits(logit.flatten()[anchor], label, reduction="sum") / sampled
            box = F.smooth_l1_loss(delta[positive], target, beta=1 / 9, reduction="sum") / sampled
            clock.append(time.perf_counter())
            (cls + box).backward()
            clock.append(time.perf_counter())
            spent[:3] += np.diff(clock)
            losses += (cls.item(), box.item())
        norm = float(sum((p.grad**2).sum() for p in head.parameters()) ** 0.5)
        start = time.perf_counter()
        optimiser.step()
        spent[3] += time.perf_counter() - start
        worst = max(np.abs(losses / ours[1:3] - 1).max(), abs(norm / ours[3] - 1))
        assert worst < 1e-4, "torch's losses %s and norm %g differ from ours, %s" % (losses, norm, ours)
    spent /= int(steps)
    print(spent.sum(), *spent, sum(x.shape[2] * x.shape[3] for x in views[0][0]), worst)


if __name__ == "__main__":
    if len(sys.argv) < 4 or sys.argv[1] not in ("features", "time"):
        sys.exit(__doc__)
    {"features": features, "time": timed}[sys.argv[1]](*sys.argv[2:])
