#!/bin/bash
# demo.sh ANCHORAGE DIR: the whole way on generated scenes, on two ranks: scenes and a backbone's features, labels, a trained
# head, proposals, average recall; an untrained head beside it. Each command is shown before it runs; half a minute.
set -eu
anchorage=$1 dir=$2
TMPDIR=$(mktemp -d) # mpirun's, which it does not always clear
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
show() {
    printf '\n$'
    printf ' %s' "$@"
    printf '\n'
    "$@"
}
rank2="mpirun -n 2 $anchorage"
size="--width 320-480 --height 240-360"

show $anchorage synth -o "$dir/train" --scenes 400 $size --features --seed 1
show $anchorage synth -o "$dir/val" --scenes 100 $size --features --seed 2
show $rank2 label "$dir/train/annotations.json" -o "$dir/targets" --like "$dir/train/features.h5" --epochs 4 \
    --images-per-shard 100 --restart
show $rank2 train "$dir/targets" "$dir/train/features.h5" -o "$dir/head.h5" --steps 2000 --batch 8 --schedule cosine --overwrite
show $rank2 propose "$dir/head.h5" "$dir/val/features.h5" -o "$dir/proposals.h5" --restart
show $anchorage evaluate "$dir/proposals.h5" "$dir/val/annotations.json" --json "$dir/recall.json"

echo
echo "The same with the head as it was before the first step:"
show $anchorage train "$dir/targets" "$dir/train/features.h5" -o "$dir/untrained.h5" --steps 2000 --batch 8 --untrained \
    --overwrite --quiet
show $rank2 propose "$dir/untrained.h5" "$dir/val/features.h5" -o "$dir/untrained-proposals.h5" --restart --quiet
$anchorage evaluate "$dir/untrained-proposals.h5" "$dir/val/annotations.json" --quiet --json "$dir/untrained.json" >"$dir/untrained.txt"

recall() { # recall FILE.json: the average recall over all sizes at 1, 10, 100, 300, 1000 proposals, in percent
    grep -m1 '"average_recall"' "$1" | sed 's/.*"average_recall":\[\([^]]*\)\].*/\1/' | tr ',' ' '
}
echo
printf 'average recall at    %6s %6s %6s %6s %6s proposals\n' 1 10 100 300 1000
printf '  untrained head     %6.3f %6.3f %6.3f %6.3f %6.3f\n' $(recall "$dir/untrained.json")
printf '  trained head       %6.3f %6.3f %6.3f %6.3f %6.3f\n' $(recall "$dir/recall.json")

mb() { du -sm "$1" | cut -f 1; }
build=$(dirname "$(readlink -f "$anchorage")")
echo
echo "This left $(mb "$dir") MB in $dir/ and $(mb "$build") MB in $(basename "$build")/; 'make clean' removes both."
