# tests/cluster/errors.sh: every system call of a small run fails, one after the other, as on a bad, full or busy disk.
# Sourced by faults.sh, needs lib.sh. failing.c makes the calls fail.
reasons=([5]="Input/output error" [24]="Too many open files" [28]="No space left on device" [122]="Disk quota exceeded")

sound() { diff -r -x 'run.lock.*' "$1" "$2" >/dev/null; } # the removal of a lock may be what failed

# one_error KIND K CALL FOLDER FILE COMMAND...: COMMAND -o FOLDER/K/FILE, whose call K fails; says what is wrong then.
# Errors take turns; with every second one all calls after it fail too.
one_error() {
    local kind=$1 k=$2 call=$3 own=$4/$2 whole=$4/whole file=$5 number code on=$(($2 % 2))
    shift 5
    case $kind:$call in
    *:open) number=$((k % 4 < 2 ? 24 : 5)) ;;
    read:*) number=5 ;;
    *) number=(28 5 122) number=${number[$((k / 2 % 3))]} ;;
    esac
    mkdir -p "$own/$(dirname "$file")"
    FAIL_BELOW=$own/out FAIL_KIND=$kind FAIL_AT=$k FAIL_ERRNO=$number FAIL_ON=$on LD_PRELOAD=$tmp/failing.so \
        timeout -k 5 60 "$@" -o "$own/$file" >"$own/log" 2>&1 </dev/null
    code=$?
    if ((code == 0)); then
        sound "$own/out" "$whole" || echo "$kind $k ($call): done, but with other bytes"
    else
        ((code == 1)) || echo "$kind $k ($call): exit code $code"
        [ "$(grep -c '^anchorage: ' "$own/log")" = 1 ] || echo "$kind $k ($call): not one error"
        grep -qE "^anchorage: [a-z]+: $own/out.*${reasons[$number]}" "$own/log" ||
            echo "$kind $k ($call): names no file, or not '${reasons[$number]}'"
        ((on)) || ! find "$own/out" -name '*.part' 2>/dev/null | grep . || echo "$kind $k ($call): leaves a half file"
        ls "$own"/out/shard-* >/dev/null 2>&1 && ! readable "$own/out" && echo "$kind $k ($call): leaves a bad file"
        "$@" -o "$own/$file" >"$own/log2" 2>&1 </dev/null || { echo "$kind $k ($call): does not go on"; cat "$own/log2"; }
        sound "$own/out" "$whole" || echo "$kind $k ($call): other bytes after going on"
    fi >"$own/wrong"
    [ ! -s "$own/wrong" ] || cat "$own/wrong" "$own/log"
    rm -rf "$own"
}

# sweep KIND FOLDER FILE COMMAND...: COMMAND -o .../FILE again and again, with another call that fails; four at a time, as
# such runs mostly wait for MPI to start
sweep() {
    local kind=$1 folder=$PWD/$2 file=$3 n side
    shift 3
    mkdir -p "$folder/seen/$(dirname "$file")"
    FAIL_BELOW=$folder/seen/out FAIL_KIND=$kind FAIL_LOG=$folder/calls LD_PRELOAD=$tmp/failing.so \
        "$@" -o "$folder/seen/$file" >"$log" 2>&1 || return 1
    mv "$folder/seen/out" "$folder/whole"
    n=$(wc -l <"$folder/calls")
    for side in 0 1 2 3; do
        while read -r k call _; do
            ((k % 4 != side)) || one_error "$kind" "$k" "$call" "$folder" "$file" "$@"
        done <"$folder/calls" >"$folder/wrong.$side" &
    done
    wait
    cat "$folder"/wrong.? >"$log"
    echo "  $n calls to $kind of ${1##*/} $2 failed in turn"
    ((n > 9)) && [ ! -s "$log" ]
}
