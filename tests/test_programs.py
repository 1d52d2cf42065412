"""Every program that the tests, the scripts and the Makefile call can be installed by make."""

from __future__ import annotations

import ast
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.client.transports import NEEDS
from tests.libvirtd import SUBCOMMANDS
from tests.qemu import ROOT
from tests.tab.terminal import SHELLS

NEED = ROOT / "scripts" / "need.sh"
MAKEFILE = (ROOT / "Makefile").read_text().replace("\\\n", " ")
MANAGERS = ["apt-get", "dnf", "pacman", "brew"]
BASE = {"awk", "cat", "env", "grep", "python3", "sed", "sh", "sleep", "true"}
"""what POSIX, Python or the package manager itself brings"""

LOOKERS = {"need", "needs", "missing", "find_program"}
SOURCES = [
    path
    for folder in ("tests", "benchmarks")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != Path(__file__)
]


def rows() -> dict[str, list[str]]:
    """The table of need.sh: the packages of each program, a column for each manager."""
    table = NEED.read_text().partition("<<'END'\n")[2].partition("\nEND\n")[0]
    lines = [line.split() for line in table.splitlines()]
    assert lines[0] == ["#", "program", *MANAGERS]
    return {words[0]: words[1:] for words in lines[1:]}


def words_of_need(text: str) -> Iterator[str]:
    """The programs that a script or the Makefile asks need.sh for, those in variables aside."""
    for line in text.replace("\\\n", " ").splitlines():
        found = re.search(r"need\.sh\"?([^|>&;#]*)", line)
        if found and not line.startswith("#"):
            yield from (word for word in found[1].split() if re.fullmatch(r"[a-z][\w.-]*", word))


@cache
def calls(source: str) -> list[tuple[str, list[ast.expr]]]:
    """The calls in a source, by the name of the function: `need`, `shutil.which`."""
    found = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return [(dotted(node.func), node.args) for node in found]


def dotted(node: ast.expr) -> str:
    """A name, or one in a module; "" for what is longer."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return f"{node.value.id}.{node.attr}"
    return node.id if isinstance(node, ast.Name) else ""


def literal(node: ast.expr) -> str | None:
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, str) else None


def looked_for(source: str) -> Iterator[str]:
    """The programs that a test looks for, and those whose argv it writes out."""
    for function, arguments in calls(source):
        words = arguments if function in LOOKERS else []
        if function.startswith("subprocess.") and arguments and isinstance(arguments[0], ast.List):
            words = arguments[0].elts[:1]
        yield from (word for node in words if (word := literal(node)) and " " not in word)


def called_by_tests() -> set[str]:
    names = {name for path in SOURCES for name in looked_for(path.read_text())}
    tables = {*SUBCOMMANDS, *SHELLS, *(name for row in NEEDS.values() for name in row)}
    return {name for name in names | tables if re.fullmatch(r"[a-z][\w.+-]*", name)} - BASE


def test_each_row_has_a_cell_for_each_manager() -> None:
    assert {name: cells for name, cells in rows().items() if len(cells) != len(MANAGERS)} == {}


def test_what_make_asks_for_has_a_row() -> None:
    texts = [MAKEFILE, *(path.read_text() for path in sorted((ROOT / "scripts").glob("*.sh")))]
    asked = {word for text in texts for word in words_of_need(text)}
    assert {"qemu-system-x86_64", "libvirtd", "cc"} <= asked
    assert asked - set(rows()) == set()


def test_what_tests_call_has_a_row_and_make_test_installs_it() -> None:
    called = called_by_tests()
    assert {"socat", "openssl", "zsh", "less", "ssh-keygen", "tmux"} <= called
    assert called - set(rows()) == set()
    listed = re.search(r"^TEST_PROGRAMS := (.*)$", MAKEFILE, re.MULTILINE)
    assert listed is not None
    libvirt = words_of_need((ROOT / "scripts" / "libvirt.sh").read_text())
    assert called - {*listed[1].split(), *libvirt} == set()


def test_programs_are_looked_for_in_one_place() -> None:
    """So that a missing one is a row in need.sh and a line at the end of the run."""
    elsewhere = [
        f"{path.relative_to(ROOT)}: {function}"
        for path in SOURCES
        if path != ROOT / "tests" / "programs.py" and path.is_relative_to(ROOT / "tests")
        for function, _ in calls(path.read_text())
        if function == "shutil.which"
    ]
    assert elsewhere == []


# ------------------------------------------------------------------------ need.sh


@pytest.fixture
def bare(tmp_path: Path) -> Path:
    """A PATH with what need.sh itself uses, and an apt-get that installs nothing."""
    for name in ("sh", "awk", "tr", "id", "cat", "env"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    script(tmp_path / "sudo", 'exec "$@"')
    script(tmp_path / "apt-get", f'echo "$@" >>{tmp_path}/asked; exit 0')
    return tmp_path


def script(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def need(bare: Path, *words: str, **environ: str) -> tuple[int, str]:
    done = subprocess.run(
        ["/bin/sh", str(NEED), *words],
        env={"PATH": str(bare), **environ},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


def test_a_program_without_a_row_is_an_error(bare: Path) -> None:
    assert need(bare, "--optional", "bash", "nonesuch") == (
        1,
        "need: no row names a package for nonesuch: add one to scripts/need.sh\n",
    )


def test_what_an_installation_does_not_bring_is_an_error(bare: Path) -> None:
    code, said = need(bare, "--optional", "fish")
    assert (code, said.splitlines()[-1]) == (
        1,
        "need: still missing: fish, although apt-get installed fish",
    )


def test_what_is_installed_is_there(bare: Path) -> None:
    script(bare / "apt-get", f"printf '#!/bin/sh\\n' >{bare}/fish; /bin/chmod +x {bare}/fish")
    assert need(bare, "fish") == (0, "need: installing fish (for fish)\n")
    assert need(bare, "fish") == (0, "")


def test_one_that_cannot_be_had_takes_no_other_with_it(bare: Path) -> None:
    script(
        bare / "apt-get",
        f'case "$*" in *zsh*) echo no zsh >&2; exit 100 ;; esac\necho >{bare}/fish\n'
        f"/bin/chmod +x {bare}/fish",
    )
    code, said = need(bare, "--optional", "zsh", "fish")
    assert code == 0
    assert said.splitlines()[-3:] == [
        "no zsh",
        "need: apt-get could not install it all",
        "need: going on without zsh: the tests that need it are skipped",
    ]
    assert need(bare, "--optional", "zsh", CI="true")[0] == 1
    assert need(bare, "zsh")[0] == 1


def test_without_a_package_manager(bare: Path) -> None:
    (bare / "apt-get").unlink()
    assert need(bare, "--optional", "fish") == (
        0,
        "need: no apt-get, dnf, pacman or brew here to install with\n"
        "need: going on without fish: the tests that need it are skipped\n",
    )


# ------------------------------------------------------------------------ a run of the tests


def test_what_was_not_tested_is_said_at_the_end(tmp_path: Path) -> None:
    """Loudly, and left where make finds it; in CI it fails."""
    conftest = "from tests.conftest import pytest_terminal_summary as pytest_terminal_summary\n"
    (tmp_path / "conftest.py").write_text(conftest)
    (tmp_path / "test_it.py").write_text(
        "import pytest\nfrom tests.programs import need\n"
        "def test_one(): need('nonesuch')\n"
        "def test_two(): need('nonesuch')\n"
        "def test_three(): pytest.skip('a page without block devices')\n"
        "def test_four(): pass\n"
    )

    def run(**environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-q", f"--rootdir={tmp_path}", str(tmp_path)],
            env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", **environ},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    why = "NOT TESTED: nonesuch is not installed (`make test` installs it) (2 skipped)"
    done = run()
    assert done.returncode == 0, done.stdout
    assert why in done.stdout.splitlines()
    assert "without block devices" not in done.stdout
    left = tmp_path / ".pytest_cache" / "d" / "not-tested" / "list"
    assert left.read_text() == f"{why}\n"
    done = run(CI="true")
    assert done.returncode == 1
    assert (
        "nonesuch is not installed (`make test` installs it), and CI skips nothing" in done.stdout
    )
    assert left.read_text() == ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGHUP])
def test_children_meet_signals_as_usual(number: signal.Signals) -> None:
    """Also where who started the tests ignores one, as nohup and a job in the background do."""
    child = "import signal; print(signal.getsignal(int(sys.argv[1])) is signal.SIG_IGN)"
    tests = (
        "import subprocess, sys; from tests.signals import give_children_the_defaults as give\n"
        "give(); subprocess.run([sys.executable, '-c', sys.argv[1], sys.argv[2]])"
    )
    name = number.name.removeprefix("SIG")
    done = subprocess.run(
        ["sh", "-c", f"trap '' {name}; exec \"$@\"", "sh", sys.executable, "-c", tests,
         f"import sys; {child}", str(int(number))],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("False\n", "")
