"""The program: words to options, options to one of the three front ends, errors to exit codes."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from qmpsh.errors import QmpshError, UsageError
from qmpsh.link.address import parse_address
from qmpsh.link.client import Client, ClientOptions, Tracer
from qmpsh.link.dialect import GUEST_AGENT, QEMU
from qmpsh.options import Options, for_batch, is_interactive
from qmpsh.splitter import COMPLETE, PROGRAMS, Words, split_words
from qmpsh.view.safe import visible

if TYPE_CHECKING:
    from typing import TextIO

    from qmpsh.schema.model import Schema

INTERRUPTED = 130
STDOUT_CLOSED = 141
FAULT = 70
"""of our own; Source: sysexits.h, EX_SOFTWARE"""
CONNECT_TIMEOUT = 10.0
"""seconds until greeted and negotiated"""


def main() -> int:
    """Run with the words of sys.argv; the exit code of the README's table."""
    _mend_streams()
    try:
        code = run(sys.argv[1:])
        sys.stdout.flush()
    except QmpshError as error:
        print(f"qmpsh: {visible(str(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # The interpreter flushes stdout once more at its end: give it something to flush into.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return STDOUT_CLOSED
    except Exception as error:
        # A fault of ours, whatever it is: the terminal was given back on the way up to here.
        # Imported here: few runs end so.
        from qmpsh.crash import report

        print(f"qmpsh: {report(error)}", file=sys.stderr)
        return FAULT
    return code


def _mend_streams() -> None:
    """Let something stand for a standard stream that was closed beforehand (`<&-`, `>&-`).

    The next descriptor that is opened would take its number: the socket would be read as a script.
    """
    for fd in range(3):
        try:
            os.fstat(fd)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
    if sys.stdout is None:
        reader, writer = os.pipe()
        os.close(reader)  # so that writing fails as it does when a reader went away
        os.dup2(writer, 1)
        sys.stdout = open(1, "w")  # noqa: SIM115 - lives as long as the process
    if sys.stderr is None:
        sys.stderr = open(2, "w")  # noqa: SIM115 - lives as long as the process
    sys.stderr = _Aside(sys.stderr)


class _Aside(io.TextIOWrapper):
    """stderr, without a failure of its own: where nobody reads it any more, the work goes on and
    the exit code tells how it went.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream.buffer, stream.encoding, "backslashreplace", line_buffering=True)
        self._stream = stream  # which would close what is below it once nobody holds it

    def write(self, text: str) -> int:
        try:
            return super().write(text)
        except OSError:
            self._give_up()
            return len(text)

    def flush(self) -> None:
        try:
            super().flush()
        except OSError:
            self._give_up()

    def _give_up(self) -> None:
        # What is left in the buffer is flushed at the end, and must go somewhere then.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 2)
        os.close(null)


def run(argv: list[str]) -> int:
    """One run of the program. Raises QmpshError for what ended it early."""
    if COMPLETE in os.environ:
        # Imported here: only a Tab in the user's shell completes a command line.
        from qmpsh.completion.shells import answer

        return answer(os.environ[COMPLETE])
    words = split_words(argv, os.environ)
    if words.verb:
        return _verb(words)
    options = Options()
    if words.options:
        # Imported here: an argv of ADDRESS and LINE alone never loads click.
        from qmpsh.cli import Done, parse_options

        try:
            options = parse_options(words.options)
        except Done:
            return 0
    if options.files and words.line:
        raise UsageError("either a LINE or -f FILE, not both")
    if (words.address or "").startswith("libvirt:") and not (words.line or options.files):
        # Imported here: few addresses are libvirt's.
        from qmpsh.domains import names_none, print_domains

        if names_none(words.address or ""):
            limit = _connect_timeout(options)
            return print_domains(words.address or "", limit, json=options.settings.json)
    if not (words.line or options.files) and is_interactive() and not options.settings.dry_run:
        return _interact(words, options)
    return _batch(words, options)


def _verb(words: Words) -> int:
    """`run`, `ls` and `doctor`: each a module with a `main` of its own."""
    # Imported here: most runs name an address.
    from importlib import import_module

    run_verb: Callable[[Words], int] = import_module(f"qmpsh.{PROGRAMS[words.verb].module}").main
    return run_verb(words)


def _batch(words: Words, options: Options) -> int:
    from qmpsh.batch import Batch

    settings, colour = for_batch(options, one_shot=bool(words.line))
    schema = _schema(options)
    offline = settings.dry_run and words.address is None
    client = None if offline else _connect(words, options)
    if client is not None and client.greeting is not None and client.greeting.remark:
        _notice(client.greeting.remark)
    batch = Batch(client, settings, schema, colour=colour)
    try:
        if words.line:
            return batch.run_words(words.line)
        return batch.run_script(options.files or ("-",))
    finally:
        batch.close()


def _interact(words: Words, options: Options) -> int:
    if words.address is None:
        # Imported here: most runs name an address.
        from qmpsh.lookout.picking import maybe_pick

        words = words._replace(address=maybe_pick())
    if words.address is None:
        return 0
    schema = _schema(options)
    # Imported here: only a person's session has a configuration, and loads prompt_toolkit.
    from qmpsh.interactive import configured, interact

    options, config = configured(options)
    client = _connect(words, options)
    try:
        return interact(client, words.address, options, config, schema)
    finally:
        client.close()


def _schema(options: Options) -> Schema | None:
    if not options.schema:
        return None
    # Imported here: only --schema needs it.
    from qmpsh.schema.files import read_schema_file

    return read_schema_file(options.schema)


def _connect(words: Words, options: Options) -> Client:
    if words.address is None:
        # Imported here: most runs name an address.
        from qmpsh.lookout.picking import no_address

        raise no_address()
    return Client.connect(
        parse_address(words.address),
        ClientOptions(
            _connect_timeout(options),
            # An agent is always brought in step first: what others left in its stream is no answer.
            options.negotiate or options.guest_agent,
            options.oob,
            dialect=GUEST_AGENT if options.guest_agent else QEMU,
        ),
        _notice,
        _tracer(words.address, options),
    )


def _tracer(address: str, options: Options) -> Tracer | None:
    """Who looks on at the wire: -v, --logfile; None for nobody."""
    if not (options.settings.verbose or options.logfile):
        return None
    # Imported here: only who looks on needs the masking.
    from qmpsh.trace import tracing_for

    return tracing_for(address, options, _notice)


def _connect_timeout(options: Options) -> float:
    return CONNECT_TIMEOUT if options.connect_timeout is None else options.connect_timeout


def _notice(text: str) -> None:
    print(f"qmpsh: {visible(text)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
