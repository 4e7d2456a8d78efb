"""Page of a run of labelled sequences, from the stored scores and the predictions of the scored split."""

from typing import Any

import numpy as np

from lstm_cli.config import ReportConfig
from lstm_cli.evaluation.classification.names import BASELINE_NAMES
from lstm_cli.evaluation.score_text import comparison_text
from lstm_cli.events import Listener, Progressed
from lstm_cli.findings import MODEL, Finding
from lstm_cli.inference.trained_classifier import load_classifier
from lstm_cli.reporting.classification.facts import ClassFacts, Mistake
from lstm_cli.rundir import Run, command, reading_manifest, require_fresh, stale_sources
from lstm_cli.sequences.dataset import SequenceData
from lstm_cli.sequences.store import load_data
from lstm_cli.steps.evaluate.sequences import EvaluateClassifierReport
from lstm_cli.steps.report.collect import loss_curves, made_facts, step_warnings
from lstm_cli.steps.report.commands import portable_path
from lstm_cli.steps.report.page_report import ClassPageReport, Page
from lstm_cli.steps.shared.cached_report import restore_report
from lstm_cli.tasks.records import CLASSIFY
from lstm_cli.wording import count_noun

MAX_MISTAKES = 15
SPLITS = {"val": "validation", "test": "test"}


def sequences_page(run: Run, config: ReportConfig, listen: Listener) -> Page:
    """Return the page of a run.

    Args:
        run: open run.
        config: settings of `report`.
        listen: receives progress events.

    Raises:
        MissingArtifact, StaleArtifact: the model or the scores are missing or out of date.
    """
    findings = require_scores(run)
    with reading_manifest(run.path):
        scores = restore_report(EvaluateClassifierReport, run, "evaluate")
    listen(Progressed(stage="classifying", done=0))
    data = load_data(run)
    chosen = data.select(data.indices(scores.split))
    probabilities, _ = load_classifier(run, threads=config.threads).session(chosen)
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != chosen.labels)
    notes = tuple(f"{finding.text[:1].upper()}{finding.text[1:]}." for finding in findings)
    with reading_manifest(run.path):
        facts = ClassFacts(
            **_stored_facts(run, scores),
            steps=data.lengths,
            mistakes=mistakes(chosen, probabilities, wrong),
            wrong=len(wrong),
            curves=loss_curves(run),
            notes=notes,
        )
    return Page(
        encode=lambda format: encode_report(facts, format),
        kind=ClassPageReport,
        fields={
            "task": CLASSIFY.name,
            "verdict": facts.verdict,
            "model": scores.model,
            "split": scores.split,
            "sequences": scores.sequences,
            "commands": facts.made.commands,
        },
        findings=findings,
    )


def require_scores(run: Run) -> tuple[Finding, ...]:
    """Return the findings about the stored scores. Raise MissingArtifact or StaleArtifact without valid ones."""
    require_fresh(run, "model")
    run.require("scores")
    if stale_sources(run, "scores") != ("quantized",):
        require_fresh(run, "scores")
        return ()
    # The scores of the model before quantization are still true, and `predict` differs from them only slightly.
    text = (
        "the scores are those of the model before quantization, and predict runs the quantized model: "
        f"run '{command('evaluate', run.path)}' to score it"
    )
    return (Finding(rule="M205", kind=MODEL, text=text),)


def encode_report(facts: ClassFacts, format: str) -> bytes:
    """Return the report as UTF-8, in `html` or `md`."""
    if format == "md":
        from lstm_cli.reporting.classification.comment import class_comment

        return class_comment(facts)
    from lstm_cli.reporting.classification.page import class_page

    return class_page(facts)


def mistakes(chosen: SequenceData, probabilities: np.ndarray, wrong: np.ndarray) -> tuple[Mistake, ...]:
    """Return the wrong predictions with the highest probability.

    Args:
        chosen: scored sequences.
        probabilities: probabilities [S, K] of the model.
        wrong: indices of the wrong predictions.
    """
    classes, confidence = chosen.schema.classes, probabilities.max(axis=1)
    order = sorted(wrong.tolist(), key=lambda index: -float(confidence[index]))[:MAX_MISTAKES]
    return tuple(
        Mistake(
            name=chosen.names[index],
            steps=int(chosen.lengths[index]),
            truth=classes[int(chosen.labels[index])],
            predicted=classes[int(probabilities[index].argmax())],
            confidence=float(confidence[index]),
            true_probability=float(probabilities[index, chosen.labels[index]]),
        )
        for index in order
    )


def _stored_facts(run: Run, scores: EvaluateClassifierReport) -> dict[str, Any]:
    """Return the facts that the manifest has."""
    prepare, train = run.report("prepare"), run.report("train")
    source, split = portable_path(prepare["source"]), SPLITS[scores.split]
    low, high = scores.intervals["accuracy"]
    best = min(scores.baselines, key=lambda name: scores.baselines[name]["log_loss"])
    text = comparison_text(scores.comparisons[best], BASELINE_NAMES[best], "log-loss")
    sentences = [
        comparison_text(comparison, BASELINE_NAMES[name], "log-loss")
        for name, comparison in scores.comparisons.items()
    ]
    sequences = count_noun(scores.sequences, f"{split} sequence")
    return {
        "run": portable_path(str(run.path)),
        "source": source,
        "rows": prepare["rows"],
        "columns": tuple(prepare["columns"]),
        "classes": scores.classes,
        "sequences": prepare["sequences"],
        "class_counts": prepare["classes"],
        "lengths": prepare["lengths"],
        "max_length": prepare["max_length"],
        "cut": prepare["cut"],
        "split": split,
        "scored": scores.sequences,
        "tested": f"Measured on {sequences}, which the model did not see."
        if scores.split == "test"
        else f"Measured on {sequences}. They chose the model, so its true error can be higher.",
        "verdict": f"{_percent(scores.metrics['accuracy'])} of the {split} sequences are classified correctly "
        f"(95 % interval {_percent(low)} to {_percent(high)}); {text}.",
        "comparisons": tuple(f"{sentence[:1].upper()}{sentence[1:]}." for sentence in sentences),
        "model": f"LSTM with {train['pooling']} pooling and {train['parameters']:,} parameters, which reads "
        f"{train['max_length']:,} steps, and a logistic regression on statistics of each sequence",
        "weights": train["weights"],
        "scores": {
            "model": scores.metrics,
            **{BASELINE_NAMES[name]: metrics for name, metrics in scores.baselines.items()},
        },
        "intervals": scores.intervals,
        "per_class": scores.per_class,
        "confusion": np.array(scores.confusion),
        "reliability": scores.reliability,
        "warnings": step_warnings(run, scores.warnings),
        "made": made_facts(run, source, quantized_last=False),
    }


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
