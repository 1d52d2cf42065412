"""Copies to the terminal's clipboard with the sequence OSC 52, which works over ssh too.

The terminal does not confirm it; one that does not support or allow it ignores it.
"""

from __future__ import annotations

from base64 import b64encode

from prompt_toolkit.output import Output as Terminal

from qmpsh.view.units import size

LIMIT = 74_994
"""bytes; encoded and framed 100,000, above which terminals drop the whole sequence"""


def copy_text(text: str, terminal: Terminal) -> str:
    """Put a text in the terminal's clipboard; return what to tell the user."""
    sequence = copy_sequence(text)
    if sequence is None:
        return f"longer than {size(LIMIT)}, a terminal would not take it: Alt-s saves"
    terminal.write_raw(sequence)
    terminal.flush()
    return f"copied {size(len(text.encode(errors='replace')))} (OSC 52)"


def copy_sequence(text: str) -> str | None:
    """Return the sequence that copies a text to the clipboard; None if the text is too long.

    Source: xterm, ctlseqs, "Operating System Commands", 52.
    """
    data = text.encode(errors="replace")
    if len(data) > LIMIT:
        return None
    return f"\x1b]52;c;{b64encode(data).decode()}\x07"
