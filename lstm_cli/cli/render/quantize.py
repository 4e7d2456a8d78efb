"""Reports of `quantize` as tables."""

from typing import Any

from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.scores import size_ratio
from lstm_cli.evaluation.classification.names import METRICS
from lstm_cli.evaluation.score_text import format_number
from lstm_cli.evaluation.text.passages import METRICS as TEXT_METRICS
from lstm_cli.wording import count_noun

NAMES = ("fp32", "quantized")
SLOWER = 1.05  # ratio of the latencies from which a model is slower; a smaller one is noise


def quantize_table(report: Any, page: Page) -> None:
    """Print size, latency, error and the scores of the quantiles of both models."""
    rows = [
        *_cost_rows(report, "window"),
        ("validation MAE, scaled", *(format_number(report.mae_scaled[name]) for name in NAMES)),
    ]
    if report.wql:
        rows.append(("weighted quantile loss", *(format_number(report.wql[name]) for name in NAMES)))
    for level in (report.coverage or {}).get("fp32", ()):
        shares = (format_number(report.coverage[name][level]) for name in NAMES)
        rows.append((f"coverage of the {level} % interval, %", *shares))
    page.table(("", "fp32", report.to), rows)
    page.blank()
    _draw_effect(report, page, "error")


def quantized_classifier_table(report: Any, page: Page) -> None:
    """Print size, latency and the validation scores of both classifiers."""
    rows = [
        *_cost_rows(report, "sequence"),
        *(
            (f"validation {title}", *(f"{report.metrics[name][metric]:.4f}" for name in NAMES))
            for metric, title in METRICS.items()
        ),
    ]
    page.table(("", "fp32", report.to), rows)
    page.blank()
    before = report.metrics["fp32"]["log_loss"]
    share = "" if report.relative_to == before else f" of {report.relative_to:g}"
    _draw_effect(report, page, "log-loss", share)


def quantized_text_table(report: Any, page: Page) -> None:
    """Print size, latency and the validation scores of both text models."""
    rows = [
        *_cost_rows(report, "token"),
        *(
            (f"validation {title}", *(format_number(report.metrics[name][metric]) for name in NAMES))
            for metric, title in TEXT_METRICS.items()
        ),
    ]
    page.table(("", "fp32", report.to), rows)
    page.blank()
    _draw_effect(report, page, "loss")


def _cost_rows(report: Any, noun: str) -> list[tuple[str, ...]]:
    return [
        ("size, KB", *(f"{report.size[name] / 1000:,.1f}" for name in NAMES)),
        (
            f"latency, ms for {count_noun(report.batch, noun)}",
            *(f"{report.latency_ms[name]:.2f}" for name in NAMES),
        ),
    ]


def _draw_effect(report: Any, page: Page, error: str, share: str = "") -> None:
    """Print the change of size and error, and whether the model is slower.

    Args:
        report: report of the step.
        page: page to extend.
        error: name of the error.
        share: what the change of the error is a share of.
    """
    page.line(_effect(report, error, share))
    slower = _speed(report)
    if slower is not None:
        page.line(slower)


def _effect(report: Any, error: str, share: str = "") -> str:
    """Return the change of size and error as a sentence; `share` is what the change is a share of."""
    change = f"{abs(report.loss):.2%}"
    effect = (
        "did not change"
        if change == "0.00%"
        else f"{'grew' if report.loss > 0 else 'fell'} by {change}{share}"
    )
    return (
        f"{report.to} has {size_ratio(report):.0%} of the size, and the {error} {effect} "
        f"(--max-loss {report.max_loss:.2%})"
    )


def _speed(report: Any) -> str | None:
    """Return a sentence if the quantized model was slower on this machine; None if it was not."""
    before, after = (report.latency_ms[name] for name in NAMES)
    if after <= SLOWER * before:
        return None
    return (
        f"{report.to} is slower than fp32 on this machine: {after:.2f} ms instead of {before:.2f} ms "
        "(--precision fp32 uses the trained model)"
    )
