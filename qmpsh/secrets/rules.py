"""Which members and words hold secrets, in JSON and in lines of the human monitor.

A member called `password` is one wherever it stands, as are the kinds that `text.py` knows, and
so is `data` of an `object-add`. In an object whose type begins with `secret`, and in a command
whose purpose is to pass a secret, every member that is not known to be harmless is one: a mistyped
name must not give the secret away.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from qmpsh.errors import Span
from qmpsh.jsontypes import Json, JsonObject, as_dict, get_dict
from qmpsh.light_typing import NamedTuple
from qmpsh.patterns import LatePattern
from qmpsh.secrets.text import (
    MASK,
    is_secret_name,
    join_spans,
    loose_secrets,
    mask_spans,
    value_secrets,
)

ASKED = "?"
"""The bare value that stands for a secret to be asked for: no secret itself."""

SECRET_COMMANDS = frozenset(
    {
        *("set_password", "change-vnc-password", "guest-set-user-password", "block_passwd"),
        "sev-inject-launch-secret",
    }
)
OBJECT_COMMANDS = frozenset({"object-add", "object_add"})
GUEST_PROGRAM = "guest-exec"
PROGRAM_MEMBERS = frozenset({"env", "input-data"})
"""of GUEST_PROGRAM: where a program gets its secrets; its arguments can be seen by everybody"""
_KEY_COMMANDS = frozenset({"send-key", "input-send-event"})
_HMP_KEYS = "sendkey"
_SHIFTS = frozenset({"shift", "shift_r", "altgr", "alt_r"})
"""The keys with which another one types a character still."""
COMMAND_MEMBERS = frozenset({"execute", "exec-oob"})
_FRAME = COMMAND_MEMBERS | {"arguments", "id", "type"}
_OPEN_OF_COMMANDS = _FRAME | {
    "connected", "crypted", "device", "display", "gpa", "node-name", "packet-header", "protocol",
    "time", "username",
}  # fmt: skip
_OPEN_OF_OBJECTS = _FRAME | {
    "file", "format", "iv", "keyid", "loaded", "props", "qom-type", "serial",
}  # fmt: skip

# Possessive: what `re` could come back to it remembers, far more than the text itself.
_HMP_WORD = LatePattern(r'"[^"\\]*+(?:\\.[^"\\]*+)*(?:"|\Z)|\S+', re.DOTALL)
_PROP = r"(?:^|\s)\.?prop\s++(\"[^\"]*+\"|'[^']*+'|\S++)\s++(\S.*+)"
_HMP_PAIR = LatePattern(r"(?:[^,]+|,,)+")
_HMP_PROTOCOLS = frozenset({"vnc", "spice"})
_HMP_ACTIONS = frozenset({"fail", "disconnect", "keep"})
HARMLESS_WORDS = _HMP_PROTOCOLS | _HMP_ACTIONS
"""What may stand without `KEY=` before and after a password, by the human monitor's habit."""


class SecretContext(NamedTuple):
    """What the members at hand belong to.

    is_secret: an object of a type `secret...`; is_object: an object-add of any or of no type;
    hands_over: one of SECRET_COMMANDS; runs_program: GUEST_PROGRAM
    """

    is_secret: bool = False
    is_object: bool = False
    hands_over: bool = False
    runs_program: bool = False

    def hides(self, name: str) -> bool:
        """Return whether the value of a member is a secret."""
        return (
            is_secret_name(name)
            or (self.is_object and (name == "data" or "," in name))
            or (self.is_secret and name not in _OPEN_OF_OBJECTS)
            or (self.hands_over and name not in _OPEN_OF_COMMANDS)
            or (self.runs_program and name in PROGRAM_MEMBERS)
        )


def is_hidden(path: Sequence[str], about: SecretContext, owners: Collection[Sequence[str]]) -> bool:
    """Return whether a member's value is secret. owners: paths of objects of a secret type."""
    names = [name for name in path if not name.isdigit()] or list(path)
    if any(map(is_secret_name, names)) or (about.is_object and "data" in names):
        return True
    inner = SecretContext(is_secret=True)
    owned = any(tuple(path[:length]) in owners for length in range(len(path) + 1))
    return about.hides(names[-1]) or (owned and inner.hides(names[-1]))


def is_secret_type(value: Json) -> bool:
    """Return whether a `qom-type` is one whose objects hold a secret."""
    return isinstance(value, str) and value.startswith("secret")


def is_secret_property(name: Json) -> bool:
    """Return whether `qom-set` of this property sets a secret."""
    return isinstance(name, str) and (is_secret_name(name) or name == "data")


def reads_secret(command: JsonObject) -> bool:
    """Return whether a command's answer is a secret: QEMU answers `qom-get` of a secret's data."""
    arguments = get_dict(command, "arguments")
    line = arguments.get("command-line")
    if isinstance(line, str):
        words = [word.strip('"') for word in line.split()]
        return words[:1] == ["qom-get"] and is_secret_property(words[-1])
    named = any(command.get(member) == "qom-get" for member in COMMAND_MEMBERS)
    return named and is_secret_property(arguments.get("property"))


def property_secrets(text: str) -> list[Span]:
    """Return where a line says a secret by `.prop PATH.PROPERTY VALUE`, wherever in it that is."""
    found = re.finditer(_PROP, text)
    return [match.span(2) for match in found if is_secret_property(_property_name(match[1]))]


def _property_name(word: str) -> str:
    return re.split(r"[./]", word.strip("\"'"))[-1]


def lists_secrets(command: JsonObject) -> bool:
    """Return whether a command's answer holds the values of all properties of objects of which one
    may be a secret: those of QEMU's machine are none.
    """
    if not any(command.get(member) == "qom-list-get" for member in COMMAND_MEMBERS):
        return False
    paths = get_dict(command, "arguments").get("paths")
    return not isinstance(paths, list) or any(
        not str(path).startswith("/machine/") or ".." in str(path) for path in paths
    )


def exposes_secret(command: JsonObject) -> bool:
    """Return whether a command is refused to who may only read: its answer may hold a secret."""
    return reads_secret(command) or lists_secrets(command)


def types_keys(name: str) -> bool:
    """Return whether a command types keys, which may be a password."""
    return name in _KEY_COMMANDS


def types_character(chord: str) -> bool:
    """Whether a chord such as `shift-a` types a character: several of them may be a password."""
    *held, last = re.split(r"(?<=[^+-])[+-]", chord)
    return len(last) <= 1 and _SHIFTS.issuperset(name.lower() for name in held)


def mask_keys(message: JsonObject) -> JsonObject:
    """Return a command without the keys that it types: they are no words to look for elsewhere."""
    if any(message.get(member) in _KEY_COMMANDS for member in COMMAND_MEMBERS):
        return {**message, "arguments": MASK} if "arguments" in message else message
    arguments = get_dict(message, "arguments")
    line = arguments.get("command-line")
    if isinstance(line, str) and line.split()[:1] == [_HMP_KEYS]:
        return {**message, "arguments": {**arguments, "command-line": f"{_HMP_KEYS} {MASK}"}}
    return message


def mask_json(value: Json) -> Json:
    """Return a copy of a message with every secret in it replaced by `********`."""
    return _mask(value, SecretContext())


def mask_arguments(name: str, arguments: JsonObject) -> Json:
    """Return a command's arguments without the secrets in them, and the keys that it types."""
    message = mask_json(mask_keys({"execute": name, "arguments": arguments}))
    return as_dict(message).get("arguments")


def mask_hmp_text(text: str) -> str:
    """Return a line of the human monitor's own with its secrets replaced."""
    return mask_spans(text, hmp_secrets(text))


# -------------------------------------------------------------------- JSON


def _mask(value: Json, about: SecretContext) -> Json:
    if isinstance(value, list):
        return [_mask(item, about) for item in value]
    if isinstance(value, str):
        return mask_spans(value, value_secrets(value))
    if not isinstance(value, dict):
        return value
    about = _about(value, about)
    names_secret = is_secret_property(value.get("property")) or (
        "type" in value and is_secret_property(value.get("name"))
    )
    return {
        key: MASK
        if item is not None and not isinstance(item, bool) and _hides(about, key, names_secret)
        else _mask_item(key, item, about)
        for key, item in value.items()
    }


def _about(value: JsonObject, above: SecretContext) -> SecretContext:
    names = {value.get(member) for member in COMMAND_MEMBERS if isinstance(value.get(member), str)}
    return SecretContext(
        above.is_secret or is_secret_type(value.get("qom-type")),
        above.is_object or not names.isdisjoint(OBJECT_COMMANDS),
        above.hands_over or not names.isdisjoint(SECRET_COMMANDS),
        above.runs_program or GUEST_PROGRAM in names,
    )


def _hides(about: SecretContext, key: str, names_secret: bool) -> bool:
    """Return whether a member is secret. names_secret: `property` beside it names a secret."""
    return about.hides(key) or (names_secret and key == "value")


def _mask_item(key: str, item: Json, about: SecretContext) -> Json:
    if key == "command-line" and isinstance(item, str):
        return mask_hmp_text(item)
    return _mask(item, about)


# -------------------------------------------------------------------- HMP


def hmp_secrets(text: str) -> list[Span]:
    """Return where the secrets of an HMP line stand. Source: QEMU 7.2, hmp-commands.hx."""
    words = [match.span() for match in _HMP_WORD.finditer(text)]
    found = [*loose_secrets(text), *_hmp_values(text, words)]
    if words:
        name = text[slice(*words[0])]
        rest = [span for span in words[1:] if text[span[0]] != "-"]
        if name == "set_password":
            found += _hmp_set_password(text, words[1:])
        elif name == "change":
            found += _hmp_change(text, rest)
        elif name == "block_passwd":
            found += rest[1:]
        elif name == "qom-set" and len(rest) > 2:
            is_secret = is_secret_property(text[slice(*rest[1])].strip('"'))
            found += [(rest[2][0], len(text))] if is_secret else []
        elif name == "object_add" and rest:
            found += _hmp_object(text, words[1][0])
    return join_spans(text, found)


def _hmp_values(text: str, words: list[Span]) -> Iterator[Span]:
    """Yield those of a word that is a list of options or a file name, as `file=https://...`.

    All of a word where its escapes have moved them.
    """
    for start, end in words:
        quoted = text[start] == '"'
        closed = quoted and text[end - 1] == '"'
        inner = text[start : end - closed]
        read = re.sub(r"\\(.)", r"\1", inner, flags=re.DOTALL) if quoted else inner
        found = value_secrets(read)
        if found and read != inner:
            yield start, end
        else:
            yield from ((start + begin, start + stop) for begin, stop in found)


def _hmp_set_password(text: str, words: list[Span]) -> Iterator[Span]:
    """Yield those of `set_password PROTOCOL PASSWORD [-d DISPLAY] [ACTION]`."""
    place = 0
    after_option = False
    for span in words:
        word = text[slice(*span)]
        if after_option or word == "-d":
            after_option = not after_option
            continue
        harmless = {0: _HMP_PROTOCOLS, 1: frozenset[str]()}.get(place, _HMP_ACTIONS)
        place += 1
        if word not in harmless:
            yield span


def _hmp_change(text: str, words: list[Span]) -> list[Span]:
    """Return those of `change vnc password [PASSWORD]`."""
    shown = [text[slice(*span)] for span in words]
    if shown[:1] != ["vnc"]:
        return []
    return words[2:] if shown[1:2] in (["password"], ["passwd"]) else words[1:]


def _hmp_object(text: str, start: int) -> list[Span]:
    """Return those of `object_add [qom-type=]TYPE,NAME=VALUE,...`; commas are doubled."""
    rest = text[start:]
    if rest.startswith("{"):
        return [(start, len(text))] if "secret" in rest or "data" in rest else []
    pairs = [(match.start() + start, match[0]) for match in _HMP_PAIR.finditer(rest)]
    first = pairs[0][1] if pairs else ""
    types = [pair.partition("=")[2] for _, pair in pairs if pair.startswith("qom-type=")]
    types += [first] if "=" not in first else []
    about = SecretContext(any(map(is_secret_type, types)), is_object=True)
    found: list[Span] = []
    for index, (at, pair) in enumerate(pairs):
        name, equals, _ = pair.partition("=")
        if about.hides(name) and (equals or index):
            # An unknown name may be the end of a secret that holds a comma.
            known = name == "data" or is_secret_name(name)
            found.append((at + (len(name) + 1 if known and equals else 0), at + len(pair)))
    return found
