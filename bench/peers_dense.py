#!/usr/bin/python3
"""torch's side of bench/peers_dense.sh.

usage: peers_dense.py TIMINGS FOLDER ROUNDS
"""
import statistics
import subprocess
import sys
import time

import numpy as np
import torch
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import AnchorGenerator, RegionProposalNetwork, RPNHead, concat_box_prediction_layers

GRIDS, C, A, VIEW = ((200, 336), (100, 168), (50, 84), (25, 42), (13, 21)), 256, 3, (800, 1344)
SIZES, RATIOS = tuple((s,) for s in (32, 64, 128, 256, 512)), ((0.5, 1.0, 2.0),) * 5


def line(name, value, unit, beside):
    print("%-30s %12.4g %-8s %s" % (name, value, unit, beside))


def cpu(f, *args):
    start = time.process_time()
    out = f(*args)
    return out, time.process_time() - start


def dense(timings, folder, rounds):
    torch.manual_seed(1)
    head = RPNHead(C, A)
    maps = [torch.randn(1, C, h, w).relu() for h, w in GRIDS]
    last = [m.to(memory_format=torch.channels_last) for m in maps]
    head_last = RPNHead(C, A).to(memory_format=torch.channels_last)
    head_last.load_state_dict(head.state_dict())
    path = folder + "/dense"
    s = {k: v.numpy() for k, v in head.state_dict().items()}
    with open(path, "wb") as f:
        np.array([len(GRIDS), C, A] + [x for g in GRIDS for x in g], np.int32).tofile(f)
        s["conv.0.0.weight"].transpose(0, 2, 3, 1).tofile(f)
        for k in ("conv.0.0.bias", "cls_logits.weight", "cls_logits.bias", "bbox_pred.weight", "bbox_pred.bias"):
            s[k].tofile(f)
        for m in maps:
            m[0].permute(1, 2, 0).contiguous().numpy().tofile(f)
    ours, plain, channels_last, blas = [], [], [], ""
    with torch.no_grad():
        for _ in range(rounds):
            text = subprocess.check_output([timings, "dense", path, "3"], text=True).split()
            ours.append(float(text[0]))
            blas = text[1]
            out, t = cpu(head, maps)
            plain.append(1e3 * t)
            channels_last.append(1e3 * cpu(head_last, last)[1])
        logit, delta = (x.numpy() for x in concat_box_prediction_layers(*out))
    got = np.fromfile(path + ".out", np.float32)
    n = len(logit.ravel())
    error = max(np.abs(got[:n] - logit.ravel()).max(), np.abs(got[n:] - delta.ravel()).max())
    assert error < 1e-4, "our head's output differs from torch's by %g" % error
    flop = sum(h * w for h, w in GRIDS) * 2 * C * (9 * C + 5 * A)
    a, b, c = statistics.median(plain), statistics.median(channels_last), statistics.median(ours)
    beside = "CPU time, median of %d rounds in turn; a view of 800 x 1344 px, FPN, 256 channels, float32; largest difference %.1g" % (rounds, error)
    for name, t in (("torch.dense", a), ("torch.dense.channels_last", b), ("anchorage.dense", c)):
        line(name, t, "ms", "%.0f GFLOP/s as a plain convolution; %s" % (flop / t * 1e-6, beside))
    line("peers.dense.ratio", a / c, "x", "torch.dense over anchorage.dense, BLAS for %s; %.3g against channels last" % (blas, b / c))


def filter_proposals(timings, folder, rounds):
    generator = AnchorGenerator(SIZES, RATIOS)
    rpn = RegionProposalNetwork(generator, RPNHead(C, A), 0.7, 0.3, 256, 0.5, dict(training=2000, testing=1000), dict(training=2000, testing=1000), 0.7).eval()
    anchors = generator(ImageList(torch.zeros(1, 3, *VIEW), [VIEW]), [torch.zeros(1, 1, h, w) for h, w in GRIDS])
    n, per_level = len(anchors[0]), [A * h * w for h, w in GRIDS]
    draw = torch.Generator().manual_seed(2)
    logit = torch.randn(n, 1, generator=draw) * 2.3 - 4
    delta = torch.randn(n, 4, generator=draw) * 0.2
    box = rpn.box_coder.decode(delta, anchors).view(1, n, 4)
    path = folder + "/filter"
    with open(path, "wb") as f:
        for x in (logit, delta, box):
            x.numpy().tofile(f)
    filt = lambda: rpn.filter_proposals(box, logit, [VIEW], per_level)
    both = lambda: rpn.filter_proposals(rpn.box_coder.decode(delta, anchors).view(1, n, 4), logit, [VIEW], per_level)
    theirs, ours = ([], []), ([], [])
    with torch.no_grad():
        for _ in range(rounds):
            for k, t in enumerate(subprocess.check_output([timings, "filter", path, "15"], text=True).split()):
                ours[k].append(float(t))
            (boxes, scores), t = cpu(filt)
            theirs[0].append(1e6 * t)
            theirs[1].append(1e6 * cpu(both)[1])
    got = np.fromfile(path + ".boxes", np.float32).reshape(-1, 5)
    assert np.array_equal(got[:, :4], boxes[0].numpy()), "the proposals differ"
    assert np.abs(got[:, 4] - scores[0].numpy()).max() < 1e-6
    from_deltas = np.fromfile(path + ".deltas", np.float32).reshape(-1, 5)
    assert len(from_deltas) == len(got) and (np.abs(from_deltas - got).max(1) < 1e-2).mean() > 0.99
    beside = "CPU time, median of %d rounds in turn; %d anchors on 5 levels, %d proposals, the same boxes in the same order" % (rounds, n, len(got))
    for k, name in enumerate(("filter", "decode_filter")):
        a, b = statistics.median(theirs[k]), statistics.median(ours[k])
        line("torchvision." + name, a, "us", beside)
        line("anchorage." + name, b, "us", beside)
        line("peers.%s.ratio" % name, a / b, "x", "torch decodes all anchors, we the candidates" if k else "from decoded boxes")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    torch.set_num_threads(1)
    dense(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    filter_proposals(sys.argv[1], sys.argv[2], int(sys.argv[3]))
