"""Processes of other users write what they like into their command lines: no list ends by it."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.address import UnixAddress, parse_address
from qmpsh.cli.inspect.ls import lines_of, shown_address
from qmpsh.client import discovery
from qmpsh.client.discovery import find_monitors
from qmpsh.system import listener, proc
from qmpsh.system import proc as sockets
from qmpsh.system.argv import maybe_command_line
from qmpsh.system.diagnose import why_silent
from qmpsh.system.proc import (
    ARGV,
    _from_table,
    _maybe_socket,
    maybe_process,
    pids,
    tcp_sockets,
    words_of,
)
from tests.conftest import RunQmpsh
from tests.fuzzing import examples
from tests.qemu import Vm
from tests.waiting import wait_until

NOBODY = 65534

# What is given to options, and what a hostile user would make of it.
_PIECES = st.sampled_from([
    "socket", "id=c", "path=/run/qmp", "path=", "abstract=on", "server=on", "host=", "port=", "::1",
    "fd=", "unix:", "tcp:", "chardev:c", "mode=control", "mon:", "telnet:", ",", "=", ":", "{", "[",
    "[" * 5000, '{"path":"', "\\u0000", "\\ud800", '"}', '{"id":', "9" * 5000, "a" * 5000, "guest=",
    "\n", "\x1b[31m", "\udcff", "/", "..", "~", "\u0663", "password=", "secret",
    "org.qemu.guest_agent.",
])  # fmt: skip
_VALUES = st.lists(_PIECES | st.text(max_size=4), max_size=12).map("".join)
_OPTIONS = st.sampled_from([
    "-chardev", "--chardev", "-qmp", "-qmp-pretty", "-mon", "--monitor", "-monitor", "-serial",
    "-device", "-name", "-m", "-p", "--path=/a", "--method=unix-listen", "-", "--",
])  # fmt: skip
_PROGRAMS = st.sampled_from(
    ["qemu-system-x86_64", "/usr/bin/kvm", "qemu-storage-daemon", "qemu-ga", "stratovirt", "", "sh"]
) | st.text(max_size=5).map(lambda name: f"qemu-system-{name}")
_WORDS = st.tuples(_PROGRAMS, st.lists(_OPTIONS | _VALUES, max_size=14)).map(
    lambda pair: [pair[0], *pair[1]]
)
_ARGV = _WORDS.map(lambda words: "\0".join(words).encode(errors="replace") + b"\0")
QEMU = "qemu-system-x86_64"


@contextmanager
def fake_proc(files: dict[str, bytes]) -> Iterator[None]:
    """A /proc of these files."""
    folder = tempfile.mkdtemp(prefix="qmpsh-proc-")
    modules = (proc, discovery, listener, sockets)
    try:
        with pytest.MonkeyPatch.context() as patch:
            for module in modules:
                patch.setattr(module, "PROC", folder)
            for name, data in {"self/status": b"", **files}.items():
                path = Path(folder, name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            yield
    finally:
        shutil.rmtree(folder)


@examples(2)
@given(_WORDS)
@example([QEMU, "-chardev", "[" * 100_000])
@example([QEMU, "-chardev", '{"id":' * 100_000])
@example([QEMU, "-qmp", "tcp::" + "1" * 5000 + ",server=on"])
@example([QEMU, "-chardev", "socket,id=c,server=on,fd=" + "1" * 5000, "-mon", "c"])
@example(
    [QEMU, "-chardev", '{"backend":"socket","server":true,"id":"c","path":"\\u0000"}', "-mon", "c"]
)
@example(
    [QEMU, "-chardev", '{"backend":"socket","server":true,"id":"c","path":"\\ud800"}', "-mon", "c"]
)
@example([QEMU, *["-qmp", "unix:/x,server=on"] * 10_000])
def test_any_command_line_is_read(words: list[str]) -> None:
    found = maybe_command_line(words)
    if found is not None:
        assert len(found.channels) <= 64
        for channel in found.channels:
            os.fsencode(channel.path)
            assert len(channel.path) <= 4096
            assert "\0" not in channel.path
            assert 0 <= channel.port <= 65535


@given(
    st.dictionaries(
        st.integers(1, 5),
        st.tuples(_ARGV | st.binary(max_size=60), st.binary(max_size=90)),
        max_size=3,
    ),
    st.booleans(),
)
@example({1: (b"qemu-system-x86_64\0-qmp\0unix:/" + b"a" * 100_000 + b",server=on\0", b"")}, True)
@example({1: (b"qemu-system-x86_64\0-qmp\0tcp:a b:1,server=on\0", b"")}, True)
@example({1: (b"qemu-system-x86_64\0-qmp\0tcp:[zz]:1,server=on\0", b"")}, True)
@example({1: (b"qemu-system-x86_64\0-qmp\0tcp:no.such.name.invalid:1,server=on\0", b"")}, True)
def test_any_proc_is_listed(processes: dict[int, tuple[bytes, bytes]], is_whole: bool) -> None:
    files: dict[str, bytes] = {}
    for pid, (argv, status) in processes.items():
        whole = b"Name:\tqemu\nState:\tS\nTracerPid:\t0\nUid:\t0\t0\t0\t0\n"
        files |= {f"{pid}/cmdline": argv, f"{pid}/status": whole if is_whole else status}
    with fake_proc(files):
        found = find_monitors(libvirt=False)
        for monitor in found:
            assert str(parse_address(monitor.address)) == monitor.address
        for line in lines_of(found, 80):
            assert line.isprintable()
            assert len(line) < 1000
        for pid in pids():
            process = maybe_process(pid)
            assert process is None or (str(process).isprintable() and len(str(process)) < 400)
        why_silent(UnixAddress("/run/qmp"))


@given(st.text(alphabet="0123456789ABCDEFx :@/\n\x85\u0663 ", max_size=200))
@example("0: 1 0 Z 0001 01 5")
@example("0: 1 0 00010000 0001 01 5 /a\nx: 1 0 zz 0001 01 nope /b")
@example("   0: 0100007F:ZZZZ 00000000:0000 0A 0 0 0 0 0 1")
def test_any_table_of_sockets_is_read(text: str) -> None:
    data = f"heading\n{text}".encode()
    with fake_proc({"net/unix": data, "net/tcp": data, "net/tcp6": data}):
        _from_table()
        tcp_sockets()


@given(st.binary(max_size=16), st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=9))))
def test_any_answer_of_the_kernel_is_a_socket_or_none(
    head: bytes, attributes: list[tuple[int, bytes]]
) -> None:
    packed = b"".join(struct.pack("=HH", 4 + len(name), kind) + name for kind, name in attributes)
    for data in (head + packed, b"\1\1\x0a\0" + bytes(12) + packed, packed):
        found = _maybe_socket(data)
        if found is not None:
            os.fsencode(found.name)


def test_of_a_command_line_without_end_the_beginning_is_read() -> None:
    with fake_proc({"7/cmdline": b"qemu-kvm\0-name\0" + b"x" * ARGV}):
        assert words_of(7) == ("qemu-kvm", "-name")
    with fake_proc({"7/cmdline": b"x" * (ARGV + 5)}):
        assert words_of(7) == ()


def test_a_long_address_is_shortened_in_its_middle() -> None:
    assert shown_address("/run/vm.qmp") == "/run/vm.qmp"
    long = f"/run/{'x' * 500}/the-very-vm.qmp"
    shown = shown_address(long)
    assert (shown[:6], shown[-17:], len(shown)) == (
        "/run/x",
        "/the-very-vm.qmp"[-17:].rjust(17, "x"),
        108,
    )


@contextmanager
def hostile(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of another user, where we may start one, that says it is a QEMU."""
    user = NOBODY if os.getuid() == 0 else None
    argv = [QEMU, "-c", "read line", *words]
    with subprocess.Popen(argv, executable="/bin/sh", stdin=subprocess.PIPE, user=user) as one:
        yield one
        one.kill()


@pytest.mark.parametrize(
    "words",
    [
        ["-chardev", "[" * 50_000],
        ["-chardev", '{"a":' + "[" * 50_000],
        ["-qmp", "tcp::" + "1" * 5000 + ",server=on"],
        ["-qmp", "unix:/" + "p/" * 50_000 + ",server=on"],
        ["-name", "\x1b]0;pwned\x07" * 2000, "-qmp", "unix:/tmp/no-such-qmp,server=on"],
    ],
    ids=["bracket", "json", "port", "path", "name"],
)
def test_one_strange_process_ends_nothing(words: list[str], vm: Vm, run_qmpsh: RunQmpsh) -> None:
    with hostile(*words) as process:
        wait_until(lambda: words_of(process.pid)[-1:] == (words[-1],))
        listed = run_qmpsh("ls")
        assert (listed.returncode, listed.stderr) == (0, "")
        assert vm.path in listed.stdout
        assert max(map(len, listed.stdout.splitlines())) < 1000
        assert run_qmpsh("doctor").stderr == ""
        bare = run_qmpsh()
        assert bare.returncode == 2
        assert bare.stderr.startswith("qmpsh: no ")
