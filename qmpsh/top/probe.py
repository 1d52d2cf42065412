"""One VM under watch: reached, asked round by round, followed by its events; nothing blocks.

A VM that is held stays connected, is shared with other qmpsh meanwhile, and says by events what
changes. One that is visited is left after each round, so that others find its monitor free. One
that does not greet keeps its place in the queue of the monitor: leaving it and coming again would
fill that queue with connections without a user.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions, Pending, server_fd
from qmpsh.client.discovery import qemu_command_of
from qmpsh.client.poll import READ, WRITE
from qmpsh.errors import Busy, NotQmp, QmpshError
from qmpsh.light_typing import NamedTuple
from qmpsh.many.contact import Contact
from qmpsh.many.silence import silence_error
from qmpsh.many.targets import Target
from qmpsh.protocol.messages import Command, ErrorReply, Event, Reply
from qmpsh.shell.session.share import MonitorShare, quiet_share
from qmpsh.shell.settings import Settings
from qmpsh.system.listener import SocketTable, listener_of
from qmpsh.system.peer import server_peer
from qmpsh.system.queues import MonitorQueues
from qmpsh.system.usage import group_of, maybe_usage, tap_names, thread_seconds
from qmpsh.top.questions import Rota, command_of
from qmpsh.top.record import SILENT_SECONDS, Link, VmRecord

AGAIN_SECONDS: Final = 1.0
"""seconds until a VM that was lost is sought again"""
_ALIVE: Final = Command("query-yank", oob=True)
"""What only says that the monitor reads commands, beside a main loop that may be stuck."""
_SELDOM: Final = 5
"""rounds between two looks at what few show"""
_RARE: Final = 30
"""rounds between two looks for network cards that were plugged"""
_BEFORE_SILENCE: Final = frozenset({Link.CONNECTING, Link.UP, Link.GONE})
_WORK: Final = frozenset({"query-jobs", "query-migrate"})

Done = Callable[[VmRecord, Pending], None]


class Asked(NamedTuple):
    """A command that was sent. done: of an order, None for a question of ours"""

    pending: Pending
    done: Done | None = None


class ProbePlan(NamedTuple):
    """How VMs are watched.

    holds:    they stay connected; else each is left after every round
    settings: whether a monitor that is held is shared, and what others may do there
    on_event: called with each event of a VM
    queues:   no monitor is connected to at which others wait; None to wait with them
    """

    options: ClientOptions
    settings: Settings
    holds: bool = False
    on_event: Callable[[VmRecord, Event], None] | None = None
    queues: MonitorQueues | None = None


class Probe:
    """One VM under watch.

    record:       what is known of it
    is_visible:   it is on the screen: what is dear to find out is found out each time
    needs_sockets: the sockets of this machine would say why it does not greet, or which process
                  it is while another qmpsh is in between
    rounds:       how many have ended with an answer
    """

    __slots__ = (
        *("record", "is_visible", "needs_sockets", "rounds", "watched"),
        *("_plan", "_rota", "_contact", "_client", "_asked", "_orders", "_share", "_taps"),
        *("_again_at", "_alive", "_begun", "_seeks_taps"),
    )

    def __init__(self, target: Target, plan: ProbePlan, now: float) -> None:
        self.record = VmRecord(target, now)
        self.is_visible = True
        self.needs_sockets = False
        self.rounds = 0
        self.watched: tuple[object, ...] = ()
        self._plan = plan
        self._rota = Rota(visits=not plan.holds)
        self._contact: Contact | None = None
        self._client: Client | None = None
        self._asked: deque[Asked] = deque()
        self._orders: deque[tuple[Command, Done]] = deque()
        self._share: MonitorShare | None = None
        self._taps: tuple[str, ...] = ()
        self._seeks_taps = True
        self._again_at = now
        self._alive: Pending | None = None
        self._begun = 0

    # -------------------------------------------------------------------- what is waited for

    @property
    def client(self) -> Client | None:
        """The present connection, taking commands or not yet."""
        if self._client is not None:
            return self._client
        return self._contact.client if self._contact is not None else None

    @property
    def is_connected(self) -> bool:
        """Whether it has a descriptor."""
        client = self.client
        return client is not None and not client.closed

    @property
    def share_fd(self) -> int:
        """The descriptor of those who share its monitor; -1 for none."""
        return self._share.fileno() if self._share is not None else -1

    @property
    def sharers(self) -> int:
        """How many use its monitor through this process."""
        return len(self._share.clients) if self._share is not None else 0

    @property
    def flags(self) -> int:
        """What its connection is waited for: flags of poll(2)."""
        client = self.client
        return READ | WRITE if client is not None and client.wants_write else READ

    @property
    def holds(self) -> bool:
        """Whether it stays connected."""
        return self._plan.holds

    @property
    def is_visiting(self) -> bool:
        """Whether it is connected for one round, and makes room for others after it.

        One that does not greet delays no other.
        """
        waits = self._contact is not None and self._contact.is_silent
        return self.is_connected and not (self.holds or waits)

    @property
    def is_due(self) -> bool:
        """Whether it is to be reached, now that there is room."""
        return self._contact is None and self._client is None

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing of it has a deadline: its descriptors say what comes next."""
        if self._contact is not None or self.needs_sockets:
            return False
        if self._client is None:
            return True
        is_asked = bool(self._asked or self._orders)
        return not (is_asked or self.sharers) and self.record.progress.is_idle

    # -------------------------------------------------------------------- rounds

    def begin_round(self, now: float) -> None:
        """Reach it, or ask what is due, unless the last round has not ended."""
        self._begun += 1
        if self._client is not None:
            if not self._asked:
                self._ask(self._client, self._rota.next_round())
                if self._plan.holds and self._begun % _SELDOM == 0:
                    self.record.progress.suspect_migration()
            self._see_if_stuck(self._client, now)
        elif self._contact is None and now >= self._again_at:
            self._reach(now)

    def _reach(self, now: float) -> None:
        plan = self._plan
        self._contact = Contact(
            self.record.target, plan.options, asks_name=True, queues=plan.queues
        )
        if self.record.is_up:
            self._contact.name = self._contact.name or self.record.machine.name
            self.record.asked_at = now
        self.turn(now)

    def turn(self, now: float, fd: int = -1) -> None:
        """Go on as far as possible without waiting. fd: the descriptor that is ready, -1 for any"""
        if self._client is None and self._contact is not None:
            self._approach(self._contact, now)
        if self._client is None:
            return
        self._take_replies(now)
        if self._client.closed:
            self._lose(self._client.lost, now)
        elif self._plan.holds:
            self._ask_progress(self._client, now)
            if self.sharers or fd == self.share_fd:
                self._serve(self._client)
        elif not (self._asked or self._orders):
            self._leave()

    def _serve(self, client: Client) -> None:
        """Go on with those who share its monitor, of whom one may have just come."""
        if self._share is not None:
            self._share.poll(client)

    def _approach(self, contact: Contact, now: float) -> None:
        """Go on towards a session."""
        client = contact.turn(now)
        if client is not None:
            self._arrive(client, contact, now)
        elif contact.error is not None:
            self._contact = None
            self._again_at = now + AGAIN_SECONDS
            # Which it stays for one that was there before.
            was_here = self.record.link in (Link.UP, Link.GONE)
            link = Link.GONE if was_here else Link.REFUSED
            self.record.set_link(
                Link.BUSY if isinstance(contact.error, Busy) else link, now, contact.error
            )
        elif contact.is_silent and self.record.link in _BEFORE_SILENCE:
            self.record.set_link(Link.SILENT, now)
            self.record.asked_at = contact.begun
            self.needs_sockets = True
            self._find_process(contact.client)
            self.look_at_process(now)

    def explain(self, sockets: SocketTable, now: float) -> None:
        """Find out why it does not greet, or which process it is."""
        self.needs_sockets = False
        address = self.record.target.address
        is_unknown = self.record.is_up or self.client is None
        if is_unknown and isinstance(address, UnixAddress) and not self.record.pid:
            listener = listener_of(address, sockets.unix)
            pids = sockets.pids or {}
            self._set_process(pids.get(listener.inode) if listener is not None else None)
        if self._contact is not None and self._contact.is_silent:
            error = silence_error(self._contact, self._plan.options, sockets)
            kinds = ((Busy, Link.BUSY), (NotQmp, Link.REFUSED))
            link = next((link for kind, link in kinds if isinstance(error, kind)), Link.SILENT)
            self.record.set_link(link, now, error)
            self.record.asked_at = self._contact.begun if link is Link.SILENT else None

    def _arrive(self, client: Client, contact: Contact, now: float) -> None:
        record, pid = self.record, self.record.pid
        was_up = record.is_up
        self._client, self._contact = client, None
        self._find_process(client)
        if client.holder is not None and not was_up:
            self.needs_sockets = True
        if was_up and pid in (0, record.pid):
            record.on_greeting(client.connection.greeting, now)
        else:
            record.restart(client.connection.greeting, now)
            self._rota.start()
        record.machine.name = contact.name
        record.own_name = record.target.called(contact.name or record.target.stem)
        client.subscriber = self._deliver
        if self._plan.holds and client.holder is None:
            self._share = quiet_share(self._plan.settings)
            self._share.follow(client)
            self._serve(client)
        if record.progress.works():
            self._rota.want(*_WORK)
        self._ask(client, self._rota.next_round())
        self._send_orders(client)

    def _deliver(self, message: Event | Reply | ErrorReply) -> None:
        if not isinstance(message, Event):
            return
        self.record.on_event(message, time.monotonic())
        if self._plan.on_event is not None:
            self._plan.on_event(self.record, message)
        wanted = self._rota.on_event(message.name)
        if wanted and self._client is not None:
            self._ask(self._client, wanted)

    # -------------------------------------------------------------------- questions and answers

    def _ask(self, client: Client, commands: Sequence[str]) -> None:
        """Ask what is not being asked already."""
        asked = {one.pending.command.name for one in self._asked}
        for name in commands:
            if name not in asked and not client.closed:
                if name == "query-status":
                    self.record.machine.on_status_query()
                self._asked.append(Asked(client.submit(command_of(name))))
        self._note_silence()

    def _ask_progress(self, client: Client, now: float) -> None:
        name = None if client.closed else self.record.progress.next_query(now)
        if name is not None:
            self._asked.append(Asked(client.submit(Command(name))))
            self._note_silence()

    def _note_silence(self) -> None:
        self.record.asked_at = self._asked[0].pending.submitted if self._asked else None

    def _take_replies(self, now: float) -> None:
        has_waited = bool(self._asked)
        while self._asked and self._asked[0].pending.done:
            asked = self._asked.popleft()
            if asked.done is not None:
                asked.done(self.record, asked.pending)
            else:
                self._take_answer(asked.pending, now)
        self._note_silence()
        if has_waited and not self._asked:
            self.rounds += 1
            self._alive, self.record.is_stuck = None, False
            if self.record.usage.process is None:
                self.look_at_process(now)

    def _take_answer(self, pending: Pending, now: float) -> None:
        """Use the answer to a question of ours."""
        name, reply = pending.command.name, pending.reply
        if isinstance(reply, Reply):
            self.record.on_reply(name, reply.value, pending.answered)
            if name == "query-blockstats":
                self._rota.on_counters(name, self.record.usage.disks)
            elif name == "query-stats" and not reply.value:
                self._rota.on_refusal(name)  # what runs without KVM always will
        elif isinstance(reply, ErrorReply):
            self._rota.on_refusal(name)
            if name in _WORK:
                self.record.progress.on_reply(name, None, now)

    def _see_if_stuck(self, client: Client, now: float) -> None:
        """Ask out of band whether the monitor reads commands at all, once it is silent."""
        if self.record.silence(now) < SILENT_SECONDS or client.closed:
            return
        if self._alive is not None:
            self.record.is_stuck = self._alive.reply is not None
        elif client.connection.oob:
            self._alive = client.submit(_ALIVE)

    # -------------------------------------------------------------------- orders

    def order(self, command: Command, done: Done, now: float) -> None:
        """Send a command of the user's as soon as possible; done: called with what came of it"""
        self._orders.append((command, done))
        if self._client is not None:
            self._send_orders(self._client)
        elif self._contact is None:
            self._reach(now)

    def _send_orders(self, client: Client) -> None:
        while self._orders and not client.closed:
            command, done = self._orders.popleft()
            self._asked.append(Asked(client.submit(command), done))

    # -------------------------------------------------------------------- the process

    def _find_process(self, client: Client | None) -> None:
        """Find the process of the VM, as far as it is one of this machine."""
        address = self.record.target.address
        fd = server_fd(client) if client is not None and not client.closed else -1
        pid = server_peer(address, fd).pid if fd >= 0 else None
        if not pid and self.record.threads and _is_here(self.record.target):
            pid = group_of(self.record.threads[0])
        is_between = client is not None and client.holder is not None
        if pid or not is_between:  # else nothing new is known of it
            self._set_process(pid)

    def _set_process(self, pid: int | None) -> None:
        if pid != self.record.pid:
            # Only of a QEMU: a forwarder may be in between.
            self.record.pid = pid if pid and qemu_command_of(pid) is not None else 0
            self._taps, self._seeks_taps = (), True

    def look_at_process(self, now: float) -> tuple[str, ...]:
        """Read what the process uses; return the host's interfaces of its network cards."""
        record = self.record
        if not record.pid and record.threads and self._client is not None:
            self._find_process(self._client)
        if not record.pid:
            return ()
        record.usage.on_process(maybe_usage(record.pid))
        if record.threads and (self.is_visible or self._begun % _SELDOM == 0):
            record.usage.guest.read((thread_seconds(record.pid, record.threads),), now)
        if self._seeks_taps or self._begun % _RARE == 0:
            self._taps, self._seeks_taps = tap_names(record.pid), False
        return self._taps

    # -------------------------------------------------------------------- the end

    def _lose(self, error: QmpshError | None, now: float) -> None:
        self._leave()
        self._again_at = now + AGAIN_SECONDS
        self.record.set_link(Link.GONE, now, error)

    def _leave(self) -> None:
        """Give the connection up; what it was asked is forgotten, and orders have failed."""
        if self._share is not None:
            self._share.end()
            self._share = None
        if self._client is not None:
            self._client.close()
        for asked in self._asked:
            if asked.done is not None:
                asked.done(self.record, asked.pending)
        self._client = self._alive = None
        self._asked.clear()

    def close(self) -> None:
        """Give it up; may be called twice."""
        self._leave()
        if self._contact is not None:
            self._contact.close()
            self._contact = None


def _is_here(target: Target) -> bool:
    """Whether the threads of a VM have numbers of this machine, which its monitor says."""
    text = target.text
    is_remote = "://" in text and ":///" not in text
    is_of_libvirt = text.startswith("libvirt:") and not is_remote
    return isinstance(target.address, UnixAddress) or is_of_libvirt
