"""Streams on real sockets, and the sentence for each way in which connecting fails."""

from __future__ import annotations

import contextlib
import errno
import os
import pwd
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmpsh.address import TcpAddress, UnixAddress
from qmpsh.client.connect import SocketStream, begin_stream, open_stream, stream_over
from qmpsh.errors import Busy, CannotConnect, ConnectionLost, ConnectTimeout
from qmpsh.stream import Stream
from qmpsh.system.diagnose import tcp_refusal, unix_refusal
from tests.waiting import wait_until


@pytest.fixture
def folder() -> Iterator[Path]:
    """With a path short enough for unix sockets."""
    path = tempfile.mkdtemp(prefix="qmpsh-", dir="/tmp")
    yield Path(path)
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def listener(folder: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "s"))
        listening.listen(1)
        yield listening


@pytest.fixture
def pair() -> Iterator[tuple[Stream, socket.socket]]:
    """A stream, and the other end."""
    mine, other = socket.socketpair()
    stream = SocketStream(mine)
    with other:
        yield stream, other
    stream.close()


# ------------------------------------------------------------------------ bytes


def test_both_ways(pair: tuple[Stream, socket.socket]) -> None:
    stream, other = pair
    assert stream.recv(10) is None
    assert stream.send(b"to you") == 6
    assert other.recv(100) == b"to you"
    other.sendall(b"to me")
    assert stream.recv(2) == b"to"
    assert stream.recv(10) == b" me"
    other.close()
    assert stream.recv(10) == b""


def test_a_full_socket_takes_nothing(pair: tuple[Stream, socket.socket]) -> None:
    stream, other = pair
    sent = 0
    while taken := stream.send(b"x" * 65536):
        sent += taken
    assert sent > 0
    while sent:
        sent -= len(other.recv(65536))
    assert stream.send(b"x") == 1


def test_close_twice(pair: tuple[Stream, socket.socket]) -> None:
    stream, _ = pair
    stream.close()
    stream.close()
    assert stream.fileno() == -1


def test_nobody_to_send_to(pair: tuple[Stream, socket.socket]) -> None:
    stream, other = pair
    other.close()
    with pytest.raises(ConnectionLost) as caught:
        stream.send(b"x")
    assert str(caught.value) == "the server is gone: Broken pipe"


def test_a_reset_is_an_end(pair: tuple[Stream, socket.socket]) -> None:
    stream, other = pair
    stream.send(b"never read")
    other.close()  # with unread bytes: the kernel resets
    assert stream.recv(10) == b""


def test_another_error_is_a_loss(pair: tuple[Stream, socket.socket]) -> None:
    stream, _ = pair
    os.dup2(os.open(os.devnull, os.O_RDONLY), stream.fileno())
    with pytest.raises(ConnectionLost) as caught:
        stream.recv(10)
    assert str(caught.value) == "the connection broke: Socket operation on non-socket"


# ------------------------------------------------------------------------ connecting


def check(stream: Stream, listener: socket.socket) -> None:
    """That a stream leads to a listener."""
    with contextlib.closing(stream), listener.accept()[0] as other:
        other.sendall(b"hello")
        assert wait_until(lambda: stream.recv(10)) == b"hello"


def test_unix(folder: Path, listener: socket.socket) -> None:
    check(open_stream(UnixAddress(str(folder / "s")), 5.0), listener)


def test_path_longer_than_an_address(folder: Path) -> None:
    deep = folder / ("d" * 100)
    deep.mkdir()
    with socket.socket(socket.AF_UNIX) as listener:
        descriptor = os.open(deep, os.O_PATH)
        listener.bind(f"/proc/self/fd/{descriptor}/{'s' * 60}")
        os.close(descriptor)
        listener.listen(1)
        check(open_stream(UnixAddress(str(deep / ("s" * 60))), 5.0), listener)


def test_abstract() -> None:
    name = f"qmpsh-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"\0{name}")
        listener.listen(1)
        check(open_stream(UnixAddress(name, abstract=True), 5.0), listener)


@pytest.mark.parametrize("family, host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_tcp(family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host, 0), family=family) as listener:
        check(open_stream(TcpAddress(host, listener.getsockname()[1]), 5.0), listener)


# ------------------------------------------------------------------------ failing to connect


def refusal(address: UnixAddress | TcpAddress, timeout: float | None = 5.0) -> CannotConnect:
    with pytest.raises(CannotConnect) as caught:
        open_stream(address, timeout)
    return caught.value


@pytest.mark.skipif(not hasattr(socket, "TCP_QUICKACK"), reason="Linux alone has it")
def test_tcp_acknowledges_at_once() -> None:
    """Else an HMP monitor's echo, byte by byte, takes 40 ms a line."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        connected = socket.create_connection(listener.getsockname())
        stream = stream_over(connected)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 0)
        assert stream.send(b"x") == 1
        assert connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK) == 1
        stream.close()


def test_no_such_socket(folder: Path) -> None:
    path = f"{folder}/none"
    assert str(refusal(UnixAddress(path))) == (
        f"no such socket: {path}; start QEMU with -qmp unix:{path},server=on,wait=off; qmpsh ls"
        " lists the monitors of this machine"
    )
    assert str(refusal(UnixAddress(path + "x" * 200))).startswith("no such socket: ")
    assert str(refusal(UnixAddress("vm.sock"))).startswith("no such socket: ./vm.sock; ")
    assert str(refusal(UnixAddress(f"{folder}/gone/s"))) == (
        f"no such socket: {folder}/gone/s: no such folder: {folder}/gone; qmpsh ls lists the"
        " monitors of this machine"
    )


def test_stale_socket(folder: Path, listener: socket.socket) -> None:
    listener.close()
    assert str(refusal(UnixAddress(f"{folder}/s"))) == (
        f"nothing listens on {folder}/s: the VM that made this socket has ended; start it again"
    )


def test_regular_file(folder: Path) -> None:
    (folder / "file").touch()
    assert str(refusal(UnixAddress(f"{folder}/file"))) == (
        f"{folder}/file is a regular file, not a socket; qmpsh ls lists the monitors of this"
        " machine"
    )


def test_directory_and_pipe(folder: Path) -> None:
    assert " is a directory, not a socket; " in str(refusal(UnixAddress(str(folder))))
    os.mkfifo(folder / "pipe")
    assert " is a device or a pipe, not a socket; " in str(refusal(UnixAddress(f"{folder}/pipe")))


def test_datagram_socket(folder: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        other.bind(f"{folder}/s")
        assert str(refusal(UnixAddress(f"{folder}/s"))) == (
            f"{folder}/s is a socket of another type, not a stream as -qmp makes it"
        )


def test_full_backlog(folder: Path, listener: socket.socket) -> None:
    with contextlib.ExitStack() as waiting:

        def connect_until_full() -> CannotConnect | None:
            try:
                waiting.callback(begin_stream(UnixAddress(f"{folder}/s")).close)
            except CannotConnect as error:
                return error
            return None

        error = wait_until(connect_until_full)
    assert isinstance(error, Busy)
    assert str(error) == (
        f"{folder}/s takes no more clients: a client holds this monitor, which serves one at a"
        f" time, and"
        " others are waiting; close them, or give QEMU a second -qmp"
    )


def test_abstract_refused() -> None:
    assert str(refusal(UnixAddress("qmpsh-nobody", abstract=True))) == (
        "cannot connect to the abstract socket qmpsh-nobody: Connection refused"
    )
    assert str(refusal(UnixAddress("x" * 200, abstract=True))).endswith(": AF_UNIX path too long")


def me() -> str:
    return pwd.getpwuid(os.getuid()).pw_name


def test_no_permission(folder: Path) -> None:
    # Constructed, since root is let in everywhere.
    (folder / "s").touch()
    denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    assert str(unix_refusal(UnixAddress(f"{folder}/s"), denied)) == (
        f"no permission to connect to {folder}/s: it belongs to {me()}; run qmpsh as that user"
    )
    assert str(unix_refusal(UnixAddress(f"{folder}/closed/a/s"), denied)) == (
        f"no permission to connect to {folder}/closed/a/s: the folder {folder} belongs to {me()};"
        " run qmpsh as that user"
    )


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a file away")
def test_no_permission_of_nobody_known(folder: Path) -> None:
    (folder / "s").touch()
    os.chown(folder / "s", 54321, -1)
    denied = PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    assert str(unix_refusal(UnixAddress(f"{folder}/s"), denied)).endswith(
        "/s: it belongs to user 54321; run qmpsh as that user"
    )


def test_any_other_error(listener: socket.socket) -> None:
    path = listener.getsockname()
    too_many = OSError(errno.EMFILE, os.strerror(errno.EMFILE))
    assert str(unix_refusal(UnixAddress(path), too_many)) == (
        f"cannot connect to {path}: Too many open files"
    )
    assert str(unix_refusal(UnixAddress("/none"), too_many)) == (
        "cannot connect to /none: Too many open files"
    )


def test_tcp_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    error = refusal(TcpAddress("127.0.0.1", port))
    assert type(error) is CannotConnect
    assert str(error) == (
        f"connection refused at 127.0.0.1:{port}: nothing listens there; is QEMU running with"
        f" -qmp tcp:127.0.0.1:{port},server=on,wait=off?"
    )


def test_ipv6_refused() -> None:
    error = tcp_refusal(TcpAddress("::1", 5), None, ConnectionRefusedError())
    assert str(error) == (
        "connection refused at [::1]:5: nothing listens there; is QEMU running with -chardev"
        " socket,id=qmp,host=::1,port=5,server=on,wait=off -mon chardev=qmp,mode=control?"
    )


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 70])
def test_no_such_host(host: str) -> None:
    assert str(refusal(TcpAddress(host, 1))).startswith(f"cannot resolve {host}: ")


@pytest.mark.parametrize(
    "timeout, error, kind, text",
    [
        (
            2.5,
            TimeoutError("timed out"),
            ConnectTimeout,
            "no answer from h port 5 within 2.5 s; check the address, and whether a firewall or"
            " another client of this monitor is in the way",
        ),
        (
            None,
            TimeoutError(errno.ETIMEDOUT, "Connection timed out"),
            ConnectTimeout,
            "no answer from h port 5; check the address, and whether a firewall or"
            " another client of this monitor is in the way",
        ),
        (
            1.0,
            OSError(errno.EHOSTUNREACH, "No route to host"),
            CannotConnect,
            "cannot connect to h port 5: No route to host",
        ),
    ],
)
def test_tcp_refusals(
    timeout: float | None, error: OSError, kind: type[CannotConnect], text: str
) -> None:
    refused = tcp_refusal(TcpAddress("h", 5), timeout, error)
    assert type(refused) is kind
    assert str(refused) == text
