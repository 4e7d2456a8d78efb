"""Tests of the direct way: for rows that it takes, the reader of files gives the same answer without a warning."""

import copy
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from served_runs import KINDS, Columns, answer, as_json, as_records, hours, last_rows

from lstm_cli.data.forecast.output import Forecast
from lstm_cli.data.numbers.decimals import number_texts
from lstm_cli.errors import LstmError
from lstm_cli.serving.model import CSV, JSON, Answer, ForecastQuery, ServedModel
from lstm_cli.serving.model.plain_forecasts import _cell_texts
from lstm_cli.serving.model.rows import PlainRows

# Cells that a mutation writes: each changes how a file is read, or could.
CELLS: list[Any] = [
    *(None, "", "12.5", "1,5", "NA", "-", " 7 ", True, False, 0, -0.0, -1, 1e300, -1e300, 1e-310, 10**400),
    *(-999, -9999, 9999, 99999, 55, 55.25, 1e6, -200, 1_000_000_007, "2024-01-01", "x", "1e3", "٣"),
    *(
        "2024-01-15 05:00",
        "2024-01-15T05:00",
        "2024-01-15 05:00:00",
        "2024-01-15 5:00",
        "2024-01-15",
        "15.01.2024",
    ),
    *("2024-01-15 05:00Z", "2024-02-30 00:00", "2024-01-15 24:00", "2024-01-15 05:30", "9999-12-31 23:00"),
]


def without_direct_way(model: ServedModel) -> ServedModel:
    """Return the same model, which reads each body as a file."""
    slow = ServedModel(model._forecaster, name=model.name, version=model.version, etag=model.etag)
    slow._plain = None
    return slow


def outcome(model: ServedModel, body: bytes, accept: str, query: ForecastQuery) -> Answer | tuple[type, str]:
    """Return the answer to a request, or the error."""
    try:
        rows = model.read(body, JSON, query)
    except LstmError as error:
        return type(error), error.message
    (result,) = model.forecast([rows])
    return (
        model.write(rows, result, accept) if isinstance(result, Forecast) else (type(result), result.message)
    )


def is_plain(model: ServedModel, columns: Columns, **query: Any) -> bool:
    rows = model.read(as_json(columns), JSON, ForecastQuery(**query))
    return isinstance(rows._data, PlainRows)


def test_usual_rows_are_plain(served):
    for kind in ("hourly", "future"):
        assert is_plain(served(kind), last_rows(KINDS[kind])), kind
        assert is_plain(served(kind), last_rows(KINDS[kind]), horizon=3, quantiles=(0.5,)), kind
    assert not is_plain(served("hourly"), last_rows(KINDS["hourly"]), horizon=30)


@pytest.mark.parametrize("kind", ["panel", "zone", "offsets", "months", "rows", "wide"])
def test_other_runs_have_no_plain_rows(kind, served):
    assert not is_plain(served(kind), last_rows(KINDS[kind]))


@pytest.mark.parametrize("form", ["2024-01-15T05:00", "2024-01-15 05:00:00", "2024-01-15T05:00:00"])
def test_other_forms_of_iso_times_are_plain(form, served):
    rows = dict(last_rows(KINDS["hourly"]))
    end = ":00" if form.endswith(":00:00") else ""
    rows["time"] = [time.replace(" ", form[10]) + end for time in rows["time"]]
    assert is_plain(served("hourly"), rows)
    assert (
        answer(served("hourly"), as_json(rows)).body
        == answer(served("hourly"), as_json(last_rows(KINDS["hourly"]))).body
    )


def test_changed_values_of_known_times_are_not_plain(served):
    rows = {name: list(cells) for name, cells in last_rows(KINDS["hourly"]).items()}
    rows["load"][-3] += 0.5
    assert not is_plain(served("hourly"), rows)
    rows["time"] = hours(60, "2025-01-01T00:00")
    assert is_plain(served("hourly"), rows)


def mutate(records: list[dict[str, Any]], choose: st.DataObject) -> list[dict[str, Any]]:
    """Return the records with one or two changes."""
    changed = copy.deepcopy(records)
    for _ in range(choose.draw(st.integers(0, 2))):
        row = choose.draw(st.integers(0, len(changed) - 1))
        name = choose.draw(st.sampled_from(list(records[0])))
        kind = choose.draw(
            st.sampled_from(["cell", "cell", "drop", "repeat", "swap", "key", "name", "cut", "many"])
        )
        if kind == "cell":
            changed[row][name] = choose.draw(st.sampled_from(CELLS))
        elif kind == "drop":
            del changed[row]
        elif kind == "repeat":
            changed.insert(row, dict(changed[row]))
        elif kind == "swap":
            changed[row], changed[0] = changed[0], changed[row]
        elif kind == "key":
            changed[row].pop(name, None)
        elif kind == "name":
            changed[row]["more"] = choose.draw(st.sampled_from(CELLS))
        elif kind == "cut":
            changed = changed[row:] or changed
        else:
            value = choose.draw(st.sampled_from(CELLS))
            for record in changed[row : row + 12]:
                record[name] = value
    return changed


@pytest.mark.parametrize("kind", ["hourly", "future"])
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(choose=st.data())
def test_the_direct_way_is_the_reader_of_files(kind, served, choose):
    model = served(kind)
    records = mutate(as_records(last_rows(KINDS[kind])), choose)
    query = ForecastQuery(horizon=choose.draw(st.sampled_from([None, 4])))
    accept = choose.draw(st.sampled_from([CSV, JSON]))
    body = json.dumps(records).encode()
    assert outcome(model, body, accept, query) == outcome(without_direct_way(model), body, accept, query)


def test_a_forecast_that_is_not_finite_fails_alone(served, monkeypatch):
    model = served("hourly")
    rows = [model.read(as_json(last_rows(KINDS["hourly"])), JSON, ForecastQuery()) for _ in range(3)]
    session = model._forecaster.session

    def broken(past, future, mask):
        made = session(past, future, mask)
        made[1] = np.nan
        return made

    monkeypatch.setitem(vars(model._forecaster), "session", broken)
    first, second, third = model.forecast(rows)
    assert isinstance(first, Forecast)
    assert isinstance(third, Forecast)
    assert "not finite" in second.message


@pytest.mark.parametrize("decimals", [0, 1, 2, 3, 9])
def test_fast_texts_are_those_of_the_file(decimals):
    random = np.random.default_rng(decimals)
    sizes = 10.0 ** random.uniform(-12, 20, 30_000)
    numbers = np.concatenate(
        [
            random.normal(size=30_000) * sizes,
            np.round(random.normal(size=20_000) * 100, random.integers(0, 6)),
            np.round(random.normal(size=2_000), 1),
            np.float32(2.0) ** np.arange(-40, 60),
            2097152.25 + np.arange(500),  # ties of the shortest text
            [0.0, -0.0, 1e-4, 1e15, 99999.995, -0.05, 1e30, 3.5e38, 1e300],
        ]
    )
    cells = numbers[: len(numbers) // 3 * 3].reshape(-1, 3)
    with np.errstate(over="raise"):
        texts = _cell_texts(cells, [decimals] * 3)
    assert texts == number_texts(cells.reshape(-1), decimals)


def test_fast_texts_with_decimals_of_each_column():
    assert _cell_texts(np.array([[0.5, 12.25], [3.0, 7.0]]), [2, 0]) == ["0.50", "12.25", "3.00", "7"]
