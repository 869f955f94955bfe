#!/bin/bash
# slurm.sh BINARY: jobs/slurm/label.sbatch on a real SLURM of four nodes: one big job, an array, a time limit, scancel
source "$(dirname "$0")/lib.sh"
export PATH=$PATH:/usr/sbin:/sbin
trap '"$here/slurm_down.sh" "$tmp/slurm" 2>/dev/null; rm -rf --one-file-system "$tmp"' EXIT
if [ "$(id -u)" != 0 ] || ! unshare --mount --uts true 2>/dev/null; then
    not_run "jobs under SLURM" "needs root and the right to unshare namespaces"
    finish
fi
for program in slurmctld slurmd munged ss; do
    command -v $program >/dev/null || { expect "$program is installed (tools/deps.sh slurm-wlm munge iproute2 libpmix-dev)" false; finish; }
done
"$here/slurm_up.sh" "$tmp/slurm" >"$log" 2>&1
expect "SLURM starts with four nodes" ended $? 0
((failed == 0)) || finish
. "$tmp/slurm/env"
export ANCHORAGE=$anchorage OMPI_MCA_oob_tcp_if_include=lo OMPI_MCA_btl_tcp_if_include=lo
cd "$tmp" || exit 1
chmod 755 "$tmp"
"$anchorage" synth -o scenes --scenes 12000 -q
script=$root/jobs/slurm/label.sbatch
options=(scenes/annotations.json --images-per-shard 200 -q)
"$anchorage" label "${options[@]}" -o whole

field() { scontrol show job -o "$1" 2>/dev/null | tail -n 1 | tr ' ' '\n' | sed -n "s/^$2=//p"; }
over() { local s; s=$(scontrol show job -o "$1" | tr ' ' '\n' | sed -n 's/^JobState=//p'); ! grep -qE 'PENDING|RUNNING|COMPLETING|REQUEUED' <<<"$s"; }
submit() { sbatch --parsable --output="$log" "$@"; } # gives the job's id
shards() { find "$1" -name 'shard-*.h5' 2>/dev/null | wc -l; }
at_least() { [ "$(shards "$1")" -ge "$2" ]; }

: >"$log"
job=$(submit -N 4 --ntasks-per-node=2 "$script" "${options[@]}" -o big)
expect "one job on four nodes ends" within 60 over "$job"
expect "with exit code 0" ended "$(field "$job" JobState)" COMPLETED
expect "and the bytes of one host" same whole big

: >"$log"
job=$(LAUNCH=srun submit -N 2 --ntasks-per-node=2 "$script" "${options[@]}" -o srun)
expect "the same by srun ends" within 60 over "$job"
expect "with the same bytes" same whole srun

: >"$log"
job=$(submit --array=1-4 -n 1 "$script" "${options[@]}" -o array)
expect "an array of four parts ends" within 60 over "$job"
expect "with the same bytes, the index too" same whole array

# A run that takes a minute or more of one core, so that the limit of a minute meets it.
"$anchorage" synth -o many --scenes 1500 -q
slow=(many/annotations.json --images-per-shard 25 --epochs 30 --sampler torch -q)
: >"$log"
job=$(submit -t 1 --signal=B:USR1@50 -n 2 "$script" "${slow[@]}" -o cut)
expect "a job begins" within 30 at_least cut 1
expect "is stopped ahead of its time limit and requeued" within 75 says "ended with exit code 75"
expect "with a reason" grep -qE 'stopped by (SIGUSR1|the end of the SLURM job) with' "$log"
some=$(shards cut)
expect "comes back and ends in a later slice" within 180 over "$job"
expect "with exit code 0" ended "$(field "$job" JobState)" COMPLETED
expect "after more than one" says "slice 2 of job"
expect "and it is whole" "$anchorage" verify cut

: >"$log"
quick=(scenes/annotations.json --images-per-shard 20 --sampler torch --epochs 2 -q)
job=$(submit -n 2 "$script" "${quick[@]}" -o gone)
expect "another begins" within 30 at_least gone 3
scancel "$job"
expect "and is cancelled" within 30 over "$job"
expect "unfinished" test ! -e gone/targets.h5
: >"$log"
job=$(submit -N 4 --ntasks-per-node=2 "$script" "${quick[@]}" -o gone)
expect "the same job again ends it" within 120 over "$job"
expect "and it is whole" "$anchorage" verify gone
finish
