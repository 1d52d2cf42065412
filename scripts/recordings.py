"""Records the demo's VM for machines without QEMU: `make recordings`.

The full screen runs on a real QEMU in tmux, and types the lines of the tour and of the demo, with a
Tab where the tour says so. What the VM answered is then what `qmpsh run` replays.
"""

from __future__ import annotations

import gzip
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from qmpsh.replay.demo import DEMO_FILE
from tests.qemu import ROOT, emulators
from tests.ui.tmux import Terminal, terminal
from tests.waiting import wait_until

QUIET_SECONDS = 1.0
"""how long nothing may be written until a line, or a key, counts as handled"""

TABS = ("query-b", "device_add driver=", "device_add driver=virtio-rng-pci id=rng0 bus=", ".get /")
"""what is typed before a Tab, and then deleted"""

_TRIED = ("cont", "query-block --table", "device_add driver=virtio-rng-pci bus=rp0 id=rng0")
"""what the shell proposes in its first lines"""


def lines() -> list[str]:
    """The lines to type: those of the tour, of scripts/demo.sh, and what the shell proposes."""
    tour = (ROOT / "docs" / "tour.md").read_text()
    typed = re.findall(r"^    \(QEMU\) (.*)$", tour, re.MULTILINE)
    demo = (
        (ROOT / "scripts" / "demo.sh").read_text().partition("<<'END'\n")[2].partition("\nEND")[0]
    )
    own = ["device_del id=rng0 --wait", "stop", ".tree block", ".status"]
    shown = [
        line for line in typed if not line.startswith((".help", ".apropos", ".exit", "->", "<-"))
    ]
    return [*demo.splitlines(), *_TRIED, *own, *shown, "query-kvm", "info status"]


def record(emulator: str, path: Path) -> None:
    """Record a session with an emulator."""
    with tempfile.TemporaryDirectory() as home, terminal() as screen:
        folder = Path(home, "bin")
        folder.mkdir()
        (folder / "qemu-system-x86_64").symlink_to(emulator)
        os.environ.update(HOME=home, PATH=f"{folder}:{os.environ['PATH']}", XDG_RUNTIME_DIR="/tmp")
        # A session that has the schema in the cache does not read it over the wire.
        line = "object-add qom-type=iothread id=io0\n"
        shell = [sys.executable, "-m", "qmpsh", "run"]
        subprocess.run(shell, input=line, text=True, check=True)
        screen.qmpsh("run", "--record", str(path), columns=120, rows=40)
        _settle(path)
        for text in TABS:
            screen.keys(text, "Tab")
            _settle(path)
            screen.keys("Escape")
            screen.keys("C-c")
        for line in lines():
            _type(screen, line, path)
        _type(screen, ".exit", path)
        screen.keys("Enter")
        screen.sees("exit 0")


def _type(screen: Terminal, line: str, path: Path) -> None:
    screen.keys("-l", line)
    screen.keys("Enter")
    _settle(path)


def _settle(path: Path) -> None:
    """Wait until nothing more is recorded."""
    size, since = -1, time.monotonic()

    def is_quiet() -> bool:
        nonlocal size, since
        now = path.stat().st_size
        if now != size:
            size, since = now, time.monotonic()
        return time.monotonic() - since > QUIET_SECONDS

    wait_until(is_quiet, 60, "nothing more is recorded")


if __name__ == "__main__":
    found = emulators()
    if not found:
        sys.exit("recordings: no QEMU found here")
    with tempfile.TemporaryDirectory() as folder:
        recorded = Path(folder, "demo.jsonl")
        record(found[-1], recorded)
        DEMO_FILE.write_bytes(gzip.compress(recorded.read_bytes(), mtime=0))
    sys.stdout.write(f"recordings: {DEMO_FILE}, {DEMO_FILE.stat().st_size} bytes\n")
