"""The manual of StratoVirt's monitor: every command of it, in its order."""

from __future__ import annotations

import json
import re

from tests.conftest import RunQmpsh
from tests.language.helpers import DATA

EXAMPLES = re.findall(
    r"^```json\n(.*?)\n```$", (DATA / "stratovirt-manual.txt").read_text(), re.MULTILINE | re.DOTALL
)
APART = ('"getfd"', '"quit"')
"""what goes with a descriptor, and what ends the monitor"""


def test_every_command(stratovirt: str, run_qmpsh: RunQmpsh) -> None:
    commands = [each for each in EXAMPLES if '"execute"' in each]
    assert len(commands) == 17
    script = "\n".join(each for each in commands if not any(word in each for word in APART))
    done = run_qmpsh(stratovirt, "--json", stdin=script)
    assert (done.returncode, done.stderr) == (0, "")
    replies = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(replies) == 15
    assert all("return" in reply for reply in replies)


def test_the_manual_pasted_as_it_is(stratovirt: str, run_qmpsh: RunQmpsh) -> None:
    """It ends at `quit`, in the middle."""
    done = run_qmpsh(stratovirt, "--json", stdin="\n".join(EXAMPLES))
    *replies, last = map(json.loads, done.stdout.splitlines())
    assert len(replies) == 11
    assert all("return" in reply for reply in replies)
    assert last["error"]["desc"].startswith("query-status was not sent: ")
    assert done.returncode == 4


def test_a_descriptor(stratovirt: str, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(stratovirt, "getfd", "fdname=fd1", "--fd", "/dev/null")
    assert (done.returncode, done.stderr) == (0, "")
