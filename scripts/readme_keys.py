"""Writes the README's table of keys from the one in `qmpsh/tui/keys.py`."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from qmpsh.tui.keys import key_table  # noqa: E402  # this checkout's, installed or not

BEGIN, END = "<!-- keys: scripts/readme_keys.py -->\n", "<!-- end of keys -->\n"

readme = ROOT / "README.md"
head, _, rest = readme.read_text().partition(BEGIN)
_, _, tail = rest.partition(END)
readme.write_text(f"{head}{BEGIN}{key_table()}{END}{tail}")
