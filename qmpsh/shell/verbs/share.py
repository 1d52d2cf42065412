"""`.share`: who else uses the monitor through this shell."""

from __future__ import annotations

import time

from qmpsh.jsontypes import Json, as_dicts
from qmpsh.language.syntax import VerbLine
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.shell.context import Context
from qmpsh.shell.steps import Answer, Note, Outcome, Steps, Wish
from qmpsh.shell.verbs.table import refuse_arguments, verb

if TYPE_CHECKING:
    from collections.abc import Generator

    from qmpsh.share.server import SharedClient

_PROMPT_ONLY = "only an interactive shell and qmpsh share let others use a monitor"
_THROUGH = "this shell goes through {}, which holds the monitor and shares it"
_ALONE = "no other program uses the monitor through this shell; another qmpsh just connects to {}"
_ORPHAN = "fdset {0} is of {1}, which has left: remove-fd fdset-id={0} closes it"
_NO_QMP = "an HMP monitor is not shared: it serves this shell alone"
_OFF = "the monitor is not shared: .set share on, unless another process shares it"


@verb("share", "", "who else uses the monitor through this shell", bare=False)
def show_share(context: Context, line: VerbLine) -> Steps:
    """Print a table of the clients of the share, or say why there is none.

    Raises LineSyntaxError.
    """
    refuse_arguments(line)
    clients = context.share.clients if context.share is not None else []
    yield from _note_orphans(context)
    if not clients:
        yield Note(_why_none(context))
        return Outcome()
    value: Json = [_row(client) for client in clients]
    formats = line.modifiers.formats or frozenset({"table"})
    modifiers = line.modifiers._replace(formats=formats)
    yield Answer("", value=value, modifiers=modifiers, redirect=line.redirect)
    return Outcome()


def _note_orphans(context: Context) -> Generator[Wish, str, None]:
    """Name the fdsets that those who have left did not remove."""
    orphans = context.share.orphans if context.share is not None else {}
    if not orphans:
        return
    found = yield from context.introspection.ask_live("query-fdsets", {})
    if not isinstance(found, list):
        return
    there = {one.get("fdset-id") for one in as_dicts(found)}
    for number, who in sorted(orphans.items()):
        if number in there:
            yield Note(_ORPHAN.format(number, who))
        else:
            del orphans[number]


def _why_none(context: Context) -> str:
    share, client = context.share, context.client
    if share is None:
        return _PROMPT_ONLY
    if client is not None and client.holder is not None:
        # Imported here: few shells go through another one.
        from qmpsh.client.sharing import holder_text

        return _THROUGH.format(holder_text(client.holder))
    if not context.speaks_qmp:
        return _NO_QMP
    return _ALONE.format(context.machine.address) if share.is_open else _OFF


def _row(client: SharedClient) -> dict[str, Json]:
    member = client.member
    last: dict[str, Json] = {"last": member.last} if member.last else {}
    return {
        "client": client.who,
        "since": time.strftime("%H:%M:%S", time.localtime(client.since)),
        "commands": member.count,
        **last,
        "running": len(member.in_flight),
        "unsent": len(member.session.outgoing),
        "read-only": member.read_only,
    }
