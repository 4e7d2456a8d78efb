"""Scores that a run stores: those of `evaluate`, or those of `train` if the run has no test windows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lstm_cli.data.dataset.windows import SPLITS
from lstm_cli.evaluation.quantiles.interval_scores import NO_SCORES
from lstm_cli.findings import MODEL, Finding
from lstm_cli.rundir import Run, command, require_fresh, stale_sources
from lstm_cli.steps.evaluate.report import EvaluateReport
from lstm_cli.steps.shared.cached_report import restore_report


@dataclass(frozen=True, kw_only=True)
class StoredScores:
    """Scores of a model on a split, with the names of `EvaluateReport`."""

    split: str
    precision: str
    before_quantization: bool  # a later `quantize` made the model that `predict` uses
    windows: int
    metrics: Mapping[str, Any]
    baselines: Mapping[str, Mapping[str, Any]]
    comparisons: Mapping[str, Mapping[str, Any]] | None
    season: int | None
    coverage: Mapping[str, float | None]
    width: Mapping[str, float | None]
    per_target: Mapping[str, Mapping[str, Any]]
    worst: Sequence[Mapping[str, Any]]
    warnings: Sequence[str]

    @property
    def split_name(self) -> str:
        """Return the name of the split in sentences."""
        return SPLITS[self.split]


def load_scores(run: Run) -> tuple[StoredScores, tuple[Finding, ...]]:
    """Return the scores of a run, and findings about them.

    Raises:
        MissingArtifact: the run has no model, or test windows without scores.
        StaleArtifact: the model or the scores are out of date.
        CorruptArtifact: this release cannot read the report of `evaluate`.
    """
    require_fresh(run, "model")
    if not run.has("scores") and not run.report("prepare")["windows"]["test"]:
        return _validation_scores(run), ()
    run.require("scores")
    findings: tuple[Finding, ...] = ()
    if stale_sources(run, "scores") == ("quantized",):
        # The scores of the model before quantization are still true, and `predict` differs from them only slightly.
        text = (
            "the scores are those of the model before quantization, and predict runs the quantized model: "
            f"run '{command('evaluate', run.path)}' to score it"
        )
        findings = (Finding(rule="M205", kind=MODEL, text=text),)
    else:
        require_fresh(run, "scores")
    report = restore_report(EvaluateReport, run, "evaluate")
    return StoredScores(
        split=report.split,
        precision=report.precision,
        before_quantization=bool(findings),
        windows=report.windows,
        metrics=report.metrics | ({} if report.wql is None else {"wql": report.wql}),
        baselines=report.baselines,
        comparisons=report.comparisons,
        season=report.baseline_season,
        coverage=report.coverage,
        width=report.width,
        per_target=report.per_target,
        worst=report.worst,
        warnings=report.warnings,
    ), findings


def _validation_scores(run: Run) -> StoredScores:
    """Return the scores on the validation rows, which `train` stores."""
    report = run.report("train")
    return StoredScores(
        split="val",
        precision="fp32",
        before_quantization=False,
        windows=(report.get("chosen_on") or {}).get("windows", run.report("prepare")["windows"]["val"]),
        metrics=report["val"],
        baselines=report["val_baselines"],
        comparisons=report.get("comparisons"),
        season=report["baseline_season"],
        coverage=NO_SCORES["coverage"],
        width=NO_SCORES["width"],
        per_target={},
        worst=(),
        warnings=(),
    )
