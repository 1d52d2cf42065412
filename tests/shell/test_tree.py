"""`.tree`: its line, its answer, and what it does when the server is slow or lacks something."""

from __future__ import annotations

import pytest

from qmpsh.complete.candidates import Catalog
from qmpsh.complete.complete import complete, prefetch
from qmpsh.complete.live import LiveQuery
from qmpsh.jsontypes import as_dict
from qmpsh.language.syntax import Mode
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Note
from qmpsh.shell.trees.asking import LATE, NO_ANSWER
from qmpsh.shell.trees.block import NO_NODES
from qmpsh.shell.trees.node import TreeNode
from tests.shell.scripted import Messages, ScriptedShell

COMMANDS = ("query-named-block-nodes", "x-debug-query-block-graph", "query-jobs", "query-pci")
NODES = LiveQuery("query-named-block-nodes", (("flat", True),))


def shell(*silent: str, settings: Settings | None = None) -> ScriptedShell:
    """A server with one node; silent: commands that it never answers"""
    listed: Messages = [{"return": [{"name": name} for name in COMMANDS]}]
    found: dict[str, list[Messages]] = {
        "query-commands": [listed],
        "query-named-block-nodes": [[{"return": [{"node-name": "d0", "drv": "raw"}]}]],
        "query-jobs": [[{"return": []}]],
        "query-pci": [[{"return": []}]],
    }
    return ScriptedShell({**found, **{name: [[]] for name in silent}}, settings=settings)


def test_it_asks_what_the_server_has_and_draws() -> None:
    tree = shell()
    assert tree.run(".tree block").exit_code == 0
    assert set(tree.names) == set(COMMANDS[:3]) | {"query-commands"}
    (answer,) = tree.answers
    assert answer.text == "unused d0  raw"
    assert [node.label for node in answer.rows if isinstance(node, TreeNode)] == ["unused"]
    assert answer.value == {
        "tree": "block", "roots": [{"type": "unused", "name": "d0", "driver": "raw"}],
    }  # fmt: skip


def test_read_only_lets_it_through() -> None:
    assert shell(settings=Settings(read_only=True)).run(".tree block").exit_code == 0


@pytest.mark.parametrize(
    "line, message",
    [
        (".tree", "expected a kind of tree and at most one node of it, as in .tree block disk0"),
        (".tree block a b", "expected a kind of tree and at most one node of it, as in .tree"),
        (
            ".tree blok",
            "no tree blok; did you mean block?; there are block, pci, devices, usb, qom",
        ),
        (".tree block -x", "no option -x here; .tree takes -a, -l"),
        (".tree block --depth 0", "--depth needs a number from 1 on, not 0"),
        (".tree block d1", "no block node, device, export or job is called d1"),
    ],
)
def test_what_is_wrong_with_a_line(line: str, message: str) -> None:
    outcome = shell().run(line)
    assert str(outcome.error).startswith(message)
    assert outcome.exit_code == (1 if "d1" in line else 2)


def test_nothing_is_a_remark_and_for_programs_an_empty_list() -> None:
    tree = shell()
    tree.context.machine.set_commands([{"name": "query-pci"}, {"name": "query-block"}])
    outcome = tree.run(".tree pci")
    assert (outcome.exit_code, tree.said) == (0, [Note("this machine has no PCI bus")])
    tree.run(".tree pci --json")
    assert tree.answers[0].reply == {"tree": "pci", "roots": []}
    assert NO_NODES not in str(tree.said)


def test_what_was_not_answered_in_time_is_left_out() -> None:
    tree = shell("query-jobs")
    assert tree.run(".tree block --timeout 50ms").exit_code == 0
    assert tree.said[-1] == Note(LATE)
    assert as_dict(tree.answers[0].value)["roots"]


def test_without_any_answer_it_is_a_timeout() -> None:
    outcome = shell(*COMMANDS).run(".tree block --timeout 50ms")
    assert (outcome.exit_code, str(outcome.error)) == (124, NO_ANSWER)


def test_a_vm_that_ends_in_between_ends_the_line() -> None:
    tree = shell()
    ended = ScriptedShell({"query-commands": [[None]]})
    assert ended.run(".tree block").exit_code == 4
    assert ended.answers == []
    tree.client.close()
    assert "there is no connection" in str(tree.run(".tree block").error)


def test_kinds_and_nodes_are_completed() -> None:
    catalog, mode = Catalog(), Mode(prompt=True)
    assert [found.text for found in complete(".tree b", 7, catalog, mode)] == ["block"]
    line = ".tree block d"
    prefetch(line, len(line), catalog, mode)
    assert NODES in catalog.live.take_missing()
    catalog.live.set_answer(NODES, [{"node-name": "d0"}, {"node-name": "data disk"}])
    found = [candidate.text for candidate in complete(line, len(line), catalog, mode)]
    assert found == ["d0", '"data disk"']
