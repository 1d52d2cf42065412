#!/bin/sh
# Makes a virtual environment with this project in it: venv.sh FOLDER PIP-ARGUMENT...
#
# Takes the Python of $PYTHON, else the first that is 3.11 or later, else installs one. A folder
# whose Python is too old, or gone, is made anew.
set -eu
cd "$(dirname "$0")/.."

oldest='(3, 11)'

say() { printf '%s\n' "venv: $*" >&2; }

suits() { "$1" -c "import sys; sys.exit(sys.version_info < $oldest)" >/dev/null 2>&1; }

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if suits "$candidate"; then
            echo "$candidate"
            return
        fi
    done
    return 1
}

# Where the system's own Python is too old, a later one is often packaged beside it.
find_or_install_python() {
    find_python && return
    if [ -n "${PYTHON:-}" ]; then
        say "PYTHON=$PYTHON is no Python 3.11 or later"
        return 1
    fi
    for candidate in python3 python3.13 python3.12 python3.11; do
        scripts/need.sh "$candidate" >&2 || continue
        find_python && return
    done
    say "no Python 3.11 or later here, and none could be installed"
    return 1
}

make_venv() {
    python=$(find_or_install_python)
    version=$("$python" -c 'import sys; print("python%d.%d" % sys.version_info[:2])')
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        scripts/need.sh "$version-venv"
    fi
    say "making $folder with $version"
    "$python" -m venv --clear "$folder"
}

folder=$1
shift
suits "$folder/bin/python" || make_venv
say "installing qmpsh into $folder"
"$folder/bin/python" -m pip install -qq --disable-pip-version-check "$@" </dev/null || {
    say "pip could not install it; is a package index within reach?"
    exit 1
}
