"""What is asked for at the cursor of a command line, and what is offered there."""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.complete.candidates import Candidate
from qmpsh.language.syntax import Mode
from qmpsh.light_typing import Enum, NamedTuple


class PathKind(Enum):
    """The kind of paths that the shell offers; the values are the words of its script."""

    ALL = "files"
    SOCKETS = "sockets"


class ShellCandidate(NamedTuple):
    """One way to complete a word.

    text:  the whole word, unquoted; with `files` what is typed of it
    start: where it begins in the word, after what is typed already, such as a key
    note:  what it is, in a few words, or ""
    ends:  whether the word is complete with it
    files: paths are to be completed from `start` on, by the shell itself
    """

    text: str
    start: int = 0
    note: str = ""
    ends: bool = True
    files: PathKind | None = None


class TypedWords(NamedTuple):
    """The words after the program's name: before the cursor's, that one as far as it is typed,
    and those after the cursor.
    """

    before: list[str]
    word: str
    after: list[str]


class LineServer(NamedTuple):
    """The source of candidates for the LINE, as the options specify.

    address: None for none; schema: files; negotiate: as in ClientOptions; read_only: nothing that
    might do harm is asked; hmp: lines are the human monitor's; agent: it is a guest agent.
    """

    address: str | None
    schema: tuple[str, ...]
    negotiate: bool
    read_only: bool
    hmp: bool
    agent: bool = False


AskServer = Callable[[LineServer, str, Mode], list[Candidate]]
"""The candidates at the end of a line, from what is known of a server."""
