"""A certificate authority and a server's certificate, made by the openssl command for one test."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True, slots=True)
class Issued:
    """Files in PEM."""

    authority: Path
    certificate: Path
    key: Path


def issue(folder: Path, name: str = "IP:127.0.0.1") -> Issued:
    """Make an authority and what it vouches for.

    Args:
        folder: for the files.
        name: of the server, as OpenSSL writes a subjectAltName.
    """
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command is not installed")
    authority, certificate = folder / "authority.pem", folder / "server.pem"
    authority_key, key = folder / "authority.key", folder / "server.key"
    request, extensions = folder / "server.csr", folder / "server.cnf"
    new_key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    _openssl(
        *("req", "-x509", *new_key, "-keyout", authority_key, "-out", authority, "-days", "2"),
        *("-subj", "/CN=An authority for one test"),
    )
    _openssl("req", *new_key, "-keyout", key, "-out", request, "-subj", "/CN=A server for one test")
    extensions.write_text(
        f"subjectAltName={name}\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n"
    )
    _openssl(
        *("x509", "-req", "-in", request, "-out", certificate, "-days", "2"),
        *("-CA", authority, "-CAkey", authority_key, "-CAcreateserial", "-extfile", extensions),
    )
    return Issued(authority, certificate, key)


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=30)
