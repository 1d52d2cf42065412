"""Runs a command, prints its exit code, and is the parent of all that it leaves behind.

libvirt waits for the end of each QEMU until the parent has seen it. Where that is the init of a
container it may take seconds every time, or for ever.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import subprocess
import sys

_PR_SET_CHILD_SUBREAPER = 36


def main(command: list[str]) -> None:
    """Ends when nothing of the command is left."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    sys.stdout.write(f"{done.returncode}\n")
    sys.stdout.flush()
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()


if __name__ == "__main__":
    main(sys.argv[1:])
