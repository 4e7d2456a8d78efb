"""Reports of the steps as a person reads them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from lstm_cli.cli.page import KEPT, Page
from lstm_cli.cli.streams import say

BASELINES = {"linear": "linear", "seasonal_naive": "seasonal naive", "naive": "naive"}
METRICS = {
    "mae": "MAE",
    "rmse": "RMSE",
    "smape": "sMAPE %",
    "mase": "MASE",
    "mse_scaled": "MSE scaled",
    "mae_scaled": "MAE scaled",
}
# Over several series errors in the file's units are those of the largest ones, so the scaled ones come first.
SCALED_FIRST = ("mase", "smape", "mae_scaled", "mse_scaled", "mae", "rmse")
MANY = 12  # rows of a table of targets, series or steps; --json holds them all
AS_GOOD = 0.005  # errors that differ by a smaller share are called equal


def tell_forecast(report: Any) -> None:
    """Tell on stderr what `predict -o FILE` wrote."""
    several = f" for {report.series:,} series" if report.series > 1 else ""
    say(
        f"wrote {report.rows:,} rows{several}, {report.time_start} to {report.time_end}, "
        f"to {report.output} ({report.format}, {report.precision})"
    )


def prepare_table(report: Any, page: Page) -> None:
    """What was read, and what was settled by it."""
    span = "" if report.time_start is None else f", {report.time_start} to {report.time_end}"
    facts = [
        (
            "read",
            f"{report.source}: {report.rows:,} rows of {_count(report.series, 'series', 'series')}{span}",
        ),
        ("step", report.freq),
        ("target", ", ".join(report.targets)),
        ("past", ", ".join(report.past)),
        ("future", ", ".join(report.future)),
        ("calendar", ", ".join(report.calendar)),
        ("season", f"{' and '.join(map(str, report.seasons)) or 'none'}{_reason(report.season_reason)}"),
        ("lookback", f"{report.lookback} steps{_reason(report.lookback_reason)}"),
        ("horizon", _count(report.horizon, "step", "steps")),
        ("scaler", report.scaler),
        ("filled", _count(report.filled, "cell", "cells") if report.filled else ""),
    ]
    page.facts((name, text) for name, text in facts if text)
    page.blank()
    names = {"train": "train", "val": "validation", "test": "test"}
    rows = [
        (name, f"{report.split_rows[split]:,}", f"{report.windows[split]:,}") for split, name in names.items()
    ]
    page.table(("split", "rows", "windows"), rows)
    page.blank()
    page.line(f"wrote {report.run} ({report.megabytes:.1f} MB); next: lstm train {report.run}")


def train_table(report: Any, page: Page) -> None:
    """What was trained, and its validation score beside the simple forecasts."""
    regressions = _count(report.linear["regressions"], "regression", "regressions")
    families = ", ".join(f"{name} {weight:.2f}" for name, weight in report.linear["families"].items())
    page.facts(
        [
            ("model", f"{report.model}, {report.parameters:,} parameters, lookback {report.lookback}"),
            ("linear", f"{families} ({regressions}), lookback {report.linear['lookback']}"),
            *((training["name"], _training(training)) for training in report.trainings),
            *report.choices.items(),
            ("refit", "on training and validation rows" if report.refitted else "none"),
            ("device", f"{report.device}, {_count(report.threads, 'thread', 'threads')}, seed {report.seed}"),
            ("time", f"{report.seconds:.1f} s"),
        ]
    )
    if len(report.weights) > 1:
        page.blank()
        quarters = range(1, len(next(iter(report.weights.values()))) + 1)
        page.table(
            ("weight in quarter", *(str(quarter) for quarter in quarters)),
            [(part, *(f"{weight:.2f}" for weight in row)) for part, row in report.weights.items()],
        )
    page.blank()
    page.line("validation" + (", before the refit" if report.refitted else ""))
    scores = _beside(report.val, report.parts, report.val_baselines)
    _score_table(page, scores, {name: METRICS[name] for name in ("mase", "mae_scaled")})
    page.blank()
    for finding in report.diagnosis:
        of_part = f" of {finding['part']}" if len(report.trainings) > 1 else ""
        page.line(f"{finding['name']}{of_part}: {finding['sign']}; try {finding['advice']}", "yellow")
    page.line(_verdict(report.val, report.val_baselines, panel=report.series > 1))
    page.line(f"next: lstm evaluate {report.run}")


def find_lr_table(report: Any, page: Page) -> None:
    """At which learning rates the loss fell, and the one to try."""
    rows = [
        (
            part["part"],
            _figure(part["lowest_at"]),
            f"{100 * part['fall']:.1f}",
            _figure(part["suggestion"]),
        )
        for part in report.parts
    ]
    page.table(("network", "lowest loss at", "fall %", "suggestion"), rows)
    page.blank()
    if report.suggestion is None:
        page.line("The loss falls at no learning rate: there is nothing to suggest.")
    else:
        page.line(f"try: lstm train {report.run} --lr {report.suggestion:.1g}")
    page.line(f"picture: {report.picture}")


def evaluate_table(report: Any, page: Page) -> None:
    """The model's errors beside those of the simple forecasts, in whole and in parts."""
    page.line(
        f"{report.run}: {report.model} ({report.precision}) on {report.windows:,} {report.split} windows"
    )
    page.blank()
    panel = len(report.per_series) > 1
    order = SCALED_FIRST if panel else tuple(METRICS)
    scores = _beside(report.metrics, report.parts, report.baselines)
    _score_table(page, scores, {name: METRICS[name] for name in order})
    page.blank()
    page.line(_verdict(report.metrics, report.baselines, panel=panel), "bold")
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
        verdict = "FAILED" if gate["failed"] else "passed"
        page.line(f"{verdict}: --fail-if '{gate['condition']}'{_reason(gate.get('reason') or '')}")
    if report.picture:
        page.blank()
        page.line(f"picture: {report.picture}")


def _backtest_table(page: Page, backtest: Mapping[str, Any]) -> None:
    """The cut-offs one below the other, and how far their scores lie apart."""
    folds, spread = backtest["folds"], backtest["spread"]
    metric = "mase" if "mase" in spread else "mae"
    names = [name for name in BASELINES if name in folds[0]["baselines"]]
    how = "the model as it is" if backtest["reused"] else "trained anew at each"
    page.line(f"backtest, {_count(len(folds), 'cut-off', 'cut-offs')}, {how}: {METRICS[metric]}")
    rows = [
        (
            fold["cut"],
            f"{fold['windows']:,}",
            _figure(fold["metrics"][metric]),
            *(_figure(fold["baselines"][name][metric]) for name in names),
        )
        for fold in folds
    ]
    page.table(("cut-off", "windows", "model", *(BASELINES[name] for name in names)), rows)
    found = spread.get(metric)
    if found:
        apart = f" +- {_figure(found['deviation'])}" if found["deviation"] is not None else ""
        wins = ", ".join(f"{BASELINES[name]} at {spread['wins'][name]}" for name in names)
        page.line(f"mean {_figure(found['mean'])}{apart}; of {len(folds)} cut-offs the model beats {wins}")


def quantize_table(report: Any, page: Page) -> None:
    """Size, latency and error of the two models side by side."""
    names = ("fp32", "quantized")
    shrunk = report.size["quantized"] / report.size["fp32"] if report.size["fp32"] else 1.0
    rows = [
        ("size, KB", *(f"{report.size[name] / 1000:,.1f}" for name in names)),
        (
            f"latency, ms for {_count(report.batch, 'window', 'windows')}",
            *(f"{report.latency_ms[name]:.2f}" for name in names),
        ),
        ("validation MAE, scaled", *(_figure(report.mae_scaled[name]) for name in names)),
    ]
    page.table(("", "fp32", report.to), rows)
    page.blank()
    change = f"{abs(report.loss):.2%}"
    grown = "did not change" if change == "0.00%" else f"{'grew' if report.loss > 0 else 'fell'} by {change}"
    page.line(
        f"{report.to} has {shrunk:.0%} of the size; the error {grown} (--max-loss {report.max_loss:.2%})"
    )


def _score_table(page: Page, scores: Mapping[str, Mapping[str, Any]], metrics: Mapping[str, str]) -> None:
    shown = {key: title for key, title in metrics.items() if any(key in score for score in scores.values())}
    table = [[_defined(score.get(key)) for key in shown] for score in scores.values()]
    best = [_lowest([row[place] for row in table]) for place in range(len(shown))]
    rows = [(name, *(_figure(figure) for figure in row)) for name, row in zip(scores, table, strict=True)]
    page.table(("forecast", *(f"{title}{KEPT * 2}" for title in shown.values())), rows, best)
    page.line("* the lowest error")


def _interval_table(page: Page, report: Any) -> None:
    """How much of the truth lay within the intervals, and how wide they are."""
    if not report.coverage:
        return
    page.blank()
    rows = [
        (f"{level} %", _figure(share), _figure(report.width[level]), _figure(report.width_scaled[level]))
        for level, share in report.coverage.items()
    ]
    page.table(("interval", "coverage %", "width", "width scaled"), rows)
    page.line(f"weighted quantile loss {_figure(report.wql)}")


def _part_table(
    page: Page, title: str, rows: list[tuple[str, Mapping[str, Any]]], metrics: Sequence[str]
) -> None:
    shown = [name for name in metrics if any(name in row for _, row in rows)]
    page.table(
        (title, *(METRICS[name] for name in shown)),
        [(name, *(_figure(row.get(metric)) for metric in shown)) for name, row in rows[:MANY]],
    )
    if len(rows) > MANY:
        page.line(f"and {len(rows) - MANY:,} more, see --json")


def _worst_table(page: Page, report: Any) -> None:
    """The series that do worst beside a simple forecast: where a panel's mean hides that the model does not serve."""
    simple = BASELINES.get(report.worst[0]["baseline"], report.worst[0]["baseline"])
    page.line(f"the series that do worst beside {simple}")
    page.table(
        ("series", "MASE", simple, "ratio", "MAE"),
        [
            (row["series"], *(_figure(row[name]) for name in ("mase", "baseline_mase", "ratio", "mae")))
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


def _verdict(
    model: Mapping[str, Any], baselines: Mapping[str, Mapping[str, Any]], *, panel: bool = False
) -> str:
    """One sentence on whether the model is worth its while, by MAE (scaled, where that is defined).

    Over a `panel` by MASE, where each series counts the same, whatever its length and size.
    """
    beaten, equal, better = [], [], []
    for name in [name for name in BASELINES if name in baselines][:2]:  # naive only where there is no season
        label = "the linear forecast" if name == "linear" else BASELINES[name]
        gain = _gain(model, baselines[name], ("mase",) if panel else ("mae_scaled", "mae"))
        if gain is None:
            continue
        share = f"{100 * abs(gain):.{0 if abs(gain) >= 0.1 else 1}f} %"
        if gain > AS_GOOD:
            beaten.append(f"{label} by {share}")
        elif gain < -AS_GOOD:
            better.append(f"{label} beats the model, whose error is {share} higher")
        else:
            equal.append(f"{label} is as good as the model")
    parts = better + equal + ([f"the model beats {' and '.join(beaten)}"] if beaten else [])
    text = "; ".join(parts) or "there is no simple forecast to compare with"
    by = "MASE, the mean over series" if panel else "mean absolute error"
    return f"{text[0].upper()}{text[1:]} ({by})."


def _gain(
    model: Mapping[str, Any], baseline: Mapping[str, Any], metrics: Sequence[str] = ("mae_scaled", "mae")
) -> float | None:
    """By which share the model's error is lower, by the first metric that is defined; None where none is."""
    for metric in metrics:
        ours, theirs = _defined(model.get(metric)), _defined(baseline.get(metric))
        if ours is not None and theirs:
            return 1 - ours / theirs
    return None


def _training(training: Mapping[str, Any]) -> str:
    """How one network was trained, in a line."""
    stopped = {"patience": "it got no better", "epochs": "all were run"}[training["stopped"]]
    return (
        f"best epoch {training['best_epoch']} of {training['epochs_run']} ({stopped}), "
        f"{training['steps']:,} steps, learning rate {training['lr']:.2g}"
    )


def _beside(
    model: Mapping[str, Any], parts: Mapping[str, Any], baselines: Mapping[str, Any]
) -> dict[str, Mapping[str, Any]]:
    """The model, its networks, and the simple forecasts; the linear part is one of those already."""
    networks = {part: scores for part, scores in parts.items() if part not in ("linear", "simple")}
    return {"model": model} | (networks if len(parts) > 1 else {}) | _named(baselines)


def _named(baselines: Mapping[str, Any]) -> dict[str, Any]:
    """The baselines in the order of the table, by their names there."""
    return {title: baselines[name] for name, title in BASELINES.items() if name in baselines}


def _lowest(figures: Sequence[float | None]) -> int:
    defined = [(figure, place) for place, figure in enumerate(figures) if figure is not None]
    return min(defined)[1] if defined else -1


def _figure(value: float | None) -> str:
    """Four digits that tell; a dash for what is not defined."""
    value = _defined(value)
    if value is None:
        return "-"
    if value == 0 or 1e-4 <= abs(value) < 999.95:
        return f"{value:#.4g}"
    return f"{value:,.0f}" if 1 <= abs(value) < 1e9 else f"{value:.3e}"


def _defined(value: float | None) -> float | None:
    """None also for NaN and infinity, which say the same in a report as it comes from a step."""
    return value if value is not None and math.isfinite(value) else None


def _count(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _reason(text: str) -> str:
    return f" ({text})" if text else ""
