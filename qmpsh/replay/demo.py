"""The recording that comes with qmpsh: of the VM of `qmpsh run`, made by `make recordings`."""

from __future__ import annotations

from pathlib import Path
from typing import Final

DEMO_FILE: Final = Path(__file__).with_name("data") / "demo.jsonl.gz"
