"""The connection of a session: notices its loss, connects again, and says what is happening.

Never blocks: it is polled, as the client is. Which VM answers is asked before anything else is sent
to it: a line meant for one VM must not run on another because that took the other's place.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from qmpsh.address import TcpAddress, UnixAddress
from qmpsh.client.client import Client
from qmpsh.errors import Busy, CannotConnect, NotQmp, QmpshError
from qmpsh.shell.machine import ConnectionState, Machine
from qmpsh.shell.session.listener import SessionListener, Tone
from qmpsh.shell.session.owned_vm import OwnedVm
from qmpsh.shell.session.reconnect import (
    FILE_CHECK_SECONDS,
    GREETING_SECONDS,
    ReconnectAttempt,
    ReconnectPlan,
    VmIdentity,
    server_process,
)
from qmpsh.shell.steps import Outcome, Steps, WaitFor
from qmpsh.system.owners import owner_of
from qmpsh.system.peer import socket_file, tcp_peer

_VM_HAS_ENDED = "the VM has ended; leave the shell and start a new one with qmpsh run"
_ASKS_FIRST = "; the next line asks before it runs there"


class ConnectionManager:
    """The connection of a session, over its losses and returns.

    client: greeted and negotiated; machine: gets the state of the connection
    adopt: takes a new client, and whether it may be another server's

    own: the VM if it lives for this session: it is never connected again after its end
    serial: grows with each file descriptor, since descriptor numbers are reused
    """

    def __init__(
        self,
        client: Client,
        machine: Machine,
        listener: SessionListener,
        adopt: Callable[[Client, bool], None],
    ) -> None:
        self.own: OwnedVm | None = None
        self.serial = 0
        self._client = client
        self._machine = machine
        self._listener = listener
        self._adopt = adopt
        self._name = str(client.address)
        self._address = client.address
        if isinstance(client.address, TcpAddress):
            self._address = tcp_peer(client.fileno()) or client.address
        machine.owner = owner_of(client.address)
        self._process = server_process(client)
        self._plan = ReconnectPlan()
        self._attempt: ReconnectAttempt | None = None
        self._error: QmpshError | None = None  # of the last attempt
        self._reported = ""  # the last server that is not QMP
        self._file: tuple[int, ...] = ()
        self._by_user = False
        self._chosen = VmIdentity()
        self._unapproved: VmIdentity | None = None

    # ------------------------------------------------------------------ for the event loop

    def fileno(self) -> int:
        """Return the descriptor to watch, -1 for none."""
        return self._current.fileno()

    @property
    def wants_write(self) -> bool:
        """Whether to watch for writing too."""
        return self._current.wants_write

    def wait(self, now: float) -> float | None:
        """Return the seconds after which poll() is due in any case; None for never."""
        seconds = self._plan.seconds_left(now)
        due = self._attempt.due if self._attempt is not None else math.inf
        if due < math.inf:
            seconds = min(max(0.0, due - now), math.inf if seconds is None else seconds)
        is_file = isinstance(self._address, UnixAddress) and not self._address.abstract
        if seconds is not None and is_file and self._plan.state is ConnectionState.WAITING:
            return min(seconds, FILE_CHECK_SECONDS)
        return seconds

    def poll(self, now: float) -> None:
        """Report that the connection is closed, once, and work on the next one."""
        if self._machine.connected:
            self._on_loss(now)
        elif self._vm_has_ended and self._plan.state.is_reconnecting:
            self._stop(ConnectionState.ENDED)
        found = self._try(now)
        if found is not None and self._attempt is not None:
            self._on_reconnect(self._attempt.client, found)
        elif obstacle := self._obstacle(now):
            self._listener.remark(obstacle)
        self._publish()

    # ------------------------------------------------------------------ what the user wants

    def disconnect(self) -> None:
        """Leave the monitor to other clients, until the user wants it again."""
        machine = self._machine
        machine.disconnected_by_user = machine.disconnected_by_user or machine.connected
        self._stop(ConnectionState.DISCONNECTED)
        self._client.close()
        self._publish()

    def resume(self) -> None:
        """Connect again although no line asks for it, unless the monitor has an owner."""
        if self._machine.owner:
            self._stop()
        else:
            self._try_now(by_user=False)
        self._publish()
        if self._machine.owner:
            self._listener.remark(self._machine.connection_hint)

    def reconnect(self) -> Steps:
        """Connect again, and wait for the first attempt. Raises CannotConnect."""
        if self._vm_has_ended:
            raise CannotConnect(_VM_HAS_ENDED)
        self._try_now(by_user=True)
        self._publish()
        deadline = time.monotonic() + GREETING_SECONDS
        yield WaitFor(lambda: self._machine.connected or self._error is not None, deadline)
        if not self._machine.connected and self._error is not None:
            raise self._error
        return Outcome()

    def close(self) -> None:
        """Close the connection, and try no other."""
        self._stop()
        self._client.close()

    @property
    def unapproved(self) -> VmIdentity | None:
        """The VM that took the place of the user's; None if the user has chosen the one there."""
        return self._unapproved

    def approve(self, vm: VmIdentity) -> None:
        """Run lines on this VM from now on; without effect if it has gone in the meantime."""
        if vm is self._unapproved:
            self._unapproved = None

    # ------------------------------------------------------------------ what happens

    @property
    def _current(self) -> Client:
        return self._attempt.client if self._attempt is not None else self._client

    @property
    def _vm_has_ended(self) -> bool:
        return self.own is not None and self.own.has_ended

    def _publish(self) -> None:
        """Put the state into the machine's record, where the front end finds it."""
        state = self._plan.state
        if self._machine.connection is not state:
            self._machine.connection = state
            self._listener.refresh()

    def _on_loss(self, now: float) -> None:
        machine = self._machine
        if not machine.shutdown_reason and self._process.has_ended:
            said = self.own.last_words() if self.own is not None else ""
            machine.shutdown_reason = f"killed or crashed ({said})" if said else "killed or crashed"
        self._abandon_attempt()
        self._by_user = False
        self._reported = ""
        self._file = socket_file(self._address)
        if self._vm_has_ended or (self.own is not None and machine.shutdown_reason):
            self._plan.stop(ConnectionState.ENDED)
        elif self.own is not None or machine.owner:
            self._plan.stop()
        else:
            self._plan.connection_lost(now)
        self._publish()
        if self._client.lost is not None:
            self._listener.connection_lost(self._client.lost)

    def _on_reconnect(self, client: Client, vm: VmIdentity) -> None:
        """Go on with a new client, and report which VM it has found."""
        machine, process = self._machine, server_process(client)
        last_version = machine.version
        # While the user has not approved a strange VM, the one before it is what counts.
        last = VmIdentity(machine.name, machine.uuid) if self._unapproved is None else self._chosen
        is_stranger = vm != last
        needs_approval = is_stranger and not self._by_user
        self._chosen = last if needs_approval else vm
        self._unapproved = vm if needs_approval else None
        is_other = not process.runs_same_program(self._process)
        self._client, self._process, self._attempt = client, process, None
        self._plan.connected()
        machine.on_greeting(client.connection.greeting)
        machine.name, machine.uuid = vm
        text = reconnect_notice(machine, last, last_version) + _ASKS_FIRST * needs_approval
        self._listener.remark(text, Tone.ALARMING if is_stranger else Tone.QUIET)
        self._adopt(client, is_other)
        self._listener.refresh()

    # ------------------------------------------------------------------ attempts

    def _stop(self, state: ConnectionState = ConnectionState.IDLE) -> None:
        self._abandon_attempt()
        self._plan.stop(state)

    def _try_now(self, *, by_user: bool) -> None:
        """Try at once. by_user: any VM may answer, since the user asked for it."""
        self._abandon_attempt()
        self._error = None
        self._by_user = by_user
        self._plan.try_now(time.monotonic())

    def _try(self, now: float) -> VmIdentity | None:
        """Begin the attempt that is due, or go on with it; return the VM that it has found."""
        if self._plan.state is ConnectionState.WAITING:
            if socket_file(self._address) not in ((), self._file):
                self._plan.server_appeared(now)
            if self._plan.is_due(now):
                self._begin(now)
        try:
            if self._attempt is None:
                return None
            if self._attempt.seek(now):
                self.serial += 1
            return self._attempt.poll()
        except QmpshError as error:
            self._fail(error, now)
            return None

    def _begin(self, now: float) -> None:
        self._file = socket_file(self._address)
        try:
            lost = self._client
            again = Client.open(self._address, lost.options, lost.tracer)
            self._attempt = ReconnectAttempt(again, now)
        except QmpshError as error:
            self._fail(error, now)
            return
        self.serial += 1
        self._plan.attempt_started(now)

    def _fail(self, error: QmpshError, now: float) -> None:
        self._abandon_attempt()
        self._error = error
        if self._machine.owner:
            self._plan.stop()
        else:
            self._plan.attempt_failed(now)

    def _abandon_attempt(self) -> None:
        if self._attempt is not None:
            self._attempt.client.close()
        self._attempt = None

    def _obstacle(self, now: float) -> str:
        """Return what keeps the attempts from succeeding: a server that does not greet, or one that
        is not QMP. "" for nothing, or nothing new.
        """
        is_waiting = self._plan.state is ConnectionState.WAITING
        if isinstance(self._error, NotQmp) and is_waiting:
            last, self._reported = self._reported, str(self._error)
            return f"{self._reported}; still waiting for the VM" if self._reported != last else ""
        is_busy = isinstance(self._error, Busy) and is_waiting
        is_new = self._plan.should_report_silence(now) or (is_busy and self._plan.should_report())
        if not is_new:
            return ""
        client = self._attempt.client if self._attempt is not None else None
        if client is not None and client.stream.awaits:
            return f"{self._name}: waiting for {client.stream.awaits}"
        fd = client.fileno() if client is not None else -1
        # Imported here: most servers greet at once.
        from qmpsh.client.session_errors import still_waiting

        reason = still_waiting(self._address, self._client.dialect, fd)
        return f"{self._name}: {reason}"


def reconnect_notice(machine: Machine, last: VmIdentity, last_version: str) -> str:
    """Return one line on the VM that `machine` describes now. last: the VM before it"""
    server = f"{machine.server} {machine.version}" if machine.version else machine.address
    if machine.version != last_version:
        server += f", before {last_version}"
    vm = VmIdentity(machine.name, machine.uuid)
    if vm == last:
        return f"reconnected{f' to {vm.name}' if vm.name else ''} ({server})"
    return f"reconnected, but this is another VM: {vm.shown} ({server})"
