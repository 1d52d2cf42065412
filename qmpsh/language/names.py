"""The names that commands and verbs may have, the error for a line without one, and the words with
which other programs are left.
"""

from __future__ import annotations

import re

from qmpsh.errors import LineSyntaxError, Span
from qmpsh.language.syntax import Redirect, VerbLine
from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LEAVE = "leave the shell with .exit or Ctrl-D; quit ends the VM"
"""What is said to those who try to leave as they leave other programs."""

# Patterns are compiled by `re` when first used: one-shots are over before most of them are.
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_VERB = r"[A-Za-z][A-Za-z-]*"

HELP = ("--help", "-h")
"""The words that ask for help after a name, as with other programs."""
HELP_MARK = "?"
"""The same as the last word of a line, and as its first: `? NAME` is `.help NAME`."""
NO_HELP = "--help is not read in a script; write on a line of its own"

_FAULTS = (
    (r"transaction\(\)", "expected an action, as in transaction( ACTION KEY=value )"),
    (r"transaction\(.*", "put a space after 'transaction('"),
    (r"\?", "ask for help with .help NAME"),
    (r"--.*", "expected a command before a modifier"),
    (r"-.*", "expected a command, not an option of qmpsh"),
    (r"[|>].*", "expected a command before | or >"),
    (r"[\"'].*", "expected a command's name without quotes"),
    (r"[^=]+=.*", "expected a command before its arguments"),
    (r".*[|>].*", "expected a space before | or >"),
    (r".*", "expected a command: letters, digits, - and _, as in query-status; .help lists them"),
)
"""What stands in the place of a name, and the sentence for it; the first that fits is taken.

Source: QAPI, "Naming rules and reserved names": letters, digits, hyphen, underscore; dots are a
downstream vendor's.
"""


def is_name(word: str) -> bool:
    """Return whether a command can have this name."""
    return re.fullmatch(_NAME, word) is not None


def check_name(word: str, line: str, span: Span) -> None:
    """Raise LineSyntaxError unless the word can be the name of a command."""
    if is_name(word):
        return
    if not word.isascii():
        # Imported here: few lines have anything but ASCII.
        from qmpsh.language.lookalikes import refuse_in_name

        refuse_in_name(word, line, span[0])
    if leaves_elsewhere(word):
        raise LineSyntaxError(LEAVE, line, span)
    message = next(text for pattern, text in _FAULTS if re.fullmatch(pattern, word, re.DOTALL))
    guess = f".help {line[span[1] :].strip()}".strip() if word == "?" else ""
    raise LineSyntaxError(message, line, span, guess)


def help_line(source: str, words: Sequence[str], span: Span, redirect: Redirect | None) -> VerbLine:
    """Return the line `.help NAME` for one that asks for help, with what it asks about.

    words: its words; span: of its name
    """
    name, *rest = words
    topics = [word for word in rest if not word.startswith("-") and word != HELP_MARK]
    # Of words without a value only the last may be what is asked about.
    kept = [word for word in topics[:-1] if "=" in word] + topics[-1:]
    return VerbLine(source, "help", span, " ".join([name, *kept]), span, redirect=redirect)


def check_verb(word: str, line: str, span: Span) -> None:
    """Raise LineSyntaxError unless the word, without its dot, can be the name of a verb."""
    if not re.fullmatch(_VERB, word):
        raise LineSyntaxError("expected a verb after the dot, as in .help", line, span)


LEAVING = frozenset({
    "q", "bye", "exit", "logout", "wq", "zz",
    "exit()", "quit()", "exit;", "quit;", "q!", "quit!", "exit!",
    ":q", ":q!", ":qa", ":qa!", ":quit", ":wq", ":wq!", ":wqa", ":x", ":x!", ":exit",
    "\\q", "/q", "/quit", "/exit", ".q", ".quit", ".bye", ".logout",
})  # fmt: skip
"""What leaves a pager, vi, Python, an SQL client, a chat or a login shell, in small letters."""

HOW_TO_LEAVE = "Ctrl-D or .exit leaves the shell; the VM goes on"
HOW_TO_LEAVE_OWN = "Ctrl-D or .exit leaves the shell, and asks what to do with the VM"


def leaves_elsewhere(line: str) -> bool:
    """Whether a line is typed by the habit of leaving another program."""
    return line.strip().lower() in LEAVING
