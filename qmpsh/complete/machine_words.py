"""The words of verbs that look into the running VM: the nodes of a tree.

Pure: what the VM has comes through `LiveValues`, as for the members of commands.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from qmpsh.complete.candidates import Candidate, Catalog, Form
from qmpsh.complete.live import live_values_of
from qmpsh.language.cursor import CursorContext, last_word
from qmpsh.language.verbs import Takes

_TREE_NODES: Final = {
    "block": ("node", "export", "job"),
    "pci": ("device",),
    "devices": ("device", "bus"),
    "usb": ("device",),
}
"""The sources of the nodes of each kind of tree."""

LIVE: Final = frozenset({Takes.TREE})
"""What verbs take that only the running VM knows."""


def tree_words(typed: str, context: CursorContext, catalog: Catalog) -> Iterator[Candidate]:
    """Yield the kinds of trees, and after one its nodes. typed: the line up to the cursor"""
    start, begun = last_word(typed)
    words = [word for word in typed[:start].split()[1:] if not word.startswith("-")]
    if not words and context.verb is not None:
        for kind in context.verb.words:
            yield Candidate(kind, context.start)
    elif len(words) == 1:
        nodes = live_values_of(
            _TREE_NODES.get(words[0], ()), context._replace(prefix=begun), catalog.live
        )
        for node in nodes:
            yield Candidate(node.value, start, node.kind, form=Form.PATH)
