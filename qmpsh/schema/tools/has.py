"""Whether a server has a command or event, a member, a value, a feature; nothing is sent for it.

A question is a name and words after it: `driver=qcow2 discard-no-unref +deprecated`. A word with a
value asks whether that would be accepted, and where it is the tag of a union selects the branch; a
feature is of what stands before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from qmpsh.errors import LineError, UsageError, shortened
from qmpsh.language.parser import parse_argv
from qmpsh.language.syntax import CommandLine, MemberPath
from qmpsh.light_typing import NamedTuple
from qmpsh.schema.check import ArgumentTyper
from qmpsh.schema.model import EMPTY, EnumType, Member, ObjectType, Schema, Type, is_open
from qmpsh.schema.tools.compare import features_of
from qmpsh.schema.walk import (
    MemberEntry,
    Unfolded,
    branches_with,
    descend,
    object_of,
    property_types,
    unfold,
)
from qmpsh.suggest import did_you_mean

_NO_NAME: Final = "there is no command or event {name}{hint}"
_NO_WORD: Final = "{word} is not MEMBER, MEMBER=VALUE or +FEATURE"
_NO_MEMBER: Final = "{owner} has no {path}{hint}"
_NO_FEATURE: Final = "{owner} has no feature {feature}{hint}"
_NO_PROPERTY: Final = "a device {driver} has no property {name}{hint}"
_NO_DEVICE: Final = "there is no device {driver} here"
_ONLY_WITH: Final = "; with {branches} it does"
_HAS: Final = "{name}{words}: yes"
_WHICH_DEVICE: Final = "device_add {name}: of which device? Write driver=NAME before it"
ONLY_LIVE: Final = "only a running QEMU knows what devices take: give its address, or its program"

_MAX_BRANCHES: Final = 3  # named in a hint

_FEATURE: Final = r"\+[\w.+-]+"
_STEP: Final = re.compile(
    r"(?:\[(?P<tag>[^\]=]+)=(?P<value>[^\]]*)\]|(?P<all>\[\])|(?P<name>[^\[\]=.]+))\.?"
)


def no_name(schema: Schema, name: str) -> str:
    """Return the sentence on a name that is neither a command nor an event."""
    hint = did_you_mean(name, (*schema.commands, *schema.events))
    return _NO_NAME.format(name=shortened(name), hint=hint)


class QuestionWord(NamedTuple):
    """A word of a question.

    text:     as typed
    path:     of the member; an element of an array is "0"
    value:    that it must accept; None for none
    features: that it must have
    """

    text: str
    path: MemberPath
    value: str | None = None
    features: tuple[str, ...] = ()


class SchemaQuestion(NamedTuple):
    """What is asked of a schema.

    name:     of a command or an event
    features: of it
    words:    its members
    tags:     the values that select branches, by path
    of_answer: the members are those of the answer
    """

    name: str
    features: tuple[str, ...]
    words: tuple[QuestionWord, ...]
    tags: Mapping[MemberPath, str]
    of_answer: bool = False


class Verdict(NamedTuple):
    """The answer. why: a sentence"""

    has: bool
    why: str


def read_question(words: Sequence[str], *, of_answer: bool = False) -> SchemaQuestion:
    """Return the question that words ask. Raises UsageError."""
    name, *rest = words
    features: list[str] = []
    found: list[QuestionWord] = []
    tags: dict[MemberPath, str] = {}
    for text in rest:
        if re.fullmatch(_FEATURE, text):
            if found:
                found[-1] = found[-1]._replace(features=(*found[-1].features, text[1:]))
            else:
                features.append(text[1:])
            continue
        word = _read_word(text, tags)
        if word.value is not None:
            tags[word.path] = word.value
        found.append(word)
    return SchemaQuestion(name, tuple(features), tuple(found), tags, of_answer)


def _read_word(text: str, tags: dict[MemberPath, str]) -> QuestionWord:
    """Read `a.b`, `a[].b`, `[tag=value].b`, each with `=value` or without; tags: added to"""
    path: list[str] = []
    place = 0
    while (step := _STEP.match(text, place)) is not None:
        place = step.end()
        if step["tag"]:
            tags[(*path, step["tag"])] = step["value"]
        else:
            path.append("0" if step["all"] else step["name"])
    rest = text[place:]
    is_whole = rest == "" or rest.startswith("=")
    if not path or not is_whole or text[place - 1] == "." or text.startswith("+"):
        raise UsageError(_NO_WORD.format(word=shortened(text)))
    return QuestionWord(text, tuple(path), rest[1:] if rest else None)


class _Found(NamedTuple):
    """What a word names. member: None for an element of an array; at, owner: where it is"""

    member: Member | None
    kind: Type
    at: MemberPath = ()
    owner: ObjectType | None = None


class SchemaJudge:
    """The answers of one schema to a question."""

    def __init__(self, schema: Schema, question: SchemaQuestion) -> None:
        self._schema = schema
        self._question = question
        self._command = schema.command(question.name)
        self._event = None if self._command is not None else schema.event(question.name)

    def decide(self) -> Verdict:
        """Answer with what the schema declares; `open_words` are left out."""
        question = self._question
        info = self._command or self._event
        if info is None:
            return Verdict(False, no_name(self._schema, question.name))
        for feature in question.features:
            root = self._root()
            known = (*info.features, *(features_of(root) if root is not None else ()))
            if feature not in known:
                return self._no_feature(question.name, feature, known)
        open_words = self.open_words()
        for word in question.words:
            if word not in open_words:
                verdict = self._decide_word(word)
                if not verdict.has:
                    return verdict
        return self._yes()

    def open_words(self) -> tuple[QuestionWord, ...]:
        """Return the words that the schema leaves open: those of device_add's devices."""
        question, kind = self._question, self._root()
        if self._command is None or question.of_answer or not isinstance(kind, ObjectType):
            return ()
        if not is_open(question.name, kind):
            return ()
        return tuple(
            word for word in question.words if self._find(word) is None or word.path == ("driver",)
        )

    def decide_device(self, answer: object) -> Verdict:
        """Answer for the words left open. answer: to device-list-properties; None for an error"""
        driver = self._question.tags.get(("driver",), "")
        if not isinstance(answer, list):
            return Verdict(False, _NO_DEVICE.format(driver=shortened(driver)))
        properties = property_types(answer)
        for word in self.open_words():
            name = ".".join(word.path)
            if name == "driver":
                continue
            if name not in properties:
                hint = did_you_mean(name, properties)
                said = _NO_PROPERTY.format(driver=shortened(driver), name=name, hint=hint)
                return Verdict(False, said)
        return self._yes()

    @property
    def driver(self) -> str:
        """The device whose properties are asked for. Raises UsageError where none is named."""
        driver = self._question.tags.get(("driver",), "")
        if not driver:
            name = ".".join(self.open_words()[0].path)
            raise UsageError(_WHICH_DEVICE.format(name=name))
        return driver

    # ---------------------------------------------------------------- one word

    def _root(self) -> Type | None:
        """Return the type whose members are asked for; None for an unknown name."""
        if self._event is not None:
            return self._schema.type(self._event.arg_type)
        if self._command is None:
            return None
        name = self._command.ret_type if self._question.of_answer else self._command.arg_type
        return self._schema.type(name) if name else EMPTY

    def _tag(self, path: MemberPath) -> str | None:
        return self._question.tags.get(path)

    def _owner(self, path: MemberPath) -> ObjectType | None:
        """Return the object at the end of a path; None where there is none."""
        root = self._root()
        kind = descend(self._schema, root, path, self._tag) if root is not None else None
        return object_of(self._schema, kind) if kind is not None else None

    def _find(self, word: QuestionWord) -> _Found | None:
        """Return what a word names; None for nothing. A name may contain dots."""
        for width in range(1, len(word.path) + 1):
            at, name = word.path[:-width], ".".join(word.path[-width:])
            owner = self._owner(at)
            members = self._unfold(owner, at).members if owner is not None else ()
            member = next((member for member in members if member.name == name), None)
            if member is not None:
                return _Found(member, self._schema.type(member.type), at, owner)
        root = self._root()
        kind = descend(self._schema, root, word.path, self._tag) if root is not None else None
        return None if kind is None else _Found(None, kind)  # an element of an array

    def _unfold(self, owner: ObjectType, at: MemberPath) -> Unfolded:
        return unfold(self._schema, owner, lambda tag: self._tag((*at, tag)))

    def _decide_word(self, word: QuestionWord) -> Verdict:
        found = self._find(word)
        if found is None:
            return Verdict(False, self._no_member(word))
        refused = self._refusal(word, found.kind)
        if refused:
            return Verdict(False, refused)
        known = (*self._features(word, found),)
        for feature in word.features:
            if feature not in known:
                return self._no_feature(word.text, feature, known)
        return self._yes()

    def _refusal(self, word: QuestionWord, kind: Type) -> str:
        """Return why a value is not accepted; "" where it is, and for none."""
        if word.value is None:
            return ""
        name = word.path[-1]
        try:
            line = parse_argv([self._question.name, f"{name}={word.value}"])
            if isinstance(line, CommandLine):
                (argument,) = line.arguments
                entry = MemberEntry(name, argument.span, argument)
                ArgumentTyper(self._schema, line.source).read(kind, entry)
        except LineError as error:
            return str(error)
        return ""

    def _features(self, word: QuestionWord, found: _Found) -> Iterator[str]:
        """Yield the features of a member, its type, and its value with the branch it selects."""
        if found.member is not None:
            yield from found.member.features
        yield from features_of(found.kind)
        if word.value is None:
            return
        if isinstance(found.kind, EnumType):
            for one in found.kind.members:
                yield from one.features if one.name == word.value else ()
        if found.owner is None or found.member is None:
            return
        unfolded = self._unfold(found.owner, found.at)
        for (tag, _), branch in zip(unfolded.tags, unfolded.objects[1:], strict=True):
            if tag == found.member.name:
                yield from branch.features

    # ---------------------------------------------------------------- sentences

    def _yes(self) -> Verdict:
        words = "".join(f" {word.text}" for word in self._question.words)
        return Verdict(True, _HAS.format(name=self._question.name, words=words))

    def _no_feature(self, owner: str, feature: str, known: Sequence[str]) -> Verdict:
        hint = did_you_mean(feature, known)
        return Verdict(
            False, _NO_FEATURE.format(owner=owner, feature=shortened(feature), hint=hint)
        )

    def _no_member(self, word: QuestionWord) -> str:
        owner = self._owner(word.path[:-1])
        hint = ""
        if owner is not None:
            hint = self._branches(owner, word.path[-1]) or did_you_mean(
                word.path[-1], [m.name for m in self._unfold(owner, word.path[:-1]).members]
            )
        name = " ".join([self._question.name, *self._given()])
        return _NO_MEMBER.format(owner=name, path=shortened(".".join(word.path)), hint=hint)

    def _given(self) -> Iterator[str]:
        for path, value in self._question.tags.items():
            yield f"{'.'.join(path)}={value}"

    def _branches(self, owner: ObjectType, name: str) -> str:
        """Return the branches of a union that have a member, as a hint; "" for none."""
        values = branches_with(self._schema, owner, name)
        if not values or owner.tag is None:
            return ""
        named = [f"{owner.tag}={value}" for value in values[:_MAX_BRANCHES]]
        more = [f"{len(values) - _MAX_BRANCHES} more"] if len(values) > _MAX_BRANCHES else []
        return _ONLY_WITH.format(branches=" or ".join([*named, *more]))
