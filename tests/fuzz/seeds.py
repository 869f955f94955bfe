"""The seeds that need more than a shell: text of each kind, packed bytes, HDF5 files as other programs write them.

usage: seeds.py REAL, in the folder that seeds.sh fills
"""
import glob
import json
import os
import struct
import sys
import zlib

import h5py
import numpy as np


def put(name, data):
    os.makedirs(os.path.dirname(name), exist_ok=True)
    with open(name, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())


def coco():
    small = open("synth/annotations.json").read()
    put("coco/synth", "\0" + small)
    d = {"images": [{"id": 7, "width": 640.0, "height": 480, "file_name": "\u00e4.jpg"}, {"id": -1, "width": 1, "height": 1}],
         "annotations": [{"id": 1, "image_id": 7, "category_id": 3, "bbox": [0, 1.5, 1e1, 20], "iscrowd": 1,
                          "segmentation": {"counts": [1, [2, {}]], "size": [1]}, "ignore": False},
                         {"image_id": 7, "category_id": 3, "bbox": [0, 0, 0, 20], "iscrowd": None}],
         "categories": [{"id": 3, "name": "x", "supercategory": None}]}
    put("coco/whole", "\5" + json.dumps(d))
    put("coco/mark", b"\3\xef\xbb\xbf" + json.dumps(d, ensure_ascii=False, indent=1).encode())
    for i, text in enumerate(['[]', '{"images":[],"annotations":[]}', '{"annotations":[{"caption":"a"}],"images":[]}',
                              '{"annotations":[{"segments_info":[]}]}', '{"images":[{"id":1e400}]}', '\x1f\x8b', 'PK\3\4']):
        put("coco/part%d" % i, "\0" + text)
    put("results/two", json.dumps([{"image_id": 7, "category_id": 1, "bbox": [1, 2.5, 3, 4], "score": 0.5, "x": [{"y": None}]},
                                   {"score": -1e-3, "bbox": [0, 0, 0, 0], "image_id": -7}], indent=1))
    put("results/odd", '[{"image_id":1.0,"bbox":[1e308,1,1e308,1],"score":1},{"image_id":9223372036854775807}]')


def config():
    put("config/small", "; a comment\n[preset]\nname = mmdet-fpn\n[view]\nmin_size = 1, 2\n  3 4\n[anchors]\nstrides = 16 # x\n"
                        "sizes = 32 64 | 128\nstrides = 8\n[boxes]\ncrowd = ignore\n")
    run = open("damage/rich/run.json").read()
    whole = json.loads(run)["config"]
    put("config_json/rules", json.dumps(whole))
    put("config_json/none", '{"rules":{"preset":"detectron2-c4","view":{"resize":"none"}}}')
    put("run_json/whole", "\0" + run)
    put("run_json/sealed", "\1" + run[: run.rindex(',"crc32"')])


def pack():
    def packed(image, boxes):
        n, k = len(image), sum(len(b) for b in boxes)
        offset = np.cumsum([0] + [len(b) for b in boxes])
        return (struct.pack("<Qqq", 0x6b63617020636e61, n, k) + struct.pack("<%dq" % n, *[i[0] for i in image]) +
                offset.astype("<i8").tobytes() + b"".join(struct.pack("<4d", *b) for bs in boxes for b in bs) +
                struct.pack("<%dq" % k, *range(k)) + b"".join(struct.pack("<ii", i[1], i[2]) for i in image) +
                struct.pack("<%di" % k, *[1] * k) + bytes(k))
    put("pack/none", packed([], []))
    put("pack/two", packed([(1, 30, 40), (9, 50, 60)], [[(0, 1, 2, 3), (4, 5, 6, 7)], []]))


def lock():
    boot, space = open("/proc/sys/kernel/random/boot_id").read().strip(), os.readlink("/proc/self/ns/pid")
    text = "process 1 of me on here, since then\nlocal %s %%d %s %s\ntoken 0123456789abcdef\nbeat 0000000000000000\n"
    put("lock/other", b"\0" + (text % ("12", "other", "pid:[1]") % 1).encode())
    put("lock/dead", b"\1" + (text % ("12", boot, space) % 999999).encode())
    put("lock/alive", b"\2" + (text % (open("/proc/1/stat").read().split()[21], boot, space) % 1).encode())
    put("lock/none", b"\3")
    put("seal/short", b"\1abc")
    put("seal/own", b"\0abc\nanchorage-seal crc32 %08x\n" % zlib.crc32(b"abc"))


def features(path, **how):
    with h5py.File(path, "w") as f:
        f.attrs["format"], f.attrs["format_version"] = "anchorage-features", 1
        n, grids = 2, [np.array([[4, 5], [3, 4]]), np.array([[2, 3], [2, 2]])]
        f["images/id"] = np.array([5, 3])
        f["images/size"] = f["images/original_size"] = np.array([[60, 70], [48, 60]], np.int32)
        f["images/padded_size"] = np.array([[64, 80], [48, 64]], np.int32)
        f["images/scale"] = np.ones((n, 2), np.float32)
        for l, grid in enumerate(grids):
            rows = int(grid.prod(1).sum())
            g = f.create_group("level%d" % l)
            g.create_dataset("feature", data=np.arange(rows * 3).reshape(rows, 3).astype(np.float16), **how)
            g["offset"] = np.concatenate([[0], np.cumsum(grid.prod(1))])
            g["grid"] = grid.astype(np.int32)
            g.attrs["stride"], g.attrs["channels"] = 16 << l, 3


def tensors(g, c=2, hidden=3, a=1):
    for name, shape in (("head.conv.0.0.weight", (hidden, c, 3, 3)), ("head.conv.0.0.bias", (hidden,)),
                        ("head.cls_logits.weight", (a, hidden, 1, 1)), ("head.cls_logits.bias", (a,)),
                        ("head.bbox_pred.weight", (4 * a, hidden, 1, 1)), ("head.bbox_pred.bias", (4 * a,))):
        g[name] = np.full(shape, 0.5, np.float32)


def hdf5():
    features("damage/features-contiguous.h5")
    features("damage/features-packed.h5", chunks=(7, 3), compression=4, shuffle=True, fletcher32=True)
    with h5py.File("damage/head.h5", "w", libver=("v110", "v110")) as f:
        f.attrs["format"], f.attrs["format_version"], f.attrs["config"] = "anchorage-head", 1, "{}"
        f.attrs["step"] = 2
        tensors(f)
        tensors(f.create_group("momentum"))
        f["history/step"] = np.ones((2, 4))
    with h5py.File("damage/proposals.h5", "w", libver=("v110", "v110")) as f:
        f.attrs["format"], f.attrs["format_version"], f.attrs["config"] = "anchorage-proposals", 1, "{}"
        f["images/id"], f["proposals/offset"] = np.array([3, 5]), np.array([0, 1, 3])
        f.create_dataset("proposals/xyxy", data=np.array([[0, 1, 2, 3]] * 3, np.float32), chunks=(2, 4), compression=1)
        f["proposals/score"], f["proposals/level"] = np.ones(3, np.float32), np.zeros(3, np.int32)
    for path in glob.glob("damage/*.h5") + glob.glob("damage/*/*.h5"):
        data = open(path, "rb").read()
        if data[-31:-17] == b"\nanchorage-sea":
            put(path, data[:-31])  # with its seal no change would get as far as HDF5
    for name in ("annotations", "head", "proposals"):  # the first file format, whose metadata have no checksums
        for text in ("", "-strings")[: 1 + (name == "annotations")]:
            with h5py.File("damage/%s.h5" % name) as f, h5py.File("damage/%s-earliest%s.h5" % (name, text), "w", libver="earliest") as g:
                for key, value in f.attrs.items():
                    g.attrs[key] = value
                for key in f:
                    f.copy(key, g)
                if text:  # of variable length
                    for key in ("images/file_name", "categories/name"):
                        words = [w.decode() for w in g[key][:]]
                        del g[key]
                        g.create_dataset(key, data=words, dtype=h5py.string_dtype())


def from_real(real):
    def take(pattern, target, prefix=b""):
        for path in sorted(glob.glob(os.path.join(real, "data", pattern), recursive=True)):
            if os.path.isfile(path) and os.path.getsize(path) < 100000:
                put("%s/real-%s" % (target, os.path.basename(path)), prefix + open(path, "rb").read())
    take("coco/*.json", "coco", b"\0")
    take("fixtures_*/**/*.json", "coco", b"\0")
    take("crossformat_toy/*.JSON", "coco", b"\0")


coco()
config()
pack()
lock()
hdf5()
from_real(sys.argv[1])
