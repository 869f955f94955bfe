#!/bin/bash
# hosts_down.sh DIR: ends the hosts of hosts_up.sh; all that runs in them dies with their first process
D=$(realpath "$1")
[ -e "$D/pids" ] || exit 0
for pid in $(cat "$D/pids"); do
    [[ $(readlink "/proc/$pid/exe" 2>/dev/null) != */unshare ]] || kill -KILL "$pid"
done
rm -rf --one-file-system "$D"
