"""`lstm runs PATH`."""

from pathlib import Path
from typing import Annotated

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import (
    ConfigOption,
    DryRunOption,
    JsonOption,
    LockWaitOption,
    RunsArgument,
    switch,
    with_options_of,
)
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.config.runs import RunsConfig
from lstm_cli.errors import ArtifactError, LockedError, UsageError

EXAMPLES = (
    "lstm runs runs/load",
    "lstm runs runs --sort mase",
    "lstm runs runs --diff load piped",
    "lstm runs runs --clean",
)


@with_options_of(RunsConfig, into="settings")
def runs(
    run: RunsArgument = Path(),
    *,
    settings: RunsConfig,
    markdown: Annotated[bool, switch("--md", "Report as Markdown, for a pull request.")] = False,
    dry_run: DryRunOption = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Show a run, or list, compare and clean the runs in a folder.

    For a run: what it is, what it scored, what is out of date, and the next command. A folder is searched four levels
    deep, without links and hidden folders. Only run.json is read; 'lstm verify' checks all files.
    """
    if markdown and as_json:
        raise UsageError("--md and --json cannot be combined", hint="choose one of them", flag="--md")
    if dry_run and settings.delete:
        raise UsageError(
            "--dry-run and --delete cannot be combined",
            hint="--clean alone lists what --delete removes",
            flag="--dry-run",
        )

    def work() -> None:
        from lstm_cli.cli.render import runs as tables
        from lstm_cli.cli.render.result import print_result
        from lstm_cli.steps.runs import runs as step

        name, draw = "runs", tables.runs_page
        if settings.diff is not None:
            name, draw = "runs --diff", tables.diff_page
        elif settings.clean:
            name, draw = "runs --clean", tables.clean_page
        try:
            report = step(run, settings, lock_wait=lock_wait)
        except (ArtifactError, LockedError) as error:
            if error.report is not None:
                print_result(name, error.report, draw, as_json=as_json, as_markdown=markdown)
            raise
        print_result(name, report, draw, as_json=as_json, as_markdown=markdown)

    if dry_run:
        return print_plan(lambda planning: planning.plan_runs(run), as_json=as_json)
    return work
