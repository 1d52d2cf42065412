"""What the manual says about one command, event or type, in either of its two layouts.

Up to QEMU 9, each has a heading (`.SS name (Command)`), and so has each of its sections. In QEMU 10
each is a list item (`.B Command  name  (Since: 2.3)`) with its sections as nested items. Both give
the same Article. Knows neither files nor how an article is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Union

from qmpsh.light_typing import NamedTuple
from qmpsh.schema.manual.roff import (
    CodeBlock,
    InlineMark,
    ListItem,
    ManualBlock,
    Paragraph,
    QuotedBlock,
    plain,
    read_blocks,
)


class ArticleMember(NamedTuple):
    """A member, an argument, a word of an enum or a feature.

    type: as the manual names it, "[T]" for an array of T, "" for a word
    note: such as "optional"
    """

    name: str
    type: str
    note: str
    body: list[ManualBlock]


class ArticleBase(NamedTuple):
    """A type whose members are included: always, or if the member `tag` has the value."""

    type: str
    tag: str = ""
    value: str = ""


ArticlePart = Union[ManualBlock, ArticleMember, ArticleBase]


class Section(NamedTuple):
    """A section of an article. title: "" for the description itself."""

    title: str
    body: list[ArticlePart]


class Article(NamedTuple):
    """One article of the manual.

    kind:             Command, Event, Enum, Object or Alternate
    since, condition: "" if not given
    """

    kind: str
    since: str
    condition: str
    sections: list[Section]

    def first_text(self, title: str) -> str:
        """Return the first paragraph of a section, or "" if there is none."""
        found = (section for section in self.sections if section.title == title)
        return next(map(_first_text, found), "")

    def members(self) -> Iterator[ArticleMember | ArticleBase]:
        """Yield the members of all sections that list some, in the manual's order."""
        for section in self.sections:
            if section.title in MEMBER_TITLES:
                yield from (
                    part for part in section.body if isinstance(part, (ArticleMember, ArticleBase))
                )


MEMBER_TITLES = {"Members", "Arguments", "Values", "Alternatives"}
_LISTS = MEMBER_TITLES | {"Features"}
_FACTS = {"Since", "If"}
_BEFORE_TEXT = {"Status", "If"}
_LEFT_OUT = {"TO" + "DO"}  # notes of QEMU's developers to themselves
_TITLES = _LISTS | _FACTS | _LEFT_OUT
_TITLES |= {"Return", "Returns", "Errors", "Note", "Notes", "Example", "Examples"}

_FIRST_LIST = re.compile(r"\n\.(?:S[HS]|TP)\b")
_HEADING = re.compile(r"^\.SS +(.*)$", re.MULTILINE)
_ADMONITION = re.compile(r"[A-Z][A-Z ]+:")
_INCLUDE_IN_TERM = re.compile(r'The members of (\S+?)(?: when (\S+) is "?([^"\s]*)"?)?(?: \(.*)?')
_INCLUDE_IN_ITEM = re.compile(r"(?:When (\S+) is (\S+): )?The members of (\S+?)\.?")
_MEMBER_IN_TERM = re.compile(r"(\S+?)(?:: (array of )?([^ ()]+))?((?: \(.*\))?)")
_MEMBER_IN_ITEM = re.compile(r"(\S+)(?: \(([^()]*)\))?(?: --(?: (.*)|$)|$)", re.DOTALL)
_DOCUMENTATION = re.compile(r"see the documentation of (\w+)")
_STATUS = re.compile(r"(This \w+ is (?:unstable/experimental|deprecated)\.)? ?(Availability: .*)?")


def read_article(kind: str, since: str, text: str) -> Article:
    """Read an article from the text between its heading and the next.

    since: from the heading itself, "" in the older layout
    """
    description, *headed = _HEADING.split(text.partition("\n.SH ")[0])
    sections = _sections(read_blocks(description))
    for title, body in zip(headed[::2], headed[1::2], strict=True):
        name = plain(title).strip().strip('"')
        if name not in _TITLES:
            break  # the next chapter of the manual
        sections += _sections(read_blocks(body), name)
    facts = {section.title: _first_text(section) for section in sections}
    kept = [_normalised(s) for s in sections if s.title not in _FACTS | _LEFT_OUT and s.body]
    if kind == "Command" and not any(s.title in MEMBER_TITLES for s in kept):
        kept[1:1] = _arguments_elsewhere(kept)
    since = since or facts.get("Since", "")
    return Article(kind, since, facts.get("If", ""), kept)


def description_of(text: str) -> str:
    """Return the first paragraph of an article's description, or "" if it has none."""
    sections = _sections(read_blocks(_FIRST_LIST.split(text, maxsplit=1)[0]))
    return next(_first_text(s) for s in sections if s.title not in _BEFORE_TEXT)


def _sections(blocks: list[ManualBlock], title: str = "") -> list[Section]:
    """Split blocks at the titles in them. title: that of the first section."""
    first = Section(title, [])
    sections = [first]
    flat = list(_without_frames(blocks))
    for before, block in zip([None, *flat], flat, strict=False):
        if isinstance(block, ListItem) and _is_title(block):
            sections.append(Section(block.text.rstrip(":"), [*block.body]))
        elif isinstance(block, QuotedBlock) and isinstance(before, Paragraph) and _is_call(before):
            sections[-1].body.pop()
            sections.append(Section(before.text.rstrip(":").capitalize(), [*block.body]))
        elif isinstance(block, Paragraph) and (status := _STATUS.fullmatch(block.text)):
            sections[:0] = _status(status)
        else:
            if sections[-1].title and sections[-1] is not first:
                sections.append(Section("", []))
            sections[-1].body.append(block)
    return sections


def _is_title(item: ListItem) -> bool:
    return item.mark is InlineMark.HEADING or (
        item.mark is InlineMark.TERM and item.text in _TITLES
    )


def _is_call(paragraph: Paragraph) -> bool:
    return _ADMONITION.fullmatch(paragraph.text) is not None


def _status(match: re.Match[str]) -> list[Section]:
    """Return as sections what QEMU 10 puts before an article's first words."""
    found = []
    if match[1]:
        found.append(Section("Status", [Paragraph(match[1])]))
    if match[2]:
        found.append(Section("If", [Paragraph(match[2].removeprefix("Availability: "))]))
    return found


def _without_frames(blocks: Iterable[ArticlePart]) -> Iterator[ArticlePart]:
    """Yield blocks, unwrapping those indented only to hold titles or another indented block."""
    for block in blocks:
        if isinstance(block, QuotedBlock) and not any(
            isinstance(inner, (Paragraph, CodeBlock)) for inner in block.body
        ):
            yield from _without_frames(block.body)
        else:
            yield block


def _first_text(section: Section) -> str:
    return next((part.text for part in section.body if isinstance(part, Paragraph)), "")


def _arguments_elsewhere(sections: list[Section]) -> list[Section]:
    """Return the arguments of a command whose description refers to another type for them."""
    for section in sections:
        for part in section.body:
            if isinstance(part, Paragraph) and (found := _DOCUMENTATION.search(part.text)):
                return [Section("Arguments", [ArticleBase(found[1])])]
    return []


def _normalised(section: Section) -> Section:
    title = "Returns" if section.title == "Return" else section.title
    body = list(_without_frames(section.body))
    if len(body) == 1 and isinstance(body[0], QuotedBlock):
        body = [*body[0].body]
    return Section(title, [_member(part) if title in _LISTS else part for part in body])


def _member(part: ArticlePart) -> ArticlePart:
    if not isinstance(part, ListItem):
        return part
    return _member_of_term(part) if part.mark is InlineMark.TERM else _member_of_item(part)


def _member_of_term(item: ListItem) -> ArticlePart:
    """Parse `name: type (optional)`, or `The members of T when tag is "value"`."""
    if found := _INCLUDE_IN_TERM.fullmatch(item.text):
        return ArticleBase(found[1], found[2] or "", found[3] or "")
    if found := _MEMBER_IN_TERM.fullmatch(item.text):
        kind = f"[{found[3]}]" if found[2] else found[3] or ""
        return ArticleMember(found[1], kind, found[4].strip(" ()").replace(") (", ", "), item.body)
    return item


def _member_of_item(item: ListItem) -> ArticlePart:
    """Parse `name (type, optional) -- text`, or `When tag is value: The members of T.`"""
    first = item.body[0] if item.body else None
    if not isinstance(first, Paragraph):
        return item
    if found := _INCLUDE_IN_ITEM.fullmatch(first.text):
        return ArticleBase(found[3], found[1] or "", found[2] or "")
    if found := _MEMBER_IN_ITEM.fullmatch(first.text):
        kind, _, note = (found[2] or "").partition(", ")
        text: list[ManualBlock] = [Paragraph(found[3])] if found[3] else []
        return ArticleMember(found[1], kind, note, text + item.body[1:])
    return item
