"""What a machine is asked for an overview: the questions of each kind of server, and the replies.

Each question is put once, and only where the server has its command; a refusal leaves out what it
would have said. Pure: who puts the questions decides when, and how long to wait.

Source: docs/dev/wire.md sections 5, 6 and 13; QEMU 7.2 and 10.0.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable
from typing import Final

from qmpsh.client.dialect import GUEST_AGENT, HMP_MONITOR, STORAGE_DAEMON, STRATOVIRT, Dialect
from qmpsh.jsontypes import Json, as_dicts
from qmpsh.light_typing import NamedTuple
from qmpsh.protocol.messages import Command
from qmpsh.shell.hmp import hmp_command
from qmpsh.shell.ports import PERIPHERAL, bus_query, is_port

MAX_PORTS: Final = 64
"""ports that are asked whether they are free"""

PORT_KEY: Final = "port "
"""How the keys of the replies about ports begin; the port's name follows."""

PRECONFIG_KEY: Final = "preconfig"
"""The key of no question: whether a refusal said that the machine is not made yet."""

_NOT_MADE: Final = "permitted only after machine initialization has completed"
"""How QEMU refuses a command with --preconfig; no query says so. Source: QEMU 7.2 and 10.0."""


class Question(NamedTuple):
    """A query that an overview is made of.

    key:     of its reply
    section: of the facts, which it belongs to
    command: to send; replaced_by: one that says more, where the server has it
    """

    key: str
    section: str
    command: Command
    replaced_by: str = ""


def _plain(section: str, *names: str) -> list[Question]:
    return [Question(name, section, Command(name)) for name in names]


def _machine_property(section: str, name: str) -> Question:
    return Question(name, section, Command("qom-get", {"path": "/machine", "property": name}))


_STATE = _plain("state", "query-status", "query-name", "query-uuid")

_QEMU = (
    _machine_property("machine", "type"),
    *_plain("machine", "query-target", "query-accelerators"),
    Question("query-kvm", "machine", Command("query-kvm"), replaced_by="query-accelerators"),
    *_STATE,
    *_plain("cpu", "query-cpus-fast"),
    _machine_property("cpu", "smp"),
    *_plain("cpu", "query-hotpluggable-cpus"),
    *_plain("memory", "query-memory-size-summary", "query-balloon"),
    *_plain("disks", "query-block"),
    Question("info network", "nics", hmp_command("info network")),
    *_plain("displays", "query-vnc-servers", "query-spice"),
    *_plain("chardevs", "query-chardev"),
    Question("peripheral", "free-ports", Command("qom-list", {"path": PERIPHERAL})),
    *_plain("jobs", "query-jobs"),
    *_plain("migration", "query-migrate"),
)

_DAEMON = (
    *_plain("nodes", "query-named-block-nodes", "x-debug-query-block-graph"),
    *_plain("exports", "query-block-exports"),
    *_plain("chardevs", "query-chardev"),
    *_plain("jobs", "query-jobs"),
)

# Its other queries answer with empty lists, which mean "not implemented" (wire.md section 13).
_STRATOVIRT = (
    *_plain("state", "query-status"),
    *_plain("cpu", "query-cpus"),
    *_plain("memory", "query-mem", "query-balloon"),
    *_plain("displays", "query-vnc"),
)

_AGENT = (
    *_plain("system", "guest-get-osinfo", "guest-get-host-name", "guest-get-time"),
    *_plain("cpu", "guest-get-vcpus"),
    *_plain("filesystems", "guest-get-fsinfo"),
    *_plain("interfaces", "guest-network-get-interfaces"),
)

_BY_DIALECT: Final = {
    STORAGE_DAEMON.name: _DAEMON,
    STRATOVIRT.name: _STRATOVIRT,
    GUEST_AGENT.name: _AGENT,
    HMP_MONITOR.name: (),
}


class Survey:
    """The state of one survey: which questions are left, and the replies to the others.

    replies: by the questions' keys; one that was refused has none
    """

    def __init__(
        self, dialect: Dialect, commands: Collection[str], disabled: Collection[str] = ()
    ) -> None:
        """commands: the server's, () where they are not known; disabled: those that it refuses"""
        self.replies: dict[str, Json] = {}
        self._left: deque[Question] = deque()
        self._unanswered: Counter[str] = Counter()
        questions = _BY_DIALECT.get(dialect.name, _QEMU)
        self._add(question for question in questions if _applies(question, commands, disabled))

    def next_question(self) -> Question | None:
        """Return the question to put next, None if all there are now have been put."""
        return self._left.popleft() if self._left else None

    def on_value(self, question: Question, value: Json) -> None:
        """Take the value of the reply to a question."""
        self.replies[question.key] = value
        if question.key == "peripheral":
            self._ask_ports(value)
        self._unanswered[question.section] -= 1

    def on_refusal(self, question: Question, said: str) -> None:
        """Note that a question will not be answered. said: the server's words"""
        if _NOT_MADE in said:
            self.replies[PRECONFIG_KEY] = True
        self._unanswered[question.section] -= 1

    @property
    def unanswered(self) -> list[str]:
        """The sections of which something is still to be answered, in order."""
        return [section for section, count in self._unanswered.items() if count > 0]

    def _ask_ports(self, listed: Json) -> None:
        names = [str(item.get("name")) for item in as_dicts(listed) if is_port(item)]
        self._add(
            (
                Question(f"{PORT_KEY}{name}", "free-ports", bus_query(name))
                for name in names[:MAX_PORTS]
            ),
            first=True,
        )

    def _add(self, questions: Iterable[Question], *, first: bool = False) -> None:
        added = list(questions)
        self._unanswered.update(question.section for question in added)
        if first:
            self._left.extendleft(reversed(added))
        else:
            self._left.extend(added)


def _applies(question: Question, commands: Collection[str], disabled: Collection[str]) -> bool:
    if question.command.name in disabled or question.replaced_by in commands:
        return False
    return not commands or question.command.name in commands
