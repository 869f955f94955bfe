#!/bin/bash
# run.sh ANCHORAGE FOLDER: a fixed set of runs, then the sha256 of every file that they wrote, by name.
#
# What is behind a file is not only our code: HDF5 lays it out, libdeflate and zlib pack it, OpenBLAS multiplies.
# Their versions stand first, so that bytes are compared only with bytes that can be the same.
set -eu
anchorage=$(realpath "$1")
eval "$("$anchorage" mpi-settings desk)"
here=$(realpath "$(dirname "$0")")
root=$here/../..
mkdir -p "$2"
cd "$2"
export OPENBLAS_CORETYPE=Haswell OPENBLAS_NUM_THREADS=1
a() { "$anchorage" "$@" -q >>log 2>&1 || { echo "failed: anchorage $*" >&2; tail -n 3 log >&2; exit 1; }; }
on() { mpirun -n "$1" "$anchorage" "${@:2}" -q >>log 2>&1 || { echo "failed on $1 ranks: ${*:2}" >&2; tail -n 3 log >&2; exit 1; }; }

a synth -o scenes --scenes 60 --seed 3
a synth -o drawn --scenes 8 --width 200-320 --height 160-240 --images --features --seed 4
data=scenes/annotations.json

# annotations of every format, and both ways to keep them
/usr/bin/python3 "$root/bench/make_formats.py" $data formats
mkdir read
a import $data -o read/coco.h5
a import $data -o read/coco.json
for f in voc yolo kitti visdrone open_images.csv wider.txt crowdhuman.odgt; do
    a import formats/$f -o "read/$f.h5" --sizes formats/sizes.tsv
done
on 3 import formats/voc formats/yolo -o read/joined.h5 --sizes formats/sizes.tsv

# every preset; one and three ranks; both kernels; all that a shard can keep
for preset in $("$anchorage" presets | awk '{ print $1 }'); do
    a label read/coco.h5 -o "$preset" --preset "$preset" --images-per-shard 25 --flip 0.5 --epochs 2 --crowd ignore=0.5
done
rich=(--assignment --with-gt --labels --sampler torch --images-per-shard 20 --set view.min_size=320 --set view.max_size=533)
a label $data -o rich "${rich[@]}" --simd scalar
a label $data -o rich-widest "${rich[@]}"
on 3 label $data -o rich-3 "${rich[@]}"

# features, head, proposals, recall, the second stage
a label drawn/annotations.json -o like --like drawn/features.h5 --epochs 2 --images-per-shard 3
a train like drawn/features.h5 -o head.h5 --steps 12 --batch 4 --checkpoint-every 5 --keep 2
on 3 train like drawn/features.h5 -o head-3.h5 --steps 12 --batch 4 --checkpoint-every 5 --keep 2
a propose head.h5 drawn/features.h5 -o proposals.h5 --coco results.json
on 3 propose head.h5 drawn/features.h5 -o proposals-3.h5
a evaluate proposals.h5 drawn/annotations.json --json recall.json --csv recall.csv
a label drawn/annotations.json -o roi --stage roi --proposals proposals.h5 --images-per-shard 5
on 3 label drawn/annotations.json -o roi-3 --stage roi --proposals results.json --images-per-shard 5

rm -rf formats log
/usr/bin/python3 - <<'END'
import ctypes
import h5py
def version(library, symbol, restype=ctypes.c_char_p):
    f = getattr(ctypes.CDLL(library), symbol)
    f.restype = restype
    return f().decode()
print("# HDF5 %s, zlib %s, OpenBLAS %s" % (h5py.version.hdf5_version, version("libz.so.1", "zlibVersion"),
      version("libopenblas.so.0", "openblas_get_config").split()[1]))
END
find . -type f | LC_ALL=C sort | xargs sha256sum
