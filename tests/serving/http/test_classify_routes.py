"""Tests of the routes of a classifier: its own route, and those that belong to forecasts."""

import json
from typing import Any

import pytest
from exchange import JSON_BODY, Server, exchange
from small_classifier import trained_classifier

from lstm_cli.serving.load import load_served

CSV_BODY = {"content-type": "text/csv"}
SEQUENCES = b"id,x,y\na,1,2\na,2,3\nb,0,1\n"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return load_served(trained_classifier(tmp_path_factory.mktemp("routes")) / "run", threads=1)


def test_sequences_are_classified_under_both_names(model: Any) -> None:
    async def work(server: Server) -> None:
        reply = await server.send("POST", "/v1/classify", SEQUENCES, CSV_BODY)
        assert (reply.status, reply.headers["lstm-model-version"]) == (200, "1")
        assert [row["sequence"] for row in reply.json["predictions"]] == ["a", "b"]
        same = await server.send("POST", "/invocations", SEQUENCES, CSV_BODY)
        assert same.json == reply.json
        table = await server.send("POST", "/v1/classify", SEQUENCES, {**CSV_BODY, "accept": "text/csv"})
        assert table.headers["content-type"] == "text/csv; charset=utf-8"
        assert table.body.startswith(b"id,predicted,p_down,p_up\na,")
        assert (await server.send("GET", "/ping")).status == 200

    exchange(work, model=model)


@pytest.mark.parametrize(
    ("method", "url", "headers", "status", "hint"),
    [
        ("POST", "/v1/forecast", CSV_BODY, 404, "its route is POST /v1/classify"),
        ("GET", "/v1/forecast", {}, 404, "its route is POST /v1/classify"),
        ("GET", "/v1/classify", {}, 405, "use one of POST, OPTIONS"),
        ("POST", "/v1/classify?horizon=3", CSV_BODY, 400, "the route has no query values"),
        (
            "POST",
            "/v1/classify",
            {**CSV_BODY, "accept": "application/vnd.apache.parquet"},
            406,
            "accept one of text/csv, application/json",
        ),
        ("POST", "/v1/classify", {"content-type": "image/png"}, 415, "text/csv"),
        ("GET", "/v1", {}, 404, "the paths are /v1/classify, /invocations"),
    ],
)
def test_what_a_classifier_does_not_answer(
    model: Any, method: str, url: str, headers: dict[str, str], status: int, hint: str
) -> None:
    async def work(server: Server) -> None:
        reply = await server.send(method, url, SEQUENCES, headers)
        assert (reply.status, hint in reply.json["hint"]) == (status, True), reply.json
        assert "forecast" not in reply.json["hint"]

    exchange(work, model=model)


def test_a_run_of_forecasts_names_its_route() -> None:
    async def work(server: Server) -> None:
        reply = await server.send("POST", "/v1/classify", b"[1]", JSON_BODY)
        assert (reply.status, reply.json["hint"]) == (404, "its route is POST /v1/forecast")

    exchange(work)


def test_requests_that_wait_share_a_batch(model: Any) -> None:
    import asyncio

    bodies = [f"id,x,y\n{name},{name},1\n{name},2,{name}\n".encode() for name in range(6)]

    async def work(server: Server) -> list[Any]:
        replies = await asyncio.gather(
            *(server.send("POST", "/v1/classify", body, CSV_BODY) for body in bodies)
        )
        assert b"lstm_batch_windows_count 1.0" in server.metrics.render()
        return [json.loads(reply.body)["predictions"][0] for reply in replies]

    together = exchange(work, model=model)
    alone = exchange(work_alone(bodies), model=model, max_batch=1)
    assert [row["sequence"] for row in together] == list("012345")
    for one, other in zip(together, alone, strict=True):
        assert one["probabilities"] == pytest.approx(other["probabilities"], abs=2e-6)


def work_alone(bodies: list[bytes]) -> Any:
    async def work(server: Server) -> list[Any]:
        return [
            (await server.send("POST", "/v1/classify", body, CSV_BODY)).json["predictions"][0]
            for body in bodies
        ]

    return work
