"""Report of `evaluate` on text as tables."""

from typing import Any

from lstm_cli.cli.render.evaluate import print_gates
from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.scores import score_table
from lstm_cli.evaluation.score_text import comparison_text, format_number
from lstm_cli.evaluation.text.passages import METRICS

BASELINE_NAMES = {"n_gram": "5-gram", "xz": "xz"}


def text_scores_table(report: Any, page: Page) -> None:
    """Print the scores of the text model and the baselines, and their intervals."""
    page.line(f"{report.run}: {report.characters:,} {report.split} characters ({report.precision})")
    page.blank()
    baselines = {BASELINE_NAMES[name]: scores for name, scores in report.baselines.items()}
    score_table(page, {"model": report.metrics, **baselines}, METRICS, header="")
    page.blank()
    if report.intervals:
        rows = [
            (METRICS[name], format_number(low), format_number(high))
            for name, (low, high) in report.intervals.items()
        ]
        page.table(("95 % interval of the model", "from", "to"), rows)
        page.blank()
    text = comparison_text(report.comparisons["n_gram"], BASELINE_NAMES["n_gram"], "bits per character")
    page.line(text, "bold")
    print_gates(page, report.gates)
    page.blank()
    page.line(f"plot: {report.plot or report.picture}")
    if report.output:
        page.line(f"copies: {report.output}")
