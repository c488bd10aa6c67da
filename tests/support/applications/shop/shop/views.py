"""Its page, and what it says over Socket.IO."""

from __future__ import annotations

from typing import Any

from flask import Blueprint
from flask_socketio import emit

from .extensions import socketio

views = Blueprint("views", __name__)


@views.get("/")
def index() -> str:
    """The front page."""
    return "a shop"


@socketio.on("price")
def price(item: dict[str, Any]) -> None:
    """What something costs."""
    emit("price", {"item": item["name"], "cents": 100})
