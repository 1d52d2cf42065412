"""What the keys do: one short function per key, named in the key table.

Some move in the output or copy replies from it (search, replies, clipboard, file), some select an
event in its pane and open it in the output, some edit the line being typed (the editor, new rows,
arrows beside an offered menu).
"""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.application import Application
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document

from qmpsh.errors import QmpshError
from qmpsh.language.analysis import analyse
from qmpsh.language.reader import Split
from qmpsh.language.syntax import Mode
from qmpsh.language.tokens import TokenKind
from qmpsh.light_typing import NamedTuple
from qmpsh.render.safe import visible_word
from qmpsh.render.theme import plain
from qmpsh.ui.common import history
from qmpsh.ui.common.entry_mode import NO_REPLY, SaveMode
from qmpsh.ui.common.external import Paint, copy_text, edit, show_in_pager
from qmpsh.ui.common.hint import NO_HELP, NO_HINT
from qmpsh.ui.common.keys import insert_mode
from qmpsh.ui.common.runner import LineRunner, detached_note
from qmpsh.ui.screen.entries import SearchMode
from qmpsh.ui.screen.history_list import HistoryMode
from qmpsh.ui.screen.output import Echo
from qmpsh.ui.screen.replies import ReplyBlock, heading_after, heading_before
from qmpsh.ui.screen.state import ScreenState
from qmpsh.ui.screen.status import NARROW_COLUMNS
from qmpsh.ui.screen.tips import MOUSE_OFF_TIP

LEAVE_TIP = "Ctrl-D leaves the shell; the VM keeps running"
OWN_LEAVE_TIP = "Ctrl-D leaves the shell, and asks what to do with the VM"
ABANDONED_NOTE = "abandoned: nothing was sent"
MOUSE_ON_TIP = "mouse on: the wheel scrolls the pane under it; hold Shift to select text"
HIDDEN_TIP = "the events are hidden: F3 shows them"
SELECTED_TIP = "Enter on an empty line opens the event; Esc deselects it"
NO_REPLY_HERE = "this line has no reply"
WHOLE = "{}: the reply is shown whole"
NO_EVENTS_TIP = "a guest agent sends no events"
NARROW_TIP = f"the events pane needs {NARROW_COLUMNS} columns; F3 shows the events alone"


class KeyContext(NamedTuple):
    """What a key's handler may use.

    screen:  what is shown
    runner:  runs lines
    buffer:  the line being typed
    app:     the application
    turn:    call it when the session may have something to send
    suspend: stops the process, like Ctrl-Z
    painter: makes what gives lines their colours outside the screen
    form:    returns the form in which the terminal shows pictures
    """

    screen: ScreenState
    runner: LineRunner[Echo]
    buffer: Buffer
    app: Application[int]
    turn: Callable[[], None]
    suspend: Callable[[], None]
    painter: Callable[[], Paint]
    form: Callable[[], str]


def end(app: Application[int], exit_code: int) -> None:
    """End the application; harmless if repeated."""
    if app.is_running and not app.is_done:
        app.exit(result=exit_code)


def key_sheet(context: KeyContext) -> None:
    context.screen.jobs.close()
    context.buffer.complete_state = None
    screen = context.screen
    is_open = screen.key_sheet is not None
    if is_open or not context.buffer.text.strip():
        screen.toggle_sheet()
    elif not screen.output.advice.get("help", lambda: screen.show_help(context.buffer), bool):
        screen.toggle_sheet()
        screen.message = NO_HELP


def print_hint(context: KeyContext) -> None:
    """Show the hint in the output, where it is not cut."""
    context.screen.output.note(plain(context.screen.hint(context.buffer)) or NO_HINT)


def toggle_jobs(context: KeyContext) -> None:
    screen = context.screen
    if screen.jobs.is_open:
        screen.jobs.close()
    else:
        screen.open_jobs()


def leave_jobs(context: KeyContext) -> None:
    """Take back the question of the list of jobs, else go back to the output (Escape)."""
    jobs = context.screen.jobs
    if jobs.shown.question is not None:
        jobs.shown.forget_question()
    else:
        jobs.close()


def interrupt_jobs(context: KeyContext) -> None:
    """Detach from the command that the list has sent, else leave the list (Ctrl-C)."""
    if context.screen.session.running is not None and context.screen.jobs.shown.question is None:
        _detach(context)
        context.screen.jobs.say("")
    else:
        leave_jobs(context)


def toggle_events(context: KeyContext) -> None:
    screen = context.screen
    preferences = screen.session.preferences
    if not screen.session.machine.has_events:
        screen.message = NO_EVENTS_TIP
    elif not screen.is_narrow:
        preferences.change("events", "off" if screen.events_shown else "on")
    elif screen.is_zoomed:
        screen.is_zoomed = False
    else:
        screen.message = NARROW_TIP


def zoom_events(context: KeyContext) -> None:
    context.screen.jobs.close()
    context.screen.is_zoomed = not context.screen.is_zoomed


def toggle_fold(context: KeyContext) -> None:
    reply = _target(context)
    if reply is None:
        return
    if reply.fold is None:
        context.screen.message = WHOLE.format(visible_word(reply.name))
    else:
        context.screen.output.view.toggle(reply)


def page_reply(context: KeyContext) -> None:
    reply = _target(context)
    if reply is not None and not context.screen.is_paging:
        context.app.create_background_task(_page(context, reply))


def _target(context: KeyContext) -> ReplyBlock | None:
    """Return the reply that the keys act on; None, with a message, where there is none."""
    aim = context.screen.output.aim
    reply = aim.target
    if reply is None:
        context.screen.message = NO_REPLY if aim.last is None else NO_REPLY_HERE
    return reply


async def _page(context: KeyContext, reply: ReplyBlock) -> None:
    context.screen.is_paging = True
    try:
        await show_in_pager(reply.body, context.painter(), context.form())
    except QmpshError as error:
        context.screen.output.error(error)
    finally:
        context.screen.is_paging = False
        context.app.invalidate()


def toggle_hmp(context: KeyContext) -> None:
    context.runner.submit(".hmp")
    context.turn()


def output_up(context: KeyContext) -> None:
    context.screen.main_view.page(-1)


def output_down(context: KeyContext) -> None:
    context.screen.main_view.page(1)


def output_start(context: KeyContext) -> None:
    context.screen.main_view.to_start()


def output_tail(context: KeyContext) -> None:
    context.screen.main_view.to_tail()


def end_of_line(context: KeyContext) -> None:
    buffer = context.buffer
    if buffer.text:
        buffer.cursor_position += buffer.document.get_end_of_line_position()
    else:
        output_tail(context)


def events_up(context: KeyContext) -> None:
    context.screen.events.view.page(-1)


def events_down(context: KeyContext) -> None:
    context.screen.events.view.page(1)


def clear_output(context: KeyContext) -> None:
    context.screen.output.view.clear()


def interrupt(context: KeyContext) -> None:
    """Cancel the nearest of these: question, typed line, key sheet, running command."""
    screen, buffer = context.screen, context.buffer
    if context.screen.is_paging:
        # Ctrl-C in the pager is for the pager.
        return
    insert_mode(context.app)
    if screen.question is None and buffer.text:
        buffer.reset()
    elif screen.key_sheet is not None:
        screen.toggle_sheet()
    else:
        _detach(context)


def _detach(context: KeyContext) -> None:
    running, queued = context.screen.session.running, len(context.runner.waiting)
    if not context.runner.interrupt():
        own = context.screen.session.asks_to_leave
        context.screen.message = OWN_LEAVE_TIP if own else LEAVE_TIP
    elif running is None:
        context.screen.output.note(ABANDONED_NOTE)
    elif running.task.outcome is None:
        context.screen.output.note(detached_note(running, queued))
    context.turn()


def suspend(context: KeyContext) -> None:
    context.suspend()


def leave(context: KeyContext) -> None:
    """Handle Ctrl-D. If leaving asks a question, a line asks it; a second Ctrl-D cancels it."""
    screen = context.screen
    if not screen.session.asks_to_leave:
        end(context.app, 0)
    elif screen.question is not None:
        interrupt(context)
    else:
        context.runner.interrupt()
        context.runner.submit(".exit")
        context.turn()


def search_output(context: KeyContext) -> None:
    screen = context.screen
    screen.jobs.close()
    screen.key_sheet, screen.is_zoomed = None, False
    if isinstance(screen.entry_row.mode, SearchMode):
        return
    last = screen.search.text if screen.search else ""
    screen.search = SearchMode(
        screen.output, context.app.create_background_task, context.app.invalidate, last
    )
    # In vi's normal mode, letters would be commands here too.
    insert_mode(context.app)
    screen.entry_row.open(screen.search)


def previous_reply(context: KeyContext) -> None:
    output = context.screen.output
    line = output.aim.line
    if output.view.is_following and output.view.focus is None:
        # Where the last command line is in view, the keys act on its reply already.
        last = heading_before(output.store, output.store.end)
        line = last.heading_line if last and last.heading_line >= line else line
    found = heading_before(output.store, line)
    if found is not None:
        output.view.scroll_to(found.heading_line, found)


def next_reply(context: KeyContext) -> None:
    output = context.screen.output
    found = heading_after(output.store, output.aim.line)
    if found is None or (output.view.is_following and output.view.focus is None):
        output.view.to_tail()
    else:
        output.view.scroll_to(found.heading_line, found)


def copy_reply(context: KeyContext) -> None:
    reply = _target(context)
    if reply is not None:
        said = copy_text(reply.text(), context.app.output)
        is_last = reply is context.screen.output.aim.last
        context.screen.message = said if is_last else f"{visible_word(reply.name)}: {said}"


def save_reply(context: KeyContext) -> None:
    reply = _target(context)
    if reply is None:
        return
    insert_mode(context.app)
    context.screen.entry_row.open(SaveMode(reply.text(), context.screen.output.note))


def take_word(context: KeyContext) -> None:
    history.take_word(context.buffer)


def list_history(context: KeyContext) -> None:
    """Show the lines typed before, those that contain what is typed."""
    buffer, entry = context.buffer, context.screen.entry_row
    typed = buffer.text

    def take(line: str) -> None:
        buffer.document = Document(line, len(line))

    insert_mode(context.app)
    entry.open(HistoryMode(history.newest_first(buffer.history.get_strings()), take))
    entry.buffer.insert_text(typed.replace("\n", " "))


def toggle_mouse(context: KeyContext) -> None:
    screen = context.screen
    preferences = screen.session.preferences
    wanted = not preferences.values.mouse
    preferences.change("mouse", "on" if wanted else "off")
    screen.message = MOUSE_ON_TIP if wanted else MOUSE_OFF_TIP


def previous_event(context: KeyContext) -> None:
    _select(context, -1)


def next_event(context: KeyContext) -> None:
    _select(context, 1)


def open_event(context: KeyContext) -> None:
    """Show the selected event's JSON (Enter on an empty line); it stays selected."""
    screen = context.screen
    block = screen.events.selected
    if block is not None:
        screen.key_sheet, screen.is_zoomed = None, False
        screen.output.view.to_tail()
        screen.output.event(block)


def leave_event(context: KeyContext) -> None:
    """Deselect the event (Escape)."""
    context.screen.events.deselect()


def _select(context: KeyContext, step: int) -> None:
    screen = context.screen
    if not screen.events_shown:
        screen.message = HIDDEN_TIP
        return
    screen.events.select(step)
    if screen.events.selected is not None:
        screen.message = SELECTED_TIP


SplitLines = Callable[[str], Split]
"""Whether a line continues on the next row."""

INDENT_SPACES = 2
"""spaces per open bracket"""


def edit_line(context: KeyContext) -> None:
    if not context.screen.is_paging:
        context.app.create_background_task(_edit(context))


async def _edit(context: KeyContext) -> None:
    context.screen.is_paging = True
    try:
        text = await edit(context.buffer.text)
    except QmpshError as error:
        context.screen.output.error(error)
    else:
        context.buffer.document = Document(text, len(text))
    finally:
        context.screen.is_paging = False
        context.app.invalidate()


def new_row(buffer: Buffer, split: SplitLines) -> None:
    """Start a new row, indented by the number of brackets open before the cursor."""
    depth = open_brackets(buffer.document.text_before_cursor, split)
    buffer.insert_text("\n" + " " * (INDENT_SPACES * depth))


def close_bracket(buffer: Buffer, mark: str, split: SplitLines) -> None:
    """Insert a closing bracket; if it is first in its row, dedent it by one step."""
    before = buffer.document.current_line_before_cursor
    if before and before.isspace():
        depth = open_brackets(buffer.document.text_before_cursor, split)
        surplus = len(before) - INDENT_SPACES * max(0, depth - 1)
        buffer.delete_before_cursor(max(0, surplus))
    buffer.insert_text(mark)


def open_brackets(text: str, split: SplitLines) -> int:
    """Return how many brackets are open at the end of a text, not counting those in strings.

    Inside an open string the result is 0: an indent would become part of it.
    """
    depth = 0
    tokens = analyse(split(text).rest, Mode(prompt=True)).tokens
    if tokens and tokens[-1].kind is TokenKind.UNCLOSED:
        return 0
    for token in tokens:
        if token.kind is TokenKind.OPEN:
            depth += 1
        elif token.kind is TokenKind.CLOSE:
            depth = max(0, depth - 1)
    return depth


HANDLERS: dict[str, Callable[[KeyContext], None]] = {
    handler.__name__: handler
    for handler in (
        key_sheet,
        print_hint,
        toggle_events,
        toggle_jobs,
        zoom_events,
        toggle_fold,
        page_reply,
        toggle_hmp,
        output_up,
        output_down,
        output_start,
        output_tail,
        end_of_line,
        events_up,
        events_down,
        clear_output,
        interrupt,
        suspend,
        leave,
        search_output,
        previous_reply,
        next_reply,
        copy_reply,
        save_reply,
        list_history,
        take_word,
        toggle_mouse,
        previous_event,
        next_event,
        edit_line,
    )
}
"""The handlers that a key may be bound to, by the names in the table of keys."""
