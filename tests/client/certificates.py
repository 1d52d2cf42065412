"""Certificates as QEMU's tls-creds-x509 wants them, made by openssl.

Source: QEMU, docs/system/tls.rst.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_WEAK_KEY = ("-newkey", "rsa:1024", "-nodes")
_EXTENSIONS = "subjectAltName=DNS:localhost\nkeyUsage=digitalSignature\nextendedKeyUsage={}Auth\n"


def make_certificates(folder: Path) -> Path:
    """An authority, a server (localhost) and a client that it signed, and a stranger's client.

    Named as in QEMU's `dir=`: ca-cert.pem, server-cert.pem, server-key.pem, client-...; the
    stranger's are stranger-cert.pem and stranger-key.pem. Two more servers have a certificate that
    has expired, and a key that is too short: expired-..., weak-....
    """
    _authority(folder, "ca")
    _authority(folder, "stranger")
    for who, key, days in (
        ("server", _KEY, 2), ("client", _KEY, 2), ("expired", _KEY, -1), ("weak", _WEAK_KEY, 2)
    ):  # fmt: skip
        openssl(folder, "req", *key, "-keyout", f"{who}-key.pem", "-out", f"{who}.csr",
                "-subj", f"/CN={who}")  # fmt: skip
        purpose = "client" if who == "client" else "server"
        (folder / f"{who}.ext").write_text(_EXTENSIONS.format(purpose))
        openssl(folder, "x509", "-req", "-in", f"{who}.csr", "-CA", "ca-cert.pem",
                "-CAkey", "ca-key.pem", "-CAcreateserial", "-out", f"{who}-cert.pem",
                "-days", str(days), "-extfile", f"{who}.ext")  # fmt: skip
    return folder


def _authority(folder: Path, name: str) -> None:
    openssl(folder, "req", "-x509", *_KEY, "-keyout", f"{name}-key.pem", "-days", "2",
            "-out", f"{name}-cert.pem", "-subj", f"/CN=authority {name}")  # fmt: skip


def openssl(folder: Path, *words: str) -> None:
    """Run openssl in a folder. Raises AssertionError with what it said."""
    run = subprocess.run(["openssl", *words], cwd=folder, capture_output=True, check=False)
    assert run.returncode == 0, run.stderr.decode()
