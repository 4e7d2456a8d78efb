"""Errors by step, time and series, their distribution, and the calibration of the intervals."""

import numpy as np

from lstm_cli.evaluation.score_text import format_number, format_percent
from lstm_cli.reporting.facts import Calibration, Groups, Residuals, RunFacts
from lstm_cli.reporting.markup import Child, Html, isolate, join
from lstm_cli.reporting.number_text import tick_texts, ticks
from lstm_cli.reporting.sections.charts import SMALL_HEIGHT, label_chart, x_ticks
from lstm_cli.reporting.sections.layout import figure, grid, legend, prose, section, table
from lstm_cli.reporting.svg import Frame, band, bars, chart, dots, frame, line, vertical

MIN_BIAS = 0.5  # percent of the mean absolute error
RATIO_BINS = np.linspace(0.0, 2.0, 41)


def errors_section(facts: RunFacts) -> Html:
    """Return the errors by step ahead, time and series."""
    unit = _unit(facts)
    figures = [_group_figure(facts, facts.by_step), *(_group_figure(facts, item) for item in facts.by_time)]
    sample = "" if facts.drawn_windows == facts.windows else f" Sample of {facts.drawn_windows:,} windows."
    note = join("Mean absolute error of the model and of ", facts.baseline, ", ", unit, f".{sample}")
    content: list[Child] = [legend(("model", "model"), ("baseline", facts.baseline)), grid(*figures)]
    if facts.series_ratios is not None:
        content += _series_errors(facts, facts.series_ratios)
    return section("errors", "Errors", note, *content)


def _unit(facts: RunFacts) -> Html:
    return join("in ", isolate(facts.unit)) if facts.unit in facts.targets else join("in ", facts.unit)


def _group_figure(facts: RunFacts, item: Groups) -> Html | None:
    by = item.title.lower()
    if len(item.labels) == 1:
        return figure(
            f"By {by}",
            table(
                f"Error by {by}",
                ("forecast", f"{by} {item.labels[0]}"),  # upright, for a third of the width
                [
                    ("model", format_number(item.model[0])),
                    (facts.baseline, format_number(item.baseline[0])),
                ],
            ),
        )
    worst = int(np.nanargmax(item.model)) if np.isfinite(item.model).any() else 0
    label = (
        f"Mean absolute error by {by}; highest at {item.labels[worst]}: {format_number(item.model[worst])}"
    )
    lines: list[tuple[np.ndarray, str]] = [(item.baseline, "baseline"), (item.model, "model")]
    return figure(f"By {by}", label_chart(item.labels, lines, label, zero=True))


def _series_errors(facts: RunFacts, ratios: np.ndarray) -> list[Child]:
    known = ratios[np.isfinite(ratios)]
    if not len(known):
        return []
    counts, edges = np.histogram(np.minimum(known, RATIO_BINS[-1] - 1e-9), bins=RATIO_BINS)
    place = frame([edges], [counts], SMALL_HEIGHT, zero=True)
    better = f"{int((known < 1).sum()):,} of {len(known):,} series"
    texts = [
        (value, f"{value:g}" if value < RATIO_BINS[-1] else "2 or more")
        for value in (0.0, 0.5, 1.0, 1.5, 2.0)
    ]
    label = f"Histogram of the errors of the series relative to {facts.baseline}; {better} are below 1"
    drawn = chart(
        place,
        label,
        texts,
        bars(place, edges, counts, "model"),
        vertical(place, 1.0, "origin", "as good"),
        y_ticks=_count_ticks(place),
    )
    title = f"{better} have a lower error than {facts.baseline}"
    parts: list[Child] = [
        figure(title, drawn, note=f"Number of series by their error divided by that of {facts.baseline}")
    ]
    if facts.worst_series:
        rows: list[tuple[Child, ...]] = [
            (
                isolate(str(row["series"])),
                *(format_number(row[name]) for name in ("ratio", "mase", "baseline_mase", "mae")),
            )
            for row in facts.worst_series
        ]
        header = ("series", "ratio", "MASE", facts.baseline, "MAE")
        parts.append(figure("Worst series", table("Series with the worst ratio", header, rows)))
    return parts


def residuals_section(facts: RunFacts) -> Html | None:
    """Return the distribution of the errors, and their course over time."""
    found = facts.residuals
    if found is None:
        return None
    note = join("Forecast minus measured value, ", _unit(facts), ". ", _bias_text(facts, found))
    return section("residuals", "Bias and spread", note, grid(_histogram(found), _over_time(facts, found)))


def _bias_text(facts: RunFacts, found: Residuals) -> Html:
    """Return a sentence about the bias: in the unit of the only target, and in percent of the mean absolute error."""
    share = 100 * abs(found.bias) / found.mean_absolute if found.mean_absolute else 0.0
    if share < MIN_BIAS:
        return join("On average, the forecasts are neither too high nor too low.")
    side = "high" if found.bias > 0 else "low"
    percent = f"{format_percent(share)}\u00a0% of the mean absolute error"
    if facts.unit in facts.targets:
        size = format_number(abs(found.bias))
        return join(
            f"On average, the forecasts are {size} too {side}, ", _unit(facts), f". This is {percent}."
        )
    return join(f"On average, the forecasts are too {side}, by {percent}.")


def _histogram(found: Residuals) -> Html:
    place = frame([found.edges], [found.counts], SMALL_HEIGHT, zero=True)
    limit = float(found.edges[-1])
    nice = 10 ** np.floor(np.log10(limit))
    step = next(factor * nice for factor in (0.2, 0.5, 1, 2, 5) if factor * nice >= limit / 2.5)
    shown = [
        (float(step * number), format_axis(step * number))
        for number in range(-4, 5)
        if abs(step * number) < limit
    ]
    label = f"Histogram of the errors; mean {format_number(found.bias)}"
    drawn = chart(
        place,
        label,
        shown,
        bars(place, found.edges, found.counts, "model"),
        vertical(place, 0.0, "origin"),
        y_ticks=_count_ticks(place),
    )
    outside = f"Number of forecasts by error. {found.outside:,} are farther out." if found.outside else None
    return figure("Size of the errors", drawn, note=outside or "Number of forecasts by error")


def _count_ticks(place: Frame) -> list[tuple[float, str]]:
    """Return ticks at whole numbers."""
    values = [value for value in ticks(*place.y, 4) if value == round(value)]
    return list(zip(values, tick_texts(values), strict=True))


def format_axis(value: float) -> str:
    """Return a number for an axis, with a minus sign."""
    return f"{value:,g}".replace("-", "\u2212")


def _over_time(facts: RunFacts, found: Residuals) -> Html:
    place = frame([found.x], [found.low, found.high, np.zeros(1)], SMALL_HEIGHT)
    marks = [
        band(place, found.x, found.low, found.high, "band80"),
        line(place, found.x, found.mean, "model"),
    ]
    drawn = chart(
        place,
        "Mean error over time, with the middle 80 % of the errors",
        x_ticks(place, facts.clock, 4),
        *marks,
    )
    return figure("Over time", drawn, note="Mean error, and the range of the middle 80 % of the errors")


def calibration_section(facts: RunFacts) -> Html | None:
    """Return nominal and observed coverage; None for a model without intervals."""
    found = facts.calibration
    if found is None:
        return None
    note = (
        "An interval of 80 % should hold 80 % of the measured values. Intervals that hold more are too wide, "
        "and those that hold less are too narrow."
    )
    figures = [_quantile_figure(found), _coverage_figure(found)]
    titles = [
        "interval",
        "observed",
        *([] if facts.panel else ["mean width"]),
    ]  # large series would dominate it
    if not any(width is not None for width in facts.width.values()):
        titles = titles[:2]
    rows = []
    for level, share in facts.known_coverage.items():
        cells = [f"{level} %", f"{format_percent(share)} %", format_number(facts.width.get(level))]
        rows.append([prose(cell) for cell in cells[: len(titles)]])
    scores = table("Coverage and width of the intervals", titles, rows) if rows else None
    return section("calibration", "Calibration", note, grid(*figures), scores)


def _quantile_figure(found: Calibration) -> Html:
    place = Frame(x=(0.0, 1.0), y=(0.0, 1.0), height=SMALL_HEIGHT + 40)
    ends = np.array([0.0, 1.0])
    marks = [
        line(place, ends, ends, "ideal"),
        line(place, found.nominal, found.observed, "model"),
        dots(place, found.nominal, found.observed, "model"),
    ]
    places = [(value, f"{value:.1f}") for value in (0.1, 0.3, 0.5, 0.7, 0.9)]
    pairs = ", ".join(
        f"{nominal:.1f}: {observed:.2f}"
        for nominal, observed in zip(found.nominal, found.observed, strict=True)
    )
    drawn = chart(
        place, f"Share of measured values below each quantile: {pairs}", places, *marks, y_ticks=places
    )
    note = "Share of measured values below each quantile; equal values count by half. Dashed: ideal."
    return figure("Quantiles .1 to .9", drawn, note=note)


def _coverage_figure(found: Calibration) -> Html:
    shares = list(found.by_step.values())
    steps = np.arange(1, len(shares[0]) + 1, dtype=np.float64)
    lowest = min(float(np.nanmin(share, initial=100.0)) for share in shares)
    low = min(lowest - 2, min(map(float, found.by_step)) - 8)
    place = Frame(x=(1.0, max(2.0, float(steps[-1]))), y=(low, 101.0), height=SMALL_HEIGHT + 40)
    marks = []
    for level, share in found.by_step.items():
        nominal = np.full(2, float(level))
        marks += [
            line(place, np.array(place.x), nominal, "ideal"),
            line(place, steps, share, "model"),
            *([dots(place, steps, share, "model")] if len(steps) == 1 else []),
        ]
    every = max(1, len(steps) // 6)
    shown = [(float(step), f"{step:.0f}") for step in steps[::every]]
    label = "Coverage of the intervals by step ahead: " + "; ".join(
        f"{level} % interval {np.nanmin(share):.0f} to {np.nanmax(share):.0f} %"
        for level, share in found.by_step.items()
    )
    levels = [(float(level), f"{level}\u00a0%") for level in found.by_step]
    drawn = chart(place, label, shown, *marks, y_ticks=levels)
    return figure(
        "Coverage by step ahead",
        drawn,
        note="Percent of measured values inside. Dashed: ideal.",
    )
