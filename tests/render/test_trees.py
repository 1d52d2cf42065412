"""The lines of a tree at every width, in Unicode and in ASCII."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.render.tables import text_columns
from qmpsh.render.theme import ASCII, UNICODE, Glyphs, plain
from qmpsh.render.trees import tree_lines
from qmpsh.shell.trees.node import TreeNode, cut, plain_text, tree_json
from tests.protocol.strategies import patient

FILE = TreeNode("", "f0", ("file", "192.5K"), "/var/lib/libvirt/images/web-042/root.qcow2")
DISK = TreeNode("backing:", "disk0", ("qcow2", "1G", "ro"), facts={"name": "disk0"}, below=(FILE,))
VDA = TreeNode(
    "device", "vda", facts={"name": "vda"}, below=(DISK, TreeNode("", "g", mark="(above)"))
)

names = st.text(st.sampled_from("ab \n\x1b\u202e…漢é"), max_size=12)


def node(below: st.SearchStrategy[tuple[TreeNode, ...]]) -> st.SearchStrategy[TreeNode]:
    texts = st.lists(names, min_size=6, max_size=6)
    return st.tuples(texts, below).map(
        lambda made: TreeNode(
            made[0][0], made[0][1], tuple(made[0][4:]), made[0][2], made[0][3], below=made[1]
        )
    )


nodes = st.recursive(
    node(st.just(())), lambda inner: node(st.lists(inner, max_size=3).map(tuple)), max_leaves=12
)


def lines(root: TreeNode, width: int | None, glyphs: Glyphs = UNICODE) -> list[str]:
    return [plain(line) for line in tree_lines([root], width, glyphs)]


def test_in_unicode_and_in_ascii() -> None:
    assert lines(VDA, None) == [
        "device vda",
        "├─ backing: disk0  qcow2  1G  ro",
        "│  └─ f0  file  192.5K  /var/lib/libvirt/images/web-042/root.qcow2",
        "└─ g  (above)",
    ]
    assert lines(VDA, None, ASCII) == [
        "device vda",
        "|-- backing: disk0  qcow2  1G  ro",
        "|   `-- f0  file  192.5K  /var/lib/libvirt/images/web-042/root.qcow2",
        "`-- g  (above)",
    ]
    assert "\n".join(lines(VDA, None)) == plain_text([VDA])


@pytest.mark.parametrize(
    "width, line",
    [
        (60, "│  └─ f0  file  192.5K  /var/lib/li…mages/web-042/root.qcow2"),
        (40, "│  └─ f0  file  192.5K  /var/…root.qcow2"),
        (32, "│  └─ f0  file  /var/…root.qcow2"),
        (26, "│  └─ f0  /var/…root.qcow2"),
        (14, "│  └─ f0"),
        (7, "…└─ f0"),
    ],
)
def test_a_path_loses_its_middle_before_a_part_goes(width: int, line: str) -> None:
    assert lines(VDA, width)[2] == line


def test_the_name_and_what_the_machine_says_stand_out() -> None:
    assert tree_lines([VDA], 80, UNICODE)[1] == [
        ("rule", "├─ "),
        ("dim", "backing: "),
        ("json.key", "disk0"),
        ("", "  qcow2"),
        ("", "  1G"),
        ("", "  ro"),
    ]


def test_far_below_the_connectors_lose_their_beginning() -> None:
    node = TreeNode("", "leaf", ("raw",))
    for _ in range(50):
        node = TreeNode("", "n", below=(node,))
    assert lines(node, 40)[-1] == "…" + " " * 16 + "└─ leaf  raw"


def test_what_is_deeper_is_counted() -> None:
    (root,) = cut([VDA], 1)
    assert lines(root, None) == [
        "device vda",
        "├─ backing: disk0  qcow2  1G  ro",
        "│  └─ … 1 more",
        "└─ g  (above)",
    ]
    assert lines(root, None, ASCII)[2] == "|   `-- ... 1 more"


def test_for_programs_children_are_nested() -> None:
    assert tree_json([VDA]) == [
        {"name": "vda", "children": [{"name": "disk0", "children": [{}]}, {}]}
    ]


@patient
@given(root=nodes, width=st.integers(1, 60), glyphs=st.sampled_from([UNICODE, ASCII]))
def test_no_line_is_wider_than_the_terminal(root: TreeNode, width: int, glyphs: Glyphs) -> None:
    shown = lines(root, width, glyphs)
    assert len(shown) == len(lines(root, None))
    for line in shown:
        assert text_columns(line) <= width
        assert line.isprintable()
