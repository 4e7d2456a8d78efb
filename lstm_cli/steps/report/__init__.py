"""Step `report`: a page, or a comment in Markdown, about the model of a run. It reads a snapshot and takes no lock."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from lstm_cli.config import EvaluateConfig, ReportConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.events import Listener, Progressed, WarningRaised
from lstm_cli.reporting.facts import RunFacts
from lstm_cli.rundir import check_output, open_run, reading_manifest, replace_file
from lstm_cli.steps.evaluate.score_model import scoring_subject
from lstm_cli.steps.report.collect import collect_facts
from lstm_cli.steps.report.stored_scores import load_scores
from lstm_cli.steps.report.window_errors import sum_windows
from lstm_cli.steps.shared.report_json import finding_fields, to_plain
from lstm_cli.tasks.settle import require_verb


@dataclass(frozen=True, kw_only=True)
class PageReport:
    """Report of `report`."""

    run: str
    output: str
    format: str
    size: int  # bytes
    verdict: str
    model: str
    precision: str
    split: str
    windows: int  # that the scores are of
    drawn_windows: int  # that were forecast again for the charts
    commands: tuple[str, ...]  # that make the run again
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self)


def report(
    run: Path, config: ReportConfig, listen: Listener, *, stdout: BinaryIO | None = None
) -> PageReport:
    """Write the report of a run.

    Args:
        run: run directory.
        config: settings of `report`; output `-` is standard output.
        listen: receives progress events and warnings.
        stdout: stream for output `-`.

    Raises:
        MissingArtifact: the run has no model or no scores.
        StaleArtifact: the model or the scores are out of date.
        UsageError, OutputError: the output cannot be written.
    """
    output, format = config.output_for(str(run)), config.chosen_format
    if output != "-":
        check_output(output, run=run)
    require_installed("lstm report", "safetensors")
    with open_run(run) as opened:
        require_verb(opened, "report")
        with reading_manifest(run):
            scores, findings = load_scores(opened)
        settings = EvaluateConfig(split=scores.split, precision=scores.precision, threads=config.threads)
        subject = scoring_subject(opened, settings)
        sums = sum_windows(
            subject,
            lambda done, total: listen(
                Progressed(stage="forecasting", done=done, total=total, unit="windows")
            ),
        )
        notes = tuple(f"{finding.text[:1].upper()}{finding.text[1:]}." for finding in findings)
        facts = collect_facts(opened, subject, scores, sums, notes)
    with reading_manifest(run):  # the page prints values of the manifest
        content = encode_report(facts, format)
    if output == "-":
        assert stdout is not None
        stdout.write(content)
        stdout.flush()
    else:
        replace_file(output, [content])
    for finding in findings:
        listen(WarningRaised(finding=finding))
    return PageReport(
        run=str(run),
        output=output,
        format=format,
        size=len(content),
        verdict=facts.verdict,
        model=facts.model,
        precision=facts.precision,
        split=scores.split,
        windows=scores.windows,
        drawn_windows=facts.drawn_windows,
        commands=facts.made.commands,
        **finding_fields(findings),
    )


def encode_report(facts: RunFacts, format: str) -> bytes:
    """Return the report as UTF-8, in `html` or `md`."""
    if format == "md":
        from lstm_cli.reporting.markdown import markdown_comment

        return markdown_comment(facts)
    from lstm_cli.reporting.page import html_page

    return html_page(facts)
