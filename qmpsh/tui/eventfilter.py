"""Which events to show: shell-style patterns for their names. Pure."""

from __future__ import annotations

from qmpsh.shell.matching import is_named

_KNOWN = 1000
"""names whose answer is remembered: QEMU has some sixty, and what sends more makes them up"""


class EventFilter:
    """patterns: like `BLOCK_*` or `stop`, case-insensitive; without any, all events are shown."""

    def __init__(self, patterns: tuple[str, ...] = ()) -> None:
        self.patterns = patterns
        self._known: dict[str, bool] = {}

    def shows(self, name: str) -> bool:
        """Whether events of this name are shown; each name is matched once."""
        if not self.patterns:
            return True
        shown = self._known.get(name)
        if shown is None:
            if len(self._known) >= _KNOWN:
                self._known.clear()
            shown = self._known[name] = is_named(name, self.patterns)
        return shown

    def text(self) -> str:
        """The patterns as typed; not yet safe to show."""
        return " ".join(self.patterns)
