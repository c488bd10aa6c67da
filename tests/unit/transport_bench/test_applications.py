"""Applications are found by reading, whatever their code would do when it is imported."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import ROOT
from transport_bench.applications import Found, applications


def names(folder: Path, files: dict[str, str]) -> list[str]:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return [each.app for each in applications(folder)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("socketio = SocketIO(app)", ["app:socketio"]),
        ("sio = flask_socketio.SocketIO(app=app, cors_allowed_origins='*')", ["app:sio"]),
        ("sio: SocketIO = SocketIO(app)", ["app:sio"]),
        ("a = b = SocketIO(app)", ["app:a", "app:b"]),
        ("socketio = SocketIO()", []),
        ("socketio = SocketIO(None)", []),
        ("socketio = SocketIO()\nsocketio.init_app(app)", ["app:socketio"]),
        ("socketio = SocketIO()\nif True:\n    socketio.init_app(app)", ["app:socketio"]),
        ("def make():\n    return app, SocketIO(app)", ["app:make"]),
        ("def make(debug=False, *, seed=1):\n    SocketIO(app)\n    return app", ["app:make"]),
        ("def make(config):\n    SocketIO(app)\n    return app", []),
        ("def make(*, config):\n    SocketIO(app)\n    return app", []),
        ("def make():\n    SocketIO(app)", []),
        ("def make():\n    db.init_app(app)\n    return app", []),
        ("db = SQLAlchemy()\ndb.init_app(app)", []),
        ("socketio = SocketIO(app", []),
        ("raise SystemExit('imported')\nsocketio = SocketIO(app)", ["app:socketio"]),
    ],
)
def test_what_can_be_served_is_found(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert names(tmp_path, {"app.py": text}) == expected


def test_a_factory_may_have_its_object_from_another_file(tmp_path: Path) -> None:
    factory = "def create():\n    socketio.init_app(app)\n    return app"
    files = {"__init__.py": "", "more.py": "socketio = SocketIO()", "web.py": factory}
    found = names(tmp_path, {f"shop/{name}": text for name, text in files.items()})
    assert found == ["shop.web:create"]


def test_tests_environments_and_what_is_hidden_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "pyvenv.cfg").touch()
    text = "socketio = SocketIO(app)"
    places = ("own/lib.py", "tests/app.py", "test_app.py", "node_modules/a.py", ".old/app.py")
    assert names(tmp_path, dict.fromkeys(places, text)) == []


def test_a_module_is_named_from_where_it_is_imported(tmp_path: Path) -> None:
    text = "socketio = SocketIO(app)"
    names(tmp_path, {"backend/app.py": text, "src/shop/__init__.py": text})
    assert applications(tmp_path) == [
        Found("backend", "app:socketio"),
        Found("src", "shop:socketio"),
    ]


def test_the_factory_of_a_package_with_modules_like_ours_is_found() -> None:
    shop = ROOT / "tests" / "support" / "applications" / "shop"
    assert applications(shop) == [Found(".", "shop:create_app")]
