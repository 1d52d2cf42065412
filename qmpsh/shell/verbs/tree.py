"""`.tree`: what the machine is made of, as a tree."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from qmpsh.errors import LineSyntaxError
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.syntax import VerbLine, prints_reply
from qmpsh.language.verbs import Reach, Takes
from qmpsh.light_typing import NamedTuple
from qmpsh.shell.context import Context
from qmpsh.shell.execute import defaulted
from qmpsh.shell.qom.leaving import at_place
from qmpsh.shell.qom.place import place_of
from qmpsh.shell.steps import Answer, Note, Outcome, Steps
from qmpsh.shell.trees.asking import MAX_SECONDS, ask_rounds
from qmpsh.shell.trees.block import ask_block
from qmpsh.shell.trees.devices import ask_devices
from qmpsh.shell.trees.node import Questions, TreeRequest, cut, plain_text, tree_json
from qmpsh.shell.trees.pci import ask_pci
from qmpsh.shell.trees.qom import ask_qom
from qmpsh.shell.trees.usb import ask_usb
from qmpsh.shell.verbs.events import connected
from qmpsh.shell.verbs.table import verb
from qmpsh.shell.verbs.words import letters_and_words
from qmpsh.suggest import did_you_mean

_WANTS_KIND = "expected a kind of tree and at most one node of it, as in .tree block disk0"
_NO_KIND = "no tree {word}{hint}; there are {kinds}"


class TreeKind(NamedTuple):
    """A kind of tree.

    ask: its questions; depth: levels, where the line does not say; None: all
    is_at_place: what is named is a path in QOM, the working path by itself
    """

    ask: Callable[[TreeRequest], Questions]
    depth: int | None = None
    is_at_place: bool = False


KINDS: Final[dict[str, TreeKind]] = {
    "block": TreeKind(ask_block),
    "pci": TreeKind(ask_pci),
    "devices": TreeKind(ask_devices),
    "usb": TreeKind(ask_usb),
    "qom": TreeKind(ask_qom, depth=2, is_at_place=True),
}


@verb(
    "tree", "block|pci|devices|usb|qom [NODE|PATH]",
    "draw what the machine is made of; -l: details; -a: all; --depth N",
    Takes.TREE, bare=True, modifiers=("depth",), letters="al", reach=Reach.READS,
)  # fmt: skip
def show_tree(context: Context, line: VerbLine) -> Steps:
    """Ask what the tree is made of, and draw it.

    Raises LineSyntaxError, UsageError, ConnectionLost, ReplyTimeout, LineFailed for a node that is
    not there.
    """
    client = connected(context, line)
    modifiers = defaulted(line.modifiers, context.settings)
    letters, words = letters_and_words(line)
    name = _kind(line, words)
    kind = KINDS[name]
    at = "".join(words[1:])
    request = TreeRequest(
        place_of(context.place).resolve(at) if kind.is_at_place else at,
        depth=kind.depth if modifiers.depth is None else modifiers.depth,
        has_details="l" in letters,
        has_all="a" in letters,
    )
    started = time.monotonic()
    seconds = MAX_SECONDS if modifiers.timeout is None else modifiers.timeout
    steps = ask_rounds(context, client, kind.ask(request), started + seconds)
    forest, late = yield from at_place(context, client, steps) if kind.is_at_place else steps
    roots = forest.roots if request.depth is None else cut(forest.roots, request.depth)
    if roots or forest.text or prints_reply(modifiers.formats):
        shown: Json = forest.text or tree_json(roots)
        facts: JsonObject = {"tree": name, "text" if forest.text else "roots": shown}
        yield Answer(
            "",
            value=facts,
            text=forest.text or plain_text(roots),
            reply=facts,
            seconds=time.monotonic() - started,
            modifiers=modifiers,
            redirect=line.redirect,
            rows=roots,
        )
    for note in (*forest.notes, *late):
        yield Note(note)
    return Outcome()


def _kind(line: VerbLine, words: Sequence[str]) -> str:
    """Return the kind that the words of a line name. Raises LineSyntaxError."""
    if not 1 <= len(words) <= 2:
        raise LineSyntaxError(_WANTS_KIND, line.source, line.rest_span)
    if words[0] not in KINDS:
        hint, kinds = did_you_mean(words[0], KINDS), ", ".join(KINDS)
        message = _NO_KIND.format(word=words[0], hint=hint, kinds=kinds)
        raise LineSyntaxError(message, line.source, line.rest_span)
    return words[0]
