"""Where a view's targets are: the file of h5py, and the view's row in it.

    shards = Shards("targets/targets.h5")
    f, row = shards[v]                               # of view v
    first, last = f["minibatch/offset"][row : row + 2]
    anchor = f["minibatch/anchor"][first:last]
    picture = shards.file_name(v)                    # of its image, "" where the annotations did not say

Reads the shards themselves, at most `most` of them open at a time. (Through the index's virtual datasets, HDF5 gives fill
values in silence for shards that are missing, or one too many for the process's open files.) Needs h5py alone; may be
pickled, forked and spawned: each process opens files of its own. To be copied and changed.
"""
import os
from collections import OrderedDict

import h5py


def text(x):
    return x.decode() if isinstance(x, bytes) else x


class Shards:
    def __init__(self, path, most=16):
        if os.path.isdir(path):
            path = os.path.join(path, "targets.h5")
        path = os.path.abspath(path)
        self.path, self.most, self.pid, self.open = path, most, None, OrderedDict()
        with h5py.File(path, "r") as f:
            self.format, self.config = text(f.attrs.get("format", "")), text(f.attrs.get("config", ""))
            if self.format not in ("anchorage-targets", "anchorage-roi-targets"):
                raise ValueError("%s: not made by `anchorage label`" % path)
            self.name = self.image = None  # of a shard by itself
            self.n = len(f["views/image_id"])
            if "shards" not in f.attrs:
                return
            if "shard" not in f["views"]:
                raise ValueError("%s: does not say where each view is; run the same label command again" % path)
            self.name = [text(x) for x in f["shards/file_name"][:]]
            self.shard, self.row = f["views/shard"][:], f["views/row"][:]
            if "images" in f:
                self.image, self.image_name = f["views/image"][:], f["images/file_name"][:]

    def __len__(self):
        return self.n

    def __getitem__(self, v):
        if not 0 <= v < self.n:
            raise IndexError("%s: has views 0 to %d, not %d" % (self.path, self.n - 1, v))
        if self.name is None:
            return self.file(os.path.basename(self.path), None), int(v)
        shard = int(self.shard[v])
        return self.file(self.name[shard], shard), int(self.row[v])

    def files(self):
        """The shards in the order of their views, one after the other."""
        for shard, name in enumerate(self.name or [os.path.basename(self.path)]):
            yield self.file(name, shard if self.name else None)

    def file_name(self, v):
        return text(self.image_name[self.image[v]]) if self.image is not None else ""

    def file(self, name, shard):
        if self.pid != os.getpid():  # a forked process leaves its parent's files alone
            self.pid, self.open = os.getpid(), OrderedDict()
        if name not in self.open:
            while len(self.open) >= self.most:
                self.open.popitem(last=False)[1].close()
            path = os.path.join(os.path.dirname(self.path), name)
            f = h5py.File(path, "r")
            if shard is not None and (f.attrs.get("shard", shard) != shard or text(f.attrs["config"]) != self.config):
                raise ValueError("%s: is of another run than %s, or another shard of it" % (path, self.path))
            self.open[name] = f
        self.open.move_to_end(name)
        return self.open[name]

    def __getstate__(self):
        return {**self.__dict__, "pid": None, "open": OrderedDict()}
