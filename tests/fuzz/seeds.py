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


def join():
    def things(*rows):
        return b"".join(bytes(r) for r in rows)

    one = things((0, 1, 0, 0, 0), (0, 2, 1, 0, 0), (1, 1, 0, 9, 9), (1, 2, 1, 9, 9), (2, 1, 1, 3, 3), (6, 2, 2, 1, 1))
    other = things((0, 2, 0, 0, 0), (1, 7, 2, 50, 60), (2, 7, 2, 9, 8))
    clash = things((0, 1, 1, 0, 0), (1, 1, 3, 50, 60), (2, 1, 1, 9, 8))
    twice = things((0, 1, 3, 0, 0), (0, 5, 3, 0, 0), (1, 9, 4, 5, 5))
    bare = things((1, 20, 8, 5, 5))
    for name, sets in {"one": [one], "apart": [one, other], "clash": [one, clash, bare], "twice": [twice, other, bare],
                       "same": [one, one], "nameless": [bare, bare]}.items():
        put("join/" + name, b"\xff".join(sets))


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


VOC = """<annotation verified="no"><folder>x</folder><filename>a.jpg</filename><size><width>60</width><height>40</height>
<depth>3</depth></size><object><name>cat</name><pose>Left</pose><truncated>1</truncated><difficult>1</difficult><bndbox>
<xmin>1</xmin><ymin>2.5</ymin><xmax>30</xmax><ymax>40</ymax></bndbox><part><name>head</name><bndbox><xmin>1</xmin>
<ymin>2</ymin><xmax>3</xmax><ymax>4</ymax></bndbox></part></object></annotation>"""
OPEN_IMAGES = """ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside
a,xclick,/m/011k07,1,0.1,0.5,0.25,0.75,0,1,0,0,0
b,xclick,"/m/0,2",1,0,1,0,1,1,0,1,-1,0
a,xclick,/m/011k07,1,0.2,0.3,0.2,0.3,0,0,0,0,1
"""
WIDER = "0--Parade/a.jpg\n2\n1 2 30 40 0 0 0 0 0 0\n5 6 0 0 0 0 0 1 0 0 \nb.jpg\n0\n0 0 0 0 0 0 0 0 0 0\n"
CROWDHUMAN = """{"ID": "273271,c9db", "gtboxes": [{"tag": "person", "hbox": [1, 2, 3, 4], "vbox": [1, 2, 10, 20], "fbox":
 [0, -1, 12, 24], "extra": {"box_id": 0, "occ": 1}, "head_attr": {"ignore": 0, "occ": 1, "unsure": 0}},
 {"fbox": [5, 5, 5, 5], "tag": "mask", "extra": {"ignore": 1}}]}
""".replace("\n ", " ")
KITTI = "Car 0.00 1 -1.57 100.5 50 200.25 150 1.5 1.6 3.7 1 2 3 0.1\nDontCare -1 -1 -10 1 2 3 4 -1 -1 -1 -1000 -1000 -1000 -10\n"
VISDRONE = "10,20,30,40,1,4,0,1\n0,0,5,5,0,0,0,0,\n1,2,3,4,1,11,1,2\n"
YOLO = "0 0.5 0.5 0.25 0.25\n2 0.1 0.2 0.3 0.4 0.3 0.2\n1 0.5 0,5 0.1 0.1 0.9\n"


def formats():
    texts = {"voc": VOC, "open_images": OPEN_IMAGES, "wider": WIDER, "crowdhuman": CROWDHUMAN, "kitti": KITTI,
             "visdrone": VISDRONE, "yolo": YOLO}
    numbers = {"voc": 2, "open_images": 3, "wider": 4, "kitti": 5, "crowdhuman": 6, "yolo": 7, "visdrone": 8}
    for name, text in texts.items():
        for how in "\0\1":
            put("%s/made%d" % (name, ord(how)), "\0" + how + text)
        put("source/%s" % name, "\0" + chr(64) + text)
        put("source/%s-named" % name, "\0" + chr(60 + numbers[name]) + text)
    put("source/coco", "\0\0" + open("synth/annotations.json").read())
    picture = open(sorted(glob.glob("synth/images/*.png"))[0], "rb").read()[:300]
    put("folder/yolo", b"\0\0names: [a, b]\nnc: 2\n\0" + YOLO.encode() + b"\0" + YOLO.encode() + b"\0" + picture)
    put("folder/voc", "\0\1" + VOC + "\0" + VOC + "\0\0cat\n")
    put("folder/kitti", b"\0\2" + KITTI.encode() + b"\0" + KITTI.encode() + b"\0" + picture)
    put("folder/visdrone", b"\0\3" + VISDRONE.encode() + b"\0" + VISDRONE.encode() + b"\0" + picture)
    put("proposals/far-offset", bytes.fromhex("2f0000001000602900000404040404"))  # once an overflow
    put("image_size/png", picture)
    put("image_size/bmp", b"BM" + struct.pack("<IHHIIiiHHIIiiII", 58, 0, 0, 54, 40, 3, -2, 1, 24, 0, 0, 0, 0, 0, 0) + bytes(20))
    put("image_size/jpeg", bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffc0000b08002800fa01011100ffda0008010100003f00"))
    put("image_size/webp", b"RIFF" + struct.pack("<I", 36) + b"WEBPVP8L" + struct.pack("<I", 12) + b"\x2f\x0b\xc0\x02\0" + bytes(15))
    put("image_size/webp-lossy", b"RIFF\x2a\0\0\0WEBPVP8 \x1e\0\0\0\x10\2\0\x9d\1\x2a\x10\0\x20\0" + bytes(24))
    put("image_size/webp-extended", b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x1f\0\0" + bytes(12))
    put("image_size/webp-damaged", b"RIFF\x1a\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x0f\0\0\x1f" + bytes(6) + b"\x28\0\0\0\3\0\0\0\xfe\0\0\0\0\x45" + bytes(20))
    image = struct.pack("<QQii?7x", 0, 2, 40, 60, False)
    box = struct.pack("<4dqiiBB6x", 1, 2, 3, 4, 0, 0, 0, 0, 0)
    category = struct.pack("<QQq?7x", 4, 0, 7, True)
    put("part/one", b"\0" + struct.pack("<5q", 1, 1, 1, 2, 6) + image + box + category + b"a\0b\0c\0")
    put("size_table/lines", "a.jpg 60 40\nb 1 1\n")
    put("size_table/csv", 'path,width,height\n"a,b.jpg",60,40\n')
    put("size_table/tabs", "file\twidth\theight\na b.jpg\t60\t40\n")
    put("size_table/json", '{"273271,c9db": [40, 60], "a": [1, 1]}')


def from_real(real):
    def take(pattern, target, prefix=b"", most=40, cut=8000):
        for path in sorted(glob.glob(os.path.join(real, "data", pattern), recursive=True))[:most]:
            if os.path.isfile(path):
                put("%s/real-%s" % (target, os.path.basename(path)), prefix + open(path, "rb").read()[:cut])
    take("coco/*.json", "coco", b"\0")
    take("fixtures_*/**/*.json", "coco", b"\0")
    take("crossformat_toy/*.JSON", "coco", b"\0")
    for pattern, target in (("**/voc*/**/*.xml", "voc"), ("bccd/Annotations/BloodImage_0000*.xml", "voc"),
                            ("coco128_yolo/labels/00000000000*.txt", "yolo"), ("**/open*images*/**/*.csv", "open_images"),
                            ("wider_face/*.txt", "wider"), ("crowdhuman/*.odgt", "crowdhuman"), ("**/label_2/00000*.txt", "kitti"),
                            ("visdrone/**/*.txt", "visdrone")):
        take(pattern, target, b"\0\1")
    take("**/*.jpg", "image_size", most=12, cut=4000)
    take("**/*.tsv", "size_table")
    take("crowdhuman/id_hw*.json", "size_table")


join()
coco()
config()
pack()
lock()
hdf5()
formats()
from_real(sys.argv[1])
