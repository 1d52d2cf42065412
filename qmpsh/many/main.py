"""`qmpsh -a TARGET... LINE`: reads the targets and the line, asks, sweeps, and prints."""

from __future__ import annotations

import os
import sys

from qmpsh.address import Transport
from qmpsh.batch.batch import Batch, batch_settings
from qmpsh.client.dialect import GUEST_AGENT, QEMU
from qmpsh.client.handshake import ClientOptions
from qmpsh.errors import LineError, UsageError
from qmpsh.language.syntax import prints_reply
from qmpsh.language.verbs import Reach
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.many.confirm import confirm, needs_yes
from qmpsh.many.filters import VmFilter
from qmpsh.many.line import ManyLine, read_line
from qmpsh.many.member import Plan
from qmpsh.many.output import ManyOutput
from qmpsh.many.ranges import natural_key
from qmpsh.many.results import exit_code
from qmpsh.many.selection import Selection, Selector
from qmpsh.many.sweep import CHANGING, READING, Sweep, SweepLimits
from qmpsh.many.targets import EACH_CONNECT_SECONDS, Target, TargetReader, counted
from qmpsh.render.environment import Environment
from qmpsh.shell.introspection import KnownSchemas
from qmpsh.shell.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qmpsh.many.hosts import RemoteHosts

REPLY_SECONDS = 10.0
"""seconds for the answer to a line that only reads"""

_NOTHING_SENT = "nothing was sent"
_WOULD_GO_TO = "it would go to {what}"
_OF_THOSE = ", as far as --only and --except leave them"


class ManyRequest(NamedTuple):
    """What `-a` is to do.

    targets:  as they were typed
    words:    of the line
    options:  of each connection; its time limit is None where none was given
    parallel: VMs at a time, None for the usual number
    folds:    equal answers are put together
    chosen:   which of the VMs are meant
    host_seconds: for each step onto another host, None for the usual number
    """

    targets: tuple[str, ...]
    words: list[str]
    settings: Settings
    options: ClientOptions
    parallel: int | None = None
    folds: bool = True
    chosen: VmFilter = VmFilter()
    host_seconds: float | None = None


def run_many(request: ManyRequest, environment: Environment) -> int:
    """Run the line on all VMs; return the exit code. Raises UsageError, CannotConnect."""
    settings = batch_settings(request.settings, environment, one_shot=True)
    try:
        line = read_line(request.words, hmp=settings.hmp)
    except LineError as error:
        return Batch(None, settings, None, environment).report("qmpsh", error).exit_code
    agent = request.options.dialect is GUEST_AGENT
    targets = TargetReader(agent=agent, note=environment.notice).read_all(request.targets)
    if settings.dry_run:
        limited = _OF_THOSE if request.chosen.keys else ""
        environment.notice(_WOULD_GO_TO.format(what=counted(targets)) + limited)
        return Batch(None, settings, None, environment).run_words(line.words)
    hosts = _hosts(request, targets, environment)
    try:
        return _ManyRun(request, line, settings, environment, hosts).run(targets)
    finally:
        if hosts is not None:
            hosts.close()


def _hosts(
    request: ManyRequest, targets: Sequence[Target], environment: Environment
) -> RemoteHosts | None:
    """Return what reaches the VMs on other hosts, None where there are none."""
    if not any(isinstance(one.address, Transport) for one in targets):
        return None
    # Imported here: most VMs are on this machine.
    from qmpsh.many.hosts import HOST_SECONDS, RemoteHosts

    agent = request.options.dialect is GUEST_AGENT
    return RemoteHosts(request.host_seconds or HOST_SECONDS, environment.notice, agent=agent)


class _ManyRun:
    """A run of a line on VMs, from the question to the exit code."""

    def __init__(
        self,
        request: ManyRequest,
        line: ManyLine,
        settings: Settings,
        environment: Environment,
        hosts: RemoteHosts | None,
    ) -> None:
        self._request = request
        self._line = line
        self._environment = environment
        self._hosts = hosts
        self._in_lines = _is_in_lines(settings, line, environment)
        settings_there = _settings(settings, line, in_lines=self._in_lines)
        self._plan = Plan(line, settings_there, request.options, KnownSchemas())
        yes = settings.yes or line.modifiers.yes or settings.read_only
        self._asks = line.changes and not yes

    def run(self, targets: list[Target]) -> int:
        """Choose, ask, sweep and print; return the exit code. Raises UsageError."""
        line, environment = self._line, self._environment
        if self._asks and not _has_terminal():
            raise needs_yes(line, counted(targets))
        selector = Selector(self._request.chosen, self._plan, environment, self._hosts)
        chosen = selector.choose(targets, named=self._asks)
        names = sorted((one.name or one.stem for one in chosen.targets), key=natural_key)
        if self._asks and names and not confirm(line, names):
            environment.notice(_NOTHING_SENT)
            return UsageError.exit_code
        return self._sweep(chosen)

    def _sweep(self, chosen: Selection) -> int:
        line, failed, left_out = self._line, chosen.failed, chosen.left_out
        folds = self._request.folds
        output = ManyOutput(self._environment, line, in_lines=self._in_lines, folds=folds)
        limits = _limits(self._request, line)
        sweep = Sweep(chosen.targets, self._plan, limits, output, self._hosts)
        for one in failed:
            output.ended(one)
        unanswered = 0
        try:
            sweep.run()
        except BaseException:  # an interrupt included: what has come is shown all the same
            unanswered = len(sweep.targets) - len(sweep.results)
            raise
        finally:
            results, left_out = failed + sweep.results, left_out + sweep.left_out
            output.finish(results, left_out=left_out, unanswered=unanswered)
        # No socket on any host: nothing was sent.
        return exit_code(results) if results else UsageError.exit_code


def _is_in_lines(settings: Settings, line: ManyLine, environment: Environment) -> bool:
    """Whether programs read the answers: JSON lines."""
    formats = settings.formats | line.modifiers.formats
    if prints_reply(formats):
        return True
    return not environment.is_terminal and "table" not in formats


def _settings(settings: Settings, line: ManyLine, *, in_lines: bool) -> Settings:
    """Return the settings of the line on each VM: no bar, and an end to every query."""
    is_query = not (line.changes or line.waits or settings.wait is not None)
    limit = REPLY_SECONDS if is_query and settings.timeout is None else settings.timeout
    formats = settings.formats | ({"json"} if in_lines and line.reach is Reach.READS else set())
    return settings._replace(bar=False, reader=False, timeout=limit, formats=formats)


def _limits(request: ManyRequest, line: ManyLine) -> SweepLimits:
    settings, modifiers = request.settings, line.modifiers
    has_end = modifiers.count is not None or (modifiers.timeout or settings.timeout) is not None
    usual = CHANGING if line.changes else READING
    # A line that waits would leave no room for those after it.
    usual = sys.maxsize if line.waits and not line.changes else usual
    return SweepLimits(
        parallel=request.parallel or usual,
        stops=line.changes and not settings.keep_going,
        first_ends=line.reach is Reach.AWAITS and not line.every,
        comes_again=line.reach is Reach.FOLLOWS and not has_end,
    )


def _has_terminal() -> bool:
    """Whether there is someone to ask."""
    return os.isatty(0) and sys.stderr.isatty()


def client_options(
    *, timeout: float | None, negotiate: bool, oob: bool, agent: bool, shared: bool
) -> ClientOptions:
    """Return the options of each connection. timeout: seconds, None where it is not given"""
    limit = EACH_CONNECT_SECONDS if timeout is None else timeout
    dialect = GUEST_AGENT if agent else QEMU
    return ClientOptions(limit, negotiate or agent, oob, dialect=dialect, shared=shared)
