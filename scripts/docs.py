"""Writes docs/qmpsh.1, the same tables into the pages of docs/, and the rows of the verbs.

All of it comes from the tables of the program itself, those that --help shows too.
"""

from __future__ import annotations

import datetime
import json
import re
import sys
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import click

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from qmpsh import usage  # noqa: E402  # this checkout's, installed or not
from qmpsh.address import address_forms  # noqa: E402
from qmpsh.cli.argv import SUBCOMMANDS  # noqa: E402
from qmpsh.cli.inspect.options import COMMANDS  # noqa: E402
from qmpsh.cli.options import COMMAND, RUN_HELP, subcommand_lines  # noqa: E402
from qmpsh.cli.schema import SCHEMA, SCHEMA_COMMANDS  # noqa: E402
from qmpsh.cli.top import TOP  # noqa: E402
from qmpsh.language.verbs import Reach, Takes, Verb  # noqa: E402
from qmpsh.protocol.connection import (  # noqa: E402
    TRANSITIONS,
    ProtocolState,
    Step,
)
from qmpsh.shell.overview.facts import FACT_KEYS  # noqa: E402
from qmpsh.shell.trees.keys import TREE_KEYS  # noqa: E402
from qmpsh.shell.verbs.table import decorated_verbs  # noqa: E402
from qmpsh.shell.waiting.rules import ENDS  # noqa: E402
from qmpsh.ui.common.keys import KEYS  # noqa: E402
from qmpsh.version import __version__  # noqa: E402
from scripts.figure import draw  # noqa: E402

WIDTH = 68
DOCS = ROOT / "docs"
PAGE = DOCS / "qmpsh.1"
BEGIN, END = "<!-- {}: scripts/docs.py -->\n", "<!-- end of {} -->\n"

Rows = list[tuple[str, str]]

DESCRIPTION = """
qmpsh connects to the monitor of a running QEMU, of a qemu-storage-daemon, a StratoVirt or a QEMU
guest agent. With a LINE it runs that line and ends; with a script it runs its lines up to the first
error; on a terminal it opens a shell that completes, checks and explains what this particular
server accepts, and shows its events as they happen.

Answers go to standard output: the value of "return", one line in a pipe, indented on a terminal; an
empty one prints nothing. Everything else goes to standard error.

Options go before ADDRESS or between ADDRESS and LINE. Each word after the command is one argument
and may contain spaces; a single word is a whole line.
"""
LANGUAGE = """
A line is COMMAND KEY=VALUE..., the JSON of one or several commands, a verb of the shell, or
transaction( followed by one action per line and a ) on a line of its own. Dotted keys nest. A value
is a bare word, a text in quotes, or JSON in braces or brackets, in which words need no quotes. The
type of a bare word is the one that the server's schema declares; sizes can be written 64M. A line
that the server would refuse is not sent.

"| COMMAND", "> FILE" and ">> FILE" after a space say where the answer goes. "#" begins a comment.
A line with an open bracket or quote, or with a backslash as its last word, continues on the next
line. At the prompt, ".help NAME" explains a command, a verb, a modifier or a topic.
"""
WAITING = """
Many commands are answered before their work is done. --wait waits until the work of the line has
ended, which is matched by its id, and makes the result the answer and the exit code. It knows these
commands:
"""
HMP = """
The human monitor has no error replies, only text. Exit code 1 is therefore a guess, from texts that
begin with "Error: " or "unknown command: ", or that end in a hint to its "help".
"""
SEE_ALSO = "qemu(1), qemu-qmp-ref(7), qemu-ga-ref(7), qemu-storage-daemon-qmp-ref(7), virsh(1)"


# ---------------------------------------------------------------------------- rows


def option_rows() -> Rows:
    """Return each option as it is written, and its sentence."""
    return _options_of(COMMAND)


def _options_of(command: click.Command) -> Rows:
    return [_option_row(option) for option in command.params if isinstance(option, click.Option)]


def _option_row(option: click.Option) -> tuple[str, str]:
    short = [name for name in option.opts if not name.startswith("--")]
    names = ", ".join([*short, *(name for name in option.opts if name not in short)])
    if option.secondary_opts:
        names += " / " + ", ".join(option.secondary_opts)
    return names + _value(option), (option.help or "").rstrip(".")


def _value(option: click.Option) -> str:
    """Return what follows an option."""
    if option.is_flag:
        return ""
    if isinstance(option.type, click.Choice):
        return f" {'|'.join(map(str, option.type.choices))}"
    shown = option.metavar or option.type.name
    return shown if shown.startswith("[") else f" {shown}"


def subcommand_rows() -> Rows:
    """`qmpsh ls` and its like."""
    return list(subcommand_lines())


def verb_rows() -> Rows:
    """The verbs of the shell."""
    return [
        (f".{name} {verb.usage}".rstrip(), verb.summary) for name, verb in decorated_verbs().items()
    ]


def modifier_rows() -> Rows:
    """Return what may follow a command for this line only."""
    return [(f"--{name}{value}", does) for name, (value, does) in usage.MODIFIERS.items()]


def key_rows() -> Rows:
    """The keys of the full screen."""
    return [(key.shown, key.does) for key in KEYS if key.shown]


def waiting_commands() -> str:
    """The commands whose ends are known."""
    return ", ".join(name for end in ENDS for name in end.commands.split())


# ---------------------------------------------------------------------------- roff


def page(date: str) -> str:
    """The manual page; ends in a newline. date: of its last change, as in 2026-11-21"""
    parts = [
        f'.TH QMPSH 1 "{date}" "qmpsh {__version__}" "User Commands"\n',
        _section("NAME", "qmpsh \\- the shell for QMP, the control protocol of QEMU\n"),
        _section("SYNOPSIS", _synopsis()),
        _section("DESCRIPTION", _paragraphs(DESCRIPTION)),
        _section("OPTIONS", _list(option_rows())),
        _section("ADDRESSES", _list(address_forms())),
        _section("SUBCOMMANDS", "".join(map(_subcommand, SUBCOMMANDS))),
        _section("LINES", _lines_section()),
        _section("VERBS", _list(verb_rows())),
        _section("COMMANDS THAT FINISH", _paragraphs(f"{WAITING}\n{waiting_commands()}.")),
        _section("KEYS", _list(key_rows())),
        _section("EXIT STATUS", _list(usage.EXIT_CODES) + ".PP\n" + _paragraphs(HMP)),
        _section("ENVIRONMENT", _list(usage.ENVIRONMENT)),
        _section("FILES", _list(usage.FILES)),
        _section("EXAMPLES", _examples()),
        _section("SEE ALSO", _lines(SEE_ALSO)),
    ]
    return "".join(parts)


def date_of(stored: str) -> str:
    """The date that a manual page bears, "" for none."""
    found = re.search(r'^\.TH \S+ \S+ "([^"]*)"', stored)
    return found[1] if found else ""


def _section(title: str, body: str) -> str:
    return f".SH {title}\n{body}"


def _synopsis() -> str:
    lines = [" ".join(["qmpsh", *COMMAND.collect_usage_pieces(click.Context(COMMAND))])]
    lines += [line for line, _ in subcommand_rows()]
    return ".br\n".join(f".B {_text(line)}\n" for line in lines)


_RUN_OPTIONS = "The options are those of qmpsh, except those for VMs that run already, such as -a."
SUBCOMMAND_PARTS: dict[str, list[click.Command]] = {
    **{word: [command] for word, command in COMMANDS.items()},
    "run": [click.Command("qmpsh run", help=f"{RUN_HELP}\n{_RUN_OPTIONS}\n")],
    "schema": [SCHEMA, *SCHEMA_COMMANDS.values()],
    "top": [TOP],
}
"""The subcommands: each, and what it is divided into."""


def _subcommand(word: str) -> str:
    """The part about a subcommand: its help, and its options."""
    head = f".SS {_text(f'qmpsh {word} {SUBCOMMANDS[word].usage}')}\n"
    first, *tools = SUBCOMMAND_PARTS[word]
    parts = [head, _help(first)]
    for tool in tools:
        parts += [f".PP\n.B {_text(tool.name or '')}\n.br\n", _help(tool)]
    return "".join(parts)


_USUAL_CODES = "\b\nExit codes: those of qmpsh --help.\n"
"""What --help of a subcommand repeats, and the page says once."""


def _help(command: click.Command) -> str:
    """The text of --help, and a list of the options."""
    blocks = (command.help or "").strip().replace(_USUAL_CODES, "").rstrip().split("\n\n")
    return ".PP\n".join(map(_help_block, blocks)) + _list(_options_of(command))


def _help_block(block: str) -> str:
    """A paragraph, or the lines of examples, which click marks with \\b."""
    kept = block.removeprefix("\b\n")
    if kept == block or kept.startswith("Exit codes:"):
        text = " ".join(kept.split())
        for here, there in (("those of qmpsh --help", "those of EXIT STATUS"),
                            ("as of qmpsh --help", "as in EXIT STATUS")):  # fmt: skip
            text = text.replace(here, there)
        return _lines(text)
    return ".nf\n" + "".join(f"{_text(line)}\n" for line in kept.splitlines()) + ".fi\n"


def _lines_section() -> str:
    return _paragraphs(LANGUAGE) + ".SS For one line only\n" + _list(modifier_rows())


def _examples() -> str:
    lines = (f"{line:<46}{does and f'# {does}'}".rstrip() for line, does in usage.EXAMPLES)
    return ".nf\n" + "".join(f"{_text(line)}\n" for line in lines) + ".fi\n"


def _list(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f".TP\n.B {_text(left)}\n{_lines(right)}" for left, right in rows)


def _paragraphs(text: str) -> str:
    """Paragraphs, each but the first set off from what stands before it."""
    return ".PP\n".join(_lines(" ".join(block.split())) for block in text.strip().split("\n\n"))


def _lines(text: str) -> str:
    """Text in lines, as mandoc's style wants them."""
    wrapped = textwrap.wrap(text, WIDTH, break_on_hyphens=False)
    return "".join(f"{_text(line)}\n" for line in wrapped)


def _text(text: str) -> str:
    """Text that roff takes as it stands."""
    for char, written in (("\\", "\\e"), ("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga"),
                          ("^", "\\(ha"), ("~", "\\(ti"), ('"', "\\(dq")):  # fmt: skip
        text = text.replace(char, written)
    return f"\\&{text}" if text.startswith(".") else text


# ---------------------------------------------------------------------------- Markdown


class Place(NamedTuple):
    """A table in a page of docs/. title: of its first column; code: that is what one types."""

    page: str
    title: str
    rows: Callable[[], Iterable[tuple[str, str]]]
    code: bool = True


TABLES = {
    "options": Place("command-line.md", "option", option_rows),
    "addresses": Place("command-line.md", "address", address_forms),
    "exit codes": Place("scripting.md", "exit code", lambda: usage.EXIT_CODES),
    "environment": Place("command-line.md", "variable", lambda: usage.ENVIRONMENT),
    "files": Place("command-line.md", "file", lambda: usage.FILES),
    "facts": Place("machine.md", "key", lambda: list(FACT_KEYS.items())),
    "tree keys": Place("machine.md", "key", lambda: list(TREE_KEYS.items())),
    "modifiers": Place("language.md", "modifier", modifier_rows),
    "verbs": Place("language.md", "verb", verb_rows),
    "keys": Place("shell.md", "key", key_rows, code=False),
}
"""The tables that stand between marks, by the name in the marks."""


def table(name: str) -> str:
    """A table in Markdown between its marks."""
    place = TABLES[name]
    mark = "`" if place.code else ""
    lines = [f"| {place.title} | meaning |", "|---|---|"]
    lines += [f"| {mark}{_cell(left)}{mark} | {_lowered(right)} |" for left, right in place.rows()]
    return BEGIN.format(name) + "\n".join(lines) + "\n" + END.format(name)


def _lowered(text: str) -> str:
    """A cell that does not begin with a capital, unless that is all capitals."""
    text = _cell(text)
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


# ---------------------------------------------------------------------------- the protocol's states

STATES_PAGE = DOCS / "dev" / "protocol-states.md"
_STATES_HEAD = """# The states of a QMP session

Drawn by `make docs` from `TRANSITIONS` in `qmpsh/protocol/connection.py`, which is all of it: a
step that a state has no arrow for cannot happen there. `Connection` starts in `GREETING`; in
`READY` if the user said that the server neither greets nor negotiates (`-N`); `synchronize` makes
that `SYNCING`, for a guest agent. Commands are sent in `READY` alone.

"""
_STARTS = (
    (ProtocolState.GREETING, "a monitor"),
    (ProtocolState.SYNCING, "a guest agent"),
    (ProtocolState.READY, "neither greets nor negotiates"),
)


def states_page() -> str:
    """Return the page with the diagram of the protocol's states, and their meanings."""
    arrows = [f"    [*] --> {state.name}: {why}" for state, why in _STARTS]
    arrows += [
        f"    {state.name} --> {after.name}: {step.name}"
        for state, steps in TRANSITIONS.items()
        for step, after in steps.items()
    ]
    drawing = "".join(f"{line}\n" for line in ("stateDiagram-v2", *arrows))
    text = f"{_STATES_HEAD}```mermaid\n{drawing}```\n"
    for title, names in (("state", ProtocolState), ("step", Step)):
        text += f"\n| {title} | meaning |\n|---|---|\n"
        text += "".join(f"| `{one.name}` | {one.value} |\n" for one in names)
    return text


# ---------------------------------------------------------------------------- the table of verbs

VERB_TABLE = ROOT / "qmpsh" / "language" / "verbs.py"
BEGIN_ROWS = "    # The rows of the decorated functions in shell/verbs: scripts/docs.py\n"
END_ROWS = "    # end of the rows\n"


def verb_table(source: str) -> str:
    """Return the source of `language/verbs.py` with the rows of the decorated functions."""
    head, _, rest = source.partition(BEGIN_ROWS)
    tail = rest.partition(END_ROWS)[2]
    rows = "".join(_verb_row(name, verb) for name, verb in decorated_verbs().items())
    return head + BEGIN_ROWS + rows + END_ROWS + tail


def _verb_row(name: str, verb: Verb) -> str:
    """A row as ruff formats it."""
    words = [_string(verb.usage), _string(verb.summary)]
    if verb.takes is not Takes.WORDS:
        words.append(f"Takes.{verb.takes.name}")
    words += ["bare=True"] if verb.bare else []
    words += [f"modifiers={_tuple(verb.modifiers)}"] if verb.modifiers else []
    words += [f"letters={_string(verb.letters)}"] if verb.letters else []
    words += [f"reach=Reach.{verb.reach.name}"] if verb.reach is not Reach.SHELL else []
    words.append(f"place={_string(verb.place)}")
    return f"    {_string(name)}: Verb(\n" + "".join(f"        {w},\n" for w in words) + "    ),\n"


def _tuple(texts: tuple[str, ...]) -> str:
    """A tuple of strings: a comma at the end of several would have ruff break the line."""
    return f"({', '.join(map(_string, texts))}{',' if len(texts) == 1 else ''})"


def _string(text: str) -> str:
    """A text as Python writes it, in double quotes."""
    return json.dumps(text, ensure_ascii=False)


def figure() -> str:
    """The figure of the folders between its marks."""
    return BEGIN.format("figure") + f"```\n{draw()}```\n" + END.format("figure")


def _put(path: Path, name: str, text: str) -> None:
    """Put a text between the marks of this name."""
    head, _, rest = path.read_text().partition(BEGIN.format(name))
    _, _, tail = rest.partition(END.format(name))
    path.write_text(head + text + tail)


def write() -> None:
    """Write all of it, the manual page with the date of today where it changes."""
    VERB_TABLE.write_text(verb_table(VERB_TABLE.read_text()))
    stored = PAGE.read_text()
    if stored != page(date_of(stored)):
        PAGE.write_text(page(datetime.date.today().isoformat()))
    STATES_PAGE.write_text(states_page())
    for name, place in TABLES.items():
        _put(DOCS / place.page, name, table(name))
    _put(DOCS / "dev" / "architecture.md", "figure", figure())


if __name__ == "__main__":
    write()
