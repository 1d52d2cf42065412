"""`.type`, `.key` and `.screen` together: programs are run in a guest that has nothing for it."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import closing

import pytest
from _pytest.mark import ParameterSet

import qmpsh
from qmpsh.display.layouts import strokes_of
from tests.conftest import RunQmpsh
from tests.guest import ANSWER_SECONDS, BOOT_SECONDS, CONSOLES, Guest, key_seconds, restore
from tests.qemu import VmStarter

PROMPT = "/ #"
SORTED = sorted(character for character in strokes_of("us") if character.isprintable())
PRINTABLE = ("".join([*SORTED[1:40], " ", *SORTED[40:48]]), "".join(SORTED[48:]))
"""All that a keyboard of the layout us types, in two lines that neither begin nor end blank."""


def each_console() -> list[str | ParameterSet]:
    """The consoles; what Linux draws in the framebuffer is the same with every emulator."""
    return [
        pytest.param(name, marks=pytest.mark.one_emulator) if boot_words else name
        for name, boot_words in CONSOLES.items()
    ]


@pytest.fixture(scope="module", params=each_console())
def guest(emulator: str, request: pytest.FixtureRequest) -> Iterator[Guest]:
    """A guest on each console."""
    with closing(VmStarter(emulator)) as starter:
        yield restore(starter, str(request.param))


def script(guest: Guest, *lines: str) -> str:
    """The lines of a script, with the font that each `.screen` needs, for a guest that is slow."""
    font = shlex.join(guest.font)
    slow = [line.replace(".type ", f".type --rate {key_seconds()} ") for line in lines]
    return "\n".join(line.replace(".screen", f".screen {font}") for line in slow) + "\n"


def test_a_script_waits_types_and_reads(guest: Guest, run_qmpsh: RunQmpsh) -> None:
    lines = script(
        guest,
        r".type 'clear\n'",  # which leaves a screen with nothing but the prompt as it is
        ".screen --until '#$' --timeout 2m",
        r".type 'uname -r\n'",
        r".screen --until '^6\.' --timeout 30",
        r".screen --text | grep '^6\.'",
    )
    done = run_qmpsh(guest.vm.path, stdin=lines, timeout=BOOT_SECONDS)
    said = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert said[0] == "typed 6 characters"
    assert said[1] == PROMPT
    assert said[2] == "typed 9 characters"
    assert said[3] == said[4]
    assert said[4].startswith("6.")


def test_every_character_is_typed_and_read_back(guest: Guest) -> None:
    assert len("".join(PRINTABLE)) == 95
    lines = "\n".join(PRINTABLE)
    with qmpsh.connect(guest.vm.path) as vm:
        vm.type(f"cat >/tmp/typed\n{lines}\n", rate=key_seconds())
        vm.run(".key ctrl-d")
        before = len(guest.serial())
        rows = guest.run(vm, "tee /dev/ttyS0 </tmp/typed")
        assert rows == [*PRINTABLE]
        assert guest.serial()[before:] == f"{lines}\n"


def test_a_scrolled_screen_shows_what_was_written_last(guest: Guest) -> None:
    with qmpsh.connect(guest.vm.path) as vm:
        before = len(guest.serial())
        rows = guest.run(vm, "cat /proc/meminfo /proc/meminfo | tee /dev/ttyS0")
        written = guest.serial()[before:].splitlines()
    assert 20 < len(rows) < len(written)
    assert rows == written[-len(rows) :]


def test_chords_reach_the_guest(guest: Guest) -> None:
    with qmpsh.connect(guest.vm.path) as vm:
        vm.type("clear; echo begun; sleep 1000\n", rate=key_seconds())
        # Before that the key would be one more that the shell reads, once the program has ended.
        vm.run(".screen", "--until", "^begun$", *guest.font, timeout=ANSWER_SECONDS)
        vm.run(".key ctrl-c")
        assert guest.run(vm, "echo up") == ["up"]
        rate = ("--rate", f"{key_seconds()}")
        vm.run(
            ".key", *rate, "e", "C", "backspace", "c", "h", "o", "space", "shift-a", "minus", "-"
        )
        vm.run(".key enter")
        vm.run(".screen", "--until", "^A--$", *guest.font, timeout=ANSWER_SECONDS)
        vm.run(".key", *rate, "up", "enter")  # the history of the shell
        assert guest.run(vm, "true") == []
