"""The tip on an empty line: what can be done with what has just happened. Pure."""

from __future__ import annotations

from qmpsh.light_typing import Enum, NamedTuple, auto
from qmpsh.render.safe import visible_word

BUSY = "Ctrl-C detaches from {}"
FOLDED = "{}: F4 unfolds, F5 pager, Alt-c copy, Alt-s save"
WHOLE = "{}: F5 pager, Alt-c copy, Alt-s save"
FAILED = "Up brings the line back; F1 on it shows its help"
LONG = "F4 unfolds the reply, F5 opens the pager, / searches"
WORKING = "F6 lists jobs with keys; .wait job=ID waits for one"
MIGRATING = "F6 shows the migration and its keys"
MOUSE_OFF_TIP = "mouse off: the terminal uses it to select text"


class Happened(Enum):
    """What the last line led to, as far as there is a tip on it."""

    NOTHING = auto()
    FOLD = auto()
    ERROR = auto()


class TipFacts(NamedTuple):
    """What the tip depends on. Names come from outside and are not yet safe to show.

    busy:      the command that is running, "" for none
    target:    the reply that the user has gone back to, "" at the tail
    is_folded: whether that is folded
    happened:  what the last line led to
    works:     how many jobs are under way; migrating: whether a migration is one of them
    usual:     the tip where there is nothing to say
    """

    busy: str = ""
    target: str = ""
    is_folded: bool = False
    happened: Happened = Happened.NOTHING
    works: int = 0
    migrating: bool = False
    usual: str = ""


def tip(facts: TipFacts) -> str:
    """Return the tip, safe to show."""
    if facts.busy:
        return BUSY.format(visible_word(facts.busy))
    if facts.target:
        return (FOLDED if facts.is_folded else WHOLE).format(visible_word(facts.target))
    if facts.happened is Happened.ERROR:
        return FAILED
    if facts.happened is Happened.FOLD:
        return LONG
    if facts.works > facts.migrating:
        return WORKING
    return MIGRATING if facts.migrating else facts.usual
