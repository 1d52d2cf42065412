"""Writes completions/: what `_QMPSH_COMPLETE=bash_source qmpsh` and its like print."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from qmpsh.cli.tab.scripts import FILES, SCRIPTS  # noqa: E402  # this checkout's, installed or not

if __name__ == "__main__":
    for shell, name in FILES.items():
        (ROOT / "completions" / name).write_text(SCRIPTS[shell])
