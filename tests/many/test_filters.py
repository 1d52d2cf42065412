"""Which VMs `--only` and `--except` leave."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import UsageError
from qmpsh.many.filters import VmFilter, read_filter

VMS = {
    "web1": {"name": ["h1/web1", "web1"], "status": ["running"], "group": ["web", "all"]},
    "web10": {"name": ["h1/web10", "web10"], "status": ["paused"], "group": ["web", "all"]},
    "db1": {"name": ["db1"], "status": ["io-error"], "group": ["all"]},
    "bare": {"name": ["bare"]},
}


def picked(*words: str) -> list[str]:
    """The VMs that words such as `-name~web`, for --except, and `name~web` leave."""
    exclude = [word[1:] for word in words if word.startswith("-")]
    found = read_filter([word for word in words if not word.startswith("-")], exclude)
    return [name for name, facts in VMS.items() if found.picks(facts, found.keys)]


@pytest.mark.parametrize(
    "words,names",
    [
        ((), "web1 web10 db1 bare"),
        (("name=web1",), "web1"),
        (("name=h1/web1",), "web1"),
        (("name~web",), "web1 web10"),
        (("name~web?",), "web1"),
        (("name~*1",), "web1 db1"),
        (("name~[!w]*",), "web1 web10 db1 bare"),  # h1/web1
        (("status=paused",), "web10"),
        (("status=paused", "status=io-error"), "web10 db1"),
        (("status=paused", "name~db"), ""),
        (("group=web", "-name=web1"), "web10"),
        (("-status=paused", "-status=running"), "db1 bare"),
        (("-group~",), "bare"),
        (("status=",), ""),
    ],
)
def test_conditions(words: tuple[str, ...], names: str) -> None:
    assert picked(*words) == names.split()


def test_a_part_of_the_keys_rules_out_what_it_can() -> None:
    found = read_filter(["name~web", "status=paused"], [])
    assert found.keys == {"name", "status"}
    assert found.picks({"name": ["web1"]}, ["name"])
    assert not found.picks({"name": ["db1"]}, ["name"])


@pytest.mark.parametrize("text", ["", "web", "=x", "na me=x", "~x"])
def test_what_is_no_condition(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_filter([], [text])
    assert str(refused.value) == (
        f"--except {text}: expected KEY=VALUE or KEY~PATTERN, as in name~web or status=paused"
    )


def test_a_tag_that_no_vm_has_is_a_mistake() -> None:
    found = read_filter(["env=prod"], ["name=x"])
    found.check_keys(["env", "group"])
    with pytest.raises(UsageError) as refused:
        found.check_keys(["evn"])
    assert str(refused.value) == (
        "--only env=prod: no VM has a tag env; there are: name status host address evn"
    )


@given(st.text(max_size=12))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        found = read_filter([text], [])
    except UsageError:
        return
    assert isinstance(found, VmFilter)
    assert str(found.only[0]) == text
    found.picks(VMS["web1"], found.keys)
