"""Finds the pages of the locally installed manual, and what they say about a name.

This package contains none of QEMU's text: it shows the page installed with QEMU, if there is one.
Articles on commands, events and types are parsed when asked for: a page has a thousand, and a user
looks at ten. Nothing is cached, since unpacking and indexing a page takes no longer than reading a
cache file of its size.
"""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping

from qmpsh.light_typing import NamedTuple
from qmpsh.schema.manual import page
from qmpsh.schema.manual.article import (
    MEMBER_TITLES,
    Article,
    ArticleBase,
    ArticleMember,
    ArticlePart,
    description_of,
    read_article,
)
from qmpsh.schema.manual.roff import plain

# It begins with a newline rather than ^, which makes re four times as fast.
_HEADING = re.compile(
    r"""\n\.(?:
        B[ ]"?(?P<kind>Command|Event|Enum|Object|Alternate)[ ]+(?P<name>\S+)
            (?:[ ]+\(Since:?[ ](?P<since>.*)\))?"?
        | SS[ ]"?(?:\\fB)?(?P<older_name>[\w\\-]+?)(?:\\fP)?[ ]
            \((?P<older_kind>Command|Event|Enum|Object|Alternate)\)"?
    )[ ]*$""",
    re.MULTILINE | re.VERBOSE,
)
_TITLE = re.compile(r'^\.TH +(?:"[^"\n]*"|\S+) +(?:"[^"\n]*"|\S+) +"[^"\n]*" +"([^"\n]*)"', re.M)
_MAX_SENTENCES = 1000
"""sentences that are kept"""
_FIRST = {"Command": 0, "Event": 1}
_HEAD_CHARACTERS = 2000  # every article says what it is about within these


class IndexEntry(NamedTuple):
    """The manual's text about one name.

    kind:           Command, Event, Enum, Object or Alternate
    text:           for a terminal, in the requested width; only examples may be wider
    first_sentence: one line, "" if the manual has no description
    members:        first sentence of each member, argument or word, those of included types too
    """

    name: str
    kind: str
    text: str
    first_sentence: str
    members: dict[str, str]


class _Place(NamedTuple):
    """The position of an article in the page: from `start` to `end`, in characters."""

    kind: str
    since: str
    start: int
    end: int


class Manual:
    """A page of the manual. page: its roff text; any text is accepted, and may have no articles."""

    def __init__(self, page: str) -> None:
        title = _TITLE.search(page[:_HEAD_CHARACTERS])
        self.version = title[1] if title else ""
        self._page = page
        self._places = _places(page)
        self._articles: dict[str, Article] = {}
        self._prose: dict[str, str] = {}
        self._sentences: dict[tuple[object, ...], str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Return every command, event and type, in the manual's order."""
        return tuple(self._places)

    def entry(self, name: str, width: int) -> IndexEntry | None:
        """Return all the manual says about a name; None if nothing. width: columns of its text."""
        article = self.article(name)
        if article is None:
            return None
        sections = [
            section._replace(body=list(self._expanded(section.body)))
            if section.title in MEMBER_TITLES
            else section
            for section in article.sections
        ]
        article = article._replace(sections=sections)
        members = {
            member.name: page.description(member)
            for member in article.members()
            if isinstance(member, ArticleMember)
        }
        text = page.lay_out(article, width)
        return IndexEntry(name, article.kind, text, self.first_sentence(name), members)

    def article(self, name: str) -> Article | None:
        """Return the same as a structured article, to read types from."""
        found = self._articles.get(name)
        place = self._places.get(name)
        if found is None and place is not None:
            text = self._page[place.start : place.end]
            found = self._articles[name] = read_article(place.kind, place.since, text)
        return found

    def first_sentence(self, name: str) -> str:
        """Return what a name is for, in one line; "" if the manual does not say."""
        place = self._places.get(name)
        if place is None:
            return ""
        head = self._page[place.start : min(place.end, place.start + _HEAD_CHARACTERS)]
        text = description_of(head) or self._of_returns(name)
        return page.first_sentence(text)

    def member_sentence(self, name: str, *path: str, given: Mapping[str, str] | None = None) -> str:
        """Return what a member is for, in one line; "" if the manual does not say.

        path:  the member; for a nested one all members on the way, as in
               ("blockdev-add", "file", "filename"). Array indices are skipped.
        given: values of the members beside it, if known: they select a union's branch
        """
        key = (name, path, tuple((given or {}).items()))
        if key not in self._sentences:  # the hint asks again with each letter of a value
            if len(self._sentences) >= _MAX_SENTENCES:
                self._sentences.clear()
            member = self._member(name, path, given or {})
            self._sentences[key] = page.description(member) if member else ""
        return self._sentences[key]

    def member_text(self, name: str, *path: str, given: Mapping[str, str], width: int) -> str:
        """Return all that is said about a member, or a word of its enum; "" for nothing.

        path, given: as of `member_sentence`; width: columns of the text
        """
        member = self._member(name, path, given)
        return page.lay_out_member(member, width) if member else ""

    def search(self, word: str) -> list[tuple[str, str]]:
        """Return names that contain a word, then those whose text does: (name, first sentence).

        Case does not matter. Commands come before events, events before types.
        """
        word = " ".join(word.lower().split())
        if not word:
            return []
        if not self._prose:
            self._prose = {name: self._prose_of(place) for name, place in self._places.items()}
        found = [
            name for name, prose in self._prose.items() if word in name.lower() or word in prose
        ]
        found.sort(key=lambda name: (word not in name.lower(), self._rank(name)))
        return [(name, self.first_sentence(name)) for name in found]

    def _of_returns(self, name: str) -> str:
        """Return what a command returns, without the type; some have no other description."""
        article = self.article(name)
        text = article.first_text("Returns") if article and article.kind == "Command" else ""
        return text.partition(" -- ")[2]

    def _rank(self, name: str) -> int:
        return _FIRST.get(self._places[name].kind, len(_FIRST))

    def _prose_of(self, place: _Place) -> str:
        lines = self._page[place.start : place.end].replace("\n.B ", "\n").split("\n")
        text = plain(" ".join(line for line in lines if line[:1] != "."))
        return " ".join(text.lower().split())

    def _expanded(self, parts: Iterable[ArticlePart]) -> Iterator[ArticlePart]:
        """Yield parts, replacing references to another type by its members; each type once."""
        ahead = [*parts][::-1]
        seen = set()
        while ahead:
            part = ahead.pop()
            article = None
            if isinstance(part, ArticleBase) and not part.tag:
                if part.type in seen:
                    continue
                seen.add(part.type)
                article = self.article(part.type)
            if article is None:
                yield part
            else:
                ahead += [*article.members()][::-1]

    def _member(
        self, name: str, path: tuple[str, ...], given: Mapping[str, str]
    ) -> ArticleMember | None:
        *way, last = path or ("",)
        for step in way:
            if not step.isdecimal():
                inner = self._find(name, step, {})
                name = inner.type.strip("[]") if inner else ""
        return self._find(name, last, given)

    def _find(self, name: str, member: str, given: Mapping[str, str]) -> ArticleMember | None:
        """Find the member in a type, else in the types it includes, nearest first."""
        queue, seen = [name], {name}
        for current in queue:
            article = self.article(current)
            if article is None:
                continue
            for part in article.members():
                if isinstance(part, ArticleMember) and part.name == member:
                    return part
            for inner in _included(article, given):
                if inner not in seen:
                    seen.add(inner)
                    queue.append(inner)
        return None


def _places(page: str) -> dict[str, _Place]:
    """Return where every article is; of two with the same name, the first."""
    found: dict[str, _Place] = {}
    matches = list(_HEADING.finditer(page))
    ends = [*(match.start() for match in matches[1:]), len(page)]
    for match, end in zip(matches, ends, strict=False):  # `ends` has one item even without matches
        name = plain(match["name"] or match["older_name"])
        kind = match["kind"] or match["older_kind"]
        found.setdefault(name, _Place(kind, plain(match["since"] or ""), match.end() + 1, end))
    return found


def _included(article: Article, given: Mapping[str, str]) -> Iterator[str]:
    """Yield the types whose members are included; of a union's branches only a given one."""
    for part in article.members():
        if isinstance(part, ArticleMember):
            if article.kind == "Alternate":
                yield part.type
        elif given.get(part.tag, part.value) == part.value:
            yield part.type


MAX_PAGE_BYTES = 64 * 1024 * 1024
"""Most bytes read of a page, unpacked. QEMU 10's has less than 1 MB."""

_FOLDERS = ("/usr/share/man", "/usr/local/share/man", "/opt/homebrew/share/man")


def load_manual(path: str) -> Manual:
    """Read a page, gzipped or not. Raises OSError."""
    with open(path, "rb") as file:
        data = file.read(MAX_PAGE_BYTES)
    if data.startswith(b"\x1f\x8b"):
        try:
            data = zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data, MAX_PAGE_BYTES)
        except zlib.error:
            data = b""
    return Manual(data.decode("utf-8", "replace"))


def find_pages(names: Iterable[str], environ: Mapping[str, str]) -> list[str]:
    """Return paths of pages in section 7, at most one per name, in the order of the names.

    environ: QMPSH_MANPATH, if set, names the only folders to search
    """
    folders = _manual_folders(environ)
    found = []
    for name in names:
        candidates = (
            os.path.join(folder, "man7", name + suffix)
            for folder in folders
            for suffix in (".7.gz", ".7")
        )
        path = next((path for path in candidates if os.path.isfile(path)), None)
        if path is not None:
            found.append(path)
    return found


def _manual_folders(environ: Mapping[str, str]) -> list[str]:
    """Return where man(1) looks: MANPATH, then beside each PATH folder, then the usual ones.


    Source: manpath(5), "MANPATH_MAP", and how it treats folders that are not in the map.
    """
    private = environ.get("QMPSH_MANPATH")
    if private is not None:
        return [folder for folder in private.split(":") if folder]
    folders = [folder for folder in environ.get("MANPATH", "").split(":") if folder]
    for programs in environ.get("PATH", "").split(":"):
        if os.path.isabs(programs):
            parent = os.path.dirname(os.path.normpath(programs))
            folders += [os.path.join(parent, "share/man"), os.path.join(parent, "man")]
    return list(dict.fromkeys([*folders, *_FOLDERS]))
