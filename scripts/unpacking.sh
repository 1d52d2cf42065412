# shellcheck shell=sh
# Shared by the scripts that unpack packages for the tests: messages, the end, a folder to work in.
#
#     without="the tests ... are skipped"     what follows where it cannot be done
#     . "$(dirname "$0")/unpacking.sh"
#
# Takes --optional, with which a failure is none, from the script's first argument.

optional=
work=
[ "${1:-}" != --optional ] || optional=yes

say() { printf '%s\n' "$(basename "$0" .sh): $*" >&2; }

# fail WHY: the one way out when it cannot be done.
fail() {
    if [ -n "$optional" ]; then
        say "$*; $without"
        exit 0
    fi
    say "$*"
    exit 1
}

# need PURPOSE PROGRAM...: fails where one of the programs is not here.
need() {
    purpose=$1
    shift
    for program in "$@"; do
        command -v "$program" >/dev/null 2>&1 || fail "no $program here to $purpose with"
    done
}

clean_up() {
    status=$?
    [ -z "$work" ] || rm -rf "$work"
    exit $status
}

# work_in FOLDER: makes it, and $work in it, which is removed at the end.
work_in() {
    mkdir -p "$1"
    trap clean_up EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM
    work=$(mktemp -d "$1/work.XXXXXX")
}
