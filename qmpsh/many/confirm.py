"""The question before a line changes many VMs, and the rule where there is no one to ask."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Final

from qmpsh.errors import UsageError
from qmpsh.many.line import ManyLine
from qmpsh.many.ranges import fold_names
from qmpsh.render.safe import visible_word

_SHOWN: Final = 10
"""names in the question"""

_NEEDS_YES: Final = "{title} may change {what}: say --yes; nothing was sent"
_QUESTION: Final = "{title} {what}: {names}? [n]o [y]es [l]ist: "
_ANSWERS: Final = {"y": True, "yes": True, "n": False, "no": False, "": False}


def needs_yes(line: ManyLine, what: str) -> UsageError:
    """Return the error for a line that changes VMs, without a terminal and without --yes.

    what: how many VMs
    """
    return UsageError(_NEEDS_YES.format(title=line.title, what=what))


def confirm(line: ManyLine, names: Sequence[str]) -> bool:
    """Ask on the terminal whether to go on; all names are listed before the end of VMs."""
    if line.ends:
        _list(names)
    shown = [visible_word(name) for name in names]
    listed = ", ".join(shown[:_SHOWN]) + (", ..." if len(shown) > _SHOWN else "")
    what = "1 VM" if len(names) == 1 else f"{len(names)} VMs"
    question = _QUESTION.format(title=visible_word(line.title), what=what, names=listed)
    while True:
        print(question, end="", file=sys.stderr, flush=True)
        word = sys.stdin.readline()
        if not word:
            print(file=sys.stderr)
            return False
        word = word.strip().lower()
        if word in ("l", "list"):
            _list(names)
        elif word in _ANSWERS:
            return _ANSWERS[word]


def _list(names: Sequence[str]) -> None:
    for name in fold_names(names):
        print(f"  {visible_word(name)}", file=sys.stderr)
