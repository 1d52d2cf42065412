"""Three VMs whose sockets are in one folder, for the tests of `-a`."""

from __future__ import annotations

import json
import os
import select
import shutil
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from qmpsh.jsontypes import JsonObject
from tests.qemu import Vm, VmStarter, new_folder
from tests.waiting import PATIENCE


class Crew(NamedTuple):
    """Three VMs whose sockets are in one folder."""

    folder: str
    vms: list[Vm]

    @property
    def glob(self) -> str:
        return f"{self.folder}/*.sock"


@pytest.fixture(scope="module")
def module_crew(emulator: str) -> Iterator[Crew]:
    starter, folder = VmStarter(emulator), new_folder()
    yield Crew(folder, [start(starter, folder, number) for number in (1, 2, 3)])
    starter.close()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def crew(module_crew: Crew) -> Crew:
    """The three VMs, which a test leaves as they were."""
    return module_crew


def start(starter: VmStarter, folder: str, number: int) -> Vm:
    monitor = f"unix:{folder}/vm{number}.sock,server=on,wait=off"
    return starter("-qmp", monitor, qmp=False, name=f"web{number}")


def lines_of(stdout: str) -> list[JsonObject]:
    found: list[JsonObject] = [json.loads(line) for line in stdout.splitlines()]
    return sorted(found, key=lambda line: str(line["vm"]))


def read_until(fd: int, text: str) -> str:
    """What comes on a terminal, up to a text."""
    data = b""
    while text.encode() not in data:
        assert select.select([fd], [], [], PATIENCE)[0], data
        data += os.read(fd, 4096)
    return data.decode()
