"""The table of keys."""

from __future__ import annotations

from prompt_toolkit.key_binding.key_bindings import _parse_key

from qmpsh.render.theme import plain
from qmpsh.ui.common.keys import KEYS, key_sheet
from qmpsh.ui.common.wrap import line_width
from qmpsh.ui.screen.actions import HANDLERS


def test_every_handler_of_the_table_is_there_and_every_one_is_used() -> None:
    handlers = {*HANDLERS}
    assert {key.handler for key in KEYS if key.handler} == handlers


def test_every_key_is_one_that_prompt_toolkit_knows_and_means_one_thing() -> None:
    keys = [keys for key in KEYS for keys in key.keys]
    assert all(_parse_key(part) for sequence in keys for part in sequence.split(" "))
    assert len(keys) == len(set(keys))


def test_every_function_key_has_an_alt_twin() -> None:
    for key in KEYS:
        if any(keys[0] == "f" and keys[1:].isdigit() for keys in key.keys):
            assert any(keys.startswith("escape ") for keys in key.keys), key


def test_the_sheet_names_every_key_in_a_narrow_pane() -> None:
    text = "\n".join(plain(line) for line in key_sheet())
    assert all(key.shown in text and key.does in text for key in KEYS)
    # Beside the events on a terminal of 80 columns and 24 rows.
    assert max(line_width(line) for line in key_sheet()) <= 48
    assert len(key_sheet()) <= 21
