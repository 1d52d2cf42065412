"""`.screen` as a one-shot and in scripts, of VMs that show SeaBIOS, and of what has no screen."""

from __future__ import annotations

import io
import json
import os
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

import qmpsh
from qmpsh.display.picture import read_ppm
from qmpsh.errors import QmpshError, UsageError
from qmpsh.jsontypes import as_dict
from tests.agents import Agent
from tests.conftest import RunQmpsh
from tests.programs import need
from tests.qemu import Vm, VmStarter
from tests.waiting import PATIENCE

NO_DEVICE = "No bootable device."


@pytest.fixture(scope="module")
def vga_starter(emulator: str) -> Iterator[VmStarter]:
    starter = VmStarter(emulator)
    yield starter
    starter.close()


@pytest.fixture
def vga(vga_starter: VmStarter) -> Vm:
    """A VM whose firmware has found nothing to boot, and says so on its screen."""
    running = vga_starter.running()
    if running is None:
        running = vga_starter("-device", "VGA", machine="q35")
        with qmpsh.connect(running.path) as vm:
            vm.run(".screen", "--until", NO_DEVICE, timeout=PATIENCE)
    return running


@pytest.fixture
def stopped_vga(vga: Vm) -> Iterator[Vm]:
    with qmpsh.connect(vga.path) as vm:
        vm.execute("stop")
    yield vga
    with qmpsh.connect(vga.path) as vm:
        vm.execute("cont")


def test_the_text(vga: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vga.path, ".screen", "--text")
    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[0].startswith("SeaBIOS (version ")
    assert lines[-1] == NO_DEVICE
    assert run_qmpsh(vga.path, ".screen").stdout == done.stdout
    assert run_qmpsh(vga.path, stdin=".screen\n").stdout == done.stdout


def test_a_pipe_and_a_file_get_the_text(vga: Vm, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    done = run_qmpsh(vga.path, stdin=f".screen --text | grep bootable\n.screen > {tmp_path}/out\n")
    assert (done.returncode, done.stdout) == (0, f"{NO_DEVICE}\n")
    assert (tmp_path / "out").read_text().endswith(f"\n{NO_DEVICE}\n")


def test_as_json(vga: Vm, run_qmpsh: RunQmpsh) -> None:
    found = json.loads(run_qmpsh(vga.path, ".screen", "--json").stdout)
    assert found.pop("text")[-1] == NO_DEVICE
    assert found == {
        "kind": "text",
        "width": 720,
        "height": 400,
        "columns": 80,
        "rows": 25,
        "known": 1.0,
    }


def test_files(vga: Vm, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    for name in ("a.png", "a.ppm", "a.txt"):
        done = run_qmpsh(vga.path, ".screen", str(tmp_path / name))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    picture = read_ppm((tmp_path / "a.ppm").read_bytes())
    with Image.open(io.BytesIO((tmp_path / "a.png").read_bytes())) as image:
        assert image.size == (720, 400)
        # Further below is the cursor, which blinks.
        assert image.tobytes()[: 64 * 720 * 3] == picture.pixels[: 64 * 720 * 3]
    assert (tmp_path / "a.txt").read_text().endswith(f"\n{NO_DEVICE}\n")


def test_until_a_row_has_a_pattern(vga: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vga.path, ".screen", "--until", r"boot\w+ device\.$")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{NO_DEVICE}\n", "")
    done = run_qmpsh(vga.path, ".screen", "--until", "^No", "--json")
    found = json.loads(done.stdout)
    assert (found["text"], sorted(found)) == (NO_DEVICE, ["row", "text"])


def test_until_the_time_is_over(vga: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vga.path, ".screen", "--until", "login:", "--timeout", "600ms")
    assert (done.returncode, done.stdout) == (124, "")
    assert done.stderr == "qmpsh: .screen: waited 0.6 s for login:; it is not on the screen\n"


def test_watching_prints_what_is_new(vga: Vm, run_qmpsh: RunQmpsh) -> None:
    """The cursor blinks, which is nothing new."""
    done = run_qmpsh(vga.path, ".screen", "--watch", "250ms", "--timeout", "1s", "--json")
    (line,) = done.stdout.splitlines()
    assert (done.returncode, json.loads(line)["text"][-1]) == (0, NO_DEVICE)


def test_a_dry_run_sends_nothing(vga: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-n", vga.path, ".screen", "--device", "x", "--head", "1")
    command = json.loads(done.stdout)
    assert command["execute"] == "screendump"
    assert command["arguments"] == {"filename": "/dev/fdset/0", "device": "x", "head": 1}


def test_the_library(vga: Vm) -> None:
    with qmpsh.connect(vga.path, read_only=True) as vm:
        assert vm.screen_text().endswith(f"\n{NO_DEVICE}")
        assert vm.run(".screen", "--until", "SeaBIOS", timeout=PATIENCE) == vm.run(
            ".screen --until '^SeaBIOS'"
        )


def test_the_vm_keeps_no_descriptor(vga: Vm) -> None:
    with qmpsh.connect(vga.path) as vm:
        for _ in range(3):
            vm.screen_text()
        assert vm.execute("query-fdsets") == []


def test_a_stopped_vm_gets_one_descriptor_of_a_session(stopped_vga: Vm) -> None:
    """QEMU 7.2 keeps what was removed until it runs."""
    with qmpsh.connect(stopped_vga.path) as vm:
        texts = {vm.screen_text() for _ in range(3)}
        assert len(texts) == 1
        sets = vm.execute("query-fdsets")
        assert isinstance(sets, list)
        assert len(sets) <= 1


def test_a_vm_that_holds_many_descriptors(vga: Vm) -> None:
    with open(os.devnull, "wb") as file, qmpsh.connect(vga.path) as vm:
        given = {"opaque": "qmpsh screen 0"}
        sets = [vm.execute("add-fd", given, fd=file.fileno()) for _ in range(32)]
        with pytest.raises(UsageError, match="the VM holds 32 pictures that were taken of its"):
            vm.screen_text()
        for added in sets:
            vm.execute("remove-fd", {"fdset-id": as_dict(added)["fdset-id"]})


# ---------------------------------------------------------------------------- what has no screen


def test_a_vm_without_a_display(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, ".screen")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.endswith(
        "; the VM has no display; QEMU is started with one, as in -device VGA\n"
    )


def test_a_device_that_is_not_there(vga: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vga.path, ".screen", "--device", "nope")
    assert (done.returncode, done.stderr) == (
        1,
        "qmpsh: DeviceNotFound: Device 'nope' not found\n",
    )


def test_through_what_passes_no_descriptors(vga: Vm, run_qmpsh: RunQmpsh) -> None:
    address = f"exec:{need('socat')} - UNIX:{shlex.quote(vga.path)}"
    done = run_qmpsh(address, ".screen")
    assert done.returncode == 2
    assert f"which {address} does not carry" in done.stderr
    assert "`screendump filename=/tmp/screen.png format=png`" in done.stderr


def test_a_storage_daemon(daemon: str, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(daemon, ".screen")
    assert (done.returncode, done.stderr.count("a storage daemon has no screen")) == (2, 1)


def test_stratovirt(stratovirt: str, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(stratovirt, ".screen")
    assert (done.returncode, done.stderr.count("StratoVirt has no screen")) == (2, 1)


def test_a_guest_agent(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("--guest-agent", agent.path, ".screen")
    assert (done.returncode, done.stderr.count("a guest agent has no screen")) == (2, 1)


@pytest.mark.parametrize(
    "words,said",
    [
        (["--wait"], ".screen takes no --wait: --until PATTERN waits for what the screen shows"),
        (["--until", "("], "--until needs a regular expression: missing ), unterminated"),
        (["shot.gif"], "expected one file whose name ends in .png, .ppm or .txt, as in"),
        (["a.png", "b.png"], "expected one file whose name ends in .png, .ppm or .txt, as in"),
        (["a.png", "--text"], ".screen: --text and a file do not go together"),
        (["--font", "/dev/null"], "cannot read the font /dev/null: it is a device, not a file"),
        (["--watch=100ms"], "--watch takes 250ms at the least, not 0.1 s: each picture holds the"),
        (["--watch", "--until", "x"], ".screen: --until and --watch do not go together"),
        (["--watch", "2s", "a.png"], ".screen: --watch and a file do not go together"),
        (["--head", "-1"], "--head needs a number from 0 on, not -1"),
    ],
)
def test_what_is_wrong(vm: Vm, run_qmpsh: RunQmpsh, words: list[str], said: str) -> None:
    done = run_qmpsh(vm.path, ".screen", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr


def test_the_vm_ends_meanwhile(start_vm: VmStarter) -> None:
    started = start_vm("-device", "VGA", machine="q35")
    with qmpsh.connect(started.path) as vm:
        vm.run(".screen", "--until", "SeaBIOS", timeout=PATIENCE)
        vm.execute("quit")
        with pytest.raises(QmpshError) as error:
            vm.screen_text()
    assert error.value.exit_code == 4
