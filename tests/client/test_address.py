"""Addresses: what users and QEMU write."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qmpsh.address import (
    Address,
    TcpAddress,
    Transport,
    UnixAddress,
    looks_like_address,
    parse_address,
)
from qmpsh.client.transports.tls import OPTIONS
from qmpsh.errors import AddressError
from tests.protocol.strategies import patient


@pytest.mark.parametrize(
    "text, address",
    [
        ("/run/m.sock", UnixAddress("/run/m.sock")),
        ("./m.sock", UnixAddress("./m.sock")),
        ("../m.sock", UnixAddress("../m.sock")),
        ("monitor.sock", UnixAddress("monitor.sock")),
        ("sub/m.sock", UnixAddress("sub/m.sock")),
        ("/with blank/a:b", UnixAddress("/with blank/a:b")),
        ("/a,server=on", UnixAddress("/a,server=on")),
        ("/a,,b", UnixAddress("/a,,b")),
        ("unix:/p", UnixAddress("/p")),
        ("unix:p", UnixAddress("p")),
        ("unix:/p,server=on,wait=off", UnixAddress("/p")),
        ("unix:/p,server,nowait", UnixAddress("/p")),
        ("unix:/p,server", UnixAddress("/p")),
        ("unix:/a,b", UnixAddress("/a,b")),
        ("unix:/a,,b,server=on", UnixAddress("/a,b")),
        ("unix:/a,,server", UnixAddress("/a,server")),
        ("unix:/a,,,server", UnixAddress("/a,")),
        ("unix:/a,b,reconnect-ms=300", UnixAddress("/a,b")),
        ("unix:/a,serverless", UnixAddress("/a,serverless")),
        ("unix:/with blank:colon", UnixAddress("/with blank:colon")),
        ("unix:name,abstract=on", UnixAddress("name", abstract=True)),
        ("unix:name,server=on,abstract=on,tight=on", UnixAddress("name", abstract=True)),
        ("unix:name,abstract", UnixAddress("name", abstract=True)),
        ("unix:name,abstract=off", UnixAddress("name")),
        ("unix:~/x,abstract=on", UnixAddress("~/x", abstract=True)),
        ("127.0.0.1:4444", TcpAddress("127.0.0.1", 4444)),
        ("my-host.example:1", TcpAddress("my-host.example", 1)),
        ("[::1]:4444", TcpAddress("::1", 4444)),
        ("[fe80::1%eth0]:4444", TcpAddress("fe80::1%eth0", 4444)),
        ("tcp:localhost:4444", TcpAddress("localhost", 4444)),
        ("tcp:localhost:65535,server=on,wait=off", TcpAddress("localhost", 65535)),
        ("tcp:[::1]:4444", TcpAddress("::1", 4444)),
        ("tcp:[::1]:4444,server,nowait", TcpAddress("::1", 4444)),
        ("tcp::4444,server=on", TcpAddress("localhost", 4444)),
        ("telnet:[::1]:4444,server,nowait", TcpAddress("::1", 4444)),
        ("unix:/p,server=on,telnet=on", UnixAddress("/p")),
    ],
)
def test_forms(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert parse_address(str(address)) == address


@pytest.mark.parametrize("text", ["~/m.sock", "unix:~/m.sock", "unix:~/m.sock,server=on"])
def test_home(text: str) -> None:
    assert parse_address(text) == UnixAddress(f"{os.environ['HOME']}/m.sock")


@pytest.mark.parametrize(
    "address, text",
    [
        (UnixAddress("/run/m.sock"), "/run/m.sock"),
        (UnixAddress("m.sock"), "unix:m.sock"),
        (UnixAddress("a,server"), "unix:a,,server"),
        (UnixAddress("unix:x"), "unix:unix:x"),
        (UnixAddress("/n", abstract=True), "unix:/n,abstract=on"),
        (TcpAddress("::1", 5), "tcp:[::1]:5"),
        (TcpAddress("unix", 5), "tcp:unix:5"),
    ],
)
def test_as_text(address: Address, text: str) -> None:
    assert str(address) == text
    assert parse_address(text) == address


TRANSPORTS = [
    "tls:host:4444",
    "tls:[::1]:4444?name=vm.example",
    "tls:host:4444?ca=/a%20b%25/ca.pem&cert=c.pem&key=k.pem&name=n",
    "vsock:3:1234",
    "fd:7",
    "name:a vm: with anything",
    "exec:kubectl exec vm -- socat - UNIX:/run/m.sock",
    "ssh://host/run/m.sock",
    "ssh://me@host.example:2222/run/a b:c%d.sock",
    "ssh://[::1]/m",
    "listen:/run/m.sock",
    "listen:unix:m.sock",
    "listen:tcp:127.0.0.1:4444",
    "listen:tcp:[::1]:4444",
]


@pytest.mark.parametrize("text", TRANSPORTS)
def test_transports(text: str) -> None:
    address = parse_address(text)
    assert str(address) == text
    assert parse_address(str(address)) == address
    assert hash(parse_address(text)) == hash(address)
    assert address != parse_address("fd:8")
    assert looks_like_address(text)


@pytest.mark.parametrize(
    "text, parsed",
    [
        ("listen:unix:/m,server=off,reconnect=1", "listen:/m"),
        ("listen:localhost:4444", "listen:tcp:localhost:4444"),
        ("listen::4444", "listen:tcp:localhost:4444"),
        ("tls:h:1?", "tls:h:1"),
        ("tls:h:1?ca=~/a", "tls:h:1?ca={home}/a"),
    ],
)
def test_transports_in_other_words(text: str, parsed: str) -> None:
    assert str(parse_address(text)) == parsed.format(home=os.environ["HOME"])


@pytest.mark.parametrize(
    "text, why",
    [
        ("/a\0b", "it holds a NUL character"),
        ("unix:", "it has no path"),
        ("unix:,server=on", "it has no path"),
        ("vsock:host:1234", "vsock:CID:PORT is expected, both numbers of 32 bits"),
        ("vsock:4294967296:1", "vsock:CID:PORT is expected, both numbers of 32 bits"),
        ("fd:", "fd:N names a descriptor by its number"),
        ("fd:-1", "fd:N names a descriptor by its number"),
        ("fd:99999999", "fd:N names a descriptor by its number"),
        ("exec: ", "it has no command"),
        ("tls:host", "HOST:PORT is expected, an IPv6 address in brackets"),
        ("tls:h:1?dir=/x", "unknown option dir; valid: ca, cert, key, name"),
        *((f"tls:h:1?{name}=a%00", f"{name}= holds a NUL character") for name in OPTIONS),
        ("tls:h:1?name=.a", "name= is not a host name"),
        (f"tls:h:1?name={'a' * 64}", "name= is not a host name"),
        ("tls:h:1?ca=", "ca= is expected once, with a value"),
        ("tls:h:1?ca=a&ca=b", "ca= is expected once, with a value"),
        ("tls:h:1?key=k", "key= needs cert=, the certificate of that key"),
        ("ssh://host", "ssh://[USER@]HOST[:PORT]/PATH is expected, the path in full"),
        ("ssh:host:/m", "ssh://[USER@]HOST[:PORT]/PATH is expected, the path in full"),
        ("ssh://-oProxyCommand=x/m", "ssh://[USER@]HOST[:PORT]/PATH is expected, the path in full"),
        ("ssh://-x@h/m", "ssh://[USER@]HOST[:PORT]/PATH is expected, the path in full"),
        ("ssh://h:0/m", "ssh://[USER@]HOST[:PORT]/PATH is expected, the path in full"),
        ("listen:", "listen:unix:PATH or listen:HOST:PORT is expected"),
        ("listen:fd:3", "listen:unix:PATH or listen:HOST:PORT is expected"),
        ("listen:host:0", "listen:unix:PATH or listen:HOST:PORT is expected"),
        ("tcp:host", "HOST:PORT is expected, an IPv6 address in brackets"),
        ("tcp:::1:5", "HOST:PORT is expected, an IPv6 address in brackets"),
        ("tcp:host:qmp", "HOST:PORT is expected, an IPv6 address in brackets"),
    ],
)
def test_no_address(text: str, why: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(text)
    assert str(caught.value) == f"{text!r} is not an address: {why}"


@pytest.mark.parametrize(
    "text, said",
    [
        ("", "the address is empty; qmpsh ls lists the monitors of this machine"),
        ("host:0", "port 0: must be 1 to 65535"),
        ("localhost:999999", "port 999999: must be 1 to 65535"),
        ("tcp:host:" + "9" * 5000, f"port {'9' * 20}...: must be 1 to 65535"),
        (
            "foo:bar",
            "foo: is not an address scheme; known: exec fd libvirt listen name ssh tcp telnet tls"
            " unix vsock",
        ),
        *(
            (
                text,
                f"unknown option {name} in the address; a comma in a path is doubled, as in QEMU",
            )
            for text, name in (
                ("unix:/nowhere/s,foo=bar", "foo"),
                ("unix:/nowhere/s,servr=on,wait=off", "servr"),
                ("unix:/nowhere/s,server=on,foo", "foo"),
                ("tcp:h:1,foo=bar", "foo"),
                ("tcp:h:1,server=on,wat=off", "wat"),
            )
        ),
    ],
)
def test_what_is_wrong_with_it(text: str, said: str) -> None:
    with pytest.raises(AddressError) as caught:
        parse_address(text)
    assert str(caught.value) == said


def test_an_existing_path_has_no_options(tmp_path: Path) -> None:
    (tmp_path / "s,a=b").touch()
    assert parse_address(f"unix:{tmp_path}/s,a=b") == UnixAddress(f"{tmp_path}/s,a=b")


@pytest.mark.parametrize(
    "word, is_address",
    [
        ("/x", True),
        ("./x", True),
        ("../x", True),
        ("~/x", True),
        ("./run", True),
        ("unix:x", True),
        ("tcp:x:1", True),
        ("tcp:nonsense", True),
        ("localhost:4444", True),
        ("[::1]:4444", True),
        ("here", True),
        ("here:5", True),
        ("query-status", False),
        (".wait", False),
        ("monitor.sock", False),
        ("vsock:3:1234", True),
        ("exec:true", True),
        ("host:port", False),
        ('{"execute":"query-status"}', False),
        ("{'a':5", False),
        ("", False),
    ],
)
def test_first_word(
    word: str, is_address: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here").touch()
    assert looks_like_address(word) is is_address


def test_an_existing_path_is_no_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("host:4444").touch()
    assert parse_address("host:4444") == UnixAddress("host:4444")


@patient
@given(st.text(st.sampled_from("ab:,/.~[]0159=\0\udc80 ") | st.characters(), max_size=20))
def test_any_text_parses_back_or_is_refused(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressError:
        return
    assert parse_address(str(address)) == address


@patient
@given(
    st.builds(
        "unix:{},{}".format,
        st.text(st.sampled_from("a,/:= "), min_size=1)
        .filter(lambda path: path[-1] != ",")
        .map(lambda path: "/" + path.replace(",", ",,")),
        st.sampled_from(["server=on", "server,nowait", "wait=off,server=on", "path=/x"]),
    )
)
def test_options_never_reach_the_path(text: str) -> None:
    address = parse_address(text)
    assert isinstance(address, UnixAddress)
    written = text.removeprefix("unix:")
    assert written.startswith(address.path.replace(",", ",,") + ",")


def test_the_realm_of_an_address() -> None:
    """Where servers are that may share a schema: those on one host that is reached in one way."""
    first, second, other = (
        parse_address(f"ssh://{text}") for text in ("me@h:22/a", "me@h:22/b", "h:22/a")
    )
    assert isinstance(first, Transport)
    assert isinstance(second, Transport)
    assert isinstance(other, Transport)
    assert first.realm == second.realm != other.realm
    command = parse_address("exec:socat a")
    assert isinstance(command, Transport)
    assert command.realm == "exec:socat a"
