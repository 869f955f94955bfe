#!/bin/bash
# peers_dense.sh BUILD/timings: torchvision's dense RPN head and filter_proposals, and ours, on the same inputs, one core each.
#
# Outputs are compared first: logits and deltas to 1e-4, proposals box for box. Then medians of the CPU time of ROUNDS rounds,
# in turn. torch's convolution is oneDNN's; it is timed as torchvision calls it, and with channels last, which it likes best.
set -euo pipefail
cd "$(dirname "$0")/.."
timings=${1:-build/timings} python=/usr/bin/python3
if ! $python -c 'import torch, torchvision' 2>/dev/null; then
    echo "peers.dense: NOT RUN: no torchvision here; apt-get install -y python3-torchvision"
    exit 0
fi
[ -x "$timings" ] || { echo "peers.dense: $timings is missing; run make first" >&2; exit 1; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
$python bench/peers_dense.py "$timings" "$tmp" "${ROUNDS:-7}"
