"""config.toml: what it may say, and what is said about a wrong one."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.cli.argv import Options
from qmpsh.cli.config import Config, parse_config, read_config
from qmpsh.cli.interactive import configured
from qmpsh.errors import UsageError
from qmpsh.shell.settings import Settings
from tests.conftest import RunQmpsh

WHOLE = """
theme = "monokai"

[options]
editing = "vi"
events-width = 40
mouse = true
live = false
view = "table"
timeout = "500ms"
connect-timeout = 2
plain = true
confirm = false

[keys]
toggle_events = "F9"
key_sheet = ["F1", "Ctrl-X Ctrl-H"]
zoom_events = []

[theme.json]
key = "bold #ff0000"

[aliases]
st = "query-status"
disks = "query-block | jq ."

[confirm]
system_reset = false
blockdev-del = true

[top]
sort = "write"
reverse = true
columns = "name,cpu"
interval = 5
"""


def test_all_that_it_may_say() -> None:
    config = parse_config(WHOLE.replace('theme = "monokai"\n', ""), "config.toml")
    values = config.preferences
    assert (values.editing, values.events_width, values.mouse, values.live) == (
        "vi",
        40,
        True,
        False,
    )
    assert (values.view, values.timeout, values.confirm) == ("table", 0.5, False)
    assert (config.connect_timeout, config.plain) == (2.0, True)
    keys = {key.handler: (key.keys, key.shown) for key in config.keys}
    assert keys["toggle_events"] == (("f9",), "F9")
    assert keys["key_sheet"] == (("f1", "c-x c-h"), "F1, Ctrl-X Ctrl-H")
    assert keys["zoom_events"] == ((), "(no key)")
    assert config.roles == {"json.key": "bold #ff0000"}
    assert config.aliases == {"st": "query-status", "disks": "query-block | jq ."}
    assert dict(config.confirm) == {"system_reset": False, "blockdev-del": True}
    words = {"sort": "write", "reverse": "on", "columns": "name,cpu", "interval": "5"}
    assert config.top == words


@pytest.mark.parametrize(
    "text, theme, roles",
    [
        ('theme = "monokai"', "monokai", {}),
        ('[options]\ntheme = "light"', "light", {}),
        ('[theme]\n"json.key" = "#ff0000"\nerror = "bold"', "auto", None),
        ('theme.dim = "#888888"\n[options]\ntheme = "none"', "none", {"dim": "#888888"}),
    ],
)
def test_a_theme_is_a_name_or_roles(text: str, theme: str, roles: dict[str, str] | None) -> None:
    config = parse_config(text, "c")
    assert config.preferences.theme == theme
    assert config.roles == ({"json.key": "#ff0000", "error": "bold"} if roles is None else roles)


@pytest.mark.parametrize(
    "text, message",
    [
        ("[options]\nthem = 'dark'", "c:2: options.them: no such option; did you mean theme?"),
        ("options.them = 'dark'", "c:1: options.them: no such option; did you mean theme?"),
        ("\n\noptions = {them = 1}", "c:3: options.them: no such option; did you mean theme?"),
        ("a = 1", "c:1: a: no such table; there are keys, options, theme, aliases, confirm, top"),
        ("\n[option]\n", "c:2: option: no such table; did you mean options?"),
        ("options = 5", "c:1: options: expected a table, as in [options]"),
        ("[options]\nmouse = 'perhaps'", "c:2: options.mouse: expected on or off, not perhaps"),
        ("[options]\nmouse = []", "c:2: options.mouse: expected a text, a number, true or false"),
        (
            "[options]\n# x\n'events-width' = 3",
            "c:3: options.events-width: expected auto, or columns from 12 to 200, not 3",
        ),
        (
            "[options]\ntimeout = 'soon'",
            "c:2: options.timeout: expected a time such as 5, 500ms, 2m or 1h, not soon",
        ),
        (
            "[options]\nconnect-timeout = 0",
            "c:2: options.connect-timeout: expected more time than 0, as in 500ms",
        ),
        ("[options]\nplain = 'perhaps'", "c:2: options.plain: expected true or false, not perhaps"),
        ("theme = 'monokay'", "c:1: theme: no theme monokay; did you mean monokai?"),
        ("[theme]\nerorr = '#ff0000'", "c:2: theme.erorr: no role erorr; did you mean error?"),
        (
            "[theme]\nerror = 'redd'",
            "c:2: theme.error: expected a style such as bold #ff8787 or bg:#303030 #d0d0d0, "
            "not redd",
        ),
        ("[theme]\nerror = 5", 'c:2: theme.error: expected a style such as "bold #ff8787"'),
        (
            "[theme.json]\n\nkee = '#ff0000'",
            "c:3: theme.json.kee: no role json.kee; did you mean json.key?",
        ),
        ("[keys]\ntoggle_event = 'F2'", "c:2: keys.toggle_event: no key toggle_event; did you "
         "mean toggle_events?"),
        (
            "[keys]\ntoggle_events = 'F99'",
            "c:2: keys.toggle_events: expected a key such as F2, Alt-e or Ctrl-X Ctrl-E, not F99",
        ),
        ("[keys]\ntoggle_events = 5", "c:2: keys.toggle_events: expected a key such as \"F2\", or "
         "a list of keys"),
        ("[keys]\ntoggle_events = ''", "c:2: keys.toggle_events: expected a key such as F2, Alt-e "
         "or Ctrl-X Ctrl-E"),
        (
            "[keys]\ntoggle_events = 'F1'",
            "c:2: keys.toggle_events: F1 is key_sheet already; rebind that as well",
        ),
        (
            "[keys]\nkey_sheet = ['Alt-h', 'Alt-e']",
            "c:2: keys.key_sheet: Alt-e is toggle_events already; rebind that as well",
        ),
        (
            "[keys]\nkey_sheet = 'F9'\nzoom_events = 'F9'",
            "c:3: keys.zoom_events: F9 is key_sheet already; rebind that as well",
        ),
        ("[aliases]\nx = 5", 'c:2: aliases.x: expected the beginning of a line, as in '
         '"query-block | jq ."'),
        ("[aliases]\n'a b' = 'c'", "c:2: aliases.a b: expected a word that begins with a letter"),
        ("[aliases]\nx = 'a b={'", "c:2: aliases.x: expected one line, every quote and bracket in "
         "it closed"),
        ("[confirm]\nquit = 5", "c:2: confirm.quit: expected true or false, not 5"),
        ("[top]\nsort = 'writ'", "c:2: top.sort: there is no column writ; did you mean write?; "
         "there are name, state, cpu, guest, vcpus, spark, mem, size, balloon, read, write, iops, "
         "latency, exits, rx, tx, version, activity"),
        ("[top]\nsrot = 'cpu'", "c:2: top.srot: no such option; did you mean sort?"),
        ("\na = ", "c:2: Invalid value"),
        ("[a\n", "c:1: Expected ']' at the end of a table declaration"),
    ],
)  # fmt: skip
def test_a_wrong_one_says_where_and_what(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_config(text, "c")
    assert str(caught.value) == message


def test_two_names_may_change_their_keys() -> None:
    config = parse_config('[keys]\nkey_sheet = "F2"\ntoggle_events = "F1"', "c")
    keys = {key.handler: key.keys for key in config.keys}
    assert (keys["key_sheet"], keys["toggle_events"]) == (("f2",), ("f1",))


@given(st.text())
def test_any_text_is_a_configuration_or_a_usage_error(text: str) -> None:
    with contextlib.suppress(UsageError):
        parse_config(text, "c")


def test_no_file_is_no_error_unless_it_was_named(tmp_path: Path) -> None:
    assert read_config(str(tmp_path / "none")) == Config()
    with pytest.raises(UsageError, match="no such file"):
        read_config(str(tmp_path / "none"), must_exist=True)
    with pytest.raises(UsageError, match=r"cannot read .*: it is a directory, not a file"):
        read_config(str(tmp_path))
    (tmp_path / "c").write_bytes(b"# a\n# \xff\n")
    with pytest.raises(UsageError, match="c:2: expected UTF-8"):
        read_config(str(tmp_path / "c"))


def test_an_option_of_the_command_line_outranks_the_file(private_home: Path) -> None:
    path = private_home / ".config" / "qmpsh" / "config.toml"
    path.parent.mkdir()
    path.write_text("[options]\ntimeout = 5\nconnect-timeout = 7\nplain = true\n")
    options, config = configured(Options())
    assert (config.preferences.timeout, options.connect_timeout, options.plain) == (5.0, 7.0, True)
    given_options = Options(Settings(timeout=1.0, yes=True), connect_timeout=2.0)
    options, config = configured(given_options)
    assert (config.preferences.timeout, options.connect_timeout) == (1.0, 2.0)
    assert not config.preferences.confirm


def test_a_one_shot_reads_no_configuration(run_qmpsh: RunQmpsh, private_home: Path) -> None:
    path = private_home / ".config" / "qmpsh" / "config.toml"
    path.parent.mkdir()
    path.write_text("nonsense")
    done = run_qmpsh("-n", "query-status")
    assert (done.returncode, done.stderr) == (0, "")
    assert run_qmpsh("-n", "--config", str(path), "query-status").returncode == 0
