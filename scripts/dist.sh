#!/bin/sh
# Builds wheel and sdist into dist/, and tries both in empty environments: dist.sh
#
# With every Python of 3.11 or later that is found, or those of $PYTHONS: version, help, manual page,
# a dry run, and a one-shot on a QEMU where there is one. Everything in git must be in the sdist.
# Needs a package index, so that it is no part of `make test`.
set -eu
cd "$(dirname "$0")/.."

oldest='(3, 11)'
work=
vm=

say() { printf '%s\n' "dist: $*" >&2; }

fail() {
    say "$*"
    exit 1
}

clean_up() {
    status=$?
    [ -z "$vm" ] || kill "$vm" 2>/dev/null || true
    [ -z "$work" ] || rm -rf "$work"
    exit $status
}

suits() { "$1" -c "import sys; sys.exit(sys.version_info < $oldest)" >/dev/null 2>&1; }

version() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

# Each version once, however many names it has; those of pyenv too, whose names on the PATH only
# run the versions that are switched on.
pythons() {
    seen=
    for python in ${PYTHONS:-python3 python3.11 python3.12 python3.13 python3.14 python3.15 \
        "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.*/bin/python3}; do
        suits "$python" || continue
        case " $seen " in *" $(version "$python") "*) continue ;; esac
        seen="$seen $(version "$python")"
        echo "$python"
    done
}

# environment PYTHON FOLDER WHAT: an empty one, and WHAT in it.
environment() {
    "$1" -m venv "$2"
    "$2/bin/python" -m pip install -qq --disable-pip-version-check "$3" </dev/null ||
        fail "pip could not install $3; is a package index within reach?"
}

start_vm() {
    command -v qemu-system-x86_64 >/dev/null 2>&1 || return 0
    qemu-system-x86_64 -machine none -display none -nodefaults \
        -qmp "unix:$work/s,server=on,wait=off" </dev/null >/dev/null 2>&1 &
    vm=$!
}

# try QMPSH: what a new user would.
try() {
    "$1" --version | grep -q '^qmpsh, version [0-9]' || fail "$1 --version"
    "$1" --help | grep -q '^Usage: qmpsh' || fail "$1 --help"
    [ "$("$1" -n query-status)" = '{"execute": "query-status"}' ] || fail "$1 -n"
    # Without QEMU on the PATH it is a recording that answers.
    echo query-status | env PATH="$work" "$1" run 2>/dev/null | grep -q prelaunch || fail "$1 run"
    [ -z "$vm" ] || "$1" "$work/s" query-status | grep -q running || fail "$1 on a QEMU"
}

try_all() {
    for python in $(pythons); do
        for archive in dist/*.whl dist/*.tar.gz; do
            folder=$work/$(version "$python")-${archive##*.}
            environment "$python" "$folder" "$PWD/$archive"
            try "$folder/bin/qmpsh"
            for file in man/man1/qmpsh.1 bash-completion/completions/qmpsh \
                zsh/site-functions/_qmpsh fish/vendor_completions.d/qmpsh.fish; do
                [ -s "$folder/share/$file" ] || fail "$archive brings no share/$file"
            done
            say "$(version "$python"): ${archive#dist/} works"
        done
    done
}

# What is in git and not in the sdist.
left_out() {
    tar -tzf dist/*.tar.gz | sed 's|^[^/]*/||' | sort >"$work/packed"
    git ls-files | sort | comm -23 - "$work/packed"
}

trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
[ -n "$(pythons)" ] || fail "no Python 3.11 or later here"
work=$(mktemp -d /tmp/qmpsh-dist.XXXXXX)
rm -rf dist
environment "$(pythons | head -n 1)" "$work/build" build
"$work/build/bin/python" -m build --outdir dist . >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "it could not be built"
}
if git rev-parse --git-dir >/dev/null 2>&1; then
    [ -z "$(left_out)" ] || fail "not in the sdist: $(left_out | tr '\n' ' ')"
fi
start_vm
try_all
