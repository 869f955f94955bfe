#!/bin/bash
# setup.sh: tools/deps.sh and plain `make` on machines that it pretends to be on: a PATH of its own with a compiler that lacks
# headers, a sudo that refuses and an apt-get that fails. Installs nothing.
# shellcheck disable=SC2016  # the words of other scripts
set -u
cd "$(dirname "$0")/.." || exit 1
here=$PWD tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0 failed=0
expect() { # expect SENTENCE COMMAND...
    local sentence=$1
    shift
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "  $sentence ...FAILED ($*); exit code $code and:"
        sed 's/^/    /' "$tmp/log" "$tmp/calls" | cut -c 1-300 | head -n 12
    fi
}
says() { grep -qF -- "$1" "$tmp/log"; }
says_not() { ! says "$1"; }
lines() { [ "$(grep -cv '^deps: installing' "$tmp/log")" = "$1" ]; }
called() { grep -qxF -- "$1" "$tmp/calls"; }
never() { ! grep -q "^$1" "$tmp/calls"; }
ended() { [ "$code" = "$1" ]; }

fake() { # fake NAME: a command, from standard input, that notes its calls
    { printf '#!/bin/sh\necho "%s $*" >>"%s/calls"\n' "$1" "$tmp"; cat; } >"$tmp/bin/$1"
    chmod +x "$tmp/bin/$1"
}
real=$(command -v gcc)
machine() { # machine UID HEADER...: a PATH without these headers (or commands) and without any installer
    rm -rf "${tmp:?}/bin"
    mkdir "$tmp/bin"
    local name lacks='<nothing>'
    for name in sh bash env cat cut dirname grep head ln mkdir mktemp mpicc mpirun nproc paste pkg-config rm sed sort tail \
        touch tr uname make; do
        ln -s "$(command -v $name)" "$tmp/bin/$name"
    done
    printf '#!/bin/sh\n[ "$1" != -nG ] && echo %s || echo users\n' "$1" >"$tmp/bin/id"
    chmod +x "$tmp/bin/id"
    for name in "${@:2}"; do lacks="$lacks|<$name>"; done
    printf '#!/bin/sh\nfor f; do case $f in *.c) ! grep -qE "%s" "$f" || { echo "$f: error: no such file"; exit 1; } ;; esac; done\nPATH=%s exec %s "$@"\n' \
        "$lacks" "$PATH" "$real" >"$tmp/bin/gcc"
    chmod +x "$tmp/bin/gcc"
    ln -s /bin/true "$tmp/bin/h5dump"
    : >"$tmp/calls"
}
debian() { # an apt-get that fails with these words; none: that succeeds. Nothing is installed.
    fake dpkg-query <<<'exit 1'
    fake apt-get <<<"${1:+echo '$1' >&2; exit 100}"
}
refusing_sudo() { fake sudo <<<'echo "sudo: a password is required" >&2; exit 1'; }
run() { # run COMMAND...
    PATH=$tmp/bin MAKEFLAGS='' "$@" </dev/null >"$tmp/log" 2>&1
    code=$?
}
make_deps() { run make -s deps; }

machine 1000; debian; refusing_sudo; make_deps
expect "where the compiler finds everything nothing is asked for" ended 0
expect "where the compiler finds everything nothing is said" lines 0
expect "where the compiler finds everything sudo is not called" never sudo

machine 1000 CUnit/CUnit.h; debian; refusing_sudo; make_deps
expect "without the tests' tools alone the build goes on" ended 0
expect "and one line says so" lines 1
expect "and what lacks" says "the program can be built; its tests need more: cunit. apt-get install libcunit1-dev; dnf install CUnit-devel; \
spack load cunit; module load cunit (names differ); conda install -c conda-forge cunit"
expect "a sudo that refuses is asked once, without a password" called "sudo -n true"
expect "a sudo that refuses installs nothing" never apt-get

machine 1000 hdf5.h yajl/yajl_parse.h; debian; refusing_sudo; make_deps
expect "without a library of the program deps fails" ended 2
expect "and names it, and only what lacks" says "deps: missing: hdf5 yajl. apt-get install libhdf5-dev libyajl-dev; dnf install hdf5-devel \
yajl-devel; spack load hdf5~mpi yajl; module load hdf5 yajl (names differ); conda install -c conda-forge hdf5 yajl"
expect "on one line beside make's own" lines 2
expect "and asks for no password" never "sudo env"

machine 1000 hdf5.h; make_deps
expect "a machine without apt and sudo gets the same line" says "deps: missing: hdf5. apt-get install libhdf5-dev; dnf install hdf5-devel"

machine 0 hdf5.h; debian 'E: Failed to fetch x: Temporary failure resolving x'; make_deps
expect "offline, deps says so" says "deps: apt-get cannot reach its mirror: is this machine offline? missing: hdf5. apt-get"
expect "on one line, offline" lines 2
expect "offline, deps fails" ended 2

machine 0 CUnit/CUnit.h; debian 'E: Failed to fetch x: Temporary failure resolving x'; make_deps
expect "offline without the tests' tools alone the build goes on" ended 0

machine 0 hdf5.h; debian 'E: Could not get lock'; make_deps
expect "what apt-get failed of is said" says "deps: apt-get failed: E: Could not get lock. missing: hdf5."

machine 0 hdf5.h CUnit/CUnit.h; debian; make_deps
expect "root installs" ended 0
expect "what lacks" says "deps: installing libcunit1-dev libhdf5-dev pkg-config"

machine 1000 hdf5.h; debian; fake sudo <<<'[ "$1" = -n ] || exec "$@"'; make_deps
expect "a sudo that asks for nothing installs" ended 0
expect "by apt-get" called "sudo apt-get -qq -o Acquire::Retries=3 update"

machine 1000; debian; refusing_sudo; run tools/deps.sh slurm-wlm
expect "a package that was asked for by name and cannot be had is a failure" ended 1

machine 1000 hdf5.h yajl/yajl_parse.h; debian; run make BUILD="$tmp/build" "$tmp/build/jobs/main.o" "$tmp/build/io/h5_read.o"
expect "plain make without the packages says make deps" says "make: not found: hdf5 yajl; run 'make deps'"
expect "and not what the compiler says" says_not "error:"
expect "and installs nothing" never apt-get

machine 1000 CUnit/CUnit.h; run make BUILD="$tmp/build" "$tmp/build/core/err.o"
expect "the program is built without CUnit" ended 0
run make -n BUILD="$tmp/build" all
expect "nor is it linked with it" says_not cunit
run env -u WERROR make -n V=1 BUILD="$tmp/other" "$tmp/other/core/err.o"
expect "warnings are warnings" says_not -Werror
run make -n V=1 WERROR=-Werror BUILD="$tmp/other" "$tmp/other/core/err.o"
expect "unless asked for as errors" says -Werror
run env FLAGS= LIBS= "$here/tools/deps.sh" --look-tests
expect "make check says what the tests need" says "make: the program is built; its tests need more: cunit. apt-get install libcunit1-dev"
expect "and fails" ended 1

echo "$passed passed, $failed failed"
((failed == 0))
