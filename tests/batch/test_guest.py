"""`--guest-agent`, `.exec` and `.cat` as a user's command lines, on a real qemu-ga."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.agents import Agent
from tests.conftest import RunQmpsh
from tests.qemu import ROOT, Vm

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
        timeout=30,
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
    assert "qemu-ga-ref(7) would tell more" in said


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
    assert "no member pth in guest-file-open; did you mean path?" in done.stderr
    # What the manual does not tell of is not blocked.
    assert run_qmpsh(*ga(agent, "guest-sync", "id=5"), env=found).stdout == "5\n"


def test_the_manual_of_another_release_only_warns(
    agent: Agent, run_qmpsh: RunQmpsh, tmp_path: Path
) -> None:
    found = manual(tmp_path, "1.0.0")
    done = run_qmpsh(*ga(agent, "guest-file-open", "path=/etc/hosts", "mode=r"), env=found)
    assert (done.returncode, done.stdout.strip().isdigit()) == (0, True)
    assert done.stderr.startswith(
        "qmpsh: sent as it stands, but the manual installed here says: no member mode"
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


@pytest.mark.parametrize("words", [("-t", "0.3", ".exec"), (".exec", "--timeout", "0.3")])
def test_exec_has_its_time(agent: Agent, run_qmpsh: RunQmpsh, words: tuple[str, ...]) -> None:
    done = run_qmpsh(*ga(agent, *words, "sleep", "5"))
    assert done.returncode == 124
    assert done.stderr == "qmpsh: sleep did not end within 0.3 s; it may go on in the guest\n"


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
    assert done.stderr.startswith("qmpsh: guest-exec was not sent: --read-only lets only through")
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
        assert process.wait(30) in (130, 141)
    assert opened_by(agent, "/dev/zero") == 0
    assert agent.process.poll() is None


def test_cat_errors(agent: Agent, run_qmpsh: RunQmpsh) -> None:
    done = run_qmpsh(*ga(agent, ".cat", "/no/such"))
    assert done.returncode == 1
    assert done.stderr.startswith("qmpsh: GenericError: ")
    assert "/no/such" in done.stderr
    assert run_qmpsh(*ga(agent, ".cat", "a", "b")).returncode == 2


@pytest.mark.parametrize("line", [".exec ls", ".cat /x"])
def test_a_monitor_is_no_agent(vm: Vm, run_qmpsh: RunQmpsh, line: str) -> None:
    done = run_qmpsh(vm.path, line)
    verb = line.split()[0]
    assert done.stderr == (
        f"qmpsh: {verb} is for guest agents: connect to the agent's socket with --guest-agent\n"
    )
    assert done.returncode == 2
