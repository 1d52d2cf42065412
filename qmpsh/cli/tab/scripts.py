"""The scripts with which bash, zsh and fish call the program at each Tab.

A script passes the text of the command before and after the cursor, and the values of the variables
it names, since only the shell knows those. What it reads is written by `shells`.
"""

from __future__ import annotations

BASH = r"""# Completion of qmpsh for bash 4.4 or later.

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
"""

ZSH = r"""#compdef qmpsh
# Completion of qmpsh for zsh.

# _qmpsh_variables TEXT: NAME=value for each variable that the text names, US after each.
_qmpsh_variables() {
    local _qmpsh_rest=$1 _qmpsh_name
    local -a match mbegin mend
    while [[ $_qmpsh_rest =~ '\$\{?([A-Za-z_][A-Za-z_0-9]*)(.*)' ]]; do
        _qmpsh_name=$match[1] _qmpsh_rest=$match[2]
        printf '%s=%s\x1f' $_qmpsh_name "${(P)_qmpsh_name}"
    done
}

_qmpsh() {
    local kind text note program=${(Q)words[1]} skip=0 failed=1
    local -a whole open
    program=${program/#\~\//$HOME/}
    (( $+commands[$program] )) || [[ -x $program ]] || program=qmpsh
    local word=${${words[CURRENT]%"$QISUFFIX"}%"$SUFFIX"}
    while IFS=$'\x1f' read -r kind text note; do
        case $kind in
            skip) skip=$text ;;
            word) whole+=("${${text//\\/\\\\}//:/\\:}${note:+:$note}") ;;
            open) open+=("${${text//\\/\\\\}//:/\\:}${note:+:$note}") ;;
            files) compset -p $skip && skip=0 && _files && failed=0 ;;
            sockets) compset -p $skip && skip=0 && _files -g '*(-=)' && failed=0 ;;
        esac
    done < <(env COMP_WORDS="${(j: :)words[1,CURRENT-1]} $word" \
        COMP_REST=" ${(j: :)words[CURRENT+1,-1]}" \
        COMP_VARIABLES="$(_qmpsh_variables "$words")" \
        _QMPSH_COMPLETE=zsh_complete $program 2>/dev/null)
    compset -p $skip
    _describe -V qmpsh whole -- open -S '' && failed=0
    return failed
}

if [[ $funcstack[1] == _qmpsh ]]; then
    # Autoloaded from a folder of $fpath: this is the first call, later ones find the function.
    _qmpsh "$@"
else
    compdef _qmpsh qmpsh
fi
"""

FISH = r"""# Completion of qmpsh for fish.

# _qmpsh_variables TEXT: NAME=value for each variable that the text names, US after each.
function _qmpsh_variables
    for name in (string match --all --regex --groups-only '\$\{?([A-Za-z_][A-Za-z_0-9]*)' -- $argv)
        printf '%s=%s\x1f' $name "$$name"
    end
end

function _qmpsh_completion
    # fish reports only the line before the cursor.
    set -l line (commandline --current-process --cut-at-cursor | string collect)
    set -l variables (_qmpsh_variables "$line")
    env COMP_WORDS="$line" COMP_VARIABLES="$variables" _QMPSH_COMPLETE=fish_complete \
        qmpsh 2>/dev/null | while read --delimiter \x1f --local kind text more
        switch $kind
            case word
                printf '%s\t%s\n' $text $more
            case files sockets
                set -l home (string match --regex '^~/' -- $text)
                set -l begun (string replace --regex '^~/' $HOME/ -- $text)
                for path in (__fish_complete_path $begun | string replace --regex '\t.*' '')
                    # A name with a newline or a tab comes in pieces.
                    test -e $path -o -L $path; or continue
                    if test $kind = files -o -d $path -o -S $path
                        set -q home[1]; and set path (string replace $HOME/ '~/' -- $path)
                        printf '%s\n' $more$path
                    end
                end
        end
    end
end

complete --command qmpsh --no-files --keep-order --arguments '(_qmpsh_completion)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
"""The scripts of the shells."""
FILES = {"bash": "qmpsh.bash", "zsh": "_qmpsh", "fish": "qmpsh.fish"}
"""The shells, and the names of their scripts in completions/."""
