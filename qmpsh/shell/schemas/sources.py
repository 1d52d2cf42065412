"""The source of a schema: a server, a file, or a program that is started to be asked.

What a word is, is decided without starting anything, and a recording is never started, whatever
its mode bits. The steps yield only if they must not block: then the connection is looked at again
and again, since a front end waits for the session's own.
"""

from __future__ import annotations

import os
import shutil
import stat
import time
from typing import Final

from qmpsh.address import EMPTY, looks_like_address
from qmpsh.client.client import Client, ClientOptions, refusal_of
from qmpsh.client.handshake import Silence
from qmpsh.client.names import find_vm, is_vm_name
from qmpsh.errors import ConnectionLost, ReplyTimeout, UsageError, shortened
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.protocol.messages import Command, Reply
from qmpsh.schema.model import Schema, maybe_schema
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.machine import Machine
from qmpsh.shell.schemas.files import holds_messages, read_schema_file
from qmpsh.shell.schemas.program import ProbedProgram
from qmpsh.shell.steps import Note, WaitFor, Wish

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import TypeAlias

_NO_SOURCE: Final = (
    "{text} is neither an address, a file, the name of a VM nor a program here; a file or a socket"
    " in this folder is ./{text}"
)
_NEITHER: Final = "{path} is neither a program nor a file with a reply of query-qmp-schema"
_NOT_DESCRIBED: Final = "{title} at {address} does not describe its commands"
_NO_ANSWER: Final = "{address} did not describe its commands within {seconds:g} s"

SOURCE_SECONDS: Final = 10.0
"""seconds until a server has greeted, and again until it has answered, if nothing says so"""
_LOOK_SECONDS: Final = 0.01
"""seconds between two looks at a connection, where a step must not block"""

SchemaWishes: TypeAlias = "Generator[Wish, str, Json]"


class Patience(NamedTuple):
    """The manner in which a source is waited for.

    seconds: until a server has greeted, and again until it has answered
    blocks:  the steps may block; else they yield while they wait
    notice:  gets what a person should know meanwhile
    """

    seconds: float
    blocks: bool
    notice: Callable[[str], None]


class Source:
    """A schema, with the server that can be asked for more as long as the source is open.

    name: of it in a report, such as `QEMU 10.0.2`
    """

    def __init__(self, name: str, schema: Schema) -> None:
        self.name = name
        self.schema = schema

    @property
    def is_live(self) -> bool:
        """Whether there is a server to ask."""
        return False

    def ask(self, name: str, arguments: JsonObject) -> SchemaWishes:
        """Ask the server; None for an error."""
        yield from ()
        return None

    def close(self) -> None:
        """Let go of the server."""


class _Server(Source):
    """A source with a connection of its own. program: that runs only for it, None for none"""

    def __init__(
        self,
        name: str,
        schema: Schema,
        client: Client,
        patience: Patience,
        program: ProbedProgram | None,
    ) -> None:
        super().__init__(name, schema)
        self._client = client
        self._patience = patience
        self._program = program

    @property
    def is_live(self) -> bool:
        return True

    def ask(self, name: str, arguments: JsonObject) -> SchemaWishes:
        return (yield from _ask(self._client, name, arguments, self._patience))

    def close(self) -> None:
        self._client.close()
        if self._program is not None:
            self._program.close()


def open_source(text: str, patience: Patience) -> Generator[Wish, str, Source]:
    """Open a source, which is to be closed.

    Raises UsageError for what is none, CannotConnect, ReplyTimeout, ConnectionLost.
    """
    if not text:
        raise UsageError(EMPTY)
    mode = _mode_of(text)
    if mode is None or stat.S_ISSOCK(mode):
        program = None if mode is not None else _program_named(text)
        if program is None:
            return (yield from _open_server(text, patience))
        return (yield from _open_program(program, patience))
    if holds_messages(text):
        return Source(os.path.basename(text), read_schema_file(text))
    if os.access(text, os.X_OK):
        return (yield from _open_program(os.path.abspath(text), patience))
    raise UsageError(_NEITHER.format(path=text))


def _mode_of(text: str) -> int | None:
    """Return the kind of a file; None where there is none of that name."""
    try:
        return os.stat(text).st_mode
    except (OSError, ValueError):
        return None


def _program_named(text: str) -> str | None:
    """Return the program of a name on PATH; None for an address, or the name of a VM.

    Raises UsageError for a word that is nothing of these.
    """
    if looks_like_address(text) or is_vm_name(text):
        return None
    found = shutil.which(text)
    if found is None:
        raise UsageError(_NO_SOURCE.format(text=shortened(text)))
    return found


# ---------------------------------------------------------------------------- servers


def _open_server(text: str, patience: Patience) -> Generator[Wish, str, Source]:
    client = yield from _connect(text, patience)
    try:
        machine = Machine(str(client.address), client.connection.greeting)
        schema = yield from _described(client, machine, patience)
    except BaseException:
        client.close()
        raise
    return _Server(title_of(machine), schema, client, patience, None)


def _connect(text: str, patience: Patience) -> Generator[Wish, str, Client]:
    """Connect to a server. Raises as Client.connect does."""
    address = find_vm(text)
    options = ClientOptions(patience.seconds)
    if patience.blocks:
        return Client.connect(address, options, patience.notice)
    client = Client.open(address, options)
    try:
        yield from _greeted(client, patience)
    except BaseException:
        client.close()
        raise
    return client


def _greeted(client: Client, patience: Patience) -> Generator[Wish, str, None]:
    """Wait until a server has greeted. Raises CannotConnect."""
    began = time.monotonic()
    yield from _wait(client, lambda: client.ready, patience)
    if client.lost is not None:
        raise refusal_of(client)
    if not client.ready:
        # Imported here: most servers greet.
        from qmpsh.client.session_errors import no_greeting

        quiet = Silence(client.fileno, began, lambda: client.connection.received)
        raise no_greeting(client.address, patience.seconds, client.dialect, quiet)


def _described(
    client: Client, machine: Machine, patience: Patience
) -> Generator[Wish, str, Schema]:
    """Return a server's schema, from the cache or from itself."""
    introspection = Introspection(client, machine)
    yield from _polled(client, introspection.load_schema(), patience)
    if introspection.schema is not None:
        return introspection.schema
    if client.lost is not None:
        raise client.lost
    raise _not_described(client)


def _not_described(client: Client) -> UsageError:
    return UsageError(_NOT_DESCRIBED.format(title=client.dialect.title, address=client.address))


def _open_program(path: str, patience: Patience) -> Generator[Wish, str, Source]:
    program = ProbedProgram(path, patience.seconds)
    try:
        schema = yield from _described_by_program(program, patience)
    except ConnectionLost as error:
        refusal = program.refusal()
        program.close()
        raise refusal from error
    except BaseException:
        program.close()
        raise
    machine = Machine(path, program.client.connection.greeting)
    return _Server(title_of(machine), schema, program.client, patience, program)


def _described_by_program(
    program: ProbedProgram, patience: Patience
) -> Generator[Wish, str, Schema]:
    """Return a program's schema: not from the cache, which knows servers by their processes."""
    client = program.client
    yield from _wait(client, lambda: client.ready, patience)
    if not client.ready:
        raise program.refusal()
    entities = yield from _ask(client, client.dialect.schema, {}, patience)
    schema = maybe_schema(entities, ())
    if schema is None:
        raise _not_described(client)
    return schema


def title_of(machine: Machine) -> str:
    """Return what to call a server in a report."""
    return " ".join(filter(None, (machine.server, machine.version))) or machine.address


# ---------------------------------------------------------------------------- waiting


def _ask(client: Client, name: str, arguments: JsonObject, patience: Patience) -> SchemaWishes:
    """Ask a server; None for an error. Raises ConnectionLost, ReplyTimeout."""
    pending = client.submit(Command(name, arguments or None))
    yield from _wait(client, lambda: pending.done, patience)
    if not pending.done:
        raise client.overdue(pending, patience.seconds)
    if isinstance(pending.reply, Reply):
        return pending.reply.value
    if client.lost is not None:
        raise client.lost
    return None


def _polled(
    client: Client, steps: Generator[Wish, str, None], patience: Patience
) -> Generator[Wish, str, None]:
    """Run steps that wait for another connection than the session's. Raises ReplyTimeout."""
    until = time.monotonic() + patience.seconds
    for wish in steps:
        if isinstance(wish, WaitFor):
            yield from _wait(client, wish.ready, patience)
            if not wish.ready() and time.monotonic() >= until:
                address, seconds = client.address, patience.seconds
                raise ReplyTimeout(_NO_ANSWER.format(address=address, seconds=seconds))
        elif isinstance(wish, Note):
            patience.notice(wish.text)


def _wait(
    client: Client, ready: Callable[[], bool], patience: Patience
) -> Generator[Wish, str, None]:
    """Wait until something holds, the connection has ended, or the time has run out."""
    deadline = time.monotonic() + patience.seconds
    while not (ready() or client.closed) and (left := deadline - time.monotonic()) > 0:
        client.poll(left if patience.blocks else 0)
        if not patience.blocks and not ready():
            yield WaitFor(ready, time.monotonic() + _LOOK_SECONDS, stops=True)
