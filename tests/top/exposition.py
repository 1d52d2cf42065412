"""A strict reader of Prometheus' text format, as far as `qmpsh top` writes it.

Source: Prometheus, "Exposition formats", text-based format 0.0.4.
"""

from __future__ import annotations

import re
from typing import NamedTuple

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\\\|\\"|\\n)*"'
SAMPLE = re.compile(rf"({NAME})\{{((?:{LABEL}(?:,|(?=\}})))*)\}} (\S+)")
VALUE = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
ESCAPED = {"\\\\": "\\", '\\"': '"', "\\n": "\n"}


class Sample(NamedTuple):
    name: str
    labels: dict[str, str]
    value: float


def parse(text: str) -> list[Sample]:
    """Raises AssertionError for what Prometheus would refuse."""
    assert text == "" or text.endswith("\n")
    found: list[Sample] = []
    families: set[str] = set()
    series: set[str] = set()
    kind = family = ""
    for line in text.split("\n")[:-1]:
        if line.startswith("# HELP "):
            family = line.split(" ")[2]
            assert family not in families, f"two families {family}"
            families.add(family)
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name == family
            assert kind in ("gauge", "counter")
            assert name.endswith("_total") == (kind == "counter")
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, f"no sample: {line!r}"
        name, labels, value = sample.groups()
        assert name == family, f"{name} stands among {family}"
        assert (name + labels) not in series, f"two samples {line!r}"
        series.add(name + labels)
        read = {
            key: re.sub(r'\\[\\"n]', lambda match: ESCAPED[match[0]], escaped)
            for key, escaped in VALUE.findall(labels)
        }
        found.append(Sample(name, read, float(value)))
    return found
