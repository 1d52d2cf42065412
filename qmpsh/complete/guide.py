"""What comes after an accepted candidate: a value, a member's name, or the end of the line."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from qmpsh.complete.candidates import Candidate, Form

_OPEN = ("=", ".", ": ", ", ", "[", "{")
"""How a candidate ends whose value, or whose nested members, come next."""

_OURS = frozenset({Form.KEY, Form.INDEX, Form.OURS})
_CONSTANTS = frozenset({"true", "false", "null"})


def follow(accepted: Candidate, after_blank: Callable[[], Iterable[Candidate]]) -> str | None:
    """Return what is typed after an accepted candidate, before the next ones are offered: a blank
    after a whole value, nothing after `driver=`; None if nothing need follow.

    after_blank: returns the candidates that there are after a blank
    """
    text, form = accepted.text, accepted.form
    is_folder = form is Form.TEXT and text.endswith("/")
    if is_folder or (form in _OURS and text.endswith(_OPEN) and not text.startswith("-")):
        return ""
    if form is Form.NAME and any(candidate.required for candidate in after_blank()):
        return " "
    is_value = form in (Form.WORD, Form.TEXT) or text in _CONSTANTS
    if is_value and any(candidate.form is Form.KEY for candidate in after_blank()):
        return " "
    return None
