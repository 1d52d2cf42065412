"""The folders of the XDG base directory specification: configuration, state and cache."""

from __future__ import annotations

import os

_CONFIG = ("XDG_CONFIG_HOME", ".config")
_STATE = ("XDG_STATE_HOME", ".local/state")
_CACHE = ("XDG_CACHE_HOME", ".cache")


def config_file(name: str) -> str:
    """Return the path of a file that the user writes; create nothing."""
    return os.path.join(_folder(*_CONFIG), name)


def state_file(name: str) -> str:
    """Return the path of a file that outlives sessions (history, log); create its folder, 0700."""
    return _file(*_STATE, name)


def cache_file(name: str) -> str:
    """Return the path of a file that may vanish at any time; create its folder, 0700."""
    return _file(*_CACHE, name)


def folders() -> dict[str, str]:
    """Return the three folders by the words config, state and cache; create nothing."""
    return {
        "config": _folder(*_CONFIG),
        "state": _folder(*_STATE),
        "cache": _folder(*_CACHE),
    }


def _file(variable: str, default: str, name: str) -> str:
    folder = _folder(variable, default)
    # A full disk, a home that is read-only or nowhere: the code that opens the file sees it, and
    # knows what it means there. No command fails for want of a cache.
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
    except OSError:
        pass
    return os.path.join(folder, name)


def _folder(variable: str, default: str) -> str:
    base = os.environ.get(variable, "")
    # The specification: a relative path is invalid and must be ignored.
    if not os.path.isabs(base):
        # A user without a home keeps the "~": below / it names nothing, here it would be a folder.
        base = os.path.join("/", os.path.expanduser("~"), default)
    return os.path.join(base, "qmpsh")
