#!/bin/bash
# check.sh BUILD RUN...: runs the CUnit programs BUILD/RUN, or under mpirun with N ranks for RUN:N, and adds up
# their tests. Ends with "N passed, N failed"; fails on a failed test, a crash, or a program that ran nothing.
set -u
build=$1
shift
logs=$build/check
mkdir -p "$logs"
# What programs and mpirun leave when tests kill them (Open MPI's session folders) goes with this folder.
TMPDIR=$(mktemp -d) || exit 1
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 130' INT TERM HUP
passed=0 failed=0
for run in "$@"; do
    program=$build/${run%%:*} log=$logs/${run/:/-}.log launch=()
    [[ $run != *:* ]] || launch=(mpirun -n "${run##*:}")
    start=$SECONDS
    timeout -k 10 "${CHECK_TIMEOUT_S:-2400}" "${launch[@]}" "$program" </dev/null >"$log" 2>&1
    code=$?
    # CUnit's table: "tests TOTAL RAN PASSED FAILED INACTIVE"
    read -r total good bad < <(awk '$1 == "tests" && NF == 6 { t += $2; g += $4; b += $5 } END { print t+0, g+0, b+0 }' "$log")
    bad=$((total - good > bad ? total - good : bad)) # registered but not run is no success
    if ((code != 0 && bad == 0)); then
        echo "$run: ended with exit code $code; the end of $log:"
        tail -n 15 "$log" | sed 's/^/    /'
        bad=1
    elif ((good + bad == 0)); then
        echo "$run: ran no tests"
        bad=1
    elif ((bad)); then
# each test's lines, whatever it printed itself, up to the next one's
        awk '/^  Test: |^Suite: |^Run Summary/ { if (bad) printf "%s", text; text = ""; bad = 0 }
             { text = text "    " $0 "\n" } /FAILED$/ { bad = 1 }' "$log" | head -n 100
    fi
    grep 'NOT RUN' "$log"
    printf '%-8s %5d passed, %d failed  (%d s)\n' "$run" "$good" "$bad" $((SECONDS - start))
    passed=$((passed + good)) failed=$((failed + bad))
done
echo "$passed passed, $failed failed"
((failed == 0))
