"""A word without `=` in a line: what was meant, as far as this server tells."""

from __future__ import annotations

from collections.abc import Generator

from qmpsh.complete.place import Walk
from qmpsh.errors import NoValue
from qmpsh.lang.scan import Scanner
from qmpsh.schema.actions import actions_of
from qmpsh.schema.guess import guess_argument
from qmpsh.shell.introspection import Introspection
from qmpsh.shell.outcome import Wish
from qmpsh.shell.reading import no_action


def explain(error: NoValue, introspection: Introspection) -> Generator[Wish, str, None]:
    """Give the error the sentence that says what to type, where that is known."""
    if not error.command:
        return
    yield from introspection.load_schema()
    schema, commands = introspection.schema, introspection.commands
    if error.in_transaction:
        schema = actions_of(schema) if schema is not None else None
        commands = schema.commands if schema is not None else ()
    kind = schema.arguments(error.command) if schema is not None else None
    walk = Walk(error.source, in_transaction=error.in_transaction)
    walk.take(Scanner().feed(error.source))
    if schema is not None and kind is not None:
        given = {m.path[0]: m.text if len(m.path) == 1 else None for m in walk.given if m.path}
        error.reword(*guess_argument(schema, kind, error, given))
    elif error.in_transaction and schema is not None:
        error.reword(no_action(error.command, schema))
        error.span = walk.command_span
    elif commands and error.command not in commands:
        hint = introspection.suggestion(error.command, error.source[error.span[0] :])
        error.reword(f"no command {error.command}{hint}")
        error.span = walk.command_span
