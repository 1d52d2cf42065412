"""`.tree block`: the parts of the block layer, and who uses which."""

from __future__ import annotations

import contextlib
import time
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import LineFailed
from qmpsh.jsontypes import Json
from qmpsh.shell.trees.block import NO_NODES, NO_QUERY, WITHOUT_GRAPH, ask_block
from qmpsh.shell.trees.node import MAX_DEPTH, TreeRequest, tree_json, walk
from tests.protocol.strategies import patient
from tests.samples import VERSIONS
from tests.trees import Replies, documented_keys, drawn, grown, recorded, replies_of

WORDS = (
    *("nodes", "edges", "id", "name", "type", "parent", "child", "block-driver", "block-backend"),
    *("node-name", "children", "image", "backing-image", "filename", "inserted", "qdev", "a"),
)
GRAPH = "x-debug-query-block-graph"
NODES = 'query-named-block-nodes {"flat": true}'

WHOLE = """\
    device vda
    └─ #block750  mirror_top  1G
       └─ backing: disk0  qcow2  1G
          ├─ f0  file  192.5K  /var/vm/top.qcow2
          └─ backing: #block157  qcow2  1G  ro
             ├─ #block067  file  192.5K  ro  /var/vm/mid.qcow2
             └─ backing: #block379  qcow2  1G  ro
                └─ #block218  file  192.5K  ro  /var/vm/base.qcow2
    device sda
    └─ data  throttle  64M
       └─ #block530  raw  64M
          └─ #block402  file  64M  /var/vm/data.raw
    export e0
    └─ r1  raw  64M
       └─ #block655  file  64M  /var/vm/r1.raw
    job m0  mirror running 1%
    ├─ main node: #block750  mirror_top  1G  (above)
    ├─ source: disk0  qcow2  1G  (above)
    └─ target: tgt  null-co  1G"""

ONE = """\
    disk0  qcow2  1G
    ├─ f0  file  192.5K  /var/vm/top.qcow2
    └─ backing: #block157  qcow2  1G  ro
       ├─ #block067  file  192.5K  ro  /var/vm/mid.qcow2
       └─ backing: #block379  qcow2  1G  ro
          └─ #block218  file  192.5K  ro  /var/vm/base.qcow2
    used by
    ├─ source of job m0  mirror running 1%
    └─ backing of #block750  mirror_top  1G  /var/vm/top.qcow2
       ├─ main node of job m0  mirror running 1%  (above)
       └─ device vda"""

WITHOUT = """\
    device vda
    └─ disk0  qcow2  1G
       └─ backing: #block157  qcow2  1G  ro
          └─ backing: #block379  qcow2  1G  ro  /var/vm/base.qcow2
    device sda
    └─ data  throttle  64M  /var/vm/data.raw"""


def graph(*edges: tuple[int, int, str], **names: tuple[int, str]) -> Replies:
    """A graph of nodes, each `name=(id, type)`."""
    nodes: list[Json] = [{"id": id, "name": name, "type": t} for name, (id, t) in names.items()]
    links: list[Json] = [{"parent": p, "child": c, "name": n} for p, c, n in edges]
    return {GRAPH: {"nodes": nodes, "edges": links}}


def test_devices_exports_and_jobs_with_all_that_they_use() -> None:
    assert drawn(ask_block(TreeRequest()), recorded("7.2")) == dedent(WHOLE)


def test_one_node_with_what_it_uses_and_who_uses_it() -> None:
    assert drawn(ask_block(TreeRequest("disk0")), recorded("7.2")) == dedent(ONE)


@pytest.mark.parametrize(
    "name, first", [("vda", "device vda"), ("m0", "job m0"), ("e0", "export e0")]
)
def test_a_device_a_job_and_an_export_are_found_by_name(name: str, first: str) -> None:
    text = drawn(ask_block(TreeRequest(name)), recorded("10.0"))
    assert text.startswith(first)
    assert text.endswith("used by nothing")


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(LineFailed) as error:
        grown(ask_block(TreeRequest("disk")), recorded("7.2"))
    assert str(error.value) == (
        "no block node, device, export or job is called disk; did you mean disk0?"
    )


def test_without_the_graph_chains_of_images_are_what_is_known() -> None:
    replies = {key: value for key, value in recorded("7.2").items() if key != GRAPH}
    forest = grown(ask_block(TreeRequest()), replies)
    assert forest.notes == (WITHOUT_GRAPH,)
    assert drawn(ask_block(TreeRequest()), replies).startswith(dedent(WITHOUT))
    assert {root.label for root in forest.roots} == {"device", "node"}


def test_nodes_that_name_their_children_need_no_graph() -> None:
    nodes: Json = [
        {"node-name": "top", "drv": "qcow2", "children": [{"child": "file", "node-name": "f"}]},
        {"node-name": "f", "drv": "file", "file": "/a.img"},
    ]
    text = drawn(ask_block(TreeRequest()), {NODES: nodes})
    assert text == "node top  qcow2\n└─ f  file  /a.img"


def test_any_number_of_devices_are_drawn_in_linear_time() -> None:
    nodes: Json = [{"node-name": f"n{n}", "drv": "raw", "file": f"/{n}"} for n in range(4000)]
    devices: Json = [
        {
            "device": f"d{n}",
            "inserted": {
                "node-name": f"n{n}",
                "image": {"filename": f"/{n}", "backing-image": {"filename": f"/below{n}"}},
            },
        }
        for n in range(4000)
    ]
    before = time.process_time()
    text = drawn(ask_block(TreeRequest()), {NODES: nodes, "query-block": devices})
    assert time.process_time() - before < 5
    assert text.startswith("device d0\n└─ n0  raw\n   └─ backing:  /below0\ndevice d1\n")


def test_unused_nodes_unnamed_backends_and_empty_drives() -> None:
    replies = graph(
        (3, 1, "root"),
        spare=(2, "block-driver"),
        used=(1, "block-driver"),
        cd0=(4, "block-backend"),
        **{"": (3, "block-backend")},
    )
    assert drawn(ask_block(TreeRequest()), replies) == (
        "device cd0  (no medium)\nunnamed backend\n└─ used\nunused spare"
    )


def test_a_circle_ends() -> None:
    replies = graph((1, 2, "file"), (2, 1, "file"), a=(1, "block-driver"), b=(2, "block-driver"))
    assert drawn(ask_block(TreeRequest()), replies) == "a\n└─ b\n   └─ a  (above)"


def test_a_chain_without_end_is_cut() -> None:
    count = 3 * MAX_DEPTH
    names = {f"n{n}": (n, "block-driver") for n in range(count)}
    replies = graph(*((n, n + 1, "backing") for n in range(count - 1)), **names)
    lines = drawn(ask_block(TreeRequest()), replies).splitlines()
    assert len(lines) == MAX_DEPTH + 2
    assert lines[-1].endswith("… 399 more")


def test_details_on_demand() -> None:
    nodes: Json = [
        {
            "node-name": "n",
            "drv": "qcow2",
            "image": {"virtual-size": 1 << 30, "actual-size": 200704},
            "detect_zeroes": "unmap",
            "active": False,
            "dirty-bitmaps": [{"name": "b0"}, {"granularity": 1}],
        }
    ]
    text = drawn(ask_block(TreeRequest(has_details=True)), {NODES: nodes})
    assert text == "node n  qcow2  1G  196K on disk  inactive  detect-zeroes=unmap  bitmap b0"


def test_nothing_and_no_such_query() -> None:
    assert grown(ask_block(TreeRequest()), {NODES: []}).notes == (NO_NODES,)
    with pytest.raises(LineFailed) as error:
        grown(ask_block(TreeRequest()), {})
    assert str(error.value) == NO_QUERY


def test_a_password_in_a_file_name_is_masked() -> None:
    nodes: Json = [{"node-name": "n", "file": "https://bob:hunter2@host/a.img"}]
    forest = grown(ask_block(TreeRequest()), {NODES: nodes})
    assert "hunter2" not in str(forest)
    assert "host/a.img" in forest.roots[0].path


@pytest.mark.parametrize("version", VERSIONS)
def test_the_keys_for_programs_are_the_documented_ones(version: str) -> None:
    forest = grown(ask_block(TreeRequest()), recorded(version))
    assert {key for _, node in walk(forest.roots) for key in node.facts} <= documented_keys()
    device = tree_json(forest.roots)[0]
    assert isinstance(device, dict)
    assert list(device) == ["type", "name", "children"]


@patient
@given(
    replies=st.fixed_dictionaries(
        {key: replies_of(WORDS) for key in (GRAPH, NODES, "query-block", "query-block-exports")}
    ),
    at=st.sampled_from(["", "a"]),
)
def test_any_reply_makes_a_tree(replies: dict[str, Json], at: str) -> None:
    with contextlib.suppress(LineFailed):
        drawn(ask_block(TreeRequest(at, has_details=True)), replies)
