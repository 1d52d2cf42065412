"""The schema tools: diff, has, describe, find, dump, each from open sources to what it shows.

Neither the command line nor the verb decides anything here but how the result is printed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from typing import Final

from qmpsh.errors import UsageError, shortened
from qmpsh.jsontypes import JsonObject
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.schema.model import Schema
from qmpsh.schema.tools.diff import diff_schemas
from qmpsh.schema.tools.dump import dump_text
from qmpsh.schema.tools.has import ONLY_LIVE, SchemaJudge, Verdict, no_name, read_question
from qmpsh.schema.tools.json_schema import json_schema
from qmpsh.schema.tools.report import SchemaReport, compared
from qmpsh.schema.tools.search import find_places
from qmpsh.suggest import did_you_mean

if TYPE_CHECKING:
    from typing import TypeAlias

    from qmpsh.shell.schemas.sources import Source
    from qmpsh.shell.steps import Wish

_UNKNOWN: Final = "neither has a command or event {name}{hint}"
_NOT_FOUND: Final = "nothing is called {word}"
_NO_TAG: Final = "{word} is not TAG=VALUE"

Opening: TypeAlias = "Callable[[], Generator[Wish, str, Source]]"
"""Opens a source; called once, when it is needed."""


class ToolRequest(NamedTuple):
    """What a tool is asked.

    words:    after the sources
    breaking: only what breaks clients
    json:     as JSON, one object a line
    more:     what lists all there is, where only its number is said as a rule; "" to list it
    verbose:  say why
    returns:  of answers and events, not of arguments
    all:      of all commands
    """

    words: Sequence[str]
    breaking: bool = False
    json: bool = False
    more: str = "-v"
    returns: bool = False
    all: bool = False

    @property
    def verbose(self) -> bool:
        """Whether all there is to say is to be said."""
        return not self.more


class ToolResult(NamedTuple):
    """What a tool shows.

    exit_code: 0 or 1
    text:   lines, "" for none
    values: JSON, each on a line of its own
    report: to be laid out, None for none
    remark: for a person, "" for none
    """

    exit_code: int
    text: str = ""
    values: list[JsonObject] = []  # noqa: RUF012 - never changed, as every field of a value
    report: SchemaReport | None = None
    remark: str = ""


Running: TypeAlias = "Generator[Wish, str, ToolResult]"


class Tool(NamedTuple):
    """A tool.

    sources:     how many it takes
    usage:       what follows them
    needs, most: how many words these are
    """

    sources: int
    usage: str
    summary: str
    needs: int
    most: int
    run: Callable[[Sequence[Opening], ToolRequest], Running]

    def takes(self, words: Sequence[str], request: ToolRequest) -> bool:
        """Whether that many words follow the sources."""
        needs = 0 if request.all else self.needs
        return needs <= len(words) <= self.most

    def usage_after(self, connected: int) -> str:
        """Return what follows the name of the tool. connected: sources that are there already"""
        return " ".join([*["SOURCE"] * (self.sources - connected), self.usage]).rstrip()


# ---------------------------------------------------------------------------- diff


def _diff(openings: Sequence[Opening], request: ToolRequest) -> Running:
    sources = []
    for opening in openings:
        with closing((yield from opening())) as source:
            sources.append(source)
    old, new = sources
    _check_names(request.words, old.schema, new.schema)
    changes = diff_schemas(old.schema, new.schema, request.words)
    if request.breaking:
        changes = [change for change in changes if change.breaks]
    code = 1 if changes else 0
    if request.json:
        return ToolResult(code, values=[change.as_json() for change in changes])
    if not changes:
        return ToolResult(code)
    sides = compared(old.name, old.schema), compared(new.name, new.schema)
    return ToolResult(code, report=SchemaReport(*sides, tuple(changes), request.more))


def _check_names(names: Sequence[str], *schemas: Schema) -> None:
    """Raise UsageError for a name that none has."""
    known = {name for schema in schemas for name in (*schema.commands, *schema.events)}
    for name in names:
        if name not in known:
            raise UsageError(_UNKNOWN.format(name=shortened(name), hint=did_you_mean(name, known)))


# ---------------------------------------------------------------------------- has


def _has(openings: Sequence[Opening], request: ToolRequest) -> Running:
    question = read_question(request.words, of_answer=request.returns)
    with closing((yield from openings[0]())) as source:
        judge = SchemaJudge(source.schema, question)
        verdict = judge.decide()
        if verdict.has and judge.open_words():
            verdict = yield from _has_property(judge, source)
    return ToolResult(0 if verdict.has else 1, verdict.why if request.verbose else "")


def _has_property(judge: SchemaJudge, source: Source) -> Generator[Wish, str, Verdict]:
    """Ask a running server about a device. Raises UsageError where none is there to ask."""
    if not source.is_live:
        raise UsageError(ONLY_LIVE)
    answer = yield from source.ask("device-list-properties", {"typename": judge.driver})
    return judge.decide_device(answer)


# ---------------------------------------------------------------------------- describe, find, dump


def _describe(openings: Sequence[Opening], request: ToolRequest) -> Running:
    with closing((yield from openings[0]())) as source:
        schema = source.schema
    if request.all:
        names = sorted(schema.commands)
        found = {name: json_schema(schema, name, returns=request.returns) for name in names}
        return ToolResult(0, values=[{name: one for name, one in found.items() if one}])
    name, *words = request.words
    document = json_schema(schema, name, _tags(words), returns=request.returns)
    if document is None:
        return ToolResult(1, remark=no_name(schema, name))
    return ToolResult(0, values=[document])


def _tags(words: Sequence[str]) -> dict[str, str]:
    """Return the tags in `driver=qcow2`. Raises UsageError."""
    tags = {}
    for word in words:
        tag, equals, value = word.partition("=")
        if not (tag and equals):
            raise UsageError(_NO_TAG.format(word=shortened(word)))
        tags[tag] = value
    return tags


def _find(openings: Sequence[Opening], request: ToolRequest) -> Running:
    (word,) = request.words
    with closing((yield from openings[0]())) as source:
        places = list(dict.fromkeys(find_places(source.schema, word, read=request.returns)))
    if request.json:
        values: list[JsonObject] = [{"of": place.of, "path": place.path} for place in places]
        return ToolResult(0 if places else 1, values=values)
    if not places:
        return ToolResult(1, remark=_NOT_FOUND.format(word=shortened(word)))
    return ToolResult(0, "\n".join(f"{one.of}  {one.path}".rstrip() for one in places))


def _dump(openings: Sequence[Opening], request: ToolRequest) -> Running:
    with closing((yield from openings[0]())) as source:
        return ToolResult(0, dump_text(source.schema))


_ANY: Final = sys.maxsize
TOOLS: Final = {
    "diff": Tool(
        2, "[NAME...]", "what differs between two, what breaks clients first", 0, _ANY, _diff
    ),
    "has": Tool(
        1,
        "NAME [MEMBER[=VALUE]...] [+FEATURE]",
        "whether it has that: the exit code says",
        1,
        _ANY,
        _has,
    ),
    "describe": Tool(
        1, "NAME [TAG=VALUE...]", "the arguments as JSON Schema 2020-12", 1, _ANY, _describe
    ),
    "find": Tool(1, "NAME", "where a member, a value or a +FEATURE is used", 1, 1, _find),
    "dump": Tool(
        1, "", "the reply of query-qmp-schema, sorted: equal for equal builds", 0, 0, _dump
    ),
}
"""The tools by name."""
