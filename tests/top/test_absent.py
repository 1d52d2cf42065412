"""Hosts that could not be logged in to are tried again."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import pytest

from qmpsh.address import UnixAddress
from qmpsh.client.client import ClientOptions
from qmpsh.client.poll import READ, wait_for
from qmpsh.client.transports.forwarding import Login
from qmpsh.many.targets import Target
from qmpsh.shell.settings import Settings
from qmpsh.top import absent
from qmpsh.top.absent import AbsentHosts
from qmpsh.top.discovery import Discovery
from qmpsh.top.probe import ProbePlan
from qmpsh.top.record import Link
from qmpsh.top.watch import Watch
from tests.many.hosts import three_hosts
from tests.programs import need, unavailable
from tests.qemu import emulators
from tests.waiting import PATIENCE, wait_until

HOST = Login("host1")
WANTED = (Target(UnixAddress("/a"), "/a"), Target(UnixAddress("/b"), "/b"))


def test_the_pause_grows_to_an_end() -> None:
    hosts, now, pauses = AbsentHosts(), 0.0, []
    for _ in range(6):
        hosts.add(HOST, WANTED, now)
        begun = now
        while not (due := hosts.take_due(now)):
            now += 1
        assert due == [*WANTED]
        assert hosts.take_due(now + 9999) == []  # it is being tried
        pauses.append(now - begun)
    assert pauses == [10, 30, 90, 270, 300, 300]


def test_a_host_that_is_there_begins_afresh() -> None:
    hosts = AbsentHosts()
    hosts.add(HOST, WANTED, 0)
    hosts.add(HOST, WANTED, 0)
    hosts.remove(HOST)
    assert hosts.take_due(1e9) == []
    hosts.add(HOST, WANTED, 0)
    assert hosts.take_due(10) == [*WANTED]


@pytest.mark.qemu
def test_a_refused_host_comes_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for program in ("ssh", "sshd", "ssh-keygen"):
        need(program)
    if not emulators():
        unavailable("QEMU is not installed")
    monkeypatch.setattr(absent, "FIRST_PAUSE", 0.1)
    wrapper, closed = tmp_path / "ssh", tmp_path / "closed"
    refusal = 'case "$*" in *host2*) echo "Permission denied (publickey)." >&2; exit 255;; esac'
    with three_hosts(1) as hosts:
        ssh = hosts.environ["QMPSH_SSH"]
        wrapper.write_text(f'if [ -e {closed} ]; then {refusal}; fi\nexec {ssh} "$@"\n')
        monkeypatch.setenv("QMPSH_SSH", f"sh {shlex.quote(str(wrapper))}")
        for pattern in ("*.sock", "vm1.sock"):
            closed.touch()
            _refused_then_there([word for word in hosts.targets(pattern) if word != "-a"], closed)


def _refused_then_there(targets: list[str], closed: Path) -> None:
    discovery = Discovery(targets, print)
    plan = ProbePlan(ClientOptions(connect_timeout=PATIENCE), Settings(share=False))
    watch = Watch(plan, 0.2)

    def links() -> list[Link]:
        """What is known of each VM, after a turn."""
        wait_for({watch.fileno(): READ}, 0.01)
        if discovery.is_waiting and discovery.take_arrivals(time.monotonic()):
            watch.set_targets(discovery.targets)
        watch.poll()
        return sorted((one.link for one in watch.records), key=str)

    try:
        discovery.find()
        wait_until(lambda: links() == sorted([Link.REFUSED, Link.UP, Link.UP], key=str))
        closed.unlink()

        def come_again() -> bool:
            discovery.find_again()
            return links() == [Link.UP] * 3

        wait_until(come_again)
        assert sorted(one.own_name for one in watch.records) == [
            f"host{number}/web1" for number in (1, 2, 3)
        ]
    finally:
        watch.close()
        discovery.close()
