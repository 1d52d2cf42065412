"""What a TARGET stands for: sockets in a folder, files of addresses, names."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.address import UnixAddress, parse_address
from qmpsh.errors import AddressError, QmpshError, UsageError
from qmpsh.many.targets import Target, TargetReader, counted
from tests.qemu import new_folder


@pytest.fixture
def folder() -> Iterator[str]:
    """A folder with the sockets of three VMs, of an agent and of a human monitor, and a file."""
    path = new_folder()
    sockets = [socket.socket(socket.AF_UNIX) for _ in range(5)]
    for one, name in zip(sockets, ("vm10", "vm2", "vm1", "vm1-qga", "vm1.hmp"), strict=True):
        one.bind(f"{path}/{name}.sock")
    Path(path, "notes.sock").write_text("")
    yield path
    for one in sockets:
        one.close()


def read(*texts: str, agent: bool = False) -> list[Target]:
    return TargetReader(agent=agent, note=pytest.fail).read_all(texts)


def stems(targets: list[Target]) -> list[str]:
    return [target.stem for target in targets]


def test_a_glob_finds_sockets_in_natural_order(folder: str) -> None:
    assert stems(read(f"{folder}/*.sock")) == ["vm1", "vm2", "vm10"]
    assert stems(read(f"unix:{folder}/vm?.sock")) == ["vm1", "vm2"]
    assert "vm1-qga" in stems(read(f"{folder}/*.sock", agent=True))


def test_braces_and_several_targets_give_each_vm_once(folder: str) -> None:
    targets = read(
        f"{folder}/vm{{1..2}}.sock", f"{folder}/*.sock", f"{folder}/../{folder}/vm1.sock"
    )
    assert stems(targets)[:3] == ["vm1", "vm2", "vm10"]


NAMES = st.one_of(
    st.sampled_from(["all", "exec:id", "libvirt:", "@-", "@list", "ssh://h", "h:1", "~", "a", "b"]),
    st.text("ab{},[]*?@:~!-1 ", min_size=1, max_size=12),
)


@given(st.lists(NAMES, min_size=1, max_size=4, unique=True))
def test_what_a_glob_has_found_means_itself(names: list[str]) -> None:
    """Other users choose the names of sockets in a folder that is shared, such as /tmp."""
    with contextlib.ExitStack() as stack:
        folder = new_folder()
        stack.callback(shutil.rmtree, folder)
        stack.enter_context(contextlib.chdir(folder))
        for name in names:
            one = stack.enter_context(socket.socket(socket.AF_UNIX))
            one.bind(f"./{name.replace('/', '-')}")
        plain = [name for name in names if not {*"*?"} & {*name}]
        for pattern in ("*", f"{folder}/*"):
            if not plain:
                with pytest.raises(UsageError):
                    TargetReader(agent=False, note=lambda text: None).read_all([pattern])
                continue
            targets = TargetReader(agent=False, note=lambda text: None).read_all([pattern])
            assert len(targets) == len(plain)
            for target in targets:
                meant = parse_address(target.text)
                assert [one.address for one in read(target.text)] == [meant]
                assert isinstance(meant, UnixAddress)
                assert isinstance(target.address, UnixAddress)
                assert os.path.samefile(meant.path, target.address.path)


def test_a_socket_that_is_called_like_a_pattern_hides_no_others(folder: str) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(f"{folder}/vm{{1,2}}*.sock")
        reader = TargetReader(agent=False, note=lambda text: None)
        assert stems(reader.read_all([f"{folder}/vm{{1,2}}*.sock"])) == ["vm1", "vm10", "vm2"]


def test_a_socket_that_is_named_may_be_missing() -> None:
    assert [target.text for target in read("/no-such/vm.sock", "tcp:h:4444")] == [
        "/no-such/vm.sock",
        "tcp:h:4444",
    ]


def test_a_file_names_addresses_and_vms(folder: str, tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_text(
        "# the web servers\n"
        f"{folder}/vm1.sock web1 env=prod\n"
        "\n"
        "'exec:socat - UNIX:/m' db env=test\n"
        f"{folder}/vm2.sock env=prod\n"
        f"{folder}/vm1*.sock\n"
    )
    targets = read(f"@{listed}")
    assert [(one.text, one.name) for one in targets] == [
        (f"{folder}/vm1.sock", "web1"),
        ("exec:socat - UNIX:/m", "db"),
        (f"{folder}/vm2.sock", ""),
        (f"{folder}/vm10.sock", ""),
    ]


@pytest.mark.parametrize(
    "text,message",
    [
        ("/a b c", "expected ADDRESS [NAME] [KEY=VALUE...], not c"),
        ("/a 'b", "expected the closing '"),
        ("@other", "expected ADDRESS [NAME] [KEY=VALUE...], not @other"),
        ("/a > b", "expected ADDRESS [NAME] [KEY=VALUE...], not >"),
        ("xmpp:a", "xmpp: is not an address scheme"),
        ("/no-such/*.sock", "no socket matches"),
    ],
)
def test_a_wrong_line_is_named_by_its_number(text: str, message: str, tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_text(f"# one\n{text}\n")
    with pytest.raises(UsageError) as refused:
        read(f"@{listed}")
    assert f"@{listed}, line 2: " in str(refused.value)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "text,message",
    [
        ("", "-a takes a TARGET: a glob in quotes, all, an address, a name, @FILE"),
        ("/no-such/*.sock", "-a /no-such/*.sock: no socket matches"),
        ("@/no-such", "-a @/no-such: cannot read it: No such file or directory"),
        ("@/dev/zero", "-a @/dev/zero: cannot read it: it is a device, not a file"),
        (
            "no-such-vm",
            "-a no-such-vm: it is neither a file nor the name of a VM here, see qmpsh ls",
        ),
    ],
)
def test_what_names_no_vm(text: str, message: str) -> None:
    with pytest.raises(UsageError) as refused:
        read(text)
    assert str(refused.value) == message


def test_hosts_of_ssh_are_counted() -> None:
    assert [one.text for one in read("ssh://me@host[1-2].lan/run/vm{1..2}.sock")] == [
        "ssh://me@host1.lan/run/vm1.sock",
        "ssh://me@host2.lan/run/vm1.sock",
        "ssh://me@host1.lan/run/vm2.sock",
        "ssh://me@host2.lan/run/vm2.sock",
    ]
    assert [one.is_found for one in read("ssh://h/run/*.sock", "ssh://h/run/vm.sock")] == [
        True,
        False,
    ]
    (six,) = read("ssh://me@[::1]/run/vm.sock")
    assert (six.text, six.host, six.stem) == ("ssh://me@[::1]/run/vm.sock", "[::1]", "vm")


@pytest.mark.parametrize(
    "texts,words",
    [
        (["/a"], "1 VM"),
        (["/a", "tcp:h:1"], "2 VMs"),
        (["/a", "ssh://h[1-2]/*.sock"], "1 VM and what 2 globs on other hosts may find"),
        (["ssh://h/run/?.sock"], "what 1 glob on other hosts may find"),
        (["ssh://[::1]/run/a.sock"], "1 VM"),
    ],
)
def test_how_many_they_are(texts: list[str], words: str) -> None:
    assert counted(read(*texts)) == words


@pytest.mark.parametrize("text", ["ssh://-oProxyCommand=x/run/a", "ssh://h[1-2]/run/**/*.sock"])
def test_what_is_not_on_a_host(text: str) -> None:
    with pytest.raises(UsageError):
        read(text)


def test_a_file_without_an_address_is_refused(tmp_path: Path) -> None:
    listed = tmp_path / "list"
    listed.write_text("# none\n")
    with pytest.raises(UsageError, match="it names no VM"):
        read(f"@{listed}")


@given(st.text(alphabet="/ab*?[]{}.,1:@#-", max_size=12).filter(lambda text: text[:1] != "@"))
def test_any_text_is_targets_or_refused(text: str) -> None:
    try:
        assert all(isinstance(one, Target) for one in read(f"/no-such/{text}"))
    except (AddressError, QmpshError):
        pass
