#!/bin/bash
# hosts_up.sh DIR: three hosts h1 to h3 on this machine, as root: namespaces of network, host name, mounts and processes,
# joined by a bridge in a namespace of its own, h0. The file system is shared, as a cluster's NFS would be. Nothing is
# changed outside of DIR and these namespaces; hosts_down.sh DIR ends them.
#   DIR/head COMMAND...   on h0, where mpirun belongs      DIR/on HOST COMMAND...      DIR/link HOST up|down
#   . DIR/env             what Open MPI needs
set -euo pipefail
mkdir -p "$1"
D=$(realpath "$1")
N=3
: >"$D/pids"
{ echo "127.0.0.1 localhost"; echo "10.99.0.254 h0"; for ((i = 1; i <= N; i++)); do echo "10.99.0.$i h$i"; done; } >"$D/hosts"

cat >"$D/on" <<'S'
#!/bin/bash
D=$(dirname "$(realpath "$0")") h=$1
shift
exec nsenter -t "$(cat "$D/$h.pid")" -n -u -m -p --wd="$PWD" -- "$@"
S
cat >"$D/head" <<'S'
#!/bin/bash
# Sees all process ids, which the agent needs.
D=$(dirname "$(realpath "$0")")
exec nsenter -t "$(cat "$D/h0.pid")" -n -u -- unshare --mount --propagation private -- \
    bash -c 'mount --bind "$0/hosts" /etc/hosts; exec "$@"' "$D" "$@"
S
cat >"$D/rsh" <<'S'
#!/bin/bash
# What mpirun takes for ssh: HOST COMMAND...
D=$(dirname "$(realpath "$0")") h=$1
shift
exec nsenter -t "$(cat "$D/$h.pid")" -n -u -m -p -- sh -c "$*"
S
cat >"$D/link" <<'S'
#!/bin/bash
D=$(dirname "$(realpath "$0")")
exec nsenter -t "$(cat "$D/$1.pid")" -n ip link set eth0 "$2"
S
chmod +x "$D"/{on,head,rsh,link}

for ((i = 0; i <= N; i++)); do
    setsid unshare --net --uts --mount --pid --fork --kill-child --mount-proc --propagation private -- bash -c '
        hostname "$1"; ip link set lo up
        mount -t tmpfs -o size=1g shm /dev/shm; mount --bind "$2/hosts" /etc/hosts
        : >"$2/$1.ready"; sleep infinity & while :; do wait; done' _ "h$i" "$D" </dev/null >"$D/h$i.log" 2>&1 &
    holder=$!
    echo "$holder" >>"$D/pids"
    for ((k = 0; k < 250; k++)); do [ -e "$D/h$i.ready" ] && break; sleep 0.02; done
    pid=$(tr -d ' ' <"/proc/$holder/task/$holder/children")
    echo "$pid" >"$D/h$i.pid"
    bridge=$(cat "$D/h0.pid")
    if ((i == 0)); then
        nsenter -t "$pid" -n sh -c 'ip link add br0 type bridge && ip addr add 10.99.0.254/24 dev br0 && ip link set br0 up'
    else
        nsenter -t "$bridge" -n ip link add "p$i" type veth peer name eth0 netns "$pid"
        nsenter -t "$bridge" -n ip link set "p$i" master br0 up
        nsenter -t "$pid" -n sh -c "ip addr add 10.99.0.$i/24 dev eth0 && ip link set eth0 up"
    fi
done
cat >"$D/env" <<C
export OMPI_MCA_plm_rsh_agent=$D/rsh PRTE_MCA_plm_ssh_agent=$D/rsh
export OMPI_MCA_btl_tcp_if_include=10.99.0.0/24 OMPI_MCA_oob_tcp_if_include=10.99.0.0/24 PRTE_MCA_oob_tcp_if_include=10.99.0.0/24
C
