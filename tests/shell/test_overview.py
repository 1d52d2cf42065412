"""`.status`: what is asked, which facts the replies hold, and the rows a person reads of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.client.dialect import GUEST_AGENT, QEMU, STORAGE_DAEMON, STRATOVIRT, Dialect
from qmpsh.jsontypes import Json, JsonObject, get_dicts
from qmpsh.protocol.messages import Command

# , Reply
from qmpsh.shell.overview.block import innermost_file
from qmpsh.shell.overview.facts import FACT_KEYS, facts_of
from qmpsh.shell.overview.rows import OverviewRow, binary_size, plain_text, rows_of
from qmpsh.shell.overview.survey import MAX_PORTS, Question, Survey
from qmpsh.shell.policy import reads_only
from qmpsh.shell.settings import Settings
from tests.protocol.strategies import patient, values
from tests.shell.scripted import Messages, ScriptedShell, error

SERVER: JsonObject = {"kind": "QEMU", "version": "7.2.22", "package": ""}


def asked(survey: Survey) -> list[Question]:
    """All questions that are left."""
    return list(iter(survey.next_question, None))


def rows(replies: dict[str, Json], unanswered: tuple[str, ...] = ()) -> dict[str, str]:
    """The texts of the rows by their labels."""
    found = rows_of(facts_of(SERVER, replies, unanswered))
    return {row.label: " · ".join(part.text for part in row.parts) for row in found}


# -------------------------------------------------------------------- questions


@pytest.mark.parametrize("dialect", [QEMU, STORAGE_DAEMON, STRATOVIRT, GUEST_AGENT])
def test_only_what_reads_is_asked(dialect: Dialect) -> None:
    survey = Survey(dialect, ())
    questions = asked(survey)
    peripheral = Question("peripheral", "free-ports", Command("qom-list"))
    survey.on_value(peripheral, [{"name": "rp0", "type": "child<pcie-root-port>"}])
    questions += asked(survey)
    assert all(reads_only(question.command) for question in questions)
    assert len({question.key for question in questions}) == len(questions)


def test_a_question_needs_its_command() -> None:
    questions = asked(Survey(QEMU, ("query-status", "query-kvm", "qom-get"), ("query-status",)))
    assert [question.key for question in questions] == ["type", "query-kvm", "smp"]


def test_what_says_more_replaces_a_question() -> None:
    questions = asked(Survey(QEMU, ("query-kvm", "query-accelerators")))
    assert [question.key for question in questions] == ["query-accelerators"]


def test_each_port_is_asked_about_next_and_not_all_of_thousands() -> None:
    survey = Survey(QEMU, ("qom-list", "query-jobs"))
    first = survey.next_question()
    assert first is not None
    ports: list[Json] = [{"name": f"rp{n}", "type": "child<pcie-root-port>"} for n in range(200)]
    survey.on_value(first, [{"name": "vda", "type": "child<virtio-blk-pci>"}, *ports])
    assert survey.unanswered == ["free-ports", "jobs"]
    questions = asked(survey)
    assert [question.key for question in questions[:2]] == ["port rp0", "port rp1"]
    assert questions[-1].key == "query-jobs"
    assert len(questions) == MAX_PORTS + 1
    for question in questions:
        survey.on_refusal(question, "")
    assert survey.unanswered == []


def test_stratovirt_is_asked_little() -> None:
    names = [question.command.name for question in asked(Survey(STRATOVIRT, ()))]
    assert names == ["query-status", "query-cpus", "query-mem", "query-balloon", "query-vnc"]


# -------------------------------------------------------------------- facts


DISK: JsonObject = {
    "device": "",
    "qdev": "/machine/peripheral/vda/virtio-backend",
    "io-status": "ok",
    "inserted": {
        "node-name": "disk0",
        "drv": "qcow2",
        "ro": False,
        "file": "/vm/top.qcow2",
        "image": {
            "virtual-size": 1 << 30,
            "filename": "/vm/top.qcow2",
            "backing-image": {
                "filename": "/vm/mid.qcow2",
                "backing-image": {"filename": "/vm/base.qcow2"},
            },
        },
    },
}
THROTTLED = (
    'json:{"throttle-group": "tg0", "driver": "throttle", "file":'
    ' {"driver": "raw", "file": {"driver": "file", "filename": "/vm/data.raw"}}}'
)
FILTER: JsonObject = {
    "device": "",
    "qdev": "sda",
    "io-status": "nospace",
    "inserted": {
        "node-name": "data",
        "drv": "throttle",
        "ro": True,
        "file": THROTTLED,
        "image": {
            "virtual-size": 64 << 20,
            "filename": THROTTLED,
            "backing-image": {"filename": "/vm/data.raw"},
        },
    },
}
FLOPPY: JsonObject = {"device": "floppy0", "qdev": "/machine/unattached/device[13]"}


def test_disks() -> None:
    replies: dict[str, Json] = {"query-block": [DISK, FILTER, FLOPPY]}
    assert facts_of({}, replies)["disks"] == [
        {
            "device": "vda",
            "node": "disk0",
            "driver": "qcow2",
            "size": 1 << 30,
            "read-only": False,
            "backing": 2,
            "file": "/vm/top.qcow2",
        },
        {
            "device": "sda",
            "node": "data",
            "driver": "throttle",
            "size": 64 << 20,
            "read-only": True,
            "backing": 0,
            "file": "/vm/data.raw",
            "io-status": "nospace",
        },
        {"device": "floppy0", "empty": True},
    ]
    shown = rows(replies)
    assert shown["disk vda"] == "disk0 · qcow2 · 1 GiB · 2 backing · /vm/top.qcow2"
    assert shown["disk sda"] == "data · throttle · 64 MiB · ro · /vm/data.raw · I/O status nospace"
    assert shown["disk floppy0"] == "empty"


def test_a_disk_without_a_file() -> None:
    json = 'json:{"driver": "null-co", "size": "1073741824"}'
    disk: JsonObject = {"qdev": "vda", "inserted": {"drv": "null-co", "file": json}}
    assert rows({"query-block": [disk]})["disk vda"] == "null-co"
    assert get_dicts(facts_of({}, {"query-block": [disk]}), "disks")[0]["file"] == json


def test_the_file_of_a_node() -> None:
    assert innermost_file(THROTTLED) == "/vm/data.raw"
    assert innermost_file("json:{not JSON") == "json:{not JSON"
    assert innermost_file('json:{"driver": "null-co"}') == 'json:{"driver": "null-co"}'
    deep = 'json:{"file": ' + '{"file": ' * 5000 + "{}" + "}" * 5001
    assert innermost_file(deep) == deep


def test_a_password_in_a_url_is_masked() -> None:
    disk: JsonObject = {"inserted": {"file": "https://me:hunter2@host/disk.img"}}
    chardev: JsonObject = {"label": "c", "filename": "tcp://me:hunter2@host:1"}
    said = str(facts_of({}, {"query-block": [disk], "query-chardev": [chardev]}))
    assert "hunter2" not in said
    assert "host/disk.img" in said


def test_network_cards_and_netdevs_without_one() -> None:
    text = (
        "nic0: index=0,type=nic,model=virtio-net-pci,macaddr=52:54:00:12:34:56\r\n"
        " \\ n0: index=0,type=user,net=10.0.2.0,restrict=off\r\n"
        " \\ n0: index=1,type=user,net=10.0.2.0,restrict=off\r\n"
        "nic1: index=0,type=nic,model=e1000e,macaddr=52:54:00:12:34:57\r\n"
        "n1: index=0,type=tap,ifname=tap0\r\n"
        "hub 0\r\n \\ hub0port0: socket\r\n"
    )
    facts = facts_of({}, {"info network": text})
    assert facts["nics"] == [
        {
            "id": "nic0",
            "model": "virtio-net-pci",
            "mac": "52:54:00:12:34:56",
            "backend": "n0",
            "backend-type": "user",
        },
        {"id": "nic1", "model": "e1000e", "mac": "52:54:00:12:34:57"},
    ]
    assert facts["unused-netdevs"] == ["n1"]
    assert rows({"info network": text})["nic nic1"] == "e1000e · 52:54:00:12:34:57 · not connected"


def test_the_machine_and_its_state() -> None:
    replies: dict[str, Json] = {
        "type": "pc-q35-7.2-machine",
        "query-target": {"arch": "x86_64"},
        "query-kvm": {"enabled": False, "present": True},
        "query-status": {"status": "prelaunch", "running": False},
        "query-name": {"name": "vm7"},
        "query-cpus-fast": [{"cpu-index": 0}, {"cpu-index": 1}],
        "smp": {"maxcpus": 4, "sockets": 1, "dies": 2, "cores": 2, "threads": 1, "clusters": 1},
        "query-hotpluggable-cpus": [{"type": "qemu64-x86_64-cpu"}],
        "query-memory-size-summary": {"base-memory": 256 << 20, "plugged-memory": 1 << 30},
        "query-balloon": {"actual": 128 << 20},
    }
    assert rows(replies) == {
        "machine": "pc-q35-7.2 · x86_64 · no KVM · QEMU 7.2.22",
        "state": "prelaunch · name vm7",
        "cpu": "2 of 4 · qemu64-x86_64-cpu · 1 socket × 2 dies × 2 cores × 1 thread",  # noqa: RUF001
        "memory": "256 MiB · 1 GiB plugged · balloon at 128 MiB",
    }
    assert facts_of(SERVER, replies)["machine"] == {
        "type": "pc-q35-7.2",
        "target": "x86_64",
        "kvm": False,
    }


def test_numbers_that_no_server_can_mean_are_left_out() -> None:
    huge = 10**400
    replies: dict[str, Json] = {"query-memory-size-summary": {"base-memory": huge}}
    assert str(huge) not in str(facts_of(SERVER, replies))
    assert "memory" not in rows(replies)


@pytest.mark.parametrize(
    "replies, shown",
    [
        ({"query-kvm": {"enabled": True}}, "KVM · QEMU 7.2.22"),
        ({"query-accelerators": {"enabled": "tcg", "present": ["tcg"]}}, "TCG · QEMU 7.2.22"),
        ({"query-accelerators": {"enabled": "kvm"}}, "KVM · QEMU 7.2.22"),
        ({}, "QEMU 7.2.22"),
    ],
)
def test_the_accelerator(replies: dict[str, Json], shown: str) -> None:
    assert rows(replies)["machine"] == shown


def test_displays_chardevs_ports_and_work() -> None:
    vnc: JsonObject = {"family": "unix", "service": "/vm/vnc", "host": ""}
    replies: dict[str, Json] = {
        "query-vnc-servers": [{"id": "default", "server": [vnc], "clients": []}],
        "query-spice": {
            "enabled": True,
            "host": "127.0.0.1",
            "port": 5900,
            "channels": [{"connection-id": 7}, {"connection-id": 7}],
        },
        "query-chardev": [
            {"label": "ser0", "filename": "pty:/dev/pts/1", "frontend-open": True},
            {
                "label": "ga0",
                "filename": "disconnected:unix:/vm/ga,server=on",
                "frontend-open": False,
            },
            {"label": "compat_monitor0", "filename": "unix:qmp.sock,server=on"},
            {"label": "qmpsh-monitor", "filename": "unix:/tmp/qmp.sock,server=on"},
        ],
        "peripheral": [{"name": "rp0", "type": "child<pcie-root-port>"}, {"name": "type"}],
        "port rp0": [{"name": "child[0]", "type": "link<virtio-blk-pci>"}],
        "port rp1": [{"name": "realized", "type": "bool"}],
        "query-jobs": [
            {
                "id": "j0",
                "type": "mirror",
                "status": "running",
                "current-progress": 1,
                "total-progress": 3,
            }
        ],
        "query-migrate": {
            "status": "active",
            "ram": {"transferred": 1, "remaining": 5, "total": 10},
        },
    }
    found = rows_of(facts_of(SERVER, replies))
    said = [(row.label, " · ".join(part.text for part in row.parts)) for row in found[1:]]
    assert said == [
        ("display", "VNC /vm/vnc · 0 clients"),
        ("display", "SPICE 127.0.0.1:5900 · 1 client"),
        ("chardevs", "ser0 pty:/dev/pts/1 · ga0 unix:/vm/ga (closed)"),
        ("free ports", "rp1"),
        ("job j0", "mirror · running · 33 %"),
        ("migration", "active · 50 %"),
    ]


def test_nodes_of_a_storage_daemon_without_those_below_them() -> None:
    nodes: list[Json] = [
        {"node-name": name, "drv": "raw", "file": "/vm/data.raw", "image": {"virtual-size": 1024}}
        for name in ("r1", "f")
    ]
    graph: JsonObject = {
        "nodes": [
            {"id": 1, "type": "block-driver", "name": "r1"},
            {"id": 2, "type": "block-driver", "name": "f"},
            {"id": 3, "type": "block-backend", "name": ""},
        ],
        "edges": [{"parent": 1, "child": 2}, {"parent": 3, "child": 1}, {"parent": []}],
    }
    exports: list[Json] = [{"id": "e0", "type": "nbd", "node-name": "r1", "shutting-down": False}]
    shown = rows(
        {
            "query-named-block-nodes": nodes,
            "x-debug-query-block-graph": graph,
            "query-block-exports": exports,
        }
    )
    assert shown == {
        "server": "QEMU 7.2.22",
        "node r1": "raw · 1 KiB · /vm/data.raw",
        "export e0": "nbd · r1",
    }


def test_a_guest() -> None:
    shown = rows(
        {
            "guest-get-osinfo": {
                "pretty-name": "Debian 12",
                "kernel-release": "6.1",
                "machine": "x86_64",
            },
            "guest-get-host-name": {"host-name": "web"},
            "guest-get-time": 1_700_000_000 * 10**9,
            "guest-get-vcpus": [{"online": True}, {"online": False}],
            "guest-get-fsinfo": [
                {"mountpoint": "/", "type": "ext4", "used-bytes": 1 << 30, "total-bytes": 4 << 30}
            ],
            "guest-network-get-interfaces": [
                {
                    "name": "eth0",
                    "hardware-address": "52:54:00:00:00:01",
                    "ip-addresses": [{"ip-address": "10.0.2.15", "prefix": 24}],
                }
            ],
        }
    )
    assert list(shown.items())[1:] == [
        ("system", "Debian 12 · 6.1 · x86_64"),
        ("host name", "web"),
        ("time", "2023-11-14 22:13:20 UTC"),
        ("cpu", "1 of 2"),
        ("fs /", "ext4 · 1 GiB of 4 GiB · 25 %"),
        ("nic eth0", "10.0.2.15/24 · 52:54:00:00:00:01"),
    ]


def test_a_completed_migration_has_no_share() -> None:
    ram: JsonObject = {"transferred": 1, "remaining": 0, "total": 10}
    replies: dict[str, Json] = {"query-migrate": {"status": "completed", "ram": ram}}
    assert facts_of({}, replies)["migration"] == {"status": "completed", **ram}
    assert rows(replies)["migration"] == "completed"
    assert rows({"query-migrate": {"status": "none"}}).get("migration") is None


def test_what_was_not_answered_is_named() -> None:
    shown = rows({"query-block": [FLOPPY]}, ("disks", "nics"))
    assert shown["disk floppy0"] == "empty"
    assert shown["nics"] == "no answer yet"
    assert facts_of({}, {}, ("nics",)) == {"server": {}, "unanswered": ["nics"]}


@pytest.mark.parametrize(
    "count, shown",
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1 KiB"),
        (1536 << 20, "1.5 GiB"),
        (2**64 - 1, "16384 PiB"),
    ],
)
def test_sizes_are_in_the_units_of_qemus_options(count: int, shown: str) -> None:
    assert binary_size(count) == shown


KEYS = sorted(question.key for kind in (QEMU, STORAGE_DAEMON, STRATOVIRT, GUEST_AGENT)
              for question in asked(Survey(kind, ())))  # fmt: skip


@patient
@given(st.dictionaries(st.sampled_from([*KEYS, "port rp0"]), values, max_size=4))
def test_a_reply_of_any_shape_is_read(replies: dict[str, Json]) -> None:
    facts = facts_of(SERVER, replies)
    assert set(facts) <= set(FACT_KEYS)
    shown: list[OverviewRow] = rows_of(facts)
    assert len(plain_text(shown).splitlines()) >= 1


def mangled(value: Json, other: Json, at: list[int]) -> Json:
    """The value with another one somewhere in it."""
    if not at or not value or not isinstance(value, dict | list):
        return other
    if isinstance(value, list):
        place = at[0] % len(value)
        return [*value[:place], mangled(value[place], other, at[1:]), *value[place + 1 :]]
    name = sorted(value)[at[0] % len(value)]
    return {**value, name: mangled(value[name], other, at[1:])}


@patient
@given(values, st.lists(st.integers(0, 9), max_size=5))
def test_a_disk_with_something_else_in_it_is_read(other: Json, at: list[int]) -> None:
    found = mangled([DISK, FILTER, FLOPPY], other, at)
    rows_of(facts_of(SERVER, {"query-block": found}))


def test_a_name_makes_no_row_of_its_own() -> None:
    disk: JsonObject = {"device": "a\nstate  running", "inserted": {"file": "/a\tb\r\nc"}}
    text = plain_text(rows_of(facts_of({}, {"query-block": [disk]})))
    assert text.splitlines() == ["disk a\\nstate  running  /a\\tb\\r\\nc"]


# -------------------------------------------------------------------- the verb


COMMANDS: Messages = [
    {"return": [{"name": name} for name in ("query-commands", "query-status", "query-block")]}
]
STATUS: Messages = [{"return": {"status": "running", "running": True}}]


def test_the_verb_answers_with_rows_and_with_one_object() -> None:
    shell = ScriptedShell({"query-commands": [COMMANDS], "query-status": [STATUS]})
    assert shell.run(".status").exit_code == 0
    [answer] = shell.answers
    assert answer.text == "machine  QEMU\nstate    running"
    assert (
        answer.value
        == answer.reply
        == {
            "server": {"kind": "QEMU"},
            "state": {"status": "running", "running": True},
            "disks": [],
        }
    )
    assert shell.names == ["query-commands", "query-status", "query-block"]


def test_a_refusal_shows_no_row_but_that_of_a_machine_not_made_yet() -> None:
    said = "The command 'query-block' is permitted only after machine initialization has completed"
    shell = ScriptedShell(
        {"query-commands": [COMMANDS], "query-status": [STATUS], "query-block": [[error(said)]]}
    )
    assert shell.run(".status").exit_code == 0
    [answer] = shell.answers
    assert answer.text == ("machine  QEMU\nstate    running · preconfig: x-exit-preconfig goes on")


def test_what_is_late_is_named_and_nothing_waits_for_it() -> None:
    shell = ScriptedShell(
        {"query-commands": [COMMANDS], "query-status": [STATUS], "query-block": [[]]}
    )
    assert shell.run(".status --timeout 0.05").exit_code == 0
    assert shell.answers[0].text == "machine  QEMU\nstate    running\ndisks    no answer yet"
    assert not shell.client.in_flight


@pytest.mark.parametrize(
    "line, answers, said",
    [
        (".status --timeout 0.05", {"query-commands": [[]]}, "no answer within 0.05 s"),
        (
            ".status --timeout 0.05",
            {"query-commands": [COMMANDS], "query-status": [[]], "query-block": [[]]},
            "no answer within 0.05 s; --timeout TIME waits longer",
        ),
        (".status now", {}, ".status takes no arguments"),
        (".status", {"query-commands": [COMMANDS], "query-block": [[None]]}, "connection"),
    ],
)
def test_why_there_is_no_overview(line: str, answers: dict[str, list[Messages]], said: str) -> None:
    outcome = ScriptedShell(answers).run(line)
    assert outcome.exit_code in (2, 4, 124)
    assert said in str(outcome.error)


def test_settings_limit_it_too() -> None:
    shell = ScriptedShell({"query-commands": [[]]}, settings=Settings(timeout=0.05))
    assert shell.run(".status").exit_code == 124
