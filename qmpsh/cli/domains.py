"""Prints the domains of `qmpsh libvirt:` and `qmpsh libvirt:URI`, addresses that name none."""

from __future__ import annotations

from qmpsh.client.transports.libvirt import LibvirtAddress, domains
from qmpsh.jsontypes import JsonObject
from qmpsh.render.environment import Environment
from qmpsh.render.formats import compact
from qmpsh.render.tables import table_lines


def print_domains(address: str, timeout: float | None, *, json: bool) -> int:
    """Print the list, as a table or as one line of JSON; the exit code.

    timeout: seconds until libvirt has answered, None for no limit
    Raises CannotConnect.
    """
    found = domains(LibvirtAddress.parse(address), timeout)
    if json:
        print(compact([*found]))
    elif found:
        rows = [_shown(domain) for domain in found]
        print("\n".join(table_lines(rows, None, Environment().glyphs.more)))
    else:
        Environment().notice("libvirt has no domains there")
    return 0


def _shown(domain: JsonObject) -> JsonObject:
    """Return the columns as virsh shows them: a domain that is not active has no id."""
    return {key: "-" if value is None else value for key, value in domain.items()}
