"""Round trips over other transports, beside the unix socket of the same VM."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from benchmarks.bench import Bench
from benchmarks.roundtrips import COUNT, NAME, ROUNDS, ours
from benchmarks.table import Row, Unit
from benchmarks.timing import medians
from tests.client.transports import certificates, secured
from tests.ports import free_port
from tests.qemu import VmStarter


def rows(bench: Bench) -> Iterator[Row]:
    """TCP, TLS and a command, one VM with a monitor of each."""
    port, tls_port = free_port(), free_port()
    start = VmStarter(bench.emulator)
    try:
        plain = start("-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off")
        secured(start, "off", tls_port)
        addresses = {
            "TCP": f"127.0.0.1:{port}",
            "TLS": f"tls:localhost:{tls_port}?ca={certificates()}/ca-cert.pem",
            "exec:socat": f"exec:socat - UNIX:{plain.path}",
        }
        measures = [partial(ours, address) for address in (plain.path, *addresses.values())]
        unix, *others = (COUNT / seconds for seconds in medians(measures, ROUNDS))
    finally:
        start.close()
    for name, rate in zip(addresses, others, strict=True):
        what = f"execute {NAME} over {name}, round trips"
        yield Row(what, Unit.PER_SECOND, rate, "the same over a unix socket", unix)
