"""One-shots on a real QEMU: what stands on stdout, on stderr, and which exit code tells of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from qmpsh.render.failures import CLASSES
from qmpsh.render.lists import MAX_NESTED_COLUMNS
from tests.client.servers import Peer, serving
from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm, VmStarter
from tests.waiting import PATIENCE, wait_until


def test_the_answer_is_the_value_of_return(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, "query-name")
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    done = run_qmpsh(vm.path, "query-status")
    assert json.loads(done.stdout)["status"] in ("running", "prelaunch")
    assert done.stdout.count("\n") == 1
    assert done.returncode == 0


def test_an_error_is_on_stderr_and_exits_1(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, "nope")
    assert done.stdout == ""
    assert done.stderr == "qmpsh: CommandNotFound: The command nope has not been found\n"
    assert done.returncode == 1


def test_json_prints_whole_replies_errors_included(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, "--json", "query-name")
    assert done.stdout == '{"return": {}}\n'
    done = run_qmpsh(vm.path, "--json", "nope")
    assert json.loads(done.stdout)["error"]["class"] == "CommandNotFound"
    assert (done.stderr, done.returncode) == ("", 1)


def test_raw_json_gets_its_own_id_back(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, "--json", '{"execute": "query-name", "id": [7, null]}')
    assert json.loads(done.stdout) == {"return": {}, "id": [7, None]}


def test_malformed_json_is_never_sent(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, '{"execute": "quit",, }')
    assert done.returncode == 2
    assert done.stdout == ""
    assert vm.is_running


def test_each_word_is_one_argument(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    line = ["object-add", "qom-type=iothread", "id=a b"]
    done = run_qmpsh(q35.path, "-n", *line)
    assert json.loads(done.stdout) == {
        "execute": "object-add",
        "arguments": {"qom-type": "iothread", "id": "a b"},
    }


def test_dotted_keys(run_qmpsh: RunQmpsh) -> None:
    line = "blockdev-add driver=raw node-name=r0 file.driver=null-co file.size=1048576"
    done = run_qmpsh("-n", line)
    assert done.stdout == (
        '{"execute": "blockdev-add", "arguments": {"driver": "raw", "node-name": "r0", '
        '"file": {"driver": "null-co", "size": 1048576}}}\n'
    )
    assert run_qmpsh("-n", *line.split()).stdout == done.stdout


def test_a_string_has_quotes_unless_raw(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    line = ["qom-get", "path=/machine", "property=type"]
    done = run_qmpsh(q35.path, *line)
    assert json.loads(done.stdout).startswith("pc-q35-")
    assert run_qmpsh(q35.path, "--raw", *line).stdout == json.loads(done.stdout) + "\n"


def test_hmp_lines_end_in_lf(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    for argv in (["--hmp", "info status"], ["-H", "info", "status"], [".hmp", "info", "status"]):
        done = run_qmpsh(q35.path, *argv)
        assert done.stdout == "VM status: paused (prelaunch)\n"


def test_hmp_words_are_hmps_own(q35: Vm, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    done = run_qmpsh(q35.path, "-H", "log", "-f", "none")
    assert done.returncode in (0, 1)
    assert "before the command" not in done.stderr
    assert done.returncode == 1, "log -f is no log item: HMP was asked, and said so"


def test_a_failing_hmp_line_exits_1(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(q35.path, "-H", "nope")
    assert (done.stdout, done.stderr, done.returncode) == (
        "",
        "qmpsh: unknown command: 'nope'\n",
        1,
    )


def test_no_time_to_connect_is_refused(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("--connect-timeout", "0", vm.path, "query-status")
    assert "expected more time than 0, as in 500ms" in done.stderr
    assert done.returncode == 2


def test_a_short_option_behind_the_command_is_refused(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, "query-name", "-p")
    assert done.returncode == 2
    assert "write -p before the command" in done.stderr


@pytest.mark.parametrize("line", [["quit"], ['{"execute": "quit"}'], ["-H", "quit"], ["-H", "q"]])
def test_quit_succeeds(fresh_q35: Vm, run_qmpsh: RunQmpsh, line: list[str]) -> None:
    done = run_qmpsh(fresh_q35.path, *line)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)
    fresh_q35.process.wait(timeout=PATIENCE)


def test_a_busy_monitor_is_said_to_be_busy(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    with socket.socket(socket.AF_UNIX) as holder:
        holder.connect(vm.path)
        holder.recv(1)
        done = run_qmpsh("--connect-timeout", "300ms", vm.path, "query-status")
    assert done.returncode == 3
    assert f"(pid {os.getpid()}: " in done.stderr
    assert "holds this monitor" in done.stderr
    assert done.stdout == ""


def test_a_stopped_vm_does_not_hang_the_shell(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    vm.stop_process()
    done = run_qmpsh("--connect-timeout", "300ms", vm.path, "query-status")
    assert done.returncode == 3


def test_no_such_socket(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("./gone.sock", "query-status")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "no such socket" in done.stderr


def test_a_socket_that_nobody_serves(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    vm.kill()
    done = run_qmpsh(vm.path, "query-status")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1


def test_a_regular_file_is_no_socket(run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("")
    done = run_qmpsh(str(path), "query-status")
    assert done.returncode == 3
    assert "not a socket" in done.stderr


def test_an_hmp_socket_is_recognised(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm("-monitor", "unix:{folder}/h,server=on,wait=off")
    done = run_qmpsh(f"{vm.folder}/h", "query-status")
    assert done.returncode == 1
    assert "query-status is QMP, and this is an HMP monitor: try info status" in done.stderr


def test_a_word_that_is_no_address(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("nope", "query-status")
    assert done.returncode == 2
    assert done.stderr.startswith(
        "qmpsh: 'nope' is neither a file nor the name of a VM here, see qmpsh ls"
    )


def mute(peer: Peer) -> None:
    """Greets, and answers nothing."""
    peer.greet()
    while True:
        peer.receive()


def test_the_timeout_is_124(run_qmpsh: RunQmpsh) -> None:
    with serving(mute) as path:
        done = run_qmpsh("-t", "50ms", path, "stop")
    assert done.returncode == 124
    assert done.stderr == "qmpsh: no answer to stop within 0.05 s; it may still be carried out\n"


def test_sigint_is_130_without_a_traceback(vm: Vm) -> None:
    with socket.socket(socket.AF_UNIX) as holder:
        holder.connect(vm.path)
        holder.recv(1)
        process = subprocess.Popen(
            [sys.executable, "-m", "qmpsh", vm.path, "query-status"],
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        # The remark about the silence tells that it is waiting.
        assert "qmpsh:" in process.stderr.readline()
        process.send_signal(signal.SIGINT)
        rest = process.communicate(timeout=PATIENCE)[1]
    assert (process.returncode, rest) == (130, "")


def test_a_closed_stdout_is_141(q35: Vm) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "qmpsh", q35.path, "query-status"],
        cwd=ROOT,
        stdout=write,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (141, "")


def test_verbose_shows_the_wire_with_secrets_masked(q35: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-v", q35.path, "set_password", "protocol=vnc", "password=hunter2")
    assert "hunter2" not in done.stderr
    assert '-> {"execute": "set_password"' in done.stderr
    assert "********" in done.stderr


def test_the_vm_dies_before_the_answer(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    vm = start_vm(machine="demo")
    line = '{"execute": "query-name"} {"execute": "quit"} {"execute": "query-name"}'
    done = run_qmpsh(vm.path, line)
    assert done.returncode == 4
    assert done.stderr.count("\n") == 1
    wait_until(lambda: not vm.is_running)


def test_help_lists_verbs_and_commands(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, ".help")
    assert ".hmp [LINE]" in done.stdout
    assert "query-status" in done.stdout
    assert done.returncode == 0


def test_pipes_and_files(vm: Vm, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    done = run_qmpsh(vm.path, "query-version | wc -l")
    assert done.stdout.strip() == "1"
    target = tmp_path / "out file"
    run_qmpsh(vm.path, f"query-version > '{target}'")
    run_qmpsh(vm.path, f"query-version >> '{target}'")
    assert len([json.loads(line) for line in target.read_text().splitlines()]) == 2
    done = run_qmpsh(vm.path, "query-version | exit 3")
    assert (done.returncode, done.stderr) == (1, "qmpsh: | exit 3 ended with 3\n")
    done = run_qmpsh(vm.path, "query-version > /nowhere/at/all")
    assert done.returncode == 2


def test_controls_of_the_vm_are_made_visible(start_vm: VmStarter, run_qmpsh: RunQmpsh) -> None:
    name = "evil\x1b]0;PWNED\x07\u202e\x9b31m"
    vm = start_vm("-name", name)
    said = run_qmpsh(vm.path, "query-name").stdout
    assert json.loads(said) == {"name": name}
    assert not any(char in said for char in "\x1b\x07\u202e\x9b")
    said = run_qmpsh(vm.path, "-H", "info name").stdout
    assert said == "evil\\x1b]0;PWNED\\x07\\u202e\\x9b31m\n"


@pytest.mark.parametrize(
    "redirection,line,code,out",
    [
        ("<&-", "", 0, ""),
        ("<&-", "query-name", 0, ""),
        (">&-", "query-status", 141, ""),
        (">&-", "query-name", 0, ""),
        ("2>&-", "nope", 1, ""),
        ("<&- >&- 2>&-", "nope", 1, ""),
    ],
)
def test_streams_that_are_closed_beforehand(
    vm: Vm, redirection: str, line: str, code: int, out: str
) -> None:
    command = f"exec '{sys.executable}' -m qmpsh '{vm.path}' {line} {redirection}"
    done = subprocess.run(
        ["sh", "-c", command],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert (done.returncode, done.stdout) == (code, out)
    assert "Traceback" not in done.stderr


def test_a_table(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, "--table", "query-chardev")
    header, *rows = done.stdout.splitlines()
    assert sorted(header.split()) == ["filename", "frontend-open", "label"]
    assert len(rows) == 1
    assert "true" in rows[0].split()
    assert done.returncode == 0
    whole = run_qmpsh(vm.path, "query-chardev --table")
    assert whole.stdout.splitlines()[0] == header
    done = run_qmpsh(vm.path, "--table", "query-status")
    assert json.loads(done.stdout)["status"]


# -------------------------------------------------------------------- --json


@pytest.mark.parametrize(
    "line, error_class, code",
    [
        ("query-status a", "InvalidLine", 2),
        ("set_password protocol=vnx password=hunter2", "InvalidLine", 2),
        ("query-status > /nowhere/x", "NotSent", 2),
        (".source /nowhere/x", "NotSent", 2),
        ("transaction(", "NotSent", 2),
        (".wait STOP --timeout 0.01", "Timeout", 124),
        ("query-status | false", "OutputFailed", 1),
        (".hmp nope", "CommandFailed", 1),
    ],
)
def test_with_json_every_failure_is_an_object(
    vm: Vm, run_qmpsh: RunQmpsh, line: str, error_class: str, code: int
) -> None:
    plain, done = run_qmpsh(vm.path, line), run_qmpsh("--json", vm.path, line)
    script = run_qmpsh("--json", vm.path, stdin=line)
    assert (plain.returncode, done.returncode, script.returncode) == (code, code, code)
    said = json.loads(done.stdout)
    assert (said["error"]["class"], said["exit"]) == (error_class, code)
    assert said["error"]["desc"] in plain.stderr
    assert json.loads(script.stdout) == said
    if "return" not in said:
        assert done.stderr == plain.stderr


def test_with_json_a_failed_connection_is_an_object(run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    done = run_qmpsh("--json", str(tmp_path / "none"), "query-status")
    said = json.loads(done.stdout)
    assert (said["error"]["class"], said["exit"], done.returncode) == ("CannotConnect", 3, 3)
    assert done.stderr == f"qmpsh: {said['error']['desc']}\n"


def test_with_json_each_line_of_a_script_has_an_object(
    vm: Vm, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    file = tmp_path / "lines.qmp"
    file.write_bytes(b"nope\nquery-version\nx a\n# \xff\n")
    classes = ["CommandNotFound", None, "InvalidLine", "NotSent"]
    for how in (["-f", str(file), vm.path], [vm.path, ".source", str(file)]):
        done = run_qmpsh("-k", "--json", *how)
        objects = [json.loads(line) for line in done.stdout.splitlines()]
        assert [one.get("error", {}).get("class") for one in objects] == classes
        assert [one.get("exit") for one in objects] == [None, None, 2, 2]


def test_the_modifier_json_has_it_too(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-k", vm.path, stdin=".wait STOP --timeout=0.01 --json\nx y=1 --json\nx y=1\n")
    objects = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["error"]["class"] for one in objects] == ["Timeout", "InvalidLine"]


# -------------------------------------------------------------------- quotes


@pytest.mark.parametrize(
    "word, key",
    [
        ('command-line="info status"', "command-line"),
        ("command-line='info status'", "command-line"),
        (r"command-line='it\'s'", "command-line"),
        ("'command-line=info status'", "command-line"),
        ('command-line="a" and "b"', ""),
        ('command-line=it is "b"', ""),
        ("command-line=info status", ""),
    ],
)
def test_quotes_in_a_word_are_named(run_qmpsh: RunQmpsh, word: str, key: str) -> None:
    done = run_qmpsh("-n", "human-monitor-command", word)
    note = (
        f"qmpsh: the quotes of {key} belong to its value: of several words each is taken as it"
        " stands; leave them out, or write the whole line as one word\n"
    )
    assert done.stderr == (note if key else "")
    name, _, value = word.partition("=")
    assert json.loads(done.stdout)["arguments"] == {name: value}


def test_quotes_of_a_whole_line_are_the_languages(run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh("-n", 'human-monitor-command command-line="info status"')
    assert json.loads(done.stdout)["arguments"] == {"command-line": "info status"}
    assert done.stderr == ""


def test_the_page_has_the_classes_of_failures() -> None:
    page = (ROOT / "docs" / "scripting.md").read_text()
    rows = [f"| `{name}` | {meaning} |" for _, name, meaning in CLASSES]
    assert [row for row in rows if row not in page] == []


def test_nested_json_in_a_table(q35: Vm, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    done = run_qmpsh(q35.path, "--table", "query-pci")
    header, row = done.stdout.splitlines()
    assert (header.split(), done.returncode) == (["bus", "devices"], 0)
    assert len(row) == len("bus") + 2 + MAX_NESTED_COLUMNS
    file = tmp_path / "table"
    assert not run_qmpsh(q35.path, f"query-pci --table > {file}").returncode
    assert json.loads(file.read_text().splitlines()[1].split(None, 1)[1])
    done = run_qmpsh(q35.path, "--table", "query-version")
    assert done.stdout.startswith('{\n  "qemu": {\n    "micro": ')
    assert json.loads(done.stdout)["qemu"]


# ------------------------------------------------------------------------ what was meant


@pytest.mark.parametrize("argv, said", [(["help"], "--help"), (["--hmpp", "./x"], "--hmp")])
def test_first_words_that_are_no_address(run_qmpsh: RunQmpsh, argv: list[str], said: str) -> None:
    done = run_qmpsh(*argv)
    assert (done.stdout, done.returncode) == ("", 2)
    assert said in done.stderr


@pytest.mark.parametrize("words, code", [(["help"], 1), (["help", "device_add"], 2)])
def test_a_verb_without_its_dot(vm: Vm, run_qmpsh: RunQmpsh, words: list[str], code: int) -> None:
    done = run_qmpsh(vm.path, *words)
    assert (done.stdout, done.returncode) == ("", code)
    assert "did you mean .help" in done.stderr


def test_set_knows_the_themes_everywhere(vm: Vm, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(vm.path, ".set", "theme", "nope")
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.startswith("qmpsh: no theme nope")
    assert run_qmpsh(vm.path, ".set theme light").returncode == 0
    assert run_qmpsh(vm.path, ".set theme monokai").returncode == 0
    done = run_qmpsh(vm.path, stdin=".set theme nope\n.set theme\n")
    assert (done.stdout, done.returncode) == ("", 2)
    done = run_qmpsh(vm.path, "-k", stdin=".set theme nope\n.set theme\n")
    assert done.stdout.split()[:2] == ["theme", "auto"]
