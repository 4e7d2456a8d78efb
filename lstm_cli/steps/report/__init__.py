"""Step `report`: a page, or a comment in Markdown, about the model of a run. It reads a snapshot and takes no lock."""

from pathlib import Path
from typing import BinaryIO

from lstm_cli.config import ReportConfig
from lstm_cli.config.extras import require_installed
from lstm_cli.events import Listener, WarningRaised
from lstm_cli.rundir import check_output, open_run, reading_manifest, replace_file
from lstm_cli.steps.report.page_report import ClassPageReport, PageReport
from lstm_cli.steps.report.work import WORK
from lstm_cli.steps.shared.report_json import finding_fields
from lstm_cli.tasks.settle import require_verb, task_of


def report(
    run: Path, config: ReportConfig, listen: Listener, *, stdout: BinaryIO | None = None
) -> PageReport | ClassPageReport:
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
        page = WORK[task_of(opened).name].make(opened, config, listen)
    with reading_manifest(run):  # the page prints values of the manifest
        content = page.encode(format)
    if output == "-":
        assert stdout is not None
        stdout.write(content)
        stdout.flush()
    else:
        replace_file(output, [content])
    for finding in page.findings:
        listen(WarningRaised(finding=finding))
    result: PageReport | ClassPageReport = page.kind(
        run=str(run),
        output=output,
        format=format,
        size=len(content),
        **page.fields,
        **finding_fields(page.findings),
    )
    return result
