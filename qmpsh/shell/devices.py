"""The properties of a device, for `.help device_add driver=NAME`; no schema declares them."""

from __future__ import annotations

from collections.abc import Generator

from qmpsh.complete.buses import child_kind
from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json, JsonObject, as_dicts
from qmpsh.schema.describe import hanging
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.steps import Wish


def device_properties(
    introspection: Introspection, words: str, width: int
) -> Generator[Wish, str, str]:
    """Return the properties of the device that a topic of help names; "" for another topic.

    words: the topic; width: columns that the text may take
    Raises UsageError where the VM knows no such device.
    """
    name, *pairs = words.split()
    driver = next((pair[7:] for pair in pairs if pair.startswith("driver=")), "")
    if name != "device_add":
        return ""
    if not driver:
        more = "Other members are properties of the device: .help device_add driver=NAME"
        return "\n".join(hanging("", f"{more} lists them.", width))
    answer = yield from introspection.ask_device(driver)
    if isinstance(answer, list):
        # A child is a part that the device makes itself.
        found = [item for item in as_dicts(answer) if not child_kind(item)]
        return "\n".join([f"Properties of {driver}:", *_lines(found, width)])
    if introspection.asks:
        raise UsageError(f"no device {driver}; Tab after driver= lists what this VM knows")
    return ""


def _lines(found: list[JsonObject], width: int) -> list[str]:
    longest = max((len(str(item.get("name"))) for item in found), default=0)
    lines = []
    for item in sorted(found, key=lambda item: str(item.get("name"))):
        lines += hanging(f"  {item.get('name')!s:<{longest}}  ", _described(item), width)
    return lines


def _described(item: JsonObject) -> str:
    """Return `uint32: what it is (default 3)`, as far as the server says."""
    kind, about = str(item.get("type")), str(item.get("description") or "")
    default = f"(default {_word(item['default-value'])})" if "default-value" in item else ""
    return " ".join(part for part in (f"{kind}:" if about else kind, about, default) if part)


def _word(value: Json) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
