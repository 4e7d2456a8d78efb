"""Report of `quantize` as a table."""

from typing import Any

from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.scores import size_ratio
from lstm_cli.evaluation.score_text import format_number
from lstm_cli.wording import count_noun


def quantize_table(report: Any, page: Page) -> None:
    """Print size, latency, error and the scores of the quantiles of both models."""
    names = ("fp32", "quantized")
    rows = [
        ("size, KB", *(f"{report.size[name] / 1000:,.1f}" for name in names)),
        (
            f"latency, ms for {count_noun(report.batch, 'window')}",
            *(f"{report.latency_ms[name]:.2f}" for name in names),
        ),
        ("validation MAE, scaled", *(format_number(report.mae_scaled[name]) for name in names)),
    ]
    if report.wql:
        rows.append(("weighted quantile loss", *(format_number(report.wql[name]) for name in names)))
    for level in (report.coverage or {}).get("fp32", ()):
        shares = (format_number(report.coverage[name][level]) for name in names)
        rows.append((f"coverage of the {level} % interval, %", *shares))
    page.table(("", "fp32", report.to), rows)
    page.blank()
    change = f"{abs(report.loss):.2%}"
    effect = "did not change" if change == "0.00%" else f"{'grew' if report.loss > 0 else 'fell'} by {change}"
    page.line(
        f"{report.to} has {size_ratio(report):.0%} of the size, and the error {effect} "
        f"(--max-loss {report.max_loss:.2%})"
    )
