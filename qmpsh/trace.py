"""Who looks on at the wire, as the options say; for `-v` one line a message on stderr."""

from __future__ import annotations

import sys
from collections.abc import Callable

from qmpsh.jsontypes import Json
from qmpsh.options import Options
from qmpsh.shell.tracing import Tracing
from qmpsh.shell.wirelog import WireLog
from qmpsh.view.jsontext import compact


def tracing_for(address: str, options: Options, warn: Callable[[str], None]) -> Tracing:
    """For -v and --logfile. address: for the log; warn: told when the log has to end.

    Raises UsageError where the log cannot be written.
    """
    tracing = Tracing(*([echo] if options.settings.verbose else []))
    if options.logfile:
        tracing.sinks.append(WireLog(options.logfile, address, warn))
    return tracing


def echo(direction: str, message: Json) -> None:
    """Print one message, already masked. direction: "->" to the server, "<-" from it."""
    print(f"{direction} {compact(message)}", file=sys.stderr, flush=True)
