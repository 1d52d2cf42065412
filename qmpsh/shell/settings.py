"""The settings of the shell, as the options give them, and paths on this host for completion.

The paths are bounded in number, and what cannot be read is left out.
"""

from __future__ import annotations

import os

from qmpsh.light_typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from typing import TypeAlias

Prompt: TypeAlias = str
"""The text before a line at the prompt, which shows the language of the line: `(QEMU) `,
`(guest) `, `(hmp) ` in HMP mode, `(qemu) ` at an HMP monitor, or `TRANS 2> ` before the second
action of a transaction. After `.cd` it is `(QEMU /machine/peripheral/net0) `.
"""
HMP_PROMPTS = frozenset({"(hmp) ", "(qemu) "})
"""The prompts at which no word is an alias: their lines are the human monitor's."""


class Settings(NamedTuple):
    """The settings of the shell.

    hmp:         lines are the human monitor's
    formats:     names of `language.syntax.FORMATS` in which answers are shown
    pretty:      JSON over several lines, or in one; None: as the place wants it
    keep_going:  a script continues after an error
    timeout:     seconds from sending a line to its answer, None for no limit
    dry_run:     what would be sent is printed, and not sent
    verbose:     the wire is echoed on stderr
    yes:         nothing is asked before a command that the policy has asked about
    read_only:   nothing is sent that may change something
    negotiated:  False with --skip-negotiation, where qmp_capabilities is the user's to send
    interactive: a user is at the prompt: bare verbs work, questions are asked
    wait:        `--wait`, of every line that has an end; of a one-shot it is demanded; None for
                 no wait
    one_shot:    the line is the only one
    bar:         progress may be drawn on stderr, which is a terminal
    reader:      a person reads the answers as they come, not a program
    confirm:     commands that ask first, or do not, against the policy: (name, whether it asks)
                 pairs
    share:       other qmpsh of the user may use the monitor through this one
    """

    hmp: bool = False
    formats: frozenset[str] = frozenset()
    pretty: bool | None = None
    keep_going: bool = False
    timeout: float | None = None
    dry_run: bool = False
    verbose: bool = False
    yes: bool = False
    read_only: bool = False
    negotiated: bool = True
    interactive: bool = False
    wait: str | None = None
    one_shot: bool = False
    bar: bool = False
    reader: bool = False
    confirm: tuple[tuple[str, bool], ...] = ()
    share: bool = True


MAX_FOLDER_ENTRIES = 1000
"""entries of a folder that are looked at"""


def list_paths(prefix: str) -> list[str]:
    """Return the paths that begin with the prefix, sorted; folders end with a slash.

    Hidden ones only where the prefix asks for them.
    """
    folder, _, begun = prefix.rpartition("/")
    head = prefix[: len(prefix) - len(begun)]
    found = []
    try:
        with os.scandir(f"{folder}/" if head else ".") as entries:
            for entry, _ in zip(entries, range(MAX_FOLDER_ENTRIES), strict=False):
                hidden = entry.name.startswith(".") and not begun.startswith(".")
                if entry.name.startswith(begun) and not hidden:
                    found.append(f"{head}{entry.name}{'/' if entry.is_dir() else ''}")
    except OSError:
        return []
    return sorted(found)
