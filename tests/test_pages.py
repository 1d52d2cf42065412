"""What docs/ and README.md say: links lead somewhere, named tests exist, lines are valid."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm
from tests.sources import nodes

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
SCHEMA = str(ROOT / "tests" / "data" / "query-qmp-schema-qemu-7.2.json")
CELL = re.compile(r"(?<!\\)\|")
COMING_FROM = (ROOT / "docs" / "coming-from.md").read_text()
NOT_ON_THE_WIRE = (".events", ".wait", ".tree")
"""Verbs that wait for something or draw it: nothing of them can be shown without a server."""
BEYOND = (
    *("quit", "system_powerdown", "migrate uri", "inject-nmi"),  # the machine's end, or another one
    *("nbd-server-start", "screendump", "dump-guest-memory", "blockdev-change-medium"),  # files
    "blockdev-add driver=qcow2",
)
"""Lines that reach beyond a machine that stands still."""
NOT_THERE = (
    r"(DeviceNotFound|DeviceNotActive|GenericError): (Device '\S+' not found|No balloon device"
    r"|Bus 'pcie.0' does not support hotplugging)|snapshot-save: .* does not support snapshots"
)
"""What the demo's machine refuses because it has no such thing, not because of how it is put."""


def anchors(path: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"^```.*?^```$", "", path.read_text(), flags=re.MULTILINE | re.DOTALL)
    found: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
        found[plain] = found.get(plain, 0) + 1
    return {
        f"{name}-{number}" if number else name
        for name, count in found.items()
        for number in range(count)
    }


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", path.read_text())
    dead = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", link):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists() or (anchor and anchor not in anchors(target)):
            dead.append(link)
    assert dead == []


def test_every_page_can_be_reached_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    pages = [*(ROOT / "docs").rglob("*.md"), ROOT / "docs" / "qmpsh.1"]
    names = [str(path.relative_to(ROOT)) for path in pages]
    assert [name for name in names if f"({name}" not in readme] == []


def rows_of(page: Path, heading: str) -> list[str]:
    """The rows of the tables of a section."""
    text = page.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return [row for row in text.splitlines() if row.startswith("| ")][1:]


def test_every_rule_of_security_has_tests_that_exist() -> None:
    rules = rows_of(ROOT / "docs" / "security.md", "Rules")
    rows = rows_of(ROOT / "CONTRIBUTING.md", "The rules of security")
    assert len(rules) > 20
    assert [row.split(" | ")[0] for row in rows] == [rule.split(" | ")[0] for rule in rules]
    for row in rows:
        named = re.findall(r"`(tests/[\w/]+\.py)`", CELL.split(row)[-2])
        assert named, row
        assert [name for name in named if not (ROOT / name).is_file()] == [], row


def lines_of(page: str) -> list[str]:
    """What stands in code in the columns "qmpsh" of a page's tables."""
    found, column = [], 0
    for row in page.splitlines():
        cells = [cell.strip() for cell in CELL.split(row)] if row.startswith("|") else []
        if not cells:
            column = 0
        elif "qmpsh" in cells:
            column = cells.index("qmpsh")
        elif column and len(cells) > column and cells[column].startswith("`"):
            found.append(cells[column].strip("`").replace("\\|", "|"))
    return found


def test_every_line_for_those_who_come_from_elsewhere_is_valid(run_qmpsh: RunQmpsh) -> None:
    lines = lines_of(COMING_FROM)
    assert len(lines) > 40
    told = [line for line in lines if not line.startswith(("qmpsh ", *NOT_ON_THE_WIRE))]
    done = run_qmpsh("-n", "--schema", SCHEMA, stdin="\n".join([*told, ""]))
    assert (done.stderr, done.returncode) == ("", 0)
    assert done.stdout.count('"execute"') == len(told)


def test_those_lines_are_what_qemu_takes(fresh_q35: Vm, run_qmpsh: RunQmpsh) -> None:
    skipped = ("qmpsh ", *NOT_ON_THE_WIRE, *BEYOND)
    lines = [line for line in lines_of(COMING_FROM) if not line.startswith(skipped)]
    assert len(lines) > 20
    done = run_qmpsh("-k", fresh_q35.path, stdin="\n".join([*lines, ""]))
    refused = re.findall(r"^stdin:(\d+): (.*)$", done.stderr, re.MULTILINE)
    wrong = [(lines[int(at) - 1], why) for at, why in refused if not re.match(NOT_THERE, why)]
    assert wrong == []


def test_the_one_shots_of_the_command_line_run(fresh_q35: Vm, run_qmpsh: RunQmpsh) -> None:
    page = (ROOT / "docs" / "command-line.md").read_text()
    rows = [
        shlex.split(row)
        for row in re.findall(r"^\| `qmpsh \./monitor\.sock ([^`<-].*?)`", page, re.MULTILINE)
    ]
    assert len(rows) == 4
    for words in rows:
        done = run_qmpsh(fresh_q35.path, *words)
        refused = re.match(NOT_THERE, done.stderr.removeprefix("qmpsh: "))
        assert refused or (done.stderr, done.returncode) == ("", 0), words


# ------------------------------------------------------------------------ troubleshooting

TROUBLE = (ROOT / "docs" / "troubleshooting.md").read_text()
PROVOKED = {
    "has no argument": ["-n", "--schema", SCHEMA, "blockdev-add", "drvier=raw"],
    "expected KEY=value": ["-n", "migrate tcp:host:4444"],
}
"""Messages that are put together of parts, and a line for each."""


def message_texts() -> list[str]:
    """The texts of the package, with `...` for what is filled in."""
    texts = []
    for _, node in nodes():
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            texts.append(re.sub(r"\{\w*\}", "...", node.value))
        elif isinstance(node, ast.JoinedStr):
            parts = [
                part.value if isinstance(part, ast.Constant) else "..." for part in node.values
            ]
            texts.append("".join(map(str, parts)))
    return texts


def test_each_message_that_is_explained_exists(run_qmpsh: RunQmpsh) -> None:
    texts = message_texts()
    headings = re.findall(r"^### ([a-z].+)$", TROUBLE, re.MULTILINE)
    assert len(headings) > 10
    for heading in headings:
        if heading in PROVOKED:
            assert heading in run_qmpsh(*PROVOKED[heading]).stderr
        else:
            assert any(heading in text for text in texts), heading
