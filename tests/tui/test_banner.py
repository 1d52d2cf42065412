"""The three lines at the start."""

from __future__ import annotations

from qmpsh.complete.candidates import Catalog
from qmpsh.shell.machine import Machine
from qmpsh.tui.banner import Banner
from qmpsh.view.glyphs import ASCII
from qmpsh.view.theme import plain
from qmpsh.wire.messages import Event, Greeting


def texts(banner: Banner) -> list[str]:
    return [plain(line) for line in banner.lines()]


def test_what_is_known_at_once() -> None:
    banner = Banner(Machine("s", Greeting("7.2.22", "Debian", (), {})), Catalog(), ASCII)
    assert texts(banner) == [
        "Connected to QEMU 7.2.22 (Debian)",
        "s",
        "Tab completes - F1 keys - .help",
    ]


def test_a_remark_on_the_connection() -> None:
    greeting = Greeting("7.2.22", "", (), {"QMP": {"remark": "tainted\n"}})
    banner = Banner(Machine("libvirt:s", greeting), Catalog(), ASCII)
    assert texts(banner)[:3] == ["Connected to QEMU 7.2.22", "libvirt:s", "tainted\\n"]
    # Only a bridge of ours has something to tell; a server cannot speak for us.
    assert not Machine("/run/s", greeting).remark


def test_a_server_that_does_not_greet() -> None:
    assert texts(Banner(Machine("s", None), Catalog(), ASCII))[0] == "Connected to s"


def test_a_part_is_said_once_and_stays() -> None:
    machine, catalog = Machine("s", Greeting("7.2.22", "", (), {})), Catalog()
    banner = Banner(machine, catalog, ASCII)
    machine.learn_name({"name": "vm1"})
    machine.learn_status({"status": "prelaunch", "running": False})
    catalog.commands = ("quit",)
    assert texts(banner)[1:] == [
        "vm1 - paused (prelaunch) - s",
        "1 command - Tab completes - F1 keys - .help",
    ]
    machine.hear(Event("RESUME", {}, None, {}))
    machine.learn_name({"name": "other"})
    catalog.events = ("STOP", "RESUME")
    assert texts(banner)[1:] == [
        "vm1 - paused (prelaunch) - s",
        "1 command - 2 events - Tab completes - F1 keys - .help",
    ]
