"""Sending one command and turning its reply into an answer."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import NamedTuple

from qmpsh.errors import ConnectionLost, ReplyTimeout
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.lang.syntax import Modifiers, Redirect
from qmpsh.link.client import Client, Pending
from qmpsh.shell.hmp import hmp_command, hmp_failed, hmp_text
from qmpsh.shell.outcome import Answer, Note, Outcome, Steps, Until
from qmpsh.shell.settings import Settings
from qmpsh.wire.messages import Command, ErrorReply, command_object, ends_vm


class Request(NamedTuple):
    """One command and what its line says about it.

    hmp: the answer is the monitor's text; has_id, id: the user's own id, restored in `--json`
    """

    command: Command
    modifiers: Modifiers = Modifiers()
    redirect: Redirect | None = None
    hmp: bool = False
    has_id: bool = False
    id: Json = None


def hmp_request(text: str, redirect: Redirect | None = None) -> Request:
    """One line of the human monitor, whose answer is its text."""
    return Request(hmp_command(text), redirect=redirect, hmp=True)


Suggest = Callable[[str], str]
"""What to say behind "not found" of a command's name: `; did you mean query-status?`, or ""."""


def execute(
    client: Client | None, request: Request, settings: Settings, suggest: Suggest = lambda _: ""
) -> Steps:
    """The steps from a request to its answer.

    client: None where there is no server (--dry-run)
    Raises ReplyTimeout, ConnectionLost, UsageError for what --read-only refuses.
    """
    if settings.read_only:
        # Imported here, as below: a one-shot asks nothing, and may do what it was told.
        from qmpsh.shell.policy import refuse_unless_reading

        refuse_unless_reading(request.command)
    request = request._replace(modifiers=_defaulted(request.modifiers, settings))
    if settings.dry_run or client is None:
        yield Answer("", text=dry_run_text(request), redirect=request.redirect)
        return Outcome()
    if request.command.name == "qmp_capabilities" and settings.negotiated:
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
    return (yield from _send(client, request, suggest))


def _defaulted(modifiers: Modifiers, settings: Settings) -> Modifiers:
    """The line's modifiers, with what the options say for every line."""
    shape = settings.json or settings.raw or settings.table
    if not (shape or settings.timeout is not None):
        return modifiers
    return modifiers._replace(
        json=modifiers.json or settings.json,
        raw=modifiers.raw or settings.raw,
        table=modifiers.table or settings.table,
        timeout=settings.timeout if modifiers.timeout is None else modifiers.timeout,
    )


def dry_run_text(request: Request) -> str:
    """The JSON that would be sent, the id left to us unless the user gave one."""
    message = command_object(request.command)
    if request.has_id:
        message["id"] = request.id
    return json.dumps(message, ensure_ascii=False)


def _send(client: Client, request: Request, suggest: Suggest) -> Steps:
    timeout = request.modifiers.timeout
    pending = client.submit(request.command)
    deadline = None if timeout is None else time.monotonic() + timeout
    yield Until(lambda: pending.done, deadline)
    if not pending.done:
        raise ReplyTimeout(
            f"no answer to {request.command.name} within {timeout:g} s; it may still be carried out"
        )
    answer = _conclude(request, pending)
    if isinstance(pending.reply, ErrorReply) and pending.reply.error_class == "CommandNotFound":
        answer = answer._replace(text=f"{answer.text}{suggest(request.command.name)}")
    yield answer
    return Outcome(1 if answer.failed else 0)


def _conclude(request: Request, pending: Pending) -> Answer:
    """The answer, or the loss of the connection raised.

    After quit was written the end of the stream is success, with or without its return (WIRE.md
    section 8: the server may reset the connection before its reply is read).
    """
    if pending.reply is None:
        if pending.error is not None and not (
            isinstance(pending.error, ConnectionLost) and ends_vm(request.command)
        ):
            raise pending.error
        empty: Json = "" if request.hmp else {}
        return _answer(request, {"return": empty}, pending.seconds, 0)
    return _answer(request, pending.reply.raw, pending.seconds, pending.reply.size)


def _answer(request: Request, raw: JsonObject, seconds: float, size: int) -> Answer:
    is_hmp = request.command.name == "human-monitor-command"
    if request.command.arguments is not None and (is_hmp or "error" in raw):
        # Imported here: only what the server says of arguments may repeat a secret.
        from qmpsh.shell.scrubbing import scrubbed_reply

        raw = scrubbed_reply(raw, command_object(request.command))
    reply = {key: value for key, value in raw.items() if key != "id"}
    if request.has_id:
        reply["id"] = request.id
    value, failed, text = raw.get("return"), "error" in raw, None
    if failed:
        text = error_text(raw["error"])
    elif request.hmp:
        text = hmp_text(value)
        failed = text is not None and hmp_failed(text)
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


def error_text(error: Json) -> str:
    """`Class: description` of an error member; the class alone where the text is empty."""
    if not isinstance(error, dict):
        return f"error: {error}"
    return f"{error.get('class', 'error')}: {error.get('desc', '')}".removesuffix(": ")
