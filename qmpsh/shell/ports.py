"""Where a device can be plugged in: the next step after a `device_add` that found no place.

A Q35 machine takes devices at its ports alone, one at each. Which are free is asked of QOM:
query-pci is wrong until the firmware ran. Source: QEMU 7.2 and 10.0.
"""

from __future__ import annotations

import re
import time
from collections.abc import Generator

from qmpsh.client.client import Client
from qmpsh.errors import shortened
from qmpsh.jsontypes import Json, as_dicts
from qmpsh.protocol.messages import Command, Reply
from qmpsh.shell.steps import WaitFor, Wish

_UNKNOWN_BUS = "' not found"
_NO_PLACE = re.compile(
    rf"Bus '.*' does not support hotplugging|Bus '.*{_UNKNOWN_BUS}"
    r"|PCI: slot \d+ function \d+ already occupied"
)
_PORT = re.compile(r"child<(?:.*root-port|ioh3420|.*downstream|pci-bridge|pcie-pci-bridge)>")
PERIPHERAL = "/machine/peripheral"
"""The path of all devices that have a name."""
_MAX_PORTS = 8
"""free ports that are named, and asked for"""
_MAX_QUERIES = 64
_MAX_SECONDS = 2.0
"""seconds for all questions: an error is shown without advice rather than late"""
_START = "QEMU is started with its ports, as in -device pcie-root-port,id=rp0,chassis=1,slot=1"


def lacks_place(text: str) -> bool:
    """Whether the server's error says that the device cannot go where it was to go."""
    return _NO_PLACE.search(text) is not None


def plug_hint(client: Client, driver: str, said: str) -> Generator[Wish, str, str]:
    """Return the advice, from its `; ` on; "" if the VM does not say where there is a place.

    driver: of the device, "" for an unknown one; said: the server's error
    """
    if _PORT.fullmatch(f"child<{driver}>"):
        return f"; a port cannot be added to a running VM: {_START}"
    deadline = time.monotonic() + _MAX_SECONDS
    listed = yield from _ask(client, Command("qom-list", {"path": PERIPHERAL}), deadline)
    ports = [str(item.get("name")) for item in as_dicts(listed) if is_port(item)]
    free: list[str] = []
    for name in ports[:_MAX_QUERIES]:
        bus = yield from _ask(client, bus_query(name), deadline)
        if is_free(bus):
            free.append(shortened(name))
        if len(free) == _MAX_PORTS:
            break
    names = ", ".join(free)
    if free and _UNKNOWN_BUS in said:  # which need not have been one of PCI
        return f"; free PCI ports of this VM: {names}"
    if free:
        others = f" (free ports: {names})" if len(free) > 1 else ""
        return f"; a free port of this VM takes it: bus={free[0]}{others}"
    if _UNKNOWN_BUS in said:
        return ""
    return f"; no port of this VM is free: {_START}" if isinstance(listed, list) else ""


def bus_query(port: str) -> Command:
    """Return the query for what is on the bus of a port, which is called as the port."""
    return Command("qom-list", {"path": f"{PERIPHERAL}/{port}/{port}"})


def is_free(bus: Json) -> bool:
    """Whether the reply about a bus says that there is no device on it."""
    return isinstance(bus, list) and not any(_is_child(item) for item in as_dicts(bus))


def _ask(client: Client, command: Command, deadline: float) -> Generator[Wish, str, Json]:
    """Return the value of the reply; None for no answer."""
    if client.closed or time.monotonic() >= deadline:
        return None
    pending = client.submit(command)
    yield WaitFor(lambda: pending.done, deadline)
    return pending.reply.value if isinstance(pending.reply, Reply) else None


def is_port(item: dict[str, Json]) -> bool:
    """Whether an item of the list of devices is a port, which takes one device."""
    return _PORT.fullmatch(str(item.get("type"))) is not None


def _is_child(item: dict[str, Json]) -> bool:
    """Whether it is a link to a device on the bus."""
    return str(item.get("name")).startswith("child[")
