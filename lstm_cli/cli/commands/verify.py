"""`lstm verify RUN`."""

from typing import TYPE_CHECKING

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import ConfigOption, DryRunOption, JsonOption, RunArgument
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.errors import CorruptArtifact

if TYPE_CHECKING:
    from lstm_cli.cli.render.page import Page
    from lstm_cli.steps.verify import VerifyReport

EXAMPLES = (
    "lstm verify runs/load",
    "lstm verify runs/load --json",
)


def verify(
    run: RunArgument,
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Check every file of a run, and name the command that mends it.

    Each file is read whole: its size and sha256 must be those that were written. What is broken ends in exit code 4;
    what is stale is whole, made from other data or another model than those there now, and told.
    """

    def work() -> None:
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import result
        from lstm_cli.steps.verify import verify as step

        try:
            with progress_reporter() as listen:
                report = step(run, listen)
        except CorruptArtifact as corrupt:
            if corrupt.report is not None:
                result.print_result("verify", corrupt.report, verify_table, as_json=as_json)
            raise
        result.print_result("verify", report, verify_table, as_json=as_json, stages=listen.stages)

    if dry_run:
        return print_plan(lambda planning: planning.plan_read_only(run, "verify", all_files=True), as_json=as_json)
    return work


def verify_table(report: "VerifyReport", page: "Page") -> None:
    """Each artifact with its state, and below it what is wrong."""
    page.line(f"{report.run}: {report.files:,} files, {report.size / 1e6:,.1f} MB")
    page.blank()
    page.table(
        ("artifact", "files", "KB", "state"),
        [
            (line["folder"], f"{line['files']:,}", f"{line['size'] / 1e3:,.1f}", line["state"])
            for line in report.artifacts
        ],
    )
    page.blank()
    for line in report.artifacts:
        for finding in line["findings"]:
            page.line(finding, "yellow")
    if report.rebuild:
        page.line(f"mend: {', then '.join(report.rebuild)}")
    else:
        page.line("all is whole, and made from what is there now")
