"""The lines shown at the start, completed part by part as background replies come.

There are three, and one more if there is a remark on the connection. Each part is filled in once
and then stays: the banner tells how things were when connecting, the status line how they are now.
Only the server may be renamed: a storage daemon greets as QEMU does and is known by its commands.
A line that is too long breaks between its parts.
"""

from __future__ import annotations

from qmpsh.complete.candidates import Catalog
from qmpsh.shell.machine import Machine
from qmpsh.tui.rows import wrap
from qmpsh.tui.store import Block
from qmpsh.view.columns import text_columns
from qmpsh.view.glyphs import Glyphs
from qmpsh.view.safe import visible_word
from qmpsh.view.theme import Line
from qmpsh.view.units import number

TIPS = ("Tab completes", "F1 keys", ".help")


class Banner:
    """The banner's text. machine, catalog: where its parts come from."""

    def __init__(self, machine: Machine, catalog: Catalog, glyphs: Glyphs) -> None:
        self._machine = machine
        self._catalog = catalog
        self._between = f" {glyphs.dot} "
        self._parts: dict[str, str] = {}
        self.learn()

    def learn(self) -> None:
        """Fill in what is known by now."""
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
            "commands": _counted(len(self._catalog.commands), "command"),
            "events": _counted(len(self._catalog.events), "event"),
        }
        for part, text in known.items():
            if text and (part not in self._parts or part == "server"):
                self._parts[part] = text

    def lines(self) -> list[Line]:
        """Return the lines, unwrapped."""
        return [rows[0] for rows in self.rows(None)]

    def rows(self, width: int | None) -> list[list[Line]]:
        """Return the rows of each line. width: columns, None for no limit."""
        known = self._parts
        place = self._packed([known.get("name"), known.get("state"), known["address"]], width)
        counts = self._packed([known.get("commands"), known.get("events"), *TIPS], width)
        remark = known.get("remark")
        return [
            [[("", text)] for text in self._server(width)],
            [[("", text)] for text in place],
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


class BannerBlock(Block):
    """A banner in the output."""

    __slots__ = ("_banner",)

    def __init__(self, banner: Banner) -> None:
        super().__init__()
        self._banner = banner

    @property
    def count(self) -> int:
        """See Block."""
        return len(self._banner.lines())

    def line(self, index: int) -> Line:
        """See Block."""
        return self._banner.lines()[index]

    def draw(self, index: int, width: int) -> list[Line]:
        """See Block. A part longer than a row is wrapped like any text."""
        return [row for line in self._banner.rows(width)[index] for row in wrap(line, width)]

    def renew(self) -> None:
        """Take in what has become known."""
        self._banner.learn()
        self.touch()


def _counted(count: int, noun: str) -> str:
    return f"{number(count)} {noun}{'' if count == 1 else 's'}" if count else ""
