"""Secrets in commands: what must never reach the history, a log, `-v` or the screen's echo.

Masked are: every member called `password`, and `data` of an object whose type begins with
`secret`, at any depth; in HMP the words that carry them.
"""

from __future__ import annotations

import re

from qmpsh.jsontypes import Json

MASK = "********"
_SECRET_MEMBERS = frozenset({"password"})

# set_password and change take the secret as their third word, object_add as data=...
_HMP_SECRETS = re.compile(
    r"\b(?P<word>set_password\s+\w+\s+|change\s+vnc\s+password\s+)[^\s\"']+"
    r"|\b(?P<object>object_add\s+(?:qom-type=)?secret\S*?data=)[^,\s\"']*"
)

# name=value and "name": value of a secret member, the value bare or quoted.
_LINE_SECRET = re.compile(
    r"""(?P<keep>\b(?:password|(?P<data>data))["']?\s*[=:]\s*)"""
    r"""(?:"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s,}]+)"""
)


def mask_json(value: Json) -> Json:
    """A copy of a message with every secret in it replaced by `********`."""
    if isinstance(value, list):
        return [mask_json(item) for item in value]
    if not isinstance(value, dict):
        return value
    secret_object = str(value.get("qom-type", "")).startswith("secret")
    return {key: _mask_member(key, item, secret_object) for key, item in value.items()}


def mask_hmp(text: str) -> str:
    """An HMP line with its secret words replaced."""
    return _HMP_SECRETS.sub(lambda m: f"{m['word'] or m['object']}{MASK}", text)


def mask_line(line: str) -> str:
    """A line of the language with its secret values replaced, for the history."""
    about_secrets = "secret" in line

    def mask(match: re.Match[str]) -> str:
        return match[0] if match["data"] and not about_secrets else f"{match['keep']}{MASK}"

    return _LINE_SECRET.sub(mask, mask_hmp(line))


def _mask_member(key: str, value: Json, secret_object: bool) -> Json:
    if isinstance(value, str):
        if key in _SECRET_MEMBERS or (secret_object and key == "data"):
            return MASK
        if key == "command-line":
            return mask_hmp(value)
    return mask_json(value)
