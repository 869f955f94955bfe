#!/usr/bin/python3
"""Makes folders of annotations for tests/e2e/e2e_import.c, and checks what `anchorage import` made of them.

    make_sources.py DIR            writes DIR/voc (XML with quirks, and some pictures) and DIR/yolo (the same boxes)
    make_sources.py --check DIR    reads the XML by another parser and compares DIR/voc1.h5, and DIR/yolo1.h5 with it
"""
import os
import random
import struct
import sys
import xml.etree.ElementTree as ElementTree
import zlib


def png(path, width, height):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    rows = b"".join(b"\0" + bytes(width) for _ in range(height))
    with open(path, "wb") as f:
        f.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)) +
                chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b""))


def make(top):
    rng = random.Random(5)
    classes = ["person", "cat", "big dog", "Zebra"]
    for folder in ("voc/Annotations/a", "voc/Annotations/b", "voc/JPEGImages/a", "yolo/labels", "yolo/images"):
        os.makedirs(os.path.join(top, folder))
    with open(os.path.join(top, "yolo/classes.txt"), "w") as f:
        f.write("\n".join(classes) + "\n")
    for i in rng.sample(range(400), 400):               # in no order
        key = "%s/%04d" % ("a" if i < 250 else "b", i)
        width, height = rng.randrange(20, 900), rng.randrange(20, 700)
        objects, labels = "", ""
        for _ in range(rng.randrange(0, 7)):
            name = rng.choice(classes)
            x1, y1 = rng.randrange(1, width - 8), rng.randrange(1, height - 8)
            x2, y2 = rng.randrange(x1 + 3, width + 1), rng.randrange(y1 + 3, height + 1)
            parts = ["<xmin>%d</xmin>" % x1, "<ymin>%d</ymin>" % y1, "<xmax>%d</xmax>" % x2, "<ymax>%d</ymax>" % y2]
            if rng.random() < 0.2:
                rng.shuffle(parts)
            objects += "\n<object><name>%s</name><truncated>%d</truncated><difficult>%d</difficult><bndbox>%s</bndbox></object>" % (
                name, rng.random() < 0.3, rng.random() < 0.2, "".join(parts))
            labels += "%d %r %r %r %r\n" % (classes.index(name), (x1 - 1 + x2) / 2 / width, (y1 - 1 + y2) / 2 / height,
                                            (x2 - x1 + 1) / width, (y2 - y1 + 1) / height)
        if i in (3, 170, 399):
            objects += "\n<object><name>cat</name><bndbox><xmin>9</xmin><ymin>9</ymin><xmax>2</xmax><ymax>2</ymax></bndbox></object>"
        size = "<size><width>%d</width><height>%d</height><depth>3</depth></size>" % (width, height)
        if i in (7, 70, 77, 177):                        # the picture knows
            size = ""
            png(os.path.join(top, "voc/JPEGImages", key + ".png"), width, height)
        end = "\r" if i % 50 == 9 else "\n"
        with open(os.path.join(top, "voc/Annotations", key + ".xml"), "w", newline="") as f:
            f.write(("<annotation>\n<filename>%04d.png</filename>\n%s%s\n</annotation>\n" % (i, size, objects)).replace("\n", end))
        if labels:
            with open(os.path.join(top, "yolo/labels/%04d.txt" % i), "w") as f:
                f.write(labels)
        png(os.path.join(top, "yolo/images/%04d.png" % i), width, height)


def check(top):
    import h5py
    import numpy as np
    with h5py.File(os.path.join(top, "voc1.h5")) as f, h5py.File(os.path.join(top, "yolo1.h5")) as y:
        names = dict(zip(f["categories/id"][:].tolist(), [n.decode() for n in f["categories/name"][:]]))
        yolo_names = dict(zip(y["categories/id"][:].tolist(), [n.decode() for n in y["categories/name"][:]]))
        assert list(names.values()) == sorted(names.values()) and sorted(yolo_names.values()) == sorted(names.values())
        offset, boxes, category, flags = (f["boxes/" + k][:] for k in ("offset", "xyxy", "category", "flags"))
        files = sorted("%s/%s" % (d, n) for d in "ab" for n in os.listdir(os.path.join(top, "voc/Annotations", d)))
        assert len(files) == len(f["images/id"]) and f["images/id"][:].tolist() == list(range(1, len(files) + 1))
        yolo_offset, yolo_boxes = y["boxes/offset"][:], y["boxes/xyxy"][:]
        assert (y["images/size"][:] == f["images/size"][:]).all()     # both in the order of 0000 .. 0399
        for i, name in enumerate(files):
            want = []
            for o in ElementTree.parse(os.path.join(top, "voc/Annotations", name)).getroot().iter("object"):
                v = {k: int(o.find("bndbox/" + k).text) for k in ("xmin", "ymin", "xmax", "ymax")}
                if v["xmax"] > v["xmin"]:
                    marks = 2 * int(o.findtext("truncated", "0")) + int(o.findtext("difficult", "0"))
                    want.append((o.findtext("name"), [v["xmin"] - 1, v["ymin"] - 1, v["xmax"], v["ymax"]], marks))
            rows = slice(offset[i], offset[i + 1])
            got = list(zip([names[c] for c in category[rows]], boxes[rows].tolist(), flags[rows].tolist()))
            assert got == want, (name, got, want)
            assert np.abs(yolo_boxes[yolo_offset[i]:yolo_offset[i + 1]] - boxes[rows]).max(initial=0) < 1e-9, name
        print("equal: %d images, %d boxes" % (len(files), len(boxes)))


if sys.argv[1] == "--check":
    check(sys.argv[2])
else:
    make(sys.argv[1])
