"""The colours of a line, while typed and when echoed.

The lexer itself is `qmpsh.lang.lexer`, an ordinary pygments lexer. Here its tokens get theme roles,
the same as the JSON of replies.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.lexers import Lexer

from qmpsh.advice import UNGUARDED, Advice
from qmpsh.complete.faults import Fault
from qmpsh.shell.aliases import HMP_PROMPT
from qmpsh.shell.secrets import mask_line
from qmpsh.tui.style import fragments
from qmpsh.view.safe import visible_line
from qmpsh.view.theme import Fragment, Line

LIMIT = 20_000
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


Faults = Callable[[str], Sequence[Fault]]
"""Returns the errors in a line, checked against the session's schema."""

FAULT_ROLES = {"error": "error", "deprecated": "dim"}


class LineLexer(Lexer):
    """Colours the line being typed.

    prompt: the current prompt, which tells HMP from our own language
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
        """See prompt_toolkit."""
        text = document.text
        lines = self._advice.get("colours", lambda: self._coloured(text), lambda: _bare(text))

        def get_line(number: int) -> StyleAndTextTuples:
            return lines[number] if 0 <= number < len(lines) else []

        return get_line

    def _coloured(self, text: str) -> list[StyleAndTextTuples]:
        faults = self._faults(text) if len(text) <= LIMIT else ()
        return [fragments(line) for line in line_colours(self._prompt(), text, faults)]

    def invalidation_hash(self) -> Hashable:
        """See prompt_toolkit."""
        return self._prompt(), self._stamp()


def line_colours(prompt: str, text: str, faults: Sequence[Fault] = ()) -> list[Line]:
    """Return one styled line per physical line; their joined texts equal the text."""
    if len(text) > LIMIT or not text:
        # Not loading pygments for an empty line makes the first frame come sooner.
        return [[("echo", line)] if line else [] for line in text.split("\n")]
    lines: list[Line] = [[]]
    for role, part in _marked(_roles(prompt, text), faults):
        for index, piece in enumerate(part.split("\n")):
            if index:
                lines.append([])
            if piece:
                lines[-1].append((role, piece))
    return lines


class MaskTaken(Processor):
    """Takes the secrets out of a line that stays on the terminal, when it is drawn last.

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
        """See prompt_toolkit."""
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
    return visible_line(mask_line(text, hmp=prompt == HMP_PROMPT)).expandtabs()


def _after_prompt(prompt: str, lines: list[Line]) -> list[Line]:
    blank = " " * len(prompt)
    return [
        [("prompt", prompt) if index == 0 else ("", blank), *line]
        for index, line in enumerate(lines)
    ]


def _bare(text: str) -> list[StyleAndTextTuples]:
    return [[("", line)] for line in text.split("\n")]


def _roles(prompt: str, text: str) -> Line:
    # Imported here: the first frame does not need pygments.
    from qmpsh.lang.lexer import QmpshLexer

    lexer = QmpshLexer(hmp=prompt == HMP_PROMPT, prompt=True)
    return [(_role(str(token)), part) for _, token, part in lexer.get_tokens_unprocessed(text)]


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
