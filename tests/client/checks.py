"""The table of checks: the same lines over every road to every server, which may not be noticed.

Each test file of the matrix crosses them with its servers' roads: test_roads.py QEMU,
test_roads_of_others.py the other servers, test_libvirt.py the road by libvirt.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.client.forks import Ran
from tests.client.manners import Manners, Says
from tests.client.roads import Laid
from tests.programs import need
from tests.waiting import wait_until

NOTICES = r"(?:qmpsh: (?:waiting for|connected to|no greeting)[^\n]*\n)*"
"""What is told where beginning takes more than a second, on a machine with other things to do."""


def needs(*programs: str) -> None:
    """Skip the test, or in CI fail it, where a program is missing."""
    for program in programs:
        need(program)


class Way:
    """A road to one kind of server, laid anew whenever its server has ended."""

    def __init__(self, lay: Callable[[ExitStack], Laid], manners: Manners) -> None:
        self.manners = manners
        self._lay = lay
        self._stack = ExitStack()
        self._laid: Laid | None = None

    def laid(self) -> Laid:
        if self._laid is None or not self._laid.server.is_running:
            self.close()
            self._laid = self._lay(self._stack)
        return self._laid

    def close(self) -> None:
        """Give up the road; its server is the starter's."""
        self._laid = None
        self._stack.close()

    def check(self, name: str, tmp: Path) -> None:
        """Run one of CHECKS. tmp: a folder of the test's own"""
        says = self.manners[name]
        says = says._replace(line=tuple(word.replace("{tmp}", str(tmp)) for word in says.line))
        CHECKS[name](self, says)


def answers(way: Way, says: Says) -> None:
    """One run of the command."""
    road = way.laid()
    expect(says, road.run(*says.line, stdin=says.stdin))


def expect(says: Says, ran: Ran) -> None:
    assert ran.code == says.code, ran
    assert re.fullmatch(says.out, ran.out, re.DOTALL), ran
    assert re.fullmatch(NOTICES + says.err, ran.err, re.DOTALL), ran


def times_out(way: Way, says: Says) -> None:
    """The server is stopped once the first line of the script was answered."""
    road = way.laid()
    first, second = says.stdin.splitlines(keepends=True)
    with road.start(*says.line) as run:
        run.write(first)
        line = run.read_line()
        with road.server.stopped():
            run.write(second)
            ran = run.end()
    expect(says, ran._replace(out=line + ran.out))
    if says.ends:
        way.close()


def leaves(way: Way, says: Says) -> None:
    """`quit` ends the server; whom it does not end serves the next one."""
    road = way.laid()
    expect(says, road.run(*says.line))
    if says.ends:
        wait_until(lambda: not road.server.is_running, what="the server has ended")
    else:
        status = way.manners["status"]
        expect(status, road.run(*status.line))


CHECKS: dict[str, Callable[[Way, Says], None]] = {
    "status": answers,
    "pretty": answers,
    "refused": answers,
    "big reply": answers,
    "event": answers,
    "human monitor": answers,
    "script": answers,
    "timeout": times_out,
    "whole replies": answers,
    "unknown command": answers,
    "arguments": answers,
    "leave": leaves,
}
"""How each is made; what is said and expected stands in manners.py."""
