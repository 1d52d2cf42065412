"""`--only` and `--except`: which of the VMs that `-a` names are meant. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Final

from qmpsh.errors import UsageError, shortened
from qmpsh.light_typing import NamedTuple

NAME: Final = "name"
STATUS: Final = "status"
HOST: Final = "host"
ADDRESS: Final = "address"
KNOWN: Final = (NAME, STATUS, HOST, ADDRESS)
"""what every VM has; all other keys are tags of @FILE and groups of an inventory"""

Facts = Mapping[str, Sequence[str]]
"""What is known of a VM: each key with its values."""

_CONDITION: Final = re.compile(r"([\w.-]+)([=~])(.*)", re.DOTALL)
_GLOB_MARKS: Final = re.compile(r"[*?\[]")

_NOT_A_CONDITION: Final = (
    "{option} {text}: expected KEY=VALUE or KEY~PATTERN, as in name~web or status=paused"
)
_NO_SUCH_KEY: Final = "{option} {text}: no VM has a tag {key}; there are: {known}"


class Condition(NamedTuple):
    """A condition on a VM, as it was typed.

    option:     --only or --except
    is_pattern: of `~`: a glob for the whole value, or a text anywhere in it
    """

    option: str
    key: str
    value: str
    is_pattern: bool = False

    def __str__(self) -> str:
        return f"{self.key}{'~' if self.is_pattern else '='}{self.value}"

    def fits(self, facts: Facts) -> bool:
        """Whether it holds for a VM."""
        values = facts.get(self.key, ())
        if not self.is_pattern:
            return self.value in values
        pattern = self.value if _GLOB_MARKS.search(self.value) else f"*{self.value}*"
        return any(fnmatchcase(value, pattern) for value in values)


class VmFilter(NamedTuple):
    """All conditions together.

    only:   of those with one key at least one holds
    exclude: none holds
    """

    only: tuple[Condition, ...] = ()
    exclude: tuple[Condition, ...] = ()

    @property
    def keys(self) -> frozenset[str]:
        """What has to be known of a VM."""
        return frozenset(one.key for one in (*self.only, *self.exclude))

    def picks(self, facts: Facts, keys: Iterable[str]) -> bool:
        """Whether a VM may be meant, by the conditions on these keys alone."""
        wanted = {*keys}
        for key in wanted & {one.key for one in self.only}:
            if not any(one.fits(facts) for one in self.only if one.key == key):
                return False
        return not any(one.fits(facts) for one in self.exclude if one.key in wanted)

    def check_keys(self, tags: Iterable[str]) -> None:
        """Raise UsageError for a condition on a tag that no VM has. tags: those that there are"""
        known = [*KNOWN, *sorted({*tags} - {*KNOWN})]
        for one in (*self.only, *self.exclude):
            if one.key not in known:
                raise UsageError(
                    _NO_SUCH_KEY.format(
                        option=one.option,
                        text=shortened(str(one)),
                        key=shortened(one.key),
                        known=shortened(" ".join(known)),
                    )
                )


def read_filter(only: Sequence[str], exclude: Sequence[str]) -> VmFilter:
    """Return the filter of `--only` and `--except`. Raises UsageError."""
    return VmFilter(
        tuple(_condition("--only", text) for text in only),
        tuple(_condition("--except", text) for text in exclude),
    )


def _condition(option: str, text: str) -> Condition:
    found = _CONDITION.fullmatch(text)
    if found is None:
        raise UsageError(_NOT_A_CONDITION.format(option=option, text=shortened(text)))
    return Condition(option, found[1], found[3], found[2] == "~")
