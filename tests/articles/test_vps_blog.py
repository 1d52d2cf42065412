""" "What I Learned Building a Toy VPS Cloud, Part 2": a guest is paused, resumed and shut down."""

from __future__ import annotations

import json

from tests.conftest import RunQmpsh
from tests.guest import restore
from tests.qemu import VmStarter
from tests.waiting import PATIENCE

SCRIPT = """\
{"execute": "qmp_capabilities"}
{"execute": "query-status"}
{"execute": "stop"}
.wait STOP
{"execute": "query-status"}
{"execute": "cont"}
.wait RESUME
{"execute": "system_powerdown"}
.wait POWERDOWN
.wait SHUTDOWN --timeout 60
"""


def test_the_commands_in_their_order(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    guest = restore(start_vm)
    done = run_qmpsh(guest.vm.path, "--json", stdin=SCRIPT, timeout=2 * PATIENCE)
    assert done.returncode == 0
    assert done.stderr == "stdin:1: qmp_capabilities: already negotiated, not sent again\n"
    said = [json.loads(line) for line in done.stdout.splitlines()]
    replies = [each["return"] for each in said if "return" in each]
    events = [(each["event"], each.get("data")) for each in said if "event" in each]
    assert [reply.get("status") for reply in replies if reply] == ["running", "paused"]
    assert len(replies) == 6
    assert events == [
        ("STOP", None),
        ("RESUME", None),
        ("POWERDOWN", None),
        ("SHUTDOWN", {"guest": True, "reason": "guest-shutdown"}),
    ]
    assert guest.vm.process.wait(timeout=PATIENCE) == 0
