# Completion of qmpsh for fish.

# _qmpsh_variables TEXT: NAME=value for each variable that the text names, US behind each.
function _qmpsh_variables
    for name in (string match --all --regex --groups-only '\$\{?([A-Za-z_][A-Za-z_0-9]*)' -- $argv)
        printf '%s=%s\x1f' $name "$$name"
    end
end

function _qmpsh_completion
    # What stands behind the cursor fish keeps to itself.
    set -l line (commandline --current-process --cut-at-cursor | string collect)
    set -l variables (_qmpsh_variables "$line")
    env COMP_WORDS="$line" COMP_VARIABLES="$variables" _QMPSH_COMPLETE=fish_complete \
        qmpsh 2>/dev/null | while read --delimiter \x1f --local kind text lead
        switch $kind
            case word
                # The third field is a note.
                printf '%s\t%s\n' $text $lead
            case files sockets
                for path in (__fish_complete_path $text | string replace --regex '\t.*' '')
                    set -l real (string replace --regex '^~/' $HOME/ -- $path)
                    if test $kind = files -o -d "$real" -o -S "$real"
                        echo $lead$path
                    end
                end
        end
    end
end

complete --command qmpsh --no-files --keep-order --arguments '(_qmpsh_completion)'
