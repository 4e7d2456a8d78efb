"""Reports of text as tables: `prepare` and `train`."""

from collections.abc import Mapping
from typing import Any

from lstm_cli.cli.render.page import Page
from lstm_cli.cli.stdio import seconds_since_start
from lstm_cli.rundir import command
from lstm_cli.wording import count_noun

KINDS = {"characters": "characters", "bytes": "bytes", "bpe": "byte pairs"}


def text_table(report: Any, page: Page) -> None:
    """Print the facts of a text, its tokens and its splits."""
    characters, tokens = sum(report.characters.values()), sum(report.tokens.values())
    per_token = "" if report.kind == "characters" else f", {characters / tokens:.2f} characters each"
    repeated = [
        f"{100 * found['share']:.1f} % of the {title} text"
        for title, found in (("validation", report.repeats["val"]), ("test", report.repeats["test"]))
        if found["passages"]
    ]
    page.facts(
        [
            ("task", "generate text"),
            ("data", f"{report.source}: {characters:,} characters, {count_noun(report.lines, 'line')}"),
            ("tokens", f"{KINDS[report.kind]}, {different_tokens(report):,} different{per_token}"),
            (
                "repeats",
                f"{' and '.join(repeated) or 'nothing'} in passages of {report.passage} characters or more "
                "of the training text",
            ),
        ]
    )
    page.blank()
    names = {"train": "train", "val": "validation", "test": "test"}
    page.table(
        ("split", "characters", "tokens"),
        [
            (title, f"{report.characters[name]:,}", f"{report.tokens[name]:,}")
            for name, title in names.items()
        ],
    )
    page.blank()
    page.line(f"wrote {report.run} ({report.megabytes:.1f} MB)")
    page.line(f"next: {command('train', report.run)}")


def language_model_table(report: Any, page: Page, *, stages: Mapping[str, float]) -> None:
    """Print the language model, its training and its validation loss.

    Args:
        report: report of the step.
        page: page to extend.
        stages: seconds of each stage.
    """
    stopped = {"patience": "stopped early", "epochs": "ran all epochs"}[report.stopped]
    val = report.val
    page.facts(
        [
            (
                "model",
                f"LSTM {','.join(map(str, report.hidden))}, {report.parameters:,} parameters, "
                f"{different_tokens(report):,} {KINDS[report.kind]}",
            ),
            (
                "training",
                f"best epoch {report.best_epoch} of {report.epochs_run} ({stopped}), {report.steps:,} steps of "
                f"{count_noun(report.batch_size, 'lane')} x {report.bptt} tokens, {report.passes:.1f} passes, "
                f"learning rate {report.lr:.2g}",
            ),
            ("device", f"{report.device}, {count_noun(report.threads, 'thread')}, seed {report.seed}"),
            ("time", f"{seconds_since_start():.1f} s"),
        ]
    )
    page.blank()
    page.table(
        ("validation", "nats per character", "bits per character", "nats per token", "perplexity"),
        [
            (
                "model",
                f"{report.nats_per_character:.4f}",
                f"{val['bpc']:.4f}",
                f"{val['loss']:.4f}",
                f"{val['perplexity']:.4g}",
            )
        ],
    )
    page.blank()
    page.line(f"next: {command('evaluate', report.run)}")


def different_tokens(report: Any) -> int:
    """Return the number of different tokens, without the one for unknown characters."""
    size: int = report.vocabulary_size
    return size if report.kind == "bytes" else size - 1
