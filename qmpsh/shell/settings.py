"""How the shell is to behave: what the options say, in one value that travels."""

from __future__ import annotations

from typing import NamedTuple


class Settings(NamedTuple):
    """json, pretty, raw, table: how an answer is printed; pretty None: as the place wants it.

    timeout: seconds from sending a line to its answer, None for no limit
    negotiated: False with --skip-negotiation, where qmp_capabilities is the user's to send
    interactive: a person is there: bare verbs work, questions are asked
    table: lists of objects are shown as tables
    wait: `--wait`, of every line that has an end; of a one-shot it is demanded; None for no wait
    one_shot: the line is the only one
    bar: progress may be drawn on stderr, which is a terminal
    reader: a person reads the answers as they come, not a program
    read_only: nothing is sent that may change something
    confirm: commands that ask first, or do not, against the policy: (name, whether it asks) pairs
    """

    hmp: bool = False
    json: bool = False
    raw: bool = False
    table: bool = False
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
