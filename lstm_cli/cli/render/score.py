"""Report of `score` as tables."""

from collections.abc import Mapping
from typing import Any

from lstm_cli.cli.render.evaluate import MAX_ROWS, evenly_spaced, print_gates
from lstm_cli.cli.render.page import Page
from lstm_cli.evaluation import baseline_label
from lstm_cli.evaluation.score_text import METRICS, format_number, format_percent
from lstm_cli.wording import count_noun

SHOWN = ("mase", "mae", "wql", "bias")
TITLES = METRICS | {"wql": "WQL", "bias": "bias"}


def score_table(report: Any, page: Page) -> None:
    """Print the scores of the newest model next to what it promised, by step and by day, and the test."""
    forecasts, newest = report.forecasts, report.model
    page.line(
        f"{report.run}: {count_noun(forecasts['scored'], 'forecast')} of {forecasts['recorded']:,} came true, "
        f"{report.time_start} to {report.time_end}"
    )
    if forecasts["left_out"]:
        page.line(f"{count_noun(forecasts['left_out'], 'forecast')} left out", "yellow")
    page.blank()
    baseline, of_baseline = next(iter(report.baselines.items()))
    label = baseline_label(baseline, report.baseline_season)
    rows = [
        (f"model {newest['folder']} ({newest['precision']})", _figures(report.metrics, report)),
        (label, of_baseline),
    ]
    if report.trained is not None:
        rows.append((f"promised by {report.trained['from']}", report.trained))
    if report.older is not None:
        older = report.older
        rows.append((count_noun(older["models"], "older model"), _figures(older["metrics"], older)))
    page.table(
        ("forecast", *(TITLES[name] for name in SHOWN), "80 % interval", "95 % interval"),
        [(name, *_cells(figures)) for name, figures in rows],
    )
    page.line("the last two columns are the coverage in percent")
    page.blank()
    _days(page, report, label)
    if len(report.per_step) > 1:
        page.blank()
        _steps(page, report, label)
    page.blank()
    page.line(test_text(report.test), "yellow" if report.test["alarm"] else "bold")
    for drift in report.drift or ():
        outcome = "drifted" if drift["drifted"] else "no drift"
        page.line(
            f"column '{drift['column']}': {outcome} (distance {format_number(drift['statistic'])}, "
            f"limit {format_number(drift['limit'])})"
        )
    print_gates(page, report.gates)


def test_text(test: Mapping[str, Any]) -> str:
    """Return the result of the test for lost accuracy as a sentence."""
    nights = count_noun(test["nights"], "night")
    if test["limit"] is None:
        return f"Test for lost accuracy: not available ({nights})."
    if test["alarm"]:
        alarm = test["alarms"][-1]
        worse = format_percent(100 * (alarm["ratio"] - 1))
        return f"ALARM of {alarm['day']}: the error was {worse} % above the promise since {alarm['since']}."
    if test["statistic"] is None:
        return "Test for lost accuracy: no night has come true as a whole."
    share = format_percent(100 * test["statistic"] / test["limit"])
    return f"Test for lost accuracy: no alarm in {nights}, at {share} % of the limit."


def _days(page: Page, report: Any, label: str) -> None:
    """Print the newest days."""
    rows = [
        (
            day["day"],
            day["model"],
            *(format_number(day["metrics"].get(name, day.get(name))) for name in ("mase", "mae", "bias")),
            format_number(next(iter(day["baselines"].values()))["mase"]),
        )
        for day in report.per_day[-MAX_ROWS:]
    ]
    page.table(("day", "model", "MASE", "MAE", "bias", f"MASE of {label}"), rows)
    if len(report.per_day) > MAX_ROWS:
        page.line(f"and {len(report.per_day) - MAX_ROWS:,} earlier days, see --json")


def _steps(page: Page, report: Any, label: str) -> None:
    rows = [
        (
            str(step["step"]),
            *(format_number(step["metrics"][name]) for name in ("mase", "mae", "bias")),
            format_number(next(iter(step["baselines"].values()))["mase"]),
        )
        for step in evenly_spaced(report.per_step)
    ]
    page.table(("step ahead", "MASE", "MAE", "bias", f"MASE of {label}"), rows)


def _figures(metrics: Mapping[str, Any], report: Any) -> dict[str, Any]:
    """Return metrics with the figures of the quantiles, of a report or of its part."""
    part = report if isinstance(report, Mapping) else vars(report)
    return {**metrics, "wql": part["wql"], "coverage": part["coverage"]}


def _cells(figures: Mapping[str, Any]) -> tuple[str, ...]:
    coverage = figures.get("coverage") or {}
    return (
        *(format_number(figures.get(name)) for name in SHOWN),
        *(format_number(coverage.get(level)) for level in ("80", "95")),
    )
