#!/bin/sh
# Adds libvirt-python to a virtual environment, for the tests of libvirt: addresses, and installs
# what they need of libvirt: libvirt.sh [--optional] FOLDER.
#
# It is no part of .[dev], since it is built with libvirt's headers, which few machines have: there
# `make test` goes on without, and the tests are skipped. In CI they must run.
set -eu
cd "$(dirname "$0")/.."

optional=
if [ "$1" = --optional ]; then
    optional=--optional
    shift
fi
python=$1/bin/python

say() { printf '%s\n' "libvirt: $*" >&2; }

is_there() { "$python" -c 'import libvirt_qemu' >/dev/null 2>&1; }

# shellcheck disable=SC2086  # nothing, or one word
scripts/need.sh $optional libvirtd virtlogd virsh unshare mount chroot
is_there && exit 0

version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
# shellcheck disable=SC2086
scripts/need.sh $optional cc pkg-config "$version-dev"
# After pkg-config, which tells whether they are there.
# shellcheck disable=SC2086
scripts/need.sh $optional libvirt-headers
# Without a network pip would try for a minute, for something that may be missing.
[ -z "$optional" ] || [ "${CI:-}" = true ] || export PIP_RETRIES=0
if pkg-config --exists libvirt 2>/dev/null; then
    scripts/venv.sh "$1" --editable '.[libvirt]' || true
fi
is_there && exit 0
if [ -n "$optional" ] && [ "${CI:-}" != true ]; then
    say "going on without libvirt-python: the tests that need it are skipped"
    exit 0
fi
say "libvirt-python could not be installed"
exit 1
