"""`.json` and `.export` as one-shots: what would be sent, word by word, with no server at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import RunQmpsh
from tests.qemu import ROOT

SCHEMA = str(ROOT / "tests" / "data" / "query-qmp-schema-qemu-10.0.json")
NODE = {"driver": "file", "filename": "a # b > 'c", "node-name": "x"}
WORDS = ["blockdev-add", *(f"{name}={value}" for name, value in NODE.items())]


def test_no_word_is_searched_for_anything(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("--schema", SCHEMA, ".json", *WORDS)
    assert (done.stderr, done.returncode) == ("", 0)
    assert json.loads(done.stdout) == {"execute": "blockdev-add", "arguments": NODE}


def test_nor_in_an_exported_line(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("--schema", SCHEMA, ".export", "python", *WORDS)
    assert (done.stderr, done.returncode) == ("", 0)
    assert f"qmp.execute('blockdev-add', {NODE!r})" in done.stdout


@pytest.mark.parametrize("words", [[".json query-status"], [".json", "query-status"]])
def test_words_and_line_are_one(run_qmpsh: RunQmpsh, words: list[str]) -> None:
    done = run_qmpsh("--schema", SCHEMA, *words)
    assert done.stdout == '{"execute": "query-status"}\n'


def test_a_command_that_would_be_sent_still_wants_a_server(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("--schema", SCHEMA, "query-status")
    assert done.returncode == 2
    assert "query-status needs an address: " in done.stderr


@pytest.mark.parametrize("verb", [".json", ".export bash"])
def test_the_redirect_of_the_line_holds(run_qmpsh: RunQmpsh, tmp_path: Path, verb: str) -> None:
    file = tmp_path / "out"
    done = run_qmpsh("--schema", SCHEMA, f"{verb} query-status > {file}")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    assert '{"execute": "query-status"}' in file.read_text()


@pytest.mark.parametrize("words", [[".export bash"], [".export", "bash"], [".json", ""], [".json"]])
def test_a_line_is_expected(run_qmpsh: RunQmpsh, words: list[str]) -> None:
    done = run_qmpsh("--schema", SCHEMA, *words)
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.startswith(
        f"qmpsh: expected a command, as in {' '.join(words).strip()} query-status\n"
    )


def test_the_marks_of_a_long_line_stay_in_view(run_qmpsh: RunQmpsh) -> None:
    line = f".json blockdev-add driver=file filename=/{'x' * 300} nde-name=a"
    done = run_qmpsh("--schema", SCHEMA, line, env={"COLUMNS": "80"})
    _, shown, marks = done.stderr.splitlines()
    assert shown[marks.index("^") :] == "nde-name=a"
    assert (len(shown) <= 80, marks.count("^")) == (True, len("nde-name"))


def test_the_tool_comes_first(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("--schema", SCHEMA, ".export", "query-status")
    assert done.stderr == "qmpsh: no tool query-status: .export bash|python|virsh LINE\n"


@pytest.mark.parametrize(
    "line", [["getfd fdname=a --fd X --wait --json"], ["getfd", "fdname=a", "--fd", "X", "--wait"]]
)
def test_what_no_other_tool_does_is_said(run_qmpsh: RunQmpsh, line: list[str]) -> None:
    words = [".export bash " + line[0]] if len(line) == 1 else [".export", "bash", *line]
    done = run_qmpsh("--schema", SCHEMA, *words)
    assert done.returncode == 0
    assert done.stderr == (
        "qmpsh: --wait is left out: it cannot be expressed in bash\n"
        "qmpsh: --fd is left out: it cannot be expressed in bash\n"
    )
