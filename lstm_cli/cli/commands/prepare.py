"""`lstm prepare DATA... RUN`."""

import os
import sys
from typing import Annotated

import typer

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import (
    ConfigOption,
    DataArgument,
    DryRunOption,
    JsonOption,
    LockWaitOption,
    RunArgument,
    switch,
    with_options_of,
)
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.cli.settings import setting_sources
from lstm_cli.cli.verbs import COMMON_PANEL
from lstm_cli.config.prepare import PrepareConfig
from lstm_cli.config.tasks import PrepareOfTasks

EXAMPLES = (
    "lstm prepare sample_data/ETTh1.csv runs/load --target OT --horizon 24",
    "cat sample_data/ETTh1.csv | lstm prepare - runs/piped --target OT --calendar --lookback 48 --end row:2000",
)


@with_options_of(PrepareConfig, into="settings")
@with_options_of(PrepareOfTasks, into="columns")
def prepare(
    context: typer.Context,
    data: DataArgument,
    run: RunArgument,
    *,
    settings: PrepareConfig,
    columns: PrepareOfTasks,
    dry_run: DryRunOption = False,
    force: Annotated[
        bool,
        switch(
            "--force",
            "Run even if nothing changed. Also replaces a corrupt run.json (a copy is kept).",
            panel=COMMON_PANEL,
        ),
    ] = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Convert a CSV or Parquet file into a run directory.

    Several files, or a quoted pattern such as 'data/*.csv', form one data set. Each guess and repair prints one
    warning. An error leaves no files.
    """

    def work() -> None:
        # NumPy asks for huge pages. On a virtual machine, the first use of one may take longer than reading the rows.
        os.environ.setdefault("NUMPY_MADVISE_HUGEPAGE", "0")
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.classify import draw_task, sequences_table
        from lstm_cli.cli.render.generate import text_table
        from lstm_cli.cli.render.prepare import prepare_table
        from lstm_cli.steps.prepare import prepare as step

        with progress_reporter() as listen:
            report = step(
                data,
                run,
                settings,
                listen,
                force=force,
                lock_wait=lock_wait,
                sources=setting_sources(context, settings, columns),
                stdin=sys.stdin.buffer,
                columns=columns,
            )
        draw = draw_task(prepare_table, {"classify": sequences_table, "generate": text_table})
        result.print_result("prepare", report, draw, as_json=as_json, stages=listen.stages)

    if dry_run:
        return print_plan(
            lambda planning: planning.plan_prepare(data, run, settings, force=force, columns=columns),
            as_json=as_json,
        )
    return work
