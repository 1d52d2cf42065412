"""`.tree qom`: the objects of QEMU's object model."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import LineFailed
from qmpsh.jsontypes import Json
from qmpsh.protocol.messages import Command
from qmpsh.render.formats import pretty
from qmpsh.shell.trees.node import (
    MAX_DEPTH,
    MAX_NODES,
    UNREADABLE,
    AskedRound,
    Questions,
    TreeRequest,
    cut,
    plain_text,
    tree_json,
    walk,
)
from qmpsh.shell.trees.qom import NO_QOM, NONE_LISTED, ask_qom, qom_tree_query, read_qom_tree
from tests.protocol.strategies import patient
from tests.samples import VERSIONS
from tests.trees import documented_keys, drawn, grown, key, recorded

ROOT = key(qom_tree_query("/"))

OBJECTS: dict[str, Json] = {
    'qom-list {"path": "/"}': [
        {"name": "type", "type": "string"},
        {"name": "machine", "type": "child<pc>"},
        {"name": "objects", "type": "child<container>"},
    ],
    'qom-get {"path": "/", "property": "type"}': "container",
    'qom-list {"path": "/machine"}': [
        {"name": "ram", "type": "child<memory-region>"},
        {"name": "q35", "type": "child<q35-pcihost>"},
    ],
    'qom-list {"path": "/objects"}': [{"name": "io0", "type": "child<iothread>"}],
}

WALKED = """\
    /  container
    ├─ machine  pc
    │  └─ q35  q35-pcihost
    └─ objects  container
       └─ io0  iothread"""


@pytest.mark.parametrize("version", VERSIONS)
def test_every_object_without_memory_regions(version: str) -> None:
    text = drawn(ask_qom(TreeRequest()), recorded(version))
    assert text.startswith("/  container\n├─ backend  container\n│  └─ console[0]  qemu-")
    assert "   ├─ sec0  secret\n" in text
    assert "memory-region" not in text
    whole = drawn(ask_qom(TreeRequest(has_all=True)), recorded(version))
    assert whole.count("\n") + 1 == len(read_qom_tree(str(recorded(version)[ROOT])))


def test_objects_have_their_paths_for_programs() -> None:
    forest = grown(ask_qom(TreeRequest("/machine/peripheral")), recorded("10.0"))
    facts = [node.facts for _, node in walk(forest.roots)]
    assert facts[0] == {
        "type": "object", "name": "peripheral", "kind": "container", "path": "/machine/peripheral",
    }  # fmt: skip
    paths = [fact["path"] for fact in facts]
    assert "/machine/peripheral/net0/virtio-backend" in paths
    assert set().union(*facts) <= documented_keys()


def test_without_a_human_monitor_they_are_listed_level_by_level() -> None:
    assert drawn(ask_qom(TreeRequest(depth=2)), OBJECTS) == dedent(WALKED)
    with_all = drawn(ask_qom(TreeRequest(depth=2, has_all=True)), OBJECTS)
    assert "ram  memory-region" in with_all
    assert drawn(ask_qom(TreeRequest(depth=1)), OBJECTS).count("\n") == 2


def test_what_the_time_was_too_short_for_is_counted() -> None:
    questions = ask_qom(TreeRequest(depth=2))
    replies = [OBJECTS.get(key(command)) for command in _second_round(questions)]
    with pytest.raises(StopIteration) as end:
        questions.send(AskedRound([replies[0], None], is_late=True))
    roots = end.value.value.roots
    assert plain_text(roots).splitlines()[-2:] == ["└─ objects  container", "… 1 more"]


def _second_round(questions: Questions) -> Sequence[Command]:
    next(questions)
    asked = questions.send(AskedRound([None]))
    return questions.send(AskedRound([OBJECTS[key(command)] for command in asked]))


def test_an_object_that_is_not_there() -> None:
    said = "Path '/nix' could not be resolved.\r\n"
    with pytest.raises(LineFailed, match=r"^no object /nix$"):
        grown(ask_qom(TreeRequest("/nix")), {key(qom_tree_query("/nix")): said})
    questions = ask_qom(TreeRequest("/nix"))
    next(questions)
    questions.send(AskedRound([None]))
    with pytest.raises(LineFailed, match=r"^no object /nix$"):
        questions.send(AskedRound([None, None], ["Device '/nix' not found", ""]))
    listed: dict[str, Json] = {'qom-list {"path": "/"}': []}
    assert grown(ask_qom(TreeRequest()), listed) == ((), (NONE_LISTED,), "")
    with pytest.raises(LineFailed) as error:
        grown(ask_qom(TreeRequest()), {})
    assert str(error.value) == NO_QOM


def test_what_cannot_be_read_is_shown_as_it_came() -> None:
    forest = grown(ask_qom(TreeRequest()), {ROOT: "/machine (pc)\r\n  what?\r\n"})
    assert forest == ((), (UNREADABLE,), "/machine (pc)\n  what?")


def test_what_no_server_has_is_cut() -> None:
    deep = "\n".join(f"{'  ' * depth}/a (b)" for depth in range(3 * MAX_DEPTH))
    forest = grown(ask_qom(TreeRequest()), {ROOT: deep})
    lines = plain_text(forest.roots).splitlines()
    assert len(lines) == MAX_DEPTH + 2
    assert lines[-1].endswith(f"… {2 * MAX_DEPTH - 1} more")
    assert pretty(tree_json(forest.roots))
    assert plain_text(cut(forest.roots, 1)).endswith(f"… {MAX_DEPTH} more")
    many = "\n".join(["/ (b)", *["  /a (b)"] * (MAX_NODES + 5)])
    (root, rest) = grown(ask_qom(TreeRequest()), {ROOT: many}).roots
    assert (len(root.below), rest.name) == (MAX_NODES - 1, "… 6 more")


def test_a_path_is_one_word_of_the_human_monitor() -> None:
    line = qom_tree_query('/a b"c\\').arguments
    assert line == {"command-line": 'info qom-tree "/a b\\"c\\\\"'}


@patient
@given(st.lists(st.text(" /()ab\n", max_size=12), max_size=8).map("\n".join), st.booleans())
def test_any_text_makes_a_tree_or_is_shown(text: str, has_all: bool) -> None:
    drawn(ask_qom(TreeRequest(has_all=has_all)), {ROOT: text})
