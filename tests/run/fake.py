"""A program that is no QEMU: it serves QMP on the socket that `qmpsh run` gives it, or does not."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from enum import Enum
from pathlib import Path

from qmpsh.cli.run.vm import VmProcess


class Does(Enum):
    """What the program does with its monitor."""

    SERVE = "serve"
    TALK = "talk"
    IGNORE_QUIT = "ignore quit"
    DIE = "die"
    STAY_SILENT = "stay silent"
    END = "end"


PROGRAM = """#!{python} -IS
import json, os, re, select, signal, socket, sys

does, notes = {does!r}, open({notes!r}, "a", buffering=1)
print(json.dumps(sys.argv[1:]), file=notes)
print({says!r}, flush=True)

def terminate(number, frame):
    print("SIGTERM", file=notes)
    os._exit(0)

signal.signal(signal.SIGTERM, terminate)
if does == "end":
    sys.exit({code})
server = socket.socket(fileno=int(re.search(r",fd=(\\d+),", " ".join(sys.argv))[1]))
select.select([server], [], [])
peer, _ = server.accept()
peer.setblocking(True)
if does == "stay silent":
    signal.pause()
peer.sendall(b'{{"QMP": {{"version": {{"qemu": {{"major": 10, "minor": 0, "micro": 0}},'
             b' "package": ""}}, "capabilities": []}}}}\\n')
text = ""
while data := peer.recv(4096):
    text += data.decode()
    # Not by lines: what ends a VM is sent without a line break.
    while text := text.lstrip():
        request, end = json.JSONDecoder().raw_decode(text)
        text = text[end:]
        print(request["execute"], file=notes)
        if does == "die" and request["execute"] != "qmp_capabilities":
            print({last!r}, end="", flush=True)
            sys.exit(1)
        if does == "talk":
            print("asked for", request["execute"], flush=True)
        reply = {{"return": {{"status": "prelaunch"}}, "id": request.get("id")}}
        peer.sendall(json.dumps(reply).encode() + b"\\n")
        if request["execute"] == "quit" and does != "ignore quit":
            sys.exit()
signal.pause()
"""


def fake_program(
    folder: Path,
    does: Does = Does.SERVE,
    *,
    name: str = "fake-vm",
    says: str = "up",
    last: str = "",
    code: int = 0,
) -> str:
    """Return the path of a program.

    says, last: what it prints at its start, and when it dies; code: its exit code
    """
    path = folder / name
    text = PROGRAM.format(
        python=sys.executable,
        notes=str(folder / "notes"),
        does=does.value,
        says=says,
        last=last,
        code=code,
    )
    path.write_text(text)
    path.chmod(0o700)
    return str(path)


def noted(folder: Path) -> list[str]:
    """The arguments of the program, in JSON, and then what it was asked for."""
    return (folder / "notes").read_text().splitlines()


def end_all(processes: Iterable[VmProcess]) -> None:
    """End the processes of a test, those that were left running too."""
    for process in processes:
        process.kill()
        if process.path:
            shutil.rmtree(os.path.dirname(process.path), ignore_errors=True)
