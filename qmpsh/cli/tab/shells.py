"""Shell completion of the command line for bash, zsh and fish, in click's manner.

`_QMPSH_COMPLETE=bash_source qmpsh` prints the script for a shell, which calls the program with
`_QMPSH_COMPLETE=bash_complete` at each Tab. This module has what differs between the shells: the
scripts, what they pass, and how they want their answer; what may be completed is in `items`.

A script passes the text of the command before and after the cursor, and the values of the variables
it names, since only the shell knows those. The answer is one line per candidate, its fields
separated by US (0x1f): the kind, the text, and more depending on the shell; the classes here write
them. A `%` is doubled in the scripts, because click fills in names.
"""

from __future__ import annotations

import faulthandler
import os
import re
from collections.abc import Iterator, Mapping

import click
from click.shell_completion import ShellComplete

from qmpsh.cli.argv import COMPLETE
from qmpsh.cli.options import COMMAND
from qmpsh.cli.tab.items import find_items
from qmpsh.cli.tab.offers import PathKind, ShellCandidate, TypedWords
from qmpsh.cli.tab.server import candidates
from qmpsh.cli.tab.words import Splitter, Word, arguments_of
from qmpsh.patterns import LatePattern
from qmpsh.render.safe import visible_word

BASH = r"""# Completion of %(prog_name)s for bash 4.4 or later.

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
        if [[ -n $plain ]]; then printf -v path %%q "$path"; fi
        COMPREPLY+=("$2${path/#\\~/\~}")
    done < <(compgen -f -- "$3")
}

# _qmpsh_variables TEXT: NAME=value for each variable that the text names, US after each.
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

# _qmpsh_variables TEXT: NAME=value for each variable that the text names, US after each.
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

# _qmpsh_variables TEXT: NAME=value for each variable that the text names, US after each.
function _qmpsh_variables
    for name in (string match --all --regex --groups-only '\$\{?([A-Za-z_][A-Za-z_0-9]*)' -- $argv)
        printf '%%s=%%s\x1f' $name "$$name"
    end
end

function %(complete_func)s
    # fish reports only the line before the cursor.
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


FILES = {"bash": "qmpsh.bash", "zsh": "_qmpsh", "fish": "qmpsh.fish"}
"""The shells, and the names of their scripts in completions/."""

TAB_SECONDS = 2.0
"""seconds after which a completion is ended, whatever it hangs in: a name server, a dead mount"""

_US = "\x1f"
_FISH_GOES_ON = ("=", ":", ".", ",", "/", "@", "-")
"""After these, fish puts no space. Source: fish 3.6, complete.cpp, resolve_auto_space()."""
_SAFE = LatePattern(r"[\w.,:/=@%+-]*")
_MARKED = LatePattern(r"([^\w.,:/=@%+-])")
_IN_DOUBLE = LatePattern(r'([$`"\\])')


def answer(instruction: str) -> int:
    """Do what the variable asks for, such as `bash_source`; return the exit code."""
    name, _, wanted = instruction.partition("_")
    if name not in _SHELLS or wanted not in ("source", "complete"):
        return 1
    if wanted == "source":
        click.echo(script(name).encode(), nl=False)
        return 0
    # A shell's Tab must not be disturbed: not by a word on the terminal, not by waiting.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    faulthandler.dump_traceback_later(TAB_SECONDS, exit=True, file=null)
    try:
        click.echo(_completion(name).complete().encode())
    except Exception as error:  # whatever is wrong, there are no candidates
        # Imported here: few Tabs end so.
        from qmpsh.shell.crash import report_completion

        report_completion(error)
        return 1
    finally:
        faulthandler.cancel_dump_traceback_later()
    return 0


def script(shell: str) -> str:
    """Return the script for bash, zsh or fish."""
    return _completion(shell).source()


def _completion(shell: str) -> UserShell:
    return _SHELLS[shell](COMMAND, {}, "qmpsh", COMPLETE)


class UserShell(ShellComplete):
    """The base of the three shells. `complete` is click's name for answering."""

    fish = False

    def complete(self) -> str:
        """Return the answer to the shell's question, which is in the environment."""
        return "\n".join(self.answers(os.environ))

    def answers(self, environ: Mapping[str, str]) -> list[str]:
        """Yield a line for each candidate."""
        pairs = environ.get("COMP_VARIABLES", "").split(_US)
        variables = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        breaks = environ.get("COMP_BREAKS", "")
        splitter = Splitter(variables, breaks=breaks, fish=self.fish)
        words = splitter.split(environ.get("COMP_WORDS", ""))
        # What is glued to the cursor belongs to its word, and the shells let it stand.
        rest = re.sub(r"^[^ \t\n]+", "", environ.get("COMP_REST", ""))
        after = [word.text for word in splitter.split(rest) if word.text]
        word = words[-1]
        assigned, before = arguments_of(words[:-1])
        if word.is_target:
            items = [ShellCandidate(word.text, files=PathKind.ALL)]
        else:
            typed = TypedWords(before, word.text, after)
            items = find_items(typed, {**environ, **assigned}, candidates)
        safe = (item for item in items if item.files or item.text.isprintable())
        return list(self.lines(list(safe), word))

    def lines(self, items: list[ShellCandidate], word: Word) -> Iterator[str]:
        """Yield the items in the form that the script reads. word: at the cursor."""
        raise NotImplementedError


class Bash(UserShell):
    """Bash, which replaces what follows the last break or open quote, and takes it as it is."""

    name = "bash"
    source_template = BASH

    def lines(self, items: list[ShellCandidate], word: Word) -> Iterator[str]:
        """`word`, `open` (no blank after it): quoted; `files`, `sockets`: path and what leads."""
        fitting = [item for item in items if item.text.startswith(word.text)]
        for item in fitting:
            if item.files:
                lead = item.text[word.kept : item.start]
                yield _join(item.files.value, item.text[max(word.kept, item.start) :], lead)
                continue
            text = _quoted(item.text[word.kept :], word.quote)
            yield _join("word" if item.ends else "open", text)
            if word.quote and not item.ends and len(fitting) == 1:
                # A second one keeps bash from closing the quote after the first.
                yield _join("open", f"{text}…")


class Zsh(UserShell):
    """Zsh, which matches and quotes itself, against the word less its first `skip` characters."""

    name = "zsh"
    source_template = ZSH

    def lines(self, items: list[ShellCandidate], word: Word) -> Iterator[str]:
        """`skip`: characters; `word`, `open`: text and note; `files`, `sockets`."""
        skip = min((item.start for item in items), default=0)
        if not _SAFE.fullmatch(word.text[:skip]):
            skip = 0  # it may be typed in other ways than it reads
        yield _join("skip", str(skip))
        for item in items:
            if item.files:
                yield _join(item.files.value)
            else:
                yield _join("word" if item.ends else "open", item.text[skip:], item.note)


class Fish(UserShell):
    """Fish, which matches and quotes itself, against the whole word."""

    name = "fish"
    source_template = FISH
    fish = True

    def lines(self, items: list[ShellCandidate], word: Word) -> Iterator[str]:
        """`word`: text and note; `files`, `sockets`: path and what leads."""
        fitting = [item for item in items if item.text.startswith(word.text)]
        for item in items:
            if item.files:
                yield _join(item.files.value, item.text[item.start :], item.text[: item.start])
            elif item.ends or item.text.endswith(_FISH_GOES_ON) or len(fitting) != 1:
                yield _join("word", item.text, item.note)
            else:
                # After a single one fish would put a blank: so there are two.
                for ending in ("", "/") if item.text[item.start :].startswith("/") else (",", "}"):
                    yield _join("word", item.text + ending, item.note)


def _join(*fields: str) -> str:
    return _US.join(visible_word(field) for field in fields)


def _quoted(text: str, quote: str) -> str:
    """Return the text as bash reads it back, inside the quote that is open."""
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote:
        # A history's event is taken inside the quotes too, where a backslash would stay.
        return _IN_DOUBLE.sub(r"\\\1", text).replace("!", '"\\!"')
    return _MARKED.sub(r"\\\1", text)


_SHELLS: dict[str, type[UserShell]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}
