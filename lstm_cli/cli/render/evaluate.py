"""Report of `evaluate` as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.scores import in_parentheses, score_table
from lstm_cli.evaluation import baseline_label
from lstm_cli.evaluation.score_text import (
    BASELINES_SHOWN,
    METRICS,
    SCALED_FIRST,
    format_number,
    score_rows,
    verdict,
)
from lstm_cli.rundir import command
from lstm_cli.wording import count_noun

MAX_ROWS = 12  # rows in a table of targets, series or steps; --json has all


def evaluate_table(report: Any, page: Page) -> None:
    """Print the errors of the model and the baselines, overall and by target, series and step."""
    page.line(
        f"{report.run}: {report.model} ({report.precision}) on {report.windows:,} {report.split} windows"
    )
    page.blank()
    panel = len(report.per_series) > 1
    order = SCALED_FIRST if panel else tuple(METRICS)
    season = report.baseline_season
    model = report.metrics if report.wql is None else {**report.metrics, "wql": report.wql}
    scores = score_rows(model, report.parts, report.baselines, season)
    score_table(page, scores, {name: METRICS[name] for name in order} | {"wql": "WQL"})
    page.blank()
    page.line(verdict(report.metrics, report.baselines, report.comparisons, season, panel=panel), "bold")
    _interval_table(page, report)
    if report.mase_left_out:
        page.line(f"MASE excludes {report.mase_left_out:,} series whose training values repeat exactly")
    parts = ("mase", "mae", "rmse") if panel else ("mae", "rmse", "mase")
    if len(report.per_target) > 1:
        page.blank()
        _part_table(page, "target", list(report.per_target.items()), parts)
    if report.worst:
        page.blank()
        _worst_table(page, report)
    if len(report.per_step) > 1:
        page.blank()
        _part_table(
            page, "step ahead", [(str(row["step"]), row) for row in evenly_spaced(report.per_step)], parts
        )
    if report.backtest:
        page.blank()
        _backtest_table(page, report.backtest)
    print_gates(page, report.gates)
    if report.picture:
        page.blank()
        page.line(f"plot: {report.plot if report.plot not in (None, '-') else report.picture}")
    if report.output:
        page.line(f"copies: {report.output}")
    if report.forecasts:
        page.line(f"forecasts: {report.forecasts['path']} ({count_noun(report.forecasts['rows'], 'row')})")
    if report.picture and report.split == "test":
        page.line(f"'{command('report', report.run)} -o report.html' writes a page to send")


def print_gates(page: Page, gates: Sequence[Mapping[str, Any]]) -> None:
    """Print the result of each condition of --fail-if."""
    if gates:
        page.blank()
    for gate in gates:
        outcome = "FAILED" if gate["failed"] else "passed"
        model = f" for the {gate['model']}" if "model" in gate else ""
        page.line(
            f"{outcome}{model}: --fail-if '{gate['condition']}'{in_parentheses(gate.get('reason') or '')}"
        )


def _backtest_table(page: Page, backtest: Mapping[str, Any]) -> None:
    """Print the score of each cut-off, and their mean and standard deviation."""
    folds, spread = backtest["folds"], backtest["spread"]
    metric = "mase" if "mase" in spread else "mae"
    seasons = sorted({fold["baseline_season"] for fold in folds if fold.get("baseline_season")})
    season = " or ".join(map(str, seasons)) or None  # each fold detects the season from its own rows
    names = [name for name in BASELINES_SHOWN if any(name in fold["baselines"] for fold in folds)]
    titles = {name: baseline_label(name, season) for name in names}
    how = "without retraining" if backtest["reused"] else "retrained at each cut-off"
    page.line(
        f"backtest: {METRICS[metric]} at {count_noun(len(folds), 'cut-off')}, {how} ({backtest['precision']})"
    )
    rows = [
        (
            fold["cut"],
            f"{fold['windows']:,}",
            format_number(fold["metrics"][metric]),
            *(format_number(fold["baselines"].get(name, {}).get(metric)) for name in titles),
        )
        for fold in folds
    ]
    page.table(("cut-off", "windows", "model", *titles.values()), rows)
    summary = spread.get(metric)
    if summary:
        deviation = f" +- {format_number(summary['deviation'])}" if summary["deviation"] is not None else ""
        page.line(f"mean {format_number(summary['mean'])}{deviation}")
        wins = ", ".join(f"{title} at {spread['wins'][name]}" for name, title in titles.items())
        page.line(f"of {len(folds)} cut-offs, the model beats {wins}")


def _interval_table(page: Page, report: Any) -> None:
    """Print the coverage and the width of the prediction intervals."""
    if not report.coverage:
        return
    page.blank()
    panel = len(report.per_series) > 1  # in a panel, the largest series dominate a mean width in units
    widths = (report.width_scaled,) if panel else (report.width, report.width_scaled)
    rows = [
        (f"{level} %", format_number(share), *(format_number(width[level]) for width in widths))
        for level, share in report.coverage.items()
    ]
    page.table(("interval", "coverage %", *(("width", "width scaled")[-len(widths) :])), rows)


def _part_table(
    page: Page, title: str, rows: list[tuple[str, Mapping[str, Any]]], metrics: Sequence[str]
) -> None:
    shown = [name for name in metrics if any(name in row for _, row in rows)]
    page.table(
        (title, *(METRICS[name] for name in shown)),
        [(name, *(format_number(row.get(metric)) for metric in shown)) for name, row in rows[:MAX_ROWS]],
    )
    if len(rows) > MAX_ROWS:
        page.line(f"and {len(rows) - MAX_ROWS:,} more, see --json")


def _worst_table(page: Page, report: Any) -> None:
    """Print the series with the worst error relative to a baseline, which the mean of a panel hides."""
    baseline = baseline_label(report.worst[0]["baseline"], report.baseline_season)
    page.line(f"worst series compared with {baseline}")
    page.table(
        ("series", "MASE", baseline, "ratio", "MAE"),
        [
            (row["series"], *(format_number(row[name]) for name in ("mase", "baseline_mase", "ratio", "mae")))
            for row in report.worst
        ],
    )
    if len(report.per_series) > len(report.worst):
        page.line(f"and {len(report.per_series) - len(report.worst):,} more, see --json and per_series.csv")


def evenly_spaced(rows: list[Any]) -> list[Any]:
    """Return at most MAX_ROWS evenly spaced rows, including the first and the last."""
    if len(rows) <= MAX_ROWS:
        return rows
    return [rows[round(index * (len(rows) - 1) / (MAX_ROWS - 1))] for index in range(MAX_ROWS)]
