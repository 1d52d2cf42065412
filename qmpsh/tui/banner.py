"""The lines at the start: completed, part by part, as background replies come. There are three,
and one more where there is something to remark on the connection.

Each part is said once and then stays: the banner tells how things stood at the connect, while the
status line tells how they stand.
"""

from __future__ import annotations

from qmpsh.complete.candidates import Catalog
from qmpsh.shell.machine import Machine
from qmpsh.view.glyphs import Glyphs
from qmpsh.view.safe import visible_word
from qmpsh.view.theme import Line
from qmpsh.view.units import number

TIPS = ("Tab completes", "F1 keys", ".help")


class Banner:
    """machine, catalog: where the parts come from."""

    def __init__(self, machine: Machine, catalog: Catalog, glyphs: Glyphs) -> None:
        self._machine = machine
        self._catalog = catalog
        self._between = f" {glyphs.dot} "
        self._parts: dict[str, str] = {}

    def lines(self) -> list[Line]:
        """The lines, with what is known by now."""
        self._learn()
        place = [self._parts.get("name"), self._parts.get("state"), self._machine.address]
        counts = [self._parts.get("commands"), self._parts.get("events"), *TIPS]
        remark = self._parts.get("remark")
        return [
            [("", f"Connected to {self._server()}")],
            [("", self._joined(place))],
            *([[("warning", remark)]] if remark else []),
            [("dim", self._joined(counts))],
        ]

    def _learn(self) -> None:
        machine = self._machine
        known = {
            "name": visible_word(machine.name),
            # The run state is the server's word only once query-status has been answered.
            "state": visible_word(machine.long_state) if machine.connected else "",
            "remark": visible_word(machine.remark),
            "commands": _counted(len(self._catalog.commands), "command"),
            "events": _counted(len(self._catalog.events), "event"),
        }
        for part, text in known.items():
            if text:
                self._parts.setdefault(part, text)

    def _server(self) -> str:
        machine = self._machine
        if not machine.version:
            return visible_word(machine.address)
        package = f" ({machine.package})" if machine.package else ""
        return visible_word(f"{machine.server} {machine.version}{package}")

    def _joined(self, parts: list[str | None]) -> str:
        return self._between.join(part for part in parts if part)


def _counted(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}" if count else ""
