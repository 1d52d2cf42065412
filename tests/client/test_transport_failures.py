"""Transports that lead nowhere: one sentence each, in time, and nothing is left behind."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from qmpsh.address import parse_address
from qmpsh.client.client import Client, ClientOptions, refusal_of
from qmpsh.client.connect import SocketStream, begin_stream, strip
from qmpsh.client.transports.tls import TlsStream
from qmpsh.client.transports.vsock import VsockAddress, vsock_refusal
from qmpsh.errors import CannotConnect
from qmpsh.protocol.messages import Command
from tests.client.checks import needs
from tests.client.sshd import Sshd, serving_ssh
from tests.client.transports import certificates, secured
from tests.conftest import RunQmpsh
from tests.evil import obeyed
from tests.ports import free_port
from tests.qemu import ROOT, Vm, VmStarter, new_folder
from tests.waiting import PATIENCE, wait_until


def refusal(address: str, timeout: float = 10.0) -> str:
    """Why there is no session."""
    with pytest.raises(CannotConnect) as caught:
        Client.connect(parse_address(address), ClientOptions(connect_timeout=timeout))
    return str(caught.value)


@pytest.fixture
def silent() -> Iterator[int]:
    """The port of somebody who takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def descriptors() -> Iterator[None]:
    """Fails a test that leaves descriptors or children behind."""
    before = set(os.listdir("/proc/self/fd"))
    yield
    wait_until(lambda: len(os.listdir("/proc/self/fd")) <= len(before), PATIENCE, "all is closed")


# ------------------------------------------------------------------------ TLS


@pytest.fixture
def made() -> Path:
    needs("openssl")
    return certificates()


def test_tls_refusals(start_vm: VmStarter, made: Path) -> None:
    port, strict = free_port(), free_port()
    plain = start_vm("-qmp", f"tcp:127.0.0.1:{strict},server=on,wait=off")
    secured(start_vm, "on", port)
    where = f"tls:127.0.0.1:{port}"
    named = f"{where}?name=localhost&ca={made}/ca-cert.pem"
    assert "is not trusted (unable to get local issuer certificate); name" in refusal(where)
    assert "is not for 127.0.0.1; use name=" in refusal(f"{where}?ca={made}/ca-cert.pem")
    assert refusal(f"tls:127.0.0.1:{strict}") == (
        f"127.0.0.1 port {strict} does not speak TLS; check the port; QEMU's monitor speaks it with"
        " tls-creds= on its -chardev"
    )
    assert "it needs a client certificate (verify-peer=yes): give cert=" in refusal(named)
    stranger = f"cert={made}/stranger-cert.pem&key={made}/stranger-key.pem"
    assert "did not sign this cert=" in refusal(f"{named}&{stranger}")
    assert plain.is_running


@pytest.mark.parametrize(
    "options, said",
    [
        ("ca=/nope", "cannot read ca=/nope: No such file or directory; name a PEM file"),
        ("ca={made}/ca-key.pem", "ca={made}/ca-key.pem holds no certificate in PEM"),
        (
            "cert={made}/client-cert.pem&key={made}/server-key.pem",
            "the key in {made}/server-key.pem is not that of cert={made}/client-cert.pem",
        ),
        (
            "cert={made}/ca-key.pem",
            "cert={made}/ca-key.pem and the key in {made}/ca-key.pem cannot be used: both are"
            " expected in PEM, the key without a password",
        ),
    ],
)
def test_tls_files(options: str, said: str, made: Path) -> None:
    address = f"tls:127.0.0.1:1?{options.format(made=made)}"
    with pytest.raises(CannotConnect) as caught:
        parse_address(address).begin()  # type: ignore[union-attr]  # a transport
    assert str(caught.value) == said.format(made=made)


@pytest.mark.usefixtures("descriptors")
def test_a_handshake_that_never_ends(silent: int) -> None:
    assert refusal(f"tls:127.0.0.1:{silent}", 0.1) == (
        f"waited 0.1 s for the TLS handshake with 127.0.0.1 port {silent}; another client probably"
        " holds this monitor, which serves one at a time, or the VM is stopped, or that port does"
        " not speak TLS"
    )


def test_nobody_listens_for_tls() -> None:
    port = free_port()
    said = (
        f"connection refused at 127.0.0.1:{port}: nothing listens there; is QEMU running with"
        " -object tls-creds-x509,id=tls,endpoint=server,dir=FOLDER -chardev socket,id=qmp,"
        f"host=127.0.0.1,port={port},server=on,wait=off,tls-creds=tls -mon"
        " chardev=qmp,mode=control?"
    )
    assert refusal(f"tls:127.0.0.1:{port}") == said
    begun = Client.open(parse_address(f"tls:127.0.0.1:{port}"))
    wait_until(lambda: begun.poll(0.1) and begun.closed)
    assert str(refusal_of(begun)) == said


@contextlib.contextmanager
def presenting(made: Path, name: str) -> Iterator[int]:
    """The port of a server that begins a TLS session with a certificate, however weak."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT@SECLEVEL=0")
    context.load_cert_chain(made / f"{name}-cert.pem", made / f"{name}-key.pem")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError), listener.accept()[0] as connection:
                context.wrap_socket(connection, server_side=True).close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    "name, said",
    [
        ("expired", "has expired (certificate has expired); renew it, or check the clocks"),
        ("weak", "is too weak (EE certificate key too weak); it needs a key of 2048 bits at least"),
        ("server", "is not for 127.0.0.1; use name=HOSTNAME if you expected this certificate"),
        ("stranger", "ca-cert.pem did not sign it: name the ca-cert.pem of this QEMU's"),
    ],
)
def test_what_is_wrong_with_a_certificate(name: str, said: str, made: Path) -> None:
    with presenting(made, name) as port:
        address = f"tls:127.0.0.1:{port}?ca={made}/ca-cert.pem"
        found = refusal(address if name == "server" else f"{address}&name=localhost")
    assert said in found


def test_a_weak_certificate_of_ours(made: Path) -> None:
    address = parse_address(f"tls:127.0.0.1:1?cert={made}/weak-cert.pem&key={made}/weak-key.pem")
    with pytest.raises(CannotConnect, match=r"weak-cert.pem is too weak \(ee key too small\); it"):
        address.begin()  # type: ignore[union-attr]  # a transport


def test_tls_records(made: Path) -> None:
    """Reads are filled with whole records; each command has a record of its own behind it."""
    mine, other = socket.socketpair()
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(made / "server-cert.pem", made / "server-key.pem")
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.load_verify_locations(made / "ca-cert.pem")
    heard: list[bytes] = []

    def serve() -> None:
        with server.wrap_socket(other, server_side=True) as peer:
            heard.extend((peer.recv(100), peer.recv(100)))
            for _ in range(5):
                peer.sendall(b"x" * 16000)

    thread = threading.Thread(target=serve)
    thread.start()
    tls = client.wrap_socket(mine, server_hostname="localhost")
    tls.setblocking(False)
    stream = TlsStream(tls)
    assert stream.recv(65536) is None
    assert stream.send(b"command") == 7
    thread.join()
    assert heard == [b"command", b"\n"]
    assert stream.recv(65536) == b"x" * 16000 * 4  # another record might not find room
    assert stream.recv(65536) == b"x" * 16000
    assert stream.recv(65536) == b""
    stream.close()


# ------------------------------------------------------------------------ exec


def has_ended(pid: int) -> bool:
    """Whether a process is gone, or waits for its parent to take note."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.usefixtures("descriptors")
@pytest.mark.parametrize(
    "command, how",
    [
        ("echo one >&2; echo the last >&2; exit 7", "exit 7: the last"),
        ("exit 3", "exit 3"),
        ("kill -9 $$", "signal 9"),
        ("exec >&- <&-; exec sleep 100", "it closed its output"),
    ],
)
def test_a_command_that_ends(command: str, how: str) -> None:
    assert refusal(f"exec:{command}") == (
        f"exec:{command} ended before it sent a QMP greeting, {how}; run the command alone to see"
        " what it prints"
    )


@pytest.mark.usefixtures("descriptors")
def test_a_command_that_says_nothing_is_ended(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    said = refusal(f"exec:sleep 100 & echo $! >{pid}; wait", 0.3)
    assert "but no greeting within 0.3 s" in said
    wait_until(lambda: has_ended(int(pid.read_text())), what="what it started has ended as well")


def test_a_program_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal("exec:no-such - UNIX:/run/m")
    assert "exit 127: " in said
    assert said.endswith("; install the program that was not found, or give its whole path")
    monkeypatch.setenv("QMPSH_SSH", "no-such-ssh")
    said = refusal("ssh://h/m")
    assert "no-such-ssh: not found" in said
    assert said.endswith("; install the OpenSSH client, or name another in QMPSH_SSH")


def test_a_command_that_complains_without_end() -> None:
    said = refusal("exec:yes complaint | head -n 100000 >&2; echo the end >&2; exit 1")
    assert "exit 1: the end;" in said


def test_a_command_hears_no_interrupt(tmp_path: Path) -> None:
    """It is in a session of its own, which has no terminal."""
    seen = tmp_path / "seen"
    needs("ps")
    refusal(f"exec:ps -o sid= -p $$ >{seen}; echo $$ >>{seen}")
    session, pid = seen.read_text().split()
    assert session == pid
    assert int(session) != os.getsid(0)


def test_complaints_of_a_command_stand_in_the_sentence_alone(run_qmpsh: RunQmpsh) -> None:
    ran = run_qmpsh(r"exec:printf 'one\n\033]0;pwned\007%0300d\n' 1 >&2; exit 1", "query-status")
    assert ran.returncode == 3
    assert ran.stderr.startswith("qmpsh: exec:printf")
    assert ran.stderr.count("\n") == 1
    assert not obeyed(ran.stderr.rstrip("\n"))
    assert f"exit 1: \\x1b]0;pwned\\x07{'0' * 190}...;" in ran.stderr


# ------------------------------------------------------------------------ inherited sockets


def inherit(descriptor: int, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "qmpsh", f"fd:{descriptor}", *argv],
        pass_fds=[descriptor],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


def test_what_is_no_connected_socket() -> None:
    reader, writer = os.pipe()
    try:
        ran = inherit(reader, "query-status")
    finally:
        os.close(reader)
        os.close(writer)
    assert ran.returncode == 3
    assert ran.stderr == (
        f"qmpsh: descriptor {reader} is a pipe; it has to be a connected socket, which carries both"
        " directions\n"
    )
    with socket.socket(socket.AF_UNIX) as lonely:
        ran = inherit(lonely.fileno(), "query-status")
    assert "is not connected" in ran.stderr
    assert refusal("fd:999").startswith("descriptor 999 is not open; start qmpsh with")


def test_an_inherited_socket_is_not_connected_again() -> None:
    with pytest.raises(CannotConnect) as caught:
        Client.open(parse_address("fd:5"))
    assert str(caught.value) == (
        "fd:5 was inherited, and cannot be connected again; start qmpsh again"
    )


# ------------------------------------------------------------------------ listening


def test_nobody_dials(run_qmpsh: RunQmpsh) -> None:
    folder = new_folder()
    ran = run_qmpsh("--connect-timeout=1100ms", f"listen:unix:{folder}/l", "query-status")
    assert ran.returncode == 3
    assert ran.stderr == (
        f"qmpsh: waiting for QEMU to dial {folder}/l\n"
        f"qmpsh: waited 1.1 s for QEMU to dial {folder}/l; it does when started with"
        f" -qmp unix:{folder}/l,reconnect=1\n"
    )
    os.rmdir(folder)  # nothing was left in it


def test_what_is_in_the_way() -> None:
    folder = Path(new_folder())
    path = folder / "l"
    address = parse_address(f"listen:unix:{path}")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen(1)
        assert refusal(f"listen:{path}") == (
            f"cannot listen on {path}: another process does already; to connect to it yourself, the"
            " address is"
            f" {path}"
        )
    # Nobody listens there any more: the file is replaced, and removed when one caller was taken.
    stream = begin_stream(address)
    with contextlib.closing(stream), socket.socket(socket.AF_UNIX) as caller:
        listener = stream.fileno()
        caller.connect(str(path))
        assert stream.recv(10) is None
        assert stream.fileno() != listener
        assert not path.exists()
        caller.sendall(b"hello")
        assert stream.recv(10) == b"hello"
    path.touch()
    assert refusal(f"listen:{path}") == (f"cannot listen on {path}: it exists and is not a socket")
    path.unlink()
    folder.rmdir()


def test_a_place_that_is_taken(silent: int) -> None:
    assert refusal(f"listen:127.0.0.1:{silent}") == (
        f"127.0.0.1 port {silent} is already in use; to connect to it yourself, the address"
        f" is tcp:127.0.0.1:{silent}"
    )
    assert refusal("listen:203.0.113.1:4444") == (
        "cannot listen on 203.0.113.1 port 4444: Cannot assign requested address"
    )


# ------------------------------------------------------------------------ ssh


@pytest.fixture(scope="module")
def sshd() -> Iterator[Sshd]:
    needs("ssh", "sshd")
    folder = Path(new_folder())
    with serving_ssh(folder) as served:
        yield served
    shutil.rmtree(folder)


@pytest.fixture
def by_ssh(sshd: Sshd, monkeypatch: pytest.MonkeyPatch) -> str:
    """The beginning of addresses there; its ssh is used."""
    for name, value in sshd.environ.items():
        monkeypatch.setenv(name, value)
    return f"ssh://127.0.0.1:{sshd.port}"


@pytest.mark.usefixtures("descriptors")
@pytest.mark.parametrize(
    "ssh, path, said",
    [
        ("", "/nope", "; no monitor there on /nope, or none that this user may open,"),
        ("", "/nope:a%b", "; no monitor there on /nope:a%b, or none that this user may open,"),
        (" -i /nope -F none", "/nope", "Permission denied"),
        (" -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=yes", "/nope",
         "Host key verification failed; log in once with ssh 127.0.0.1, and accept its key"),
        (" -o HostName=nope.invalid", "/nope", "; check the name of the host"),
        (" --nonsense", "/nope", "; try ssh 127.0.0.1 for details"),
    ],
)  # fmt: skip
def test_ssh_says_why(
    ssh: str, path: str, said: str, by_ssh: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if ssh:
        monkeypatch.setenv("QMPSH_SSH", os.environ["QMPSH_SSH"].partition(" -i")[0] + ssh)
    if "-F none" in ssh:
        monkeypatch.setenv(
            "QMPSH_SSH", "ssh -F none -i /nope -o StrictHostKeyChecking=no -o IdentityAgent=none"
            " -o UserKnownHostsFile=/dev/null -o IdentitiesOnly=yes"
        )  # fmt: skip
    assert said in refusal(f"{by_ssh}{path}")


def test_a_host_of_the_users_configuration(
    sshd: Sshd, by_ssh: str, run_qmpsh: RunQmpsh, start_vm: VmStarter
) -> None:
    folder = Path(new_folder(), "a b%c${HOME}${}$x")
    folder.mkdir()
    start_vm("-chardev", f"socket,id=m,path={folder}/m,server=on,wait=off",
             "-mon", "chardev=m,mode=control")  # fmt: skip
    ran = run_qmpsh(f"ssh://forwarding{folder}/m", "query-status")
    shutil.rmtree(folder.parent)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_an_ssh_with_a_master_works_again_and_again(
    sshd: Sshd, by_ssh: str, vm: Vm, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"{sshd.folder}/%C"
    monkeypatch.setenv(
        "QMPSH_SSH",
        f"{sshd.environ['QMPSH_SSH']} -o ControlMaster=auto -o ControlPath={path}"
        " -o ControlPersist=30",
    )
    for _ in range(3):
        client = Client.connect(parse_address(f"{by_ssh}{vm.path}"))
        assert client.execute(Command("query-status"), 10).value
        client.close()


def test_a_full_queue_over_ssh(by_ssh: str, vm: Vm) -> None:
    with contextlib.ExitStack() as clients:
        said = ""
        while "open failed" not in said:
            client = clients.enter_context(socket.socket(socket.AF_UNIX))
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect(vm.path)
                continue
            said = refusal(f"{by_ssh}{vm.path}")
        assert "or other clients hold it and its queue is full" in said


def test_ssh_ignores_an_interrupt(
    by_ssh: str, vm: Vm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is for the shell, in whose process group ssh is as long as it may ask for a password."""
    wrapper = tmp_path / "ssh"
    wrapper.write_text(f'echo $$ >{tmp_path}/pid; exec {os.environ["QMPSH_SSH"]} "$@"\n')
    monkeypatch.setenv("QMPSH_SSH", f"sh {wrapper}")
    client = Client.connect(parse_address(f"{by_ssh}{vm.path}"))
    pid = int((tmp_path / "pid").read_text())
    assert os.getpgid(pid) == os.getpgid(0)
    os.kill(pid, signal.SIGINT)
    for _ in range(20):
        assert client.execute(Command("query-status"), 10).value
    client.close()
    assert has_ended(pid)


def test_forwarding_is_forbidden(
    sshd: Sshd, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with serving_ssh(tmp_path, forwards="no") as strict:
        monkeypatch.setenv("QMPSH_SSH", strict.environ["QMPSH_SSH"])
        assert "AllowStreamLocalForwarding" in refusal(f"ssh://127.0.0.1:{strict.port}/nope")


@pytest.mark.usefixtures("descriptors")
def test_ssh_that_hangs(silent: int) -> None:
    needs("ssh")
    folders = set(Path("/tmp").glob("qmpsh-*"))
    said = refusal(f"ssh://127.0.0.1:{silent}/m", 0.3)
    assert said == (
        "waited 0.3 s for ssh to reach 127.0.0.1; ssh 127.0.0.1 shows what it waits for;"
        " --connect-timeout allows more time"
    )
    assert not list(Path(os.environ["XDG_RUNTIME_DIR"]).glob("qmpsh-*"))
    assert folders <= set(Path("/tmp").glob("qmpsh-*")) | folders


# ------------------------------------------------------------------------ vsock, telnet


def test_vsock_refusals() -> None:
    address = VsockAddress(3, 1234)
    said = {
        number: str(vsock_refusal(address, OSError(number, os.strerror(number))))
        for number in (errno.ENODEV, errno.ECONNRESET, errno.EPERM)
    }
    assert said[errno.ENODEV].startswith("vsock:3:1234: this kernel has no vsock (No such device);")
    assert said[errno.ECONNRESET].startswith("nothing listens on port 1234 of cid 3; in the guest:")
    assert said[errno.EPERM] == "cannot connect to vsock:3:1234: Operation not permitted"


def test_a_system_without_vsock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(socket, "AF_VSOCK", raising=False)
    assert refusal("vsock:3:1234") == "vsock:3:1234: this system has no vsock, which only Linux has"


@pytest.mark.parametrize(
    "data, rest",
    [
        (b"\xff\xfb\x01\xff\xfd\x00{}", (b"{}", b"")),
        (b"\xff\xfb\x01", (b"", b"")),
        (b"\xff\xfb\x01\xff", (b"", b"\xff")),
        (b"\xff\xfb", (b"", b"\xff\xfb")),
        (b"\xff{}", (b"\xff{}", b"")),
        (b"{}\xff\xfb\x01", (b"{}\xff\xfb\x01", b"")),
        (b"", (b"", b"")),
    ],
)
def test_telnet_at_the_beginning(data: bytes, rest: tuple[bytes, bytes]) -> None:
    assert strip(data) == rest


def test_telnet_however_it_is_cut() -> None:
    mine, other = socket.socketpair()
    stream = SocketStream(mine)
    with other, contextlib.closing(stream):
        for byte in b"\xff\xfb\x01\xff\xfd\x00":
            other.sendall(bytes([byte]))
            assert stream.recv(100) is None
        other.sendall(b"{}")
        assert stream.recv(100) == b"{}"
        other.sendall(b"\xff\xfb")
        assert stream.recv(100) is None
        other.close()
        assert stream.recv(100) == b""
