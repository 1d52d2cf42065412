"""Scripts on a real QEMU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm
from tests.waiting import PATIENCE


def test_comments_answers_and_no_noise(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, stdin="# first\nstop\nquery-status\n")
    assert done.stdout.count("\n") == 1
    assert json.loads(done.stdout)["running"] is False
    assert (done.stderr, done.returncode) == ("", 0)


def test_stops_at_the_first_error(fresh_q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(fresh_q35.path, stdin="cont\nnope\nstop\n")
    assert done.stderr == "stdin:2: CommandNotFound: The command nope has not been found\n"
    assert (done.stdout, done.returncode) == ("", 1)
    assert json.loads(run_qmpsh(fresh_q35.path, "query-status").stdout)["running"] is True


def test_queries_overlap_and_errors_keep_their_place(fresh_q35: Vm, run_qmpsh: RunQmpsh) -> None:
    script = "cont\nquery-version\nquery-nope\nquery-version\nstop\n"
    done = run_qmpsh(fresh_q35.path, stdin=script)
    assert done.stdout.count("\n") == 1
    assert done.stderr.startswith("stdin:3: CommandNotFound")
    done = run_qmpsh(fresh_q35.path, "-k", stdin="query-nope\nquery-version\n" * 20)
    assert done.stdout.count("\n") == 20
    assert [line.split(": ")[0] for line in done.stderr.splitlines()] == [
        f"stdin:{number}" for number in range(1, 41, 2)
    ]
    assert json.loads(run_qmpsh(fresh_q35.path, "query-status").stdout)["running"] is True


def test_keep_going_goes_on_and_still_tells(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, "-k", stdin="nope\nquery-version\nid=1 = 2\nquery-version\n")
    assert done.stdout.count("\n") == 2
    assert done.stderr.startswith("stdin:1: CommandNotFound")
    assert "stdin:3: " in done.stderr
    assert done.returncode == 1


def test_files_one_after_the_other(vm: Vm, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    first, second = tmp_path / "a.qmp", tmp_path / "b.qmp"
    first.write_text("query-version\r\n")
    second.write_text("\n\nnope\n")
    done = run_qmpsh(vm.path, "-f", str(first), "-f", str(second))
    assert done.stdout.count("\n") == 1
    assert done.stderr.startswith(f"{second}:3: CommandNotFound")
    done = run_qmpsh("-f", str(tmp_path / "none"), vm.path)
    assert done.returncode == 2
    assert "No such file" in done.stderr


def test_qmp_socket_serves_as_address(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(stdin="query-version\n", env={"QMP_SOCKET": vm.path})
    assert done.returncode == 0
    assert "qemu" in json.loads(done.stdout)


def test_syntax_errors_point_and_nothing_is_sent(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, stdin='query-version\nqom-get path="/machine\n')
    assert done.returncode == 2
    assert done.stdout.count("\n") == 1
    assert "stdin:2: " in done.stderr


def test_a_transaction_is_sent_whole_or_not_at_all(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    add = "block-dirty-bitmap-add node=disk0 name=b0"
    done = run_qmpsh(q35.path, "-n", stdin=f"transaction(\n{add}\nabort\n)\n")
    assert json.loads(done.stdout) == {
        "execute": "transaction",
        "arguments": {
            "actions": [
                {"type": "block-dirty-bitmap-add", "data": {"node": "disk0", "name": "b0"}},
                {"type": "abort", "data": {}},
            ]
        },
    }
    done = run_qmpsh(q35.path, "-k", stdin=f"transaction(\n{add}\nbogus word\n)\n")
    assert done.returncode == 2
    assert "nothing was sent" in done.stderr
    done = run_qmpsh(q35.path, stdin=f"transaction(\n{add}\n")
    assert done.returncode == 2
    assert "nothing was sent" in done.stderr
    nodes = json.loads(run_qmpsh(q35.path, "query-named-block-nodes").stdout)
    assert not any(node.get("dirty-bitmaps") for node in nodes)


def test_quit_in_a_script(fresh_q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(fresh_q35.path, stdin="query-version\nquit\n")
    assert (done.stderr, done.returncode) == ("", 0)
    fresh_q35.process.wait(timeout=PATIENCE)


def test_a_connection_that_is_lost_ends_the_script(fresh_q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(fresh_q35.path, "-k", stdin="quit\nquery-version\nquery-version\n")
    assert done.returncode == 4
    assert done.stderr.startswith("stdin:2: ")
    assert done.stderr.count("\n") == 1


def test_answers_come_while_the_input_is_still_open(vm: Vm) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "qmpsh", vm.path],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    for _ in range(3):
        process.stdin.write(b"query-version\n")
        process.stdin.flush()
        assert b"qemu" in process.stdout.readline()
    process.stdin.close()
    assert process.wait(timeout=PATIENCE) == 0
    process.stdout.close()


def test_bytes_that_are_no_text(vm: Vm) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "qmpsh", vm.path],
        cwd=ROOT,
        input=b"query-version\n\xff\xfe\n",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 2
    assert b"not valid UTF-8" in done.stderr


def test_the_transcripts_of_three_manuals_run(fresh_q35: Vm, run_qmpsh: RunQmpsh) -> None:
    wiki = (
        'S: { "QMP": { "version": { "qemu": { "micro": 0, "minor": 6, "major": 1 }, '
        '"package": "" }, "capabilities": [ ] } } '
        'C: { "execute": "qmp_capabilities" } S: { "return": {}}\n'
        'C: { "execute": "query-status" } '
        'S: { "return": { "status": "running", "singlestep": false, "running": true } }\n'
    )
    qemu = (
        '-> {\n    "execute": "query-name",\n    "arguments": {\n    }\n}\n\n'
        '<- {\n    "return": {}\n}\n'
    )
    stratovirt = (
        '```json\n<- {"execute":"stop"}\n'
        '-> {"event":"STOP","data":{},"timestamp":{"seconds":1583908726,"microseconds":162739}}\n'
        '-> {"return":{}}\n```\n'
    )
    for transcript, answers in ((wiki, 1), (qemu, 1), (stratovirt, 0)):
        done = run_qmpsh(fresh_q35.path, stdin=transcript)
        assert done.returncode == 0, done.stderr
        assert not done.stderr or done.stderr.startswith("stdin:1: qmp_capabilities: already")
        assert done.stdout.count("\n") == answers, done.stdout


def test_skip_negotiation_sends_qmp_capabilities(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    """A real server greets all the same: that is one message more, the command is the user's."""
    done = run_qmpsh("-N", "--json", vm.path, stdin="qmp_capabilities\nquery-version\n")
    assert [list(json.loads(line)) for line in done.stdout.splitlines()] == [["return"], ["return"]]


def test_a_server_that_wants_to_negotiate_says_so(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-N", vm.path, "query-status")
    assert (done.stdout, done.returncode) == ("", 1)
    assert done.stderr == (
        "qmpsh: CommandNotFound: Expecting capabilities negotiation with 'qmp_capabilities'; this"
        " server negotiates: leave out -N\n"
    )


def test_input_that_is_a_terminal_is_still_a_script(vm: Vm) -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "qmpsh", vm.path],
        cwd=ROOT,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    os.write(ours, b"query-version\n\x04")
    out, err = process.communicate(timeout=PATIENCE)
    os.close(ours)
    assert (process.returncode, err) == (0, b"")
    assert b"qemu" in out


def test_the_monitor_is_given_up_and_taken_again(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    script = ".disconnect\n.reconnect\nquery-name\nquery-status\n"
    done = run_qmpsh(vm.path, stdin=script)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 1
    done = run_qmpsh(vm.path, stdin=".disconnect\nquery-status\n")
    assert done.returncode == 4
    assert "query-status was not sent" in done.stderr
    done = run_qmpsh(vm.path, ".reconnect")
    assert done.returncode == 2
    assert "is connected already" in done.stderr
    done = run_qmpsh("-n", ".disconnect")
    assert done.returncode == 2


MARK = "\ufeff"


def test_a_byte_order_mark_is_no_text(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    script = Path(vm.folder, "marked.qmp")
    script.write_text(f"{MARK}stop\nquery-status\n")
    for words, stdin in (
        (("-f", str(script), vm.path), ""),
        ((vm.path, f".source {script}"), ""),
        ((vm.path,), script.read_text()),
    ):
        done = run_qmpsh(*words, stdin=stdin)
        assert (done.stderr, done.returncode) == ("", 0)
        assert json.loads(done.stdout)["running"] is False


def test_a_byte_order_mark_elsewhere_is_seen(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, stdin=f"stop\n{MARK}query-status a=1\n")
    assert done.returncode == 2
    assert MARK not in done.stderr
    assert "  \\ufeffquery-status a=1\n" in done.stderr


def test_a_folder_is_no_script(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-f", vm.folder, vm.path)
    assert done.stderr == f"{vm.folder}: cannot be read: Is a directory\n"
    assert (done.stdout, done.returncode) == ("", 2)


@pytest.mark.parametrize(
    "wrong", [b"# Gr\xfc\xdfe", b"x a=\xff", b"x a={b: \xff,\n c: 1}", b"\xff\xfe"]
)
@pytest.mark.parametrize("sourced", [False, True])
def test_a_line_that_is_not_utf8_is_one_error(
    vm: Vm, run_qmpsh: RunQmpsh, tmp_path: Path, wrong: bytes, *, sourced: bool
) -> None:
    file = tmp_path / "script.qmp"
    file.write_bytes(b"query-version\n" + wrong + b"\nquery-status\n")
    how = [vm.path, ".source", str(file)] if sourced else ["-f", str(file), vm.path]
    done = run_qmpsh("-k", *how)
    assert (done.stdout.count("\n"), done.returncode) == (2, 2)
    said = done.stderr.removeprefix("qmpsh: ")
    assert said.startswith(f"{file}:2: not valid UTF-8 at byte ")
    assert said.count("\n") == 1
    done = run_qmpsh(*how)
    assert (done.stdout.count("\n"), done.returncode) == (1, 2)


@pytest.mark.parametrize("char", ["\x00", "\x01", "\x1b", "\x7f", "\x9b"])
@pytest.mark.parametrize("line", ["{{{}", "x a=[{}[31m, 1]", "x a={{b: {}[A}}", "{}", "x{}[ a=1"])
def test_a_control_character_takes_no_other_line(
    vm: Vm, run_qmpsh: RunQmpsh, line: str, char: str
) -> None:
    script = f"query-version\n{line.format(char)}\nquery-status\n"
    done = run_qmpsh("-k", vm.path, stdin=script)
    assert done.stdout.count("\n") == 2
    assert done.stderr.startswith("stdin:2: ")
    assert done.returncode in (1, 2)
