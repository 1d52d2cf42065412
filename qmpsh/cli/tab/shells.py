"""Shell completion of the command line for bash, zsh and fish, called as click's is.

`_QMPSH_COMPLETE=bash_source qmpsh` prints the script for a shell, which calls the program with
`_QMPSH_COMPLETE=bash_complete` at each Tab. This module has what differs between the shells: what
they pass, and how they want their answer; what may be completed is in `items`.

The answer is one line per candidate, its fields separated by US (0x1f): the kind, the text, and
more depending on the shell; the classes here write them.
"""

from __future__ import annotations

import faulthandler
import os
import re
import sys
from collections.abc import Iterator, Mapping
from functools import partial

from qmpsh.cli.tab.items import find_items
from qmpsh.cli.tab.offers import PathKind, ShellCandidate, TypedWords
from qmpsh.cli.tab.server import candidates
from qmpsh.cli.tab.words import ShellWord, Splitter, arguments_of
from qmpsh.patterns import LatePattern
from qmpsh.render.safe import visible_word

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
        # Imported here: a Tab needs no script.
        from qmpsh.cli.tab.scripts import SCRIPTS

        _write(SCRIPTS[name])
        return 0
    # A shell's Tab must not be disturbed: not by a word on the terminal, not by waiting.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    faulthandler.dump_traceback_later(TAB_SECONDS, exit=True, file=null)
    try:
        _write("".join(f"{line}\n" for line in _SHELLS[name]().answers(os.environ)))
    except Exception as error:  # whatever is wrong, there are no candidates
        # Imported here: few Tabs end so.
        from qmpsh.shell.crash import report_completion

        report_completion(error)
        return 1
    finally:
        faulthandler.cancel_dump_traceback_later()
    return 0


def _write(text: str) -> None:
    """Write to stdout as UTF-8, whatever the locale."""
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


class UserShell:
    """The base of the three shells.

    fish: it has that shell's quotes; shows_notes: beside the candidates
    """

    fish = False
    shows_notes = True

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
            ask = partial(candidates, documented=self.shows_notes)
            items = find_items(typed, {**environ, **assigned}, ask)
        safe = (item for item in items if item.files or item.text.isprintable())
        return list(self.lines(list(safe), word))

    def lines(self, items: list[ShellCandidate], word: ShellWord) -> Iterator[str]:
        """Yield the items in the form that the script reads. word: at the cursor."""
        raise NotImplementedError


class Bash(UserShell):
    """Bash, which replaces what follows the last break or open quote, and takes it as it is."""

    shows_notes = False

    def lines(self, items: list[ShellCandidate], word: ShellWord) -> Iterator[str]:
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

    def lines(self, items: list[ShellCandidate], word: ShellWord) -> Iterator[str]:
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

    fish = True

    def lines(self, items: list[ShellCandidate], word: ShellWord) -> Iterator[str]:
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
