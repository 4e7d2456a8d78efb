"""Tests of the queue: what waits becomes the next batch, counted in windows."""

import asyncio
import threading
from collections.abc import Sequence

from exchange import JSON_BODY, Reply, Server, exchange
from fake_model import FakeModel

from lstm_cli.serving.model import Rows

FORECAST = "/v1/forecast"


class Gate:
    """Model that waits in its first batch until the test opens the gate."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()
        self.model = FakeModel("1", before_forecast=self._wait)

    def _wait(self, rows: Sequence[Rows]) -> None:
        if not self.entered.is_set():
            self.entered.set()
            assert self.opened.wait(300)

    async def reached(self) -> None:
        while not self.entered.is_set():
            await asyncio.sleep(0.001)


def post(server: Server, body: bytes) -> "asyncio.Task[Reply]":
    return asyncio.ensure_future(server.send("POST", FORECAST, body, JSON_BODY))


async def send_behind(gate: Gate, server: Server, bodies: Sequence[bytes]) -> list[Reply]:
    """Return the answers to requests that come while the model runs, after that of the first request."""
    first = post(server, b"[100]")
    await gate.reached()
    tasks = [post(server, body) for body in bodies]
    await asyncio.sleep(0.01)
    gate.opened.set()
    return await asyncio.gather(first, *tasks)


def test_waiting_requests_share_a_batch_of_limited_windows() -> None:
    gate = Gate()
    bodies = [b"[1]", b"[1, 1]", b"[1, 1]", b"[1, 1, 1, 1, 1, 1]", b"[1]"]
    answers = exchange(lambda server: send_behind(gate, server, bodies), model=gate.model, max_batch=4)
    assert [answer.json["values"][0] for answer in answers] == [100, 1, 2, 2, 6, 1]
    assert gate.model.batches == [1, 3, 2, 6, 1]
    assert len(gate.model.threads) == 1


def test_requests_that_come_together_share_the_first_batch() -> None:
    model = FakeModel("1")

    async def work(server: Server) -> None:
        answers = await asyncio.gather(*(post(server, b"[1]") for _ in range(5)))
        assert {answer.status for answer in answers} == {200}

    exchange(work, model=model)
    assert model.batches == [5]


def test_a_failed_request_does_not_fail_its_batch() -> None:
    gate = Gate()
    bodies = [b'["bug"]', b"[2]", b'["refused"]', b'["memory"]', b"[3]"]
    answers = exchange(lambda server: send_behind(gate, server, bodies), model=gate.model)
    assert [answer.status for answer in answers] == [200, 500, 200, 422, 503, 200]


def test_a_full_queue_is_503_at_once() -> None:
    gate = Gate()
    answers = exchange(lambda server: send_behind(gate, server, [b"[1]"] * 5), model=gate.model, queue=2)
    assert sorted(answer.status for answer in answers) == [200, 200, 200, 503, 503, 503]
    full = next(answer for answer in answers if answer.status == 503)
    assert (full.headers["retry-after"], full.json["code"]) == ("1", "unavailable")


def test_a_request_that_expired_in_the_queue_is_not_forecast() -> None:
    gate = Gate()

    async def work(server: Server) -> list[int]:
        first = post(server, b"[1]")
        await gate.reached()
        expired = await post(server, b"[1, 2, 3]")
        gate.opened.set()
        await first
        return [expired.status, (await post(server, b"[1]")).status]

    assert exchange(work, model=gate.model, timeout=0.2) == [504, 200]
    assert gate.model.batches == [1, 1]


def test_a_reload_keeps_the_batches_of_each_version_apart() -> None:
    gate = Gate()
    newer = FakeModel("2")

    async def work(server: Server) -> list[str]:
        first = post(server, b"[1]")
        await gate.reached()
        before = post(server, b"[2]")
        await asyncio.sleep(0.01)
        server.models.current = type(server.models.current)(newer, {})  # type: ignore[arg-type]
        after = post(server, b"[3]")
        await asyncio.sleep(0.01)
        gate.opened.set()
        answers = await asyncio.gather(first, before, after)
        assert [answer.json["version"] for answer in answers] == ["1", "1", "2"]
        return [answer.headers["lstm-model-version"] for answer in answers]

    assert exchange(work, model=gate.model) == ["1", "1", "2"]
    assert (gate.model.batches, newer.batches) == ([1, 1], [1])
