"""Properties of the device that `device_add` names: the schema does not declare them.

They come from `device-list-properties`, which is harmless even where listing types is not
(WIRE.md section 6).
"""

from __future__ import annotations

from collections.abc import Iterator

from qmpsh.complete.candidates import Candidate
from qmpsh.complete.line import Line
from qmpsh.complete.live import Facts
from qmpsh.complete.place import Place
from qmpsh.complete.sources import Query
from qmpsh.jsontypes import JsonObject

_WORDS = {"bool": ("on", "off"), "OnOffAuto": ("on", "off", "auto")}
"""The values of the property types whose words are few and known."""


def property_keys(line: Line, place: Place, facts: Facts) -> Iterator[Candidate]:
    """The properties of the driver that the line does not have yet."""
    if place.name != "device_add" or place.path or len(place.pieces) != 1:
        return
    declared = {member.name for member in line.root.members}
    for item in _properties(line, facts):
        name = str(item.get("name"))
        if name not in declared and not line.is_given((name,)):
            doc = str(item.get("description") or "")
            yield Candidate(f"{name}=", place.pieces[0].start, str(item.get("type")), doc)


def property_values(line: Line, place: Place, facts: Facts) -> Iterator[Candidate]:
    """The values of a property whose type has few."""
    if place.name != "device_add":
        return
    for item in _properties(line, facts):
        if (item.get("name"),) == place.path:
            for word in _WORDS.get(str(item.get("type")), ()):
                yield Candidate(word, place.start, str(item.get("type")))


def _properties(line: Line, facts: Facts) -> Iterator[JsonObject]:
    driver = line.tag(("driver",))
    if not driver:
        return
    answer = facts.answer(Query("device-list-properties", (("typename", driver),)))
    for item in answer if isinstance(answer, list) else []:
        # Children are parts that the device makes itself.
        if isinstance(item, dict) and not str(item.get("type")).startswith("child<"):
            yield item
