"""`qmpsh top`: its options, and which of its two forms is wanted, the live table or a report."""

from __future__ import annotations

import os
import sys
from typing import Any, Final

import click

from qmpsh.cli.argv import SplitArgv
from qmpsh.cli.option_errors import COLOR, HELP_FLAGS, read_options
from qmpsh.cli.options import PositiveDuration
from qmpsh.cli.signals import end_by_signals
from qmpsh.client.client import ClientOptions
from qmpsh.errors import UsageError
from qmpsh.language.syntax import parse_limit
from qmpsh.many.targets import ALL, EACH_CONNECT_SECONDS
from qmpsh.render.environment import Environment
from qmpsh.shell.settings import Settings
from qmpsh.system.queues import MonitorQueues
from qmpsh.top.columns import BY_KEY, find_column, read_columns
from qmpsh.top.discovery import Discovery
from qmpsh.top.order import Filter, Order
from qmpsh.top.probe import ProbePlan

HELD_SECONDS: Final = 1.0
VISITED_SECONDS: Final = 2.0
"""seconds from one tick to the next, if the command line does not say"""
_LEAST_SECONDS: Final = 0.1

_ONE_FORM: Final = "only one of --json, --csv and --prometheus"
_NEEDS_ONCE: Final = "{option} is for --once"
_NEEDS_TERMINAL: Final = "the live table needs a terminal; --once prints a report"
_BOTH: Final = "either --hold or --polite, not both"
_TOO_OFTEN: Final = "--interval: at least {least:g} s"

HELP: Final = """Show the VMs of this machine, or those of TARGET, in a live table.

TARGET is as with -a: a glob in quotes, all, an address, the name of a VM, libvirt:, @FILE. Without
TARGET it is all; each VM is then left after every look, so that others find its
monitor free. Those of a TARGET are held, and shared with other qmpsh meanwhile.

\b
qmpsh top                                    all VMs; ? shows the keys
qmpsh top '/run/vms/*.sock' -s write         those that write most first
qmpsh top --once                             a table, after two looks
qmpsh top --once --json | jq -r .vm
qmpsh top --once --prometheus -o /var/lib/node_exporter/qemu.prom

\b
Exit codes: those of qmpsh --help; with --once as with -a, where a VM that hangs counts only if no
other answers.
"""

TOP: Final = click.Command(
    "qmpsh top",
    params=[
        click.Option(["--once"], is_flag=True, help="Print the table, and leave."),
        click.Option(["--json"], is_flag=True, help="With --once: a JSON line for each VM."),
        click.Option(["--csv"], is_flag=True, help="With --once: CSV, with a header."),
        click.Option(
            ["--prometheus"],
            is_flag=True,
            help="With --once: counters for Prometheus, such as for node_exporter's textfiles.",
        ),
        click.Option(
            ["-o", "--output"],
            metavar="FILE",
            default="",
            help="With --once: replace FILE, in one step.",
        ),
        click.Option(
            ["-n", "--repeat"],
            type=click.IntRange(min=0),
            default=None,
            metavar="N",
            help="With --once: N times; 0 for ever.",
        ),
        click.Option(
            ["-i", "--interval"],
            type=PositiveDuration(),
            default=None,
            help="Time from one look to the next; default 1 s, with --polite 2 s.",
        ),
        click.Option(
            ["-s", "--sort"],
            default="",
            metavar="COLUMN",
            help=f"Sort by a column: {', '.join(BY_KEY)}; default cpu, with --once name.",
        ),
        click.Option(["-r", "--reverse"], is_flag=True, help="Sort the other way round."),
        click.Option(
            ["-f", "--filter"],
            default="",
            metavar="TEXT",
            help="Only VMs that fit: part of a name, name~web*, status=paused.",
        ),
        click.Option(["--columns"], default="", metavar="A,B", help="Only these columns."),
        click.Option(["--polite"], is_flag=True, help="Leave each monitor after every look."),
        click.Option(["--hold"], is_flag=True, help="Stay connected, and share each monitor."),
        click.Option(["--read-only"], is_flag=True, help="No key changes a VM."),
        click.Option(
            ["--connect-timeout"],
            type=PositiveDuration(),
            default=None,
            help="The longest wait for a greeting; default 3 s.",
        ),
        COLOR,
        click.Argument(["targets"], nargs=-1, metavar="[TARGET]..."),
    ],
    help=HELP,
    context_settings=HELP_FLAGS,
)

_OF_ONCE: Final = ("json", "csv", "prometheus", "output", "repeat")


def main(words: SplitArgv) -> int:
    """Show the table; return the exit code. Raises QmpshError."""
    given = read_options(TOP, [*words.options, *words.line])
    if given is None:
        return 0
    _check(given)
    environment = Environment(given["color"])
    discovery = Discovery(given["targets"] or (ALL,), environment.notice)
    show = _print_report if given["once"] else _show_live
    return show(given, discovery, environment)


def _print_report(given: dict[str, Any], discovery: Discovery, environment: Environment) -> int:
    """Print the table once, or so many times."""
    # Imported here, as below: it is one or the other.
    from qmpsh.top.once import Report, run_once

    end_by_signals()
    kind = next((one for one in ("json", "csv", "prometheus") if given[one]), "table")
    repeats = 1 if given["repeat"] is None else given["repeat"]
    seconds = given["interval"] or HELD_SECONDS
    report = Report(kind, seconds, given["output"], repeats, read_columns(given["columns"]))
    plan = ProbePlan(_client_options(given), Settings(), queues=MonitorQueues())
    return run_once(discovery, plan, _order(given, "name"), report, environment)


def _show_live(given: dict[str, Any], discovery: Discovery, environment: Environment) -> int:
    """Show the live table, as the configuration has it where no option is given."""
    from qmpsh.cli.interactive import own_config, terminal
    from qmpsh.top.screen.app import TopRequest, run_top

    if not environment.has_screen:
        raise UsageError(_NEEDS_TERMINAL)
    config = own_config()
    chosen = {name: word for name, word in config.top.items() if not given[name]}
    if "interval" in chosen:
        given["interval"] = parse_limit(chosen.pop("interval"))
    given.update(chosen)
    holds = given["hold"] or (bool(given["targets"]) and not given["polite"])
    settings = Settings(read_only=given["read_only"], share=config.preferences.share)
    request = TopRequest(
        discovery,
        ProbePlan(_client_options(given), settings, holds=holds),
        _order(given, "cpu"),
        read_columns(given["columns"]),
        given["interval"] or (HELD_SECONDS if holds else VISITED_SECONDS),
        os.cpu_count() or 0,
        config.preferences.mouse,
    )
    with terminal(config, environment) as env:
        return run_top(request, env)


def _client_options(given: dict[str, Any]) -> ClientOptions:
    limit = given["connect_timeout"]
    return ClientOptions(EACH_CONNECT_SECONDS if limit is None else limit)


def _order(given: dict[str, Any], usual: str) -> Order:
    """Return the order of the rows. usual: the column to sort by if none is given"""
    order = Order(find_column(given["sort"] or usual), reverse=bool(given["reverse"]))
    order.filter = Filter(given["filter"])
    return order


def _check(given: dict[str, Any]) -> None:
    """Raise UsageError for options that do not go together."""
    if sum(given[one] for one in ("json", "csv", "prometheus")) > 1:
        raise UsageError(_ONE_FORM)
    if given["hold"] and given["polite"]:
        raise UsageError(_BOTH)
    if given["interval"] is not None and given["interval"] < _LEAST_SECONDS:
        raise UsageError(_TOO_OFTEN.format(least=_LEAST_SECONDS))
    if given["once"]:
        return
    for name in _OF_ONCE:
        if given[name] not in (False, "", None):
            raise UsageError(_NEEDS_ONCE.format(option=f"--{name}"))
    if not (os.isatty(0) and sys.stdout.isatty()):
        raise UsageError(_NEEDS_TERMINAL)
