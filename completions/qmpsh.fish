# Completion of qmpsh for fish.

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
