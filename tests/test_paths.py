"""The XDG folders, also where none can be made: a home that is nowhere, read-only or no folder."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import pytest

from qmpsh.cli.config import Config, read_config
from qmpsh.paths import cache_file, config_file, state_file
from qmpsh.shell.history import HistoryFile
from tests.conftest import RunQmpsh
from tests.qemu import Vm

NOWHERE = {
    "XDG_CONFIG_HOME": "/dev/full",
    "XDG_STATE_HOME": "/dev/full",
    "XDG_CACHE_HOME": "/dev/full",
}
"""A device is no folder, not even to root."""


def test_a_folder_is_made_for_its_user_alone(private_home: Path) -> None:
    path = Path(state_file("history"))
    assert path == private_home / ".local/state/qmpsh/history"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_user_without_a_home_gets_no_folder_where_the_shell_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(variable)

    def nobody(uid: int) -> pwd.struct_passwd:
        raise KeyError(uid)

    def in_no_root(path: str, mode: int, *, exist_ok: bool) -> None:
        assert path == "/~/.cache/qmpsh"
        raise PermissionError

    monkeypatch.setattr(pwd, "getpwuid", nobody)
    monkeypatch.setattr(os, "makedirs", in_no_root)
    assert cache_file("schema") == "/~/.cache/qmpsh/schema"


def test_history_and_configuration_are_empty_without_their_folders(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for variable, folder in NOWHERE.items():
        monkeypatch.setenv(variable, folder)
    history = HistoryFile(state_file("history"))
    history.append("stop")
    assert history.load() == []
    assert read_config(config_file("config.toml")) == Config()


@pytest.mark.parametrize(
    "line, code, said",
    [
        ("device_del id=nic1", 1, "qmpsh: DeviceNotFound: Device 'nic1' not found\n"),
        (".help stop", 0, ""),
        ("nope", 1, "qmpsh: CommandNotFound: The command nope has not been found\n"),
        (".log on", 2, "qmpsh: cannot write the log /dev/full/qmpsh/wire.log: Not a directory\n"),
    ],
)
def test_a_line_goes_out_without_a_cache(
    vm: Vm, run_qmpsh: RunQmpsh, line: str, code: int, said: str
) -> None:
    done = run_qmpsh(vm.path, line, env={**NOWHERE, "QMPSH_MANPATH": ""})
    assert (done.stderr, done.returncode) == (said, code)
