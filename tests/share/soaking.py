"""Mixed clients of one shell that shares its monitor, some of them killed and frozen, as is the VM.

Each request says whose it is, and so does its reply. What a client hears of the VM must be a piece,
without a gap, of what a second monitor of the same VM hears. Now and then all rest: then the shell
is looked at, which must hold no more memory or descriptors than before.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from itertools import count

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import Client, ClientOptions
from qmpsh.client.shares import connect_share, share_folders, share_name
from qmpsh.errors import CommandFailed, ConnectionLost
from qmpsh.jsontypes import Json, JsonObject, as_dict, get_str
from qmpsh.protocol.messages import Command, ErrorReply, Event, Reply
from qmpsh.system.listener import inspect_listener
from tests.console import Console, console
from tests.growth import Sample, sample_of
from tests.qemu import ROOT, Vm, VmStarter, new_folder
from tests.share.holder import NEGOTIATE
from tests.waiting import PATIENCE, wait_until

SEED = 7
FREEZE_SECONDS = 0.3
PAUSE_SECONDS = 0.4
"""at most, between two sessions of a client"""

CLIENTS = {"raw": 4, "half closed": 3, "library": 3, "one-shot": 3, "script": 2, "follower": 2}
"""How many of each kind the long form has; of the others one. With qemu.qmp they are 20."""

NAME = "soak"
SCHEMA: JsonObject = {"execute": "query-qmp-schema"}
_EXIT_CODES_OF_LOSS = (3, 4)
_FOLLOWED = 4  # events of one session of a follower


class Lost(Exception):
    """The connection of a client has ended."""


class SharingLoad:
    """A shell that shares its VM, and the clients of that.

    clients:   how many of each kind, where that is not one
    emulators: each restart of the VM takes the next one

    done: sessions and disturbances so far, by name
    """

    def __init__(self, clients: Mapping[str, int], emulators: list[str]) -> None:
        self.done: Counter[str] = Counter()
        self._started = time.monotonic()
        self._dice = random.Random(SEED)
        self._starters = [VmStarter(path) for path in emulators]
        self._folder = new_folder()
        self._faults: list[str] = []
        self._heard: list[list[str]] = []  # by clients, since the last look
        self._life = 0  # of the VM
        self._active = 0  # sessions
        self._lock = threading.Lock()
        self._may_begin = threading.Event()
        self._has_ended = threading.Event()
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._shells: set[subprocess.Popen[bytes]] = set()  # that would wait for the next VM
        self._victims: set[int] = set()  # processes
        self._numbers = count()
        self._stack = ExitStack()
        self._vm = self._start_vm()
        self.address = UnixAddress(self._vm.path)
        self._shell = self._stack.enter_context(console(self._vm.path))
        self._drain(self._shell)
        self._reference: list[str] = []
        self._follow_vm()
        wait_until(lambda: os.path.exists(self.share_path), what="the share")
        self._workers = [
            threading.Thread(target=self._work, args=(name, kind), daemon=True)
            for name, kind in self._kinds().items()
            for _ in range(clients.get(name, 1))
        ]
        for worker in self._workers:
            worker.start()
        self._may_begin.set()

    def _kinds(self) -> dict[str, Callable[[], None]]:
        kinds = {
            "raw": self._raw,
            "half closed": self._half_closed,
            "greedy": self._greedy,
            "library": self._library,
            "one-shot": self._one_shot,
            "script": self._script,
            "follower": self._follower,
            "shell": self._second_shell,
        }
        with contextlib.suppress(ImportError):
            import qemu.qmp  # noqa: F401 - asks only whether it is there

            kinds["qemu.qmp"] = self._qemu_qmp
        return kinds

    @property
    def share_path(self) -> str:
        """Where the shell shares its monitor."""
        name = share_name(self.address)
        paths = [f"{folder}/{name}" for folder in share_folders(os.geteuid())]
        return next((path for path in paths if os.path.exists(path)), paths[0])

    def close(self) -> None:
        """End all that was started."""
        self._has_ended.set()
        self._may_begin.set()
        for process in list(self._processes):
            process.kill()
        self._second.close()
        for starter in self._starters:
            starter.close()
        self._stack.close()
        for worker in self._workers:
            worker.join(PATIENCE)

    # ------------------------------------------------------------------ the VM

    def _start_vm(self) -> Vm:
        starter = self._starters[self._life % len(self._starters)]
        second = f"unix:{self._folder}/second,server=on,wait=off"
        return starter("-qmp", second, name=NAME, folder=self._folder)

    def _follow_vm(self) -> None:
        """Listen to the VM at a monitor of its own."""
        address = UnixAddress(f"{self._folder}/second")
        self._second = Client.connect(address, ClientOptions(shared=False))
        self._reference.clear()
        self._second.subscriber = self._note_event

    def _note_event(self, message: Event | Reply | ErrorReply) -> None:
        if isinstance(message, Event):
            self._reference.append(_event_key(message.raw))

    @staticmethod
    def _drain(shell: Console) -> None:
        """Read what the shell draws, as a terminal does."""

        def read() -> None:
            with contextlib.suppress(OSError):
                while os.read(shell.fileno(), 1 << 16):
                    pass

        threading.Thread(target=read, daemon=True).start()

    # ------------------------------------------------------------------ steps

    def step(self) -> None:
        """Let the clients work for a moment, and then perhaps disturb them."""
        self._second.poll(0.05)
        deeds = [self._kill_client, self._freeze_client, self._freeze_vm, self._kill_vm]
        chosen = self._dice.choices([None, *deeds], [60, 8, 8, 2, 1])[0]
        if chosen is not None:
            chosen()

    def run_until_all_had(self, sessions: int) -> None:
        """Go on until each kind of client has had so many sessions."""
        deadline = time.monotonic() + PATIENCE
        while min(self.done[kind] for kind in self._kinds()) < sessions:
            assert time.monotonic() < deadline, self.done
            self._second.poll(0.05)

    def disturb(self) -> None:
        """Do each of what disturbs, once."""
        for deed in (self._kill_client, self._freeze_client, self._freeze_vm, self._kill_vm):
            deed()

    def _kill_client(self) -> None:
        process = self._victim()
        process.kill()
        self.done["killed"] += 1

    def _freeze_client(self) -> None:
        process = self._victim()
        process.send_signal(signal.SIGSTOP)
        self._second.poll(FREEZE_SECONDS)
        self._has_ended.wait(FREEZE_SECONDS)
        process.send_signal(signal.SIGCONT)
        self.done["frozen"] += 1

    def _victim(self) -> subprocess.Popen[bytes]:
        process = wait_until(lambda: [*self._processes], what="a process")[0]
        self._victims.add(process.pid)
        return process

    def _freeze_vm(self) -> None:
        with self._vm.stopped():
            self._has_ended.wait(FREEZE_SECONDS)
        self.done["VM frozen"] += 1

    def _kill_vm(self) -> None:
        """Kill the VM under all its clients; the shell finds the next one."""
        self._may_begin.clear()
        self._life += 1
        self._vm.kill()
        wait_until(self._all_left, what="all have noticed the end of the VM")
        self._compare_events()
        self._second.close()
        self._vm = self._start_vm()
        self.address = UnixAddress(self._vm.path)
        self._follow_vm()
        wait_until(lambda: os.path.exists(self.share_path), what="the shell shares the next VM")
        self.done["VM killed"] += 1
        self._may_begin.set()

    def rest(self) -> Sample:
        """Let all clients end what they do, check it, and look at the shell."""
        self._may_begin.clear()
        wait_until(self._all_rest, what="all rest")
        path = UnixAddress(self.share_path)
        wait_until(lambda: not inspect_listener(path).served, what="the share has no clients")
        self._compare_events()
        sample = sample_of(self._shell.process.pid, self._started, self.done)
        self._may_begin.set()
        return sample

    def _all_left(self) -> bool:
        """Whether no session goes on; a shell would wait for the next VM."""
        for shell in [*self._shells]:
            shell.kill()
        return not self._active

    def _all_rest(self) -> bool:
        """Whether no session goes on; the followers among them have events to end with."""
        if self._active:
            for name in ("stop", "cont"):
                self._second.execute(Command(name), PATIENCE)
        return not self._active

    def _compare_events(self) -> None:
        """Check that each client has heard all that the VM said while it was there."""
        with contextlib.suppress(ConnectionLost):
            while self._second.poll(0.05) and not self._second.closed:
                pass
        self._faults += [f"heard {keys}" for keys in self._heard if not self._was_said(keys)]
        self.done["events"] += sum(map(len, self._heard))
        self._heard.clear()
        assert not self._faults, "\n".join(self._faults[:5])

    def _was_said(self, keys: list[str]) -> bool:
        """Whether these events came one after the other."""
        if not keys:
            return True
        first = self._reference.index(keys[0]) if keys[0] in self._reference else -1
        return first >= 0 and self._reference[first : first + len(keys)] == keys

    # ------------------------------------------------------------------ clients

    def _work(self, name: str, session: Callable[[], None]) -> None:
        """Have one session after the other."""
        while not self._has_ended.is_set():
            self._may_begin.wait()
            with self._lock:
                begins = self._may_begin.is_set()
                self._active += begins
            if not begins:
                continue
            life = self._life
            try:
                session()
                self.done[name] += 1
            except Exception as fault:
                # With its VM a session ends in whatever way.
                if life == self._life and not self._has_ended.is_set():
                    self._faults.append(f"{name}: {fault!r}")
            with self._lock:
                self._active -= 1
            self._has_ended.wait(random.uniform(0, PAUSE_SECONDS))

    def _marker(self) -> str:
        return f"/w{next(self._numbers)}"

    @contextmanager
    def _connected(self) -> Iterator[RawSession]:
        found = connect_share(self.address)
        if found is None:
            raise Lost("there is no share")
        with found.socket as connected:
            session = RawSession(connected)
            try:
                yield session
            finally:
                self._heard.append(session.heard)

    def _raw(self) -> None:
        """Send batches that say whose they are; what is left at the end has no reader."""
        with self._connected() as session:
            for size in (1, 3, 8, 2):
                batch = [_ask(self._marker(), [size, n]) for n in range(size)]
                session.send(*batch, {"execute": "cont" if size % 2 else "stop", "id": "s"})
                for asked in batch:
                    _check(asked, session.reply())
                assert session.reply()["id"] == "s"
            session.send(*[_ask(self._marker(), 0)] * 5)

    def _half_closed(self) -> None:
        """Send all, say that this was all, and read to the end."""
        with self._connected() as session:
            batch = [_ask(self._marker(), n) for n in range(20)]
            session.send(*batch)
            session.socket.shutdown(socket.SHUT_WR)
            for asked in batch:
                _check(asked, session.reply())
            with contextlib.suppress(Lost):
                raise AssertionError(session.reply())

    def _greedy(self) -> None:
        """Ask for much and do not read it for a while."""
        with self._connected() as session:
            session.send(*[{**SCHEMA, "id": n} for n in range(5)])
            self._has_ended.wait(FREEZE_SECONDS)
            assert [session.reply()["id"] for _ in range(5)] == [*range(5)]

    def _library(self) -> None:
        client = Client.connect(self.address)
        try:
            for _ in range(20):
                marker = self._marker()
                with contextlib.suppress(CommandFailed):
                    client.execute(Command("qom-get", {"path": marker, "property": "x"}), PATIENCE)
                reply = client.execute(Command("query-name"), PATIENCE)
                assert as_dict(reply.value)["name"] == NAME
        finally:
            client.close()

    def _one_shot(self) -> None:
        marker = self._marker()
        code, _, said = self._run("qom-get", f"path={marker}", "property=x")
        assert code is None or (code == 1 and marker in said), (code, said)

    def _script(self) -> None:
        markers = [self._marker() for _ in range(20)]
        lines = "".join(f"qom-get path={marker} property=x\n" for marker in markers)
        code, _, said = self._run("-k", "-f", "-", text=lines)
        named = [line.split("'")[1] for line in said.splitlines() if "not found" in line]
        assert code is None or named == markers, (code, said)

    def _follower(self) -> None:
        """Follow the events, of which one client or other always causes more."""
        code, out, _ = self._run(".events", "--count", str(_FOLLOWED))
        events = [json.loads(line) for line in out.splitlines()]
        self._heard.append([_event_key(event) for event in events])
        assert code is None or len(events) == _FOLLOWED, (code, out)

    def _second_shell(self) -> None:
        shells: list[subprocess.Popen[bytes]] = []

        def note(process: subprocess.Popen[bytes]) -> None:
            shells.append(process)
            self._processes.add(process)
            self._shells.add(process)

        try:
            with console(self.address.path, started=note) as shown:
                for _ in range(3):
                    marker = self._marker()
                    shown.keys(f"qom-get path={marker} property=x\r")
                    shown.sees(f"'{marker}' not found")
        except OSError:
            if shells[0].pid not in self._victims:
                raise
        finally:
            self._processes.difference_update(shells)
            self._shells.difference_update(shells)

    def _qemu_qmp(self) -> None:
        from qemu.qmp import ExecuteError, QMPClient, QMPError

        async def talk() -> None:
            client = QMPClient(NAME)
            await client.connect(self.share_path)
            for _ in range(20):
                marker = self._marker()
                with pytest.raises(ExecuteError, match=marker):
                    await client.execute("qom-get", {"path": marker, "property": "x"})
            await client.disconnect()

        try:
            asyncio.run(talk())
        except (QMPError, EOFError) as error:
            raise Lost(str(error)) from error

    def _run(self, *words: str, text: str = "") -> tuple[int | None, str, str]:
        """Run qmpsh on the VM: exit code, None if it was killed; stdout; stderr."""
        options = [word for word in words if word in ("-k", "-f", "-")]
        line = [word for word in words if word not in options]
        process = subprocess.Popen(
            [sys.executable, "-m", "qmpsh", self.address.path, *options, *line],
            cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        self._processes.add(process)
        out, said = process.communicate(text.encode(), timeout=PATIENCE)
        self._processes.discard(process)
        if process.returncode in _EXIT_CODES_OF_LOSS:
            raise Lost(said.decode())
        was_killed = process.pid in self._victims and process.returncode < 0
        return None if was_killed else process.returncode, out.decode(), said.decode()


class RawSession:
    """A negotiated session on a socket, as plain clients have one. heard: the events so far"""

    def __init__(self, connected: socket.socket) -> None:
        connected.settimeout(PATIENCE)
        self.socket = connected
        self.heard: list[str] = []
        self._file = connected.makefile("rb")
        assert "QMP" in self.reply()
        self.send(NEGOTIATE)
        assert self.reply() == {"return": {}}

    def send(self, *requests: JsonObject) -> None:
        self.socket.sendall("".join(f"{json.dumps(one)}\n" for one in requests).encode())

    def reply(self) -> JsonObject:
        """The next message that is no event. Raises Lost at the end."""
        while line := self._file.readline():
            message: JsonObject = json.loads(line)
            if "event" not in message:
                return message
            self.heard.append(_event_key(message))
        raise Lost("end of file")


def _ask(marker: str, id: Json) -> JsonObject:
    """A request whose answer says whose it is."""
    return {"execute": "qom-get", "arguments": {"path": marker, "property": "x"}, "id": id}


def _check(asked: JsonObject, reply: JsonObject) -> None:
    marker = get_str(asked["arguments"], "path")
    assert reply["id"] == asked["id"], (asked, reply)
    assert f"'{marker}'" in get_str(reply["error"], "desc"), (asked, reply)


def _event_key(event: JsonObject) -> str:
    return json.dumps(event, sort_keys=True)
