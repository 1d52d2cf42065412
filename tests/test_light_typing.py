"""NamedTuple and Enum of the package: as far as it uses them, those of `typing` and `enum`."""

from __future__ import annotations

import copy
import enum
import pickle
import typing
from collections.abc import Callable

import pytest

from qmpsh import light_typing

if light_typing.TYPE_CHECKING:
    # One type for both: what is compared below is how they behave.
    from typing import NamedTuple as _Base
else:
    _Base = light_typing.NamedTuple


class Light(_Base):
    """What is tested."""

    path: str
    size: int = 0
    tags: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """A method that uses a field."""
        return f"{self.path}:{self.size}"


class Standard(typing.NamedTuple):
    """What it is compared with."""

    path: str
    size: int = 0
    tags: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """A method that uses a field."""
        return f"{self.path}:{self.size}"


class LightChild(Light):
    """A subclass, which adds no field."""

    __slots__ = ()


BOTH = pytest.mark.parametrize("kind", [Light, Standard])
Kind = type[Light] | type[Standard]


def test_it_is_not_the_one_of_typing() -> None:
    assert "_bind" in vars(light_typing)
    assert Light.__mro__[1].__module__ == light_typing.__name__


@BOTH
def test_how_one_is_made(kind: Kind) -> None:
    every = [kind("p"), kind("p", 0), kind(path="p"), kind("p", tags=()), kind(*("p", 0, ()))]
    assert [tuple(one) for one in every] == [("p", 0, ())] * len(every)
    assert tuple(kind(size=3, path="q")) == ("q", 3, ())


@BOTH
@pytest.mark.parametrize(
    "make",
    [
        lambda kind: kind(),
        lambda kind: kind(size=1),
        lambda kind: kind("p", path="q"),
        lambda kind: kind("p", width=1),
        lambda kind: kind("p", 1, (), 4),
        lambda kind: kind("p", 1, (), 4, size=1),
    ],
)
def test_wrong_arguments_are_a_type_error(kind: Kind, make: Callable[[Kind], object]) -> None:
    with pytest.raises(TypeError):
        make(kind)


@BOTH
def test_what_one_can_do(kind: Kind) -> None:
    one = kind("p", 1)
    path, size, tags = one
    assert (path, size, tags) == (one.path, one.size, one.tags) == ("p", 1, ())
    assert one.shown == "p:1"
    assert one == kind("p", 1)
    assert hash(one) == hash(kind("p", 1))
    assert repr(one) == f"{kind.__name__}(path='p', size=1, tags=())"
    assert one._asdict() == {"path": "p", "size": 1, "tags": ()}
    assert one._replace(size=2) == kind("p", 2)
    assert type(one._replace(size=2)) is kind
    assert kind._fields == ("path", "size", "tags")
    assert copy.copy(one) == one
    assert pickle.loads(pickle.dumps(one)) == one


@BOTH
def test_a_field_is_not_set_or_added(kind: Kind) -> None:
    one: typing.Any = kind("p")
    with pytest.raises(AttributeError):
        one.size = 1
    with pytest.raises(AttributeError):
        one.width = 1
    with pytest.raises((TypeError, ValueError)):
        one._replace(width=1)


@BOTH
def test_a_pattern_matches_its_fields(kind: Kind) -> None:
    match kind("p", 7):
        case Light(path, size) | Standard(path, size):
            assert (path, size) == ("p", 7)


def test_the_hundredth_is_as_the_first() -> None:
    class Often(Light):
        """Made often, so that it gets a constructor of its own."""

    made = [Often("p", size=number) for number in range(300)]
    assert [one.size for one in made] == list(range(300))
    assert {type(one) for one in made} == {Often}
    assert "__new__" in vars(Often)
    with pytest.raises(TypeError):
        Often(size=1)  # type: ignore[call-arg]  # on purpose
    with pytest.raises(TypeError):
        Often("p", width=1)  # type: ignore[call-arg]  # on purpose


def test_a_subclass_keeps_its_kind() -> None:
    assert type(LightChild("p")._replace(size=1)) is LightChild
    assert repr(LightChild("p", 1)) == "LightChild(path='p', size=1, tags=())"


# ---------------------------------------------------------------------------- Enum

if light_typing.TYPE_CHECKING:
    from enum import Enum as _EnumBase
    from enum import auto as _auto
else:
    _EnumBase, _auto = light_typing.Enum, light_typing.auto


class LightState(_EnumBase):
    """What is tested."""

    UP = "it answers"
    HALF_UP = _auto()

    @property
    def is_up(self) -> bool:
        """A method that uses a member."""
        return self is LightState.UP


class StandardState(enum.Enum):
    """What it is compared with."""

    UP = "it answers"
    HALF_UP = 2

    @property
    def is_up(self) -> bool:
        """A method that uses a member."""
        return self is StandardState.UP


STATES = pytest.mark.parametrize("kind", [LightState, StandardState])
StateKind = type[LightState] | type[StandardState]


def test_the_light_enum_is_not_the_standard_one() -> None:
    assert not issubclass(LightState, enum.Enum)


@STATES
def test_members_are_what_enum_documents(kind: StateKind) -> None:
    assert [(each.name, each.value) for each in kind] == [("UP", "it answers"), ("HALF_UP", 2)]
    assert [each.is_up for each in kind] == [True, False]
    assert (len(kind), kind["HALF_UP"], kind("it answers")) == (2, kind.HALF_UP, kind.UP)
    assert repr(kind.UP) == f"<{kind.__name__}.UP: 'it answers'>"
    assert str(kind.HALF_UP) == f"{kind.__name__}.HALF_UP"
    assert isinstance(kind.UP, kind)


@STATES
def test_a_member_is_equal_to_itself_alone(kind: StateKind) -> None:
    other = StandardState if kind is LightState else LightState
    assert kind.UP in {kind.UP}
    assert not {kind.UP, kind.HALF_UP} & {"it answers", other.UP}


@STATES
def test_a_member_is_copied_and_pickled_as_itself(kind: StateKind) -> None:
    copies = [copy.copy(kind.UP), copy.deepcopy(kind.UP), pickle.loads(pickle.dumps(kind.UP))]
    assert all(each is kind.UP for each in copies)


@STATES
def test_a_value_without_a_member_is_refused(kind: StateKind) -> None:
    with pytest.raises(ValueError, match=f"3 is not a valid {kind.__name__}"):
        kind(3)
