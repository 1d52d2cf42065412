"""The end of a line that the host's shell gets: `| command`, `> file`, `>> file`."""

from __future__ import annotations

from collections.abc import Sequence

from qmpsh.lang.syntax import Redirect
from qmpsh.lang.tokens import BLANKS, IGNORED, Kind, Token
from qmpsh.lang.values import Source, unclosed, unquoted


def take_redirect(
    source: Source, tokens: Sequence[Token]
) -> tuple[Sequence[Token], Redirect | None]:
    """The tokens before the redirect, and the redirect. Raises LineSyntaxError."""
    for place, mark in enumerate(tokens):
        if mark.kind is Kind.PIPE:
            return tokens[:place], _pipe(source, mark)
        if mark.kind is Kind.REDIRECT:
            return tokens[:place], _file(source, mark, tokens[place + 1 :])
    return tokens, None


def _pipe(source: Source, mark: Token) -> Redirect:
    """All that follows is the host shell's, comments and backslashes too."""
    text = source.text.rstrip(BLANKS)
    target = text[mark.end :].lstrip(BLANKS)
    if not target:
        raise source.error("expected a command of the host's shell, as in | jq .", *mark[1:])
    return Redirect("|", target, (mark.start, len(text)))


def _file(source: Source, mark: Token, tokens: Sequence[Token]) -> Redirect:
    sign = source.text[mark.start : mark.end]
    operands = [token for token in tokens if token.kind not in IGNORED]
    if not operands:
        raise source.error(f"expected a file, as in {sign} out.json", *mark[1:])
    operand = operands[0]
    if operand.kind is Kind.UNCLOSED:
        raise unclosed(source, operand)
    if len(operands) > 1:
        message = "expected nothing after the file; a name with spaces is quoted"
        raise source.error(message, *operands[1][1:])
    return Redirect(
        ">>" if sign == ">>" else ">", unquoted(source, operand), (mark.start, operand.end)
    )
