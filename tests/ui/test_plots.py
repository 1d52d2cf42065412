"""A plot that is drawn over itself, in the full screen and at the line prompt."""

from __future__ import annotations

import math

from qmpsh.shell.plots.series import Plot, PlottedSeries
from qmpsh.shell.steps import Answer, Outcome, Steps, WaitFor
from tests.ui.fakes import FakeSession, event
from tests.ui.harness import LineHarness, ScreenHarness, on_line, on_screen

PATH = "[device=vda].stats.rd_bytes/s"
LINE = f".plot query-blockstats {PATH}"


def plotted(count: int, path: str = PATH) -> PlottedSeries:
    values = tuple(round(1e6 * (1 + math.sin(at / 3))) for at in range(count))
    return PlottedSeries(path, "rd_bytes", True, values, min(values), max(values))


def sample(*series: PlottedSeries) -> Answer:
    plot: Plot = series
    return Answer("query-blockstats", text="12.000\t5", plot=plot, size=900, seconds=0.0012)


def plotting(session: FakeSession) -> Steps:
    """Draw twice, then once more when asked to, and end when asked to."""
    yield sample(plotted(5))
    yield sample(plotted(20))
    yield WaitFor(lambda: "more" in session.replied)
    yield sample(plotted(40))
    yield WaitFor(lambda: "end" in session.replied)
    return Outcome()


@on_screen((80, 24), (40, 12), (120, 40))
async def test_a_plot_is_drawn_in_place(ui: ScreenHarness) -> None:
    await ui.is_named()
    ui.session.script[LINE] = plotting
    ui.keys(f"{LINE}\r")
    await ui.sees("MB/s")
    ui.session.send_reply("more")
    ui.session.send_reply("end")
    await ui.until(lambda: ui.session.running is None)
    await ui.matches("plot")


@on_screen((80, 24))
async def test_a_plot_follows_the_size_of_the_window(ui: ScreenHarness) -> None:
    await ui.is_named()
    ui.session.script[LINE] = plotting
    ui.keys(f"{LINE}\r")
    await ui.sees("max")
    ui.resize(50, 14)
    ui.session.send_reply("more")
    await ui.until(lambda: max(map(len, ui.lines())) <= 50)
    await ui.until(lambda: sum("└" in row for row in ui.lines()) == 1)


@on_screen((80, 24))
async def test_another_line_has_a_plot_of_its_own(ui: ScreenHarness) -> None:
    await ui.is_named()
    two = (plotted(9), plotted(9, "[device=vdb].stats.rd_bytes/s"))
    ui.session.script["a"] = lambda session: iter_steps(sample(*two), sample(*two))
    ui.keys("a\ra\r")
    await ui.until(lambda: ui.picture().count("[device=vdb]") == 2)


def iter_steps(*answers: Answer) -> Steps:
    yield from answers
    return Outcome()


@on_line
async def test_at_the_line_prompt_too(ui: LineHarness) -> None:
    ui.session.script[LINE] = plotting
    ui.keys(f"{LINE}\r")
    await ui.sees("┤")
    ui.session.send_event(event("STOP"))
    ui.session.send_reply("more")
    ui.session.send_reply("end")
    await ui.ends_with("(QEMU)")
    rows = ui.lines()
    assert sum("└" in row for row in rows) == 1
    # What came meanwhile stands above it.
    assert next(row for row in rows if "STOP" in row) in rows[: rows.index(rows[-2])]
    ui.keys("stop\r")
    await ui.ends_with("(QEMU) stop", "{}", "(QEMU)")
    assert sum("└" in row for row in ui.lines()) == 1
