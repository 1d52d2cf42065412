"""Manages a session's connection over its life, and what is said about it.

Keeps the machine's record true while there is no connection, informs the listener, and hands the
session the connection to the VM that came back. Which VM that is, is asked before it is used: a
line meant for one VM must not run on another because it took the other's place.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from qmpsh.client.client import Client
from qmpsh.errors import CannotConnect
from qmpsh.shell.machine import Machine
from qmpsh.shell.session.listener import SessionListener, Tone
from qmpsh.shell.session.owned_vm import OwnedVm, is_over
from qmpsh.shell.session.reconnect import (
    PATIENCE,
    Phase,
    Reconnected,
    Reconnector,
    VmIdentity,
    binary_of,
)
from qmpsh.shell.steps import Outcome, Steps, WaitFor


class ConnectionManager:
    """The connection of a session, over its losses and returns.

    client: begun; machine: the record that is kept true; own: the VM if it lives for this session
    adopt: takes a new connection, and whether it may be to another server
    """

    def __init__(
        self,
        client: Client,
        machine: Machine,
        listener: SessionListener,
        adopt: Callable[[Client, bool], None],
    ) -> None:
        self._client = client
        self._machine = machine
        self._listener = listener
        self._adopt = adopt
        self._lifeline = Reconnector(client)
        machine.owner = self._lifeline.owner
        self._binary = binary_of(client)
        self._chosen = VmIdentity()
        self._stranger: VmIdentity | None = None
        self.own: OwnedVm | None = None

    # ------------------------------------------------------------------ for the event loop

    def fileno(self) -> int:
        """The descriptor to watch, -1 for none."""
        return self._lifeline.client.fileno()

    @property
    def serial(self) -> int:
        """Grows with each descriptor."""
        return self._lifeline.serial

    @property
    def wants_write(self) -> bool:
        """Whether to watch for writing too."""
        return self._lifeline.client.wants_write

    def wait(self, now: float) -> float | None:
        """Seconds until poll() is due in any case."""
        return self._lifeline.wait(now)

    def poll(self, now: float) -> None:
        """The connection is closed: say so once, and go on with finding the VM again."""
        if self._machine.connected:
            self._lose(now)
        if self._is_gone and self._lifeline.phase is not Phase.APART:
            self._lifeline.part()
            self._foresee()
        met = self._lifeline.poll(now)
        complaint = self._lifeline.complaint(now)
        if complaint:
            self._listener.remark(complaint)
        if met is not None:
            self._meet(met)
        elif (self._lifeline.phase is Phase.APART) != (self._machine.outlook != "reconnecting"):
            self._foresee()

    # ------------------------------------------------------------------ what the user wants

    def disconnect(self) -> None:
        """Leave the monitor to other clients, until it is wanted again."""
        self.close()
        self._machine.parted = self._machine.parted or self._machine.connected
        self._machine.connected = False
        self._machine.outlook = "disconnected"
        self._listener.refresh()

    def resume(self) -> None:
        """Take the monitor again unasked, so never one that has an owner."""
        self._lifeline.want(time.monotonic(), by_hand=False)
        self._foresee()
        if self._lifeline.phase is Phase.APART:
            self._listener.remark(self._machine.prospect)

    def reconnect(self) -> Steps:
        """Take the monitor again, and wait for the first try. Raises CannotConnect."""
        if self._is_gone:
            raise CannotConnect("the VM has ended: leave, and qmpsh run starts another")
        machine, lifeline = self._machine, self._lifeline
        now = time.monotonic()
        lifeline.want(now, by_hand=True)
        self._foresee()
        yield WaitFor(lambda: machine.connected or lifeline.error is not None, now + PATIENCE)
        if not machine.connected and lifeline.error is not None:
            raise lifeline.error
        return Outcome()

    def close(self) -> None:
        """Close the connection, and try no other."""
        self._lifeline.part()
        self._client.close()

    @property
    def unapproved(self) -> VmIdentity | None:
        """The VM that took the place of the user's, None if the user has chosen the one there."""
        return self._stranger

    def approve(self, vm: VmIdentity) -> None:
        """Run lines on this VM from now on; without effect if it has gone in the meantime."""
        if vm is self._stranger:
            self._stranger = None

    # ------------------------------------------------------------------ what happens

    @property
    def _is_gone(self) -> bool:
        """Whether the VM was ours and has ended: no other one will take its place."""
        return self.own is not None and self.own.has_ended

    def _lose(self, now: float) -> None:
        machine = self._machine
        machine.connected = False
        if not machine.farewell and self._binary.has_ended:
            said = self.own.last_words() if self.own is not None else ""
            machine.farewell = f"killed or crashed ({said})" if said else "killed or crashed"
        if self.own is None:
            self._lifeline.lost(now)
        else:
            self._lifeline.part()
        self._foresee()
        if self._client.lost is not None:
            self._listener.lost(self._client.lost)

    def _foresee(self) -> None:
        """Say in the machine's record what becomes of the connection."""
        machine = self._machine
        if self.own is not None and is_over(self.own, machine):
            machine.outlook = "not coming back"
            machine.prospect = "Ctrl-D leaves."
        elif self._lifeline.phase is Phase.APART:
            machine.outlook = "not connected"
            machine.prospect = (
                f"{machine.address} belongs to {machine.owner} and is not taken unasked: .reconnect"
                " takes it; Ctrl-D leaves."
                if machine.owner
                else ".reconnect connects again; Ctrl-D leaves."
            )
        else:
            machine.outlook = "reconnecting"
            machine.prospect = f"Waiting for {machine.address} to come back; Ctrl-D leaves."
        self._listener.refresh()

    def _meet(self, met: Reconnected) -> None:
        """The VM is back, or another one is there."""
        machine, binary = self._machine, binary_of(met.client)
        version = machine.version
        # If the user has not agreed to a strange VM, the one before it is what counts.
        before = VmIdentity(machine.name, machine.uuid) if self._stranger is None else self._chosen
        is_stranger = met.who != before
        self._chosen = before if is_stranger and not met.by_hand else met.who
        self._stranger = None if self._chosen == met.who else met.who
        machine.meet(met.client.greeting)
        machine.name, machine.uuid = met.who
        is_other = not binary.is_as(self._binary)
        self._client, self._binary = met.client, binary
        tone = Tone.ALARMING if is_stranger else Tone.QUIET
        self._listener.remark(reunion(machine, met, before, version), tone)
        self._adopt(met.client, is_other)
        self._listener.refresh()


def reunion(machine: Machine, met: Reconnected, before: VmIdentity, version: str) -> str:
    """One line on who was met; `machine` knows them already. before, version: of the last VM."""
    server = f"{machine.server} {machine.version}" if machine.version else machine.address
    if machine.version != version:
        server += f", before {version}"
    if met.who == before:
        return f"reconnected{f' to {met.who.name}' if met.who.name else ''} ({server})"
    asks = "" if met.by_hand else "; the next line asks before it runs there"
    return f"reconnected, but this is another VM: {met.who.shown} ({server}){asks}"
