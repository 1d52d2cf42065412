"""A script that a `/bin/sh` of another host runs, over ssh; nothing here blocks."""

from __future__ import annotations

import os
import tempfile

from qmpsh.client.transports.forwarding import RUN, UNASKED, Login
from qmpsh.client.transports.process import ChildProcess
from qmpsh.errors import CannotConnect
from qmpsh.system.programs import not_started

_COMMAND = "exec /bin/sh"
"""As any login shell reads it; the script comes on the standard input, which none of them reads."""

# A connection that is there already is used.
_OPTIONS = (
    *UNASKED,
    *("ControlMaster=no", "ClearAllForwardings=yes", "ForwardX11=no", "ForwardAgent=no"),
    *("RemoteCommand=none", "PermitLocalCommand=no"),
)


class RemoteScript:
    """A run of a script on a host. Raises CannotConnect if ssh cannot be started."""

    def __init__(self, login: Login, script: bytes) -> None:
        self._login = login
        self._output, output = os.pipe()
        os.set_blocking(self._output, False)
        try:
            with tempfile.TemporaryFile() as text:
                text.write(script)
                text.seek(0)
                words = ["-T", *login.words(_OPTIONS), _COMMAND]
                ends = (text.fileno(), output)
                self._child = ChildProcess(("/bin/sh", "-c", RUN, "ssh", *words), ends, alone=True)
        except OSError as error:
            os.close(self._output)
            raise CannotConnect(not_started("/bin/sh", error)) from error
        finally:
            os.close(output)

    def fileno(self) -> int:
        """Return what is readable while there is output, and at its end."""
        return self._output

    def read(self, size: int) -> bytes | None:
        """Return output, b"" at its end, None while there is none."""
        try:
            return os.read(self._output, size)
        except BlockingIOError:
            return None

    def last_words(self) -> str:
        """Return the last line of stderr, "" for none. Ends it."""
        self._child.end()
        return self._child.last_words()

    def close(self) -> None:
        """End it; may be called twice."""
        self._child.end()
        if self._output >= 0:
            os.close(self._output)
            self._output = -1
