"""The commands that finish after they were answered: the one table of what tells their ends.

All that is particular to a command stands in its row; what its columns call lies in `judges`.
Source: the QAPI documentation of the commands, and WIRE.md sections 7 to 9. A command that is not
here is done when it is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.shell import judges
from qmpsh.wire.messages import Event

if TYPE_CHECKING:
    from qmpsh.shell.execute import Request


class Kind(Enum):
    """What is followed, and by which of `courses`."""

    EVENT = auto()  # one event, or a query's answer
    JOB = auto()  # one or several jobs, from state to state
    MIGRATION = auto()


class End(NamedTuple):
    """One row; every column is words with blanks in between.

    commands: names
    well:     the events on which it ends well, unless their data have an `error`; of a migration
              the states
    badly:    the same for the ends that are exit 1
    id:       `argument=member,member`: the event is the line's own when one of its members has the
              argument's value; the first argument that the line has counts; of jobs the arguments
              alone
    asks:     the query that tells the end where no event does, asked for in between
    halts:    there nothing goes on before another command: of a job events, of a migration states
    leaves:   the state in which a migration stands beforehand, so that it is no halt
    tells:    the query that tells how far it is, for the bar
    stream:   the end of the connection is an end
    creates:  the line makes the job
    dismiss:  the job stays until it is dismissed, and the line has no auto-dismiss to say
    guest:    it takes the guest to get there, so that a VM that stands still never does
    goes_on:  part of an error of the command on which its end is still to come

    These are called with the line's arguments first, or with what came alone:

    is_end:   whether an event of `well` is the end
    reached:  whether an answer to `asks` is
    error:    what an event of `badly` says went wrong, None for nothing yet
    state:    how it is while the end has not come; of the last answer to `asks`, None for none
    """

    commands: str
    kind: Kind
    well: str = ""
    badly: str = ""
    id: str = ""
    asks: str = ""
    halts: str = ""
    leaves: str = ""
    tells: str = ""
    stream: bool = False
    creates: bool = False
    dismiss: bool = False
    guest: bool = False
    goes_on: str = ""
    is_end: Callable[[JsonObject, Event], bool] = judges.any_event
    reached: Callable[[JsonObject, Json], bool] = judges.no_answer
    error: Callable[[Event], str | None] = judges.told_error
    state: Callable[[Json], str] = judges.not_come


_JOB = End("", Kind.JOB, "BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED", "id device", "query-jobs",
           tells="query-jobs")  # fmt: skip
_MIGRATION = End("", Kind.MIGRATION, "completed", "failed cancelled", asks="query-migrate",
                 halts="pre-switchover postcopy-paused", tells="query-migrate")  # fmt: skip
_HALTS = "BLOCK_JOB_READY BLOCK_JOB_PENDING BLOCK_JOB_ERROR"

ENDS: tuple[End, ...] = (
    End("device_del", Kind.EVENT,
        "DEVICE_DELETED", "DEVICE_UNPLUG_GUEST_ERROR MEM_UNPLUG_ERROR ACPI_DEVICE_OST",
        "id=device,info.device", guest=True, goes_on=judges.UNPLUG_UNDER_WAY,
        error=judges.unplug_error, state=judges.says("the guest has not released it")),
    End("block-export-del", Kind.EVENT, "BLOCK_EXPORT_DELETED", id="id=id"),
    End("nbd-server-remove", Kind.EVENT, "BLOCK_EXPORT_DELETED", id="name=id"),
    End("dump-guest-memory", Kind.EVENT, "DUMP_COMPLETED"),
    End("balloon", Kind.EVENT, "BALLOON_CHANGE", asks="query-balloon", guest=True,
        is_end=judges.is_balloon, reached=judges.balloon_reached, state=judges.balloon_state),
    End("blockdev-open-tray", Kind.EVENT,
        "DEVICE_TRAY_MOVED", id="id=id device=device", asks="query-block", guest=True,
        is_end=judges.is_tray_open, reached=judges.tray_reached,
        state=judges.says("the guest has not unlocked the tray")),
    End("calc-dirty-rate", Kind.EVENT, asks="query-dirty-rate", reached=judges.rate_measured,
        state=judges.says("it is still measuring")),
    End("system_wakeup", Kind.EVENT, "WAKEUP"),
    End("system_powerdown", Kind.EVENT, "SHUTDOWN", stream=True, guest=True,
        state=judges.says("the guest has not shut down")),
    End("quit", Kind.EVENT, stream=True, state=judges.says("it has not ended")),
    End("x-colo-lost-heartbeat", Kind.EVENT, "COLO_EXIT"),

    _JOB._replace(commands="block-commit block-stream blockdev-backup blockdev-mirror drive-backup"
                  " drive-mirror", id="job-id device", halts=_HALTS, creates=True),
    _JOB._replace(commands="blockdev-create x-blockdev-amend snapshot-save snapshot-load"
                  " snapshot-delete", id="job-id", creates=True, dismiss=True),
    _JOB._replace(commands="transaction", id="actions", halts=_HALTS, creates=True),
    _JOB._replace(commands="job-complete block-job-complete",
                  halts="BLOCK_JOB_PENDING BLOCK_JOB_ERROR"),
    _JOB._replace(commands="job-finalize block-job-finalize"),
    _JOB._replace(commands="job-resume block-job-resume", halts=_HALTS),
    _JOB._replace(commands="job-cancel block-job-cancel",
                  well="BLOCK_JOB_COMPLETED BLOCK_JOB_CANCELLED", badly=""),

    _MIGRATION._replace(commands="migrate migrate-incoming migrate-start-postcopy"),
    _MIGRATION._replace(commands="migrate-continue", leaves="pre-switchover"),
    _MIGRATION._replace(commands="migrate-recover", leaves="postcopy-paused"),
    _MIGRATION._replace(commands="migrate_cancel", well="cancelled none", badly="completed failed",
                        halts=""),
    _MIGRATION._replace(commands="migrate-pause", well="postcopy-paused",
                        badly="completed failed cancelled", halts=""),
)  # fmt: skip

ATTACHED = _JOB._replace(halts=_HALTS, creates=True)
"""A job that was started before, and is waited for by its id alone."""

NEXT = {
    "BLOCK_JOB_READY": "ready: job-complete id={id} --wait finishes it",
    "BLOCK_JOB_PENDING": "pending: job-finalize id={id} --wait finishes it",
    "BLOCK_JOB_ERROR": "job-resume id={id} --wait goes on, job-cancel id={id} gives up",
    "pre-switchover": "pre-switchover: migrate-continue state=pre-switchover --wait goes on",
    "postcopy-paused": "postcopy-paused: migrate-recover at the other end, then migrate"
    " resume=true --wait here, go on",
}
"""What to do next where a wait ended at a halt."""

BY_COMMAND = {name: row for row in ENDS for name in row.commands.split()}


def end_of(command: str) -> End | None:
    """The row of a command; None where it is done when it is answered."""
    return BY_COMMAND.get(command)


def has_end(request: Request) -> bool:
    """Whether there is something to wait for after the answer."""
    row = end_of(request.command.name)
    if row is None or request.hmp:
        return False
    arguments = request.command.arguments
    known = arguments if isinstance(arguments, dict) else {}
    return row.kind is not Kind.JOB or bool(job_ids(row, known))


def job_ids(row: End, arguments: JsonObject) -> list[str]:
    """The jobs that a line is about, in its order; its own words for them, each once."""
    if row.id == "actions":
        return _action_jobs(arguments.get("actions"))
    for name in row.id.split():
        value = arguments.get(name)
        if isinstance(value, str) and value:
            return [value]
    return []


def _action_jobs(actions: Json) -> list[str]:
    """The jobs that a transaction's actions make."""
    found: list[str] = []
    for action in actions if isinstance(actions, list) else []:
        if isinstance(action, dict) and isinstance(data := action.get("data"), dict):
            row = BY_COMMAND.get(str(action.get("type")))
            if row is not None and row.creates and row.id != "actions":
                found += job_ids(row, data)
    return list(dict.fromkeys(found))
