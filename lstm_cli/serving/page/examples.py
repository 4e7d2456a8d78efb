"""Examples of the OpenAPI document: request bodies that work, from the newest rows of the run."""

from typing import Any

from lstm_cli.serving.model.description import RunDescription
from lstm_cli.serving.page.schemas import Json


def example_components(description: RunDescription) -> Json:
    """Return the examples of bodies by name; none if the run has no data."""
    records = list(description.example_records)
    values: dict[str, Any] = {}
    if description.example_csv:
        values["csv"] = description.example_csv
    if records:
        split = as_split(records)
        values |= {"records": records, "split": split, "dataframe_split": {"dataframe_split": split}}
    return {
        name: {"summary": "The newest rows of the run.", "value": value} for name, value in values.items()
    }


def request_examples(description: RunDescription, *names: str) -> Json:
    """Return references to the examples of these names that the run has."""
    known = example_components(description)
    return {name: {"$ref": f"#/components/examples/{name}"} for name in names if name in known}


def as_split(records: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Return records as column names and cells.

    >>> as_split([{"date": "2026-11-29", "load": 1.5}])
    {'columns': ['date', 'load'], 'data': [['2026-11-29', 1.5]]}
    """
    columns = list(dict.fromkeys(name for record in records for name in record))
    return {"columns": columns, "data": [[record.get(name) for name in columns] for record in records]}
