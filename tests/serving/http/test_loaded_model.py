"""Tests of the reload of a changed run, with the fake in place of the model."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import fake_model
import pytest
from exchange import Server, exchange

from lstm_cli.serving.http import loaded_model
from lstm_cli.serving.http.loaded_model import signature_of


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(loaded_model, "load_served", fake_model.FakeModel.load)
    folder = tmp_path / "run"
    (folder / "model" / "0001").mkdir(parents=True)
    (folder / "model" / "0001" / "model.onnx").write_bytes(b"model")
    replace(folder, "1")
    return folder


def replace(run: Path, text: str) -> None:
    (run / "new").write_text(text)
    (run / "new").rename(run / "run.json")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(300):
        while not condition():
            await asyncio.sleep(0.005)


def test_a_changed_run_is_loaded_and_a_broken_one_is_reported_once(run: Path) -> None:
    async def work(server: Server) -> None:
        watching = asyncio.ensure_future(server.models.watch(0.01))
        models = server.models
        replace(run, "2")
        await until(lambda: models.reloads["reloaded"] == 1)
        assert (await server.send("GET", "/v1/forecast")).json["version"] == "2"
        assert b"\nlstm_data_age_seconds " in (await server.send("GET", "/metrics")).body
        for count in (1, 2):  # two changes with the same problem
            replace(run, "broken")
            await until(lambda count=count: models.reloads["failed"] == count)
        (run / "run.json").unlink()
        await until(lambda: models.reloads["failed"] == 3)
        assert (await server.send("GET", "/v1/forecast")).json["version"] == "2"
        metrics = (await server.send("GET", "/metrics")).body
        assert b"lstm_reload_failing 1.0" in metrics
        assert b'lstm_reloads_total{result="failed"} 3.0' in metrics
        replace(run, "3")
        await until(lambda: models.reloads["reloaded"] == 2)
        metrics = (await server.send("GET", "/metrics")).body
        assert b"lstm_reload_failing 0.0" in metrics
        assert b"lstm_data_age_seconds" not in metrics
        watching.cancel()

    def check(server: Server) -> None:
        events = [event for event, _, _ in server.printed]
        assert events == ["reloaded", "warning", "warning", "reloaded"]
        assert "checksum mismatch; hint: run 'lstm verify'" in server.printed[1][1]

    async def both(server: Server) -> None:
        await work(server)
        check(server)

    exchange(both, run=run)


def test_a_damaged_file_is_noticed_without_a_change_of_the_manifest(run: Path) -> None:
    before = signature_of(run)
    (run / "model" / "0002").mkdir()
    (run / "model" / "0002" / "model.onnx").write_bytes(b"of a step that is not finished")
    assert before <= signature_of(run)
    (run / "model" / "0001" / "model.onnx").write_bytes(b"damaged")
    assert not before <= signature_of(run)
    (run / "model" / "0001" / "model.onnx").unlink()
    assert not before <= signature_of(run)


def test_a_request_to_reload_loads_without_a_change(run: Path) -> None:
    async def work(server: Server) -> None:
        watching = asyncio.ensure_future(server.models.watch(0))
        replace(run, "2")
        await asyncio.sleep(0.05)
        assert server.models.reloads == {"reloaded": 0, "unchanged": 0, "failed": 0}
        server.models.request()
        await until(lambda: server.models.reloads["reloaded"] == 1)
        server.models.request()
        await until(lambda: server.models.reloads["unchanged"] == 1)
        watching.cancel()

    exchange(work, run=run)
