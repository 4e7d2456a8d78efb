"""Reports of `train` and `train --find-lr` as tables."""

from collections.abc import Mapping
from typing import Any

from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.scores import add_verdict, rows_read_text, score_table
from lstm_cli.cli.stdio import seconds_since_start
from lstm_cli.config.train import CHOICES
from lstm_cli.evaluation.score_text import METRICS, format_number, score_rows
from lstm_cli.rundir import command
from lstm_cli.wording import count_noun


def train_table(report: Any, page: Page, *, stages: Mapping[str, float]) -> None:
    """Print the model, its training, and its validation errors with those of the baselines.

    Args:
        report: report of the step.
        page: page to extend.
        stages: seconds of each stage.
    """
    regressions = count_noun(report.linear["regressions"], "regression")
    families = ", ".join(f"{name} {weight:.2f}" for name, weight in report.linear["families"].items())
    page.facts(
        [
            (
                "model",
                f"{report.model}, {report.parameters:,} parameters, lookback {report.lookback}, "
                f"{rows_read_text(report)}",
            ),
            *([("start", start_text(report.warm_start))] if report.warm_start is not None else []),
            ("linear", f"{families} ({regressions})"),
            *((training["name"], _training_text(training)) for training in report.trainings),
            *((CHOICES.get(name, name), text) for name, text in report.choices.items()),
            (
                "device",
                f"{report.device}, {count_noun(report.threads, 'thread')}, seed {report.seed}",
            ),
            ("time", _time_text(stages)),
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
    scores = score_rows(report.val, report.parts, report.val_baselines, report.baseline_season)
    score_table(page, scores, {name: METRICS[name] for name in ("mase", "mae_scaled")})
    page.blank()
    for finding in report.diagnosis:
        of_part = f" of {finding['part']}" if len(report.trainings) > 1 else ""
        page.line(f"{finding['name']}{of_part}: {finding['sign']} (try {finding['advice']})", "yellow")
    add_verdict(page, report, panel=report.series > 1)
    page.line(f"next: {command('evaluate', report.run)}")


def find_lr_table(report: Any, page: Page) -> None:
    """Print the loss curve of each network in numbers, and the suggested learning rate."""
    rows = [
        (
            part["part"],
            format_number(part["lowest_at"]),
            f"{100 * part['fall']:.1f}",
            format_number(part["suggestion"]),
        )
        for part in report.parts
    ]
    page.table(("network", "lr of lowest loss", "loss drop %", "suggested lr"), rows)
    page.blank()
    if report.suggestion is None:
        page.line("no suggestion: no learning rate reduces the loss")
    else:
        page.line(f"try: {command('train', report.run)} --lr {report.suggestion:.1g}")
    page.line(f"plot: {report.picture}")


def start_text(start: Mapping[str, Any]) -> str:
    """Return the model at which a training started, and how many layers of each network are from it."""
    parts = []
    for part in start["parts"]:
        total = len(part["taken"]) + len(part["left"])
        left = f", not {', '.join(part['left'])}" if part["left"] else ""
        parts.append(f"{part['part']} {len(part['taken'])} of {total} layers{left}")
    before = ", before its refit" if start["weights"] != "shipped" else ""
    scaling = ", whose values were scaled in another way" if start["other_scaling"] else ""
    return f"{start['run']}, model {start['version']}{before}{scaling} ({'; '.join(parts)})"


def _time_text(stages: Mapping[str, float]) -> str:
    """Return the total seconds, and those of each stage with at least 1 % of the total."""
    total = seconds_since_start()
    long = [f"{stage} {seconds:.1f}" for stage, seconds in stages.items() if seconds >= total / 100]
    return f"{total:.1f} s ({', '.join(long)})"


def _training_text(training: Mapping[str, Any]) -> str:
    """Return the training of one network as one line."""
    stopped = {"patience": "stopped early", "epochs": "ran all epochs"}[training["stopped"]]
    return (
        f"best epoch {training['best_epoch']} of {training['epochs_run']} ({stopped}), "
        f"{training['steps']:,} steps, learning rate {training['lr']:.2g}"
    )
