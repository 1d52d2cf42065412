"""The schema of a guest agent, from its manual page.

An agent has no introspection, but its manual page lists each command's arguments with their types.
They are turned into the entities of a `query-qmp-schema` reply, one at a time when asked for, so
that checks, completion and signatures need not know the difference. What the manual leaves open
accepts anything.

Source: qemu-ga-ref(7) of QEMU 7.2 and 10.0.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from qmpsh.jsontypes import Json, JsonObject
from qmpsh.schema.manual.article import Article, ArticleBase, ArticleMember
from qmpsh.schema.manual.find import Manual
from qmpsh.schema.model import Schema

_JSON_TYPES = {
    "string": "string", "str": "string", "boolean": "boolean", "bool": "boolean",
    "number": "number", "null": "null", "any": "value", "int": "int", "size": "int",
    **{f"{sign}int{bits}": "int" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}  # fmt: skip
"""The names of simple types in the manuals of 7.2 and 10.0, and what introspection calls them."""

_ARGUMENTS = " arguments"
_NOTHING = " nothing"
_RETURNED = re.compile(r"\[?\w+\]?")


def manual_schema(manual: Manual, commands: Iterable[str], version: str) -> Schema:
    """Return the commands' schema as the manual describes it.

    version: of the server. If the manual is from another release, the schema is not binding, since
             the server may know more than the manual, or less
    """
    described = tuple(name for name in commands if _article(manual, name, "Command") is not None)
    schema = Schema(_AgentManualReader(manual, frozenset(described)).entity, described, ())
    schema.binding = _release(version) == _release(manual.version)
    return schema


def _release(version: str) -> list[str]:
    return version.split(".")[:2]


class _AgentManualReader:
    """The articles of an agent's manual page as entities of a schema.

    commands: those the server has and the manual describes
    """

    def __init__(self, manual: Manual, commands: frozenset[str]) -> None:
        self._manual = manual
        self._commands = commands

    def entity(self, name: str) -> JsonObject | None:
        """Return what introspection would say of a name; None if the manual lacks it."""
        if name in _JSON_TYPES:
            return {"name": name, "meta-type": "builtin", "json-type": _JSON_TYPES[name]}
        if name.startswith("["):
            return {"name": name, "meta-type": "array", "element-type": name[1:-1]}
        if name == _NOTHING:
            return {"name": name, "meta-type": "object", "members": []}
        if name.endswith(_ARGUMENTS):
            article = _article(self._manual, name.removesuffix(_ARGUMENTS), "Command")
            return None if article is None else {"name": name, **self._object(article)}
        return self._named(name)

    def _named(self, name: str) -> JsonObject | None:
        article = self._manual.article(name)
        if article is None:
            return None
        match article.kind:
            case "Command" if name in self._commands:
                return {"name": name, **self._command(name, article)}
            case "Enum":
                values: list[Json] = [{"name": m.name} for m in _members(article)]
                return {"name": name, "meta-type": "enum", "members": values}
            case "Alternate":
                branches: list[Json] = [{"type": m.type} for m in _members(article)]
                return {"name": name, "meta-type": "alternate", "members": branches}
            case "Object":
                return {"name": name, **self._object(article)}
        return None

    def _command(self, name: str, article: Article) -> JsonObject:
        features: list[Json] = [
            part.name
            for section in article.sections
            if section.title == "Features"
            for part in section.body
            if isinstance(part, ArticleMember)
        ]
        return {
            "meta-type": "command",
            "arg-type": f"{name}{_ARGUMENTS}",
            "ret-type": self._returned(article),
            "features": features,
        }

    def _returned(self, article: Article) -> str:
        """Return the type that the "Returns" paragraph begins with; "" if it names none."""
        text = article.first_text("Returns")
        if text.lower().startswith("nothing"):
            return _NOTHING
        word = _RETURNED.match(text)
        inner = word[0].strip("[]") if word else ""
        is_type = inner in _JSON_TYPES or self._manual.article(inner) is not None
        return word[0] if word and is_type else ""

    def _object(self, article: Article) -> JsonObject:
        """Return an object entity: its members, those of included types, and its branches."""
        members: list[Json] = []
        variants: list[Json] = []
        tag = ""
        for part in self._parts(article, frozenset()):
            if isinstance(part, ArticleBase):
                tag = part.tag
                variants.append({"case": part.value, "type": part.type})
            else:
                member: JsonObject = {"name": part.name, "type": part.type}
                members.append(member | ({"default": None} if "optional" in part.note else {}))
        union: JsonObject = {"tag": tag, "variants": variants} if tag else {}
        return {"meta-type": "object", "members": members, **union}

    def _parts(
        self, article: Article, seen: frozenset[str]
    ) -> Iterable[ArticleMember | ArticleBase]:
        """Yield each member once, with included types expanded; branches are left as they are."""
        for part in article.members():
            if isinstance(part, ArticleMember) or part.tag:
                yield part
            elif part.type not in seen:
                included = _article(self._manual, part.type, "Object")
                if included is not None:
                    yield from self._parts(included, seen | {part.type})


def _members(article: Article) -> Iterable[ArticleMember]:
    return (part for part in article.members() if isinstance(part, ArticleMember))


def _article(manual: Manual, name: str, kind: str) -> Article | None:
    article = manual.article(name)
    return article if article is not None and article.kind == kind else None
