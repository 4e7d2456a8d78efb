"""Metadata of an exported file: inputs, outputs, scaling, units, bounds and times."""

import json
import re
from importlib.metadata import version
from typing import Any

import numpy as np

from lstm_cli.data.dataset.dataset import Schema, SeriesTable
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.forecast.bounds import Bounds, ScaledBounds
from lstm_cli.data.forecast.output import write_times
from lstm_cli.data.frequency.step import Step
from lstm_cli.data.times.formats import JOINT, SECOND
from lstm_cli.export.calendar_facts import calendar_facts, clock_text, holiday_facts
from lstm_cli.export.formats import Format
from lstm_cli.inference.session import INPUTS, OUTPUT, PARTS

OPSET = 18  # of the ONNX graphs, see graph/builder.py, which needs torch
MISSING_TEXTS = {
    "interpolate": "a straight line between the measured neighbours, in the unit of the file; after the last one, "
    "its value",
    "last": "the last measured value",
    "season": "the value one season before, else the last measured value",
    "refuse": "nothing: missing values are refused",
}
_NUMBERS = re.compile(r"\[\n\s+([-\d][^\[\]{}\"]*?)\n\s+\]")  # a list of numbers, one a line


def tensor_facts(
    format: Format, schema: Schema, *, lookback: int, parts: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the inputs, in the order of their positions, and the outputs of an exported graph.

    Each has a name, shape, dtype and meaning.

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
    inputs = {name: inputs[name] for name in format.input_order if name in inputs}
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
        **({"calendar_inputs": calendar_facts(schema, series)} if schema.calendar else {}),
        "holidays": [name for dates in schema.holidays for name in dates.names],
        **({"holiday_inputs": holiday_facts(schema)} if schema.holidays else {}),
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
            "calendar": "half the sine or cosine of the elapsed share of the period; not scaled; see calendar_inputs",
        },
        "missing": {
            "method": schema.missing,
            "filled_with": MISSING_TEXTS[schema.missing],
            "before_the_first": "0 in scaled units",
        },
        "static_scaling": {
            name: {"center": center, "scale": scale}
            for name, (center, scale) in zip(schema.static, schema.static_scaling, strict=True)
        },
        "times": {
            "column": schema.time_name,
            "columns": list(schema.time_columns),
            "step": schema.step.name,
            "step_seconds": _step_seconds(schema.step),
            "clock": clock_text(schema),
            "order": "past ends one step before the first step of the forecast",
        },
        "series_columns": list(schema.series_columns),
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
        # The quantiles of a count are rounded to whole numbers: floor(value + 0.5).
        "counts": dict(zip(schema.targets, bounds.are_counts.tolist(), strict=True)),
        "in_file": bounded and not reason,
        "reason": reason if bounded else "",
    }


def needs_facts(format: Format, precision: str | None) -> dict[str, str]:
    """Return the library that opens the file: its version, and which other versions do.

    Args:
        format: Export format.
        precision: Precision of the model; None: there is no model.
    """
    if format.library is not None:
        installed = version(format.library).partition("+")[0]
        return {"library": format.library, "version": installed, "note": format.promise}
    if precision == "int8":
        note = "its operator DynamicQuantizeLSTM (com.microsoft) is not part of ONNX; OpenVINO has it, too"
        return {"library": "onnxruntime", "version": "1.20", "note": note}
    if precision is not None and format.holds_graph:
        return {
            "library": "onnx",
            "version": f"opset {OPSET}",
            "note": "ONNX Runtime 1.20 or newer, or OpenVINO",
        }
    return {}


def metadata_text(facts: dict[str, Any]) -> str:
    """Return the text of the JSON file, with each list of numbers on one line."""
    text = json.dumps(facts, indent=2, ensure_ascii=False, allow_nan=False)
    return _NUMBERS.sub(lambda numbers: f"[{' '.join(numbers[1].split())}]", text) + "\n"


def _step_seconds(step: Step) -> float | None:
    """Return the seconds of a step; None if steps differ in length."""
    return step.count / SECOND if step.kind in ("seconds", "weeks") else None


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
