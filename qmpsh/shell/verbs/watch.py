"""`.watch [TIME] LINE`: a query again and again, and what changed between two of its replies.

For a person the first reply is whole and the others are the places that differ; a program gets one
line for each reply that differs from the last.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

from qmpsh.jsontypes import Json
from qmpsh.language.syntax import VerbLine, prints_reply
from qmpsh.language.verbs import Reach, Takes
from qmpsh.shell.context import Context
from qmpsh.shell.repeat import read_repetition, repeat
from qmpsh.shell.steps import Answer, Steps
from qmpsh.shell.verbs.events import connected
from qmpsh.shell.verbs.table import verb

_EXAMPLE = ".watch 2s query-status"


@verb(
    "watch", "[TIME] LINE", "repeat a query and show what changed; --count N", Takes.TIMED_LINE,
    bare=True, modifiers=("count",), reach=Reach.REPEATS,
)  # fmt: skip
def watch(context: Context, line: VerbLine) -> Steps:
    """Ask again and again, and show what differs.

    Raises UsageError for a line that may change something, ReplyTimeout, ConnectionLost.
    """
    repetition = yield from read_repetition(context, line, _EXAMPLE)
    last: Answer | None = None

    def show(answer: Answer) -> Iterator[Answer]:
        nonlocal last
        before, last = last, answer
        shown = _shown(context, before, answer)
        if shown is not None:
            yield shown

    repeats = repetition.request.modifiers.count
    return (yield from repeat(context, connected(context, line), repetition, repeats, show))


def changes(old: Json, new: Json, place: str = "") -> Iterator[str]:
    """Yield the places where two values differ, a line each: `status: "paused" -> "running"`."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            yield from _change(key in old, key in new, old.get(key), new.get(key), _at(place, key))
    elif isinstance(old, list) and isinstance(new, list):
        for index in range(max(len(old), len(new))):
            was, is_ = index < len(old), index < len(new)
            before, after = old[index] if was else None, new[index] if is_ else None
            yield from _change(was, is_, before, after, f"{place}[{index}]")
    elif old != new or type(old) is not type(new):
        yield f"{place or 'it'}: {_short(old)} -> {_short(new)}"


def _change(was: bool, is_: bool, old: Json, new: Json, place: str) -> Iterator[str]:
    if was and is_:
        yield from changes(old, new, place)
    else:
        yield f"{place}: {_short(old)} is gone" if was else f"{place}: {_short(new)} is new"


def _at(place: str, key: str) -> str:
    return f"{place}.{key}" if place else key


def _short(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _text_changes(old: str, new: str) -> list[str]:
    """Return the lines in which two texts differ."""
    # Imported here: only the human monitor answers in lines, and this is slow to load.
    from difflib import ndiff

    return [line for line in ndiff(old.splitlines(), new.splitlines()) if line[0] in "+-"]


def _shown(context: Context, last: Answer | None, answer: Answer) -> Answer | None:
    """Return what to show of a reply, None if it is the same as the last."""
    is_read = context.settings.interactive or context.settings.reader
    if last is None:
        return answer._replace(one_line=not is_read)
    if (last.value, last.text) == (answer.value, answer.text):
        return None
    if answer.failed or prints_reply(answer.modifiers.formats) or not is_read:
        return answer._replace(one_line=not is_read)
    if answer.text is not None:
        lines = _text_changes(last.text or "", answer.text)
    else:
        lines = list(changes(last.value, answer.value))
    head = time.strftime("changed at %H:%M:%S")
    return answer._replace(text="\n".join([head, *(f"  {line}" for line in lines)]), value=None)
