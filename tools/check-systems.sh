#!/bin/bash
# check-systems.sh: builds and tests this tree on bare systems, as their users would. Each is a chroot that debootstrap makes,
# in which root, and then in a fresh one a user with sudo, run `make demo`, `make check`, and the unit tests of clang's build.
#   SYSTEMS="bookworm trixie sid noble"   which
#   AS="root user"                        as whom
#   CACHE=FOLDER                          keeps the bare systems and their packages there for the next time
#   TABLE=docs/systems.md                 puts the table there, between its markers
# Ends with "N passed, N failed"; what cannot be tried here is reported as SKIPPED, with the reason.
#
# Every mount is made in a mount namespace of its own, which ends with its command: nothing is ever mounted in the folders that
# are removed at the end, whatever ends this script.
set -u
cd "$(dirname "$0")/.." || exit 1
PATH=$PATH:/usr/sbin:/sbin
systems=${SYSTEMS:-bookworm trixie sid noble} as=${AS:-root user}
passed=0 failed=0 skipped=0 child=""
work=$(mktemp -d "${TMPDIR:-/tmp}/anc-systems.XXXXXX") || exit 1
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'trap - INT TERM HUP; [ -z "$child" ] || kill -KILL "$child" 2>/dev/null; wait; exit 130' INT TERM HUP
cache=${CACHE:-$work/cache}
mkdir -p "$cache" && cache=$(realpath "$cache") || exit 1
rows=$work/rows

name_of() {
    case $1 in
    bookworm) echo "Debian 12" ;; trixie) echo "Debian 13" ;; sid) echo "Debian unstable" ;; noble) echo "Ubuntu 24.04" ;; *) false ;;
    esac
}
for suite in $systems; do
    name_of "$suite" >/dev/null || { echo "check-systems: SYSTEMS=$suite: must be of bookworm, trixie, sid and noble" >&2; exit 2; }
done
for who in $as; do
    case $who in root | user) ;; *) echo "check-systems: AS=$who: must be of root and user" >&2; exit 2 ;; esac
done
skip() { # skip WHAT REASON
    echo "SKIPPED $1: $2"
    skipped=$((skipped + 1))
}

# apart COMMAND...: with mounts and processes of its own, which end with it. In the background, since bash only hears a signal
# between commands; unshare itself is deaf to all but KILL, and takes what it started with it.
apart() {
    unshare --mount --pid --fork --kill-child --propagation private -- "$@" </dev/null &
    child=$!
    wait "$child"
    local code=$?
    child=""
    return $code
}

# within SUITE ROOT COMMAND...: in ROOT as the root file system, with the devices that programs expect and the cache's packages
cat >"$work/within" <<'END'
#!/bin/bash
root=$1 packages=$2
shift 2
set -e
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys" # or hwloc and UCX complain on stderr
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
mount --bind "$packages" "$root/var/cache/apt/archives"
cd "$root/dev"
mknod -m 666 null c 1 3
mknod -m 666 zero c 1 5
mknod -m 666 full c 1 7
mknod -m 666 random c 1 8
mknod -m 666 urandom c 1 9
mknod -m 666 tty c 5 0
ln -s /proc/self/fd fd
mkdir pts shm
mount -t devpts -o newinstance,ptmxmode=666 devpts pts
ln -s pts/ptmx ptmx
mount -t tmpfs -o mode=1777 tmpfs shm
exec chroot "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 \
    DEBIAN_FRONTEND=noninteractive "$@"
END
chmod +x "$work/within"
within() { apart "$work/within" "$2" "$cache/$1.packages" "${@:3}"; }

# ready ROOT SUITE: name service, apt's proxies as on this machine; an unstable mirror may be older than it should
ready() {
    cp /etc/resolv.conf /etc/hosts "$1/etc/"
    { apt-config dump 2>/dev/null | grep -iE '^Acquire::[^ ]*proxy '
      [ "$2" != sid ] || echo 'Acquire::Check-Valid-Until "false";'; } >"$1/etc/apt/apt.conf.d/99check-systems"
}

# bare SUITE: the bare system in $cache/SUITE, or a failure with the reason in $log
bare() {
    # shellcheck disable=SC2016  # apt-get's own names
    local suite=$1 vendor=Debian keyring=debian components=main mirror
    [ "$suite" != noble ] || vendor=Ubuntu keyring=ubuntu components=main,universe
    mkdir -p "$cache/$suite.packages"
    [ -e "$cache/$suite/etc/apt/sources.list" ] && return
    keyring=/usr/share/keyrings/$keyring-archive-keyring.gpg
    rm -rf --one-file-system "$cache/$suite.part"
    mirror=$(apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Created-By: Packages' 2>/dev/null | sed -n "s/^$vendor //p" | head -n 1)
    if [ -e "$keyring" ] && [ -e "/usr/share/debootstrap/scripts/$suite" ]; then
        # shellcheck disable=SC2086  # no mirror: debootstrap's own for this system
        apart debootstrap --variant=minbase --keyring="$keyring" --components=$components "$suite" "$cache/$suite.part" $mirror
    elif [ "$suite" != trixie ]; then # Debian 13 has the keyrings and scripts of all
        bare trixie && cp -a "$cache/trixie" "$work/maker" && ready "$work/maker" trixie &&
            within trixie "$work/maker" sh -c "apt-get -qq update && apt-get -qq -y --no-install-recommends install debootstrap \
                debian-archive-keyring ubuntu-keyring && debootstrap --variant=minbase --keyring=$keyring --components=$components \
                $suite /made ${mirror:-}" && mv "$work/maker/made" "$cache/$suite.part"
        local made=$?
        rm -rf --one-file-system "$work/maker"
        [ $made = 0 ]
    else
        echo "neither $keyring nor a script of debootstrap's for it is here"
        false
    fi && mv "$cache/$suite.part" "$cache/$suite"
} >>"$log" 2>&1

# What is run inside, as the user, in a copy of this tree: a line NAME CODE SECONDS for each step, then the versions.
cat >"$work/inside" <<'END'
#!/bin/sh
cd "$HOME/anchorage" || exit 1
export WERROR=-Werror
step() {
    name=$1 start=$(date +%s)
    shift
    "$@" >"$HOME/$name.log" 2>&1
    echo "$name $? $(($(date +%s) - start))"
}
by_clang() { tools/deps.sh clang && make -j"$(nproc)" CC=clang BUILD=build-clang programs && tools/check.sh build-clang unit; }
left() { ls -A /tmp | sort | grep -v '^\..*-unix$' >"$HOME/after"; comm -13 "$HOME/before" "$HOME/after" | tee "$HOME/left" | sed 's/^/left in \/tmp: /'; [ ! -s "$HOME/left" ]; }
ls -A /tmp | sort >"$HOME/before"
step demo make demo
step check make check
step clang by_clang
step left left
first() { "$@" 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)+[a-z0-9]*' | head -n 1; }
echo "versions|$(gcc -dumpfullversion)|$(first clang --version)|$(first ldd --version)|$(first mpirun --version)|$(first h5dump -V)|$(
    /usr/bin/python3 -c 'import numpy; print(numpy.__version__)')|$(/usr/bin/python3 -c 'import h5py; print(h5py.__version__)')"
END
chmod +x "$work/inside"

# try SYSTEM WHO
try() {
    suite=$1
    local who=$2 root=$work/root start=$SECONDS name code seconds good bad all_good=0 all_bad=0 versions="|||||||" home=/root packages=make
    log=$work/$suite-$who.log
    cp -a "$cache/$suite" "$root" && ready "$root" "$suite"
    [ "$who" = root ] || packages="make sudo" home=/home/user
    if ! within "$suite" "$root" sh -c "apt-get -qq update && apt-get -qq -y --no-install-recommends install $packages" >"$log" 2>&1; then
        skip "$(name_of "$suite") as $who" "apt-get install $packages: $(tail -n 1 "$log")"
        rm -rf --one-file-system "$root"
        return
    fi
    if [ "$who" != root ]; then
        within "$suite" "$root" useradd --create-home --shell /bin/sh user
        echo 'user ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/user"
    fi
    mkdir "$root$home/anchorage"
    git -c safe.directory='*' ls-files -z | tar -c --null --ignore-failed-read -T - 2>/dev/null | tar -x -C "$root$home/anchorage"
    cp "$work/inside" "$root$home/inside"
    [ "$who" = root ] || chown -R --reference="$root$home" "$root$home"
    within "$suite" "$root" chroot --userspec="$who" / env HOME=$home "$home/inside" >"$work/steps" 2>"$log"
    while read -r name code seconds; do
        [ "$name" != "${name#versions}" ] && versions=${name#versions}${code:+ $code}${seconds:+ $seconds} && continue
        good=$((code == 0)) bad=$((code != 0))
        if [[ $(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$root$home/$name.log" | tail -n 1) =~ ^([0-9]+)\ passed,\ ([0-9]+) ]]; then
            good=${BASH_REMATCH[1]} bad=${BASH_REMATCH[2]}
            ((code == 0 || bad > 0)) || bad=1
        fi
        echo "$(name_of "$suite") as $who: $name: $good passed, $bad failed ($seconds s)"
        ((bad == 0)) || grep -vE '^(gcc|clang|link) ' "$root$home/$name.log" | tail -n 60 | sed 's/^/    /'
        all_good=$((all_good + good)) all_bad=$((all_bad + bad))
    done <"$work/steps"
    if ! grep -q '^versions' "$work/steps"; then
        echo "$(name_of "$suite") as $who: the run broke off: $(tail -n 1 "$log")"
        all_bad=$((all_bad + 1))
    fi
    [ -z "${KEEP_LOGS:-}" ] || { mkdir -p "$KEEP_LOGS" && cp "$root$home"/*.log "$KEEP_LOGS" 2>/dev/null; }
    passed=$((passed + all_good)) failed=$((failed + all_bad))
    echo "| $(name_of "$suite") | $who$(sed 's/|/ | /g' <<<"$versions") | $all_good | $all_bad | $((SECONDS - start)) |" >>"$rows"
    rm -rf --one-file-system "$root"
}

table() {
    echo "| system | as | gcc | clang | glibc | Open MPI | HDF5 | numpy | h5py | passed | failed | seconds |"
    echo "|---|---|---|---|---|---|---|---|---|---|---|---|"
    cat "$rows"
}

for suite in $systems; do
    log=$work/$suite.log
    : >"$log"
    if [ "$(id -u)" != 0 ]; then
        skip "$(name_of "$suite")" "only root can make a chroot; as a user: sudo make check-systems"
    elif ! command -v debootstrap >/dev/null; then
        skip "$(name_of "$suite")" "debootstrap is not installed"
    elif ! apart sh -c "mkdir $work/try && mount -t tmpfs tmpfs $work/try && mknod $work/try/null c 1 3 && echo >$work/try/null" 2>"$log"; then
        skip "$(name_of "$suite")" "this machine allows no mounts or devices: $(tail -n 1 "$log")"
    elif ! bare "$suite"; then
        skip "$(name_of "$suite")" "debootstrap: $(grep '^E: ' "$log" | tail -n 1 | grep . || tail -n 1 "$log")"
    else
        for who in $as; do try "$suite" "$who"; done
    fi
    rm -rf --one-file-system "$work/try"
done

if [ -s "$rows" ]; then
    echo
    table
    if [ -n "${TABLE:-}" ]; then
        table >"$work/table"
        sed -i -e "/^<!-- check-systems -->$/r $work/table" -e '/^<!-- check-systems -->$/,/^<!-- end -->$/{/^<!--/!d}' "$TABLE"
    fi
fi
((skipped == 0)) || echo "$skipped skipped"
echo "$passed passed, $failed failed"
((failed == 0))
