"""Which words are options, which one is the address, where the line begins."""

from __future__ import annotations

from collections.abc import Mapping

import click
import pytest

from qmpsh.cli.argv import VALUE_OPTIONS, SplitArgv, split_words
from qmpsh.cli.options import COMMAND, OPTIONS
from qmpsh.errors import UsageError
from qmpsh.language import modifiers
from qmpsh.language.modifiers import MODIFIERS, VERB_FLAGS

SOCKET = {"QMP_SOCKET": "/run/vm.sock"}


@pytest.mark.parametrize(
    "argv,environ,options,address,line",
    [
        ("./m", {}, [], "./m", []),
        ("./m query-status", {}, [], "./m", ["query-status"]),
        ("./m query-status -p", {}, [], "./m", ["query-status", "-p"]),
        ("-p ./m query-status", {}, ["-p"], "./m", ["query-status"]),
        ("./m -p query-status", {}, ["-p"], "./m", ["query-status"]),
        ("-t 5 ./m -f a -f b", {}, ["-t", "5", "-f", "a", "-f", "b"], "./m", []),
        ("-kt5 ./m", {}, ["-kt5"], "./m", []),
        ("-kt 5 ./m", {}, ["-kt", "5"], "./m", []),
        ("--timeout=5 ./m", {}, ["--timeout=5"], "./m", []),
        ("--timeout 5 ./m x", {}, ["--timeout", "5"], "./m", ["x"]),
        (
            "./m -H screendump -f png /tmp/a",
            {},
            ["-H"],
            "./m",
            ["screendump", "-f", "png", "/tmp/a"],
        ),
        ("./m --hmp info", {}, ["--hmp"], "./m", ["info"]),
        ("localhost:4444 stop", {}, [], "localhost:4444", ["stop"]),
        ("[::1]:4444 stop", {}, [], "[::1]:4444", ["stop"]),
        ("tcp:localhost:4444,server=on stop", {}, [], "tcp:localhost:4444,server=on", ["stop"]),
        ("query-status", SOCKET, [], "/run/vm.sock", ["query-status"]),
        ("./m query-status", SOCKET, [], "./m", ["query-status"]),
        ("", SOCKET, [], "/run/vm.sock", []),
        ("", {}, [], None, []),
        ("-n stop", {}, ["-n"], None, ["stop"]),
        ("-kn stop", {}, ["-kn"], None, ["stop"]),
        ("--schema s .json stop", {}, ["--schema", "s"], None, [".json", "stop"]),
        ("--schema=s .export bash stop", {}, ["--schema=s"], None, [".export", "bash", "stop"]),
        ("--schema s .json stop", SOCKET, ["--schema", "s"], "/run/vm.sock", [".json", "stop"]),
        ("./m -w stop", {}, ["--wait"], "./m", ["stop"]),
        ("./m --wait stop", {}, ["--wait"], "./m", ["stop"]),
        ("./m --wait=STOP stop", {}, ["--wait=STOP"], "./m", ["stop"]),
        ("./m -w=STOP stop", {}, ["--wait=STOP"], "./m", ["stop"]),
        ("./m -kwt 5 stop", {}, ["-k", "--wait", "-t", "5"], "./m", ["stop"]),
        ("./m -kw=STOP stop", {}, ["-k", "--wait=STOP"], "./m", ["stop"]),
        ("-fw ./m", {}, ["-fw"], "./m", []),
        ("--dry-run stop", {}, ["--dry-run"], None, ["stop"]),
        ("-f - ./m", {}, ["-f", "-"], "./m", []),
        ("-- ./m -x", {}, [], "./m", ["-x"]),
        ("./m -- -x", {}, [], "./m", ["-x"]),
    ],
)
def test_split(
    argv: str,
    environ: Mapping[str, str],
    options: list[str],
    address: str | None,
    line: list[str],
) -> None:
    assert split_words(argv.split(), environ) == SplitArgv(options, address, line)


def test_a_transcript_is_no_option() -> None:
    line = '-> { "execute": "stop" }'
    assert split_words(["./m", line], {}) == SplitArgv([], "./m", [line])
    assert split_words([line], SOCKET) == SplitArgv([], "/run/vm.sock", [line])


@pytest.mark.parametrize(
    "argv", ["--wait STOP stop", "-w STOP", "--wait ./m STOP stop", "./m -kw BLOCK_JOB_READY x"]
)
def test_an_event_stands_behind_an_equals_sign(argv: str) -> None:
    with pytest.raises(UsageError, match=r"^--wait takes its event after =, as in --wait=[A-Z_]+$"):
        split_words(argv.split(), SOCKET)


def test_a_verb_takes_all_that_stands_behind_it() -> None:
    words = split_words(["-p", "run", "-f", "x", "--", "qemu", "-S"], SOCKET)
    assert words == SplitArgv(["-p"], None, ["-f", "x", "--", "qemu", "-S"], "run")
    assert split_words(["./run", "run"], {}) == SplitArgv([], "./run", ["run"])


NEITHER = (
    " is neither a file nor the name of a VM here, see qmpsh ls; the first word must be an address,"
    " such as ./monitor.sock (or set QMP_SOCKET)"
)


@pytest.mark.parametrize(
    "words, said",
    [
        (["help"], "help is not an address; did you mean qmpsh --help?"),
        ([".help"], ".help is not an address; did you mean qmpsh --help?"),
        (["version"], "version is not an address; did you mean qmpsh --version?"),
        ([""], "the address is empty; qmpsh ls lists the monitors of this machine"),
        (
            ["vm.sock", "stop"],
            "no such file: vm.sock; write a socket that does not exist yet as ./vm.sock, and"
            " --connect-timeout waits for it",
        ),
        (
            ["sub/vm", "stop"],
            "no such file: sub/vm; write a socket that does not exist yet as ./sub/vm, and"
            " --connect-timeout waits for it",
        ),
        (
            ["-fn", "stop"],
            "stop needs an address: qmpsh ./monitor.sock stop, or set QMP_SOCKET;"
            " no VM here has that name",
        ),
        (
            ["device_add", "driver=x"],
            "device_add ... needs an address: qmpsh ./monitor.sock device_add ..., or set"
            " QMP_SOCKET",
        ),
        (
            ['{"execute": "stop"}'],
            '\'{"execute": "stop"}\' needs an address: qmpsh ./monitor.sock'
            ' \'{"execute": "stop"}\', or set QMP_SOCKET',
        ),
        (["nosuch", "query-status"], f"'nosuch'{NEITHER}"),
        (
            [".set", "x"],
            ".set ... needs an address: qmpsh ./monitor.sock .set ..., or set QMP_SOCKET",
        ),
    ],
)
def test_a_first_word_that_is_neither(words: list[str], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        split_words(words, {})
    assert (str(caught.value), caught.value.exit_code) == (said, 2)


def test_an_existing_path_is_an_address(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    monkeypatch.chdir(str(tmp_path))
    with open("stop", "w", encoding="utf-8"):
        pass
    assert split_words(["stop", "stop"], SOCKET) == SplitArgv([], "stop", ["stop"])


def test_the_options_that_take_a_value_are_those_of_click() -> None:
    """The splitter knows them without click, which it is there to spare.

    `--wait` has its value only behind `=`, never in the next word.
    """
    taking = {
        name
        for option in OPTIONS
        if isinstance(option, click.Option) and not option.is_flag and option.name != "wait"
        for name in option.opts
    }
    assert taking == VALUE_OPTIONS


def test_the_options_that_are_no_modifiers_are_those_of_click() -> None:
    """Who writes one behind the command is told to write it before."""
    names = {
        name.removeprefix("--")
        for option in COMMAND.get_params(click.Context(COMMAND))
        for name in (*option.opts, *option.secondary_opts)
        if name.startswith("--")
    }
    assert names - (set(MODIFIERS) - VERB_FLAGS) == modifiers.OPTIONS
