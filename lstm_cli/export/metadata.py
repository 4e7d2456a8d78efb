"""What a program must know to use an exported file: its inputs and output, scaling, units, bounds, times."""

from typing import Any

import numpy as np

from lstm_cli.data.dataset.dataset import Schema, SeriesTable
from lstm_cli.data.dataset.scaling import Scaler
from lstm_cli.data.forecast.bounds import Bounds, ScaledBounds
from lstm_cli.data.forecast.output import write_times
from lstm_cli.export.formats import Format
from lstm_cli.inference.session import INPUTS, OUTPUT, PARTS


def tensor_facts(
    format: Format, schema: Schema, *, lookback: int, parts: tuple[str, ...]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The inputs and the outputs of an exported graph by name, each with shape, dtype and meaning."""
    past, future, mask = INPUTS
    known = [*schema.future, *schema.calendar]
    inputs = {
        past: _tensor(
            ["batch", lookback, len(schema.columns) + len(schema.calendar)],
            "the last steps, oldest first; scaled",
            columns=[*schema.columns, *schema.calendar],
        ),
        future: _tensor(
            ["batch", schema.horizon, len(known)], "what is known of the steps ahead; scaled", columns=known
        ),
        mask: _tensor(
            ["batch", lookback],
            "1 for a step of the series, 0 for padding, which stands at the front and changes nothing",
        ),
    }
    if not known and not format.asks_future:
        del inputs[future]
    shape = ["batch", schema.horizon, len(schema.targets)]
    outputs = {OUTPUT: _tensor(shape, "the forecast; scaled", columns=list(schema.targets))}
    if parts and format.holds_parts:
        outputs[PARTS] = _tensor(
            [*shape, len(parts)], "the forecasts that it is put together from; scaled", parts=list(parts)
        )
    return inputs, outputs


def data_facts(schema: Schema, series: SeriesTable, scaler: Scaler) -> dict[str, Any]:
    """Columns, scaling, units and times, the same for every format."""
    logged = "(u - center) / scale, u = log(value), or log(least) + value / least - 1 for a value below least"
    back = "value = scaled * scale + center"
    risen = "exp(u), u = scaled * scale + center, or least * (1 + u - log(least)) for u below log(least)"
    return {
        "targets": list(schema.targets),
        "past": list(schema.past),
        "future": list(schema.future),
        "calendar": list(schema.calendar),
        "horizon": schema.horizon,
        "units": "values are in the units of the file's columns",
        "scaling": {
            "scaler": scaler.kind,
            "logs": scaler.log_transformed,
            "scaled": "scaled = (value - center) / scale"
            + (f"; for a target scaled = {logged}" if scaler.log_transformed else ""),
            "value": back + (f"; for a target value = {risen}" if scaler.log_transformed else ""),
            "calendar": "half the sine or cosine of the share of the period that has passed; not scaled",
        },
        "times": {
            "column": schema.time_name,
            "step": schema.step.name,
            "clock": "UTC" if schema.time_format.has_offset else "as in the file",
            "order": "past ends at the step before the first one of the forecast",
        },
        "series": [
            {"name": name, **_extent(schema, series, place), **_scaling(schema, scaler, place)}
            for place, name in enumerate(series.names)
        ],
    }


def bounds_facts(schema: Schema, bounds: Bounds, scaled: ScaledBounds, *, held: bool) -> dict[str, Any]:
    """What no forecast leaves, and whether the file's own forecast is held there; held: the format has a graph."""
    stored = bounds.to_dict()
    reason = scaled.reason if held else "the file holds no graph"
    bounded = any(bound is not None for side in stored.values() for bound in side)
    return {
        "unit": "the file's",
        **{side: dict(zip(schema.targets, stored[side], strict=True)) for side in ("lower", "upper")},
        "in_file": bounded and not reason,
        "reason": reason if bounded else "",
    }


def _tensor(shape: list[Any], meaning: str, **more: list[str]) -> dict[str, Any]:
    return {"shape": shape, "dtype": "float32", "meaning": meaning} | more


def _extent(schema: Schema, series: SeriesTable, place: int) -> dict[str, Any]:
    """The first and the last time of a series' data, as the file writes them."""
    rows = np.array([0, series.count[place] - 1])
    first, last = write_times(schema, schema.step.times(rows, int(series.origin_us[place])))
    return {"first": first, "last": last}


def _scaling(schema: Schema, scaler: Scaler, place: int) -> dict[str, Any]:
    found = {
        "center": dict(zip(schema.columns, scaler.center[place].tolist(), strict=True)),
        "scale": dict(zip(schema.columns, scaler.scale[place].tolist(), strict=True)),
    }
    if scaler.floor is not None:
        found["least"] = dict(zip(schema.targets, scaler.floor[place].tolist(), strict=True))
    return found
