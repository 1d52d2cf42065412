"""`@ansible:INVENTORY[:PATTERN]`: the hosts of an inventory of Ansible's, and the sockets on each.

Ansible reads it: its inventories may be scripts, plugins or the API of a cloud.
"""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from qmpsh.address import parse_address
from qmpsh.client.transports.ssh import SshAddress
from qmpsh.errors import AddressError, UsageError, os_reason, shortened
from qmpsh.jsontypes import Json, JsonObject, as_dict, as_list
from qmpsh.light_typing import NamedTuple
from qmpsh.many.ranges import expand_braces

PREFIX: Final = "@ansible:"
STDIN: Final = "@-ansible"

_SOCKETS: Final = "qmpsh_sockets"
_USUAL_SOCKETS: Final = "/run/vms/*.sock"
_SECONDS: Final = 60.0  # for a run of Ansible
_MAX_CHARS: Final = 64 << 20
_OVER_SSH: Final = (
    "ssh",
    "smart",
    "paramiko",
    "ansible.builtin.ssh",
    "ansible.builtin.paramiko_ssh",
)
_HERE: Final = ("local", "ansible.builtin.local")

_NO_ANSIBLE: Final = (
    "-a {text}: {program} is not installed; install ansible-core (pipx install ansible-core), or"
    " run `ansible-inventory --list` where it is, and feed what it prints to -a @-ansible"
)
_FAILED: Final = "-a {text}: {program} failed: {said}"
_LATE: Final = "-a {text}: {program} did not end within {seconds:g} s"
_NO_JSON: Final = "-a {text}: it is not what ansible-inventory --list prints"
_NO_HOST: Final = "-a {text}: no host matches{said}"
_BAD_HOST: Final = "-a {text}: host {host}: {reason}"
_BAD_CONNECTION: Final = "it is reached by {connection}, not by ssh; leave it out with a PATTERN"
_TEMPLATE: Final = "{key} is a template, which ansible-inventory does not expand"
_BAD_SOCKETS: Final = f"{_SOCKETS} must be a path or a list of paths, each in full"
_BAD_ARGS: Final = "{key}: {reason}"


class InventorySocket(NamedTuple):
    """A socket, or a glob for sockets, on a host of an inventory.

    text:    its address, as it is shown; a path on this machine
    address: over ssh, None on this machine
    host:    as the inventory calls it
    groups:  that the host is in
    """

    text: str
    address: SshAddress | None
    host: str
    groups: tuple[str, ...]


def read_inventory(text: str) -> Iterator[InventorySocket]:
    """Yield the sockets of the hosts that `@ansible:...` or `@-ansible` names.

    Raises UsageError.
    """
    said = ""
    if text == STDIN:
        printed, wanted = sys.stdin.read(_MAX_CHARS), None
    else:
        inventory, pattern = _split(text.removeprefix(PREFIX))
        given = [f"--inventory={inventory}"] if inventory else []
        printed, said = _run(["ansible-inventory", *given, "--list"], text)
        wanted = _matching(given, pattern, text) if pattern else None
    content = _read_json(printed, text)
    groups = groups_of(content)
    hosts = [host for host in groups if wanted is None or host in wanted]
    if not hosts:
        raise UsageError(_NO_HOST.format(text=shortened(text), said=f": {said}" if said else ""))
    variables = as_dict(as_dict(content.get("_meta")).get("hostvars"))
    for host in hosts:
        try:
            yield from sockets_of(host, groups[host], as_dict(variables.get(host)))
        except UsageError as error:
            raise UsageError(
                _BAD_HOST.format(text=shortened(text), host=shortened(host), reason=error)
            ) from error


def _split(text: str) -> tuple[str, str]:
    """Return the inventory and the pattern of a text, which may have colons of its own."""
    if os.path.exists(text):
        return text, ""
    inventory, _, pattern = text.partition(":")
    return inventory, pattern


# ---------------------------------------------------------------------------- what Ansible says


def _matching(given: Sequence[str], pattern: str, text: str) -> set[str]:
    """Return the hosts that match a pattern. given: the options for the inventory"""
    printed, _ = _run(["ansible", *given, "--list-hosts", "--", pattern], text)
    return {line.strip() for line in printed.splitlines()[1:]}


def _run(words: Sequence[str], text: str) -> tuple[str, str]:
    """Return what a program of Ansible's prints, and the last line of its stderr."""
    program = words[0]
    try:
        done = subprocess.run(
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=False
        )
    except FileNotFoundError as error:
        raise UsageError(_NO_ANSIBLE.format(text=shortened(text), program=program)) from error
    except subprocess.TimeoutExpired as error:
        raise UsageError(
            _LATE.format(text=shortened(text), program=program, seconds=_SECONDS)
        ) from error
    except OSError as error:
        raise UsageError(
            _FAILED.format(text=shortened(text), program=program, said=os_reason(error))
        ) from error
    said = [*filter(None, map(str.strip, done.stderr.decode(errors="replace").splitlines()))]
    last = shortened(said[-1].removeprefix("[WARNING]: ")) if said else ""
    if done.returncode:
        last = last or f"exit {done.returncode}"
        raise UsageError(_FAILED.format(text=shortened(text), program=program, said=last))
    return done.stdout.decode(errors="replace"), last


def _read_json(printed: str, text: str) -> JsonObject:
    content: Json = None
    with contextlib.suppress(ValueError, RecursionError):
        content = json.loads(printed)
    if not isinstance(content, dict):
        raise UsageError(_NO_JSON.format(text=shortened(text)))
    return content


def groups_of(content: JsonObject) -> dict[str, tuple[str, ...]]:
    """Return the hosts of an inventory, each with its groups, those of their parents included.

    Source: `ansible-inventory --list`: groups with `hosts` and `children`, and `_meta`.
    """
    parents: dict[str, list[str]] = {}
    members: dict[str, list[str]] = {}
    for group, value in content.items():
        for child in _names(as_dict(value).get("children")):
            parents.setdefault(child, []).append(group)
        for host in _names(as_dict(value).get("hosts")) if group != "_meta" else ():
            members.setdefault(host, []).append(group)
    for host in as_dict(as_dict(content.get("_meta")).get("hostvars")):
        members.setdefault(host, [])
    return {host: tuple(_with_parents(groups, parents)) for host, groups in members.items()}


def _with_parents(groups: Sequence[str], parents: Mapping[str, Sequence[str]]) -> list[str]:
    found = [*groups]
    for group in found:  # which grows
        found += [one for one in parents.get(group, ()) if one not in found]
    return found


def _names(value: Json) -> list[str]:
    return [one for one in as_list(value) if isinstance(one, str)]


# ---------------------------------------------------------------------------- one host


def sockets_of(
    host: str, groups: tuple[str, ...], variables: JsonObject
) -> Iterator[InventorySocket]:
    """Yield the sockets of a host. variables: what the inventory says of it

    Raises UsageError, of which AddressError.
    """
    connection = _variable(variables, "ansible_connection") or "ssh"
    if connection not in (*_OVER_SSH, *_HERE):
        raise UsageError(_BAD_CONNECTION.format(connection=shortened(connection)))
    for path in _paths(variables):
        if connection in _HERE:
            yield InventorySocket(path, None, host, groups)
        else:
            address = _address(host, path, variables)
            yield InventorySocket(str(address), address, host, groups)


def _paths(variables: JsonObject) -> list[str]:
    given = variables.get(_SOCKETS, _USUAL_SOCKETS)
    paths = given if isinstance(given, list) else [given]
    found = [path for path in paths if isinstance(path, str) and path.startswith("/")]
    if len(found) < len(paths) or not found:
        raise UsageError(_BAD_SOCKETS)
    return [one for path in found for one in expand_braces(path)]


def _address(host: str, path: str, variables: JsonObject) -> SshAddress:
    place = _variable(variables, "ansible_host") or host
    user, port = (_variable(variables, f"ansible_{key}") for key in ("user", "port"))
    place = f"[{place}]" if ":" in place else place
    text = f"ssh://{user and f'{user}@'}{place}{port and f':{port}'}{path}"
    address = parse_address(text)
    if not isinstance(address, SshAddress):
        raise AddressError(text)
    login = address.login._replace(more=_more_words(variables))
    return SshAddress(text, login, address.path)


def _more_words(variables: JsonObject) -> tuple[str, ...]:
    """Return further words for ssh: a key, and what Ansible would give it as well."""
    words: list[str] = []
    key = _variable(variables, "ansible_ssh_private_key_file")
    if key:
        words += ["-i", os.path.expanduser(key)]
    args = "ansible_ssh_common_args"
    try:
        words += shlex.split(_variable(variables, args))
    except ValueError as error:
        raise UsageError(_BAD_ARGS.format(key=args, reason=error)) from error
    return tuple(words)


def _variable(variables: JsonObject, key: str) -> str:
    """Return a variable as a text, "" for none. Raises UsageError for a template."""
    value = variables.get(key)
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if "{{" in text:
        raise UsageError(_TEMPLATE.format(key=key))
    return text
