"""`qmpsh run`: starts a VM, runs a front end on its monitor, then ends the VM.

Without a command of the user's it chooses an emulator and starts a default machine, which is paused
and boots from no disk; it has a data disk that takes no space, a network card, and a free PCIe port
for trying hot-plug. `make demo` and the tests use the same machine.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time

from qmpsh.address import parse_address
from qmpsh.batch.batch import Batch, batch_settings
from qmpsh.batch.script import run_script
from qmpsh.cli.argv import Options, SplitArgv, split_words
from qmpsh.cli.run.vm import VmProcess
from qmpsh.cli.signals import end_by_signals
from qmpsh.cli.streams import StdoutFailed
from qmpsh.client.client import Client, ClientOptions, Tracer
from qmpsh.errors import CannotConnect, ConnectionLost, QmpshError, UsageError
from qmpsh.light_typing import TYPE_CHECKING
from qmpsh.render.environment import Environment
from qmpsh.render.safe import visible
from qmpsh.shell.steps import Outcome, Task

if TYPE_CHECKING:
    from qmpsh.cli.config import Config
    from qmpsh.schema.model import Schema

_NO_QEMU = "no QEMU found here"
_INSTALL = (
    "install it (the package is called qemu-system-x86 or qemu), or name yours, as in qmpsh"
    " run -- /opt/qemu/bin/qemu-system-x86_64 ..."
)
_DEMO = f"{_NO_QEMU}: a recording of one answers; {_INSTALL}"
_OTHER_SERVERS = "--guest-agent and -N are for other servers; qmpsh run's is QEMU's own QMP"
_MANY = "-a, --only and --except are for VMs that run; qmpsh run starts one"
_NO_OPTION = (
    "{word} is not an option of run: QEMU's command goes after --, as in qmpsh run --"
    " qemu-system-x86_64 -m 2G; a script is given with -f or on stdin"
)
_BEING_AWAITED = "{program} is running, but its monitor has not answered yet; waiting"
_LEFT = (
    "the VM keeps running, process {pid}; to come back: qmpsh {path}",
    "what it prints goes to {log}",
)
_SAID_LAST = "{error}; {program} said last: {said}"

NAME = "demo"

_ARCHITECTURES = {"arm64": "aarch64"}
"""uname's name of a machine to QEMU's, where they differ."""

_OTHERS = ("qemu-system-x86_64", "qemu-system-i386", "qemu-system-aarch64", "kvm", "qemu-kvm")

_NOT_IN_PATH = "/usr/libexec/qemu-kvm"
"""Where Fedora and its derivatives keep it."""

_UNPLUG = "acpi-pci-hotplug-with-bridge-support"


def find_emulator() -> str:
    """Return an installed emulator, preferably of the host's own architecture.

    Raises CannotConnect if there is none.
    """
    found = _maybe_emulator()
    if found:
        return found
    raise CannotConnect(
        _NO_QEMU,
        _INSTALL,
    )


def _maybe_emulator() -> str:
    """Return an installed emulator, "" if there is none."""
    machine = os.uname().machine
    native = f"qemu-system-{_ARCHITECTURES.get(machine, machine)}"
    for name in (native, *_OTHERS, _NOT_IN_PATH):
        found = shutil.which(name)
        if found:
            return found
    return ""


def demo_arguments(emulator: str) -> list[str]:
    """Return the arguments of the demo machine, adapted to what this emulator supports."""
    machine = "q35" if "\nq35 " in _ask(emulator, "-machine", "help") else "virt"
    # QEMU may be built without user networking; a hub port always exists and leads nowhere.
    has_user = "user" in _ask(emulator, "-netdev", "help").split()
    network = "user" if has_user else "hubport,hubid=0"
    arguments = []
    if machine == "q35" and _UNPLUG in _ask(emulator, "-device", "ICH9-LPC,help"):
        # With ACPI the guest must unplug a device, and no guest runs here. With native PCIe
        # hot-plug, a port that no guest ever powered on releases it at once (DEVICE_DELETED).
        arguments = ["-global", f"ICH9-LPC.{_UNPLUG}=off"]
    arguments += ["-machine", machine, "-nodefaults", "-display", "none", "-m", "64", "-S"]
    arguments += ["-blockdev", "driver=null-co,node-name=disk0,size=1073741824,read-zeroes=on"]
    arguments += ["-device", "virtio-blk-pci,id=vda,drive=disk0"]
    # romfile=: the card's boot ROM comes in a separate package, and nothing boots here.
    arguments += ["-netdev", f"{network},id=net0"]
    arguments += ["-device", "virtio-net-pci,id=nic0,netdev=net0,romfile="]
    return [*arguments, "-device", "pcie-root-port,id=rp0,chassis=1"]


def _ask(emulator: str, *words: str) -> str:
    """Return what an emulator prints; "" if it cannot run, since starting it will report why."""
    try:
        done = subprocess.run(
            [emulator, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError:
        return ""
    return done.stdout


_NO_ADDRESS = "-"
"""Stands for the address while the words before `--` are parsed."""


def main(words: SplitArgv) -> int:
    """Start a VM, run a shell or a script on it, end it; return the exit code.

    words: their `line` is everything after `run`
    Raises QmpshError.
    """
    given, command = _sort(words.line)
    # Imported here, as in the program itself: click is only needed if there are options.
    from qmpsh.cli.options import RUN, parse_options

    options = parse_options([*words.options, *given], RUN)
    if options is None:
        return 0
    if options.guest_agent or not options.negotiate:
        raise UsageError(_OTHER_SERVERS)
    if options.targets or options.only or options.exclude:
        raise UsageError(_MANY)
    if not command and not _maybe_emulator():
        return _replay_demo([*words.options, *given])
    schema = options.given_schema()
    config = None
    environment = Environment(options.color)
    settings = batch_settings(options.settings, environment, one_shot=False)
    if not options.files and environment.is_interactive and not options.settings.dry_run:
        from qmpsh.cli.interactive import configured

        options, config = configured(options)
    end_by_signals()
    vm = _vm(command)
    client: Client | None = None
    try:
        vm.start()
        client = _connect(vm, options, environment)
        if config is None:
            batch = _Batch(client, settings, schema, environment)
            return _run_script(vm, batch, options.files or ("-",))
        return _interact(vm, client, options, config, schema)
    except (QmpshError, BrokenPipeError, StdoutFailed):
        raise
    except Exception:
        # An internal error is not a reason to end the user's machine.
        vm.leave_running()
        raise
    finally:
        _end(vm, client)
        _notice_if_left(vm, environment)
        if client is not None:
            client.close()


def _replay_demo(options: list[str]) -> int:
    """Run a front end on a recording of the demo, since there is no QEMU; return its exit code.

    options: for the front end
    """
    # Imported here: as a rule there is a QEMU.
    from qmpsh.cli.replay import ReplayOptions, replay
    from qmpsh.client.dialect import DEMO
    from qmpsh.replay.demo import DEMO_FILE

    if not Environment().is_interactive:
        Environment().notice(_DEMO)
    shell = [sys.executable, "-m", "qmpsh", *options]
    return replay(ReplayOptions(str(DEMO_FILE), now=True, kind=DEMO), shell)


def _end(vm: VmProcess, client: Client | None) -> None:
    if not vm.is_left:
        for number in (signal.SIGTERM, signal.SIGHUP):
            # They ask for the exit that is under way.
            signal.signal(number, signal.SIG_IGN)
    vm.end(client)


def _sort(line: list[str]) -> tuple[list[str], list[str]]:
    """Return our options, and the command after `--` ([] for none). Raises UsageError."""
    at = line.index("--") if "--" in line else len(line)
    ours, command = line[:at], line[at + 1 :]
    sorted_words = split_words(ours, {"QMP_SOCKET": _NO_ADDRESS})
    is_named = sorted_words.address not in (None, _NO_ADDRESS)  # None: with -a there is none
    if is_named or sorted_words.verb or sorted_words.line:
        word = (sorted_words.line or [sorted_words.address or sorted_words.verb])[0]
        raise UsageError(_NO_OPTION.format(word=word))
    return ours, command


def _vm(command: list[str]) -> VmProcess:
    """Return the VM to start: a command, arguments for the emulator we find, or the demo."""
    if not command:
        emulator = find_emulator()
        arguments = [*demo_arguments(emulator), "-name", NAME]
        return VmProcess([emulator, *arguments], keeps=False)
    if command[0].startswith("-"):
        command = [find_emulator(), *command]
    return VmProcess(command)


def _connect(vm: VmProcess, options: Options, environment: Environment) -> Client:
    """Open a session with the VM. Raises CannotConnect with what QEMU printed."""
    tracer: Tracer | None = None
    if options.is_traced:
        from qmpsh.cli.trace import tracing_for

        tracer = tracing_for(vm.path, options, environment.notice)
    begin = ClientOptions(oob=options.oob)
    if options.connect_timeout is not None:
        begin = begin._replace(connect_timeout=options.connect_timeout)

    def notice(_: str) -> None:
        environment.notice(_BEING_AWAITED.format(program=vm.program))

    limit, started = begin.connect_timeout, time.monotonic()
    try:
        client = Client.connect(parse_address(vm.path), begin, notice, tracer)
    except CannotConnect as error:
        was_silent = limit is not None and time.monotonic() - started >= limit
        raise vm.refusal(error, limit if was_silent else None) from error
    vm.session_begins()
    return client


# ---------------------------------------------------------------------------- the front ends


class _Batch(Batch):
    """A script that also prints the VM's output on stderr, between two lines."""

    vm: VmProcess

    def finish(self, place: str, task: Task) -> Outcome:
        """See Batch."""
        outcome = super().finish(place, task)
        self.relay()
        return outcome

    def report(self, place: str, error: QmpshError) -> Outcome:
        """See Batch. A VM that ended on its own has printed the reason, if anything has."""
        said = self.vm.last_words() if isinstance(error, ConnectionLost) else ""
        if said:
            error = ConnectionLost(
                _SAID_LAST.format(error=error, program=self.vm.program, said=said)
            )
        return super().report(place, error)

    def relay(self, *, rest: bool = False) -> None:
        """Print what the VM has printed since the last call."""
        said = self.vm.words(rest=rest)
        if said:
            sys.stdout.flush()
            sys.stderr.write(visible(said if said.endswith("\n") else f"{said}\n"))


def _run_script(vm: VmProcess, batch: _Batch, files: tuple[str, ...]) -> int:
    batch.vm = vm
    try:
        batch.relay()
        return run_script(batch, files)
    finally:
        batch.relay(rest=True)


def _interact(
    vm: VmProcess, client: Client, options: Options, config: Config, schema: Schema | None
) -> int:
    # Imported here: only an interactive session needs prompt_toolkit.
    from qmpsh.cli.interactive import interact

    return interact(client, vm.path, options, config, schema, vm)


def _notice_if_left(vm: VmProcess, environment: Environment) -> None:
    if vm.is_left:
        for text in _LEFT:
            environment.notice(text.format(pid=vm.pid, path=vm.path, log=vm.log_path))
