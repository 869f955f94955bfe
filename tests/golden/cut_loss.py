#!/usr/bin/python3
"""Keeps of the peers' golden loss.h5 what tests/unit/test_head.c reads.

usage: cut_loss.py SOURCE/loss.h5 DESTINATION.h5

Losses, gradients and the parameters after three SGD steps are what torchvision computed in float64; nothing is computed
here.
"""
import sys

import h5py


def main(source, destination):
    with h5py.File(source, "r") as f, h5py.File(destination, "w", libver=("v110", "v110")) as out:

        def put(name, data):
            out.create_dataset(name, data=data, compression=9, shuffle=True, track_times=False)

        for k in f["input"]:
            put("input/" + k, f["input"][k][:])
        out["input"].attrs["grid_hw"] = f["input"].attrs["grid_hw"]
        torch = f["torchvision/float64"]
        out.create_group("torch").attrs["loss"] = [torch.attrs["loss_objectness"], torch.attrs["loss_rpn_box_reg"]]
        for k in ("conv_w", "conv_b", "cls_w", "cls_b", "bbox_w", "bbox_b"):
            put("torch/grad_" + k, torch["grad_" + k][:])
            put("torch/sgd3/" + k, torch["sgd3"][k][:])
        put("torch/flat_logits", torch["flat_logits"][:])
        put("torch/flat_deltas", torch["flat_deltas"][:])
        put("torch/sgd3/losses", torch["sgd3/losses_per_step"][:])
        for k in ("lr", "momentum", "weight_decay"):
            out["torch/sgd3"].attrs[k] = torch["sgd3"].attrs[k]
        for k in f["elementwise"]:
            put("elementwise/" + k, f["elementwise"][k][:])
        for k in ("beta_0", "beta_1_9"):
            d2 = f["detectron2/float32"][k]
            out.create_group("detectron2/" + k).attrs["loss"] = [d2.attrs["loss_rpn_cls"], d2.attrs["loss_rpn_loc"]]
            for name in ("grad_flat_logits", "grad_flat_deltas"):
                put("detectron2/%s/%s" % (k, name), d2[name][:])


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
