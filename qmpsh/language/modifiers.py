"""The modifiers, `--words` that hold for one line: which there are, and what each takes."""

from __future__ import annotations

import re

from qmpsh.errors import LineSyntaxError, Span, UnknownModifier, UsageError
from qmpsh.language.syntax import FORMATS, Modifiers, parse_duration
from qmpsh.language.verbs import VERB_MODIFIERS, VERBS
from qmpsh.suggest import nearest

VERB_FLAGS = frozenset({"all", "breaking", "returns", "text", "verbose"})
"""Modifiers without a value that mean something to one verb alone."""
FLAGS = frozenset({*FORMATS, "oob", "yes", "new", *VERB_FLAGS})
VALUED_MODIFIERS = {
    "timeout": "a time, as in --timeout 5",
    "fd": "a file, as in --fd /path",
    "count": "a number, as in --count 3",
    "depth": "a number, as in --depth 3",
    "device": "a device's id, as in --device video0",
    "head": "a number, as in --head 1",
    "until": "a regular expression, as in --until 'login:'",
    "font": "a file, as in --font ./default8x16.psfu",
    "layout": "a layout, as in --layout de",
    "rate": "a time, as in --rate 50ms",
}
"""The modifiers that need a value, and what they need."""

UNVALUED = {"wait": "", "watch": "1s"}
"""The modifiers whose value may be left out, and what they mean then."""

MODIFIERS = (*VALUED_MODIFIERS, *UNVALUED, *sorted(FLAGS))

OPTIONS = frozenset(
    {
        *("all", "color", "compact", "config", "connect-timeout", "direct", "dry-run", "except"),
        *("file", "guest-agent", "help", "hmp", "keep-going", "logfile", "no-fold", "no-oob"),
        *("no-share", "only", "parallel", "plain", "pretty", "read-only", "record"),
        *("schema", "skip-negotiation", "verbose", "version"),
    }
)
"""The options of the command line that hold for no single line."""

LETTERS = "afHhpktwnyNlvV"
"""The options of the command line that have one letter."""

_NUMBER = r"[0-9]{1,9}"

_FOR_VERBS = "--{name} is for verbs such as {verb}"
_NOT_OF_VERB = ".{verb} takes no --{name}"
_TWICE = "--{name} is given twice"
_NO_VALUE = "--{name} takes no value"
_NEEDS = "--{name} needs {value}"
_BAD_NUMBER = "--{name} needs a number from {least} on, not {text}"
_LEAST = {"count": 1, "depth": 1, "head": 0}
_TIMES = frozenset({"timeout", "rate", "watch"})
_IS_OPTION = "--{name} is an option of qmpsh: write it before the command"
_UNKNOWN = "no modifier --{name}; {hint}"


class ModifierReader:
    """The modifiers of one line, as they are collected; source: the line, for the errors."""

    __slots__ = ("_numbers", "_source", "_spans", "_texts", "_times")

    def __init__(self, source: str) -> None:
        self._source = source
        self._spans: dict[str, Span] = {}
        self._texts: dict[str, str] = {}
        self._times: dict[str, float] = {}
        self._numbers: dict[str, int] = {}

    @property
    def value(self) -> Modifiers:
        """All that were added."""
        return Modifiers(
            wait=self._texts.get("wait"),
            timeout=self._times.get("timeout"),
            formats=frozenset(name for name in FORMATS if name in self._spans),
            oob="oob" in self._spans,
            yes="yes" in self._spans,
            fd=self._texts.get("fd"),
            new="new" in self._spans,
            count=self._numbers.get("count"),
            depth=self._numbers.get("depth"),
            device=self._texts.get("device"),
            head=self._numbers.get("head"),
            flags=VERB_FLAGS.intersection(self._spans),
            until=self._texts.get("until"),
            font=self._texts.get("font"),
            layout=self._texts.get("layout"),
            rate=self._times.get("rate"),
            watch=self._times.get("watch"),
        )

    def for_command(self, *, counted: bool = False) -> Modifiers:
        """Return the modifiers. Raises LineSyntaxError if one of them is for verbs only.

        counted: of a line that a verb repeats, with `--count` if need be
        """
        for name, verb in VERB_MODIFIERS.items():
            if name in self._spans and not (counted and name == "count"):
                said = _IS_OPTION if name in OPTIONS else _FOR_VERBS
                error = UnknownModifier(
                    said.format(name=name, verb=verb), self._source, self._spans[name]
                )
                error.name, error.value = name, self._texts[name] or None
                raise error
        return self.value

    def for_verb(self, verb: str, *, counted: bool = False) -> Modifiers:
        """Return the modifiers. Raises LineSyntaxError if one of them is for other verbs only.

        counted: as in `for_command`
        """
        own = VERBS[verb].modifiers if verb in VERBS else VERB_MODIFIERS
        for name in VERB_MODIFIERS:
            is_ours = name in own or (counted and name == "count")
            if name in self._spans and not is_ours:
                raise self._error(_NOT_OF_VERB.format(name=name, verb=verb), self._spans[name])
        return self.value

    def refuse_all(self, message: str) -> None:
        """Raise LineSyntaxError with the message where any was added."""
        for span in self._spans.values():
            raise self._error(message, span)

    def add(self, name: str, text: str | None, span: Span) -> None:
        """Take one in. name: without its dashes; text: its value, None where it has none.

        Raises LineSyntaxError for an unknown name, a wrong value, or one given twice.
        """
        if name not in MODIFIERS:
            error = UnknownModifier(_unknown(name), self._source, span)
            error.name, error.value = name, text
            raise error
        if name in self._spans:
            raise self._error(_TWICE.format(name=name), span)
        if name in FLAGS and text is not None:
            raise self._error(_NO_VALUE.format(name=name), span)
        if name in VALUED_MODIFIERS and not text:
            raise self._error(_NEEDS.format(name=name, value=VALUED_MODIFIERS[name]), span)
        self._spans[name] = span
        self._texts[name] = UNVALUED.get(name, "") if text is None else text
        if name in _TIMES:
            self._times[name] = self._duration(self._texts[name], span)
        elif name in _LEAST:
            self._numbers[name] = self._number(name, span)

    def _duration(self, text: str, span: Span) -> float:
        try:
            return parse_duration(text)
        except UsageError as error:
            raise self._error(str(error), span) from error

    def _number(self, name: str, span: Span) -> int:
        text, least = self._texts[name], _LEAST[name]
        if not re.fullmatch(_NUMBER, text) or int(text) < least:
            message = _BAD_NUMBER.format(name=name, least=least, text=text)
            raise self._error(message, span)
        return int(text)

    def _error(self, message: str, span: Span) -> LineSyntaxError:
        return LineSyntaxError(message, self._source, span)


def _unknown(name: str) -> str:
    if name in OPTIONS:
        return _IS_OPTION.format(name=name)
    near = nearest(name, MODIFIERS)
    known = ", ".join(f"--{modifier}" for modifier in MODIFIERS if modifier not in VERB_FLAGS)
    hint = f"did you mean --{near[0]}?" if near else f"there are {known}"
    return _UNKNOWN.format(name=name, hint=hint)
