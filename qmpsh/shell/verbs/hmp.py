"""`.hmp`: a line of the human monitor, or its mode."""

from __future__ import annotations

from qmpsh.errors import UsageError
from qmpsh.language.lines import parse_line
from qmpsh.language.syntax import HmpLine, Mode, VerbLine
from qmpsh.language.verbs import Reach, Takes
from qmpsh.shell.context import Context
from qmpsh.shell.execute import hmp_request, no_human_monitor
from qmpsh.shell.interpreter import run_request
from qmpsh.shell.pipes import begin_file
from qmpsh.shell.steps import Outcome, Steps
from qmpsh.shell.verbs.table import verb
from qmpsh.shell.without_qmp import NO_OTHER_MODE


@verb(
    "hmp", "[LINE]", "run one line of the human monitor; alone: HMP mode on or off", Takes.HMP,
    bare=True, reach=Reach.CHANGES,
)  # fmt: skip
def run_hmp(context: Context, line: VerbLine) -> Steps:
    if not line.rest.strip():
        if not context.speaks_qmp:
            raise UsageError(f".hmp: {NO_OTHER_MODE}")
        if not context.hmp and context.client is not None and not context.client.dialect.hmp:
            raise UsageError(f".hmp: {no_human_monitor(context.client)}")
        context.hmp = not context.hmp
        return Outcome()
    outcome = Outcome()
    for statement in _hmp_lines(context, line):
        begin_file(statement.redirect)
        request = hmp_request(statement.text, statement.redirect)
        outcome = yield from run_request(context, request)
    return outcome


def _hmp_lines(context: Context, line: VerbLine) -> list[HmpLine]:
    """Return the monitor's line after `.hmp`, none for a comment; at the prompt it may have a
    redirect.
    """
    text = line.rest.strip()
    if line.words is not None:
        return [HmpLine(line.source, text)]
    mode = Mode(hmp=True, prompt=context.settings.interactive)
    return [found for found in parse_line(text, mode) if isinstance(found, HmpLine)]
