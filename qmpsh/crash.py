"""The report of a fault of our own: what somebody needs who is to mend it, and no secrets."""

from __future__ import annotations

import os
import platform
import shutil
import time
import traceback

from qmpsh import __version__
from qmpsh.paths import state_file
from qmpsh.shell.secrets import mask_line

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
    size = shutil.get_terminal_size()
    lines = [
        f"qmpsh {__version__}, Python {platform.python_version()}, {platform.platform()}",
        f"terminal: {size.columns}x{size.lines}",
        *(f"{name}={os.environ[name]}" for name in _TOLD if name in os.environ),
        "",
        # With its notes: what was typed last is among them.
        *"".join(traceback.format_exception(error)).splitlines(),
    ]
    return "".join(f"{mask_line(line)}\n" for line in lines)
