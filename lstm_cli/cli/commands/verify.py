"""`lstm verify RUN`."""

from typing import TYPE_CHECKING

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import ConfigOption, DryRunOption, JsonOption, RunArgument
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.errors import CorruptArtifact

if TYPE_CHECKING:
    from lstm_cli.cli.render.page import Page
    from lstm_cli.steps.verify import VerifyReport

STATES = {"damaged": "corrupt", "stale": "out of date"}  # words of the table for states of the report
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
    """Check all files of a run and name the command that repairs it.

    The size and sha256 of each file must match the manifest. A corrupt or missing file ends with exit code 4. An
    artifact made from older data or an older model is reported as out of date.
    """

    def work() -> None:
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import result
        from lstm_cli.steps.verify import verify as step

        try:
            with progress_reporter() as listen:
                report = step(run, listen)
        except CorruptArtifact as error:
            if error.report is not None:
                result.print_result("verify", error.report, verify_table, as_json=as_json)
            raise
        result.print_result("verify", report, verify_table, as_json=as_json, stages=listen.stages)

    if dry_run:
        return print_plan(
            lambda planning: planning.plan_read_only(run, "verify", all_files=True), as_json=as_json
        )
    return work


def verify_table(report: "VerifyReport", page: "Page") -> None:
    """Print a table of artifacts with their state, then the problems and the repair commands."""
    page.line(f"{report.run}: {report.files:,} files, {report.size / 1e6:,.1f} MB")
    page.blank()
    page.table(
        ("artifact", "files", "KB", "state"),
        [
            (
                artifact["folder"],
                f"{artifact['files']:,}",
                f"{artifact['size'] / 1e3:,.1f}",
                STATES.get(artifact["state"], artifact["state"]),
            )
            for artifact in report.artifacts
        ],
    )
    page.blank()
    for artifact in report.artifacts:
        for finding in artifact["findings"]:
            page.line(finding, "yellow")
    if report.rebuild:
        page.line(f"repair: {', then '.join(report.rebuild)}")
    else:
        page.line("all files are intact and up to date")
