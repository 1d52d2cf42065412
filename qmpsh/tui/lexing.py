"""The line's colours, while it is typed and when it is echoed.

The lexer itself is `qmpsh.lang.lexer`, an ordinary one of pygments; here its tokens get the roles
of the theme, the same as in the JSON of the replies.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer

from qmpsh.tui.style import fragments
from qmpsh.view.safe import visible
from qmpsh.view.theme import Line

LIMIT = 20_000
"""characters; a longer text, pasted for sure, stays plain, so that a key never waits for it"""

HMP_PROMPT = "(hmp) "

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


class LineLexer(Lexer):
    """prompt: the prompt that stands now; it tells HMP from our own language."""

    def __init__(self, prompt: Callable[[], str]) -> None:
        self._prompt = prompt

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """See prompt_toolkit."""
        lines = [fragments(line) for line in line_colours(self._prompt(), document.text)]

        def get_line(number: int) -> StyleAndTextTuples:
            return lines[number] if 0 <= number < len(lines) else []

        return get_line

    def invalidation_hash(self) -> Hashable:
        """See prompt_toolkit."""
        return self._prompt()


def line_colours(prompt: str, text: str) -> list[Line]:
    """One styled line for each physical one; joined, their texts are the text again."""
    if len(text) > LIMIT:
        return [[("echo", line)] for line in text.split("\n")]
    lines: list[Line] = [[]]
    for role, part in _roles(prompt, text):
        for index, piece in enumerate(part.split("\n")):
            if index:
                lines.append([])
            if piece:
                lines[-1].append((role, piece))
    return lines


def echo_lines(prompt: str, text: str) -> list[Line]:
    """The lines of a command as the output shows it: the prompt, and blanks below it."""
    lines = line_colours(prompt, visible(text).expandtabs())
    blank = " " * len(prompt)
    return [
        [("prompt", prompt) if index == 0 else ("", blank), *line]
        for index, line in enumerate(lines)
    ]


def _roles(prompt: str, text: str) -> list[tuple[str, str]]:
    # Imported here: pygments is not needed for the first frame.
    from qmpsh.lang.lexer import QmpshLexer

    lexer = QmpshLexer(hmp=prompt == HMP_PROMPT, prompt=True)
    return [(_role(str(token)), part) for _, token, part in lexer.get_tokens_unprocessed(text)]


def _role(token: str) -> str:
    while token not in ROLES:
        token = token.rpartition(".")[0] or "Token"
    return ROLES[token]
