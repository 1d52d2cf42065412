"""Real interactive shells in a terminal: what is typed, and how the line reads then.

An X is typed behind the Tab: it tells whether a blank was put in between.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ports import free_port
from tests.programs import need
from tests.qemu import ROOT, Vm, VmStarter
from tests.tab.terminal import SHELLS, Terminal

pytestmark = pytest.mark.tmux

SCHEMA = f"{ROOT}/tests/data/query-qmp-schema-qemu-7.2.json"


@pytest.fixture(params=SHELLS)
def terminal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Terminal]:
    """A shell that completes, in a folder of its own."""
    shell = str(request.param)
    need(shell)
    folder = tmp_path / shell
    folder.mkdir()
    terminal = Terminal(shell, folder)
    yield terminal
    terminal.close()


def becomes(terminal: Terminal, typed: str, line: str) -> None:
    """Type a line, in which ^ is the Tab key, and see what it becomes."""
    for text in typed.split("^")[:-1]:
        terminal.type(f"{text}\t")
    terminal.type(typed.rpartition("^")[2])
    terminal.wait_for(line)
    terminal.clear()


def test_lines(terminal: Terminal, q35: Vm) -> None:
    at = f"qmpsh {q35.path}"
    for typed, line in (
        # Each Tab more than once: a script that was loaded is run in another way.
        ("device_add dri^X", "device_add driver=X"),
        ("device_add dri^X", "device_add driver=X"),
        ("set-action reboot=re^X", "set-action reboot=reset X"),
        ("object-add qom-type=iot^X", "object-add qom-type=iothread X"),
        ("device_del id=vd^X", "device_del id=vda X"),
        ("blockdev-add driver=raw file.driver=null-c^X",
         "blockdev-add driver=raw file.driver=null-co X"),
        ("blockdev-add driver=qcow2 file.dri^X", "blockdev-add driver=qcow2 file.driver=X"),
        # Two ways to go on: what they share is put in.
        ("blockdev-add driver=qcow2 fil^X", "blockdev-add driver=qcow2 fileX"),
        ("query-status --jso^X", "query-status --json X"),
        ("qom-list path=/mach^X", "qom-list path=/machineX"),
        (".json device_add dri^X", ".json device_add driver=X"),
        ("-H info statu^X", "-H info status X"),
        ("chardev-add 'id=a b' back^X", "chardev-add 'id=a b' backend.X"),
    ):  # fmt: skip
        becomes(terminal, f"{at} {typed}", f"{at} {line}")


def test_inside_quotes(terminal: Terminal, vm: Vm) -> None:
    at = f"qmpsh {vm.path}"
    for typed, line in (
        ("'device_add dri^X", "'device_add driver=X"),
        ('"device_add dri^X', '"device_add driver=X'),
        ("'set-action reboot=re^X", "'set-action reboot=reset' X"),
        ("blockdev-add driver=raw 'file={dri^X", "blockdev-add driver=raw 'file={driver:X"),
        ("blockdev-add driver=raw 'file={driver: null-c^X",
         "blockdev-add driver=raw 'file={driver: null-coX"),
    ):  # fmt: skip
        becomes(terminal, f"{at} {typed}", f"{at} {line}")


def test_files_of_a_command(terminal: Terminal, vm: Vm) -> None:
    folder = Path(vm.folder)
    (folder / "my-disk").touch()
    (folder / "my-folder").mkdir()
    at = f"qmpsh {vm.path}"
    for typed, line in (
        (f"screendump filename={folder}/my-d^X", f"screendump filename={folder}/my-disk X"),
        (f"screendump filename={folder}/my-f^X", f"screendump filename={folder}/my-folder/X"),
        ("screendump filename=^X", "screendump filename=/X"),
        (f"getfd fdname=a --fd {folder}/my-d^X", f"getfd fdname=a --fd {folder}/my-disk X"),
        (f"'screendump filename={folder}/my-d^X", f"'screendump filename={folder}/my-diskX"),
    ):  # fmt: skip
        becomes(terminal, f"{at} {typed}", f"{at} {line}")


def test_addresses_with_colons(terminal: Terminal, start_vm: VmStarter) -> None:
    port = free_port()
    vm = start_vm("-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off")
    folder = Path(vm.folder)
    (folder / "sub").mkdir()
    for typed, line in (
        ("uni^X", "unix:X"),
        (f"unix:{folder}/s^X", f"unix:{folder}/sX"),  # sub/ begins so, too
        (f"unix:{folder}/su^X", f"unix:{folder}/sub/X"),
        (f"unix:{vm.path} set-action reboot=re^X", f"unix:{vm.path} set-action reboot=reset X"),
        (f"127.0.0.1:{port} device_add dri^X", f"127.0.0.1:{port} device_add driver=X"),
        (f"tcp:127.0.0.1:{port} set-action reboot=re^X",
         f"tcp:127.0.0.1:{port} set-action reboot=reset X"),
    ):  # fmt: skip
        becomes(terminal, f"qmpsh {typed}", f"qmpsh {line}")
    (folder / "sub").rmdir()
    (folder / "other").touch()  # no socket
    becomes(terminal, f"qmpsh {folder}/^X", f"qmpsh {vm.path} X")


def test_offline(terminal: Terminal, private_home: Path) -> None:
    (private_home / "my-schema").touch()
    at = f"qmpsh -n --schema {SCHEMA}"
    cut = SCHEMA.removesuffix("-7.2.json") + "-7"
    for typed, line in (
        (f"{at} device_add dri^X", f"{at} device_add driver=X"),
        (f"{at} set-action reboot=re^X", f"{at} set-action reboot=reset X"),
        (f"qmpsh --schema {cut}^X", f"qmpsh --schema {SCHEMA} X"),
        (f"qmpsh --schema={cut}^X", f"qmpsh --schema={SCHEMA} X"),
        ("qmpsh --schema ~/my-^X", "qmpsh --schema ~/my-schema X"),
        ("qmpsh --sche^X", "qmpsh --schema X"),
        ("qmpsh --color=al^X", "qmpsh --color=always X"),
        ("qmpsh --color al^X", "qmpsh --color always X"),
    ):
        becomes(terminal, typed, line)


def test_variables(terminal: Terminal, vm: Vm) -> None:
    setting = f"set S {vm.path}" if terminal.shell == "fish" else f"S={vm.path}"
    terminal.type(setting)
    terminal.press("Enter")
    terminal.wait_for("")
    for address in ("$S", '"$S"'):
        becomes(
            terminal, f"qmpsh {address} device_add dri^X", f"qmpsh {address} device_add driver=X"
        )


def test_all_of_several_are_shown(terminal: Terminal, q35: Vm) -> None:
    terminal.type(f"qmpsh {q35.path} device_del id=\t\t")
    if terminal.shell == "bash":
        terminal.wait_for_text("vda", "nic0")
    else:  # with what they are
        terminal.wait_for_text("vda", "nic0", "virtio-blk-pci", "virtio-net-pci")


# Fish tells a completion nothing of what stands there.
@pytest.mark.parametrize("terminal", ["bash", "zsh"], indirect=True)
def test_what_stands_behind_the_cursor_counts(terminal: Terminal) -> None:
    at = f"qmpsh -n --schema {SCHEMA} blockdev-add"
    terminal.type(f"{at} lazy driver=qcow2")
    terminal.press(*["Left"] * len(" driver=qcow2"))
    terminal.type("\tX")
    terminal.wait_for(f"{at} lazy-refcounts=X driver=qcow2")


def test_a_failure_shows_nothing(terminal: Terminal) -> None:
    terminal.type("qmpsh ./nothing stop x\t")
    terminal.type("X")
    terminal.wait_for("qmpsh ./nothing stop xX")
    assert terminal.screen().strip() == "$ qmpsh ./nothing stop xX"
