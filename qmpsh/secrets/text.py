"""Finds the secrets in any text, whatever it is part of: a line, a message, a file's name, an argv.

Knows no grammar and no schema: `password=...` and its kind, URLs with a password or a token in
them, QEMU's `json:{...}` and `rbd:...` names. Linear in the length of the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator

from qmpsh.errors import Span
from qmpsh.patterns import LatePattern

MASK = "********"

_NAMES = ("password", "passwd", "passphrase", "cookie", "txcookie", "rxcookie")
_NAME = "|".join(_NAMES)

# Possessive: what `re` could come back to it remembers, far more than the text itself.
_QUOTED = r""""[^"\\]*+(?:\\.[^"\\]*+)*"?|'[^'\\]*+(?:\\.[^'\\]*+)*'?"""
_NAMED = LatePattern(
    rf"""(?<![a-zA-Z0-9])(?:{_NAME})["'\\]*\s*[=:]\s*"""
    rf"""(?P<value>{_QUOTED}|(?:[^\s,}}\]]+|,,)+)""",
    re.DOTALL,
)
_SCHEME = LatePattern(r"(?<=[a-zA-Z0-9+.-]):(?:\\*/){2}")
_PERCENT_SCHEME = LatePattern(r"is(?:csi|er)\Z")
"""Of those that write `user%password@`. Source: QEMU, block/iscsi.c."""
# Compiled by `re` when first used, as some below: few texts hold what they look for.
_TOKEN = (
    r"""(?i)[?&;](?:access_token|api_?key|auth|key|password|secret|sig|signature|token"""
    r"""|x-(?:amz|goog)-(?:credential|security-token|signature))=(?P<value>[^&\s"'#;]++)"""
)
_RBD = r"""(?<![a-zA-Z0-9])rbd:[^\s"']*+"""
_RBD_KEY = LatePattern(r":key=(?P<value>(?:\\.|[^:,\\])+)", re.DOTALL)
_JSON_NAME = "json:"
_END_OF_URL = LatePattern(r"""[\s"']""")
_END_OF_AUTHORITY = LatePattern(r"[/?#\\]")
_OPTION = LatePattern(r"(?<!,),[\w.-]+=")
"""What follows a URL in a list of options."""
_PORT = LatePattern(r"\d{1,5}(?:[/?#,;\\}]|\Z)")
_PAIR = LatePattern(r"(?:[^,]+|,,)+")

_OBJECT_DATA = rf"""((?:^|[,{{ ])"?(?:data|key|iv)"?[=:] ?)(?P<value>{_QUOTED}|(?:[^,}}]|,,)*)"""
_CREDENTIAL = (
    r"(?:\bio\.systemd\.credential(?:\.binary)?|\bsystemd\.set_credential(?:_binary)?)"
    r"[:=][^:=,\s]*[:=](?P<value>\S+)"
)
"""Source: systemd.system-credentials(7), `-smbios type=11` and the kernel's command line."""
_FIRMWARE = r"(?s)(?:^|,)string=(?P<value>.+)"


def is_secret_name(name: str) -> bool:
    """Return whether what has this name holds a secret, wherever it stands: `file.password`."""
    if not name.endswith(_NAMES):
        return False
    return name in _NAMES or any(name.endswith((f"-{n}", f"_{n}", f".{n}")) for n in _NAMES)


def mask_text(text: str) -> str:
    """Return any text with its secrets replaced."""
    return mask_spans(text, text_secrets(text))


def mask_word(word: str) -> str:
    """Return one word of a process's command line, where QEMU's options may stand, masked."""
    found = value_secrets(word)
    if "secret" in word or "passw" in word:
        found += [match.span("value") for match in re.finditer(_OBJECT_DATA, word)]
    found += [match.span("value") for match in re.finditer(_CREDENTIAL, word)]
    if "name=opt/" in word:  # of -fw_cfg
        found += [match.span("value") for match in re.finditer(_FIRMWARE, word)]
    return mask_spans(word, join_spans(word, found))


def text_secrets(text: str) -> list[Span]:
    """Return where the secrets of a running text stand, in order."""
    return join_spans(text, [*named_secrets(text), *url_secrets(text)])


def value_secrets(text: str) -> list[Span]:
    """Return where secrets stand in a text that is one value, blanks and quotes included."""
    at = text.find(_JSON_NAME)
    if at >= 0 and text[at + len(_JSON_NAME) :].lstrip().startswith("{"):
        return _json_name_secrets(text, at + len(_JSON_NAME))
    found = [*text_secrets(text), *_pair_secrets(text)]
    scheme = _SCHEME.search(text)
    if scheme is not None and not re.search(r"\s", text[: scheme.start()]):
        found += _url_secrets(text, _END_OF_TEXT)
    return join_spans(text, found)


def loose_secrets(text: str) -> list[Span]:
    """Return where secrets stand in a text with a fault, in which blanks may split one."""
    return [*text_secrets(text), *_url_secrets(text, _END_OF_TEXT)]


def named_secrets(text: str) -> list[Span]:
    """Return where `password=...`, `"password": ...` and their kind stand."""
    return [match.span("value") for match in _NAMED.finditer(text)]


def url_secrets(text: str) -> list[Span]:
    """Return where the passwords, tokens and keys of URLs stand."""
    found = list(_url_secrets(text, _END_OF_URL))
    if "=" in text:
        found += [match.span("value") for match in re.finditer(_TOKEN, text)]
    for name in re.finditer(_RBD, text) if "rbd:" in text else ():
        found += [match.span("value") for match in _RBD_KEY.finditer(text, *name.span())]
    return found


# -------------------------------------------------------------------- spans


def mask_spans(text: str, spans: Iterable[Span]) -> str:
    """Return the text with `********` in the place of each span; spans: in order, apart."""
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts += [text[at:start], MASK]
        at = end
    return "".join([*parts, text[at:]])


def join_spans(text: str, spans: Iterable[Span]) -> list[Span]:
    """Return the spans in order, overlapping ones joined, without quotes and empty ones."""
    found: list[Span] = []
    for start, end in sorted(_unquoted(text, span) for span in spans):
        if found and start < found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        elif start < end:
            found.append((start, end))
    return found


def _unquoted(text: str, span: Span) -> Span:
    start, end = span
    is_quoted = end - start > 1 and text[start] in "\"'" and text[start] == text[end - 1]
    return (start + 1, end - 1) if is_quoted else span


# -------------------------------------------------------------------- URLs

_END_OF_TEXT = LatePattern(r"\Z")


def _url_secrets(text: str, end_of_url: LatePattern) -> Iterator[Span]:
    if "@" not in text:
        return
    marks = [match.span() for match in _SCHEME.finditer(text)]
    stops = [mark for mark, _ in marks[1:]]
    for (mark, start), stop in zip(marks, [*stops, len(text)], strict=False):
        end = end_of_url.search(text, start, stop)
        found = _password(text, mark, (start, end.start() if end is not None else stop))
        if found is not None:
            yield found


def _password(text: str, mark: int, place: Span) -> Span | None:
    """Return where the password of a URL stands; place: what is after its `://`.

    It goes on to the last `@`: a slash or an `@` in it, which should have been escaped, is the
    user's mistake, and no reason to show it.
    """
    start, end = place
    option = _OPTION.search(text, start, end)
    rest = text[start : option.start() if option is not None else end]
    authority = _END_OF_AUTHORITY.split(rest, maxsplit=1)[0]
    user = rest.rpartition("@")[0]
    marks = ":%" if _PERCENT_SCHEME.search(text, max(0, mark - 5), mark) else ":"
    first = min((found for mark in marks if (found := user.find(mark)) >= 0), default=-1)
    at = authority.rfind("@")
    if first < 0 or first > (len(authority) if at < 0 else at):
        return None
    if at < 0 and (rest.startswith("[") or _PORT.match(user, first + 1)):
        return None  # a host and its port; the `@` stands in the path
    return start + first + 1, start + len(user)


# -------------------------------------------------------------------- lists and names


def _pair_secrets(text: str) -> Iterator[Span]:
    """Yield those of `NAME=VALUE,NAME=VALUE`; a comma in a value is doubled."""
    for match in _PAIR.finditer(text) if "=" in text else ():
        name, equals, _ = match[0].partition("=")
        if equals and is_secret_name(name.strip("'\" ")):
            yield match.start() + len(name) + 1, match.end()


def _json_name_secrets(text: str, start: int) -> list[Span]:
    """Return those of `json:{...}`: all of it where its escapes hide one, or it cannot be read."""
    spans = text_secrets(text)
    try:
        hidden = _has_secret(json.loads(mask_spans(text, spans)[start:]))
    except (ValueError, RecursionError):
        hidden = bool(spans) or _has_secret(text[start:])
    return [(start, len(text))] if hidden else spans


def _has_secret(value: object) -> bool:
    if isinstance(value, dict):
        return any(
            (is_secret_name(name) and item not in (MASK, None, True, False)) or _has_secret(item)
            for name, item in value.items()
        )
    if isinstance(value, list):
        return any(_has_secret(item) for item in value)
    return isinstance(value, str) and any(
        value[start:end] != MASK for start, end in value_secrets(value)
    )
