"""`| command`, `> file` and `>> file` at the prompt: the event loop goes on meanwhile."""

from __future__ import annotations

import asyncio

from qmpsh.errors import QmpshError
from qmpsh.shell.outcome import Answer
from qmpsh.shell.redirects import pipe_status, write_file
from qmpsh.view.answers import answer_body


async def redirect(answer: Answer) -> str:
    """Hand an answer to its line's redirect; the text to show for it.

    Raises UsageError for a file that cannot be written, QmpshError for a pipe that failed.
    """
    target = answer.redirect
    if target is None:
        return ""
    data = answer.data
    if data is None:
        body = answer_body(answer)
        data = f"{body.text()}\n".encode() if body.lines else b""
    if target.mark != "|":
        write_file(target, data)
        return f"written to {target.target}"
    process = await asyncio.create_subprocess_shell(
        target.target,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(data)
    said = pipe_status(process.returncode or 0, target)
    shown = output.decode(errors="replace").removesuffix("\n")
    if said:
        raise QmpshError(f"{shown}\n{said}" if shown else said)
    return shown
