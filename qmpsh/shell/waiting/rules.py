"""The commands that finish after they were answered: the one table of what shows that they ended.

All that is particular to a command is in its row; the columns call the pure functions here, which
judge the events and answers of single commands. A command without a row is done when it is
answered. Source: the QAPI documentation of the commands, and wire.md sections 7 to 9.
"""

from __future__ import annotations

from collections.abc import Callable

from qmpsh.jsontypes import Json, JsonObject, as_dict, as_dicts, get_dict, get_str
from qmpsh.light_typing import TYPE_CHECKING, Enum, NamedTuple, auto
from qmpsh.protocol.messages import Event

if TYPE_CHECKING:
    from typing import Final

    from qmpsh.shell.execute import Request

_DEVICES: Final = "/machine/peripheral"
"""where QEMU's object model has the devices that have an id"""

PAGE_BYTES: Final = 4096
"""bytes by which a balloon may miss what was asked of it"""

UNPLUG_UNDER_WAY: Final = "already in the process of unplug"
"""The error of a second device_del after a PCIe port; the first goes on (wire.md section 7)."""

_UNPLUG_REPEATS: Final = 6
"""looks at the list of the devices; they take 2 s"""

_EJECTIONS: Final = frozenset({3, 0x103})
"""Sources of ACPI_DEVICE_OST that are about an ejection: the request, and its processing."""

_REFUSALS: Final = {
    1: "it failed there",
    2: "the guest does not know the request",
    0x80: "the guest does not support it",
    0x81: "the device is in use",
    0x82: "the device is busy",
    0x83: "something that depends on the device is busy",
}
"""Statuses of an ejection that end it. Source: ACPI 6.5, section 6.3.5, _OST. 0 is its success,
0x84 says that it is under way.
"""

_STOPPED_STATES: Final = {
    "suspended": "; system_wakeup wakes it",
    **dict.fromkeys(
        ("paused", "prelaunch", "io-error", "watchdog", "restore-vm"), "; cont continues it"
    ),
}
"""Run states in which a guest does nothing, and what ends them."""


def standstill(reply: Json) -> str:
    """Return why the guest can do nothing, from the answer to query-status; "" if it runs."""
    if as_dict(reply).get("running") is not False:
        return ""
    status = as_dict(reply).get("status")
    return (
        f"the VM does not run ({status}), so that its guest can do nothing"
        f"{_STOPPED_STATES.get(str(status), '')}"
    )


# ---------------------------------------------------------------------------- the usual


def any_event(arguments: JsonObject, event: Event) -> bool:
    """Accept any event of the right name and id."""
    return True


def no_answer(arguments: JsonObject, reply: Json) -> bool:
    """Accept no answer."""
    return False


def error_of(event: Event) -> str | None:
    """Return an event's error message, or its name if it has none."""
    return str(event.data.get("error") or event.data.get("msg") or event.name)


def whole_reply(arguments: JsonObject, reply: Json) -> Json:
    """Return an answer as it is."""
    return reply


def not_come(reply: Json) -> str:
    """Return the state if nothing more is known."""
    return "it has not come"


def says(text: str) -> Callable[[Json], str]:
    """Return a function for a state that needs no answer."""
    return lambda _: text


# ---------------------------------------------------------------------------- of single commands


def unplug_error(event: Event) -> str | None:
    """Return why a guest keeps its device, None if it may still release it."""
    if event.name != "ACPI_DEVICE_OST":
        return error_of(event)
    info = get_dict(event.data, "info")
    if info.get("source") not in _EJECTIONS:
        return None
    status = info.get("status")
    why = _REFUSALS.get(status) if isinstance(status, int) else None
    return None if why is None else f"the guest refused: {why} (ACPI status {status})"


def device_gone(arguments: JsonObject, reply: Json) -> bool:
    """Whether the list of the devices lacks that of the line, given by its id."""
    names = {get_str(each, "name") for each in as_dicts(reply)}
    id = get_str(arguments, "id")
    # "type" is in every list of QEMU's; StratoVirt's is empty.
    return "type" in names and bool(id) and "/" not in id and id not in names


def gone_device(arguments: JsonObject, reply: Json) -> Json:
    """Return what DEVICE_DELETED has of the line's device."""
    id = get_str(arguments, "id")
    return {"device": id, "path": f"{_DEVICES}/{id}"}


def is_balloon(arguments: JsonObject, event: Event) -> bool:
    """Whether the balloon has the requested size."""
    return _is_near(arguments, event.data.get("actual"))


def balloon_reached(arguments: JsonObject, reply: Json) -> bool:
    """Whether query-balloon shows the requested size."""
    return _is_near(arguments, as_dict(reply).get("actual"))


def balloon_state(reply: Json) -> str:
    """Return the size that the balloon has instead."""
    actual = as_dict(reply).get("actual")
    return f"the guest has {actual} bytes" if isinstance(actual, int) else "it has not come"


def is_tray_open(arguments: JsonObject, event: Event) -> bool:
    """Whether the tray has moved out."""
    return event.data.get("tray-open") is True


def tray_reached(arguments: JsonObject, reply: Json) -> bool:
    """Whether the tray of the line's drive is open."""
    for drive in as_dicts(reply):
        if drive.get("tray_open") is True:
            by_id = "id" in arguments and drive.get("qdev") == arguments["id"]
            if by_id or ("device" in arguments and drive.get("device") == arguments["device"]):
                return True
    return False


def rate_measured(arguments: JsonObject, reply: Json) -> bool:
    """Whether the measurement of dirty pages is over."""
    return get_str(reply, "status") == "measured"


def _is_near(arguments: JsonObject, actual: Json) -> bool:
    wanted = arguments.get("value")
    if not isinstance(wanted, int) or not isinstance(actual, int):
        return False
    return abs(wanted - actual) <= PAGE_BYTES


class RuleKind(Enum):
    """The kind of work that a rule follows; each has its tracker in `trackers` or `jobs`."""

    EVENT = auto()  # one event, or a query's answer
    JOB = auto()  # one or several jobs, from state to state
    MIGRATION = auto()


class CompletionRule(NamedTuple):
    """A row of the table; every column is words with blanks in between.

    commands: names
    success:  the events on which it ends well, unless their data have an `error`; of a migration
              the states
    failure:  the same for the ends that are exit 1
    id:       `argument=member,member`: the event is the line's own when one of its members has the
              argument's value; the first argument that the line has counts; of jobs the arguments
              alone
    poll_query: the query that shows the end where no event does, asked for in between
    poll_arguments: of that query
    repeats:  how many answers in turn must show it: an event that is to come says more
    pauses_in: where only another command moves it on: of a job events, of a migration states
    initial_state: of a migration, in which it does not count as paused
    ends_with_connection: the end of the connection is an end
    creates:  the line makes the job
    dismiss:  the job stays until it is dismissed, and the line has no auto-dismiss to say
    guest:    the guest must act, so that a stopped VM never gets there
    tolerated_error: part of an error of the command on which its end is still to come

    These are called with the line's arguments first, or with what came alone:

    is_end:   whether an event of `success` is the end
    reached:  whether an answer to `poll_query` is
    answer:   of the line, where that was the end
    error:    what an event of `failure` says went wrong, None for nothing yet
    state:    how it is while the end has not come, from the last answer to `poll_query` or None
    """

    commands: str
    kind: RuleKind
    success: str = ""
    failure: str = ""
    id: str = ""
    poll_query: str = ""
    poll_arguments: JsonObject = {}  # noqa: RUF012 - never changed, as every field of a value
    repeats: int = 1
    pauses_in: str = ""
    initial_state: str = ""
    ends_with_connection: bool = False
    creates: bool = False
    dismiss: bool = False
    guest: bool = False
    tolerated_error: str = ""
    is_end: Callable[[JsonObject, Event], bool] = any_event
    reached: Callable[[JsonObject, Json], bool] = no_answer
    answer: Callable[[JsonObject, Json], Json] = whole_reply
    error: Callable[[Event], str | None] = error_of
    state: Callable[[Json], str] = not_come


_JOB = CompletionRule("", RuleKind.JOB,
        "BLOCK_JOB_COMPLETED", "BLOCK_JOB_CANCELLED", "id device", "query-jobs")  # fmt: skip
_MIGRATION = CompletionRule("", RuleKind.MIGRATION,
        "completed", "failed cancelled", poll_query="query-migrate",
        pauses_in="pre-switchover postcopy-paused")  # fmt: skip
_HALTS = "BLOCK_JOB_READY BLOCK_JOB_PENDING BLOCK_JOB_ERROR"

ENDS: tuple[CompletionRule, ...] = (
    CompletionRule("device_del", RuleKind.EVENT,
        "DEVICE_DELETED", "DEVICE_UNPLUG_GUEST_ERROR MEM_UNPLUG_ERROR ACPI_DEVICE_OST",
        "id=device,info.device", guest=True, tolerated_error=UNPLUG_UNDER_WAY,
        # With TCG a CPU goes without an event, as QEMU keeps a reference to it. A device is not
        # ended before its event is due, which comes at once: its backend is still in use.
        poll_query="qom-list", poll_arguments={"path": _DEVICES}, repeats=_UNPLUG_REPEATS,
        reached=device_gone, answer=gone_device, error=unplug_error,
        state=says("the guest has not released it")),
    CompletionRule("block-export-del", RuleKind.EVENT, "BLOCK_EXPORT_DELETED", id="id=id"),
    CompletionRule("nbd-server-remove", RuleKind.EVENT, "BLOCK_EXPORT_DELETED", id="name=id"),
    CompletionRule("dump-guest-memory", RuleKind.EVENT, "DUMP_COMPLETED"),
    CompletionRule("balloon", RuleKind.EVENT, "BALLOON_CHANGE", poll_query="query-balloon",
        guest=True, is_end=is_balloon, reached=balloon_reached, state=balloon_state),
    CompletionRule("blockdev-open-tray", RuleKind.EVENT,
        "DEVICE_TRAY_MOVED", id="id=id device=device", poll_query="query-block", guest=True,
        is_end=is_tray_open, reached=tray_reached,
        state=says("the guest has not unlocked the tray")),
    CompletionRule("calc-dirty-rate", RuleKind.EVENT, poll_query="query-dirty-rate",
        reached=rate_measured, state=says("it is still measuring")),
    CompletionRule("system_wakeup", RuleKind.EVENT, "WAKEUP"),
    CompletionRule("system_powerdown", RuleKind.EVENT, "SHUTDOWN",
        ends_with_connection=True, guest=True, state=says("the guest has not shut down")),
    CompletionRule("quit", RuleKind.EVENT, ends_with_connection=True,
        state=says("it has not ended")),
    CompletionRule("x-colo-lost-heartbeat", RuleKind.EVENT, "COLO_EXIT"),

    _JOB._replace(commands="block-commit block-stream blockdev-backup blockdev-mirror drive-backup"
                  " drive-mirror", id="job-id device", pauses_in=_HALTS, creates=True),
    _JOB._replace(commands="blockdev-create x-blockdev-amend snapshot-save snapshot-load"
                  " snapshot-delete", id="job-id", creates=True, dismiss=True),
    _JOB._replace(commands="transaction", id="actions", pauses_in=_HALTS, creates=True),
    _JOB._replace(commands="job-complete block-job-complete",
                  pauses_in="BLOCK_JOB_PENDING BLOCK_JOB_ERROR"),
    _JOB._replace(commands="job-finalize block-job-finalize"),
    _JOB._replace(commands="job-resume block-job-resume", pauses_in=_HALTS),
    _JOB._replace(commands="job-cancel block-job-cancel",
                  success="BLOCK_JOB_COMPLETED BLOCK_JOB_CANCELLED", failure=""),

    _MIGRATION._replace(commands="migrate migrate-incoming migrate-start-postcopy"),
    _MIGRATION._replace(commands="migrate-continue", pauses_in="postcopy-paused"),
    _MIGRATION._replace(commands="migrate-recover", initial_state="postcopy-paused"),
    _MIGRATION._replace(commands="migrate_cancel", success="cancelled none",
                        failure="completed failed", pauses_in=""),
    _MIGRATION._replace(commands="migrate-pause", success="postcopy-paused",
                        failure="completed failed cancelled", pauses_in=""),
)  # fmt: skip

ATTACHED = _JOB._replace(pauses_in=_HALTS, creates=True)
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

_AWAITED = {RuleKind.JOB: "the end of the job", RuleKind.MIGRATION: "the end of the migration"}

BY_COMMAND = {name: row for row in ENDS for name in row.commands.split()}


def awaited(rule: CompletionRule) -> str:
    """Return in words what shows the end of a command's work."""
    if rule.kind is RuleKind.EVENT and rule.success:
        return rule.success.split()[0]
    if rule.id == "actions":
        return "the end of its jobs"
    if rule.ends_with_connection:
        return "the end of the VM"
    return _AWAITED.get(rule.kind, "its end")


def known_ends() -> dict[str, str]:
    """Return the commands whose end is known, and what shows it in words."""
    return {name: awaited(rule) for name, rule in BY_COMMAND.items()}


def rule_of(command: str) -> CompletionRule | None:
    """Return the row of a command; None if it is done when it is answered."""
    return BY_COMMAND.get(command)


def can_wait_for(request: Request) -> bool:
    """Whether there is something to wait for after the answer."""
    row = rule_of(request.command.name)
    if row is None or request.hmp:
        return False
    return row.kind is not RuleKind.JOB or bool(job_ids(row, as_dict(request.command.arguments)))


def job_ids(row: CompletionRule, arguments: JsonObject) -> list[str]:
    """Return the ids of the jobs that a line is about, in its order, each once."""
    if row.id == "actions":
        return _action_jobs(arguments.get("actions"))
    named = (get_str(arguments, name) for name in row.id.split())
    return list(filter(None, named))[:1]


def _action_jobs(actions: Json) -> list[str]:
    """Return the ids of the jobs that a transaction's actions create."""
    found: list[str] = []
    for action in as_dicts(actions):
        row = BY_COMMAND.get(get_str(action, "type"))
        if row is not None and row.creates and row.id != "actions":
            found += job_ids(row, get_dict(action, "data"))
    return list(dict.fromkeys(found))
