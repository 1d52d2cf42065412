"""The texts about the command line: the tables of --help, the manual page and docs/.

Options are defined in `cli/options.py`, `run` and the other subcommands in `cli/argv.py`, the
shell's verbs in `language/verbs.py`; nothing is written down twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from qmpsh.language.syntax import FORMATS

UsageTable = tuple[tuple[str, str], ...]
"""Pairs of what is typed or named, and what it means."""

EXAMPLES: UsageTable = (
    ("qmpsh ./monitor.sock", "interactive shell"),
    ("qmpsh ./monitor.sock query-status", "one command, its answer on stdout"),
    ("qmpsh ./monitor.sock device_add driver=virtio-rng-pci id=rng0", ""),
    ("qmpsh ./monitor.sock device_del id=rng0 --wait", ""),
    ("qmpsh ./monitor.sock < script.qmp", "a script, stops at the first error"),
    ("qmpsh ./monitor.sock --hmp 'info status'", "the human monitor"),
)

EXIT_CODES: UsageTable = (
    ("0", "every command succeeded, with --wait its work as well"),
    ("1", "the server answered with an error; the work that --wait waited for failed; the command"
          " after | failed, and stderr shows its status; for HMP a guess from the text"),
    ("2", "wrong usage or syntax, or refused by the schema or --read-only: the line was not sent"),
    ("3", "cannot connect, busy, or not a QMP server; the QEMU of `qmpsh run` did not start"),
    ("4", "connection lost before the reply"),
    ("70", "an internal error of qmpsh; stderr names the report that was written"),
    ("124", "a timeout ran out"),
    ("129", "ended by SIGHUP: the terminal was closed"),
    ("130", "interrupted: Ctrl-C, SIGINT"),
    ("141", "stdout was closed, or cannot be written: a full disk"),
    ("143", "ended by SIGTERM"),
    ("N", "of .exec: the exit code of the guest command, or 128 plus the number of the signal"
          " that ended it; it can be one of those above"),
)  # fmt: skip
"""The exit codes of one-shots, scripts, `run`, `ls` and `doctor`. With -k, a script exits with the
code of its first failure."""

MODIFIERS: dict[str, tuple[str, str]] = {
    "wait": ("[=EVENT]", "wait until the work that the line starts has ended, or for EVENT"),
    "timeout": (" TIME", "the longest wait, including that of --wait"),
    **{name: ("", row.summary) for name, row in FORMATS.items()},
    "oob": ("", "send the command out of band"),
    "yes": ("", "do not ask for confirmation"),
    "fd": (" FILE[:ro|rw]", "open FILE here and pass its descriptor with the command"),
    "new": ("", "of .wait: ignore events received before"),
    "count": (" N", "of .events, .watch and .plot: end after N"),
    "breaking": ("", "of .schema diff: only what breaks clients"),
    "verbose": ("", "of .schema: say all, and why"),
    "returns": ("", "of .schema: of answers and events, not of arguments"),
    "all": ("", "of .schema describe: all commands"),
    "text": ("", "of .screen: the characters on it, not a picture"),
    "until": (" PATTERN", "of .screen: wait for a row in which PATTERN is found, and print it"),
    "watch": ("[=TIME]", "of .screen: show it again when it has changed, every 1s or TIME"),
    "device": (" ID", "of .screen, .type, .key: the display of this device, not the first one"),
    "head": (" N", "of .screen, .type, .key: the device's output N, from 0 on"),
    "font": (" FILE", "of .screen: read it with this console font (PSF)"),
    "depth": (" N", "of .tree: show N levels below the first"),
    "layout": (" NAME", "of .type and .key: the keyboard layout of the guest: us, gb, de, fr"),
    "rate": (" TIME", "of .type and .key: the time from one key to the next; 20ms"),
}
"""The names of `language.modifiers.MODIFIERS`: their values, and what each does."""

MODIFIER_NOTES = {
    "wait": "The result of the work becomes the answer and the exit code. For the commands below"
    " qmpsh knows which event ends the work; for any other, name it: --wait=EVENT, or"
    " --wait='EVENT key=value' in quotes. qmpsh listens before it sends the command, so no event"
    " is missed. As options before the line, -w and --wait apply to a one-shot, and in a script to"
    " every line whose end is known.",
    "timeout": "TIME is 5, 500ms, 2m. When it runs out, the exit code is 124, and what was started"
    " continues. -t TIME before the line applies to every line.",
    **{name: row.note for name, row in FORMATS.items()},
    "oob": "The command overtakes what is running. Only some commands can, if the server offers"
    " it; .help NAME says which.",
    "yes": "quit, system_reset, system_powerdown and inject-nmi ask for confirmation at the prompt."
    " Scripts and one-shots never ask.",
    "fd": "For add-fd, getfd and commands of that kind, over unix sockets. FILE is on this host,"
    " and is"
    " opened for reading and writing unless :ro or :rw is given.",
    "new": "Without it .wait accepts an event that an earlier line has caused.",
    "count": "N is 1 or more.",
    "breaking": "What is removed, newly required or takes less breaks those who send it; what is"
    " removed, may be missing or is of more types breaks those who read it.",
    "verbose": "The additions, of which the number is said as a rule; the reason of an answer.",
    "returns": "Without it, .schema describe, find and has are about what a command takes.",
    "all": "One object, with the JSON Schema of each command by its name.",
    "text": "A cell that is no glyph of a known font is shown as U+FFFD. Where most cells are"
    " unknown the screen is a picture, and the exit code 1. Into a pipe or a file .screen writes"
    " text without it.",
    "until": "PATTERN is a regular expression of Python, which is searched for in each row without"
    " the blanks at its end, four times a second: '#$' is a prompt. After a .type of this session"
    " the screen must first have changed. When --timeout runs out, the exit code is 124.",
    "watch": "TIME may follow after a blank. It is 250ms at the least: a picture holds the VM up"
    " for some milliseconds. On a terminal it is drawn in place; --timeout or Ctrl-C ends it.",
    "device": "ID is that of a -device or of device_add, such as a second VGA.",
    "head": "A device with several outputs, such as virtio-vga, numbers them from 0; --device names"
    " it.",
    "font": "FILE is a PC screen font of either version, packed with gzip or not, as in"
    " /usr/share/consolefonts. Without it the VM's own VGA font is tried, then those of this"
    " machine, and the one is taken that knows most cells.",
    "depth": "N is 1 or more. What is deeper is counted.",
    "layout": "QEMU passes places on the keyboard; the guest makes characters of them. NAME is the"
    " layout that the guest has set, us unless it is given.",
    "rate": "A guest loses keys that come too fast; a slow one may need 100ms.",
}
"""The text that `.help --NAME` adds to the line above."""

ENVIRONMENT: UsageTable = (
    ("QMP_SOCKET", "the ADDRESS if none is given"),
    ("QMPSH_ALL", "the targets that `-a all` stands for; `all` among them is this machine"),
    ("QMPSH_SSH", 'the ssh command of ssh:// addresses, with options, as in "ssh -i key"'),
    ("QMPSH_MANPATH", "folders to search for QEMU's manual pages, in place of the usual ones"),
    ("LIBVIRT_DEFAULT_URI", "the connection of libvirt: addresses without a URI, as for virsh"),
    ("NO_COLOR, CLICOLOR_FORCE", "never or always use colours; --color overrides both"),
    (
        "COLORTERM, TERM, COLORFGBG",
        "number of colours, full screen or line prompt, dark or light theme",
    ),
    ("PAGER, VISUAL, EDITOR", "the pager for replies, the editor for lines"),
    ("XDG_CONFIG_HOME, XDG_STATE_HOME, XDG_CACHE_HOME", "where the files below are"),
    ("XDG_RUNTIME_DIR", "where qmpsh keeps its own sockets, such as those of ssh"),
)

FILES: UsageTable = (
    ("~/.config/qmpsh/config.toml", "options, keys, theme and aliases of the interactive shell"),
    (
        "~/.local/state/qmpsh/history*",
        "the lines typed, one file each for QMP, HMP and guest agent",
    ),
    ("~/.local/state/qmpsh/wire.log", "the log that .log on writes"),
    (
        "~/.local/state/qmpsh/machines.json",
        "checksums of what VMs had, to say on the first screen what has changed",
    ),
    ("~/.local/state/qmpsh/crash-*.txt", "reports of internal errors of qmpsh"),
    ("~/.cache/qmpsh/schema-*", "what servers accept; can be deleted at any time"),
)


def columns(table: Iterable[tuple[str, str]], width: int = 46) -> str:
    """Return a table as lines of text, the second column at `width` or two spaces later."""
    return "\n".join(f"{left:<{width - 2}}  {right}".rstrip() for left, right in table)


def wrapped_columns(table: Iterable[tuple[str, str]], columns: int = 79) -> str:
    """Return the same, with the second column after the longest of the first, and wrapped."""
    import textwrap  # here: it compiles patterns that only who reads a page needs

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
