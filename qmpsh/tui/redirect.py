"""`| command`, `> file` and `>> file` at the prompt, while the event loop keeps running.

What a pipe prints is shown as a reply; a pager or an editor at its end gets the terminal instead.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from typing import Final

from qmpsh.errors import QmpshError
from qmpsh.lang.syntax import Redirect
from qmpsh.link.programs import not_started
from qmpsh.shell.outcome import Answer
from qmpsh.shell.redirects import pipe_status, wants_terminal, write_file
from qmpsh.tui.pager import hand_over
from qmpsh.view.answers import answer_body

LIMIT: Final = 16 * 1024 * 1024
"""most bytes shown of a pipe's output"""
_CHUNK: Final = 64 * 1024


async def redirect(answer: Answer) -> str:
    """Send an answer to its line's redirect; return the text to show for it.

    Raises QmpshError if a file cannot be written or a pipe fails.
    """
    target = answer.redirect
    if target is None:
        return ""
    body = answer_body(answer)
    data = answer.data
    if data is None:
        data = f"{body.text()}\n".encode(errors="replace") if body.lines else b""
    if target.mark != "|":
        write_file(target, data)
        return f"written to {target.target}"
    try:
        if wants_terminal(target, os.environ):
            text, is_table = data.decode("utf-8", "replace"), body.table is not None
            shown, status = "", await hand_over(target.target, text, is_table=is_table)
        else:
            shown, status = await _through(target, data)
    except OSError as error:
        raise QmpshError(not_started("/bin/sh", error)) from error
    said = pipe_status(status, target)
    if said:
        raise QmpshError(f"{shown}\n{said}" if shown else said)
    return shown


async def _through(target: Redirect, data: bytes) -> tuple[str, int]:
    """Pipe the bytes through a command; return its output and exit status."""
    process = await asyncio.create_subprocess_shell(
        target.target,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        # Detached from the terminal: its keys and Ctrl-C belong to the screen.
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    feeding = asyncio.ensure_future(_feed(process.stdin, data))
    try:
        output = await _read(process.stdout)
        if len(output) > LIMIT:
            _kill(process)
            output = output[:LIMIT] + b"\n... more than 16 MiB: the rest was dropped"
        status = await process.wait()
    finally:
        feeding.cancel()
        if process.returncode is None:
            _kill(process)
    return output.decode(errors="replace").removesuffix("\n"), status


def _kill(process: asyncio.subprocess.Process) -> None:
    """Kill the command and all that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


async def _read(stream: asyncio.StreamReader) -> bytes:
    """Read everything, up to a little more than is shown."""
    output = bytearray()
    while len(output) <= LIMIT:
        chunk = await stream.read(_CHUNK)
        if not chunk:
            break
        output += chunk
    return bytes(output)


async def _feed(stream: asyncio.StreamWriter, data: bytes) -> None:
    """Write it all; a command may stop reading early without an error."""
    try:
        stream.write(data)
        await stream.drain()
        stream.close()
    except OSError:
        return
