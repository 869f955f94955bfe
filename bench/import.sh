#!/bin/bash
# bench/import.sh ANCHORAGE [RANKS]: how fast each reader of annotations is, beside a plain read of the same files. One
# figure a line: name, value, unit, then what it was measured beside. Best of three, files in the page cache; the sources are
# made from generated scenes (COCO JSON) by make_formats.py, the same boxes in each.
set -euo pipefail
anchorage=$(realpath "$1") ranks=${2:-2}
here=$(cd "$(dirname "$0")/.." && pwd)
folder=$(mktemp -d "${TMPDIR:-/tmp}/anchorage-bench-XXXXXX")
trap 'rm -rf "$folder"' EXIT
cd "$folder"

now() { date +%s.%N; }

# The least of three runs' seconds.
best() {
    local least=1e9 start took
    for _ in 1 2 3; do
        start=$(now)
        "$@" >/dev/null
        took=$(echo "$(now) $start" | awk '{print $1 - $2}')
        least=$(echo "$least $took" | awk '{print $1 < $2 ? $1 : $2}')
    done
    echo "$least"
}

plain_read() { find "$1" -type f -print0 | xargs -0 cat | wc -c; }

# figure NAME FORMAT SOURCE OPTION...: MB/s on one rank and on several, beside the plain read; files a second for folders.
figure() {
    local name=$1 format=$2 source=$3 bytes files read one many
    shift 3
    bytes=$(plain_read "$source")
    files=$(find "$source" -type f | wc -l)
    read=$(best plain_read "$source")
    one=$(best "$anchorage" import "$source" --format "$format" -q -o out.h5 "$@")
    many=$(best mpirun -n "$ranks" "$anchorage" import "$source" --format "$format" -q -o out.h5 "$@")
    awk -v n="$name" -v b="$bytes" -v f="$files" -v r="$read" -v o="$one" -v m="$many" -v k="$ranks" 'BEGIN {
        printf "import.%s %.0f MB/s %.2f s on 1 rank for %.1f MB in %d files; a plain read takes %.2f s\n", n, b / o / 1e6, o, b / 1e6, f, r
        printf "import.%s.team %.0f MB/s %.2f s on %d ranks, mpirun included\n", n, b / m / 1e6, m, k
        if (f > 1) printf "import.%s.files %.0f files/s on %d ranks\n", n, f / m, k }'
}

"$anchorage" synth -o scenes --scenes "${SCENES:-17000}" -q
/usr/bin/python3 "$here/bench/make_formats.py" scenes/annotations.json .
figure coco coco scenes/annotations.json
figure voc voc voc
for format in yolo kitti visdrone; do figure "$format" "$format" "$format" --sizes sizes.tsv; done
figure open_images openimages open_images.csv --sizes sizes.tsv
figure wider wider wider.txt --sizes sizes.tsv
figure crowdhuman crowdhuman crowdhuman.odgt --sizes sizes.tsv
