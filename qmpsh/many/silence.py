"""Why VMs did not greet, or did not answer: one look at this machine explains all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Sequence
from typing import Final

from qmpsh.client.discovery import STATES
from qmpsh.client.handshake import ClientOptions, Silence
from qmpsh.client.session_errors import no_greeting
from qmpsh.errors import CannotConnect, ConnectTimeout, ReplyTimeout
from qmpsh.many.contact import Contact
from qmpsh.many.member import SweepMember
from qmpsh.system.listener import SocketTable, channel_of, inspect_listener

_CUT: Final = "no VM on {host} answers: it may be down, or its link cut"


def explain(
    members: Sequence[SweepMember],
    options: ClientOptions,
    answered: Container[str],
    *,
    waits: bool,
) -> None:
    """End the silent ones with the reason, and give the late ones the state of their process.

    answered: the hosts of which another VM has answered
    waits:    the line waits for something, so that a late one need not be cut off
    """
    sockets = SocketTable.read_all()
    hosts = Counter(member.target.host for member in members)
    for member in members:
        scene = inspect_listener(member.target.address, sockets=sockets)
        if channel_of(scene, member.target.address) is None:
            # It may be the way to a monitor: the answer of that is wanted.
            member.target = member.target._replace(is_found=False)
        state = STATES.get(scene.listener.state, "") if scene.listener is not None else ""
        host = member.target.host
        is_cut = bool(host) and host not in answered and hosts[host] > 1
        is_cut = is_cut and (member.is_silent or not waits)
        if member.result is None:
            member.end(silence_error(member.contact, options, sockets), state=state)
        else:
            member.result = member.result._replace(state=state)
        if is_cut:
            _suspect_link(member, host)


def _suspect_link(member: SweepMember, host: str) -> None:
    """Say of a VM that none on its host answers."""
    result = member.result
    if result is None or result.error is None:
        return
    text = f"{result.error}; {_CUT.format(host=host)}"
    late = ReplyTimeout if isinstance(result.error, ReplyTimeout) else ConnectTimeout
    member.result = result._replace(error=late(text))


def silence_error(contact: Contact, options: ClientOptions, sockets: SocketTable) -> CannotConnect:
    """Return why a VM that was connected to did not greet. sockets: of this machine, now"""
    quiet = Silence(_none, contact.begun, lambda: contact.received)
    seconds = options.connect_timeout or 0.0
    return no_greeting(contact.target.address, seconds, options.dialect, quiet, sockets)


def _none() -> int:
    """Return no descriptor: the connection has been closed."""
    return -1
