"""The folders of the XDG base directory specification: where state and cache files live."""

from __future__ import annotations

import os


def state_file(name: str) -> str:
    """Path of a file that outlives sessions (history, log); its folder is made, 0700."""
    return _file("XDG_STATE_HOME", ".local/state", name)


def cache_file(name: str) -> str:
    """Path of a file that may vanish at any time; its folder is made, 0700."""
    return _file("XDG_CACHE_HOME", ".cache", name)


def _file(variable: str, default: str, name: str) -> str:
    base = os.environ.get(variable, "")
    # The specification: a relative path is invalid and must be ignored.
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), default)
    folder = os.path.join(base, "qmpsh")
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return os.path.join(folder, name)
