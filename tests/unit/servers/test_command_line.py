"""``python -m servers``: one line for what is wrong."""

from __future__ import annotations

import signal

import pytest

from servers.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "MODE"),
        (["geven"], "did you mean gevent?"),
        (["x"], "'x' is none; known: "),
        (["gevent", "--prot", "1"], "--prot"),
        (["gevent", "--port", "x"], "--port"),
        (["gevent", "--port", "99999"], "port 99999 does not exist"),
        (["gevent", "--ping-interval", "nan"], "not a number of seconds above 0"),
    ],
)
def test_wrong_call_is_one_line_and_exit_code_2(
    arguments: list[str],
    words: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    printed = capsys.readouterr().err
    assert printed.startswith("python -m servers: ")
    assert words in printed
    assert printed.count("\n") == 1
