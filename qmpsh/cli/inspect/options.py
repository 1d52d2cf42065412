"""The options of `qmpsh ls` and `qmpsh doctor`, parsed by click."""

from __future__ import annotations

import click

from qmpsh.cli.argv import SplitArgv
from qmpsh.cli.option_errors import option_error
from qmpsh.errors import UsageError
from qmpsh.light_typing import NamedTuple

LS_HELP = """List the monitors and guest agents of this machine, without connecting to any.

They are found by the command lines of running QEMUs, storage daemons, StratoVirts and guest
agents, by listening sockets with a usual name, and through libvirt. Run as root to see the
processes of other users.
"""
DOCTOR_HELP = """Explain why there is no session at ADDRESS, or confirm that there is one.

Connects only to monitors without a client, and disconnects at once; never to a monitor of libvirt
or Proxmox. Without ADDRESS: what qmpsh finds on this machine, without connecting.

\b
Exit codes: those of qmpsh --help; 3 if there is no session.
"""
_HELP_OPTIONS = {"help_option_names": ["-h", "--help"]}
_JSON = click.Option(["--json"], is_flag=True, help="JSON instead of a table, for programs.")
_COLOR = click.Option(
    ["--color"],
    type=click.Choice(["auto", "always", "never"]),
    default="auto",
    help="When to use colours; auto honours NO_COLOR and CLICOLOR_FORCE.",
)
_ADDRESS = click.Argument(["address"], required=False, default="", metavar="[ADDRESS]")

COMMANDS = {
    "ls": click.Command("qmpsh ls", params=[_JSON], help=LS_HELP, context_settings=_HELP_OPTIONS),
    "doctor": click.Command(
        "qmpsh doctor",
        params=[_JSON, _COLOR, _ADDRESS],
        help=DOCTOR_HELP,
        context_settings=_HELP_OPTIONS,
    ),
}


class InspectOptions(NamedTuple):
    """The options of `ls` and `doctor`. address: "" for none; color: auto, always, never."""

    json: bool
    color: str = "auto"
    address: str = ""


def parse_inspect_options(words: SplitArgv) -> InspectOptions | None:
    """Parse the words after a verb and the options before it; None once --help was printed.

    Raises UsageError.
    """
    try:
        context = COMMANDS[words.verb].make_context(
            f"qmpsh {words.verb}", [*words.options, *words.line]
        )
    except click.exceptions.Exit:
        return None
    except click.ClickException as error:
        names = [name for one in COMMANDS[words.verb].params for name in one.opts]
        said = option_error(error, [*names, "--help"], f"qmpsh {words.verb}")
        raise UsageError(said) from error
    return InspectOptions(**context.params)
