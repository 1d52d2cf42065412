"""`qmpsh NAME`: the first word of a command line may be the name of a VM."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from qmpsh.cli.argv import split_words
from qmpsh.errors import UsageError
from tests.conftest import RunQmpsh
from tests.qemu import VmStarter


def only(name: str) -> Callable[[str], bool]:
    return lambda word: word == name


@pytest.mark.parametrize(
    "argv,expected",
    [
        (["web"], ([], "name:web", [])),
        (["web", "-p", "query-block"], (["-p"], "name:web", ["query-block"])),
        (["-k", "web", "query-block", "a=b"], (["-k"], "name:web", ["query-block", "a=b"])),
        (["--", "web", "stop"], ([], "name:web", ["stop"])),
        (["web", "-n", "stop"], (["-n"], "name:web", ["stop"])),
        (["./s", "web"], ([], "./s", ["web"])),
        (["name:web", "web"], ([], "name:web", ["web"])),
    ],
)
def test_where_a_name_stands(argv: list[str], expected: tuple[list[str], str, list[str]]) -> None:
    assert split_words(argv, {}, only("web"))[:3] == expected


def test_a_line_that_needs_no_server_is_not_a_name() -> None:
    assert split_words(["-n", "web"], {}, only("web")).address is None


def test_a_word_that_is_no_name() -> None:
    with pytest.raises(
        UsageError, match=r"^'nope' is neither a file nor the name of a VM here, see"
    ):
        split_words(["nope", "stop"], {}, only("web"))
    with pytest.raises(UsageError, match=r"or set QMP_SOCKET; no VM here has that name$"):
        split_words(["nope"], {}, only("web"))


def test_lines_scripts_and_the_doctor(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    name = f"by-name-{os.getpid()}"
    vm = start_vm(name=name)
    assert run_qmpsh(name, "query-name").stdout == f'{{"name": "{name}"}}\n'
    assert run_qmpsh(f"name:{name}", "query-name").returncode == 0
    assert run_qmpsh(name, stdin="query-name\n").stdout == f'{{"name": "{name}"}}\n'
    examined = run_qmpsh("doctor", name)
    assert examined.returncode == 0
    assert f"{name} is read as the unix socket {vm.path}\n" in examined.stdout
    # The environment names the server, so the word begins a line.
    as_line = run_qmpsh(name, env={"QMP_SOCKET": vm.path})
    assert as_line.returncode == 1
    assert "CommandNotFound" in as_line.stderr


def test_what_a_name_may_not_lead_to(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    name = f"twice-{os.getpid()}"
    start_vm(name=name)
    missing = run_qmpsh(f"name:{name}-not", "query-name")
    assert (missing.returncode, missing.stdout) == (3, "")
    start_vm(name=name)
    two = run_qmpsh("--json", name, "query-name")
    assert two.returncode == 2
    assert two.stderr.startswith(f"qmpsh: 2 VMs are named {name}; ")
    assert '"class": "NotSent"' in two.stdout
