"""Page of a run that forecasts."""

from lstm_cli.config import EvaluateConfig, ReportConfig
from lstm_cli.events import Listener, Progressed
from lstm_cli.reporting.facts import RunFacts
from lstm_cli.rundir import Run, reading_manifest
from lstm_cli.steps.evaluate.score_model import scoring_subject
from lstm_cli.steps.report.collect import collect_facts
from lstm_cli.steps.report.page_report import Page, PageReport
from lstm_cli.steps.report.stored_scores import load_scores
from lstm_cli.steps.report.window_errors import sum_windows


def forecast_page(run: Run, config: ReportConfig, listen: Listener) -> Page:
    """Return the page of a run.

    Args:
        run: open run.
        config: settings of `report`.
        listen: receives progress events.

    Raises:
        MissingArtifact, StaleArtifact: the model or the scores are missing or out of date.
    """
    with reading_manifest(run.path):
        scores, findings = load_scores(run)
    settings = EvaluateConfig(split=scores.split, precision=scores.precision, threads=config.threads)
    subject = scoring_subject(run, settings)
    sums = sum_windows(
        subject,
        lambda done, total: listen(Progressed(stage="forecasting", done=done, total=total, unit="windows")),
    )
    notes = tuple(f"{finding.text[:1].upper()}{finding.text[1:]}." for finding in findings)
    facts = collect_facts(run, subject, scores, sums, notes)
    return Page(
        encode=lambda format: encode_report(facts, format),
        kind=PageReport,
        fields={
            "verdict": facts.verdict,
            "model": facts.model,
            "precision": facts.precision,
            "split": scores.split,
            "windows": scores.windows,
            "drawn_windows": facts.drawn_windows,
            "commands": facts.made.commands,
        },
        findings=findings,
    )


def encode_report(facts: RunFacts, format: str) -> bytes:
    """Return the report as UTF-8, in `html` or `md`."""
    if format == "md":
        from lstm_cli.reporting.markdown import markdown_comment

        return markdown_comment(facts)
    from lstm_cli.reporting.page import html_page

    return html_page(facts)
