"""Reports of labelled sequences as tables: `prepare`, `train` and `evaluate`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from lstm_cli.cli.render.evaluate import print_gates
from lstm_cli.cli.render.page import PAD, Page
from lstm_cli.cli.render.run_summary import list_names
from lstm_cli.cli.render.train import start_text
from lstm_cli.cli.stdio import seconds_since_start
from lstm_cli.evaluation.classification.names import BASELINE_NAMES, HIGHER_IS_BETTER, METRICS
from lstm_cli.evaluation.score_text import comparison_text
from lstm_cli.rundir import command
from lstm_cli.tasks.records import FORECAST
from lstm_cli.wording import count_noun

MAX_CLASSES = 12  # rows in a table of classes; --json has all
SPLITS = {"train": "train", "val": "validation", "test": "test"}
SPLIT_BY = {"class": "stratified by class", "group": "by group", "files": "those of the files"}


def draw_task(forecast: Callable[..., None], other: Mapping[str, Callable[..., None]]) -> Callable[..., None]:
    """Return a function that adds a report to a page, as its task needs it.

    Args:
        forecast: function for the report of a forecast.
        other: functions for the reports of other tasks, by name of the task.
    """

    def draw(report: Any, page: Page, **more: Any) -> None:
        task = getattr(report, "task", FORECAST.name)
        other.get(task, forecast)(report, page, **more)

    return draw


def sequence_names(report: Any) -> tuple[str, str]:
    """Return the nouns for a sequence and for its step; those of documents if the report has tokens."""
    return ("document", "token") if report.tokens is not None else ("sequence", "step")


def sequences_table(report: Any, page: Page) -> None:
    """Print the facts of labelled sequences, the classes and the splits."""
    lengths, of_documents = report.lengths, report.tokens is not None
    noun, step = sequence_names(report)
    page.facts(
        [
            ("task", f"classify labelled {noun}s"),
            ("data", f"{report.source}: {count_noun(report.rows, 'document' if of_documents else 'step')}"),
            ("text" if of_documents else "values", list_names(report.columns)),
            (
                "lengths",
                f"{lengths['shortest']} to {lengths['longest']} {step}s, median {lengths['median']:g}; "
                f"the model reads {report.max_length}",
            ),
            ("tokens", f"{report.tokens}, {report.vocabulary:,} different")
            if of_documents
            else ("scaler", report.scaler),
            ("splits", SPLIT_BY[report.split_by]),
        ]
    )
    page.blank()
    rows = [(label, *(f"{counts[name]:,}" for name in SPLITS)) for label, counts in report.classes.items()]
    page.table(("class", *SPLITS.values()), rows[:MAX_CLASSES])
    if len(rows) > MAX_CLASSES:
        page.line(f"and {len(rows) - MAX_CLASSES:,} more, see --json")
    page.line(f"all: {', '.join(f'{report.sequences[name]:,} {title}' for name, title in SPLITS.items())}")
    page.blank()
    page.line(f"wrote {report.run} ({report.megabytes:.1f} MB)")
    page.line(f"next: {command('train', report.run)}")


def classifier_table(report: Any, page: Page, *, stages: Mapping[str, float]) -> None:
    """Print the classifier, its training, and its validation scores with those of the baselines.

    Args:
        report: report of the step.
        page: page to extend.
        stages: seconds of each stage.
    """
    stopped = {"patience": "stopped early", "epochs": "ran all epochs"}[report.stopped]
    epochs = f"best epoch {report.best_epoch} of {report.epochs_run} ({stopped})"
    if report.folds:
        epochs = f"{count_noun(report.epochs_run, 'epoch')} (median of {report.folds} folds)"
    weights = report.weights
    page.facts(
        [
            (
                "model",
                f"LSTM with {report.pooling} pooling, {report.parameters:,} parameters, "
                f"{len(report.classes)} classes, {report.max_length} steps",
            ),
            (
                "network",
                f"{epochs}, {report.steps:,} steps, learning rate {report.lr:.2g}",
            ),
            *([("start", start_text(report.warm_start))] if report.warm_start is not None else []),
            ("simple", f"logistic regression on {_simple_inputs(report)}, C {report.penalty:g}"),
            ("weights", f"network {weights['network']:.2f}, simple model {weights['simple']:.2f}"),
            ("device", f"{report.device}, {count_noun(report.threads, 'thread')}, seed {report.seed}"),
            ("time", f"{seconds_since_start():.1f} s"),
        ]
    )
    page.blank()
    validation_scores(report, page)
    page.blank()
    page.line(f"next: {command('evaluate', report.run)}")


def validation_scores(report: Any, page: Page) -> None:
    """Print the validation scores of the model and the baselines."""
    page.line("validation")
    _score_table(page, report.val, report.val_baselines)


def _simple_inputs(report: Any) -> str:
    if report.ngrams is None:
        return "statistics of each sequence"
    return f"TF-IDF of {count_noun(report.ngrams, 'n-gram')}"


def classification_table(report: Any, page: Page) -> None:
    """Print the scores of the classifier and the baselines, each class, and the confusion matrix."""
    page.line(
        f"{report.run} ({report.precision}): {count_noun(report.sequences, f'{report.split} sequence')}"
    )
    page.blank()
    _score_table(page, report.metrics, report.baselines)
    page.blank()
    rows = [(METRICS[name], f"{low:.4f}", f"{high:.4f}") for name, (low, high) in report.intervals.items()]
    page.table(("95 % interval of the model", "from", "to"), rows)
    if report.metrics["accuracy"] == 1:
        page.line(f"no errors in {count_noun(report.sequences, 'sequence')}")
    page.blank()
    best = min(report.baselines, key=lambda name: report.baselines[name]["log_loss"])
    page.line(comparison_text(report.comparisons[best], BASELINE_NAMES[best], "log-loss"), "bold")
    page.blank()
    page.table(
        ("class", "sequences", "precision", "recall", "F1"),
        [
            (
                row["class"],
                f"{row['sequences']:,}",
                *(_share(row[name]) for name in ("precision", "recall", "f1")),
            )
            for row in report.per_class[:MAX_CLASSES]
        ],
    )
    if len(report.classes) > MAX_CLASSES:
        page.line(f"and {len(report.classes) - MAX_CLASSES:,} more, see --json")
    else:
        page.blank()
        page.table(
            ("true / predicted", *report.classes),
            [
                (name, *(f"{count:,}" for count in counts))
                for name, counts in zip(report.classes, report.confusion, strict=True)
            ],
        )
    print_gates(page, report.gates)
    page.blank()
    page.line(f"plot: {report.plot or report.picture}")
    if report.output:
        page.line(f"copies: {report.output}")


def _score_table(
    page: Page, model: Mapping[str, float], baselines: Mapping[str, Mapping[str, float]]
) -> None:
    sides = [("model", model), *((BASELINE_NAMES[name], scores) for name, scores in baselines.items())]
    page.table(
        ("", *(f"{title}{PAD * 2}" for title in METRICS.values())),
        [(title, *(_figure(scores[name]) for name in METRICS)) for title, scores in sides],
        # The shares of the classes are well calibrated, but they tell no sequence from another.
        best=[[] if name == "calibration_error" else _best(name, sides) for name in METRICS],
    )
    page.line("* best")


def _best(metric: str, sides: Sequence[tuple[str, Mapping[str, float]]]) -> list[int]:
    """Return the rows with the best figure as it is shown."""
    choose = max if metric in HIGHER_IS_BETTER else min
    best = _figure(choose(scores[metric] for _, scores in sides))
    return [index for index, (_, scores) in enumerate(sides) if _figure(scores[metric]) == best]


def _figure(value: float) -> str:
    return f"{value:.4f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
