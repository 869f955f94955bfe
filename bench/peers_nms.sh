#!/bin/bash
# peers_nms.sh BUILD/timings: torchvision.ops.nms and ours on the same boxes, in turn, one core each.
#
# Both must keep the same boxes in the same order; then medians of the CPU time are compared. Both sort by score
# first. The boxes are what an RPN proposes: heaps about 40 objects, and others anywhere, in 1333 x 800 px.
set -euo pipefail
cd "$(dirname "$0")/.."
timings=${1:-build/timings} python=/usr/bin/python3
if ! $python -c 'import torch, torchvision' 2>/dev/null; then
    echo "peers.nms: NOT RUN: no torchvision here; apt-get install -y python3-torchvision"
    exit 0
fi
[ -x "$timings" ] || { echo "peers.nms: $timings is missing; run make first" >&2; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
$python bench/peers_nms.py "$timings" "$tmp"
