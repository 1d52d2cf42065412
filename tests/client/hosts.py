"""Starters of the servers that are no emulator, as VmStarter is of those that are."""

from __future__ import annotations

import contextlib
import os
import sys

from tests.agents import command_line
from tests.qemu import Starter, Vm, new_folder, storage_daemon, unix_sockets


class DaemonStarter(Starter):
    """Starts storage daemons of an emulator's version: their words are the emulator's with another
    hyphen, but for one.
    """

    def __init__(self, emulator: str) -> None:
        super().__init__()
        self.emulator = emulator

    def __call__(self, *words: str, folder: str | None = None) -> Vm:
        folder = folder or new_folder()
        own = ("-chardev", f"socket,id=own,path={folder}/s,server=on,wait=off", "-mon", "own")
        argv = [
            "--monitor" if word == "-mon" else f"-{word}" if word.startswith("-") else word
            for word in (*(word.replace("{folder}", folder) for word in words), *own)
        ]
        return self.launch([storage_daemon(self.emulator), *argv], folder, unix_sockets(argv))


class UnixStarter(Starter):
    """Starts servers that listen on a unix socket, and know nothing else."""

    def argv(self, path: str, folder: str) -> list[str]:
        raise NotImplementedError

    def __call__(self, folder: str | None = None) -> Vm:
        """folder: of one that has ended, whose place it takes."""
        folder = folder or new_folder()
        path = f"{folder}/s"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        return self.launch(self.argv(path, folder), folder, [path])


class GuestStarter(UnixStarter):
    """Starts guest agents of one program."""

    def __init__(self, program: str) -> None:
        super().__init__()
        self._program = program

    def argv(self, path: str, folder: str) -> list[str]:
        return command_line(self._program, path, folder)


class StratovirtStarter(UnixStarter):
    """Starts monitors that behave like StratoVirt."""

    def argv(self, path: str, folder: str) -> list[str]:
        return [sys.executable, "-m", "tests.stratovirt", path]
