"""Tests of a classifier in memory: answers, batches, bodies and errors, compared with `lstm predict`."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_classifier import COLUMNS, NETWORK, trained_classifier

from lstm_cli.cli.main import run as lstm
from lstm_cli.errors import CorruptArtifact, DataError, LstmError
from lstm_cli.serving.load import load_served
from lstm_cli.serving.model import CSV, JSON, PARQUET, ForecastQuery, MalformedBody, ServedModel
from lstm_cli.serving.protocol import Served
from lstm_cli.serving.sequences.served_classifier import ServedClassifier

QUERY = ForecastQuery()
Records = list[dict[str, Any]]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a file and a trained run. Tests must not change it."""
    return trained_classifier(tmp_path_factory.mktemp("served"))


@pytest.fixture(scope="module")
def model(folder: Path) -> Served:
    return load_served(folder / "run", threads=1)


@pytest.fixture(scope="module")
def records(folder: Path) -> Records:
    """Return the steps of five sequences, in the order of the file."""
    rows = list(csv.DictReader((folder / "moves.csv").read_text().splitlines()))
    chosen = [row for row in rows if int(row["id"]) < 5]
    return [{"id": row["id"], "x": float(row["x"]), "y": float(row["y"])} for row in chosen]


def predicted(folder: Path, records: Records, tmp_path: Path, ending: str) -> bytes:
    """Return the bytes that `lstm predict` writes for the records."""
    file, output = tmp_path / "new.csv", tmp_path / f"classes{ending}"
    file.write_bytes(as_csv(records))
    assert lstm(["predict", str(folder / "run"), str(file), "-o", str(output), "--threads", "1", "-q"]) == 0
    return output.read_bytes()


def as_csv(records: Records) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(records[0]))
    writer.writeheader()
    writer.writerows(records)
    return text.getvalue().encode()


def as_parquet(records: Records) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(records), sink)
    return sink.getvalue()


def as_split(records: Records) -> bytes:
    rows = [list(record.values()) for record in records]
    return json.dumps({"dataframe_split": {"columns": list(records[0]), "data": rows}}).encode()


def answer(model: Served, body: bytes, media_type: str, accept: str = CSV) -> bytes:
    rows = model.read(body, media_type, QUERY)
    (result,) = model.forecast([rows])
    return model.write(rows, result, accept, key="predictions").body


BODIES: dict[str, tuple[Callable[[Records], bytes], str]] = {
    "csv": (as_csv, CSV),
    "records": (lambda records: json.dumps(records).encode(), JSON),
    "split": (as_split, JSON),
    "parquet": (as_parquet, PARQUET),
}


@pytest.mark.parametrize("kind", BODIES)
def test_an_answer_has_the_bytes_of_predict(
    folder: Path, model: Served, records: Records, tmp_path: Path, kind: str
) -> None:
    encode, media_type = BODIES[kind]
    assert answer(model, encode(records), media_type) == predicted(folder, records, tmp_path, ".csv")
    document = json.loads(answer(model, encode(records), media_type, JSON))
    assert document["predictions"] == json.loads(predicted(folder, records, tmp_path, ".json"))
    assert (document["version"], document["warnings"]) == ("1", [])


def test_instances_are_the_values_of_each_sequence(model: Served, records: Records) -> None:
    sequences: dict[str, list[list[float]]] = {}
    for row in records:
        sequences.setdefault(row["id"], []).append([row["x"], row["y"]])
    body = json.dumps({"instances": list(sequences.values())}).encode()
    rows = [line.split(",")[1:] for line in answer(model, body, JSON).decode().splitlines()]
    assert rows == [line.split(",")[1:] for line in answer(model, as_csv(records), CSV).decode().splitlines()]


def test_the_requests_of_a_batch_get_their_own_sequences(model: Served, records: Records) -> None:
    parts = [[row for row in records if row["id"] in chosen] for chosen in ("0", "123", "4")]
    rows = [model.read(as_csv(part), CSV, QUERY) for part in parts]
    assert [each.windows for each in rows] == [1, 3, 1]
    together = model.forecast(rows)
    for each, result in zip(rows, together, strict=True):
        (alone,) = model.forecast([each])
        np.testing.assert_allclose(result, alone, atol=1e-6)
    assert np.abs(together[0] - together[2]).max() > 1e-4


def test_a_warning_is_part_of_the_answer_and_names_no_option(model: Served, records: Records) -> None:
    body = json.dumps([{**records[0], "x": None}, *records[1:]]).encode()
    document = json.loads(answer(model, body, JSON, JSON))
    assert [warning["rule"] for warning in document["warnings"]] == ["D664"]
    assert "--" not in document["warnings"][0]["text"]


@pytest.mark.parametrize(
    ("body", "media_type", "kind", "words"),
    [
        (b"", CSV, MalformedBody, "empty"),
        (b"{", JSON, MalformedBody, "not JSON"),
        (b'{"instances": 3}', JSON, MalformedBody, "not a list of sequences"),
        (b'{"instances": [3]}', JSON, MalformedBody, "sequence 1: it is not a list of steps"),
        (b'{"instances": [[[1, 2], [1, "a"]]]}', JSON, MalformedBody, 'sequence 1, step 2: "a"'),
        (b'{"instances": [[[1, true]]]}', JSON, MalformedBody, "true is not a number"),
        (b'{"instances": [[[1, 1e999]]]}', JSON, MalformedBody, "is not a number"),
        (b'{"instances": [[]]}', JSON, DataError, "no steps"),
        (b'{"instances": [[[1, 2]], [[1]]]}', JSON, DataError, "sequence 2, step 1: 1 values"),
        (b'{"instances": [[[1e200, 2]]]}', JSON, DataError, "too large"),
        (b"id,x\n1,2\n", CSV, DataError, "'y', which the model needs"),
        (b"id,x,y\n1,2,q\n", CSV, DataError, "'q'"),
        (b"id,x,y\n,2,3\n", CSV, DataError, "missing"),
        (b"id,x,y\n1,1e30,3\n", CSV, DataError, "too large for 32-bit floats"),
    ],
)
def test_a_wrong_body_is_refused(
    folder: Path, model: Served, body: bytes, media_type: str, kind: type[LstmError], words: str
) -> None:
    with pytest.raises(kind) as error:
        model.read(body, media_type, QUERY)
    assert words in error.value.message
    assert error.value.hint
    for text in (error.value.message, error.value.hint):
        assert str(folder) not in text
        assert "--" not in text
    assert isinstance(error.value, MalformedBody) == (kind is MalformedBody)


def test_the_task_of_a_run_chooses_its_model(folder: Path, model: Served) -> None:
    assert isinstance(model, ServedClassifier)
    assert (model.name, model.version, model.newest_row()) == ("run", "1", None)
    with pytest.raises(LstmError, match="absent"):
        load_served(folder / "absent", threads=1)
    assert ServedModel.service.path != model.service.path


def test_a_quantized_classifier_answers_and_changes_the_etag(folder: Path, tmp_path: Path) -> None:
    run = shutil.copytree(folder / "run", tmp_path / "run")
    first = load_served(run, threads=1)
    assert lstm(["quantize", str(run), "--to", "fp16", "--max-loss", "50%", "-q"]) == 0
    second = load_served(run, threads=1)
    assert first.etag != second.etag == load_served(run, threads=1).etag
    shutil.rmtree(run / "data")
    assert "id" in answer(second, b"id,x,y\n1,2,3\n", CSV).decode()  # all parts are in memory


def test_a_damaged_graph_is_not_served(folder: Path, tmp_path: Path) -> None:
    run = shutil.copytree(folder / "run", tmp_path / "run")
    (graph,) = run.glob("model/*/model.onnx")
    graph.write_bytes(graph.read_bytes()[:-9])
    with pytest.raises(CorruptArtifact) as error:
        load_served(run, threads=1)
    assert "model.onnx" in error.value.message


def test_a_run_of_ts_files_reads_instances(tmp_path: Path) -> None:
    for name in ("A_TRAIN.ts", "A_TEST.ts"):
        rows = [f"{number % 2},{number % 2 + 0.1},{number}:{number % 2}" for number in range(40)]
        (tmp_path / name).write_text("\n".join(["@classLabel true 0 1", "@data", *rows]))
    files = [str(tmp_path / name) for name in ("A_TRAIN.ts", "A_TEST.ts")]
    assert lstm(["prepare", *files, str(tmp_path / "run"), "-q"]) == 0
    assert lstm(["train", str(tmp_path / "run"), *NETWORK, "-q"]) == 0
    model = load_served(tmp_path / "run", threads=1)
    lines = answer(model, b'{"instances": [[0, 0.1, 4], [[1], [1.1], [5]]]}', JSON).decode().splitlines()
    assert lines[0] == "sequence,predicted,p_0,p_1"
    output = tmp_path / "out.csv"
    assert lstm(["predict", str(tmp_path / "run"), files[1], "-o", str(output), "-q"]) == 0
    assert [line.split(",")[1:] for line in lines[1:]] == [
        line.split(",")[1:] for line in output.read_text().splitlines()[5:7]
    ]
    with pytest.raises(DataError, match="no column with an id"):
        model.read(b"id,x\n1,2\n", CSV, QUERY)


def test_columns_of_the_description(model: Served) -> None:
    described = model.describe()
    assert described.classes == ("down", "up")
    assert described.answer_columns == ("id", "predicted", "p_down", "p_up")
    body = json.dumps(list(described.example_records)).encode()
    assert answer(model, body, JSON) == answer(model, described.example_csv.encode(), CSV)
    instances = json.dumps({"instances": described.example_instances}).encode()
    assert answer(model, instances, JSON).count(b"\n") == 3
    assert COLUMNS[1] == described.sequence
