"""`password=?` is a secret that is asked for, so that no line ever holds it."""

from __future__ import annotations

from collections.abc import Generator, Sequence

from qmpsh.language.syntax import (
    Argument,
    ArrayLiteral,
    CommandLine,
    MemberPath,
    Node,
    ObjectLiteral,
    RawLiteral,
    Scalar,
)
from qmpsh.secrets.rules import ASKED, OBJECT_COMMANDS, SecretContext, is_hidden, is_secret_type
from qmpsh.secrets.text import is_secret_name
from qmpsh.shell.steps import AskSecret, Wish

Filled = Generator[Wish, str, Node]


def fill_in(line: CommandLine) -> Generator[Wish, str, CommandLine]:
    """Replace each `?` of a secret member by what the user types; `'?'` stays."""
    filler = _Filler(line)
    arguments: list[Argument] = []
    for argument in line.arguments:
        if isinstance(argument.value, RawLiteral):
            arguments.append(argument)
            continue
        value = yield from filler.fill(_path(argument), argument.value)
        arguments.append(argument._replace(value=value))
    return line._replace(arguments=tuple(arguments))


class _Filler:
    def __init__(self, line: CommandLine) -> None:
        self._name = line.name.text
        self._about = SecretContext(is_object=self._name in OBJECT_COMMANDS)
        self._owners: set[Sequence[str]] = {
            path[:-1]
            for argument in line.arguments
            for path, text in _leaves(_path(argument), argument.value)
            if path[-1] == "qom-type" and is_secret_type(text)
        }

    def fill(self, path: MemberPath, node: Node) -> Filled:
        """Return the value at a path, filled in."""
        match node:
            case ObjectLiteral():
                members = []
                for part, item in node.members:
                    members.append((part, (yield from self.fill((*path, part.text), item))))
                return node._replace(members=tuple(members))
            case ArrayLiteral():
                items = []
                for item in node.items:
                    items.append((yield from self.fill((*path, "0"), item)))
                return node._replace(items=tuple(items))
            case Scalar(text=text, quoted=False) if text == ASKED and self._is_secret(path):
                typed = yield AskSecret(f"{path[-1]} for {self._name}:", ())
                return Scalar(typed, True, node.span)
            case _:
                return node

    def _is_secret(self, path: MemberPath) -> bool:
        if is_secret_name(path[-1]):
            return True
        return path[-1] == "data" and is_hidden(path, self._about, self._owners)


def _path(argument: Argument) -> MemberPath:
    return tuple(part.text for part in argument.key)


def _leaves(path: MemberPath, node: Node | RawLiteral) -> list[tuple[MemberPath, str]]:
    match node:
        case Scalar():
            return [(path, node.text)]
        case ObjectLiteral():
            return [leaf for p, item in node.members for leaf in _leaves((*path, p.text), item)]
        case ArrayLiteral():
            return [leaf for item in node.items for leaf in _leaves((*path, "0"), item)]
        case RawLiteral():
            return []
