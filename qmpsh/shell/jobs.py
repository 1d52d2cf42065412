"""What can be done with a job or a migration, by the state that it is in.

One table, a part of what QEMU allows: a key that would be refused is not offered. Pure.
Source: JobVerbTable of QEMU's job.c; QAPI JobStatus and MigrationStatus; migration.c for what a
migration accepts.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from qmpsh.jsontypes import JsonObject, as_dict
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command
from qmpsh.shell.waiting.trackers import shown_id
from qmpsh.shell.work import JobEntry

INCOMING = "a migration to this VM is ended where it comes from"
OVER = "it has ended"
NO_COMMAND = "this server has no {}"
NOT_NOW = "{} is not possible while it is {}; {}"
NOTHING = "nothing can be done with it now"


class JobAction(NamedTuple):
    """Something that a key does with a job or a migration.

    does: a word for the footer
    statuses: in which it is offered
    asks: the question before it, {} is the subject; "" for none
    as_postcopy: only for a migration that may become postcopy
    """

    key: str
    does: str
    command: str
    statuses: str
    asks: str = ""
    as_postcopy: bool = False


JOB_ACTIONS: Final = (
    JobAction("p", "pause", "job-pause", "created running ready"),
    JobAction("r", "resume", "job-resume", "paused standby"),
    JobAction("f", "complete", "job-complete", "ready"),
    JobAction("f", "finalize", "job-finalize", "pending"),
    JobAction(
        "x", "cancel", "job-cancel", "created running paused ready standby waiting pending",
        "Cancel {}?",
    ),
    JobAction("d", "dismiss", "job-dismiss", "concluded"),
)  # fmt: skip

MIGRATION_ACTIONS: Final = (
    JobAction(
        "p", "pause", "migrate-pause", "postcopy-active",
        "Break the connection of {}? Only migrate resume=true goes on.",
    ),
    JobAction("f", "continue", "migrate-continue", "pre-switchover"),
    JobAction(
        "s", "switch to postcopy", "migrate-start-postcopy", "active",
        "Switch {} to postcopy? It cannot be cancelled any more.", as_postcopy=True,
    ),
    JobAction(
        "x", "cancel", "migrate_cancel",
        "setup active device colo pre-switchover wait-unplug", "Cancel {}?",
    ),
)  # fmt: skip

ACTION_KEYS: Final = frozenset("prfsxd")
"""The keys of all actions"""


class Allowance(NamedTuple):
    """What this server allows besides what the states do.

    commands: () before they are known
    can_switch: its migration may become postcopy
    is_incoming: the VM is the destination of a migration
    """

    commands: Collection[str] = ()
    can_switch: bool = False
    is_incoming: bool = False


def offered_actions(entry: JobEntry, allowance: Allowance) -> list[JobAction]:
    """Return what can be done now, in the order of the table."""
    if entry.is_migration and allowance.is_incoming:
        return []
    return [
        action
        for action in _actions(entry)
        if entry.status in action.statuses.split()
        and (allowance.can_switch or not action.as_postcopy)
        and (not allowance.commands or action.command in allowance.commands)
    ]


def why_not(entry: JobEntry, key: str, allowance: Allowance) -> str:
    """Return why the key of an action does nothing now."""
    offered = offered_actions(entry, allowance)
    if entry.is_migration and allowance.is_incoming:
        return INCOMING
    if entry.result and not offered:
        return OVER
    rows = [action for action in _actions(entry) if action.key == key]
    for action in rows:
        if allowance.commands and action.command not in allowance.commands:
            return NO_COMMAND.format(action.command)
    if not rows or not offered:
        return NOTHING
    words = ", ".join(f"{action.key} {action.does}" for action in offered)
    return NOT_NOW.format(rows[0].does, entry.status, words)


def action_command(entry: JobEntry, action: JobAction) -> Command:
    """Return what to send for an action."""
    arguments: JsonObject = {"id": entry.name}
    if entry.is_migration:
        arguments = {"state": entry.status} if action.command == "migrate-continue" else {}
    return Command(action.command, arguments or None)


def action_line(entry: JobEntry, action: JobAction) -> str:
    """Return the same as a line."""
    arguments = as_dict(action_command(entry, action).arguments)
    words = [f"{name}={shown_id(str(value))}" for name, value in arguments.items()]
    return " ".join([action.command, *words])


def wait_line(entry: JobEntry) -> str:
    """Return the line that waits for the end of a job; "" where nothing is to be waited for."""
    return "" if entry.result or entry.is_migration else f".wait job={shown_id(entry.name)}"


def subject(entry: JobEntry) -> str:
    """Return what a question calls it; holds the VM's own names, not yet safe to show."""
    return "the migration" if entry.is_migration else f"{entry.type} {entry.name}"


def _actions(entry: JobEntry) -> tuple[JobAction, ...]:
    return MIGRATION_ACTIONS if entry.is_migration else JOB_ACTIONS
