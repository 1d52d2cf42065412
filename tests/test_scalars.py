"""Bare words where an int, a number or a boolean is declared."""

from __future__ import annotations

import pytest

from qmpsh.jsontypes import read_boolean, read_int, read_number


@pytest.mark.parametrize(
    "text,value",
    [
        ("0", 0),
        ("5", 5),
        ("-5", -5),
        ("-0", 0),
        ("0x10", 16),
        ("0XfF", 255),
        ("-0x1", -1),
        ("64M", 64 << 20),
        ("64m", 64 << 20),
        ("1K", 1024),
        ("1G", 1 << 30),
        ("2T", 2 << 40),
        ("3P", 3 << 50),
        ("15E", 15 << 60),
        ("1.5G", 3 << 29),
        ("0.5k", 512),
        ("18446744073709551615", 2**64 - 1),
        ("-9223372036854775808", -(2**63)),
        ("18446744073709551616", None),
        ("-9223372036854775809", None),
        ("16E", None),
        ("1.3K", None),
        ("1.5", None),
        ("1e3", None),
        ("010", None),
        ("1_000", None),
        ("+1", None),
        ("0x", None),
        ("0x10K", None),
        ("5MB", None),
        ("", None),
        ("M", None),
        ("\u0665", None),
        ("9" * 5000, None),
    ],
)
def test_int(text: str, value: int | None) -> None:
    assert read_int(text) == value


@pytest.mark.parametrize(
    "text,value",
    [
        ("5", 5),
        ("64M", 64 << 20),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("-2.5E-1", -0.25),
        ("1e999", None),
        (".5", None),
        ("5.", None),
        ("nan", None),
    ],
)
def test_number(text: str, value: float | None) -> None:
    assert read_number(text) == value


def test_boolean() -> None:
    assert [read_boolean(word) for word in ("true", "on", "yes")] == [True, True, True]
    assert [read_boolean(word) for word in ("false", "off", "no")] == [False, False, False]
    assert [read_boolean(word) for word in ("On", "1", "", "maybe", "none")] == [None] * 5
    assert [read_boolean(word) for word in ("True", "FALSE", "tRuE")] == [True, False, True]
