#!/bin/sh
# deps.sh [PACKAGE...]   installs what the build and its tests need, and these Debian packages, if this user may
# deps.sh --look         only looks for what compiling needs, for plain `make`
# deps.sh --look-tests   only looks for what the tests need on top
# make hands in CC, FLAGS and LIBS; then the compiler is asked first, and what it finds need not be installed. Called by
# hand it installs the packages that are named, or all.
set -u

# thing | what shows that it is there: header and library, $command or %Python module | its name for apt | dnf |
# spack | module | conda. The rows from cunit on are for the tests alone.
table() {
    cat <<'END'
compiler|stdio.h -lm|gcc libc6-dev make pkg-config|gcc make pkgconf|gcc pkgconf|gcc|gcc pkg-config
mpi|mpi.h|libopenmpi-dev openmpi-bin|openmpi-devel|openmpi|openmpi|openmpi
mpirun|$mpirun|openmpi-bin|openmpi|openmpi|openmpi|openmpi
hdf5|hdf5.h -lhdf5|libhdf5-dev|hdf5-devel|hdf5~mpi|hdf5|hdf5
zlib|zlib.h -lz|zlib1g-dev|zlib-devel|zlib|zlib|zlib
libdeflate|libdeflate.h -ldeflate|libdeflate-dev|libdeflate-devel|libdeflate|libdeflate|libdeflate
yajl|yajl/yajl_parse.h -lyajl|libyajl-dev|yajl-devel|yajl|yajl|yajl
expat|expat.h -lexpat|libexpat1-dev|expat-devel|expat|expat|expat
libyaml|yaml.h -lyaml|libyaml-dev|libyaml-devel|libyaml|libyaml|yaml
libpng|png.h -lpng|libpng-dev|libpng-devel|libpng|libpng|libpng
libjpeg|stdio.h jpeglib.h -ljpeg|libjpeg-dev|libjpeg-turbo-devel|libjpeg-turbo|libjpeg-turbo|libjpeg-turbo
libwebp|webp/decode.h -lwebp|libwebp-dev|libwebp-devel|libwebp|libwebp|libwebp-base
openblas|cblas.h -lopenblas|libopenblas-dev|openblas-devel|openblas|openblas|openblas
cunit|CUnit/CUnit.h -lcunit|libcunit1-dev|CUnit-devel|cunit|cunit|cunit
h5py|%h5py|python3-h5py python3-numpy|python3-h5py|py-h5py|h5py|h5py
hdf5-tools|$h5dump|hdf5-tools|hdf5|hdf5~mpi|hdf5|hdf5
END
}

# compiles FLAGS WORD...: a program that includes these headers and links these -l libraries, as LIBS calls them
compiles() {
    flags=$1 libraries=""
    shift
    : >"$scratch/a.c"
    for word in "$@"; do
        case "$word" in
        -l*)
            for name in ${LIBS:-}; do # Debian's -lhdf5 may be called -lhdf5_serial
                case "$name" in "$word" | "${word}_"*) word=$name && break ;; esac
            done
            libraries="$libraries $word"
            ;;
        *) echo "#include <$word>" >>"$scratch/a.c" ;;
        esac
    done
    echo 'int main(void) { return 0; }' >>"$scratch/a.c"
    # shellcheck disable=SC2086  # lists of flags
    ${CC:-gcc} ${FLAGS:-} "$scratch/a.c" $flags $libraries -o "$scratch/a" >/dev/null 2>&1
}

is_there() { # is_there SIGN...: the table's second column
    case "$1" in
    '$'*) command -v "${1#?}" >/dev/null ;;
    %*) /usr/bin/python3 -c "import ${1#?}" 2>/dev/null ;; # the one that the tests call
    *) compiles "$folders" "$@" ;;
    esac
}

# Puts the names of these rows' things that are not there into $missing.
look() {
    missing="" rows=$1
    # All at once, which is most often the end of it.
    # shellcheck disable=SC2046,SC2086
    compiles "${LIBS:-}" stdio.h $(echo "$rows" | cut -d'|' -f2 | grep -v '^[$%]') && all=1 || all=0
    while IFS='|' read -r thing sign rest; do
        # shellcheck disable=SC2086
        case "$all$sign" in 1'$'* | 1%* | 0*) is_there $sign || missing="$missing $thing" ;; esac
    done <<END
$rows
END
    missing=${missing# }
}
to_compile() { table | sed '/^cunit/,$d; /^mpirun/d'; }
to_run() { table | sed '/^cunit/,$d'; }
to_test() { table | sed -n '/^cunit/,$p'; }

names() { # names COLUMN THING...: what one installer calls them
    column=$1
    shift
    for thing in "$@"; do table | grep "^$thing|" | cut -d'|' -f"$column"; done | tr ' ' '\n' | sort -u | paste -sd' '
}

ways() { # ways THING...: their names for every installer, on one line
    echo "apt-get install $(names 3 "$@"); dnf install $(names 4 "$@"); spack load $(names 5 "$@");" \
        "module load $(names 6 "$@") (names differ); conda install -c conda-forge $(names 7 "$@")"
}

scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
folders=""
for word in ${LIBS:-}; do case "$word" in -L*) folders="$folders $word" ;; esac done

# shellcheck disable=SC2086  # $missing is a list all through
case "${1:-}" in
--look)
    look "$(to_compile)"
    [ -n "$missing" ] || exit 0
    echo "make: not found: $missing; run 'make deps', which installs what is missing or says how to" >&2
    exit 1
    ;;
--look-tests)
    look "$(to_test)"
    [ -n "$missing" ] || exit 0
    echo "make: the program is built; its tests need more: $missing. $(ways $missing)" >&2
    exit 1
    ;;
esac

program="" tests=""
if [ -n "${FLAGS+by make}" ]; then
    look "$(to_run)"
    program=$missing
    look "$(to_test)"
    tests=$missing
fi
packages=""
if command -v dpkg-query >/dev/null && command -v apt-get >/dev/null; then
    # shellcheck disable=SC2046,SC2086
    [ -n "${FLAGS+by make}" ] || [ $# != 0 ] || set -- $(names 3 $(table | cut -d'|' -f1))
    # shellcheck disable=SC2046,SC2086
    for p in $([ -z "$program$tests" ] || names 3 $program $tests) ${program:+pkg-config} "$@"; do
        case "$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) $packages " in
        *' installed '* | *" $p "*) ;;
        *) packages="$packages $p" ;;
        esac
    done
fi
[ -n "$program$tests$packages" ] || exit 0

# May this user install? A sudo that asks for a password is only called where someone can type one and is in a
# group that it is for: on the login node of a cluster it would do no more than report him.
as_root="" may=0
if [ "$(id -u)" = 0 ]; then
    may=1
elif command -v sudo >/dev/null; then
    as_root=sudo
    if sudo -n true 2>/dev/null || { [ -t 0 ] && id -nG | grep -qwE 'sudo|admin|wheel'; }; then may=1; fi
fi

why=""
if [ "$may" = 1 ] && [ -n "$packages" ]; then
    echo "deps: installing$packages"
    log=$scratch/log
    # shellcheck disable=SC2086
    {
        $as_root apt-get -qq -o Acquire::Retries=3 update </dev/null
        $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends -o Acquire::Retries=3 \
            -o Dpkg::Use-Pty=0 install $packages </dev/null && exit 0
    } >"$log" 2>&1
    if grep -qE 'resolv|Could not connect|Unable to connect|unreachable|Failed to fetch' "$log"; then
        why=" apt-get cannot reach its mirror: is this machine offline?"
    else
        why=" apt-get failed: $(grep -m 1 '^E: ' "$log" || tail -n 1 "$log")."
    fi
fi

# shellcheck disable=SC2086
if [ -n "$program" ]; then
    echo "deps:$why missing: $program${tests:+ $tests}. $(ways $program $tests)" >&2
    exit 1
elif [ -n "$tests" ]; then
    echo "deps:$why the program can be built; its tests need more: $tests. $(ways $tests)" >&2
    [ $# = 0 ] # the packages that were asked for by name are not there
else
    echo "deps:$why missing:$packages. apt-get install$packages" >&2
    exit 1
fi
