"""The id of the negotiation, which no two sessions share, is always the same here."""

from __future__ import annotations

import pytest

from qmpsh.client import handshake


@pytest.fixture(autouse=True)
def _one_tag(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "tag", lambda: "1")
