"""VMs of the table as a test wants them: replies, events and /proc, without any of them."""

from __future__ import annotations

from qmpsh.address import UnixAddress
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.many.targets import Target
from qmpsh.protocol.messages import Event, Greeting
from qmpsh.system.usage import InterfaceBytes, ProcessUsage
from qmpsh.top.record import VmRecord

NOW = 1000.0
GREETING = Greeting("10.0.2", "", ("oob",), {})


def target(name: str) -> Target:
    path = f"/run/vms/{name}.sock"
    return Target(UnixAddress(path), path)


def event(name: str, **data: Json) -> Event:
    return Event(name, data, None, {})


def usage(at: float, seconds: float, resident: int = 64_000_000, start: int = 1) -> ProcessUsage:
    return ProcessUsage(at, seconds, resident, "S", start)


def blockstats(*sums: int, device: str = "disk0") -> Json:
    """sums: bytes read and written, reads, writes, nanoseconds"""
    read, written, reads, writes, busy = sums
    stats: JsonObject = {
        "rd_bytes": read,
        "wr_bytes": written,
        "rd_operations": reads,
        "wr_operations": writes,
        "rd_total_time_ns": busy,
        "wr_total_time_ns": 0,
    }
    return [{"device": device, "stats": stats}]


def running(name: str, *, cpu: float = 0.0, status: str = "running") -> VmRecord:
    """A VM that was asked twice, a second apart. cpu: of one CPU, as a fraction"""
    record = VmRecord(target(name), NOW - 10)
    record.restart(GREETING, NOW - 2)
    record.own_name = record.name = record.machine.name = name
    record.pid = 4242
    record.on_reply("query-status", {"status": status, "running": status == "running"}, NOW - 2)
    record.on_reply("query-cpus-fast", [{"thread-id": 4243}, {"thread-id": 4244}], NOW - 2)
    record.on_reply("query-memory-size-summary", {"base-memory": 2 << 30}, NOW - 2)
    record.on_reply("query-balloon", {"actual": 1 << 30}, NOW - 2)
    for at, factor in ((NOW - 1, 0), (NOW, 1)):
        record.usage.on_process(usage(at, 5 + cpu * factor))
        record.usage.guest.read((4 + cpu * factor / 2,), at)
        record.on_reply("query-blockstats", blockstats(*(number * factor for number in DISK)), at)
        interfaces = {"tap0": InterfaceBytes(300 * factor, 70_000 * factor)}
        record.usage.on_interfaces(["tap0"], interfaces, at)
    return record


DISK = (1_200_000, 340, 10, 6, 32_000_000)


def start_backup(record: VmRecord) -> None:
    """Let it work on a job, 68 % of which is done."""
    record.on_event(event("JOB_STATUS_CHANGE", id="j0", status="running"), NOW)
    jobs: Json = [
        {
            "id": "j0",
            "type": "backup",
            "status": "running",
            "current-progress": 68,
            "total-progress": 100,
        }
    ]
    record.on_reply("query-jobs", jobs, NOW)
