"""The options of the command line, parsed by click; loaded only if there are any."""

from __future__ import annotations

import copy

import click

from qmpsh.address import address_forms
from qmpsh.cli.argv import SUBCOMMANDS, Options
from qmpsh.cli.option_errors import COLOR, HELP_FLAGS, read_options
from qmpsh.errors import UsageError
from qmpsh.language.syntax import FORMATS, parse_duration, parse_limit
from qmpsh.shell.settings import Settings
from qmpsh.usage import EXAMPLES, EXIT_CODES, columns, wrapped_columns
from qmpsh.version import __version__


def subcommand_lines() -> tuple[tuple[str, str], ...]:
    """Return `qmpsh ls` and the other subcommands, and what each does."""
    return tuple((f"qmpsh {word} {one.usage}", one.summary) for word, one in SUBCOMMANDS.items())


def help_text() -> str:
    """Return the text of --help, before the options."""
    return f"""The shell for QMP, the control protocol of QEMU virtual machines.

\b
{columns((*EXAMPLES, *subcommand_lines()))}

ADDRESS is one of these; if none is given, QMP_SOCKET is used:

\b
{columns(address_forms())}

LINE is one command. Options go before it.

\b
Exit codes:
{wrapped_columns(EXIT_CODES)}
"""


RUN_HELP = """Start a VM and open the shell on it. It ends with the shell unless it is left running.

\b
qmpsh run                                     a small paused VM to try things on
qmpsh run -- qemu-system-x86_64 -m 2G ...     your own QEMU or qemu-storage-daemon
qmpsh run -- -m 2G -drive ...                 the same, with the emulator found on this host
qmpsh run -f script.qmp -- -S ...             a script; also qmpsh run ... < script.qmp

The words after -- are run unchanged, with a monitor added. What QEMU prints is shown among the
answers, in a script on stderr. When you leave the shell, it asks whether to leave the VM running,
power it down or quit it. After a script, or when a signal ends the shell, the VM is quit.

\b
Exit codes: those of qmpsh --help.
"""


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """A click type for times such as `5`, `500ms` or `2m`; its values are seconds."""

    name = "TIME"
    parse = staticmethod(parse_duration)

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return seconds. A value that is not a time is a usage error."""
        try:
            return self.parse(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)


class PositiveDuration(Duration):
    """A click type for times above 0."""

    parse = staticmethod(parse_limit)


class OptionalValue(click.Option):
    """An option that takes a value only after `=`."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """Return the names with the value, and the help."""
        record = super().get_help_record(ctx)
        return record and (record[0].replace(" [=", "[="), record[1])


class LineCommand(click.Command):
    """A click command whose usage line shows where options may be."""

    pieces: tuple[str, ...] = ("[OPTIONS]", "[ADDRESS]", "[OPTIONS]", "[LINE...]")

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the words after `Usage: qmpsh`."""
        return [*self.pieces]


class Program(LineCommand):
    """The click command of `qmpsh` itself; its help lists the transports, which it imports."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the text before the options."""
        self.help = help_text()
        super().format_help_text(ctx, formatter)


class Run(LineCommand):
    """The click command of `qmpsh run`."""

    pieces = (SUBCOMMANDS["run"].usage,)


OPTIONS: list[click.Parameter] = [
    click.Option(["-a", "--all", "targets"], multiple=True, metavar="TARGET",
                 help="Send LINE to all VMs of TARGET: a glob in quotes, all, an address, the name"
                      " of a VM, libvirt:, @FILE or @- with one on each line; repeatable."),
    click.Option(["--only"], multiple=True, metavar="CONDITION",
                 help="With -a: only VMs where CONDITION holds: name=NAME, name~PATTERN,"
                      " status=paused, or a tag of @FILE, as in env=prod; repeatable."),
    click.Option(["--except", "exclude"], multiple=True, metavar="CONDITION",
                 help="With -a: no VM where CONDITION holds; repeatable."),
    click.Option(["--parallel"], type=click.IntRange(min=1), default=None, metavar="N",
                 help="With -a: this many VMs at a time; default 128, for commands that change"
                      " something 16."),
    click.Option(["--no-fold"], is_flag=True,
                 help="With -a: show each VM for itself, also if others answer the same."),
    click.Option(["-f", "--file", "files"], multiple=True, metavar="FILE",
                 help="Read lines from FILE; - is stdin; repeatable."),
    click.Option(["-H", "--hmp"], is_flag=True, help="Lines are commands of the human monitor"
                                                     " (HMP)."),
    click.Option(["-p", "--pretty/--compact"], default=None,
                 help="Print JSON indented, or on one line; default: indented on a terminal."),
    *(click.Option([f"--{name}"], is_flag=True, help=f"{row.summary.capitalize()}.")
      for name, row in FORMATS.items()),
    click.Option(["-k", "--keep-going"], is_flag=True,
                 help="Continue a script after an error; exit with the code of the first failure."),
    click.Option(["--connect-timeout"], type=PositiveDuration(), default=None,
                 help="The longest wait for greeting and negotiation, as in 5, 500ms, 2m;"
                      " default 10 s."
                 " Also waits for a socket that does not exist yet."),
    click.Option(["-t", "--timeout"], type=PositiveDuration(), default=None,
                 help="The longest wait from sending a line to its answer; default: none."),
    OptionalValue(["-w", "--wait"], is_flag=False, flag_value="", default=None, metavar="[=EVENT]",
             help="Wait until the work that the line starts has ended; --wait=EVENT names the"
                  " event."),
    click.Option(["-n", "--dry-run"], is_flag=True,
                 help="Print the JSON that would be sent; send nothing."),
    click.Option(["--schema"], multiple=True, metavar="FILE",
                 help="Read the schema from FILE, a query-qmp-schema reply, not from the server;"
                      " again"
                 " for a device-list-properties reply, in a file named after the device."),
    click.Option(["--config"], metavar="FILE", default="",
                 help="Read options, keys, theme and aliases from FILE; for the interactive"
                      " shell only."),
    click.Option(["--read-only"], is_flag=True,
                 help="Refuse to send any command that may change something."),
    click.Option(["-y", "--yes"], is_flag=True,
                 help="Do not ask for confirmation before commands that end or reset the VM."),
    click.Option(["-N", "--skip-negotiation"], is_flag=True,
                 help="Expect no greeting and do not negotiate."),
    click.Option(["--guest-agent"], is_flag=True,
                 help="The server is a QEMU guest agent, which sends no greeting."),
    click.Option(["--direct"], is_flag=True,
                 help="Connect to the monitor itself, even if another qmpsh shares it."),
    click.Option(["--no-share"], is_flag=True,
                 help="Do not let other qmpsh use the monitor through this one."),
    click.Option(["--oob/--no-oob"], default=True,
                 help="Negotiate out-of-band execution if offered; default: on."),
    click.Option(["-l", "--logfile"], metavar="FILE", default="",
                 help="Append every message, in both directions, to FILE as JSON lines; secrets"
                      " are masked."),
    click.Option(["--record"], metavar="FILE", default="",
                 help="Append the same and the VM's schema to FILE, for qmpsh replay; it holds"
                      " paths, names and MAC addresses, secrets are masked."),
    click.Option(["-v", "--verbose"], is_flag=True,
                 help="Print every message on stderr; secrets are masked."),
    click.Option(["--plain"], is_flag=True,
                 help="Use a line prompt instead of the full screen; automatic with TERM=dumb."),
    COLOR,
]  # fmt: skip

COMMAND = Program("qmpsh", params=OPTIONS, context_settings=HELP_FLAGS)
click.version_option(__version__, "-V", "--version", prog_name="qmpsh")(COMMAND)
_NOT_OF_RUN = frozenset(
    {
        *("--all", "--only", "--except", "--parallel", "--no-fold"),
        *("--guest-agent", "--skip-negotiation", "--direct"),
    }
)
"""Options for VMs that run already, and for other servers"""


def _option_of_run(option: click.Parameter) -> click.Parameter:
    """Return an option as `qmpsh run` has it: hidden if it says nothing there, but with a message
    of its own.
    """
    if isinstance(option, click.Option) and _NOT_OF_RUN.intersection(option.opts):
        option = copy.copy(option)
        option.hidden = True
    return option


RUN = Run(
    "qmpsh run",
    params=[_option_of_run(one) for one in COMMAND.params],
    help=RUN_HELP,
    context_settings=COMMAND.context_settings,
)


def parse_options(words: list[str], command: click.Command = COMMAND) -> Options | None:
    """Return the options as a value. command: COMMAND or RUN, whose help may be asked for

    None once --help or --version was printed. Raises UsageError.
    """
    given = read_options(command, words)
    if given is None:
        return None
    settings = Settings(
        hmp=given["hmp"],
        formats=frozenset(name for name in FORMATS if given[name]),
        pretty=given["pretty"],
        keep_going=given["keep_going"],
        timeout=given["timeout"],
        wait=given["wait"],
        dry_run=given["dry_run"],
        yes=given["yes"],
        read_only=given["read_only"],
        verbose=given["verbose"],
        negotiated=not (given["skip_negotiation"] or given["guest_agent"]),
        share=not given["no_share"],
    )
    return Options(
        settings,
        given["files"],
        given["connect_timeout"],
        given["color"],
        given["plain"],
        not given["skip_negotiation"],
        given["oob"],
        given["schema"],
        given["config"],
        given["logfile"],
        given["guest_agent"],
        given["connect_timeout"] is not None,
        given["direct"],
        given["targets"],
        given["parallel"],
        not given["no_fold"],
        given["only"],
        given["exclude"],
        given["record"],
    )
