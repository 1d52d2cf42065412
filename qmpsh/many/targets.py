"""What a TARGET of `-a` names: a text becomes the addresses of VMs.

Reads folders, files and what this machine runs; connects to no monitor.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from qmpsh.address import Address, Transport, UnixAddress, looks_like_address, parse_address
from qmpsh.errors import CannotConnect, LineSyntaxError, UsageError, os_reason, shortened
from qmpsh.jsontypes import get_str
from qmpsh.light_typing import NamedTuple
from qmpsh.many.ranges import expand_braces, expand_nodes, natural_key
from qmpsh.regular import read_regular

EACH_CONNECT_SECONDS: Final = 3.0
"""seconds until each of many VMs has greeted, if the command line does not say"""
ALL: Final = "all"
DEFAULTS: Final = "QMPSH_ALL"
"""the variable of the environment with the targets that `all` stands for"""
_SSH: Final = "ssh://"
_INVENTORIES: Final = ("@ansible:", "@-ansible")
_GROUP: Final = "group"
"""the tag for a group of an inventory"""
_MAX_FILE_BYTES: Final = 16 << 20
_LIBVIRT_SECONDS: Final = 10.0  # to list its domains
_WILD: Final = re.compile(r"[*?]")
_GLOB_MARKS: Final = re.compile(r"[*?\[]")
_SCHEME: Final = re.compile(r"[A-Za-z][\w+.-]*:")
_OTHERS: Final = re.compile(r"(?i)(?<![a-z])(?:qga|guest[-_]agent|hmp)(?![a-z])")
"""Names of sockets that are no QMP monitor as a rule."""

_EMPTY: Final = "-a takes a TARGET: a glob in quotes, all, an address, a name, @FILE"
_NO_MATCH: Final = "-a {text}: no socket matches"
_UNKNOWN: Final = "-a {text}: it is neither a file nor the name of a VM here, see qmpsh ls"
_NO_FILE: Final = "-a {text}: cannot read it: {reason}"
_NO_UTF8: Final = "it is not UTF-8"
_NO_RECURSION: Final = "-a {text}: ** is not expanded on another host; name the folders as {{a,b}}"
_EMPTY_FILE: Final = "-a {text}: it names no VM"
_BAD_LINE: Final = "-a {text}, line {number}: {reason}"
_TWO_NAMES: Final = "{target} stands for several VMs, and one NAME follows it"
_NOT_A_TAG: Final = "expected ADDRESS [NAME] [KEY=VALUE...], not {word}"
_NONE_HERE: Final = "-a all: no monitor was found on this machine; qmpsh ls shows what it finds"
_NO_DOMAIN: Final = "-a {text}: no running domain has such a name"
_ELSEWHERE: Final = "what {globs} on other hosts may find"
_WILD_NAMES: Final = (
    "left out {count} with * or ? in the name of the socket, which means others too"
)
_LEFT_OUT: Final = "left out {count} of {owners}, which holds its monitors for good"


class Target(NamedTuple):
    """A VM that a line is sent to.

    text: its address, as it is shown
    name: given beforehand, "" to ask the VM
    tags: what `@FILE` or an inventory says of it: keys and values
    is_found: a glob found it, so that it may be no monitor; on another host it is that glob
              until the host was asked
    alias: what an inventory calls the host, "" for what its address says
    """

    address: Address
    text: str
    name: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    is_found: bool = False
    alias: str = ""

    @property
    def is_glob(self) -> bool:
        """Whether it stands for what a glob finds on another host, which was not asked yet."""
        is_there = self.is_found and isinstance(self.address, Transport)
        return is_there and _GLOB_MARKS.search(self.text.partition("//")[2]) is not None

    @property
    def host(self) -> str:
        """The host of an ssh address, "" for this one."""
        if self.alias or not self.text.startswith(_SSH):
            return self.alias
        return self.text.removeprefix(_SSH).partition("/")[0].rpartition("@")[2]

    def called(self, name: str) -> str:
        """Return a name of its own with that of another host in front of it."""
        return f"{self.host}/{name}" if self.host and not self.name else name

    @property
    def apart(self) -> tuple[str, str]:
        """What is added to a name that two VMs have: the name of its file, or of its folder."""
        return self.stem, os.path.basename(os.path.dirname(self.text))

    @property
    def stem(self) -> str:
        """The name of its file without the ending, for a VM that has no name."""
        return os.path.splitext(os.path.basename(self.text.rstrip("/")))[0] or self.text


def counted(targets: Sequence[Target]) -> str:
    """Return how many VMs targets are, in words: what a glob finds elsewhere is not known yet."""
    globs = sum(one.is_glob for one in targets)
    vms = len(targets) - globs
    words = [f"{vms} VM{'s' * (vms != 1)}"] if vms or not globs else []
    words += [_ELSEWHERE.format(globs=f"{globs} glob{'s' * (globs != 1)}")] if globs else []
    return " and ".join(words)


class TargetReader:
    """Reads targets. agent: guest agents are wanted, not monitors; note: takes remarks"""

    def __init__(self, *, agent: bool, note: Callable[[str], None]) -> None:
        self._agent = agent
        self._note = note

    def read_all(self, texts: Sequence[str]) -> list[Target]:
        """Return what the texts stand for, each VM once.

        Raises UsageError, CannotConnect.
        """
        found: dict[str, Target] = {}
        for text in texts:
            for target in self._read(text):
                found.setdefault(_place(target), target)
        return [*found.values()]

    def _read(self, text: str) -> Iterable[Target]:
        if not text:
            raise UsageError(_EMPTY)
        if text == ALL:
            return self._by_default()
        if text.startswith(_INVENTORIES):
            return self._inventoried(text)
        if text.startswith("@"):
            return self._listed(text)
        if text.startswith("libvirt:"):
            return _domains(text)
        if text.startswith("exec:"):
            return [_target(text)]
        if text.startswith(_SSH):
            return [_remote(one) for each in expand_braces(text) for one in _on_hosts(each)]
        texts = [text] if _is_literal(text) else expand_braces(text)
        return [target for one in texts for target in self._local(one)]

    def _local(self, text: str) -> Iterable[Target]:
        """Return the sockets of a glob, else the one server that a text names."""
        path = text.removeprefix("unix:")
        is_path = text.startswith("unix:") or not _SCHEME.match(text)
        if _is_literal(text) or not (is_path and _GLOB_MARKS.search(path)):
            return [_named(text, agent=self._agent)]
        paths = glob.glob(os.path.expanduser(path), recursive=True)
        sockets = [one for one in paths if _is_socket(one)]
        found = [one for one in sockets if not _WILD.search(one)]
        if len(found) < len(sockets):
            self._note(_WILD_NAMES.format(count=len(sockets) - len(found)))
        wanted = found if self._agent else monitors_among(found, path)
        paths = sorted(wanted, key=natural_key)
        if not paths:
            raise UsageError(_NO_MATCH.format(text=shortened(text)))
        return [Target(UnixAddress(one), _unmistakable(one), is_found=True) for one in paths]

    def _by_default(self) -> Iterable[Target]:
        """Return what `all` means: the targets of QMPSH_ALL, of which `all` is this machine."""
        words = _words_of(os.environ.get(DEFAULTS, ""), f"all ({DEFAULTS})", 1)
        if not words:
            return self._everything()
        found = (self._everything() if word == ALL else self._read(word) for word in words)
        return [target for targets in found for target in targets]

    def _everything(self) -> Iterator[Target]:
        """Yield every VM of this machine, by one of its monitors: a free one of the user's own."""
        # Imported here: most targets are named.
        from qmpsh.client.discovery import Monitor, find_monitors
        from qmpsh.system.argv import AGENT, QMP
        from qmpsh.system.owners import LIBVIRT

        wanted = AGENT if self._agent else QMP
        found = [one for one in find_monitors() if one.kind == wanted]
        owned = [one for one in found if one.owner not in ("", LIBVIRT)]
        if owned:
            owners = " and ".join(sorted({one.owner for one in owned}))
            self._note(_LEFT_OUT.format(count=len(owned), owners=owners))
        machines: dict[int | str, Monitor] = {}
        for one in sorted(found, key=lambda one: (bool(one.owner), one.clients == "busy")):
            if one not in owned:
                machines.setdefault(one.pid or one.address, one)
        if not machines:
            raise CannotConnect(_NONE_HERE)
        for one in sorted(machines.values(), key=lambda one: natural_key(one.name or one.address)):
            yield Target(parse_address(one.address), one.address, one.name)

    def _inventoried(self, text: str) -> Iterator[Target]:
        """Yield the sockets of the hosts of an inventory, with the groups of each as tags."""
        # Imported here: few targets are an inventory.
        from qmpsh.many.inventory import read_inventory

        for one in read_inventory(text):
            tags = tuple((_GROUP, group) for group in one.groups)
            if one.address is None:
                found: Iterable[Target] = self._local(one.text)
            else:
                is_glob = _GLOB_MARKS.search(one.address.path) is not None
                found = [Target(one.address, one.text, is_found=is_glob)]
            for target in found:
                yield target._replace(tags=tags, alias=one.host)

    # -------------------------------------------------------------------- files

    def _listed(self, text: str) -> Iterator[Target]:
        """Yield the targets of `@FILE`, one a line."""
        lines = _lines_of(text)
        is_empty = True
        for number, line in enumerate(lines, 1):
            words = _words_of(line, text, number)
            if not words:
                continue
            is_empty = False
            try:
                yield from self._line(words)
            except UsageError as error:
                raise UsageError(_bad_line(text, number, error)) from error
        if is_empty:
            raise UsageError(_EMPTY_FILE.format(text=shortened(text)))

    def _line(self, words: Sequence[str]) -> list[Target]:
        """Return the targets of `ADDRESS [NAME] [KEY=VALUE...]`."""
        if words[0].startswith("@"):
            raise UsageError(_NOT_A_TAG.format(word=shortened(words[0])))
        targets = [*self._read(words[0])]
        names = [words[1]] if len(words) > 1 and "=" not in words[1] else []
        tags = tuple(_tag(word) for word in words[1 + len(names) :])
        if names and len(targets) > 1:
            raise UsageError(_TWO_NAMES.format(target=shortened(words[0])))
        targets = [one._replace(tags=one.tags + tags) for one in targets]
        return [one._replace(name=names[0]) for one in targets] if names else targets


def _tag(word: str) -> tuple[str, str]:
    """Return the key and value of `KEY=VALUE`. Raises UsageError."""
    key, equals, value = word.partition("=")
    if not equals:
        raise UsageError(_NOT_A_TAG.format(word=shortened(word)))
    return key, value


def _lines_of(text: str) -> list[str]:
    """Return the lines of `@FILE` or `@-`. Raises UsageError."""
    try:
        if text == "@-":
            return sys.stdin.read(_MAX_FILE_BYTES).splitlines()
        return read_regular(text[1:], _MAX_FILE_BYTES).decode().splitlines()
    except OSError as error:
        reason = os_reason(error)
    except UnicodeError:
        reason = _NO_UTF8
    raise UsageError(_NO_FILE.format(text=shortened(text), reason=reason))


def _words_of(line: str, text: str, number: int) -> tuple[str, ...]:
    """Return the words of a line, quoted as in the language; none of a comment."""
    if line.lstrip().startswith("#"):
        return ()
    # Imported here: most targets stand on the command line.
    from qmpsh.language.arguments import words_and_redirect

    try:
        words, redirect = words_and_redirect(line.strip())
    except LineSyntaxError as error:
        raise UsageError(_bad_line(text, number, error)) from error
    if redirect is not None:
        reason = _NOT_A_TAG.format(word=redirect.mark)
        raise UsageError(_bad_line(text, number, UsageError(reason)))
    return words


def _bad_line(text: str, number: int, reason: Exception) -> str:
    return _BAD_LINE.format(text=shortened(text), number=number, reason=reason)


# ---------------------------------------------------------------------------- single targets


def monitors_among(paths: Iterable[str], pattern: str) -> Iterable[str]:
    """Return what a glob has found, without sockets that have the name of an agent or of an HMP
    monitor: `vm1.hmp` is no further VM beside `vm1.sock`. A glob may ask for them: `*.hmp`.
    """
    if is_named_otherwise(pattern):
        return paths
    return (path for path in paths if not is_named_otherwise(path))


def is_named_otherwise(path: str) -> bool:
    """Whether a socket, or what a glob seeks, has the name of an agent or of an HMP monitor."""
    return _OTHERS.search(os.path.basename(path)) is not None


def _is_literal(text: str) -> bool:
    """Whether a text is a path that exists, and so means only that: but with `*` or `?` it does
    not, since a socket of another user that is called `*.sock` is to hide no others.
    """
    path = text.removeprefix("unix:")
    return not _WILD.search(path) and os.path.exists(path)


def _unmistakable(path: str) -> str:
    """Return a path that was found as a text that means nothing else, whatever its file is called:
    `./exec:id` is a socket, and `exec:id` a command.
    """
    is_mistakable = path == ALL or path[0] in "@~" or _SCHEME.match(path)
    return f"./{path}" if is_mistakable else path


def _is_socket(path: str) -> bool:
    try:
        return stat.S_ISSOCK(os.stat(path).st_mode)
    except OSError:
        return False


def _on_hosts(text: str) -> list[str]:
    """Return an ssh address for each host of `ssh://host[1-3]/PATH`."""
    host, slash, path = text.removeprefix(_SSH).partition("/")
    return [f"{_SSH}{one}{slash}{path}" for one in expand_nodes(host)]


def _remote(text: str) -> Target:
    """Return the target of a socket on another host, or of a glob there.

    Raises AddressError, UsageError.
    """
    path = text.removeprefix(_SSH).partition("/")[2]
    if "**" in path:
        raise UsageError(_NO_RECURSION.format(text=shortened(text)))
    return _target(text)._replace(is_found=_GLOB_MARKS.search(path) is not None)


def _target(text: str) -> Target:
    return Target(parse_address(text), text)


def _named(text: str, *, agent: bool) -> Target:
    """Return the target of an address, or of the name of a VM of this machine.

    Raises AddressError, CannotConnect, UsageError.
    """
    if not (_SCHEME.match(text) or looks_like_address(text)):
        # Imported here: most targets are addresses.
        from qmpsh.client.names import is_vm_name

        if not is_vm_name(text):
            raise UsageError(_UNKNOWN.format(text=shortened(text)))
        text = f"name:{text}"
    address = parse_address(text)
    found = address.target(agent=agent) if isinstance(address, Transport) else address
    name = text.removeprefix("name:") if text.startswith("name:") else ""
    return Target(found, str(found), name)


def _domains(text: str) -> list[Target]:
    """Return the running domains of `libvirt:`, `libvirt:URI#` or a pattern of their names."""
    # Imported here: few machines have it.
    from qmpsh.client.transports.libvirt import LibvirtAddress, domains

    address = LibvirtAddress.parse(text)
    if address.domain and not _GLOB_MARKS.search(address.domain):
        return [Target(address, text, address.domain)]
    rows = domains(address, _LIBVIRT_SECONDS)
    names = [get_str(row, "name") for row in rows if row["id"] is not None]
    wanted = fnmatch.filter(names, address.domain) if address.domain else names
    if not wanted:
        raise CannotConnect(_NO_DOMAIN.format(text=shortened(text)))
    found = [LibvirtAddress(address.uri, name) for name in sorted(wanted, key=natural_key)]
    return [Target(one, str(one), one.domain) for one in found]


def _place(target: Target) -> str:
    """Return what two spellings of one socket have in common."""
    address = target.address
    if isinstance(address, UnixAddress) and not address.abstract:
        return os.path.realpath(address.path)
    return target.text
