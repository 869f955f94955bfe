#!/bin/bash
# seeds.sh ANCHORAGE FOLDER REAL: first inputs for the fuzz targets, FOLDER/TARGET/*, and small HDF5 files to be
# damaged, FOLDER/damage/*. All are made here, but for a few files of the real data sets where REAL has them.
set -eu
anchorage=$(realpath "$1") out=$2 real=$3 here=$(realpath "$(dirname "$0")")
mkdir -p "$out"
cd "$out"
mkdir -p coco results config config_json pack run_json lock seal damage

"$anchorage" synth -q -o synth --images --scenes 4 --width 60-90 --height 60-90 --boxes 0-3
"$anchorage" import -q synth/annotations.json -o damage/annotations.h5
"$anchorage" label -q synth/annotations.json -o damage/targets --images-per-shard 2 --config <(printf '[view]\nmin_size = 96\nmax_size = 128\n')
"$anchorage" label -q synth/annotations.json -o damage/rich --images-per-shard 3 --assignment --with-gt --labels \
    --config <(printf '[view]\nmin_size = 48\nmax_size = 64\n')
for p in $("$anchorage" presets | awk '{ print $1 }'); do "$anchorage" presets "$p" >"config/$p"; done
/usr/bin/python3 "$here/seeds.py" "$real"
