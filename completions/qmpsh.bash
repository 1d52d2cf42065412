# Completion of qmpsh for bash 4.4 or later.

# _qmpsh_paths KIND LEAD PATH: paths that begin with PATH, of sockets and folders alone for
# KIND sockets; LEAD is what precedes them in the text that bash replaces.
_qmpsh_paths() {
    local path plain=$2
    if [[ ${#COMPREPLY[@]} -gt 0 ]]; then plain=yes; fi
    if [[ -z $plain ]]; then compopt -o filenames +o nosort; fi
    while IFS= read -r path; do
        # A name with a newline comes in pieces.
        [[ -e ${path/#\~\//$HOME/} || -L ${path/#\~\//$HOME/} ]] || continue
        if [[ -d ${path/#\~\//$HOME/} ]]; then
            if [[ -n $plain ]]; then path+=/; fi
            compopt -o nospace
        elif [[ $1 == sockets && ! -S ${path/#\~\//$HOME/} ]]; then
            continue
        fi
        if [[ -n $plain ]]; then printf -v path %q "$path"; fi
        COMPREPLY+=("$2${path/#\\~/\~}")
    done < <(compgen -f -- "$3")
}

# _qmpsh_variables TEXT: NAME=value for each variable that the text names, US after each.
_qmpsh_variables() {
    local _qmpsh_rest=$1 _qmpsh_name
    while [[ $_qmpsh_rest =~ \$\{?([A-Za-z_][A-Za-z_0-9]*)(.*) ]]; do
        _qmpsh_name=${BASH_REMATCH[1]} _qmpsh_rest=${BASH_REMATCH[2]}
        printf '%s=%s\x1f' "$_qmpsh_name" "${!_qmpsh_name}"
    done
}

_qmpsh_completion() {
    local kind text lead program=${1/#\~\//$HOME/}
    type -P -- "$program" >/dev/null || program=qmpsh
    COMPREPLY=()
    while IFS=$'\x1f' read -r kind text lead; do
        case $kind in
            word) COMPREPLY+=("$text") ;;
            open)
                COMPREPLY+=("$text")
                compopt -o nospace
                ;;
            files | sockets) _qmpsh_paths "$kind" "$lead" "$text" ;;
        esac
    done < <(env COMP_WORDS="${COMP_LINE:0:COMP_POINT}" COMP_REST="${COMP_LINE:COMP_POINT}" \
        COMP_BREAKS="$COMP_WORDBREAKS" COMP_VARIABLES="$(_qmpsh_variables "$COMP_LINE")" \
        _QMPSH_COMPLETE=bash_complete "$program" 2>/dev/null)
}

complete -o nosort -F _qmpsh_completion qmpsh
