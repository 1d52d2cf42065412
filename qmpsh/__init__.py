"""qmpsh: the shell for QMP, the control protocol of QEMU virtual machines, and its library.

Every public name is imported when it is first used, so that `import qmpsh` alone costs nothing.
Names that `__all__` lacks are private, modules included. docs/api.md describes the library.
"""

TYPE_CHECKING = False  # as in `typing`, whose import would cost more than all of this

if TYPE_CHECKING:
    from qmpsh.api import VM as VM
    from qmpsh.api import connect as connect
    from qmpsh.errors import AddressError as AddressError
    from qmpsh.errors import Busy as Busy
    from qmpsh.errors import CannotConnect as CannotConnect
    from qmpsh.errors import CommandFailed as CommandFailed
    from qmpsh.errors import ConnectionLost as ConnectionLost
    from qmpsh.errors import ConnectTimeout as ConnectTimeout
    from qmpsh.errors import LineError as LineError
    from qmpsh.errors import NotQmp as NotQmp
    from qmpsh.errors import QmpshError as QmpshError
    from qmpsh.errors import ReplyTimeout as ReplyTimeout
    from qmpsh.errors import UsageError as UsageError
    from qmpsh.protocol.messages import Command as Command
    from qmpsh.protocol.messages import Event as Event
    from qmpsh.version import __version__ as __version__

_MODULES = {
    "connect": "api",
    "VM": "api",
    "Event": "protocol.messages",
    "Command": "protocol.messages",
    "QmpshError": "errors",
    "CannotConnect": "errors",
    "Busy": "errors",
    "NotQmp": "errors",
    "ConnectTimeout": "errors",
    "ConnectionLost": "errors",
    "CommandFailed": "errors",
    "ReplyTimeout": "errors",
    "UsageError": "errors",
    "AddressError": "errors",
    "LineError": "errors",
    "__version__": "version",
}
"""The module of each public name, the names from most to least important."""

__all__ = [*_MODULES]  # strings, all of them


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module 'qmpsh' has no attribute {name!r}")
    # Imported here: the command needs neither.
    from importlib import import_module

    return getattr(import_module(f"qmpsh.{_MODULES[name]}"), name)
