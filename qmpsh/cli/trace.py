"""Sets up the tracing of the wire for `-v`, `--logfile` and `--record`.

`-v` prints one line per message on stderr.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from qmpsh.cli.argv import Options
from qmpsh.jsontypes import Json
from qmpsh.render.formats import compact
from qmpsh.shell.wirelog import ENDED, WireLog, WireTracer


def tracing_for(address: str, options: Options, warn: Callable[[str], None]) -> WireTracer:
    """Return the tracer for -v, --logfile and --record.

    address: for the logs; warn: called when one ends, and with what a recording holds
    Raises UsageError where one cannot be written.
    """
    tracing = WireTracer(*([echo] if options.settings.verbose else []))
    if options.logfile:
        tracing.sinks.append(WireLog(options.logfile, address, warn))
    if options.record:
        # Imported here: a log does without.
        from qmpsh.shell.record import HOLDS, RecordLog

        tracing.sinks.append(RecordLog(options.record, address, warn))
        warn(HOLDS.format(path=options.record))
    return tracing


def echo(direction: str, message: Json) -> None:
    """Print one message, already masked. direction: "->" to the server, "<-" from it."""
    if direction == ENDED:
        return  # which is said otherwise
    shown = {**message} if isinstance(message, dict) else message
    if isinstance(shown, dict):
        shown.pop("by", None)
    print(f"{direction} {compact(shown)}", file=sys.stderr, flush=True)
