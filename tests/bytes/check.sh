#!/bin/bash
# check.sh ANCHORAGE [--record]: holds the bytes of run.sh's files to those in expected.txt, or records them there anew.
# A change that means to write other bytes records them, and says why in its commit. Ends with "N passed, N failed".
set -u
here=$(realpath "$(dirname "$0")")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
if ! grep -q ' avx2 ' /proc/cpuinfo; then
    echo "bytes ...NOT RUN: this CPU has no AVX2"
    echo "0 passed, 0 failed"
    exit 0
fi
if ! "$here/run.sh" "$1" "$tmp/files" >"$tmp/now"; then
    echo "bytes: the runs failed"
    echo "0 passed, 1 failed"
    exit 1
fi
if [ "${2:-}" = --record ]; then
    cp "$tmp/now" "$here/expected.txt"
    exit
fi
if [ "$(head -n 1 "$tmp/now")" != "$(head -n 1 "$here/expected.txt")" ]; then
    echo "bytes ...NOT RUN: recorded with $(head -n 1 "$here/expected.txt" | cut -c 3-), here is $(head -n 1 "$tmp/now" | cut -c 3-)"
    echo "0 passed, 0 failed"
    exit 0
fi
diff "$here/expected.txt" "$tmp/now"
failed=$(diff "$here/expected.txt" "$tmp/now" | grep -c '^[<>]')
echo "$(($(wc -l <"$here/expected.txt") - 1)) passed, $failed failed"
((failed == 0))
