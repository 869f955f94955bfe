#!/bin/bash
# hosts.sh BINARY: `label` on three hosts joined by a network, which is cut in mid-run
source "$(dirname "$0")/lib.sh"
export PATH=$PATH:/usr/sbin:/sbin
trap '"$here/hosts_down.sh" "$tmp/net" 2>/dev/null; rm -rf --one-file-system "$tmp"' EXIT
if [ "$(id -u)" != 0 ] || ! unshare --net --mount --uts --pid --fork true 2>/dev/null; then
    not_run "several hosts" "needs root and the right to unshare namespaces"
    finish
fi
command -v ip >/dev/null || { expect "ip is installed (tools/deps.sh iproute2)" false; finish; }
"$here/hosts_up.sh" "$tmp/net" >"$log" 2>&1
expect "three hosts start" ended $? 0
((failed == 0)) || finish
. "$tmp/net/env" # for mpirun between the hosts; this host itself has no such network
here() { env -u OMPI_MCA_btl_tcp_if_include -u OMPI_MCA_oob_tcp_if_include "$anchorage" "$@"; }
eval "$("$anchorage" mpi-settings cluster)" # without it a cut link hangs mpirun for ever
cd "$tmp" || exit 1
here synth -o scenes --scenes 6000 -q
options=(scenes/annotations.json --images-per-shard 100 -q)
here label "${options[@]}" -o whole
team() { timeout -k 5 120 net/head mpirun -H h1:2,h2:1,h3:2 "$anchorage" label "$@" >"$log" 2>&1; }
at_least() { [ "$(find "$1" -name 'shard-*.h5' 2>/dev/null | wc -l)" -ge "$2" ]; }

team "${options[@]}" -o spread
expect "five ranks on three hosts end" ended $? 0
expect "with the bytes of one host" same whole spread
net/head mpirun -H h1:2,h2:1,h3:2 "$anchorage" verify spread --recompute scenes/annotations.json >"$log" 2>&1
expect "and verify holds there too" ended $? 0

# A run of ten seconds and more, so that the cut meets it.
slow=("${options[@]}" --sampler torch --epochs 4)
cut_link() { # cut_link HOST: folder cut, until the job has ended
    ANCHORAGE_EXIT_FILE=$tmp/exit \
        net/head mpirun -x ANCHORAGE_EXIT_FILE -H h1:1,h2:1,h3:1 "$anchorage" label "${slow[@]}" -o cut >"$log" 2>&1 &
    local launcher=$!
    within 60 at_least cut 10 || return 1
    net/link "$1" down
    cut_at=$(now)
    for ((i = 0; i < 600; i++)); do
        kill -0 $launcher 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL $launcher 2>/dev/null
    wait $launcher 2>/dev/null
    code=$? lasted=$(seconds_since "$cut_at")
    net/link "$1" up
}
cut_link h2
expect "a cut link ends the job within half a minute" test "$lasted" -le 30
expect "the first rank does not call it done" test ! -e "$tmp/exit"
if mpirun --version | grep -qE 'Open MPI\) 4'; then # 5 ends with 0; the batch scripts ask the first rank instead
    expect "and the launcher neither" test "$code" -ne 0
fi
echo "  $(mpirun --version | head -n 1): the job ended $lasted s after the link was cut, with exit code $code"
expect "unfinished" test ! -e cut/targets.h5

# The lock is of h1, whose processes h0 cannot see: only its standing still tells that it is dead.
net/on h1 "$anchorage" label "${slow[@]}" -o cut --time-limit 1 >"$log" 2>&1
code=$?
if [ $code = 1 ] && says "in use by"; then # ranks that the cut had left behind
    sleep 10
    net/on h1 "$anchorage" label "${slow[@]}" -o cut --time-limit 1 >"$log" 2>&1
    code=$?
fi
expect "the lock of the dead job stops nobody" test $code = 75 -o $code = 0
net/on h1 "$anchorage" label "${slow[@]}" -o cut >"$log" 2>&1 &
running=$!
has_lock() { ls cut/run.lock.* >/dev/null 2>&1; }
within 30 has_lock
net/on h3 "$anchorage" label "${slow[@]}" -o cut >h3.log 2>&1
expect "a second run from another host is refused" ended $? 1
expect "and told who is there" grep -q 'in use by process .* on h1, since' h3.log
wait $running
expect "the same command ends what was cut" ended $? 0
here verify cut >"$log" 2>&1
expect "and it is whole" ended $? 0
here label "${slow[@]}" -o alone
expect "with the bytes of an undisturbed run" same alone cut
finish
