"""What real servers answered to the questions of each tree, and those put to these answers.

The recordings are of a Q35 machine with a mirror, an export and a USB hub. That of QEMU 7.2 was
made before the firmware ran, that of 10.0 after it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache

from hypothesis import strategies as st

from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import Command
from qmpsh.shell.trees.keys import TREE_KEYS
from qmpsh.shell.trees.node import AskedRound, Forest, Questions, plain_text
from tests.samples import text

Replies = Mapping[str, Json]


@cache
def recorded(version: str) -> Replies:
    """The values of the replies, by `key`."""
    found: Replies = json.loads(text(f"trees-qemu-{version}.json"))
    return found


def key(command: Command) -> str:
    arguments = f" {json.dumps(command.arguments)}" if command.arguments else ""
    return f"{command.name}{arguments}"


def grown(questions: Questions, replies: Replies) -> Forest:
    """The forest that grows of these replies; what is not among them is refused."""
    try:
        commands = next(questions)
        while True:
            commands = questions.send(
                AskedRound([replies.get(key(command)) for command in commands])
            )
    except StopIteration as end:
        forest: Forest = end.value
        return forest


def drawn(questions: Questions, replies: Replies) -> str:
    return plain_text(grown(questions, replies).roots)


def documented_keys() -> set[str]:
    return {key for row in TREE_KEYS for key in row.split(", ")}


def replies_of(words: Sequence[str]) -> st.SearchStrategy[Json]:
    """Values of any shape, in which these words stand where something reads them."""
    word = st.sampled_from(words)
    leaf: st.SearchStrategy[Json] = st.one_of(st.none(), st.booleans(), st.integers(-1, 3), word)
    return st.recursive(
        leaf,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(word, inner, max_size=6),
        max_leaves=30,
    )
