#!/bin/bash
# check.sh: libanchorage as someone who installs it meets it: `make install` into an empty prefix, then examples/embed.c built
# against that alone. Run as BUILD/library by tools/check.sh; it reads the last line. What a machine lacks is NOT RUN.
set -u
build=$(realpath "$(dirname "$0")")
root=$PWD
cc=${CC:-gcc} cxx=${CXX:-g++}
unset MAKEFLAGS MFLAGS MAKELEVEL
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
prefix=$tmp/prefix
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib
good=0 bad=0

# check NAME: a function of that name, true when it succeeds; 77: cannot be run here, and it has said why.
check() {
    "$1" >"$tmp/$1.log" 2>&1
    case $? in
    0) echo "  Test: $1 ...passed" && good=$((good + 1)) ;;
    77) echo "  Test: $1 ...NOT RUN: $(tail -n 1 "$tmp/$1.log")" ;;
    *) sed 's/^/    /' "$tmp/$1.log"; echo "  Test: $1 ...FAILED" && bad=$((bad + 1)) ;;
    esac
}
lacks() { command -v "$1" >/dev/null && return 1; echo "$1 is not there"; }

everything_is_installed() {
    make -s -C "$root" BUILD="$build" PREFIX="$prefix" CC="$cc" install || return 1
    local f
    for f in bin/anchorage include/anchorage.h lib/libanchorage.a lib/libanchorage.so lib/pkgconfig/anchorage.pc \
        lib/cmake/anchorage/anchorageConfig.cmake lib/cmake/anchorage/anchorageConfigVersion.cmake \
        share/doc/anchorage/LIBRARY.md share/doc/anchorage/LICENSE share/doc/anchorage/examples/embed.c \
        share/anchorage/slurm/label.sbatch; do
        [ -s "$prefix/$f" ] || { echo "$f is missing"; return 1; }
    done
    [ "$(pkg-config --modversion anchorage)" = "$("$prefix/bin/anchorage" --version | sed 's/^anchorage //;q')" ]
}

a_program_builds_with_pkg_config_alone() {
    command -v pkg-config >/dev/null || echo "pkg-config is not there: make deps installs it"
    cd "$tmp" || return 1
    # shellcheck disable=SC2046
    "$cc" -std=c11 -Wall -Wextra -Werror "$prefix/share/doc/anchorage/examples/embed.c" \
        $(pkg-config --cflags --libs anchorage) -o embed && mkdir -p out && ./embed out && [ -s out/labels-label ] &&
        ldd ./embed | grep -q "$prefix/lib/libanchorage.so.0"
}

a_program_builds_with_the_static_library() {
    # shellcheck disable=SC2046
    "$cc" -std=c99 -pedantic -Wall -Wextra -Werror "$prefix/share/doc/anchorage/examples/embed.c" $(pkg-config --cflags anchorage) \
        "$prefix/lib/libanchorage.a" -lm -o "$tmp/embed-static" && mkdir -p "$tmp/out-static" &&
        LD_LIBRARY_PATH='' "$tmp/embed-static" "$tmp/out-static" && diff -r "$tmp/out" "$tmp/out-static"
}

a_program_builds_as_cxx() {
    lacks "$cxx" && return 77
    # shellcheck disable=SC2046
    "$cxx" -x c++ -std=c++11 -pedantic -Wall -Wextra -Werror "$prefix/share/doc/anchorage/examples/embed.c" \
        $(pkg-config --cflags --libs anchorage) -o "$tmp/embed-cxx" && "$tmp/embed-cxx"
}

a_program_builds_with_cmake() {
    lacks cmake && return 77
    mkdir -p "$tmp/cmake" && cd "$tmp/cmake" || return 1
    cat >CMakeLists.txt <<END
cmake_minimum_required(VERSION 3.10)
project(embed C)
find_package(anchorage 0.1 REQUIRED)
foreach(kind anchorage static)
    add_executable(embed-\${kind} "$prefix/share/doc/anchorage/examples/embed.c")
    target_link_libraries(embed-\${kind} PRIVATE anchorage::\${kind})
endforeach()
END
    cmake -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" . && cmake --build . && ./embed-anchorage && ./embed-static &&
        sed -i 's/anchorage 0.1/anchorage 1.0/' CMakeLists.txt && ! cmake .
}

what_is_embedded_equals_the_programs_shard() {
    lacks h5dump && return 77
    cat >"$tmp/one.json" <<'END'
{"images":[{"id":42,"height":480,"width":640,"file_name":"a.jpg"}],
 "categories":[{"id":1,"name":"a"},{"id":3,"name":"b"},{"id":18,"name":"c"}],
 "annotations":[
 {"id":1,"image_id":42,"category_id":1,"iscrowd":0,"bbox":[40.5,60.25,180.25,250.25]},
 {"id":2,"image_id":42,"category_id":3,"iscrowd":0,"bbox":[300,120,80,70]},
 {"id":3,"image_id":42,"category_id":1,"iscrowd":0,"bbox":[560.25,300.5,89.75,169.5]},
 {"id":4,"image_id":42,"category_id":18,"iscrowd":0,"bbox":[410,20,15.5,13.25]},
 {"id":5,"image_id":42,"category_id":1,"iscrowd":1,"bbox":[100,330,400,130]}]}
END
    "$prefix/bin/anchorage" label "$tmp/one.json" -o "$tmp/shards" -p detectron2-fpn --seed 7 --flip 0.5 --set boxes.crowd=ignore \
        --assignment --labels --with-gt -q || return 1
    local f n=0
    for f in "$tmp"/out/*; do
        h5dump -d "/$(basename "$f" | tr - /)" -b LE -o "$tmp/column" "$tmp/shards/shard-00000-of-00001.h5" >"$tmp/dump" ||
            { cat "$tmp/dump"; return 1; }
        cmp "$f" "$tmp/column" || { echo "$f differs"; return 1; }
        [ -s "$f" ] && n=$((n + 1))
    done
    echo "$n columns"
    [ "$n" = 11 ]
}

every_function_is_called() {
    # shellcheck disable=SC2046
    "$cc" -std=c11 -Wall -Wextra -Werror "$root/tests/library/every.c" $(pkg-config --cflags --libs anchorage) -o "$tmp/every" &&
        "$tmp/every" || return 1
    sed -n 's/^ANCHORAGE_API .*[ *]\(anchorage_[a-z0-9_]*\)(.*/\1/p' "$prefix/include/anchorage.h" | while read -r name; do
        grep -q "\b$name(" "$root/tests/library/every.c" || { echo "$name is not"; exit 1; }
    done
}

valgrind_finds_nothing() {
    lacks valgrind && return 77
    cp -r "$prefix/lib" "$tmp/stripped" && cp "$tmp/every" "$tmp/stripped" && # older ones stumble over newer compilers' debug data
        strip -g "$tmp/stripped/every" "$tmp"/stripped/libanchorage.so.*.* || return 1
    LD_LIBRARY_PATH=$tmp/stripped valgrind -q --error-exitcode=9 --leak-check=full --show-leak-kinds=all "$tmp/stripped/every"
}

each_allocation_that_fails_is_an_error() {
    if ! ldd "$tmp/every" | grep -q 'libc\.so\.6'; then
        echo "the C library is not glibc"
        return 77
    fi
    "$cc" -O1 -fno-builtin -shared -fPIC "$root/tests/library/starve.c" -o "$tmp/starve.so" || return 1
    local n code
    for ((n = 1; n < 1000; n++)); do
        LD_PRELOAD=$tmp/starve.so STARVE_AFTER=$n "$tmp/every" >"$tmp/stdout" 2>"$tmp/stderr"
        code=$?
        if ((code == 0)); then break; fi
        if ((code != 1)) || ! grep -q '^every: .*out of memory' "$tmp/stderr"; then
            echo "allocation $n: exit code $code"
            cat "$tmp/stderr"
            return 1
        fi
    done
    echo "$((n - 1)) allocations"
    ((n > 50 && n < 1000))
}

the_library_exports_the_headers_functions() {
    sed -n 's/^ANCHORAGE_API .*[ *]\(anchorage_[a-z0-9_]*\)(.*/\1/p' "$prefix/include/anchorage.h" | sort >"$tmp/declared"
    nm -D --defined-only "$prefix/lib/libanchorage.so" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort >"$tmp/exported"
    nm -g --defined-only "$prefix/lib/libanchorage.a" | awk 'NF == 3 { print $3 }' | sort >"$tmp/static"
    [ "$(wc -l <"$tmp/declared")" -ge 41 ] && diff "$tmp/declared" "$tmp/exported" && diff "$tmp/declared" "$tmp/static" &&
        readelf -d "$prefix/lib/libanchorage.so" | grep -q 'SONAME.*\[libanchorage.so.0\]'
}

the_library_needs_libc_and_libm_alone() {
    readelf -d "$prefix/lib/libanchorage.so" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' >"$tmp/needed"
    grep -q '^libc\.so' "$tmp/needed" && ! grep -vE '^(libc|libm|ld-linux.*)\.so' "$tmp/needed"
}

# Tables of pointers are read-only once they are relocated (.data.rel.ro); .data and .bss would be state.
the_library_has_no_state() {
    size -A "$prefix/lib/libanchorage.a" | awk '$1 == ".text" { text = $2 }
        $1 ~ /^\.(data|bss|tdata|tbss)$/ && $2 > 0 { print; n++ } END { exit n > 0 || !text }'
}

programs_linked_before_still_fit() {
    # shellcheck disable=SC2046
    "$cc" "$root/tests/library/abi.c" $(pkg-config --cflags anchorage) -o "$tmp/abi" || return 1
    { "$tmp/abi" && nm -D --defined-only "$prefix/lib/libanchorage.so" | awk '$2 == "T" { print "symbol", $3 }' | sort; } >"$tmp/abi.txt"
    if [ "$(uname -m)" != x86_64 ]; then
        echo "the record is of x86-64"
        return 77
    fi
    diff "$root/tests/library/abi.txt" "$tmp/abi.txt" && return 0
    echo "a line that changed or went breaks programs that are linked: raise SOVERSION. Then, or if lines were only added:"
    echo "cp the new record to tests/library/abi.txt; it is at the end of this log"
    cat "$tmp/abi.txt"
    return 1
}

echo "Suite: library"
for name in everything_is_installed a_program_builds_with_pkg_config_alone a_program_builds_with_the_static_library \
    a_program_builds_as_cxx a_program_builds_with_cmake what_is_embedded_equals_the_programs_shard every_function_is_called valgrind_finds_nothing \
    each_allocation_that_fails_is_an_error the_library_exports_the_headers_functions the_library_needs_libc_and_libm_alone \
    the_library_has_no_state programs_linked_before_still_fit; do
    check $name
done
echo "tests $((good + bad)) $((good + bad)) $good $bad 0"
((bad == 0))
