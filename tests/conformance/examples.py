"""The documented examples of the installed manuals."""

from __future__ import annotations

import json
from collections.abc import Iterator

from qmpsh.schema.manual.find import Manual
from tests.conformance.spellings import Spelled

_MARK = "-> {"
_WIDTH = 400
"""columns: nothing of an example is wrapped"""
_DECODER = json.JSONDecoder()


def examples(manual: Manual) -> Iterator[Spelled]:
    """Yield each command that is JSON; what the manual abridges or misspells is not."""
    seen = set()
    for name in manual.names:
        entry = manual.entry(name, _WIDTH)
        text = entry.text if entry is not None else ""
        at = text.find(_MARK)
        while at >= 0:
            found = _command(text, at + len(_MARK) - 1)
            if found is not None and repr(found) not in seen:
                seen.add(repr(found))
                yield found
            at = text.find(_MARK, at + 1)


def _command(text: str, start: int) -> Spelled | None:
    try:
        found: object = _DECODER.raw_decode(text, start)[0]
    except ValueError:
        return None
    match found:
        case {"execute": str(name), **others}:
            arguments = others.get("arguments", {})
            return Spelled(name, arguments) if isinstance(arguments, dict) else None
        case _:
            return None
