"""Tests of batches: each request gets its own answer, and a failure of one leaves the others alone."""

import numpy as np
import pytest
from served_runs import KINDS, Columns, answer, as_csv, as_json, hours, last_rows, wave

from lstm_cli.data.forecast.output import Forecast
from lstm_cli.errors import DeviceError, LstmError
from lstm_cli.serving.model import CSV, JSON, ForecastFailed, ForecastQuery

QUERIES = [
    ForecastQuery(),
    ForecastQuery(horizon=5),
    ForecastQuery(horizon=30),
    ForecastQuery(quantiles=(0.25,)),
    ForecastQuery(horizon=40, quantiles=(0.5, 0.9)),
]


def numbers(body: bytes) -> list[list[float]]:
    """Return the numbers of each row, without its labels."""
    rows = [line.split(",") for line in body.decode().splitlines()[1:]]
    return [[float(cell) for cell in row if cell.replace(".", "", 1).isdigit()] for row in rows]


def requests_of_the_hourly_run() -> list[Columns]:
    """Return windows of different levels, of which some have a gap or a missing value."""
    requests = []
    for number in range(10):
        rows = {name: list(cells) for name, cells in last_rows(KINDS["hourly"]).items()}
        rows["time"] = hours(60, "2025-01-01T00:00")  # not the times of the run's data
        rows["load"] = wave(60, level=40.0 + 3 * number, seed=number)
        if number % 3 == 2:
            rows["load"][20] = None
        requests.append(rows)
    return requests


def test_each_request_of_a_batch_has_its_own_forecast(served):
    model = served("hourly")
    bodies = [as_json(rows) for rows in requests_of_the_hourly_run()]
    queries = [QUERIES[number % len(QUERIES)] for number in range(len(bodies))]
    rows = [model.read(body, JSON, query) for body, query in zip(bodies, queries, strict=True)]
    for one, result, body, query in zip(rows, model.forecast(rows), bodies, queries, strict=True):
        together = model.write(one, result, CSV).body
        alone = answer(model, body, horizon=query.horizon, quantiles=query.quantiles).body
        assert together.split(b"\n")[0] == alone.split(b"\n")[0]
        assert numbers(together) == pytest.approx(np.array(numbers(alone)), rel=1e-5)


def test_panels_with_other_numbers_of_series_are_one_batch(served, monkeypatch):
    model, rows = served("panel"), last_rows(KINDS["panel"])
    calls: list[int] = []
    session = model._forecaster.session

    def counted(past, future, mask):
        calls.append(len(past))
        return session(past, future, mask)

    monkeypatch.setitem(vars(model._forecaster), "session", counted)
    chosen = [("Bonn",), ("Aachen", "=Köln"), ()]
    requests = [model.read(as_csv(rows), CSV, ForecastQuery(series=series)) for series in chosen]
    results = model.forecast(requests)
    assert calls == [sum(request.windows for request in requests)] == [6]
    assert [result.names for result in results] == [
        ("Bonn",),
        ("Aachen", "=Köln"),
        ("Aachen", "Bonn", "=Köln"),
    ]
    for request, result, series in zip(requests, results, chosen, strict=True):
        alone = numbers(answer(model, as_csv(rows), CSV, series=series).body)
        assert numbers(model.write(request, result, CSV).body) == pytest.approx(np.array(alone), rel=1e-5)


def test_a_request_can_be_forecast_again(served):
    model, body = served("panel"), as_csv(last_rows(KINDS["panel"]))
    rows = model.read(body, CSV, ForecastQuery())
    first, second = model.forecast([rows]), model.forecast([rows])
    assert model.write(rows, first[0], CSV).body == model.write(rows, second[0], CSV).body


@pytest.mark.parametrize("error", [DeviceError("out of memory"), MemoryError(), ValueError("a bug")])
def test_a_failed_batch_runs_again_request_by_request(served, monkeypatch, error):
    model = served("hourly")
    session = model._forecaster.session
    bodies = [as_json(rows) for rows in requests_of_the_hourly_run()[:6]]
    rows = [model.read(body, JSON, ForecastQuery()) for body in bodies]
    bad = rows[3]._data.window.past

    def failing(past, future, mask):
        if any(np.array_equal(window, bad) for window in past):
            raise error
        return session(past, future, mask)

    monkeypatch.setitem(vars(model._forecaster), "session", failing)
    results = model.forecast(rows)
    failed = results.pop(3)
    assert isinstance(failed, LstmError)
    assert isinstance(failed, DeviceError) != isinstance(error, ValueError)
    assert isinstance(failed, ForecastFailed) == isinstance(error, ValueError)
    assert error in (failed, failed.__cause__)
    assert all(isinstance(result, Forecast) for result in results)
    monkeypatch.undo()
    for number, result in zip((0, 1, 2, 4, 5), results, strict=True):
        alone = numbers(answer(model, bodies[number]).body)
        together = numbers(model.write(rows[number], result, CSV).body)
        assert together == pytest.approx(np.array(alone), rel=1e-5)
