"""QOM on a real QEMU: what a property holds can be set again as a bare word; and its verbs."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest

from qmpsh.address import parse_address
from qmpsh.client.client import Client
from qmpsh.jsontypes import Json, JsonObject, as_dicts
from qmpsh.language.values import quote
from qmpsh.protocol.messages import Command, Reply
from qmpsh.secrets.text import MASK
from qmpsh.shell.context import Context
from qmpsh.shell.interpreter import run_line
from qmpsh.shell.machine import Machine
from qmpsh.shell.qom.leaving import GONE
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, Outcome, Task
from tests.conftest import RunQmpsh
from tests.qemu import Vm, VmStarter

ABORTS = frozenset({"drive", "cpu-hotplug-legacy"})
"""QEMU 7.2 and 10.0 end themselves when these are set to what they are."""
MACHINE = (
    *("-object", "iothread,id=io0", "-object", "memory-backend-ram,id=mem0,size=16M"),
    *("-object", "throttle-group,id=tg0", "-device", "pcie-root-port,id=rp0,chassis=1,slot=1"),
    *("-blockdev", "null-co,node-name=d0,size=1048576"),
    *("-device", "virtio-blk-pci,drive=d0,id=vb0,bus=rp0", "-netdev", "user,id=n0"),
    *("-device", "virtio-net-pci,netdev=n0,id=nic0", "-device", "virtio-balloon-pci,id=balloon0"),
    *("-device", "qemu-xhci,id=xhci", "-device", "usb-tablet,id=tab"),
)


class Live:
    """A shell on a VM, and its raw wire beside it."""

    def __init__(self, vm: Vm) -> None:
        self.client = Client.connect(parse_address(vm.path))
        self.shell = Context(
            self.client, Settings(), Machine(vm.path, self.client.connection.greeting)
        )
        self.said: list[Answer | Note] = []

    def ask(self, name: str, **arguments: Json) -> Reply | None:
        """A reply of the server's; None for an error."""
        pending = self.client.submit(Command(name, arguments))
        while not pending.done:
            self.client.poll(None)
        return pending.reply if isinstance(pending.reply, Reply) else None

    def run(self, line: str) -> Outcome:
        """One line, to its end."""
        self.said = []
        task = Task(run_line(self.shell, line), self.said.append)
        while not task.advance(time.monotonic()):
            self.client.poll(task.timeout(time.monotonic()))
        assert task.outcome is not None
        return task.outcome

    @property
    def answer(self) -> Answer:
        """The last line's answer."""
        return next(item for item in self.said if isinstance(item, Answer))

    def properties(self, path: str) -> Iterator[tuple[str, JsonObject]]:
        """Every property from a path on, with the path of its object."""
        reply = self.ask("qom-list", path=path)
        for item in reply.value if reply is not None and isinstance(reply.value, list) else []:
            assert isinstance(item, dict)
            if str(item["type"]).startswith("child<"):
                yield from self.properties(f"{path}/{item['name']}")
            elif item["name"] not in ABORTS:
                yield path, item


@pytest.fixture
def live(start_vm: VmStarter) -> Iterator[Live]:
    """A machine of many kinds of objects."""
    found = Live(start_vm(*MACHINE, machine="q35"))
    yield found
    found.client.close()


def test_every_property_can_be_set_to_what_it_is(live: Live) -> None:
    kinds, wrong = set(), []
    roots = ("/machine", "/objects", "/chardevs")
    for path, item in [found for root in roots for found in live.properties(root)]:
        name = str(item["name"])
        before = live.ask("qom-get", path=path, property=name)
        if before is None or not live.ask("qom-set", path=path, property=name, value=before.value):
            continue  # what QEMU itself does not let be set
        word = before.value if isinstance(before.value, str) else json.dumps(before.value)
        if not word or (isinstance(before.value, str) and (" " in word or word[0] in "'\"")):
            continue
        outcome = live.run(f"qom-set path={quote(path)} property={quote(name)} value={word}")
        after = live.ask("qom-get", path=path, property=name)
        if outcome.exit_code or after is None or after.value != before.value:
            wrong.append((path, item, before.value, outcome, live.said))
        kinds.add(str(item["type"]))
    assert wrong == []
    assert {"bool", "int", "size", "uint8", "uint64_t", "OnOffAuto", "SMPConfiguration"} <= kinds


@pytest.mark.parametrize(
    "target, value, found",
    [
        ("/machine/peripheral/balloon0 guest-stats-polling-interval", "0x10", 16),
        ("balloon0 guest-stats-polling-interval", "1k", 1024),
        ("/objects/mem0 dump", "off", False),
        ("/objects/mem0 dump", "yes", True),
        ("/machine kernel", "007", "007"),
        ("/machine kernel", "true", "true"),
    ],
)
def test_words_in_any_spelling(live: Live, target: str, value: str, found: Json) -> None:
    path, name = target.split()
    assert live.run(f"qom-set path={path} property={name} value={value}").exit_code == 0
    reply = live.ask("qom-get", path=path, property=name)
    assert reply is not None
    assert reply.value == found


def test_what_is_refused_and_what_is_remarked(fresh_q35: Vm, run_qmpsh: RunQmpsh) -> None:
    def said(line: str) -> tuple[int, str]:
        done = run_qmpsh(fresh_q35.path, line)
        return done.returncode, done.stderr.partition("\n")[0]

    assert said("qom-set path=/machine property=peripheral value=x") == (
        2,
        "qmpsh: a child cannot be set, this is a container; set one of its properties",
    )
    assert said("qom-set path=/machine property=nope value=x")[0] == 1
    assert said("qom-set path=/nowhere property=nope value=x")[0] == 1
    code, note = said("qom-set path=/machine/peripheral/rp0 property=x-speed value=17")
    assert code == 1
    assert note.startswith("qmpsh: sent unchanged, but x-speed takes 2_5, 5, 8, 16")


def test_nothing_is_asked_offline(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-n", "qom-set", "path=/m", "property=p", "value=off")
    assert json.loads(done.stdout)["arguments"]["value"] == "off"
    assert done.stderr == ""


def test_walking_reading_and_setting(live: Live) -> None:
    assert live.run(".cd /machine/peripheral/nic0").exit_code == 0
    assert live.run(".ls -l").exit_code == 0
    rows = {str(row["name"]): row for row in as_dicts(live.answer.value)}
    assert rows["virtio-backend"] == {"name": "virtio-backend", "type": "child<virtio-net-device>"}
    assert rows["mac"]["value"] == "52:54:00:12:34:56"
    assert rows["rombar"]["value"] in (1, -1)
    assert live.run(".prop rombar 0").exit_code == 1
    assert "Attempt to set property 'rombar' on device 'nic0'" in str(live.answer.text)
    assert live.run(".find type=virtio-net-* mac=52:*").exit_code == 0
    paths = [row["path"] for row in as_dicts(live.answer.value)]
    assert paths == ["/machine/peripheral/nic0", "/machine/peripheral/nic0/virtio-backend"]


def test_a_working_path_that_is_gone_is_left(live: Live) -> None:
    live.run("object-add qom-type=iothread id=io9")
    assert live.run(".cd /objects/io9").exit_code == 0
    live.run("object-del id=io9")
    assert live.run(".ls").exit_code == 1
    assert live.said == [Note(GONE.format(path="/objects/io9", place="/objects"))]
    assert live.run(".get io0.poll-max-ns").exit_code == 0


def test_no_road_leads_to_a_secret(live: Live) -> None:
    live.run("object-add qom-type=secret id=sec0 data=hunter2")
    said: list[object] = []
    for text in (
        ".get /objects/sec0.data",
        ".get /objects/sec0/data",
        ".ls -l /objects/sec0",
        ".cd /objects/sec0",
        ".get data",
        ".find data=hunter2",
        ".find type=secret loaded=on",
        ".json .prop data hunter2",
        ".prop data hunter2",
        ".tree qom",
    ):
        outcome = live.run(text)
        said += [*live.said, outcome.error]
    assert "hunter2" not in repr(said)
    assert MASK in repr(said)
