"""Questions at the line prompt: a choice of keys, a secret, a word. Nothing of them is stored."""

from __future__ import annotations

from prompt_toolkit import PromptSession
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import DummyHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings
from prompt_toolkit.key_binding.key_processor import KeyPressEvent
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout.processors import PasswordProcessor, Processor
from prompt_toolkit.output import Output as Terminal
from prompt_toolkit.styles import BaseStyle

from qmpsh.shell.outcome import Ask, AskSecret
from qmpsh.tui.prompt import question_line
from qmpsh.tui.style import fragments


class Questions:
    """Asks questions, one at a time. input: None for the process's own."""

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
