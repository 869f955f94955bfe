#!/usr/bin/python3
"""Reads every view through examples/shards.py, in a shuffled order, and holds it to the annotations and to the index.

usage: read_shards.py TARGETS.h5 ANNOTATIONS.json [fork|spawn]    also pickled, and in a process that is started so

Prints how many views were right, the most shards that were open, and how many views the index's virtual datasets give and
lack in this process, by the check of docs/FORMAT.md.
"""
import json
import multiprocessing
import os
import pickle
import random
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../examples"))
from shards import Shards


def read(shards, names):
    """Views that are what the index and the annotations say, and the most files that were open."""
    with h5py.File(shards.path, "r") as index:
        n, most, right = len(index["views/row"]), 0, 0
        kinds = [k for k in index if k + "/offset" in index]
        offset = {k: index[k + "/offset"][:] for k in kinds}
        images = index["images/id"][:]
        assert images.tolist() == sorted(names)
        for v in random.Random(1).sample(range(n), n):
            f, row = shards[v]
            most = max(most, len(shards.open))
            assert f["views/image_id"][row] == images[v % len(images)] and f["views/epoch"][row] == v // len(images), v
            assert shards.file_name(v) == names[int(f["views/image_id"][row])], v
            for k in kinds:
                first, last = f[k + "/offset"][row : row + 2]
                assert last - first == offset[k][v + 1] - offset[k][v], (k, v)
            assert (f["minibatch/label"][slice(*f["minibatch/offset"][row : row + 2])] >= 0).all(), v
            right += 1
    return right, most


def missing(data):
    """How many rows of a virtual dataset are no data: their shard is not there, or could not be opened."""
    rows, fill = data[:], data.fillvalue
    gap = np.isnan(rows) if rows.dtype.kind == "f" else rows == fill
    return int(gap.reshape(len(rows), -1).any(axis=1).sum())


def elsewhere(shards, names, to):
    to.send(read(shards, names))


def main(path, annotations, method=None):
    with open(annotations) as f:
        names = {i["id"]: i["file_name"] for i in json.load(f)["images"]}
    shards = Shards(path)
    right, most = read(shards, names)
    if method:
        assert read(pickle.loads(pickle.dumps(shards)), names) == (right, most)
        context = multiprocessing.get_context(method)
        here, there = context.Pipe()
        process = context.Process(target=elsewhere, args=(shards, names, there))
        process.start()
        there.close()
        assert here.recv() == (right, most), method
        process.join()
        assert process.exitcode == 0
    shards.open.clear()
    with h5py.File(path, "r") as f:
        gaps = missing(f["views/image_id"])
    print("%d of %d views right, %d shards open; read as virtual %s" % (right, len(shards), most, "lacks some" if gaps else "whole"))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
