"""`.schema`: what the connected server accepts, compared with others, searched and described."""

from __future__ import annotations

import sys
from collections.abc import Generator
from functools import partial
from typing import Final

from qmpsh.errors import LineSyntaxError, UsageError
from qmpsh.jsontypes import JsonObject
from qmpsh.language.syntax import VerbLine
from qmpsh.language.verbs import Reach, Takes
from qmpsh.schema.tools.report import plain_lines
from qmpsh.shell.context import Context
from qmpsh.shell.execute import defaulted
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.schemas.sources import (
    SOURCE_SECONDS,
    Patience,
    SchemaWishes,
    Source,
    open_source,
    title_of,
)
from qmpsh.shell.schemas.tools import TOOLS, Opening, ToolRequest, ToolResult
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, Wish
from qmpsh.shell.verbs.table import text_answer, verb
from qmpsh.shell.verbs.words import words_of

_WANTS: Final = "expected .schema {tool} {usage}"
_WHICH: Final = "expected one of {tools}, as in .schema find iothread"
_NOT_DESCRIBED: Final = "this server does not describe its commands"
_SAME: Final = "no difference"


class _Connected(Source):
    """The connected server as a source."""

    def __init__(self, name: str, introspection: Introspection) -> None:
        schema = introspection.schema
        if schema is None:
            raise UsageError(_NOT_DESCRIBED)
        super().__init__(name, schema)
        self._introspection = introspection

    @property
    def is_live(self) -> bool:
        return self._introspection.asks

    def ask(self, name: str, arguments: JsonObject) -> SchemaWishes:
        return (yield from self._introspection.ask_live(name, arguments))


@verb(
    "schema",
    "diff|has|describe|find|dump [WORD...]",
    "what this server accepts: compare it with another, search it, describe it as JSON Schema",
    Takes.SCHEMA_TOOL,
    modifiers=("breaking", "verbose", "returns", "all"),
    reach=Reach.READS,
)
def use_schema(context: Context, line: VerbLine) -> Steps:
    """Run a tool; its exit code is that of the line.

    Raises LineSyntaxError, UsageError, CannotConnect, ConnectionLost, ReplyTimeout.
    """
    name, *words = words_of(line) or [""]
    is_verbose = "-v" in words
    words = [word for word in words if word != "-v"]
    tool = TOOLS.get(name)
    if tool is None:
        message = _WHICH.format(tools=", ".join(TOOLS))
        raise LineSyntaxError(message, line.source, line.rest_span)
    request = _request(context, line, verbose=is_verbose)
    others = words[: tool.sources - 1]
    words = words[tool.sources - 1 :]
    if len(others) < tool.sources - 1 or not tool.takes(words, request):
        message = _WANTS.format(tool=name, usage=tool.usage_after(1)).rstrip()
        raise LineSyntaxError(message, line.source, line.rest_span)
    limit = defaulted(line.modifiers, context.settings).timeout
    patience = Patience(SOURCE_SECONDS if limit is None else limit, False, context.front_end.warn)
    openings: list[Opening] = [partial(_connected, context)]
    openings += [partial(open_source, text, patience) for text in others]
    result = yield from tool.run(openings, request._replace(words=words))
    yield from _shown(context, line, result)
    return Outcome(result.exit_code)


def _request(context: Context, line: VerbLine, *, verbose: bool) -> ToolRequest:
    modifiers = defaulted(line.modifiers, context.settings)
    # A person wants an answer in words, a script the exit code.
    is_why = context.is_typed and line.rest.lstrip().startswith("has")
    return ToolRequest(
        (),
        breaking="breaking" in modifiers.flags,
        json="json" in modifiers.formats,
        more="" if is_why or verbose or "verbose" in modifiers.flags else "-v",
        returns="returns" in modifiers.flags,
        all="all" in modifiers.flags,
    )


def _connected(context: Context) -> Generator[Wish, str, Source]:
    yield from context.introspection.load_schema()
    return _Connected(title_of(context.machine), context.introspection)


def _shown(context: Context, line: VerbLine, result: ToolResult) -> Generator[Wish, str, None]:
    """Show a result: JSON as values, the rest as text."""
    modifiers = line.modifiers._replace(formats=line.modifiers.formats - {"json"})
    for value in result.values:
        yield Answer("", value=value, modifiers=modifiers, redirect=line.redirect)
    if result.report is not None:
        text = plain_lines(result.report.lines(sys.maxsize))
        yield text_answer(line, text)._replace(rows=(result.report,))
    if result.text:
        yield text_answer(line, result.text)
    if result.remark:
        yield Note(result.remark)
    elif context.is_typed and not (result.values or result.text or result.report):
        yield Note(_SAME)
