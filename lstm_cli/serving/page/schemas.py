"""JSON schemas of rows, answers and errors, from the columns of a run."""

from typing import Any

from lstm_cli.serving.model.description import ColumnDescription, RunDescription

Json = dict[str, Any]

CELL = ["string", "number", "boolean", "null"]
NUMBER_COLUMNS = {"description": "Target, or end of a prediction interval, in the units of the rows."}
ROLES = {
    "time": "time",
    "series": "name of the series",
    "target": "target",
    "past": "past covariate",
    "future": "known-ahead covariate",
    "static": "static covariate",
}


def components(description: RunDescription) -> Json:
    """Return the schemas of the document by name."""
    record = record_schema(description)
    records = {"type": "array", "minItems": 1, "items": reference("Row")}
    return {
        "Row": record,
        "Records": {**records, "description": 'Rows as a list of objects, as pandas\' `orient="records"`.'},
        "Split": split_schema([column.name for column in description.columns if not description.wide]),
        "Forecast": answer_schema("forecast", "ForecastRow", description.version),
        "Predictions": answer_schema("predictions", "ForecastRow", description.version),
        "ForecastRow": _forecast_row(description),
        **common_schemas(),
    }


def common_schemas() -> Json:
    """Return the schemas of warnings, errors and health, which every server has."""
    return {
        "Warning": _warning_schema(),
        "Error": _error_schema(),
        "Health": {"type": "object", "description": "State of the server."},
    }


def reference(name: str) -> Json:
    """Return the reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def record_schema(description: RunDescription) -> Json:
    """Return the schema of one row of a request."""
    if description.wide:
        return {
            "type": "object",
            "description": "One row of the wide table, with a column for each series, as in the file of the run.",
            "additionalProperties": {"type": CELL},
        }
    required = [column.name for column in description.columns if column.role in ("time", "series", "target")]
    return {
        "type": "object",
        "description": "One row, with the columns of the file of the run. Other columns are ignored. "
        "null is a missing value.",
        "properties": {column.name: column_schema(column, description) for column in description.columns},
        "required": required,
    }


def column_schema(column: ColumnDescription, description: RunDescription) -> Json:
    """Return the schema of a cell of a column."""
    schema: Json = {"description": column_text(column, description)}
    if column.kind == "time":
        schema |= {"type": "string"}
        if description.time_format:
            schema["examples"] = [description.time_format]
    elif column.kind == "whole":
        schema |= {"type": ["integer", "string"]}
    elif column.kind == "text":
        schema |= {"type": CELL}
        if column.categories:
            schema["examples"] = list(column.categories)
    else:
        schema |= {"type": ["number", "string", "null"]}
    return schema


def column_text(column: ColumnDescription, description: RunDescription) -> str:
    """Return a sentence about a column: its role, its unit and its known values."""
    text = ROLES[column.role]
    if column.unit:
        text += f" in {column.unit}"
    if column.role == "time" and description.step:
        text += f", frequency {description.step}"
    if column.role == "time" and description.time_zone:
        text += f", time zone {description.time_zone}"
    if column.categories:
        text += f"; known values: {', '.join(column.categories)}"
    return f"{text[0].upper()}{text[1:]}."


def split_schema(names: list[str]) -> Json:
    """Return the schema of rows as column names and cells; `names` are an example of the columns."""
    return {
        "type": "object",
        "description": 'Rows as pandas\' `orient="split"`: the names of the columns, and the cells of each row.',
        "required": ["columns", "data"],
        "properties": {
            "columns": {
                "type": "array",
                "items": {"type": "string"},
                "minItems": 1,
                **({"examples": [names]} if names else {}),
            },
            "data": {
                "type": "array",
                "minItems": 1,
                "items": {"type": "array", "items": {"type": CELL}},
            },
            "index": {"type": "array", "description": "Ignored."},
        },
        "additionalProperties": False,
    }


def _forecast_row(description: RunDescription) -> Json:
    labels = {
        column.name: column_schema(column, description)
        for column in description.columns
        if column.role in ("time", "series") and column.name in description.answer_columns
    }
    numbers = {
        name: {"type": ["number", "null"], **NUMBER_COLUMNS}
        for name in description.answer_columns
        if name not in labels
    }
    targets = {column.name for column in description.columns if column.role == "target"}
    return {
        "type": "object",
        "description": "Forecast of one step of one series, with the names and units of the rows.",
        "properties": labels | numbers,
        "required": [name for name in description.answer_columns if name in labels or name in targets],
    }


def answer_schema(key: str, row: str, version: str) -> Json:
    """Return the schema of a JSON answer.

    Args:
        key: key of the rows.
        row: name of the schema of a row.
        version: version of the model, as an example.
    """
    return {
        "type": "object",
        "required": ["version", "warnings", key],
        "properties": {
            "version": {
                "type": "string",
                "description": "Version of the model that made the answer.",
                "examples": [version],
            },
            "warnings": {"type": "array", "items": reference("Warning")},
            key: {"type": "array", "items": reference(row)},
        },
    }


def _warning_schema() -> Json:
    return {
        "type": "object",
        "description": "Warning about the rows or the forecast, as `lstm predict` prints it.",
        "required": ["rule", "text"],
        "properties": {
            "rule": {"type": "string", "description": "Id of the rule."},
            "text": {"type": "string"},
            "line": {"type": ["integer", "null"]},
            "column": {"type": ["string", "null"]},
            "count": {"type": "integer"},
        },
    }


def _error_schema() -> Json:
    return {
        "type": "object",
        "required": ["error", "hint", "code", "request_id"],
        "properties": {
            "error": {"type": "string", "description": "The problem, with line and column for data."},
            "hint": {"type": "string", "description": "What to do about it."},
            "code": {"type": "string", "description": "Id of the rule, or a word for the kind of error."},
            "request_id": {"type": "string", "description": "Id of the request in the log of the server."},
            "line": {"type": ["integer", "null"], "description": "Line of the body, or its record."},
            "column": {"type": ["string", "null"], "description": "Column of the body."},
        },
    }
