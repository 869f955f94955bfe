#!/bin/bash
# peers_roi.sh BUILD/timings: torchvision's RoIHeads.select_training_samples and ours on the same proposals, one core each.
#
# Both must choose the same RoIs, by torch's draws, and the same targets; then medians of the CPU time are compared.
set -euo pipefail
cd "$(dirname "$0")/.."
timings=${1:-build/timings} python=/usr/bin/python3
if ! $python -c 'import torch, torchvision' 2>/dev/null; then
    echo "peers.roi: NOT RUN: no torchvision here; apt-get install -y python3-torchvision"
    exit 0
fi
[ -x "$timings" ] || { echo "peers.roi: $timings is missing; run make first" >&2; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
$python bench/peers_roi.py "$timings" "$tmp"
