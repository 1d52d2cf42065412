"""Why VMs did not greet, or did not answer: one look at this machine explains all of them."""

from __future__ import annotations

from collections.abc import Sequence

from qmpsh.address import Address
from qmpsh.client.discovery import STATES
from qmpsh.client.handshake import ClientOptions, Silence
from qmpsh.client.session_errors import no_greeting
from qmpsh.errors import CannotConnect
from qmpsh.many.contact import Contact
from qmpsh.many.member import SweepMember
from qmpsh.system.listener import SocketTable, inspect_listener


def explain(members: Sequence[SweepMember], options: ClientOptions) -> None:
    """End the silent ones with the reason, and give the late ones the state of their process."""
    sockets = SocketTable.read_all()
    for member in members:
        state = _state(member.target.address, sockets)
        if member.result is not None:
            member.result = member.result._replace(state=state)
            continue
        member.end(silence_error(member.contact, options, sockets), state=state)


def silence_error(contact: Contact, options: ClientOptions, sockets: SocketTable) -> CannotConnect:
    """Return why a VM that was connected to did not greet. sockets: of this machine, now"""
    quiet = Silence(_none, contact.begun, lambda: contact.received)
    seconds = options.connect_timeout or 0.0
    return no_greeting(contact.target.address, seconds, options.dialect, quiet, sockets)


def _none() -> int:
    """Return no descriptor: the connection has been closed."""
    return -1


def _state(address: Address, sockets: SocketTable) -> str:
    """Return what the server's process does, in a word; "" if it runs or is not known."""
    listener = inspect_listener(address, sockets=sockets).listener
    return STATES.get(listener.state, "") if listener is not None else ""
