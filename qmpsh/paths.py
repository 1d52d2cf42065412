"""The folders of the XDG base directory specification: configuration, state and cache."""

from __future__ import annotations

import os


def config_file(name: str) -> str:
    """Path of a file that the user writes; nothing is made."""
    return os.path.join(_folder("XDG_CONFIG_HOME", ".config"), name)


def state_file(name: str) -> str:
    """Path of a file that outlives sessions (history, log); its folder is made, 0700."""
    return _file("XDG_STATE_HOME", ".local/state", name)


def cache_file(name: str) -> str:
    """Path of a file that may vanish at any time; its folder is made, 0700."""
    return _file("XDG_CACHE_HOME", ".cache", name)


def _file(variable: str, default: str, name: str) -> str:
    folder = _folder(variable, default)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return os.path.join(folder, name)


def _folder(variable: str, default: str) -> str:
    base = os.environ.get(variable, "")
    # The specification: a relative path is invalid and must be ignored.
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), default)
    return os.path.join(base, "qmpsh")
