"""Sets up the tracing of the wire for `-v` and `--logfile`.

`-v` prints one line per message on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from qmpsh.cli.argv import Options
from qmpsh.jsontypes import Json
from qmpsh.render.formats import compact
from qmpsh.shell.wirelog import WireLog, WireTracer


def tracing_for(address: str, options: Options, warn: Callable[[str], None]) -> WireTracer:
    """Return the tracer for -v and --logfile. address: for the log; warn: called when the log ends.

    Raises UsageError where the log cannot be written.
    """
    tracing = WireTracer(*([echo] if options.settings.verbose else []))
    if options.logfile:
        tracing.sinks.append(WireLog(options.logfile, address, warn))
    return tracing


def echo(direction: str, message: Json) -> None:
    """Print one message, already masked. direction: "->" to the server, "<-" from it."""
    print(f"{direction} {compact(message)}", file=sys.stderr, flush=True)
