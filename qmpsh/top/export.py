"""The table for programs: JSON lines, CSV, and the text format of Prometheus. Pure.

Names and units are a promise: see docs/many.md. Counters are raw, rates are per second;
what is not known has no member in JSON, an empty field in CSV, and no sample for Prometheus.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.light_typing import NamedTuple
from qmpsh.render.failures import failure_object
from qmpsh.render.safe import visible_word
from qmpsh.top.record import VmRecord

# ---------------------------------------------------------------------------- JSON


def vm_object(record: VmRecord, now: float) -> JsonObject:
    """Return what is known of a VM, with its disks, networks and jobs."""
    shown: dict[str, Json] = dict(_flat(record, now))
    shown["disks"] = [
        {
            "device": disk.name,
            "read_bytes_total": disk.read_bytes,
            "written_bytes_total": disk.written_bytes,
            "reads_total": disk.reads,
            "writes_total": disk.writes,
        }
        for disk in record.usage.disks
    ]
    shown["networks"] = [
        {
            "interface": net.name,
            "received_bytes_total": net.received,
            "sent_bytes_total": net.sent,
        }
        for net in record.usage.nets
    ]
    shown["jobs"] = [
        _known(
            {
                "job": work.label,
                "state": work.state.value,
                "progress_ratio": work.fraction,
                "bytes_per_second": work.rate,
                "seconds_left": work.left,
            }
        )
        for work in record.progress.works()
    ]
    if record.error is not None:
        shown["error"] = failure_object(record.error, "")["error"]
    elif reason := record.reason(now):
        shown["error"] = {"class": "ReplyTimeout", "desc": reason}
    return _known(shown)


def _flat(record: VmRecord, now: float) -> dict[str, Json]:
    """Return what is one value, in the order of the columns of CSV."""
    disk = record.usage.disk_rates
    net = record.usage.net_rates or (None, None)
    process = record.usage.process
    return {
        "vm": record.name,
        "address": record.target.text,
        "up": is_up(record, now),
        "state": record.state(now),
        "version": record.machine.version or None,
        "pid": record.pid or None,
        "vcpus": len(record.threads) or None,
        "cpu_percent": _rounded(record.usage.cpu_percent),
        "guest_cpu_percent": _rounded(record.usage.guest_percent),
        "cpu_seconds_total": process.seconds if process is not None else None,
        "resident_bytes": record.usage.resident,
        "memory_bytes": record.memory,
        "balloon_bytes": record.balloon,
        "read_bytes_per_second": _rounded(disk.read if disk else None),
        "written_bytes_per_second": _rounded(disk.written if disk else None),
        "operations_per_second": _rounded(disk.operations if disk else None),
        "operation_seconds": disk.latency if disk else None,
        "exits_per_second": _rounded(record.usage.exit_rate),
        "received_bytes_per_second": _rounded(net[0]),
        "sent_bytes_per_second": _rounded(net[1]),
    }


def is_up(record: VmRecord, now: float) -> bool:
    """Whether a VM answers."""
    return record.is_up and not record.is_hung(now)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


def _known(members: dict[str, Json]) -> JsonObject:
    return {key: value for key, value in members.items() if value is not None}


# ---------------------------------------------------------------------------- CSV


def csv_text(records: Sequence[VmRecord], now: float, *, header: bool = True) -> str:
    """Return a line for each VM, after one with the names of the columns."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for number, record in enumerate(records):
        values = _flat(record, now)
        if header and not number:
            writer.writerow(values)
        writer.writerow([_field(value) for value in values.values()])
    return out.getvalue()


def _field(value: Json) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    text = "" if value is None else visible_word(str(value))
    # A spreadsheet takes a text that begins so for a formula; an address and a name may.
    return f"'{text}" if isinstance(value, str) and text[:1] in ("=", "+", "-", "@") else text


# ---------------------------------------------------------------------------- Prometheus

STATES: Final = (
    *("running", "paused", "shutdown", "inmigrate", "postmigrate", "prelaunch", "finish-migrate"),
    *("suspended", "watchdog", "io-error", "internal-error", "guest-panicked", "colo", "debug"),
    *("restore-vm", "save-vm"),
)
"""Source: QAPI RunState."""

Labels = tuple[tuple[str, str], ...]
Sample = tuple[Labels, float]


class Family(NamedTuple):
    """A metric. kind: counter or gauge; samples: of one VM, with its labels but for the VM's"""

    name: str
    kind: str
    help: str
    samples: Callable[[VmRecord, float], Iterable[Sample]]


def _one(value: float | None) -> list[Sample]:
    return [] if value is None else [((), value)]


def _of_disks(pick: str) -> Callable[[VmRecord, float], Iterable[Sample]]:
    def samples(record: VmRecord, now: float) -> Iterable[Sample]:
        return [((("device", disk.name),), getattr(disk, pick)) for disk in record.usage.disks]

    return samples


def _of_nets(pick: str) -> Callable[[VmRecord, float], Iterable[Sample]]:
    def samples(record: VmRecord, now: float) -> Iterable[Sample]:
        return [((("interface", net.name),), getattr(net, pick)) for net in record.usage.nets]

    return samples


def _states(record: VmRecord, now: float) -> Iterable[Sample]:
    """Return a sample for each state, of which the present one is 1."""
    if not is_up(record, now) or not record.machine.status:
        return []
    present = record.machine.status
    known = STATES if present in STATES else (*STATES, present)
    return [((("state", state),), float(state == present)) for state in known]


def _progress(record: VmRecord, now: float) -> Iterable[Sample]:
    found = {work.label: work.fraction for work in record.progress.works()}
    return [((("job", label),), part) for label, part in found.items() if part is not None]


def _info(record: VmRecord, now: float) -> Iterable[Sample]:
    version = record.machine.version
    return [((("version", version), ("pid", str(record.pid or ""))), 1.0)] if version else []


FAMILIES: Final = (
    Family(
        "qemu_up",
        "gauge",
        "Whether the VM answers its monitor.",
        lambda record, now: _one(float(is_up(record, now))),
    ),
    Family("qemu_info", "gauge", "Version and process of the VM.", _info),
    Family("qemu_state", "gauge", "The run state of the VM: 1 for the present one.", _states),
    Family(
        "qemu_vcpus",
        "gauge",
        "Virtual CPUs.",
        lambda record, now: _one(len(record.threads) or None),
    ),
    Family(
        "qemu_cpu_seconds_total",
        "counter",
        "CPU time of the process.",
        lambda record, now: _one(record.usage.process.seconds if record.usage.process else None),
    ),
    Family(
        "qemu_guest_cpu_seconds_total",
        "counter",
        "CPU time of its virtual CPUs.",
        lambda record, now: _one(record.usage.guest_seconds),
    ),
    Family(
        "qemu_kvm_exits_total",
        "counter",
        "How often its virtual CPUs have left the guest, with KVM.",
        lambda record, now: _one(record.usage.exits),
    ),
    Family(
        "qemu_rss_bytes",
        "gauge",
        "Resident memory of the process.",
        lambda record, now: _one(record.usage.resident),
    ),
    Family(
        "qemu_memory_bytes",
        "gauge",
        "Memory of the guest.",
        lambda record, now: _one(record.memory),
    ),
    Family(
        "qemu_balloon_bytes",
        "gauge",
        "Memory that the balloon leaves to the guest.",
        lambda record, now: _one(record.balloon),
    ),
    Family("qemu_block_read_bytes_total", "counter", "Bytes read.", _of_disks("read_bytes")),
    Family(
        "qemu_block_written_bytes_total", "counter", "Bytes written.", _of_disks("written_bytes")
    ),
    Family("qemu_block_read_operations_total", "counter", "Reads.", _of_disks("reads")),
    Family("qemu_block_written_operations_total", "counter", "Writes.", _of_disks("writes")),
    Family(
        "qemu_network_received_bytes_total",
        "counter",
        "Bytes that the guest received.",
        _of_nets("received"),
    ),
    Family(
        "qemu_network_sent_bytes_total", "counter", "Bytes that the guest sent.", _of_nets("sent")
    ),
    Family("qemu_job_progress_ratio", "gauge", "How far a job or a migration is.", _progress),
)


def prometheus_text(records: Sequence[VmRecord], now: float) -> str:
    """Return all samples, those of a metric together.

    Source: Prometheus, "Exposition formats", text-based format 0.0.4.
    """
    lines = []
    for family in FAMILIES:
        # Two names that look alike would be one series, for which all of it would be refused.
        found: dict[str, float] = {}
        for record in records:
            place = (("vm", record.own_name), ("address", record.target.text))
            for labels, value in family.samples(record, now):
                found.setdefault(_labels((*place, *labels)), value)
        if found:
            lines.append(f"# HELP {family.name} {family.help}")
            lines.append(f"# TYPE {family.name} {family.kind}")
        lines += [f"{family.name}{{{key}}} {_number(value)}" for key, value in found.items()]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Labels) -> str:
    return ",".join(f'{name}="{_label_value(value)}"' for name, value in labels)


def _label_value(text: str) -> str:
    """Return a value as it stands between quotes; what no terminal should obey is visible."""
    safe = visible_word(text)
    return safe.replace("\\", "\\\\").replace('"', '\\"')


def _number(value: float) -> str:
    return f"{int(value)}" if value == int(value) else repr(float(value))
