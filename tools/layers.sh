#!/bin/bash
# layers.sh: holds every #include "..." to the arrows that the Makefile hands in (ARROWS: "room: what it may see" a line).
# A room that is not listed may see all but tests and benchmarks; a row's entry that names a file allows that file alone.
set -u
bad=0
rooms=$(cut -d: -f1 <<<"$ARROWS")
while IFS=: read -r file line text; do
    room=${file%/*} from=${text#*\"}
    from=${from%%\"*}
    case "$room" in tests* | bench* | examples*) continue ;; esac
    case "$from" in tests/* | bench/* | examples/*) echo "$file:$line: includes $from, which is for tests"; bad=1; continue ;; esac
    grep -qx "$room" <<<"$rooms" || continue
    allowed=" $(sed -n "s|^$room:||p" <<<"$ARROWS") "
    case "$allowed" in *" ${from%/*} "* | *" $from "*) continue ;; esac
    echo "$file:$line: $room/ may not include $from"
    bad=1
done < <(grep -rnE '^ *#include "' --include='*.[ch]' include core io mpi jobs)
exit $bad
