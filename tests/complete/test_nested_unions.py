"""A union whose branch is a union again: QEMU 10.0's MigrationAddress, `transport` and `type`."""

from __future__ import annotations

import pytest

from qmpsh.complete.candidates import Catalog
from qmpsh.complete.complete import complete
from qmpsh.complete.hints import find_faults
from qmpsh.language.syntax import PLAIN, JsonLine
from qmpsh.schema.check import check_json
from tests.language.helpers import one
from tests.samples import schema

SOCKET = "migrate channels=[{channel-type: main, addr: {transport: socket, "
DOTTED = "migrate channels.0.addr.transport=socket "


def catalog() -> Catalog:
    found = Catalog()
    known = schema("10.0")
    found.set_schema(known.commands, known)
    return found


KNOWN = catalog()


@pytest.mark.parametrize(
    "line,first",
    [
        (SOCKET, ["type: "]),
        (f"{SOCKET}type: inet, ", ["host: ", "port: "]),
        (f"{SOCKET}type: inet, host: h, ipv4: ", ["true", "false"]),
        (f"{DOTTED}channels.0.addr.type=unix channels.0.addr.", ["path="]),
    ],
)
def test_candidates(line: str, first: list[str]) -> None:
    found = [candidate.text for candidate in complete(line, len(line), KNOWN, PLAIN)]
    assert found[: len(first)] == first


@pytest.mark.parametrize(
    "behind,messages",
    [
        ("channels.0.addr.type=unix channels.0.addr.path=/x x=y", ["no argument 'x'"]),
        ("channels.0.addr.path=x ", []),
        ("channels.0.addr.nothing=x ", ["no member 'nothing'"]),
        (
            "channels.0.addr.type=unix channels.0.addr.pth=x ",
            ["no member 'pth'; did you mean path?"],
        ),
    ],
)
def test_faults(behind: str, messages: list[str]) -> None:
    assert [fault.message for fault in find_faults(DOTTED + behind, KNOWN, PLAIN)] == messages


def test_a_raw_line_is_no_fault() -> None:
    line = one(
        '{"execute": "migrate", "arguments": {"channels": [{"channel-type": "main", "addr": '
        '{"transport": "socket", "type": "unix", "path": "/x"}}]}}'
    )
    assert isinstance(line, JsonLine)
    assert check_json(schema("10.0"), line) == ""
