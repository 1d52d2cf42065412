"""The verbs of the shell: one decorated function each, and the way from a name to its steps.

    @verb("apropos", "WORD", "search names and the text of the manual")
    def apropos(context: Context, line: VerbLine) -> Steps:

That is all it takes: `make docs` copies the rows into `language/verbs.py`, which the parser,
completion, `.help` and the pages read without loading a verb. A row that is not copied yet is added
there when its module is imported.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

import qmpsh.shell.verbs
from qmpsh.client.client import Client
from qmpsh.errors import LineSyntaxError, UsageError
from qmpsh.language.syntax import VerbLine
from qmpsh.language.verbs import VERBS, Reach, Takes, Verb, add_verb
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.shell.steps import Answer, Steps
from qmpsh.suggest import nearest

if TYPE_CHECKING:
    from qmpsh.shell.context import Context

    Run = Callable[[Context, VerbLine], Steps]

_NO_VERB = "no verb .{name}{hint}"
_DRY_RUN = ".{name}: there is no connection with --dry-run"
_NO_ARGUMENTS = ".{name} takes no arguments"

MODULES = (
    *(
        "help",
        "hmp",
        "export",
        "add_fd",
        "events",
        "watch",
        "plot",
        "jobs",
        "status",
        "screen",
        "tree",
        "keyboard",
        "qom",
        "connection",
        "share",
        "schema",
        "guest_exec",
    ),
    *("guest_files", "source", "log", "options", "prompt"),
)
"""The order in which `.help` lists the verbs; those of other modules follow."""

_DECORATED: dict[str, Verb] = {}


def verb(  # noqa: PLR0913 - the columns of a row
    name: str,
    usage: str,
    summary: str,
    takes: Takes = Takes.WORDS,
    *,
    bare: bool = False,
    modifiers: tuple[str, ...] = (),
    letters: str = "",
    reach: Reach = Reach.SHELL,
) -> Callable[[Run], Run]:
    """Make a function a verb; the parameters are the columns of `language.verbs.Verb`."""

    def register(run: Run) -> Run:
        place = f"{run.__module__}:{run.__name__}"
        row = Verb(usage, summary, takes, bare, modifiers, letters, reach, place)
        _DECORATED[name] = row
        add_verb(name, row)
        return run

    return register


def find_verb(line: VerbLine) -> Run:
    """Return the steps of a verb. Raises LineSyntaxError that names the nearest one."""
    row = VERBS.get(line.name)
    if row is None:
        near = nearest(line.name, VERBS)
        hint = f"; did you mean .{near[0]}?" if near else "; .help lists them"
        raise LineSyntaxError(
            _NO_VERB.format(name=line.name, hint=hint), line.source, line.name_span
        )
    module, _, function = row.place.partition(":")
    run: Run = getattr(import_module(module), function)
    return run


def decorated_verbs() -> dict[str, Verb]:
    """Return the rows of all decorated functions, in the order of `.help`."""
    # Imported here: only the pages and their tests need all of them.
    from pkgutil import iter_modules

    for module in iter_modules(qmpsh.shell.verbs.__path__):
        import_module(f"{__package__}.{module.name}")
    return dict(sorted(_DECORATED.items(), key=lambda item: _rank(item[1])))


def _rank(row: Verb) -> int:
    module = row.place.partition(":")[0].rpartition(".")[2]
    return (*MODULES, module).index(module)


def client_of(context: Context, line: VerbLine) -> Client:
    """Return the client, whose connection may have ended. Raises UsageError with --dry-run."""
    if context.client is None:
        raise UsageError(_DRY_RUN.format(name=line.name))
    return context.client


def refuse_arguments(line: VerbLine) -> None:
    """Raise LineSyntaxError for anything after a verb that takes nothing."""
    if line.rest.strip():
        raise LineSyntaxError(_NO_ARGUMENTS.format(name=line.name), line.source, line.rest_span)


def text_answer(line: VerbLine, text: str) -> Answer:
    """Return a text as the answer of a verb's line."""
    return Answer("", text=text, modifiers=line.modifiers, redirect=line.redirect)
