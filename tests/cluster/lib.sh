# tests/cluster/lib.sh: what the check-* scripts share. Sourced; the caller has given the binary as $1.
set -u
anchorage=$(realpath "$1")
here=$(realpath "$(dirname "${BASH_SOURCE[0]}")")
root=$(realpath "$here/../..")
tmp=$(mktemp -d /tmp/anc.XXXXXX)
passed=0 failed=0
eval "$("$anchorage" mpi-settings desk)"
export OMPI_MCA_orte_base_help_aggregate=1

# expect SENTENCE COMMAND...: one test; when it fails, what it and $log say is shown.
log=$tmp/log
: >"$log"
expect() {
    local sentence=$1
    shift
    if "$@" >"$tmp/expect" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "  $sentence ...FAILED ($*)"
        sed 's/^/    /' "$tmp/expect" "$log" | tail -n 25
    fi
}

not_run() { echo "  $1 ...NOT RUN: $2"; }
says() { grep -qF -- "$1" "$log"; }
ended() { [ "$1" = "$2" ]; }
same() { diff -r "$1" "$2"; }
now() { date +%s%N; }
seconds_since() { echo $((($(now) - $1) / 1000000000)); }
finish() {
    echo "$passed passed, $failed failed"
    ((failed == 0))
    exit
}
# within SECONDS COMMAND...: until it succeeds
within() {
    local start=$SECONDS limit=$1
    shift
    until "$@"; do
        ((SECONDS - start < limit)) || return 1
        sleep 0.1
    done
}
