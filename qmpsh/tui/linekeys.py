"""The key table at the line prompt: all keys that make sense without panes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial
from typing import NamedTuple

from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent

from qmpsh.errors import QmpshError
from qmpsh.tui.clipboard import copy_text
from qmpsh.tui.editor import edit
from qmpsh.tui.keys import Key, key_sheet
from qmpsh.tui.modes import ignore_strangers
from qmpsh.tui.pager import show_in_pager
from qmpsh.tui.printer import Printer
from qmpsh.tui.purposes import NO_REPLY, Saving
from qmpsh.view.theme import Line, plain

ITS_OWN = frozenset({"", "interrupt", "leave"})
"""handlers in the table that the line prompt implements itself"""

Word = Callable[[str, str], Awaitable[str | None]]
"""Asks for a word, given label and default; returns None if the user cancels."""


class Interlude(Exception):  # it ends a prompt as EOFError does, and is no error
    """Ends the prompt to make room for something else; it then returns with what was typed."""

    def __init__(self, action: Callable[[], Awaitable[None]], typed: Document) -> None:
        super().__init__()
        self.action = action
        self.typed = typed


class Doings(NamedTuple):
    """What the keys may use.

    say:     prints lines
    submit:  runs a line
    suspend: stops the process
    word:    asks for a word
    """

    printer: Printer
    say: Callable[[list[Line]], None]
    submit: Callable[[str], None]
    suspend: Callable[[], None]
    word: Word


class LineKeys:
    """The keys of the line prompt. table: as rebound by the user."""

    def __init__(self, table: tuple[Key, ...], doings: Doings) -> None:
        self._doings = doings
        self._away = False
        self._handlers: dict[str, Callable[[KeyPressEvent], None]] = {
            "key_sheet": self._show_sheet,
            "page_reply": self._page,
            "toggle_hmp": lambda event: doings.submit(".hmp"),
            "copy_reply": self._copy,
            "save_reply": self._save,
            "edit_line": self._edit,
            "suspend": lambda event: doings.suspend(),
        }
        served = ITS_OWN.union(self._handlers)
        self._table = tuple(key for key in table if key.handler in served)

    def bindings(self) -> KeyBindings:
        """Return the keys as prompt_toolkit bindings."""
        bindings = KeyBindings()
        ignore_strangers(bindings)
        for keys, handler in self._bound():
            bindings.add(*keys.split(" "))(handler)
        # Ctrl-C in a pager or an editor is for that program.
        bindings.add("<sigint>", filter=Condition(lambda: self._away))(_nothing)
        return bindings

    def _bound(self) -> Iterator[tuple[str, Callable[[KeyPressEvent], None]]]:
        for key in self._table:
            for keys in key.keys if key.handler in self._handlers else ():
                yield keys, self._handlers[key.handler]

    def _show_sheet(self, event: KeyPressEvent) -> None:
        self._doings.say(key_sheet(self._table, "Keys"))

    def _page(self, event: KeyPressEvent) -> None:
        reply = self._doings.printer.last_reply
        if reply is None:
            self._doings.printer.remark(NO_REPLY)
        else:
            pager = show_in_pager(reply.text(), is_table=reply.table is not None)
            self._hand_over(event, pager)

    def _edit(self, event: KeyPressEvent) -> None:
        self._hand_over(event, _edited(event))

    def _hand_over(self, event: KeyPressEvent, program: Coroutine[None, None, None]) -> None:
        """Give the terminal to a program, one at a time."""
        if self._away:
            program.close()
            return
        self._away = True
        event.app.create_background_task(self._come_back(program))

    async def _come_back(self, program: Coroutine[None, None, None]) -> None:
        try:
            await program
        except QmpshError as error:
            self._doings.printer.error(error)
        finally:
            self._away = False

    def _copy(self, event: KeyPressEvent) -> None:
        reply = self._doings.printer.last_reply
        said = NO_REPLY if reply is None else copy_text(reply.text(), event.app.output)
        self._doings.printer.remark(said)

    def _save(self, event: KeyPressEvent) -> None:
        printer = self._doings.printer
        if printer.last_reply is None:
            printer.remark(NO_REPLY)
            return
        saving = Saving(printer.last_reply.text(), printer.remark)
        # The question for the name takes the place of the line.
        event.app.erase_when_done = True
        document = event.app.current_buffer.document
        event.app.exit(exception=Interlude(partial(self._ask_name, saving), document))

    async def _ask_name(self, saving: Saving) -> None:
        before = ""
        while (name := await self._doings.word(saving.label, before)) is not None:
            if name != before:
                saving.changed(name)
            if saving.accept(name):
                return
            before = name
            self._doings.printer.remark(plain(saving.info(self._doings.printer.columns())).strip())


async def _edited(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    text = await edit(buffer.text)
    buffer.document = Document(text, len(text))


def _nothing(event: KeyPressEvent) -> None:
    """Ignore the key."""
