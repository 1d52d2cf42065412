"""The VMs that a line goes to: those of the targets that the filter leaves, asked where it must."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from qmpsh.client.dialect import GUEST_AGENT
from qmpsh.errors import CommandFailed, UsageError
from qmpsh.jsontypes import as_dict, get_str
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.many.filters import ADDRESS, HOST, NAME, STATUS, Facts, VmFilter
from qmpsh.many.line import ManyLine
from qmpsh.many.member import Plan
from qmpsh.many.output import ManyOutput
from qmpsh.many.results import VmResult
from qmpsh.many.sweep import Sweep, SweepLimits
from qmpsh.many.targets import Target, counted
from qmpsh.render.environment import Environment

if TYPE_CHECKING:
    from qmpsh.many.hosts import RemoteHosts

STATUS_SECONDS: Final = 10.0
"""seconds for the answer about the status"""

_QUESTION: Final = ManyLine(("query-status",), "query-status")
_NO_STATUS: Final = "--only and --except: a guest agent has no status"
_NONE_LEFT: Final = "--only and --except leave none of {what}; nothing was sent"


class Selection(NamedTuple):
    """The VMs that were chosen.

    failed:   those of which it is not known whether they are meant
    left_out: what a glob found, and is no monitor
    """

    targets: list[Target]
    failed: list[VmResult]
    left_out: list[VmResult]


class Selector:
    """Chooses VMs. plan: how each is asked; hosts: what reaches those on other hosts"""

    def __init__(
        self,
        vm_filter: VmFilter,
        plan: Plan,
        environment: Environment,
        hosts: RemoteHosts | None = None,
    ) -> None:
        if STATUS in vm_filter.keys and plan.options.dialect is GUEST_AGENT:
            raise UsageError(_NO_STATUS)
        self._filter = vm_filter
        self._plan = plan
        self._environment = environment
        self._hosts = hosts

    def choose(self, targets: Sequence[Target], *, named: bool) -> Selection:
        """Return the VMs that are meant. named: they are asked for their names in any case

        Raises UsageError if there are none.
        """
        self._filter.check_keys(key for target in targets for key, _ in target.tags)
        asked = self._filter.keys & {STATUS, NAME}
        if any(one.is_found for one in targets):
            asked |= self._filter.keys & {ADDRESS}
        found = [one for one in targets if self._picks(one, self._filter.keys - asked)]
        if asked or named:
            chosen = self._choose_by_answers(found, asked)
        else:
            chosen = Selection(found, [], [])
        if not (chosen.targets or chosen.failed):
            raise UsageError(_NONE_LEFT.format(what=counted(targets)))
        return chosen

    def _choose_by_answers(self, targets: list[Target], asked: frozenset[str]) -> Selection:
        sweep = self._ask(targets, asked)
        answers = {one.target.text: _with_error(one) for one in sweep.results}
        chosen = Selection([], [], sweep.left_out)
        strangers = {one.target.text for one in sweep.left_out}
        for target in sweep.targets or targets:
            if target.text in strangers:
                continue
            answer = answers.get(target.text)
            unknown: frozenset[str] = frozenset()
            if answer is None or answer.code:
                unknown = asked & ({STATUS} if target.name else {STATUS, NAME})
            else:
                target = target._replace(name=answer.name)
            status = get_str(as_dict(answer.value), "status") if answer else ""
            if not self._picks(target, self._filter.keys - unknown, status):
                continue
            if unknown and answer is not None:
                chosen.failed.append(answer)
            else:
                chosen.targets.append(target)
        return chosen

    def _ask(self, targets: list[Target], asked: frozenset[str]) -> Sweep:
        """Ask for the names, and for the status as well if that is asked."""
        if not (asked & {STATUS, ADDRESS}) and all(target.name for target in targets):
            targets = []
        line = _QUESTION if STATUS in asked else None
        settings = self._plan.settings._replace(
            hmp=False, wait=None, dry_run=False, timeout=STATUS_SECONDS
        )
        output = ManyOutput(self._environment, line or _QUESTION, in_lines=False, folds=True)
        plan = self._plan._replace(line=line, settings=settings)
        sweep = Sweep(targets, plan, SweepLimits(), output, self._hosts)
        try:
            sweep.run()
        finally:
            output.clear()
        return sweep

    def _picks(self, target: Target, keys: Iterable[str], status: str = "") -> bool:
        return self._filter.picks(_facts(target, status), keys)


def _with_error(result: VmResult) -> VmResult:
    """Return a result whose failure is no longer that of an answer, which was to another line."""
    if not result.code or result.error is not None:
        return result
    return result._replace(answers=(), error=CommandFailed("CommandFailed", result.reason))


def _facts(target: Target, status: str) -> Facts:
    facts: dict[str, list[str]] = {}
    for key, value in target.tags:
        facts.setdefault(key, []).append(value)
    name = target.name
    return {
        **facts,
        NAME: [name, name.removeprefix(f"{target.host}/")] if name else [],
        STATUS: [status] if status else [],
        HOST: [target.host] if target.host else [],
        ADDRESS: [target.text],
    }
