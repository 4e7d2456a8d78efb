"""The report of `tune` as a person reads it."""

from collections.abc import Mapping, Sequence
from typing import Any

from lstm_cli.cli.render.page import Page
from lstm_cli.cli.render.scores import METRICS, add_verdict, format_figure
from lstm_cli.rundir import command
from lstm_cli.text import count_noun

LISTED = 40  # trials of a search; --json holds them all
FAILED_LISTED = 12  # of those that failed, with their reasons


def tune_table(report: Any, page: Page) -> None:
    """Every trial, what mattered, and the winner."""
    from lstm_cli.config.search_space import value_text

    states = ", ".join(f"{count} {state}" for state, count in report.states.items())
    wanted = count_noun(report.wanted, "trial")
    page.line(f"{report.run}: {report.method} search for {report.model}, {states} of {wanted}")
    page.blank()
    metric = METRICS.get(report.metric or "", "score")
    shown = _best_first(report.trials)
    page.table(
        ("trial", "state", metric, *report.space, "s"),
        [
            (
                str(trial["number"]),
                trial["state"],
                format_figure(trial["score"]),
                *(value_text(trial["settings"][name]) for name in report.space),
                f"{trial['seconds']:.1f}",
            )
            for trial in shown[:LISTED]
        ],
    )
    if len(shown) > LISTED:
        page.line(f"and {len(shown) - LISTED:,} more, see --json")
    for trial in [trial for trial in report.trials if trial["state"] == "failed"][:FAILED_LISTED]:
        page.line(f"trial {trial['number']} failed: {trial['reason']}")
    if any(row["share"] is not None for row in report.importance.values()):
        page.blank()
        page.table(
            ("what mattered", "share of variance", "rank correlation"),
            [
                (name, f"{100 * row['share']:.0f} %", _signed(row["rank_correlation"]))
                for name, row in sorted(report.importance.items(), key=lambda item: -(item[1]["share"] or 0))
                if row["share"] is not None
            ],
        )
    page.blank()
    if report.best is None:
        page.line("no trial has come to a score yet")
        return
    settings = ", ".join(f"{name} {value_text(value)}" for name, value in report.best["settings"].items())
    page.line(
        f"best: trial {report.best['number']}, {metric} {format_figure(report.best['score'])}: {settings}",
        "bold",
    )
    if not report.finished:
        page.line(
            f"the search has not come to its end: {command('tune', report.run)}, with the same options, goes on"
        )
        return
    add_verdict(page, report)
    page.line(f"picture: {report.picture}")
    page.line(f"next: {command('evaluate', report.run)}")


def _best_first(trials: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Trials by score; those without one last, in their order."""
    return sorted(trials, key=lambda trial: (trial["score"] is None, trial["score"] or 0, trial["number"]))


def _signed(value: float | None) -> str:
    return "-" if value is None else f"{value:+.2f}"
