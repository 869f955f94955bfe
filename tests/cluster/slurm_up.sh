#!/bin/bash
# slurm_up.sh DIR: a SLURM of four nodes with two CPUs each on this machine, as root; all of it lies in DIR and listens on
# 127.0.0.1 only. `. DIR/env` to use it, slurm_down.sh DIR to end it. No systemd, cgroups or accounting needed.
set -euo pipefail
mkdir -p "$1"
D=$(realpath "$1")
N=4
export PATH=$PATH:/usr/sbin:/sbin
mkdir -p "$D"/{state,log,run}
chmod 755 "$D" "$D/run"
: >"$D/pids"
host=$(cat /proc/sys/kernel/hostname)
host=${host%%.*}
busy=" $(ss -Hltn | awk '{n = split($4, a, ":"); print a[n]}' | tr '\n' ' ') "
port=0
for ((try = 0; try < 50 && port == 0; try++)); do # a block of 100 free ports
    port=$((20000 + RANDOM % 100 * 100))
    for ((i = 0; i < 100; i++)); do [[ $busy != *" $((port + i)) "* ]] || { port=0; break; }; done
done
((port)) || { echo "slurm_up: no free ports" >&2; exit 1; }
{ cat /etc/hosts; for ((n = 1; n <= N; n++)); do mkdir -p "$D/tmp.n$n" "$D/spool.n$n"; echo "127.0.0.1 n$n"; done; } >"$D/hosts"

dd if=/dev/urandom of="$D/run/munge.key" bs=128 count=1 status=none
chmod 600 "$D/run/munge.key"
setsid munged --foreground --force --key-file="$D/run/munge.key" --socket="$D/run/munge.sock" \
    --pid-file="$D/run/munged.pid" --log-file="$D/log/munged.log" --seed-file="$D/run/munge.seed" --num-threads=2 \
    </dev/null >"$D/log/munged.out" 2>&1 &
echo "$!" >>"$D/pids"

: >"$D/plugstack.conf"
echo "CgroupPlugin=cgroup/v1" >"$D/cgroup.conf"
# cred_expire is also how long a requeued job waits. TmpFS must differ between nodes, or srun --mpi=pmix fails.
cat >"$D/slurm.conf" <<C
ClusterName=check
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$port
SrunPortRange=$((port + 50))-$((port + 99))
CommunicationParameters=NoInAddrAny,NoCtldInAddrAny,DisableIPv6
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket=$D/run/munge.sock,cred_expire=5
CredType=cred/munge
PlugStackConfig=$D/plugstack.conf
StateSaveLocation=$D/state
SlurmdSpoolDir=$D/spool.%n
TmpFS=$D/tmp.%n
SlurmctldPidFile=$D/run/slurmctld.pid
SlurmdPidFile=$D/run/slurmd.%n.pid
SlurmctldLogFile=$D/log/slurmctld.log
SlurmdLogFile=$D/log/slurmd.%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MpiDefault=pmix
SwitchType=switch/none
ReturnToService=2
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=10000,batch_sched_delay=0,bf_interval=2
KillWait=5
InactiveLimit=0
JobRequeue=1
MinJobAge=3600
SlurmctldTimeout=30
SlurmdTimeout=15
MessageTimeout=5
TCPTimeout=2
PropagateResourceLimits=NONE
NodeName=n[1-$N] NodeHostname=$host NodeAddr=127.0.0.1 Port=[$((port + 1))-$((port + N))] CPUs=2 RealMemory=2000 State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=10 State=UP OverSubscribe=NO
C
echo "export SLURM_CONF=$D/slurm.conf" >"$D/env"
. "$D/env"
for ((i = 0; i < 100; i++)); do [ -S "$D/run/munge.sock" ] && break; sleep 0.05; done
setsid slurmctld -D -c -f "$D/slurm.conf" </dev/null >"$D/log/slurmctld.out" 2>&1 &
echo "$!" >>"$D/pids"
for ((n = 1; n <= N; n++)); do
    # Open MPI names its shared memory by host name: each node needs its own, and its own /dev/shm.
    setsid unshare --mount --uts --propagation private -- bash -c '
        hostname "$1"; mount -t tmpfs -o size=1g shm /dev/shm; mount --bind "$2/hosts" /etc/hosts
        exec slurmd -D -c -N "$1" -f "$2/slurm.conf"' _ "n$n" "$D" </dev/null >"$D/log/slurmd.n$n.out" 2>&1 &
    echo "$!" >>"$D/pids"
done
for ((i = 0; i < 300; i++)); do
    [ "$(sinfo -h -N -o %t 2>/dev/null | grep -c '^idle$')" = "$N" ] && exit 0
    sleep 0.1
done
echo "slurm_up: the nodes did not come up; see $D/log" >&2
tail -n 3 "$D"/log/* >&2
exit 1
