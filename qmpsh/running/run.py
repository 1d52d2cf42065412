"""`qmpsh run`: starts a VM, runs a front end on its monitor, then ends the VM."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from qmpsh.batch import Batch
from qmpsh.ending import end_by_signals
from qmpsh.errors import CannotConnect, ConnectionLost, QmpshError, UsageError
from qmpsh.link.address import parse_address
from qmpsh.link.client import Client, ClientOptions, Tracer
from qmpsh.options import Options, for_batch, is_interactive
from qmpsh.running.demo import NAME, demo_arguments, find_emulator
from qmpsh.running.vm import Vm
from qmpsh.shell.outcome import Outcome, Task
from qmpsh.splitter import Words, split_words
from qmpsh.streams import StdoutFailed
from qmpsh.view.safe import told, visible

if TYPE_CHECKING:
    from qmpsh.config import Config
    from qmpsh.schema.model import Schema

_NOBODY = "-"
"""Takes the place of the address while the words before `--` are parsed."""


def main(words: Words) -> int:
    """Start a VM, run a shell or a script on it, end it; return the exit code.

    words: their `line` is everything after `run`
    Raises QmpshError.
    """
    given, command = _sort(words.line)
    # Imported here, as in the program itself: click is only needed if there are options.
    from qmpsh.cli import RUN, Done, parse_options

    try:
        options = parse_options([*words.options, *given], RUN)
    except Done:
        return 0
    if options.guest_agent or not options.negotiate:
        raise UsageError(
            "--guest-agent and -N are for other servers; qmpsh run's is QEMU's own QMP"
        )
    schema = options.given_schema()
    config = None
    settings, colour = for_batch(options, one_shot=False)
    if not options.files and is_interactive() and not options.settings.dry_run:
        from qmpsh.interactive import configured

        options, config = configured(options)
    end_by_signals()
    vm = _vm(command)
    client: Client | None = None
    try:
        vm.start()
        client = _connect(vm, options)
        if config is None:
            batch = _Batch(client, settings, schema, colour=colour)
            return _run_script(vm, batch, options.files or ("-",))
        return _interact(vm, client, options, config, schema)
    except (QmpshError, BrokenPipeError, StdoutFailed):
        raise
    except Exception:
        # A fault of ours is no reason to end anybody's machine.
        vm.leave_running()
        raise
    finally:
        vm.end(client)
        _tell_if_left(vm)
        if client is not None:
            client.close()


def _sort(line: list[str]) -> tuple[list[str], list[str]]:
    """Return our options, and the command after `--` ([] for none). Raises UsageError."""
    at = line.index("--") if "--" in line else len(line)
    ours, command = line[:at], line[at + 1 :]
    sorted_words = split_words(ours, {"QMP_SOCKET": _NOBODY})
    if sorted_words.address != _NOBODY or sorted_words.line:
        word = (sorted_words.line or [sorted_words.address or sorted_words.verb])[0]
        raise UsageError(
            f"{word} is not an option of run: QEMU's command goes after --, as in"
            " qmpsh run -- qemu-system-x86_64 -m 2G; a script is given with -f or on stdin"
        )
    return ours, command


def _vm(command: list[str]) -> Vm:
    """Return the VM to start: a command, arguments for the emulator we find, or the demo."""
    if not command:
        emulator = find_emulator()
        arguments = [*demo_arguments(emulator), "-name", NAME]
        return Vm([emulator, *arguments], keeps=False)
    if command[0].startswith("-"):
        command = [find_emulator(), *command]
    return Vm(command)


def _connect(vm: Vm, options: Options) -> Client:
    """Open a session with the VM. Raises CannotConnect with what QEMU printed."""
    tracer: Tracer | None = None
    if options.is_traced:
        from qmpsh.trace import tracing_for

        tracer = tracing_for(vm.path, options, _tell)
    begin = ClientOptions(oob=options.oob)
    if options.connect_timeout is not None:
        begin = begin._replace(connect_timeout=options.connect_timeout)

    def notice(_: str) -> None:
        _tell(f"{vm.program} runs, its monitor says nothing yet; waiting")

    limit, started = begin.connect_timeout, time.monotonic()
    try:
        client = Client.connect(parse_address(vm.path), begin, notice, tracer)
    except CannotConnect as error:
        was_silent = limit is not None and time.monotonic() - started >= limit
        raise vm.refusal(error, limit if was_silent else None) from error
    vm.session_begins()
    return client


# ---------------------------------------------------------------------------- the front ends


class _Batch(Batch):
    """A script that also prints the VM's output on stderr, between two lines."""

    vm: Vm

    def finish(self, place: str, task: Task) -> Outcome:
        """See Batch."""
        outcome = super().finish(place, task)
        self.relay()
        return outcome

    def report(self, place: str, error: QmpshError) -> Outcome:
        """See Batch. A VM that ended by itself has said why, if anything has."""
        said = self.vm.last_words() if isinstance(error, ConnectionLost) else ""
        if said:
            error = ConnectionLost(f"{error}; {self.vm.program} said last: {said}")
        return super().report(place, error)

    def relay(self, *, rest: bool = False) -> None:
        """Print what the VM has printed since the last call."""
        said = self.vm.words(rest=rest)
        if said:
            sys.stdout.flush()
            sys.stderr.write(visible(said if said.endswith("\n") else f"{said}\n"))


def _run_script(vm: Vm, batch: _Batch, files: tuple[str, ...]) -> int:
    batch.vm = vm
    try:
        batch.relay()
        return batch.run_script(files)
    finally:
        batch.relay(rest=True)


def _interact(
    vm: Vm, client: Client, options: Options, config: Config, schema: Schema | None
) -> int:
    # Imported here: only an interactive session needs prompt_toolkit.
    from qmpsh.interactive import interact

    return interact(client, vm.path, options, config, schema, vm)


def _tell_if_left(vm: Vm) -> None:
    if vm.is_left:
        _tell(f"the VM goes on, process {vm.pid}; to come back: qmpsh {vm.path}")
        _tell(f"what it prints goes to {vm.log_path}")


def _tell(text: str) -> None:
    sys.stderr.write(f"qmpsh: {told(text)}\n")
    sys.stderr.flush()
