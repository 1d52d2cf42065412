"""The keys of the line prompt, all those of the key table that make sense without panes; questions.

A question asks for one of several keys, a secret, or a word. None of the answers is stored.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterator
from functools import partial

from prompt_toolkit import PromptSession
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Always, Condition, vi_navigation_mode
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import DummyHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout.processors import PasswordProcessor, Processor
from prompt_toolkit.output import Output as Terminal
from prompt_toolkit.styles import BaseStyle

from qmpsh.errors import QmpshError
from qmpsh.light_typing import NamedTuple
from qmpsh.render.theme import Line, plain
from qmpsh.shell.steps import Ask, AskSecret
from qmpsh.ui.common.entry_mode import NO_REPLY, SaveMode
from qmpsh.ui.common.external import Paint, copy_text, edit, show_in_pager
from qmpsh.ui.common.hint import NO_HELP, NO_HINT
from qmpsh.ui.common.history import take_word
from qmpsh.ui.common.keys import PLAIN_SHEET_TITLE, KeyBinding, ignore_unbound_alt, key_sheet
from qmpsh.ui.common.style import fragments, question_line
from qmpsh.ui.line.history_menu import NO_ENTRY, offer_history
from qmpsh.ui.line.printer import Printer

OWN_HANDLERS = frozenset({"", "interrupt", "leave"})
"""handlers in the table that the line prompt implements itself"""

AskWord = Callable[[str, str], Awaitable[str | None]]
"""Asks for a word, given label and default; returns None if the user cancels."""


class PromptSuspension(Exception):  # it ends a prompt as EOFError does, and is not an error
    """The end of a prompt that makes room for something else, and returns with what was typed."""

    def __init__(self, action: Callable[[], Awaitable[None]], typed: Document) -> None:
        super().__init__()
        self.action = action
        self.typed = typed


class LineKeyContext(NamedTuple):
    """What the keys of the line prompt may use.

    say:     prints lines
    submit:  runs a line
    suspend: stops the process
    word:    asks for a word
    help:    returns the help on what the cursor is on, "" for none
    hint:    returns the hint on what is typed
    painter: makes what gives lines their colours in the pager
    form: returns the form in which the terminal shows pictures
    """

    printer: Printer
    say: Callable[[list[Line]], None]
    submit: Callable[[str], None]
    suspend: Callable[[], None]
    word: AskWord
    help: Callable[[Document], list[Line]]
    hint: Callable[[Document], Line]
    painter: Callable[[], Paint]
    form: Callable[[], str]


class LineKeys:
    """The key bindings of the line prompt. table: as rebound by the user."""

    def __init__(self, table: tuple[KeyBinding, ...], context: LineKeyContext) -> None:
        self._context = context
        self._is_away = False
        self._handlers: dict[str, Callable[[KeyPressEvent], None]] = {
            "key_sheet": self._help,
            "print_hint": self._print_hint,
            "page_reply": self._page,
            "toggle_hmp": lambda event: context.submit(".hmp"),
            "copy_reply": self._copy,
            "save_reply": self._save,
            "edit_line": self._edit,
            "suspend": lambda event: context.suspend(),
            "list_history": self._list_history,
            "take_word": lambda event: take_word(event.current_buffer),
        }
        served = OWN_HANDLERS.union(self._handlers)
        self._table = tuple(key for key in table if key.handler in served)

    def bindings(self) -> KeyBindings:
        """Return the keys as prompt_toolkit bindings."""
        bindings = KeyBindings()
        ignore_unbound_alt(bindings)
        for name, keys in self._bound():
            where = ~vi_navigation_mode if name == "list_history" else Always()
            bindings.add(*keys.split(" "), filter=where)(self._handlers[name])
        # Ctrl-C in a pager or an editor is for that program.
        bindings.add("<sigint>", filter=Condition(lambda: self._is_away))(_nothing)
        return bindings

    def _bound(self) -> Iterator[tuple[str, str]]:
        """Yield a handler's name and its keys."""
        for key in self._table:
            for keys in key.keys if key.handler in self._handlers else ():
                yield key.handler, keys

    def _help(self, event: KeyPressEvent) -> None:
        """Print the help on what the cursor is on, or of an empty line the key sheet."""
        document = event.current_buffer.document
        if document.text.strip():
            self._context.say(self._context.help(document) or [[("hint", NO_HELP)]])
        else:
            self._context.say(key_sheet(self._table, PLAIN_SHEET_TITLE))

    def _list_history(self, event: KeyPressEvent) -> None:
        """Offer the lines typed before that contain what is typed; again, the next of them."""
        buffer = event.current_buffer
        if buffer.complete_state is not None:
            buffer.complete_next()
        elif not offer_history(buffer):
            self._context.printer.remark(NO_ENTRY)

    def _print_hint(self, event: KeyPressEvent) -> None:
        hint = self._context.hint(event.current_buffer.document)
        self._context.say([hint or [("hint", NO_HINT)]])

    def _page(self, event: KeyPressEvent) -> None:
        reply = self._context.printer.last_reply
        if reply is None:
            self._context.printer.remark(NO_REPLY)
        else:
            painter, form = self._context.painter(), self._context.form()
            self._hand_over(event, show_in_pager(reply, painter, form))

    def _edit(self, event: KeyPressEvent) -> None:
        self._hand_over(event, _edited(event))

    def _hand_over(self, event: KeyPressEvent, program: Coroutine[None, None, None]) -> None:
        """Give the terminal to a program, one at a time."""
        if self._is_away:
            program.close()
            return
        self._is_away = True
        event.app.create_background_task(self._run_program(program))

    async def _run_program(self, program: Coroutine[None, None, None]) -> None:
        try:
            await program
        except QmpshError as error:
            self._context.printer.error(error)
        finally:
            self._is_away = False

    def _copy(self, event: KeyPressEvent) -> None:
        reply = self._context.printer.last_reply
        said = NO_REPLY if reply is None else copy_text(reply.text(), event.app.output)
        self._context.printer.remark(said)

    def _save(self, event: KeyPressEvent) -> None:
        printer = self._context.printer
        if printer.last_reply is None:
            printer.remark(NO_REPLY)
            return
        saving = SaveMode(printer.last_reply.text(), printer.remark)
        # The question for the name takes the place of the line.
        event.app.erase_when_done = True
        document = event.app.current_buffer.document
        event.app.exit(exception=PromptSuspension(partial(self._ask_name, saving), document))

    async def _ask_name(self, saving: SaveMode) -> None:
        before = ""
        while (name := await self._context.word(saving.label, before)) is not None:
            if name != before:
                saving.on_text_changed(name)
            if saving.accept(name):
                return
            before = name
            self._context.printer.remark(
                plain(saving.info(self._context.printer.columns())).strip()
            )


async def _edited(event: KeyPressEvent) -> None:
    buffer = event.current_buffer
    text = await edit(buffer.text)
    buffer.document = Document(text, len(text))


def _nothing(event: KeyPressEvent) -> None:
    """Ignore the key."""


class LineQuestions:
    """The questions of the line prompt, one at a time. input: None for the process's own."""

    def __init__(self, input: Input | None, output: Terminal) -> None:  # its name
        self.input = input
        self.output = output
        self._open: PromptSession[str] | None = None

    def close(self) -> None:
        """Cancel the open question, if any."""
        if self._open is not None and self._open.app.is_running and not self._open.app.is_done:
            self._open.app.exit(exception=EOFError)

    async def ask(self, asking: Ask, style: BaseStyle) -> str | None:
        """Return the chosen key or the typed secret; None if cancelled."""
        message = fragments([*question_line(asking), ("", " ")])
        if isinstance(asking, AskSecret):
            return await self._typed(message, style, [PasswordProcessor(char="")])
        prompt = self._prompt(style, keys=_question_keys(asking))
        return await self._answer(prompt, message, "") or None

    async def word(self, label: str, style: BaseStyle, default: str = "") -> str | None:
        """Ask for a word; None if cancelled. default: the initial text."""
        return await self._typed(fragments([("hint", label)]), style, [], default)

    async def _typed(
        self,
        message: StyleAndTextTuples,
        style: BaseStyle,
        processors: list[Processor],
        default: str = "",
    ) -> str | None:
        return await self._answer(self._prompt(style, processors=processors), message, default)

    async def _answer(
        self, prompt: PromptSession[str], message: StyleAndTextTuples, default: str
    ) -> str | None:
        self._open = prompt
        try:
            return await prompt.prompt_async(message, default=default, set_exception_handler=False)
        except (KeyboardInterrupt, EOFError):
            return None

    def _prompt(
        self,
        style: BaseStyle,
        *,
        keys: KeyBindings | None = None,
        processors: list[Processor] | None = None,
    ) -> PromptSession[str]:
        return PromptSession(
            key_bindings=keys,
            input_processors=processors,
            history=DummyHistory(),
            style=style,
            include_default_pygments_style=False,
            input=self.input,
            output=self.output,
        )


def _question_keys(asking: Ask) -> KeyBindings:
    """Bind the keys: each choice's own, Enter for the first; Escape, Ctrl-C and Ctrl-D cancel."""
    keys = KeyBindings()

    def choose(event: KeyPressEvent) -> None:
        if event.data in dict(asking.choices):
            event.app.exit(result=event.data)

    keys.add(Keys.Any)(choose)
    keys.add("enter")(lambda event: event.app.exit(result=asking.choices[0][0]))
    for key in ("escape", "c-c", "c-d"):
        keys.add(key, eager=True)(lambda event: event.app.exit(result=""))
    return keys
