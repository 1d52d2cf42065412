"""A VM that lives for the session: it was started for it, and the user chooses how it ends.

Knows neither how it was started nor how it is ended; leaving the shell asks what becomes of it.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Protocol

from qmpsh.client.client import Client
from qmpsh.protocol.messages import Command
from qmpsh.shell.machine import Machine
from qmpsh.shell.steps import Ask, Note, Outcome, Steps, WaitFor, Wish

OUTPUT_POLL_SECONDS = 0.25
POWERDOWN_SECONDS = 60.0
"""that a guest has to power down"""
QUIT_SECONDS = 10.0
"""until a VM that was asked to quit is ended in another way"""

_LEAVE = ("l", "leave it running")
_POWERDOWN = ("p", "power it down")
_QUIT = ("q", "quit it")
_CANCEL = ("c", "cancel")


class OwnedVm(Protocol):
    """The VM that `qmpsh run` started. keeps: Enter leaves it running, and does not quit it"""

    @property
    def keeps(self) -> bool: ...

    @property
    def has_ended(self) -> bool:
        """Whether its process is gone."""

    def words(self) -> str:
        """Return what it has printed since the last call, not yet safe to show; "" for nothing."""

    def last_words(self) -> str:
        """Return the last line that it has printed, not yet safe to show; "" for none."""

    def leave_running(self) -> None:
        """Let it outlive the shell; otherwise it is ended with it."""


def is_over(own: OwnedVm, machine: Machine) -> bool:
    """Whether the VM has ended: it said so before it went, or its process is gone."""
    return own.has_ended or (not machine.connected and bool(machine.shutdown_reason))


def leave_shell(own: OwnedVm, client: Client | None, machine: Machine) -> Steps:
    """Leave the shell, once it is settled what becomes of the VM."""
    while not is_over(own, machine):
        choice = yield question(own, machine)
        if choice == "c":
            return Outcome()
        if choice == "l":
            own.leave_running()
            break
        if client is None or client.closed:
            break
        name, patience = (
            ("quit", QUIT_SECONDS) if choice == "q" else ("system_powerdown", POWERDOWN_SECONDS)
        )
        yield from _end_vm(client, machine, name, patience)
        if choice == "q" or machine.shutdown_reason:
            break
        if not is_over(own, machine):
            yield Note(f"the guest has not powered down within {POWERDOWN_SECONDS:g} s")
    return Outcome(leave=True)


def question(own: OwnedVm, machine: Machine) -> Ask:
    """Return the question; only a running guest can power itself down."""
    first, last = (_LEAVE, _QUIT) if own.keeps else (_QUIT, _LEAVE)
    listens = machine.connected and machine.running and "system_powerdown" in machine.commands
    middle = (_POWERDOWN,) if listens else ()
    return Ask("The VM still runs:", (first, *middle, last, _CANCEL))


def _end_vm(
    client: Client, machine: Machine, name: str, patience: float
) -> Generator[Wish, str, None]:
    """Send a command that ends the VM, and wait for that."""
    machine.shutdown_reason = ""
    client.submit(Command(name))
    if name != "quit":
        yield Note("waiting for the guest to power down; Ctrl-C stops waiting")
    yield WaitFor(
        lambda: client.closed or bool(machine.shutdown_reason), time.monotonic() + patience
    )
