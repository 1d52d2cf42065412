"""The banner, which says what VM this is: three lines at the start.

It is completed part by part as background replies come; one line more is for a remark on the
connection. Each part is filled in once and then stays: the banner shows how things were when
connecting, the status line how they are now. Only the server may be renamed: a storage daemon
greets as QEMU does and is known by its commands. A line that is too long breaks between its parts.
"""

from __future__ import annotations

from qmpsh.complete.candidates import Catalog
from qmpsh.render.safe import visible_word
from qmpsh.render.tables import text_columns
from qmpsh.render.theme import Glyphs, Line
from qmpsh.render.units import counted
from qmpsh.shell.machine import Machine

BANNER_TIPS = ("Tab completes", "F1 keys", ".help")


class Banner:
    """The banner's text, laid out once for each width until more is known.

    machine, catalog: where its parts come from
    """

    def __init__(self, machine: Machine, catalog: Catalog, glyphs: Glyphs) -> None:
        self._machine = machine
        self._catalog = catalog
        self._between = f" {glyphs.dot} "
        self._parts: dict[str, str] = {}
        self._rows: dict[int | None, list[list[Line]]] = {}
        self.update()

    def update(self) -> None:
        """Fill in what is known by now."""
        self._rows.clear()
        machine = self._machine
        package = f" ({machine.package})" if machine.package else ""
        version = f"{machine.server} {machine.version}" if machine.version else ""
        known = {
            "address": visible_word(machine.address),
            "server": visible_word(version),
            "package": visible_word(package),
            "name": visible_word(machine.name),
            # The run state is certain only once query-status has been answered.
            "state": visible_word(machine.long_state) if machine.connected else "",
            "remark": visible_word(machine.remark),
            "commands": _if_any(len(self._catalog.commands), "command"),
            "events": _if_any(len(self._catalog.events), "event"),
        }
        for part, text in known.items():
            if text and (part not in self._parts or part == "server"):
                self._parts[part] = text

    def lines(self) -> list[Line]:
        """Return the lines, unwrapped."""
        return [rows[0] for rows in self.rows(None)]

    def rows(self, width: int | None) -> list[list[Line]]:
        """Return the rows of each line. width: columns, None for no limit."""
        if width not in self._rows:
            self._rows[width] = self._lay_out(width)
        return self._rows[width]

    def _lay_out(self, width: int | None) -> list[list[Line]]:
        known = self._parts
        where = self._packed([known.get("name"), known.get("state"), known["address"]], width)
        counts = self._packed([known.get("commands"), known.get("events"), *BANNER_TIPS], width)
        remark = known.get("remark")
        return [
            [[("", text)] for text in self._server(width)],
            [[("", text)] for text in where],
            *([[[("warning", remark)]]] if remark else []),
            [[("dim", text)] for text in counts],
        ]

    def _server(self, width: int | None) -> list[str]:
        """Return the line on the server; the package is dropped if there is no room for it."""
        plain = f"Connected to {self._parts.get('server', self._parts['address'])}"
        full = plain + self._parts.get("package", "")
        return [full if width is None or text_columns(full) <= width else plain]

    def _packed(self, parts: list[str | None], width: int | None) -> list[str]:
        """Pack as many parts into each row as fit."""
        rows: list[str] = []
        for part in filter(None, parts):
            longer = f"{rows[-1]}{self._between}{part}" if rows else part
            if rows and (width is None or text_columns(longer) <= width):
                rows[-1] = longer
            else:
                rows.append(part)
        return rows


def _if_any(count: int, noun: str) -> str:
    return counted(count, noun) if count else ""
