"""What the rows of `ends` call: pure judgements of the events and answers of single commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.wire.messages import Event

PAGE: Final = 4096
"""bytes by which a balloon may miss what was asked of it"""

UNPLUG_UNDER_WAY: Final = "already in the process of unplug"
"""The error of a second device_del after a PCIe port; the first goes on (WIRE.md section 7)."""

_EJECTIONS: Final = frozenset({3, 0x103})
"""Sources of ACPI_DEVICE_OST that are about an ejection: the request, and its processing."""

_REFUSALS: Final = {
    1: "it failed there",
    2: "the guest does not know the request",
    0x80: "the guest does not support it",
    0x81: "the device is in use",
    0x82: "the device is busy",
    0x83: "something that depends on the device is busy",
}
"""Statuses of an ejection that end it. Source: ACPI 6.5, section 6.3.5, _OST. 0 is its success,
0x84 says that it is under way.
"""

_STANDING: Final = {
    "suspended": "; system_wakeup wakes it",
    **dict.fromkeys(("paused", "prelaunch", "io-error", "watchdog"), "; cont lets it go on"),
}
"""Run states in which a guest does nothing, and what ends them."""


def standstill(reply: Json) -> str:
    """Why no guest can do anything, from the answer to query-status; "" where it runs."""
    if not isinstance(reply, dict) or reply.get("running") is not False:
        return ""
    status = reply.get("status")
    return (
        f"the VM does not run ({status}), so that its guest can do nothing"
        f"{_STANDING.get(str(status), '')}"
    )


# ---------------------------------------------------------------------------- the usual


def any_event(arguments: JsonObject, event: Event) -> bool:
    """The event of the right name and id is the end."""
    return True


def no_answer(arguments: JsonObject, reply: Json) -> bool:
    """No answer is."""
    return False


def told_error(event: Event) -> str | None:
    """What an event says of a failure; it may say nothing about it but its name."""
    return str(event.data.get("error") or event.data.get("msg") or event.name)


def not_come(reply: Json) -> str:
    """Nothing more is known."""
    return "it has not come"


def says(text: str) -> Callable[[Json], str]:
    """A state that needs no answer."""
    return lambda _: text


# ---------------------------------------------------------------------------- of single commands


def unplug_error(event: Event) -> str | None:
    """Why a guest keeps its device, None where it may still release it."""
    if event.name != "ACPI_DEVICE_OST":
        return told_error(event)
    info = event.data.get("info")
    if not isinstance(info, dict) or info.get("source") not in _EJECTIONS:
        return None
    status = info.get("status")
    why = _REFUSALS.get(status) if isinstance(status, int) else None
    return None if why is None else f"the guest refused: {why} (ACPI status {status})"


def is_balloon(arguments: JsonObject, event: Event) -> bool:
    """The balloon has the size that was asked of it."""
    return _is_near(arguments, event.data.get("actual"))


def balloon_reached(arguments: JsonObject, reply: Json) -> bool:
    """The same of query-balloon."""
    return isinstance(reply, dict) and _is_near(arguments, reply.get("actual"))


def balloon_state(reply: Json) -> str:
    """The size that it has instead."""
    actual = reply.get("actual") if isinstance(reply, dict) else None
    return f"the guest has {actual} bytes" if isinstance(actual, int) else "it has not come"


def is_tray_open(arguments: JsonObject, event: Event) -> bool:
    """The tray has moved, and not in."""
    return event.data.get("tray-open") is True


def tray_reached(arguments: JsonObject, reply: Json) -> bool:
    """The tray of the drive that the line names is open."""
    for drive in reply if isinstance(reply, list) else []:
        if isinstance(drive, dict) and drive.get("tray_open") is True:
            by_id = "id" in arguments and drive.get("qdev") == arguments["id"]
            if by_id or ("device" in arguments and drive.get("device") == arguments["device"]):
                return True
    return False


def rate_measured(arguments: JsonObject, reply: Json) -> bool:
    """The measurement of dirty pages is over."""
    return isinstance(reply, dict) and reply.get("status") == "measured"


def _is_near(arguments: JsonObject, actual: Json) -> bool:
    wanted = arguments.get("value")
    if not isinstance(wanted, int) or not isinstance(actual, int):
        return False
    return abs(wanted - actual) <= PAGE
