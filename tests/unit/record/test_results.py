"""Result files: what is written is read again, and what is none is refused in one line."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadtests.record.results import (
    FILE_NAME,
    FORMAT,
    Detection,
    Measurement,
    PlannedTrial,
    Result,
    ResultError,
    Trial,
    read,
    write,
)
from loadtests.record.words import Status, Transport

RESULT = Result(
    format=FORMAT,
    version="0",
    started="2026-01-02T03:04:05+00:00",
    ended="complete",
    seconds=12.5,
    experiment={"name": "mine", "seed": 1},
    environment={"cpu": "µ-processor", "cores": 2},
    plan=[
        PlannedTrial(0, 0, "echo", "gevent", Transport.POLLING, ["echo"]),
        PlannedTrial(1, 0, "disconnect", "gevent", Transport.POLLING, ["disconnect:kill"]),
        PlannedTrial(2, 0, "echo", "threading", Transport.WEBSOCKET, ["echo"]),
    ],
    trials=[
        Trial(
            0,
            Status.OK,
            server={"ready": True},
            measurements=[
                Measurement(
                    "echo",
                    {"latency_p50": 1.5, "latency_p99": None},
                    invalid={"latency_p99": "lost"},
                    samples={"latency": 100},
                    distributions={"latency": "HISTFAAAA"},
                )
            ],
        ),
        Trial(
            1,
            Status.OK,
            measurements=[
                Measurement(
                    "disconnect:kill",
                    {"undetected": 1.0},
                    unavailable={"server_cpu": "why"},
                    detections=[
                        Detection(0.5, 1.25, "ping timeout"),
                        Detection(0.7, None, None),
                    ],
                )
            ],
        ),
        Trial(2, Status.FAILED, reason="the server died", server_log="logs/002.log"),
    ],
)


def altered(**changes: Any) -> str:
    content = json.loads(msgspec.json.encode(RESULT))
    content.update(changes)
    return json.dumps(content)


def test_what_was_written_is_read_from_the_file_and_from_its_folder(tmp_path: Path) -> None:
    write(RESULT, tmp_path)
    assert RESULT == read(tmp_path) == read(tmp_path / FILE_NAME)


def test_writing_leaves_the_result_and_nothing_else(tmp_path: Path) -> None:
    write(msgspec.structs.replace(RESULT, ended="running"), tmp_path)
    write(RESULT, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]
    assert read(tmp_path).ended == "complete"


def test_file_is_text_that_people_can_read(tmp_path: Path) -> None:
    write(RESULT, tmp_path)
    text = (tmp_path / FILE_NAME).read_text(encoding="utf-8")
    assert text.startswith('{\n "format": "transport-bench/1",\n')
    assert text.endswith("}\n")
    assert "µ-processor" in text


def test_fields_of_a_later_version_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "later.json"
    path.write_text(altered(future={"a": 1}), encoding="utf-8")
    assert read(path) == RESULT


def test_missing_file_says_which(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match=r"gone\.json: No such file"):
        read(tmp_path / "gone.json")
    with pytest.raises(ResultError, match=r"result\.json: No such file"):
        read(tmp_path)


@pytest.mark.parametrize("found", ["transport-bench/0", "transport-bench/2", None, 1])
def test_other_format_says_which_and_what_to_do(tmp_path: Path, found: Any) -> None:
    path = tmp_path / "other.json"
    path.write_text(altered(format=found), encoding="utf-8")
    words = f"format is {found!r}, this version reads 'transport-bench/1'; run the experiment"
    with pytest.raises(ResultError, match=re.escape(words)):
        read(path)


CORRUPT = {
    "nothing": b"",
    "half of it": altered().encode()[:200],
    "no JSON": b"hello",
    "a JSON list": b"[]",
    "another JSON object's fields": json.dumps({"format": FORMAT}).encode(),
    "a wrong type": altered(seconds="long").encode(),
    "a status that there is not": altered(trials=[{"number": 0, "status": "fine"}]).encode(),
    "a transport that there is not": altered().replace("polling", "pigeon").encode(),
    "bytes that are not UTF-8": altered(version="V")
    .replace("V", "\udcff")
    .encode(errors="surrogateescape"),
    "a hundred thousand brackets": b'{"format":' + b"[" * 100_000,
}


@pytest.mark.parametrize("content", CORRUPT.values(), ids=CORRUPT.keys())
def test_corrupt_file_is_no_result_and_says_which(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "corrupt.json"
    path.write_bytes(content)
    with pytest.raises(ResultError, match=r"corrupt\.json: ") as caught:
        read(path)
    assert "\n" not in str(caught.value)
