"""Work of `evaluate` on labelled sequences: scores of the classifier and the baselines on a split."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from lstm_cli.config import EvaluateConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.data.spreadsheet_safety import escape_formula
from lstm_cli.errors import DataError
from lstm_cli.evaluation.classification.metrics import class_table, reliability
from lstm_cli.events import Listener, WarningRaised
from lstm_cli.findings import MODEL, Finding, in_file
from lstm_cli.inference.trained_classifier import load_classifier
from lstm_cli.rundir import (
    ArtifactFolder,
    Run,
    Writer,
)
from lstm_cli.sequences.store import load_data
from lstm_cli.steps.evaluate.evaluate_task import evaluate_task
from lstm_cli.steps.evaluate.read_digests import digests_of_scoring
from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import finding_fields, to_plain
from lstm_cli.steps.shared.sequences.memory import require_sequence_scoring
from lstm_cli.steps.shared.sequences.scores import ClassifierScores, score_split
from lstm_cli.tasks.records import CLASSIFY
from lstm_cli.wording import count_noun

FEW = 10  # sequences of a split whose intervals say little
PICTURE, PER_CLASS, CONFUSION = "confusion.png", "per_class.csv", "confusion.csv"


@dataclass(frozen=True, kw_only=True)
class EvaluateClassifierReport(HtmlReport):
    """Scores of a classifier on a split."""

    run: str
    task: str
    model: str
    split: str
    sequences: int
    classes: tuple[str, ...]
    metrics: dict[str, float]
    intervals: dict[str, list[float]]  # 95 % interval of each metric of the model
    baselines: dict[str, dict[str, float]]
    baseline_intervals: dict[str, dict[str, list[float]]]
    comparisons: dict[str, dict[str, Any]]  # with each baseline: difference of the log-loss, interval
    per_class: list[dict[str, Any]]
    confusion: list[list[int]]  # rows are true classes, columns are predictions
    reliability: list[dict[str, float]]  # bins of the probability of the predicted class
    gates: list[dict[str, Any]]
    picture: str
    precision: str = "fp32"  # of the scored graph; a report of an older release has none
    output: str | None = None
    plot: str | None = None
    warnings: tuple[str, ...] = ()
    findings: tuple[dict[str, Any], ...] = ()
    up_to_date: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("output", "plot", "up_to_date"))


def evaluate_sequences(
    run: Path,
    config: EvaluateConfig,
    listen: Listener,
    *,
    force: bool = False,
    lock_wait: float = 0.0,
    sources: Mapping[str, str] | None = None,
) -> EvaluateClassifierReport:
    """Score the run's classifier, and write tables and a plot.

    Args:
        run: path of the run directory.
        config: settings of the step.
        listen: receives progress events.
        force: score even if the scores are up to date.
        lock_wait: seconds to wait for the lock of the run.
        sources: origin of each setting, for the manifest.

    Raises:
        GateFailed: a condition failed. All files are written, and the attribute `report` holds the report.
        MissingArtifact, StaleArtifact: the run has no model of the precision, or it was made from other data.
        DataError: the split has no sequences.
        UsageError: an option belongs to another task, or a condition is invalid.
    """
    return evaluate_task(
        *(run, config, CLASSIFY, EvaluateClassifierReport, partial(_score, config, listen), _draw),
        force=force,
        lock_wait=lock_wait,
        sources=sources,
    )


def _score(
    config: EvaluateConfig,
    listen: Listener,
    writer: Writer,
    check: Callable[[EvaluateClassifierReport], EvaluateClassifierReport],
) -> EvaluateClassifierReport:
    require_installed("lstm evaluate", "matplotlib")
    assert writer.run is not None
    run = writer.run
    require_sequence_scoring(run, doing="scoring the sequences")
    data = load_data(run)
    if not len(data.indices(config.split)):
        raise DataError(
            f"there are no {config.split} sequences",
            hint="use --split val, or prepare again with a larger --test",
            rule="D621",
            at=in_file(str(run.path)),
            flags=("--split",),
        )
    classifier = load_classifier(run, threads=config.threads, precision=config.precision)
    scores = score_split(data, config.split, classifier.session)
    findings = _findings(len(scores.model.labels), config.split)
    for finding in findings:
        listen(WarningRaised(finding=finding))
    folder = writer.new("scores")
    report = _report(writer, config, scores, data.schema.classes, str(folder.folder / PICTURE))
    report = check(replace(report, precision=classifier.precision, **finding_fields(findings)))
    _write(folder, report, _draw(run, report, "png"))
    digests = digests_of_scoring(
        run, precision=classifier.precision, follows_quantized=config.precision == "auto"
    )
    writer.commit(config=asdict(config), reads=digests, report=report.to_json())
    return report


def _findings(sequences: int, split: str) -> tuple[Finding, ...]:
    """Return the warning about a split with few sequences."""
    if sequences >= FEW:
        return ()
    text = (
        f"only {count_noun(sequences, f'{split} sequence')}, so the scores are uncertain, and the intervals may be "
        f"too narrow (prepare with more sequences, or a larger --{split})"
    )
    return (Finding(rule="M222", kind=MODEL, text=text, count=sequences, flags=(f"--{split}",)),)


def _report(
    writer: Writer, config: EvaluateConfig, scores: ClassifierScores, classes: tuple[str, ...], picture: str
) -> EvaluateClassifierReport:
    assert writer.run is not None
    model, matrix = scores.model, scores.model.confusion()
    return EvaluateClassifierReport(
        run=str(writer.path),
        task=CLASSIFY.name,
        model=str(writer.run.report("train").get("model")),
        split=config.split,
        sequences=len(model.labels),
        classes=classes,
        metrics=model.metrics(),
        intervals=model.intervals(),
        baselines={name: side.metrics() for name, side in scores.baselines.items()},
        baseline_intervals={name: side.intervals() for name, side in scores.baselines.items()},
        comparisons=scores.comparisons(),
        per_class=class_table(matrix, classes),
        confusion=matrix.tolist(),
        reliability=reliability(model.labels, model.probabilities),
        gates=[],
        picture=picture,
    )


def _draw(run: Run, report: EvaluateClassifierReport, format: str) -> bytes:
    """Return the plot of the confusion matrix and of the calibration."""
    import numpy as np

    from lstm_cli.plots.confusion import draw_confusion

    return draw_confusion(np.array(report.confusion), report.classes, report.reliability, format=format)


def _write(folder: ArtifactFolder, report: EvaluateClassifierReport, picture: bytes) -> None:
    folder.write_bytes(PICTURE, picture)
    names = list(report.per_class[0])
    folder.write_bytes(PER_CLASS, _table(names, [[row[name] for name in names] for row in report.per_class]))
    rows = [[name, *counts] for name, counts in zip(report.classes, report.confusion, strict=True)]
    folder.write_bytes(CONFUSION, _table(["true \\ predicted", *report.classes], rows))
    stored = report.to_json()
    fields = (
        "task",
        "model",
        "precision",
        "split",
        "sequences",
        "classes",
        *("metrics", "intervals", "baselines"),
    )
    more = ("baseline_intervals", "comparisons", "per_class", "confusion", "reliability")
    folder.write_json("scores.json", {name: stored[name] for name in (*fields, *more)})


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([escape_formula(name) for name in header])
    writer.writerows([[escape_formula(row[0]), *row[1:]] for row in rows])
    return text.getvalue().encode()
