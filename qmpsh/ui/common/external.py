"""Passes text to what lies outside: a pager, the user's editor, the terminal's clipboard.

Pager and editor get the terminal. The event loop keeps running meanwhile: the VM is read, events
are kept, nothing is drawn.

The clipboard is reached with the sequence OSC 52, which works over ssh too. The terminal does not
confirm it; one that does not support or allow it ignores it.
"""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
import tempfile
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from prompt_toolkit.application import get_app_session
from prompt_toolkit.output import Output as Terminal

from qmpsh.display.forms import BLOCKS, PROTOCOLS
from qmpsh.errors import UsageError
from qmpsh.render.answers import AnswerBody
from qmpsh.render.theme import Line, plain
from qmpsh.render.units import size
from qmpsh.system.programs import not_started
from qmpsh.ui.common.terminal_input import lend_terminal

if TYPE_CHECKING:
    from qmpsh.display.screen import Screen

_NO_PAGER = "{why}; install it, or name another pager in PAGER"
_NO_EDITOR = "{why}; install it, or name another in VISUAL"
_EDITOR_FAILED = "{command} ended with {code}: the line is unchanged"
_RETURN = "Enter returns to the shell "
_UNREADABLE = "cannot read the edited line: {reason}"

_LINE_BYTES = 4096
POLL_SECONDS = 0.05
"""seconds between checks whether the program has ended; asyncio's own way needs a thread"""


Paint = Callable[[Line], str]
"""Returns a line with the sequences of its colours, or without where none are wanted."""

LINES_PER_SLICE = 500
"""lines that are coloured in one turn of the event loop: a few milliseconds"""

_RAW_OPTION = {"less": ["-R"], "moar": [], "moor": [], "ov": []}
"""Pagers that show colours, and the option with which they do; others would show the sequences."""


def pager_command(environ: Mapping[str, str]) -> list[str]:
    """Return the words of $PAGER, or less. Raises UsageError if it cannot be split."""
    try:
        return shlex.split(environ.get("PAGER", "")) or ["less"]
    except ValueError as error:
        raise UsageError(f"PAGER: {error}") from error


def colour_command(command: Sequence[str]) -> list[str] | None:
    """Return a pager's words with which it shows colours; None if it cannot.

    The less of BusyBox shows none: for it, -R means to drop them.
    """
    program, *options = command
    found = os.path.realpath(shutil.which(program) or program)
    name = os.path.basename(program)
    if name not in _RAW_OPTION or os.path.basename(found) == "busybox":
        return None
    return [program, *_RAW_OPTION[name], *options]


def pager_environ(environ: Mapping[str, str], *, is_table: bool) -> dict[str, str]:
    """Return a pager's environment; for a table, -S makes `less` scroll sideways, not wrap rows.

    -S comes first, since one of the user's options may swallow all that follows it.
    Source: less(1), LESS.
    """
    options = f"-S {environ.get('LESS', '')}".rstrip()
    return {**environ, "LESS": options} if is_table else dict(environ)


async def show_in_pager(body: AnswerBody, paint: Paint = plain, form: str = BLOCKS) -> None:
    """Show an answer until the user leaves the pager. Raises UsageError if it cannot start.

    paint: gives its lines their colours, if the pager shows any
    form:  in which the terminal shows pictures: one of a protocol needs no pager
    """
    if body.drawing is not None and form in PROTOCOLS:
        # Imported here: few answers are drawn.
        from qmpsh.render.screens import ScreenDrawing

        if isinstance(body.drawing, ScreenDrawing):
            await show_picture(body.drawing.screen, form)
            return
    command = pager_command(os.environ)
    coloured = None if paint is plain else colour_command(command)
    text = body.text() if coloured is None else await painted(body, paint)
    try:
        await hand_over(coloured or command, f"{text}\n", is_table=body.table is not None)
    except OSError as error:
        why = not_started(command[0], error)
        raise UsageError(_NO_PAGER.format(why=why)) from error


async def show_picture(screen: Screen, form: str) -> None:
    """Show a VM's screen in place of ours, or above the line, until Enter. form: of PROTOCOLS"""
    # Imported here: few answers are pictures.
    from qmpsh.display.screen import encoded

    session, loop = get_app_session(), asyncio.get_running_loop()
    terminal, keys = session.output, session.input.fileno()
    size, entered = terminal.get_size(), loop.create_future()
    async with lend_terminal():
        picture, _ = encoded(screen, form, size.columns, size.rows - 2)
        terminal.write_raw(f"{picture}\n{_RETURN}")
        terminal.flush()
        loop.add_reader(keys, _take_line, keys, entered)
        try:
            await entered
        finally:
            loop.remove_reader(keys)


def _take_line(keys: int, entered: asyncio.Future[None]) -> None:
    """Read what the terminal gives at Enter, or its end. keys: its descriptor"""
    os.read(keys, _LINE_BYTES)
    if not entered.done():
        entered.set_result(None)


async def painted(body: AnswerBody, paint: Paint) -> str:
    """Return the text of an answer in its colours; the event loop goes on meanwhile."""
    lines: list[str] = []
    for index in range(len(body.lines)):
        lines.append(paint(body.line(index)))
        if index % LINES_PER_SLICE == 0:
            await asyncio.sleep(0)
    return "\n".join(lines)


async def hand_over(command: list[str] | str, text: str, *, is_table: bool = False) -> int:
    """Give a program the terminal and the text until it ends; return its exit status, as Popen.

    command:  words, or a line for the shell
    text:     the program's standard input
    is_table: the text has rows that a pager must not wrap
    Raises OSError if the program cannot start.
    """
    environ = pager_environ(os.environ, is_table=is_table)
    with tempfile.TemporaryFile() as file:
        # A file, not a pipe: a pager reads no further than the user does, and must not block us.
        file.write(text.encode(errors="replace"))
        file.seek(0)
        async with lend_terminal():
            process = subprocess.Popen(
                command, shell=isinstance(command, str), stdin=file, env=environ
            )
            while process.poll() is None:
                await asyncio.sleep(POLL_SECONDS)
    return process.returncode


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """Return the words of $VISUAL or $EDITOR, or vi. Raises UsageError if they cannot be split."""
    for name in ("VISUAL", "EDITOR"):
        try:
            words = shlex.split(environ.get(name, ""))
        except ValueError as error:
            raise UsageError(f"{name}: {error}") from error
        if words:
            return words
    return ["vi"]


async def edit(text: str) -> str:
    """Return the text as edited, without the final newline that editors add.

    Raises UsageError if the editor cannot start or fails; the line then stays as it was.
    """
    command = editor_command(os.environ)
    # A private folder: an editor may replace the file and leave others beside it.
    with tempfile.TemporaryDirectory(prefix="qmpsh-") as folder:
        path = os.path.join(folder, "line.qmp")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(fd, "w", encoding="utf-8", errors="replace") as file:
            file.write(f"{text}\n")
        async with lend_terminal():
            try:
                process = subprocess.Popen([*command, path])
            except OSError as error:
                why = not_started(command[0], error)
                raise UsageError(_NO_EDITOR.format(why=why)) from error
            while process.poll() is None:
                await asyncio.sleep(POLL_SECONDS)
        if process.returncode:
            raise UsageError(_EDITOR_FAILED.format(command=command[0], code=process.returncode))
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read().rstrip("\n")
        except OSError as error:
            raise UsageError(_UNREADABLE.format(reason=error.strerror)) from error


CLIPBOARD_LIMIT_BYTES = 74_994
"""bytes; encoded and framed 100,000, above which terminals drop the whole sequence"""


def copy_text(text: str, terminal: Terminal) -> str:
    """Put a text in the terminal's clipboard; return a message for the user."""
    sequence = copy_sequence(text)
    if sequence is None:
        return f"longer than {size(CLIPBOARD_LIMIT_BYTES)}, which no terminal takes; Alt-s saves it"
    terminal.write_raw(sequence)
    terminal.flush()
    return f"copied {size(len(text.encode(errors='replace')))} (OSC 52)"


def copy_sequence(text: str) -> str | None:
    """Return the sequence that copies a text to the clipboard; None if the text is too long.

    Source: xterm, ctlseqs, "Operating System Commands", 52.
    """
    data = text.encode(errors="replace")
    if len(data) > CLIPBOARD_LIMIT_BYTES:
        return None
    return f"\x1b]52;c;{b64encode(data).decode()}\x07"
