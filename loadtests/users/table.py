"""The latencies' table where Locust shows its own: in the terminal, as files, on its web page."""

from __future__ import annotations

import csv
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, fields
from io import StringIO
from pathlib import Path
from typing import Any

import gevent
from flask import Blueprint, Response, jsonify, request
from locust import stats as locust_stats
from locust.env import Environment

from loadtests.arithmetic.board import TITLES, BoardLine, lines
from loadtests.users.recording import Recorder

_KEY = "socketio-latency"
_LONGEST_WAIT_S = 2.0
_COLUMNS = [field.name for field in fields(BoardLine)]

#: Locust prints its own tables through this one (locust/stats.py): plain lines.
_console = logging.getLogger("locust.stats_logger")

logger = logging.getLogger(__name__)


class Results:
    """Of the process that has the user's ear: the only one, or the master.

    Args:
        environment: its own.
        recorder: what this process and its workers have seen.
    """

    def __init__(self, environment: Environment, recorder: Recorder) -> None:
        self._environment = environment
        self._recorder = recorder
        self._board = recorder.board
        self._shown: list[BoardLine] = []
        self._told: list[str] = []

    def test_stopped(self, **_event: Any) -> None:
        """Show the table of a test that was started from the web page."""
        runner = self._environment.runner
        headless = getattr(self._environment.parsed_options, "headless", False)
        # Users that a master still has are about to be ended by their workers, who report then.
        if not headless and runner is not None and runner.user_count == 0:
            self.show()

    def quitting(self, **_event: Any) -> None:
        """Show the table, below Locust's own, unless it was shown already."""
        self.show()
        if self._csv_prefix:
            # Locust writes its files once a second and not at the end: ours would be ahead of them.
            gevent.sleep(min(locust_stats.CSV_STATS_INTERVAL_SEC, _LONGEST_WAIT_S) + 0.1)

    def show(self) -> None:
        """Print the table, write the files and say what is to be said, if there is anything new."""
        self._show_table()
        words = self._recorder.closing_words()
        if words != self._told:
            self._told = words
            for each in words:
                logger.warning(each)

    def _show_table(self) -> None:
        rows = self._board.rows()
        if rows in ([], self._shown):
            return
        self._shown = rows
        _console.info("Latency in ms, by the kernel's time of arrival (- is among the lost)")
        for line in lines(rows):
            _console.info(line)
        _console.info("")
        prefix = self._csv_prefix
        if prefix:
            Path(f"{prefix}_latency.csv").write_text(as_csv(rows), encoding="utf-8")
            report = json.dumps(self._board.report(), indent=1)
            Path(f"{prefix}_latency.json").write_text(report + "\n", encoding="utf-8")

    @property
    def _csv_prefix(self) -> str | None:
        return getattr(self._environment.parsed_options, "csv_prefix", None)

    def add_to(self, web_ui: Any) -> None:
        """Give the web page a tab, ``/socketio/latency`` and ``/socketio/latency/csv``.

        Locust's example examples/extend_web_ui.py is how that is done.
        """
        base = getattr(self._environment.parsed_options, "web_base_path", "") or ""
        routes = Blueprint("socketio_latency", __name__, url_prefix=f"{base}/socketio/latency")

        def latency() -> Response:
            return jsonify([asdict(row) for row in self._board.rows()])

        def latency_csv() -> Response:
            attachment = {"Content-Disposition": "attachment;filename=latency.csv"}
            text = as_csv(self._board.rows())
            return Response(text, content_type="text/csv", headers=attachment)

        def extend(response: Response) -> Response:
            if request.endpoint == "locust.request_stats" and response.is_json:
                rows = [asdict(row) for row in self._board.rows()]
                extended = {"extended_stats": [{"key": _KEY, "data": rows}]}
                response.set_data(json.dumps((response.json or {}) | extended))
            return response

        allowed = web_ui.auth_required_if_enabled
        routes.add_url_rule("", view_func=allowed(latency))
        routes.add_url_rule("/csv", view_func=allowed(latency_csv))
        web_ui.app.register_blueprint(routes)
        web_ui.app.after_request(extend)
        structure = [
            {"key": column, "title": title} for column, title in zip(_COLUMNS, TITLES, strict=True)
        ]
        web_ui.template_args |= {
            "extended_tabs": [{"title": "Latency (ms)", "key": _KEY}],
            "extended_tables": [{"key": _KEY, "structure": structure}],
            "extended_csv_files": [
                {"href": f"{base}/socketio/latency/csv", "title": "Download latency CSV"}
            ],
        }


def as_csv(rows: Sequence[BoardLine]) -> str:
    """The rows under the names of their fields; empty where there is no number."""
    text = StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(row) for row in rows)
    return text.getvalue()
