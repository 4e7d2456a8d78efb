"""Report of `tune` as tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from lstm_cli.cli.render.classify import draw_task, validation_scores
from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.scores import add_verdict
from lstm_cli.evaluation.classification.names import METRICS as CLASS_METRICS
from lstm_cli.evaluation.score_text import METRICS, format_number
from lstm_cli.rundir import command
from lstm_cli.wording import count_noun

MAX_TRIALS = 40  # trials in the table; --json has all
MAX_FAILED = 12  # failed trials listed with their reasons


def tune_table(report: Any, page: Page) -> None:
    """Print the trials, the importance of the settings, and the winner."""
    from lstm_cli.config.search_space import value_text

    states = ", ".join(f"{count} {state}" for state, count in report.states.items())
    trials = count_noun(report.wanted, "trial")
    page.line(f"{report.run}: {report.method} search for {report.model}, {states} of {trials}")
    page.blank()
    metric = {**METRICS, **CLASS_METRICS}.get(report.metric or "", "score")
    ranked = _best_first(report.trials)
    page.table(
        ("trial", "state", metric, *report.space, "s"),
        [
            (
                str(trial["number"]),
                trial["state"],
                format_number(trial["score"]),
                *(value_text(trial["settings"][name]) for name in report.space),
                f"{trial['seconds']:.1f}",
            )
            for trial in ranked[:MAX_TRIALS]
        ],
    )
    if len(ranked) > MAX_TRIALS:
        page.line(f"and {len(ranked) - MAX_TRIALS:,} more, see --json")
    for trial in [trial for trial in report.trials if trial["state"] == "failed"][:MAX_FAILED]:
        page.line(f"trial {trial['number']} failed: {trial['reason']}")
    if any(row["share"] is not None for row in report.importance.values()):
        page.blank()
        page.table(
            ("setting", "share of variance", "rank correlation"),
            [
                (name, f"{100 * row['share']:.0f} %", _signed(row["rank_correlation"]))
                for name, row in sorted(report.importance.items(), key=lambda item: -(item[1]["share"] or 0))
                if row["share"] is not None
            ],
        )
    page.blank()
    if report.best is None:
        page.line("no trial has a score yet")
        return
    settings = ", ".join(f"{name} {value_text(value)}" for name, value in report.best["settings"].items())
    page.line(
        f"best: trial {report.best['number']}, {metric} {format_number(report.best['score'])}: {settings}",
        "bold",
    )
    if not report.finished:
        page.line(f"search not finished (run {command('tune', report.run)} with the same options to resume)")
        return
    draw_task(_verdict, {"classify": validation_scores})(report, page)
    page.line(f"plot: {report.picture}")
    page.line(f"next: {command('evaluate', report.run)}")


def _verdict(report: Any, page: Page) -> None:
    add_verdict(page, report)


def _best_first(trials: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return the trials by score, with the trials without a score last."""
    return sorted(trials, key=lambda trial: (trial["score"] is None, trial["score"] or 0, trial["number"]))


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"
