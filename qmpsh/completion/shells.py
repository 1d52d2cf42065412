"""Completion of the command line itself, for bash, zsh and fish, in click's manner.

`_QMPSH_COMPLETE=bash_source qmpsh` prints the script for a shell, which calls the program with
`_QMPSH_COMPLETE=bash_complete` at each Tab. Here stands what differs between the shells: what they
say and how they want their answer; what may be completed is `items`'.
"""

from __future__ import annotations

import faulthandler
import os
import re
from collections.abc import Iterator, Mapping

import click
from click.shell_completion import ShellComplete

from qmpsh.cli import COMMAND
from qmpsh.completion import scripts
from qmpsh.completion.items import Files, Item, Typed, find_items
from qmpsh.completion.server import candidates
from qmpsh.completion.words import Splitter, Word, arguments_of
from qmpsh.splitter import COMPLETE
from qmpsh.view.safe import visible_word

FILES = {"bash": "qmpsh.bash", "zsh": "_qmpsh", "fish": "qmpsh.fish"}
"""The shells, and the names of their scripts in completions/."""

LIMIT = 2.0
"""seconds after which a completion is ended, whatever it hangs in: a name server, a dead mount"""

_US = "\x1f"
_FISH_GOES_ON = ("=", ":", ".", ",", "/", "@", "-")
"""What fish puts no blank behind. Source: fish 3.6, complete.cpp, resolve_auto_space()."""
_SAFE = re.compile(r"[\w.,:/=@%+-]*")
_MARKED = re.compile(r"([^\w.,:/=@%+-])")
_IN_DOUBLE = re.compile(r'([$`"\\])')


def answer(instruction: str) -> int:
    """Do what the variable asks for, `bash_source` or the like; the exit code."""
    name, _, wanted = instruction.partition("_")
    if name not in _SHELLS or wanted not in ("source", "complete"):
        return 1
    if wanted == "source":
        click.echo(script(name).encode(), nl=False)
        return 0
    # A shell's Tab must not be disturbed: not by a word on the terminal, not by waiting.
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 2)
    faulthandler.dump_traceback_later(LIMIT, exit=True, file=null)
    try:
        click.echo(_completion(name).complete().encode())
    except Exception as error:  # whatever is wrong, there are no candidates
        # Imported here: few Tabs end so.
        from qmpsh.crash import report_completion

        report_completion(error)
        return 1
    finally:
        faulthandler.cancel_dump_traceback_later()
    return 0


def script(shell: str) -> str:
    """The script for bash, zsh or fish."""
    return _completion(shell).source()


def _completion(shell: str) -> Completion:
    return _SHELLS[shell](COMMAND, {}, "qmpsh", COMPLETE)


class Completion(ShellComplete):
    """What the three have in common. `complete` is click's name for answering."""

    fish = False

    def complete(self) -> str:
        """The answer to the shell's question, which stands in the environment."""
        return "\n".join(self.answers(os.environ))

    def answers(self, environ: Mapping[str, str]) -> list[str]:
        """A line for each candidate."""
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
            items = [Item(word.text, files=Files.ALL)]
        else:
            typed = Typed(before, word.text, after)
            items = find_items(typed, {**environ, **assigned}, candidates)
        safe = (item for item in items if item.files or item.text.isprintable())
        return list(self.lines(list(safe), word))

    def lines(self, items: list[Item], word: Word) -> Iterator[str]:
        """The items as the script wants them. word: at the cursor."""
        raise NotImplementedError


class Bash(Completion):
    """Bash replaces what stands behind the last break or open quote, and takes it as it is."""

    name = "bash"
    source_template = scripts.BASH

    def lines(self, items: list[Item], word: Word) -> Iterator[str]:
        """`word`, `open` (no blank behind it): quoted; `files`, `sockets`: path and what leads."""
        fitting = [item for item in items if item.text.startswith(word.text)]
        for item in fitting:
            if item.files:
                lead = item.text[word.kept : item.start]
                yield _join(item.files.value, item.text[max(word.kept, item.start) :], lead)
                continue
            text = _quoted(item.text[word.kept :], word.quote)
            yield _join("word" if item.ends else "open", text)
            if word.quote and not item.ends and len(fitting) == 1:
                # A second one keeps bash from closing the quote behind the first.
                yield _join("open", f"{text}…")


class Zsh(Completion):
    """Zsh matches and quotes itself, against what is left of the word when `skip` is taken off."""

    name = "zsh"
    source_template = scripts.ZSH

    def lines(self, items: list[Item], word: Word) -> Iterator[str]:
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


class Fish(Completion):
    """Fish matches and quotes itself, against the whole word."""

    name = "fish"
    source_template = scripts.FISH
    fish = True

    def lines(self, items: list[Item], word: Word) -> Iterator[str]:
        """`word`: text and note; `files`, `sockets`: path and what leads."""
        fitting = [item for item in items if item.text.startswith(word.text)]
        for item in items:
            if item.files:
                yield _join(item.files.value, item.text[item.start :], item.text[: item.start])
            elif item.ends or item.text.endswith(_FISH_GOES_ON) or len(fitting) != 1:
                yield _join("word", item.text, item.note)
            else:
                # Behind the only one fish would put a blank: so there are two.
                for ending in ("", "/") if item.text[item.start :].startswith("/") else (",", "}"):
                    yield _join("word", item.text + ending, item.note)


def _join(*fields: str) -> str:
    return _US.join(visible_word(field) for field in fields)


def _quoted(text: str, quote: str) -> str:
    """The text as bash reads it back, inside the quote that is open."""
    if quote == "'":
        return text.replace("'", "'\\''")
    if quote:
        # A history's event is taken inside the quotes too, where a backslash would stay.
        return _IN_DOUBLE.sub(r"\\\1", text).replace("!", '"\\!"')
    return _MARKED.sub(r"\\\1", text)


_SHELLS: dict[str, type[Completion]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}
