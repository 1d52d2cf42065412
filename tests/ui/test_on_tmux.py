"""The whole program in a real terminal, on a real QEMU."""

from __future__ import annotations

import re

import pytest

from tests.qemu import Vm
from tests.ui.tmux import Terminal
from tests.waiting import wait_until

pytestmark = pytest.mark.tmux


def prompt_row(screen: Terminal) -> str:
    """The row of the line being typed."""
    return next(line for line in reversed(screen.picture().split("\n")) if "(QEMU)" in line)


def test_events_come_beside_a_half_typed_line(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh(vm.path)
    screen.keys("stop", "Enter", "cont", "Enter", "device_add dri")
    picture = screen.sees("RESUME")
    assert re.search(r"│ \d\d:\d\d:\d\d STOP\n", picture)
    assert re.search(r"│ \d\d:\d\d:\d\d RESUME\n", picture)
    wait_until(lambda: prompt_row(screen) == "(QEMU) device_add dri")
    screen.sees("running")


def test_the_start_is_completed_in_place(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh(vm.path)
    picture = screen.sees(" events ·")
    first, second, third = picture.split("\n")[:3]
    assert first.startswith("Connected to QEMU ")
    assert re.match(r"(\S+ · )?running · /tmp/", second)
    assert re.match(r"\d+ commands · \d+ events · Tab completes · F1 keys · \.help", third)


def test_another_size_and_back(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh(vm.path)
    screen.keys("query-status", "Enter")
    screen.sees('"running": true')
    screen.resize(50, 12)
    wait_until(lambda: "│" not in screen.picture())
    screen.resize(120, 40)
    picture = screen.sees("│ events")
    assert picture.count("Connected to") == 1
    assert picture.count("(QEMU) query-status") == 1
    screen.keys("C-d")
    history = screen.sees("exit 0")
    assert history.count("(QEMU) query-status") == 1


def test_ctrl_c_clears_and_ctrl_d_leaves_a_transcript(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh(vm.path)
    screen.keys("query-status", "Enter")
    screen.sees('"running": true')
    screen.keys("half a li", "C-c")
    wait_until(lambda: prompt_row(screen).rstrip() == "(QEMU)")
    screen.keys("C-d")
    picture = screen.sees("exit 0", "Connected to QEMU", '  "running": true')
    assert "│" not in picture
    assert "half a li" not in picture


def test_a_long_transcript_is_in_the_scrollback(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh(vm.path)
    screen.keys("query-commands", "Enter")
    screen.sees("more lines")
    screen.keys("F4")
    wait_until(lambda: "more lines" not in screen.picture())
    screen.keys("C-d")
    screen.sees("exit 0")
    assert screen.history().count('"name": ') > 200


def test_a_killed_vm_is_told_in_one_line(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh(vm.path)
    screen.keys("device_add dri")
    wait_until(lambda: prompt_row(screen) == "(QEMU) device_add dri")
    vm.kill()
    picture = screen.sees("the VM is gone; waiting")
    assert picture.count("killed or crashed: the VM has ended.") == 1
    assert "Traceback" not in picture
    assert prompt_row(screen) == "(QEMU) device_add dri"
    screen.keys("C-c", "stop", "Enter")
    screen.sees("error: ")
    screen.keys("C-d")
    assert "Traceback" not in screen.sees("exit 0")


def test_quit_asks_and_leaving_leaves_the_vm(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh(vm.path)
    screen.keys("quit", "Enter")
    screen.sees("[l]eave the shell, [q]uit the VM, [c]ancel")
    screen.keys("c")
    wait_until(lambda: prompt_row(screen).rstrip() == "(QEMU)")
    screen.keys("quit", "Enter")
    screen.sees("[l]eave the shell, [q]uit the VM, [c]ancel")
    screen.keys("Enter")
    screen.sees("exit 0")
    assert vm.is_running


def test_quit_ends_the_vm(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh(vm.path)
    screen.keys("quit", "Enter")
    screen.sees("[q]uit the VM")
    screen.keys("q")
    wait_until(lambda: not vm.is_running)
    picture = screen.sees("ended")
    assert "Traceback" not in picture


def test_completion_from_the_living_schema(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh(vm.path)
    screen.sees(" events ·")
    screen.keys("query-st", "Tab")
    screen.sees("query-stats-schemas", "query-status")


def test_hmp_mode(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh(vm.path)
    screen.keys("F7")
    screen.sees("(hmp)")
    screen.keys("info status", "Enter")
    screen.sees("VM status: running")


def test_the_pager_takes_the_screen_and_gives_it_back(
    screen: Terminal, vm: Vm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAGER", "sh -c 'cat; echo the end of it; read line < /dev/tty'")
    screen.qmpsh(vm.path)
    screen.keys("query-commands", "Enter")
    screen.sees("more lines")
    screen.keys("F5")
    picture = screen.sees("the end of it")
    assert "│" not in picture
    screen.keys("Enter")
    assert "the end of it" not in screen.sees("more lines")


def test_the_line_prompt(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh("--plain", vm.path)
    screen.keys("stop", "Enter")
    screen.sees("{}")
    screen.keys("device_add dri")
    screen.sees("(QEMU) device_add dri")
    vm.kill()
    picture = screen.sees("killed or crashed")
    assert re.search(r"^\d\d:\d\d:\d\d\.\d{3} STOP$", picture, re.MULTILINE)
    wait_until(lambda: prompt_row(screen) == "(QEMU) device_add dri")
    screen.keys("C-c", "C-d")
    assert "Traceback" not in screen.sees("exit 0")


def test_a_table_and_a_search_in_it(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh(vm.path)
    screen.keys("query-commands --table", "Enter")
    screen.sees("more lines")
    screen.keys("half a li", "M-/", "QUERY-STATUS")
    screen.sees("not found")
    screen.keys("C-u", "query-status", "Enter")
    screen.sees("1 of 1 line ")
    screen.keys("Escape")
    wait_until(lambda: "search output" not in screen.picture())
    screen.sees("query-status")
    assert prompt_row(screen) == "(QEMU) half a li"


def test_the_editor_takes_the_screen_and_gives_the_line_back(
    screen: Terminal, vm: Vm, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = "echo the editor is here; read line < /dev/tty; echo query-name > $0"
    monkeypatch.setenv("VISUAL", f"sh -c '{script}'")
    screen.qmpsh(vm.path)
    screen.keys("query-status", "C-x", "C-e")
    assert "│" not in screen.sees("the editor is here")
    screen.keys("Enter")
    screen.sees("(QEMU) query-name")


def test_an_event_is_opened_and_the_pane_filtered(screen: Terminal, vm: Vm) -> None:
    screen.qmpsh(vm.path)
    screen.keys("stop", "Enter", "cont", "Enter")
    screen.sees("RESUME")
    screen.keys("C-Up", "C-Up", "Enter")
    screen.sees('"event": "STOP"')
    screen.keys(".events res*", "Enter")
    screen.sees("only res*")
    wait_until(lambda: not re.search(r"│ \S+ STOP", screen.picture()))
    assert re.search(r"│ \S+ RESUME", screen.picture())
