"""What `.help` and `.apropos` print: signatures from the schema, prose from the local manual."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from qmpsh.errors import UsageError
from qmpsh.nearest import did_you_mean
from qmpsh.schema.manual import Manual
from qmpsh.schema.model import EnumType, Schema
from qmpsh.schema.signature import command_signature, event_signature

WIDTH = 78
"""columns that help takes at most, as man does"""


class Topics:
    """What help knows about. schema, manual: None where there is none; page: the manual's name, ""
    where this kind of server has none; disabled: commands that a guest's administrator turned off.
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

    def explain(self, words: str, width: int = WIDTH, more: str = "") -> str:
        """The signature and the prose of one name.

        words: the name, and values of tags as in `blockdev-add driver=qcow2`
        width: columns that the text may take; an example takes what it needs
        more: what stands below the signature
        Raises UsageError for a name that nobody knows, and for a value that is none of a tag's.
        """
        name, *pairs = words.split()
        tags = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        self._refuse_values(name, tags)
        parts = ["\n".join(self._signature(name, tags, width)), self._prose(name, width)]
        found = [part for part in parts if part]
        if not found:
            hint = did_you_mean(name, self._names())
            raise UsageError(f"no command, event or type is called {name}{hint}")
        example = self._examples(name, width)
        if example:
            found.insert(1 if parts[0] else 0, example)
        if more:
            found.insert(1 if parts[0] else 0, more)
        if name in self._disabled:
            found.insert(0, f"{name} is disabled: the guest's administrator has turned it off")
        if not parts[1] and self.manual is None and self._page:
            found.append(f"(No manual is installed here: {self._page}(7) would tell more.)")
        return "\n\n".join(found)

    def search(self, word: str) -> str:
        """Names that hold the word, then those whose prose does, a line each.

        Raises UsageError where there is none.
        """
        if self.manual is not None:
            found = dict(self.manual.search(word))
        else:
            found = {name: "" for name in self._names() if word.lower() in name.lower()}
        if not found:
            raise UsageError(f"no name or text of the manual has {word} in it")
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
                raise UsageError(f"{name}: no value {value} of {key}{hint}")

    def _signature(self, name: str, tags: Mapping[str, str], width: int) -> list[str]:
        if self.schema is not None:
            command, event = self.schema.command(name), self.schema.event(name)
            if command is not None:
                return command_signature(self.schema, command, tags, width)
            if event is not None:
                return event_signature(self.schema, event, width)
        return [f"{name}  (command)"] if name in self.commands else []

    def _prose(self, name: str, width: int) -> str:
        entry = self.manual.entry(name, width) if self.manual is not None else None
        if entry is None or self.manual is None:
            return ""
        version = f" of QEMU {self.manual.version}" if self.manual.version else ""
        return f"From the manual{version} installed here:\n\n{entry.text}"

    def _examples(self, name: str, width: int) -> str:
        """The manual's examples as they are typed here: there they are JSON."""
        entry = self.manual.entry(name, width) if self.manual is not None else None
        if entry is None:
            return ""
        # Imported here: only help has a use for them.
        from qmpsh.schema.examples import example_lines

        lines = example_lines(entry.text, name)
        title = "Examples:" if len(lines) > 1 else "Example:"
        return "\n  ".join([title, *lines]) if lines else ""

    def _names(self) -> Iterable[str]:
        events = self.schema.events if self.schema is not None else ()
        return (*self.commands, *events, *(self.manual.names if self.manual else ()))
