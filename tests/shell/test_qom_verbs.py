"""`.cd`, `.ls`, `.get`, `.prop` and `.find`: what they ask, show and say."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.complete.candidates import Catalog
from qmpsh.complete.complete import complete, prefetch
from qmpsh.complete.hints import hint
from qmpsh.complete.live import LiveQuery
from qmpsh.errors import UsageError
from qmpsh.jsontypes import Json, JsonObject, as_dict, get_str, get_strs
from qmpsh.language.syntax import Mode
from qmpsh.secrets.text import MASK
from qmpsh.shell.columns import in_columns
from qmpsh.shell.qom.find import is_value, read_filters
from qmpsh.shell.qom.leaving import GONE
from qmpsh.shell.qom.listing import names_of
from qmpsh.shell.qom.place import QomPlace, place_of
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Note
from qmpsh.shell.trees.asking import MAX_SECONDS
from tests.client.fakes import line
from tests.protocol.strategies import patient
from tests.shell.scripted import ScriptedShell, ScriptedStream

OBJECTS: dict[str, dict[str, tuple[str, Json]]] = {
    "/": {
        "type": ("string", "container"),
        "machine": ("child<pc>", None),
        "objects": ("child<container>", None),
    },
    "/machine": {
        "type": ("string", "pc"),
        "nic": ("child<nic-pci>", None),
        "ram[0]": ("child<memory-region>", None),
    },
    "/machine/nic": {
        "type": ("string", "nic-pci"),
        "mac": ("str", "52:54"),
        "rombar": ("int32", 1),
        "hotplugged": ("bool", False),
        "legacy-addr": ("str", None),
    },
    "/objects": {"type": ("string", "container"), "sec0": ("child<secret>", None)},
    "/objects/sec0": {"type": ("string", "secret"), "data": ("string", "hunter2")},
}
"""Paths, and of each property type and value; None for one that cannot be read."""

TREE = """\
/ (container)
  /machine (pc)
    /nic (nic-pci)
    /ram[0] (memory-region)
  /objects (container)
    /sec0 (secret)
"""


class QomStream(ScriptedStream):
    """A server with an object model. gone: paths that it no longer has; asked: all commands"""

    def __init__(self, *commands: str) -> None:
        super().__init__({})
        self.gone: set[str] = set()
        self.asked: list[JsonObject] = []
        self._commands = commands

    def send(self, data: bytes) -> int:
        for text in filter(None, data.split(b"\n")):
            command: JsonObject = json.loads(text)
            self.asked.append(command)
            self.received.append(line({"id": command["id"], **self._reply(command)}))
        return len(data)

    def _reply(self, command: JsonObject) -> JsonObject:
        arguments = as_dict(command.get("arguments"))
        path, name = get_str(arguments, "path"), get_str(arguments, "property")
        members = {} if path in self.gone else OBJECTS.get(path, {})
        match command["execute"]:
            case "query-commands":
                return {"return": [{"name": name} for name in self._commands]}
            case "human-monitor-command":
                path = get_str(arguments, "command-line").split('"')[1]
                said = f"Path '{path}' could not be resolved.\n" if path in self.gone else TREE
                return {"return": said.replace("\n", "\r\n")}
            case "qom-list" if members:
                return {"return": [{"name": n, "type": t} for n, (t, _) in members.items()]}
            case "qom-get" if name in members and members[name][1] is not None:
                return {"return": members[name][1]}
            case "qom-set" if name in members:
                return {"error": {"class": "GenericError", "desc": f"{name} is fixed"}}
            case "qom-list-get":
                return {"return": [{"properties": _with_values(arguments)}]}
        return {"error": {"class": "DeviceNotFound", "desc": f"Device '{path}' not found"}}


def _with_values(arguments: JsonObject) -> list[Json]:
    (path,) = get_strs(arguments, "paths")
    return [
        {"name": name, "type": kind, **({} if value is None else {"value": value})}
        for name, (kind, value) in OBJECTS[path].items()
    ]


QEMU = ("qom-list", "qom-get", "qom-set", "human-monitor-command")


class QomShell(ScriptedShell):
    """A shell on such a server."""

    def __init__(self, *commands: str, settings: Settings | None = None) -> None:
        super().__init__(settings=settings)
        self.server = QomStream(*(commands or QEMU))
        self.client.stream = self.server

    def value(self, text: str) -> Json:
        """What a line answers."""
        self.said.clear()
        assert self.run(text).exit_code == 0
        return self.answers[-1].value

    def error(self, text: str) -> str:
        """What is wrong with a line."""
        outcome = self.run(text)
        assert outcome.error is not None
        return str(outcome.error)

    @property
    def sent(self) -> list[JsonObject]:
        """What was sent, without the ids."""
        return [{k: v for k, v in one.items() if k != "id"} for one in self.server.asked]


# -------------------------------------------------------------------- .cd and the prompt


def test_the_place_is_in_the_prompt_once_there_is_one() -> None:
    shell = QomShell()
    assert shell.context.prompt == "(QEMU) "
    for line_, prompt in (
        (".cd machine", "(QEMU /machine) "),
        (".cd nic", "(QEMU /machine/nic) "),
        (".cd ..", "(QEMU /machine) "),
        (".cd -", "(QEMU /machine/nic) "),
        (".cd /objects", "(QEMU /objects) "),
        (".cd", "(QEMU) "),
        (".cd -", "(QEMU /objects) "),
    ):
        assert shell.run(line_).exit_code == 0
        assert shell.context.prompt == prompt


def test_in_a_sourced_file_it_holds_to_the_end_of_the_file(tmp_path: Path) -> None:
    shell = QomShell()
    shell.run(".cd /objects")
    file = tmp_path / "lines.qmp"
    file.write_text(".cd /machine/nic\n.get mac\n")
    assert shell.value(f".source {file}") == "52:54"
    assert shell.context.prompt == "(QEMU /objects) "


def test_at_the_root_a_name_is_enough() -> None:
    shell = QomShell()
    assert shell.run(".get sec0.type").exit_code == 1
    assert as_dict(shell.sent[-1]["arguments"]) == {"path": "sec0", "property": "type"}
    assert shell.run(".cd sec0").exit_code == 0
    assert shell.context.prompt == "(QEMU /objects/sec0) "
    assert shell.error(".cd nic") == "no object /objects/sec0/nic"


def test_what_is_not_there_is_no_place() -> None:
    shell = QomShell()
    assert shell.error(".cd /nix") == "no object /nix"
    assert shell.error(".cd a b") == "expected at most one path, as in .cd /machine/peripheral"
    assert shell.context.place is None
    assert (
        QomShell("query-status").error(".cd /machine").startswith("this server has no object model")
    )


@pytest.mark.parametrize("text", [".ls", ".get mac", ".prop rombar 1", ".ls -l", ".tree qom"])
def test_a_place_that_is_gone_is_left_with_a_word(text: str) -> None:
    shell = QomShell()
    shell.run(".cd /machine/nic")
    shell.server.gone.add("/machine/nic")
    assert shell.run(text).exit_code == 1
    gone = GONE.format(path="/machine/nic", place="/machine")
    assert Note(gone) in shell.said
    assert shell.context.prompt == "(QEMU /machine) "
    assert shell.value(".get type") == "pc"


def test_a_refusal_leaves_the_place() -> None:
    shell = QomShell()
    shell.run(".cd /machine/nic")
    assert shell.run(".prop rombar 0").exit_code == 1
    assert shell.answers[-1].text == "GenericError: rombar is fixed"
    assert place_of(shell.context.place).path == "/machine/nic"


# -------------------------------------------------------------------- .ls


def test_names_children_first_with_a_slash() -> None:
    shell = QomShell()
    shell.run(".ls /machine")
    assert shell.answers[-1].text == "nic/\ntype"
    shell.run(".ls -a /machine")
    assert shell.answers[-1].text == "nic/\nram[0]/\ntype"
    assert shell.value(".ls --json /machine") == [
        {"name": "nic", "type": "child<nic-pci>"},
        {"name": "type", "type": "string"},
    ]
    assert shell.error(".ls -x") == "no option -x here; .ls takes -a, -l"


NIC: list[Json] = [
    {"name": "hotplugged", "type": "bool", "value": False},
    {"name": "legacy-addr", "type": "str"},
    {"name": "mac", "type": "str", "value": "52:54"},
    {"name": "rombar", "type": "int32", "value": 1},
    {"name": "type", "type": "string", "value": "nic-pci"},
]


def test_values_one_by_one_or_all_at_once() -> None:
    old, new = QomShell(), QomShell(*QEMU, "qom-list-get")
    assert old.value(".ls -l /machine/nic") == new.value(".ls -l /machine/nic") == NIC
    assert [one["execute"] for one in new.sent] == ["query-commands", "qom-list-get"]
    assert [one["execute"] for one in old.sent].count("qom-get") == 5


@pytest.mark.parametrize("commands", [QEMU, (*QEMU, "qom-list-get")])
def test_a_secret_is_never_asked_for(commands: tuple[str, ...]) -> None:
    shell = QomShell(*commands)
    rows = shell.value(".ls -l /objects/sec0")
    assert rows == [
        {"name": "data", "type": "string", "value": MASK},
        {"name": "type", "type": "string", "value": "secret"},
    ]
    assert '"data"' not in json.dumps(shell.sent)
    assert "qom-list-get" not in [one["execute"] for one in shell.sent]


def test_columns_as_ls_has_them() -> None:
    names = ["a/", "bb", "ccc", "d", "e"]
    assert in_columns(names, 80) == ["a/  bb  ccc  d  e"]
    assert in_columns(names, 12) == ["a/  ccc  e", "bb  d"]
    assert in_columns(names, 3) == names
    assert in_columns([], 80) == []
    assert names_of([{"name": "bus master[0]", "type": "child<x>"}]) == ['"bus master[0]/"']


@patient
@given(st.lists(st.text("ab", min_size=1, max_size=9), max_size=30), st.integers(1, 60))
def test_columns_fit_and_hold_every_name(names: list[str], width: int) -> None:
    lines = in_columns(names, width)
    assert sorted(" ".join(lines).split()) == sorted(names)
    assert all(len(text) <= width or " " not in text for text in lines)


def test_many_names_are_laid_out_in_linear_time() -> None:
    before = time.process_time()
    lines = in_columns(["a" * 70, *map(str, range(20_000))], 80)
    assert time.process_time() - before < 5
    assert len(lines) == 10_041


# -------------------------------------------------------------------- .get and .prop


@pytest.mark.parametrize("text", [".get mac", ".get /machine/nic.mac", ".get ../nic/mac"])
def test_a_property_by_name_or_by_path(text: str) -> None:
    shell = QomShell()
    shell.run(".cd /machine/nic")
    assert shell.value(text) == "52:54"
    assert shell.sent[-1] == {
        "execute": "qom-get", "arguments": {"path": "/machine/nic", "property": "mac"},
    }  # fmt: skip


def test_values_are_typed_as_those_of_qom_set() -> None:
    shell = QomShell()
    shell.run(".cd /machine/nic")
    for text, value in (
        (".prop rombar 0x10", 16),
        (".prop hotplugged off", False),
        (".prop mac 52", "52"),
        (".prop mac '5 2'", "5 2"),
        (".prop /machine/nic.rombar 1K", 1024),
    ):
        shell.run(text)
        sets = [one for one in shell.sent if one["execute"] == "qom-set"]
        arguments = as_dict(sets[-1]["arguments"])
        assert (arguments["path"], arguments["value"]) == ("/machine/nic", value)


def test_the_words_of_a_one_shot_are_verbatim() -> None:
    shell = QomShell()
    shell.run_words(".prop", "/machine/nic.mac", "5 2")
    assert as_dict(shell.sent[-1]["arguments"])["value"] == "5 2"


@pytest.mark.parametrize(
    "text, message",
    [
        (".get", "expected one property, as in .get type or .get /machine.type"),
        (".get a b", "expected one property, as in .get type or .get /machine.type"),
        (".get /", "expected one property, as in .get type or .get /machine.type"),
        (".prop rombar", "expected a property and its value, as in .prop rombar 0"),
        (".json .find", ".find sends several commands here; .ls, .get and .prop send one"),
        (".json .ls -l", ".ls sends several commands here; .ls, .get and .prop send one"),
    ],
)
def test_what_is_wrong_with_a_line(text: str, message: str) -> None:
    assert QomShell().error(text) == message


def test_json_watch_and_export_take_them_for_the_command_that_they_are() -> None:
    shell = QomShell()
    shell.run(".cd /machine/nic")
    shell.run(".json .prop rombar 0")
    assert shell.answers[-1].text == (
        '{"execute": "qom-set", "arguments":'
        ' {"path": "/machine/nic", "property": "rombar", "value": 0}}'
    )
    assert shell.value(".watch .get mac --count 1") == "52:54"
    assert shell.value(".watch --count 1 .ls") is not None
    assert "may change something" in shell.error(".watch .prop rombar 0")


def test_read_only_refuses_what_changes_and_what_is_secret() -> None:
    shell = QomShell(settings=Settings(read_only=True))
    assert shell.value(".get /machine/nic.mac") == "52:54"
    assert shell.value(".ls -l /machine/nic") == NIC
    assert "was not sent: --read-only" in shell.error(".prop /machine/nic.rombar 0")
    assert "reads a secret" in shell.error(".get /objects/sec0.data")


def test_a_secret_is_masked() -> None:
    assert QomShell().value(".get /objects/sec0.data") == MASK


# -------------------------------------------------------------------- .find


@pytest.mark.parametrize(
    "text, paths",
    [
        (".find type=nic-*", ["/machine/nic"]),
        (".find name=*c*", ["/machine", "/machine/nic", "/objects", "/objects/sec0"]),
        (".find type=nic-* mac=52:*", ["/machine/nic"]),
        (".find rombar=0x1 hotplugged=off", ["/machine/nic"]),
        (".find rombar=2", []),
    ],
)
def test_objects_are_found(text: str, paths: list[str]) -> None:
    shell = QomShell()
    rows = shell.value(f"{text} --json")
    assert isinstance(rows, list)
    assert [as_dict(row)["path"] for row in rows] == paths


def test_nothing_found_is_a_remark() -> None:
    shell = QomShell()
    assert shell.run(".find type=x").exit_code == 0
    assert shell.said == [Note("no such object below /")]


@pytest.mark.parametrize(
    "words, message",
    [
        (["net0"], "expected type=GLOB, name=GLOB or PROPERTY=VALUE, not net0"),
        (["password=x"], "password is a secret, which is not compared"),
        (["data=x"], "data is a secret, which is not compared"),
    ],
)
def test_what_no_filter_is(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as error:
        read_filters(words)
    assert str(error.value) == message


@pytest.mark.parametrize(
    "value, word, is_it",
    [
        (True, "on", True),
        (True, "1", False),
        (1, "on", False),
        (1024, "1K", True),
        (1.5, "1.5", True),
        ("52:54", "52:*", True),
        (None, "*", False),
        ([1], "[1]", True),
    ],
)
def test_a_value_is_what_a_word_says(value: Json, word: str, is_it: bool) -> None:
    assert is_value(value, word) is is_it


# -------------------------------------------------------------------- completion


def offered(text: str, listed: dict[str, str], place: str = "/") -> list[str]:
    """What is offered at the end of a line. listed: name and type of what all objects have"""
    catalog, mode = Catalog(), Mode(prompt=True)
    catalog.resolve_path = QomPlace(place).resolve
    prefetch(text, len(text), catalog, mode)
    for query in catalog.live.take_missing():
        (path,) = [value for _, value in query.arguments]
        homes = {"/machine/peripheral": {}, "/objects": {"io0": "child<iothread>"}}
        found = homes.get(str(path), listed)
        members: list[Json] = [{"name": name, "type": kind} for name, kind in found.items()]
        catalog.live.set_answer(query, members)
    return [found.text for found in complete(text, len(text), catalog, mode)]


MEMBERS = {
    "type": "string", "nic0": "child<nic-pci>", "bus master[0]": "child<memory-region>",
    "hotplugged": "bool",
}  # fmt: skip


@pytest.mark.parametrize(
    "text, found",
    [
        (".cd ", ["nic0/", '"bus master[0]/"', "io0/"]),
        (".get i", ["io0/"]),
        (".cd /machine/n", ["/machine/nic0/"]),
        (".ls -l ../n", ["../nic0/"]),
        (".cd 'bus", ["'bus master[0]/'"]),
        (".get ty", ["type"]),
        (".get nic0.t", ["nic0.type"]),
        (".get nic0/t", ["nic0/type"]),
        (".prop hotplugged ", ["true", "false"]),
        (".prop nic0.hotplugged t", ["true"]),
        (".prop type ", []),
        (".find t", ["type="]),
        (".tree qom /n", ["/nic0/"]),
    ],
)
def test_paths_and_properties_are_completed(text: str, found: list[str]) -> None:
    assert offered(text, MEMBERS) == found


@pytest.mark.parametrize(
    "text, said",
    [
        (".prop hotplugged o", ".prop  hotplugged: bool"),
        (".get nic0.type", ".get  nic0.type: string"),
        (".get nic0", ".get  show the value of a property of QOM"),
        (".prop ", ".prop  set a property of QOM"),
    ],
)
def test_the_hint_is_the_type_of_the_property(text: str, said: str) -> None:
    catalog, mode = Catalog(), Mode(prompt=True)
    prefetch(text, len(text), catalog, mode)
    hint(text, len(text), catalog, mode)
    for query in catalog.live.take_missing():
        members: list[Json] = [{"name": name, "type": kind} for name, kind in MEMBERS.items()]
        catalog.live.set_answer(query, members)
    assert "".join(text for _, text in hint(text, len(text), catalog, mode)) == said


def test_completion_asks_at_the_working_path() -> None:
    catalog, mode = Catalog(), Mode(prompt=True)
    catalog.resolve_path = QomPlace("/machine/nic").resolve
    prefetch(".get ../m", 9, catalog, mode)
    assert catalog.live.take_missing() == [LiveQuery("qom-list", (("path", "/machine"),))]


@pytest.mark.parametrize("verb", [".ls", ".find", ".cd nic"])
@pytest.mark.parametrize("at_once", ["", " --timeout 10ms"])
def test_the_time_that_the_line_or_the_shell_gives(verb: str, at_once: str) -> None:
    settings = Settings(timeout=None if at_once else 0.01)
    shell = ScriptedShell({"query-commands": [[]]}, settings=settings)
    started = time.monotonic()
    assert shell.run(verb + at_once).exit_code == 124
    assert time.monotonic() - started < MAX_SECONDS
