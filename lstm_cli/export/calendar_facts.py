"""Metadata of the calendar and holiday inputs: formulas and dates, so that any program can compute these inputs."""

from typing import Any

import numpy as np

from lstm_cli.data.dataset.dataset import Schema, SeriesTable
from lstm_cli.data.dataset.holiday_inputs import SIDES
from lstm_cli.data.forecast.output import write_times
from lstm_cli.data.frequency.calendar_features import AMPLITUDE, SHARE_TEXTS
from lstm_cli.data.times.formats import JOINT

SIDE_TEXTS = {-1: "the day after a holiday", 0: "the holiday", 1: "the day before a holiday"}


def clock_text(schema: Schema) -> str:
    """Return the clock that calendar and holiday inputs are read from: UTC, a time zone, or the clock of the file."""
    if schema.time_name is None or schema.time_format.is_integer:
        return "none"
    return "UTC" if schema.time_format.has_offset else schema.time_format.tz or "as in the file"


def calendar_facts(schema: Schema, series: SeriesTable) -> dict[str, Any]:
    """Return the formula of each calendar input, and the values at one time as an example.

    Args:
        schema: Columns of the data.
        series: Series of the data.
    """
    columns = []
    for name in schema.calendar:
        part, _, function = name.rpartition("_")
        formula = f"{AMPLITUDE} * {function}(2 * pi * share)"
        columns.append({"name": name, "share": SHARE_TEXTS[part], "formula": formula})
    last = schema.step.times(series.count[:1] - 1, series.origin_us[:1])
    values = schema.calendar_inputs(last)[0].astype(np.float64)
    return {
        "clock": clock_text(schema),
        "time": "the time of the row itself; for a known-ahead input, the time of the step that is forecast",
        "columns": columns,
        "example": {
            "time": write_times(schema, last)[0].replace(JOINT, " "),
            "values": dict(zip(schema.calendar, values.round(7).tolist(), strict=True)),
        },
    }


def holiday_facts(schema: Schema) -> list[dict[str, Any]]:
    """Return the holiday inputs of each code, with the dates of its holidays."""
    business = " (business days)" if schema.step.kind == "business" else ""
    return [
        {
            "code": dates.code,
            "columns": {
                f"holiday_{dates.code}{side}": f"1 on {SIDE_TEXTS[SIDES[side]]}{business}, else 0"
                for side in dates.sides
            },
            "years": [dates.first_year, dates.last_year],
            "dates": np.array(dates.days, dtype="datetime64[D]").astype(str).tolist(),
        }
        for dates in schema.holidays
    ]
