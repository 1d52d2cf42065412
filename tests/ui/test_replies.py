"""Which reply the keys act on, and which folds open when the window grows."""

from __future__ import annotations

import pytest

from qmpsh.jsontypes import Json
from qmpsh.render.answers import answer_body
from qmpsh.render.theme import UNICODE, Line, plain
from qmpsh.shell.steps import Answer
from qmpsh.ui.screen.output import Output
from qmpsh.ui.screen.replies import ReplyBlock, heading_after, heading_before

WIDTH, HEIGHT = 60, 12


def highlight(prompt: str, line: str) -> list[Line]:
    return [[("prompt", prompt), ("echo", line)]]


@pytest.fixture
def output() -> Output:
    """Three replies of 62 lines each, looked at in 60 columns and 12 rows."""
    output = Output(UNICODE, highlight)
    shown(output)
    for name in ("first", "second", "third"):
        run(output, name, [f"{name} {number}" for number in range(60)])
    shown(output)
    return output


def run(output: Output, name: str, value: Json) -> None:
    answer = Answer(name, value=value, size=56)
    output.show_cost(output.echo("(QEMU) ", name), answer)
    output.reply(answer_body(answer), answer.size)


def shown(output: Output, height: int = HEIGHT) -> list[str]:
    return [plain(row) for row in output.view.visible_rows(WIDTH, height)]


def target(output: Output) -> str:
    reply = output.aim.target
    return reply.name if reply is not None else ""


def named(output: Output) -> list[str]:
    """Return the replies whose fold names the keys."""
    shown(output)
    replies = [block for block in output.store.blocks if isinstance(block, ReplyBlock)]
    return [reply.name for reply in replies if "F4" in plain(reply.notice(WIDTH))]


def test_the_last_reply_is_meant_at_the_tail(output: Output) -> None:
    assert target(output) == "third"
    assert named(output) == ["third"]


@pytest.mark.parametrize("name", ["first", "second", "third"])
def test_the_reply_that_was_moved_to_is_meant(output: Output, name: str) -> None:
    heading = heading_before(output.store, output.store.end)
    while heading is not None and name not in plain(heading.line(heading.count - 1)):
        heading = heading_before(output.store, heading.heading_line)
    assert heading is not None
    output.view.scroll_to(heading.heading_line, heading)
    assert target(output) == name
    assert named(output) == [name]
    (marked,) = [row for row in output.view.visible_rows(WIDTH, HEIGHT) if row[:1] == MARK]
    assert plain(marked).startswith(f"(QEMU) {name}")
    output.view.scroll(-1)
    shown(output)
    assert all(row[:1] != MARK for row in output.view.visible_rows(WIDTH, HEIGHT))


MARK: Line = [("match.current", "(QEMU)")]


def test_the_reply_that_fills_the_view_is_meant_after_scrolling(output: Output) -> None:
    output.view.to_start()
    assert target(output) == "first"
    assert named(output) == ["first"]
    output.view.scroll(8)
    assert "second" in shown(output)[-1]
    assert target(output) == "second"


def test_a_command_line_without_a_reply_has_none(output: Output) -> None:
    block = output.echo("(QEMU) ", "stop").block
    output.view.scroll_to(block.start, block)
    assert output.aim.target is None


def test_what_is_found_in_a_reply_means_that_reply(output: Output) -> None:
    output.view.focus = next(b for b in output.store.blocks if isinstance(b, ReplyBlock))
    assert target(output) == "first"


def test_the_way_from_heading_to_heading(output: Output) -> None:
    lines = []
    heading = heading_after(output.store, -1)
    while heading is not None:
        lines.append(heading.heading_line)
        heading = heading_after(output.store, heading.heading_line)
    assert lines == [0, 12, 24]
    back = []
    heading = heading_before(output.store, output.store.end)
    while heading is not None:
        back.append(heading.heading_line)
        heading = heading_before(output.store, heading.heading_line)
    assert back == lines[::-1]


def test_an_older_fold_opens_where_it_stands(output: Output) -> None:
    output.view.to_start()
    reply = output.aim.target
    assert reply is not None
    output.view.toggle(reply)
    assert shown(output)[2:] == [f'  "first {number}",' for number in range(10)]
    assert target(output) == "first"
    output.view.toggle(reply)
    assert reply.folded


def test_a_short_reply_is_never_folded() -> None:
    output = Output(UNICODE, highlight)
    shown(output)
    run(output, "short", list(range(11)))  # 13 lines, of which a fold would hide 4
    assert output.aim.last is not None
    assert output.aim.last.fold is not None
    run(output, "shorter", list(range(10)))
    assert output.aim.last.fold is None


def test_short_folds_open_when_the_window_grows() -> None:
    output = Output(UNICODE, highlight)
    shown(output)
    run(output, "long", list(range(90)))
    run(output, "short", list(range(11)))
    replies = [block for block in output.store.blocks if isinstance(block, ReplyBlock)]
    shown(output, HEIGHT + 2)
    assert [reply.folded for reply in replies] == [True, False]
    assert output.view.is_following
    assert shown(output, HEIGHT + 2)[-1] == "]"
    shown(output, HEIGHT)
    assert [reply.folded for reply in replies] == [True, False]


def test_the_text_above_stays_in_place_when_folds_open() -> None:
    output = Output(UNICODE, highlight)
    shown(output)
    for name in ("one", "two", "three"):
        run(output, name, list(range(11)))
    shown(output)
    output.view.scroll_to(output.store.start + 6)
    before = shown(output)[0]
    assert not output.view.is_following
    assert shown(output, HEIGHT + 6)[0] == before
