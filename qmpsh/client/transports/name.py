"""`name:NAME`: the monitor of the VM of that name on this machine."""

from __future__ import annotations

from qmpsh.address import Address, Transport, refusal
from qmpsh.client.connect import begin_stream
from qmpsh.client.names import find_by_name
from qmpsh.stream import Stream
from qmpsh.system.argv import AGENT, QMP


class NameAddress(Transport):
    """The name of a VM, which stands for the address of its monitor."""

    scheme = "name"
    form = "NAME, name:NAME"
    help = "the monitor of a VM on this machine: yours, root's or libvirt's"

    def __init__(self, name: str) -> None:
        self.name = name

    @classmethod
    def parse(cls, text: str) -> NameAddress:
        name = text.removeprefix("name:")
        if not name:
            raise refusal(text, "name:NAME is expected; qmpsh ls lists the names")
        return cls(name)

    def __str__(self) -> str:
        return f"name:{self.name}"

    def target(self, *, agent: bool = False) -> Address:
        return find_by_name(self.name, AGENT if agent else QMP)

    def begin(self) -> Stream:
        return begin_stream(self.target())
