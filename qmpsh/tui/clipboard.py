"""The terminal's clipboard, through the sequence OSC 52: it works over ssh, too.

Nobody answers it: a terminal that does not know it, or that is told not to, ignores it.
"""

from __future__ import annotations

from base64 import b64encode

from prompt_toolkit.output import Output as Terminal

from qmpsh.view.units import size

LIMIT = 74_994
"""bytes; with base64 and its frame 100,000, past which terminals drop the whole sequence"""


def copy_text(text: str, terminal: Terminal) -> str:
    """Let a terminal take a text into its clipboard; what to say about it."""
    sequence = copy_sequence(text)
    if sequence is None:
        return f"longer than {size(LIMIT)}, a terminal would not take it: Alt-s saves"
    terminal.write_raw(sequence)
    terminal.flush()
    return f"copied {size(len(text.encode(errors='replace')))} (OSC 52)"


def copy_sequence(text: str) -> str | None:
    """What makes a terminal take a text into its clipboard; None when the text is too long.

    Source: xterm, ctlseqs, "Operating System Commands", 52.
    """
    data = text.encode(errors="replace")
    if len(data) > LIMIT:
        return None
    return f"\x1b]52;c;{b64encode(data).decode()}\x07"
