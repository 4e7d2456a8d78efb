"""Description of a served run, with rows that can be sent as they are."""

import csv
import io
from collections.abc import Iterable
from typing import Any

import numpy as np

from lstm_cli.data.category_names import category_sources
from lstm_cli.data.dataset.dataset import Dataset, Schema
from lstm_cli.data.dataset.windows import required_history
from lstm_cli.data.forecast.output import split_columns, whole_columns, write_times
from lstm_cli.data.numbers.decimals import shortest_decimals
from lstm_cli.data.reading.columns.series_names import split_names
from lstm_cli.serving.model.description import ColumnDescription, RunDescription
from lstm_cli.steps.predict.beyond_horizon import MAX_HORIZONS
from lstm_cli.steps.predict.forecaster import Forecaster
from lstm_cli.steps.predict.requested_quantiles import RequestedQuantiles

SERIES_NAMES = 20  # names of series in a description


def describe_run(
    forecaster: Forecaster, requested: RequestedQuantiles, *, name: str, version: str
) -> RunDescription:
    """Return the description of a run.

    Args:
        forecaster: opened model.
        requested: quantiles of an answer without query values.
        name: name of the run.
        version: version of the model.
    """
    model = forecaster.model
    schema, intervals = model.schema, forecaster.intervals
    records = example_records(forecaster)
    names = tuple(filter(None, model.series.names))
    time_format = schema.time_format
    return RunDescription(
        name=name,
        version=version,
        columns=_columns(schema),
        delimiter=schema.delimiter or ",",
        wide=schema.wide,
        step=schema.step.name if schema.time_name is not None else "",
        time_format=_example_time(forecaster),
        time_zone=time_format.tz or ("UTC" if time_format.has_offset else ""),
        lookback=model.lookback,
        horizon=schema.horizon,
        max_horizon=schema.horizon if schema.past else MAX_HORIZONS * schema.horizon,
        min_rows=int(required_history(schema, model.series, schema.lookback).max()),
        series=names[:SERIES_NAMES],
        series_count=len(model.series.names),
        levels=requested.levels,
        quantile_range=None if intervals is None else intervals.supported,
        needs_future=bool(schema.future),
        answer_columns=_answer_columns(schema, requested),
        example_records=tuple(records),
        example_csv=_csv_text(records, schema) if records else "",
        names_without_header=_names_without_header(schema, records[0] if records else ()),
    )


def _answer_columns(schema: Schema, requested: RequestedQuantiles) -> tuple[str, ...]:
    numbers = [
        name
        for target in schema.targets
        for name in (target, *(f"{target}_{suffix}" for suffix in requested.suffixes))
    ]
    return (*schema.series_columns, *(schema.time_columns or ("row",)), *numbers)


def _columns(schema: Schema) -> tuple[ColumnDescription, ...]:
    """Return the columns of a body; those of a wide file are its columns of ids and times."""
    decimals = dict(zip(schema.targets, schema.decimals, strict=False))
    columns = [
        ColumnDescription(name=name, role="time", kind="whole" if whole else "time")
        for name, whole in zip(
            schema.time_columns, whole_columns(schema) if schema.time_columns else (), strict=True
        )
    ]
    columns += [ColumnDescription(name=name, role="series", kind="text") for name in schema.series_columns]
    roles = (
        ("target", schema.targets),
        ("past", schema.past_columns),
        ("future", schema.future_columns),
        ("static", schema.static_columns),
    )
    columns += [
        ColumnDescription(
            name=name,
            role=role,
            kind="text" if name in schema.categories else "number",
            unit=schema.units.get(name, ""),
            categories=schema.categories.get(name, ()),
            decimals=decimals.get(name) if role == "target" else None,
        )
        for role, names in roles
        for name in names
    ]
    return tuple(columns)


def _example_time(forecaster: Forecaster) -> str:
    """Return the first time of the training data as the file writes it; "" without a time column."""
    schema = forecaster.model.schema
    if schema.time_name is None:
        return ""
    texts = write_times(schema, forecaster.model.series.origin_us[:1])
    return " ".join(column[0] for column in split_columns(texts, schema.time_columns))


def example_records(forecaster: Forecaster) -> list[dict[str, Any]]:
    """Return rows of the first series that can be forecast; [] for a wide file, or if the data do not fit the model.

    With future covariates, the last horizon of the rows has no targets.
    """
    model, schema = forecaster.model, forecaster.model.schema
    if schema.wide or not forecaster.run.has("data"):
        return []
    dataset, _ = forecaster.own_data
    if dataset.schema.columns != schema.columns or not dataset.series.names:
        return []
    count, ahead = int(dataset.series.count[0]), int(dataset.series.ahead[0])
    origin = count - max(0, schema.horizon - ahead) if schema.future else count
    rows = np.arange(max(0, origin - model.lookback), origin + schema.horizon * bool(schema.future))
    texts = write_times(dataset.schema, dataset.schema.step.times(rows, dataset.series.origin_us[0]))
    columns: dict[str, list[Any]] = {}
    for name, cells, whole in zip(
        schema.time_columns,
        split_columns(texts, schema.time_columns or ("row",)),
        whole_columns(schema),
        strict=False,
    ):
        columns[name] = [int(cell) for cell in cells] if whole and not schema.time_format.tail else cells
    for name, (cell,) in zip(
        schema.series_columns,
        split_names(dataset.series.names[:1], len(schema.series_columns)) if schema.series_columns else (),
        strict=True,
    ):
        columns[name] = [cell] * len(rows)
    columns |= _numbers(dataset, rows, origin)
    columns |= {name: [value] * len(rows) for name, value in _static(dataset).items()}
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _numbers(dataset: Dataset, rows: np.ndarray, origin: int) -> dict[str, list[Any]]:
    """Return the cells [n] of rows of the first series, as numbers and categories. Future covariates have all rows."""
    schema, first = dataset.schema, int(dataset.series.offset[0])
    sources = category_sources(schema.categories)
    values = dataset.scaler.inverse_transform(dataset.values_scaled[first + rows], 0)
    measured = dataset.measured[first + rows]
    columns: dict[str, list[Any]] = {}
    for index, name in enumerate(schema.columns):
        known = measured[:, index] & ((index >= dataset.past_only_inputs) | (rows < origin))
        if name in sources:
            category = name.removeprefix(f"{sources[name]}=")
            cells = columns.setdefault(sources[name], [""] * len(rows))
            for row in np.flatnonzero(known & (values[:, index] > 0.5)).tolist():
                cells[row] = category
            continue
        numbers = shortest_decimals(values[:, index])[0].tolist()
        columns[name] = [
            number if is_known else None for number, is_known in zip(numbers, known, strict=True)
        ]
    return columns


def _static(dataset: Dataset) -> dict[str, Any]:
    """Return the static columns of the first series."""
    schema, static = dataset.schema, dataset.series.static
    if static is None:
        return {}
    sources = category_sources(schema.categories)
    columns: dict[str, Any] = {}
    for name, value in zip(schema.static, static[0].tolist(), strict=True):
        if name not in sources:
            columns[name] = None if value != value else value
        elif value == 1:
            columns[sources[name]] = name.removeprefix(f"{sources[name]}=")
        else:
            columns.setdefault(sources[name], "")
    return columns


def _csv_text(records: list[dict[str, Any]], schema: Schema) -> str:
    """Return records as the file of the run writes them: without a header, if the file has none."""
    text, names = io.StringIO(), _names_without_header(schema, records[0]) or tuple(records[0])
    writer = csv.DictWriter(text, names, lineterminator="\n", delimiter=schema.delimiter or ",")
    if schema.text.has_header:
        writer.writeheader()
    writer.writerows(records)
    return text.getvalue()


def _names_without_header(schema: Schema, names: Iterable[str]) -> tuple[str, ...]:
    """Return the names of all columns of a file without a header, in the order of the file; () with a header.

    Args:
        schema: schema of the run.
        names: names of the columns that the run uses.
    """
    if schema.text.no_header:
        return tuple(str(number + 1) for number in range(max(map(int, names), default=0)))
    return schema.text.names or ()
