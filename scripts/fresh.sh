#!/bin/sh
# Tries this checkout on a machine with nothing on it: fresh.sh [TARGET...]
#
# A Debian of git, make and python3 alone, in a chroot, where `make demo` and `make test` (or the
# targets that are named) have to install what they need. As root, on Debian or a relative of it; it
# takes half an hour. CI=true there: a test that is skipped is a failure.
#
# The system is bootstrapped once into $FRESH (default: qmpsh-fresh in the folder for temporary
# files) and copied for each run. It is set up like this one: its mirror of Debian, what apt and pip
# are given here, proxies and certificates. The mounts and all that is started belong to namespaces
# of the run, and end with it.
set -eu
cd "$(dirname "$0")/.."

place=${FRESH:-${TMPDIR:-/tmp}/qmpsh-fresh}
base=$place/base
root=$place/root

say() { printf '%s\n' "fresh: $*" >&2; }

fail() {
    say "$*"
    exit 1
}

# What this system says of itself, in a shell of its own.
release() { (. /etc/os-release && eval "echo \"\${$1:-}\"") 2>/dev/null || true; }

# The suite that is tried: this system's where it is Debian.
suite() {
    found=
    [ "$(release ID)" != debian ] || found=$(release VERSION_CODENAME)
    echo "${found:-stable}"
}

# The mirror that apt uses here, or everybody's.
mirror() {
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
        2>/dev/null | awk '
        $1 == "deb" || $1 == "URIs:" {
            for (i = 2; i <= NF; i++) if ($i ~ "^https?://.*/debian/?$") { print $i; found = 1; exit }
        }
        END { if (!found) print "http://deb.debian.org/debian" }'
}

bootstrap() {
    say "bootstrapping $(suite) from $(mirror) into $base"
    rm -rf "$base.new"
    mkdir -p "$place"
    debootstrap --variant=minbase --include=git,make,ca-certificates,python3,python3-venv \
        "$(suite)" "$base.new" "$(mirror)" >"$place/bootstrap.log" 2>&1 ||
        fail "debootstrap failed, see $place/bootstrap.log"
    mv "$base.new" "$base"
}

# How this machine reaches its package indexes: apt's settings, pip's, names, certificates.
set_up() {
    for file in /etc/apt/apt.conf /etc/apt/apt.conf.d/*; do
        if grep -q '^ *Acquire' "$file" 2>/dev/null; then cp "$file" "$root/etc/apt/apt.conf.d/"; fi
    done
    for file in /etc/pip.conf /etc/resolv.conf /etc/hosts; do
        [ ! -e "$file" ] || cp -L "$file" "$root$file"
    done
    for name in ${SSL_CERT_FILE:-} ${PIP_CERT:-} /etc/ssl/certs/ca-certificates.crt; do
        [ ! -f "$name" ] || { mkdir -p "$root${name%/*}" && cp -L "$name" "$root$name"; }
    done
}

# share FOLDER: seen in the chroot as it is here.
share() {
    mkdir -p "$root$1"
    mount --rbind "$1" "$root$1"
}

# A mount point itself: libvirt, for one, needs / to be one.
mount_all() {
    mount --bind "$root" "$root"
    mount -t proc proc "$root/proc"
    share /sys
    share /dev
    mount -t tmpfs tmpfs "$root/dev/shm"
    case ${PIP_FIND_LINKS:-} in
        /*) [ ! -d "$PIP_FIND_LINKS" ] || share "$PIP_FIND_LINKS" ;;
    esac
}

# What git knows of, as it stands here, changes included.
copy_checkout() {
    mkdir -p "$root/root/qmpsh"
    git -c safe.directory="$PWD" ls-files -z | tar --null --files-from=- -cf - |
        tar -xf - --no-same-owner -C "$root/root/qmpsh"
}

# inside COMMAND...: in the chroot, with nothing of this environment but the way to the indexes.
inside() {
    # shellcheck disable=SC2046  # such values have no blanks
    env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin TERM=xterm LANG=C.UTF-8 CI=true \
        $(env | grep -E '^(PIP_|SSL_|[A-Za-z]+_(proxy|PROXY)=)[^ ]*$') \
        chroot "$root" sh -c 'cd /root/qmpsh && "$@"' sh "$@" </dev/null
}

# run TARGET...: within the namespaces.
run() {
    mount_all
    for target in "$@"; do
        say "make $target"
        inside make "$target" || fail "make $target failed"
    done
    say "all went well: $*"
}

main() {
    [ "$(id -u)" -eq 0 ] || fail "it mounts and changes its root, and has to be run as root"
    if [ "${1:-}" = --inside ]; then
        shift
        run "$@"
        exit
    fi
    command -v apt-get >/dev/null 2>&1 || fail "only Debian and its relatives can bootstrap one"
    scripts/need.sh debootstrap git tar unshare mount chroot
    [ -x "$base/usr/bin/git" ] || bootstrap
    rm -rf --one-file-system "$root"
    cp -a "$base" "$root"
    set_up
    copy_checkout
    [ $# -gt 0 ] || set -- demo test
    exec unshare --mount --pid --fork --kill-child --propagation private \
        "$PWD/scripts/fresh.sh" --inside "$@"
}

main "$@"
