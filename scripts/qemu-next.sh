#!/bin/sh
# Unpacks a newer QEMU than the system's for the tests: qemu-next.sh [--optional]
#
# The packages of Debian's backports, unpacked into .qemu-next/; the system itself, its packages and
# its lists stay as they are. The wrappers .qemu-next/qemu-* run them in place:
#
#     QMPSH_TEST_QEMUS=/usr/bin/qemu-system-x86_64:$PWD/.qemu-next/qemu-system-x86_64 make test
#
# Does nothing when that was done before. Exits 1 when it cannot be done, unless it is --optional.
set -eu

PACKAGES="qemu-system-x86 qemu-system-common qemu-system-data qemu-utils qemu-guest-agent"
# A module that is not unpacked is taken from the system's QEMU, and QEMU ends when it meets one of
# another build: so all of them, although not every one finds the libraries it needs.
MODULES="qemu-system-gui qemu-system-modules-opengl qemu-system-modules-spice qemu-block-extra"

next=$(cd "$(dirname "$0")/.." && pwd)/.qemu-next
root=$next/root
without="the tests run on the system's QEMU alone"
. "$(dirname "$0")/unpacking.sh"

# The system's own entry for Debian, as it stands in the style of deb822 or in that of one line,
# with SUITES in place of its suites.
sources() {
    for file in /etc/apt/sources.list.d/*.sources; do
        [ ! -f "$file" ] || { cat "$file" && echo; }
    done | awk -v codename="$codename" -v suites="$1" '
        BEGIN { RS = ""; FS = "\n" }
        !done && $0 ~ "(^|\n)Suites:[^\n]*[ \t]" codename "([ \t\n]|$)" {
            for (i = 1; i <= NF; i++) {
                if ($i ~ /^Suites:/) print "Suites: " suites
                else if ($i ~ /^Types:/) print "Types: deb"
                else if ($i !~ /^#/) print $i
            }
            done = 1
        }' >"$work/debian.sources"
    cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
        sed -n "s/^\(deb .*\) $codename \(main.*\)/\1 SUITE \2/p" | head -n 1 >"$work/line"
    for suite in $1; do
        sed "s/ SUITE / $suite /" "$work/line"
    done >"$work/debian.list"
    if [ -s "$work/debian.sources" ]; then
        list=$work/debian.sources
    else
        list=$work/debian.list
    fi
    [ -s "$list" ] || fail "found no entry for $codename among the sources of apt"
}

# apt COMMAND...: apt-get with lists and a cache of its own.
apt() {
    apt-get -qq -o Dir::Etc::sourcelist="$list" -o Dir::Etc::sourceparts=/dev/null \
        -o Dir::State::lists="$work/lists" -o Dir::Cache="$work/cache" \
        -o APT::Sandbox::User="$(id -un)" -o APT::Update::Error-Mode=any "$@"
}

# download PACKAGE...: into $work/packages, and unpacked into $work/root.
download() {
    mkdir -p "$work/packages"
    (cd "$work/packages" && apt download "$@") >"$work/log" 2>&1 || return
    for package in "$work"/packages/*.deb; do
        dpkg -x "$package" "$work/root"
        rm "$package"
    done
}

# programs FOLDER: those below it, last the one by whose wrapper main knows that all is done.
programs() {
    for program in sbin/qemu-ga bin/qemu-img bin/qemu-storage-daemon bin/qemu-system-x86_64; do
        [ ! -x "$1/usr/$program" ] || echo "usr/$program"
    done
}

# library_path ROOT SHOWN: the folders below ROOT with shared libraries, joined by colons, ROOT
# itself written as SHOWN.
library_path() {
    (cd "$1" && find . -name '*.so.*' -exec dirname {} +) | sort -u | sed "s|^\.|$2|" |
        paste -s -d : -
}

# misses_libraries FILE...: whether one of these programs and modules could not be loaded.
misses_libraries() {
    LD_LIBRARY_PATH=$(library_path "$work/root" "$work/root") ldd "$@" 2>/dev/null |
        grep -q 'not found'
}

programs_miss_libraries() {
    # shellcheck disable=SC2046  # names without blanks
    (cd "$work/root" && misses_libraries $(programs .))
}

# Where the system has no such module either, it is better that QEMU has none than a broken one.
drop_broken_modules() {
    for module in "$work"/root/usr/lib/*/qemu/*.so; do
        if [ ! -e "${module#"$work"/root}" ] && misses_libraries "$module"; then
            rm "$module"
        fi
    done
}

# The shared libraries that an installation would bring, from stable where backports has none.
download_libraries() {
    sources "$codename $codename-backports"
    apt update >"$work/log" 2>&1 || return
    # shellcheck disable=SC2086  # a list of plain names
    libraries=$(apt -s --no-install-recommends -t "$codename-backports" install $PACKAGES \
        2>"$work/log" | sed -n 's/^Inst \(lib[^ ]*\) .*/\1/p')
    # shellcheck disable=SC2086
    download $libraries
}

# wrapper PROGRAM: runs the unpacked program, wherever the checkout is moved to.
wrapper() {
    modules=$(cd "$root" && find usr/lib -type d -path 'usr/lib/*/qemu' | head -n 1)
    # shellcheck disable=SC2016  # for the wrapper to expand
    libraries=$(library_path "$root" '$root')
    [ -z "$libraries" ] || libraries="export LD_LIBRARY_PATH=\"$libraries\""
    data=
    # shellcheck disable=SC2016
    case $1 in
        *qemu-system*) data='-L "$root/usr/share/qemu" -L "$root/usr/share/seabios"' ;;
    esac
    cat >"$next/new" <<END
#!/bin/sh
root=\$(dirname "\$(readlink -f "\$0")")/root
export QEMU_MODULE_DIR="\$root/$modules"
$libraries
exec "\$root/$1" $data "\$@"
END
    chmod +x "$next/new"
    mv "$next/new" "$next/${1##*/}"
}

main() {
    [ ! -x "$next/qemu-system-x86_64" ] || exit 0
    codename=$(. /etc/os-release 2>/dev/null && echo "${VERSION_CODENAME:-}") || codename=
    need "get a newer QEMU" apt-get dpkg
    work_in "$next"
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial"

    say "unpacking QEMU of $codename-backports into .qemu-next"
    sources "$codename-backports"
    apt update >"$work/log" 2>&1 || fail "the lists of $codename-backports cannot be fetched"
    # shellcheck disable=SC2086
    download $PACKAGES $MODULES || fail "$codename-backports has no such QEMU ($(tail -n 1 "$work/log"))"
    download seabios || true # else the system's own will do
    if programs_miss_libraries; then
        download_libraries || fail "the libraries that QEMU needs cannot be fetched"
        ! programs_miss_libraries || fail "the libraries that QEMU needs are not all there"
    fi
    drop_broken_modules
    rm -rf "$root"
    mv "$work/root" "$root"
    for program in $(programs "$root"); do
        wrapper "$program"
    done
}

main
