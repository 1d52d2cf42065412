"""Puts a table of `python -m benchmarks --markdown`, from stdin, into docs/dev/BENCHMARKS.md."""

from __future__ import annotations

import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "dev" / "BENCHMARKS.md"
BEGIN, END = "<!-- figures: make bench-page -->\n", "<!-- end of figures -->\n"


def with_figures(page: str, figures: str) -> str:
    """The page with these between its marks. Raises ValueError where it has none."""
    head, begin, rest = page.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError("the page has no marks to put figures between")
    return f"{head}{BEGIN}{figures.strip()}\n{END}{tail}"


if __name__ == "__main__":
    PAGE.write_text(with_figures(PAGE.read_text(), sys.stdin.read()))
