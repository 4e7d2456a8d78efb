"""Top of the page: what was forecast, the verdict, the key figures and the scores."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_cli.evaluation.score_text import METRICS, finite_or_none, format_number, format_percent
from lstm_cli.reporting.facts import RunFacts
from lstm_cli.reporting.markup import Child, Html, element, isolate, join
from lstm_cli.reporting.number_text import tick_texts, ticks
from lstm_cli.reporting.sections.layout import figure, prose, section, table
from lstm_cli.reporting.svg import TOP, Frame, Mark, chart, dots, vertical
from lstm_cli.wording import count_noun

ROW_HEIGHT = 38  # pixels of a baseline in the chart of differences
NAMES_SHARE = 0.7  # room for the names in that chart, as a share of the range of the values
SINGLE_METRICS = ("mae", "rmse", "smape", "mase")
PANEL_METRICS = ("mase", "smape", "mae_scaled", "mae")  # the largest series dominate the errors in units
TARGETS_METRICS = ("mase", "smape", "mae_scaled")  # targets need not have the same unit
COVERAGE_MARGIN = 5.0  # percentage points
MAX_TARGETS = 3  # names of targets in the title


def opening(facts: RunFacts) -> Html:
    """Return the title and the verdict."""
    span = (
        f", {_date(facts.time_start)} to {_date(facts.time_end)}"
        if facts.time_start and facts.time_end
        else ""
    )
    series = f" of {facts.series:,} series" if facts.panel else ""
    about = join(
        isolate(facts.source),
        f" \u00b7 {facts.rows:,} rows{series}, {facts.frequency}{span}",
    )
    return element(
        "header",
        {},
        element("p", {"class": "kicker"}, "Forecast report \u00b7 ", isolate(facts.run)),
        element("h1", {}, "Forecast of ", _names(facts.targets), f", {facts.span_ahead} ahead"),
        element("p", {"class": "about"}, about),
        element("p", {"class": "verdict"}, prose(facts.verdict)),
        element("p", {"class": "tested"}, prose(facts.tested)),
        *(element("p", {"class": "remark"}, prose(note)) for note in facts.notes),
    )


def key_figures(facts: RunFacts) -> Html:
    """Return the key figures, the differences from the baselines, and the table of scores."""
    model = facts.scores["model"]
    tiles: list[Html | None] = [_error_tile(facts, model), _mase_tile(facts, model)]
    if facts.panel:  # the largest series dominate an error in units
        tiles.reverse()
    for level, covered in facts.known_coverage.items():
        width = finite_or_none(facts.width.get(level))
        mean_width = f"mean width {format_number(width)}" if width is not None and not facts.panel else ""
        below = "; ".join(filter(None, (coverage_mark(level, covered), mean_width))) or "of measured values"
        tiles.append(
            tile(prose(f"inside the {level} % interval"), prose(f"{format_percent(covered)} %"), below)
        )
    content: list[Child] = [element("dl", {"class": "tiles"}, *tiles)]
    if facts.comparisons:
        content.append(_difference_chart(facts))
    content.append(_score_table(facts))
    if facts.by_target:
        content.append(_target_table(facts))
    if facts.warnings:
        content.append(
            element(
                "div",
                {"class": "warnings"},
                element("h3", {}, count_noun(len(facts.warnings), "warning")),
                element("ul", {}, *(element("li", {}, text) for text in facts.warnings)),
                element("p", {"class": "note"}, facts.warnings_note) if facts.warnings_note else None,
            )
        )
    note = (
        f"Errors of the {facts.model} model ({facts.precision}) and of simple baselines on the same "
        f"{count_noun(facts.windows, 'window')}. Lower is better."
    )
    return section("figures", "Key figures", note, *content)


def coverage_mark(level: str, covered: float) -> str:
    """Return that an interval holds clearly fewer or more values than it should; "" if it does not.

    Args:
        level: wished coverage, percent.
        covered: coverage, percent.
    """
    if abs(covered - float(level)) <= COVERAGE_MARGIN:
        return ""
    return f"too {'narrow' if covered < float(level) else 'wide'}: should be near {level} %"


def _names(targets: tuple[str, ...]) -> Html:
    """Return the names of the targets in a sentence; of many only the first."""
    if len(targets) > MAX_TARGETS:
        return join(isolate(targets[0]), f" and {count_noun(len(targets) - 1, 'more target')}")
    parts: list[Child] = []
    for index, name in enumerate(targets):
        between = "" if index == 0 else " and " if index == len(targets) - 1 else ", "
        parts += [between, isolate(name)]
    return join(*parts)


def _date(time: str) -> str:
    return time.removesuffix("T00:00:00").replace("T", " ").removesuffix(":00")


def tile(name: Child, value: Child, note: Child) -> Html:
    """Return a key figure.

    Args:
        name: name of the figure.
        value: number.
        note: remark below the number.
    """
    return element(
        "div",
        {},
        element("dt", {}, name),
        element("dd", {}, value, element("span", {"class": "note"}, note)),
    )


def _error_tile(facts: RunFacts, model: Mapping[str, Any]) -> Html | None:
    one_unit = len(facts.targets) == 1 and finite_or_none(model.get("mae")) is not None
    name = "mae" if one_unit else "mae_scaled"
    if finite_or_none(model.get(name)) is None:
        return None
    unit = join("MAE, in ", _names(facts.targets)) if name == "mae" else "MAE, scaled"
    return tile(unit, format_number(model[name]), _others(facts, name))


def _mase_tile(facts: RunFacts, model: Mapping[str, Any]) -> Html | None:
    if finite_or_none(model.get("mase")) is None:
        return None
    return tile("MASE", format_number(model["mase"]), _others(facts, "mase"))


def _others(facts: RunFacts, metric: str) -> str:
    """Return the same error of the two best known baselines."""
    shown = [name for name in facts.scores if name.startswith(("linear", "seasonal naive", "naive"))][:2]
    return ", ".join(f"{name} {format_number(facts.scores[name].get(metric))}" for name in shown)


def _difference_chart(facts: RunFacts) -> Html | None:
    """Return dots with whiskers: by how many percent the model's error is lower than that of each baseline."""
    known = {
        name: (each["difference"], *each["interval"])
        for name, each in facts.comparisons.items()
        if each["difference"] is not None and each["interval"] is not None
    }
    if not known:
        return None
    values = np.array(list(known.values()))
    low, high = float(min(0.0, values.min())), float(max(0.0, values.max()))
    spread = (high - low) or 1.0
    place = Frame(
        x=(low - NAMES_SHARE * spread, high + 0.04 * spread),
        y=(0.0, float(len(known))),
        height=ROW_HEIGHT * len(known),
    )
    marks = [vertical(place, 0.0, "zero")]
    for index, (name, (difference, begin, end)) in enumerate(known.items()):
        kind = "model" if begin > 0 else "worse" if end < 0 else "unclear"
        row = len(known) - 0.6 - index
        marks += [
            _whisker(place, begin, end, row, kind),
            dots(place, np.array([difference]), np.array([row]), kind, radius=5),
            _text(place, place.x[0], row, 4, name, "start"),
            _text(place, difference, row, -10, prose(f"{format_percent(difference)} %"), "middle"),
        ]
    places = ticks(low, high, 4)
    texts = [text if text == "0" else f"{text}\u00a0%" for text in tick_texts(places)]
    label = "Error of the model compared with each baseline: " + "; ".join(
        f"{format_percent(difference)} % lower than that of {name}, 90 % interval {format_percent(begin)} to "
        f"{format_percent(end)} %"
        for name, (difference, begin, end) in known.items()
    )
    drawn = chart(place, label, list(zip(places, texts, strict=True)), *marks, y_ticks=())
    note = (
        "Dot: by how much the error of the model is lower. Line: 90\u00a0% interval. Left of 0, it is higher."
    )
    return figure("Error of the model compared with each baseline", drawn, note=note)


def _whisker(place: Frame, begin: float, end: float, row: float, kind: str) -> Mark:
    ends = [f"{100 * float(place.across(value)):.2f}%" for value in (begin, end)]
    y = f"{TOP + float(place.down(row)):.1f}"
    shape = {"class": f"whisker {kind}", "x1": ends[0], "x2": ends[1], "y1": y, "y2": y}
    return Mark(fixed=element("line", shape))


def _text(place: Frame, x: float, row: float, shift: int, text: Child, anchor: str) -> Mark:
    """Return a text in a row; shift: pixels down."""
    at = {"x": f"{100 * float(place.across(x)):.2f}%", "y": f"{TOP + float(place.down(row)) + shift:.1f}"}
    return Mark(fixed=element("text", {"class": "note", **at, "text-anchor": anchor}, text))


def shown_metrics(facts: RunFacts) -> dict[str, str]:
    """Return the titles of the metrics that the scores have, by key."""
    several = len(facts.targets) > 1
    names = TARGETS_METRICS if several else PANEL_METRICS if facts.panel else SINGLE_METRICS
    titles = {name: METRICS[name] for name in names} | {"wql": "WQL"}
    return {
        key: title
        for key, title in titles.items()
        if any(finite_or_none(scores.get(key)) is not None for scores in facts.scores.values())
    }


def _score_table(facts: RunFacts) -> Html:
    shown = shown_metrics(facts)
    cells = [[finite_or_none(scores.get(key)) for key in shown] for scores in facts.scores.values()]
    best = [lowest_index([row[column] for row in cells]) for column in range(len(shown))]
    rows = [
        (name, *(format_number(value) for value in row))
        for name, row in zip(facts.scores, cells, strict=True)
    ]
    return table("Scores of the model and the baselines", ("forecast", *shown.values()), rows, best=best)


def _target_table(facts: RunFacts) -> Html:
    metrics = [
        name for name in ("mae", "rmse", "mase") if any(name in row for row in facts.by_target.values())
    ]
    rows: list[tuple[Child, ...]] = [
        (isolate(target), *(format_number(row.get(name)) for name in metrics))
        for target, row in list(facts.by_target.items())[:20]
    ]
    return table("Scores of each target", ("target", *(METRICS[name] for name in metrics)), rows)


def lowest_index(values: list[float | None]) -> int:
    """Return the index of the lowest known value; -1 without any."""
    known = [(value, index) for index, value in enumerate(values) if value is not None]
    return min(known)[1] if known else -1
