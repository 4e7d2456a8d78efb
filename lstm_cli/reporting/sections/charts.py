"""Forecasts of single windows, and the data."""

from dataclasses import replace

import numpy as np

from lstm_cli.evaluation.score_text import format_number
from lstm_cli.reporting.chart_data import joined_splits
from lstm_cli.reporting.facts import Clock, Profile, RunFacts, SeriesChart, WindowChart
from lstm_cli.reporting.markup import Child, Html, element, isolate, join
from lstm_cli.reporting.number_text import tick_texts, ticks
from lstm_cli.reporting.sections.layout import figure, grid, legend, live_chart, section
from lstm_cli.reporting.svg import Frame, band, chart, dots, frame, line, shade, vertical
from lstm_cli.reporting.time_axis import time_text, time_ticks

WIDE = 520  # pixels of a chart over the whole width of a sheet of paper
WINDOW_HEIGHT, SERIES_HEIGHT, SMALL_HEIGHT = 190, 220, 130


def windows_section(facts: RunFacts) -> Html | None:
    """Return the newest, the best, the median and the worst window with their forecasts."""
    if not facts.window_charts:
        return None
    by = " by the mean absolute error of the model" + (" (MASE)" if facts.unit == "MASE" else "")
    many = f"The newest window, and the best, the median and the worst of {facts.drawn_windows:,} windows"
    rule = f"{many}{_sample_note(facts)}{by}." if facts.drawn_windows > 1 else "The only window."
    note = f"{rule} Drag to zoom, double-click to reset, point at a line for its values."
    levels = facts.window_charts[0].ends
    entries = [("measured", "measured"), ("model", "forecast")]
    entries += [(f"band{level}", f"{level} % interval") for level in levels]
    entries += [("baseline", facts.baseline)]
    figures = [_window_figure(facts, chart, index) for index, chart in enumerate(facts.window_charts)]
    return section("windows", "Forecasts", note, legend(*entries), grid(*figures))


def _sample_note(facts: RunFacts) -> str:
    """Return how the windows were sampled; "" if they are all."""
    if facts.drawn_windows == facts.windows:
        return ""
    return f" (an even sample of {facts.windows:,})"


def _window_figure(facts: RunFacts, item: WindowChart, index: int) -> Html:
    place = frame(
        [item.x],
        [item.measured, item.forecast, item.baseline, *(end for ends in item.ends.values() for end in ends)],
        WINDOW_HEIGHT,
    )
    start = x_text(item.origin, facts.clock)
    error = "" if item.error is None else f", mean absolute error {format_number(item.error)}"
    name = item.names[:1].upper() + item.names[1:]
    marks = [
        *(
            band(place, item.x, *ends, f"band{level}")
            for level, ends in sorted(item.ends.items(), reverse=True)
        ),
        line(place, item.x, item.baseline, "baseline"),
        line(place, item.x, item.measured, "measured"),
        line(place, item.x, item.forecast, "model"),
        vertical(place, item.origin, "origin"),
    ]
    if item.x[-1] == item.origin:  # a line of one point
        marks.append(dots(place, item.x[-1:], item.forecast[-1:], "model"))
    chained = item.chosen != item.origin
    when = f"last forecast {x_text(item.chosen, facts.clock)}" if chained else f"from {start}"
    label = f"{name} window: forecast and measured values {when}{error}"
    drawn = chart(place, label, x_ticks(place, facts.clock, 4), *marks)
    named = _named(item.series, item.target if len(facts.targets) > 1 else "")
    note = join(*(part for part in (named, " \u00b7 " if named else None, f"{when}{error}") if part))
    return figure(name, live_chart(f"window-{index}", drawn), note=note)


def _named(*names: str) -> Html | None:
    """Return names with a separator; None if all are empty."""
    shown = [isolate(name) for name in names if name]
    if not shown:
        return None
    parts: list[Child] = [shown[0]]
    for name in shown[1:]:
        parts += [" \u00b7 ", name]
    return join(*parts)


def data_section(facts: RunFacts) -> Html:
    """Return the series, the usual course, and what is missing."""
    figures = [_series_figure(facts, item, index) for index, item in enumerate(facts.charts)]
    small = [_profile_figure(facts, item) for item in facts.profiles]
    note = "Measured values. The model learns from the training rows. The validation rows decide which version is kept."
    if any(name == "test" for item in facts.charts for name, *_ in item.splits):
        note += " The test rows only score it."
    return section("data", "Data", note, *figures, _facts_list(facts), grid(*small) if small else None)


def _series_figure(facts: RunFacts, item: SeriesChart, index: int) -> Html:
    place = frame([item.x], [item.y], SERIES_HEIGHT)
    if item.y_range is not None:
        place = replace(place, y=item.y_range)
    splits = joined_splits(item.splits)
    marks = [shade(place, begin, end, "test") for name, begin, end in splits if name == "test"]
    marks += [shade(place, begin, end, "val") for name, begin, end in splits if name == "validation"]
    marks += [
        line(place, item.x, item.y, "measured thin"),
        dots(place, item.outlier_x, np.clip(item.outlier_y, *place.y), "worse"),
    ]
    marks += [
        vertical(place, begin, "split", name, until=end) for name, begin, end in splits if name != "training"
    ]
    title = join(_named(item.series, item.target) or item.target)
    rank = f"{item.rank} series by the error relative to {facts.baseline}" if item.rank else ""
    thinned = "each stroke spans the smallest and the largest value of a short time" if item.thinned else ""
    cut = "" if item.y_range is None else "circles at the edge are outliers beyond it"
    notes = "; ".join(filter(None, (rank, thinned, cut)))
    label = f"Measured values from {x_text(float(item.x[0]), facts.clock)} to {x_text(float(item.x[-1]), facts.clock)}"
    drawn = chart(place, label, x_ticks(place, facts.clock, 6), *marks, width=WIDE)
    note = f"{notes[:1].upper()}{notes[1:]}." if notes else None
    return figure(title, live_chart(f"series-{index}", drawn), note=note)


def _facts_list(facts: RunFacts) -> Html:
    data = facts.data
    missing = (
        "none"
        if not data.missing
        else f"{data.missing:,} of {data.cells:,} ({data.missing / data.cells:.2%})"
    )
    gaps = "none" if not data.gaps else f"{data.gaps:,}, longest: {data.longest_gap}"
    of = "" if data.searched_series is None else f" of {data.searched_series:,} of {facts.series:,} series"
    outliers = f"{data.outliers:,}" if data.outliers else "none found"
    outliers += f" in {data.searched:,} values{of}"
    entries: list[tuple[Child, Child]] = [("missing values", missing), ("gaps", gaps), ("outliers", outliers)]
    if data.strengths:
        entries.append(("strength, 0 to 1", "; ".join(data.strengths)))
    items = [element("div", {}, element("dt", {}, name), element("dd", {}, text)) for name, text in entries]
    return element("dl", {"class": "facts"}, *items)


def _profile_figure(facts: RunFacts, item: Profile) -> Html:
    name = {"Hour of day": "Usual day", "Weekday": "Usual week", "Month": "Usual year"}[item.title]
    first = facts.targets[0]
    return figure(
        name,
        label_chart(item.labels, [(item.mean, "measured")], f"{name}: mean by {item.title.lower()}"),
        note=join(
            "Mean of ", _named(first, item.series), f" by {item.title.lower()}, above or below its trend"
        ),
    )


def label_chart(
    labels: tuple[str, ...], lines: list[tuple[np.ndarray, str]], label: str, *, zero: bool = False
) -> Html:
    """Return a chart of lines over named places, such as hours.

    Args:
        labels: [n] names of the places.
        lines: values [n] and kind of each line.
        label: description for people who do not see the chart.
        zero: whether the y axis begins at 0.
    """
    x = np.arange(len(labels), dtype=np.float64)
    arrays = [values for values, _ in lines]
    place = frame([np.array([-0.2, len(labels) - 0.8])], arrays, SMALL_HEIGHT, zero=zero)
    every = next(step for step in (1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 10_000) if len(labels) <= 6 * step)
    shown = [(float(index), labels[index]) for index in range(0, len(labels), every)]
    marks = [line(place, x, values, kind) for values, (_, kind) in zip(arrays, lines, strict=True)]
    if len(labels) <= 12:
        marks += [
            dots(place, x, values, kind, radius=2.5) for values, (_, kind) in zip(arrays, lines, strict=True)
        ]
    return chart(place, label, shown, *marks)


def x_ticks(place: Frame, clock: Clock, count: int) -> list[tuple[float, str]]:
    """Return the ticks of a chart over time.

    Args:
        place: coordinates.
        clock: meaning of x.
        count: wished number of ticks.
    """
    if place.x[1] <= place.x[0]:
        return [(place.x[0], x_text(place.x[0], clock))]
    if clock.is_time:
        return time_ticks(*place.x, count)
    values = ticks(*place.x, count)
    return list(zip(values, tick_texts(values), strict=True))


def x_text(x: float, clock: Clock) -> str:
    """Return an x value as text: a time, or a number with the name of its column."""
    return time_text(x, clock.step) if clock.is_time else f"{clock.label} {x:,.0f}"
