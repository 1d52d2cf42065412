"""What the VMs answered, counted and put together: exit code, summary, equal answers. Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from qmpsh.errors import (
    Busy,
    CannotConnect,
    CommandFailed,
    ConnectionLost,
    QmpshError,
    ReplyTimeout,
    UsageError,
)
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.light_typing import NamedTuple
from qmpsh.many.ranges import fold_names
from qmpsh.many.targets import Target
from qmpsh.render.failures import failure_object
from qmpsh.render.safe import visible_word
from qmpsh.shell.steps import Answer

OK: Final = "ok"
NOT_BEGUN: Final = "not begun"
STOPPED: Final = "stopped"

_NOT_BEGUN: Final = "not sent: it failed on another VM before, and -k was not given"
_UNSENT, _FAILED = UsageError.exit_code, CommandFailed.exit_code

_WORDS: Final[tuple[tuple[type[QmpshError], str], ...]] = (
    (Busy, "busy"),
    (CannotConnect, "unreachable"),
    (ReplyTimeout, "timed out"),
    (ConnectionLost, "lost"),
    (UsageError, "not sent"),
)
"""Errors, and the word for each in the summary; the first row that fits is used."""

_ORDER: Final = (OK, "failed", "busy", STOPPED, "unreachable", "timed out", "lost", "not sent")


class VmResult(NamedTuple):
    """How a line ended on one VM.

    name:    of the VM, as it is shown
    answers: in the order in which they came; those of a stream have been printed already
    code:    exit code of the line there
    error:   what went wrong, None where it is in an answer
    state:   of the server's process where that is the reason, "" for running or unknown
    seconds: from sending to the end
    """

    target: Target
    name: str
    answers: tuple[Answer, ...] = ()
    code: int = 0
    error: QmpshError | None = None
    state: str = ""
    seconds: float = 0.0

    @property
    def word(self) -> str:
        """The word that counts it in the summary."""
        if not self.code:
            return OK
        if isinstance(self.error, NotBegun):
            return NOT_BEGUN
        if self.state and not isinstance(self.error, Busy):
            return self.state
        return next((word for kind, word in _WORDS if isinstance(self.error, kind)), "failed")

    @property
    def was_served(self) -> bool:
        """Whether the line ran there, until it ended or the VM was lost."""
        return not self.code or isinstance(self.error, ConnectionLost)

    @property
    def value(self) -> Json:
        """What the VM answered as one value: that of its only answer, a list of several."""
        values = [answer_value(one) for one in self.answers]
        if len(values) > 1 and all(isinstance(value, str) for value in values):
            return "".join(map(str, values))
        return values[0] if len(values) == 1 else values if values else {}

    @property
    def failure(self) -> JsonObject:
        """What went wrong, as `{"class": ..., "desc": ...}`."""
        failed = next((one for one in self.answers if one.failed), None)
        if failed is not None and failed.reply is not None and "error" in failed.reply:
            return {"error": failed.reply["error"], "code": self.code}
        said = failed.text if failed is not None and failed.text else f"exit {self.code}"
        error = self.error or CommandFailed("CommandFailed", said.removeprefix("CommandFailed: "))
        shown = failure_object(error, "" if self.error else said)
        return {"error": shown["error"], "code": self.code}

    @property
    def common_reason(self) -> str:
        """What went wrong, in words that may be true of another VM as well."""
        return self.reason.replace(str(self.target.address), "its socket")

    @property
    def reason(self) -> str:
        """What went wrong, as a sentence."""
        if self.error is not None:
            return str(self.error)
        failed = next((one.text for one in self.answers if one.failed and one.text), "")
        return failed or f"exit {self.code}"


class NotBegun(UsageError):
    """The line was not sent to a VM because it had failed on another one."""

    def __init__(self) -> None:
        super().__init__(_NOT_BEGUN)


def answer_value(answer: Answer) -> Json:
    """Return an answer as one JSON value; a text is a string."""
    if answer.data is not None:
        return answer.data.decode("utf-8", "replace")
    if answer.text is not None and not answer.failed and isinstance(answer.value, str):
        return answer.text
    if answer.reply is not None and "return" in answer.reply:
        return answer.reply["return"]
    return answer.text if answer.value is None and answer.text is not None else answer.value


def json_line(result: VmResult) -> JsonObject:
    """Return the object that stands for a VM where programs read."""
    line: JsonObject = {"vm": result.name, "address": result.target.text}
    if result.code and (result.error is not None or not _has_output(result)):
        line.update(result.failure)
    elif result.code:
        line.update({"return": result.value, **result.failure})
    else:
        line["return"] = result.value
    line["ms"] = round(result.seconds * 1000)
    return line


def _has_output(result: VmResult) -> bool:
    """Whether a line that failed has an answer all the same, as a program of the guest has."""
    return any(not one.failed for one in result.answers)


def exit_code(results: Sequence[VmResult]) -> int:
    """Return 0 if all is well, 2 if nothing was sent anywhere, the code that all failures have in
    common if it is one of 1, 3, 4 and 124, else 1.
    """
    codes = {one.code for one in results if one.code and one.word != NOT_BEGUN}
    if not codes:
        return 0
    if codes == {_UNSENT} and all(one.code for one in results):
        return _UNSENT
    shared = {_FAILED, CannotConnect.exit_code, ConnectionLost.exit_code, ReplyTimeout.exit_code}
    return codes.pop() if len(codes) == 1 and codes <= shared else _FAILED


def summary(results: Iterable[VmResult]) -> str:
    """Return `38 ok, 1 busy, 1 stopped`."""
    counts = Counter(one.word for one in results)
    words = sorted(counts, key=lambda word: _ORDER.index(word) if word in _ORDER else len(_ORDER))
    return ", ".join(f"{counts[word]} {word}" for word in words)


class AnswerGroup(NamedTuple):
    """VMs with the same answer. title: their names, and how many they are if more than one"""

    title: str
    first: VmResult
    size: int

    @property
    def reason(self) -> str:
        """What went wrong on all of them."""
        if self.size > 1:
            return self.first.common_reason
        address = str(self.first.target.address)
        # A path may hold a newline, and then what looks like a line of ours.
        return self.first.reason.replace(address, visible_word(address))


def fold(
    results: Sequence[VmResult], *, failures: bool = False, apart: bool = False
) -> list[AnswerGroup]:
    """Return the answers with the VMs that gave each, in the order of the first.

    failures: what went wrong in place of the answers; apart: each VM for itself
    """
    groups: dict[str, list[VmResult]] = {}
    for at, one in enumerate(results):
        same = one.common_reason if failures else json.dumps([one.code, one.value])
        groups.setdefault(f"{at}" if apart else same, []).append(one)
    return [
        AnswerGroup(_title([one.name for one in group]), group[0], len(group))
        for group in groups.values()
    ]


def _title(names: list[str]) -> str:
    folded = ",".join(fold_names(names))
    return visible_word(folded if len(names) == 1 else f"{folded} ({len(names)})")
