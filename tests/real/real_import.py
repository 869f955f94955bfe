#!/usr/bin/python3
"""Reads every real annotation set a second time and holds what `anchorage import` wrote to it.

usage: real_import.py ANCHORAGE SHARED_DIR [CASE...]
           SHARED_DIR/data holds the sets; CASE... (parts of names) selects some; --list names them all

Each case reads its files with the standard library alone, compares its counts with those that the folder's README
states, imports the same files, and compares image for image and box for box: ids, sizes, names, corners, categories,
ignore marks, order, and the counts of /report. What is refused must be refused in one line that names the file. At
the end sets that are there in several formats must have given the same boxes through each.
"""
import collections
import csv
import gzip
import io
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tarfile
import tempfile
import xml.etree.ElementTree as ElementTree
import zlib

import h5py
import numpy as np

Box = collections.namedtuple("Box", "x1 y1 x2 y2 category ignore")


class Fault(Exception):
    pass


class Picture:
    """One image as this program reads it: size, the boxes that have an area, how many others there were."""

    def __init__(self, width, height):
        self.size = (int(height), int(width))
        self.boxes = []
        self.empty = self.negative = self.left_out = 0  # counted, not kept

    def add(self, x1, y1, x2, y2, category, ignore=False):
        if x2 < x1 or y2 < y1:
            self.negative += 1
        elif x2 == x1 or y2 == y1:
            self.empty += 1
        else:
            self.boxes.append(Box(x1, y1, x2, y2, category, bool(ignore)))

    @property
    def annotations(self):
        return len(self.boxes) + self.empty + self.negative + self.left_out


# ---- what the READMEs state ----


def stated(folder, item):
    """The numbers of a README's entry `item`: {"images": 128, "boxes": 939, "iscrowd=1": 10, ...}."""
    with open(os.path.join(folder, "README.md"), encoding="utf-8") as f:
        lines = f.read().split("\n")
    at = [k for k, line in enumerate(lines) if line.startswith("* `" + item)]
    if len(at) != 1:
        raise Fault("%s/README.md has %d entries for %s" % (folder, len(at), item))
    head = lines[at[0]].split(":", 1)[1] if not item.startswith("WIDER") and "wider" not in item else lines[at[0]]
    found = {}
    for name, number in re.findall(r"(images|files|boxes|rows|labels|cats|classes) (\d+)", head):
        found["images" if name == "files" else "boxes" if name == "rows" else name] = int(number)
    for number, name in re.findall(r"(\d+) (images|gtboxes)\b", head):
        found["boxes" if name == "gtboxes" else name] = int(number)
    for name, number in re.findall(r"(tag mask|extra\.ignore=1|fbox with negative x or y) (\d+)", head):
        found[name] = int(number)
    for line in lines[at[0] + 1 :]:
        match = re.match(r"  - (\d+) x (.*?)(?: e\.g\. .*)?$", line)
        if not match:
            break
        found[match.group(2)] = int(match.group(1))
    return found


def agree(what, got, wanted):
    if got != wanted:
        raise Fault("%s: %s, not %s" % (what, got, wanted))


def check_stated(folder, item, pictures, **more):
    """Own counts against the README's; more names entries of it that are counted by the caller."""
    said = stated(folder, item)
    agree("README of %s: images" % item, len(pictures), said["images"])
    agree("README of %s: boxes" % item, sum(p.annotations for p in pictures.values()), said["boxes"])
    for name, count in more.items():
        agree("README of %s: %s" % (item, name), count, said.get(name, 0))


def ignored(pictures):
    return sum(b.ignore for p in pictures.values() for b in p.boxes)


# ---- a second reader of each format; all give {name without its ending: Picture} ----


def stem(path):
    return os.path.splitext(path)[0]


def read_coco(path):
    with open(path, encoding="utf-8-sig") as f:
        d = json.load(f)
    names = {c["id"]: c["name"] for c in d.get("categories", [])}
    by_id = {}
    for i in d["images"]:
        p = by_id[i["id"]] = Picture(i["width"], i["height"])
        p.id, p.name, p.box_ids = i["id"], i.get("file_name", ""), []
    duplicates, seen = 0, set()
    for a in d["annotations"]:
        x, y, w, h = a["bbox"]
        p = by_id[a["image_id"]]
        before = len(p.boxes)
        p.add(x, y, x + w, y + h, names.get(a.get("category_id")), a.get("iscrowd") or a.get("ignore"))
        if len(p.boxes) > before:
            p.box_ids.append(a.get("id", 0))
            duplicates += a.get("id", 0) in seen
            seen.add(a.get("id", 0))
    pictures = {p.id: p for p in by_id.values()}
    return pictures, duplicates


def read_voc(folder, origin, names=None, difficult="keep", sizes=None):
    """origin: the first pixel's number, 1 for VOC's own files, whose xmax and ymax lie within the box; 0 for files
    of converters that write edges."""
    pictures = {}
    for name in sorted(os.listdir(folder)):
        if not name.endswith(".xml") or (names is not None and stem(name) not in names):
            continue
        with open(os.path.join(folder, name), "rb") as f:
            root = ElementTree.fromstring(f.read())
        size = root.find("size")
        if size is not None:
            p = Picture(size.findtext("width"), size.findtext("height"))
        elif sizes and stem(name) in sizes:
            p = Picture(*sizes[stem(name)])
        else:
            raise Fault("%s: no size" % name)
        p.difficult, p.file = 0, (root.findtext("filename") or "").strip()
        for o in root.findall("object"):
            c = {e.tag: float(e.text.replace(",", ".")) for e in o.find("bndbox")}
            hard = (o.findtext("difficult") or "0").strip() == "1"
            p.difficult += hard
            if hard and difficult == "drop":
                p.left_out += 1
                continue
            p.add(c["xmin"] - origin, c["ymin"] - origin, c["xmax"], c["ymax"], o.findtext("name").strip(),
                  hard and difficult == "ignore")
        pictures[stem(name)] = p
    return pictures


def read_yolo(images, labels, names=str):
    """images: {name: (width, height)}, the pictures that are there; labels: a folder; names: of a class's number."""
    pictures = {}
    for name, (w, h) in images.items():
        p = pictures[name] = Picture(w, h)
        path = os.path.join(labels, name + ".txt")
        if not os.path.exists(path):
            continue
        with open(path, encoding="utf-8-sig") as f:
            for line in f:
                v = line.split()
                if not v:
                    continue
                c = [float(x) for x in v[1:]]
                if len(c) == 4:
                    x, y, bw, bh = c
                    p.add((x - bw / 2) * w, (y - bh / 2) * h, (x + bw / 2) * w, (y + bh / 2) * h, names(int(v[0])))
                else:
                    p.add(min(c[0::2]) * w, min(c[1::2]) * h, max(c[0::2]) * w, max(c[1::2]) * h, names(int(v[0])))
    return pictures


def read_wider(path, sizes):
    pictures = {}
    with (gzip.open if path.endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
        lines = f.read().split("\n")
    k = 0
    while k < len(lines) and lines[k].strip():
        name, n = lines[k].strip(), int(lines[k + 1])
        p = pictures[stem(name)] = Picture(*sizes[name])
        p.invalid, p.rows = 0, n
        k += 2
        for _ in range(n):
            v = [int(x) for x in lines[k].split()]
            p.add(v[0], v[1], v[0] + v[2], v[1] + v[3], "face", v[7])
            p.invalid += v[7]
            k += 1
        if n == 0:
            agree("%s: the row of an image without faces" % name, set(lines[k].split()), {"0"})
            k += 1
    return pictures


def read_open_images(path, names, sizes):
    pictures = {}
    with open(path, newline="", encoding="utf-8-sig") as f:
        for row in csv.DictReader(f):
            name = row["ImageID"]
            if name not in pictures:
                pictures[name] = Picture(*sizes[name])
            w, h = sizes[name]
            pictures[name].add(float(row["XMin"]) * w, float(row["YMin"]) * h, float(row["XMax"]) * w,
                               float(row["YMax"]) * h, names.get(row["LabelName"], row["LabelName"]),
                               row.get("IsGroupOf") == "1")
    return pictures


def read_crowdhuman(path, kind, sizes):
    pictures = {}
    with open(path, encoding="utf-8") as f:
        for line in f:
            d = json.loads(line)
            p = pictures[d["ID"]] = Picture(*reversed(sizes[d["ID"]]))
            for b in d["gtboxes"]:
                ignore = b["tag"] != "person" or b.get("extra", {}).get("ignore", 0) == 1
                if kind == "hbox":
                    ignore = ignore or b.get("head_attr", {}).get("ignore", 0) == 1
                x, y, w, h = b[kind]
                p.add(x, y, x + w, y + h, "head" if kind == "hbox" else "person", ignore)
    return pictures


# ---- pictures: headers read, and made ones where the sets have only annotations ----


def picture_size(path):
    with open(path, "rb") as f:
        b = f.read()
    if b[:8] == b"\x89PNG\r\n\x1a\n":
        return struct.unpack(">II", b[16:24])
    k = 2
    while k < len(b) - 9:
        if b[k] != 0xFF:
            raise Fault("%s: no JPEG marker at byte %d" % (path, k))
        if 0xC0 <= b[k + 1] <= 0xCF and b[k + 1] not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", b[k + 5 : k + 9])
            return width, height
        k += 2 + struct.unpack(">H", b[k + 2 : k + 4])[0]
    raise Fault("%s: no JPEG frame" % path)


def picture_sizes(folder):
    return {
        stem(n): picture_size(os.path.join(folder, n))
        for n in sorted(os.listdir(folder))
        if n.endswith((".jpg", ".png"))
    }


made_png = {}


def make_png(path, width, height):
    """A grey picture of the right size, where a set has only annotations."""
    if (width, height) not in made_png:
        def chunk(kind, body):
            return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

        made_png[width, height] = (
            b"\x89PNG\r\n\x1a\n"
            + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(bytes(((width + 7) // 8 + 1) * height), 9))
            + chunk(b"IEND", b"")
        )
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as f:
        f.write(made_png[width, height])


def size_table(path, key=lambda name: name):
    with open(path, encoding="utf-8") as f:
        rows = [line.rstrip("\n").split("\t") for line in f if line.strip()]
    return {key(r[0]): (int(r[1]), int(r[2])) for r in rows if r[1].isdigit()}


# ---- the import and its comparison ----


class Stored:
    """An annotations.h5 through h5py."""

    def __init__(self, path):
        with h5py.File(path, "r") as f:
            self.id = f["images/id"][:].tolist()
            self.size = [tuple(s) for s in f["images/size"][:].tolist()]
            self.name = [n.decode() for n in f["images/file_name"][:]]
            self.offset = f["boxes/offset"][:].tolist()
            self.xyxy = f["boxes/xyxy"][:]
            names = dict(zip(f["categories/id"][:].tolist(), [n.decode() for n in f["categories/name"][:]]))
            self.category = [names.get(c) for c in f["boxes/category"][:].tolist()]
            self.crowd = [bool(c) for c in f["boxes/crowd"][:].tolist()]
            self.box_id = f["boxes/id"][:].tolist()
            self.report = {k: int(v) for k, v in f["report"].attrs.items() if np.issubdtype(type(v), np.integer)}

    def boxes(self, i):
        for k in range(self.offset[i], self.offset[i + 1]):
            yield Box(*self.xyxy[k].tolist(), self.category[k], self.crowd[k])


def count_edges(pictures):
    over = outside = 0
    for p in pictures.values():
        h, w = p.size
        for b in p.boxes:
            over += b.x1 < 0 or b.y1 < 0 or b.x2 > w or b.y2 > h
            outside += b.x2 <= 0 or b.y2 <= 0 or b.x1 >= w or b.y1 >= h
    return over, outside


def same_boxes(where, got, wanted, tolerance=0.0):
    agree("%s: boxes" % where, len(got), len(wanted))
    for k, (g, w) in enumerate(zip(got, wanted)):
        if g[4:] != w[4:] or any(abs(a - b) > tolerance for a, b in zip(g[:4], w[:4])):
            raise Fault("%s: box %d is %s, not %s" % (where, k, tuple(g), tuple(w)))


class Run:
    def __init__(self, binary, folder):
        self.binary = os.path.abspath(binary)
        self.folder = folder
        self.results = {}

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def command(self, out, args):
        return subprocess.run(
            [self.binary, "import", *args, "-o", out], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def holds(self, name, args, pictures, tolerance=0.0, duplicates=0, edges=True, ordered=True):
        """Imports and compares everything; pictures' keys are ids, or file names without their endings, whose order
        is that of the ids unless several sources are joined."""
        out = self.path("out.h5")
        done = self.command(out, args)
        if done.returncode:
            raise Fault("import %s: exit code %d: %s" % (" ".join(args), done.returncode, done.stderr.strip()))
        s = Stored(out)
        os.remove(out)
        agree("images", len(s.id), len(pictures))
        agree("ids ascend", s.id, sorted(set(s.id)))
        first = next(iter(pictures))
        if isinstance(first, int):
            keys = s.id
        elif hasattr(pictures[first], "file"):  # names of pictures may be unlike those of their files
            keys = sorted(pictures, key=lambda k: k.encode())
        else:
            keys = [self.key(n, pictures) for n in s.name]
        for i, key in enumerate(keys):
            if key not in pictures:
                raise Fault("image %d (%s) is not in the source" % (s.id[i], s.name[i]))
            p, where = pictures[key], "image %d (%s)" % (s.id[i], s.name[i])
            agree("%s: height, width" % where, s.size[i], p.size)
            same_boxes(where, list(s.boxes(i)), p.boxes, tolerance)
            if hasattr(p, "file"):
                agree("%s: file name" % where, s.name[i], p.file)
            if hasattr(p, "box_ids"):
                agree("%s: file name" % where, s.name[i], p.name)
                agree("%s: annotation ids" % where, s.box_id[s.offset[i] : s.offset[i + 1]], p.box_ids)
        agree("each image once", len(set(keys)), len(keys))
        if not hasattr(next(iter(pictures.values())), "box_ids"):
            agree("ids of a source without ids", s.id, list(range(1, len(s.id) + 1)))
            if ordered:
                agree("order of the ids", keys, sorted(keys, key=lambda k: k.encode()))
        self.check_report(s, pictures, duplicates, edges)
        self.check_printed(done.stdout, s)
        self.check_strict(args, pictures)
        names = [stem(n) for n in s.name] if isinstance(keys[0], int) else keys
        self.results[name] = {k: list(s.boxes(i)) for i, k in enumerate(names)}
        return "%d images, %d boxes, %d ignored, %d without area, %d negative" % (
            len(s.id), len(s.crowd), sum(s.crowd), s.report["empty_boxes"], sum(p.negative for p in pictures.values())
        )

    def check_strict(self, args, pictures):
        """--strict refuses a source of which anything is dropped, and writes nothing."""
        faults = sum(p.empty + p.negative + p.left_out for p in pictures.values())
        if faults:
            self.refused([*args, "--strict"])

    @staticmethod
    def key(file_name, pictures):
        whole = stem(file_name)
        return whole if whole in pictures else os.path.basename(whole)

    @staticmethod
    def check_report(s, pictures, duplicates, edges):
        r = s.report
        agree("report: empty_boxes", r["empty_boxes"], sum(p.empty for p in pictures.values()))
        agree("report: inverted_boxes", r.get("inverted_boxes", 0), sum(p.negative for p in pictures.values()))
        agree("report: difficult_boxes", r.get("difficult_boxes", 0), sum(p.left_out for p in pictures.values()))
        agree("report: annotations", r["annotations"], sum(p.annotations for p in pictures.values()))
        agree("report: crowds", r["crowds"], ignored(pictures))
        agree("report: without_boxes", r["without_boxes"], sum(not p.boxes for p in pictures.values()))
        agree("report: duplicate_ids", r["duplicate_ids"], duplicates)
        if edges:
            agree("report: over_edge, outside", (r["over_edge"], r["outside"]), count_edges(pictures))

    @staticmethod
    def check_printed(text, s):
        lines = text.split("\n")
        first = next((line for line in lines if "all of them:" in line), lines[0]).replace(",", "")
        for one, more, count in (
            ("image", "images", len(s.id)),
            ("box", "boxes", len(s.crowd)),
            ("annotation", "annotations", s.report["annotations"]),
        ):
            word = one if count == 1 else more
            if not re.search(r"\b%d (\w+ )*%s\b" % (count, word), first):
                raise Fault("the first line printed has no '%d %s': %s" % (count, word, first))

    def refused(self, args, *words):
        """One line that names the file and says why; nothing is left behind."""
        out = self.path("refused.h5")
        done = self.command(out, args)
        line = done.stderr.rstrip("\n")
        agree("exit code for %s (%s)" % (" ".join(args), line), done.returncode, 1)
        if "\n" in line or not line.startswith("anchorage: import: ") or os.path.basename(args[0]) not in line:
            raise Fault("refusal of %s is not one line that names it: %s" % (args[0], line))
        for w in words:
            if w not in line:
                raise Fault("refusal of %s has no word '%s': %s" % (args[0], w, line))
        agree("left behind", [n for n in os.listdir(self.folder) if n.startswith("refused.h5")], [])
        return "refused: " + line.split(": ", 3)[-1]


# ---- the cases ----

CASES = []
KEEP = ("--difficult", "keep")
EDGES = ("--corners", "edges")


def case(f):
    CASES.append((f.__name__.replace("_", "-"), f))
    return f


def unpack(run, archive, *into):
    """A .tar.gz; gives the folder in it that holds the files."""
    target = run.path(*into)
    with tarfile.open(archive) as t:
        for m in t.getmembers():
            if m.name.startswith("/") or ".." in m.name.split("/") or not (m.isfile() or m.isdir()):
                raise Fault("%s holds %s" % (archive, m.name))
        t.extractall(target)
        return os.path.join(target, os.path.dirname(next(m.name for m in t.getmembers() if m.isfile())))


def coco_case(folder, item, key=None):
    def f(run, data):
        path = os.path.join(data, folder, item)
        pictures, duplicates = read_coco(path)
        over = sum(b.x1 < 0 or b.y1 < 0 for p in pictures.values() for b in p.boxes)
        if key is not None:
            more = {}
            if folder == "coco":
                more["iscrowd=1"] = ignored(pictures)
                more["bbox negative origin"] = over
                more["duplicate annotation id"] = duplicates
                more["image without annotations"] = sum(not p.annotations for p in pictures.values())
            check_stated(os.path.join(data, folder), item, pictures, **more)
        return run.holds(name, [path], pictures, duplicates=duplicates)

    name = "coco-" + os.path.basename(item).split(".")[0].replace("_", "-")
    CASES.append((name, f))


for item in (
    "coco128_instances_train2017.json",
    "coco2014val_sampled_gts.json",
    "cocomini80_instances_train2017.json",
    "cocomini80_person_keypoints_train2017.json",
    "cocotiny80_instances_train2017.json",
    "matrice720_instances_train2017.json",
    "taco1500_annotations.json",
):
    coco_case("coco", item, True)
for item in ("pascal_train2007.json", "pascal_val2007.json", "pascal_train2012.json"):
    coco_case("voc", item, True)
coco_case("crossformat_toy", "toy_example_coco.JSON", True)
coco_case("fixtures_mmdet", "coco_sample.json")


@case
def coco_captions_are_refused(run, data):
    return run.refused([os.path.join(data, "coco/not_detection_captions_train2017.json")], "captions file")


@case
def fixtures_coco(run, data):
    """Each JSON below: imported when every annotation has a box and every image a size, refused otherwise."""
    n = refused = 0
    for folder, _, files in sorted(os.walk(os.path.join(data, "fixtures_datumaro/coco_dataset"))):
        for name in sorted(files):
            if not name.endswith(".json"):
                continue
            path = os.path.join(folder, name)
            try:
                pictures, duplicates = read_coco(path)
                good = bool(pictures)
            except (KeyError, TypeError, ValueError):
                good = False
            if good:
                run.holds("fixtures-coco", [path], pictures, duplicates=duplicates)
            else:
                run.refused([path])
            n, refused = n + good, refused + (not good)
    if n < 8 or refused < 4:
        raise Fault("%d imported, %d refused" % (n, refused))
    return "%d imported, %d refused" % (n, refused)


# -- PASCAL VOC --


def voc_rebuilt(run, data):
    if not os.path.isdir(run.path("voc")):
        unpack(run, os.path.join(data, "voc/voc2007_trainval_xml_rebuilt.tar.gz"), "voc")
    return run.path("voc", "VOC2007", "Annotations")


@case
def voc_2007(run, data):
    """All 5,011 files, once for each rule of difficult objects."""
    folder = voc_rebuilt(run, data)
    pictures = read_voc(folder, 1)
    check_stated(
        os.path.join(data, "voc"),
        "voc2007_trainval_xml_rebuilt.tar.gz",
        pictures,
        **{"difficult=1": sum(p.difficult for p in pictures.values())},
    )
    said = run.holds("voc-2007", [folder, *KEEP], pictures)
    for rule in ("drop", "ignore"):
        said = run.holds("voc-2007-" + rule, [folder, "--difficult", rule], read_voc(folder, 1, difficult=rule))
    return said


@case
def voc_2007_lists(run, data):
    """The halves of ImageSets/Main, and their boxes beside the COCO conversions'."""
    folder = voc_rebuilt(run, data)
    for half in ("train", "val"):
        list_path = os.path.join(data, "voc/ImageSets/Main", half + ".txt")
        with open(list_path) as f:
            names = set(f.read().split())
        pictures = read_voc(folder, 1, names)
        agree("images of %s" % half, len(pictures), len(names))
        said = run.holds("voc-2007-" + half, [folder, "--list", list_path, *KEEP], pictures)
    return said


@case
def voc_original(run, data):
    folder = os.path.join(data, "voc/original_xml")
    pictures = read_voc(folder, 1)
    check_stated(
        os.path.join(data, "voc"),
        "original_xml",
        pictures,
        **{"difficult=1": sum(p.difficult for p in pictures.values())},
    )
    return run.holds("voc-original", [folder, *KEEP], pictures)


@case
def bccd(run, data):
    folder = os.path.join(data, "bccd/Annotations")
    pictures = read_voc(folder, 1)
    check_stated(os.path.join(data, "bccd"), "Annotations", pictures)
    for name, size in picture_sizes(os.path.join(data, "bccd/JPEGImages")).items():
        agree("size of the picture %s" % name, (size[1], size[0]), pictures[name].size)
    with open(os.path.join(data, "bccd/test.csv"), newline="") as f:
        table = collections.Counter(stem(r["filename"]) for r in csv.DictReader(f))
    agree("rows of test.csv", table, collections.Counter({n: p.annotations for n, p in pictures.items() if p.annotations}))
    return run.holds("bccd", [folder, *KEEP], pictures)


@case
def crossformat_voc(run, data):
    folder = os.path.join(data, "crossformat_toy/voc")
    pictures = read_voc(folder, 1)
    check_stated(os.path.join(data, "crossformat_toy"), "voc", pictures)
    run.holds("crossformat-voc", [folder, *KEEP], pictures)
    return run.holds("crossformat-voc-edges", [folder, *KEEP, *EDGES], read_voc(folder, 0))


@case
def fixtures_voc(run, data):
    base = os.path.join(data, "fixtures_datumaro/voc_dataset")
    for n in "13":
        folder = os.path.join(base, "voc_dataset" + n, "Annotations")
        run.holds("fixtures-voc" + n, [folder, *KEEP], read_voc(folder, 1))
    mmdet = os.path.join(data, "fixtures_mmdet/custom_dataset/images")
    run.holds("fixtures-mmdet-voc", [mmdet, *KEEP], read_voc(mmdet, 1))
    # No <size> in these, and no pictures either.
    return run.refused([os.path.join(base, "voc_dataset2/Annotations"), *KEEP])


# -- YOLO --


def yolo_names(path):
    with open(path, encoding="utf-8") as f:
        names = f.read().split("\n")
    return lambda k: names[k]


@case
def coco128_yolo(run, data):
    base = os.path.join(data, "coco128_yolo")
    sizes = picture_sizes(os.path.join(base, "images/train2017"))
    agree("sizes_train2017.tsv", size_table(os.path.join(base, "sizes_train2017.tsv"), stem), sizes)
    labels = os.path.join(base, "labels/train2017")
    pictures = read_yolo(sizes, labels, yolo_names(os.path.join(base, "classes.txt")))
    said = stated(base, "labels/train2017")
    agree("README: label files", len(os.listdir(labels)), said["images"])
    agree("README: images without label file", sum(not os.path.exists(os.path.join(labels, n + ".txt")) for n in sizes),
          said["images without label file"])
    strays = [n for n in os.listdir(labels) if stem(n) not in sizes]
    stray_rows = sum(len(open(os.path.join(labels, n)).read().split("\n")) - 1 for n in strays)
    agree("README: boxes", sum(p.annotations for p in pictures.values()) + stray_rows, said["boxes"])
    args = [base, "--names", os.path.join(base, "classes.txt")]
    return run.holds("coco128-yolo", args, pictures, 1e-6, edges=False)


@case
def coco128_yolo_seg(run, data):
    base = os.path.join(data, "coco128_yolo")
    sizes = picture_sizes(os.path.join(base, "images/train2017"))
    labels = os.path.join(base, "labels_seg/train2017")
    said = stated(base, "labels_seg/train2017 (YOLO-seg polygons, class ids = COCO panoptic ids)")
    agree("README: label files", len(os.listdir(labels)), said["images"])
    pictures = read_yolo(sizes, labels)
    args = [labels, "--images", os.path.join(base, "images/train2017")]
    return run.holds("coco128-yolo-seg", args, pictures, 1e-6, edges=False)


@case
def fixtures_yolo(run, data):
    base = os.path.join(data, "fixtures_datumaro/yolo_dataset")
    names = yolo_names(os.path.join(base, "labels/obj.names"))
    pictures = {}
    for half in ("train", "val"):
        sizes = picture_sizes(os.path.join(base, "labels/images", half))
        these = read_yolo(sizes, os.path.join(base, "labels/labels", half), names)
        pictures.update({half + "/" + k: p for k, p in these.items()})
    args = [os.path.join(base, "labels"), "--names", os.path.join(base, "labels/obj.names")]
    said = run.holds("fixtures-yolo", args, pictures, 1e-6, edges=False)
    # Pictures and labels in folders of other names, and side by side in one.
    for labels, images in (("annotations/Annotations", "annotations/Images"), ("strict/obj_train_data",) * 2):
        labels, images = os.path.join(base, labels), os.path.join(base, images)
        one = read_yolo(picture_sizes(images), labels, names)
        args = [labels, "--images", images, "--names", os.path.join(base, "strict/obj.names")]
        run.holds("fixtures-yolo", args, one, 1e-6, edges=False)
    return said


# -- WIDER FACE --


def wider_case(name, txt, table, archive, item):
    def text(run, data):
        base = os.path.join(data, "wider_face")
        pictures = read_wider(os.path.join(base, txt), size_table(os.path.join(base, table)))
        path = os.path.join(base, txt)
        if txt.endswith(".gz"):
            path = run.path(txt[:-3])
            with gzip.open(os.path.join(base, txt)) as f, open(path, "wb") as g:
                shutil.copyfileobj(f, g)
        else:
            check_stated(base, txt, pictures, **{"invalid=1": sum(p.invalid for p in pictures.values())})
        said = run.holds(name + "-txt", [path, "--sizes", os.path.join(base, table)], pictures)
        run.refused([path], "--images", "--sizes")
        return said

    def xml(run, data):
        folder = unpack(run, os.path.join(data, "wider_face", archive), name)
        pictures = read_voc(folder, 0)
        check_stated(os.path.join(data, "wider_face"), archive, pictures)
        return run.holds(name + "-xml", [folder, *EDGES, *KEEP], pictures)

    CASES.append((name + "-txt", text))
    CASES.append((name + "-xml", xml))


wider_case(
    "wider-val",
    "wider_face_val_bbx_gt.even_events.txt",
    "sizes_val.even_events.tsv",
    "WIDER_val_xml.even_events.tar.gz",
    "wider_face_val",
)
wider_case(
    "wider-train",
    "wider_face_train_bbx_gt.REBUILT.txt.gz",
    "sizes_train.tsv",
    "WIDER_train_xml.tar.gz",
    "wider_face_train",
)


@case
def fixtures_wider(run, data):
    base = os.path.join(data, "fixtures_datumaro/widerface_dataset")
    for half in ("train", "val"):
        path = os.path.join(base, "wider_face_split/wider_face_%s_bbx_gt.txt" % half)
        images = os.path.join(base, "WIDER_%s/images" % half)
        sizes = {}
        for event in os.listdir(images):
            for n in os.listdir(os.path.join(images, event)):
                sizes[event + "/" + n] = picture_size(os.path.join(images, event, n))
        said = run.holds("fixtures-wider-" + half, [path, "--images", images], read_wider(path, sizes))
    return said


# -- KITTI --


@case
def kitti_voc(run, data):
    base = os.path.join(data, "kitti")
    folder = unpack(run, os.path.join(base, "kitti_train_voc_xml.tar.gz"), "kitti-voc")
    pictures = read_voc(folder, 0)
    check_stated(base, "kitti_train_voc_xml.tar.gz", pictures)
    agree("sizes_train.tsv", size_table(os.path.join(base, "sizes_train.tsv"), stem),
          {n: (p.size[1], p.size[0]) for n, p in pictures.items()})
    return run.holds("kitti-voc", [folder, *EDGES, *KEEP], pictures)


def kitti_pictures(run, base):
    """Blank pictures of the true sizes; the set's own are not here."""
    folder = run.path("kitti", "training", "image_2")
    sizes = size_table(os.path.join(base, "sizes_train.tsv"), stem)
    if not os.path.isdir(folder):
        for name, size in sizes.items():
            make_png(os.path.join(folder, name + ".png"), *size)
    return folder, sizes


@case
def kitti_yolo(run, data):
    base = os.path.join(data, "kitti")
    labels = unpack(run, os.path.join(base, "kitti_train_yolo_labels.tar.gz"), "kitti-yolo")
    images, sizes = kitti_pictures(run, base)
    pictures = read_yolo(sizes, labels, yolo_names(os.path.join(base, "classes.txt")))
    check_stated(base, "kitti_train_yolo_labels.tar.gz", pictures)
    args = [labels, "--images", images, "--names", os.path.join(base, "classes.txt")]
    return run.holds("kitti-yolo", args, pictures, 1e-6, edges=False)


@case
def kitti_label_2(run, data):
    """The real boxes written as label_2 files, the form they came from, with a DontCare in each."""
    base = os.path.join(data, "kitti")
    _, sizes = kitti_pictures(run, base)
    folder = run.path("kitti", "training", "label_2")
    os.makedirs(folder)
    pictures = read_voc(run.path("kitti-voc", "Annotations"), 0)
    for name, p in pictures.items():
        with open(os.path.join(folder, name + ".txt"), "w") as f:
            for b in p.boxes:
                f.write("%s 0.00 0 -1.57 %.2f %.2f %.2f %.2f 1.65 1.67 3.64 -0.65 1.71 46.70 -1.59\n"
                        % (b.category, b.x1, b.y1, b.x2, b.y2))
            f.write("DontCare -1 -1 -10 503.89 169.71 590.61 190.13 -1 -1 -1 -1000 -1000 -1000 -10\n")
        p.add(503.89, 169.71, 590.61, 190.13, "DontCare", True)
    return run.holds("kitti-label-2", [folder], pictures)


# -- Open Images --


def class_names(path):
    with open(path, newline="", encoding="utf-8") as f:
        return {r[0]: r[1] for r in csv.reader(f)}


@case
def open_images(run, data):
    """Real rows; the format has no sizes, so these are made up and given as an image list."""
    base = os.path.join(data, "openimages")
    path = os.path.join(base, "train-annotations-bbox.csv")
    with open(path, newline="") as f:
        ids = sorted({row["ImageID"] for row in csv.DictReader(f)})
    sizes = {n: (1024 - int(n[:2], 16) % 3, 500 + int(n[-2:], 16)) for n in ids}
    table = run.path("open-images-sizes.csv")
    with open(table, "w") as f:
        f.write("Rotation,Height,ImageID,Width\n")
        f.writelines("0,%d,%s,%d\n" % (sizes[n][1], n, sizes[n][0]) for n in reversed(ids))
    said = ""
    for names in ("class-descriptions-boxable.csv", "class-descriptions-6.header.csv"):
        pictures = read_open_images(path, class_names(os.path.join(base, names)), sizes)
        check_stated(base, "train-annotations-bbox.csv", pictures, **{"IsGroupOf=1": ignored(pictures)})
        args = [path, "--sizes", table, "--names", os.path.join(base, names)]
        said = run.holds("open-images", args, pictures, 1e-9, edges=False)
    pictures = read_open_images(path, {}, sizes)
    run.holds("open-images", [path, "--sizes", table], pictures, 1e-9, edges=False)
    run.refused([path], "--images", "--sizes")
    return said


@case
def fixtures_open_images(run, data):
    base = os.path.join(data, "fixtures_datumaro/open_images_dataset/v6")
    names = os.path.join(base, "annotations/oidv6-class-descriptions.csv")
    for half, csv_name in (("train", "oidv6-train-annotations-bbox.csv"), ("test", "test-annotations-bbox.csv")):
        path, images = os.path.join(base, "annotations", csv_name), os.path.join(base, "images", half)
        pictures = read_open_images(path, class_names(names), picture_sizes(images))
        run.holds("fixtures-open-images", [path, "--images", images, "--names", names], pictures, 1e-9)
    for other in ("train-annotations-object-segmentation.csv", "test-annotations-human-imagelabels.csv"):
        said = run.refused([os.path.join(base, "annotations", other)])
    run.refused([os.path.join(data, "fixtures_mmdet/openimages/challenge-2019-train-detection-bbox.txt")])
    return said


# -- CrowdHuman --


def crowdhuman_case(name, item, table):
    def f(run, data):
        base = os.path.join(data, "crowdhuman")
        with open(os.path.join(base, table)) as g:
            sizes = json.load(g)
        path = os.path.join(base, item)
        with open(path) as g:
            ids = [json.loads(line)["ID"] for line in g]
        for n in ids:  # three of the four genuine records have no known size
            sizes.setdefault(n, [1600, 2000])
        list_path = run.path(name + ".csv")
        with open(list_path, "w", newline="") as g:
            csv.writer(g).writerows([("ImageID", "Width", "Height")] + [(n, sizes[n][1], sizes[n][0]) for n in ids])
        for kind in ("hbox", "vbox", "fbox"):
            pictures = read_crowdhuman(path, kind, sizes)
            said = run.holds(name + "-" + kind, [path, "--box", kind, "--sizes", list_path], pictures)
        check_stated(base, item, pictures, **{
            "fbox with negative x or y": sum(b.x1 < 0 or b.y1 < 0 for p in pictures.values() for b in p.boxes),
            "extra.ignore=1": ignored(pictures)})
        run.refused([path], "--images", "--sizes")
        return said

    CASES.append((name, f))


crowdhuman_case("crowdhuman-genuine", "genuine_lines.odgt", "id_hw_genuine.json")
crowdhuman_case("crowdhuman-derived", "derived_from_wider.odgt", "id_hw_derived.json")


# -- what is none of the formats --


@case
def voc_2007_and_2012_joined(run, data):
    """Three files whose images have ids of their own, but whose annotations are all counted from 1."""
    paths = [os.path.join(data, "voc", n + ".json") for n in ("pascal_train2007", "pascal_val2007", "pascal_train2012")]
    pictures, duplicates = {}, 0
    for path in paths:
        more, twice = read_coco(path)
        agree("images in both", sorted(set(more) & set(pictures)), [])
        pictures.update(more)
        duplicates += twice
    for p in pictures.values():
        p.box_ids = [0] * len(p.boxes)
    return run.holds("voc-joined", paths, pictures, duplicates=duplicates)


@case
def coco_and_bccd_joined(run, data):
    """Image ids that clash, and category ids that mean something else in each."""
    pictures = {}
    path = os.path.join(data, "coco", "coco128_instances_train2017.json")
    for p in read_coco(path)[0].values():
        pictures[stem(p.name)] = p
    folder = os.path.join(data, "bccd")
    for key, p in read_voc(os.path.join(folder, "Annotations"), 1).items():
        pictures[key] = p
    for p in pictures.values():
        for name in ("file", "box_ids"):
            if hasattr(p, name):
                delattr(p, name)
    return run.holds("coco-bccd", [path, folder, *KEEP], pictures, ordered=False)


@case
def dota_is_refused(run, data):
    return run.refused([os.path.join(data, "extra_dota/labelTxt")])


# ---- the same boxes through each format ----


def nearest(where, got, wanted, tolerance):
    """Each wanted box has a partner of its own within the tolerance."""
    agree("%s: boxes" % where, len(got), len(wanted))
    left = list(got)
    for w in wanted:
        near = [g for g in left if g[4:] == w[4:] and all(abs(a - b) <= tolerance for a, b in zip(g[:4], w[:4]))]
        if not near:
            raise Fault("%s: no box within %g of %s" % (where, tolerance, tuple(w)))
        left.remove(near[0])


def beside(run, a, b, rename=lambda key: key, tolerance=0.0, objects_only=False, marks=True):
    """Every image of b has the boxes that it has in a, in any order. marks: ignore marks count, too."""
    n = 0
    for key, boxes in run.results[b].items():
        lists = [
            sorted(x._replace(ignore=x.ignore and marks) for x in these if not (objects_only and x.ignore))
            for these in (run.results[a][rename(key)], boxes)
        ]
        where = "%s beside %s: image %s" % (a, b, key)
        nearest(where, *lists, tolerance) if tolerance else same_boxes(where, *lists)
        n += len(lists[0])
    return "%s = %s: %d images, %d boxes" % (a, b, len(run.results[b]), n)


def bare(key):
    return key.rsplit("/", 1)[-1]


# The conventions' differences: COCO's conversions of VOC took its corners as pixels from 1, the toy set's as edges, as
# WIDER FACE's and KITTI's XML are to be taken. YOLO's six decimals are within 1e-3 px; it has no ignore regions,
# XML no invalid faces.
PAIRS = (
    ("voc-2007", "coco-pascal-train2007", {}),
    ("voc-2007", "coco-pascal-val2007", {}),
    ("voc-2007-train", "coco-pascal-train2007", {}),
    ("voc-2007-val", "coco-pascal-val2007", {}),
    ("crossformat-voc-edges", "coco-toy-example-coco", {}),
    ("wider-val-xml", "wider-val-txt", {"rename": bare, "marks": False}),
    ("wider-train-xml", "wider-train-txt", {"rename": bare, "marks": False}),
    ("kitti-voc", "kitti-yolo", {"tolerance": 1e-6}),
    ("kitti-voc", "kitti-label-2", {"objects_only": True}),
    ("coco128-yolo", "coco-coco128-instances-train2017", {"tolerance": 1e-3, "objects_only": True}),
)


def main():
    wanted = [a for a in sys.argv[3:]]
    if sys.argv[1:] == ["--list"]:
        print("\n".join(name for name, _ in CASES))
        return 0
    if len(sys.argv) < 3:
        print(__doc__.split("\n\n")[1], file=sys.stderr)
        return 2
    data = os.path.abspath(os.path.join(sys.argv[2], "data"))
    failed = done = 0
    with tempfile.TemporaryDirectory() as folder:
        run = Run(sys.argv[1], folder)
        jobs = [(n, lambda f=f: f(run, data)) for n, f in CASES if not wanted or any(w in n for w in wanted)]
        for name, f in jobs:
            try:
                said = f()
            except Exception as fault:  # whatever it is, the other cases go on
                said, failed = "FAILED: %s: %s" % (type(fault).__name__, fault), failed + 1
            print("%-40s %s" % (name, said), flush=True)
            done += 1
        for a, b, how in PAIRS:
            if a not in run.results or b not in run.results:
                if wanted:
                    continue
                said, failed = "FAILED: %s or %s was not imported" % (a, b), failed + 1
            else:
                try:
                    said = beside(run, a, b, **how)
                except Fault as fault:
                    said, failed = "FAILED: %s" % fault, failed + 1
            print(said, flush=True)
            done += 1
    print("%d cases, %d failed" % (done, failed))
    return failed > 0 or done == 0


if __name__ == "__main__":
    sys.exit(main())
