"""Tests of the page and the OpenAPI document of a classifier."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from chromium import Tab, chromium_path, open_browser
from described_runs import HOSTILE, LIMITS, WITH_TOKEN, page_server
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from lstm_cli.serving.page import ServerLimits
from lstm_cli.serving.page.classify_openapi import classify_document
from lstm_cli.serving.page.classify_page import classify_html
from lstm_cli.serving.sequences.description import ClassifierDescription

PROGRAM = chromium_path()
MOVES = ClassifierDescription(
    name=f"moves {HOSTILE}",
    version="4",
    sequence="id",
    time=(),
    columns=("x", "y"),
    classes=("down", HOSTILE),
    max_length=14,
    delimiter=",",
    answer_columns=("id", "predicted", "p_down", f"p_{HOSTILE}"),
    example_records=({"id": "a", "x": 1.0, "y": 2.0}, {"id": "a", "x": 0.5, "y": -1.0}),
    example_csv="id,x,y\na,1.0,2.0\na,0.5,-1.0\n",
    example_instances=(((1.0, 2.0), (0.5, -1.0)),),
)
OF_TS_FILES = replace(
    MOVES,
    sequence=None,
    columns=("value",),
    example_records=(),
    example_csv="",
    example_instances=(((1.0,),),),
)
TIMED = replace(MOVES, time=("when",), example_records=(), example_csv="", example_instances=())


def answer_of(description: ClassifierDescription) -> dict[str, Any]:
    sequence = {
        "sequence": "a",
        "predicted": "down",
        "probabilities": dict(zip(description.classes, (0.75, 0.25), strict=True)),
    }
    return {"version": description.version, "warnings": [], "predictions": [sequence]}


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    assert PROGRAM is not None
    with open_browser(PROGRAM, tmp_path_factory.mktemp("profile")) as tab:
        yield tab


def accepts(document: dict[str, Any], name: str, value: object) -> bool:
    """Return whether a schema of the document accepts a value."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return Draft202012Validator(schema).is_valid(value)


@pytest.mark.parametrize("description", [MOVES, OF_TS_FILES, TIMED], ids=["moves", "ts", "timed"])
@pytest.mark.parametrize("limits", [LIMITS, WITH_TOKEN], ids=["open", "token"])
def test_the_document_is_valid(description: ClassifierDescription, limits: ServerLimits) -> None:
    document = classify_document(description, limits)
    OpenAPIV31SpecValidator(document).validate()
    assert set(document["paths"]) >= {"/v1/classify", "/invocations", "/ping", "/metrics"}
    assert "/v1/forecast" not in document["paths"]


def test_the_examples_and_the_answer_have_their_schemas() -> None:
    document = classify_document(MOVES, LIMITS)
    examples = {name: item["value"] for name, item in document["components"]["examples"].items()}
    assert accepts(document, "Records", examples["records"])
    assert accepts(document, "Split", examples["split"])
    assert accepts(document, "Instances", examples["instances"])
    assert not accepts(document, "Instances", {"instances": [[[1.0]]]})
    assert not accepts(document, "Records", [{"id": "a", "x": 1.0}])
    assert accepts(document, "Predictions", answer_of(MOVES))
    assert not accepts(document, "Predictions", {**answer_of(MOVES), "predictions": [{"sequence": "a"}]})
    of_ts = classify_document(OF_TS_FILES, LIMITS)
    assert accepts(of_ts, "Instances", {"instances": [[1.0, 2.0], [[3.0]]]})
    assert list(of_ts["components"]["requestBodies"]["Sequences"]["content"]) == ["application/json"]


@pytest.mark.skipif(PROGRAM is None, reason="chromium is not installed")
def test_the_form_classifies_and_names_stay_text(tab: Tab) -> None:
    with page_server(MOVES, LIMITS, classify_html, answer_of) as (url, requests):
        tab.open(url)
        requests.clear()
        tab.evaluate("document.getElementById('form').requestSubmit()")
        tab.wait_for("!document.getElementById('result').hidden")
        ((method, path, headers, body),) = requests
        assert (method, path, headers["Content-Type"]) == ("POST", "/v1/classify", "text/csv")
        assert body.decode() == MOVES.example_csv
        cells = "[...document.querySelectorAll('#table th, #table td')].map((cell) => cell.textContent)"
        assert tab.evaluate(cells) == [*MOVES.answer_columns, "a", "down", "0.75", "0.25"]
        assert tab.evaluate("document.querySelectorAll('body b, [onclick]').length") == 0
        assert tab.evaluate("document.getElementById('curl-rows').textContent").endswith(f"{url}v1/classify")
        assert tab.problems == []


def test_sequences_without_a_table_are_shown_as_json() -> None:
    page = classify_html(OF_TS_FILES, LIMITS).decode()
    shown = page.partition('autocomplete="off">\n')[2].partition("</textarea>")[0]
    assert json.loads(shown.replace("&quot;", '"')) == {"instances": [[[1.0]]]}
    assert "@rows.json" in page


def test_names_do_not_end_the_data_of_the_script() -> None:
    assert HOSTILE not in classify_html(MOVES, WITH_TOKEN).decode()
