"""Tests of the OpenAPI document: valid, complete, and with the columns and limits of the run."""

from dataclasses import replace
from typing import Any

import pytest
from described_runs import LIMITS, LOAD, PANEL, WITH_TOKEN, forecast_of
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from lstm_cli.serving.model.description import RunDescription
from lstm_cli.serving.page import ServerLimits, openapi_document
from lstm_cli.serving.page.limits import size_text

WIDE = replace(LOAD, wide=True, columns=LOAD.columns[:1], example_records=(), example_csv="")
NO_QUANTILES = replace(PANEL, quantile_range=None, series=(), series_count=1, levels=())


@pytest.mark.parametrize(
    "description", [LOAD, PANEL, WIDE, NO_QUANTILES], ids=["load", "panel", "wide", "bare"]
)
@pytest.mark.parametrize("limits", [LIMITS, WITH_TOKEN], ids=["open", "token"])
def test_the_document_is_valid(description: RunDescription, limits: ServerLimits) -> None:
    OpenAPIV31SpecValidator(openapi_document(description, limits)).validate()


def accepts(document: dict[str, Any], name: str, value: object) -> bool:
    """Return whether a schema of the document accepts a value."""
    schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    return Draft202012Validator(schema).is_valid(value)


def test_the_examples_have_the_schema_of_their_body() -> None:
    document = openapi_document(LOAD, LIMITS)
    examples = {name: item["value"] for name, item in document["components"]["examples"].items()}
    assert accepts(document, "Records", examples["records"])
    assert accepts(document, "Split", examples["split"])
    assert examples["split"]["columns"] == ["date", "load"]
    assert examples["split"]["data"][1] == list(LOAD.example_records[1].values())
    assert examples["dataframe_split"] == {"dataframe_split": examples["split"]}
    assert examples["csv"] == LOAD.example_csv


def test_rows_have_the_columns_of_the_run() -> None:
    document = openapi_document(PANEL, LIMITS)
    _, shop, *_ = (column.name for column in PANEL.columns)
    row = {
        "week": 3,
        shop: "north",
        "sales": 1.5,
        "visits": None,
        "weather": "rain",
        "size": 3,
        "other": True,
    }
    assert accepts(document, "Records", [row])
    assert accepts(document, "Records", [row | {"sales": None}])
    assert not accepts(document, "Records", [row | {"sales": [1.5]}])
    assert not accepts(document, "Records", [{key: value for key, value in row.items() if key != shop}])
    assert "$" in document["components"]["schemas"]["Row"]["properties"]["sales"]["description"]


def test_an_answer_has_the_schema_of_its_rows() -> None:
    document, answer = openapi_document(LOAD, LIMITS), forecast_of(LOAD)
    assert accepts(document, "Forecast", answer)
    assert not accepts(document, "Forecast", answer | {"forecast": [{"date": "2026-11-03"}]})
    names = ("date", *(column.name for column in LOAD.columns if column.role == "target"))
    points = [{name: row[name] for name in names} for row in answer["forecast"]]
    assert accepts(document, "Forecast", answer | {"forecast": points})  # ?intervals=false


def test_query_values_have_the_bounds_of_the_run() -> None:
    post = openapi_document(LOAD, LIMITS)["paths"]["/v1/forecast"]["post"]
    horizon, quantiles, intervals = (parameter["schema"] for parameter in post["parameters"])
    assert (horizon["minimum"], horizon["maximum"], horizon["default"]) == (1, 2_400, 24)
    assert (quantiles["items"]["minimum"], quantiles["items"]["maximum"]) == (0.001, 0.999)
    assert intervals == {"type": "boolean", "default": True}
    panel = openapi_document(PANEL, LIMITS)["paths"]["/v1/forecast"]["post"]
    assert [parameter["name"] for parameter in panel["parameters"]] == [
        "horizon",
        "series",
    ]


def test_only_health_needs_no_token() -> None:
    document = openapi_document(LOAD, WITH_TOKEN)
    assert document["security"] == [{"token": []}]
    operations = {
        path: operation for path, methods in document["paths"].items() for operation in methods.values()
    }
    unprotected = {path for path, operation in operations.items() if operation.get("security") == []}
    assert unprotected == {"/ping", "/v2/health/live", "/v2/health/ready"}
    assert all(
        ("401" in operation["responses"]) != (path in unprotected) for path, operation in operations.items()
    )
    assert "security" not in openapi_document(LOAD, LIMITS)


def test_errors_before_the_handler_belong_to_each_operation() -> None:
    document = openapi_document(LOAD, LIMITS)
    for methods in document["paths"].values():
        for operation in methods.values():
            assert {"405", "431"} <= operation["responses"].keys()
    assert "Allow" in document["components"]["responses"]["405"]["headers"]


def test_the_limits_are_written() -> None:
    assert "at most 16 MiB" in openapi_document(LOAD, LIMITS)["info"]["description"]
    assert "at most 1,500 bytes" in openapi_document(LOAD, WITH_TOKEN)["info"]["description"]
    assert size_text(3 << 30) == "3 GiB"
