#!/bin/bash
# slurm_down.sh DIR: ends what slurm_up.sh started, by process id, jobs first
set -u
D=$(realpath "$1")
[ -e "$D/pids" ] || exit 0
. "$D/env"
timeout 10 scancel --quiet --user=root 2>/dev/null
for ((i = 0; i < 100; i++)); do [ -z "$(timeout 5 squeue -h 2>/dev/null)" ] && break; sleep 0.1; done
ours() { [[ $(readlink "/proc/$1/exe" 2>/dev/null) =~ (munged|slurmctld|slurmd) ]] && grep -qzF "$D" "/proc/$1/cmdline"; }
for signal in TERM KILL; do
    for pid in $(tac "$D/pids"); do ! ours "$pid" || kill -$signal "$pid"; done
    for ((i = 0; i < 60; i++)); do
        left=0
        for pid in $(cat "$D/pids"); do ! ours "$pid" || left=1; done
        ((left)) || break
        sleep 0.05
    done
done
rm -rf --one-file-system "$D"
