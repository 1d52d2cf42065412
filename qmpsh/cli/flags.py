"""The options that are one word without a value, and `-a TARGET`, read without click.

Click takes as long to load as the rest of a one-shot. `cli.options` has all options with their
help; what stands here is the same for these.
"""

from __future__ import annotations

from qmpsh.cli.argv import FOR_MANY, Options
from qmpsh.language.syntax import FORMATS
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.shell.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_SHORT = {
    "-H": "--hmp",
    "-N": "--skip-negotiation",
    "-k": "--keep-going",
    "-n": "--dry-run",
    "-p": "--pretty",
    "-v": "--verbose",
    "-w": "--wait",
    "-y": "--yes",
}
_SETTINGS: dict[str, Callable[[Settings], Settings]] = {
    "--compact": lambda settings: settings._replace(pretty=False),
    "--dry-run": lambda settings: settings._replace(dry_run=True),
    "--hmp": lambda settings: settings._replace(hmp=True),
    "--keep-going": lambda settings: settings._replace(keep_going=True),
    "--pretty": lambda settings: settings._replace(pretty=True),
    "--read-only": lambda settings: settings._replace(read_only=True),
    "--verbose": lambda settings: settings._replace(verbose=True),
    "--wait": lambda settings: settings._replace(wait=""),
    "--yes": lambda settings: settings._replace(yes=True),
}
_PLAIN, _AGENT, _SKIP = "--plain", "--guest-agent", "--skip-negotiation"
FLAGS = frozenset({*_SHORT, *_SETTINGS, *(f"--{name}" for name in FORMATS), _PLAIN, _AGENT, _SKIP})


def read_flags(words: Sequence[str]) -> Options | None:
    """Return the options as a value; None if there is one that is neither a flag nor -a."""
    flags, targets = _apart(words)
    if not FLAGS.issuperset(flags):
        return None
    names = [_SHORT.get(flag, flag) for flag in flags]
    settings = Settings(
        formats=frozenset(name for name in FORMATS if f"--{name}" in names),
        negotiated=_SKIP not in names and _AGENT not in names,
    )
    for name in names:
        if name in _SETTINGS:
            settings = _SETTINGS[name](settings)
    return Options(
        settings,
        plain=_PLAIN in names,
        negotiate=_SKIP not in names,
        guest_agent=_AGENT in names,
        targets=tuple(targets),
    )


def _apart(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the flags, and the targets of -a; an -a without one is left among the flags."""
    flags: list[str] = []
    targets: list[str] = []
    rest = iter(words)
    for word in rest:
        target = next(rest, None) if word in FOR_MANY else None
        if target is None:
            flags.append(word)
        else:
            targets.append(target)
    return flags, targets
