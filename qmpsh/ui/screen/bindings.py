"""Turns the key table into prompt_toolkit bindings, plus the few keys that answer a question.

While a secret is asked for, what is typed is never shown, and is in no buffer and no history.
"""

from __future__ import annotations

import select
from collections.abc import Callable, Sequence
from functools import partial

from prompt_toolkit.application import Application
from prompt_toolkit.filters import (
    Always,
    Condition,
    Filter,
    completion_is_selected,
    emacs_insert_mode,
    has_completions,
    is_searching,
    vi_insert_mode,
    vi_navigation_mode,
)
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys

from qmpsh.errors import QmpshError
from qmpsh.language.names import HELP_MARK
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.shell.settings import HMP_PROMPTS
from qmpsh.shell.steps import Ask, AskSecret
from qmpsh.shell.work import MAX_JOBS
from qmpsh.ui.common.keys import KEYS, KeyBinding, ignore_unbound_alt, leave_insert
from qmpsh.ui.screen import actions
from qmpsh.ui.screen.actions import HANDLERS, KeyContext
from qmpsh.ui.screen.menu import AutoMenu

if TYPE_CHECKING:
    from qmpsh.shell.session.session import RunningLine


class SecretEntry:
    """The secret typed for the current question; another line starts with nothing typed."""

    def __init__(self, running: Callable[[], RunningLine | None]) -> None:
        self._running = running
        self._line: RunningLine | None = None
        self._typed = ""

    @property
    def is_open(self) -> bool:
        """Whether the current question asks for a secret."""
        running = self._running()
        return running is not None and isinstance(running.task.asking, AskSecret)

    def add(self, text: str) -> None:
        """Add typed or pasted text."""
        if self._line is not self._running():
            self._line, self._typed = self._running(), ""
        self._typed += text

    def erase(self, count: int | None = None) -> None:
        """Erase the last characters, all by default."""
        self.add("")
        self._typed = self._typed[:-count] if count else ""

    def take(self) -> str:
        """Return what was typed, and forget it."""
        self.add("")
        typed, self._typed, self._line = self._typed, "", None
        return typed


def bind_secret(bindings: KeyBindings, context: KeyContext) -> None:
    """Bind letters and pastes to type, Backspace and Ctrl-U to erase, Enter to answer."""
    entry = SecretEntry(lambda: context.screen.session.running)
    asked = Condition(lambda: entry.is_open)

    def type_in(event: KeyPressEvent) -> None:
        # Other keys have names of several letters.
        if len(event.key_sequence[-1].key) == 1:
            entry.add(event.data)

    def paste(event: KeyPressEvent) -> None:
        entry.add(event.data.rstrip("\r\n"))

    def answer(event: KeyPressEvent) -> None:
        running = context.screen.session.running
        if running is not None:
            running.task.reply(entry.take())
            context.turn()

    bindings.add(Keys.Any, filter=asked)(type_in)
    bindings.add(Keys.BracketedPaste, filter=asked)(paste)
    bindings.add("backspace", filter=asked)(lambda event: entry.erase(1))
    bindings.add("c-u", filter=asked)(lambda event: entry.erase())
    bindings.add("enter", filter=asked)(answer)


def bind_keys(
    bindings: KeyBindings, context: KeyContext, table: Sequence[KeyBinding] = KEYS
) -> None:
    """Bind every row of the table that has a handler, and Enter for an open event."""
    at_prompt = ~is_searching & ~Condition(lambda: context.screen.entry_row.is_open)
    filters: dict[str, Filter] = {
        "leave": Condition(lambda: not context.buffer.text) & at_prompt,
        "interrupt": at_prompt,
        "list_history": at_prompt & ~vi_navigation_mode,
        "end_of_line": at_prompt,
        "take_word": at_prompt,
    }
    for key in table:
        for keys in key.keys if key.handler else ():
            where = filters.get(key.handler, Always())
            bindings.add(*keys.split(" "), filter=where)(
                partial(_handle, context, HANDLERS[key.handler])
            )
    selected = Condition(lambda: context.screen.events.selected is not None) & at_prompt
    empty = Condition(lambda: not context.buffer.text)
    bindings.add("enter", filter=selected & empty)(partial(_handle, context, actions.open_event))


def bind_escape(bindings: KeyBindings, context: KeyContext) -> Callable[[], bool]:
    """Bind Escape at the prompt: it leaves the nearest of these, and vi's insert mode as well.

    Returns a function that says whether Escape means something by itself at present, at the prompt
    or in an entry.
    """
    screen = context.screen
    meanings: tuple[tuple[Callable[[], bool], Callable[[KeyContext], None]], ...] = (
        (lambda: screen.key_sheet is not None, HANDLERS["key_sheet"]),
        (has_completions, _cancel_menu),
        (lambda: screen.events.selected is not None, actions.leave_event),
    )

    def takes_keys() -> bool:
        return screen.entry_row.is_open or screen.question is not None or screen.jobs.is_open

    def is_meant() -> bool:
        return any(holds() for holds, _ in meanings)

    def leave(context: KeyContext) -> None:
        next(action for holds, action in meanings if holds())(context)
        leave_insert(context.app)

    at_prompt = ~is_searching & ~Condition(lambda: screen.entry_row.is_open)
    bindings.add("escape", filter=Condition(is_meant) & at_prompt)(partial(_handle, context, leave))
    return lambda: is_meant() or takes_keys()


def bind_editing(bindings: KeyBindings, context: KeyContext, auto_menu: AutoMenu) -> None:
    """Bind the editing keys that are not in the table because they do what everybody expects."""
    buffer = context.buffer
    at_line = Condition(lambda: context.app.current_buffer is buffer)
    inserting = at_line & (emacs_insert_mode | vi_insert_mode)

    def goes_on(event: KeyPressEvent) -> None:
        context.screen.output.advice.get(
            "indent",
            lambda: actions.new_row(buffer, context.screen.session.split),
            lambda: buffer.insert_text("\n"),
        )

    def close(event: KeyPressEvent) -> None:
        context.screen.output.advice.get(
            "indent",
            lambda: actions.close_bracket(buffer, event.data, context.screen.session.split),
            lambda: buffer.insert_text(event.data),
        )

    def pass_by(event: KeyPressEvent) -> None:
        """Let an arrow ignore a menu that opened by itself."""
        buffer.cancel_completion()
        if event.key_sequence[0].key == Keys.Up:
            buffer.auto_up()
        else:
            buffer.auto_down()

    ignore_unbound_alt(bindings)
    several = Condition(buffer.multiline)
    bindings.add("enter", filter=inserting & several & ~completion_is_selected)(goes_on)
    for mark in "}]":
        bindings.add(mark, filter=inserting)(close)
    for key in ["up", "down"]:
        bindings.add(key, filter=at_line & Condition(lambda: auto_menu.is_open))(pass_by)
    bindings.add("v", filter=at_line & vi_navigation_mode)(
        partial(_handle, context, actions.edit_line)
    )


MOVES = {"up": -1, "k": -1, "down": 1, "j": 1, "home": -MAX_JOBS, "end": MAX_JOBS}
"""keys of the list of jobs that move the selection, and by how many rows"""


def bind_jobs(bindings: KeyBindings, context: KeyContext) -> None:
    """Bind the keys of the list of jobs; letters are actions, and answers while it asks."""
    jobs = context.screen.jobs

    def run(line: str) -> None:
        if line:
            context.runner.submit(line)
        context.turn()

    def typed(event: KeyPressEvent) -> None:
        shown = jobs.shown
        run(shown.press(event.data) if shown.question is None else shown.answer(event.data))

    def wait(event: KeyPressEvent) -> None:
        line = jobs.shown.wait()
        if line:
            jobs.close()
            run(line)

    def answer_first(event: KeyPressEvent) -> None:
        question = jobs.shown.question
        if question is not None:
            run(jobs.shown.answer(question.choices[0][0]))

    bindings.add(Keys.Any)(typed)
    for key, step in MOVES.items():
        bindings.add(key)(lambda event, step=step: jobs.shown.move(step))
    bindings.add("pageup")(lambda event: jobs.page(-1))
    bindings.add("pagedown")(lambda event: jobs.page(1))
    asks = Condition(lambda: jobs.shown.question is not None)
    bindings.add("enter", filter=~asks)(wait)
    bindings.add("enter", filter=asks)(answer_first)
    bindings.add("w", filter=~asks)(wait)
    for key in ("q", "escape", "c-d"):
        bindings.add(key)(partial(_handle, context, actions.leave_jobs))
    bindings.add("c-c")(partial(_handle, context, actions.interrupt_jobs))


def bind_empty_line(bindings: KeyBindings, context: KeyContext) -> None:
    """Bind `?` and `/` at the start of a QMP line: help, and the search of the output.

    They are text where they come with more keys, as in a paste that the terminal does not mark,
    and in the human monitor. A blank after `?` makes it the beginning of `? NAME`.
    """
    buffer, screen = context.buffer, context.screen

    def is_empty() -> bool:
        at_line = context.app.current_buffer is buffer and not buffer.text
        return at_line and screen.session.prompt not in HMP_PROMPTS

    def go_on(event: KeyPressEvent) -> None:
        screen.key_sheet = None
        buffer.insert_text(f"{HELP_MARK} ")

    inserting = emacs_insert_mode | vi_insert_mode
    empty = inserting & Condition(is_empty)
    alone = empty & Condition(lambda: not keys_wait(context.app))
    covered = Condition(lambda: screen.key_sheet is not None)
    bindings.add(HELP_MARK, filter=alone)(partial(_handle, context, HANDLERS["key_sheet"]))
    bindings.add("/", filter=alone)(partial(_handle, context, HANDLERS["search_output"]))
    bindings.add(" ", filter=empty & covered)(go_on)


def keys_wait(app: Application[int]) -> bool:
    """Whether more keys have come than the one that is handled: no one types that fast."""
    if app.key_processor.input_queue:
        return True
    try:
        return bool(select.select([app.input.fileno()], [], [], 0)[0])
    except (OSError, ValueError, NotImplementedError):
        return False  # an input without a file descriptor that can be polled


def bind_question(bindings: KeyBindings, context: KeyContext) -> None:
    """Bind the keys for a question that replaces the prompt."""
    bindings.add("enter")(lambda event: _first_choice(context))
    bindings.add("escape")(partial(_handle, context, HANDLERS["interrupt"]))
    bindings.add(Keys.Any)(partial(_choose, context))
    bind_secret(bindings, context)


def _handle(
    context: KeyContext, handler: Callable[[KeyContext], None], event: KeyPressEvent
) -> None:
    context.screen.message = ""
    try:
        handler(context)
    except QmpshError as error:
        context.screen.output.error(error)


def _cancel_menu(context: KeyContext) -> None:
    context.app.current_buffer.cancel_completion()


def _first_choice(context: KeyContext) -> None:
    asking = context.screen.question
    if asking is not None and asking.choices:
        _answer(context, asking, asking.choices[0][0])


def _choose(context: KeyContext, event: KeyPressEvent) -> None:
    asking = context.screen.question
    if asking is not None and event.data in dict(asking.choices):
        _answer(context, asking, event.data)


def _answer(context: KeyContext, asking: Ask, key: str) -> None:
    running = context.screen.session.running
    if running is not None:
        word = dict(asking.choices)[key]
        chosen = word if asking.question.endswith("?") else f"Chosen: {word}"
        context.screen.output.note(f"{asking.question} {chosen}")
        running.task.reply(key)
        context.turn()
