"""What completion works from and what it yields, and how candidates are matched and ranked.

Candidates that begin with the typed word fit; if there are none, those whose words begin with the
typed ones (`b-a` for blockdev-add); then those that contain it; failing these, those that contain
its letters in order. So one Tab finishes a word that only one candidate begins with, and a
half-remembered name is found all the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache

from qmpsh.complete.live import LiveValues
from qmpsh.jsontypes import Json, as_str
from qmpsh.language.cursor import partial_word
from qmpsh.language.scanner import Scanner
from qmpsh.language.tokens import ScanState
from qmpsh.light_typing import TYPE_CHECKING, Enum, NamedTuple, auto
from qmpsh.patterns import LatePattern
from qmpsh.schema.model import Schema

if TYPE_CHECKING:
    from qmpsh.schema.manual.find import Manual


class Form(Enum):
    """The form of a candidate in the language; of all but OURS the text comes from outside."""

    OURS = auto()  # a mark, a verb, an option: written here
    NAME = auto()  # of a command or an event: it has no quotes
    HMP = auto()  # a word of the human monitor, which has no quotes either
    KEY = auto()  # a member's name
    INDEX = auto()  # of a list's item, in the place of a name
    WORD = auto()  # a value of an enum, which is read as that whatever it looks like
    TEXT = auto()  # a value that is a string
    PATH = auto()  # a file of this host
    REPLY_PATH = auto()  # to a number in a reply


class Candidate(NamedTuple):
    """A completion of the word at the cursor.

    text:   what replaces the source from `start` to the cursor; where a source yields it, the bare
            name or value, which `insertion` writes as the line needs it
    start:  offset into the line
    kind:   what it is or which type it wants, in plain words: "node", "str", "qcow2 | raw"; ""
            where the place says it
    doc:    first sentence of its documentation, or ""
    required, deprecated, unstable: its marks
    form:   what it is to the language
    tail:   where a source yields it, what the text is to end in: `=`, `.`, `: `
    value:  the name or value that a written text stands for; "" for one of ours
    """

    text: str
    start: int
    kind: str = ""
    doc: str = ""
    required: bool = False
    deprecated: bool = False
    unstable: bool = False
    form: Form = Form.OURS
    tail: str = ""
    value: str = ""


class Setting(NamedTuple):
    """An option as completion shows it. value: its value now; choices: words that it takes."""

    summary: str
    value: Callable[[], str]
    choices: Callable[[], Sequence[str]]


class Catalog:
    """What completion knows of the server; filled in as background replies arrive.

    commands, events: names as the server lists them, () before they are known
    disabled:         of the commands, those that a guest's administrator has turned off
    schema:           None before it is known, or where the server has none
    ends:             the commands whose end can be waited for, and what shows it in words
    settings:         the options of `.set`
    aliases:          words that stand for the beginning of a line
    hmp, hmp_info:    the human monitor's commands and `info` subjects: name to help text
    live:             what the running VM knows now
    manual:           the local manual of this kind of server, None where none is installed
    paths:            lists the paths on this host that begin with a text
    resolve_path:     makes a path in QOM absolute, as the working path has it
    replaced:         says what has become of the server's program since it started, "" for nothing
    """

    def __init__(self) -> None:
        self.commands: tuple[str, ...] = ()
        self.events: tuple[str, ...] = ()
        self.disabled: frozenset[str] = frozenset()
        self.schema: Schema | None = None
        self.ends: Mapping[str, str] = {}
        self.settings: Mapping[str, Setting] = {}
        self.aliases: Mapping[str, str] = {}
        self.hmp: dict[str, str] = {}
        self.hmp_info: dict[str, str] = {}
        self.live = LiveValues()
        self.manual: Manual | None = None
        self.paths: Callable[[str], list[str]] = lambda prefix: []
        self.resolve_path: Callable[[str], str] = _absolute
        self.replaced: Callable[[], str] = str

    def set_schema(self, commands: tuple[str, ...], schema: Schema | None) -> None:
        """Take in what the server accepts. schema: None where it has none."""
        self.commands = commands
        self.schema = schema
        self.events = schema.events if schema is not None else ()

    def inside(self, *, transaction: bool) -> Catalog:
        """Return the catalog for a line: inside a transaction its commands are the actions."""
        if not transaction:
            return self
        # Imported here: few lines are inside one.
        from qmpsh.schema.actions import actions_of

        found = self._copy()
        actions = actions_of(self.schema) if self.schema is not None else None
        found.schema = actions
        found.commands = actions.commands if actions is not None else ()
        return found

    def _copy(self) -> Catalog:
        # Not copy.copy(), which takes as long to load as three modules of ours.
        found = Catalog()
        vars(found).update(vars(self))
        return found

    def without_files(self) -> Catalog:
        """Return the catalog without the files of this host: no folder is read for it."""
        found = self._copy()
        found.paths = lambda prefix: []
        return found

    def set_hmp(self, value: Json) -> None:
        """Take in the text of HMP `help`."""
        self.hmp = hmp_entries(value)

    def set_hmp_info(self, value: Json) -> None:
        """Take in the text of HMP `info`."""
        self.hmp_info = hmp_entries(value, prefix="info ")


def _absolute(path: str) -> str:
    return "/" + path.strip("/")


def hmp_entries(value: Json, prefix: str = "") -> dict[str, str]:
    """Return the names in a help text, each with its description.

    An entry is a line with a lowercase letter in column 0; its name ends at the first blank and may
    hold twins after `|`. Source: wire.md section 9.
    """
    entries: dict[str, str] = {}
    for line in as_str(value).replace("\r\n", "\n").split("\n"):
        line = line.removeprefix(prefix)
        if line[:1].islower():
            names, _, rest = line.partition(" ")
            for name in names.split("|"):
                entries[name] = rest.partition("-- ")[2].strip() or rest.strip()
    return entries


def without_misfits(candidates: Iterable[Candidate], text: str, cursor: int) -> Iterator[Candidate]:
    """Yield the candidates that may fit once they are written: a name is written as it is."""
    for candidate in candidates:
        if candidate.form is not Form.NAME or may_fit(
            text[candidate.start : cursor], candidate.text
        ):
            yield candidate


def may_fit(typed: str, name: str) -> bool:
    """Whether a name fits what is typed of it."""
    return _score(typed, name) is not None


def rank(candidates: Iterable[Candidate], text: str, cursor: int) -> list[Candidate]:
    """Return the candidates that fit the text from their start to the cursor, best first."""
    scored = []
    for place, candidate in enumerate(candidates):
        score = _fit(text[candidate.start : cursor], candidate)
        if score is not None:
            scored.append((score, place, candidate))
    scored.sort(key=lambda entry: entry[:2])
    best = scored[0][0][0] if scored else 0
    return [candidate for score, _, candidate in scored if score[0] == best]


def _fit(typed: str, candidate: Candidate) -> tuple[int, int] | None:
    """Return the score of a candidate as written, or as the name it stands for in its quotes."""
    score = _score(typed, candidate.text)
    is_quoted = candidate.text[:1] in ("'", '"') and candidate.value != ""
    if score == (0, 0) or not is_quoted:
        return score
    begun = typed
    if typed[:1] in ("'", '"'):
        tokens = Scanner(state=ScanState.VALUE).feed(typed)
        begun = partial_word(typed, tokens[0]) if len(tokens) == 1 else typed
    said = _score(begun, candidate.value)
    return min((found for found in (score, said) if found is not None), default=None)


def _score(typed: str, candidate: str) -> tuple[int, int] | None:
    """Return (kind of match, spread of the letters), lower is better; None if it does not fit."""
    if candidate.startswith(typed):
        return (0, 0)
    typed, candidate = typed.lower(), candidate.lower()
    if candidate.startswith(typed):
        return (0, 1)
    if _begin_words(_words(typed), _words(candidate)):
        return (1, 0)
    at = candidate.find(typed)
    if at >= 0:
        return (2, 0 if candidate[at - 1] in "-_." else 1)
    first = end = -1
    for letter in typed:
        end = candidate.find(letter, end + 1)
        if end < 0:
            return None
        first = end if first < 0 else first
    return (3, end - first)


_WORD = LatePattern(r"[^-_.=]+")


@lru_cache(2048)  # at each key the same names come
def _words(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(text))


def _begin_words(typed: tuple[str, ...], words: tuple[str, ...]) -> bool:
    """Return whether several typed words begin the first words of a name, each in its place."""
    if not 1 < len(typed) <= len(words):
        return False
    return all(word.startswith(begun) for begun, word in zip(typed, words, strict=False))
