"""The table of servers: what each answers to the lines that are the same for all.

A line more is a row more for each server. What is not there at all is said by a row, too: who has
no human monitor refuses it, who has no events lets one wait.
"""

from __future__ import annotations

from typing import NamedTuple


class Says(NamedTuple):
    """What one run of the command gives.

    line:     words of the command line
    out, err: patterns of all that it writes
    stdin:    of a script
    ends:     the server ends of it, if maybe not at once
    """

    line: tuple[str, ...] = ()
    out: str = ""
    err: str = ""
    code: int = 0
    stdin: str = ""
    ends: bool = False


Behaviours = dict[str, Says]

NOT_FOUND = Says(("nope",), err="qmpsh: CommandNotFound: The command nope has not been found\n",
                 code=1)  # fmt: skip
NO_ANSWER = r"stdin:2: no answer to {} within 0\.2 s.*"
NO_EVENT = r"listening\nqmpsh: \.wait: waited 1 s for STOP; no event came\n"
QUIT = Says(("quit",), ends=True)

QEMU: Behaviours = {
    "status": Says(("query-status",), r'\{"status": "running", .*\}\n'),
    "pretty": Says(("--pretty", "query-status"), r'\{\n  "status": "running",\n.*\n\}\n'),
    "refused": Says(("qom-list", "path=/nope"), code=1,
                    err="qmpsh: DeviceNotFound: Device '/nope' not found\n"),
    "big reply": Says(("query-qmp-schema",), r"\[.{100000,}\]\n"),
    "event": Says(("--verbose",), err='.*"STOP".*"RESUME".*', stdin="stop\ncont\n"),
    "human monitor": Says(("--hmp", "info status"), "VM status: running\n"),
    "script": Says(stdin="query-status\nquery-qmp-schema\nstop\ncont\nquery-kvm\n",
                   out=r'\{[^\n]*"running": true.*\}\n\[.{100000,}\]\n\{"enabled": false, .*\}\n'),
    "timeout": Says(stdin="query-status\nquery-status --timeout=200ms\n", code=124,
                    out='.*"running".*', err=NO_ANSWER.format("query-status")),
    "whole replies": Says(("--json", "qom-list", "path=/nope"), code=1,
                          out=r'\{"error": \{"class": "DeviceNotFound", .*\}\}\n'),
    "unknown command": NOT_FOUND,
    "arguments": Says(("qom-get", "path=/machine", "property=type"), '"none-machine"\n'),
    "leave": QUIT,
}  # fmt: skip

LIBVIRT: Behaviours = {
    **QEMU,
    # It does not start an empty machine.
    "arguments": QEMU["arguments"]._replace(out='"pc-q35-.*-machine"\n'),
    # Its events may trail the replies.
    "event": QEMU["event"]._replace(stdin="stop\ncont\n.wait RESUME --timeout 10\n"),
}

_CREATE = "blockdev-create job-id=j options.driver=file options.filename={tmp}/x options.size=0"

STORAGE_DAEMON: Behaviours = {
    "status": Says(("query-version",), r'\{"qemu": \{"micro": .*\}\n'),
    "pretty": Says(("--pretty", "query-version"), r'\{\n  "qemu": \{\n    "micro": .*\n\}\n'),
    "refused": Says(("blockdev-del", "node-name=nope"), code=1,
                    err="qmpsh: GenericError: Failed to find node with node-name='nope'\n"),
    "big reply": Says(("query-qmp-schema",), r"\[.{50000,}\]\n"),
    "event": Says(("--verbose", f"{_CREATE} --wait"), r'\{.*"status": "concluded".*\}\n',
                  '.*"JOB_STATUS_CHANGE".*'),
    "human monitor": Says(("--hmp", "info block"), code=1, err="qmpsh: CommandNotFound: .*"
                          "; this server has no human monitor\n"),
    "script": Says(stdin="query-version\nquery-qmp-schema\nquery-jobs\n",
                   out=r'\{"qemu": .*\}\n\[.{50000,}\]\n\[\]\n'),
    "timeout": Says(stdin="query-jobs\nquery-jobs --timeout=200ms\n", code=124,
                    out=r"\[\]\n", err=NO_ANSWER.format("query-jobs")),
    "whole replies": Says(("--json", "blockdev-del", "node-name=nope"), code=1,
                          out=r'\{"error": \{"class": "GenericError", .*\}\}\n'),
    "unknown command": NOT_FOUND,
    "arguments": Says(("query-named-block-nodes", "flat=true"), r"\[\]\n"),
    "leave": QUIT,
}  # fmt: skip

GUEST_AGENT: Behaviours = {
    "status": Says(("guest-info",), r'\{"version": ".*\}\n'),
    "pretty": Says(("--pretty", "guest-info"), r'\{\n  "version": ".*\n\}\n'),
    "refused": Says(("guest-file-open", "path=/nope/x"), code=1,
                    err="qmpsh: GenericError: failed to open file '/nope/x' .*"),
    "big reply": Says((".exec", "seq", "20000"), r"1\n2\n.{100000,}\n20000\n"),
    "event": Says((".wait", "STOP", "--timeout", "1"), err=NO_EVENT, code=124),
    "human monitor": Says(("--hmp", "info status"), code=2, err="qmpsh: a guest agent has no human"
                          " monitor; use its QMP commands, .help lists them\n"),
    "script": Says(stdin="guest-ping\nguest-sync id=7\n.exec echo hello\n", out="7\nhello\n"),
    # It ends when it cannot tell its answer to somebody who has left.
    "timeout": Says(stdin="guest-sync id=7\nguest-sync id=8 --timeout=200ms\n", code=124, ends=True,
                    out="7\n", err=NO_ANSWER.format("guest-sync")),
    "whole replies": Says(("--json", "guest-file-open", "path=/nope/x"), code=1,
                          out=r'\{"error": \{"class": "GenericError", .*\}\}\n'),
    "unknown command": NOT_FOUND,
    "arguments": Says(("guest-sync", "id=9007199254740991"), "9007199254740991\n"),
    # It does not end for its clients: one leaves, and the next is served.
    "leave": Says(("quit",), err="qmpsh: CommandNotFound: .*", code=1),
}  # fmt: skip
GUEST_AGENT = {
    check: says._replace(line=("--guest-agent", *says.line)) for check, says in GUEST_AGENT.items()
}

STRATOVIRT: Behaviours = {
    "status": Says(("query-status",), r'\{"running": true, .*"status": "running"\}\n'),
    "pretty": Says(("--pretty", "query-status"), r'\{\n  "running": true,\n.*\n\}\n'),
    "refused": Says(("device_del", "id=nope"), code=1,
                    err="qmpsh: GenericError: Device nope not found\n"),
    # Nothing that it says is large: the list of its 69 commands is the most.
    "big reply": Says(("query-commands",), r"\[.{1500,}\]\n"),
    # Its events come behind the replies.
    "event": Says(("--verbose",), err='.*"STOP".*"RESUME".*',
                  stdin="stop\ncont\n.wait RESUME --timeout 10\n"),
    "human monitor": Says(("--hmp", "info snapshots"), "There is no snapshot available.\n"),
    "script": Says(stdin="query-status\nquery-commands\nstop\ncont\nquery-workloads\n",
                   out=r'\{"running": true.*\}\n\[.{1500,}\]\n\[\]\n'),
    "timeout": Says(stdin="query-status\nquery-status --timeout=200ms\n", code=124,
                    out='.*"running".*', err=NO_ANSWER.format("query-status")),
    "whole replies": Says(("--json", "device_del", "id=nope"), code=1,
                          out=r'\{"error": \{"class": "GenericError", .*\}\}\n'),
    "unknown command": Says(("nope",), code=1,
                            err="qmpsh: GenericError: unknown variant `nope`, expected one of .*"),
    "arguments": Says(("device_add", "driver=virtio-net-pci", "id=a")),
    "leave": QUIT,
}  # fmt: skip
