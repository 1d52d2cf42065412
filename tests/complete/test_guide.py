"""What comes after an accepted candidate."""

from __future__ import annotations

import pytest

from qmpsh.complete.guide import follow
from qmpsh.language.syntax import Mode
from tests.complete.test_complete import HMP, QMP, applied, at, live
from tests.complete.test_order import NETWORK


@pytest.mark.parametrize(
    "line,typed",
    [
        ("blockdev-ad", " "),
        ("query-statu", None),
        ("query-named-block-node", None),  # what it can be given may be left out
        ("blockdev-add dri", ""),
        ("blockdev-add driver=qcow2", " "),
        ("blockdev-add driver=qcow2 file.", ""),
        ("blockdev-add driver=qcow2 ", ""),
        ("blockdev-add driver=qcow2 file.driver=fil", " "),
        ("blockdev-add driver=raw read-only=t", " "),
        ("blockdev-add driver=raw file={dri", ""),
        ("blockdev-add driver=raw file={driver: file", None),
        ("transaction actions=", ""),
        ("transaction( abor", None),
        ("transaction( block-dirty-bitmap-ad", " "),
        (".json blockdev-ad", " "),
        (".js", None),
        ("query-status --ti", None),
        ("query-block --wai", None),
        (".wait STO", None),
        (".wait jo", ""),
        ("set-action reboot=res", " "),
    ],
)
def test_what_follows(line: str, typed: str | None) -> None:
    assert follows(line, QMP) == typed


def test_nothing_follows_in_the_human_monitor() -> None:
    assert follows("info blo", HMP) is None


def test_nothing_follows_the_last_value() -> None:
    known = live({NETWORK: "nd0: index=0,type=user\n"})
    (only,) = at("netdev_del id=n", known)
    assert follow(only, lambda: at("netdev_del id=nd0 ", known)) is None


def follows(line: str, mode: Mode) -> str | None:
    first = at(line, mode=mode)[0]
    return follow(first, lambda: at(f"{applied(line, first)} ", mode=mode))
