"""`qmpsh schema` as a program, on files, programs and sockets."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import RunQmpsh
from tests.programs import missing
from tests.qemu import ROOT, Vm, VmStarter, storage_daemon
from tests.samples import text

TRY = "Try qmpsh schema"
PAGE = (ROOT / "docs" / "schema.md").read_text()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with the schemas of two QEMUs."""
    for name, version in (("old.json", "7.2"), ("new.json", "10.0")):
        (tmp_path / name).write_text(text(f"query-qmp-schema-qemu-{version}.json"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ------------------------------------------------------------------------ the page


def test_the_examples_of_the_page(folder: Path, with_qmpsh: dict[str, str]) -> None:
    section = PAGE.partition("\n## At the prompt\n")[0]
    blocks = re.findall(r"(?:^    .*\n)+", section, re.MULTILINE)
    assert len(blocks) == 4
    for block in blocks:
        lines = [line.removeprefix("    ") for line in block.splitlines()]
        script = "\n".join(line.removeprefix("$ ") for line in lines if line.startswith("$ "))
        said = subprocess.run(
            ["/bin/sh", "-c", script],
            env=with_qmpsh,
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
        assert said.stdout.splitlines() == [line for line in lines if not line.startswith("$ ")]
        assert said.stderr == ""


# ------------------------------------------------------------------------ QEMUs


def test_a_program_and_its_running_twin(emulator: str, vm: Vm, run_qmpsh: RunQmpsh) -> None:
    ran = run_qmpsh("schema", "diff", emulator, vm.path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_two_dumps_of_one_build_are_equal(
    emulator: str, vm: Vm, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    path = tmp_path / "dump"
    of_program = run_qmpsh("schema", "dump", emulator).stdout
    assert run_qmpsh("schema", "dump", vm.path, "-o", str(path)).stdout == ""
    assert path.read_text() == of_program
    assert run_qmpsh("schema", "dump", str(path)).stdout == of_program


def test_an_older_and_a_newer_one(two_emulators: tuple[str, str], run_qmpsh: RunQmpsh) -> None:
    old, new = two_emulators
    ran = run_qmpsh("schema", "diff", old, new, "--breaking", "query-status")
    assert ran.returncode == 1
    assert ran.stdout.splitlines()[1:] == [
        "answers and events have less",
        "  query-status  - singlestep",
    ]
    words = ("blockdev-add", "driver=qcow2", "discard-no-unref")
    assert [run_qmpsh("schema", "has", one, *words).returncode for one in (old, new)] == [1, 0]


@pytest.mark.parametrize(
    "words,code,said",
    [
        (("driver=virtio-net-pci", "rss"), 0, "device_add driver=virtio-net-pci rss: yes"),
        (("driver=virtio-net-pci", "rs"), 1,
         "a device virtio-net-pci has no property rs; did you mean rss?"),
        (("driver=nope",), 1, "there is no device nope here"),
    ],
)  # fmt: skip
def test_what_a_device_takes(
    vm: Vm, run_qmpsh: RunQmpsh, words: tuple[str, ...], code: int, said: str
) -> None:
    ran = run_qmpsh("schema", "has", "-v", vm.path, "device_add", *words)
    assert (ran.returncode, ran.stdout) == (code, f"{said}\n")


def test_a_device_of_a_program(emulator: str, run_qmpsh: RunQmpsh) -> None:
    words = ("schema", "has", emulator, "device_add", "driver=e1000", "mac")
    assert run_qmpsh(*words).returncode == 0


def test_a_storage_daemon(emulator: str, run_qmpsh: RunQmpsh) -> None:
    program = storage_daemon(emulator)
    if not program:
        missing(f"the qemu-storage-daemon of {emulator}")
    assert run_qmpsh("schema", "has", program, "blockdev-add").returncode == 0
    assert run_qmpsh("schema", "has", program, "device_add").returncode == 1


# ------------------------------------------------------------------------ trouble


def refused(run_qmpsh: RunQmpsh, *words: str) -> tuple[int, str]:
    ran = run_qmpsh("schema", *words)
    assert ran.stdout == ""
    return ran.returncode, ran.stderr.removeprefix("qmpsh: ").rstrip("\n")


def test_what_is_no_source(folder: Path, run_qmpsh: RunQmpsh) -> None:
    os.mkfifo("fifo")
    Path("plain").write_text("hello\n")
    Path("list").write_text("[1, 2]\n")
    Path("half").write_text('{"return": [\n')
    Path("deep").write_text("[" * 100_000)
    assert {name: refused(run_qmpsh, "dump", name) for name in ("fifo", ".", "/dev/zero")} == {
        "fifo": (2, "cannot read fifo: it is a FIFO, not a file"),
        ".": (2, "cannot read .: it is a directory, not a file"),
        "/dev/zero": (2, "cannot read /dev/zero: it is a device, not a file"),
    }
    neither = (2, "plain is neither a program nor a file with a reply of query-qmp-schema")
    assert refused(run_qmpsh, "dump", "plain") == neither
    for name in ("list", "half", "deep"):
        said = (2, f"{name} holds no reply of query-qmp-schema")
        assert refused(run_qmpsh, "dump", name) == said
    code, said_of_nothing = refused(run_qmpsh, "dump", "./gone.sock")
    assert (code, said_of_nothing.partition(";")[0]) == (3, "no such socket: ./gone.sock")
    code, said_of_word = refused(run_qmpsh, "dump", "gone")
    assert code == 2
    assert said_of_word.startswith("gone is neither an address, a file,")


def test_a_recording_is_never_started(folder: Path, run_qmpsh: RunQmpsh) -> None:
    path = folder / "run-me"
    path.write_text('{"return": []}\n')
    path.chmod(0o755)
    assert refused(run_qmpsh, "dump", "./run-me")[1] == (
        "./run-me holds no reply of query-qmp-schema"
    )


def test_texts_with_a_reply_in_them(folder: Path, run_qmpsh: RunQmpsh) -> None:
    """Replies as libvirt keeps them, a log of its daemon, a log of replies alone."""
    reply = json.dumps({**json.loads(Path("old.json").read_text()), "id": "l-2"})
    qemu = {"major": 7, "minor": 2, "micro": 22}
    version = {"return": {"qemu": qemu, "package": ""}, "id": "l-1"}
    first = {"execute": "query-version", "id": "l-1"}
    asked = {"execute": "query-qmp-schema", "id": "l-2"}
    pretty = [json.dumps(one, indent=2) for one in (first, version, asked)]
    Path("caps.replies").write_text("\n\n".join([*pretty, reply, ""]))
    begin = "2026-11-30 10:00:00.123+0000: 7: info : "
    Path("libvirtd.log").write_text(
        f"{begin}QEMU_MONITOR_SEND_MSG: mon=0x1 msg={json.dumps(asked)}\n"
        f"{begin}QEMU_MONITOR_RECV_REPLY: mon=0x1 reply={reply}\n"
    )
    Path("libvirtd.log").chmod(0o755)
    Path("half.log").write_text(f"<- {reply}\n")
    for name in ("caps.replies", "./libvirtd.log", "half.log"):
        ran = run_qmpsh("schema", "diff", "old.json", name)
        assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", ""), name


def test_a_recording(vm: Vm, folder: Path, run_qmpsh: RunQmpsh) -> None:
    assert run_qmpsh("--record", "bug.jsonl", vm.path, "query-status").returncode == 0
    ran = run_qmpsh("schema", "diff", vm.path, "bug.jsonl")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def script(folder: Path, lines: str) -> str:
    path = folder / "qemu-fake"
    path.write_text(f"#!/bin/sh\n{lines}\n")
    path.chmod(0o755)
    return str(path)


def test_a_program_that_fails(folder: Path, run_qmpsh: RunQmpsh) -> None:
    program = script(folder, "echo 'no \033[31mmachine'; exit 5")
    code, said = refused(run_qmpsh, "dump", program)
    assert code == 3
    assert said == (
        "qemu-fake ended before it answered, with exit code 5; it said:\n  no \\x1b[31mmachine"
    )


def test_a_program_that_hangs(folder: Path, run_qmpsh: RunQmpsh) -> None:
    """It is ended, and what it has started."""
    program = script(folder, "sleep 1234.5 & echo $! > pid; echo hm; wait")
    code, said = refused(run_qmpsh, "dump", program, "--connect-timeout", "500ms")
    assert code == 3
    assert said == "qemu-fake was started, but did not answer in QMP within 0.5 s; it said:\n  hm"
    assert process_state(int(Path("pid").read_text())) in ("", "Z")


def test_a_program_that_prints_without_end(folder: Path, run_qmpsh: RunQmpsh) -> None:
    """It must not fill the disk."""
    code, said = refused(run_qmpsh, "dump", script(folder, "exec yes word"))
    assert code == 3
    assert said.startswith("qemu-fake ended before it answered, with signal 25; it said:\n  word\n")


def process_state(pid: int) -> str:
    """The letter of a process's state, Z if it has ended; "" if there is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return ""


@pytest.fixture
def mute(folder: Path) -> Iterator[str]:
    """A socket that takes connections and never greets."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("mute.sock")
        listener.listen()
        yield "mute.sock"


def test_a_socket_that_never_greets(mute: str, run_qmpsh: RunQmpsh) -> None:
    code, said = refused(run_qmpsh, "dump", mute, "--connect-timeout", "300ms")
    assert code == 3
    assert said.startswith("no greeting from ")


def test_the_connected_server_and_others(vm: Vm, mute: str, run_qmpsh: RunQmpsh) -> None:
    """Other sources are waited for beside the session, as long as the line says."""
    ran = run_qmpsh(vm.path, ".schema", "diff", "old.json", "query-name")
    assert (ran.returncode, ran.stderr) == (0, "")
    ran = run_qmpsh(vm.path, ".schema", "diff", mute, "--timeout", "300ms")
    assert ran.returncode == 3
    assert ran.stderr.startswith(f"qmpsh: no greeting from unix:{mute} within 0.3 s: ")
    program = script(Path(), "sleep 1234.5")
    ran = run_qmpsh(vm.path, ".schema", "diff", program, "--timeout", "300ms")
    assert ran.stderr.startswith("qmpsh: qemu-fake was started, but did not answer in QMP")


def test_two_running_ones(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    """The second is connected to beside the first."""
    first, second = start_vm(), start_vm()
    ran = run_qmpsh(first.path, ".schema", "diff", second.path)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "words,said",
    [
        ((), "which? qmpsh schema diff|has|describe|find|dump. Try qmpsh schema --help."),
        (("dif",), "qmpsh schema has no dif; did you mean diff?; there are diff, has, describe,"
         " find, dump"),
        (("diff", "old.json"), f"expected qmpsh schema diff SOURCE SOURCE [NAME...]. {TRY} diff"
         " --help."),
        (("dump", "old.json", "x"), f"expected qmpsh schema dump SOURCE. {TRY} dump --help."),
        (("find", "old.json"), f"expected qmpsh schema find SOURCE NAME. {TRY} find --help."),
        (("diff", "old.json", "new.json", "nope-nope"),
         "neither has a command or event nope-nope"),
        (("describe", "old.json", "blockdev-add", "driver=x"), "blockdev-add: driver is not x"),
        (("has", "old.json", "device_add", "driver=e1000"),
         "only a running QEMU knows what devices take: give its address, or its program"),
        (("dump", "old.json", "-o", "/nowhere/x"),
         "cannot write /nowhere/x: No such file or directory"),
    ],
)  # fmt: skip
def test_wrong_words(folder: Path, run_qmpsh: RunQmpsh, words: tuple[str, ...], said: str) -> None:
    assert refused(run_qmpsh, *words) == (2, said)


def test_what_is_not_there_is_1(folder: Path, run_qmpsh: RunQmpsh) -> None:
    assert refused(run_qmpsh, "describe", "old.json", "query-staus") == (
        1,
        "there is no command or event query-staus; did you mean query-status or query-stats or"
        " query-colo-status?",
    )
    assert refused(run_qmpsh, "find", "old.json", "nope") == (1, "nothing is called nope")


def test_a_reader_that_leaves(folder: Path, with_qmpsh: dict[str, str]) -> None:
    ran = subprocess.run(
        "qmpsh schema dump old.json | head -1",
        shell=True,
        env=with_qmpsh,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.stdout, ran.stderr) == ('{"return": [\n', "")
