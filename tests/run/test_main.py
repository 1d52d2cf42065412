"""`qmpsh run` itself: which program it starts, what it waits for, what it says at the end."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from qmpsh.cli.argv import SplitArgv
from qmpsh.cli.run import main
from qmpsh.cli.run.vm import VmProcess
from qmpsh.client.client import Client
from qmpsh.errors import CannotConnect, ConnectionLost, UsageError
from tests.run.fake import Does, end_all, fake_program, noted
from tests.waiting import PATIENCE


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[VmProcess]]:
    """The processes of a test; what a run changes in this process is undone."""
    processes: list[VmProcess] = []

    def make(command: Sequence[str], *, keeps: bool = True) -> VmProcess:
        processes.append(VmProcess(command, keeps=keeps))
        return processes[-1]

    monkeypatch.setattr(main, "VmProcess", make)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield processes
    for number, handler in before.items():
        signal.signal(number, handler)
    end_all(processes)


def run(folder: Path, *words: str, script: str = "query-status\n") -> int:
    """Run a script on a program of `fake_program`."""
    path = folder / "script.qmp"
    path.write_text(script)
    return main.main(SplitArgv([], None, ["-f", str(path), *words], "run"))


def installed(folder: Path, name: str, **printed: str) -> str:
    """Return an emulator that prints a text for each kind of help: `machine`, `netdev`, ..."""
    path = folder / name
    cases = "".join(f"-{kind}) printf '%s' '{text}';;\n" for kind, text in printed.items())
    path.write_text(f'#!/bin/sh\ncase "$1" in\n{cases}esac\n')
    path.chmod(0o700)
    return str(path)


# ---------------------------------------------------------------------------- the emulator


@pytest.mark.parametrize(
    "machine, there, found",
    [
        ("x86_64", "qemu-system-aarch64 qemu-system-x86_64 kvm", "qemu-system-x86_64"),
        ("arm64", "qemu-system-x86_64 qemu-system-aarch64", "qemu-system-aarch64"),
        ("riscv64", "kvm qemu-system-i386 qemu-system-riscv64", "qemu-system-riscv64"),
        ("riscv64", "qemu-kvm qemu-system-aarch64", "qemu-system-aarch64"),
        ("x86_64", "qemu-kvm kvm", "kvm"),
        ("x86_64", "qemu-kvm", "qemu-kvm"),
    ],
)
def test_the_emulator_of_this_machine_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: str, there: str, found: str
) -> None:
    for name in there.split():
        installed(tmp_path, name)
    named = os.uname_result(("Linux", "host", "6", "1", machine))
    monkeypatch.setattr(os, "uname", lambda: named)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main.find_emulator() == str(tmp_path / found)


def test_an_emulator_outside_of_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/none")
    monkeypatch.setattr(main, "_NOT_IN_PATH", installed(tmp_path, "libexec-kvm"))
    assert main.find_emulator() == str(tmp_path / "libexec-kvm")


def test_no_emulator(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/none")
    monkeypatch.setattr(main, "_NOT_IN_PATH", "/none")
    with pytest.raises(CannotConnect) as caught:
        main.find_emulator()
    assert str(caught.value) == (
        "no QEMU found here; install it (the package is called qemu-system-x86 or qemu), or name"
        " yours, as in qmpsh run -- /opt/qemu/bin/qemu-system-x86_64 ..."
    )


MACHINES = "Supported machines are:\nmicrovm   a\nq35       Standard PC\n"
UNPLUG = "  acpi-pci-hotplug-with-bridge-support=<bool>\n"
NETDEVS = "Available netdev backend types:\nhubport\nuser\n"


@pytest.mark.parametrize(
    "printed, begins, network",
    [
        (
            {"machine": MACHINES, "device": UNPLUG, "netdev": NETDEVS},
            "-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off -machine q35 -nodefaults",
            "user,id=net0",
        ),
        (
            {"machine": MACHINES, "device": "no such property\n", "netdev": NETDEVS},
            "-machine q35 -nodefaults",
            "user,id=net0",
        ),
        (
            {
                "machine": "virt-9.1  q35 is not here\n",
                "device": UNPLUG,
                "netdev": "hubport\nvhost-user\n",
            },
            "-machine virt -nodefaults",
            "hubport,hubid=0,id=net0",
        ),
    ],
)
def test_the_demo_fits_the_emulator(
    tmp_path: Path, printed: dict[str, str], begins: str, network: str
) -> None:
    arguments = main.demo_arguments(installed(tmp_path, "qemu", **printed))
    assert " ".join(arguments).startswith(begins)
    assert arguments[arguments.index("-netdev") + 1] == network


def test_an_emulator_that_does_not_run_is_asked_nothing_more(tmp_path: Path) -> None:
    assert "virt" in main.demo_arguments(str(tmp_path / "none"))


# ---------------------------------------------------------------------------- the words


@pytest.mark.parametrize(
    "words, said",
    [
        *(
            (
                words,
                f"{word} is not an option of run: QEMU's command goes after --, as in qmpsh run --"
                " qemu-system-x86_64 -m 2G; a script is given with -f or on stdin",
            )
            for words, word in [
                ("-p qemu-system-x86_64 -m 2G", "qemu-system-x86_64"),
                ("./monitor.sock", "./monitor.sock"),
                ("./monitor.sock stop", "stop"),
                ("run", "run"),
            ]
        ),
        *(
            (f"{word} -- true", "--guest-agent and -N are for other servers; qmpsh run's is QEMU's")
            for word in ("-N", "--guest-agent")
        ),
        *(
            (
                f"{words} -- true",
                "-a, --only and --except are for VMs that run; qmpsh run starts one",
            )
            for words in ("--all x", "--only name=x", "--except name=x")
        ),
        ("--nope -- true", "No such option --nope. Try qmpsh run --help."),
        ("--wait=STOP -- true", "--wait"),
    ],
)
def test_words_that_are_refused(words: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        main.main(SplitArgv([], None, words.split(), "run"))
    assert str(caught.value).startswith(said)


def test_arguments_without_a_program_go_to_the_emulator_that_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_program(tmp_path, name="qemu-kvm")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run(tmp_path, "--", "-m", "2G") == 0
    assert json.loads(noted(tmp_path)[0])[:3] == ["-m", "2G", "-chardev"]


# ---------------------------------------------------------------------------- a run


def test_a_script_and_the_end_of_its_vm(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], made: list[VmProcess]
) -> None:
    assert run(tmp_path, "--", fake_program(tmp_path, says="a word of QEMU")) == 0
    assert capfd.readouterr() == ('{"status": "prelaunch"}\n', "a word of QEMU\n")
    assert noted(tmp_path)[1:] == ["qmp_capabilities", "query-status", "quit"]
    (process,) = made
    assert process.keeps
    assert process.has_ended
    assert not os.path.exists(os.path.dirname(process.path))


def test_a_script_that_fails_ends_the_vm_too(tmp_path: Path) -> None:
    assert run(tmp_path, "--", fake_program(tmp_path), script="nope(\n") == 2
    assert noted(tmp_path)[1:] == ["qmp_capabilities", "quit"]


def test_a_monitor_that_does_not_answer_in_time(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = fake_program(tmp_path, Does.STAY_SILENT, says="")
    with pytest.raises(CannotConnect) as caught:
        run(tmp_path, "--connect-timeout", "100ms", "--", program)
    assert str(caught.value) == (
        "fake-vm is running, but its monitor did not answer within 0.1 s; --connect-timeout allows"
        " more time"
    )
    assert noted(tmp_path)[1:] == ["SIGTERM"], "it is ended, and not asked again"


def test_a_program_that_ends_at_once_is_not_waited_for(tmp_path: Path) -> None:
    program = fake_program(tmp_path, Does.END, says="cannot start", code=1)
    with pytest.raises(CannotConnect) as caught:
        run(tmp_path, "--connect-timeout", f"{PATIENCE:g}", "--", program)
    assert str(caught.value) == (
        "fake-vm ended before its monitor was ready, with exit code 1; it said:\ncannot start"
    )


def test_a_slow_start_is_announced(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = Client.connect

    def slow(address: object, options: object, notice: object, tracer: object) -> Client:
        assert callable(notice)
        notice("in the words of a shell that found its VM running")
        return connect(address, options, notice, tracer)  # type: ignore[arg-type]  # as they came

    monkeypatch.setattr(Client, "connect", slow)
    assert run(tmp_path, "--", fake_program(tmp_path, says="")) == 0
    assert capfd.readouterr().err == (
        "qmpsh: fake-vm is running, but its monitor has not answered yet; waiting\n\n"
    )


def test_a_fault_of_ours_leaves_the_vm_to_its_user(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    made: list[VmProcess],
) -> None:
    def fail(*_: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(main, "_run_script", fail)
    with pytest.raises(ZeroDivisionError):
        run(tmp_path, "--", fake_program(tmp_path))
    (process,) = made
    assert not process.has_ended
    assert capfd.readouterr().err == (
        f"qmpsh: the VM keeps running, process {process.pid}; to come back: qmpsh {process.path}\n"
        f"qmpsh: what it prints goes to {process.log_path}\n"
    )
    assert noted(tmp_path)[1:] == ["qmp_capabilities"]


@pytest.mark.parametrize("error", [ConnectionLost("it is gone"), BrokenPipeError()])
def test_an_error_of_the_user_or_the_reader_ends_the_vm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object) -> int:
        raise error

    monkeypatch.setattr(main, "_run_script", fail)
    with pytest.raises(type(error)):
        run(tmp_path, "--", fake_program(tmp_path))
    assert noted(tmp_path)[1:] == ["qmp_capabilities", "quit"]


def test_a_vm_that_ended_by_itself_has_the_last_word(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    program = fake_program(tmp_path, Does.DIE, last="Aborted")
    assert run(tmp_path, "--", program) == 4
    assert capfd.readouterr().err.splitlines() == [
        "up",
        f"{tmp_path}/script.qmp:1: the server closed the connection; fake-vm said last: Aborted",
        "Aborted",
    ]


def test_what_it_said_at_its_start_is_no_last_word(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    assert run(tmp_path, "--", fake_program(tmp_path, Does.DIE)) == 4
    assert capfd.readouterr().err.endswith("the server closed the connection\n")


def test_what_it_prints_comes_after_the_line_that_made_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", sys.stdout)
    # No queries: those are sent ahead.
    program = fake_program(tmp_path, Does.TALK, says="")
    assert run(tmp_path, "--", program, script="stop\ncont\n") == 0
    lines = capsys.readouterr().out.split("\n")
    assert [line for line in lines if line and "qmp_capabilities" not in line] == [
        '{"status": "prelaunch"}',
        "asked for stop",
        '{"status": "prelaunch"}',
        "asked for cont",
    ]


@pytest.mark.parametrize("is_left", [False, True])
def test_a_signal_does_not_interrupt_the_end_of_a_vm(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[VmProcess], is_left: bool
) -> None:
    def leave(*_: object) -> int:
        if is_left:
            made[0].leave_running()
        return 0

    monkeypatch.setattr(main, "_run_script", leave)
    assert run(tmp_path, "--", fake_program(tmp_path)) == 0
    is_ignored = [
        signal.getsignal(one) is signal.SIG_IGN for one in (signal.SIGTERM, signal.SIGHUP)
    ]
    assert is_ignored == [not is_left] * 2
