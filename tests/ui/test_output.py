"""The story in the output pane."""

from __future__ import annotations

import pytest

from qmpsh.errors import CommandFailed, LineSyntaxError
from qmpsh.jsontypes import Json
from qmpsh.render.answers import AnswerBody, BodyKind, answer_body, text_body
from qmpsh.render.tables import text_columns
from qmpsh.render.theme import UNICODE, Line, plain
from qmpsh.shell.steps import Answer
from qmpsh.ui.screen.output import Output, transcript
from qmpsh.ui.screen.store import Foldable, Store, head_lines
from tests.ui.fakes import TABLE


def highlight(prompt: str, line: str) -> list[Line]:
    first, *others = line.split("\n")
    return [[("prompt", prompt), ("echo", first)], *([("echo", other)] for other in others)]


@pytest.fixture
def output() -> Output:
    """Looked at in 40 columns and 12 rows."""
    output = Output(UNICODE, highlight)
    output.view.visible_rows(40, 12)
    return output


def shown(output: Output, width: int = 40, height: int = 12) -> list[str]:
    return [plain(row) for row in output.view.visible_rows(width, height)]


def run(output: Output, line: str, value: Json = None, seconds: float = 0.0004) -> None:
    echo = output.echo("(QEMU) ", line)
    answer = Answer(line, value={} if value is None else value, seconds=seconds, size=56)
    output.show_cost(echo, answer)
    output.reply(answer_body(answer), answer.size)


def test_a_command_and_its_reply(output: Output) -> None:
    run(output, "query-x", {"a": 1})
    run(output, "stop")
    assert shown(output) == [
        "(QEMU) query-x               0.4 ms 56 B",
        "{",
        '  "a": 1',
        "}",
        "",
        "(QEMU) stop                       0.4 ms",
        "{}",
    ]


def test_time_and_size_stand_dim_at_the_edge(output: Output) -> None:
    run(output, "stop")
    assert output.store.rows(0, 40)[0] == [
        ("prompt", "(QEMU) "),
        ("echo", "stop"),
        ("", " " * 23),
        ("dim", "0.4 ms"),
    ]


def test_a_line_of_several_physical_ones(output: Output) -> None:
    run(output, "stop")
    run(output, "a b={\nc: 1}")
    assert shown(output)[2:5] == ["", "(QEMU) a b={                      0.4 ms", "c: 1}"]


def test_a_second_answer_has_a_heading(output: Output) -> None:
    echo = output.echo("(QEMU) ", "{...}{...}")
    for name in ("query-name", "query-status"):
        output.show_cost(echo, Answer(name, value={}, seconds=0.0004, size=14))
        output.reply(text_body("{}"))
    assert shown(output) == [
        "(QEMU) {...}{...}                 0.4 ms",
        "{}",
        "",
        "query-status                      0.4 ms",
        "{}",
    ]


def test_an_answer_that_comes_later_has_a_heading(output: Output) -> None:
    late = output.echo("(QEMU) ", "late")
    run(output, "stop")
    output.add_heading(late, "late reply of late")
    output.show_cost(late, Answer("", seconds=3.0, size=20))
    output.reply(text_body("done"))
    assert shown(output)[-3:] == ["", "late reply of late            3.0 s 20 B", "done"]


def test_a_second_answer_of_a_line_says_what_it_answers(output: Output) -> None:
    echo = output.echo("(QEMU) ", ".watch query-x")
    output.show_cost(echo, Answer("query-x"))
    output.show_cost(echo, Answer("query-x", seconds=3.0, size=20))
    assert shown(output)[-2:] == ["", "query-x                       3.0 s 20 B"]


def test_errors(output: Output) -> None:
    output.error(CommandFailed("DeviceNotFound", "Device 'net9' not found"))
    output.error(LineSyntaxError("what is this?", "device_del x", (11, 12)))
    assert shown(output) == [
        "DeviceNotFound: Device 'net9' not found",
        "device_del x",
        "           ^",
        "what is this?",
    ]


def test_the_marks_of_a_long_line_stay_below_what_they_mark(output: Output) -> None:
    source = "device_add driver=virtio-blk-pci,drive=disk0 id=a extra=1"
    output.error(LineSyntaxError("no extra here", source, (50, 55)))
    first, marks, _ = shown(output, width=30)
    assert first[marks.index("^") :].startswith("extra")
    assert len(first) <= 30
    assert len(marks) <= 30


@pytest.mark.parametrize("width", [30, 60])
def test_the_marks_stand_below_wide_characters_too(output: Output, width: int) -> None:
    source = "device_add driver=日本日本日本 id=\x1b extra=1"
    start = source.index("extra")
    output.error(LineSyntaxError("no extra here", source, (start, start + 5)))
    first, marks, _ = shown(output, width=width)
    assert (text_columns(first.partition("extra")[0]), marks.count("^")) == (marks.index("^"), 5)


def test_nothing_is_shown_for_an_empty_text(output: Output) -> None:
    output.reply(text_body(""))
    output.note("")
    assert output.store.end == 0


# ------------------------------------------------------------------------ folding


@pytest.mark.parametrize(
    "lines, least, head",
    [
        (["a"] * 10, 1, None),
        (["a"] * 11, 1, 9),
        (["a"] * 12, 4, None),
        (["a"] * 13, 4, 9),
        (["a" * 80] * 5, 1, None),
        (["a" * 80] * 6, 1, 4),
        (["a" * 80] * 6, 5, None),
        (["a" * 80] * 7, 5, 4),
        (["a" * 4000], 4, 1),
        (["a" * 12 * 40], 4, None),
        (["a" * 13 * 40], 4, 1),
        ([], 1, None),
    ],
)
def test_head_lines(lines: list[str], least: int, head: int | None) -> None:
    assert head_lines(AnswerBody(lines, BodyKind.TEXT), 40, 10, least) == head


def test_a_long_reply_is_folded_with_its_echo_in_view(output: Output) -> None:
    run(output, "stop")
    run(output, "query-x", list(range(100)))
    assert shown(output) == [
        "",
        "(QEMU) query-x               0.4 ms 56 B",
        "[",
        *(f"  {number}," for number in range(8)),
        "… 93 more lines, 56 B · F4 unfolds",
    ]


def test_a_line_longer_than_the_screen_is_folded_too(output: Output) -> None:
    run(output, "query-x", "x" * 5000)
    rows = shown(output, height=50)
    assert len(rows) == 11
    assert rows[-1].startswith("a long line, 56 B")
    block = output.aim.last
    assert block is not None
    output.view.toggle(block)
    assert len(shown(output, height=500)) > 100


def test_the_last_reply_as_text(output: Output) -> None:
    run(output, "query-x", list(range(100)))
    block = output.aim.last
    assert block is not None
    assert block.text().split("\n")[:3] == ["[", "  0,", "  1,"]
    assert len(block.text().split("\n")) == 102


# ------------------------------------------------------------------------ the transcript


def test_the_transcript_is_the_last_lines_unwrapped(output: Output) -> None:
    run(output, "stop")
    output.note("x" * 100)
    run(output, "cont")
    texts = [plain(line) for line in transcript(output.store, 40)]
    assert texts == [
        "(QEMU) stop                       0.4 ms",
        "{}",
        "x" * 100,
        "",
        "(QEMU) cont                       0.4 ms",
        "{}",
    ]
    assert [plain(line) for line in transcript(output.store, 40, limit=2)] == texts[-2:]


def test_the_transcript_does_not_say_how_to_leave(output: Output) -> None:
    output.note("killed or crashed: the VM has ended. Ctrl-D leaves.", BodyKind.WARNING)
    output.note(
        "connection lost: x. Waiting for ./s to come back; Ctrl-D leaves.", BodyKind.WARNING
    )
    output.note(".reconnect connects again; Ctrl-D leaves.")
    output.note("Ctrl-D leaves. Words of a guest")
    assert [plain(line) for line in transcript(output.store, 80)] == [
        "killed or crashed: the VM has ended.",
        "connection lost: x. Waiting for ./s to come back.",
        ".reconnect connects again.",
        "Ctrl-D leaves. Words of a guest",
    ]


def test_a_table_is_laid_out_for_the_width_it_is_shown_at(output: Output) -> None:
    rows: Json = [
        {"image": {"filename": "/x"}, "ro": True, "node-name": name, "file": f"/images/{name}.raw"}
        for name in ("disk0", "disk1")
    ]
    answer = Answer("query-x", value=rows, modifiers=TABLE)
    output.reply(answer_body(answer, more="…"))
    narrow = [
        "node-name  ro    file               +1",
        "disk0      true  /images/disk0.raw",
        "disk1      true  /images/disk1.raw",
    ]
    cut = "+1 column: .pager --table shows all"
    assert shown(output) == [*narrow, cut]
    assert shown(output, 60) == [
        "node-name  ro    file               image",
        'disk0      true  /images/disk0.raw  {"filename": "/x"}',
        'disk1      true  /images/disk1.raw  {"filename": "/x"}',
    ]
    assert shown(output) == [*narrow, cut]
    assert [plain(line) for line in transcript(output.store, 40)] == narrow
    assert output.aim.last is not None
    assert output.aim.last.body.table is not None
    assert output.aim.last.text().endswith('{"filename": "/x"}')


def test_long_lines_count_by_their_length() -> None:
    store = Store(1000, "lines", room=100)
    for _ in range(9):
        store.append(Foldable(text_body("x" * 40)))
    assert len(store.blocks) == 2
    assert plain(store.rows(store.start, 40)[0]) == "7 older lines dropped"
    store.append(Foldable(text_body("y" * 1000)))
    assert len(store.blocks) == 1
