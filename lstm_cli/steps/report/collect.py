"""Facts of a run for its report: from the manifest, the stored scores, and the windows."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from lstm_cli.data.frequency.step import DAY, HOUR, MINUTE, WEEK, Step, frequency_label
from lstm_cli.evaluation import baseline_label
from lstm_cli.evaluation.score_text import score_rows, verdict
from lstm_cli.events import val_measure
from lstm_cli.inference.trained_model import serves_quantized
from lstm_cli.reporting.facts import LossCurve, Made, RunFacts
from lstm_cli.rundir import Run, reading_manifest
from lstm_cli.steps.evaluate.score_model import ScoringSubject
from lstm_cli.steps.report.chart_axis import chart_clock
from lstm_cli.steps.report.commands import DATA, commands, portable_path
from lstm_cli.steps.report.series_charts import data_facts, profiles, series_charts
from lstm_cli.steps.report.stored_scores import StoredScores
from lstm_cli.steps.report.window_charts import window_charts
from lstm_cli.steps.report.window_errors import (
    WindowSums,
    calibration,
    errors_by_step,
    errors_by_time,
    residuals,
    series_ratios,
)
from lstm_cli.steps.show_config import read_settings
from lstm_cli.wording import count_noun

SHOWN_STEPS = ("prepare", "tune", "train", "evaluate", "quantize")


def collect_facts(
    run: Run, subject: ScoringSubject, scores: StoredScores, sums: WindowSums, notes: tuple[str, ...]
) -> RunFacts:
    """Return everything that the report of a run shows.

    Args:
        run: the run.
        subject: model, data and windows.
        scores: scores that the run stores.
        sums: errors of the windows.
        notes: sentences about the report itself.
    """
    drawn = _drawn_facts(subject, sums)
    with reading_manifest(run.path):
        return RunFacts(**_stored_facts(run, subject, scores), **drawn, notes=notes)


def _drawn_facts(subject: ScoringSubject, sums: WindowSums) -> dict[str, Any]:
    """Return the fields of `RunFacts` that follow from the data and the windows."""
    dataset, schema = subject.dataset, subject.dataset.schema
    panel = len(dataset.series.names) > 1
    ratios = series_ratios(sums) if panel else None
    charts = series_charts(dataset, ratios)
    return {
        "targets": schema.targets,
        "series": len(dataset.series.names),
        "frequency": frequency_label(schema.step),
        "horizon": schema.horizon,
        "span_ahead": span_text(schema.step, schema.horizon),
        "clock": chart_clock(dataset),
        "model": subject.model.name,
        "precision": subject.precision,
        "windows": len(subject.windows),
        "drawn_windows": len(sums.windows),
        "panel": panel,
        "baseline": baseline_label("naive" if subject.season is None else "seasonal_naive", subject.season),
        "unit": _unit(dataset.training.seasonal_error, schema.targets, panel=panel),
        "data": data_facts(dataset),
        "charts": charts,
        "profiles": profiles(dataset, dataset.series.names.index(charts[len(charts) // 2].series)),
        "window_charts": window_charts(subject, sums),
        "by_step": errors_by_step(sums),
        "by_time": errors_by_time(sums),
        "series_ratios": ratios,
        "residuals": residuals(sums),
        "calibration": calibration(sums),
        "drawn_coverage": sums.coverage,
    }


def _stored_facts(run: Run, subject: ScoringSubject, scores: StoredScores) -> dict[str, Any]:
    """Return the fields of `RunFacts` that the manifest has."""
    prepare, season = run.report("prepare"), scores.season
    panel = len(subject.dataset.series.names) > 1
    source = portable_path(prepare["source"])
    return {
        "run": portable_path(str(run.path)),
        "source": source,
        "rows": prepare["rows"],
        "time_start": prepare["time_start"],
        "time_end": prepare["time_end"],
        "verdict": verdict(scores.metrics, scores.baselines, scores.comparisons, season, panel=panel),
        "tested": _tested(run, scores),
        "split": scores.split_name,
        "season": season,
        "scores": score_rows(*_with_mae(subject, scores), season),
        "comparisons": {
            "the linear forecast" if name == "linear" else baseline_label(name, season): comparison
            for name, comparison in (scores.comparisons or {}).items()
        },
        "coverage": scores.coverage,
        "width": scores.width,
        "warnings": step_warnings(run, scores.warnings),
        "by_target": scores.per_target if len(subject.dataset.schema.targets) > 1 else {},
        "worst_series": tuple(scores.worst),
        "curves": loss_curves(run),
        "quantized": run.report("quantize") if serves_quantized(run) else None,
        "made": made_facts(run, source, quantized_last=scores.before_quantization),
    }


def _with_mae(
    subject: ScoringSubject, scores: StoredScores
) -> tuple[Mapping[str, Any], Mapping[str, Any], Mapping[str, Any]]:
    """Return the metrics of the model, of no parts and of the baselines, with the MAE in units where it follows.

    Validation scores have only the scaled MAE. Of one series and target, it is the MAE divided by one deviation.
    """
    deviation = subject.dataset.training.deviation
    if deviation.size > 1:
        return scores.metrics, {}, scores.baselines

    def known(metrics: Mapping[str, Any]) -> Mapping[str, Any]:
        scaled = metrics.get("mae_scaled")
        return (
            metrics if "mae" in metrics or scaled is None else {**metrics, "mae": scaled * deviation.item()}
        )

    return known(scores.metrics), {}, {name: known(metrics) for name, metrics in scores.baselines.items()}


def span_text(step: Step, steps: int) -> str:
    """Return a number of steps in the unit of the frequency.

    >>> span_text(Step(kind="seconds", count=HOUR), 24), span_text(Step(kind="months", count=3), 2)
    ('24 hours', '2 quarters')
    """
    base = step.base
    units = {MINUTE: "minute", HOUR: "hour", DAY: "day", WEEK: "week"}
    if base.kind == "seconds" and step is base and base.count not in units:
        whole = base.count * steps
        size = next((size for size in sorted(units, reverse=True) if whole % size == 0), None)
        return count_noun(steps, "step") if size is None else count_noun(whole // size, units[size])
    if step is base:
        months = {1: "month", 3: "quarter", 12: "year"}
        word = {"seconds": units.get(base.count), "business": "business day", "weeks": "week"}.get(base.kind)
        word = months.get(base.count) if base.in_months else word
        if word and (base.kind != "weeks" or base.count == 1):
            return count_noun(steps, word)
    return count_noun(steps, "step")


def _unit(seasonal_error: np.ndarray, targets: tuple[str, ...], *, panel: bool) -> str:
    """Return the unit of the errors in the charts, see `error_divisor`."""
    if not panel and len(targets) == 1:
        return targets[0]
    return "MASE" if (seasonal_error > 0).any() else "standard deviations"


def _tested(run: Run, scores: StoredScores) -> str:
    """Return a sentence about the windows that were scored."""
    windows = count_noun(scores.windows, f"{scores.split_name} window")
    if scores.split == "test":
        return f"The verdict is measured on {windows}, whose rows the model did not see."
    return (
        f"Measured on {windows}. These rows chose the model, so its true error can be higher. "
        f"The run has {'no' if not run.report('prepare')['windows']['test'] else 'other'} test windows."
    )


def step_warnings(run: Run, more: Sequence[str]) -> tuple[str, ...]:
    """Return the warnings of all steps, each once, with the files as the page names them.

    Args:
        run: the run.
        more: warnings of the scores.
    """
    reports = [run.report("prepare"), run.report("train")]
    texts = [text for report in reports for text in report.get("warnings", ())]
    found = [finding for report in reports for finding in report.get("findings", ())]
    files = {finding["source"] for finding in found if finding.get("source")}
    for path in sorted(files, key=len, reverse=True):
        texts = [text.replace(path, portable_path(path)) for text in texts]
    return tuple(dict.fromkeys([*texts, *more]))


def loss_curves(run: Run) -> tuple[LossCurve, ...]:
    """Return the losses of each trained network."""
    reader = run.artifact("model")
    if not reader.has("history.jsonl"):
        return ()
    data = reader.bytes("history.jsonl")
    with reader.parsing("history.jsonl"):
        rows = [json.loads(line) for line in data.splitlines()]
        parts = dict.fromkeys(str(row["part"]) for row in rows)
        return tuple(_loss_curve(part, [row for row in rows if row["part"] == part]) for part in parts)


def _loss_curve(part: str, rows: list[Mapping[str, Any]]) -> LossCurve:
    def column(name: str) -> np.ndarray:
        return np.array([np.nan if row.get(name) is None else row[name] for row in rows], dtype=np.float64)

    best = [int(row["epoch"]) for row in rows if row.get("best")]
    return LossCurve(
        part=part,
        epoch=column("epoch"),
        train=column("train_loss"),
        val=column("val_loss"),
        val_measure=val_measure(part),
        best_epoch=best[-1] if best else None,
    )


def made_facts(run: Run, source: str, *, quantized_last: bool) -> Made:
    """Return how a run was made.

    Args:
        run: the run.
        source: data file as the page names it.
        quantized_last: whether the scores are those of the model before quantization.
    """
    settings = read_settings(run)
    versions: dict[str, str] = {}
    for step in SHOWN_STEPS:
        versions |= run.steps.get(step, {}).get("versions", {})
    train = run.entry("train")
    read = run.entry("prepare")["read"]
    lines = commands(
        portable_path(str(run.path)),
        source if len(read) == 1 else None,
        settings,
        quantized_last=quantized_last,
    )
    return Made(
        settings=settings,
        versions=versions,
        seed=train["seed"],
        device=train["device"],
        data_sha256=tuple(
            (source if name == "source" else name, fact["sha256"]) for name, fact in read.items()
        ),
        commands=lines,
        data_is_named=DATA not in shlex.split(lines[0]),
        steps=tuple(
            (step, run.steps[step]["times"]["finished"], run.steps[step]["times"]["seconds"])
            for step in SHOWN_STEPS
            if step in run.steps
        ),
    )
