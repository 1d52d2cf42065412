"""How an answer is shown: which output format it takes, and JSON as text.

`render_answer` is the one place that chooses; the rows of `language.syntax.FORMATS` name the
functions below. What is chosen is laid out by the front end, for its width and with its colours.
"""

from __future__ import annotations

import json

from qmpsh.jsontypes import Json
from qmpsh.language.syntax import FORMATS
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.render.safe import visible_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from qmpsh.shell.steps import Answer

# Made once: making an encoder takes longer than encoding a small answer.
_COMPACT = json.JSONEncoder(ensure_ascii=False)
_PRETTY = json.JSONEncoder(ensure_ascii=False, indent=2)


def compact(value: Json) -> str:
    """Return JSON on one line, `{"a": 1}`; keys stay in the server's order."""
    return visible_json(_COMPACT.encode(value))


def pretty(value: Json) -> str:
    """Return JSON with one member per line, indented by two spaces."""
    return visible_json(_PRETTY.encode(value))


class Rendering(NamedTuple):
    """The content that is shown of an answer.

    value:    JSON, if there is no text
    text:     shown unchanged, not yet made safe for a terminal
    as_table: the value is shown as a table if it is a list
    """

    value: Json = None
    text: str | None = None
    as_table: bool = False

    @property
    def is_json(self) -> bool:
        """Whether it is shown as JSON, and may be coloured as such."""
        return self.text is None and not self.as_table


def render_answer(answer: Answer) -> Rendering:
    """Return what to show of an answer, in the first of its formats that suits it.

    A text (of the human monitor, of a verb, of an error) has no other form than the whole reply.
    """
    for name, row in FORMATS.items() if answer.modifiers.formats else ():
        if name in answer.modifiers.formats and (answer.text is None or row.prints_reply):
            rendering = find_renderer(row.renderer)(answer)
            if rendering is not None:
                return rendering
    return Rendering(answer.value, answer.text)


def find_renderer(place: str) -> Callable[[Answer], Rendering | None]:
    """Return the function that a row of FORMATS names."""
    # Imported here: most answers have no format.
    from importlib import import_module

    module, _, name = place.partition(":")
    renderer: Callable[[Answer], Rendering | None] = getattr(import_module(module), name)
    return renderer


# ---------------------------------------------------------------------------- the formats


def render_reply(answer: Answer) -> Rendering | None:
    """--json: the whole reply; one that does not report the failure itself gets an error member."""
    if answer.reply is None or not answer.failed:
        return None if answer.reply is None else Rendering(answer.reply)
    # Imported here: few lines fail.
    from qmpsh.render.failures import failed_reply

    return Rendering(failed_reply(answer.reply, answer.text or ""))


def render_raw(answer: Answer) -> Rendering | None:
    """--raw: a string without its quotes."""
    return Rendering(text=answer.value) if isinstance(answer.value, str) else None


def render_table(answer: Answer) -> Rendering | None:
    """--table: a list as a table. Anything else stays JSON."""
    return Rendering(answer.value, as_table=True)
