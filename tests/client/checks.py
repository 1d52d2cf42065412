"""The table of checks: the same lines to every server, whichever transport carries them.

Each test file of the matrix crosses them with its servers' transports: test_transports.py QEMU,
test_transports_of_others.py the other servers, test_libvirt.py the one through libvirt.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.client.behaviours import Behaviours, Says
from tests.client.forks import Ran
from tests.client.transports import Target
from tests.programs import need
from tests.waiting import wait_until

NOTICES = r"(?:qmpsh: (?:waiting for|connected to|no greeting)[^\n]*\n)*"
"""What is told where beginning takes more than a second, on a machine with other things to do."""


def needs(*programs: str) -> None:
    """Skip the test, or in CI fail it, where a program is missing."""
    for program in programs:
        need(program)


class ServerUnderTest:
    """One kind of server over one transport, started again when it has ended."""

    def __init__(self, make_target: Callable[[ExitStack], Target], behaviours: Behaviours) -> None:
        self.behaviours = behaviours
        self._make_target = make_target
        self._stack = ExitStack()
        self._target: Target | None = None

    def target(self) -> Target:
        if self._target is None or not self._target.server.is_running:
            self.close()
            self._target = self._make_target(self._stack)
        return self._target

    def close(self) -> None:
        """Close what the target needs; the server itself belongs to its starter."""
        self._target = None
        self._stack.close()

    def check(self, name: str, tmp: Path) -> None:
        """Run one of CHECKS. tmp: a folder of the test's own"""
        says = self.behaviours[name]
        says = says._replace(line=tuple(word.replace("{tmp}", str(tmp)) for word in says.line))
        CHECKS[name](self, says)


def answers(server: ServerUnderTest, says: Says) -> None:
    """One run of the command."""
    target = server.target()
    expect(says, target.run(*says.line, stdin=says.stdin))


def expect(says: Says, ran: Ran) -> None:
    assert ran.code == says.code, ran
    assert re.fullmatch(says.out, ran.out, re.DOTALL), ran
    assert re.fullmatch(NOTICES + says.err, ran.err, re.DOTALL), ran


def times_out(server: ServerUnderTest, says: Says) -> None:
    """Stop the server once the first line of the script was answered."""
    target = server.target()
    first, second = says.stdin.splitlines(keepends=True)
    with target.start(*says.line) as run:
        run.write(first)
        line = run.read_line()
        with target.server.stopped():
            run.write(second)
            ran = run.end()
    expect(says, ran._replace(out=line + ran.out))
    if says.ends:
        server.close()


def leaves(server: ServerUnderTest, says: Says) -> None:
    """`quit` ends the server; whom it does not end serves the next one."""
    target = server.target()
    expect(says, target.run(*says.line))
    if says.ends:
        wait_until(lambda: not target.server.is_running, what="the server has ended")
    else:
        status = server.behaviours["status"]
        expect(status, target.run(*status.line))


CHECKS: dict[str, Callable[[ServerUnderTest, Says], None]] = {
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
"""How each is made; what is said and expected stands in behaviours.py."""
