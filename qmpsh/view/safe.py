"""Making text that came from a VM safe for a terminal.

A guest names itself, its devices and its errors; an escape sequence or a right-to-left override in
such a name must be seen, not obeyed (PEERS.md, C13). Everything shown goes through here.
"""

from __future__ import annotations

import re

# C0 but tab and newline, DEL and C1, bidirectional marks, embeddings, overrides and isolates
# (Unicode UAX 9), line and paragraph separators, lone surrogates (no encoding has them), the byte
# order mark, which nobody sees and no name has.
_UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff"
)
# Compiled by `re` when first used: most of what is shown is printable and needs neither.
_UNSAFE_TEXT = f"[{_UNSAFE}]"
_UNSAFE_WORD = f"[{_UNSAFE}\t\n]"
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def visible(text: str) -> str:
    """The text with every control made visible; newlines and tabs stay."""
    return text if text.isprintable() else re.sub(_UNSAFE_TEXT, _escape, text)


def told(text: str) -> str:
    """The same for what stands behind `qmpsh: ` on stderr: no further line of it can be mistaken
    for one that begins there.
    """
    return visible(text).replace("\n", "\n  ")


def visible_word(text: str) -> str:
    """The same for text that must stay on one line: newlines and tabs are made visible too."""
    return text if text.isprintable() else re.sub(_UNSAFE_WORD, _escape, text)


def visible_json(text: str) -> str:
    """JSON text stays JSON: inside its strings the unsafe characters become \\uXXXX.

    Outside strings JSON text holds none of them but newlines, which stay.
    """
    if text.isascii() and "\x7f" not in text:
        return text  # the encoder has escaped the other controls
    return re.sub(_UNSAFE_TEXT, lambda match: f"\\u{ord(match[0]):04x}", text)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    return _NAMED.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
