"""The colours of a front end: style classes for the theme's roles, and those of the typed line.

The lexer itself is `qmpsh.language.lexer`, an ordinary pygments lexer. Here its tokens get theme
roles, the same as the JSON of replies, while a line is typed and when it is echoed. Control
characters in the typed line are shown, since it may contain names from the VM.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from prompt_toolkit.application import Application
from prompt_toolkit.auto_suggest import AutoSuggest, ConditionalAutoSuggest
from prompt_toolkit.cursor_shapes import CursorShape, ModalCursorShapeConfig
from prompt_toolkit.document import Document
from prompt_toolkit.enums import EditingMode
from prompt_toolkit.filters import Condition, Filter
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout.processors import (
    Processor,
    Transformation,
    TransformationInput,
)
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.styles import BaseStyle, DynamicStyle, Style, merge_styles
from prompt_toolkit.styles.defaults import PROMPT_TOOLKIT_STYLE

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.errors import UsageError
from qmpsh.language.analysis import LineAnalysis, analyse
from qmpsh.language.syntax import Mode
from qmpsh.render.palettes import BACKGROUND, DARK
from qmpsh.render.safe import visible_line, visible_word
from qmpsh.render.theme import LITERAL, Depth, Fragment, Line, TerminalColours, find_theme
from qmpsh.secrets.masker import mask_line
from qmpsh.shell.settings import HMP_PROMPTS
from qmpsh.shell.steps import Ask
from qmpsh.suggest import did_you_mean

if TYPE_CHECKING:
    from qmpsh.complete.hints import Fault

T = TypeVar("T")

NO_ROLES: Mapping[str, str] = {}
_DEPTHS = {
    Depth.NONE: ColorDepth.DEPTH_1_BIT,
    Depth.SIXTEEN: ColorDepth.DEPTH_4_BIT,
    Depth.PALETTE: ColorDepth.DEPTH_8_BIT,
    Depth.ALL: ColorDepth.DEPTH_24_BIT,
}

SUGGESTION = "auto-suggestion"
"""prompt_toolkit's class for what it suggests to add to the line"""

# prompt_toolkit's class to our role. Each starts from an empty style, since prompt_toolkit's
# defaults have colours.
WIDGETS = {
    SUGGESTION: "suggestion",
    "completion-menu": "menu",
    "completion-menu.completion": "menu",
    "completion-menu.completion.current": "menu.current",
    "completion-menu.meta.completion": "menu.meta",
    "completion-menu.meta.completion.current": "menu.current",
    "scrollbar.background": "",
    "search-toolbar": "hint",
    "search-toolbar.prompt": "hint",
    "search-toolbar.text": "hint.current",
    "matching-bracket.other": "hint.current",
    "matching-bracket.cursor": "",
    "incsearch": "hint.current",
    "incsearch.current": "menu.current",
    "window-too-small": "error",
    "screen": BACKGROUND,
}


class ViCursorShape(ModalCursorShapeConfig):
    """The cursor's shape: in vi mode it shows what a letter does, else it is left alone."""

    def get_cursor_shape(self, application: Application[object]) -> CursorShape:
        if application.editing_mode != EditingMode.VI:
            return CursorShape._NEVER_CHANGE
        return super().get_cursor_shape(application)


class OwnStyleApplication(Application[T]):
    """An application without the styles of dialogs and of names of colours.

    prompt_toolkit gives every application these 250, which are parsed before the first frame, and
    searched for each look.
    """

    def _create_merged_style(self, include_default_pygments_style: Filter) -> BaseStyle:
        return merge_styles([Style(PROMPT_TOOLKIT_STYLE), DynamicStyle(lambda: self.style)])


def make_style(name: str, terminal: TerminalColours, roles: Mapping[str, str] = NO_ROLES) -> Style:
    """Return the style of a theme. roles: styles that replace the theme's own.

    Raises UsageError for an unknown theme.
    """
    theme = {**find_theme(name, terminal), **roles}
    base = theme.get(BACKGROUND, "")
    rules = list(theme.items())
    rules += [
        (widget, f"noinherit {base} {theme.get(role, '')}") for widget, role in WIDGETS.items()
    ]
    rules.append(("scrollbar.button", f"noinherit {base} reverse {theme['rule']}"))
    return Style(rules)


def check_role(role: str, style: str) -> None:
    """Raise UsageError for an unknown role or an invalid style."""
    if role not in DARK:
        hint = did_you_mean(role, DARK) or f"; there are {', '.join(DARK)}"
        raise UsageError(f"no role {role}{hint}")
    try:
        Style([(role, style)])
    except ValueError as error:
        message = f"expected a style such as bold #ff8787 or bg:#303030 #d0d0d0, not {style}"
        raise UsageError(message) from error


def color_depth(depth: Depth) -> ColorDepth:
    """Return prompt_toolkit's name of a number of colours."""
    return _DEPTHS[depth]


def filling(style: BaseStyle | None) -> str:
    """Return the style of all cells, also of those without text; "" without a background.

    Filling the screen takes time in each frame, so that it is done only for what is seen.
    """
    filled = "class:screen"
    has_background = style is not None and style.get_attrs_for_style_str(filled).bgcolor
    return filled if has_background else ""


def tells_apart(style: BaseStyle, class_name: str, depth: ColorDepth) -> bool:
    """Whether text of a class looks different from plain text at this colour depth."""
    plain, other = (style.get_attrs_for_style_str(text) for text in ("", f"class:{class_name}"))
    if depth is ColorDepth.DEPTH_1_BIT:
        plain, other = (look._replace(color="", bgcolor="") for look in (plain, other))
    return plain != other


def suggester(lines: AutoSuggest, app: Callable[[], Application[T]]) -> AutoSuggest:
    """Suggest what `lines` suggests, if suggestions look different from typed text."""

    def shows() -> bool:
        style = app().style
        return style is not None and tells_apart(style, SUGGESTION, app().color_depth)

    return ConditionalAutoSuggest(lines, Condition(shows))


def fragments(line: Line) -> StyleAndTextTuples:
    """Return a styled line in prompt_toolkit's form."""
    return [
        (role[1:] if not role or role[0] == LITERAL else f"class:{role}", text)
        for role, text in line
    ]


MAX_LEXED_CHARACTERS = 20_000
"""characters; a longer text, surely pasted, stays plain, so that it never delays a key"""

# A token takes the role of its own name or that of its nearest ancestor.
ROLES = {
    "Token": "echo",
    "Token.Comment": "dim",
    "Token.Error": "error",
    "Token.Generic.Prompt": "dim",
    "Token.Keyword": "hint.current",
    "Token.Keyword.Constant": "json.literal",
    "Token.Literal.Number": "json.number",
    "Token.Literal.String": "json.string",
    "Token.Name.Attribute": "json.key",
    "Token.Name.Decorator": "json.literal",
    "Token.Operator": "json.punctuation",
    "Token.Operator.Word": "json.literal",
    "Token.Punctuation": "json.punctuation",
}


Faults = Callable[[str], "Sequence[Fault]"]
"""Returns the errors in a line, checked against the session's schema."""

FAULT_ROLES = {"error": "error", "deprecated": "dim"}


class LineLexer(Lexer):
    """A lexer that colours the line being typed.

    prompt: the current prompt, which distinguishes HMP from our own language
    faults: returns the errors in a line
    stamp:  changes whenever the errors of the same line may have changed
    """

    def __init__(
        self,
        prompt: Callable[[], str],
        faults: Faults = lambda text: (),
        stamp: Callable[[], Hashable] = lambda: None,
        advice: Advice = UNGUARDED,
    ) -> None:
        self._advice = advice
        self._prompt = prompt
        self._faults = faults
        self._stamp = stamp

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        text = document.text
        lines = self._advice.get("colours", lambda: self._coloured(text), lambda: _bare(text))

        def get_line(number: int) -> StyleAndTextTuples:
            return lines[number] if 0 <= number < len(lines) else []

        return get_line

    def _coloured(self, text: str) -> list[StyleAndTextTuples]:
        faults = self._faults(text) if len(text) <= MAX_LEXED_CHARACTERS else ()
        return [fragments(line) for line in line_colours(self._prompt(), text, faults)]

    def invalidation_hash(self) -> Hashable:
        return self._prompt(), self._stamp()


def line_colours(prompt: str, text: str, faults: Sequence[Fault] = ()) -> list[Line]:
    """Return one styled line per physical line; their joined texts equal the text."""
    if len(text) > MAX_LEXED_CHARACTERS or not text:
        # Not loading pygments for an empty line makes the first frame come sooner.
        return [[("echo", line)] if line else [] for line in text.split("\n")]
    lines: list[Line] = [[]]
    analysis = analyse(text, Mode(hmp=prompt in HMP_PROMPTS, prompt=True))
    for role, part in _marked(analysis.reading(_roles), faults):
        for index, piece in enumerate(part.split("\n")):
            if index:
                lines.append([])
            if piece:
                lines[-1].append((role, piece))
    return lines


class MaskSecretsProcessor(Processor):
    """A processor that masks the secrets of a line that stays on the terminal.

    It does so when the line is drawn for the last time.

    is_taken: whether it is; prompt: the current one; masked: a line without its secrets
    """

    def __init__(
        self,
        is_taken: Callable[[], bool],
        prompt: Callable[[], str],
        masked: Callable[[str], str],
    ) -> None:
        self._is_taken = is_taken
        self._prompt = prompt
        self._masked = masked

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        text = transformation_input.document.text
        masked = self._masked(text) if self._is_taken() else text
        if masked == text:
            return Transformation(transformation_input.fragments)
        lines = line_colours(self._prompt(), masked)
        number = transformation_input.lineno
        line = fragments(lines[number]) if number < len(lines) else []
        length = sum(len(part[1]) for part in line)
        return Transformation(line, source_to_display=lambda place: min(place, length))


def echo_lines(prompt: str, text: str) -> list[Line]:
    """Return a command's lines as the output shows them: after the prompt, or indented below it.

    Secrets are masked and control characters made visible.
    """
    return _after_prompt(prompt, line_colours(prompt, _shown(prompt, text)))


def bare_echo_lines(prompt: str, text: str) -> list[Line]:
    """Return the same without colours, which had a fault."""
    return _after_prompt(prompt, [[("echo", line)] for line in _shown(prompt, text).split("\n")])


def _shown(prompt: str, text: str) -> str:
    return visible_line(mask_line(text, hmp=prompt in HMP_PROMPTS)).expandtabs()


def _after_prompt(prompt: str, lines: list[Line]) -> list[Line]:
    blank = " " * len(prompt)
    return [
        [("prompt", prompt) if index == 0 else ("", blank), *line]
        for index, line in enumerate(lines)
    ]


def _bare(text: str) -> list[StyleAndTextTuples]:
    return [[("", line)] for line in text.split("\n")]


def _roles(line: LineAnalysis) -> Line:
    """Return the fragments of a line, for `LineAnalysis.reading`: it is typed, then echoed."""
    # Imported here: the first frame does not need pygments.
    from qmpsh.language.lexer import QmpshLexer

    lexer = QmpshLexer(hmp=line.mode.hmp, prompt=True)
    tokens = list(lexer.get_tokens_unprocessed(line.text))
    return [(_role(str(token)), part) for _, token, part in tokens]


def _marked(roles: Line, faults: Sequence[Fault]) -> Iterator[Fragment]:
    """Yield the fragments, recoloured inside a fault; both are in the line's order."""
    at = 0
    for role, part in roles:
        end = at + len(part)
        for fault in faults:
            start, stop = (min(max(place, at), end) for place in fault.span)
            if start < stop:
                yield role, part[len(part) - (end - at) : len(part) - (end - start)]
                yield FAULT_ROLES[fault.role], part[len(part) - (end - start) :][: stop - start]
                at = stop
        yield role, part[len(part) - (end - at) :]
        at = end


def _role(token: str) -> str:
    while token not in ROLES:
        token = token.rpartition(".")[0] or "Token"
    return ROLES[token]


CONTROL_STAND_IN = "\N{REPLACEMENT CHARACTER}"
"""replaces one character by one, so that the cursor position stays right"""


class ShowControlsProcessor(Processor):
    """A processor that replaces the control characters which prompt_toolkit would pass on.

    prompt_toolkit shows the others itself, as `^[`.
    """

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        return Transformation(
            [
                # Most are plain: this is done for every piece of every frame.
                item if item[1].isprintable() else (item[0], _safe(item[1]), *item[2:])
                for item in transformation_input.fragments
            ]
        )


def _safe(text: str) -> str:
    return "".join(
        CONTROL_STAND_IN if ord(char) > 0x7E and visible_line(char) != char else char
        for char in text
    )


def question_line(ask: Ask) -> Line:
    """Return `quit ends the VM. [l]eave the shell, [q]uit the VM, [c]ancel`; Enter is the first."""
    line: Line = [("prompt", visible_word(ask.question)), ("", " ")]
    for index, (key, label) in enumerate(ask.choices):
        line.append(("", ", " if index else ""))
        # The key is marked inside the word if that begins with it, else put before the word.
        rest = label[len(key) :] if label.startswith(key) else f" {label}"
        line += [("hint.current", f"[{visible_word(key)}]"), ("", visible_word(rest))]
    return line
