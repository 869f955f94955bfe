#!/bin/bash
# peers.sh BUILD/anchorage: torchvision's own code and ours on the same views, side by side, one core each.
#
# First both sides must agree on every view; then each is timed in turn, ROUNDS times; medians are compared.
# torchvision runs as installed, and once more with malloc told to keep its memory ("tuned": half of the
# default time is page faults). CPU time per view for torchvision; for us the seconds that `label`
# counts for match, sample and encode, on EPOCHS views of each image. Making anchors is timed on neither side.
# Prints a figure a line: name, value, unit, what it was measured beside.
set -euo pipefail
cd "$(dirname "$0")/.."
anchorage=${1:-build/anchorage}
python=/usr/bin/python3 scenes=${SCENES:-40} epochs=${EPOCHS:-50} rounds=${ROUNDS:-3}
if ! $python -c 'import h5py, torch, torchvision' 2>/dev/null; then
    echo "peers: NOT RUN: no torchvision here; apt-get install -y python3-torchvision python3-h5py"
    exit 0
fi
[ -x "$anchorage" ] || { echo "peers: $anchorage is missing; run make first" >&2; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
tuned="MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=268435456"

preset=$($python tests/real/real_torchvision.py preset)
"$anchorage" synth -q -o "$tmp" --scenes "$scenes" --width 1333 --height 800 --seed 1
label() { "$anchorage" label -q "$tmp/annotations.json" --preset "$preset" --restart "$@"; }
label -o "$tmp/check" --assignment --with-gt --sampler torch --seed 1
$python tests/real/real_torchvision.py check "$tmp/annotations.json" "$tmp/check" | sed 's/^ *\(.*\)$/peers.agree: \1/'

for ((i = 0; i < rounds; i++)); do
    $python bench/peers_torchvision.py time "$tmp/check" >>"$tmp/default"
    label -o "$tmp/timed" --epochs "$epochs" --summary-json "$tmp/ours.$i"
    env $tuned $python bench/peers_torchvision.py time "$tmp/check" >>"$tmp/tuned"
done

$python - "$tmp" "$rounds" "$epochs" <<'END'
import json, statistics as st, sys
tmp, rounds, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
peers = {}
for k in ("default", "tuned"):
    peers[k] = [[float(x) for x in line.split()] for line in open("%s/%s" % (tmp, k))]
runs = [json.load(open("%s/ours.%d" % (tmp, i))) for i in range(rounds)]
n = runs[0]["views"]
beside = "median of %d rounds, %d images of 800 x 1333 px, %d anchors each, %.1f boxes on average" % (
    rounds, n // epochs, runs[0]["anchors"] // n, runs[0]["objects"] / n)
def line(name, value, unit, what):
    print("%-28s %12.1f %-8s %s" % (name, value, unit, what))
whole = {}
for k, note in (("default", "as installed"), ("tuned", "malloc keeps its memory")):
    for i, stage in enumerate(("total", "assign", "sample", "encode")):
        v = st.median(r[i] for r in peers[k])
        line("torchvision.%s.%s" % (k, stage), v, "us/view", "CPU time, 1 thread, %s; %s" % (note, beside))
        whole.setdefault(k, v)
ours = [[1e6 * r["seconds"]["all_ranks"][s] / n for s in ("match", "sample", "encode")] for r in runs]
here = "1 rank, %s kernels; %s" % (runs[0]["kernels"], beside)
for i, stage in enumerate(("match", "sample", "encode")):
    line("anchorage.%s" % stage, st.median(r[i] for r in ours), "us/view", here)
total = st.median(sum(r) for r in ours)
line("anchorage.total", total, "us/view", here)
line("peers.ratio.default", whole["default"] / total, "x", "torchvision as installed / anchorage, medians")
line("peers.ratio.tuned", whole["tuned"] / total, "x", "torchvision with tuned malloc / anchorage, medians")
END
