"""The report of `evaluate` as a person reads it."""

from collections.abc import Mapping, Sequence
from typing import Any

from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.scores import (
    BASELINES_SHOWN,
    METRICS,
    SCALED_FIRST,
    format_figure,
    in_brackets,
    score_rows,
    score_table,
    verdict,
)
from lstm_cli.evaluation.baselines import baseline_label
from lstm_cli.text import count_noun

MANY = 12  # rows of a table of targets, series or steps; --json holds them all


def evaluate_table(report: Any, page: Page) -> None:
    """The model's errors beside those of the simple forecasts, in whole and in parts."""
    page.line(
        f"{report.run}: {report.model} ({report.precision}) on {report.windows:,} {report.split} windows"
    )
    page.blank()
    panel = len(report.per_series) > 1
    order = SCALED_FIRST if panel else tuple(METRICS)
    season = report.baseline_season
    scores = score_rows(report.metrics, report.parts, report.baselines, season)
    score_table(page, scores, {name: METRICS[name] for name in order})
    page.blank()
    page.line(verdict(report.metrics, report.baselines, report.comparisons, season, panel=panel), "bold")
    _interval_table(page, report)
    if report.mase_left_out:
        page.line(f"MASE leaves out {report.mase_left_out:,} series whose values repeat exactly in training")
    parts = ("mase", "mae", "rmse") if panel else ("mae", "rmse", "mase")
    if len(report.per_target) > 1:
        page.blank()
        _part_table(page, "target", list(report.per_target.items()), parts)
    if report.worst:
        page.blank()
        _worst_table(page, report)
    if len(report.per_step) > 1:
        page.blank()
        _part_table(page, "step ahead", [(str(row["step"]), row) for row in _spread(report.per_step)], parts)
    if report.backtest:
        page.blank()
        _backtest_table(page, report.backtest)
    if report.gates:
        page.blank()
    for gate in report.gates:
        outcome = "FAILED" if gate["failed"] else "passed"
        page.line(f"{outcome}: --fail-if '{gate['condition']}'{in_brackets(gate.get('reason') or '')}")
    if report.picture:
        page.blank()
        page.line(f"picture: {report.picture}")
    if report.output:
        page.line(f"copies: {report.output}")


def _backtest_table(page: Page, backtest: Mapping[str, Any]) -> None:
    """The cut-offs one below the other, and how far their scores lie apart."""
    folds, spread = backtest["folds"], backtest["spread"]
    metric = "mase" if "mase" in spread else "mae"
    seasons = sorted({fold["baseline_season"] for fold in folds if fold.get("baseline_season")})
    season = " or ".join(map(str, seasons)) or None  # a fold decides from the rows before its cut-off
    names = [name for name in BASELINES_SHOWN if any(name in fold["baselines"] for fold in folds)]
    titles = {name: baseline_label(name, season) for name in names}
    how = "the model as it is" if backtest["reused"] else "trained anew at each"
    page.line(
        f"backtest, {count_noun(len(folds), 'cut-off')}, {how} ({backtest['precision']}): {METRICS[metric]}"
    )
    rows = [
        (
            fold["cut"],
            f"{fold['windows']:,}",
            format_figure(fold["metrics"][metric]),
            *(format_figure(fold["baselines"].get(name, {}).get(metric)) for name in titles),
        )
        for fold in folds
    ]
    page.table(("cut-off", "windows", "model", *titles.values()), rows)
    found = spread.get(metric)
    if found:
        apart = f" +- {format_figure(found['deviation'])}" if found["deviation"] is not None else ""
        wins = ", ".join(f"{title} at {spread['wins'][name]}" for name, title in titles.items())
        page.line(
            f"mean {format_figure(found['mean'])}{apart}; of {len(folds)} cut-offs the model beats {wins}"
        )


def _interval_table(page: Page, report: Any) -> None:
    """How much of the truth lay within the intervals, and how wide they are."""
    if not report.coverage:
        return
    page.blank()
    panel = len(report.per_series) > 1  # a mean width in units is that of the largest series
    widths = (report.width_scaled,) if panel else (report.width, report.width_scaled)
    rows = [
        (f"{level} %", format_figure(share), *(format_figure(width[level]) for width in widths))
        for level, share in report.coverage.items()
    ]
    page.table(("interval", "coverage %", *(("width", "width scaled")[-len(widths) :])), rows)
    page.line(f"weighted quantile loss {format_figure(report.wql)}")


def _part_table(
    page: Page, title: str, rows: list[tuple[str, Mapping[str, Any]]], metrics: Sequence[str]
) -> None:
    shown = [name for name in metrics if any(name in row for _, row in rows)]
    page.table(
        (title, *(METRICS[name] for name in shown)),
        [(name, *(format_figure(row.get(metric)) for metric in shown)) for name, row in rows[:MANY]],
    )
    if len(rows) > MANY:
        page.line(f"and {len(rows) - MANY:,} more, see --json")


def _worst_table(page: Page, report: Any) -> None:
    """The series that do worst beside a simple forecast: where a panel's mean hides that the model does not serve."""
    simple = baseline_label(report.worst[0]["baseline"], report.baseline_season)
    page.line(f"the series that do worst beside {simple}")
    page.table(
        ("series", "MASE", simple, "ratio", "MAE"),
        [
            (row["series"], *(format_figure(row[name]) for name in ("mase", "baseline_mase", "ratio", "mae")))
            for row in report.worst
        ],
    )
    if len(report.per_series) > len(report.worst):
        page.line(f"and {len(report.per_series) - len(report.worst):,} more, see --json and per_series.csv")


def _spread(rows: list[Any]) -> list[Any]:
    """At most MANY of the rows, evenly spread, with the first and the last."""
    if len(rows) <= MANY:
        return rows
    return [rows[round(place * (len(rows) - 1) / (MANY - 1))] for place in range(MANY)]
