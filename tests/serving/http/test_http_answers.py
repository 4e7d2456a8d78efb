"""Tests of the statuses, headers and bodies of answers."""

import gzip
import json
import threading
import zlib
from pathlib import Path
from typing import Any

import pytest
from exchange import JSON_BODY, Reply, Server, exchange, reply
from fake_model import FakeModel

from lstm_cli.errors import StaleArtifact

FORECAST = "/v1/forecast"
CSV_BODY = {"content-type": "text/csv"}


def test_a_forecast_has_the_version_and_a_request_id() -> None:
    answer = reply("POST", FORECAST, b"[1, 2]", JSON_BODY)
    assert (answer.status, answer.json) == (200, {"version": "1", "values": [3]})
    assert answer.headers["lstm-model-version"] == "1"
    assert answer.headers["content-length"] == str(len(answer.body))
    assert reply("POST", "/invocations?horizon=2", b"[1]", JSON_BODY).json["predictions"] == [1, 1]


def test_the_warnings_of_a_csv_answer_are_in_a_header() -> None:
    answer = reply("POST", FORECAST, b"1\n2", CSV_BODY | {"accept": "text/csv"})
    assert answer.body == b"load\n3.0\n"
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert json.loads(answer.headers["lstm-warnings"]) == ["1 missing value is filled"]


@pytest.mark.parametrize(
    ("method", "url", "body", "headers", "status", "error"),
    [
        ("POST", FORECAST, b"[1", JSON_BODY, 400, "the body is not JSON"),
        ("POST", f"{FORECAST}?horizn=2", b"[1]", JSON_BODY, 400, "the query value 'horizn' is unknown"),
        ("POST", f"{FORECAST}?horizon=0", b"[1]", JSON_BODY, 400, "horizon=0 is too small"),
        ("POST", f"{FORECAST}?horizon=2&horizon=3", b"[1]", JSON_BODY, 400, "'horizon' is given twice"),
        ("POST", f"{FORECAST}?horizon=1e9", b"[1]", JSON_BODY, 400, "horizon=1e9 is malformed"),
        ("POST", f"{FORECAST}?quantiles=0.1,1", b"[1]", JSON_BODY, 400, "quantiles=1 is out of range"),
        ("POST", f"{FORECAST}?intervals=no", b"[1]", JSON_BODY, 400, "intervals=no is malformed"),
        (
            "POST",
            f"{FORECAST}?intervals=true&intervals=false",
            b"[1]",
            JSON_BODY,
            400,
            "the query value 'intervals' is given twice",
        ),
        ("POST", f"{FORECAST}?series=a%FF", b"[1]", JSON_BODY, 400, "the query of the URL is malformed"),
        ("POST", f"{FORECAST}?series=x", b"[1]", JSON_BODY, 400, "series=x is unknown"),
        ("GET", f"{FORECAST}?horizon", b"", {}, 400, "the query of the URL is malformed"),
        ("GET", "/nothing", b"", {}, 404, "there is no such path"),
        ("PUT", FORECAST, b"[1]", JSON_BODY, 405, "PUT is not possible here"),
        ("HEAD", "/invocations", b"", {}, 405, "HEAD is not possible here"),
        ("GET", FORECAST, b"", {"accept": "image/png, text/csv;q=0"}, 406, "no media type of Accept"),
        ("POST", FORECAST, b'["large"]', JSON_BODY, 413, "the table of the body has 9 cells"),
        ("POST", FORECAST, b"[1]", {}, 415, "Content-Type is missing"),
        ("POST", FORECAST, b"[1]", {"content-type": "text/plain"}, 415, "'text/plain' is not supported"),
        ("POST", FORECAST, b"1", {"content-type": "text/csv; charset=utf-16"}, 415, "charset 'utf-16'"),
        ("POST", FORECAST, b"1", JSON_BODY | {"content-encoding": "br"}, 415, "Content-Encoding 'br'"),
        ("POST", FORECAST, b"1", JSON_BODY | {"content-encoding": "gzip"}, 400, "not valid gzip"),
        ("POST", FORECAST, b'["bad"]', JSON_BODY, 422, "body, line 3: 'bad' is not a number"),
        ("POST", FORECAST, b'["refused"]', JSON_BODY, 422, "too few rows"),
        ("POST", FORECAST, b'["memory"]', JSON_BODY, 503, "not enough memory"),
        ("POST", FORECAST, b'["bug"]', JSON_BODY, 500, "the server has a bug"),
    ],
)
def test_an_error_is_json_with_a_hint(
    method: str, url: str, body: bytes, headers: dict[str, str], status: int, error: str
) -> None:
    answer = reply(method, url, body, headers)
    assert answer.status == status, answer.body
    assert error in answer.json["error"]
    assert answer.json.keys() >= {"error", "hint", "code", "request_id"}
    assert answer.json["hint"]
    assert answer.json["request_id"] == answer.headers["x-request-id"]
    assert b"Traceback" not in answer.body
    assert (answer.headers.get("retry-after") is not None) == (status == 503)


def test_an_error_of_the_data_names_the_rule_and_the_line() -> None:
    answer = reply("POST", FORECAST, b'["bad"]', JSON_BODY).json
    assert (answer["code"], answer["line"], answer["column"]) == ("D301", 3, None)


def test_a_bug_is_in_the_log_with_the_id_of_the_answer() -> None:
    async def work(server: Server) -> Reply:
        answer = await server.send("POST", FORECAST, b'["bug"]', JSON_BODY | {"x-request-id": "mine-7"})
        assert any("KeyError" in text for event, text, _ in server.printed if event == "traceback")
        assert server.printed[-1][2]["request_id"] == "mine-7"
        assert "KeyError: 'bug'" in server.printed[-1][1]
        return answer

    assert exchange(work).json["request_id"] == "mine-7"


def test_the_log_has_the_code_of_an_error_and_the_windows_of_the_model() -> None:
    async def work(server: Server) -> list[tuple[str, str, dict[str, Any]]]:
        await server.send("POST", FORECAST, b'["bad"]', JSON_BODY)
        await server.send("GET", FORECAST)
        await server.send("GET", FORECAST)
        return server.printed

    refused, computed, kept = (text for event, text, _ in exchange(work, with_log=True) if event == "request")
    assert refused.startswith("POST /v1/forecast 422 D301 0.")
    assert ", 1 window, version 1, id " in computed
    assert "window" not in kept


@pytest.mark.parametrize("given", ["a b", 'x"y', "a" * 129, "é"])
def test_an_unusual_request_id_is_replaced(given: str) -> None:
    assert reply("GET", "/ping", headers={"x-request-id": given}).headers["x-request-id"] != given


def test_a_body_is_limited_before_and_after_decompression() -> None:
    rows = json.dumps([1] * 400).encode()
    for length in (str(len(rows)), "9" * 30):
        declared = reply("POST", FORECAST, [None], JSON_BODY | {"content-length": length}, max_body=1000)
        assert (declared.status, declared.json["code"]) == (413, "too-large")
    assert reply("POST", FORECAST, [rows[:900], rows[900:]], JSON_BODY, max_body=1000).status == 413
    assert reply("POST", FORECAST, rows, JSON_BODY, max_body=len(rows)).status == 200
    packed = gzip.compress(rows)
    compressed = JSON_BODY | {"content-encoding": "gzip"}
    assert reply("POST", FORECAST, packed, compressed, max_body=1000).status == 413
    assert reply("POST", FORECAST, packed, compressed).json["values"] == [400]


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(b"[1,", mtime=0) + gzip.compress(b"2]", mtime=0)),
        ("x-gzip", gzip.compress(b"[1,2]", mtime=0)),
        ("deflate", zlib.compress(b"[1,2]")),
        ("deflate", zlib.compress(b"[1,2]", wbits=-15)),
        ("identity", b"[1,2]"),
    ],
)
def test_a_compressed_body_is_read(encoding: str, packed: bytes) -> None:
    answer = reply("POST", FORECAST, packed, JSON_BODY | {"content-encoding": encoding})
    assert answer.json["values"] == [3]


@pytest.mark.parametrize(
    "packed", [gzip.compress(b"[1,2]", mtime=0)[:-4], gzip.compress(b"[1,2]", mtime=0) + b"x", b"[1]"]
)
def test_a_truncated_or_longer_compressed_body_is_malformed(packed: bytes) -> None:
    answer = reply("POST", FORECAST, packed, JSON_BODY | {"content-encoding": "gzip"})
    assert (answer.status, answer.json["code"]) == (400, "malformed")


def test_a_slow_body_and_a_slow_model_have_statuses_of_their_own() -> None:
    slow_body = reply("POST", FORECAST, [b"[1", None], JSON_BODY, timeout=0.05)
    assert (slow_body.status, slow_body.json["code"]) == (408, "timeout-of-body")
    assert slow_body.headers["connection"] == "close"  # the rest of the body would be read as a request
    done = threading.Event()
    model = FakeModel("1", before_forecast=lambda rows: done.wait(300))
    try:
        assert reply("POST", FORECAST, b"[1]", JSON_BODY, timeout=0.05, model=model).status == 504
        assert reply("GET", FORECAST, timeout=0.05, model=model).status == 504
    finally:
        done.set()


def test_data_that_the_model_cannot_forecast_are_out_of_date_not_a_bug() -> None:
    def refuse(rows: Any) -> None:
        raise StaleArtifact("the model is out of date", hint="ask the operator")

    answer = reply("GET", FORECAST, model=FakeModel("1", before_forecast=refuse))
    assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (503, "stale", "60")
    assert answer.json["hint"] == "ask the operator"


def test_options_and_405_list_the_methods() -> None:
    answer = reply("OPTIONS", FORECAST)
    assert (answer.status, answer.headers["allow"]) == (204, "GET, POST, HEAD, OPTIONS")
    assert reply("DELETE", "/ping").headers["allow"] == "GET, HEAD, OPTIONS"


def test_the_newest_forecast_is_computed_once_and_has_an_etag() -> None:
    async def work(server: Server) -> None:
        first = await server.send("GET", FORECAST)
        second = await server.send("GET", FORECAST)
        assert first.body == second.body
        assert server.model.newest_calls == 1
        tag = first.headers["etag"]
        fresh = await server.send("GET", FORECAST, headers={"if-none-match": f'"x", W/{tag}'})
        assert (fresh.status, fresh.body, fresh.headers["etag"]) == (304, b"", tag)
        assert "content-length" not in fresh.headers
        as_csv = await server.send("GET", FORECAST, headers={"accept": "text/csv"})
        other = await server.send("GET", f"{FORECAST}?horizon=2")
        assert len({tag, as_csv.headers["etag"], other.headers["etag"]}) == 3
        assert (other.status, other.json["values"]) == (200, [42, 42])

    exchange(work)


def test_ready_ends_before_live() -> None:
    async def work(server: Server) -> None:
        assert [(await server.send("GET", path)).status for path in HEALTH] == [200, 200, 200]
        server.routes.is_ready, server.app.is_closing = False, True
        answers = [await server.send("GET", path) for path in HEALTH]
        assert [answer.status for answer in answers] == [200, 503, 503]
        assert all(answer.headers["connection"] == "close" for answer in answers)

    exchange(work)


HEALTH = ("/v2/health/live", "/v2/health/ready", "/ping")


@pytest.mark.parametrize(
    ("given", "status"),
    [(None, 401), ("Bearer second", 200), ("bearer first", 200), ("Bearer third", 401), ("Basic first", 401)],
)
def test_a_token_is_needed_except_for_health(tmp_path: Path, given: str | None, status: int) -> None:
    tokens = tmp_path / "tokens.txt"
    tokens.write_text("first\n\n second \n")
    headers = {} if given is None else {"authorization": given}
    options: dict[str, Any] = {"token_file": str(tokens)}
    answer = reply("GET", FORECAST, headers=headers, **options)
    assert answer.status == status
    assert ("www-authenticate" in answer.headers) == (status == 401)
    for path in ("/metrics", "/nothing"):
        assert reply("GET", path, headers=headers, **options).status in (status, 404)
        assert (reply("GET", path, headers=headers, **options).status == 401) == (status == 401)
    assert {reply("GET", path, headers=headers, **options).status for path in HEALTH} == {200}


def test_metrics_count_requests_and_batches() -> None:
    async def work(server: Server) -> str:
        await server.send("POST", FORECAST, b"[1, 2]", JSON_BODY)
        await server.send("GET", "/nothing")
        return (await server.send("GET", "/metrics")).body.decode()

    text = exchange(work)
    for line in (
        'lstm_requests_total{route="/v1/forecast",status="200"} 1.0',
        'lstm_requests_total{route="other",status="404"} 1.0',
        "lstm_batch_windows_sum 2.0",
        "lstm_model_version 1.0",
        "lstm_reload_failing 0.0",
    ):
        assert line in text.splitlines()
    assert "_created" not in text
