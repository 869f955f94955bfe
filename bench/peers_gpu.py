#!/usr/bin/env python3
"""torchvision's assignment on a GPU beside ours on one core of the same machine, on the same views.

usage: peers_gpu.py ANCHORAGE [BOXES]...

For each number of boxes in an image (7 50 300 1000 2000 10000): views of 800 x 1333 px, 268,569 anchors. `anchorage label`
labels them on one core; its own clocks are taken for match, sample and encode. torchvision's RegionProposalNetwork then assigns,
samples and encodes the same boxes on the GPU, one view after the other, each waited for. The anchors lie on the GPU beforehand;
the boxes are brought there, and only the minibatch's anchors, labels and targets are brought back, as a training step needs no
more. The labels of the two are compared. Prints a figure a line: name, value, unit, what it was measured beside.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

import numpy as np
import torch
import torchvision

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import peers_torchvision as peers

HEIGHT, WIDTH, VIEWS, EPOCHS = 800, 1333, 20, 20


def line(name, value, unit, what):
    print("%-28s %12.1f %-8s %s" % (name, value, unit, what), flush=True)


def annotations(path, n_boxes):
    """Sides log-uniform from 8 px to the image's, as bench/timings has them."""
    r = np.random.default_rng(n_boxes)
    boxes, images = [], []
    for i in range(VIEWS):
        images.append({"id": i, "width": WIDTH, "height": HEIGHT, "file_name": "%d.jpg" % i})
        w, h = (np.exp(r.uniform(np.log(8), np.log(side), n_boxes)) for side in (WIDTH, HEIGHT))
        x, y = r.uniform(0, WIDTH - w), r.uniform(0, HEIGHT - h)
        for b in np.stack([x, y, w, h], 1).tolist():
            boxes.append({"id": len(boxes), "image_id": i, "category_id": 1, "iscrowd": 0, "bbox": b, "area": b[2] * b[3]})
    with open(path, "w") as f:
        json.dump({"images": images, "annotations": boxes, "categories": [{"id": 1, "name": "thing"}]}, f)


def ours(anchorage, data, folder):
    """Microseconds a view for match, sample and encode; a folder with the views' assignment is left."""
    label = [anchorage, "label", "-q", data, "--restart"]
    subprocess.run(label + ["-o", folder + "/check", "--assignment", "--with-gt"], check=True)
    summary = folder + "/summary.json"
    subprocess.run(label + ["-o", folder + "/timed", "--epochs", str(EPOCHS), "--summary-json", summary], check=True)
    with open(summary) as f:
        run = json.load(f)
    return sum(1e6 * run["seconds"]["all_ranks"][s] / run["views"] for s in ("match", "sample", "encode"))


def step(rpn, anchors, boxes):
    """One view on the GPU, to the end."""
    target = [{"boxes": boxes.to(anchors.device)}]
    label, box = rpn.assign_targets_to_anchors([anchors], target)
    positive, negative = (torch.where(x[0])[0] for x in rpn.fg_bg_sampler(label))
    encoded = rpn.box_coder.encode(box, [anchors])[0][positive]
    torch.cat([positive, negative]).cpu(), encoded.cpu()
    return label[0]


def theirs(views, anchors):
    """Microseconds a view (median), bytes of the GPU at most, labels that differ from ours."""
    rpn, device = peers.system(anchors), torch.device("cuda")
    anchors = anchors.to(device)
    for v in views[:3]:
        step(rpn, anchors, v["box"])
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    taken, differ = [], 0
    for v in views:
        start = time.perf_counter()
        label = step(rpn, anchors, v["box"])
        torch.cuda.synchronize()
        taken.append(time.perf_counter() - start)
        wanted = np.zeros(len(anchors), np.float32)
        wanted[v["anchor"]] = np.where(v["gt"] >= 0, 1, -1)
        differ += int((label.cpu().numpy() != wanted).sum())
    return 1e6 * float(np.median(taken)), torch.cuda.max_memory_allocated(), differ


def main(anchorage, counts):
    here = "%s, torch %s, torchvision %s; one core of %s" % (
        torch.cuda.get_device_name(), torch.__version__, torchvision.__version__, cpu_name())
    print("gpu: " + here)
    with tempfile.TemporaryDirectory() as folder:
        for n in counts:
            annotations(folder + "/data.json", n)
            own = ours(anchorage, folder + "/data.json", folder)
            views, anchors = peers.load(folder + "/check")
            beside = "%d views of %d anchors and %d boxes" % (len(views), len(anchors), n)
            line("anchorage.%d_boxes" % n, own, "us/view", "one core; match, sample, encode; " + beside)
            try:
                gpu, peak, differ = theirs(views, anchors)
            except torch.cuda.OutOfMemoryError as e:
                print("gpu.%d_boxes: out of memory: %s" % (n, str(e).split(". ")[0]), flush=True)
                torch.cuda.empty_cache()
                continue
            line("gpu.%d_boxes" % n, gpu, "us/view", "median; " + beside)
            line("gpu.%d_boxes.memory" % n, peak / 2**20, "MiB", "of the GPU at most")
            line("gpu.%d_boxes.differ" % n, differ, "labels", "of %d that are not ours" % (len(views) * len(anchors)))
            line("gpu.%d_boxes.ratio" % n, gpu / own, "x", "GPU / one core")


def cpu_name():
    with open("/proc/cpuinfo") as f:
        return next((x.split(": ")[1].strip() for x in f if x.startswith("model name")), "a CPU")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    with torch.no_grad():
        main(sys.argv[1], [int(x) for x in sys.argv[2:]] or [7, 50, 300, 1000, 2000, 10000])
