"""The shell's own words, one row for each verb: all that is known of it before it runs.

They begin with a dot so that they can never hide a command of the server. The code that scans,
parses, completes or masks a verb's line reads a column here; what a verb does is in `shell.verbs`,
whose decorated functions are where the rows come from.
"""

from __future__ import annotations

from qmpsh.light_typing import Enum, NamedTuple, auto


class Takes(Enum):
    """The kind of text that may follow a verb."""

    WORDS = auto()  # the verb's own, or nothing
    NAME = auto()  # of a command, an event, a type, a verb or, with its dashes, a modifier
    OPTION = auto()  # of the shell, and its value
    EVENT = auto()  # one, and KEY=value of its data
    EVENTS = auto()  # any number
    FILE = auto()  # of this host
    FILES = auto()  # one of this host, one of the guest
    SCHEMA_TOOL = auto()  # the name of one, and what it works on
    TREE = auto()  # a kind of tree, and what of it
    QOM_PATH = auto()  # of an object
    QOM_PROPERTY = auto()  # of an object, with its path or without
    QOM_SETTING = auto()  # such a property, and a value
    QOM_FILTERS = auto()  # of objects: KEY=VALUE
    PROGRAM = auto()  # of the guest, and its arguments
    HMP = auto()  # a line of the human monitor
    LINE = auto()  # a line of the language
    TOOL_LINE = auto()  # the name of a tool, and such a line
    TIMED_LINE = auto()  # a time and modifiers, both optional, and such a line
    PATHS_LINE = auto()  # the same, and paths into its reply
    TEXT = auto()  # for the guest's keyboard, which may be a password
    CHORDS = auto()  # of that keyboard: ctrl-alt-delete


class Reach(Enum):
    """How far a verb reaches, and with that what it means where a line goes to many VMs: `-a`."""

    SHELL = auto()  # this shell: it means nothing on many
    LOCAL = auto()  # what is known here, and at most what the server accepts, as completion does
    LINES = auto()  # whatever the lines of a file reach, which is not for many either
    READS = auto()  # the VM, in which it changes nothing
    CHANGES = auto()  # the VM, in which it may change something
    AWAITS = auto()  # something that happens in the VM; of many, the first is enough
    REPEATS = auto()  # the VM, again and again; each answer is shown as it comes
    FOLLOWS = auto()  # the same, and after its end as well, once the VM comes back


OF_ONE_SHELL = frozenset({Reach.SHELL, Reach.LINES})
STREAMING = frozenset({Reach.REPEATS, Reach.FOLLOWS})
WAITING = STREAMING | {Reach.AWAITS}
"""What may take any time."""

SHOWING = frozenset({Takes.LINE, Takes.TOOL_LINE})
"""Lines that are shown in another form, and not sent."""
TIMED = frozenset({Takes.TIMED_LINE, Takes.PATHS_LINE})
"""Lines that are repeated, after a time and modifiers."""
HEADED = TIMED | {Takes.TOOL_LINE}
"""Lines that have a word of the verb's own before them."""
TYPED = frozenset({Takes.TEXT, Takes.CHORDS})
"""What is typed into the guest."""
LINES = HEADED | {Takes.LINE}
"""Lines of the language."""
QOM = frozenset({Takes.QOM_PATH, Takes.QOM_PROPERTY, Takes.QOM_SETTING, Takes.QOM_FILTERS})
"""What is in QEMU's object model."""
QOM_PROPERTIES = frozenset({Takes.QOM_PROPERTY, Takes.QOM_SETTING})
"""What is a property of an object in it."""
LIVE = QOM | {Takes.TREE}
"""What verbs take that only the running VM knows."""
WHOLE = LINES | {Takes.HMP, Takes.PROGRAM}
"""What is kept as typed, modifiers and redirect too."""


class Verb(NamedTuple):
    """A verb of the shell, as far as it is known before it runs.

    usage: what follows the name; summary: one line; takes: how what follows is read.

    bare: at the prompt it works without its dot too, while the server has no such command
    modifiers: those that no command takes; letters: options of its own, each of one letter: `-l`
    reach: how far it reaches
    place: of its steps, `module:function`
    """

    usage: str
    summary: str
    takes: Takes = Takes.WORDS
    bare: bool = False
    modifiers: tuple[str, ...] = ()
    letters: str = ""
    reach: Reach = Reach.SHELL
    place: str = ""

    @property
    def reaches_vm(self) -> bool:
        """Whether it does or awaits something in the VM, so that it matters which VM that is."""
        return self.reach not in (Reach.SHELL, Reach.LOCAL)

    @property
    def words(self) -> tuple[str, ...]:
        """The words that it takes first, where its usage names them: `bash|python|virsh LINE`."""
        first = self.usage.partition(" ")[0].strip("[]")
        return tuple(first.split("|")) if "|" in first and first.islower() else ()


VERBS: dict[str, Verb] = {
    # The rows of the decorated functions in shell/verbs: scripts/docs.py
    "help": Verb(
        "[NAME]",
        "list verbs and commands, or explain a command, event, verb, modifier",
        Takes.NAME,
        bare=True,
        reach=Reach.LOCAL,
        place="qmpsh.shell.verbs.help:show_help",
    ),
    "apropos": Verb(
        "WORD",
        "search names and the text of the manual",
        reach=Reach.LOCAL,
        place="qmpsh.shell.verbs.help:apropos",
    ),
    "hmp": Verb(
        "[LINE]",
        "run one line of the human monitor; alone: HMP mode on or off",
        Takes.HMP,
        bare=True,
        reach=Reach.CHANGES,
        place="qmpsh.shell.verbs.hmp:run_hmp",
    ),
    "json": Verb(
        "LINE",
        "print the JSON that LINE would send, and send nothing",
        Takes.LINE,
        reach=Reach.LOCAL,
        place="qmpsh.shell.verbs.export:show_json",
    ),
    "export": Verb(
        "bash|python|virsh LINE",
        "write the same command for another tool",
        Takes.TOOL_LINE,
        reach=Reach.LOCAL,
        place="qmpsh.shell.verbs.export:export",
    ),
    "add-fd": Verb(
        "PATH[:ro|rw]",
        "pass an open file to the VM; the answer is /dev/fdset/N",
        Takes.FILE,
        reach=Reach.CHANGES,
        place="qmpsh.shell.verbs.add_fd:add_fd",
    ),
    "events": Verb(
        "[PATTERN...]",
        "show only these events; in a script as JSON lines; --count N",
        Takes.EVENTS,
        modifiers=("count",),
        reach=Reach.FOLLOWS,
        place="qmpsh.shell.verbs.events:events",
    ),
    "wait": Verb(
        "EVENT [KEY=VALUE...]|job=ID",
        "wait for an event; one since the last command counts, not with --new; or for a job's end",
        Takes.EVENT,
        bare=True,
        modifiers=("new",),
        reach=Reach.AWAITS,
        place="qmpsh.shell.verbs.events:wait",
    ),
    "watch": Verb(
        "[TIME] LINE",
        "repeat a query and show what changed; --count N",
        Takes.TIMED_LINE,
        bare=True,
        modifiers=("count",),
        reach=Reach.REPEATS,
        place="qmpsh.shell.verbs.watch:watch",
    ),
    "plot": Verb(
        "[TIME] QUERY [PATH...]",
        "draw numbers of a reply as they change; without PATH: list those that do; --count N",
        Takes.PATHS_LINE,
        bare=True,
        modifiers=("count",),
        reach=Reach.REPEATS,
        place="qmpsh.shell.verbs.plot:plot",
    ),
    "jobs": Verb(
        "",
        "jobs and migration: a list with keys to handle them; in a script a table",
        bare=True,
        reach=Reach.READS,
        place="qmpsh.shell.verbs.jobs:show_jobs",
    ),
    "status": Verb(
        "",
        "show the machine at a glance; --json: as one object",
        bare=True,
        reach=Reach.READS,
        place="qmpsh.shell.verbs.status:show_status",
    ),
    "screen": Verb(
        "[FILE.png|.ppm|.txt]",
        "show the VM's display; --text: as text; --until PATTERN: once a row has it; --watch",
        Takes.FILE,
        modifiers=("text", "until", "watch", "device", "head", "font"),
        reach=Reach.READS,
        place="qmpsh.shell.verbs.screen:show_screen",
    ),
    "tree": Verb(
        "block|pci|devices|usb|qom [NODE|PATH]",
        "draw what the machine is made of; -l: details; -a: all; --depth N",
        Takes.TREE,
        bare=True,
        modifiers=("depth",),
        letters="al",
        reach=Reach.READS,
        place="qmpsh.shell.verbs.tree:show_tree",
    ),
    "type": Verb(
        "TEXT",
        "type a text on the guest's keyboard; \\n is Enter, ? asks for the text",
        Takes.TEXT,
        modifiers=("layout", "rate", "device", "head"),
        reach=Reach.CHANGES,
        place="qmpsh.shell.verbs.keyboard:type_text",
    ),
    "key": Verb(
        "CHORD...",
        "press keys of the guest's keyboard, as in .key ctrl-alt-delete",
        Takes.CHORDS,
        modifiers=("layout", "rate", "device", "head"),
        reach=Reach.CHANGES,
        place="qmpsh.shell.verbs.keyboard:press_keys",
    ),
    "cd": Verb(
        "[PATH]",
        "go to an object of QOM; alone: to the root; -: back",
        Takes.QOM_PATH,
        bare=True,
        place="qmpsh.shell.verbs.qom:change_place",
    ),
    "ls": Verb(
        "[-l] [-a] [PATH]",
        "list what an object has; -l: with types and values; -a: memory regions too",
        Takes.QOM_PATH,
        bare=True,
        letters="al",
        reach=Reach.READS,
        place="qmpsh.shell.verbs.qom:list_object",
    ),
    "get": Verb(
        "PROPERTY|PATH.PROPERTY",
        "show the value of a property of QOM",
        Takes.QOM_PROPERTY,
        bare=True,
        reach=Reach.READS,
        place="qmpsh.shell.verbs.qom:get_property",
    ),
    "prop": Verb(
        "PROPERTY|PATH.PROPERTY VALUE",
        "set a property of QOM",
        Takes.QOM_SETTING,
        bare=True,
        reach=Reach.CHANGES,
        place="qmpsh.shell.verbs.qom:set_property",
    ),
    "find": Verb(
        "[type=GLOB] [name=GLOB] [PROPERTY=VALUE...]",
        "find objects of QOM below the working path",
        Takes.QOM_FILTERS,
        bare=True,
        reach=Reach.READS,
        place="qmpsh.shell.verbs.qom:find_objects",
    ),
    "disconnect": Verb(
        "",
        "disconnect, so that another client can use the monitor",
        place="qmpsh.shell.verbs.connection:disconnect",
    ),
    "reconnect": Verb(
        "",
        "connect to the monitor again",
        place="qmpsh.shell.verbs.connection:reconnect",
    ),
    "share": Verb(
        "",
        "who else uses the monitor through this shell",
        place="qmpsh.shell.verbs.share:show_share",
    ),
    "schema": Verb(
        "diff|has|describe|find|dump [WORD...]",
        "what this server accepts: compare it with another, search it, describe it as JSON Schema",
        Takes.SCHEMA_TOOL,
        modifiers=("breaking", "verbose", "returns", "all"),
        reach=Reach.READS,
        place="qmpsh.shell.verbs.schema:use_schema",
    ),
    "exec": Verb(
        "CMD [ARG...]",
        "run a command in the guest, through its agent; --stdin, --timeout T first",
        Takes.PROGRAM,
        reach=Reach.CHANGES,
        place="qmpsh.shell.verbs.guest_exec:exec_in_guest",
    ),
    "cat": Verb(
        "FILE",
        "print a file of the guest, through its agent",
        reach=Reach.CHANGES,
        place="qmpsh.shell.verbs.guest_files:cat",
    ),
    "put": Verb(
        "FILE GUESTFILE",
        "write a file of this host, or - for stdin, to one of the guest",
        Takes.FILES,
        reach=Reach.CHANGES,
        place="qmpsh.shell.verbs.guest_files:put",
    ),
    "source": Verb(
        "FILE",
        "run the lines of a file",
        Takes.FILE,
        reach=Reach.LINES,
        place="qmpsh.shell.verbs.source:source",
    ),
    "log": Verb(
        "[on|off]",
        "write every message to a file as JSON lines, masked",
        place="qmpsh.shell.verbs.log:log",
    ),
    "record": Verb(
        "[FILE|off]",
        "record the session from here on, for qmpsh replay",
        Takes.FILE,
        bare=True,
        place="qmpsh.shell.verbs.log:record",
    ),
    "set": Verb(
        "[OPTION [VALUE]]",
        "show the shell's options, or change one",
        Takes.OPTION,
        place="qmpsh.shell.verbs.options:set_option",
    ),
    "history": Verb(
        "[TEXT]",
        "show the lines typed before, all that contain TEXT",
        bare=True,
        place="qmpsh.shell.verbs.prompt:history",
    ),
    "pager": Verb(
        "",
        "show the last answer in $PAGER",
        place="qmpsh.shell.verbs.prompt:pager",
    ),
    "exit": Verb(
        "",
        "leave the shell; the VM keeps running (`qmpsh run` asks)",
        bare=True,
        place="qmpsh.shell.verbs.prompt:leave",
    ),
    # end of the rows
}

UNKNOWN = Verb("", "")
"""What is known of a verb that there is not."""


def takes(name: str) -> Takes:
    """What stands after a verb; words, where there is none of that name."""
    return VERBS.get(name, UNKNOWN).takes


BARE: set[str] = set()
"""The verbs that work without their dot."""

VERB_MODIFIERS: dict[str, str] = {}
"""The modifiers that only verbs take, with the first verb that does."""


def add_verb(name: str, verb: Verb) -> None:
    """Add a verb to the table, or replace it there."""
    VERBS[name] = verb
    BARE.discard(name)
    _derive(name, verb)


def _derive(name: str, verb: Verb) -> None:
    if verb.bare:
        BARE.add(name)
    for modifier in verb.modifiers:
        VERB_MODIFIERS.setdefault(modifier, f".{name}")


for _name, _verb in VERBS.items():
    _derive(_name, _verb)
