#!/bin/bash
# faults.sh BINARY [PART...]: runs that are killed, folders that are damaged, disks that fail; PART: kills, requests, suspended,
# others, damage, disks, errors (all). KILLS=200 for the long form; SEED repeats the moments of one, which it prints.
source "$(dirname "$0")/lib.sh"
export TMPDIR=$tmp # what a killed mpirun leaves goes with it
trap 'umount "$tmp/small" "$tmp/fixed" 2>/dev/null; rm -rf "$tmp"' EXIT
KILLS=${KILLS:-20}
SEED=${SEED:-$RANDOM}
RANDOM=$SEED
parts=" ${*:2} "
wanted() { [ "$parts" = "  " ] || [[ $parts == *" $1 "* ]]; }
cd "$tmp" || exit 1
"$anchorage" synth -o scenes --scenes 18000 -q || exit 1
options=(scenes/annotations.json --images-per-shard 300 --assignment --flip 0.5 -q) # 60 shards

label() { # label FOLDER [OPTION]...: on two ranks; output to $log
    local folder=$1
    shift
    timeout -k 5 120 mpirun -n 2 "$anchorage" label "${options[@]}" -o "$folder" "$@" >"$log" 2>&1
}

label whole # the first one is slower
rm -rf whole
start=$(now)
label whole || { cat "$log"; exit 1; }
length_ms=$((($(now) - start) / 1000000))

# ---- kills ----

children() { cat /proc/"$1"/task/*/children 2>/dev/null; }
gone() { local p; for p in "$@"; do [ ! -d "/proc/$p" ] || grep -q '^State:.*Z' "/proc/$p/status" 2>/dev/null || return 1; done; }

# Whatever has its final name must be whole; shards that are not there yet are no fault.
readable() {
    [ -e "$1/run.json" ] || { ! ls "$1" | grep -q '\.h5$'; return; }
    ! "$anchorage" verify -q "$1" 2>&1 | grep -vE ': missing$|: [0-9,]+ faults?;'
}

bad=0 hits=0 missed=0 slow=0
kill_once() { # kill_once WHAT: one run into folder k, cut short at a random moment
    mpirun -n 2 "$anchorage" label "${options[@]}" -o k >"$log" 2>&1 &
    local launcher=$! ranks victim ms code since
    ms=$((150 + (RANDOM * 32768 + RANDOM) % length_ms))
    sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
    ranks=$(children $launcher)
    # shellcheck disable=SC2206
    victim=($ranks)
    case $1 in
    rank) kill -KILL "${victim[$((RANDOM % (${#victim[@]} > 0 ? ${#victim[@]} : 1)))]:-$launcher}" 2>/dev/null ;;
    mpirun) kill -KILL $launcher 2>/dev/null ;;
    *) kill "-$1" $launcher 2>/dev/null ;;
    esac
    since=$SECONDS
    wait $launcher 2>/dev/null
    code=$?
    # shellcheck disable=SC2086
    within 20 gone $ranks || slow=$((slow + 1))
    ((SECONDS - since <= 10)) || slow=$((slow + 1))
    readable k || { bad=$((bad + 1)); echo "  after $1 at $ms ms:"; cat "$log"; }
    if ((code == 0)); then # ended before it could be hit: begin anew
        missed=$((missed + 1))
        same whole k || bad=$((bad + 1))
        rm -rf k
    else
        hits=$((hits + 1))
    fi
}
kills() {
    local what=(rank mpirun TERM USR1) i
    for ((i = 0; hits < KILLS && i < 4 * KILLS; i++)); do kill_once "${what[$((i % 4))]}"; done 2>/dev/null
    label k
    expect "a run that was killed again and again ends" ended $? 0
    expect "its bytes are those of the undisturbed one" same whole k
    expect "nothing under a final name was ever unreadable" ended $bad 0
    expect "no run took more than seconds to end" ended $slow 0
    expect "as many runs were killed as wanted" ended $hits "$KILLS"
    echo "  $hits runs of up to $length_ms ms were killed, $missed ended before that; SEED=$SEED"
    rm -rf k
}

# ---- requests ----

requests() {
    for signal in USR1 TERM INT; do
        "$anchorage" label "${options[@]}" -o k >"$log" 2>&1 &
        one=$!
        within 10 ls k/shard-00002-of-00060.h5 >/dev/null 2>&1
        kill -$signal $one
        wait $one
        expect "SIG$signal ends a run with 75" ended $? 75
        expect "it says how to go on" says "stopped by SIG$signal with"
        expect "it leaves no lock and no half file" ended "$(ls k | grep -cE 'lock|part')" 0
        rm -rf k
    done
    label k --time-limit 0.4s
    expect "a time limit ends a run with 75" ended $? 75
    SLURM_JOB_END_TIME=$(($(date +%s) + 20)) "$anchorage" label "${options[@]}" -o k >"$log" 2>&1
    expect "so does the end of the SLURM job, half a minute ahead" ended $? 75
    label k
    expect "the same command ends it" ended $? 0
    expect "with the same bytes" same whole k
}

# ---- two runs, other runs ----

others() {
    label k --seed 5
    expect "another seed is refused" ended $? 2
    expect "by name" says "seed is 0 there and 5 here"
    "$anchorage" synth -o other --scenes 17000 -q
    timeout 60 "$anchorage" label other/annotations.json "${options[@]:1}" -o k >"$log" 2>&1
    expect "another data set is refused" ended $? 2
    expect "by name" says "data.images is 18000 there and 17000 here"
    sed 's/"anchorage_version":"[^"]*"/"anchorage_version":"0.0.9"/' k/run.json >v && /usr/bin/python3 - v k/run.json <<'P'
import sys, zlib
text = open(sys.argv[1]).read()
head = text[:text.rindex(',"crc32"')]
open(sys.argv[2], "w").write('%s,"crc32":"%08x"}\n' % (head, zlib.crc32(head.encode())))
P
    label k
    expect "another version is refused" ended $? 2
    expect "by name" says "was begun by anchorage 0.0.9"
    cp whole/run.json k/
    "$anchorage" label "${options[@]}" -o k --seed 5 --restart >"$log" 2>&1 &
    one=$!
    within 10 ls k/run.lock.1-of-1.0 >/dev/null 2>&1
    cp "$log" first
    timeout 60 "$anchorage" label "${options[@]}" -o k --seed 5 >"$log" 2>&1
    expect "a second run at the same time is refused" ended $? 1
    expect "and told who is there" says "k: in use by process $one of"
    wait $one
    expect "--restart throws the old run away" "$anchorage" verify k --recompute scenes/annotations.json
    label k --restart
    expect "and back" same whole k
}

# ---- a run that was suspended, and wakes ----

# wake SENTENCE WHEN FIRST... -- SECOND...: the first run is stopped when the command WHEN succeeds; the second, in a process
# namespace of its own (as on another host), waits for its lock to be dead, and does the work; then the first wakes.
wake() {
    local sentence=$1 when=$2 first=() one code
    shift 2
    while [ "$1" != -- ]; do first+=("$1"); shift; done
    shift
    "${first[@]}" >first 2>&1 &
    one=$!
    within 20 eval "$when"
    # shellcheck disable=SC2046
    kill -STOP $(children $one) $one 2>/dev/null
    timeout 90 unshare --pid --fork --mount-proc "$@" >"$log" 2>&1
    code=$?
    # shellcheck disable=SC2046
    kill -CONT $one $(children $one) 2>/dev/null
    wait $one
    expect "the first of two ends with an error ($sentence)" grep -q "another run has taken the folder over" first
    expect "the second takes over ($sentence)" ended $code 0
    expect "and what it made stays ($sentence)" "$anchorage" verify w --recompute scenes/annotations.json
}

suspended() {
    if [ "$(id -u)" != 0 ] || ! unshare --pid --fork --mount-proc true 2>/dev/null; then
        not_run "suspended runs" "needs root and the right to unshare namespaces"
        return
    fi
    local long=(scenes/annotations.json -q --assignment --images-per-shard 1500 --epochs 6) # 72 shards
    rm -rf w
    wake "amid its shards" 'ls w/shard-0000[1-9]* >/dev/null 2>&1' mpirun -n 2 "$anchorage" label "${long[@]}" -o w -- \
        "$anchorage" label "${long[@]}" -o w --seed 9 --restart
    expect "and is of the second" grep -q '"seed":9' w/run.json
    wake "before it throws the old away" 'ls w/run.lock* >/dev/null 2>&1' "$anchorage" label "${long[@]}" -o w --restart -- \
        "$anchorage" label "${long[@]}" -o w --seed 9
    expect "and is of the second still" grep -q '"seed":9' w/run.json
}

# ---- damage ----

# damage SENTENCE FILE COMMAND...: damages k/FILE by COMMAND; verify must name it, the same command must mend it
damage() {
    local sentence=$1 file=$2
    shift 2
    "$@"
    "$anchorage" verify k >"$log" 2>&1
    expect "$sentence is found" ended $? 1
    expect "$sentence is named" says "k/$file: "
    label k
    expect "$sentence is mended by the same command" ended $? 0
    expect "$sentence leaves no trace" same whole k
}
flip() { # flip FILE AT
    /usr/bin/python3 -c 'import sys
f = open(sys.argv[1], "r+b"); n = int(sys.argv[2]); f.seek(n); b = f.read(1)[0] ^ 4; f.seek(n); f.write(bytes([b]))' "$1" "$2"
}
damages() {
    shard=shard-00007-of-00060.h5
    damage "a deleted shard" $shard rm k/$shard
    damage "a shard of another place" $shard cp k/shard-00008-of-00060.h5 k/$shard
    damage "a truncated shard" $shard truncate -s 30000 k/$shard
    damage "an empty shard" $shard truncate -s 0 k/$shard
    "$anchorage" label "${options[@]}" -o seed5 --seed 5 --part 8/60 >/dev/null 2>&1
    damage "a shard of another run" $shard cp seed5/$shard k/$shard
    for at in 9 40 700 20000 100000; do damage "a flipped byte at $at" $shard flip k/$shard $at; done
    damage "a flipped byte of the index" targets.h5 flip k/targets.h5 3000
    damage "a deleted index" targets.h5 rm k/targets.h5
    chmod 444 k/targets.h5
    damage "a damaged index that is read-only" targets.h5 flip k/targets.h5 4000
    flip k/run.json 300
    label k
    expect "a damaged run.json is refused" ended $? 1
    expect "and named" says "k/run.json: damaged; remove this one file"
    rm k/run.json
    label k
    expect "without it the shards count" same whole k
    cp whole/shard-00003-of-00060.h5 k/shard-00003-of-00061.h5
    "$anchorage" verify k >"$log" 2>&1
    expect "a shard too many is named" says "k/shard-00003-of-00061.h5: is no shard of this run"
    rm k/shard-00003-of-00061.h5
}

# ---- disks ----

disks() {
    mkdir small fixed
    if mount -t tmpfs -o size=4m small small 2>/dev/null; then
        label small
        expect "a full disk ends the run with 1" ended $? 1
        expect "naming the file" grep -qE 'small/shard-[0-9]+-of-00060.h5.*(cannot write|cannot seal|cannot close|No space)' "$log"
        expect "and losing only the shard in hand" readable small
        expect "of which nothing is left" ended "$(ls small | grep -c part)" 0
        mount -o remount,size=100m small
        label small
        expect "with more room the same command ends it" ended $? 0
        expect "with the same bytes" same whole small
        mount -t tmpfs -o ro fixed fixed
        label fixed
        expect "a read-only disk ends the run with 1" ended $? 1
        expect "naming the folder" says "fixed"
    else
        not_run "a full disk, a read-only disk" "cannot mount a tmpfs here; needs root"
    fi
    mkdir closed
    chmod 555 closed
    if [ "$(id -u)" = 0 ]; then
        chmod 755 "$tmp" scenes
        setpriv --reuid=65534 --regid=65534 --clear-groups env -u OMPI_ALLOW_RUN_AS_ROOT "$anchorage" label "${options[@]}" \
            -o closed >"$log" 2>&1
    else
        label closed
    fi
    expect "a folder that may not be written to ends the run with 1" ended $? 1
    expect "naming the folder" says "closed: cannot be written to: Permission denied"
}

# ---- errors ----

errors() {
    if ! ${CC:-cc} -D_GNU_SOURCE -std=c11 -O1 -Wall -shared -fPIC "$here/failing.c" -o failing.so -ldl -pthread >"$log" 2>&1; then
        expect "the library that makes calls fail compiles" false
        return
    fi
    local k kind config=(--config small.ini --images-per-shard 20 --epochs 2)
    "$anchorage" synth -o s --scenes 20 --width 120-200 --height 100-160 -q
    printf '[anchors]\nstrides = 8 16\nsizes = 24 48 | 64 128\n' >small.ini
    /usr/bin/python3 "$root/tests/python/make_features.py" s/annotations.json f.h5
    "$anchorage" label s/annotations.json "${config[@]}" --like f.h5 -o t -q
    for kind in write read; do
        expect "any failing call to $kind of label is told, and the same command goes on to the same bytes" \
            sweep $kind label.$kind out "$anchorage" label s/annotations.json "${config[@]}" -q
        tail -n 1 "$tmp/expect"
    done
    expect "any failing call to write of import is told" sweep write import out/annotations.h5 "$anchorage" import s/annotations.json
    tail -n 1 "$tmp/expect"
    expect "any failing call to write of train is told, and the same command goes on to the same bytes" \
        sweep write train out/head.h5 "$anchorage" train t f.h5 --steps 6 --batch 4 --checkpoint-every 3 -q
    tail -n 1 "$tmp/expect"
    "$anchorage" train t f.h5 -o head.h5 --untrained -q
    expect "any failing call to write of propose is told, and the same command goes on to the same bytes" \
        sweep write propose out/p.h5 "$anchorage" propose head.h5 f.h5 --images-per-shard 10 -q
    tail -n 1 "$tmp/expect"
    options=(scenes/annotations.json --images-per-shard 100 -q) # 180 shards
    for k in 1 25 50 100 200 400; do # of the second rank, which then has written 0 to 10 shards
        FAIL_BELOW=$tmp/second FAIL_KIND=write FAIL_AT=$k FAIL_ERRNO=122 timeout -k 5 60 mpirun -n 1 "$anchorage" label \
            "${options[@]}" -o second : -n 1 -x "LD_PRELOAD=$tmp/failing.so" "$anchorage" label "${options[@]}" -o second >"$log" 2>&1
        expect "call $k of the second rank fails: the job ends with 1" ended $? 1
        expect "naming the rank, its file and why" grep -qE "^anchorage: label: rank 1: second.*Disk quota exceeded" "$log"
        expect "and only what was in hand is lost" readable second
    done
    expect "the second rank's shards are kept, too" test "$(ls second | grep -c 'shard-.*h5$')" -gt 10
    timeout 60 mpirun -n 2 "$anchorage" label "${options[@]}" -o second >"$log" 2>&1
    expect "the same command ends what failed six times" ended $? 0
    "$anchorage" label "${options[@]}" -o undisturbed >"$log" 2>&1
    expect "with the bytes of an undisturbed run" same undisturbed second
    (ulimit -n 64 && "$anchorage" label "${options[@]}" -o many >"$log" 2>&1)
    expect "180 shards and their index are written with 64 open files" ended $? 0
    (ulimit -n 64 && "$anchorage" verify many >"$log" 2>&1)
    expect "and read" says "180 shards and targets.h5"
}
source "$here/errors.sh"

! wanted kills || kills
! wanted requests || requests
! wanted suspended || suspended
if wanted others || wanted damage; then others; fi # damage goes on with its folder
! wanted damage || damages
! wanted disks || disks
! wanted errors || errors
finish
