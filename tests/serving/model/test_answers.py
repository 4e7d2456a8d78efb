"""Tests of answers: the bytes and warnings of `lstm predict RUN NEW` for each kind of run and body."""

import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from served_runs import KINDS, Columns, answer, as_csv, as_json, as_records, last_rows, predicted

from lstm_cli.errors import DataError, UsageError
from lstm_cli.serving.model import CSV, JSON, PARQUET, ForecastQuery

QUERIES = {
    "hourly": [{"horizon": 5}, {"horizon": 30}, {"quantiles": (0.1, 0.5)}],
    "future": [{"horizon": 7}, {"horizon": 3, "quantiles": (0.9,), "intervals": False}, {"intervals": False}],
    "panel": [{"series": ("Bonn",)}, {"series": ("=Köln", "Aachen"), "horizon": 2}],
}
WITH_QUERY = [(kind, query) for kind in KINDS for query in [{}, *QUERIES.get(kind, [])]]


def settings_of(query: dict) -> dict:
    return {{"series": "only"}.get(name, name): value for name, value in query.items()}


def as_parquet(columns: Columns) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table(dict(columns)), sink)
    return sink.getvalue()


def plain_numbers(kind: str) -> Columns:
    """Return the rows of a request with numbers in place of text with a decimal comma."""
    rows = dict(last_rows(KINDS[kind]))
    if kind == "semicolons":
        rows["Last"] = [float(cell.replace(",", ".")) for cell in rows["Last"]]
    return rows


@pytest.mark.parametrize(("kind", "query"), WITH_QUERY)
def test_an_answer_to_csv_is_that_of_predict(kind, query, run_of, served, tmp_path):
    body = as_csv(last_rows(KINDS[kind]), KINDS[kind].config.delimiter or ",")
    expected, warnings = predicted(run_of(kind), body, tmp_path, **settings_of(query))
    got = answer(served(kind), body, CSV, **query)
    assert got.body == expected
    assert [finding.text for finding in got.warnings] == warnings


@pytest.mark.parametrize(("kind", "query"), WITH_QUERY)
def test_an_answer_to_json_has_the_figures_of_predict(kind, query, run_of, served, tmp_path):
    body = as_csv(last_rows(KINDS[kind]), KINDS[kind].config.delimiter or ",")
    expected, _ = predicted(run_of(kind), body, tmp_path, **settings_of(query))
    assert answer(served(kind), as_json(plain_numbers(kind)), JSON, **query).body == expected


@pytest.mark.parametrize("kind", ["hourly", "panel"])
def test_an_answer_to_parquet_is_that_of_predict(kind, run_of, served, tmp_path):
    body = as_parquet(last_rows(KINDS[kind]))
    expected, warnings = predicted(run_of(kind), body, tmp_path, format="parquet")
    got = answer(served(kind), body, PARQUET, PARQUET)
    assert got.body == expected
    assert [finding.text for finding in got.warnings] == warnings


@pytest.mark.parametrize("kind", list(KINDS))
def test_a_json_answer_has_the_records_of_predict(kind, run_of, served, tmp_path):
    body = as_csv(last_rows(KINDS[kind]), KINDS[kind].config.delimiter or ",")
    expected, warnings = predicted(run_of(kind), body, tmp_path, format="json")
    got = json.loads(answer(served(kind), body, CSV, JSON).body)
    assert got["forecast"] == json.loads(expected)
    assert got["version"] == "1"
    assert [finding["text"] for finding in got["warnings"]] == warnings


def test_the_forms_of_json_have_one_answer(served):
    model, rows = served("panel"), last_rows(KINDS["panel"])
    split = {"columns": list(rows), "data": [list(row) for row in zip(*rows.values(), strict=True)]}
    forms = [
        as_records(rows),
        split,
        split | {"index": list(range(len(split["data"])))},
        {"dataframe_split": split},
        {"dataframe_records": as_records(rows)},
        [{name: cell for name, cell in record.items() if cell is not None} for record in as_records(rows)],
    ]
    answers = {answer(model, json.dumps(form).encode()).body for form in forms}
    assert len(answers) == 1


def test_an_undefined_number_is_null(served):
    """A series that is too short gets the baseline, without intervals."""
    rows = last_rows(KINDS["panel"])
    shop = [number for number, name in enumerate(rows["shop"]) if name == "Bonn"]
    chosen = [*shop, len(rows["shop"]) - 10, len(rows["shop"]) - 9]
    body = as_json({name: [cells[number] for number in chosen] for name, cells in rows.items()})
    got = answer(served("panel"), body, JSON, JSON)
    records = json.loads(got.body, parse_constant=lambda name: pytest.fail(f"{name} is not JSON"))["forecast"]
    assert records[-1]["sales_lo80"] is None
    assert "D806" in {finding.rule for finding in got.warnings}


def test_a_json_answer_can_have_another_key(served):
    model = served("hourly")
    rows = model.read(as_json(last_rows(KINDS["hourly"])), JSON, ForecastQuery())
    (forecast,) = model.forecast([rows])
    assert len(json.loads(model.write(rows, forecast, JSON, key="predictions").body)["predictions"]) == 12


def test_the_newest_forecast_is_that_of_predict(run_of, served, tmp_path):
    from lstm_cli.config import PredictConfig
    from lstm_cli.events import ignore_events
    from lstm_cli.steps.predict import predict

    for kind in ("hourly", "panel", "zone"):
        predict(run_of(kind), None, PredictConfig(output=str(tmp_path / "newest.csv")), ignore_events)
        model = served(kind)
        rows = model.newest(ForecastQuery())
        (forecast,) = model.forecast([rows])
        assert model.write(rows, forecast, CSV).body == (tmp_path / "newest.csv").read_bytes(), kind


@pytest.mark.parametrize(
    ("kind", "change", "media_type", "text"),
    [
        ("hourly", {"load": {5: "twelve"}}, CSV, "the body, line 7, column 'load'"),
        ("hourly", {"load": {5: "twelve"}}, JSON, "the body, record 6, column 'load'"),
        ("hourly", {"time": {3: "yesterday"}}, JSON, "the body, record 4, column 'time'"),
        ("panel", {"sales": {3: 1e200}}, JSON, "the body, record 4, column 'sales'"),
    ],
)
def test_an_error_of_the_data_names_line_or_record(kind, change, media_type, text, served):
    rows = {name: list(cells) for name, cells in last_rows(KINDS[kind]).items()}
    for name, cells in change.items():
        for number, cell in cells.items():
            rows[name][number] = cell
    body = as_csv(rows) if media_type == CSV else as_json(rows)
    with pytest.raises(DataError) as raised:
        served(kind).read(body, media_type, ForecastQuery())
    assert raised.value.message.startswith(text)


@pytest.mark.parametrize(
    ("kind", "query", "error"),
    [
        ("hourly", {"horizon": 99_999}, UsageError),
        ("panel", {"horizon": 8}, UsageError),
        ("hourly", {"quantiles": (1e-9,)}, UsageError),
        ("hourly", {"series": ("A",)}, UsageError),
        ("panel", {"series": ("Bern",)}, DataError),
    ],
)
def test_a_query_that_the_model_cannot_satisfy_is_an_error_without_a_path(kind, query, error, run_of, served):
    body = as_json(last_rows(KINDS[kind]))
    with pytest.raises(error) as raised:
        served(kind).read(body, JSON, ForecastQuery(**query))
    assert str(run_of(kind).parent) not in f"{raised.value} {raised.value.message} {raised.value.hint}"


def test_no_warning_has_a_path(run_of, served):
    model = served("hourly")
    rows = model.read(as_json(last_rows(KINDS["hourly"])), JSON, ForecastQuery(horizon=30))
    assert [finding.rule for finding in rows.findings] == ["M103"]
    assert str(run_of("hourly").parent) not in rows.findings[0].text


def test_a_series_is_named_without_the_path_of_the_run(served, run_of):
    with pytest.raises(DataError) as raised:
        served("panel").newest(ForecastQuery(series=("Bern",)))
    assert str(run_of("panel").parent) not in raised.value.message


def test_the_output_folder_is_not_touched(served, run_of):
    before = sorted(path for path in Path(run_of("hourly")).rglob("*"))
    answer(served("hourly"), as_json(last_rows(KINDS["hourly"])))
    assert sorted(path for path in Path(run_of("hourly")).rglob("*")) == before
