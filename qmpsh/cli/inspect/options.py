"""The options of `qmpsh ls`, `doctor`, `share` and `replay`, parsed by click."""

from __future__ import annotations

import math

import click

from qmpsh.cli.argv import SplitArgv
from qmpsh.cli.option_errors import COLOR, HELP_FLAGS, read_options
from qmpsh.light_typing import NamedTuple

_NOT_A_NUMBER = "nan is not a speed"

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
SHARE_HELP = """Hold the monitor at ADDRESS, and serve it to several clients at once.

Other qmpsh of the same user find it by the address of the monitor. Other programs, such as
qmp-shell or socat, and other users connect to a socket of --listen or --read-only-listen. It ends
with SIGTERM or Ctrl-C; when the VM comes back after its end, it is shared again.

\b
qmpsh share ./vm.sock
qmpsh share ./vm.sock --listen ./shared.sock --read-only-listen /run/vm-look.sock --group kvm

\b
Exit codes: those of qmpsh --help.
"""
REPLAY_HELP = """Serve what was recorded in FILE, as if the VM were there; print where.

FILE is written by `qmpsh --record FILE`. Any other text with QMP messages in it will do as well: a
log of --logfile, of libvirtd or of qemu.qmp, an output of QEMU's iotests. Queries are answered as
often as they are asked, and what changes something in the order of the recording. With COMMAND it
serves until that ends, which finds the address in QMP_SOCKET.

\b
qmpsh replay bug.jsonl                              then: qmpsh, with the printed path
qmpsh replay bug.jsonl --listen ./r.sock            then: qmpsh ./r.sock, qmp-shell ./r.sock
qmpsh replay bug.jsonl -- sh -c 'qmpsh < session.qmp'
qmpsh replay bug.jsonl --strict --speed 0 -- ./check.py

\b
Exit codes: those of qmpsh --help, or of COMMAND; 1 if that is 0 and --strict found a difference.
"""


def _refuse_nan(context: click.Context, option: click.Parameter, value: float) -> float:
    """Return a number. Raises BadParameter for NaN, which click takes for one."""
    if math.isnan(value):
        raise click.BadParameter(_NOT_A_NUMBER, context, option)
    return value


_JSON = click.Option(["--json"], is_flag=True, help="JSON instead of a table, for programs.")
_ADDRESS = click.Argument(["address"], required=False, default="", metavar="[ADDRESS]")

COMMANDS = {
    "ls": click.Command("qmpsh ls", params=[_JSON], help=LS_HELP, context_settings=HELP_FLAGS),
    "doctor": click.Command(
        "qmpsh doctor",
        params=[_JSON, COLOR, _ADDRESS],
        help=DOCTOR_HELP,
        context_settings=HELP_FLAGS,
    ),
    "share": click.Command(
        "qmpsh share",
        params=[
            click.Option(
                ["--listen"],
                multiple=True,
                metavar="PATH",
                help="Also serve clients at PATH, who may do everything.",
            ),
            click.Option(
                ["--read-only-listen"],
                multiple=True,
                metavar="PATH",
                help="Also serve clients at PATH, who may change nothing.",
            ),
            click.Option(
                ["--mode"],
                default="0600",
                metavar="MODE",
                help="Permissions of those sockets, in octal; default 0600.",
            ),
            click.Option(["--group"], default="", metavar="NAME", help="Group of those sockets."),
            click.Option(["--read-only"], is_flag=True, help="No client may change anything."),
            click.Argument(["address"], required=False, default=""),
        ],
        help=SHARE_HELP,
        context_settings=HELP_FLAGS,
    ),
    "replay": click.Command(
        "qmpsh replay",
        params=[
            click.Option(["--listen"], default="", metavar="PATH", help="Serve clients at PATH."),
            click.Option(
                ["--speed"],
                type=click.FloatRange(min=0),
                callback=_refuse_nan,
                default=1.0,
                metavar="N",
                help="Send events N times as fast as recorded; 0 sends them at once; default 1.",
            ),
            click.Option(
                ["--strict"],
                is_flag=True,
                help="Refuse what is not recorded next; list that and what was not asked for.",
            ),
            click.Option(
                ["--session"],
                type=click.IntRange(min=1),
                default=None,
                metavar="N",
                help="Only the Nth connection in FILE; default: each client gets the next.",
            ),
            click.Option(["--now"], is_flag=True, help="Give events the present time."),
            click.Option(
                ["--schema"],
                default="",
                metavar="FILE",
                help="The schema for a FILE without one, a query-qmp-schema reply.",
            ),
            click.Argument(["file"], metavar="FILE"),
        ],
        help=REPLAY_HELP,
        context_settings=HELP_FLAGS,
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
    given = read_options(COMMANDS[words.verb], [*words.options, *words.line])
    return None if given is None else InspectOptions(**given)
