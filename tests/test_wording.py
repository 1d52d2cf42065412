"""Words that this repository does not use: what users and readers see is plain English."""

from __future__ import annotations

import re

from tests.qemu import ROOT

RETIRED = [
    r"nobody|somebody",
    r"told(?! apart)|tells(?! \w+ apart)",
    r"outdo(es)?",
]
"""Patterns; each is a word or turn that a plain one has replaced."""

TEXTS = [
    *(ROOT / "qmpsh").rglob("*.py"),
    *(ROOT / "docs").rglob("*.md"),
    ROOT / "docs" / "qmpsh.1",
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
]


def test_retired_words_stay_away() -> None:
    pattern = re.compile(rf"\b(?:{'|'.join(RETIRED)})\b|anew")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in TEXTS
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []
