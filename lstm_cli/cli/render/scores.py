"""Tables of forecast errors, and their summary in a few sentences."""

from collections.abc import Mapping, Sequence
from typing import Any

from lstm_cli.cli.render.page import PAD, Page
from lstm_cli.evaluation.score_text import finite_or_none, format_number, selection_text, verdict
from lstm_cli.wording import count_noun


def score_table(
    page: Page,
    scores: Mapping[str, Mapping[str, Any]],
    metrics: Mapping[str, str],
    *,
    header: str = "forecast",
) -> None:
    """Add a table of errors, with the lowest value of each metric marked.

    Args:
        page: page to extend.
        scores: metrics of each forecast or model, by its name.
        metrics: title of each metric to show.
        header: title of the names.
    """
    shown = {key: title for key, title in metrics.items() if any(key in score for score in scores.values())}
    table = [[finite_or_none(score.get(key)) for key in shown] for score in scores.values()]
    best = [[_lowest_index([row[column] for row in table])] for column in range(len(shown))]
    rows = [(name, *(format_number(value) for value in row)) for name, row in zip(scores, table, strict=True)]
    page.table((header, *(f"{title}{PAD * 2}" for title in shown.values())), rows, best)
    page.line("* lowest error")


def _lowest_index(values: Sequence[float | None]) -> int:
    defined = [(value, index) for index, value in enumerate(values) if value is not None]
    return min(defined)[1] if defined else -1


def rows_read_text(report: Any) -> str:
    """Return the number of rows that the model reads before a forecast, as text."""
    return f"reads {count_noun(report.reads_rows, 'row')}"


def size_ratio(report: Any) -> float:
    """Return the size of the quantized model as a fraction of the fp32 size."""
    return report.size["quantized"] / report.size["fp32"] if report.size["fp32"] else 1.0


def in_parentheses(text: str) -> str:
    """Return the reason of a choice in parentheses; "" without a reason."""
    return f" ({text})" if text else ""


def add_verdict(page: Page, report: Any, *, panel: bool = False) -> None:
    """Print the comparison with the baselines and the rows that selected the model.

    Args:
        page: page to extend.
        report: report of the step.
        panel: whether the metrics are means over several series.
    """
    page.line(
        verdict(report.val, report.val_baselines, report.comparisons, report.baseline_season, panel=panel)
    )
    rows = selection_text(report.chosen_on)
    if rows:
        page.line(rows)
