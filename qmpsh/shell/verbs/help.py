"""`.help` and `.apropos`: what the server accepts, the verbs, the modifiers, keys and exit codes.

Signatures come from the schema, prose from the local manual.
"""

from __future__ import annotations

from collections.abc import Generator

from qmpsh.errors import LineSyntaxError
from qmpsh.language.syntax import VerbLine
from qmpsh.language.verbs import VERBS, Reach, Takes
from qmpsh.schema.describe import hanging
from qmpsh.shell.columns import in_columns
from qmpsh.shell.context import Context
from qmpsh.shell.devices import device_properties
from qmpsh.shell.execute import hmp_request
from qmpsh.shell.interpreter import run_request
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.steps import Outcome, Steps, Wish
from qmpsh.shell.topics import MAX_COLUMNS, HelpTopics, modifier_text, verb_text
from qmpsh.shell.verbs.table import find_verb, text_answer, verb
from qmpsh.shell.without_qmp import HELP_WITHOUT_QMP, verbs_without_qmp
from qmpsh.usage import EXIT_CODES, wrapped_columns

_ON_WAITING = (
    "--wait after a command waits for its end. Events raised while no client is connected are "
    "lost: two one-shots cannot do what one --wait does."
)
_ON_TOPICS = (
    "Help on the rest: .help keys, .help exit-codes, .help --wait and the other modifiers; "
    "`qmpsh --help` outside."
)


@verb(
    "help", "[NAME]", "list verbs and commands, or explain a command, event, verb, modifier",
    Takes.NAME, bare=True, reach=Reach.LOCAL,
)  # fmt: skip
def show_help(context: Context, line: VerbLine) -> Steps:
    words = line.rest.strip()
    if not words:
        yield from context.introspection.load_commands()
        yield text_answer(line, _overview(context, context.front_end.columns()))
        return Outcome()
    topic = special_topic(context, words, min(MAX_COLUMNS, context.front_end.columns()))
    if topic is not None:
        yield text_answer(line, topic)
        return Outcome()
    name = words.removeprefix(".")
    if words.startswith(".") or (name in VERBS and name not in context.introspection.commands):
        find_verb(line._replace(name=name, name_span=line.rest_span))
        width = min(MAX_COLUMNS, context.front_end.columns())
        yield text_answer(line, verb_text(name, width))
        return Outcome()
    if not context.speaks_qmp:
        return (yield from run_request(context, hmp_request(f"help {words}", line.redirect)))
    topics, width = (yield from _topics(context)), min(MAX_COLUMNS, context.front_end.columns())
    properties = yield from device_properties(context.introspection, words, width)
    yield text_answer(line, topics.explain(words, width, properties))
    return Outcome()


@verb("apropos", "WORD", "search names and the text of the manual", reach=Reach.LOCAL)
def apropos(context: Context, line: VerbLine) -> Steps:
    word = line.rest.strip()
    if not word:
        raise LineSyntaxError(
            "expected a word, as in .apropos snapshot", line.source, line.rest_span
        )
    yield text_answer(line, (yield from _topics(context)).search(word))
    return Outcome()


def _topics(context: Context) -> Generator[Wish, str, HelpTopics]:
    """Return what help can explain; ask the server for what is not known yet."""
    introspection = context.introspection
    yield from introspection.load_schema()
    return HelpTopics(
        introspection.commands,
        introspection.schema,
        introspection.manual(),
        introspection.manual_name,
        introspection.disabled,
    )


def _overview(context: Context, columns: int) -> str:
    verbs = VERBS if context.speaks_qmp else verbs_without_qmp()
    width = max(len(f".{name} {row.usage}") for name, row in verbs.items())
    lines = ["Verbs of the shell:"]
    for name, row in verbs.items():
        lines += hanging(
            f"  {f'.{name} {row.usage}':<{width}}  ", row.summary, min(MAX_COLUMNS, columns)
        )
    said = _ON_WAITING if context.speaks_qmp else HELP_WITHOUT_QMP
    lines += ["", *hanging("", said, min(MAX_COLUMNS, columns))]
    lines += ["", *hanging("", _ON_TOPICS, min(MAX_COLUMNS, columns))]
    if context.introspection.commands:
        lines += ["", f"Commands of this server ({len(context.introspection.commands)}):"]
        names = _marked(context.introspection)
        lines += [f"  {line}" for line in in_columns(names, columns - len("  "))]
    return "\n".join(lines)


def _marked(introspection: Introspection) -> list[str]:
    """Return the commands in order, with a mark on what a guest's administrator has disabled."""
    return [
        f"{name} (disabled)" if name in introspection.disabled else name
        for name in sorted(introspection.commands)
    ]


def special_topic(context: Context, words: str, width: int) -> str | None:
    """Return the text on modifiers, keys and exit codes; None for any other topic.

    Raises UsageError for dashes before what is not a modifier.
    """
    if words.startswith("--"):
        return modifier_text(words.lstrip("-").partition("=")[0], width)
    if words == "exit-codes":
        return wrapped_columns(EXIT_CODES, width)
    if words == "keys" and (keys := context.front_end.keys()):
        return wrapped_columns(keys, width)
    return None
