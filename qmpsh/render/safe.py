"""Makes text that came from a VM safe for a terminal.

A guest names itself, its devices and its errors; an escape sequence or a right-to-left override in
such a name must be shown, not obeyed (wire.md section 14). Everything shown goes through here.
"""

from __future__ import annotations

import re

# C0 except tab and newline; DEL and C1; bidirectional marks, embeddings, overrides and isolates
# (Unicode UAX 9); line and paragraph separators; lone surrogates, which cannot be encoded; the
# byte order mark, which is invisible and in no legitimate name.
_UNSAFE = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff"
)
# Compiled by `re` on first use: most text is printable and needs neither.
_UNSAFE_TEXT = f"[{_UNSAFE}]"
_ODD = f"[{_UNSAFE}\u00a0\u00ad\u1680\u2000-\u200b\u202f\u205f\u2060\u3000]"
_UNSAFE_WORD = f"[{_UNSAFE}\t\n]"
_NAMED = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def visible(text: str) -> str:
    """Return the text with control characters made visible, except newlines and tabs."""
    return text if text.isprintable() else re.sub(_UNSAFE_TEXT, _escape, text)


def visible_line(text: str) -> str:
    """Do the same for a line that was typed or pasted, where no-break and other odd spaces would
    pass for blanks.
    """
    return text if text.isprintable() else re.sub(_ODD, _escape, text)


def for_stderr(text: str) -> str:
    """The same for what follows `qmpsh: ` on stderr: no further line of it can be mistaken
    for one that begins there.
    """
    return visible(text).replace("\n", "\n  ")


def visible_word(text: str) -> str:
    """Do the same for text that must stay on one line: newlines and tabs are made visible too."""
    return text if text.isprintable() else re.sub(_UNSAFE_WORD, _escape, text)


def visible_json(text: str) -> str:
    """Escape unsafe characters in JSON text as \\uXXXX, so that it stays JSON.

    They occur only inside strings, except for newlines, which are kept.
    """
    if text.isascii() and "\x7f" not in text:
        return text  # the encoder has escaped the other control characters
    return re.sub(_UNSAFE_TEXT, lambda match: f"\\u{ord(match[0]):04x}", text)


def _escape(match: re.Match[str]) -> str:
    char = match[0]
    code = ord(char)
    return _NAMED.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
