"""Metadata of an exported file: inputs, outputs, scaling, units, bounds and times."""

from typing import Any

import numpy as np

from lstm_cli.data.dataset.dataset import Schema, SeriesTable
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.forecast.bounds import Bounds, ScaledBounds
from lstm_cli.data.forecast.output import write_times
from lstm_cli.data.times.formats import JOINT
from lstm_cli.export.formats import Format
from lstm_cli.inference.session import INPUTS, OUTPUT, PARTS


def tensor_facts(
    format: Format, schema: Schema, *, lookback: int, parts: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the inputs and the outputs of an exported graph: name -> shape, dtype and meaning.

    Args:
        format: Export format.
        schema: Columns of the data.
        lookback: Number of past steps L.
        parts: Names of the combined forecasts; () if there are none.
    """
    past, future, mask = INPUTS
    known = [*schema.future, *schema.derived]
    inputs = {
        past: _tensor(
            ["batch", lookback, len(schema.inputs)],
            "past steps, oldest first; scaled",
            columns=list(schema.inputs),
        ),
        future: _tensor(
            ["batch", schema.horizon, len(known)],
            "known-ahead inputs of the steps ahead; scaled",
            columns=known,
        ),
        mask: _tensor(
            ["batch", lookback],
            "1 for a step of the series, 0 for padding (at the front, without effect on the forecast)",
        ),
    }
    if not known and not format.needs_future_input:
        del inputs[future]
    shape = ["batch", schema.horizon, len(schema.targets)]
    outputs = {OUTPUT: _tensor(shape, "the forecast; scaled", columns=list(schema.targets))}
    if parts and format.holds_parts:
        outputs[PARTS] = _tensor(
            [*shape, len(parts)], "the forecasts that are combined; scaled", parts=list(parts)
        )
    return inputs, outputs


def data_facts(schema: Schema, series: SeriesTable, scaler: Scaler) -> dict[str, Any]:
    """Return columns, scaling, units and times, which are the same for all formats.

    Args:
        schema: Columns of the data.
        series: Series of the data.
        scaler: Scaling of the model.
    """
    log_scaled = (
        "(u - center) / scale, u = log(value), or log(least) + value / least - 1 for a value below least"
    )
    inverse = "value = scaled * scale + center"
    unscaled = "exp(u), u = scaled * scale + center, or least * (1 + u - log(least)) for u below log(least)"
    return {
        "targets": list(schema.targets),
        "past": list(schema.past),
        "future": list(schema.future),
        "calendar": list(schema.calendar),
        "holidays": [name for dates in schema.holidays for name in dates.names],
        "static": list(schema.static),
        "categories": {column: list(known) for column, known in schema.categories.items()},
        "horizon": schema.horizon,
        "units": "values are in the units of the columns of the file",
        "scaling": {
            "scaler": scaler.kind,
            "logs": scaler.log_transformed,
            "scaled": "scaled = (value - center) / scale"
            + (f"; for a target scaled = {log_scaled}" if scaler.log_transformed else ""),
            "value": inverse + (f"; for a target value = {unscaled}" if scaler.log_transformed else ""),
            "holidays": "1 on the day, the day before or the day after a holiday, else 0",
            "static": "scaled = (value - center) / scale; 0 for a missing value",
            "calendar": "half the sine or cosine of the elapsed share of the period; not scaled",
        },
        "static_scaling": {
            name: {"center": center, "scale": scale}
            for name, (center, scale) in zip(schema.static, schema.static_scaling, strict=True)
        },
        "times": {
            "column": schema.time_name,
            "step": schema.step.name,
            "clock": "none"
            if schema.time_format.is_integer
            else "UTC"
            if schema.time_format.has_offset
            else schema.time_format.tz or "as in the file",
            "order": "past ends one step before the first step of the forecast",
        },
        "series": [
            {
                "name": name,
                **_time_range(schema, series, index),
                **_scaling(schema, scaler, index),
                **_static_values(schema, series, index),
            }
            for index, name in enumerate(series.names)
        ],
    }


def bounds_facts(
    schema: Schema, bounds: Bounds, scaled: ScaledBounds, *, holds_graph: bool
) -> dict[str, Any]:
    """Return the bounds of the forecast, and whether the graph of the file applies them.

    Args:
        schema: Columns of the data.
        bounds: Bounds of the model.
        scaled: Scaled bounds in the graph.
        holds_graph: Whether the format has a graph.
    """
    stored = bounds.to_dict()
    reason = scaled.reason if holds_graph else "the file has no graph"
    bounded = any(bound is not None for side in stored.values() for bound in side)
    return {
        "unit": "unit of the file",
        **{side: dict(zip(schema.targets, stored[side], strict=True)) for side in ("lower", "upper")},
        "in_file": bounded and not reason,
        "reason": reason if bounded else "",
    }


def _tensor(shape: list[Any], meaning: str, **more: list[str]) -> dict[str, Any]:
    return {"shape": shape, "dtype": "float32", "meaning": meaning} | more


def _time_range(schema: Schema, series: SeriesTable, index: int) -> dict[str, Any]:
    """Return the first and the last time of a series in the format of the data file."""
    rows = np.array([0, series.count[index] - 1])
    written = write_times(schema, schema.step.times(rows, int(series.origin_us[index])))
    first, last = (text.replace(JOINT, " ") for text in written)
    return {"first": first, "last": last}


def _static_values(schema: Schema, series: SeriesTable, index: int) -> dict[str, Any]:
    """Return the static inputs of a series in the units of the file; None for a missing value."""
    if series.static is None:
        return {}
    values = (None if np.isnan(value) else value for value in series.static[index].tolist())
    return {"static": dict(zip(schema.static, values, strict=True))}


def _scaling(schema: Schema, scaler: Scaler, index: int) -> dict[str, Any]:
    facts = {
        "center": dict(zip(schema.columns, scaler.center[index].tolist(), strict=True)),
        "scale": dict(zip(schema.columns, scaler.scale[index].tolist(), strict=True)),
    }
    if scaler.floor is not None:
        facts["least"] = dict(zip(schema.targets, scaler.floor[index].tolist(), strict=True))
    return facts
