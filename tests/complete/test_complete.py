"""Candidates at every place of a line, against the captured schemas."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from qmpsh.complete.candidates import Candidate, Catalog, hmp_entries
from qmpsh.complete.complete import complete, prefetch
from qmpsh.complete.hints import find_faults, hint
from qmpsh.complete.live import LiveQuery
from qmpsh.jsontypes import Json
from qmpsh.language.cursor import find_context
from qmpsh.language.names import HOW_TO_LEAVE
from qmpsh.language.syntax import Mode
from tests.fuzzing import examples
from tests.samples import schema, text

QMP, HMP = Mode(), Mode(hmp=True, prompt=True)


def catalog(version: str = "7.2") -> Catalog:
    found = Catalog()
    known = schema(version)
    found.set_schema(known.commands, known)
    found.ends = {"device_del": "DEVICE_DELETED", "transaction": "the end of the job"}
    found.set_hmp(text("hmp-help-qemu-7.2.txt"))
    found.set_hmp_info(text("hmp-help-info-qemu-7.2.txt"))
    return found


KNOWN = catalog()


def at(line: str, known: Catalog = KNOWN, mode: Mode = QMP) -> list[Candidate]:
    """Candidates where `|` stands, or at the end."""
    cursor = line.index("|") if "|" in line else len(line)
    return complete(line.replace("|", ""), cursor, known, mode)


def applied(line: str, candidate: Candidate) -> str:
    """The line up to the cursor with the candidate in it."""
    return line.partition("|")[0][: candidate.start] + candidate.text


@pytest.mark.parametrize(
    "line,first",
    [
        ("query-stat", ["query-stats", "query-stats-schemas", "query-status"]),
        ("blockdev-add driver=qcow2 ", ["file.", "file=", "node-name="]),
        ("blockdev-add driver=qcow2 file", ["file.", "file="]),
        ("blockdev-add driver=qcow2 file.", ["driver="]),
        ("blockdev-add driver=qcow2 file.driver=file ", ["file.filename=", "node-name="]),
        ("blockdev-add driver=qcow2 file.driver=file fi", ["file.filename=", "file."]),
        ("blockdev-add driver=qcow2 file.driver=file file.filename=/x ", ["node-name="]),
        (
            "blockdev-add driver=qcow2 file.driver=qcow2 file.file.filename=x ",
            ["file.file.driver="],
        ),
        ("blockdev-add driver=qcow2 file.driver=qcow2 file.", ["file.", "file="]),
        ("blockdev-add driver=qcow2 file.node-name=x ", ["file.driver="]),
        ("blockdev-add driver=qcow2 file.driver=file file.", ["filename="]),
        ("blockdev-add driver=qcow2 file.driver=file file.fil", ["filename="]),
        ("blockdev-add file.driver=file file.| driver=qcow2", ["filename="]),
        ("blockdev-add driver=q", ["qcow2", "qcow", "qed", "quorum"]),
        ("blockdev-add driver=", ["qcow2", "raw", "file"]),
        ("blockdev-add driver=qcow2 file.driver=", ["file", "host_device", "nbd"]),
        ("blockdev-add driver=qcow2 backing.driver=", ["qcow2", "raw"]),
        ("netdev_add type=", ["user", "tap"]),
        ("b-a", ["blockdev-add"]),
        ("device-a", ["device_add"]),
        ("b-d-b-r", ["block-dirty-bitmap-remove"]),
        ("blockdev-add n-n", ["node-name="]),
        ("blockdev-add read-only=", ["true", "false"]),
        ("blockdev-add driver=qcow2 backing=", ["null"]),
        ("blockdev-add driver=raw file={", ["driver: "]),
        ("blockdev-add driver=raw file={driver: file, ", ["filename: "]),
        ("blockdev-add driver=raw file={driver: nu", ["null-aio", "null-co"]),
        ("blockdev-add driver=raw file={'driver': \"file\", ", ["filename: "]),
        ("blockdev-add driver=quorum children.0.driver=file children.0.", ["filename="]),
        ("blockdev-add driver=quorum children=[{driver: file, ", ["filename: "]),
        ("transaction actions=", ["["]),
        ("transaction actions=[{type: ab", ["abort"]),
        (
            "transaction actions=[{type: blockdev-backup, data: {",
            ["device: ", "sync: ", "target: "],
        ),
        ("transaction actions.0.type=blockdev-backup actions.0.data.", ["device="]),
        ("chardev-add id=c backend.type=socket backend.data.addr.type=", ["inet", "unix"]),
        ("object-add qom-type=iothread ", ["id="]),
        ("query-status --ti", ["--timeout"]),
        (".he", [".help"]),
        (".json blockdev-add driver=qcow2 ", ["file."]),
        (".json query-statu", ["query-status"]),
        (".json ", ["add-fd", "add_client"]),
        (".watch 5s query-statu", ["query-status"]),
        (".watch 5s ", ["add-fd"]),
        (".export ", ["bash", "python", "virsh"]),
        (".export py", ["python"]),
        (".export bash ", ["add-fd"]),
        (".export bash query-statu", ["query-status"]),
        (".export bash blockdev-add driver=qcow2 ", ["file."]),
        (".schema ", ["diff", "has", "describe", "find", "dump"]),
        (".schema d", ["diff", "describe", "dump"]),
        (".schema has query-stat", ["query-status"]),
        (".schema has BLOCK_JOB_REA", ["BLOCK_JOB_READY"]),
        (".schema has blockdev-add driver=q", ["qcow2", "qcow"]),
        (".schema has blockdev-add driver=qcow2 lazy", ["lazy-refcounts"]),
        (".schema describe blockdev-add dri", ["driver="]),
        (".schema diff old.json query-stat", ["query-status"]),
        (".schema diff old.json --br", ["--breaking"]),
        (".log ", ["on", "off"]),
        (".help STO", ["STOP"]),
        (".help blockdev-add ", ["driver="]),
        (".help blockdev-add driver=q", ["qcow2", "qcow", "qed", "quorum"]),
        (".help device_add dr", ["driver="]),
        (".wait DEVICE_D", ["DEVICE_DELETED"]),
        (".wait DEVICE_DELETED dev", ["device="]),
        (".wait DEVICE_DELETED device=net1 pa", ["path="]),
        (".events DEVICE_DELETED RESU", ["RESUME"]),
        (".wait STOP --n", ["--new"]),
        (".events STOP --co", ["--count"]),
        ("device_del --wait=DEVICE_D", ["DEVICE_DELETED"]),
        (".type --layout ", ["us", "gb", "de", "fr"]),
        (".type x --layout=g", ["gb"]),
        (".type x", []),
        (".key ", ["ctrl", "alt", "shift", "altgr", "super", "unmapped"]),
        (".key ctrl-alt-del", ["del", "delete"]),
        (".key ctrl+alt+f1", ["f1", "f10", "f11", "f12"]),
        (".key esc ctrl-ct", ["ctrl_r"]),
    ],
)
def test_candidates(line: str, first: list[str]) -> None:
    assert [candidate.text for candidate in at(line)][: len(first)] == first


@pytest.mark.parametrize(
    "line,first",
    [
        ('blockdev-add driver="', ['"qcow2"', '"raw"']),
        ("blockdev-add driver='qco", ["'qcow2'", "'qcow'"]),
        ('blockdev-add driver=raw file={"dri', ['"driver": ']),
        ('blockdev-add driver=raw file={"driver": "null-c', ['"null-co"']),
        ("blockdev-add driver=raw file={'driver': 'null-c", ["'null-co'"]),
        ("blockdev-add 'disca", ["'discard'="]),
        ('blockdev-add driver=qcow2 file."dri', ['"driver"=']),
        ('blockdev-add driver=qcow2 "file', ['"file".', '"file"=']),
        ('blockdev-add driver=qcow2 "file"', ['"file".', '"file"=']),
        ("blockdev-add driver=qcow2 'file'.dri", ["driver="]),
    ],
)
def test_inside_an_open_quote(line: str, first: list[str]) -> None:
    assert [candidate.text for candidate in at(line)][: len(first)] == first


def test_a_quoted_value_is_a_string() -> None:
    assert at('blockdev-add read-only="') == []
    assert at('blockdev-add driver=qcow2 backing="') == []
    assert [c.text for c in at("eject force=")] == ["true", "false"]


def test_quotes_inside_a_quoted_value() -> None:
    known = live({NODES: [{"node-name": "a\"b'c"}]})
    assert [c.text for c in at('blockdev-del node-name="', known)] == ['"a\\"b\'c"']
    assert [c.text for c in at("blockdev-del node-name='", known)] == ["'a\"b\\'c'"]


@pytest.mark.parametrize(
    "line,texts",
    [
        ("transaction actions", ["actions=", "actions."]),
        ("transaction actions.", ["0."]),
        ("transaction actions.0.", ["type="]),
        ("transaction actions.0.type=abort actio", ["actions."]),
        ("transaction actions.0.type=abort actions.", ["0.", "1."]),
        ("blockdev-add driver=quorum children.", ["0.", "0="]),
        ("blockdev-add driver=quorum children.0", ["0.", "0="]),
        ("blockdev-add driver=quorum children.0=a children.", ["1.", "1="]),
        ("transaction actions=[", ["{"]),
        ("transaction actions=[{type: abort", ["abort", ", "]),
        ("transaction actions=[{type: abort ", [", "]),
        ("transaction actions=[{type: abort, ", ["data: "]),
        ("transaction actions=[{type: abort, data: ", ["{"]),
        ("transaction actions=[{type: abort, data: {", ["}"]),
        ("transaction actions=[{type: abort, data: {}", ["}"]),
        ("transaction actions=[{type: abort, data: {}}", [", ", "]"]),
        ("transaction actions=[{type: abort, data: {}}]", []),
        ("transaction actions=[{type: abort, data: {}}] ", ["properties."]),
        ("blockdev-reopen options=[", ["{"]),
        ("blockdev-reopen options=[{driver: qcow2, cache: ", ["{"]),
        ("blockdev-reopen options=[{driver: raw, file: x, size: 17", [", ", "}"]),
        ("snapshot-delete devices=[a ", [", ", "]"]),
        ("blockdev-add driver=qcow2 file.", ["driver="]),
        ("nope x=[a ", []),
    ],
)
def test_no_dead_end_on_the_way_into_lists_and_objects(line: str, texts: list[str]) -> None:
    assert [candidate.text for candidate in at(line)][: len(texts) or None] == texts


@pytest.mark.parametrize(
    "line",
    [".log on ", ".help query-status ", ".help blockdev-add driver=qcow2 ",
     "stop ", "stop x=", "nope x", "blockdev-add # comment ", "query-block | jq ", "nope.x=[",
     "blockdev-add driver=qcow2 nonsense.", "query-block > fi"],
)  # fmt: skip
def test_places_where_nothing_can_be_said(line: str) -> None:
    assert at(line) == []


def test_the_branchs_members_only_after_the_tag() -> None:
    before = {candidate.text for candidate in at("blockdev-add ")}
    after = {candidate.text for candidate in at("blockdev-add driver=qcow2 ")}
    assert "file." not in before
    assert {"file.", "file=", "lazy-refcounts="} <= after
    assert "size=" not in after


def test_given_members_are_not_offered_again() -> None:
    assert "node-name=" not in {c.text for c in at("blockdev-add node-name=x driver=raw ")}
    # Not even where they stand behind the cursor.
    assert "node-name=" not in {c.text for c in at("blockdev-add | node-name=x driver=raw")}


def test_marks() -> None:
    by_text = {candidate.text: candidate for candidate in at("")}
    assert by_text["drive-backup"].deprecated
    assert by_text["x-query-irq"].unstable
    assert at("blockdev-add driver=qcow2 ")[0].required
    assert at("blockdev-add driver=qcow2 ")[1].required
    assert not at("blockdev-add driver=qcow2 ")[2].required
    assert not at("blockdev-add driver=qcow2 file.driver=file file.filename=x file")[0].required
    assert {candidate.kind for candidate in at("")} == {""}


def test_a_reference_and_a_definition_are_told_apart() -> None:
    new, existing = at("blockdev-add driver=qcow2 ")[:2]
    assert (new.text, new.kind[:9]) == ("file.", "{driver, ")
    assert (existing.text, existing.kind) == ("file=", "str")
    assert new.doc == "a new node, by its own members"
    assert existing.doc == "the name of a node that exists"
    backing = {c.text: c.kind for c in at("blockdev-add driver=qcow2 backing")}
    assert backing["backing="] == "str | null"


def test_each_modifier_has_a_sentence() -> None:
    for line in ("query-status --", "device_del --", ".help --", ".wait --"):
        assert at(line)
        assert all(candidate.doc for candidate in at(line))


def test_fuzzy_matches_come_behind_prefixes() -> None:
    texts = [candidate.text for candidate in at("qst")]
    assert "query-status" in texts
    assert "query-status" in [candidate.text for candidate in at("status")][:9]
    assert at("zzzz") == []


@pytest.mark.parametrize(
    "line,mode,first",
    [
        ("inf", HMP, "info"),
        ("info blo", HMP, "block"),
        ("help xp", HMP, "xp"),
        (".hmp info statu", QMP, "status"),
        (".hmp ", QMP, "announce_self"),
        ("", HMP, "announce_self"),
        (".h", HMP, ".help"),
    ],
)
def test_hmp(line: str, mode: Mode, first: str) -> None:
    assert at(line, mode=mode)[0].text == first


def test_verbs_do_not_stand_behind_one_another() -> None:
    assert ".help" in [c.text for c in at("")]
    assert ".help" not in [c.text for c in at(".json ")]
    # In a transaction a verb's words are what they are elsewhere.
    assert "query-status" in [c.text for c in at(".help query-st", mode=Mode(in_transaction=True))]


def test_hmp_help_is_read_as_the_server_means_it() -> None:
    """108 commands on 7.2, twins included in the names (wire.md section 9)."""
    entries = hmp_entries(text("hmp-help-qemu-7.2.txt"))
    twins = {"c", "?", "p", "q", "s"}
    assert len(set(entries) - twins) == 108
    assert entries["cont"] == entries["c"] == "resume emulation"
    assert hmp_entries(None) == {}


def live(answers: dict[LiveQuery, Json]) -> Catalog:
    known = catalog()
    for query, value in answers.items():
        known.live.set_answer(query, value)
    return known


PERIPHERAL = LiveQuery("qom-list", (("path", "/machine/peripheral"),))
NODES = LiveQuery("query-named-block-nodes", (("flat", True),))


@pytest.mark.parametrize(
    "line,query,answer,texts",
    [
        (
            "device_del id=",
            PERIPHERAL,
            [{"name": "type", "type": "string"}, {"name": "net0", "type": "child<virtio-net-pci>"}],
            ["net0"],
        ),
        ("blockdev-add driver=raw file=", NODES, [{"node-name": "#block1"}], ["#block1"]),
        ("blockdev-add driver=raw file='", NODES, [{"node-name": "a b"}], ["'a b'"]),
        ("blockdev-add driver=raw file=", NODES, [{"node-name": "a b"}], ['"a b"']),
        (
            "block-dirty-bitmap-remove node=n name=",
            NODES,
            [{"node-name": "n", "dirty-bitmaps": [{"name": "b0"}]}, {"node-name": "m"}],
            ["b0"],
        ),
        (
            "snapshot-load tag=",
            NODES,
            [{"image": {"snapshots": [{"name": "s1"}]}}, {"image": 5}, 7],
            ["s1"],
        ),
        (
            "job-dismiss id=",
            LiveQuery("query-jobs"),
            [{"id": "j0", "type": "backup", "status": "concluded"}],
            ["j0"],
        ),
        (
            "netdev_del id=",
            LiveQuery("human-monitor-command", (("command-line", "info network"),)),
            "net0: index=0,type=nic,model=x\r\n \\ nd0: index=0,type=user,net=10.0\r\n",
            ["nd0"],
        ),
        (
            "device_add bus=",
            LiveQuery("human-monitor-command", (("command-line", "info qtree"),)),
            'bus: main-system-bus\n  type System\n  dev: x, id ""\n    bus: rp0\n      type PCIE\n',
            ["rp0", "main-system-bus"],
        ),
        (
            "qom-list path=/machine/per",
            LiveQuery("qom-list", (("path", "/machine"),)),
            [
                {"name": "peripheral", "type": "child<container>"},
                {"name": "type", "type": "string"},
            ],
            ["/machine/peripheral"],
        ),
        (
            "qom-get path=/machine property=",
            LiveQuery("qom-list", (("path", "/machine"),)),
            [
                {"name": "peripheral", "type": "child<container>"},
                {"name": "type", "type": "string"},
            ],
            ["type"],
        ),
        (
            "trace-event-get-state name=qmp_",
            LiveQuery("trace-event-get-state", (("name", "qmp_*"),)),
            [{"name": "qmp_block_job_cancel", "state": "disabled"}],
            ["qmp_block_job_cancel"],
        ),
        ("job-dismiss id=", LiveQuery("query-jobs"), None, []),
        ("job-dismiss id=", LiveQuery("query-jobs"), {"not": "a list"}, []),
    ],
)
def test_live_values(line: str, query: LiveQuery, answer: Json, texts: list[str]) -> None:
    assert [candidate.text for candidate in at(line, live({query: answer}))] == texts


QTREE = LiveQuery("human-monitor-command", (("command-line", "info qtree"),))
BUSES = """bus: main-system-bus
  type System
  dev: q35-pcihost, id ""
    bus: pcie.0
      type PCIE
        bus: sc0.0
          type SCSI
    bus: xh.0
      type usb-bus
"""


@pytest.mark.parametrize(
    "driver,properties,buses",
    [
        ("virtio-blk-pci", ["addr", "multifunction"], ["pcie.0"]),
        ("scsi-hd", ["channel", "scsi-id"], ["sc0.0"]),
        ("usb-tablet", ["msos-desc"], ["xh.0"]),
        ("isa-debugcon", ["iobase"], []),
        ("not-yet-known", [], []),
        ("who-knows", ["size"], ["xh.0", "sc0.0", "pcie.0", "main-system-bus"]),
    ],
)
def test_a_device_is_offered_the_buses_that_it_fits(
    driver: str, properties: list[str], buses: list[str]
) -> None:
    query = LiveQuery("device-list-properties", (("typename", driver),))
    known = live({QTREE: BUSES, query: [{"name": name, "type": "str"} for name in properties]})
    assert [c.text for c in at(f"device_add driver={driver} bus=", known)] == buses


BLOCKSTATS = LiveQuery("query-blockstats")
STATS: Json = [{"device": "vda", "stats": {"zero": 0, "rd_bytes": 5}}]


@pytest.mark.parametrize(
    "line, texts",
    [
        (
            ".plot query-blockstats ",
            ["query-nodes=", "[device=vda].stats.rd_bytes", "[device=vda].stats.zero"],
        ),
        (".plot query-blockstats [dev", ["[device=vda].stats.rd_bytes", "[device=vda].stats.zero"]),
        (".plot 2s query-blockstats [device=vda].stats.r", ["[device=vda].stats.rd_bytes"]),
        (".plot query-blockstats [0].x [device=vda].stats.z", ["[device=vda].stats.zero"]),
        (".plot query-blockstats --count 2 rd_b", ["[device=vda].stats.rd_bytes"]),
        (".watch query-blockstats [dev", []),
    ],
)
def test_paths_into_the_reply(line: str, texts: list[str]) -> None:
    assert [candidate.text for candidate in at(line, live({BLOCKSTATS: STATS}))] == texts


def test_paths_are_no_faults() -> None:
    assert find_faults(".plot query-blockstats [device=vda].stats.x/s a.b c", KNOWN, QMP) == []
    assert find_faults(".plot query-blockstats x=1 a.b", KNOWN, QMP) != []


def test_a_property_whose_name_holds_a_dot() -> None:
    query = LiveQuery("device-list-properties", (("typename", "nvme"),))
    known = live(
        {query: [{"name": "zoned.zasl", "type": "uint8"}, {"name": "atomic.dn", "type": "bool"}]}
    )
    assert [c.text for c in at("device_add driver=nvme zoned.", known)] == ["zoned.zasl="]
    assert [c.text for c in at("device_add driver=nvme zoned.za", known)] == ["zoned.zasl="]
    assert [c.text for c in at("device_add driver=nvme atomic.dn=", known)] == ["on", "off"]
    assert "zoned.zasl=" not in [c.text for c in at("device_add driver=nvme zoned.zasl=1 ", known)]


@pytest.mark.parametrize(
    "line,bitmaps",
    [
        ("block-dirty-bitmap-remove node=n name=", ["b0"]),
        ("block-dirty-bitmap-remove name=| node=m", ["b1"]),
        ("block-dirty-bitmap-remove name=", ["b0", "b1"]),
        ("block-dirty-bitmap-remove node=drive0 name=", ["b0", "b1"]),
        ("blockdev-backup device=m bitmap=", ["b1"]),
        ("block-dirty-bitmap-merge node=n target=", ["b0"]),
        ("block-dirty-bitmap-merge node=n bitmaps=[{node: m, name: ", ["b1"]),
        ("transaction( block-dirty-bitmap-clear node=m name=", ["b1"]),
    ],
)
def test_the_bitmaps_of_the_node_that_is_named(line: str, bitmaps: list[str]) -> None:
    nodes: Json = [
        {"node-name": "n", "dirty-bitmaps": [{"name": "b0"}]},
        {"node-name": "m", "dirty-bitmaps": [{"name": "b1"}]},
    ]
    assert [c.text for c in at(line, live({NODES: nodes}))] == bitmaps


@pytest.mark.parametrize(
    "line,there,missing",
    [
        ("query-status --", {"--wait=", "--json"}, {"--wait", "--oob", "--new", "--count"}),
        ("device_del id=x --", {"--wait"}, {"--wait=", "--oob"}),
        ("yank --", {"--oob", "--wait="}, {"--wait"}),
        ("transaction( abort ) --", {"--wait"}, {"--oob", "--wait="}),
    ],
)
def test_modifiers_that_the_command_takes(line: str, there: set[str], missing: set[str]) -> None:
    found = {candidate.text for candidate in at(line)}
    assert there <= found
    assert missing.isdisjoint(found)
    nothing_known = Catalog()
    nothing_known.set_schema(("stop",), None)
    assert "--oob" in {c.text for c in at("stop --", nothing_known)}


def test_what_is_not_known_is_wanted_once() -> None:
    known = catalog()
    assert at("device_del id=", known) == []
    assert at("device_del id=", known) == []
    assert known.live.take_missing() == [PERIPHERAL]
    assert at("device_del id=", known) == []
    assert known.live.take_missing() == []
    known.live.set_answer(PERIPHERAL, [])
    known.live.now += 60
    prefetch("device_del id=", 14, known, QMP)
    assert known.live.take_missing() == [PERIPHERAL]
    known.live.forget()
    at("device_del id=", known)
    assert known.live.missing == [PERIPHERAL]


def test_properties_of_a_device() -> None:
    query = LiveQuery("device-list-properties", (("typename", "virtio-net-pci"),))
    known = live(
        {
            query: [
                {"name": "mq", "type": "bool", "description": "multiqueue"},
                {"name": "mac", "type": "str"},
                {"name": "bus", "type": "str"},
                {"name": "disable-legacy", "type": "OnOffAuto"},
            ]
        }
    )
    line = "device_add driver=virtio-net-pci mac=x "
    found = {candidate.text: candidate for candidate in at(line, known)}
    assert set(found) == {"bus=", "id=", "mq=", "disable-legacy="}
    assert (found["mq="].kind, found["mq="].doc) == ("bool", "multiqueue")
    assert [c.text for c in at(line + "disable-legacy=", known)] == ["on", "off", "auto"]
    assert [c.text for c in at(line + "mq=", known)] == ["on", "off"]


@pytest.mark.parametrize(
    "line,prefix,texts",
    [
        ("blockdev-add driver=file filename=", "/", ["/tmp/", "/a"]),
        ("blockdev-add driver=qcow2 file={driver: file, filename: /t", "/t", ["/tmp/"]),
        ("screendump filename=/a", "/a", ["/a"]),
        ("drive-backup device=d target=/", "/", ["/tmp/", "/a"]),
        ("chardev-add id=c backend.type=file backend.data.out=/", "/", ["/tmp/", "/a"]),
        ("query-block > no", "no", ["notes"]),
        ("getfd fdname=a --fd no", "no", ["notes"]),
        ("getfd fdname=a --fd=/t", "/t", ["/tmp/"]),
        ("getfd --fd no| fdname=a", "no", ["notes"]),
        ("getfd --timeout=no", None, []),
        (".add-fd no", "no", ["notes"]),
        (".add-fd ./no", "./no", []),
        ("qom-list path=/a", None, []),
        ("object-add qom-type=rng-random id=/", None, []),
    ],
)
def test_paths(line: str, prefix: str | None, texts: list[str]) -> None:
    known, asked = catalog(), []

    def paths(prefix: str) -> list[str]:
        asked.append(prefix)
        return [path for path in ("/tmp/", "/a", "notes") if path.startswith(prefix)]

    known.paths = paths
    assert [candidate.text for candidate in at(line, known)] == texts
    assert asked == ([] if prefix is None else [prefix])


def test_no_folder_is_read_for_what_was_not_asked_for() -> None:
    known = catalog()
    known.paths = lambda prefix: pytest.fail(f"{prefix} is read")
    line = "blockdev-add driver=file filename="
    prefetch(line, len(line), known, QMP)


def test_what_stands_beside_a_nested_member() -> None:
    line = "blockdev-add driver=qcow2 node-name=a file.driver=file file.filename=b file."
    context = find_context(line, len(line), QMP)
    assert context.beside(("file", "x")) == {"driver": "file", "filename": "b"}
    assert context.beside(("x",)) == {"driver": "qcow2", "node-name": "a"}
    assert context.beside(()) == {"driver": "qcow2", "node-name": "a"}


def test_new_names_are_not_offered() -> None:
    known = live({NODES: [{"node-name": "n"}]})
    assert at("blockdev-add driver=raw node-name=", known) == []
    assert [c.text for c in at("blockdev-del node-name=", known)] == ["n"]


def test_a_command_that_only_this_build_has() -> None:
    from tests.schema.test_check import with_command

    own = with_command("hello-world", {"message": "str"})
    known = Catalog()
    known.set_schema(own.commands, own)
    assert [c.text for c in at("hello-w", known)] == ["hello-world"]
    assert [c.text for c in at("hello-world ", known)] == ["message="]
    assert said("hello-world ", known) == "hello-world  message: str"


RETURNS_AT_ONCE = "returns at once; --wait waits for DEVICE_DELETED"


def said(line: str, known: Catalog = KNOWN) -> str:
    return "".join(part for _, part in hint(line, len(line), known, QMP))


@pytest.mark.parametrize(
    "line,begins",
    [
        ("stop", "stop"),
        ("eject", "eject  device: str  id: str  force: bool"),
        ("eject id=a.b fo", "eject  id=a.b  device: str  force: bool"),
        ("eject fo", "eject  device: str  id: str  force: bool"),
        ("eject force", "eject  [force: bool]  device: str  id: str"),
        ("eject id=a force=", "eject  [force: bool]  id=a  device: str"),
        ("blockdev-add driver=file filename=", "blockdev-add  [filename*: str]  driver=file"),
        (
            "blockdev-add driver=qcow2 file.driver=file file.",
            "blockdev-add  file.filename*: str  driver=file",
        ),
        ("transaction actions=[{type: abort, ", "transaction  type=abort  data*: {}"),
        ("blockdev-add driver=qcow2 ", "blockdev-add  file*: "),
        ("blockdev-add driver=qcow2 file=d ", "blockdev-add  driver=qcow2  file=d  node-name"),
        (
            "blockdev-add driver=qcow2 file.driver=file ",
            "blockdev-add  file.filename*: str  driver=qcow2  file: ",
        ),
        (
            "blockdev-add driver=qcow2 file.driver=file node-name=",
            "blockdev-add  file.filename*  [node-name: str]  driver=qcow2",
        ),
        ("blockdev-add driver=qcow2 file={driver: file", "blockdev-add  [driver*: "),
        ("device_del ", "device_del  id*: str"),
        ("device_del id=a ", f"device_del  {RETURNS_AT_ONCE}  id=a"),
        ("device_del id=a", f"device_del  [id*: str]  {RETURNS_AT_ONCE}"),
        ("device_del id=a --wait ", "device_del  id=a"),
        (".help x", ".help  list verbs"),
        (".json ", ".json  print"),
        (".json query-status", "query-status"),
        ("nope", ""),
        (".nope ", ""),
        ("", ""),
    ],
)
def test_hint(line: str, begins: str) -> None:
    found = said(line)
    assert found == begins or (begins and found.startswith(begins))


@pytest.mark.parametrize(
    "line,meant",
    [
        ("query status", "query-status"),
        ("device add driver=x", "device_add driver=x"),
        ("query named block nodes", "query-named-block-nodes"),
    ],
)
def test_words_that_make_a_name_are_joined(line: str, meant: str) -> None:
    ((_, _, message),) = faults(line)
    assert message.endswith(f"; did you mean {meant}?")


def faults(line: str) -> list[tuple[str, str, str]]:
    """The marked text, the role and the message of each fault."""
    return [
        (line[fault.span[0] : fault.span[1]], fault.role, fault.message)
        for fault in find_faults(line, KNOWN, QMP)
    ]


@pytest.mark.parametrize(
    "line,found",
    [
        ("", []),
        ("blockdev-ad", []),
        (
            "blockdev-add driver=file locking=on auto-read-only=On ",
            [("On", "error", "auto-read-only: On is not a boolean")],
        ),
        ("migrate-set-capabilities capabilities=[{capability: xbzrle, state: True}] ", []),
        ("blockdev-adx", [("blockdev-adx", "error", "no command blockdev-adx; did you mean")]),
        ("blockdev-ad ", [("blockdev-ad", "error", "no command blockdev-ad; did you mean")]),
        (".nope x", []),
        ("blockdev-add fle", []),
        ("blockdev-add fle=x", [("fle", "error", "no argument 'fle'")]),
        (
            "blockdev-add drvier=qcow2",
            [("drvier", "error", "no argument 'drvier'; did you mean driver?")],
        ),
        ("blockdev-add filename=x file.driver=file lockin", []),
        (
            "blockdev-add driver=qcow2 fle=x",
            [("fle", "error", "no argument 'fle'; did you mean file?")],
        ),
        (
            "blockdev-add driver=qcow2 file.driver=file file.lockin=on",
            [("file.lockin", "error", "no member 'lockin'; did you mean locking?")],
        ),
        ("blockdev-add driver=qco", []),
        (
            "blockdev-add driver=qco ",
            [("qco", "error", "'qco' is not a value of driver; did you mean")],
        ),
        ("balloon value=much ", [("much", "error", "value: much is not an integer")]),
        ("balloon value='5' ", [("'5'", "error", "value: 5 is not an integer")]),
        ("eject force=perhaps ", [("perhaps", "error", "force: perhaps is not a boolean")]),
        ("device_add driver=x whatever=5 ", []),
        ("drive-backup device=x", [("drive-backup", "deprecated", "drive-backup is deprecated")]),
        (
            "transaction actions=[{type: aborted, ",
            [("aborted", "error", "'aborted' is not a value of type; did you mean abort?")],
        ),
    ],
)
def test_faults_while_typing(line: str, found: list[tuple[str, str, str]]) -> None:
    said = faults(line)
    assert [fault[:2] for fault in said] == [fault[:2] for fault in found]
    assert all(a[2].startswith(b[2]) for a, b in zip(said, found, strict=True))


LINES = st.one_of(
    st.text(max_size=40),
    st.lists(
        st.sampled_from(
            ["blockdev-add ", "driver=", "qcow2 ", "file", ".", "={", "[", "]", "}", ": ", ", ",
             "'", '"', "\\", "transaction ", "actions=", "type", "#", " | ", " > ", "--wait=",
             ".hmp ",
             "0", "device_add ", "(QEMU) ", "-> "]
        ),
        max_size=12,
    ).map("".join),
)  # fmt: skip


@given(LINES, st.integers(0, 60), st.booleans())
@example("stop ={:0", 9, False)
@example("transaction actions=[{: [x", 26, False)
def test_any_line_has_a_place_and_candidates_fit_it(line: str, cursor: int, hmp: bool) -> None:
    cursor = min(cursor, len(line))
    mode = Mode(hmp=hmp)
    place = find_context(line, cursor, mode)
    assert 0 <= place.start <= cursor
    for candidate in complete(line, cursor, KNOWN, mode):
        assert 0 <= candidate.start <= cursor
    prefetch(line, cursor, KNOWN, mode)
    hint(line, cursor, KNOWN, mode)
    for fault in find_faults(line, KNOWN, mode):
        assert 0 <= fault.span[0] < fault.span[1] <= len(line)


@examples(2)
@given(st.sampled_from(sorted(schema("7.2").commands)), st.data())
def test_tab_alone_builds_lines_that_complete_on(name: str, data: st.DataObject) -> None:
    """A candidate applied at the cursor leads to a place where the same candidate fits again."""
    line = f"{name} "
    for _ in range(4):
        found = at(line)
        if not found:
            break
        candidate = data.draw(st.sampled_from(found))
        line = applied(line, candidate)
        again = [other.text for other in at(line)]
        goes_on = any(text.startswith(candidate.text) for text in again)
        assert goes_on or line[-1] in "=.[{ :,}])" or not again, (line, again)
        if line[-1] not in "=.[{:, ":
            line += " "


def qom_catalog(line: str) -> Catalog:
    """A catalog that has been answered what a line asks of one object."""
    known = catalog("10.0")
    listed: Json = [
        {"name": "realized", "type": "bool"},
        {"name": "werror", "type": "BlockdevOnError"},
        {"name": "iothread", "type": "link<iothread>"},
        {"name": "serial", "type": "str"},
    ]
    described: Json = [{"name": "werror", "description": "Error policy (report/ignore/auto)"}]
    tree = "/ (container)\r\n  /objects (container)\r\n    /io0 (iothread)\r\n    /m (x)\r\n"
    answers: dict[str, Json] = {
        "qom-list": listed,
        "qom-get": "virtio-blk-device",
        "qom-list-properties": described,
        "human-monitor-command": tree,
    }
    for _ in range(3):
        complete(line, len(line), known, QMP)
        for query in known.live.take_missing():
            known.live.set_answer(query, answers[query.command])
    return known


@pytest.mark.parametrize(
    "name, words",
    [
        ("realized", ["true", "false"]),
        ("werror", ["report", "ignore", "auto"]),
        ("iothread", ["/objects/io0"]),
        ("serial", []),
        ("none", []),
    ],
)
def test_the_values_of_qom_set(name: str, words: list[str]) -> None:
    line = f"qom-set path=/machine/vb0 property={name} value="
    assert sorted(c.text for c in at(line, qom_catalog(line))) == sorted(words)


def test_a_quoted_value_of_qom_set_is_text() -> None:
    line = "qom-set path=/machine/vb0 property=realized value='"
    assert at(line, qom_catalog(line)) == []
    line = "qom-set path=/machine/vb0 property=werror value='i"
    assert [c.text for c in at(line, qom_catalog(line))] == ["'ignore'"]


def test_the_topics_of_help() -> None:
    assert [c.text for c in at(".help --wai")] == ["--wait"]
    assert {"--fd", "--oob", "--count"} <= {c.text for c in at(".help --")}
    assert [c.text for c in at(".help exit-")] == ["exit-codes"]
    assert "keys" in [c.text for c in at(".help key")]


def test_the_second_file_of_put_is_the_guest_s() -> None:
    known = catalog()
    known.paths = lambda prefix: ["/etc/hosts"]
    assert [c.text for c in at(".put /et", known)] == ["/etc/hosts"]
    assert at(".put /etc/hosts /et", known) == []


@given(st.text(alphabet="/ ()\n\r|'\"ab[0]", max_size=200))
def test_any_tree_of_objects_is_read(tree: str) -> None:
    line = "qom-set path=/machine/vb0 property=iothread value="
    known = qom_catalog(line)
    query = LiveQuery("human-monitor-command", (("command-line", "info qom-tree /"),))
    known.live.set_answer(query, tree)
    complete(line, len(line), known, QMP)


@pytest.mark.parametrize("word", [":q", "bye", "exit()"])
def test_a_word_that_leaves_other_programs(word: str) -> None:
    faults = find_faults(word, KNOWN, QMP._replace(prompt=True))
    assert [fault.message for fault in faults] == [HOW_TO_LEAVE]
    assert [fault.message for fault in find_faults(word, KNOWN, QMP)] != [HOW_TO_LEAVE]
