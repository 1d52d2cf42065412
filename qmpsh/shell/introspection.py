"""What the server accepts: its commands, its schema, the properties of its devices.

Asked for when first needed, never again; the schema comes from the cache if that holds the one of
this very binary. A server without a schema (a guest agent, StratoVirt) leaves it None, and nothing
is blocked.
"""

from __future__ import annotations

import os
import time

from qmpsh.address import Transport
from qmpsh.client.client import Client, server_fd
from qmpsh.client.dialect import QEMU, dialect_of_commands
from qmpsh.jsontypes import Json
from qmpsh.language.syntax import CommandLine, Scalar
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.protocol.messages import Command, Reply
from qmpsh.shell.machine import Machine
from qmpsh.shell.steps import Note, Outcome, Steps, WaitFor, Wish

if TYPE_CHECKING:
    from collections.abc import Generator
    from typing import TypeAlias

    from qmpsh.complete.live import LiveValues
    from qmpsh.schema.manual.find import Manual
    from qmpsh.schema.model import Schema
    from qmpsh.schema.walk import Properties

_USELESS_SCHEMA = "the server's schema describes none of its commands: lines are sent unchecked"

IntrospectionWishes: TypeAlias = "Generator[Wish, str, None]"
"""Steps that only read something from the server."""


class KnownSchemas:
    """Schemas that several shells of one process share: each is loaded once, and awaited by all."""

    def __init__(self) -> None:
        self.loaded: dict[tuple[str, tuple[str, ...]], Schema] = {}
        """by the file of the cache, or the realm and version, and the commands of the server"""
        self.loading: set[tuple[str, tuple[str, ...]]] = set()


class Introspection:
    """The commands, schema and device properties of one server, read when they are first needed.

    client: None where nothing can be asked; schema: given beforehand (--schema), else None.
    """

    def __init__(
        self, client: Client | None, machine: Machine, schema: Schema | None = None
    ) -> None:
        self.schema = schema
        self.live = True
        self.live_values: LiveValues | None = None
        """what completion has been answered lately, None where nothing is completed"""
        self.known = KnownSchemas()
        self._given = schema is not None
        self._client = client
        self._machine = machine
        self._loading = False
        self._loaded = schema is not None or client is None
        self._manual: Manual | None = None
        self._manual_sought = False
        self._properties: dict[str, Properties] = {}

    def use_client(self, client: Client, *, is_other: bool) -> None:
        """Ask at another connection from now on.

        is_other: it may be another server, so what the last one accepted is forgotten
        """
        self._client = client
        self._loading = False
        if not is_other:
            self._recognize(client)
        if is_other:
            self._machine.commands = ()
            self._properties = {}
            self._manual, self._manual_sought = None, False
        if is_other and not self._given:
            self.schema, self._loaded = None, False

    @property
    def commands(self) -> tuple[str, ...]:
        """The names of the server's commands, () before they are known."""
        return self._machine.commands or (self.schema.commands if self.schema else ())

    @property
    def disabled(self) -> frozenset[str]:
        """Of the commands, those that a guest agent's administrator has turned off."""
        return self._machine.disabled

    def load_commands(self) -> IntrospectionWishes:
        """Read the command names, once, and detect the kind of server from them."""
        client = self._client
        if not self._machine.commands and client is not None and client.dialect.names:
            self._machine.set_commands((yield from self._ask(client, client.dialect.names)))
            self._recognize(client)

    def _recognize(self, client: Client) -> None:
        """Refine the server kind by its commands: a storage daemon greets as an emulator."""
        dialect = dialect_of_commands(client.dialect, self._machine.commands)
        if dialect is not client.dialect:
            client.set_dialect(dialect)
            self._machine.server = dialect.name

    def load_schema(self) -> IntrospectionWishes:
        """Read the schema, once: from the cache if the server still lists the same commands."""
        if self._loading:
            yield WaitFor(lambda: not self._loading, for_reply=True)
        client = self._client
        if self._loaded or client is None or client.closed:
            return
        if not client.dialect.schema:
            yield from self._describe()
            return
        self._loading = True
        try:
            yield from self.load_commands()
            yield from self._find_schema(client)
            self._loaded = not client.closed
            if client.tracer is not None:
                # Imported here: only who looks on may record.
                from qmpsh.shell.record import record_schema

                record_schema(client, schema_path(client))
        finally:
            self._loading = False

    def _find_schema(self, client: Client) -> IntrospectionWishes:
        """Take the schema that another shell of this process has loaded, or load it for all."""
        path = schema_path(client)
        key = self._kind_of_server(client) or path, self._machine.commands
        known = self.known
        if key in known.loading:
            yield WaitFor(lambda: key not in known.loading or client.closed, for_reply=True)
        self.schema = known.loaded.get(key)
        if self.schema is not None:
            return
        known.loading.add(key)
        try:
            yield from self._read_schema(client, path)
        finally:
            known.loading.discard(key)
        if self.schema is not None:
            known.loaded[key] = self.schema

    def _read_schema(self, client: Client, path: str) -> IntrospectionWishes:
        """Read the schema from its file in the cache, or from the server."""
        # Imported here: a one-shot without arguments loads no schema.
        from qmpsh.schema.cache import load_schema, store_schema
        from qmpsh.schema.model import maybe_schema

        self.schema = load_schema(path, self._machine.commands)
        if self.schema is not None:
            return
        entities = yield from self._ask(client, client.dialect.schema)
        self.schema = maybe_schema(entities, self._machine.commands)
        if self.schema is not None and isinstance(entities, list):
            store_schema(path, entities, self._machine.commands)
        elif entities is not None:
            yield Note(_USELESS_SCHEMA)

    def _describe(self) -> IntrospectionWishes:
        """Take what the local manual says for the schema of a server that has none."""
        yield from self.load_commands()
        manual = self.manual()
        if manual is not None and self._machine.commands:
            # Imported here: the servers of most users have a schema.
            from qmpsh.schema.agent import manual_schema

            self.schema = manual_schema(manual, self._machine.commands, self._machine.version)
        self._loaded = True

    def is_undescribed(self, name: str) -> bool:
        """Whether the server has a command of which the schema says nothing."""
        known = self.schema is not None and self.schema.command(name) is not None
        return name in self._machine.commands and not known

    @property
    def manual_name(self) -> str:
        """The local manual's page on this kind of server; "" if there is none."""
        dialect = QEMU if self._client is None else self._client.dialect
        return dialect_of_commands(dialect, self.commands).manual

    def manual(self) -> Manual | None:
        """Return the local manual of this kind of server; None if it is not installed."""
        if not self._manual_sought:
            from qmpsh.schema.manual.find import find_pages, load_manual

            self._manual_sought = True
            page = self.manual_name
            pages = find_pages([page], os.environ) if page else []
            try:
                self._manual = load_manual(pages[0]) if pages else None
            except OSError:
                self._manual = None
        return self._manual

    def load_properties(self, line: CommandLine) -> Generator[Wish, str, Properties | None]:
        """Return the properties of the driver in a `device_add` line; None for other lines."""
        if line.name.text != "device_add":
            return None
        driver = _driver(line)
        if not self.asks:
            return self._from_files(driver or "")
        if driver is not None and driver not in self._properties:
            # Imported here: few lines add a device.
            from qmpsh.schema.walk import property_types

            self._properties[driver] = property_types((yield from self.ask_device(driver)))
        return self._properties.get(driver or "")

    def _from_files(self, driver: str) -> Properties | None:
        """Return the properties from --schema: the file named after the driver, or the only one."""
        devices = self.schema.devices if self.schema is not None else {}
        if driver not in devices and len(devices) == 1:
            return next(iter(devices.values()))
        return devices.get(driver)

    @property
    def asks(self) -> bool:
        """Whether a device of the running server can be asked about."""
        return self._client is not None and self.live

    def ask_device(self, driver: str) -> Generator[Wish, str, Json]:
        """Ask the server for a device's properties; None for no answer."""
        if self._client is None or not self.live:
            return None
        return (yield from self._ask(self._client, "device-list-properties", {"typename": driver}))

    def ask_live(self, name: str, arguments: dict[str, Json]) -> Generator[Wish, str, Json]:
        """Ask the running VM; None for no answer. An answer that completion got in the last seconds
        is used as well.
        """
        if self._client is None or not self.live:
            return None
        if self.live_values is None:
            return (yield from self._ask(self._client, name, arguments))
        # Imported here: only where lines are completed.
        from qmpsh.complete.live import LiveQuery

        query, self.live_values.now = LiveQuery(name, tuple(arguments.items())), time.monotonic()
        known = self.live_values.fresh_answer(query)
        if known is None:
            known = yield from self._ask(self._client, name, arguments)
            self.live_values.set_answer(query, known)
        return known

    def allows_oob(self, name: str) -> bool:
        """Whether the schema lets a command be carried out out of band; False without a schema."""
        info = self.schema.command(name) if self.schema is not None else None
        return info is not None and info.oob

    def suggestion(self, name: str, rest: str = "") -> str:
        """Return `; did you mean a?` for an unknown command, from what is known, the cache
        included.

        rest: what the line says after it, for a command of the human monitor
        """
        from qmpsh.language.names import leaves_elsewhere
        from qmpsh.schema.cache import load_schema
        from qmpsh.suggest import did_you_mean, joined

        if leaves_elsewhere(name):
            return "; .exit leaves the shell, quit ends the VM"
        names = self.commands
        if not names and self._client is not None:
            cached = load_schema(schema_path(self._client))
            names = cached.commands if cached is not None else ()
        if meant := joined([name, *rest.split()], names):
            return f"; did you mean {meant}?"
        if name not in names and (verb := self._verb_hint(name, rest)):
            return verb
        hint = did_you_mean(name, names)
        meant = self.in_our_words(f"{name} {rest}") if rest or not hint else ""
        if not meant.startswith(".hmp "):
            return f"; did you mean {meant}?" if meant else hint
        if hint:
            return f"{hint.removesuffix('?')}, or {meant}?"
        return f"; the human monitor has it: {meant}"

    def in_our_words(self, text: str) -> str:
        """Return a line of the human monitor in our language, or after `.hmp`; "" if it is not one,
        or the server has no such monitor.
        """
        from qmpsh.shell.habits import in_our_words

        if self._client is not None and not self._client.dialect.hmp:
            return ""
        names = self.commands
        return in_our_words(text, lambda name: not names or name in names)

    def _verb_hint(self, name: str, rest: str) -> str:
        """Return `; did you mean .help?` for a verb without its dot; "" for another word."""
        # Imported here: as a rule a line's command is there.
        from qmpsh.language.verbs import VERBS

        if name not in VERBS:
            return ""
        line = f"{name} {rest}".rstrip()
        twin = self.in_our_words(line)
        return f"; did you mean .{line}{f', or {twin}' if twin else ''}?"

    def _ask(
        self, client: Client, name: str, arguments: dict[str, Json] | None = None
    ) -> Generator[Wish, str, Json]:
        """Ask the server; None for an error, which is not shown, and without a connection: the line
        itself then reports that it cannot be sent.
        """
        if client.closed:
            return None
        pending = client.submit(Command(name, arguments))
        yield WaitFor(lambda: pending.done, for_reply=True)
        return pending.reply.value if isinstance(pending.reply, Reply) else None

    @staticmethod
    def _kind_of_server(client: Client) -> str:
        """Return what servers of one realm and version have in common, "" where a file says it."""
        address, greeting = client.address, client.connection.greeting
        if not isinstance(address, Transport) or greeting is None:
            return ""
        return f"{address.realm} {greeting.version} {greeting.package}"


def schema_path(client: Client) -> str:
    """Return where the cache has the schema of a client's server."""
    from qmpsh.schema.cache import cache_path
    from qmpsh.system.peer import server_identity

    greeting = client.connection.greeting
    version = [greeting.version, greeting.package] if greeting else ["unknown"]
    # First: a name is cut at its end, where a server's own long words may stand.
    return cache_path([*server_identity(client.address, server_fd(client)), *version])


def load_all(introspection: Introspection) -> Steps:
    """Read everything that completion needs."""
    yield from introspection.load_commands()
    yield from introspection.load_schema()
    return Outcome()


def _driver(line: CommandLine) -> str | None:
    for argument in line.arguments:
        if [part.text for part in argument.key] == ["driver"]:
            value = argument.value
            return value.text if isinstance(value, Scalar) else None
    return None
