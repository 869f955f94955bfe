#!/bin/bash
# run.sh BUILD ANCHORAGE REAL: runs every fuzz target of BUILD/fuzz from the seeds and what earlier runs have found, then
# BUILD/damage; a line each. SECONDS each (10), or as many RUNS (HDF5 targets a twentieth of it); TARGETS: only these.
# Fails on the first fault, and names the input that shows it: BUILD/TARGET FILE runs it again.
set -u
build=$1 anchorage=$2 real=$3 here=$(dirname "$0")
seconds=${FUZZ_SECONDS:-10} runs=${RUNS:-}
seeds=$build/seeds
rm -rf "$seeds"
mkdir -p "$build/corpus" "$build/found"
nice "$here/seeds.sh" "$anchorage" "$seeds" "$real" || { echo "fuzz: no seeds"; exit 1; }
export ASAN_OPTIONS=allocator_may_return_null=1:${ASAN_OPTIONS:-} UBSAN_OPTIONS=print_stacktrace=1
failed=0 ran=0

# one NAME KIND
one() {
    local name=$1 kind=$2 options=(-len_control=0 -max_len=4096) log=$build/found/$1.log corpus=$build/corpus/$1 folders
    [[ $kind != HDF5 ]] || options=(-len_control=0 -max_len=400)
    if [[ -n $runs ]]; then
        options+=("-runs=$([[ $kind == HDF5 ]] && echo $((runs / 20)) || echo "$runs")" -seed=1)
    else
        options+=("-max_total_time=$seconds")
    fi
    [[ ! -f $here/$name.dict ]] || options+=("-dict=$here/$name.dict")
    mkdir -p "$corpus"
    folders=("$corpus")
    [[ ! -d $seeds/$name ]] || folders+=("$seeds/$name")
    ln -sfn fuzz "$build/$name"
    nice "$build/$name" "${folders[@]}" "${options[@]}" -timeout=20 -rss_limit_mb=2048 -malloc_limit_mb=256 -print_final_stats=1 \
        -artifact_prefix="$build/found/$name-" >"$log" 2>&1
    local code=$?
    awk -v name="$name" '/ cov: / { for (i = 1; i < NF; i++) { if ($i == "cov:") c = $(i + 1); if ($i == "corp:") k = $(i + 1) } }
        /number_of_executed_units/ { n = $2 } /average_exec_per_sec/ { r = $2 }
        END { printf "%-14s %9d runs %7s a second  corpus %-12s coverage %d\n", name, n, r ? r : "?", k, c }' "$log"
    if ((code)); then
        grep -E "ERROR|broken promise|runtime error|SUMMARY" "$log" | head -n 4
        echo "$name: failed; $(sed -n 's/.*Test unit written to /run: '"${build//\//\\/}\/$name"' /p' "$log"); all of it: $log"
    fi
    return "$code"
}

while read -r name kind; do
    [[ -z ${TARGETS:-} || " $TARGETS " == *" $name "* ]] || continue
    one "$name" "$kind" || failed=$((failed + 1))
    ran=$((ran + 1))
done < <("$build/fuzz" --targets)
if [[ -z ${TARGETS:-} || " $TARGETS " == *" damage "* ]]; then
    mapfile -t files < <(find "$seeds/damage" -name '*.h5' | sort)
    if [[ -n $runs ]]; then options=($((runs / 10)) 60 1); else options=(1000000000 "$seconds" "$RANDOM"); fi
    nice "$build/damage" "${options[@]}" "$build/found" "${files[@]}" || failed=$((failed + 1))
    ran=$((ran + 1))
fi
echo "fuzz: $ran targets, $failed failed"
((failed == 0 && ran > 0))
