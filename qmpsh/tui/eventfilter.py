"""Which events a reader wants to see: shell-style patterns for their names. Pure."""

from __future__ import annotations

from qmpsh.shell.matching import is_named


class EventFilter:
    """patterns: `BLOCK_*`, `stop`, in any case; without one everything is shown."""

    def __init__(self, patterns: tuple[str, ...] = ()) -> None:
        self.patterns = patterns
        self._known: dict[str, bool] = {}

    def shows(self, name: str) -> bool:
        """Whether events of this name are shown; each name is looked at once."""
        if not self.patterns:
            return True
        shown = self._known.get(name)
        if shown is None:
            shown = self._known[name] = is_named(name, self.patterns)
        return shown

    def text(self) -> str:
        """The patterns as they were typed; not yet safe to show."""
        return " ".join(self.patterns)
