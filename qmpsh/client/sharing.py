"""What is seen of a monitor's share from outside: who uses it, and why it does not serve us."""

from __future__ import annotations

import os
from typing import Final

from qmpsh.address import Address, UnixAddress
from qmpsh.client.poll import READ, wait_for
from qmpsh.client.shares import connect_share, share_folders, share_name
from qmpsh.errors import Busy
from qmpsh.light_typing import NamedTuple
from qmpsh.system.diagnose import SECOND, Finding
from qmpsh.system.listener import SocketTable, accepted_of, listener_of
from qmpsh.system.peer import Peer
from qmpsh.system.proc import maybe_process, user_name

_SHARES: Final = "qmpsh, pid {pid}, holds and shares this monitor"
_DIRECT: Final = "try again, without --direct"
_SILENT: Final = "qmpsh, pid {pid}, holds and shares this monitor, but does not answer"
_WAKE: Final = ", since it is stopped"
_END: Final = f"end it with kill {{pid}}, {SECOND}"
_CONTINUE: Final = "continue it with kill -CONT {pid}, or end it with kill -9 {pid}"
_ANSWER_SECONDS: Final = 0.1  # seconds for its greeting, which takes a millisecond


class ShareScene(NamedTuple):
    """A share, as it is seen from outside. path: of its socket; guests: how many it serves"""

    path: str
    guests: int


def holder_text(peer: Peer) -> str:
    """Return a qmpsh that shares a monitor, as a text names it; with its user if another one."""
    user = "" if peer.uid in (None, os.geteuid()) else f" of {user_name(peer.uid or 0)}"
    return f"qmpsh {peer.pid}{user}"


def find_share(address: Address, uid: int, sockets: SocketTable) -> ShareScene | None:
    """Return the share of a monitor that a user's qmpsh serves; None for none, or a hidden one.

    It connects to nothing.
    """
    name = share_name(address)
    for folder in share_folders(uid) if name else ():
        path = f"{folder}/{name}"
        listener = listener_of(UnixAddress(path), sockets.unix)
        if listener is not None:
            has_peers = any(one.peer for one in sockets.unix)
            ends = accepted_of(listener, sockets.unix)
            return ShareScene(path, sum(bool(one.peer) or not has_peers for one in ends))
    return None


def why_not_through(address: Address) -> Finding | None:
    """Return why the share of a monitor did not serve us; None if there is none.

    It is tried once more: one that greets now was left aside by the user.
    """
    share = connect_share(address)
    if share is None:
        return None
    try:
        answers = bool(wait_for({share.socket.fileno(): READ}, _ANSWER_SECONDS))
    finally:
        share.socket.close()
    pid = share.peer.pid
    if answers:
        return Finding(_SHARES.format(pid=pid), _DIRECT, Busy)
    process = maybe_process(pid) if pid else None
    is_stopped = process is not None and process.state in "Tt"
    what, todo = _SILENT + _WAKE * is_stopped, _CONTINUE if is_stopped else _END
    return Finding(what.format(pid=pid), todo.format(pid=pid), Busy)
