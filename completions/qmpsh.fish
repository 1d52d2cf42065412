# Completion of qmpsh for fish.

# _qmpsh_variables TEXT: NAME=value for each variable that the text names, US behind each.
function _qmpsh_variables
    for name in (string match --all --regex --groups-only '\$\{?([A-Za-z_][A-Za-z_0-9]*)' -- $argv)
        printf '%s=%s\x1f' $name "$$name"
    end
end

function _qmpsh_completion
    set -l before (commandline --current-process --cut-at-cursor | string collect)
    set -l all (commandline --current-process | string collect)
    set -l rest (string sub --start (math 1 + (string length -- "$before")) -- "$all" | string collect)
    env COMP_WORDS="$before" COMP_REST="$rest" COMP_VARIABLES=(_qmpsh_variables "$all") \
        _QMPSH_COMPLETE=fish_complete qmpsh 2>/dev/null | while read --delimiter \x1f --local kind text note
        switch $kind
            case word
                printf '%s\t%s\n' $text $note
            case files sockets
                set -l lead $note
                for line in (__fish_complete_path $text)
                    set -l path (string split \t -- $line)[1]
                    set -l real (string replace --regex '^~/' $HOME/ -- $path)
                    if test $kind = files -o -d "$real" -o -S "$real"
                        echo $lead$path
                    end
                end
        end
    end
end

complete --command qmpsh --no-files --keep-order --arguments '(_qmpsh_completion)'
