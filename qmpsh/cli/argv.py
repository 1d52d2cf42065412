"""Splits the words of the command line into options, the address and the line.

Options stand before ADDRESS or between ADDRESS and LINE; from the first word of LINE on, nothing is
an option of ours. Click alone cannot do this, so the words are sorted here and only the options go
to click (`cli/options.py`); if there are none, click is never loaded. A first word that is not an
address may be the name of a VM; otherwise the error says what was meant and how to write it.
"""

from __future__ import annotations

import re

from qmpsh.address import EMPTY, looks_like_address, no_scheme
from qmpsh.errors import UsageError, shortened
from qmpsh.light_typing import TYPE_CHECKING, NamedTuple
from qmpsh.shell.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Final

    from qmpsh.schema.model import Schema

_WAIT_EVENT: Final = "--wait takes its event after =, as in --wait={event}"
_IS_OPTION: Final = "{word} is not an address; did you mean qmpsh {option}?"
_NO_FILE: Final = (
    "no such file: {word}; write a socket that does not exist yet as ./{word}, and"
    " --connect-timeout waits for it"
)
_NEEDS_ADDRESS: Final = (
    "{line} needs an address: qmpsh ./monitor.sock {line}, or set QMP_SOCKET{more}"
)
_NEITHER: Final = (
    "{word!r} is neither a file nor the name of a VM here, see qmpsh ls; the first word must"
    " be an address, such as ./monitor.sock (or set QMP_SOCKET)"
)

VALUE_OPTIONS = frozenset(
    {
        *("--file", "--connect-timeout", "--timeout", "--color", "--config", "--schema"),
        *(
            "--logfile",
            "--record",
            "--all",
            "--only",
            "--except",
            "--parallel",
            "-f",
            "-l",
            "-t",
            "-a",
        ),
    }
)
"""The options whose value may be the next word."""

FOR_MANY = frozenset({"-a", "--all"})
"""The options that name the VMs, so that no ADDRESS does."""

ARROWS = ("-> ", "--> ", "---> ")
"""The marks of a transcript that look like options; a line follows them."""

COMPLETE = "_QMPSH_COMPLETE"
"""The variable with which the scripts of completions/ say what the user's shell asks for."""


class Subcommand(NamedTuple):
    """A subcommand: a first word that is neither an address nor a line, and reads its own words.

    module: below qmpsh, with a `main(words)`; usage: what follows the word
    """

    module: str
    usage: str
    summary: str


SUBCOMMANDS = {
    "run": Subcommand(
        "cli.run.main", "[OPTIONS] [-- QEMU ARGS...]", "start a VM that ends with the shell"
    ),
    "ls": Subcommand("cli.inspect.ls", "[--json]", "list the monitors of this machine"),
    "doctor": Subcommand(
        "cli.inspect.doctor", "[ADDRESS]", "explain why there is no session, and what to do next"
    ),
    "share": Subcommand(
        "cli.share", "[OPTIONS] ADDRESS", "hold a monitor and serve it to several clients"
    ),
    "schema": Subcommand(
        "cli.schema",
        "diff|has|describe|find|dump SOURCE...",
        "compare, search and describe what QEMUs accept, running or not",
    ),
    "replay": Subcommand(
        "cli.replay", "FILE [OPTIONS] [-- COMMAND...]", "serve what --record FILE has recorded"
    ),
    "top": Subcommand("cli.top", "[OPTIONS] [TARGET...]", "show all VMs in a live table"),
}


class SplitArgv(NamedTuple):
    """The words of the command line, sorted.

    options: as typed, values included
    address: None if none was given; a line then sends nothing
    line:    [] for none
    verb:    one of SUBCOMMANDS, whose words are then the line, "" for none
    """

    options: list[str]
    address: str | None
    line: list[str]
    verb: str = ""


class Options(NamedTuple):
    """The values of all options.

    settings:        for the shell
    files:           scripts to read, "-" is stdin
    connect_timeout: seconds, None where it is not given
    color:           auto, always or never
    plain:           a line prompt, no full screen
    negotiate:       wait for a greeting and answer it
    oob:             ask for out-of-band execution where it is offered
    schema:          files that stand for the server's own schema and devices
    config:          the configuration file, "" for the usual one
    logfile:         of the wire, "" for none
    record:          a recording to be made, "" for none
    guest_agent:     the server is one
    awaited:         wait for its socket as well: --connect-timeout is given on the command line
    direct:          go to the monitor itself, even if another qmpsh shares it
    targets:         of -a, the VMs that the line is for; () for one VM
    only, exclude:   conditions on those
    parallel:        of those, how many at a time, None for the usual number
    fold:            equal answers of those are put together
    """

    settings: Settings = Settings()
    files: tuple[str, ...] = ()
    connect_timeout: float | None = None
    color: str = "auto"
    plain: bool = False
    negotiate: bool = True
    oob: bool = True
    schema: tuple[str, ...] = ()
    config: str = ""
    logfile: str = ""
    guest_agent: bool = False
    awaited: bool = False
    direct: bool = False
    targets: tuple[str, ...] = ()
    parallel: int | None = None
    fold: bool = True
    only: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    record: str = ""

    @property
    def is_traced(self) -> bool:
        """Whether the wire is traced: -v, --logfile, --record."""
        return self.settings.verbose or bool(self.logfile or self.record)

    def given_schema(self) -> Schema | None:
        """Return the schema of --schema, None without. Raises UsageError."""
        if not self.schema:
            return None
        # Imported here: only --schema needs it.
        from qmpsh.schema.cache import read_schema_files

        return read_schema_files(self.schema)


def no_name(word: str) -> bool:
    """Take no word for the name of a VM."""
    return False


def split_words(
    argv: Sequence[str],
    environ: Mapping[str, str],
    is_name: Callable[[str], bool] = no_name,
) -> SplitArgv:
    """Sort the words of a command line (without the program's name).

    QMP_SOCKET of environ is the ADDRESS if none is given.
    is_name: whether a first word that is not an address is the name of a VM
    Raises UsageError when the first word is neither an address nor can begin a line.
    """
    options: list[str] = []
    address: str | None = None
    given: set[str] = set()
    index = 0
    while index < len(argv):
        word = argv[index]
        may_be_address = address is None and given.isdisjoint(FOR_MANY)
        if word == "--":
            index += 1
            if may_be_address and index < len(argv) and looks_like_address(argv[index]):
                address, index = argv[index], index + 1
            break
        if word.startswith("-") and word != "-" and not word.startswith(ARROWS):
            names, takes_next = _read_option(word)
            given |= names
            options += [*_apart(word), *argv[index + 1 : index + 1 + takes_next]]
            index += 1 + takes_next
        elif may_be_address and word in SUBCOMMANDS:
            return SplitArgv(options, None, list(argv[index + 1 :]), word)
        elif may_be_address and looks_like_address(word):
            address, index = word, index + 1
        else:
            break
    line = list(argv[index:])
    _check_wait(options, line)
    if address is not None or not line or _needs_no_address(given, line):
        return SplitArgv(options, address or _default_address(given, environ), line)
    if is_name(line[0]):
        return split_words([*argv[:index], f"name:{line[0]}", *argv[index + 1 :]], environ)
    if not environ.get("QMP_SOCKET"):
        raise no_address_in(line)
    return SplitArgv(options, environ["QMP_SOCKET"], line)


def _check_wait(options: Sequence[str], line: Sequence[str]) -> None:
    """Raise UsageError if the line begins with the event of a --wait before it."""
    if line and options[-1:] == ["--wait"] and _is_event(line[0]):
        raise UsageError(_WAIT_EVENT.format(event=line[0]))


def _is_event(word: str) -> bool:
    """Whether a word is written as events are, unlike any command."""
    return word.isupper() and word.replace("_", "").isalnum()


def _default_address(given: set[str], environ: Mapping[str, str]) -> str | None:
    """Return the address where none was typed; None if there is none, or -a names the VMs."""
    return environ.get("QMP_SOCKET") or None if given.isdisjoint(FOR_MANY) else None


def _needs_no_address(given: set[str], line: Sequence[str]) -> bool:
    """Whether the line needs no server, or has those of -a. given: the names of the options"""
    if not given.isdisjoint({"-n", "--dry-run", *FOR_MANY}):
        return True
    word = line[0].partition(" ")[0]
    if "--schema" not in given or not word.startswith("."):
        return False
    # Imported here: a line has an address as a rule.
    from qmpsh.language.verbs import SHOWING, takes

    return takes(word[1:]) in SHOWING


def _apart(word: str) -> list[str]:
    """Return `-kw` as `-k`, `--wait`, and `-w=EVENT` as `--wait=EVENT`: click would take what
    follows the `w` for its value, which it has only with `=`.
    """
    letters = word[1:].partition("=")[0]
    if word.startswith("--") or "w" not in letters:
        return [word]
    head, _, tail = word[1:].partition("w")
    if any(f"-{letter}" in VALUE_OPTIONS for letter in head):
        return [word]
    words = [f"-{head}"] if head else []
    if tail.startswith("="):
        return [*words, f"--wait{tail}"]
    return [*words, "--wait", *(_apart(f"-{tail}") if tail else ())]


def _read_option(word: str) -> tuple[set[str], bool]:
    """Return the options in one word (`-kn` holds two), and whether the next word is a value."""
    if word.startswith("--"):
        return {word.partition("=")[0]}, word in VALUE_OPTIONS
    names = set()
    for place, letter in enumerate(word[1:], 2):
        names.add(f"-{letter}")
        if f"-{letter}" in VALUE_OPTIONS:
            return names, place == len(word)
    return names, False


_OPTIONS: Final = {"help": "--help", ".help": "--help", "man": "--help", "version": "--version"}
"""First words that name an option in the manner of other programs."""
_SCHEME: Final = r"([A-Za-z][A-Za-z0-9+.-]*):(?!\s)"
_FILE: Final = r"[^\s={]*[/.](?:sock|socket|qmp|monitor|mon|s)|[^\s={]+/[^\s]+"
_MAX_LINE_CHARACTERS: Final = 60  # characters of a line


def no_address_in(line: Sequence[str]) -> UsageError:
    """Return the error for a line in the place of the address. line: at least one word"""
    word = shortened(line[0], _MAX_LINE_CHARACTERS)
    if not word:
        return UsageError(EMPTY)
    meant = _OPTIONS.get(word.lower())
    if meant:
        return UsageError(_IS_OPTION.format(word=word, option=meant))
    scheme = re.match(_SCHEME, line[0])
    if scheme:
        return UsageError(no_scheme(scheme[1]))
    if re.fullmatch(_FILE, line[0]):
        return UsageError(_NO_FILE.format(word=word))
    if _is_line(line):
        is_word = len(line) == 1 and " " not in word and word[0] not in ".{"
        nameless = "; no VM here has that name" if is_word else ""
        return UsageError(_NEEDS_ADDRESS.format(line=_shown(line), more=nameless))
    return UsageError(_NEITHER.format(word=word))


def _is_line(line: Sequence[str]) -> bool:
    """Whether the words read as a command with its arguments, rather than as a name and a line."""
    following = line[1] if len(line) > 1 else ""
    return "=" in following or following.startswith("-") or not following or line[0][0] in ".{"


def _shown(line: Sequence[str]) -> str:
    """Return a line of one word, or the beginning of one of several."""
    first = shortened(line[0], _MAX_LINE_CHARACTERS)
    first = f"'{first}'" if any(mark in first for mark in " {'\"") else first
    return first if len(line) == 1 else f"{first} ..."
