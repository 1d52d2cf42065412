"""A server, a guest and folders of this host whose every name is meant to do harm."""

from __future__ import annotations

from hypothesis import strategies as st

from qmpsh.complete.candidates import Candidate, Catalog, Setting
from qmpsh.complete.live import LiveQuery, LiveValues
from qmpsh.jsontypes import Json, JsonObject
from qmpsh.language.syntax import Mode
from qmpsh.schema.model import Schema

_HARM = [
    " ", "\t", "\n", "\r", "\x0b", "\x85", "\u00a0", "\u2028", " | touch X #", " | ", " > f",
    " >> ", ">f", "|sh", "#", "##", "--fd=/etc/shadow", "--", "-", "'", '"', "\\", "\\ ", "{", "}",
    "[", "]", "(", ")", " )", "transaction(", "=", ".", "..", ",", ":", "?", "~", "~root", ":ro",
    "/", ".exit", ".hmp quit", "quit", "help", "$(id)", "`id`", "!!", ";", "&", "*", "\x1b[2J",
    "\x1b]0;x\x07", "\x00", "\x7f", "\x9b", "\u202e", "\u2066", "\ufeff", "\ud800", "\udfff",
    "\U0001f4a9", "\ue000", "é", "0", "7", "5s", "0x1F", "1e3", "true", "False", "null", "None",
    "(QEMU) ", "-> ", "```", "a", "b-c", "zz",
]  # fmt: skip

names = st.one_of(
    st.lists(st.sampled_from(_HARM), min_size=1, max_size=5).map("".join),
    st.text(min_size=1, max_size=8),
    st.text(st.characters(), min_size=1, max_size=4),
)
"""What somebody hostile may call something."""

SAFE = Mode(), Mode(prompt=True, bare_verbs=frozenset({"help", "wait", "exit", "history"}))

LINES: list[tuple[str, Mode]] = [
    *((line, mode) for mode in SAFE for line in (
        "", "zq", ".json ", ".export bash ", ".watch ", ".watch 5s ", ".help ", ".help command ",
        ".help command kind=", "command ", "command ki", "command '", 'command "', "command kind=",
        "command kind='", 'command kind="', "command either=", "command either='",
        "command either={", "command either={kind: ", "command list=[", "command list=['",
        "command list=[{", "command list=[a, ", "command object.", "command object={",
        "command object={'", 'command object={"kind": "', "command object.kind=", "command list.0=",
        ".json command ", ".json command kind=", ".watch 2s command kind=",
        "device_add driver=d ", "device_add driver=d 'a", "device_add driver=d a.",
        "device_add driver=", "device_add bus=", "device_del id=", "device_del id='",
        'device_del id="', "qom-get path=/machine/", "qom-get path=/ property=",
        "netdev_del id=", "job-dismiss id=", "trace-event-get-state name=z",
        "blockdev-del node-name=", "blockdev-add filename=", "blockdev-add filename='",
        ".wait ", ".events ", ".wait EVENT ", ".wait EVENT '", "command --wait=", "command --",
        "command > ", "command >", "command > '", 'command >> "', "command --fd ", "command --fd=",
        "command --fd='", ".source ", ".source '", '.source "', ".add-fd ", ".add-fd '",
        ".add-fd ./", ".set ", ".set theme ", ".log ", ".hmp ", ".hmp info ", ".hmp help ",
        "transaction( ", "transaction( action ", "transaction( action kind=",
        "transaction( action kind='", "(QEMU) ", "(QEMU) command kind=",
    )),
    *((line, Mode(in_transaction=True)) for line in (
        "", "action ", "action kind=", "action either=", "action list=[",
    )),
    *((line, Mode(hmp=True, prompt=prompt)) for prompt in (False, True) for line in (
        "", "info ", "help ", ".source ", ".wait ", ".set theme ",
    )),
]  # fmt: skip
"""A line for each source of candidates, and how it is read."""


class HostileFacts(LiveValues):
    """Whatever is asked, the answer is made of one name."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def answer(self, query: LiveQuery) -> Json:
        """See Facts."""
        name = self._name
        if query.command == "human-monitor-command":
            return (
                f"{name}: index=0,type=user\n \\ {name}: index=0,type=tap,x\nbus: {name}\n type P"
            )
        keys = ("name", "node-name", "device", "qdev", "id", "label", "option", "path")
        entry: dict[str, Json] = dict.fromkeys(keys, name)
        return [{**entry, "type": kind} for kind in (name, f"child<{name}>", "bool", "str")]


def hostile_schema(name: str) -> Schema:
    """One command of all kinds of members, and what QEMU's own commands have."""
    strings = ("driver", "bus", "id", "path", "property", "name", "node-name", "filename")
    kinds = ("kind", "either", "list", "object")
    hostile = [_member(word, kind) for word in (name, f"{name}x") for kind in kinds]
    members = [_member("kind", "kind"), *(_member(kind, kind) for kind in kinds[1:])]
    members += [_member(word, "str") for word in strings]
    commands = ["command", "device_add", "device_del", "qom-get", "netdev_del", "job-dismiss"]
    commands += ["trace-event-get-state", "blockdev-del", "blockdev-add", "transaction", name]
    events = ["EVENT", f"{name}E"]
    actions: list[Json] = [{"case": word, "type": "wrapped"} for word in ("action", name)]
    tag: JsonObject = {"tag": "type", "variants": actions}
    entities: list[Json] = [
        {"name": "str", "meta-type": "builtin", "json-type": "string"},
        {"name": "null", "meta-type": "builtin", "json-type": "null"},
        {"name": "bool", "meta-type": "builtin", "json-type": "boolean"},
        _enum("kind", name, f"{name}y", f"z{name}"),
        {"name": "either", "meta-type": "alternate",
         "members": [{"type": kind} for kind in ("null", "bool", "kind", "object")]},
        {"name": "list", "meta-type": "array", "element-type": "either"},
        _object("object", members[0], *hostile),
        _object("arguments", *members, *hostile),
        _object("wrapped", _member("data", "arguments")),
        _object("batch", _member("actions", "actions")),
        {"name": "actions", "meta-type": "array", "element-type": "one"},
        {**_object("one", _member("type", "action-kind")), **tag},
        _enum("action-kind", "action", name),
    ]  # fmt: skip
    entities += [
        {"name": word, "meta-type": "command", "ret-type": "object",
         "arg-type": "batch" if word == "transaction" else "arguments"}
        for word in commands
    ]  # fmt: skip
    entities += [{"name": word, "meta-type": "event", "arg-type": "arguments"} for word in events]
    return Schema.from_entities(entities)


def _member(name: str, kind: str) -> JsonObject:
    return {"name": name, "type": kind} | ({} if name == "kind" else {"default": None})


def _object(name: str, *members: JsonObject) -> JsonObject:
    return {"name": name, "meta-type": "object", "members": [*members]}


def _enum(name: str, *words: str) -> JsonObject:
    return {"name": name, "meta-type": "enum", "members": [{"name": word} for word in words]}


def hostile_catalog(name: str) -> Catalog:
    """All sources of candidates, each with the name."""
    found = Catalog()
    schema = hostile_schema(name)
    found.set_schema((*schema.commands, name, f"z{name}"), schema)
    found.events = (*schema.events, name)
    found.ends = {"command": "ENDED"}
    found.live = HostileFacts(name)
    found.set_hmp(f"{name}  -- says\n{name}|q  -- quits\nz{name} -- more")
    found.set_hmp_info(f"info {name}  -- says\ninfo z{name} -- more")
    found.hmp[name] = found.hmp_info[name] = "says"
    found.settings = {"theme": Setting("looks", lambda: "dark", lambda: [name, "dark"])}
    found.paths = lambda prefix: [f"{prefix}{name}", f"{prefix}{name}/"]
    return found


def inserted(line: str, candidate: Candidate) -> str:
    """The line with the candidate in it."""
    return line[: candidate.start] + candidate.text
