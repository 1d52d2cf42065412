"""Which monitor is meant: by number, name or address; at a prompt that any terminal can show."""

from __future__ import annotations

import sys

import pytest

from qmpsh.cli.inspect import ls
from qmpsh.cli.inspect import ls as picking
from qmpsh.cli.inspect.ls import find_choice, no_address, pick_monitor
from qmpsh.client.discovery import Monitor
from qmpsh.errors import UsageError
from qmpsh.render.environment import Environment

WEB, DB, WEB2 = (
    Monitor("/run/a", name="web"),
    Monitor("tcp:h:1", name="db"),
    Monitor("/b", name="web2"),
)
ALL = [WEB, DB, WEB2]


@pytest.mark.parametrize(
    "answer, found, meant",
    [
        ("1", ALL, WEB),
        ("3", ALL, WEB2),
        ("0", ALL, None),
        ("4", ALL, None),
        ("9" * 5000, ALL, None),
        ("web", ALL, WEB),
        ("we", ALL, None),
        ("web2", ALL, WEB2),
        ("d", ALL, DB),
        ("tcp:h:1", ALL, DB),
        ("", ALL, None),
        ("", [DB], DB),
        ("2", [Monitor("/x", name="2"), DB], DB),
        ("7", [Monitor("/x", name="7"), DB], Monitor("/x", name="7")),
    ],
)
def test_meant(answer: str, found: list[Monitor], meant: Monitor | None) -> None:
    assert find_choice(answer, found) == meant


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What a person types; the end of it is Ctrl-D."""
    typed: list[str] = []

    def read(question: str) -> str:
        sys.stdout.write(question)
        if not typed:
            raise EOFError
        return typed.pop(0)

    monkeypatch.setattr("builtins.input", read)
    monkeypatch.setattr(Environment, "columns", 80)
    monkeypatch.setattr(picking, "find_monitors", lambda: [*ALL, Monitor("/g", "guest agent")])
    return typed


def test_picking(answers: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    answers += ["", "nope\x1b", "2"]
    assert pick_monitor() == "tcp:h:1"
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["no", "vm", "address"]
    assert [line.split()[0] for line in lines[1:4]] == ["1", "2", "3"]
    assert "/g" not in "".join(lines)
    question = "monitor, 1 to 3 or a name: "
    assert lines[4] == rf"{question}{question}none of them is nope\x1b"


def test_leaving(answers: list[str]) -> None:
    assert pick_monitor() is None


def test_the_only_one(
    answers: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(picking, "find_monitors", lambda: [DB])
    answers += [""]
    assert pick_monitor() == "tcp:h:1"
    assert capsys.readouterr().out.endswith("monitor [1]: ")


def test_none(answers: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picking, "find_monitors", lambda: [])
    with pytest.raises(
        UsageError, match=r"no monitor found on this machine; .* qmpsh run starts a VM"
    ):
        pick_monitor()


def test_the_refusal_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picking, "find_monitors", lambda: [Monitor(f"/{n}") for n in range(9)])
    assert str(no_address()) == (
        "no address given; monitors found here: /0, /1, /2, /3, /4 and 4 more (qmpsh ls); try"
        " qmpsh /0"
    )


def test_a_table_is_cut_to_the_terminal() -> None:
    lines = ls.lines_of([Monitor("/run/vm", name="web" * 30)], 40)
    assert max(map(len, lines)) <= 40


LONG = Monitor(
    f"/tmp/{'long' * 14}/monitor.sock", "qmp", "web", 4711, "qemu-system-x86_64", "running",
    "busy", "qmpsh 28130", "root",
)  # fmt: skip


@pytest.mark.parametrize("width", [1, 40, 80, 100, 200])
def test_an_address_is_never_cut(width: int) -> None:
    for lines in (ls.lines_of([LONG, WEB], width), ls.choices_of([LONG, WEB], width)):
        assert LONG.address in lines[1].split()
        assert "/run/a" in lines[2].split()


def test_what_is_left_out_first() -> None:
    header, *_ = ls.lines_of([LONG._replace(address="/run/vm/monitor.sock")], 80)
    assert header.split() == ["vm", "address", "client", "process", "pid", "owner", "kind", "+2"]
    header, row, *_ = ls.choices_of([LONG, WEB], 200)
    assert header.split() == ["no", "vm", "address", "client", "owner", "program"]
    assert row.split()[:2] == ["1", "web"]
