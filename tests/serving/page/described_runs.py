"""Descriptions of runs, and a small server of their pages."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from lstm_cli.serving.model.description import ColumnDescription, RunDescription
from lstm_cli.serving.page import ServerLimits, page_html, sign_in_html

LIMITS = ServerLimits(max_body=16 * 2**20, timeout=30.0, needs_token=False)
WITH_TOKEN = ServerLimits(max_body=1_500, timeout=0.5, needs_token=True)
TOKEN = "secret token"
HOSTILE = "</script><b onclick=alert(1)>'\"&\u2028$(id)"


def load_records(count: int = 48) -> tuple[dict[str, Any], ...]:
    return tuple(
        {"date": f"2026-11-{1 + hour // 24:02} {hour % 24:02}:00:00", "load": round(10 + hour % 24 / 7, 2)}
        for hour in range(count)
    )


def as_csv(records: tuple[dict[str, Any], ...]) -> str:
    lines = [",".join(records[0]), *(",".join(map(str, record.values())) for record in records)]
    return "\n".join(lines) + "\n"


LOAD = RunDescription(
    name="demo",
    version="3",
    columns=(
        ColumnDescription(name="date", role="time", kind="time"),
        ColumnDescription(name="load", role="target", kind="number", unit="MW", decimals=2),
    ),
    delimiter=",",
    wide=False,
    step="1h",
    time_format="2026-11-29 00:00:00",
    time_zone="",
    lookback=48,
    horizon=24,
    max_horizon=2_400,
    min_rows=1,
    levels=(80.0, 95.0),
    quantile_range=(0.001, 0.999),
    answer_columns=("date", "load", "load_lo80", "load_hi80", "load_lo95", "load_hi95"),
    example_records=load_records(),
    example_csv=as_csv(load_records()),
)
PANEL = RunDescription(
    name=f"shops {HOSTILE}",
    version="12",
    columns=(
        ColumnDescription(name="week", role="time", kind="whole"),
        ColumnDescription(name=f"shop {HOSTILE}", role="series", kind="text"),
        ColumnDescription(name="sales", role="target", kind="number", unit="$"),
        ColumnDescription(name="visits", role="past", kind="number"),
        ColumnDescription(name="weather", role="future", kind="text", categories=("rain", HOSTILE)),
        ColumnDescription(name="size", role="static", kind="number"),
    ),
    delimiter=";",
    wide=False,
    step="",
    time_format="12",
    time_zone="Europe/Paris",
    lookback=8,
    horizon=4,
    max_horizon=400,
    min_rows=2,
    series=("north", HOSTILE),
    series_count=2,
    levels=(80.0, 95.0),
    needs_future=True,
    answer_columns=(f"shop {HOSTILE}", "week", "sales"),
)


def forecast_of(description: RunDescription) -> dict[str, Any]:
    """Return an answer with a forecast of 24 hours."""
    rows = [
        {"date": f"2026-11-03 {hour:02}:00:00", "load": 10 + hour / 8}
        | {
            f"load_{end}{level}": 10 + hour / 8 + sign * level / 40
            for level in (80, 95)
            for end, sign in (("lo", -1), ("hi", 1))
        }
        for hour in range(24)
    ]
    text = "load.csv, line 7: a gap"
    return {"version": description.version, "forecast": rows, "warnings": [{"rule": "D103", "text": text}]}


REFUSAL = {
    "error": "line 3: 'abc' is not a number",
    "hint": "write numbers",
    "code": "D201",
    "request_id": "r-1",
}


@contextmanager
def page_server(
    description: Any,
    limits: ServerLimits,
    html: Callable[[Any, ServerLimits], bytes] = page_html,
    answer_of: Callable[[Any], dict[str, Any]] = forecast_of,
) -> Iterator[tuple[str, list[Any]]]:
    """Yield the address of a server of the page with fixed answers, and the requests that it gets.

    Args:
        description: description of a run.
        limits: limits of the server.
        html: makes the page.
        answer_of: makes the answer to each request.
    """
    requests: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def reply(self, status: int, body: bytes, media_type: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self) -> None:
            known = not limits.needs_token or self.headers["Authorization"] == f"Bearer {TOKEN}"
            if self.path == "/":
                page = html(description, limits) if known else sign_in_html()
                self.reply(200 if known else 401, page, "text/html; charset=utf-8")
            elif self.path == "/favicon.ico":
                self.reply(204, b"", "image/x-icon")
            else:
                self.answer(b"")

        def do_POST(self) -> None:
            self.answer(self.rfile.read(int(self.headers["Content-Length"])))

        def answer(self, body: bytes) -> None:
            requests.append((self.command, self.path, dict(self.headers), body))
            found = (422, REFUSAL) if b"abc" in body else (200, answer_of(description))
            self.reply(found[0], json.dumps(found[1]).encode(), "application/json")

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/", requests
        finally:
            server.shutdown()
