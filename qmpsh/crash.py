"""The report of a fault of our own: what somebody needs who is to mend it, and no secrets."""

from __future__ import annotations

import os
import platform
import shutil
import time
import traceback

from qmpsh import __version__
from qmpsh.paths import state_file

_TOLD = ("TERM", "COLORTERM", "LANG", "LC_ALL", "TMUX", "STY", "SSH_TTY")
"""variables that say what kind of terminal it was"""


def report(error: BaseException) -> str:
    """Write the report; one sentence that says where it is, or the report where it cannot be."""
    text = _text(error)
    what = f"a fault of its own ({type(error).__name__})"
    try:
        path = state_file(f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.txt")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        with open(os.open(path, flags, 0o600), "w", encoding="utf-8", errors="replace") as file:
            file.write(text)
    except OSError as failure:
        return f"{what}; no report could be written ({failure.strerror}):\n{text}"
    return f"{what} ended it; the report is in {path}"


def _text(error: BaseException) -> str:
    """The report; of a program so broken that it cannot mask, only what needs no masking."""
    try:
        # Imported here: what broke the program may be that its files have gone or changed.
        from qmpsh.shell.secrets import mask_line

        lines = [mask_line(line) for line in _lines(error)]
    except Exception as failure:
        lines = [_program(), f"not masked ({type(failure).__name__}), so without its text:"]
        lines += [type(error).__name__, *_places(error)]
    return "".join(f"{line}\n" for line in lines)


def _program() -> str:
    return f"qmpsh {__version__}, Python {platform.python_version()}, {platform.platform()}"


def _places(error: BaseException) -> list[str]:
    """Where it happened, the innermost place last."""
    frames = traceback.walk_tb(error.__traceback__)
    return [f"  {frame.f_code.co_filename}:{line}" for frame, line in frames]


def _lines(error: BaseException) -> list[str]:
    size = shutil.get_terminal_size()
    return [
        _program(),
        f"terminal: {size.columns}x{size.lines}",
        *(f"{name}={os.environ[name]}" for name in _TOLD if name in os.environ),
        "",
        # With its notes: what was typed last is among them.
        *"".join(traceback.format_exception(error)).splitlines(),
    ]
