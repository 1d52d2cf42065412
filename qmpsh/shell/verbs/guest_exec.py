"""`.exec`: a command in the guest, with its input, its output and its exit code.

Bytes stay bytes: an `Answer` has them as they came, and the front end decides what may be shown.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Generator, Iterator
from typing import Final

from qmpsh.errors import SIGNALLED, CommandFailed, LineSyntaxError
from qmpsh.jsontypes import JsonObject
from qmpsh.language.arguments import words_and_redirect
from qmpsh.language.syntax import Modifiers, Redirect, VerbLine, parse_duration, prints_reply
from qmpsh.language.verbs import Reach, Takes
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command
from qmpsh.shell.context import Context
from qmpsh.shell.execute import Request, dry_run_text
from qmpsh.shell.pipes import begin_file
from qmpsh.shell.policy import refuse_unless_reading
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, WaitFor, Wish
from qmpsh.shell.verbs.guest import (
    AgentCall,
    as_object,
    call_agent,
    explained,
    reply_bytes,
    reply_member,
    shown_bytes,
)
from qmpsh.shell.verbs.local_data import read_input, usable_stdin
from qmpsh.shell.verbs.table import verb

STATUS_COMMAND: Final = "guest-exec-status"

MIN_POLL_SECONDS: Final = 0.01
MAX_POLL_SECONDS: Final = 0.5
"""seconds between two looks whether a command has ended: doubled from the first to the last"""

_MAX_EXIT_CODE = 255


class _Wanted(NamedTuple):
    """The words of an `.exec` line.

    words: the command's; timeout: seconds, None for no limit of its own; stdin: it reads ours
    """

    words: list[str]
    redirect: Redirect | None
    timeout: float | None
    stdin: bool


@verb(
    "exec", "CMD [ARG...]",
    "run a command in the guest, through its agent; --stdin, --timeout T first",
    Takes.PROGRAM, reach=Reach.CHANGES,
)  # fmt: skip
def exec_in_guest(context: Context, line: VerbLine) -> Steps:
    """`.exec CMD ARG...`: its output, and its exit code as that of the line.

    The words belong to the command, as they stand; before them `--timeout TIME` and `--stdin` are
    ours.
    """
    wanted = _read_words(line)
    words, redirect = wanted.words, wanted.redirect
    arguments: JsonObject = {"path": words[0], "arg": list(words[1:]), "capture-output": True}
    if context.settings.read_only:
        refuse_unless_reading(Command("guest-exec"))
    call = None
    if not context.settings.dry_run:
        call = call_agent(context.client, context.settings, line, wanted.timeout, stops=False)
    begin_file(redirect)
    if wanted.stdin:
        stdin = usable_stdin(context.front_end.stdin, ".exec --stdin")
        data = read_input(stdin, call.deadline if call is not None else None)
        arguments["input-data"] = base64.b64encode(data).decode()
    command = Command("guest-exec", arguments)
    if call is None:
        yield Answer("", text=dry_run_text(Request(command)), redirect=redirect)
        return Outcome()
    pid = reply_member(command.name, (yield from call.ask(command)), "pid", int)
    status = yield from _ended(call, words[0], pid)
    code = _exit_code(status)
    yield from _output(status, redirect, context.settings.formats)
    if "signal" in status:
        yield Note(f"the guest command was ended by signal {status['signal']}")
    elif code and context.settings.interactive:
        yield Note(f"exit code {status['exitcode']}")
    return Outcome(code)


def _read_words(line: VerbLine) -> _Wanted:
    redirect = None
    if line.words is not None:
        words = list(line.words)
    else:
        found, redirect = words_and_redirect(line.rest)
        words = list(found)
    timeout, stdin = None, False
    while words and (name := words[0].partition("=")[0]) in ("--timeout", "--stdin"):
        _, equals, text = words.pop(0).partition("=")
        if name == "--timeout":
            timeout = parse_duration(text if equals or not words else words.pop(0))
        elif equals:
            raise LineSyntaxError(
                "--stdin takes no value: the command reads what qmpsh reads on its stdin",
                line.source,
                line.rest_span,
            )
        else:
            stdin = True
    if not words:
        end = (line.rest_span[1], line.rest_span[1] + 1)
        raise LineSyntaxError("expected a command, as in .exec uname -a", line.source, end)
    return _Wanted(words, redirect, timeout, stdin)


def _ended(call: AgentCall, name: str, pid: int) -> Generator[Wish, str, JsonObject]:
    """Poll guest-exec-status until the command has ended; return its answer."""
    look = MIN_POLL_SECONDS
    command = Command(STATUS_COMMAND, {"pid": pid})
    while True:
        try:
            status = as_object(STATUS_COMMAND, (yield from call.ask(command)))
        except CommandFailed as error:
            lost = f"what became of {name} is not known; it may still be running in the guest"
            raise explained(error, lost) from error
        if reply_member(STATUS_COMMAND, status, "exited", bool):
            return status
        due = time.monotonic() + look
        if call.deadline is not None and call.deadline <= due:
            yield WaitFor(lambda: call.client.closed, call.deadline)
            raise call.late(f"{name} did not end")
        yield WaitFor(lambda: call.client.closed, due)
        if call.client.lost is not None:
            raise call.client.lost
        look = min(2 * look, MAX_POLL_SECONDS)


def _output(
    status: JsonObject, redirect: Redirect | None, formats: frozenset[str]
) -> Iterator[Wish]:
    """Yield what the command wrote, standard error last; with --json the agent's whole reply."""
    if prints_reply(formats):
        reply: JsonObject = {"return": status}
        modifiers = Modifiers(formats=formats)
        yield Answer("", value=status, reply=reply, modifiers=modifiers, redirect=redirect)
        return
    names = ("out-data", "err-data")
    out, err = (
        reply_bytes(STATUS_COMMAND, status, name) if name in status else b"" for name in names
    )
    if out or redirect is not None:
        yield shown_bytes(out, redirect=redirect)
    if err:
        yield shown_bytes(err, aside=True)
    for name, what in (("out", "output"), ("err", "error output")):
        if status.get(f"{name}-truncated"):
            yield Note(f"the agent cut the {what}: it keeps only so much of it")


def _exit_code(status: JsonObject) -> int:
    """Return the command's exit code, or 128 plus the number of the signal that ended it."""
    if "signal" in status:
        code = SIGNALLED + reply_member(STATUS_COMMAND, status, "signal", int)
    else:
        code = reply_member(STATUS_COMMAND, status, "exitcode", int)
    # Windows has codes of 32 bits, of which a process here could give back the last 8 alone.
    return code if 0 <= code <= _MAX_EXIT_CODE else _MAX_EXIT_CODE
