"""`tls:HOST:PORT?ca=FILE&cert=FILE&key=FILE&name=HOSTNAME`: TCP with QEMU's tls-creds-x509."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from typing import Final
from urllib.parse import quote, unquote

from qmpsh.address import TcpAddress, Transport, host_and_port, refusal
from qmpsh.client.connect import begin_tcp, connect_tcp
from qmpsh.client.transports.connecting import ConnectingSocket
from qmpsh.errors import CannotConnect, ConnectionLost, shortened
from qmpsh.regular import MAX_CONFIG_BYTES, read_regular
from qmpsh.stream import Stream
from qmpsh.system.diagnose import tcp_refusal

OPTIONS: Final = ("ca", "cert", "key", "name")
_FILES: Final = OPTIONS[:3]
_RECORD_BYTES: Final = 16384
"""Bytes that one record holds at most. Source: RFC 8446, section 5.1."""
_FLUSH: Final = b"\n"

_MISMATCH: Final = (62, 64)
"""Codes of OpenSSL for another host name, another IP address: X509_V_ERR_..._MISMATCH."""
_CLOCK: Final = "check the clocks of both machines"
_WEAK: Final = "it needs a key of 2048 bits at least, signed with SHA-256 or better"
_UNFIT: Final = {
    9: ("is not valid yet", _CLOCK),
    10: ("has expired", f"renew it, or {_CLOCK}"),
    23: ("was revoked", "its owner has to get another one"),
    66: ("is too weak", _WEAK),
    67: ("is signed by an authority whose key is too weak", _WEAK),
    68: ("is too weak", _WEAK),
}
"""Codes of OpenSSL for what no other ca= would mend: what is the matter, and what to do next."""
_UNFIT_OWN: Final = {"EE_KEY_TOO_SMALL", "CA_KEY_TOO_SMALL", "CA_MD_TOO_WEAK"}
"""The same of a certificate of ours, by OpenSSL's reasons."""
_VERSIONS: Final = {
    "UNSUPPORTED_PROTOCOL",
    "TLSV1_ALERT_PROTOCOL_VERSION",
    "SSLV3_ALERT_HANDSHAKE_FAILURE",
    "NO_PROTOCOLS_AVAILABLE",
}
"""Reasons of a handshake between two that have no version, or no cipher, in common."""

_NO_OPTION: Final = "unknown option {name}; valid: {valid}"
_ONCE: Final = "{name}= is expected once, with a value"
_NUL: Final = "{name}= holds a NUL character"
_NO_HOST_NAME: Final = "name= is not a host name"
_KEY_ALONE: Final = "key= needs cert=, the certificate of that key"
_BROKE: Final = "the connection broke: {said}"
_GONE: Final = "the server is gone: {said}"
_AWAITS: Final = "the TLS handshake with {where}"
_SILENT: Final = (
    "another client probably holds this monitor, which serves one at a time, or the VM is stopped,"
    " or that port does not speak TLS"
)
_UNREADABLE: Final = ("cannot read {name}={file}: {reason}", "name a PEM file")
_NO_CERTIFICATE: Final = "ca={ca} holds no certificate in PEM"
_OTHER_KEY: Final = "the key in {key} is not that of cert={cert}"
_WEAK_OWN: Final = "cert={cert} is too weak ({said})"
_UNUSABLE_OWN: Final = (
    "cert={cert} and the key in {key} cannot be used: both are expected in PEM, the key without a"
    " password"
)
_OTHER_NAME: Final = (
    "the certificate of {where} is not for {name}",
    "use name=HOSTNAME if you expected this certificate; otherwise do not connect",
)
_UNFIT_THEIRS: Final = "the certificate of {where} {what} ({reason})"
_UNTRUSTED: Final = "the certificate of {where} is not trusted ({reason})"
_OTHER_AUTHORITY: Final = (
    "ca={ca} did not sign it: name the ca-cert.pem of this QEMU's tls-creds-x509"
)
_NAME_AUTHORITY: Final = (
    "name the authority that signed it with ca=FILE, the ca-cert.pem of QEMU's tls-creds-x509"
)
_OTHER_PROTOCOL: Final = (
    "{where} does not speak TLS",
    "check the port; QEMU's monitor speaks it with tls-creds= on its -chardev",
)
_NOTHING_IN_COMMON: Final = (
    "{where} and this machine have no TLS in common ({said})",
    "both need TLS 1.2 or 1.3: see the priority= of QEMU's tls-creds-x509",
)
_NO_NAME: Final = "{name} is not a host name: {error}"
_BROKEN_OFF: Final = (
    "{where} broke the TLS handshake off ({said})",
    "it does not speak TLS, or needs a client certificate: cert=FILE&key=FILE",
)
_CLOSED: Final = "{where} closed the connection right after the TLS handshake{said}"
_OWN_REFUSED: Final = (
    "probably its authority (ca-cert.pem there) did not sign this cert=, or that has expired"
)
_OWN_WANTED: Final = (
    "probably it needs a client certificate (verify-peer=yes): give cert=FILE&key=FILE"
)
"""What is said of a failure, and what to do next."""

_NO_TLS: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
)
"""What OpenSSL calls an answer that is not TLS."""


class TlsAddress(Transport):
    """A TCP port where TLS is spoken.

    place: where to connect; options: those of OPTIONS that were given, files as paths
    """

    scheme = "tls"
    form = "tls:HOST:PORT?ca=FILE&cert=FILE&key=FILE"
    help = "TCP with QEMU's tls-creds-x509; name=HOSTNAME"

    def __init__(self, place: TcpAddress, options: dict[str, str]) -> None:
        self.place = place
        self.options = options
        self._found = place  # in numbers once it was found: looking up a name takes time

    @classmethod
    def parse(cls, text: str) -> TlsAddress:
        place, _, query = text.removeprefix("tls:").partition("?")
        options: dict[str, str] = {}
        for pair in filter(None, query.split("&")):
            name, _, value = pair.partition("=")
            if name not in OPTIONS:
                valid = ", ".join(OPTIONS)
                raise refusal(text, _NO_OPTION.format(name=shortened(name), valid=valid))
            if not value or name in options:
                raise refusal(text, _ONCE.format(name=name))
            value = unquote(value)
            if "\0" in value:
                raise refusal(text, _NUL.format(name=name))
            options[name] = os.path.expanduser(value) if name in _FILES else value
        try:
            options.get("name", "").encode("idna")
        except UnicodeError as error:
            raise refusal(text, _NO_HOST_NAME) from error
        if "key" in options and "cert" not in options:
            raise refusal(text, _KEY_ALONE)
        return cls(host_and_port(place, text), options)

    def __str__(self) -> str:
        pairs = [f"{name}={quote(self.options[name])}" for name in OPTIONS if name in self.options]
        return f"tls:{self.place.place}{'?' if pairs else ''}{'&'.join(pairs)}"

    @property
    def name(self) -> str:
        """The host name that the server's certificate has to name."""
        return self.options.get("name", self.place.host)

    def open(self, timeout: float | None) -> Stream:
        context = _context(self)
        connection = connect_tcp(self.place, timeout, tls=True)
        self._found = TcpAddress(*connection.getpeername()[:2])
        return _TlsConnecting(self, context, connection)

    def begin(self) -> Stream:
        return _TlsConnecting(self, _context(self), begin_tcp(self._found, tls=True))


def _context(address: TlsAddress) -> ssl.SSLContext:
    """Raises CannotConnect for a file that does not serve."""
    options = address.options
    for name in _FILES:
        try:
            if name in options:
                read_regular(options[name], MAX_CONFIG_BYTES)
        except OSError as error:
            what, todo = _UNREADABLE
            what = what.format(name=name, file=options[name], reason=error.strerror)
            raise CannotConnect(what, todo) from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if "ca" in options:
            context.load_verify_locations(options["ca"])
        else:
            context.load_default_certs()
    except ssl.SSLError as error:
        raise CannotConnect(_NO_CERTIFICATE.format(ca=options["ca"])) from error
    if "cert" in options:
        _load_own(context, options["cert"], options.get("key"))
    return context


def _load_own(context: ssl.SSLContext, cert: str, maybe_key: str | None) -> None:
    key = maybe_key or cert
    try:
        # Without a function for it OpenSSL would ask for the password on the terminal.
        context.load_cert_chain(cert, key, password=lambda: "")
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise CannotConnect(_OTHER_KEY.format(key=key, cert=cert)) from error
        if error.reason in _UNFIT_OWN:
            what = _WEAK_OWN.format(cert=cert, said=_said(error))
            raise CannotConnect(what, _WEAK) from error
        raise CannotConnect(_UNUSABLE_OWN.format(cert=cert, key=key)) from error


class _TlsConnecting(ConnectingSocket):
    """A stream that connects by TCP first, then does the TLS handshake."""

    def __init__(
        self, address: TlsAddress, context: ssl.SSLContext, connection: socket.socket
    ) -> None:
        host, port = address.place
        super().__init__(
            connection,
            _AWAITS.format(where=f"{host} port {port}"),
            _SILENT,
        )
        self._address = address
        self._context = context

    def _refusal(self, error: OSError) -> CannotConnect:
        return tcp_refusal(self._address.place, None, error, tls=True)

    def _step(self) -> Stream | None:
        try:
            if not isinstance(self._socket, ssl.SSLSocket):
                if not self._is_connected():
                    return None
                self._socket = self._context.wrap_socket(
                    self._socket,
                    do_handshake_on_connect=False,
                    server_hostname=self._address.name,
                )
            self._socket.do_handshake()
            return TlsStream(self._socket)
        except ssl.SSLWantReadError:
            self.wants_write = False
        except ssl.SSLWantWriteError:
            self.wants_write = True
        except (OSError, ValueError) as error:
            raise self._why(error) from error
        return None

    def _why(self, error: OSError | ValueError) -> CannotConnect:
        host, port = self._address.place
        where = f"{host} port {port}"
        if isinstance(error, ssl.SSLCertVerificationError):
            return self._why_not_trusted(error, where)
        reason = getattr(error, "reason", None) or ""
        if reason in _NO_TLS:
            (what, todo), said = _OTHER_PROTOCOL, ""
        elif reason in _VERSIONS:
            (what, todo), said = _NOTHING_IN_COMMON, _said(error)
        elif isinstance(error, ValueError):  # of the codec for names in other scripts
            return CannotConnect(_NO_NAME.format(name=self._address.name, error=error))
        else:
            (what, todo) = _BROKEN_OFF
            said = reason.lower().replace("_", " ") or error.strerror or str(error)
        return CannotConnect(what.format(where=where, said=said), todo)

    def _why_not_trusted(self, error: ssl.SSLCertVerificationError, where: str) -> CannotConnect:
        if error.verify_code in _MISMATCH:
            what, todo = _OTHER_NAME
            return CannotConnect(what.format(where=where, name=self._address.name), todo)
        reason = error.verify_message
        if error.verify_code in _UNFIT:
            what, todo = _UNFIT[error.verify_code]
            what = _UNFIT_THEIRS.format(where=where, what=what, reason=reason)
            return CannotConnect(what, todo)
        return CannotConnect(_UNTRUSTED.format(where=where, reason=reason), self._authority())

    def _authority(self) -> str:
        """What to do next where no trusted authority has signed the certificate."""
        known = self._address.options.get("ca")
        return _NAME_AUTHORITY if known is None else _OTHER_AUTHORITY.format(ca=known)

    def _explain_end(self, error: ConnectionLost | None) -> CannotConnect:
        host, port = self._address.place
        said = f" ({error.__cause__})" if error is not None else ""
        what = _CLOSED.format(where=f"{host} port {port}", said=said)
        return CannotConnect(what, _OWN_REFUSED if "cert" in self._address.options else _OWN_WANTED)


class TlsStream:
    """A stream over a TLS connection, its handshake done."""

    awaits = ""

    def __init__(self, connected: ssl.SSLSocket) -> None:
        self._socket = connected
        self._owes_flush = False
        self._has_ended = False

    @property
    def wants_write(self) -> bool:
        """Whether the record after a command found no room."""
        return self._owes_flush

    def fileno(self) -> int:
        return self._socket.fileno()

    def recv(self, size: int) -> bytes | None:
        """A record at a time, whole: what is decrypted and not read shows on no descriptor."""
        if self._owes_flush:
            self._flush()
        pieces: list[bytes] = []
        room = size
        while not self._has_ended and (room >= _RECORD_BYTES or not pieces):
            try:
                data = self._socket.recv(min(room, _RECORD_BYTES))
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                break
            except (ConnectionResetError, ssl.SSLEOFError):
                data = b""
            except OSError as error:
                if pieces:
                    break  # the next one reports it
                raise ConnectionLost(_BROKE.format(said=_said(error))) from error
            self._has_ended = not data
            room -= len(data)
            pieces.append(data)
        found = b"".join(pieces)
        return found if found or self._has_ended else None

    def send(self, data: bytes) -> int:
        """What is taken whole is one command: a record of its own goes after it.

        QEMU 7.2 polls its socket while decrypted bytes lie in its TLS library, and so answers only
        once another record came (wire.md section 12).
        """
        if self._owes_flush and not self._flush():
            return 0
        try:
            taken = self._socket.send(data)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0
        except OSError as error:
            raise ConnectionLost(_GONE.format(said=_said(error))) from error
        if taken == len(data):
            self._owes_flush = True
            self._flush()
        return taken

    def _flush(self) -> bool:
        """Send the record that is owed; False while there is no room."""
        try:
            self._socket.send(_FLUSH)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return False
        except OSError:
            pass  # the server is gone, and recv says so
        self._owes_flush = False
        return True

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.close()


def _said(error: OSError | ValueError) -> str:
    reason = getattr(error, "reason", None)
    if reason:
        return str(reason).lower().replace("_", " ")
    return getattr(error, "strerror", None) or str(error)
