"""The nearest names to a mistyped one."""

from __future__ import annotations

from qmpsh.light_typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence


MAX_SUGGESTIONS = 3
"""most names suggested"""

_MAX_NAMES = 3000
"""names that are compared; a server may have any number, and each takes 0.1 ms"""

MAX_NAME_WORDS = 8
"""words that are joined to a name of a command; the longest of QEMU 10.0 has six"""


def nearest(word: str, names: Iterable[str]) -> list[str]:
    """Return the names most like the word, best first; [] if none is close."""
    # Imported here: only errors need it, and it is slow to load.
    from difflib import get_close_matches
    from itertools import islice

    folded = {name.lower().replace("_", "-"): name for name in islice(names, _MAX_NAMES)}
    found = get_close_matches(word.lower().replace("_", "-"), folded, n=MAX_SUGGESTIONS, cutoff=0.7)
    return [folded[name] for name in found]


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """Return `; did you mean a or b?`, or "" if no name is close."""
    found = nearest(word, names)
    return f"; did you mean {' or '.join(found)}?" if found else ""


def joined(words: Sequence[str], names: Collection[str]) -> str:
    """Return the line whose name the first words are, joined: `query status x` is `query-status x`.
    "" if they are none.
    """
    for count in range(min(len(words), MAX_NAME_WORDS), 1, -1):
        for mark in "-_":
            if (name := mark.join(words[:count])) in names:
                return " ".join([name, *words[count:]])
    return ""
