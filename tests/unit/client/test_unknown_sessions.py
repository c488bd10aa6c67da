"""A process that does not know a session: one reason for all of them, with the likely cause."""

from __future__ import annotations

import pytest

from loadtests.client.errors import tallied
from loadtests.client.refusals import body_line


@pytest.mark.parametrize("known", [True, False])
def test_unknown_sessions_have_one_reason_without_their_ids(known: bool) -> None:
    ids = ["3wSaFf-h7IG9f3AUAAAA", "zTAr6n9l-pPGEARFAAAB"]
    reasons = [
        body_line(b'"Invalid session %s"' % each.encode(), each if known else "") for each in ids
    ]
    told = tallied(reasons)
    assert told.startswith('"Invalid session"; this process of the server does not know')
    assert "(sticky sessions)" in told
    assert "id)" not in told
