"""A transport costs one class and one row: the example of CONTRIBUTING.md, run."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import click
import pytest

from qmpsh.address import TRANSPORTS, parse_address
from qmpsh.cli.options import COMMAND
from qmpsh.cli.tab.items import find_items
from qmpsh.cli.tab.offers import ShellCandidate, TypedWords
from qmpsh.client.client import Client
from qmpsh.errors import AddressError
from qmpsh.protocol.messages import Command
from scripts.docs import page, table
from tests.programs import need
from tests.qemu import ROOT, Vm

EXAMPLE = re.compile(r"\*\*Worked example: a transport\.\*\*.*?```python\n(.*?)```", re.DOTALL)
PODMAN = '#!/bin/sh\nshift 3\nexec "$@"\n'  # `podman exec -i CONTAINER COMMAND...`


@pytest.fixture(autouse=True)
def added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The example as a module of its own, its row in the table, and a podman."""
    found = EXAMPLE.search((ROOT / "CONTRIBUTING.md").read_text())
    assert found
    (tmp_path / "new_transport.py").write_text(found[1])
    podman = tmp_path / "podman"
    podman.write_text(PODMAN)
    podman.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "new_transport", raising=False)
    monkeypatch.setitem(TRANSPORTS, "podman", "new_transport.PodmanAddress")


def test_it_is_parsed() -> None:
    address = parse_address("podman:web:/run/m")
    assert str(address) == "podman:web:/run/m"
    assert address == parse_address("podman:web:/run/m") != parse_address("podman:web:/run/n")
    assert address.needs_cleanup
    assert not address.makes_greeting
    with pytest.raises(AddressError, match="CONTAINER:PATH is expected"):
        parse_address("podman:web")
    with pytest.raises(AddressError, match=r"known: exec .*podman ssh"):
        parse_address("pod:web")


def test_it_is_connected_and_connected_again(vm: Vm) -> None:
    need("socat")
    client = Client.connect(parse_address(f"podman:web:{vm.path}"))
    assert client.execute(Command("query-status")).value
    client.close()
    again = Client.connect(client.address, client.options)
    assert again.execute(Command("query-status")).value
    again.close()


ROW = "podman:CONTAINER:PATH", "a socket inside a container; it needs socat there"


def test_it_is_in_the_help_and_in_the_docs() -> None:
    assert re.search(" +".join(map(re.escape, ROW)), COMMAND.get_help(click.Context(COMMAND)))
    assert "| `{}` | {} |\n".format(*ROW) in table("addresses")
    assert f".B {ROW[0]}\n{ROW[1]}\n" in page("")


def test_it_is_completed() -> None:
    found = find_items(TypedWords([], "pod", []), {}, lambda *_: [])
    assert ShellCandidate("podman:", note="address", ends=False) in found
