"""A certificate authority and a server's certificate, made for one test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import trustme


@dataclass(frozen=True, slots=True)
class Issued:
    """Files in PEM."""

    authority: Path
    certificate: Path
    key: Path


def issue(folder: Path, *names: str) -> Issued:
    """Make an authority and what it vouches for.

    Args:
        folder: for the files.
        names: of the server: host names and addresses; 127.0.0.1 if none is given.
    """
    issued = Issued(folder / "authority.pem", folder / "server.pem", folder / "server.key")
    authority = trustme.CA()
    server = authority.issue_cert(*(names or ("127.0.0.1",)))
    authority.cert_pem.write_to_path(issued.authority)
    # With what signed it, as a server's file usually is.
    for blob in server.cert_chain_pems:
        blob.write_to_path(issued.certificate, append=True)
    server.private_key_pem.write_to_path(issued.key)
    return issued
