"""What `-a` prints: a JSON line for each VM as it comes, or tables and blocks at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Final

from qmpsh.batch.formatter import BatchFormatter
from qmpsh.batch.progress import OverwrittenLine, read_secret
from qmpsh.errors import shortened
from qmpsh.jsontypes import Json, JsonObject, as_dict, as_dicts, as_list
from qmpsh.language.verbs import Reach
from qmpsh.many.line import ManyLine
from qmpsh.many.ranges import fold_names, natural_key
from qmpsh.many.results import AnswerGroup, VmResult, fold, json_line, summary
from qmpsh.many.sweep import Awaited
from qmpsh.render.environment import Environment
from qmpsh.render.formats import compact, pretty
from qmpsh.render.safe import visible, visible_word
from qmpsh.shell.steps import Answer, Ask, Note

NAME: Final = "vm"
"""the first member of a line, and the first column of a table"""
_LISTENING: Final = "listening"
_PROGRESS_SECONDS: Final = 1.0
"""seconds after which the progress is shown"""
_MAX_WAITING: Final = 3
"""VMs named in the progress"""

_PROGRESS: Final = "{title}: {done}/{total}"
_UNANSWERED: Final = "{count} without an answer so far"
_LEFT_OUT: Final = "left out {count} that do not speak QMP: {names}"
_WAITING: Final = ", waiting for {names}"


class ManyOutput:
    """Prints what a sweep yields.

    line:     what is run
    in_lines: each VM is a JSON line; else a person reads
    folds:    equal answers are put together
    """

    def __init__(
        self, environment: Environment, line: ManyLine, *, in_lines: bool, folds: bool
    ) -> None:
        self._environment = environment
        self._formatter = BatchFormatter(environment)
        self._line = line
        self._in_lines = in_lines
        self._folds = folds
        self._started = time.monotonic()
        self._bar = OverwrittenLine()
        self._secrets: dict[str, str] = {}

    # -------------------------------------------------------------------- while it runs

    def streamed(self, name: str, answer: Answer) -> None:
        """Print an answer of a line that goes on, as a JSON line."""
        is_event = self._line.reach is Reach.FOLLOWS
        said: Json = answer.text if answer.value is None else answer.value
        self._print_line({NAME: name, **(as_dict(said) if is_event else {"return": said})})

    def lost(self, result: VmResult) -> None:
        """Print that a VM is gone, which may come again."""
        self._print_line({NAME: result.name, "lost": result.reason if result.code else "ended"})

    def regained(self, name: str) -> None:
        """Print that a VM that was lost is there again."""
        self._print_line({NAME: name, "regained": True})

    def listening(self) -> None:
        """Say to programs that read along that nothing is missed from now on."""
        self._bar.draw("")
        sys.stdout.flush()
        print(_LISTENING, file=sys.stderr, flush=True)

    def noted(self, name: str, note: Note) -> None:
        """Print a remark about a VM."""
        if not note.bare:
            self._bar.draw("")
            self._environment.notice(note.text, visible_word(name))

    def ask(self, asking: Ask) -> str:
        """Ask for a secret, once for all VMs."""
        if asking.question not in self._secrets:
            self._bar.draw("")
            self._secrets[asking.question] = read_secret(asking.question)
        return self._secrets[asking.question]

    def ended(self, result: VmResult) -> None:
        """Print the line of a VM."""
        if self._in_lines and (result.code or not self._line.streams):
            self._print_line(json_line(result))

    def tick(self, done: int, total: int, waiting: Sequence[Awaited]) -> None:
        """Pass on what has been printed, and draw the progress once it takes long."""
        sys.stdout.flush()
        late = time.monotonic() - self._started >= _PROGRESS_SECONDS
        if late and self._environment.has_bar and not self._line.streams:
            self._bar.draw(self._progress(done, total, waiting))

    def _progress(self, done: int, total: int, waiting: Sequence[Awaited]) -> str:
        now = time.monotonic()
        names = [
            f"{visible_word(one.name)} ({now - one.begun:.0f} s)" for one in waiting[:_MAX_WAITING]
        ]
        more = ", ..." if len(waiting) > _MAX_WAITING else ""
        text = _PROGRESS.format(title=visible_word(self._line.title), done=done, total=total)
        if names:
            text += _WAITING.format(names=", ".join(names) + more)
        return text[: self._environment.bar_columns - 1]

    def _print_line(self, line: JsonObject) -> None:
        self._bar.draw("")
        print(compact(line), flush=self._line.streams)

    def clear(self) -> None:
        """Take the progress away."""
        self._bar.draw("")

    # -------------------------------------------------------------------- at the end

    def finish(
        self,
        results: Sequence[VmResult],
        *,
        left_out: Sequence[VmResult] = (),
        unanswered: int = 0,
    ) -> None:
        """Print the answers for a person, then what went wrong, and the summary.

        left_out: what is no monitor; unanswered: VMs that were given up
        """
        self._bar.draw("")
        results = sorted(results, key=lambda one: natural_key(one.name))
        if not self._in_lines:
            if not self._line.streams:
                self._print_answers([one for one in results if one.answers and not _is_mute(one)])
            failed = [one for one in results if one.code]
            for group in fold(failed, failures=True, apart=not self._folds):
                self._environment.notice(group.reason, group.title)
        if left_out:
            names = ", ".join(fold_names(visible_word(one.name) for one in left_out))
            self._environment.notice(_LEFT_OUT.format(count=len(left_out), names=shortened(names)))
        given_up = _UNANSWERED.format(count=unanswered) if unanswered else ""
        if counts := ", ".join(filter(None, (summary(results), given_up))):
            self._environment.notice(counts)

    def _print_answers(self, results: Sequence[VmResult]) -> None:
        groups = fold(results, apart=not self._folds)
        rows = table_rows(groups) if all(not one.code for one in results) else None
        if rows:
            print(self._formatter.table(rows, is_whole=False))
            return
        for group in groups:
            print(f"== {group.title}")
            print(self._body(group.first))

    def _body(self, result: VmResult) -> str:
        """Return the answer of a block."""
        drawn = [one for one in result.answers if one.rows]
        if drawn:
            return "\n".join(self._formatter.laid_out(one.rows, one.text or "") for one in drawn)
        value = result.value
        if isinstance(value, str):
            return visible(value.rstrip("\n"))
        text = pretty(value)
        return self._formatter.coloured(text) if self._environment.has_colours else text


def _is_mute(result: VmResult) -> bool:
    """Whether a VM said no more than that all is well, or only what went wrong."""
    return result.value in ({}, "", None) or all(one.failed for one in result.answers)


def table_rows(groups: Sequence[AnswerGroup]) -> list[Json] | None:
    """Return the rows of a table, each with the name of its VMs; None if a block shows it better:
    for texts, and for objects that hold others.
    """
    rows: list[Json] = []
    for group in groups:
        value = group.first.value
        found = [value] if isinstance(value, dict) else as_dicts(value)
        if not found or (isinstance(value, list) and len(found) < len(as_list(value))):
            return None
        if isinstance(value, dict) and any(isinstance(one, dict | list) for one in value.values()):
            return None
        if any(one.rows for one in group.first.answers):
            return None
        rows += [
            {NAME: group.title, **{k: v for k, v in row.items() if k != NAME}} for row in found
        ]
    return rows
