"""The same lines to every other server over every transport by which it can be met."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from tests.client.behaviours import GUEST_AGENT, STORAGE_DAEMON, STRATOVIRT, Behaviours
from tests.client.checks import CHECKS, ServerUnderTest, needs
from tests.client.hosts import DaemonStarter, GuestStarter, StratovirtStarter, UnixStarter
from tests.client.transports import FROM_UNIX, NEEDS, RELAYED, TRANSPORTS, MakePlainTarget
from tests.programs import missing
from tests.qemu import storage_daemon

RELAY = ("socat",)
checks = pytest.mark.parametrize("check", CHECKS)


# ------------------------------------------------------------------------ storage daemon


@pytest.fixture(scope="module", params=TRANSPORTS)
def to_daemon(request: pytest.FixtureRequest, emulator: str) -> Iterator[ServerUnderTest]:
    if not storage_daemon(emulator):
        missing(f"the qemu-storage-daemon of {emulator}")
    needs(*NEEDS.get(request.param, ()))
    start = DaemonStarter(emulator)
    found = ServerUnderTest(partial(TRANSPORTS[request.param], start), STORAGE_DAEMON)
    yield found
    found.close()
    start.close()


@checks
def test_storage_daemon(to_daemon: ServerUnderTest, check: str, tmp_path: Path) -> None:
    to_daemon.check(check, tmp_path)


# ------------------------------------------------------------------------ known to a socket alone


@contextmanager
def plain(
    transport: str, make_target: MakePlainTarget, start: UnixStarter, behaviours: Behaviours
) -> Iterator[ServerUnderTest]:
    needs(*RELAY, *NEEDS.get(transport, ()))
    found = ServerUnderTest(partial(make_target, start), behaviours)
    yield found
    found.close()
    start.close()


@pytest.fixture(scope="module", params=RELAYED)
def to_agent(request: pytest.FixtureRequest, agent_program: str) -> Iterator[ServerUnderTest]:
    start = GuestStarter(agent_program)
    with plain(request.param, RELAYED[request.param], start, GUEST_AGENT) as found:
        yield found


@checks
def test_guest_agent(to_agent: ServerUnderTest, check: str, tmp_path: Path) -> None:
    to_agent.check(check, tmp_path)


@pytest.fixture(scope="module", params=FROM_UNIX)
def to_stratovirt(request: pytest.FixtureRequest) -> Iterator[ServerUnderTest]:
    start = StratovirtStarter()
    with plain(request.param, FROM_UNIX[request.param], start, STRATOVIRT) as found:
        yield found


@checks
def test_stratovirt(to_stratovirt: ServerUnderTest, check: str, tmp_path: Path) -> None:
    to_stratovirt.check(check, tmp_path)
