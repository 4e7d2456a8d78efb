"""Tests of a classifier of documents in memory: tables and instances of texts, compared with `lstm predict`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from small_documents import reviews

from lstm_cli.cli.main import run as lstm
from lstm_cli.errors import DataError
from lstm_cli.serving.load import load_served
from lstm_cli.serving.model import CSV, JSON, ForecastQuery, MalformedBody
from lstm_cli.serving.page import ServerLimits
from lstm_cli.serving.page.classify_openapi import classify_document
from lstm_cli.serving.page.classify_page import classify_html
from lstm_cli.serving.protocol import Served
from lstm_cli.serving.sequences.description import ClassifierDescription

LIMITS = ServerLimits(max_body=16 * 2**20, timeout=30.0, needs_token=False)
TEXTS = ["we saw a happy film", "the town was sad \u2603 today"]
RECORDS = [{"review": text, "id": f"q{number}"} for number, text in enumerate(TEXTS)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a trained run of documents with ids. Tests must not change it."""
    folder = tmp_path_factory.mktemp("documents")
    run = folder / "run"
    command = ["prepare", str(reviews(folder / "reviews.csv", 40)), str(run), "--text", "review"]
    assert lstm([*command, "--label", "mood", "--sequence", "id", "-q"]) == 0
    network = ["--hidden", "3", "--epochs", "1", "--device", "cpu", "--threads", "1"]
    assert lstm(["train", str(run), *network, "-q"]) == 0
    return run


@pytest.fixture(scope="module")
def model(run: Path) -> Served:
    return load_served(run, threads=1)


@pytest.fixture(scope="module")
def description(model: Served) -> ClassifierDescription:
    described = model.describe()
    assert isinstance(described, ClassifierDescription)
    return described


def answer(model: Served, body: bytes, media_type: str, accept: str = JSON) -> bytes:
    rows = model.read(body, media_type, ForecastQuery())
    (result,) = model.forecast([rows])
    return model.write(rows, result, accept, key="predictions").body


def test_tables_have_the_bytes_of_predict(run: Path, model: Served, tmp_path: Path) -> None:
    body = "id,review\n" + "".join(f"{row['id']},{row['review']}\n" for row in RECORDS)
    (tmp_path / "new.csv").write_text(body)
    for ending, media_type in (("csv", CSV), ("json", JSON)):
        output = tmp_path / f"classes.{ending}"
        command = ["predict", str(run), str(tmp_path / "new.csv"), "-o", str(output), "--threads", "1", "-q"]
        assert lstm(command) == 0
        answers = [answer(model, body.encode(), CSV, media_type)]
        answers.append(answer(model, json.dumps(RECORDS).encode(), JSON, media_type))
        if media_type == JSON:
            answers = [json.dumps(json.loads(each)["predictions"]).encode() + b"\n" for each in answers]
        assert answers == [output.read_bytes()] * 2


def test_instances_are_texts_and_unknown_characters_are_reported(model: Served) -> None:
    body = json.dumps({"instances": TEXTS}).encode()
    document = json.loads(answer(model, body, JSON))
    rows = json.loads(answer(model, json.dumps(RECORDS).encode(), JSON))
    assert [row["sequence"] for row in document["predictions"]] == ["1", "2"]
    assert [row["probabilities"] for row in document["predictions"]] == [
        row["probabilities"] for row in rows["predictions"]
    ]
    for answered, name in ((document, "2"), (rows, "q1")):
        [warning] = answered["warnings"]
        assert (warning["rule"], warning["count"]) == ("D260", 1)
        assert f"first in document '{name}'" in warning["text"]


@pytest.mark.parametrize(
    ("body", "error", "message"),
    [
        ({"instances": [[[1.0]]]}, MalformedBody, "document 1: [[1.0]] is not a text"),
        ({"instances": "a"}, MalformedBody, '"instances" is not a list of documents'),
        ({"instances": ["a", " "]}, DataError, "document 2 is empty"),
        ([{"id": "a"}], DataError, "column 'review', which the model needs"),
        ([{"review": "a"}], DataError, "column 'id', which the model needs"),
        ([{"id": "a", "review": None}], DataError, "the cell is empty"),
    ],
)
def test_other_bodies_are_refused(model: Served, body: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        model.read(json.dumps(body).encode(), JSON, ForecastQuery())
    assert message in str(caught.value)
    assert "--" not in str(caught.value)


def test_the_examples_are_documents_that_the_model_classifies(
    run: Path, model: Served, description: ClassifierDescription
) -> None:
    document = classify_document(description, LIMITS)
    OpenAPIV31SpecValidator(document).validate()
    examples = {name: item["value"] for name, item in document["components"]["examples"].items()}
    accepts: Callable[[str, Any], bool] = lambda name, value: Draft202012Validator(  # noqa: E731
        {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    ).is_valid(value)
    assert accepts("Records", examples["records"])
    assert accepts("Instances", examples["instances"])
    assert not accepts("Instances", {"instances": [[1.0]]})
    first = (run.parent / "reviews.csv").read_text().splitlines()[1].split(",")
    assert examples["records"][0] == {"id": first[0], "review": first[1].strip('"')}
    of_table = json.loads(answer(model, examples["csv"].encode(), CSV))["predictions"]
    of_texts = json.loads(answer(model, json.dumps(examples["instances"]).encode(), JSON))["predictions"]
    assert [row["predicted"] for row in of_table] == [row["predicted"] for row in of_texts]
    assert accepts("Predictions", json.loads(answer(model, examples["csv"].encode(), CSV)))


def test_the_page_speaks_of_documents(description: ClassifierDescription) -> None:
    page = classify_html(description, LIMITS).decode()
    assert "Classify documents" in page
    assert "Text of the document." in page
    assert "id,review" in page
    assert "sequences" not in page.split("<script")[0]
