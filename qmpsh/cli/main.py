"""The program: turns words into options, starts a front end, turns errors into exit codes."""

from __future__ import annotations

import errno
import os
import sys

from qmpsh.address import Transport, parse_address
from qmpsh.cli.argv import COMPLETE, SUBCOMMANDS, Options, SplitArgv, no_name, split_words
from qmpsh.cli.streams import StdoutFailed, repair_streams
from qmpsh.client.client import Client, ClientOptions, Tracer
from qmpsh.client.dialect import GUEST_AGENT, QEMU, remark
from qmpsh.errors import AddressError, CannotConnect, QmpshError, UsageError
from qmpsh.language.syntax import prints_reply
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.environment import Environment

if TYPE_CHECKING:
    from collections.abc import Callable

STDOUT_CLOSED_EXIT = 141
FAULT_EXIT = 70
"""exit code of an internal error; Source: sysexits.h, EX_SOFTWARE"""
_ONE_LINE = "-a names the VMs and takes one LINE: no ADDRESS before it, and no -f FILE"
_NOT_WITH_MANY = "-v, --logfile, --record and --schema are for one VM, not for -a"
_ONLY_WITH_MANY = "--only and --except choose among the VMs of -a TARGET"
CONNECT_SECONDS = 10.0
"""seconds until greeted and negotiated"""


def main() -> int:
    """Run with the words of sys.argv; return the exit code, one of `usage.EXIT_CODES`.

    Raises KeyboardInterrupt.
    """
    repair_streams()
    try:
        return _run_and_report(sys.argv[1:])
    except BrokenPipeError:
        pass  # noticed while nothing was to be written
    except StdoutFailed as failure:
        if failure.errno != errno.EPIPE:
            print(f"qmpsh: cannot write to stdout: {failure.strerror}", file=sys.stderr)
    except Exception as error:
        # An internal error: the terminal has been restored on the way up to here.
        # Imported here: few runs end so.
        from qmpsh.shell.crash import report

        print(f"qmpsh: {report(error)}", file=sys.stderr)
        return FAULT_EXIT
    # The interpreter flushes stdout once more at its end: give it something to flush into.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return STDOUT_CLOSED_EXIT


def _run_and_report(argv: list[str]) -> int:
    """Run once; print what ended the run early on stderr, after all answers."""
    try:
        code = run(argv)
    except QmpshError as error:
        # Imported here: only an error may repeat what was typed.
        from qmpsh.render.failures import failure_object
        from qmpsh.render.formats import compact
        from qmpsh.secrets.masker import mask_argv

        said = mask_argv(str(error), argv)
        if error.in_json:
            print(compact(failure_object(error, said)))
        Environment().notice(said)
        return error.exit_code
    sys.stdout.flush()
    return code


def run(argv: list[str]) -> int:
    """Run the program once; return its exit code. Raises QmpshError for what ended it early."""
    if COMPLETE in os.environ:
        # Imported here: only a Tab in the user's shell completes a command line.
        from qmpsh.cli.tab.shells import answer

        return answer(os.environ[COMPLETE])
    is_name = no_name if os.environ.get("QMP_SOCKET") else _is_vm_name
    words = split_words(argv, os.environ, is_name)
    if words.verb:
        return _run_subcommand(words)
    options = _read_options(words.options)
    if options is None:
        return 0
    if options.files and words.line:
        raise UsageError("either a LINE or -f FILE, not both")
    if options.targets:
        return _run_many(words, options)
    if options.only or options.exclude:
        raise UsageError(_ONLY_WITH_MANY)
    has_work = bool(words.line or options.files)
    if words.address and not has_work and _names_no_server(words.address):
        # Imported here: most addresses name one.
        from qmpsh.cli.domains import print_domains

        limit = _connect_timeout(options)
        return print_domains(words.address, limit, json=prints_reply(options.settings.formats))
    environment = Environment(options.color)
    if not has_work and environment.is_interactive and not options.settings.dry_run:
        return _interact(words, options, environment)
    return _batch(words, options, environment)


def _run_many(words: SplitArgv, options: Options) -> int:
    """Run a line on all VMs of -a."""
    # Imported here: most lines are for one VM.
    from qmpsh.cli.signals import end_by_signals
    from qmpsh.many.filters import read_filter
    from qmpsh.many.main import ManyRequest, client_options, run_many

    if words.address is not None or options.files:
        raise UsageError(_ONE_LINE)
    if options.is_traced or options.schema:
        raise UsageError(_NOT_WITH_MANY)
    connect = client_options(
        timeout=options.connect_timeout,
        negotiate=options.negotiate,
        oob=options.oob,
        agent=options.guest_agent,
        shared=not options.direct,
    )
    request = ManyRequest(
        options.targets,
        words.line,
        options.settings,
        connect,
        options.parallel,
        options.fold,
        read_filter(options.only, options.exclude),
        options.connect_timeout,
    )
    end_by_signals()
    return run_many(request, Environment(options.color))


def _is_vm_name(word: str) -> bool:
    # Imported here: the first word is an address as a rule.
    from qmpsh.client.names import is_vm_name

    return is_vm_name(word)


def _resolved(words: SplitArgv, options: Options) -> SplitArgv:
    """Return the words with the address that a name stands for in its place.

    Raises AddressError, CannotConnect, UsageError.
    """
    address = parse_address(words.address) if words.address else None
    if not isinstance(address, Transport):
        return words
    target = address.target(agent=options.guest_agent)
    return words if target is address else words._replace(address=str(target))


def _read_options(words: list[str]) -> Options | None:
    """Return the options as a value; None after --help and --version. Raises UsageError."""
    if not words:
        return Options()
    # Imported here: most one-shots have none, and few have one that click must read.
    from qmpsh.cli.flags import read_flags

    options = read_flags(words)
    if options is not None:
        return options
    from qmpsh.cli.options import parse_options

    return parse_options(words)


def _names_no_server(text: str) -> bool:
    """Whether an address lists the servers that it could lead to."""
    try:
        address = parse_address(text)
    except AddressError:
        return False  # reported where it is to be connected to
    return isinstance(address, Transport) and not address.names_server


def _run_subcommand(words: SplitArgv) -> int:
    """Run `run`, `ls` or `doctor`: each is a module with a `main` of its own."""
    # Imported here: most runs name an address.
    from importlib import import_module

    run_verb: Callable[[SplitArgv], int] = import_module(
        f"qmpsh.{SUBCOMMANDS[words.verb].module}"
    ).main
    return run_verb(words)


def _batch(words: SplitArgv, options: Options, environment: Environment) -> int:
    """Run a one-shot or a script; with --json an error that ends it early is JSON too."""
    try:
        return _run_batch(words, options, environment)
    except QmpshError as error:
        error.in_json = prints_reply(options.settings.formats)
        raise


def _run_batch(words: SplitArgv, options: Options, environment: Environment) -> int:
    from qmpsh.batch.batch import Batch, batch_settings

    settings = batch_settings(options.settings, environment, one_shot=bool(words.line))
    schema = options.given_schema()
    words = _resolved(words, options)
    offline = words.address is None and (settings.dry_run or bool(words.line))
    client = None if offline else _connect(words, options, environment)
    if client is not None and (said := remark(words.address or "", client.connection.greeting)):
        environment.notice(said)
    batch = Batch(client, settings, schema, environment)
    try:
        if options.record:
            batch.load_schema()
        if words.line:
            return batch.run_words(words.line)
        # Imported here: a one-shot has no script.
        from qmpsh.batch.script import run_script

        return run_script(batch, options.files or ("-",))
    finally:
        batch.close()


def _interact(words: SplitArgv, options: Options, environment: Environment) -> int:
    if words.address is None:
        # Imported here: most runs name an address.
        from qmpsh.cli.inspect.ls import pick_monitor

        words = words._replace(address=pick_monitor())
    if words.address is None:
        return 0
    schema = options.given_schema()
    # Imported here: only a person's session has a configuration, and loads prompt_toolkit.
    from qmpsh.cli.interactive import configured, interact

    options, config = configured(options)
    words = _resolved(words, options)
    client = _connect(words, options, environment)
    try:
        return interact(client, words.address or "", options, config, schema)
    finally:
        client.close()


def _connect(words: SplitArgv, options: Options, environment: Environment) -> Client:
    if words.address is None:
        # Imported here: most runs name an address.
        from qmpsh.cli.inspect.ls import no_address

        raise no_address()
    address = parse_address(words.address)
    if address.needs_cleanup:
        # Imported here: a socket closes by itself.
        from qmpsh.cli.signals import end_by_signals

        end_by_signals()
    begin = ClientOptions(
        _connect_timeout(options),
        # An agent is always brought in step first: what others left in its stream is not an answer.
        options.negotiate or options.guest_agent,
        options.oob,
        dialect=GUEST_AGENT if options.guest_agent else QEMU,
        awaited=options.awaited,
        shared=not options.direct,
    )
    try:
        tracer = _tracer(words.address, options, environment)
        return Client.connect(address, begin, environment.notice, tracer)
    except CannotConnect as error:
        if options.awaited:
            raise
        # Imported here: only a failure is explained.
        from qmpsh.client.arrival import with_wait_hint

        raise with_wait_hint(address, error) from error


def _tracer(address: str, options: Options, environment: Environment) -> Tracer | None:
    """Return the tracer for -v, --logfile and --record; None without them."""
    if not options.is_traced:
        return None
    # Imported here: only who looks on needs the masking.
    from qmpsh.cli.trace import tracing_for

    return tracing_for(address, options, environment.notice)


def _connect_timeout(options: Options) -> float:
    return CONNECT_SECONDS if options.connect_timeout is None else options.connect_timeout
