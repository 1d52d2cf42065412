"""What may stand at the cursor of a command line; no shell, no server."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from qmpsh.cli.tab.items import find_items
from qmpsh.cli.tab.line import write_line
from qmpsh.cli.tab.offers import LineServer, PathKind, ShellCandidate, TypedWords
from qmpsh.client.discovery import Monitor
from qmpsh.complete.candidates import Candidate, Catalog
from qmpsh.complete.complete import complete
from qmpsh.complete.live import LiveQuery
from qmpsh.jsontypes import Json
from qmpsh.language.syntax import Mode
from tests.ports import free_port
from tests.qemu import VmStarter
from tests.samples import schema, text

ANSWERS: dict[LiveQuery, Json] = {
    LiveQuery("qom-list", (("path", "/machine/peripheral"),)): [
        {"name": "my rng", "type": "child<virtio-rng-pci>"},
        {"name": "0net", "type": "child<virtio-net-pci>"},
        {"name": "vda", "type": "child<virtio-blk-pci>"},
    ],
    LiveQuery("qom-list", (("path", "/"),)): [{"name": "machine", "type": "child<container>"}],
}


class Known:
    """A server of QEMU 7.2's schema, and what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[LineServer] = []

    def __call__(self, server: LineServer, line: str, mode: Mode) -> list[Candidate]:
        self.asked.append(server)
        catalog = Catalog()
        catalog.set_schema(schema("7.2").commands, schema("7.2"))
        catalog.set_hmp(text("hmp-help-qemu-7.2.txt"))
        catalog.set_hmp_info(text("hmp-help-info-qemu-7.2.txt"))
        for query, answer in ANSWERS.items():
            catalog.live.set_answer(query, answer)
        return complete(line, len(line), catalog, mode)


def typed(*words: str, after: tuple[str, ...] = ()) -> TypedWords:
    """The last word is the one at the cursor."""
    return TypedWords(list(words[:-1]), words[-1], list(after))


def items(
    *words: str, after: tuple[str, ...] = (), environ: dict[str, str] | None = None
) -> list[ShellCandidate]:
    """What begins as the last word does."""
    found = find_items(typed(*words, after=after), environ or {}, Known())
    return [item for item in found if item.text.startswith(words[-1])]


def texts(
    *words: str, after: tuple[str, ...] = (), environ: dict[str, str] | None = None
) -> list[str]:
    return [item.text for item in items(*words, after=after, environ=environ)]


# ---------------------------------------------------------------------------- qmpsh run


def test_run_takes_options_and_behind_the_dashes_the_shell_s_own() -> None:
    assert "run" in texts("ru")
    assert texts("run", "--sch") == ["--schema"]
    assert texts("run", "--al") == texts("run", "--guest") == []
    assert texts("run", "-k", "--color", "al") == ["always"]
    assert items("run", "-f", "x") == [ShellCandidate("x", files=PathKind.ALL)]
    assert texts("run", "qu") == []
    assert items("run", "--", "qemu-system-x86_64", "-m") == [
        ShellCandidate("-m", files=PathKind.ALL)
    ]


# ---------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    "words,expected",
    [
        (["--sch"], ["--schema"]),
        (["./s", "--sch"], ["--schema"]),
        (["-n", "--comp"], ["--compact"]),
        (["--color", ""], ["auto", "always", "never"]),
        (["--color", "al"], ["always"]),
        (["--color=al"], ["--color=always"]),
        (["--timeout", ""], []),
        (["--timeout=5"], []),
        (["--nope="], []),
        # Behind the LINE's first word, and behind --, nothing is an option.
        (["./s", "stop", "--sch"], []),
        (["--", "--sch"], []),
        (["--", "./s", "--sch"], []),
    ],
)
def test_options(words: list[str], expected: list[str]) -> None:
    assert [item.text for item in items(*words) if item.files is None] == expected


def test_an_option_that_is_given_is_not_offered_again() -> None:
    assert texts("--yes", "--ye") == []
    assert texts("-f", "x", "--fi") == ["--file"]


def test_an_options_help_is_its_note() -> None:
    assert items("--pl")[0].note.startswith("Use a line prompt")


@pytest.mark.parametrize(
    "words,start",
    [(["-f", "scr"], 0), (["-kf", ""], 0), (["--schema", "x"], 0), (["--file=x"], 7)],
)
def test_files(words: list[str], start: int) -> None:
    assert items(*words) == [ShellCandidate(words[-1], start, files=PathKind.ALL)]


@pytest.mark.parametrize(
    "words,expected",
    [
        (["-a", "al"], ["all"]),
        (["-a", "lib"], ["libvirt:"]),
        (["--all=al"], ["--all=all"]),
        (["-a", "all", "-a", "@"], ["@", "@ansible:"]),
        (["-a", "all", "--only", "na"], ["name=", "name~"]),
        (["-a", "all", "--only", "status=pau"], ["status=paused"]),
        (
            ["-a", "all", "--except=status=p"],
            ["--except=status=paused", "--except=status=prelaunch", "--except=status=postmigrate"],
        ),
    ],
)
def test_targets(words: list[str], expected: list[str]) -> None:
    assert [item.text for item in items(*words) if item.files is None] == expected


def test_a_file_of_targets() -> None:
    assert items("-a", "@li") == [ShellCandidate("@li", 1, files=PathKind.ALL)]
    found = items("-a", "@ansible:in")
    assert found == [ShellCandidate("@ansible:in", 9, files=PathKind.ALL)]


# ---------------------------------------------------------------------------- addresses


@pytest.mark.parametrize(
    "word,expected",
    [
        ("", [ShellCandidate("", files=PathKind.SOCKETS)]),
        ("./m", [ShellCandidate("./m", files=PathKind.SOCKETS)]),
        ("~/m", [ShellCandidate("~/m", files=PathKind.SOCKETS)]),
        ("mon", [ShellCandidate("mon", files=PathKind.SOCKETS)]),
        (
            "un",
            [
                ShellCandidate("unix:", note="address", ends=False),
                ShellCandidate("un", files=PathKind.SOCKETS),
            ],
        ),
        ("unix:", [ShellCandidate("unix:", 5, files=PathKind.SOCKETS)]),
        ("unix:/tmp/m", [ShellCandidate("unix:/tmp/m", 5, files=PathKind.SOCKETS)]),
        ("nohost:44", []),
    ],
)
def test_addresses(word: str, expected: list[ShellCandidate]) -> None:
    found = items(word)
    assert [item for item in found if item.files or item.text == "unix:"] == expected


def monitor(name: str, path: str, user: str = "root") -> Monitor:
    return Monitor(path, name=name, pid=os.getpid(), clients="free", user=user)


@pytest.fixture
def vms(monkeypatch: pytest.MonkeyPatch) -> None:
    """VMs of this machine, one of them another user's."""
    known = [
        monitor("web", "/run/web"),
        monitor("web", "/run/web2"),
        monitor("web s", "/run/w"),
        monitor("run", "/run/r"),
        monitor("w:1", "/run/1"),
        monitor("we\x1b[2J", "/run/e"),
        monitor("wes", "/run/o", user="evil"),
        monitor("", "/run/n"),
    ]
    monkeypatch.setattr("qmpsh.cli.tab.options.find_monitors", lambda libvirt: known)
    trusts = {one for one in known if one.name and one.user != "evil"}
    monkeypatch.setattr("qmpsh.cli.tab.options.opens_by_name", trusts.__contains__)


@pytest.mark.parametrize(
    "words,expected",
    [
        (["we"], ["web", "web s"]),
        (["name:w"], ["name:web", "name:web s", "name:w:1"]),
        (["w:"], []),
        (["name:r"], ["name:run"]),
        (["doctor", "web"], ["web", "web s"]),
    ],
)
def test_names_of_vms(words: list[str], expected: list[str], vms: None) -> None:
    assert [item.text for item in items(*words) if item.files is None] == expected
    with_socket = items(*words, environ={"QMP_SOCKET": "./s"})
    assert words[0] != "we" or [item for item in with_socket if item.files is None] == []


def test_a_line_after_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("qmpsh.client.names.is_vm_name", lambda word, libvirt: word == "web")
    assert "query-status" in texts("web", "query-st")
    assert texts("web", "--sch") == ["--schema"]


def test_an_address_of_the_environment() -> None:
    environ = {"QMP_SOCKET": "./s"}
    assert texts("query-stat", environ=environ) == [
        "query-stats",
        "query-stats-schemas",
        "query-status",
    ]
    assert texts("set-action", "rebo", environ=environ) == ["reboot="]
    # An address may be named all the same.
    assert items("./m", environ=environ)[0].files is PathKind.SOCKETS
    assert items("unix:/x", environ=environ)[0].files is PathKind.SOCKETS
    assert items("my.sock", environ=environ)[0].files is PathKind.SOCKETS


def test_a_path_that_exists_is_an_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "monitor").touch()
    assert texts("monitor", "rebo") == []
    assert "reset" not in texts("set-action", "reboot=")
    assert texts("monitor", "set-action", "rebo") == ["reboot="]


@pytest.mark.parametrize(
    "words,environ,expected",
    [
        (["./s", ""], {}, LineServer("./s", (), negotiate=True, read_only=False, hmp=False)),
        (
            ["./s", "-N", "x"],
            {},
            LineServer("./s", (), negotiate=False, read_only=False, hmp=False),
        ),
        (["-H", "./s", "x"], {}, LineServer("./s", (), negotiate=True, read_only=False, hmp=True)),
        (
            ["--schema", "f", "-n", "x"],
            {},
            LineServer(None, ("f",), negotiate=True, read_only=False, hmp=False),
        ),
        (
            ["h:1", "x"],
            {"QMP_SOCKET": "./t"},
            LineServer("h:1", (), negotiate=True, read_only=False, hmp=False),
        ),
        (["stop", "x"], {"QMP_SOCKET": "./t"},
         LineServer("./t", (), negotiate=True, read_only=False, hmp=False)),
    ],
)  # fmt: skip
def test_who_is_asked(words: list[str], environ: dict[str, str], expected: LineServer) -> None:
    known = Known()
    find_items(typed(*words), environ, known)
    assert known.asked == [expected]


def test_nobody_is_asked_for_options_and_addresses() -> None:
    known = Known()
    for words in (["--sch"], ["./s", "-"], ["./m"], [""], ["-f", ""]):
        find_items(typed(*words), {"QMP_SOCKET": "./s"} if words[0] == "./m" else {}, known)
    assert known.asked == []


# ---------------------------------------------------------------------------- the line


@pytest.mark.parametrize(
    "words,expected",
    [
        (["query-stat"], ["query-stats", "query-stats-schemas", "query-status"]),
        (["device_add", "dri"], ["driver="]),
        (["set-action", "reboot=re"], ["reboot=reset"]),
        (["object-add", "qom-type=io"], ["qom-type=iothread"]),
        (["device_del", "id="], ["id=my rng", "id=0net", "id=vda"]),
        (["device_del", "id=my r"], ["id=my rng"]),
        (["device_del", "id=0"], ["id=0net"]),
        (["qom-list", "path=/ma"], ["path=/machine"]),
        (["blockdev-add", "driver=qcow2", "fil"], ["file.", "file="]),
        (["blockdev-add", "driver=qcow2", "file.dri"], ["file.driver="]),
        (["blockdev-add", "driver=qcow2", "file.driver=null-c"], ["file.driver=null-co"]),
        # A value with blanks in an argument before is still one value.
        (["blockdev-add", "node-name=a b", "driver=qcow2", "lazy"], ["lazy-refcounts="]),
        (["blockdev-add", "node-name='", "driver=qcow2", "lazy"], ["lazy-refcounts="]),
        (["blockdev-add", "driver=raw", "file={dri"], ["file={driver:"]),
        (["blockdev-add", "driver=raw", "file={driver: null-c"], ["file={driver: null-co"]),
        (["blockdev-add", "file={driver: file}", "driver=qc"], ["driver=qcow2", "driver=qcow"]),
        (["transaction", "actions="], ["actions=["]),
        (["transaction", "actions=[{type: abort, data: {"], ["actions=[{type: abort, data: {}"]),
        (["transaction( abort "], ["transaction( abort )"]),
        (["query-status", "--ti"], ["--timeout"]),
        (["query-status", "-"], ["--timeout", "--fd", "--wait=", "--json", "--raw",
                                 "--table", "--yes"]),
        ([".he"], [".help"]),
        ([".help", "STO"], ["STOP"]),
        ([".json", "device_add", "dri"], ["driver="]),
        ([".json", "device_del", "id=my r"], ["id=my rng"]),
        ([".hmp", "info", "statu"], ["status"]),
        (["nope", "x"], []),
        # One word is a whole line of the language, which keeps its quotes.
        (["device_add dri"], ["device_add driver="]),
        (["set-action reboot=re"], ["set-action reboot=reset"]),
        (["device_del id='my"], ["device_del id='my rng'"]),
        (["device_del id=\"my"], ['device_del id="my rng"']),
        (["device_del id=v"], ["device_del id=vda"]),
    ],
)  # fmt: skip
def test_words_of_the_line(words: list[str], expected: list[str]) -> None:
    assert texts("./s", *words) == expected


@pytest.mark.parametrize(
    "words,item",
    [
        (["blockdev-add", "driver=file", "filename=/etc/ho"], (9, PathKind.ALL)),
        (["blockdev-add", "driver=qcow2", "file.driver=file", "file.filename=/my d"],
         (14, PathKind.ALL)),
        (["screendump", "filename=/x"], (9, PathKind.ALL)),
        (["getfd", "fdname=a", "--fd", "pas"], (0, PathKind.ALL)),
        (["getfd", "fdname=a", "--fd=/etc/pas"], (5, PathKind.ALL)),
        ([".add-fd", "./di"], (0, PathKind.ALL)),
        ([".json", "screendump", "filename=/x"], (9, PathKind.ALL)),
        (["screendump", "filename=rel"], None),
        (["screendump", "format=p"], None),
        (["screendump filename=/x"], None),
        (["blockdev-add", "driver=raw", "file={driver: file, filename: /x"], None),
    ],
)  # fmt: skip
def test_files_are_left_to_the_shell(words: list[str], item: tuple[int, PathKind] | None) -> None:
    found = [(item.start, item.files) for item in items("./s", *words) if item.files]
    assert found == ([] if item is None else [item])
    assert all(item.text == words[-1] for item in items("./s", *words) if item.files)


def test_a_path_of_the_vms_begins_at_the_root() -> None:
    found = items("./s", "screendump", "filename=")
    assert [(item.text, item.ends, item.files) for item in found] == [("filename=/", False, None)]


def test_hmp() -> None:
    assert texts("./s", "-H", "info", "statu") == ["status"]
    assert texts("./s", "-H", "info statu") == ["info status"]
    assert texts("./s", "--hmp", "system_p") == ["system_powerdown"]
    assert texts("./s", "system_p") == ["system_powerdown"]


def test_what_stands_behind_the_cursor_counts() -> None:
    assert texts("./s", "blockdev-add", "lazy") == []
    assert texts("./s", "blockdev-add", "lazy", after=("driver=qcow2",)) == ["lazy-refcounts="]
    given = ("node-name=x", "driver=qcow2")
    assert texts("./s", "blockdev-add", "node-n", after=given) == []


@pytest.mark.parametrize(
    "words,ends",
    [
        (["stop"], True),
        (["set-action", "reb"], False),
        (["set-action", "reboot=res"], True),
        (["blockdev-add", "driver=qcow2", "file.dri"], False),
        (["blockdev-add", "driver=raw", "file={dri"], False),
        (["blockdev-add", "driver=raw", "file={driver: null-c"], False),
        (["transaction", "actions="], False),
        (["qom-list", "path=/ma"], False),
        (["query-status", "--jso"], True),
        (["transaction( abor"], False),
        (["transaction( abort "], True),
    ],
)
def test_what_a_blank_may_follow(words: list[str], ends: bool) -> None:
    assert items("./s", *words)[0].ends is ends


@pytest.mark.parametrize(
    "words,start",
    [
        (["stop"], 0),
        (["set-action", "reboot=res"], 7),
        (["device_del", "id=my r"], 3),
        (["blockdev-add", "driver=qcow2", "file.dri"], 5),
        (["-H", "info statu"], 5),
    ],
)
def test_where_the_new_part_begins(words: list[str], start: int) -> None:
    assert items("./s", *words)[0].start == start


def test_notes() -> None:
    notes = {item.text: item.note for item in items("./s", "device_add", "")}
    assert notes["driver="] == "str, required"
    assert notes["bus="] == "str"
    assert items("./s", "stop")[0].note == ""
    assert items("./s", "drive-backup")[0].note == "deprecated"
    assert items("./s", "-H", "info", "statu")[0].note.startswith("show the current VM status")
    assert items("./s", ".json")[0].note.startswith("print the JSON")
    assert items("./s", "device_del", "id=vd")[0].note == "virtio-blk-pci"


@pytest.mark.parametrize(
    "words,line",
    [
        (["device_add", "x"], "device_add x"),
        (["a", "k=", "l=#1", "m=a b", "n=[1, 2]", "x"], 'a k= l=#1 m="a b" n=[1, 2] x'),
        (["a", "k=it's", 'k="', "k=it's m"], "a k=it's k='\"' k='it\\'s m"),
        ([".wait", "EV", "k=a b"], ".wait EV k=a b"),
        ([".hmp", "x a b", "k=a b"], ".hmp x a b k=a b"),
    ],
)
def test_the_words_as_a_line(words: list[str], line: str) -> None:
    assert write_line(words[:-1], typed(words[-1]), hmp=False).text == line


# ---------------------------------------------------------------------------- verbs, monitors


def test_the_programs_verbs_and_their_words() -> None:
    assert texts("l")[0] == "ls"
    assert texts("--plain", "doct") == ["doct"]
    assert texts("ls", "--j") == ["--json"]
    assert set(texts("doctor", "--")) == {"--json", "--color", "--help"}
    assert "--read-only-listen" in texts("share", "--")
    assert items("doctor", "/tmp/x") == [ShellCandidate("/tmp/x", files=PathKind.SOCKETS)]
    assert texts("ls", "") == []
    assert items("l")[0].note == "list the monitors of this machine"


@pytest.mark.qemu
def test_monitors_that_are_here(start_vm: VmStarter) -> None:
    port = free_port()
    vm = start_vm("-qmp", f"tcp:127.0.0.1:{port},server=on,wait=off", name="web")
    offered = {item.text: item for item in items("")}
    assert offered[vm.path] == ShellCandidate(vm.path, note="web, free")
    assert offered[f"tcp:127.0.0.1:{port}"].note == "web, free"
    assert f"tcp:127.0.0.1:{port}" in texts("doctor", "tcp:127")
    # A path that is begun is the shell's to complete: it knows all sockets.
    assert items(vm.path[:-1]) == [ShellCandidate(vm.path[:-1], files=PathKind.SOCKETS)]


def test_options_values_and_targets_of_top() -> None:
    assert {"--once", "--prometheus", "--sort"} <= set(texts("top", "--"))
    assert "all" in texts("top", "a")
    assert {"name", "cpu", "activity"} <= set(texts("top", "-s", ""))
    assert texts("top", "--color", "n") == ["never"]


def test_files_options_and_the_command_of_replay() -> None:
    everything = [ShellCandidate("bu", files=PathKind.ALL)]
    assert items("replay", "bu") == everything
    assert {"--listen", "--speed", "--strict", "--now"} <= set(texts("replay", "b.jsonl", "--"))
    assert items("replay", "--listen", "bu") == items("replay", "b.jsonl", "--schema", "bu")
    assert items("replay", "b.jsonl", "--", "bu") == everything
    assert items("replay", "b.jsonl", "--", "sh", "bu") == everything


def test_the_words_of_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = tmp_path / "old.json"
    known.write_text("{}")
    program = tmp_path / "qemu-system-z80"
    program.touch(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert texts("schema", "d") == ["diff", "describe", "dump"]
    assert "--breaking" in texts("schema", "diff", "--")
    assert "--breaking" not in texts("schema", "has", "--")
    assert items("schema", "dump", "-o", "/t") == [ShellCandidate("/t", files=PathKind.ALL)]
    assert items("schema", "dump", "./o") == [ShellCandidate("./o", files=PathKind.ALL)]
    assert texts("schema", "dump", "qemu-sy")[0] == "qemu-system-z80"
    file = str(known)
    assert texts("schema", "has", file, "query-stat") == [
        "query-status",
        "query-stats",
        "query-stats-schemas",
    ]
    assert texts("schema", "has", file, "blockdev-add", "driver=qco") == [
        "driver=qcow2",
        "driver=qcow",
    ]
    assert "lazy-refcounts" in texts("schema", "has", file, "blockdev-add", "driver=qcow2", "lazy")
    assert "query-status" in texts("schema", "diff", file, "./vm.sock", "query-stat")
    assert texts("schema", "dump", file, "") == []


def test_a_program_is_not_started_for_a_tab(tmp_path: Path) -> None:
    program = tmp_path / "qemu"
    program.write_text("#!/bin/sh\ntouch started\n")
    program.chmod(0o755)
    assert texts("schema", "has", str(program), "query") == []
    assert not (tmp_path / "started").exists()
