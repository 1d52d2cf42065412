"""Regular expressions that are compiled when they are first used: a start needs few of them, and
compiling one takes as long as loading a module.
"""

from __future__ import annotations

from re import compile as _compile

from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from re import Match

_METHODS = ("match", "fullmatch", "search", "finditer", "findall", "split", "sub")


class LatePattern:
    """A regular expression with the methods of a compiled one; `re.sub` and the like take none."""

    match: Callable[..., Match[str] | None]
    fullmatch: Callable[..., Match[str] | None]
    search: Callable[..., Match[str] | None]
    finditer: Callable[..., Iterator[Match[str]]]
    findall: Callable[..., list[str]]
    split: Callable[..., list[str]]
    sub: Callable[..., str]

    def __init__(self, pattern: str, flags: int = 0) -> None:
        self.pattern = pattern
        self._flags = flags

    def __getattr__(self, name: str) -> object:
        """Compile it at the first call of a method; the methods are its own from then on."""
        if name not in _METHODS:
            raise AttributeError(name)
        compiled = _compile(self.pattern, self._flags)
        for each in _METHODS:
            setattr(self, each, getattr(compiled, each))
        return getattr(compiled, name)
