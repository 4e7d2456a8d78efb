"""Tests of loading: damaged runs are expected errors, the etag, the description, and bodies of other formats."""

import csv
import gc
import gzip
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from served_runs import KINDS, LINEAR, answer, as_csv, as_json, last_rows

from lstm_cli.errors import DataError, LstmError, MissingArtifact
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.serving.model import (
    CSV,
    JSON,
    PARQUET,
    BodyTooLarge,
    ForecastQuery,
    MalformedBody,
    ServedModel,
    table_body,
)
from lstm_cli.steps.prepare import prepare
from lstm_cli.steps.train import train

# Files without which a run cannot be served.
NEEDED = {
    *("run.json", "model.onnx", "model.json", "schema.json", "series.json", "scaler.json", "training.json"),
    *("intervals.json", "values.npy", "measured.npy"),
}


@pytest.fixture
def run(run_of, tmp_path) -> Path:
    """Return a copy of a run."""
    return Path(shutil.copytree(run_of("hourly"), tmp_path / "run"))


def files_of(run: Path) -> list[Path]:
    return sorted(path for name in ("data", "model") for path in (run / name / "0001").iterdir())


def refused(run: Path) -> bool:
    """Return whether the run cannot be loaded. Other errors than the expected ones fail the test."""
    try:
        ServedModel.load(run, threads=1)
    except LstmError:
        return True
    return False


def test_damage_of_each_file_is_an_expected_error(run):
    for path in [*files_of(run), run / "run.json"]:
        content = path.read_bytes()
        changed = content[:-1] + bytes([content[-1] ^ 1]) if content else b"x"
        for damaged in (content[: len(content) // 2], changed, None):
            path.unlink()
            if damaged is not None:
                path.write_bytes(damaged)
            if damaged != content and path.name in NEEDED:
                assert refused(run), path
            else:
                refused(run)
            path.write_bytes(content)
    assert not refused(run)


def test_a_folder_that_is_no_run_is_an_expected_error(tmp_path):
    for path in (tmp_path, tmp_path / "absent"):
        with pytest.raises(LstmError) as raised:
            ServedModel.load(path, threads=1)
        assert str(path) in raised.value.message


def test_the_path_of_an_error_is_the_one_that_was_given(run, monkeypatch):
    shutil.rmtree(run / "model")
    monkeypatch.chdir(run.parent)
    with pytest.raises(LstmError) as raised:
        ServedModel.load(Path("run"), threads=1)
    assert str(run.parent) not in raised.value.message + raised.value.hint


def test_a_run_without_a_model_is_an_expected_error(tmp_path, run_of):
    prepare(
        str(run_of("hourly").parent / "data.csv"), tmp_path / "run", KINDS["hourly"].config, ignore_events
    )
    with pytest.raises(MissingArtifact, match="no trained model"):
        ServedModel.load(tmp_path / "run", threads=1)


def test_the_model_outlives_its_files(run):
    model = ServedModel.load(run, threads=1)
    body = as_json(last_rows(KINDS["hourly"]))
    expected = answer(model, body).body
    shutil.rmtree(run)
    assert answer(model, body).body == expected
    assert answer(model, as_csv(last_rows(KINDS["hourly"])), CSV).body == expected
    assert model.newest(ForecastQuery()).windows == 1


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="the system has no /proc")
def test_a_model_that_is_dropped_leaves_no_open_file(run):
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(3):
        answer(ServedModel.load(run, threads=1), as_json(last_rows(KINDS["hourly"])))
        gc.collect()
    assert len(list(Path("/proc/self/fd").iterdir())) <= before


def test_the_etag_changes_with_model_and_data(run, served):
    first = ServedModel.load(run, threads=1)
    assert first.etag == ServedModel.load(run, threads=1).etag == served("hourly").etag
    (run.parent / "more.csv").write_bytes(
        as_csv({name: cells[:-1] for name, cells in KINDS["hourly"].columns.items()})
    )
    prepare(str(run.parent / "more.csv"), run, KINDS["hourly"].config, ignore_events)
    second = ServedModel.load(run, threads=1)
    train(run, LINEAR, ignore_events)
    third = ServedModel.load(run, threads=1)
    assert len({first.etag, second.etag, third.etag}) == 3
    assert (first.version, second.version) == ("1", "1")
    assert third.version == str(int(open_run(run).steps["train"]["wrote"]["model"]["folder"]))


@pytest.mark.parametrize("kind", list(KINDS))
def test_the_example_of_the_description_is_a_request_that_works(kind, served):
    model = served(kind)
    description = model.describe()
    records, text = list(description.example_records), description.example_csv
    if description.wide:
        assert not records
        assert not text
        return
    by_json = answer(model, json.dumps(records).encode(), JSON)
    assert by_json.body == answer(model, text.encode(), CSV).body
    header = next(csv.reader(io.StringIO(by_json.body.decode()), delimiter=description.delimiter))
    assert tuple(name.removeprefix("'") for name in header) == description.answer_columns
    assert {column.name for column in description.columns} == set(records[0])
    assert description.min_rows <= description.lookback <= len(records)


def test_a_warm_model_gives_the_same_answer(run):
    model, body = ServedModel.load(run, threads=1), as_csv(last_rows(KINDS["hourly"]))
    model.warm_up()
    assert answer(model, body, CSV).body == answer(ServedModel.load(run, threads=1), body, CSV).body


@pytest.mark.parametrize(
    ("kind", "newest"),
    [
        ("hourly", "2024-01-17T15:00"),  # as if in UTC
        ("zone", "2024-10-26T13:00"),  # 15:00 in Berlin, in summer
        ("offsets", "2024-01-13T10:00"),  # 11:00+01:00
        ("panel", "2024-05-29"),  # the rows with covariates ahead are not measured
        ("months", "2016-08-01"),
        ("rows", None),
    ],
)
def test_the_newest_row_is_in_utc(kind, newest, served):
    moment = served(kind).newest_row()
    assert moment == (None if newest is None else np.datetime64(newest, "s").astype(int))


def test_the_description_has_the_facts_of_the_run(served):
    description = served("panel").describe()
    roles = {column.name: (column.role, column.kind, column.categories) for column in description.columns}
    assert roles["day"] == ("time", "time", ())
    assert roles["shop"] == ("series", "text", ())
    assert roles["sales"] == ("target", "number", ())
    assert roles["price"][0] == "past"
    assert roles["promo"] == ("future", "text", ("gift", "plain"))
    assert description.series == ("Aachen", "Bonn", "=Köln")
    assert (description.step, description.horizon, description.max_horizon) == ("D", 7, 7)
    assert served("hourly").describe().max_horizon == 1_200


@pytest.mark.parametrize(
    ("body", "media_type", "text"),
    [
        (b"", CSV, "the body is empty"),
        (b" \n", CSV, "the body is empty"),
        (b"time,load\n", CSV, "no rows below its header"),
        (b"\x00\x01\x02" * 50, CSV, "the body"),
        (gzip.compress(b"time,load\n2024-01-01,1\n", mtime=0), CSV, "the body is compressed"),
        (b"PAR1....", CSV, "the body is Parquet, not CSV"),
        (b"[]", JSON, "the body has no records"),
        (b"time,load\n1,2\n", PARQUET, "not a Parquet file"),
        (b"PAR1" + b"\x00" * 50, PARQUET, "corrupt"),
    ],
)
def test_a_body_of_another_format_is_malformed(body, media_type, text, served):
    with pytest.raises(MalformedBody) as raised:
        served("hourly").read(body, media_type, ForecastQuery())
    assert text in raised.value.message


def test_one_row_is_too_short_in_the_singular(served):
    rows = {name: cells[:1] for name, cells in last_rows(KINDS["months"]).items()}
    with pytest.raises(DataError, match=r"too short: 1 row, but") as raised:
        served("months").read(as_json(rows), JSON, ForecastQuery())
    assert raised.value.rule == "D805"


def test_a_time_far_from_the_others_takes_no_memory(served):
    rows = {name: list(cells) for name, cells in last_rows(KINDS["hourly"]).items()}
    rows["time"][-1] = "9999-12-31 00:00"
    with pytest.raises(DataError, match=r"60 rows are 69,9\d\d,\d\d\d rows .* more than 1,000,000") as raised:
        served("hourly").read(as_json(rows), JSON, ForecastQuery())
    assert raised.value.rule == "D514"


def test_a_small_parquet_body_with_many_rows_is_too_large(served, monkeypatch):
    monkeypatch.setattr(table_body, "MAX_CELLS", 1_000)
    sink = io.BytesIO()
    pq.write_table(pa.table({"time": ["2024-01-01"] * 600, "load": [1.0] * 600}), sink)
    with pytest.raises(BodyTooLarge, match="1,200 cells"):
        served("hourly").read(sink.getvalue(), PARQUET, ForecastQuery())


def test_serving_imports_no_heavy_library(run_of, tmp_path):
    """A server has less memory and starts earlier without torch, pandas, scikit-learn and pyarrow."""
    (tmp_path / "body.json").write_bytes(as_json(last_rows(KINDS["hourly"])))
    (tmp_path / "body.csv").write_bytes(as_csv(last_rows(KINDS["hourly"])))
    code = (
        "import sys; from pathlib import Path\n"
        "from lstm_cli.serving.model import *\n"
        "model = ServedModel.load(Path(sys.argv[1]), threads=1)\n"
        "for name, kind in (('body.json', JSON), ('body.csv', CSV)):\n"
        "    rows = model.read(Path(sys.argv[2], name).read_bytes(), kind, ForecastQuery())\n"
        "    model.write(rows, model.forecast([rows])[0], kind)\n"
        "heavy = ('torch', 'pandas', 'sklearn', 'pyarrow', 'matplotlib', 'rich')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(run_of("hourly")), str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert done.stdout.strip() == "[]"
