"""Sending one command and turning its reply into an answer."""

from __future__ import annotations

import json
import time

from qmpsh.client.client import Client, Pending
from qmpsh.client.connect import carries_descriptors
from qmpsh.client.handshake import no_descriptors
from qmpsh.errors import ConnectionLost, LostUnsent, ReplyTimeout, StreamEnded, UsageError, failure
from qmpsh.jsontypes import Json, JsonObject, get_str
from qmpsh.language.syntax import Modifiers, Redirect
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.protocol.messages import Command, ErrorReply, command_object, ends_vm
from qmpsh.shell.hmp import hmp_command, hmp_text
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, WaitFor, Wish, adapted

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Final, TypeAlias

_NO_OOB: Final = "--oob: no out-of-band execution here, {why}; write the line without"
_NO_FD: Final = "--fd: {why}"
_NO_TYPES: Final = (
    "no answer within {timeout:g} s while reading the argument types from the server; the"
    " command was not sent"
)
_NOT_SENT: Final = "{name} was not sent: {error}"


class Request(NamedTuple):
    """A command to send, and what its line says about it.

    hmp: the answer is the monitor's text; has_id, id: the user's own id, restored in `--json`
    as_text: makes the text that is shown in the place of the value; None for another shape
    """

    command: Command
    modifiers: Modifiers = Modifiers()
    redirect: Redirect | None = None
    hmp: bool = False
    has_id: bool = False
    id: Json = None
    as_text: Callable[[Json], str | None] | None = None


def hmp_request(text: str, redirect: Redirect | None = None) -> Request:
    """Return the request for a line of the human monitor, whose answer is its text."""
    return Request(hmp_command(text), redirect=redirect, hmp=True)


SILENCE_SECONDS = 2.0
"""within which a command that sends no reply on success reports a failure"""

Suggest: TypeAlias = "Callable[[str], str]"
"""Gives what follows "not found" after a command's name: `; did you mean ...?`, or ""."""

Send: TypeAlias = "Callable[[Client, Request], Steps]"
"""The steps from a request that nothing holds back any more to its answer."""


Allows: TypeAlias = "Callable[[str], bool]"
"""Whether the schema lets a command be carried out out of band."""

_TAKES_FD: Final = frozenset({"add-fd", "getfd"})

_MAY_SHOW_SECRETS: Final = frozenset({"human-monitor-command", "qom-get", "qom-list-get"})
"""whose answers may be a secret, or repeat one"""

_HINTS: Final = {
    "OperationThrottled: ": "; StratoVirt threw the request away: wait a second and try again",
    "GenericError: No file descriptor supplied": "; add --fd FILE",  # Source: wire.md section 11
    "GenericError: Invalid SCM message": "; add --fd FILE",  # wire.md section 13
    "CommandNotFound: The command human-monitor-command ": "; this server has no human monitor",
}
"""The beginning of an error text, and the advice to add to it."""


def execute(
    client: Client | None,
    request: Request,
    settings: Settings,
    send: Send | None = None,
    *,
    allows_oob: Allows = lambda _: False,
) -> Steps:
    """Run a request, from the checks to its answer.

    client: None where there is no server (--dry-run); send: what to do once nothing is in the way
    Raises ReplyTimeout, ConnectionLost, UsageError for what --read-only refuses and for what this
    server cannot take.
    """
    is_agreed = request.command.name == "qmp_capabilities" and settings.negotiated
    if settings.read_only and not is_agreed:
        # Imported here, as below: a one-shot asks nothing, and may do what the line says.
        from qmpsh.shell.policy import refuse_unless_reading

        refuse_unless_reading(request.command)
    request = request._replace(modifiers=defaulted(request.modifiers, settings))
    if client is not None:
        _refuse(client, request, settings)
    if settings.dry_run or client is None:
        if request.modifiers.fd is not None:
            yield Note(f"a descriptor of {request.modifiers.fd} would go with it")
        yield Answer("", text=dry_run_text(request), redirect=request.redirect)
        return Outcome()
    if is_agreed:
        yield Note("qmp_capabilities: already negotiated, not sent again")
        yield _answer(request, {"return": {}}, 0.0, 0)
        return Outcome()
    if settings.interactive and not (settings.yes or request.modifiers.yes):
        from qmpsh.shell.policy import question_before

        question = question_before(request.command, dict(settings.confirm))
        if question is not None:
            choice = yield question
            if choice not in ("q", "y"):
                return Outcome(leave=choice == "l")
    request = request._replace(command=_adapted(client, request.command, allows_oob))
    return (yield from (send or send_and_answer)(client, request))


def _adapted(client: Client, command: Command, allows_oob: Allows) -> Command:
    """Return the command as this server expects it; out of band if it would wait otherwise."""
    if client.connection.oob and client.connection.in_flight and allows_oob(command.name):
        command = command._replace(oob=True)
    if command.arguments is None and command.name in client.dialect.braced:
        command = command._replace(arguments={})
    return command


def _refuse(client: Client, request: Request, settings: Settings) -> None:
    """Raise UsageError for what is known to be beyond this server."""
    if request.hmp and not client.dialect.hmp:
        raise UsageError(no_human_monitor(client))
    if request.modifiers.oob and settings.negotiated and not client.connection.oob:
        greeting = client.connection.greeting
        is_offered = greeting is not None and "oob" in greeting.capabilities
        why = "--no-oob forbids it" if is_offered else "this server does not offer it"
        raise UsageError(_NO_OOB.format(why=why))
    if request.modifiers.fd is not None and not carries_descriptors(client.stream):
        raise UsageError(_NO_FD.format(why=no_descriptors(client.address)))


def no_human_monitor(client: Client) -> str:
    """Return the message for an HMP line to a server without a human monitor."""
    return f"{client.dialect.title} has no human monitor; use its QMP commands, .help lists them"


def within(timeout: float, steps: Steps) -> Steps:
    """Run the steps with a limit for each wait that has none of its own: for what must be read from
    the server before a line can be checked and sent.

    timeout: seconds
    Raises ReplyTimeout, and what the steps raise.
    """

    def limited(wish: Wish) -> Generator[Wish, str, str | None]:
        if not isinstance(wish, WaitFor) or wish.deadline is not None or wish.endless:
            return (yield wish)
        choice = yield wish._replace(deadline=time.monotonic() + timeout)
        if not wish.ready():
            raise ReplyTimeout(_NO_TYPES.format(timeout=timeout))
        return choice

    return adapted(steps, limited)


def defaulted(modifiers: Modifiers, settings: Settings) -> Modifiers:
    """Return the line's modifiers, with what the options say for every line."""
    if not settings.formats and settings.timeout is None:
        return modifiers
    return modifiers._replace(
        formats=modifiers.formats | settings.formats,
        timeout=settings.timeout if modifiers.timeout is None else modifiers.timeout,
    )


def dry_run_text(request: Request) -> str:
    """Return the JSON that would be sent, without an id unless the user gave one."""
    message = command_object(request.command)
    if request.has_id:
        message["id"] = request.id
    return json_text(message)


def json_text(value: Json) -> str:
    """Return JSON on one line, all of it printable, with JSON's own escapes."""
    text = json.dumps(value, ensure_ascii=False)
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escaped(char) for char in text)


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else json.dumps(char)[1:-1]


def send_and_answer(client: Client, request: Request, suggest: Suggest = lambda _: "") -> Steps:
    """Send the request and show what comes back."""
    answer = yield from answer_to(client, request, suggest)
    yield answer
    return Outcome(1 if answer.failed else 0)


_NEGOTIATE: Final = "Expecting capabilities negotiation"
"""How QEMU begins its refusal of a command that comes before qmp_capabilities."""


def answer_to(
    client: Client,
    request: Request,
    suggest: Suggest = lambda _: "",
    left: Callable[[], str] = str,
) -> Generator[Wish, str, Answer]:
    """Send the request and wait for what comes back. left: see WaitFor.

    Raises ReplyTimeout, ConnectionLost.
    """
    timeout, command = request.modifiers.timeout, request.command._replace(by_user=True)
    is_silent = command.name in client.dialect.silent
    if is_silent and timeout is None:
        timeout = SILENCE_SECONDS
    if request.modifiers.fd is not None:
        # Imported here: few lines carry a descriptor.
        from qmpsh.shell.fds import open_file

        fd, remark = open_file(request.modifiers.fd)
        pending = client.submit(command._replace(fd=fd))
        if command.name not in _TAKES_FD:
            remark = f"{command.name} takes no descriptor: the VM keeps it for the next that does"
        if remark:
            yield Note(remark)
    else:
        pending = client.submit(command)
    deadline = None if timeout is None else time.monotonic() + timeout
    if client.dialect.guest and not is_silent:
        # Imported here: few servers are guest agents.
        from qmpsh.shell.verbs.guest import note_silence

        yield from note_silence(pending, deadline)
    yield WaitFor(lambda: pending.done, deadline, left=left, for_reply=True)
    if is_silent and pending.reply is None:
        client.forget(pending)
        yield Note(f"{request.command.name}: no reply, which means success for this command")
        return _answer(request, {"return": {}}, 0.0, 0)
    if not pending.done:
        raise client.overdue(pending, timeout or 0.0)
    answer = _conclude(request, pending)
    if not answer.failed:
        return answer
    hint = yield from _next_step(client, request.command, pending, answer.text or "", suggest)
    return answer._replace(text=f"{answer.text}".removesuffix(".") + hint) if hint else answer


def _next_step(
    client: Client, command: Command, pending: Pending, said: str, suggest: Suggest
) -> Generator[Wish, str, str]:
    """Return what to add to the message of a failure; "" for nothing. said: its text"""
    if isinstance(pending.reply, ErrorReply) and pending.reply.error_class == "CommandNotFound":
        wants = pending.reply.desc.startswith(_NEGOTIATE)
        return "; this server negotiates: leave out -N" if wants else suggest(command.name)
    if not client.dialect.qmp:
        # Imported here: few servers are HMP monitors.
        from qmpsh.shell.without_qmp import hint_for

        return hint_for(said)
    line = get_str(command.arguments, "command-line").split()
    if command.name != "device_add" and line[:1] != ["device_add"]:
        return ""
    # Imported here: only for a refused device is a free place looked for.
    from qmpsh.shell.ports import lacks_place, plug_hint

    if not lacks_place(said):
        return ""
    return (yield from plug_hint(client, get_str(command.arguments, "driver"), said))


def _conclude(request: Request, pending: Pending) -> Answer:
    """Return the answer, or raise the loss of the connection.

    After quit was written the end of the stream is success, with or without its return (wire.md
    section 8: the server may reset the connection before its reply is read).
    """
    if pending.reply is None:
        error = pending.error
        if isinstance(error, ConnectionLost) and not pending.written:
            raise LostUnsent(_NOT_SENT.format(name=request.command.name, error=error)) from error
        ends = ends_vm(request.command) and isinstance(error, StreamEnded)
        if error is not None and not ends:
            raise error
        empty: Json = "" if request.hmp else {}
        return _answer(request, {"return": empty}, pending.seconds, 0)
    return _answer(request, pending.reply.raw, pending.seconds, pending.reply.size)


def _answer(request: Request, raw: JsonObject, seconds: float, size: int) -> Answer:
    may_show = "error" in raw or request.command.name in _MAY_SHOW_SECRETS
    if request.command.arguments is not None and may_show:
        # Imported here: only what the server says of arguments may repeat a secret.
        from qmpsh.secrets.masker import scrub_reply

        raw = scrub_reply(raw, command_object(request.command))
    reply = {key: value for key, value in raw.items() if key != "id"}
    if request.has_id:
        reply["id"] = request.id
    value, failed, text = raw.get("return"), "error" in raw, None
    if failed:
        text = error_text(raw["error"])
        text += next((hint for start, hint in _HINTS.items() if text.startswith(start)), "")
    elif request.hmp:
        text = hmp_text(value)
        failed = bool(text) and _hmp_failed(request.command, text or "")
    elif request.as_text is not None:
        text = request.as_text(value)
    return Answer(
        request.command.name,
        failed=failed,
        value=value,
        text=text,
        reply=reply,
        seconds=seconds,
        size=size,
        modifiers=request.modifiers,
        redirect=request.redirect,
    )


def _hmp_failed(command: Command, text: str) -> bool:
    # Imported here: most lines are not the human monitor's, or print nothing.
    from qmpsh.shell.hmp_texts import hmp_failed

    return hmp_failed(get_str(command.arguments, "command-line"), text)


def error_text(error: Json) -> str:
    """Return `Class: description` of an error member; the class alone if the text is empty."""
    if not isinstance(error, dict):
        return failure("error", str(error))
    return failure(str(error.get("class", "error")), str(error.get("desc", "")))
