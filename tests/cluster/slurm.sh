#!/bin/bash
# slurm.sh BINARY: jobs/slurm/*.sbatch on a real SLURM of four nodes: one big job, an array, a time limit, scancel; a head
# that is trained in slices
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
over() { local s; s=$(scontrol show job -o "$1" | tr ' ' '\n' | sed -n 's/^JobState=//p'); [ -n "$s" ] && ! grep -qE 'PENDING|RUNNING|COMPLETING|REQUEUED' <<<"$s"; }
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
scontrol update "JobId=$job" TimeLimit=10 # so that a busy machine needs no more slices than this
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

# ---- a head, trained in slices ----

"$anchorage" synth -o small --scenes 24 --width 120-200 --height 100-160 -q
printf '[anchors]\nstrides = 8 16\nsizes = 24 48 | 64 128\n' >small.ini
/usr/bin/python3 "$root/tests/python/make_features.py" small/annotations.json f.h5
"$anchorage" label small/annotations.json --config small.ini --like f.h5 --epochs 2 -o t -q
steps=(t f.h5 --steps 6000 --batch 8 --checkpoint-every 50 -q)
"$anchorage" train "${steps[@]}" -o whole.h5 >"$log" 2>&1
expect "a head is trained" ended $? 0
train() { # train LAUNCH: by that, on three nodes; asked to stop in mid-run, as SLURM does ahead of the time limit
    : >"$log"
    job=$(LAUNCH=$1 submit -N 3 --ntasks-per-node=1 "$root/jobs/slurm/train.sbatch" "${steps[@]}" -o "$1.h5")
    next=$(sbatch --parsable -n 1 -d "afterok:$job" -o /dev/null --wrap "cp $1.h5 $1.then.h5")
    within 30 test -e "$1.h5"
    expect "a head on three nodes by $1 is saved on the way" test -e "$1.h5"
    scancel -b -s USR1 "$job"
    expect "asked to stop, it ends with 75" within 30 says "train.sbatch: slice 1 of job $job ended with exit code 75"
    expect "is requeued and comes to its end" within 90 over "$job"
    expect "with exit code 0" ended "$(field "$job" JobState)" COMPLETED
    expect "in its second slice" says "train.sbatch: slice 2 of job $job ended with exit code 0"
    expect "with the bytes of a head trained at one go" cmp whole.h5 "$1.h5"
    expect "a job that waits for it begins" within 30 over "$next"
    expect "when it is whole, not between its slices" cmp whole.h5 "$1.then.h5"
}
train mpirun
train srun
job=$(submit --array=1-2 "$root/jobs/slurm/train.sbatch" "${steps[@]}" -o no.h5)
expect "an array is refused" within 30 says "train.sbatch: no --array"
within 30 over "$job"
: >"$log"
job=$(SLICES=0 submit -n 1 "$root/jobs/slurm/label.sbatch" "${options[@]}" -o ended --time-limit 0)
expect "a job that has had all of its slices" within 30 over "$job"
expect "is not requeued" ended "$(field "$job" JobState) $(field "$job" ExitCode)" "FAILED 75:0"

if "$anchorage" propose --help >/dev/null 2>&1; then
    "$anchorage" propose whole.h5 f.h5 -o whole-proposals.h5 >"$log" 2>&1
    : >"$log"
    job=$(submit -N 2 --ntasks-per-node=2 "$root/jobs/slurm/propose.sbatch" whole.h5 f.h5 -o proposals.h5)
    expect "proposals by a job on two nodes end" within 60 over "$job"
    expect "with the bytes of one process" cmp whole-proposals.h5 proposals.h5
else
    not_run "propose.sbatch" "this anchorage has no propose"
fi
finish
