"""The report of a fault of our own: what is needed to fix it, and no secrets."""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import time
import traceback
from itertools import count

from qmpsh.paths import state_file
from qmpsh.version import __version__

_HOW_TO_RECORD = (
    "if it happens again with qmpsh --record bug.jsonl, attach bug.jsonl; qmpsh replay serves"
    " it, and it holds paths, names and MAC addresses; secrets are masked"
)
_SHOWN_VARIABLES = ("TERM", "COLORTERM", "LANG", "LC_ALL", "TMUX", "STY", "SSH_TTY")
"""variables that say what kind of terminal it was"""


def report(error: BaseException) -> str:
    """Write the report; one sentence that says where it is, or the report where it cannot be."""
    what = f"a fault of its own ({type(error).__name__})"
    path, text = _write(error)
    return f"{what} ended it; the report is in {path}" if path else f"{what}; {text}"


def report_advice(error: Exception, kind: str) -> str:
    """Report a fault that ended nothing; return what to say of it. kind: what is left out"""
    what = f"{kind} left out: qmpsh has a fault of its own there ({type(error).__name__})"
    path, _ = _write(error)
    return f"{what}; the report is in {path}" if path else f"{what}; no report could be written"


def report_completion(error: Exception) -> None:
    """Write down a fault at a Tab in the user's shell, which stays silent; the latest is kept."""
    text = _text(error)
    with contextlib.suppress(OSError):
        _store(state_file("crash-completion.txt"), text, os.O_TRUNC)


def _store(path: str, text: str, how: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | how
    with open(os.open(path, flags, 0o600), "w", encoding="utf-8", errors="replace") as file:
        file.write(text)


def _write(error: BaseException) -> tuple[str, str]:
    """Write the report; return its path, or "" and why it cannot be written, with the report."""
    text = _text(error)
    try:
        path = _free_path()
        _store(path, text, os.O_EXCL)
    except OSError as failure:
        return "", f"no report could be written ({failure.strerror}):\n{text}"
    return path, ""


def _free_path() -> str:
    """Return a name for one more report of this process, which may write several in a second."""
    stem = f"crash-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}"
    for number in count(1):
        path = state_file(f"{stem}{'' if number == 1 else f'-{number}'}.txt")
        if not os.path.lexists(path):
            return path
    raise AssertionError("numbers do not end")


def _text(error: BaseException) -> str:
    """Return the report; if the program is too broken to mask, only what needs no masking."""
    try:
        # Imported here: what broke the program may be that its files have gone or changed.
        from qmpsh.secrets.masker import mask_line

        lines = [mask_line(line) for line in _lines(error)]
    except Exception as failure:
        lines = [_program(), f"not masked ({type(failure).__name__}), so without its text:"]
        lines += [type(error).__name__, *_places(error)]
    return "".join(f"{line}\n" for line in lines)


def _program() -> str:
    return f"qmpsh {__version__}, Python {platform.python_version()}, {platform.platform()}"


def _places(error: BaseException) -> list[str]:
    """Return where it happened, the innermost place last."""
    frames = traceback.walk_tb(error.__traceback__)
    return [f"  {frame.f_code.co_filename}:{line}" for frame, line in frames]


def _lines(error: BaseException) -> list[str]:
    size = shutil.get_terminal_size()
    return [
        _program(),
        _HOW_TO_RECORD,
        f"terminal: {size.columns}x{size.lines}",
        *(f"{name}={os.environ[name]}" for name in _SHOWN_VARIABLES if name in os.environ),
        "",
        # With its notes: what was typed last is among them.
        *"".join(traceback.format_exception(error)).splitlines(),
    ]
