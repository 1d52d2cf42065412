"""Private guest agents for tests: a real qemu-ga on a unix socket, no VM around it.

What an agent does it does to this very machine: the commands that would end, suspend or change it
are blocked in every agent that is started here.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from dataclasses import dataclass

from tests.programs import find_program
from tests.qemu import START_SECONDS, emulators, is_listening, new_folder
from tests.waiting import wait_until

BLOCKED = (
    "guest-shutdown",
    "guest-suspend-disk",
    "guest-suspend-ram",
    "guest-suspend-hybrid",
    "guest-set-time",
    "guest-set-vcpus",
    "guest-set-memory-blocks",
    "guest-set-user-password",
    "guest-fsfreeze-freeze",
    "guest-fsfreeze-freeze-list",
    "guest-fstrim",
    "guest-ssh-add-authorized-keys",
    "guest-ssh-remove-authorized-keys",
)


def agents() -> list[str]:
    """The agents to test with: the system's, which may lie where only root looks, and those that
    lie beside the emulators that are tested with.
    """
    system = find_program("qemu-ga")
    beside = [os.path.join(os.path.dirname(path), "qemu-ga") for path in emulators()]
    found = [path for path in [system, *beside] if path and os.access(path, os.X_OK)]
    return list({os.path.realpath(path): path for path in found}.values())


def command_line(program: str, path: str, folder: str) -> list[str]:
    """What starts an agent that listens on the path, and keeps its files in the folder."""
    command = [program, "-m", "unix-listen", "-p", path, "-t", folder]
    return [*command, "-b", ",".join(BLOCKED)]


@dataclass(slots=True)
class Agent:
    """path: its socket; folder: for files, goes with the agent; version: "7.2.22"."""

    path: str
    folder: str
    version: str
    process: subprocess.Popen[bytes]


class AgentStarter:
    """Starts agents of one program; `close()` ends them all and never raises."""

    def __init__(self, program: str) -> None:
        self.program = program
        self._agents: list[Agent] = []

    def __call__(self, folder: str | None = None) -> Agent:
        """Start an agent and wait until it listens. folder: of one that has ended."""
        folder = folder or new_folder()
        path = f"{folder}/ga.sock"
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        said = subprocess.run([self.program, "--version"], capture_output=True, text=True)
        with open(f"{folder}/log", "wb") as log:
            process = subprocess.Popen(
                command_line(self.program, path, folder),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        agent = Agent(path, folder, said.stdout.split()[-1], process)
        self._agents.append(agent)
        wait_until(lambda: is_listening(path), START_SECONDS, "qemu-ga listens")
        return agent

    def close(self) -> None:
        """End every agent and remove its folder. Never raises."""
        for agent in self._agents:
            with contextlib.suppress(OSError, subprocess.TimeoutExpired):
                agent.process.kill()
                agent.process.wait(timeout=START_SECONDS)
            shutil.rmtree(agent.folder, ignore_errors=True)
        self._agents.clear()
