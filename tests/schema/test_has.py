"""Whether a schema has something, as programs that serve several versions ask."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json
from qmpsh.schema.tools.has import SchemaJudge, Verdict, read_question
from tests.samples import reply, schema
from tests.schema.strategies import commands


def decide(version: str, line: str, *, of_answer: bool = False) -> Verdict:
    question = read_question(line.split(), of_answer=of_answer)
    return SchemaJudge(schema(version), question).decide()


@pytest.mark.parametrize(
    "line, in_7_2, in_10_0",
    [
        ("query-status", True, True),
        ("query-audiodevs", False, True),
        ("blockdev-add driver=qcow2 discard-no-unref", False, True),
        ("blockdev-add driver=qcow2 lazy-refcounts=on", True, True),
        ("blockdev-add driver=qcow2 lazy-refcounts=maybe", False, False),
        ("blockdev-add driver=qcow2 file.driver=file file.filename", True, True),
        ("blockdev-add [driver=qcow2].discard-no-unref", False, True),
        ("blockdev-add discard-no-unref", False, False),
        ("blockdev-add driver=file +dynamic-auto-read-only", True, True),
        ("blockdev-add driver=gluster +deprecated", False, True),
        ("blockdev-add driver=gluster", True, True),
        ("block_set_io_throttle device +deprecated", True, True),
        ("x-query-rdma +unstable", True, False),
        ("migrate-set-capabilities capabilities[].capability=mapped-ram", False, True),
        ("migrate-set-capabilities capabilities.0.capability=mapped-ram", False, True),
        ("object-add qom-type=tls-creds-anon loaded", True, False),
        ("transaction actions[].type=blockdev-backup actions[].data.x-perf", True, True),
        ("transaction actions[].type", True, True),
        ("MIGRATION status=active", True, True),
        ("VFIO_MIGRATION", False, True),
        ("MEM_UNPLUG_ERROR +deprecated", True, False),
        ("query-status +deprecated", False, False),
    ],
)
def test_what_two_versions_have(line: str, in_7_2: bool, in_10_0: bool) -> None:
    assert (decide("7.2", line).has, decide("10.0", line).has) == (in_7_2, in_10_0)


def test_members_of_the_answer() -> None:
    assert decide("7.2", "query-status singlestep", of_answer=True).has
    assert not decide("10.0", "query-status singlestep", of_answer=True).has
    assert not decide("7.2", "query-status singlestep").has


@pytest.mark.parametrize(
    "line, why",
    [
        ("query-staus", "there is no command or event query-staus; did you mean query-status or"
         " query-stats or query-colo-status?"),
        ("blockdev-add discard-no-unref",
         "blockdev-add has no discard-no-unref; with driver=qcow2 it does"),
        ("blockdev-add driver=qcow2 discard-no-uref",
         "blockdev-add driver=qcow2 has no discard-no-uref; did you mean discard-no-unref?"),
        ("blockdev-add driver=qcow3", "'qcow3' is not a value of driver; did you mean qcow or"
         " qcow2?"),
        ("query-status +deprecatd", "query-status has no feature deprecatd"),
        ("query-status", "query-status: yes"),
    ],
)  # fmt: skip
def test_the_answer_says_why(line: str, why: str) -> None:
    assert decide("10.0", line).why == why


@pytest.mark.parametrize("word", ["=x", "a..b", "[a]", "a]", ".", "[", "+", "a.", "[a=b]", ""])
def test_words_that_ask_nothing(word: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_question(["query-status", word])
    assert str(caught.value) == f"{word} is not MEMBER, MEMBER=VALUE or +FEATURE"


# ------------------------------------------------------------------------ devices


def device(line: str, answer: Json) -> Verdict:
    judge = SchemaJudge(schema("10.0"), read_question(["device_add", *line.split()]))
    assert judge.decide().has
    assert judge.open_words()
    return judge.decide_device(answer)


def test_what_a_device_takes() -> None:
    answer = reply("device-list-properties-virtio-blk-pci-qemu-10.0")
    assert device("driver=virtio-blk-pci num-queues id=x", answer).has
    refused = device("driver=virtio-blk-pci num-queue", answer)
    assert refused == (
        False,
        "a device virtio-blk-pci has no property num-queue; did you mean num-queues?",
    )
    assert device("driver=nope", None) == (False, "there is no device nope here")


def test_what_is_declared_of_device_add_needs_no_device() -> None:
    judge = SchemaJudge(schema("10.0"), read_question(["device_add", "id", "bus"]))
    assert judge.decide().has
    assert judge.open_words() == ()


def test_a_property_of_no_device() -> None:
    judge = SchemaJudge(schema("10.0"), read_question(["device_add", "rombar"]))
    with pytest.raises(UsageError, match="of which device"):
        _ = judge.driver


# ------------------------------------------------------------------------ any


@given(data=st.data())
def test_what_the_schema_accepts_it_has(data: st.DataObject) -> None:
    known = schema("10.0")
    name, arguments = data.draw(commands(known))
    plain = [
        f"{key}={value}"
        for key, value in arguments.items()
        if isinstance(value, str) and value.replace("-", "_").isidentifier() and "." not in key
    ]
    assert SchemaJudge(known, read_question([name, *plain])).decide().has


@given(words=st.lists(st.text("ab.[]=+0{}'\\ \u20ac", max_size=8), min_size=1, max_size=4))
def test_any_words_are_answered_or_refused(words: list[str]) -> None:
    try:
        question = read_question(["blockdev-add", *words])
    except UsageError:
        return
    assert SchemaJudge(schema("10.0"), question).decide().why
