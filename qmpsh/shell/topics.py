"""What help says of a name: its signature, an example, and the text of the local manual.

The words of a topic are a name, then values that select members, then the member asked about:
`blockdev-add driver=qcow2 file`. Asks the server nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from qmpsh.errors import UsageError
from qmpsh.language.modifiers import OPTIONS
from qmpsh.language.verbs import VERBS
from qmpsh.schema.describe import (
    assignment_words,
    command_signature,
    event_signature,
    hanging,
    kind_words,
    member_lines,
    type_words,
)
from qmpsh.schema.manual.find import Manual
from qmpsh.schema.model import EnumType, ObjectType, Schema, Type
from qmpsh.schema.walk import descend, object_of, unfold
from qmpsh.shell.waiting.rules import ENDS
from qmpsh.suggest import did_you_mean
from qmpsh.usage import MODIFIER_NOTES, MODIFIERS, wrapped_columns

_IS_OPTION = "--{name} is an option of qmpsh; see `qmpsh --help`"
_NO_MODIFIER = "no modifier --{name}{hint}"
_NO_NAME = "no command, event or type is called {name}{hint}"
_NOT_FOUND = "neither a name nor a text of the manual contains {word}"
_NO_VALUE = "{name}: no value {value} of {key}{hint}"

_OF_VERBS = r"^of [^:]+: "
"""what a modifier's line begins with where it stands among those of all"""

MAX_COLUMNS = 78
"""columns that help takes at most, as man does"""


def modifier_text(name: str, width: int) -> str:
    """Return what a modifier does. Raises UsageError for another word."""
    if name not in MODIFIERS:
        if name in OPTIONS:
            raise UsageError(_IS_OPTION.format(name=name))
        hint = did_you_mean(f"--{name}", [f"--{known}" for known in MODIFIERS])
        hint = hint or f"; there are {', '.join(f'--{known}' for known in MODIFIERS)}"
        raise UsageError(_NO_MODIFIER.format(name=name, hint=hint))
    value, does = MODIFIERS[name]
    lines = [f"--{name}{value}", *hanging("    ", does, width), ""]
    lines += hanging("", MODIFIER_NOTES[name], width)
    if name == "wait":
        known = ", ".join(command for end in ENDS for command in end.commands.split())
        lines += ["", "Ends are known of:", *hanging("    ", known, width)]
    return "\n".join(lines)


def verb_text(name: str, width: int) -> str:
    """Return what a verb does, and its own modifiers. name: of VERBS"""
    row = VERBS[name]
    lines = [f".{name} {row.usage}".rstrip(), *hanging("    ", row.summary, width)]
    own = [
        (f"    --{each}{MODIFIERS[each][0]}", re.sub(_OF_VERBS, "", MODIFIERS[each][1]))
        for each in row.modifiers
    ]
    return "\n".join([*lines, "", wrapped_columns(own, width)] if own else lines)


class HelpTopics:
    """The topics that help can explain.

    schema, manual: None where there is none; page: the manual's name, "" where this kind of server
    has none; disabled: commands that a guest's administrator turned off.
    """

    def __init__(
        self,
        commands: tuple[str, ...],
        schema: Schema | None,
        manual: Manual | None,
        page: str = "qemu-qmp-ref",
        disabled: frozenset[str] = frozenset(),
    ) -> None:
        self.commands = commands
        self.schema = schema
        self.manual = manual
        self._page = page
        self._disabled = disabled

    def explain(self, words: str, width: int = MAX_COLUMNS, more: str = "") -> str:
        """Return the signature and the manual's text of one name.

        words: the name, values of tags as in `blockdev-add driver=qcow2`, and last the member or
               the value that is explained first
        width: columns that the text may take; an example takes what it needs
        more: a text below the signature
        Raises UsageError for an unknown name, and for a value that is none of a tag's.
        """
        name, *pairs = words.split()
        tags = dict(pair.split("=", 1) for pair in pairs if "=" in pair.strip("="))
        self._refuse_values(name, tags)
        first = self._member(name, pairs[-1], tags, width) if pairs else ""
        parts = ["\n".join(self._signature(name, tags, width)), self._prose(name, width)]
        found = [part for part in parts if part]
        if not found:
            hint = did_you_mean(name, self._names())
            raise UsageError(_NO_NAME.format(name=name, hint=hint))
        example = self._examples(name, tags, width)
        if example:
            found.insert(1 if parts[0] else 0, example)
        if more:
            found.insert(1 if parts[0] else 0, more)
        if first:
            found.insert(0, first)
        if name in self._disabled:
            found.insert(0, f"{name} is disabled: the guest's administrator has turned it off")
        if not parts[1] and self.manual is None and self._page:
            found.append(f"(No manual is installed here: {self._page}(7) would say more.)")
        return "\n\n".join(found)

    def search(self, word: str) -> str:
        """Return the names that contain the word, then those whose text does, a line each.

        Raises UsageError where there is none.
        """
        if self.manual is not None:
            found = dict(self.manual.search(word))
        else:
            found = {name: "" for name in self._names() if word.lower() in name.lower()}
        if not found:
            raise UsageError(_NOT_FOUND.format(word=word))
        width = min(32, max(map(len, found)))
        return "\n".join(f"{name:<{width}}  {text}".rstrip() for name, text in found.items())

    def _refuse_values(self, name: str, tags: Mapping[str, str]) -> None:
        kind = self.schema.arguments(name) if self.schema is not None else None
        for key, value in tags.items():
            member = kind.member(key) if kind is not None else None
            words = self.schema.type(member.type) if self.schema and member else None
            if isinstance(words, EnumType) and value not in words.names():
                hint = (
                    did_you_mean(value, words.names()) or f"; there are {', '.join(words.names())}"
                )
                raise UsageError(_NO_VALUE.format(name=name, value=value, key=key, hint=hint))

    def _signature(self, name: str, tags: Mapping[str, str], width: int) -> list[str]:
        if self.schema is not None:
            command, event = self.schema.command(name), self.schema.event(name)

            def sentence(member: str) -> str:
                return self._sentence(name, member, given=tags)

            if command is not None:
                return command_signature(self.schema, command, tags, width, sentence)
            if event is not None:
                return event_signature(self.schema, event, width, sentence)
        return [f"{name}  (command)"] if name in self.commands else []

    def _prose(self, name: str, width: int) -> str:
        entry = self.manual.entry(name, width) if self.manual is not None else None
        if entry is None or self.manual is None:
            return ""
        version = f" of QEMU {self.manual.version}" if self.manual.version else ""
        return f"From the manual{version} installed here:\n\n{entry.text}"

    def _sentence(self, name: str, *path: str, given: Mapping[str, str]) -> str:
        """Return what a member is for; "" without a manual."""
        return self.manual.member_sentence(name, *path, given=given) if self.manual else ""

    def _member(self, name: str, word: str, tags: Mapping[str, str], width: int) -> str:
        """Return what is known of a member, or of one value of it; "" for nothing.

        word: `file.driver`, or `file.driver=raw`
        """
        key, _, value = word.partition("=")
        root = self.schema.arguments(name) if self.schema is not None else None
        path = tuple(key.split("."))
        kind = (
            descend(self.schema, root, path, lambda tag: tags.get(".".join(tag)))
            if self.schema is not None and root is not None
            else None
        )
        if self.schema is None or kind is None:
            return ""
        is_value = isinstance(kind, EnumType) and value in kind.names()
        asked = (*path, value) if is_value else path
        text = self._member_text(name, asked, tags, width)
        if is_value:
            return f"{key}={value}  ({name})\n{text}" if text else ""
        title = hanging(f"{key}: ", f"{_kind_name(self.schema, kind)}  ({name})", width)
        parts = self._parts(name, path, kind, tags, width)
        return "\n".join([*title, *([text] if text else []), *parts])

    def _member_text(
        self, name: str, path: tuple[str, ...], tags: Mapping[str, str], width: int
    ) -> str:
        if self.manual is None:
            return ""
        return self.manual.member_text(name, *path, given=tags, width=width)

    def _parts(
        self, name: str, path: tuple[str, ...], kind: Type, tags: Mapping[str, str], width: int
    ) -> Iterator[str]:
        """Yield the words of an enum or the members of an object, each with its sentence."""
        if self.schema is None:
            return
        rows: list[tuple[str, str, str]] = []
        owner = object_of(self.schema, kind)
        if isinstance(kind, EnumType):
            said = {word: self._sentence(name, *path, word, given=tags) for word in kind.names()}
            if not any(said.values()):
                yield from hanging("  ", ", ".join(said), width)
                return
            rows = [(word, "", text) for word, text in said.items()]
        elif owner is not None:
            inner = {key.rpartition(".")[2]: tags[key] for key in tags if _is_below(key, path)}
            rows = [
                (
                    f"{member.name}{'' if member.optional else '*'}",
                    type_words(self.schema, member.type),
                    self._sentence(name, *path, member.name, given=inner),
                )
                for member in unfold(self.schema, owner, inner.get).members
            ]
        yield from member_lines(rows, width)

    def _examples(self, name: str, tags: Mapping[str, str], width: int) -> str:
        """Return the manual's examples, which are JSON, as lines of this shell; else the line that
        the schema asks for.
        """
        entry = self.manual.entry(name, width) if self.manual is not None else None
        # Imported here: only help has a use for them.
        from qmpsh.schema.manual.examples import example_lines

        lines = example_lines(entry.text, name) if entry is not None else []
        if not lines:
            lines = self._form(name, tags)
        title = "Examples:" if len(lines) > 1 else "Example:"
        return "\n  ".join([title, *lines]) if lines else ""

    def _form(self, name: str, tags: Mapping[str, str]) -> list[str]:
        """Return a line with all that the command needs; [] where it needs nothing."""
        root = self.schema.arguments(name) if self.schema is not None else None
        if self.schema is None or not isinstance(root, ObjectType):
            return []
        words = [
            f"{member.name}={tags[member.name]}"
            if member.name in tags
            else assignment_words(self.schema, member)
            for member in unfold(self.schema, root, tags.get).members
            if not member.optional
        ]
        return [" ".join([name, *words])] if words else []

    def _names(self) -> Iterable[str]:
        events = self.schema.events if self.schema is not None else ()
        return (*self.commands, *events, *(self.manual.names if self.manual else ()))


def _kind_name(schema: Schema, kind: Type) -> str:
    """Return a type in words, of an enum or an object too, whose parts are listed below."""
    if isinstance(kind, EnumType):
        return "one of these"
    return "object" if isinstance(kind, ObjectType) else kind_words(schema, kind)


def _is_below(key: str, path: tuple[str, ...]) -> bool:
    """Whether a dotted key is that of a member of the object at a path."""
    return key.rpartition(".")[0] == ".".join(path)
