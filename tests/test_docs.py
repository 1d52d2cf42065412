"""docs/shell.md names every option, role and key there is."""

from __future__ import annotations

from qmpsh.render.palettes import DARK
from qmpsh.shell.preferences import ROWS
from qmpsh.ui.common.keys import KEYS
from tests.qemu import ROOT

PAGE = (ROOT / "docs" / "shell.md").read_text()


def test_every_option_is_described() -> None:
    assert [name for name in ROWS if f"| `{name}` |" not in PAGE] == []


def test_every_role_and_key_is_named() -> None:
    words = set(PAGE.replace(",", " ").replace(".\n", " ").split())
    assert [role for role in DARK if role not in words] == []
    assert [key.handler for key in KEYS if key.handler and key.handler not in words] == []
