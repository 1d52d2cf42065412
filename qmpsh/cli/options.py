"""The options, through click; loaded only when there are options to read."""

from __future__ import annotations

from typing import NoReturn

import click

from qmpsh.address import address_forms
from qmpsh.cli.argv import PROGRAMS, Options
from qmpsh.cli.option_errors import option_error
from qmpsh.errors import UsageError
from qmpsh.language.syntax import FORMATS, parse_duration, parse_limit
from qmpsh.shell.settings import Settings
from qmpsh.usage import EXAMPLES, EXIT_CODES, columns, wrapped_columns
from qmpsh.version import __version__


def program_lines() -> tuple[tuple[str, str], ...]:
    """`qmpsh ls` and its like, and what each does."""
    return tuple((f"qmpsh {word} {one.usage}", one.summary) for word, one in PROGRAMS.items())


def help_text() -> str:
    """Return the text of --help, before the options."""
    return f"""The shell for QMP, the control protocol of QEMU virtual machines.

\b
{columns((*EXAMPLES, *program_lines()))}

ADDRESS is one of these; QMP_SOCKET serves where none is named:

\b
{columns(address_forms())}

LINE is one command; options stand before it.

\b
Exit codes:
{wrapped_columns(EXIT_CODES)}
"""


RUN_HELP = """Start a VM and open the shell on it; the VM ends with the shell, unless it is left.

\b
qmpsh run                                     a small VM to try things on, paused
qmpsh run -- qemu-system-x86_64 -m 2G ...     a QEMU of yours, or qemu-storage-daemon
qmpsh run -- -m 2G -drive ...                 the same, with the emulator that is found here
qmpsh run -f script.qmp -- -S ...             a script; qmpsh run ... < script.qmp as well

What goes after -- is run as it stands, with a monitor of ours added. What QEMU prints is shown
beside the answers, in a script on stderr. Leaving the shell asks whether to leave the VM running,
to power it down or to quit it; with a script, and when the shell is ended by a signal, it is quit.

\b
Exit codes: those of qmpsh --help.
"""


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic only since click 8.4
    """A time such as `5`, `500ms` or `2m`; seconds as float."""

    name = "TIME"
    parse = staticmethod(parse_duration)

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Seconds. A value that is not a time is a usage error."""
        try:
            return self.parse(str(value))
        except UsageError as error:
            self.fail(str(error), param, ctx)


class PositiveDuration(Duration):
    """A time as `Duration` reads it, but more than 0: for what takes its time."""

    parse = staticmethod(parse_limit)


class OptionalValue(click.Option):
    """An option that takes a value only after `=`."""

    def get_help_record(self, ctx: click.Context) -> tuple[str, str] | None:
        """The names with the value, and the help."""
        record = super().get_help_record(ctx)
        return record and (record[0].replace(" [=", "[="), record[1])


class LineCommand(click.Command):
    """A command whose usage line shows where the options stand."""

    pieces: tuple[str, ...] = ("[OPTIONS]", "[ADDRESS]", "[OPTIONS]", "[LINE...]")

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """The words after `Usage: qmpsh`."""
        return [*self.pieces]


class Program(LineCommand):
    """The click command of `qmpsh` itself; its help lists the transports, which it imports."""

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the text before the options."""
        self.help = help_text()
        super().format_help_text(ctx, formatter)


class Run(LineCommand):
    """The click command of `qmpsh run`."""

    pieces = (PROGRAMS["run"].usage,)


OPTIONS: list[click.Parameter] = [
    click.Option(["-f", "--file", "files"], multiple=True, metavar="FILE",
                 help="Read lines from FILE, - is stdin; repeatable."),
    click.Option(["-H", "--hmp"], is_flag=True, help="Lines are HMP, the human monitor's."),
    click.Option(["-p", "--pretty/--compact"], default=None,
                 help="JSON over several lines, or one; default: pretty on a terminal."),
    *(click.Option([f"--{name}"], is_flag=True, help=f"{row.summary.capitalize()}.")
      for name, row in FORMATS.items()),
    click.Option(["-k", "--keep-going"], is_flag=True,
                 help="A script goes on after an error; the exit code is the first failure's."),
    click.Option(["--connect-timeout"], type=PositiveDuration(), default=None,
                 help="Until greeted and negotiated, default 10 s; 5, 500ms, 2m. Also waits for"
                 " a socket that is not there yet."),
    click.Option(["-t", "--timeout"], type=PositiveDuration(), default=None,
                 help="The longest wait from sending a line to its answer; default none."),
    OptionalValue(["-w", "--wait"], is_flag=False, flag_value="", default=None, metavar="[=EVENT]",
             help="Wait for the end of what the line starts; --wait=EVENT names the end."),
    click.Option(["-n", "--dry-run"], is_flag=True,
                 help="Print the JSON that would be sent, and send nothing."),
    click.Option(["--schema"], multiple=True, metavar="FILE",
                 help="Take the schema from FILE, a query-qmp-schema reply, not from the server;"
                 " again for a device-list-properties reply in a file named after the device."),
    click.Option(["--config"], metavar="FILE", default="",
                 help="Take options, keys, theme and aliases from FILE; interactive only."),
    click.Option(["--read-only"], is_flag=True,
                 help="Refuse, before sending, every command that may change something."),
    click.Option(["-y", "--yes"], is_flag=True,
                 help="Do not ask before commands that end or reset the VM."),
    click.Option(["-N", "--skip-negotiation"], is_flag=True,
                 help="The server sends no greeting and wants none."),
    click.Option(["--guest-agent"], is_flag=True,
                 help="The server is a QEMU guest agent, which does not greet."),
    click.Option(["--oob/--no-oob"], default=True,
                 help="Negotiate out-of-band execution where offered; default on."),
    click.Option(["-l", "--logfile"], metavar="FILE", default="",
                 help="Append every message, both ways, to FILE as JSON lines, secrets masked."),
    click.Option(["-v", "--verbose"], is_flag=True,
                 help="Echo the wire on stderr, secrets masked."),
    click.Option(["--plain"], is_flag=True,
                 help="No full screen: a line prompt; automatic on TERM=dumb."),
    click.Option(["--color"], type=click.Choice(["auto", "always", "never"]), default="auto",
                 help="NO_COLOR and CLICOLOR_FORCE are honoured."),
]  # fmt: skip

COMMAND = Program("qmpsh", params=OPTIONS, context_settings={"help_option_names": ["-h", "--help"]})
click.version_option(__version__, "-V", "--version", prog_name="qmpsh")(COMMAND)
RUN = Run(
    "qmpsh run", params=COMMAND.params, help=RUN_HELP, context_settings=COMMAND.context_settings
)


class OptionsDone(Exception):
    """The exception for options that have done all there is to do."""


def parse_options(words: list[str], command: click.Command = COMMAND) -> Options:
    """The options as a value. command: whose help they may ask for, COMMAND or RUN

    Raises UsageError for a wrong option, Done after --help or --version.
    """
    try:
        context = command.make_context(command.name, list(words))
    except click.exceptions.Exit:
        raise OptionsDone from None
    except click.ClickException as error:
        _refuse(error)
    given = context.params
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
    )


def _refuse(error: click.ClickException) -> NoReturn:
    names = [name for option in OPTIONS for name in (*option.opts, *option.secondary_opts)]
    raise UsageError(option_error(error, [*names, "--help", "--version"], "qmpsh")) from error
