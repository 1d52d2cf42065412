"""Reads config.toml, the configuration of every interactive session.

    theme = "dark"                  # or [theme] with roles = styles
    [options]                       # the options of `.set`, and plain, connect-timeout
    [keys]                          # name = "Key" or ["Key", ...]
    [aliases]                       # name = "the beginning of a line"
    [confirm]                       # command = true to ask first, false not to
    [top]                           # sort, reverse, filter, columns, interval of `qmpsh top`

Every error names the file, the line and the key. One-shots and scripts never read it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from qmpsh.errors import LineSyntaxError, UsageError
from qmpsh.jsontypes import read_boolean
from qmpsh.language.reader import needs_more
from qmpsh.language.syntax import parse_limit
from qmpsh.light_typing import NamedTuple
from qmpsh.patterns import LatePattern
from qmpsh.regular import MAX_CONFIG_BYTES, read_regular
from qmpsh.render.theme import check_theme
from qmpsh.shell.preferences import ROWS, PreferenceValues, find_row
from qmpsh.suggest import did_you_mean
from qmpsh.ui.common.keys import KEYS, KeyBinding, KeyTakenError, check_name, read_keys, rebound
from qmpsh.ui.common.style import check_role

_NO_FILE = "no such file {path}"
_UNREADABLE = "cannot read {path}: {reason}"
_FAULT = "{name}:{line}: {what}"
_NOT_UTF8 = "expected UTF-8"
_NO_TABLE = "no such table{hint}"
_NO_OPTION = "no such option{hint}"
_CHOICES = "; there are {names}"
_WANTS_TABLE = "expected a table, as in [{table}]"
_WANTS_KEYS = 'expected a key such as "F2", or a list of keys'
_WANTS_STYLE = 'expected a style such as "bold #ff8787"'
_WANTS_BEGINNING = 'expected the beginning of a line, as in "query-block | jq ."'
_WANTS_NAME = "expected a word that begins with a letter"
_WANTS_ONE_LINE = "expected one line, every quote and bracket in it closed"
_WANTS_TEXT = "expected a text, a number, true or false"
_WANTS_BOOLEAN = "expected true or false, not {value}"

_OF_TOP = ("sort", "reverse", "filter", "columns", "interval")
_STARTING = ("plain", "connect-timeout")
_AT = LatePattern(r" \(at (?:line (\d+), column \d+|end of document)\)$")
_TABLE = LatePattern(r"\s*\[\s*([\w.\"'-]+)\s*\]")


class Config(NamedTuple):
    """The contents of config.toml.

    preferences: the options of `.set` at the start; connect_timeout: seconds, None where it is
    not said; plain: the line prompt is wanted; keys: the table of keys; roles: styles in the place
    of the theme's own; aliases: name to the beginning of a line; confirm: (command, whether it
    asks) pairs; top: the words of its options
    """

    preferences: PreferenceValues = PreferenceValues()
    connect_timeout: float | None = None
    plain: bool = False
    keys: tuple[KeyBinding, ...] = KEYS
    roles: Mapping[str, str] = {}
    aliases: Mapping[str, str] = {}
    confirm: tuple[tuple[str, bool], ...] = ()
    top: Mapping[str, str] = {}


class _Fault(Exception):
    """An error in one key of a table."""

    def __init__(self, key: str, error: UsageError) -> None:
        super().__init__(str(error))
        self.key = key


def read_config(path: str, *, must_exist: bool = False) -> Config:
    """Return the configuration in a file; an empty one if there is no file.

    Raises UsageError: `config.toml:7: options.them: no such option; did you mean theme?`
    """
    try:
        data = read_regular(path, MAX_CONFIG_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        if must_exist:
            raise UsageError(_NO_FILE.format(path=path)) from error
        return Config()
    except OSError as error:
        raise UsageError(_UNREADABLE.format(path=path, reason=error.strerror)) from error
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        fault = _FAULT.format(name=os.path.basename(path), line=line, what=_NOT_UTF8)
        raise UsageError(fault) from error
    return parse_config(text, os.path.basename(path))


def parse_config(text: str, name: str) -> Config:
    """Return the configuration in a text. name: of the file, for errors. Raises UsageError."""
    # Imported here: only a file needs it.
    import tomllib

    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        line = int(found[1]) if found and found[1] else text.count("\n") + 1
        what = _AT.sub("", str(error))
        raise UsageError(_FAULT.format(name=name, line=line, what=what)) from error
    config = Config()
    for table, content in tables.items():
        try:
            config = _read_table(config, table, content)
        except _Fault as fault:
            line = _line_of(text, table, fault.key)
            full = f"{table}.{fault.key}" if fault.key else table
            what = f"{full}: {fault}"
            raise UsageError(_FAULT.format(name=name, line=line, what=what)) from fault
    return config


def _read_table(config: Config, table: str, content: object) -> Config:
    if table == "theme" and isinstance(content, str):
        return _guarded("", lambda: _option(config, "theme", content))
    names = ("keys", *_TABLES)
    if table not in names:
        raise _Fault("", UsageError(_NO_TABLE.format(hint=_hint(table, names))))
    if not isinstance(content, dict):
        raise _Fault("", UsageError(_WANTS_TABLE.format(table=table)))
    if table == "keys":
        return _rebind(config, content)
    read = _TABLES[table]
    for key, value in (_flat(content) if table == "theme" else content).items():
        config = _guarded(key, partial(read, config, key, value))
    return config


def _hint(name: str, names: Sequence[str]) -> str:
    """Return what was meant, or else what there is."""
    return did_you_mean(name, names) or _CHOICES.format(names=", ".join(names))


def _guarded(key: str, read: Callable[[], Config]) -> Config:
    try:
        return read()
    except UsageError as error:
        raise _Fault(key, error) from error


def _flat(table: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    """Return a table of tables, which `json.key = ...` makes, with one dotted name for each."""
    found: dict[str, object] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = value
    return found


# -------------------------------------------------------------------- one key of a table


def _option(config: Config, key: str, value: object) -> Config:
    word = _text(value)
    if key == "plain":
        return config._replace(plain=_boolean(value))
    if key == "connect-timeout":
        return config._replace(connect_timeout=parse_limit(word))
    if key not in ROWS:
        raise UsageError(_NO_OPTION.format(hint=_hint(key, [*ROWS, *_STARTING])))
    if key == "theme":
        check_theme(word)
    return config._replace(preferences=find_row(key).put(config.preferences, word))


def _rebind(config: Config, table: Mapping[str, object]) -> Config:
    """Bind all of [keys] at once: two names may exchange their keys."""
    changes: dict[str, list[str]] = {}
    for key, value in table.items():
        _guarded(key, partial(_take_keys, config, key, value, changes))
    try:
        return config._replace(keys=rebound(config.keys, changes))
    except KeyTakenError as error:
        raise _Fault(error.handler, error) from error


def _take_keys(config: Config, key: str, value: object, changes: dict[str, list[str]]) -> Config:
    check_name(key, config.keys)
    texts: list[object] = value if isinstance(value, list) else [value]
    for text in texts:
        if not isinstance(text, str):
            raise UsageError(_WANTS_KEYS)
        read_keys(text)
    changes[key] = [str(text) for text in texts]
    return config


def _role(config: Config, key: str, value: object) -> Config:
    if not isinstance(value, str):
        raise UsageError(_WANTS_STYLE)
    check_role(key, value)
    return config._replace(roles={**config.roles, key: value})


def _alias(config: Config, key: str, value: object) -> Config:
    if not isinstance(value, str) or not value.strip():
        raise UsageError(_WANTS_BEGINNING)
    if not key or len(key.split()) != 1 or key[0] in "#{.)(":
        raise UsageError(_WANTS_NAME)
    try:
        goes_on = needs_more(value)
    except LineSyntaxError as error:
        raise UsageError(str(error)) from error
    if "\n" in value or goes_on:
        raise UsageError(_WANTS_ONE_LINE)
    return config._replace(aliases={**config.aliases, key: value.strip()})


def _confirm(config: Config, key: str, value: object) -> Config:
    return config._replace(confirm=(*config.confirm, (key, _boolean(value))))


def _top(config: Config, key: str, value: object) -> Config:
    # Imported here: most sessions are on one VM.
    from qmpsh.top.columns import find_column, read_columns

    word = _text(value)
    if key not in _OF_TOP:
        raise UsageError(_NO_OPTION.format(hint=_hint(key, _OF_TOP)))
    if key == "sort":
        find_column(word)
    elif key == "columns":
        read_columns(word)
    elif key == "interval":
        parse_limit(word)
    elif key == "reverse":
        word = "on" if _boolean(value) else ""
    return config._replace(top={**config.top, key: word})


_TABLES: dict[str, Callable[[Config, str, object], Config]] = {
    "options": _option,
    "theme": _role,
    "aliases": _alias,
    "confirm": _confirm,
    "top": _top,
}


def _text(value: object) -> str:
    """Return a value as it would be typed after `.set`."""
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, str | int | float):
        return str(value)
    raise UsageError(_WANTS_TEXT)


def _boolean(value: object) -> bool:
    found = value if isinstance(value, bool) else read_boolean(str(value))
    if found is None:
        raise UsageError(_WANTS_BOOLEAN.format(value=value))
    return found


# -------------------------------------------------------------------- the line of a key


def _line_of(text: str, table: str, key: str) -> int:
    """Return the number of the line with a key, or of its table if the key is not found.

    tomllib keeps no positions, so the lines are searched for the ways in which a key is written.
    """
    inside, table_line = "", 1
    bare = {key, f'"{key}"', f"'{key}'"}
    outside = {f"{table}.{name}" for name in bare} | {table}
    for number, line in enumerate(text.split("\n"), 1):
        header = _TABLE.match(line)
        name = line.partition("=")[0].strip() if "=" in line else ""
        if header:
            inside = header[1].strip("\"'")
            table_line = number if inside == table else table_line
        elif name and (
            (name in outside and not inside)
            or (name in bare and inside == table)
            or (f"{inside}.{name}" == f"{table}.{key}")
        ):
            return number
    return table_line
