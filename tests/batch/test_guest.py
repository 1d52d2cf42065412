"""`--guest-agent`, `.exec`, `.cat` and `.put` as a user's command lines, on a real qemu-ga."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from qmpsh.errors import QmpshError
from qmpsh.shell.verbs import local_data
from qmpsh.shell.verbs.local_data import LocalData, open_local, pieces_of
from tests.agents import Agent
from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm
from tests.waiting import PATIENCE, wait_until

NO_MANUAL = {"QMPSH_MANPATH": ""}


def ga(agent: Agent, *words: str) -> tuple[str, ...]:
    return (agent.path, "--guest-agent", *words)


def raw(agent: Agent, *words: str) -> bytes:
    """What the command writes, as bytes."""
    done = subprocess.run(
        [sys.executable, "-m", "qmpsh", *ga(agent, *words)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=True,
    )
    assert done.stderr == b""
    return done.stdout


# ------------------------------------------------------------------------ commands


def test_a_command(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*ga(agent, "guest-info"))
    assert json.loads(done.stdout)["version"] == agent.version
    assert (done.stderr, done.returncode) == ("", 0)


def test_the_agent_s_own_words(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*ga(agent, "guest-shutdown", "mode=halt"), env=NO_MANUAL)
    assert done.returncode == 1
    assert "CommandNotFound: Command guest-shutdown has been disabled" in done.stderr
    done = run_qmpsh(*ga(agent, "qmp_capabilities"))
    assert done.stderr.startswith(
        "qmpsh: CommandNotFound: The command qmp_capabilities has not been found"
    )


def test_a_script(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    script = "guest-ping\nguest-sync id=7\n.exec echo hello\n.exec false\nguest-sync id=8\n"
    done = run_qmpsh(*ga(agent), stdin=script, env=NO_MANUAL)
    assert (done.stdout, done.stderr, done.returncode) == ("7\nhello\n", "", 1)


def test_disabled_commands_say_so(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    said = run_qmpsh(*ga(agent, ".help")).stdout
    assert "guest-shutdown (disabled)" in said
    assert "guest-ping (disabled)" not in said
    said = run_qmpsh(*ga(agent, ".help guest-shutdown"), env=NO_MANUAL).stdout
    assert said.startswith(
        "guest-shutdown is disabled: the guest's administrator has turned it off"
    )
    assert "qemu-ga-ref(7) would say more" in said


def test_without_a_manual_arguments_are_guessed(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*ga(agent, "guest-file-open", "pth=/x"), env=NO_MANUAL)
    assert (done.returncode, done.stderr[:20]) == (1, "qmpsh: GenericError:")


MANUAL = r"""
.TH "QEMU-GA-REF" "7" "today" "{version}" "QEMU"
.SS \fBguest\-file\-open\fP (Command)
.sp
Open.
.SS Arguments
.INDENT 0.0
.TP
.B \fBpath\fP: \fBstring\fP
where
.UNINDENT
"""


def manual(folder: Path, version: str) -> dict[str, str]:
    (folder / "man7").mkdir()
    (folder / "man7" / "qemu-ga-ref.7").write_text(MANUAL.replace("{version}", version))
    return {"QMPSH_MANPATH": str(folder)}


def test_the_manual_of_this_release_refuses(
    agent: Agent, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    found = manual(tmp_path, agent.version)
    done = run_qmpsh(*ga(agent, "guest-file-open", "pth=/x"), env=found)
    assert done.returncode == 2
    assert "guest-file-open has no argument 'pth'; did you mean path?" in done.stderr
    # What the manual does not tell of is not blocked.
    assert run_qmpsh(*ga(agent, "guest-sync", "id=5"), env=found).stdout == "5\n"


def test_the_manual_of_another_release_only_warns(
    agent: Agent, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    found = manual(tmp_path, "1.0.0")
    done = run_qmpsh(*ga(agent, "guest-file-open", "path=/etc/hosts", "mode=r"), env=found)
    assert (done.returncode, done.stdout.strip().isdigit()) == (0, True)
    assert done.stderr.startswith(
        "qmpsh: sent unchanged, but the manual installed here says: guest-file-open has no"
        " argument 'mode'"
    )


# ------------------------------------------------------------------------ .exec


def test_exec_passes_words_on_as_they_are(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    words = ("-x", "/a b", "--timeout=3", "a=1", "|", ">", "#", "")
    done = run_qmpsh(*ga(agent, ".exec", "printf", "[%s]", *words))
    assert (done.stdout, done.returncode) == ("".join(f"[{word}]" for word in words), 0)
    done = run_qmpsh(*ga(agent, ".exec printf '[%s]' '/a b' --x=\"y z\""))
    assert done.stdout == "[/a b][--x=y z]"


def test_exec_streams_and_exit_code(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*ga(agent, ".exec", "sh", "-c", "echo out; echo err >&2; exit 7"))
    assert (done.stdout, done.stderr, done.returncode) == ("out\n", "err\n", 7)


def test_exec_signal(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*ga(agent, ".exec", "sh", "-c", "kill -9 $$"))
    assert done.stderr == "qmpsh: the guest command was ended by signal 9\n"
    assert done.returncode == 128 + 9


def test_exec_of_nothing(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*ga(agent, ".exec", "/no/such"))
    assert done.returncode == 1
    assert done.stderr.startswith("qmpsh: GenericError: ")
    assert "Failed to execute child process" in done.stderr
    done = run_qmpsh(*ga(agent, ".exec"))
    assert done.returncode == 2
    assert done.stderr.startswith("qmpsh: expected a command, as in .exec uname -a\n")


@pytest.mark.parametrize("words", [("-t", "2", ".exec"), (".exec", "--timeout", "2")])
def test_exec_has_its_time(agent: Agent, run_qmpsh: RunQmpsh, words: tuple[str, ...]) -> None:
    done = run_qmpsh(*ga(agent, *words, "sleep", "30"))
    assert done.returncode == 124
    late = "qmpsh: sleep did not end within 2 s; it may still be running in the guest\n"
    assert done.stderr == late


def test_exec_bytes(agent: Agent) -> None:
    assert raw(agent, ".exec", "printf", r"\377\000\033[31m\r\n") == b"\xff\x00\x1b[31m\r\n"


def test_exec_whole_reply_and_dry_run(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*ga(agent, "--json", ".exec", "echo", "hi"))
    assert json.loads(done.stdout)["return"]["out-data"] == "aGkK"
    done = run_qmpsh(*ga(agent, "-n", ".exec", "echo", "hi"))
    assert json.loads(done.stdout) == {
        "execute": "guest-exec",
        "arguments": {"path": "echo", "arg": ["hi"], "capture-output": True},
    }


def test_read_only(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*ga(agent, "--read-only", ".exec", "echo", "hi"))
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.startswith("qmpsh: guest-exec was not sent: --read-only allows only")
    assert run_qmpsh(*ga(agent, "--read-only", ".cat", "/etc/hostname")).returncode == 0


def test_exec_into_a_file_and_a_pipe(agent: Agent, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    target = tmp_path / "out"
    run_qmpsh(*ga(agent, f".exec printf '\\\\377' > {target}"))
    assert target.read_bytes() == b"\xff"
    assert run_qmpsh(*ga(agent, ".exec echo one two | wc -w")).stdout.split() == ["2"]


def test_exec_when_the_agent_goes(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*ga(agent, ".exec", "sh", "-c", f"kill -9 {agent.process.pid}"))
    assert done.returncode == 4
    assert done.stderr == "qmpsh: the server closed the connection\n"


# ------------------------------------------------------------------------ .cat


def test_cat_gives_every_byte(agent: Agent) -> None:
    content = bytes(range(256)) * 5000 + b"\nno newline at the end"
    path = Path(agent.folder, "a file")
    path.write_bytes(content)
    assert raw(agent, ".cat", str(path)) == content
    path.write_bytes(b"")
    assert raw(agent, ".cat", str(path)) == b""


def test_cat_closes_what_it_opened(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    folder = agent.folder
    script = f".cat /etc/hostname > {folder}/x\n.cat {folder}\n.cat /etc/hostname > /no/such\n"
    done = run_qmpsh(*ga(agent, "-k"), stdin=script)
    assert "cannot write /no/such: No such file" in done.stderr
    assert Path(folder, "x").read_bytes() == Path("/etc/hostname").read_bytes()
    assert opened_by(agent, "/etc/hostname") == 0
    assert opened_by(agent, folder) == 0


def opened_by(agent: Agent, path: str) -> int:
    folder = f"/proc/{agent.process.pid}/fd"
    links = [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)]
    return links.count(path)


def test_cat_interrupted_closes(agent: Agent) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "qmpsh", *ga(agent, ".cat", "/dev/zero")],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.read(1 << 20) == bytes(1 << 20)
        assert opened_by(agent, "/dev/zero") == 1
        process.send_signal(signal.SIGINT)
        process.stdout.close()
        assert process.wait(PATIENCE) in (130, 141)
    # Nobody waits for it at an interrupt. An agent with a socket of its own may even end, when its
    # client leaves before it has read an answer; one in a guest does not notice.
    wait_until(lambda: opened_by(agent, "/dev/zero") == 0)


def test_cat_errors(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*ga(agent, ".cat", "/no/such"))
    assert done.returncode == 1
    assert done.stderr.startswith("qmpsh: GenericError: ")
    assert "/no/such" in done.stderr
    assert run_qmpsh(*ga(agent, ".cat", "a", "b")).returncode == 2


@pytest.mark.parametrize("line", [".exec ls", ".cat /x", ".put x /x"])
def test_a_monitor_is_no_agent(vm: Vm, run_qmpsh: RunQmpsh, line: str) -> None:
    done = run_qmpsh(vm.path, line)
    verb = line.split()[0]
    assert done.stderr == (
        f"qmpsh: {verb} is for guest agents: connect to the agent's socket with --guest-agent\n"
    )
    assert done.returncode == 2


# ------------------------------------------------------------------------ --stdin, .put


def test_exec_reads_stdin(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*ga(agent, ".exec", "--stdin", "--timeout", "20", "wc", "-l"), stdin="a\nb\n")
    assert (done.stdout.strip(), done.stderr, done.returncode) == ("2", "", 0)
    done = run_qmpsh(*ga(agent, ".exec --stdin cat"), stdin="")
    assert (done.stdout, done.returncode) == ("", 0)
    # Behind the command it is the command's.
    assert run_qmpsh(*ga(agent, ".exec", "echo", "--stdin"), stdin="x").stdout == "--stdin\n"


def test_stdin_is_not_both_script_and_data(
    agent: Agent, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    for line in (".exec --stdin cat", f".put - {agent.folder}/x"):
        done = run_qmpsh(*ga(agent), stdin=line)
        assert done.returncode == 2
        assert "stdin is the terminal or the script here; use a one-shot, or -f FILE" in done.stderr
    script = tmp_path / "script"
    script.write_text(".exec --stdin cat\n")
    assert run_qmpsh(*ga(agent, "-f", str(script)), stdin="data").stdout == "data"


def test_exec_stdin_refusals(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*ga(agent, ".exec", "--stdin=x", "cat"))
    assert (done.returncode, done.stderr[:28]) == (2, "qmpsh: --stdin takes no valu")
    done = run_qmpsh(*ga(agent, ".exec", "--stdin", "cat"), stdin="x" * ((16 << 20) + 1))
    assert done.returncode == 2
    assert "stdin holds more than 16 MiB" in done.stderr


def put(agent: Agent, run_qmpsh: RunQmpsh, local: Path, *options: str) -> tuple[str, int]:
    """What `.put` says of a file that goes to `there` in the agent's folder, and its exit code."""
    done = run_qmpsh(*ga(agent, *options, ".put", str(local), f"{agent.folder}/there"))
    assert done.stdout == ""
    return done.stderr, done.returncode


@pytest.mark.parametrize("size", [0, 1, 256 * 1024, 3_000_000])
def test_put_gives_every_byte(agent: Agent, run_qmpsh: RunQmpsh, tmp_path: Path, size: int) -> None:
    local, there = tmp_path / "a file", Path(agent.folder, "there")
    local.write_bytes(os.urandom(size))
    there.write_bytes(b"older, and longer than one byte")
    assert put(agent, run_qmpsh, local) == ("", 0)
    assert there.read_bytes() == local.read_bytes()
    assert opened_by(agent, str(there)) == 0


def test_put_reads_stdin_and_what_does_not_tell_its_size(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    there = Path(agent.folder, "there")
    assert run_qmpsh(*ga(agent, ".put", "-", str(there)), stdin="é\n" * 200_000).returncode == 0
    assert there.read_text() == "é\n" * 200_000
    assert put(agent, run_qmpsh, Path("/proc/version")) == ("", 0)
    assert there.read_bytes() == Path("/proc/version").read_bytes()


def test_put_sends_nothing_of_what_is_no_file(
    agent: Agent, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path, said in (
        (tmp_path / "fifo", "is a pipe, not a regular file; - sends stdin instead"),
        (Path("/dev/zero"), "is a device, not a regular file; - sends stdin instead"),
        (tmp_path, "is a directory, not a regular file; name a file in it"),
        (tmp_path / "none", "No such file or directory"),
        (Path(agent.path), "No such device or address"),
    ):
        stderr, code = put(agent, run_qmpsh, path)
        assert (said in stderr, code) == (True, 2), stderr
    assert not Path(agent.folder, "there").exists()


def test_put_of_a_growing_file_has_an_end(tmp_path: Path) -> None:
    local = tmp_path / "log"
    local.write_bytes(b"12345")
    with open_local(str(local), None) as source:
        local.write_bytes(b"1234567890")
        assert b"".join(pieces_of(source, None)) == b"12345"
    with open_local(str(local), None) as source:
        local.write_bytes(b"1")
        with pytest.raises(QmpshError, match="became shorter while it was read"):
            list(pieces_of(source, None))


def test_put_of_an_endless_file_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_data, "MAX_UNSIZED_BYTES", 1 << 20)
    fd = os.open("/dev/zero", os.O_RDONLY)
    with pytest.raises(QmpshError, match="may have no end"):
        list(pieces_of(LocalData("/proc/endless", fd, 0), None))
    os.close(fd)


def test_put_that_fails_closes_the_file(agent: Agent, run_qmpsh: RunQmpsh, tmp_path: Path) -> None:
    local = tmp_path / "big"
    local.write_bytes(bytes(1 << 20))
    done = run_qmpsh(*ga(agent, ".put", str(local), "/dev/full"))
    assert done.returncode == 1
    first, second = done.stderr.splitlines()
    assert first == "qmpsh: /dev/full is incomplete: it has 0 bytes of 1048576"
    assert second.startswith("qmpsh: GenericError: failed to write to file: No space left")
    assert opened_by(agent, "/dev/full") == 0
    done = run_qmpsh(*ga(agent, ".put", str(local), "/no/such/file"))
    assert (done.returncode, "failed to open file" in done.stderr) == (1, True)


def test_put_has_its_time(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    there = f"{agent.folder}/there"
    reader, writer = os.pipe()  # never written to
    with subprocess.Popen(
        [sys.executable, "-m", "qmpsh", *ga(agent, "-t", "0.5", ".put", "-", there)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=reader,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        said = process.communicate(timeout=PATIENCE)[1]
    os.close(reader)
    os.close(writer)
    assert process.returncode == 124
    assert (
        said == f"qmpsh: {there} is incomplete: it has 0 bytes\nqmpsh: stdin did not end in time\n"
    )
    wait_until(lambda: opened_by(agent, there) == 0)  # the command waits a second for it at most


def test_put_changes_and_says_what_it_would_do(
    agent: Agent, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    local = tmp_path / "x"
    local.write_text("x")
    stderr, code = put(agent, run_qmpsh, local, "--read-only")
    assert (stderr.startswith("qmpsh: guest-file-open was not sent"), code) == (True, 2)
    done = run_qmpsh("-n", ".put", str(local), "/tmp/x")
    assert json.loads(done.stdout)["arguments"] == {"path": "/tmp/x", "mode": "w"}
    for words in ((".put",), (".put", "a"), (".put", "a", "b", "c")):
        done = run_qmpsh(*ga(agent, *words))
        assert done.returncode == 2
        assert done.stderr.startswith("qmpsh: expected a file here and one of the guest")
