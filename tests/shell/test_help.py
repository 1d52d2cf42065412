"""`.help` and `.apropos` with a schema and no VM."""

from __future__ import annotations

import pytest

from qmpsh.errors import UsageError
from qmpsh.shell.context import FrontEnd
from qmpsh.shell.settings import Settings
from qmpsh.shell.verbs.help import HelpTopics
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
        ("--wait", "Ends are known of:"),
        ("exit-codes", "124"),
        ("stop", "stop"),
        ("blockdev-add", "driver*"),
    ],
)
def test_topics(topic: str, says: str) -> None:
    assert says in shown(f".help {topic}")


class Keys(FrontEnd):
    """A front end with a key."""

    def keys(self) -> list[tuple[str, str]]:
        return [("F1", "shows the keys")]


def test_the_keys_are_those_of_the_front_end() -> None:
    assert shown(".help keys", Keys()) == "F1   shows the keys"


@pytest.mark.parametrize(
    "line, says",
    [
        (".help --waiit", "no modifier --waiit; did you mean --wait?"),
        (".help --hmp", "--hmp is an option of qmpsh"),
        (".help .hlep", "no verb .hlep; did you mean .help?"),
        (".help query-statsu", "no command, event or type is called query-statsu"),
        (".help keys", "no command, event or type is called keys"),
        (".apropos", "expected a word"),
        (".apropos xyzzy", "no name or text of the manual has xyzzy in it"),
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
