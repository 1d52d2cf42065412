"""`.help` and `.apropos` with a schema and no VM."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.complete.candidates import Catalog
from qmpsh.errors import UsageError
from qmpsh.language.modifiers import MODIFIERS
from qmpsh.language.syntax import PLAIN
from qmpsh.shell.context import FrontEnd
from qmpsh.shell.help_at import help_at
from qmpsh.shell.settings import Settings
from qmpsh.shell.topics import HelpTopics
from tests.samples import schema
from tests.shell.scripted import ScriptedShell

TOPICS = HelpTopics(("query-status", "blockdev-add"), schema("10.0"), None)


def shown(line: str, front_end: FrontEnd | None = None) -> str:
    settings = Settings(interactive=True)
    shell = ScriptedShell(
        {"query-commands": [[{"return": [{"name": "query-status"}, {"name": "stop"}]}]]},
        settings=settings,
        front_end=front_end,
    )
    outcome = shell.run(line)
    assert outcome.error is None
    return str(shell.answers[-1].text)


def test_the_overview_lists_verbs_and_commands() -> None:
    text = shown(".help")
    assert text.startswith("Verbs of the shell:\n  .help [NAME]")
    assert "Commands of this server (2):\n  query-status  stop" in text


@pytest.mark.parametrize(
    "topic, says",
    [
        (".wait", ".wait EVENT [KEY=VALUE...]|job=ID\n    "),
        (".events", "; --count N\n\n    --count N   end after N"),
        (".screen", "\n    --until PATTERN   wait for a row in which PATTERN is found"),
        ("--wait", "Ends are known of:"),
        ("exit-codes", "124"),
        ("stop", "stop"),
        ("blockdev-add", "driver*"),
    ],
)
def test_topics(topic: str, says: str) -> None:
    assert says in shown(f".help {topic}")


@pytest.mark.parametrize("name", MODIFIERS)
def test_each_modifier_is_a_topic(name: str) -> None:
    assert shown(f".help --{name}").startswith(f"--{name}")


def test_the_modifier_that_waits_lists_the_ends() -> None:
    said = shown(".help --wait")
    assert said.startswith("--wait[=EVENT]\n    wait until the work that the line starts")
    assert "block-export-del" in said


class Keys(FrontEnd):
    """A front end with a key."""

    def keys(self) -> list[tuple[str, str]]:
        return [("F1", "shows the keys")]


def test_the_keys_are_those_of_the_front_end() -> None:
    assert shown(".help keys", Keys()) == "F1   shows the keys"


@pytest.mark.parametrize(
    "line, says",
    [
        (".help --waiit", "no modifier --waiit; did you mean --wait or --watch?"),
        (".help --hmp", "--hmp is an option of qmpsh"),
        (".help .hlep", "no verb .hlep; did you mean .help?"),
        (".help query-statsu", "no command, event or type is called query-statsu"),
        (".help keys", "no command, event or type is called keys"),
        (".apropos", "expected a word"),
        (".apropos xyzzy", "neither a name nor a text of the manual contains xyzzy"),
    ],
)
def test_what_is_not_there(line: str, says: str) -> None:
    outcome = ScriptedShell().run(line)
    assert outcome.exit_code == 2
    assert says in str(outcome.error)


def test_a_tag_chooses_the_members() -> None:
    assert "backing" in TOPICS.explain("blockdev-add driver=qcow2")
    with pytest.raises(UsageError, match="no value qcow3 of driver; did you mean qcow or qcow2"):
        TOPICS.explain("blockdev-add driver=qcow3")


def test_disabled_commands_say_so() -> None:
    topics = HelpTopics(("query-status",), schema("10.0"), None, "", frozenset({"query-status"}))
    assert topics.explain("query-status").startswith("query-status is disabled: ")


def test_a_search_without_a_manual_looks_at_names() -> None:
    assert "query-status" in TOPICS.search("STATUS").splitlines()


# ------------------------------------------------------------------------ a member, a value


def test_a_member_is_explained_before_its_command() -> None:
    text = TOPICS.explain("drive-backup sync", 60)
    assert text.startswith(
        "sync: one of these  (drive-backup)\n  top, full, none, incremental, bitmap\n"
    )
    assert "\n\ndrive-backup  (command" in text


def test_an_object_is_explained_by_its_members() -> None:
    text = TOPICS.explain("blockdev-add driver=qcow2 file.driver=file file", 60)
    assert text.startswith("file: ")
    assert "  filename*" in text.partition("\n\n")[0]


def test_a_line_that_the_schema_asks_for_is_the_example() -> None:
    assert "Example:\n  device_del id=..." in TOPICS.explain("device_del")
    assert "Example:\n  blockdev-add driver=qcow2 file=..." in TOPICS.explain(
        "blockdev-add driver=qcow2"
    )
    assert "Example" not in TOPICS.explain("query-status")


@pytest.mark.parametrize("words", ["device_del nothing", "device_del id=", "device_del id.x.y=1"])
def test_what_is_no_member_does_not_matter(words: str) -> None:
    assert TOPICS.explain(words).startswith(("device_del  (command)", "id: str"))


@pytest.mark.parametrize("mark", ["?", "--help", "-h"])
@pytest.mark.parametrize("line", ["stop {}", "stop id=1 {}", "stop --timeout 5 {}"])
def test_a_mark_at_the_end_asks_for_help(line: str, mark: str) -> None:
    assert shown(line.format(mark)).startswith("stop  (command)")


def test_a_mark_before_a_name_asks_for_help() -> None:
    assert shown("? stop").startswith("stop  (command)")
    assert shown("?").startswith("Verbs of the shell:")
    assert shown(".set ?").startswith(".set ")


# ------------------------------------------------------------------------ at the cursor


@pytest.mark.parametrize(
    "text, says",
    [
        ("drive-backup sy|nc=full", "sync: one of these  (drive-backup)"),
        ("drive-backup sync=|", "sync: one of these  (drive-backup)"),
        ("drive-backup sync=fu|", "sync: one of these  (drive-backup)"),
        ("drive-bac|kup sync=full", "drive-backup  (command"),
        ("blockdev-add driver=qcow2 file.dri|ver=raw", "file.driver: one of these  (blockdev-add)"),
        (".help drive-backup|", "drive-backup  (command"),
        (".set the|me", ".set "),
        (".wait STOP|", "STOP  (event)"),
        ("stop --wai|t", "--wait"),
        ("xyzzy|", "no command, event or type is called xyzzy"),
        ("query-statu|", "no command, event or type is called query-statu; did you mean query-"),
        ("|", ""),
        ("blockdev-add driver=qcow2 '|", "blockdev-add  (command)"),
    ],
)
def test_help_is_on_what_the_cursor_is_on(text: str, says: str) -> None:
    cursor = text.index("|")
    catalog = Catalog()
    declared = schema("10.0")
    catalog.set_schema(declared.commands, declared)
    found = help_at(text.replace("|", ""), cursor, catalog, PLAIN, 60)
    assert found.startswith(says) if says else not found


@given(st.text("abc-._=:,{}[]'\"? \\|>#é\x00", max_size=40), st.integers(0, 40))
def test_any_line_has_help_or_none(text: str, cursor: int) -> None:
    catalog = Catalog()
    declared = schema("10.0")
    catalog.set_schema(declared.commands, declared)
    for line in (text, f"blockdev-add {text}"):
        assert isinstance(help_at(line, min(cursor, len(line)), catalog, PLAIN, 60), str)
