"""The working path of a session in QOM, and paths relative to it. Pure."""

from __future__ import annotations

from typing import Final

from qmpsh.light_typing import NamedTuple

ROOT: Final = "/"
HOMES: Final = ("/machine/peripheral", "/objects", "/chardevs")
"""Where all objects with an id are."""
BACK: Final = "-"
"""The path that stands for the working path before."""

_MIN_SHOWN: Final = 12
"""characters of a path in the prompt, however narrow the terminal is"""


class QomPlace(NamedTuple):
    """The working path. path: without a slash at its end; last: the one before it"""

    path: str = ROOT
    last: str = ROOT

    def resolve(self, text: str) -> str:
        """Return the path that a path as it was typed means; the working path for "".

        It is absolute, except for a name at the root: QEMU finds that wherever in the tree it is.
        """
        if text == BACK:
            return self.last
        is_name = self.path == ROOT and text[:1] not in ("", "/", ".")
        steps: list[str] = []
        for step in (text if text.startswith("/") else f"{self.path}/{text}").split("/"):
            if step == "..":
                del steps[-1:]
            elif step not in ("", "."):
                steps.append(step)
        found = "/".join(steps)
        return found if is_name and found not in ("", BACK) else f"/{found}"

    def resolve_property(self, text: str) -> tuple[str, str]:
        """Return path and name of a property: `mac`, `net0.mac` or `net0/mac`.

        A dot is part of a name of an object where a slash follows it.
        """
        head, slash, last = text.rpartition("/")
        owner, _, name = last.rpartition(".")
        return self.resolve(f"{head}{slash}{owner}"), name

    def move(self, path: str) -> QomPlace:
        """Return the place after `.cd`. path: an absolute one"""
        return QomPlace(path, self.path)

    def short(self, columns: int) -> str:
        """Return the path for a prompt, safe to show, its end where it is long.

        columns: most of them
        """
        shown = "".join(
            char if char.isascii() and char.isprintable() else "?" for char in self.path
        )
        keeps = max(_MIN_SHOWN, columns)
        return shown if len(shown) <= keeps else "..." + shown[3 - keeps :]


def place_of(place: QomPlace | None) -> QomPlace:
    """Return the working path of a shell, the root where there is none yet."""
    return place or QomPlace()


def places_of(path: str) -> list[str]:
    """Return where an object may be: a name that is no absolute path is that of a device or of
    another object with an id.
    """
    return [path] if path.startswith("/") else [f"{home}/{path}" for home in ("", *HOMES)]


def parent_of(path: str) -> str:
    """Return the path above; the root is its own."""
    return path.rpartition("/")[0] or ROOT
