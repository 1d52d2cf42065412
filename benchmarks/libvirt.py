"""By way of libvirt: commands a second beside its bare pass-through and a unix socket, and
one-shots beside virsh.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.roundtrips import NAME, ours
from benchmarks.table import Row, Unit
from benchmarks.timing import medians, process_seconds
from qmpsh.client.transports.libvirt_api import connect, find_domain, load
from tests.libvirtd import Domain, lacking, running_libvirt

COUNT = 200  # libvirt takes milliseconds for each
ROUNDS = 5
PAIRS = 20


def rows(bench: Bench) -> Iterator[Row]:
    """Nothing but a sentence where libvirt or libvirt-python is not installed."""
    if lacking():
        print(f"libvirt: skipped, there is no {', '.join(lacking())} here", file=sys.stderr)
        return
    with running_libvirt() as libvirt, libvirt.started() as domain:
        measures = [
            partial(ours, domain.address, COUNT),
            partial(bare, domain),
            partial(ours, bench.vm.path, COUNT),
        ]
        bridged, passed, direct = (COUNT / seconds for seconds in medians(measures, ROUNDS))
        yield from one_shots(bench, domain)
    what = f"execute {NAME}, libvirt round trip"
    yield Row(what, Unit.PER_SECOND, bridged, "libvirt_qemu.qemuMonitorCommand alone", passed)
    yield Row(what, Unit.PER_SECOND, bridged, "the client over a unix socket", direct)


def one_shots(bench: Bench, domain: Domain) -> Iterator[Row]:
    """A whole process, on the domain and on a VM without libvirt, beside virsh."""
    qmpsh = bench.script("qmpsh")
    request = f'{{"execute": "{NAME}"}}'
    virsh = ["/usr/bin/env", "virsh", "-c", domain.libvirt.uri]
    measures = [
        partial(process_seconds, argv, bench.env)
        for argv in (
            [qmpsh, domain.address, NAME],
            [*virsh, "qemu-monitor-command", domain.name, request],
            [qmpsh, bench.vm.path, NAME],
        )
    ]
    bridged, virshs, direct = medians(measures, PAIRS)
    what = f"one-shot {NAME}, libvirt"
    beside = "virsh qemu-monitor-command"
    yield Row(what, Unit.MILLISECONDS, bridged, beside, virshs)
    yield Row(f"one-shot {NAME}, unix socket", Unit.MILLISECONDS, direct, beside, virshs)


def bare(domain: Domain) -> float:
    library = load()
    host = connect(library, domain.libvirt.uri)
    found = find_domain(library, host, domain.name)
    start = time.perf_counter()
    for _ in range(COUNT):
        json.loads(library.qemu.qemuMonitorCommand(found, f'{{"execute":"{NAME}"}}', 0))["return"]
    seconds = time.perf_counter() - start
    host.close()
    return seconds
