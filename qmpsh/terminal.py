"""Asking for a secret on the controlling terminal, where stdin and stdout may be anything."""

from __future__ import annotations

import os

from qmpsh.errors import UsageError


def read_secret(question: str) -> str:
    """What is typed, without echo, up to Enter. Raises UsageError where there is no terminal."""
    # Imported here: only a line with `password=?` asks.
    import termios

    try:
        fd = os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError as error:
        raise UsageError(f"no terminal to ask on: {question.rstrip(':')}") from error
    try:
        old = termios.tcgetattr(fd)
        silent = [*old[:3], old[3] & ~termios.ECHO, *old[4:]]
        termios.tcsetattr(fd, termios.TCSAFLUSH, silent)
        try:
            os.write(fd, f"{question} ".encode())
            typed = _read_line(fd)
        finally:
            termios.tcsetattr(fd, termios.TCSAFLUSH, old)
            os.write(fd, b"\n")
    finally:
        os.close(fd)
    return typed


def _read_line(fd: int) -> str:
    data = b""
    while not data.endswith(b"\n"):
        more = os.read(fd, 4096)
        if not more:
            raise UsageError("end of input where a secret was asked for")
        data += more
    try:
        return data.rstrip(b"\r\n").decode()
    except UnicodeDecodeError as error:
        raise UsageError("what was typed is no UTF-8, which JSON wants") from error
