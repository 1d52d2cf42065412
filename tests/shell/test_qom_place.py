"""Paths in QOM, relative to the working one."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.shell.qom.place import QomPlace, parent_of, places_of
from tests.protocol.strategies import patient

NET = QomPlace("/machine/peripheral/net0", "/objects")


@pytest.mark.parametrize(
    "text, path",
    [
        ("", "/machine/peripheral/net0"),
        (".", "/machine/peripheral/net0"),
        ("virtio-backend", "/machine/peripheral/net0/virtio-backend"),
        ("virtio-backend/", "/machine/peripheral/net0/virtio-backend"),
        ("..", "/machine/peripheral"),
        ("../vda", "/machine/peripheral/vda"),
        ("../../../..", "/"),
        ("/", "/"),
        ("//objects//io0", "/objects/io0"),
        ("-", "/objects"),
        ("bus master[0]", "/machine/peripheral/net0/bus master[0]"),
    ],
)
def test_paths(text: str, path: str) -> None:
    assert NET.resolve(text) == path


@pytest.mark.parametrize(
    "text, path, name",
    [
        ("mac", "/machine/peripheral/net0", "mac"),
        ("virtio-backend.mac", "/machine/peripheral/net0/virtio-backend", "mac"),
        ("virtio-backend/mac", "/machine/peripheral/net0/virtio-backend", "mac"),
        ("/machine.type", "/machine", "type"),
        ("/machine/q35/pcie.0/realized", "/machine/q35/pcie.0", "realized"),
        ("/machine/q35/pcie.0.realized", "/machine/q35/pcie.0", "realized"),
        ("..type", "/machine/peripheral/net0", "type"),
        ("../type", "/machine/peripheral", "type"),
        ("-/type", "/machine/peripheral/net0/-", "type"),
    ],
)
def test_properties(text: str, path: str, name: str) -> None:
    assert NET.resolve_property(text) == (path, name)


@pytest.mark.parametrize(
    "text, path, places",
    [
        ("net0", "net0", ["/net0", "/machine/peripheral/net0", "/objects/net0", "/chardevs/net0"]),
        ("net0/a", "net0/a", ["/net0/a", "/machine/peripheral/net0/a"]),
        ("/net0", "/net0", ["/net0"]),
        ("./net0", "/net0", ["/net0"]),
        ("", "/", ["/"]),
        ("..", "/", ["/"]),
    ],
)
def test_a_name_at_the_root_is_found_wherever_it_is(
    text: str, path: str, places: list[str]
) -> None:
    assert QomPlace().resolve(text) == path
    assert places_of(path)[: len(places)] == places


def test_the_place_before_is_kept() -> None:
    assert NET.move("/machine") == QomPlace("/machine", "/machine/peripheral/net0")
    assert parent_of("/machine/peripheral") == "/machine"
    assert parent_of("/machine") == parent_of("/") == "/"


@pytest.mark.parametrize(
    "columns, shown",
    [(30, "/machine/peripheral/net0"), (20, "...e/peripheral/net0"), (1, "...eral/net0")],
)
def test_a_long_path_loses_its_beginning_in_the_prompt(columns: int, shown: str) -> None:
    assert NET.short(columns) == shown


def test_what_a_prompt_cannot_show_is_not_shown() -> None:
    assert QomPlace("/a\x1b[31m\u202eé漢").short(40) == "/a?[31m???"


@patient
@given(
    st.text(st.sampled_from("ab./- "), max_size=12), st.text(st.sampled_from("ab./- "), max_size=12)
)
@example("..", "-/")
def test_any_path_is_absolute_and_stays_what_it_is(first: str, second: str) -> None:
    place = QomPlace(QomPlace().resolve(f"/x/{first}"))
    found = place.resolve(second)
    assert found.startswith("/") or place.path == "/"
    assert QomPlace().resolve(found) == found
    path, name = place.resolve_property(second)
    assert place.resolve(path) == path
    assert "/" not in name
