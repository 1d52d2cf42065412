#!/bin/sh
# Makes sure that programs exist: need.sh [--optional] PROGRAM... installs what is missing.
#
# Asks the system's package manager (apt-get, dnf, pacman, brew), through sudo when not root, and
# is quiet when there is nothing to do. Exits 1 when a program is still missing at the end. With
# --optional, and not in CI (CI=true), it goes on without a program that this machine cannot get: no
# package manager, no package, no right to install, no network. One that has no row below, or that
# an installation did not bring, is an error of this file.
set -eu

# A program, and the packages that bring it; "-" where the manager has none. A name that ends in
# -venv or -dev stands for a part of Python that Debian keeps apart, libvirt-headers for what
# libvirt-python is built with.
packages() {
    cat <<'END'
# program            apt-get                          dnf                   pacman           brew
qemu-system-x86_64   qemu-system-x86                  qemu-system-x86-core  qemu-system-x86  qemu
qemu-img             qemu-utils                       qemu-img              qemu-img         qemu
qemu-ga              qemu-guest-agent                 qemu-guest-agent      qemu-guest-agent -
qemu-storage-daemon  qemu-system-common,qemu-utils    qemu-img              qemu-img,qemu-tools qemu
tmux                 tmux                             tmux                  tmux             tmux
socat                socat                            socat                 socat            socat
openssl              openssl                          openssl               openssl          openssl
valgrind             valgrind                         valgrind              valgrind         -
less                 less                             less                  less             less
ps                   procps                           procps-ng             procps-ng        -
bash                 bash                             bash                  bash             bash
git                  git                              git                   git              git
tar                  tar                              tar                   tar              -
unshare              util-linux                       util-linux            util-linux       -
mount                mount                            util-linux            util-linux       -
chroot               coreutils                        coreutils             coreutils        -
debootstrap          debootstrap                      debootstrap           debootstrap      -
zsh                  zsh                              zsh                   zsh              zsh
fish                 fish                             fish                  fish             fish
ssh                  openssh-client                   openssh-clients       openssh          openssh
sshd                 openssh-server                   openssh-server        openssh          openssh
ssh-keygen           openssh-client                   openssh               openssh          openssh
clush                clustershell                     clustershell          -                -
ansible              ansible-core                     ansible-core          ansible-core     ansible
ansible-inventory    ansible-core                     ansible-core          ansible-core     ansible
cpio                 cpio                             cpio                  cpio             -
depmod               kmod                             kmod                  kmod             -
ip                   iproute2                         iproute               iproute2         -
virtlogd             libvirt-daemon-system            libvirt-daemon-log    libvirt          libvirt
libvirtd             libvirt-daemon-system,libvirt-daemon-driver-qemu libvirt-daemon,libvirt-daemon-driver-qemu libvirt libvirt
virsh                libvirt-clients                  libvirt-client        libvirt          libvirt
libvirt-headers      libvirt-dev                      libvirt-devel         libvirt          libvirt
cc                   gcc,libc6-dev                    gcc                   gcc              gcc
pkg-config           pkg-config                       pkgconf-pkg-config    pkgconf          pkgconf
groff                groff-base                       groff-base            groff            groff
python3.14-dev       python3.14-dev                   python3.14-devel      -                -
python3.13-dev       python3.13-dev                   python3.13-devel      -                -
python3.12-dev       python3.12-dev                   python3.12-devel      -                -
python3.11-dev       python3.11-dev                   python3.11-devel      -                -
python3              python3,python3-venv             python3               python           python3
python3.13           python3.13,python3.13-venv       python3.13            -                python@3.13
python3.12           python3.12,python3.12-venv       python3.12            -                python@3.12
python3.11           python3.11,python3.11-venv       python3.11            -                python@3.11
python3.14-venv      python3.14-venv                  -                     -                -
python3.13-venv      python3.13-venv                  -                     -                -
python3.12-venv      python3.12-venv                  -                     -                -
python3.11-venv      python3.11-venv                  -                     -                -
END
}

say() { printf '%s\n' "need: $*" >&2; }

has_headers='import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'

is_there() {
    case $1 in
        python3.*-venv) "${1%-venv}" -c 'import ensurepip, venv' >/dev/null 2>&1 ;;
        python3.*-dev) "${1%-dev}" -c "$has_headers" >/dev/null 2>&1 ;;
        libvirt-headers) pkg-config --exists libvirt 2>/dev/null ;;
        python3*) "$1" -c '' >/dev/null 2>&1 ;; # a version manager's shim may be there and fail
        # Daemons, and what is not for all users, lie where only root's PATH leads.
        *) PATH=$PATH:/usr/sbin:/usr/local/sbin:/sbin command -v "$1" >/dev/null 2>&1 ;;
    esac
}

missing() {
    for program in "$@"; do
        is_there "$program" || printf '%s ' "$program"
    done
}

# Those that the table does not know, and would thus never install.
without_row() {
    for program in "$@"; do
        packages | awk -v program="$program" '$1 == program { found = 1 } END { exit !found }' ||
            printf '%s ' "$program"
    done
}

manager() {
    for candidate in apt-get dnf pacman brew; do
        if command -v "$candidate" >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
}

# packages_of MANAGER PROGRAM...: the packages' names, each once, blank-separated.
packages_of() {
    column=$1
    shift
    for program in "$@"; do
        packages | awk -v column="$column" -v program="$program" '
            NR == 1 { for (i = 3; i <= NF; i++) if ($i == column) at = i - 1 }
            $1 == program && $at != "-" { gsub(",", "\n", $at); print $at }'
    done | awk '!seen[$0]++' | tr '\n' ' '
}

# Runs a command as root; sudo asks for a password on the terminal itself.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo "$@"; fi
}

# may_install MANAGER: whether root's rights, where it takes them, are to be had.
may_install() {
    [ "$1" = brew ] || [ "$(id -u)" -eq 0 ] || command -v sudo >/dev/null 2>&1
}

# install MANAGER PACKAGE...: the lists are fetched anew only when that may help.
install() {
    by=$1
    shift
    case $by in
        apt-get)
            apt_install "$@" >/dev/null 2>&1 || {
                as_root apt-get update -qq && apt_install "$@"
            }
            ;;
        dnf) as_root dnf install -y "$@" ;;
        pacman)
            as_root pacman -S --needed --noconfirm "$@" >/dev/null 2>&1 ||
                as_root pacman -Sy --needed --noconfirm "$@"
            ;;
        brew) brew install "$@" ;;
    esac
}

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"
}

# install_each MANAGER PROGRAM...: one at a time, so that a package that cannot be had takes none of
# the others with it.
install_each() {
    by=$1
    shift
    bad=
    for program in "$@"; do
        names=$(packages_of "$by" "$program")
        # shellcheck disable=SC2086
        [ -n "$names" ] && quietly install "$by" $names || bad=yes
    done
    [ -z "$bad" ]
}

# Runs a command, and shows what it printed only when it failed.
quietly() {
    output=$("$@" </dev/null 2>&1) || {
        printf '%s\n' "$output" >&2
        return 1
    }
}

main() {
    optional=
    if [ "${1:-}" = --optional ]; then
        optional=yes
        shift
    fi
    unknown=$(without_row "$@")
    if [ -n "$unknown" ]; then
        say "no row names a package for ${unknown% }: add one to scripts/need.sh"
        return 1
    fi
    wanted=$(missing "$@")
    [ -n "$wanted" ] || return 0
    installed=

    with=$(manager)
    # shellcheck disable=SC2086  # lists of plain names, here and below
    names=$(packages_of "$with" $wanted)
    if [ -z "$with" ]; then
        say "no apt-get, dnf, pacman or brew here to install with"
    elif [ -z "$names" ]; then
        say "$with has no package for it"
    elif ! may_install "$with"; then
        say "neither root nor sudo here; as root, let $with install $names"
    else
        say "installing $names(for ${wanted% })"
        # shellcheck disable=SC2086
        if install "$with" $names </dev/null >/dev/null 2>&1 || install_each "$with" $wanted; then
            installed=yes
        else
            say "$with could not install it all"
        fi
    fi

    # shellcheck disable=SC2086
    wanted=$(missing $wanted)
    [ -n "$wanted" ] || return 0
    if [ -n "$optional" ] && [ "${CI:-}" != true ] && [ -z "$installed" ]; then
        say "going on without ${wanted% }: the tests that need it are skipped"
        return 0
    fi
    say "still missing: ${wanted% }${installed:+, although $with installed ${names% }}"
    return 1
}

main "$@"
