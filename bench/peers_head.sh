#!/bin/bash
# peers_head.sh BUILD/anchorage: a training step of torchvision's dense RPN head and of ours, side by side.
#
# The same features (VIEWS views of 800 x 1333 px, FPN, 256 channels), minibatches, targets and start weights. First losses
# and the gradient's norm must agree to 1e-4; then both are timed in turn, ROUNDS times, one core each, medians compared;
# and ours on two ranks, beside two runs of one rank that have nothing to do with each other: what two of this machine's
# cores can do at most, which is less than twice one where they share a physical core or the memory. Prints a figure a line: name, value, unit, what it was measured beside.
set -euo pipefail
cd "$(dirname "$0")/.."
anchorage=${1:-build/anchorage}
python=/usr/bin/python3 views=${VIEWS:-8} rounds=${ROUNDS:-3} steps=${STEPS:-10}
if ! $python -c 'import h5py, torch, torchvision' 2>/dev/null; then
    echo "peers_head: NOT RUN: no torchvision here; apt-get install -y python3-torchvision python3-h5py"
    exit 0
fi
[ -x "$anchorage" ] || { echo "peers_head: $anchorage is missing; run make first" >&2; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
tuned="MALLOC_MMAP_MAX_=0 MALLOC_TRIM_THRESHOLD_=100000000000 MALLOC_TOP_PAD_=268435456"

"$anchorage" synth -q -o "$tmp" --scenes "$views" --width 1333 --height 800 --seed 1
$python bench/peers_head.py features "$tmp/annotations.json" "$tmp/f.h5"
"$anchorage" label -q "$tmp/annotations.json" -o "$tmp/targets" --like "$tmp/f.h5"
train_for() { # train_for SUMMARY ROUND HOW...: the summary is NAME.ROUND, and the head's name, too
    "${@:3}" "$anchorage" train -q "$tmp/targets" "$tmp/f.h5" -o "$1.h5" --batch "$views" --overwrite --steps "$steps" \
        --summary-json "$1.$2"
}
"$anchorage" train -q "$tmp/targets" "$tmp/f.h5" -o "$tmp/start.h5" --batch "$views" --steps 1 --lr 0
for ((i = 0; i < rounds; i++)); do
    env $tuned $python bench/peers_head.py time "$tmp/targets/targets.h5" "$tmp/f.h5" "$tmp/start.h5" 1 >>"$tmp/torch"
    train_for "$tmp/one" "$i" taskset -c 0
    train_for "$tmp/two" "$i" mpirun -n 2
    train_for "$tmp/left" "$i" taskset -c 0 & left=$!
    train_for "$tmp/right" "$i" taskset -c 1
    wait "$left"
done

$python - "$tmp" "$rounds" "$views" "$steps" <<'END'
import json, statistics as st, sys
tmp, rounds, views, steps = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
torch = [[float(x) for x in line.split()] for line in open(tmp + "/torch")]
one, two, left, right = ([json.load(open("%s/%s.%d" % (tmp, k, i))) for i in range(rounds)] for k in ("one", "two", "left", "right"))
def line(name, value, unit, what):
    print("%-28s %12.2f %-8s %s" % (name, value, unit, what))
beside = "median of %d rounds, a step of %d views of 800 x 1333 px, FPN, 256 channels" % (rounds, views)
for i, part in enumerate(("total", "forward", "loss", "backward", "update")):
    line("torch.dense." + part, 1e3 * st.median(r[i] for r in torch), "ms/step", "1 thread, malloc keeps its memory; %d positions; %s" % (torch[0][5], beside))
line("torch.agrees", 1e6 * max(r[6] for r in torch), "1e-6", "largest difference of losses and gradient norm from ours, relative")
for part in ("gather", "wait", "compute", "reduce", "update"):
    line("anchorage." + part, 1e3 * st.median(r["seconds"]["rank0"][part] / steps for r in one), "ms/step", "1 rank, %s, BLAS for %s; %s" % (one[0]["kernels"], one[0]["blas"], beside))
ours = st.median(r["seconds"]["training"] / steps for r in one)
line("anchorage.total", 1e3 * ours, "ms/step", beside)
line("peers.head.ratio", st.median(r[0] for r in torch) / ours, "x", "torch.dense.total / anchorage.total")
both = st.median(r["seconds"]["training"] / steps for r in two)
line("anchorage.two_ranks", 1e3 * both, "ms/step", "of which %.2f ms in MPI; %s" % (1e3 * st.median(r["seconds"]["mpi_mean"] / steps for r in two), beside))
line("scaling.two_ranks", ours / both, "x", "anchorage.total / anchorage.two_ranks")
apart = st.median((l["seconds"]["training"] + r["seconds"]["training"]) / 2 / steps for l, r in zip(left, right))
line("scaling.two_runs", 2 * ours / apart, "x", "the same of two runs of one rank at the same time, in all: the machine's own bound")
END
