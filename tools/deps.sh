#!/bin/sh
# Installs what the build and its tests need; further package names as arguments. Run by `make deps`, which
# hands in CC, FLAGS and LIBS for the test whether the compiler finds everything already.
set -eu

packages="gcc libc6-dev make pkg-config libopenmpi-dev openmpi-bin libhdf5-dev hdf5-tools libcunit1-dev
zlib1g-dev libdeflate-dev libyajl-dev libinih-dev libexpat1-dev libyaml-dev libpng-dev
libjpeg-dev libwebp-dev libopenblas-dev python3-h5py python3-numpy"

missing=""
for p in $packages "$@"; do
    case "$(dpkg-query -W -f '${Status}' "$p" 2>/dev/null || true)" in
    *' installed') ;;
    *) missing="$missing $p" ;;
    esac
done
[ -n "$missing" ] || exit 0

usable() {
    folder=$(mktemp -d)
    printf '#include <%s>\n' stdio.h CUnit/CUnit.h cblas.h expat.h hdf5.h ini.h jpeglib.h libdeflate.h mpi.h png.h webp/decode.h \
        yajl/yajl_parse.h yaml.h zlib.h >"$folder/a.c"
    echo 'int main(void) { return 0; }' >>"$folder/a.c"
    # shellcheck disable=SC2086  # lists of flags
    ${CC:-gcc} ${FLAGS:-} "$folder/a.c" ${LIBS:-} -o "$folder/a" >"$folder/log" 2>&1 && ok=0 || ok=1
    sed -n '/error/{p;q;}' "$folder/log" >&2
    rm -rf "$folder"
    return "$ok"
}

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    as_root=""
    [ "$(id -u)" = 0 ] || as_root=sudo
    if [ -z "$as_root" ] || command -v sudo >/dev/null; then
        echo "deps: installing$missing"
        options="-qq -y --no-install-recommends -o Acquire::Retries=3 -o Dpkg::Use-Pty=0"
        # shellcheck disable=SC2086
        $as_root apt-get -qq -o Acquire::Retries=3 update </dev/null &&
            $as_root env DEBIAN_FRONTEND=noninteractive apt-get $options install $missing </dev/null >/dev/null && exit 0
        echo "deps: apt-get failed" >&2
        exit 1
    fi
    if usable; then
        echo "deps: not installed:$missing; the compiler finds all it needs, so the build goes on" >&2
        exit 0
    fi
    echo "deps: run this as root, then make again: apt-get install --no-install-recommends$missing" >&2
    exit 1
fi

if usable; then exit 0; fi
cat >&2 <<'END'
deps: the compiler does not find all packages. Get them in one of these ways, then run make again:
  dnf      dnf install gcc make pkgconf openmpi-devel hdf5-devel CUnit-devel zlib-devel libdeflate-devel \
               yajl-devel inih-devel expat-devel libyaml-devel libpng-devel libjpeg-turbo-devel libwebp-devel openblas-devel python3-h5py && module load mpi/openmpi-x86_64
  spack    spack load gcc openmpi hdf5~mpi cunit zlib libdeflate yajl inih expat libyaml libpng libjpeg-turbo libwebp openblas pkgconf py-h5py
  modules  module load gcc openmpi hdf5 zlib libpng openblas   (names differ; then the rest by spack, into your home)
END
exit 1
