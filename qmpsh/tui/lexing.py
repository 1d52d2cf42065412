"""The line's colours, while it is typed and when it is echoed.

The lexer itself is `qmpsh.lang.lexer`, an ordinary one of pygments; here its tokens get the roles
of the theme, the same as in the JSON of the replies.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer

from qmpsh.complete.faults import Fault
from qmpsh.shell.aliases import HMP_PROMPT
from qmpsh.shell.secrets import mask_line
from qmpsh.tui.style import fragments
from qmpsh.view.safe import visible
from qmpsh.view.theme import Fragment, Line

LIMIT = 20_000
"""characters; a longer text, pasted for sure, stays plain, so that a key never waits for it"""

# A token's own name or that of its nearest ancestor decides.
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
"""What is wrong with a line, from the schema that the session knows."""

FAULT_ROLES = {"error": "error", "deprecated": "dim"}


class LineLexer(Lexer):
    """prompt: the prompt that stands now; it tells HMP from our own language.

    faults: what is wrong with a line; stamp: differs once they may be others for the same line
    """

    def __init__(
        self,
        prompt: Callable[[], str],
        faults: Faults = lambda text: (),
        stamp: Callable[[], Hashable] = lambda: None,
    ) -> None:
        self._prompt = prompt
        self._faults = faults
        self._stamp = stamp

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """See prompt_toolkit."""
        text = document.text
        faults = self._faults(text) if len(text) <= LIMIT else ()
        lines = [fragments(line) for line in line_colours(self._prompt(), text, faults)]

        def get_line(number: int) -> StyleAndTextTuples:
            return lines[number] if 0 <= number < len(lines) else []

        return get_line

    def invalidation_hash(self) -> Hashable:
        """See prompt_toolkit."""
        return self._prompt(), self._stamp()


def line_colours(prompt: str, text: str, faults: Sequence[Fault] = ()) -> list[Line]:
    """One styled line for each physical one; joined, their texts are the text again."""
    if len(text) > LIMIT or not text:
        # An empty line needs no pygments either: the first frame comes sooner.
        return [[("echo", line)] if line else [] for line in text.split("\n")]
    lines: list[Line] = [[]]
    for role, part in _marked(_roles(prompt, text), faults):
        for index, piece in enumerate(part.split("\n")):
            if index:
                lines.append([])
            if piece:
                lines[-1].append((role, piece))
    return lines


def echo_lines(prompt: str, text: str) -> list[Line]:
    """The lines of a command as the output shows it: the prompt, and blanks below it.

    Secrets are masked, controls are made visible.
    """
    masked = mask_line(text, hmp=prompt == HMP_PROMPT)
    lines = line_colours(prompt, visible(masked).expandtabs())
    blank = " " * len(prompt)
    return [
        [("prompt", prompt) if index == 0 else ("", blank), *line]
        for index, line in enumerate(lines)
    ]


def _roles(prompt: str, text: str) -> Line:
    # Imported here: pygments is not needed for the first frame.
    from qmpsh.lang.lexer import QmpshLexer

    lexer = QmpshLexer(hmp=prompt == HMP_PROMPT, prompt=True)
    return [(_role(str(token)), part) for _, token, part in lexer.get_tokens_unprocessed(text)]


def _marked(roles: Line, faults: Sequence[Fault]) -> Iterator[Fragment]:
    """The fragments with those inside a fault in its colour; both stand in the line's order."""
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
