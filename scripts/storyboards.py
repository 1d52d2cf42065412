"""What the films of docs/screenshots show, key by key, and the pair of terminals beside it."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scripts.film import KEY_SECONDS, Film, Home, Terminal, terminal
from scripts.svg import Frame
from tests.qemu import ROOT, VmStarter, new_folder

SIZE = (100, 26)
SOCKET = "./monitor.sock"
QMPSH = (sys.executable, "-m", "qmpsh", SOCKET)
TAB, ENTER, UP, RUB_OUT_WORD = "\t", "\r", "\x1b[A", "\x17"
LAST_SECONDS = 3.5
"""how long the last frame of a film is seen"""


class Storyboard(NamedTuple):
    """A film to take.

    title: its alternative text; play: presses its keys; lines: what the VM does before
    options: more of the configuration
    """

    title: str
    play: Callable[[Film], None]
    lines: Sequence[str] = ()
    options: str = ""


def hot_plug(film: Film) -> None:
    """Let a network card come and go."""
    film.see("free ports", 1.0)
    film.type("device_add dri")
    film.press(TAB, "virtio-blk-pci", 0.9)
    film.type("virtio-n")
    film.see("virtio-net-pci-transitional", 0.4)
    film.press(TAB, "driver=virtio-net-pci", 0.5)
    film.type(" id=n0 bus=")
    film.see("no hot-plug", 0.8)
    film.press(TAB, "id=n0 bus=rp0", 0.4)
    film.type(" ")
    film.press(ENTER, "{}", 1.2)
    film.type("device_del id=")
    film.see("pcie-root-port", 0.8)
    film.press(TAB, "device_del id=n0", 0.3)
    film.type(" --w")
    film.press(TAB, "id=n0 --wait", 0.5)
    film.watch(ENTER, '"path": "/machine/peripheral/n0"', LAST_SECONDS)


def typo(film: Film) -> None:
    """Let a mistake be found and mended, and a backup run to its end."""
    film.see("free ports", 1.0)
    film.type("blockdev-backup job-id=b0 device=disk0 sync=full speed=600M --wait tagret")
    film.type("=copy")
    film.press(ENTER, "^^^^^^", 2.0)
    film.press(UP, "(QEMU) blockdev-backup", 0.5)
    film.press(RUB_OUT_WORD, "target*", 0.5)
    film.type("ta")
    film.press(TAB, "target=", KEY_SECONDS)
    film.see(" copy ", 0.8)
    film.press(TAB, "target=copy", 0.4)
    film.type(" ")
    film.watch(ENTER, '"type": "backup"', LAST_SECONDS)


FILMS = {
    "hot-plug": Storyboard("A network card comes and goes, with its events beside", hot_plug),
    "typo": Storyboard(
        "A typo never reaches the VM; a backup runs to its end",
        typo,
        lines=["blockdev-add driver=null-co node-name=copy size=1G"],
        options='[options]\nevents = "off"\n',
    ),
}


def play(board: Storyboard, theme: str, starter: VmStarter) -> list[Frame]:
    """Take a film on a VM of its own."""
    with new_home(theme, board.options, starter) as home:
        for line in ("cont", *board.lines):
            run_line(line, home)
        with terminal(QMPSH, SIZE, home) as screen:
            film = Film(screen)
            board.play(film)
            return film.frames


def run_line(line: str, home: Home) -> None:
    """Let the VM do something."""
    subprocess.run([*QMPSH, *line.split()], cwd=home.folder, env=home.environment, check=True)


@contextlib.contextmanager
def new_home(theme: str, options: str, starter: VmStarter) -> Iterator[Home]:
    """Start a VM, whose monitor is in a new folder."""
    folder = new_folder()
    monitor = f"unix:{folder}/monitor.sock,server=on,wait=off"
    vm = starter("-qmp", monitor, machine="demo", name="vm1", qmp=False, folder=folder)
    configuration = Path(folder, ".config", "qmpsh")
    configuration.mkdir(parents=True)
    (configuration / "config.toml").write_text(f'theme = "{theme}"\n{options}')
    tools = [os.path.dirname(sys.executable), str(ROOT / ".venv-bench" / "bin")]
    environment = {
        "HOME": folder,
        "LANG": "C.UTF-8",
        "PATH": ":".join([*tools, os.environ["PATH"]]),
        "PS1": r"\[\e[1m\]$\[\e[0m\] ",
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "TZ": "UTC",
    }
    try:
        yield Home(folder, environment)
    finally:
        vm.kill()


BESIDE = "The same lines in qmp-shell and in qmpsh, and what a script learns of them"
BESIDE_SIZE = (100, 17)
_LINES = """\
blockdev-add driver=raw node-name=r0 file.driver=null-co file.size=1048576
blockdev-add drvier=null-co node-name=d0
"""
_PROMPT = "$ "
_TYPED = (
    "cat lines",
    f"qmp-shell {SOCKET} < lines; echo exit $?",
    f"qmpsh {SOCKET} < lines; echo exit $?",
)


def beside(theme: str, starter: VmStarter) -> Frame:
    """Run the same lines in qmp-shell and in qmpsh."""
    with new_home(theme, "", starter) as home:
        Path(home.folder, "lines").write_text(_LINES)
        argv = ["bash", "--norc", "--noprofile"]
        with terminal(argv, BESIDE_SIZE, home) as screen:
            for count, line in enumerate(_TYPED):
                screen.until(lambda: _prompts(screen) > count, "a prompt")  # noqa: B023
                screen.keys(f"{line}{ENTER}")
            screen.until(lambda: _prompts(screen) > len(_TYPED), "the last prompt")
            return screen.frame(1.0)


def _prompts(screen: Terminal) -> int:
    """How many prompts of the shell there are; 0 while the cursor is not at one."""
    if screen.before_cursor() != _PROMPT:
        return 0
    return sum(row.startswith(_PROMPT) for row in screen.text().splitlines())
