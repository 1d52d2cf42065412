"""What the LINE of `-a` is known to do before it is sent."""

from __future__ import annotations

import pytest

from qmpsh.errors import UsageError
from qmpsh.many.line import read_line


@pytest.mark.parametrize(
    "words,changes,ends,waits",
    [
        ("query-status", False, False, False),
        ("stop", True, False, False),
        ("quit", True, True, False),
        ("system_reset", True, True, False),
        ("device_del id=a --wait", True, False, True),
        ('{"execute":"query-status"}', False, False, False),
        ('{"execute":"stop"}', True, False, False),
        ("query-status query-name", None, None, None),
        ("transaction( abort )", True, False, False),
        (".status", False, False, False),
        (".events", False, False, True),
        (".wait STOP", False, False, True),
        (".watch 1 query-status", False, False, True),
        (".hmp info status", False, False, False),
        (".hmp stop", True, False, False),
        (".hmp q", True, True, False),
        (".exec uptime", True, False, False),
        (".help stop", False, False, False),
        (".add-fd /x", True, False, False),
    ],
)
def test_what_a_line_does(
    words: str, changes: bool | None, ends: bool | None, waits: bool | None
) -> None:
    if changes is None:
        with pytest.raises(UsageError):
            read_line([words], hmp=False)
        return
    line = read_line([words], hmp=False)
    assert (line.changes, line.ends, line.waits) == (changes, ends, waits)


def test_hmp_lines() -> None:
    assert not read_line(["info", "status"], hmp=True).changes
    line = read_line(["system_reset"], hmp=True)
    assert (line.title, line.changes, line.ends) == ("system_reset", True, True)


def test_every_is_taken_out_of_wait() -> None:
    line = read_line([".wait", "STOP", "--every"], hmp=False)
    assert (line.every, line.words) == (True, (".wait", "STOP"))


@pytest.mark.parametrize(
    "words,message",
    [
        ([], "-a needs one LINE to send; there is no prompt for several VMs"),
        ([" "], "-a needs one LINE to send; there is no prompt for several VMs"),
        (["# x"], "-a needs one LINE to send; there is no prompt for several VMs"),
        (
            ["/proc/self", "query-status"],
            "your shell has expanded the TARGET of -a: put it in quotes, as in"
            " -a '/run/vms/*.sock'",
        ),
        (
            ["query-status > x"],
            "-a: the answers of all VMs go to stdout; redirect it in your own shell",
        ),
        (["transaction("], "-a sends one command or a whole transaction(...), not a part of one"),
        ([".set view table"], ".set is for one shell on one VM, not for -a"),
        ([".staus"], "no verb .staus; did you mean .status?"),
        ([".source x"], ".source is for one shell on one VM, not for -a"),
        (["getfd fdname=a --fd x"], "--fd: a file goes to one VM at a time, not to all of -a"),
    ],
)
def test_what_is_not_for_many(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_line(words, hmp=False)
    assert str(refused.value) == message
