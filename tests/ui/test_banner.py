"""The three lines at the start."""

from __future__ import annotations

import pytest

from qmpsh.complete.candidates import Catalog
from qmpsh.protocol.messages import Event, Greeting
from qmpsh.render.theme import ASCII, Line, plain
from qmpsh.shell.machine import Machine
from qmpsh.ui.common.banner import Banner
from qmpsh.ui.screen.store import BannerBlock


def texts(banner: Banner) -> list[str]:
    banner.update()
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
    # Only a bridge of ours may make remarks; a server cannot speak for us.
    assert not Machine("/run/s", greeting).remark


def test_a_server_that_does_not_greet() -> None:
    assert texts(Banner(Machine("s", None), Catalog(), ASCII))[0] == "Connected to s"


def test_a_part_is_said_once_and_stays() -> None:
    machine, catalog = Machine("s", Greeting("7.2.22", "", (), {})), Catalog()
    banner = Banner(machine, catalog, ASCII)
    machine.set_name({"name": "vm1"})
    machine.set_status({"status": "prelaunch", "running": False})
    catalog.commands = ("quit",)
    assert texts(banner)[1:] == [
        "vm1 - paused (prelaunch) - s",
        "1 command - Tab completes - F1 keys - .help",
    ]
    machine.on_event(Event("RESUME", {}, None, {}))
    machine.set_name({"name": "other"})
    catalog.events = ("STOP", "RESUME")
    assert texts(banner)[1:] == [
        "vm1 - paused (prelaunch) - s",
        "1 command - 2 events - Tab completes - F1 keys - .help",
    ]


def full() -> Banner:
    greeting = Greeting("7.2.22", "Debian 1:7.2+dfsg-7+deb12u18", (), {})
    machine, catalog = Machine("./monitor.sock", greeting), Catalog()
    machine.set_name({"name": "vm1"})
    machine.set_status({"status": "prelaunch", "running": False})
    catalog.commands = ("quit",) * 216
    catalog.events = ("STOP",) * 52
    return Banner(machine, catalog, ASCII)


def test_a_line_breaks_between_its_parts() -> None:
    assert [[plain(row) for row in rows] for rows in full().rows(49)] == [
        ["Connected to QEMU 7.2.22"],
        ["vm1 - paused (prelaunch) - ./monitor.sock"],
        ["216 commands - 52 events - Tab completes", "F1 keys - .help"],
    ]


def test_the_package_is_told_where_it_fits() -> None:
    ((row,), *_) = full().rows(55)
    assert plain(row) == "Connected to QEMU 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)"


def test_a_part_longer_than_a_row_is_wrapped() -> None:
    rows = BannerBlock(full()).draw(1, 10)
    assert [plain(row) for row in rows] == [
        "vm1",
        "paused ",
        "(prelaunch",
        ")",
        "./monitor.",
        "sock",
    ]


def test_it_is_laid_out_once_for_each_width(monkeypatch: pytest.MonkeyPatch) -> None:
    block = BannerBlock(full())
    widths: list[int | None] = []
    lay_out = Banner._lay_out

    def counted(banner: Banner, width: int | None) -> list[list[Line]]:
        widths.append(width)
        return lay_out(banner, width)

    monkeypatch.setattr(Banner, "_lay_out", counted)
    for _ in range(10):
        for index in range(block.count):
            block.line(index)
            block.draw(index, 40)
    assert widths == [40]
    block.update()
    block.draw(0, 40)
    assert widths == [40, None, 40]
