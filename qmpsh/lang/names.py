"""What a command and a verb may be called, and what to say where a line does not begin with one."""

from __future__ import annotations

import re

from qmpsh.errors import LineSyntaxError, Span

# Patterns are compiled by `re` when first used: one-shots are over before most of them are.
_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.-]*"
_VERB = r"[A-Za-z][A-Za-z-]*"

_FAULTS = (
    (r"transaction\(\)", "expected an action, as in transaction( ACTION KEY=value )"),
    (r"transaction\(.*", "expected a blank after transaction("),
    (r"--.*", "expected a command before a modifier"),
    (r"-.*", "expected a command, not an option of qmpsh"),
    (r"[|>].*", "expected a command before | or >"),
    (r"[\"'].*", "expected a command's name without quotes"),
    (r"[^=]+=.*", "expected a command before its arguments"),
    (r".*[|>].*", "expected a blank before | or >"),
    (r".*", "expected a command: letters, digits, - and _, as in query-status"),
)
"""What stands in the place of a name, and the sentence for it; the first that fits is taken.

Source: QAPI, "Naming rules and reserved names": letters, digits, hyphen, underscore; dots are a
downstream vendor's.
"""


def is_name(word: str) -> bool:
    """Whether a command can have this name."""
    return re.fullmatch(_NAME, word) is not None


def check_name(word: str, line: str, span: Span) -> None:
    """Raise LineSyntaxError unless the word can be the name of a command."""
    if is_name(word):
        return
    message = next(text for pattern, text in _FAULTS if re.fullmatch(pattern, word, re.DOTALL))
    raise LineSyntaxError(message, line, span)


def check_verb(word: str, line: str, span: Span) -> None:
    """Raise LineSyntaxError unless the word, without its dot, can be the name of a verb."""
    if not re.fullmatch(_VERB, word):
        raise LineSyntaxError("expected a verb after the dot, as in .help", line, span)
