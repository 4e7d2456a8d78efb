"""`lstm tune RUN`."""

from typing import Annotated

import typer

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import (
    ConfigOption,
    DryRunOption,
    ForceOption,
    JsonOption,
    LockWaitOption,
    RunArgument,
    switch,
    with_options_of,
)
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.cli.settings import setting_sources
from lstm_cli.config.renamed import RENAMED, renamed_note
from lstm_cli.config.train import TrainConfig
from lstm_cli.config.tune import SEARCH_PANEL, TuneConfig

EXAMPLES = (
    "lstm tune runs/load --trials 2 --space 'hidden=8..16:log' --space 'loss=mae|huber'",
    "lstm tune runs/load --show",
)


@with_options_of(TrainConfig, into="every")
@with_options_of(TuneConfig, into="settings")
def tune(
    context: typer.Context,
    run: RunArgument,
    *,
    settings: TuneConfig,
    show: Annotated[
        bool, switch("--show", "Show the trials so far, and search nothing.", panel=SEARCH_PANEL)
    ] = False,
    every: TrainConfig,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Search the settings of train, and make the best the run's model.

    Trials are compared on the validation rows. Each is recorded as soon as it is over, and a search that was
    ended goes on where it stood. From then on train uses the best settings for this model. The options of
    train hold for every trial.
    """
    for old in {text.partition("=")[0] for text in settings.space} & RENAMED.keys():
        context.obj.notes.append(renamed_note(f"--space {old}", f"--space {RENAMED[old]}"))

    def work() -> None:
        from lstm_cli.cli import signals
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.tune import tune_table
        from lstm_cli.steps.tune import tune as step

        with progress_reporter() as listen, signals.defer_signals() as should_stop:
            report = step(
                run,
                settings,
                every,
                listen,
                force=force,
                lock_wait=lock_wait,
                sources=setting_sources(context, settings, every),
                should_stop=should_stop,
            )
        result.print_result("tune", report, tune_table, as_json=as_json, stages=listen.stages)

    def look() -> None:
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.tune import tune_table
        from lstm_cli.steps.tune.record import read_search

        result.print_result("tune", read_search(run), tune_table, as_json=as_json)

    if dry_run and not show:
        return print_plan(
            lambda planning: planning.plan_tune(run, settings, every, force=force), as_json=as_json
        )
    return look if show else work
