"""What a line and a key cost at the full screen, in counts that are the same on every machine."""

from __future__ import annotations

from scripts.trace_line import trace_enter, trace_key
from tests.qemu import VmStarter

MAX_ENTER_CALLS, MAX_KEY_CALLS = 500, 1200
MAX_FILES, MAX_MOVES = 47, 48


def test_a_line_is_scanned_while_typed_and_parsed_once(start_vm: VmStarter) -> None:
    found = trace_enter(start_vm("-S", machine="q35").path)
    assert (found.scans, found.parses) == (0, 1)
    assert found.calls <= MAX_ENTER_CALLS, found
    assert found.files <= MAX_FILES, found
    assert found.moves <= MAX_MOVES, found


def test_a_key_scans_checks_and_draws_its_line_once(start_vm: VmStarter) -> None:
    found = trace_key(start_vm("-S", machine="q35").path)
    assert (found.scans, found.parses, found.checks, found.frames) == (1, 0, 1, 1)
    assert found.calls <= MAX_KEY_CALLS, found
