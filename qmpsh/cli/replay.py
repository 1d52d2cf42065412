"""`qmpsh replay`: serves a recording, until it is interrupted or a command of the user's ends."""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from typing import Final

from qmpsh.cli.argv import SplitArgv
from qmpsh.cli.inspect.options import COMMANDS
from qmpsh.cli.option_errors import read_options
from qmpsh.cli.run.vm import socket_folder
from qmpsh.cli.signals import end_by_signals
from qmpsh.client.dialect import GUEST_AGENT, QEMU, RECORDING, server_version
from qmpsh.errors import SIGNALLED, UsageError, shortened
from qmpsh.jsontypes import JsonObject, as_dict
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command, Greeting, classify
from qmpsh.render.environment import Environment
from qmpsh.render.formats import compact
from qmpsh.render.safe import visible
from qmpsh.render.units import counted
from qmpsh.replay.answers import Answers, ignore_mismatch
from qmpsh.replay.recording import Recording, read_recording
from qmpsh.replay.server import ReplayServer
from qmpsh.schema.cache import read_schema_entities
from qmpsh.secrets.rules import mask_arguments
from qmpsh.share.door import Door, listen_door
from qmpsh.shell.policy import reads_only
from qmpsh.system.ending import LOOK_SECONDS, end_of
from qmpsh.system.programs import not_started

_REPLAYS: Final = "replaying {what}; Ctrl-C ends it"
_SUMMARY: Final = "{server}: {commands} in {sessions}"
_NO_COMMAND: Final = "-- is followed by a command, as in qmpsh replay bug.jsonl -- ./check.py"
_FIRST_MISMATCH: Final = "--strict: {command}: {why}"
_UNASKED: Final = "--strict: never asked for: {command}"
_UNASKED_MORE: Final = "--strict: {count} more commands were never asked for"
_SHOWN: Final = 20  # of the commands that were never asked for
_MARK: Final = "qmpsh-replay-"
_NAME: Final = "qmp.sock"
_MODE: Final = 0o600
_DIFFERS_EXIT: Final = 1


class ReplayOptions(NamedTuple):
    """The options of `replay`. kind: of recording, one of `client.dialect.REPLAYS`"""

    file: str
    listen: str = ""
    speed: float = 1.0
    strict: bool = False
    session: int | None = None
    now: bool = False
    schema: str = ""
    kind: str = RECORDING


def main(words: SplitArgv) -> int:
    """Serve a recording; return the exit code, the command's if there is one.

    Raises QmpshError.
    """
    line = words.line
    at = line.index("--") if "--" in line else len(line)
    command = line[at + 1 :]
    given = read_options(COMMANDS["replay"], [*words.options, *line[:at]])
    if given is None:
        return 0
    if at < len(line) and not command:
        raise UsageError(_NO_COMMAND)
    return replay(ReplayOptions(**given), command)


def replay(options: ReplayOptions, command: Sequence[str]) -> int:
    """Serve a recording until an interrupt, or until a command ends; return the exit code.

    command: () for none
    Raises QmpshError.
    """
    environment = Environment()
    recording = read_recording(options.file, reads_only, options.session)
    if options.schema:
        recording.use_schema(read_schema_entities(options.schema))
    report = _StrictReport(environment)
    on_mismatch = report.mismatch if options.strict else ignore_mismatch
    answers = Answers(
        recording, speed=options.speed, strict=options.strict, on_mismatch=on_mismatch
    )
    end_by_signals()
    with (
        _door(options.listen) as door,
        contextlib.closing(ReplayServer(door, answers, options.kind, renews=options.now)) as server,
    ):
        if command:
            code = _run(server, command)
        else:
            print(server.path, flush=True)
            environment.notice(visible(_REPLAYS.format(what=summary(recording))))
            code = 0
            with contextlib.suppress(KeyboardInterrupt):
                server.serve()
    if not options.strict:
        return code
    report.unasked(answers)
    return code or (_DIFFERS_EXIT if report.differs else 0)


class _StrictReport:
    """What --strict prints. differs: something was not as recorded"""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self.differs = False

    def mismatch(self, command: Command, why: str) -> None:
        """Print the first command that is not answered as recorded."""
        if not self.differs:
            shown = _shown(command.name, as_dict(command.arguments))
            self._notice(_FIRST_MISMATCH, command=shown, why=why)
        self.differs = True

    def unasked(self, answers: Answers) -> None:
        """Print what was never asked for."""
        left = answers.unasked()
        for one in left[:_SHOWN]:
            self._notice(_UNASKED, command=_shown(one.name, one.arguments))
        if left[_SHOWN:]:
            self._notice(_UNASKED_MORE, count=len(left) - _SHOWN)
        self.differs = self.differs or bool(left)

    def _notice(self, text: str, **parts: object) -> None:
        shown = {key: shortened(str(value)) for key, value in parts.items()}
        self._environment.notice(visible(text.format(**shown)))


def _shown(name: str, arguments: JsonObject) -> str:
    """Return a command with its arguments as they are printed."""
    return f"{name} {compact(mask_arguments(name, arguments))}" if arguments else name


@contextlib.contextmanager
def _door(path: str) -> Iterator[Door]:
    """The socket to serve at: that of --listen, or one in a private folder of its own."""
    if path:
        yield listen_door(path, read_only=False, mode=_MODE)
        return
    folder = socket_folder(_MARK)
    try:
        yield listen_door(f"{folder}/{_NAME}", read_only=False, mode=_MODE)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(server: ReplayServer, command: Sequence[str]) -> int:
    """Serve while a command runs; return its exit code, as a shell would."""
    try:
        child = subprocess.Popen(command, env={**os.environ, "QMP_SOCKET": server.path})
    except OSError as error:
        raise UsageError(not_started(command[0], error)) from error
    # Ctrl-C is for the command, which decides what it means.
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with end_of(child.pid) as ended:
            longest = math.inf if ended is not None else LOOK_SECONDS
            server.serve(lambda: child.poll() is not None, ended, longest)
    except BaseException:  # SIGTERM, as an exception
        child.terminate()
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    code = child.wait()
    return SIGNALLED - code if code < 0 else code


def summary(recording: Recording) -> str:
    """Return what a recording is of, for people."""
    sessions = counted(len(recording.sessions), "connection")
    commands = counted(sum(1 for _ in recording.commands), "command")
    return _SUMMARY.format(server=_server(recording), commands=commands, sessions=sessions)


def _server(recording: Recording) -> str:
    """Return the program that was recorded, with its version."""
    if recording.is_agent:
        return GUEST_AGENT.title
    greeting = classify(recording.greeting(0), 0)
    if not isinstance(greeting, Greeting):
        return QEMU.title
    server, version, _ = server_version(greeting)
    return f"{server} {version}"
