"""A real shell in a terminal: tmux on a server of its own, keys in, the screen out."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.qemu import ROOT
from tests.waiting import PATIENCE, wait_until

PROMPT = "$"
SECONDS = PATIENCE
SHELLS = ("bash", "zsh", "fish")

_BASHRC = """\
PS1='$ ' PATH={folder}/bin:$PATH
source '{scripts}/qmpsh.bash'
"""
_ZSHRC = """\
PS1='$ ' PATH={folder}/bin:$PATH
fpath=('{scripts}' $fpath)
autoload -U compinit
compinit -u -D
"""
_FISHRC = """\
set -gx PATH {folder}/bin $PATH
function fish_prompt; echo '$ '; end
set -g fish_greeting
set -g fish_autosuggestion_enabled 0
source '{scripts}/qmpsh.fish'
"""


def _bash(folder: Path) -> list[str]:
    rc = folder / "bashrc"
    rc.write_text(_BASHRC.format(folder=folder, scripts=ROOT / "completions"))
    return ["bash", "--noprofile", "--rcfile", str(rc), "-i"]


def _zsh(folder: Path) -> list[str]:
    (folder / ".zshrc").write_text(_ZSHRC.format(folder=folder, scripts=ROOT / "completions"))
    return ["env", f"ZDOTDIR={folder}", "zsh", "-i"]


def _fish(folder: Path) -> list[str]:
    rc = folder / "rc.fish"
    rc.write_text(_FISHRC.format(folder=folder, scripts=ROOT / "completions"))
    return ["fish", "--no-config", "--init-command", f"source {rc}"]


_START: dict[str, Callable[[Path], list[str]]] = {"bash": _bash, "zsh": _zsh, "fish": _fish}


class Terminal:
    """shell: its name; folder: private, also what the shell begins in."""

    def __init__(self, shell: str, folder: Path) -> None:
        self._server = f"qmpsh-{os.getpid()}-{shell}-{id(self):x}"
        self.shell = shell
        command = _START[shell](folder)
        _install(folder / "bin")
        self._tmux("new-session", "-d", "-x", "120", "-y", "40", "-c", str(folder), *command)
        try:
            self.wait_for("")
        except AssertionError:
            self.close()
            raise

    def type(self, text: str) -> None:
        """Type a text, in which a tab is the Tab key."""
        self._tmux("send-keys", "-l", "--", text)

    def press(self, *keys: str) -> None:
        """Press keys, as tmux calls them."""
        self._tmux("send-keys", *keys)

    def clear(self) -> None:
        """Throw away the line, and what stands on the screen."""
        self.press("C-e", "C-u", "C-l")
        self.wait_for("")

    def wait_for(self, line: str) -> None:
        """Wait until the command line reads so; blanks at its end are not seen."""

        def reads() -> bool:
            return self.line() == line

        try:
            wait_until(reads, SECONDS)
        except AssertionError:
            raise AssertionError(f"{self.shell}: {line!r} is not on\n{self.screen()}") from None

    def wait_for_text(self, *texts: str) -> None:
        """Wait until all the texts are on the screen."""

        def shows() -> bool:
            return all(text in self.screen() for text in texts)

        try:
            wait_until(shows, SECONDS)
        except AssertionError:
            raise AssertionError(f"{self.shell}: not all of {texts} on\n{self.screen()}") from None

    def line(self) -> str | None:
        """What stands behind the last prompt; None while there is none."""
        lines = [line for line in self.screen().splitlines() if line.startswith(PROMPT)]
        return lines[-1].removeprefix(PROMPT).strip() if lines else None

    def screen(self) -> str:
        """The text of the screen; lines that were wrapped are joined."""
        return self._tmux("capture-pane", "-p", "-J")

    def close(self) -> None:
        """End the shell. Never raises."""
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            self._tmux("kill-server")

    def _tmux(self, *arguments: str) -> str:
        run = subprocess.run(
            ["tmux", "-L", self._server, "-f", "/dev/null", *arguments],
            check=True, capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip
        return run.stdout


def _install(programs: Path) -> None:
    """Make a folder with `qmpsh` in it: this checkout's, run by this Python."""
    programs.mkdir()
    script = programs / "qmpsh"
    script.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m tests.patient "$@"\n'
    )
    script.chmod(0o755)
