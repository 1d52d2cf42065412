"""The lines with which other programs are left, which are not commands here."""

from __future__ import annotations

from typing import Final

LEAVING: Final = frozenset({
    "q", "bye", "exit", "logout", "wq", "zz",
    "exit()", "quit()", "exit;", "quit;",
    ":q", ":q!", ":qa", ":qa!", ":quit", ":wq", ":wq!", ":wqa", ":x", ":x!", ":exit",
    "\\q", "/q", "/quit", "/exit", ".q", ".quit", ".bye", ".logout",
})  # fmt: skip
"""What leaves a pager, vi, Python, an SQL client, a chat or a login shell, in small letters."""

HOW_TO_LEAVE: Final = "Ctrl-D or .exit leaves the shell; the VM goes on"
HOW_TO_LEAVE_OWN: Final = "Ctrl-D or .exit leaves the shell, and asks what to do with the VM"


def leaves_elsewhere(line: str) -> bool:
    """Whether a line is typed by the habit of leaving another program."""
    return line.strip().lower() in LEAVING
