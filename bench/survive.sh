#!/bin/bash
# survive.sh BINARY: what locks, seals, checks and syncs cost a run of `label` that nothing disturbs, on two ranks; about two
# minutes. ROUNDS (11) and SCENES (118287, as many as train2017) make it shorter or longer; TMPDIR is the disk that is measured.
#
# Two measures, of the same runs:
#   survive.share  The run's own clocks (--summary-json): rank 0's seconds for the lock, run.json, the look at what is done and
#                  the index's seal and sync, and the ranks' mean seconds for seals, fsync and rename of shards, over the whole
#                  run. It leaves out the lock's beat (a write and an fsync of 30 bytes each second, in a thread of its own),
#                  and what syncs do to whoever writes at the same time.
#   survive.wall   The same run against one whose fsync and CRC-32 do nothing (survive_without.c, preloaded), in turn: wall
#                  clock of mpirun from its start to its end. It has the effects that the clocks leave out, and the noise of
#                  the machine; it leaves out what is still done: the lock and run.json are made, files read once more for
#                  their seals and renamed. survive.cpu: the same for processor time of all ranks.
# Neither counts the dirty pages that the kernel writes after a run without fsync has ended.
set -eu
binary=$(realpath "$1")
here=$(realpath "$(dirname "$0")")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
rounds=${ROUNDS:-11}
"${CC:-cc}" -std=c11 -O1 -shared -fPIC "$here/survive_without.c" -o "$tmp/without.so"
"$binary" synth -q -o "$tmp" --scenes "${SCENES:-118287}"
TIMEFORMAT='%R %U %S'
run() { # run NAME [OPTION OF MPIRUN]...: wall and processor seconds, appended to $tmp/NAME; a fresh folder, an idle disk
    local name=$1
    shift
    rm -rf "$tmp/out"
    sync -f "$tmp"
    { time mpirun -n 2 "$@" "$binary" label -q "$tmp/annotations.json" -o "$tmp/out" --summary-json "$tmp/$name.json"; } \
        2>"$tmp/times" || { cat "$tmp/times" >&2; exit 1; }
    tail -n 1 "$tmp/times" | awk '{ print $1, $2 + $3 }' >>"$tmp/$name"
    mv "$tmp/$name.json" "$tmp/$name.$(wc -l <"$tmp/$name").json"
}
without=(-x "LD_PRELOAD=$tmp/without.so")
run warm
cp -r "$tmp/out" "$tmp/whole"
run warm "${without[@]}"
if diff -rq "$tmp/out" "$tmp/whole" >/dev/null; then # its seals must be those of a CRC that is always 0
    echo "survive.sh: the preloaded library takes nothing out" >&2
    exit 1
fi
rm -rf "$tmp/whole"
for ((i = 0; i < rounds; i++)); do
    if ((i % 2)); then run with; run without "${without[@]}"; else run without "${without[@]}"; run with; fi
done
/usr/bin/python3 - "$tmp" "$rounds" <<'P'
import json, statistics, sys

tmp, rounds = sys.argv[1], int(sys.argv[2])


def line(name, values, unit, beside):
    print("%s  %.4g  %s  median of %d rounds (%.4g to %.4g)%s" %
          (name, statistics.median(values), unit, rounds, min(values), max(values), beside))


parts = {k: [] for k in ("lock", "claim", "look", "seal", "sync")}
for i in range(rounds):
    r = json.load(open("%s/with.%d.json" % (tmp, i + 1)))
    s, every = r["seconds"], r["seconds"]["all_ranks"]
    of = {"lock": s["lock"], "claim": s["claim"], "look": s["look"],
          "seal": s["index_seal"] + every["seal"] / r["ranks"], "sync": s["index_sync"] + every["sync"] / r["ranks"]}
    for k in parts:
        parts[k].append(100 * of[k] / s["total"])
whole = [sum(p[i] for p in parts.values()) for i in range(rounds)]
line("survive.share", whole, "% of the run", ": " + ", ".join("%s %.2f" % (k, statistics.median(p)) for k, p in parts.items()))
a, b = ([[float(x) for x in l.split()] for l in open(tmp + "/" + n)] for n in ("with", "without"))
for c, name in enumerate(("survive.wall", "survive.cpu")):
    ratio = [100 * (x[c] / y[c] - 1) for x, y in zip(a, b)]
    line(name, ratio, "% more", ": medians %.3f s against %.3f s without fsync and CRC" %
         (statistics.median(x[c] for x in a), statistics.median(x[c] for x in b)))
P
