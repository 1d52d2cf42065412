"""The hosts of ssh targets: the sockets of each are listed by one ssh and forwarded by another.

Theory of operation. A host goes through its stages by itself, so that one that is slow or cut off
delays none of the others; eight start at a time. When it is there, or has failed, its targets are
handed out: each with an address through the ssh that forwards them, or one that says what failed.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from qmpsh.client.poll import READ, wait_for
from qmpsh.client.transports.forwarding import (
    ADVICE,
    AWAITED,
    MAX_REMOTE_BYTES,
    ForwardedHost,
    Login,
)
from qmpsh.client.transports.remote_shell import RemoteScript
from qmpsh.client.transports.ssh import RefusedSshAddress, SshAddress
from qmpsh.errors import CannotConnect, ConnectTimeout, shortened
from qmpsh.many.listing import MAX_BYTES, paths_of, script
from qmpsh.many.ranges import natural_key
from qmpsh.many.targets import Target, monitors_among

HOST_SECONDS: Final = 10.0
"""seconds for each of the steps onto a host, if the command line does not say"""

_STARTS: Final = 8
"""hosts that are logged in to at a time"""
_READ_BYTES: Final = 1 << 16

_NO_MATCH: Final = "{host}: no socket matches {globs}"
_TOO_LONG: Final = "{text}: the path is longer than the {most} bytes that ssh forwards"
_TOO_MUCH: Final = "it prints more than a list of sockets"
_OVERDUE: Final = "waited {seconds:g} s for {what}"


class RemoteHosts:
    """The hosts of a run.

    seconds: for each step onto one
    note:    takes remarks
    agent:   guest agents are wanted, not monitors
    """

    def __init__(self, seconds: float, note: Callable[[str], None], *, agent: bool = False) -> None:
        self._seconds = seconds
        self._note = note
        self._agent = agent
        self._later: deque[RemoteHost] = deque()
        self._starting: list[RemoteHost] = []
        self._all: list[RemoteHost] = []
        self._arrived: list[RemoteHost] = []

    def take(self, targets: Iterable[Target]) -> list[Target]:
        """Take those that need a host; return the others, for which nothing is to be waited for."""
        others: list[Target] = []
        by_login: dict[Login, list[Target]] = {}
        for one in targets:
            if isinstance(one.address, SshAddress) and not one.address.is_settled:
                by_login.setdefault(one.address.login, []).append(one)
            else:
                others.append(one)
        for login, theirs in by_login.items():
            self._all.append(RemoteHost(login, theirs, self._note, agent=self._agent))
            self._later.append(self._all[-1])
        return others

    @property
    def awaited(self) -> list[RemoteHost]:
        """The hosts that are not there yet."""
        return [*self._starting, *self._later]

    def descriptors(self) -> dict[int, int]:
        """Return what to wait for, as `poll.wait_for` takes it."""
        return {one.fileno(): READ for one in self._starting}

    @property
    def due(self) -> float | None:
        """When to call `turn` in any case, by `time.monotonic()`; None for never."""
        if self._later and len(self._starting) < _STARTS:
            return 0.0
        return min((one.begun + self._seconds for one in self._starting), default=None)

    def turn(self, now: float) -> list[Target]:
        """Go on as far as possible; return the targets of those that are there or have failed."""
        while self._later and len(self._starting) < _STARTS:
            self._starting.append(self._later.popleft())
        found: list[Target] = []
        for one in [*self._starting]:
            theirs = one.turn(now, self._seconds)
            if theirs is not None:
                self._starting.remove(one)
                self._arrived.append(one)
                found += theirs
        return found

    def take_arrived(self) -> list[RemoteHost]:
        """Return the hosts that are there or have failed, each once; the latter are forgotten."""
        arrived, self._arrived = self._arrived, []
        self._all = [one for one in self._all if not (one.is_refused and one in arrived)]
        return arrived

    def settle(self, targets: Iterable[Target]) -> list[Target]:
        """Wait until all hosts are there or have failed; return the targets, theirs last."""
        found = self.take(targets)
        while self.awaited:
            due = self.due or 0.0
            wait_for(self.descriptors(), max(0.0, due - time.monotonic()))
            found += self.turn(time.monotonic())
        return found

    def close(self) -> None:
        """End what runs, all at once."""
        for one in self._all:
            one.let_go()
        for one in self._all:
            one.close()


class RemoteHost:
    """A host on the way: asked for its sockets where there is a glob, then forwarding them.

    name:  of the host
    begun: of its present step, by `time.monotonic()`
    wanted: the targets, as they were given
    is_refused: it could not be logged in to
    """

    def __init__(
        self,
        login: Login,
        targets: Sequence[Target],
        note: Callable[[str], None],
        *,
        agent: bool,
    ) -> None:
        self.login = login
        self.wanted = tuple(targets)
        self.is_refused = False
        self._agent = agent
        self._globs = [one for one in targets if one.is_found]
        self._found = [one for one in targets if not one.is_found]
        self._note = note
        self._listing: RemoteScript | None = None
        self._printed = b""
        self._forwarded: ForwardedHost | None = None
        self._lost: list[Target] = []
        self.name = targets[0].host
        self.begun = time.monotonic()

    def fileno(self) -> int:
        """Return what becomes readable when it goes on."""
        if self._listing is not None:
            return self._listing.fileno()
        return self._forwarded.current.fileno() if self._forwarded is not None else -1

    def turn(self, now: float, seconds: float) -> list[Target] | None:
        """Go on; return its targets, None as long as it is on the way. seconds: for each step"""
        try:
            if self._forwarded is None and not self._is_listed():
                self._check(now, seconds)
                return None
            if self._forwarded is None and not self._forward(now):
                return self._lost
            if self._is_forwarding():
                return [*map(self._settled, self._found), *self._lost]
            self._check(now, seconds)
        except CannotConnect as error:
            self.close()
            self.is_refused = True
            return self._refused(error)
        return None

    def _check(self, now: float, seconds: float) -> None:
        """Raise ConnectTimeout if it takes too long."""
        if now >= self.begun + seconds:
            host = self.login.host
            overdue = _OVERDUE.format(seconds=seconds, what=AWAITED.format(host=host))
            raise ConnectTimeout(overdue, ADVICE.format(host=host))

    # -------------------------------------------------------------------- the sockets there

    def _is_listed(self) -> bool:
        """Go on with the list of sockets; return whether it is there. Raises CannotConnect."""
        if not self._globs:
            return True
        if self._listing is None:
            self.begun = time.monotonic()
            self._listing = RemoteScript(self.login, script([_path(one) for one in self._globs]))
        while piece := self._listing.read(_READ_BYTES):
            self._printed += piece
            if len(self._printed) > MAX_BYTES:
                raise self.login.refusal("", _TOO_MUCH)
        if piece is None:
            return False
        self._take_list()
        return True

    def _take_list(self) -> None:
        """Make targets of the sockets that the globs have found. Raises CannotConnect."""
        try:
            groups = paths_of(self._printed, len(self._globs))
        except CannotConnect as error:
            said = self._listing.last_words() if self._listing is not None else ""
            raise self.login.refusal("", said or str(error)) from error
        finally:
            self._end_listing()
        if not self._agent:
            globs = map(_path, self._globs)
            groups = [[*monitors_among(*found)] for found in zip(groups, globs, strict=True)]
        known = {_path(one) for one in self._found}
        for target, paths in zip(self._globs, groups, strict=True):
            new = sorted({*paths} - known, key=natural_key)
            known |= {*paths}
            self._found += [_of_glob(target, path) for path in new]
        if not any(groups):
            sought = " ".join(_path(one) for one in self._globs)
            self._note(_NO_MATCH.format(host=self.name, globs=shortened(sought)))
        self._globs = []

    # -------------------------------------------------------------------- the way to them

    def _forward(self, now: float) -> bool:
        """Begin to forward; return whether there is something to forward. Raises CannotConnect."""
        for one in [*self._found]:
            if len(os.fsencode(_path(one))) > MAX_REMOTE_BYTES:
                error = CannotConnect(
                    _TOO_LONG.format(text=shortened(one.text), most=MAX_REMOTE_BYTES)
                )
                self._found.remove(one)
                self._lost.append(_refused(one, error))
        if not self._found:
            return False
        self.begun = now
        self._forwarded = ForwardedHost(self.login, [_path(one) for one in self._found])
        return True

    def _is_forwarding(self) -> bool:
        """Whether ssh listens. Raises CannotConnect if it has ended."""
        if self._forwarded is None:
            return False
        forwarder = self._forwarded.current
        if forwarder.is_ready:
            return True
        if forwarder.has_ended:
            raise self.login.refusal("", forwarder.last_words())
        return False

    def _settled(self, target: Target) -> Target:
        address = SshAddress(target.text, self.login, _path(target), through=self._forwarded)
        return target._replace(address=address)

    def _refused(self, error: CannotConnect) -> list[Target]:
        """Return a target for each socket that was named, and one for all that were not found."""
        rows = [one._replace(name=self.name) for one in self._globs[:1]]
        return [*(_refused(one, error) for one in (*self._found, *rows)), *self._lost]

    def let_go(self) -> None:
        """Have it end, and do not wait for that."""
        if self._forwarded is not None:
            self._forwarded.let_go()

    def close(self) -> None:
        """End what runs for it."""
        self._end_listing()
        if self._forwarded is not None:
            self._forwarded.close()

    def _end_listing(self) -> None:
        if self._listing is not None:
            self._listing.close()
            self._listing = None


def _path(target: Target) -> str:
    """Return the path on the host."""
    return target.address.path if isinstance(target.address, SshAddress) else ""


def is_refused_of(login: Login, target: Target) -> bool:
    """Whether a target only says why a host could not be logged in to."""
    address = target.address
    return isinstance(address, RefusedSshAddress) and address.login == login


def _of_glob(target: Target, path: str) -> Target:
    """Return the target of a socket that a glob has found."""
    text = target.text.removesuffix(_path(target)) + path
    address = target.address
    login = address.login if isinstance(address, SshAddress) else Login("")
    return target._replace(address=SshAddress(text, login, path), text=text)


def _refused(target: Target, error: CannotConnect) -> Target:
    """Return a target whose address says what failed."""
    address = target.address
    login = address.login if isinstance(address, SshAddress) else Login("")
    refused = RefusedSshAddress(target.text, login, _path(target), error)
    return target._replace(address=refused, is_found=False)
