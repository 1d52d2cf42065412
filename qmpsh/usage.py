"""The command line in words: the tables of --help, the manual page and docs/.

Options are defined in `cli/options.py`, `run` and the other subcommands in `cli/argv.py`, the
shell's verbs in `language/verbs.py`; nothing is written down twice.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable

from qmpsh.language.syntax import FORMATS

Table = tuple[tuple[str, str], ...]
"""What is typed or named, and what it means."""

EXAMPLES: Table = (
    ("qmpsh ./monitor.sock", "interactive shell"),
    ("qmpsh ./monitor.sock query-status", "one command, its answer on stdout"),
    ("qmpsh ./monitor.sock device_add driver=virtio-rng-pci id=rng0", ""),
    ("qmpsh ./monitor.sock device_del id=rng0 --wait", ""),
    ("qmpsh ./monitor.sock < script.qmp", "a script, stops at the first error"),
    ("qmpsh ./monitor.sock --hmp 'info status'", "the human monitor"),
)

EXIT_CODES: Table = (
    ("0", "every command succeeded, and with --wait its work too"),
    ("1", "the server answered with an error; the work that --wait followed failed; a command"
          " after | failed, and stderr tells its own status; a guess for HMP"),
    ("2", "usage, syntax, or refused by the schema or --read-only: that line was not sent"),
    ("3", "cannot connect, busy, or not a QMP server; the QEMU of `qmpsh run` did not start"),
    ("4", "connection lost before the reply"),
    ("70", "a fault of qmpsh's own; a report was written, and stderr says where"),
    ("124", "a timeout ran out"),
    ("129", "ended by SIGHUP: the terminal was closed"),
    ("130", "interrupted: Ctrl-C, SIGINT"),
    ("141", "stdout was closed, or cannot be written: a full disk"),
    ("143", "ended by SIGTERM"),
    ("N", "of .exec alone: the guest command's own, or 128 and the number of the signal"
          " that ended it; it may be one of those above as well"),
)  # fmt: skip
"""All of them, for one-shots, scripts, `run`, `ls` and `doctor`. With -k a script's is that of its
first failure."""

MODIFIERS: dict[str, tuple[str, str]] = {
    "wait": ("[=EVENT]", "wait for the end of what the line starts, or for the event named"),
    "timeout": (" TIME", "the longest wait, that of --wait included"),
    **{name: ("", row.summary) for name, row in FORMATS.items()},
    "oob": ("", "send out of band"),
    "yes": ("", "do not ask first"),
    "fd": (" FILE[:ro|rw]", "open FILE here and hand it over with the command"),
    "new": ("", "of .wait: only what comes from now on"),
    "count": (" N", "of .events and .watch: end after so many"),
}
"""The names of `language.modifiers.MODIFIERS`: their values, and what each does."""

MODIFIER_NOTES = {
    "wait": "The end of the work becomes the answer and the exit code. Which event that is, and of"
    " which id, is known for the commands below; any other end is named: --wait=EVENT, or"
    " --wait='EVENT key=value' in quotes. qmpsh listens before the command is sent, so that no"
    " event is missed. Before the line, -w and --wait hold for a one-shot, and in a script for"
    " every line whose end is known.",
    "timeout": "TIME is 5, 500ms, 2m. When it runs out the exit code is 124, and what was started"
    " goes on. -t TIME before the line holds for every line.",
    **{name: row.note for name, row in FORMATS.items()},
    "oob": "The command overtakes what is running. Only some may, and only where the server offers"
    " it; .help NAME says so of each.",
    "yes": "quit, system_reset, system_powerdown and inject-nmi ask first at the prompt. Scripts"
    " and one-shots never ask.",
    "fd": "For add-fd, getfd and commands of that kind, over unix sockets. Opened for reading and"
    " writing, or as :ro and :rw say. FILE is of this host.",
    "new": "Without it .wait takes an event that an earlier line has caused.",
    "count": "N is a number from 1 on.",
}
"""What `.help --NAME` adds to the line above."""

ENVIRONMENT: Table = (
    ("QMP_SOCKET", "the ADDRESS where none is named"),
    ("QMPSH_SSH", 'the ssh of ssh:// addresses with its options, as in "ssh -i key"'),
    ("QMPSH_MANPATH", "the only folders in which QEMU's own manual pages are looked for"),
    ("LIBVIRT_DEFAULT_URI", "the libvirt of libvirt: addresses without a URI, as for virsh"),
    ("NO_COLOR, CLICOLOR_FORCE", "never, or always, colours; --color outdoes them"),
    ("COLORTERM, TERM, COLORFGBG", "how many colours, full screen or not, dark or light"),
    ("PAGER, VISUAL, EDITOR", "what shows a reply, what edits a line"),
    ("XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME", "where the files below are"),
    ("XDG_RUNTIME_DIR", "where sockets of qmpsh's own are, such as those of ssh"),
)

FILES: Table = (
    ("~/.config/qmpsh/config.toml", "options, keys, theme and aliases of the interactive shell"),
    ("~/.local/state/qmpsh/history*", "what was typed, a file each for QMP, HMP and guest agent"),
    ("~/.local/state/qmpsh/wire.log", "what .log on writes"),
    ("~/.local/state/qmpsh/crash-*.txt", "reports of faults of qmpsh's own"),
    ("~/.cache/qmpsh/schema-*", "what servers accept; may be removed at any time"),
)


def columns(table: Iterable[tuple[str, str]], width: int = 46) -> str:
    """A table as lines of text, the second column at `width`."""
    return "\n".join(f"{left:<{width}}{right}".rstrip() for left, right in table)


def wrapped_columns(table: Iterable[tuple[str, str]], columns: int = 79) -> str:
    """The same, the second column right of the longest of the first, and wrapped."""
    rows = list(table)
    width = max(len(left) for left, _ in rows) + 3
    lines: list[str] = []
    for left, right in rows:
        lines += textwrap.wrap(
            right,
            max(columns, width + 20),
            initial_indent=f"{left:<{width}}",
            subsequent_indent=" " * width,
            break_on_hyphens=False,
        )
    return "\n".join(lines)
