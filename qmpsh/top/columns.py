"""The columns of the table: what each shows of a VM, in which colour, and how it sorts. Pure.

Every text of a VM is made safe here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Final

from qmpsh.errors import UsageError
from qmpsh.light_typing import NamedTuple
from qmpsh.many.ranges import natural_key
from qmpsh.render.plots import spark_marks, sparkline
from qmpsh.render.safe import visible_word
from qmpsh.render.theme import Fragment, Glyphs
from qmpsh.render.units import brief, percent
from qmpsh.shell.work import Work, WorkState
from qmpsh.suggest import did_you_mean
from qmpsh.top.record import NO_ANSWER, Link, VmRecord
from qmpsh.top.usage import DiskRates

DASH: Final = "-"
"""what stands for the unknown"""
_EVENT_SECONDS: Final = 300.0
"""seconds for which the last event is shown"""
_NO_COLUMN: Final = "there is no column {name}{hint}; there are {names}"

GOOD, DIM, WARNING, ERROR, ACCENT = "good", "dim", "warning", "error", "event.state"

_STATES: Final = {
    "running": GOOD,
    Link.UP.value: GOOD,
    NO_ANSWER: ERROR,
    Link.GONE.value: DIM,
    Link.CONNECTING.value: DIM,
    Link.BUSY.value: WARNING,
    "io-error": ERROR,
    "internal-error": ERROR,
    "guest-panicked": ERROR,
    Link.REFUSED.value: ERROR,
}
"""The colour of each state; every other, such as paused, is a warning."""

_SEVERITY: Final = (NO_ANSWER, "io-error", "internal-error", "guest-panicked", Link.REFUSED.value)
"""States that come first when they are sorted."""


class Look(NamedTuple):
    """What cells depend on besides the VM. now: of the clock `time.monotonic()`"""

    now: float
    glyphs: Glyphs


SortKey = tuple[object, ...]


class VmColumn(NamedTuple):
    """A column.

    key:      its name on the command line and in files
    letter:   the key that sorts by it, "" for none
    width:    columns of its cells; of one that grows, at least
    priority: those with the smallest are left out last
    is_there: whether a VM has it, where most have not: a table of none that has leaves it out
    """

    key: str
    title: str
    width: int
    priority: int
    cell: Callable[[VmRecord, Look], Fragment]
    sort: Callable[[VmRecord, float], SortKey]
    letter: str = ""
    is_number: bool = True
    grows: bool = False
    help: str = ""
    is_there: Callable[[VmRecord], bool] | None = None


# ---------------------------------------------------------------------------- cells


def state_role(word: str) -> str:
    """Return the role of a state."""
    return _STATES.get(word, WARNING)


def _name(record: VmRecord, look: Look) -> Fragment:
    return "", visible_word(record.name)


def _state(record: VmRecord, look: Look) -> Fragment:
    word = record.state(look.now)
    return state_role(word), visible_word(word)


def _percent(value: float | None) -> Fragment:
    if value is None:
        return DIM, DASH
    role = DIM if value < 0.05 else WARNING if value >= 90 else ""
    return role, f"{value:.1f}" if value < 99.95 else f"{value:.0f}"


def _amount(value: float | None) -> Fragment:
    if value is None:
        return DIM, DASH
    return (DIM if value < 0.5 else ""), brief(value)


def _of_disk(pick: Callable[[DiskRates], float]) -> Callable[[VmRecord, Look], Fragment]:
    def cell(record: VmRecord, look: Look) -> Fragment:
        rates = record.usage.disk_rates
        return _amount(None if rates is None else pick(rates))

    return cell


def _latency(record: VmRecord, look: Look) -> Fragment:
    rates = record.usage.disk_rates
    if rates is None or rates.latency is None:
        return DIM, DASH
    millis = rates.latency * 1000
    if millis >= 999.5:
        return "", f"{millis / 1000:.1f}s"
    if millis < 0.0995:
        return "", f"{millis * 1000:.0f}us"
    return "", f"{millis:.1f}ms" if millis < 9.95 else f"{millis:.0f}ms"


def _of_net(at: int) -> Callable[[VmRecord, Look], Fragment]:
    def cell(record: VmRecord, look: Look) -> Fragment:
        return _amount(record.usage.net_rates[at] if record.usage.net_rates else None)

    return cell


def _spark(record: VmRecord, look: Look) -> Fragment:
    history = [*record.usage.history][-_SPARK_COLUMNS:]
    return ACCENT, cpu_sparkline(history, look.glyphs)


def cpu_sparkline(percents: Sequence[int], glyphs: Glyphs) -> str:
    """Return a mark for each value, the highest for the largest, or for 100."""
    return sparkline(percents, spark_marks(glyphs), max(100, *percents) if percents else 100)


def _activity(record: VmRecord, look: Look) -> Fragment:
    """Return what it works on, else what is wrong with it, else its last event."""
    works = record.progress.works() if record.progress.count else []
    if works:
        return "progress", work_text(works, look.glyphs)
    reason = record.reason(look.now)
    if reason:
        return DIM, visible_word(reason)
    event = record.event
    if event is None or look.now - event.at > _EVENT_SECONDS:
        return DIM, ""
    times = f" {look.glyphs.times}{event.times}" if event.times > 1 else ""
    return DIM, f"{visible_word(event.name)}{times} {_age(look.now - event.at)}"


def work_text(works: Sequence[Work], glyphs: Glyphs) -> str:
    """Return the first of the works, and how many more there are: `68 % backup j0 212M/s +1`."""
    work = works[0]
    words = ["" if work.fraction is None else percent(work.fraction)]
    words.append(visible_word(work.label))
    words.append("" if work.state is WorkState.RUNNING else work.state.value)
    words.append("" if work.rate is None else f"{brief(work.rate)}/s")
    words.append(f"+{len(works) - 1}" if len(works) > 1 else "")
    return " ".join(filter(None, words))


def _age(seconds: float) -> str:
    return f"{seconds:.0f}s" if seconds < 60 else f"{seconds / 60:.0f}m"


# ---------------------------------------------------------------------------- sorting


_natural: Final = lru_cache(maxsize=1 << 14)(natural_key)
"""A key is needed at each frame, of VMs that do not change their names."""


def _by_name(record: VmRecord, now: float) -> SortKey:
    return _natural(record.name), record.target.text


def _by_state(record: VmRecord, now: float) -> SortKey:
    word = record.state(now)
    rank = _SEVERITY.index(word) if word in _SEVERITY else len(_SEVERITY)
    return rank, word == "running", word


def _largest(pick: Callable[[VmRecord], float | None]) -> Callable[[VmRecord, float], SortKey]:
    """Sort by a number, the largest first and the unknown last."""

    def key(record: VmRecord, now: float) -> SortKey:
        value = pick(record)
        return (1, 0.0) if value is None else (0, -value)

    return key


def _disk(pick: Callable[[DiskRates], float | None]) -> Callable[[VmRecord], float | None]:
    return lambda record: None if record.usage.disk_rates is None else pick(record.usage.disk_rates)


def _net(at: int) -> Callable[[VmRecord], float | None]:
    return lambda record: record.usage.net_rates[at] if record.usage.net_rates else None


def _by_work(record: VmRecord, now: float) -> SortKey:
    works = record.progress.works() if record.progress.count else []
    if works:
        return 0, -(works[0].fraction or 0.0)
    return (1, -record.event.at) if record.event is not None else (2, 0.0)


_SPARK_COLUMNS: Final = 12

COLUMNS: Final = (
    VmColumn("name", "NAME", 10, 0, _name, _by_name, "n", is_number=False, grows=True),
    VmColumn("state", "STATE", 11, 0, _state, _by_state, "s", is_number=False),
    VmColumn(
        "cpu",
        "%CPU",
        5,
        1,
        lambda record, look: _percent(record.usage.cpu_percent),
        _largest(lambda record: record.usage.cpu_percent),
        "c",
        help="CPU of the process, 100 is one CPU of this host",
    ),
    VmColumn(
        "guest",
        "%GUEST",
        6,
        7,
        lambda record, look: _percent(record.usage.guest_percent),
        _largest(lambda record: record.usage.guest_percent),
        "g",
        help="of that, what its virtual CPUs use",
    ),
    VmColumn(
        "vcpus",
        "VCPU",
        4,
        10,
        lambda record, look: ("", f"{len(record.threads)}") if record.threads else (DIM, DASH),
        _largest(lambda record: len(record.threads)),
        help="virtual CPUs",
    ),
    VmColumn(
        "spark",
        "HISTORY",
        _SPARK_COLUMNS,
        6,
        _spark,
        _largest(lambda record: sum(record.usage.history)),
        is_number=False,
        help="%CPU of the last ticks",
    ),
    VmColumn(
        "mem",
        "MEM",
        5,
        2,
        lambda record, look: _amount(record.usage.resident),
        _largest(lambda record: record.usage.resident),
        "m",
        help="memory of the process",
    ),
    VmColumn(
        "size",
        "SIZE",
        5,
        9,
        lambda record, look: _amount(record.memory),
        _largest(lambda record: record.memory),
        help="memory of the guest",
    ),
    VmColumn(
        "balloon",
        "BALLOON",
        7,
        12,
        lambda record, look: _amount(record.balloon),
        _largest(lambda record: record.balloon),
        "b",
        help="of that, what the balloon leaves to it",
    ),
    VmColumn(
        "read",
        "RD/s",
        5,
        3,
        _of_disk(lambda rates: rates.read),
        _largest(_disk(lambda rates: rates.read)),
        "r",
        help="bytes that its disks read in a second",
    ),
    VmColumn(
        "write",
        "WR/s",
        5,
        3,
        _of_disk(lambda rates: rates.written),
        _largest(_disk(lambda rates: rates.written)),
        "w",
        help="bytes that its disks write in a second",
    ),
    VmColumn(
        "iops",
        "IOPS",
        5,
        8,
        _of_disk(lambda rates: rates.operations),
        _largest(_disk(lambda rates: rates.operations)),
        "i",
        help="reads and writes in a second",
    ),
    VmColumn(
        "latency",
        "LAT",
        5,
        11,
        _latency,
        _largest(_disk(lambda rates: rates.latency)),
        "l",
        help="time that one of them takes",
    ),
    VmColumn(
        "exits",
        "EXITS/s",
        7,
        8,
        lambda record, look: _amount(record.usage.exit_rate),
        _largest(lambda record: record.usage.exit_rate),
        "x",
        help="how often its virtual CPUs leave the guest in a second; with KVM",
        is_there=lambda record: record.usage.exits is not None,
    ),
    VmColumn(
        "rx",
        "RX/s",
        5,
        4,
        _of_net(0),
        _largest(_net(0)),
        "t",
        help="bytes that the guest receives in a second; of tap interfaces",
    ),
    VmColumn(
        "tx",
        "TX/s",
        5,
        4,
        _of_net(1),
        _largest(_net(1)),
        help="bytes that it sends",
    ),
    VmColumn(
        "version",
        "VERSION",
        8,
        13,
        lambda record, look: (DIM, visible_word(record.machine.version) or DASH),
        lambda record, now: (natural_key(record.machine.version),),
        "v",
        is_number=False,
        help="of QEMU",
    ),
    VmColumn(
        "activity",
        "ACTIVITY",
        14,
        5,
        _activity,
        _by_work,
        "a",
        is_number=False,
        grows=True,
        help="jobs and migrations, else what is wrong, else the last event and its age",
    ),
)
BY_KEY: Final = {column.key: column for column in COLUMNS}
BY_LETTER: Final = {column.letter: column for column in COLUMNS if column.letter}


def present_columns(columns: Sequence[VmColumn], records: Sequence[VmRecord]) -> Sequence[VmColumn]:
    """Return the columns without those that none of the VMs has."""
    return [
        column
        for column in columns
        if column.is_there is None or any(map(column.is_there, records))
    ]


def find_column(name: str) -> VmColumn:
    """Return a column by its key. Raises UsageError."""
    found = BY_KEY.get(name.strip().lower())
    if found is None:
        names = ", ".join(BY_KEY)
        raise UsageError(
            _NO_COLUMN.format(name=name, hint=did_you_mean(name, [*BY_KEY]), names=names)
        )
    return found


def read_columns(text: str) -> tuple[VmColumn, ...]:
    """Return the columns of a list of keys, all for an empty one. Raises UsageError."""
    found = tuple(find_column(name) for name in text.split(",") if name.strip())
    return found or COLUMNS
