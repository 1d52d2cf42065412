"""The scripts that make a shell ask qmpsh for completions: one for bash, zsh and fish each.

They pass the text of the command before and behind the cursor, and the values of the variables that
it names, since only the shell knows those. What comes back is a line for each candidate, its fields
parted by US (0x1f): what it is, the text, and more by shell; `completion` writes them. A `%` is
doubled here, because click puts names in.
"""

BASH = r"""# Completion of %(prog_name)s for bash 4.4 or later.

# _qmpsh_paths KIND LEAD PATH: paths that begin with PATH, of sockets and folders alone for
# KIND sockets; LEAD is what stands before them in the text that bash replaces.
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
        if [[ -n $plain ]]; then printf -v path %%q "$path"; fi
        COMPREPLY+=("$2${path/#\\~/\~}")
    done < <(compgen -f -- "$3")
}

# _qmpsh_variables TEXT: NAME=value for each variable that the text names, US behind each.
_qmpsh_variables() {
    local _qmpsh_rest=$1 _qmpsh_name
    while [[ $_qmpsh_rest =~ \$\{?([A-Za-z_][A-Za-z_0-9]*)(.*) ]]; do
        _qmpsh_name=${BASH_REMATCH[1]} _qmpsh_rest=${BASH_REMATCH[2]}
        printf '%%s=%%s\x1f' "$_qmpsh_name" "${!_qmpsh_name}"
    done
}

%(complete_func)s() {
    local kind text lead program=${1/#\~\//$HOME/}
    type -P -- "$program" >/dev/null || program=%(prog_name)s
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
        %(complete_var)s=bash_complete "$program" 2>/dev/null)
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""

ZSH = r"""#compdef %(prog_name)s
# Completion of %(prog_name)s for zsh.

# _qmpsh_variables TEXT: NAME=value for each variable that the text names, US behind each.
_qmpsh_variables() {
    local _qmpsh_rest=$1 _qmpsh_name
    local -a match mbegin mend
    while [[ $_qmpsh_rest =~ '\$\{?([A-Za-z_][A-Za-z_0-9]*)(.*)' ]]; do
        _qmpsh_name=$match[1] _qmpsh_rest=$match[2]
        printf '%%s=%%s\x1f' $_qmpsh_name "${(P)_qmpsh_name}"
    done
}

_%(prog_name)s() {
    local kind text note program=${(Q)words[1]} skip=0 failed=1
    local -a whole open
    program=${program/#\~\//$HOME/}
    (( $+commands[$program] )) || [[ -x $program ]] || program=%(prog_name)s
    local word=${${words[CURRENT]%%"$QISUFFIX"}%%"$SUFFIX"}
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
        %(complete_var)s=zsh_complete $program 2>/dev/null)
    compset -p $skip
    _describe -V %(prog_name)s whole -- open -S '' && failed=0
    return failed
}

if [[ $funcstack[1] == _%(prog_name)s ]]; then
    # Autoloaded from a folder of $fpath: this is the first call, later ones find the function.
    _%(prog_name)s "$@"
else
    compdef _%(prog_name)s %(prog_name)s
fi
"""

FISH = r"""# Completion of %(prog_name)s for fish.

# _qmpsh_variables TEXT: NAME=value for each variable that the text names, US behind each.
function _qmpsh_variables
    for name in (string match --all --regex --groups-only '\$\{?([A-Za-z_][A-Za-z_0-9]*)' -- $argv)
        printf '%%s=%%s\x1f' $name "$$name"
    end
end

function %(complete_func)s
    # Of the line fish tells no more than what stands before the cursor.
    set -l line (commandline --current-process --cut-at-cursor | string collect)
    set -l variables (_qmpsh_variables "$line")
    env COMP_WORDS="$line" COMP_VARIABLES="$variables" %(complete_var)s=fish_complete \
        %(prog_name)s 2>/dev/null | while read --delimiter \x1f --local kind text more
        switch $kind
            case word
                printf '%%s\t%%s\n' $text $more
            case files sockets
                set -l home (string match --regex '^~/' -- $text)
                set -l begun (string replace --regex '^~/' $HOME/ -- $text)
                for path in (__fish_complete_path $begun | string replace --regex '\t.*' '')
                    # A name with a newline or a tab comes in pieces.
                    test -e $path -o -L $path; or continue
                    if test $kind = files -o -d $path -o -S $path
                        set -q home[1]; and set path (string replace $HOME/ '~/' -- $path)
                        printf '%%s\n' $more$path
                    end
                end
        end
    end
end

complete --command %(prog_name)s --no-files --keep-order --arguments '(%(complete_func)s)'
"""
