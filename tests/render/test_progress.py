"""Work as text, at many widths."""

from __future__ import annotations

import pytest

from qmpsh.render.theme import ASCII, UNICODE, plain
from qmpsh.render.units import bar, barest, percent, progress_forms, progress_line
from qmpsh.shell.work import Work, WorkState

BACKUP = Work("backup j0", WorkState.RUNNING, 0.68, 212e6, 4.2)
WAITS = Work("migration", WorkState.WAITING)


@pytest.mark.parametrize(
    "work, width, text",
    [
        (BACKUP, 80, "backup j0 ███████░░░ 68 % 212 MB/s 0:04"),
        (BACKUP, 39, "backup j0 ███████░░░ 68 % 212 MB/s 0:04"),
        (BACKUP, 38, "backup j0 ███████░░░ 68 % 0:04"),
        (BACKUP, 29, "backup j0 ███████░░░ 68 %"),
        (BACKUP, 24, "backup j0 68 %"),
        (BACKUP, 13, "68 %"),
        (BACKUP, 1, "68 %"),
        (WAITS, 80, "migration waiting"),
        (WAITS, 10, "waiting"),
        (Work("migration"), 80, "migration"),
        (Work("migration"), 5, "running"),
        (Work("mirror m", WorkState.READY, 1.0), 80, "mirror m ██████████ 100 % ready"),
        (Work("backup j0", WorkState.RUNNING, 0.1, 0.0), 80, "backup j0 █░░░░░░░░░ 10 % 0 B/s"),
        (Work("backup \x1b[2J"), 80, "backup \\x1b[2J"),
        (Work("job " + "x" * 200), 80, "job " + "x" * 28 + "…"),
        # A wide character takes two columns.
        (Work("job 任务", WorkState.PAUSED), 15, "job 任务 paused"),
        (Work("job 任务", WorkState.PAUSED), 14, "paused"),
        # A combining one takes none.
        (Work("job e\u0301", WorkState.PAUSED), 12, "job e\u0301 paused"),
    ],
)
def test_line(work: Work, width: int, text: str) -> None:
    assert plain(progress_line([work], width, UNICODE)) == text


def test_without_utf8() -> None:
    assert plain(progress_line([BACKUP], 80, ASCII)) == "backup j0 #######--- 68 % 212 MB/s 0:04"


def test_several_works() -> None:
    forms = [plain(line) for line in progress_forms([BACKUP, WAITS, WAITS], UNICODE, "status")]
    assert forms == [
        "backup j0 ███████░░░ 68 % 212 MB/s 0:04 +2",
        "backup j0 ███████░░░ 68 % 0:04 +2",
        "backup j0 ███████░░░ 68 % +2",
        "backup j0 68 % +2",
        "68 %",
    ]


def test_nothing_goes_on() -> None:
    assert list(progress_forms([], UNICODE, "status")) == [[]]
    assert barest([], "status") == []


def test_the_bar_has_a_role_of_its_own() -> None:
    assert ("progress", "███████░░░") in progress_line([BACKUP], 80, UNICODE)


@pytest.mark.parametrize(
    "fraction, share, drawn",
    [
        (0.0, "0 %", "░" * 10),
        (0.099, "9 %", "█░░░░░░░░░"),
        (0.5, "50 %", "█████░░░░░"),
        (0.9999, "99 %", "█████████░"),
        (1.0, "100 %", "█" * 10),
    ],
)
def test_full_only_when_done(fraction: float, share: str, drawn: str) -> None:
    assert (percent(fraction), bar(fraction, UNICODE)) == (share, drawn)
