"""`qmpsh top --once`: the table as a report, for people or for programs, once or every so often."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from qmpsh.client.poll import READ, wait_for
from qmpsh.errors import ReplyTimeout, UsageError, os_reason
from qmpsh.light_typing import NamedTuple
from qmpsh.many.results import VmResult, exit_code
from qmpsh.regular import replace_named_file
from qmpsh.render.environment import Environment
from qmpsh.render.formats import compact
from qmpsh.render.theme import Line, painter, plain, printed_theme
from qmpsh.top.columns import Look, VmColumn
from qmpsh.top.discovery import Discovery
from qmpsh.top.export import csv_text, is_up, prometheus_text, vm_object
from qmpsh.top.order import Order
from qmpsh.top.probe import ProbePlan
from qmpsh.top.record import Link, VmRecord
from qmpsh.top.table import table_text
from qmpsh.top.watch import Watch

_LAST_SECONDS: Final = 2.5
"""seconds that a round may take beyond the time for a greeting"""
_SETTLED: Final = frozenset({Link.BUSY, Link.SILENT, Link.REFUSED, Link.GONE})
_MODE: Final = 0o666

_NO_FILE: Final = "-o {path}: cannot write it: {reason}"


class Report(NamedTuple):
    """What `--once` prints.

    kind:    table, json, csv or prometheus
    seconds: between two samples
    path:    of the file that is replaced, "" for stdout
    repeats: how many times, 0 for ever
    """

    kind: str
    seconds: float
    path: str
    repeats: int
    columns: tuple[VmColumn, ...]


def run_once(
    discovery: Discovery,
    plan: ProbePlan,
    order: Order,
    report: Report,
    environment: Environment,
) -> int:
    """Print the report; return the exit code. Raises UsageError, CannotConnect."""
    watch = Watch(plan, report.seconds)
    needs = 1 if report.kind == "prometheus" else 2
    try:
        discovery.find()
        number = 0
        while True:
            watch.set_targets(discovery.targets)
            patience = (
                (plan.options.connect_timeout or 0.0) + _LAST_SECONDS + needs * report.seconds
            )
            _await_rounds(watch, discovery, needs + number, patience, is_first=not number)
            now = time.monotonic()
            order.literal = frozenset(one.target.text for one in watch.records)
            order.update(watch.records, now)
            _write(_text(order.rows, now, report, environment, is_first=not number), report.path)
            number += 1
            if number == report.repeats:
                return code_of(watch.records, now)
            discovery.find_again()
    finally:
        watch.close()
        discovery.close()


def _await_rounds(
    watch: Watch, discovery: Discovery, rounds: int, patience: float, *, is_first: bool
) -> None:
    """Wait until every VM has answered so many rounds of questions, or will not.

    patience: seconds for that; for the first report, hosts that are still to be reached have a time
    of their own, and those that are tried again later delay no report
    """
    deadline = time.monotonic() + patience
    while (left := deadline - time.monotonic()) > 0:
        wait_for({watch.fileno(): READ}, min(left, watch.wait()))
        watch.poll()
        now = time.monotonic()
        is_awaited = discovery.is_waiting and is_first
        if is_awaited:
            deadline = now + patience
        if discovery.is_waiting and discovery.take_arrivals(now):
            watch.set_targets(discovery.targets)
        if not is_awaited and all(
            probe.rounds >= rounds or _is_settled(probe.record) for probe in watch.probes
        ):
            break


def _is_settled(record: VmRecord) -> bool:
    """Whether nothing more comes of a VM, and it is known why."""
    return record.link in _SETTLED and record.error is not None


def _text(
    records: Sequence[VmRecord],
    now: float,
    report: Report,
    environment: Environment,
    *,
    is_first: bool,
) -> str:
    """Return the report as a text that ends with a newline."""
    match report.kind:
        case "json":
            return "".join(f"{compact(vm_object(record, now))}\n" for record in records)
        case "csv":
            return csv_text(records, now, header=is_first or bool(report.path))
        case "prometheus":
            return prometheus_text(records, now)
        case _:
            look = Look(now, environment.glyphs)
            width = None if report.path else environment.columns
            lines = table_text(records, report.columns, look, width)
            paint = _painter(environment) if not report.path else plain
            return "".join(f"{paint(line).rstrip()}\n" for line in lines)


def _painter(environment: Environment) -> Callable[[Line], str]:
    return painter(printed_theme(environment.variables)) if environment.has_colours else plain


def _write(text: str, path: str) -> None:
    """Print a text, or replace a file by it: whoever reads that sees the old text or the new one.

    Raises UsageError.
    """
    if not path:
        sys.stdout.write(text)
        sys.stdout.flush()
        return
    try:
        replace_named_file(path, text.encode(errors="backslashreplace"), _MODE)
    except OSError as error:
        reason = os_reason(error)
        raise UsageError(_NO_FILE.format(path=path, reason=reason)) from error


def code_of(records: Sequence[VmRecord], now: float) -> int:
    """Return the exit code: that of `-a`, but one that hangs is only a row unless all do."""
    codes = [record.exit_code(now) for record in records]
    if any(is_up(record, now) for record in records):
        codes = [code for code in codes if code != ReplyTimeout.exit_code]
    pairs = zip(records, codes, strict=False)
    return exit_code([VmResult(record.target, record.name, (), code) for record, code in pairs])
