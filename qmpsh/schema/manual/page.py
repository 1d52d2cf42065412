"""An article of the manual as plain text for a terminal. Knows no colours and no terminal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from qmpsh.schema.manual.article import Article, ArticleBase, ArticleMember, ArticlePart
from qmpsh.schema.manual.roff import CodeBlock, InlineMark, ListItem, Paragraph, QuotedBlock

_INDENT_COLUMNS = 2
_MEMBER_INDENT_COLUMNS = 4

_SENTENCE_END = re.compile(r"(?<!e\.g)(?<!i\.e)(?<! vs)(?<! cf)[.!?](?= +[A-Z\"'(])")
_SINCE = re.compile(r" ?\([Ss]ince[: ][^()]*\)|^[Ss]ince[: ].*")
_UNDOCUMENTED = "Not documented"


def lay_out(article: Article, width: int) -> str:
    """Return the whole article, wrapped to `width` columns except for examples."""
    page = _Page(width)
    lines: list[str] = []
    for section in article.sections:
        is_titled = section.title not in ("", "Status")
        lines += [f"{section.title}:"] if is_titled else []
        lines += page.blocks(section.body, _INDENT_COLUMNS if is_titled else 0)
        lines.append("")
    if article.since:
        lines += page.wrapped(f"Since: {article.since}", 0, 7)
    if article.condition:
        lines += page.wrapped(f"Only if: {article.condition}", 0, 9)
    return "\n".join(lines).rstrip("\n")


def lay_out_member(member: ArticleMember, width: int) -> str:
    """Return all that is said about a member, wrapped to `width` columns except for examples."""
    body = [block for block in member.body if block != Paragraph(_UNDOCUMENTED)]
    return "\n".join(_Page(width).blocks(body, _INDENT_COLUMNS))


def first_sentence(text: str) -> str:
    """Return a paragraph's first sentence, without its full stop and "(since 5.0)"."""
    end = _SENTENCE_END.search(text)
    sentence = _SINCE.sub("", text[: end.end()] if end else text).strip()
    return sentence if sentence.endswith(("..", "etc.")) else sentence.removesuffix(".")


def description(member: ArticleMember) -> str:
    """Return the first sentence of a member's description, or "" if it has none."""
    first = next(_flattened(member.body), None)
    text = first.text if isinstance(first, Paragraph) else ""
    return "" if text == _UNDOCUMENTED else first_sentence(text)


class _Page:
    """A page of plain text that is being laid out. width: in columns."""

    def __init__(self, width: int) -> None:
        self._width = width

    def blocks(self, parts: Iterable[ArticlePart], indent: int) -> list[str]:
        """Return blocks one below the other, with blank lines except between list items."""
        lines: list[str] = []
        was_in_list = True
        for part in _flattened(parts):
            is_in_list = isinstance(part, (ListItem, ArticleMember, ArticleBase))
            if lines and not (is_in_list and was_in_list):
                lines.append("")
            lines += self.block(part, indent)
            was_in_list = is_in_list
        return lines

    def block(self, part: ArticlePart, indent: int) -> list[str]:
        match part:
            case Paragraph(text):
                return self.wrapped(text, indent, indent)
            case CodeBlock(code):
                return [f"{' ' * indent}{line}".rstrip() for line in code]
            case QuotedBlock(body):
                return self.blocks(body, indent + _INDENT_COLUMNS)
            case ListItem(InlineMark.BULLET, text, body):
                return self.hanging(text, body, indent, indent + len(text) + 1)
            case ListItem(_, text, body):
                return [
                    *self.wrapped(text, indent, indent),
                    *self.blocks(body, indent + _INDENT_COLUMNS),
                ]
            case ArticleBase():
                return self.wrapped(_reference(part), indent, indent + _MEMBER_INDENT_COLUMNS)
            case ArticleMember():
                return self.member(part, indent)

    def member(self, member: ArticleMember, indent: int) -> list[str]:
        """Return a member: above its description if it has a type, else on the same line."""
        below = indent + _MEMBER_INDENT_COLUMNS
        note = f" ({member.note})".replace("If: ", "if ") if member.note else ""
        body = [block for block in member.body if block != Paragraph(_UNDOCUMENTED)]
        if member.type:
            head = self.wrapped(f"{member.name}: {member.type}{note}", indent, below)
            return head + self.blocks(body, below)
        dash = " -" if body else ""
        return self.hanging(f"{member.name}{note}{dash}", body, indent, below)

    def hanging(self, mark: str, body: Iterable[ArticlePart], indent: int, below: int) -> list[str]:
        """Return a mark followed on the same line by the first paragraph."""
        blocks = list(_flattened(body))
        text = ""
        if blocks and isinstance(blocks[0], Paragraph):
            text = blocks[0].text
            del blocks[0]
        lines = self.wrapped(f"{mark} {text}", indent, below)
        if text and blocks and isinstance(blocks[0], (Paragraph, CodeBlock)):
            lines.append("")
        return lines + self.blocks(blocks, below)

    def wrapped(self, text: str, indent: int, below: int) -> list[str]:
        """Wrap text: the first line is indented by `indent`, the others by `below`."""
        lines: list[str] = []
        line = " " * indent
        is_empty = True
        for word in text.split():
            if not is_empty and len(line) + 1 + len(word) > self._width:
                lines.append(line)
                line, is_empty = " " * below, True
            line += word if is_empty else f" {word}"
            is_empty = False
        return lines if is_empty else [*lines, line]


def _reference(base: ArticleBase) -> str:
    """Return a reference to members described elsewhere."""
    if base.tag:
        return f"With {base.tag}={base.value}: see {base.type}"
    return f"The members of {base.type}"


def _flattened(parts: Iterable[ArticlePart]) -> Iterator[ArticlePart]:
    """Yield blocks, with text that the manual's tools mistook for a term as a paragraph.

    In the older manual, a description whose first line is indented differently from the others
    turns into a list of one term.
    """
    for part in parts:
        if isinstance(part, QuotedBlock) and all(_is_term(block) for block in part.body):
            yield from _flattened(part.body)
        elif isinstance(part, ListItem) and _is_term(part):
            first, *rest = [*part.body, Paragraph("")]
            if isinstance(first, Paragraph):
                yield Paragraph(f"{part.text} {first.text}".strip())
            else:
                yield from (Paragraph(part.text), first)
            yield from _flattened(block for block in rest if block != Paragraph(""))
        else:
            yield part


def _is_term(part: ArticlePart) -> bool:
    return isinstance(part, ListItem) and part.mark is InlineMark.TERM
