#!/usr/bin/python3
"""make_formats.py COCO.json DIR: the same images and boxes in every format that `anchorage import` reads, for bench/import.sh:
DIR/voc, yolo, kitti and visdrone (folders), open_images.csv, wider.txt, crowdhuman.odgt, and sizes.tsv for those that
do not tell the sizes of images."""
import collections
import json
import os
import sys


def main(source, top):
    with open(source) as f:
        data = json.load(f)
    names = {c["id"]: c["name"] for c in data["categories"]}
    number = {c: i for i, c in enumerate(sorted(names))}
    boxes = collections.defaultdict(list)
    for a in data["annotations"]:
        boxes[a["image_id"]].append((a["category_id"], *a["bbox"]))
    for folder in ("voc/Annotations", "yolo/labels", "kitti/label_2", "visdrone/annotations"):
        os.makedirs(os.path.join(top, folder))
    path = {i["id"]: "%012d" % i["id"] for i in data["images"]}

    def each(pattern, text):
        for i in data["images"]:
            with open(os.path.join(top, pattern % path[i["id"]]), "w") as f:
                f.write(text(i["width"], i["height"], i["id"], boxes[i["id"]]))

    each("voc/Annotations/%s.xml",
         lambda w, h, i, b: "<annotation>\n\t<folder>VOC</folder>\n\t<filename>%s.jpg</filename>\n\t<source>\n\t\t<database>generated"
         "</database>\n\t</source>\n\t<size>\n\t\t<width>%d</width>\n\t\t<height>%d</height>\n\t\t<depth>3</depth>\n\t</size>\n"
         "\t<segmented>0</segmented>\n%s</annotation>\n" % (path[i], w, h, "".join(
             "\t<object>\n\t\t<name>%s</name>\n\t\t<pose>Unspecified</pose>\n\t\t<truncated>0</truncated>\n\t\t<difficult>0</difficult>\n"
             "\t\t<bndbox>\n\t\t\t<xmin>%d</xmin>\n\t\t\t<ymin>%d</ymin>\n\t\t\t<xmax>%d</xmax>\n\t\t\t<ymax>%d</ymax>\n\t\t</bndbox>\n"
             "\t</object>\n" % (names[c], x + 1, y + 1, x + bw, y + bh) for c, x, y, bw, bh in b)))
    each("yolo/labels/%s.txt",
         lambda w, h, i, b: "".join("%d %.6f %.6f %.6f %.6f\n" % (number[c], (x + bw / 2) / w, (y + bh / 2) / h, bw / w, bh / h)
                                    for c, x, y, bw, bh in b))
    each("kitti/label_2/%s.txt",
         lambda w, h, i, b: "".join("%s 0.00 0 -1.57 %.2f %.2f %.2f %.2f 1.50 1.60 3.70 -10.00 1.70 20.00 -1.50\n" %
                                    (names[c].replace(" ", "_"), x, y, x + bw, y + bh) for c, x, y, bw, bh in b))
    each("visdrone/annotations/%s.txt",
         lambda w, h, i, b: "".join("%d,%d,%d,%d,1,%d,0,0\n" % (x, y, bw + 1, bh + 1, 1 + number[c] % 10) for c, x, y, bw, bh in b))
    with open(os.path.join(top, "sizes.tsv"), "w") as f:
        for i in data["images"]:
            f.write("%s.jpg\t%d\t%d\n" % (path[i["id"]], i["width"], i["height"]))
    with open(os.path.join(top, "open_images.csv"), "w") as f:
        f.write("ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside\n")
        for i in data["images"]:
            for c, x, y, bw, bh in boxes[i["id"]]:
                f.write("%s,xclick,/m/%05d,1,%.6f,%.6f,%.6f,%.6f,0,0,0,0,0\n" % (
                    path[i["id"]], c, x / i["width"], (x + bw) / i["width"], y / i["height"], (y + bh) / i["height"]))
    with open(os.path.join(top, "wider.txt"), "w") as f:
        for i in data["images"]:
            b = boxes[i["id"]]
            f.write("0--Parade/%s.jpg\n%d\n" % (path[i["id"]], len(b)))
            f.write("".join("%d %d %d %d 0 0 0 0 0 0 \n" % (x, y, bw + 1, bh + 1) for c, x, y, bw, bh in b) or
                    "0 0 0 0 0 0 0 0 0 0 \n")
    with open(os.path.join(top, "crowdhuman.odgt"), "w") as f:
        for i in data["images"]:
            f.write(json.dumps({"ID": path[i["id"]], "gtboxes": [
                {"tag": "person", "fbox": [int(x), int(y), int(bw) + 1, int(bh) + 1], "vbox": [int(x), int(y), int(bw) + 1, int(bh) + 1],
                 "hbox": [int(x), int(y), 5, 5], "head_attr": {"ignore": 0, "occ": 0, "unsure": 0}, "extra": {"box_id": k, "occ": 0}}
                for k, (c, x, y, bw, bh) in enumerate(boxes[i["id"]])]}) + "\n")


main(sys.argv[1], sys.argv[2])
