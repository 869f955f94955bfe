#!/bin/bash
# survive.sh NEW OLD: what locks, seals and checks cost an undisturbed run: `label` of the binaries NEW and OLD (one built
# before they came), in turn, ROUNDS times (15), on two ranks. One line: the median of the rounds' ratios and their range.
set -eu
new=$(realpath "$1") old=$(realpath "$2")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_hwloc_base_binding_policy=none
"$new" synth -q -o "$tmp" --scenes "${SCENES:-118287}"
TIMEFORMAT='%R %U %S'
run() { # run BINARY: seconds of wall clock, and of processor time of all ranks; a fresh folder
    rm -rf "$tmp/out"
    { time mpirun -n 2 "$1" label -q "$tmp/annotations.json" -o "$tmp/out"; } 2>&1 | awk '{ print $1, $2 + $3 }'
}
run "$new" >/dev/null
rounds=${ROUNDS:-15}
for ((i = 0; i < rounds; i++)); do
    if ((i % 2)); then a=$(run "$new") b=$(run "$old"); else b=$(run "$old") a=$(run "$new"); fi
    echo "$a $b"
done >"$tmp/rounds"
report() { # report NAME COLUMN
    awk -v c="$2" '{ print $c / $(c + 2), $c, $(c + 2) }' "$tmp/rounds" | sort -n |
        awk -v name="$1" '{ r[NR] = $1; a += $2; b += $3 } END { printf "%s  %.3f  ratio  median of %d rounds (%.3f to %.3f), " \
            "means %.2f s against %.2f s\n", name, r[int((NR + 1) / 2)], NR, r[1], r[NR], a / NR, b / NR }'
}
report survive.wall 1
report survive.cpu 2
