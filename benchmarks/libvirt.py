"""Commands a second by way of libvirt, beside the same over a unix socket."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.roundtrips import COUNT, NAME, ROUNDS, ours
from benchmarks.table import Row, Unit
from benchmarks.timing import medians
from tests.libvirtd import lacking, running_libvirt


def rows(bench: Bench) -> Iterator[Row]:
    """Nothing but a sentence where libvirt or libvirt-python is not installed."""
    if lacking():
        print(f"libvirt: skipped, there is no {', '.join(lacking())} here")
        return
    with running_libvirt() as libvirt, libvirt.started() as domain:
        measures = [partial(ours, domain.address), partial(ours, bench.vm.path)]
        bridged, direct = (COUNT / seconds for seconds in medians(measures, ROUNDS))
    what = f"execute {NAME}, libvirt round trip"
    yield Row(what, Unit.PER_SECOND, bridged, "the same over a unix socket", direct)
