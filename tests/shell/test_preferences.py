"""The options of `.set`: how they are read, who is told, what they mean for the shell."""

from __future__ import annotations

import pytest

from qmpsh.complete.candidates import Catalog
from qmpsh.complete.complete import complete
from qmpsh.errors import UsageError
from qmpsh.language.syntax import Mode
from qmpsh.protocol.messages import Command
from qmpsh.shell.context import Context
from qmpsh.shell.interpreter import run_line
from qmpsh.shell.machine import Machine
from qmpsh.shell.policy import question_before
from qmpsh.shell.preferences import ROWS, Preferences, PreferenceValues, completable
from qmpsh.shell.session.session import expand
from qmpsh.shell.settings import Settings
from qmpsh.shell.steps import Answer, Note, Outcome, Task
from qmpsh.shell.verbs.options import prefer, preferences_of


def shell(settings: Settings | None = None) -> Context:
    return Context(None, settings or Settings(), Machine("", None))


def run(on: Context, line: str) -> tuple[str, Outcome]:
    """What a line shows, and how it ends."""
    said: list[Answer | Note] = []
    task = Task(run_line(on, line), said.append)
    task.advance(0.0)
    assert task.outcome is not None
    return "\n".join(item.text or "" for item in said), task.outcome


@pytest.mark.parametrize(
    "name, word, shown",
    [
        ("theme", "monokai", "monokai"),
        ("editing", "vi", "vi"),
        ("view", "table", "table"),
        ("events", "no", "off"),
        ("events-width", "40", "40"),
        ("events-width", "auto", "auto"),
        ("mouse", "yes", "on"),
        ("live", "false", "off"),
        ("timeout", "2m", "120s"),
        ("timeout", "none", "none"),
        ("confirm", "off", "off"),
        ("share-limit", "1M", "1024K"),
        ("share-limit", "65536", "64K"),
    ],
)
def test_words_of_options(name: str, word: str, shown: str) -> None:
    preferences = Preferences()
    told: list[str] = []
    preferences.subscribe(told.append)
    preferences.change(name, word)
    assert (preferences.word(name), told) == (shown, [name])


@pytest.mark.parametrize(
    "line, message",
    [
        (".set liev on", "no option liev; did you mean live?"),
        (".set qqq", f"no option qqq; there are {', '.join(ROWS)}"),
        (".set live perhaps", "expected on or off, not perhaps"),
        (".set share-limit 2M", "expected a size from 64K to 1M, not 2M"),
        (".set editing ed", "expected emacs or vi, not ed"),
        (".set events-width 5", "expected auto, or columns from 12 to 200, not 5"),
        (".set events-width ²", "expected auto, or columns from 12 to 200, not ²"),
        (".set timeout soon", "expected a time such as 5, 500ms, 2m or 1h, not soon"),
    ],
)
def test_a_wrong_option_says_what_there_is(line: str, message: str) -> None:
    _, outcome = run(shell(), line)
    assert (str(outcome.error), outcome.exit_code) == (message, 2)


def test_a_listener_may_refuse() -> None:
    preferences = Preferences()

    def refuse(name: str) -> None:
        raise UsageError("no")

    preferences.subscribe(refuse)
    with pytest.raises(UsageError, match="no"):
        preferences.change("theme", "x")
    assert preferences.values.theme == "auto"


def test_set_alone_lists_all_and_a_name_alone_shows_its_value() -> None:
    text, _ = run(shell(), ".set")
    assert [line.split()[0] for line in text.split("\n")] == list(ROWS)
    assert run(shell(), ".set timeout")[0].startswith("timeout none")


def test_the_shell_obeys() -> None:
    on = shell(Settings(timeout=3.0, yes=True))
    assert preferences_of(on).values == PreferenceValues(timeout=3.0, confirm=False)
    for line in (".set timeout 5", ".set confirm on", ".set view table", ".set live off"):
        assert run(on, line) == ("", Outcome())
    assert (on.settings.timeout, on.settings.yes) == (5.0, False)
    assert on.settings.formats == {"table"}
    assert not on.introspection.live


def test_preferences_given_beforehand_hold() -> None:
    on = shell()
    preferences = Preferences(PreferenceValues(timeout=1.0))
    prefer(on, preferences)
    assert on.settings == Settings(timeout=1.0)
    preferences.adopt(PreferenceValues(live=False))
    assert on.settings == Settings()
    assert not on.introspection.live


def test_options_and_their_words_complete() -> None:
    preferences = Preferences()
    preferences.offers["theme"] = lambda: ["monokai"]
    catalog = Catalog()
    catalog.settings = completable(preferences)

    def texts(line: str) -> list[str]:
        return [found.text for found in complete(line, len(line), catalog, Mode())]

    assert texts(".set ") == list(ROWS)
    assert texts(".set ev") == ["events", "events-width"]
    assert texts(".set editing ") == ["emacs", "vi"]
    assert texts(".set theme mo") == ["monokai"]
    assert texts(".set editing vi ") == texts(".set nope ") == []
    assert complete(".set ed", 7, catalog, Mode())[0].kind == "emacs"


@pytest.mark.parametrize(
    "line, expanded",
    [
        ("st", "query-status"),
        (" st --json", " query-status --json"),
        ("st\n| jq .", "query-status\n| jq ."),
        ("stop", "stop"),
        ("stop st", "stop st"),
        ("", ""),
        ("  ", "  "),
        ("again", "again twice"),
    ],
)
def test_aliases(line: str, expanded: str) -> None:
    assert expand(line, {"st": "query-status", "again": "again twice"}) == expanded


def hmp(text: str) -> Command:
    return Command("human-monitor-command", {"command-line": text})


@pytest.mark.parametrize(
    "command, confirm, question",
    [
        (Command("quit"), {"quit": False}, None),
        (hmp("q"), {"quit": False}, None),
        (hmp("q"), {"q": False}, None),
        (hmp("nmi"), {}, "Send the VM an NMI?"),
        (hmp("system_powerdown"), {}, "Power the VM down?"),
        (hmp("nmi"), {"inject-nmi": False}, None),
        (Command("blockdev-del"), {"blockdev-del": True}, "Run blockdev-del?"),
        (hmp("savevm x"), {"savevm": True}, "Run savevm?"),
        (Command("quit"), {"quit": True}, "quit ends the VM."),
        (Command("stop"), {"cont": True}, None),
    ],
)
def test_which_commands_ask_is_the_users_choice(
    command: Command, confirm: dict[str, bool], question: str | None
) -> None:
    found = question_before(command, confirm)
    assert (found.question if found else None) == question
