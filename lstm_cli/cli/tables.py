"""Reports of the steps as a person reads them; that of `evaluate` has a file of its own."""

from collections.abc import Mapping, Sequence
from typing import Any

from lstm_cli.cli.page import Page
from lstm_cli.cli.scores import (
    METRICS,
    beside,
    chosen_on,
    counted,
    figure,
    reads,
    reason,
    score_table,
    shrunk,
    verdict,
)
from lstm_cli.cli.streams import seconds_since_start
from lstm_cli.config.train import CHOICES
from lstm_cli.rundir import command

LISTED = 40  # trials of a search; --json holds them all
FAILED_LISTED = 12  # of those that failed, with their reasons


def prepare_table(report: Any, page: Page) -> None:
    """What was read, and what was settled by it."""
    span = "" if report.time_start is None else f", {report.time_start} to {report.time_end}"
    facts = [
        (
            "read",
            f"{report.source}: {report.rows:,} rows of {counted(report.series, 'series', 'series')}{span}",
        ),
        ("step", report.freq),
        ("target", ", ".join(report.targets)),
        ("past", ", ".join(report.past)),
        ("future", ", ".join(report.future)),
        ("calendar", ", ".join(report.calendar)),
        ("season", f"{' and '.join(map(str, report.seasons)) or 'none'}{reason(report.season_reason)}"),
        ("lookback", f"{report.lookback} steps{reason(report.lookback_reason)}"),
        ("horizon", counted(report.horizon, "step", "steps")),
        ("scaler", report.scaler),
        ("outliers", _dropped(report.outliers or {})),
        ("filled", counted(report.filled, "cell", "cells") if report.filled else ""),
    ]
    page.facts((name, text) for name, text in facts if text)
    page.blank()
    names = {"train": "train", "val": "validation", "test": "test"}
    rows = [
        (name, f"{report.split_rows[split]:,}", f"{report.windows[split]:,}") for split, name in names.items()
    ]
    page.table(("split", "rows", "windows"), rows)
    page.blank()
    page.line(f"wrote {report.run} ({report.megabytes:.1f} MB); next: {command('train', report.run)}")


def _dropped(outliers: Mapping[str, int]) -> str:
    """Return how many outliers were dropped, by target."""
    some = [f"{count:,} of {name}" for name, count in outliers.items() if count]
    return f"{', '.join(some)} dropped" if some else ""


def train_table(report: Any, page: Page, *, stages: Mapping[str, float]) -> None:
    """What was trained, and its validation score beside the simple forecasts."""
    regressions = counted(report.linear["regressions"], "regression", "regressions")
    families = ", ".join(f"{name} {weight:.2f}" for name, weight in report.linear["families"].items())
    page.facts(
        [
            (
                "model",
                f"{report.model}, {report.parameters:,} parameters, lookback {report.lookback}, "
                f"{reads(report)}",
            ),
            ("linear", f"{families} ({regressions})"),
            *((training["name"], _training(training)) for training in report.trainings),
            *((CHOICES.get(name, name), text) for name, text in report.choices.items()),
            (
                "device",
                f"{report.device}, {counted(report.threads, 'thread', 'threads')}, seed {report.seed}",
            ),
            ("time", _time(stages)),
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
    scores = beside(report.val, report.parts, report.val_baselines, report.baseline_season)
    score_table(page, scores, {name: METRICS[name] for name in ("mase", "mae_scaled")})
    page.blank()
    for finding in report.diagnosis:
        of_part = f" of {finding['part']}" if len(report.trainings) > 1 else ""
        page.line(f"{finding['name']}{of_part}: {finding['sign']}; try {finding['advice']}", "yellow")
    _verdict_and_rows(page, report, panel=report.series > 1)
    page.line(f"next: {command('evaluate', report.run)}")


def tune_table(report: Any, page: Page) -> None:
    """Every trial, what mattered, and the winner."""
    from lstm_cli.config.space import as_text

    states = ", ".join(f"{count} {state}" for state, count in report.states.items())
    wanted = counted(report.wanted, "trial", "trials")
    page.line(f"{report.run}: {report.method} search for {report.model}, {states} of {wanted}")
    page.blank()
    metric = METRICS.get(report.metric or "", "score")
    shown = _best_first(report.trials)
    page.table(
        ("trial", "state", metric, *report.space, "s"),
        [
            (
                str(trial["number"]),
                trial["state"],
                figure(trial["score"]),
                *(as_text(trial["settings"][name]) for name in report.space),
                f"{trial['seconds']:.1f}",
            )
            for trial in shown[:LISTED]
        ],
    )
    if len(shown) > LISTED:
        page.line(f"and {len(shown) - LISTED:,} more, see --json")
    for trial in [trial for trial in report.trials if trial["state"] == "failed"][:FAILED_LISTED]:
        page.line(f"trial {trial['number']} failed: {trial['reason']}")
    if any(row["share"] is not None for row in report.importance.values()):
        page.blank()
        page.table(
            ("what mattered", "share of variance", "rank correlation"),
            [
                (name, f"{100 * row['share']:.0f} %", _signed(row["rank_correlation"]))
                for name, row in sorted(report.importance.items(), key=lambda item: -(item[1]["share"] or 0))
                if row["share"] is not None
            ],
        )
    page.blank()
    if report.best is None:
        page.line("no trial has come to a score yet")
        return
    settings = ", ".join(f"{name} {as_text(value)}" for name, value in report.best["settings"].items())
    page.line(
        f"best: trial {report.best['number']}, {metric} {figure(report.best['score'])}: {settings}", "bold"
    )
    if not report.finished:
        page.line(
            f"the search has not come to its end: {command('tune', report.run)}, with the same options, goes on"
        )
        return
    _verdict_and_rows(page, report)
    page.line(f"picture: {report.picture}")
    page.line(f"next: {command('evaluate', report.run)}")


def _verdict_and_rows(page: Page, report: Any, *, panel: bool = False) -> None:
    """Print how the model compares with the baselines, and which rows chose it."""
    page.line(
        verdict(report.val, report.val_baselines, report.comparisons, report.baseline_season, panel=panel)
    )
    rows = chosen_on(report.chosen_on)
    if rows:
        page.line(rows)


def _best_first(trials: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Trials by score; those without one last, in their order."""
    return sorted(trials, key=lambda trial: (trial["score"] is None, trial["score"] or 0, trial["number"]))


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"


def find_lr_table(report: Any, page: Page) -> None:
    """At which learning rates the loss fell, and the one to try."""
    rows = [
        (
            part["part"],
            figure(part["lowest_at"]),
            f"{100 * part['fall']:.1f}",
            figure(part["suggestion"]),
        )
        for part in report.parts
    ]
    page.table(("network", "lowest loss at", "fall %", "suggestion"), rows)
    page.blank()
    if report.suggestion is None:
        page.line("The loss falls at no learning rate: there is nothing to suggest.")
    else:
        page.line(f"try: {command('train', report.run)} --lr {report.suggestion:.1g}")
    page.line(f"picture: {report.picture}")


def quantize_table(report: Any, page: Page) -> None:
    """Size, latency and error of the two models side by side."""
    names = ("fp32", "quantized")
    rows = [
        ("size, KB", *(f"{report.size[name] / 1000:,.1f}" for name in names)),
        (
            f"latency, ms for {counted(report.batch, 'window', 'windows')}",
            *(f"{report.latency_ms[name]:.2f}" for name in names),
        ),
        ("validation MAE, scaled", *(figure(report.mae_scaled[name]) for name in names)),
    ]
    page.table(("", "fp32", report.to), rows)
    page.blank()
    change = f"{abs(report.loss):.2%}"
    grown = "did not change" if change == "0.00%" else f"{'grew' if report.loss > 0 else 'fell'} by {change}"
    page.line(
        f"{report.to} has {shrunk(report):.0%} of the size; the error {grown} (--max-loss {report.max_loss:.2%})"
    )


def _time(stages: Mapping[str, float]) -> str:
    """Return the seconds since the command began, and those of its stages that took a hundredth of them."""
    whole = seconds_since_start()
    long = [f"{stage} {seconds:.1f}" for stage, seconds in stages.items() if seconds >= whole / 100]
    return f"{whole:.1f} s ({', '.join(long)})"


def _training(training: Mapping[str, Any]) -> str:
    """How one network was trained, in a line."""
    stopped = {"patience": "it got no better", "epochs": "all were run"}[training["stopped"]]
    return (
        f"best epoch {training['best_epoch']} of {training['epochs_run']} ({stopped}), "
        f"{training['steps']:,} steps, learning rate {training['lr']:.2g}"
    )
