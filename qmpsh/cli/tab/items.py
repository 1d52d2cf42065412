"""The candidates at the cursor of a command line: a word of the LINE, an option, an address.

Pure, except for checking whether a word is the path of something; what the server accepts comes
from the `LineServer` that is passed in. The words are sorted by the rules of `cli.argv`, and the
LINE is completed by `complete`, as at the prompt.
"""

from __future__ import annotations

from collections.abc import Mapping

from qmpsh.cli.argv import Options, SplitArgv
from qmpsh.cli.flags import read_flags
from qmpsh.cli.tab.line import line_items
from qmpsh.cli.tab.offers import AskServer, LineServer, ShellCandidate, TypedWords
from qmpsh.cli.tab.sorting import name_rule, sort


def find_items(
    typed: TypedWords, environ: Mapping[str, str], ask: AskServer
) -> list[ShellCandidate]:
    """Return all that may be at the cursor, including what does not begin as the word there does.

    environ: QMP_SOCKET of it is the address where none is named
    """
    words = sort(typed.before, name_rule(environ))
    options = read_flags(words.options)
    if options is None or options.targets or not _is_of_line(words, typed.word):
        # Imported here: click takes longer to load than a word of the LINE takes to complete.
        from qmpsh.cli.tab.options import option_items

        return option_items(words, typed, environ, ask)
    address = words.address or environ.get("QMP_SOCKET")
    return line_items(words.line[:-1], typed, ask, _server(options, address))


def _is_of_line(words: SplitArgv, word: str) -> bool:
    """Whether the word at the cursor is one of the LINE, and nothing else."""
    has_begun = len(words.line) > 1
    return not words.verb and (has_begun or (words.address is not None and word[:1] != "-"))


def _server(options: Options, address: str | None) -> LineServer:
    settings = options.settings
    return LineServer(
        address, (), options.negotiate, settings.read_only, settings.hmp, options.guest_agent
    )
