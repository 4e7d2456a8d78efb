"""`lstm tune RUN`."""

from typing import Annotated

import typer

from lstm_cli.cli.app import Work
from lstm_cli.cli.options import (
    ConfigOption,
    DryRunOption,
    ForceOption,
    JsonOption,
    KeepOption,
    LockWaitOption,
    RunArgument,
    switch,
    with_options_of,
)
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.cli.settings import setting_sources
from lstm_cli.config.renamed import RENAMED, renamed_note
from lstm_cli.config.tasks import TrainOfTasks
from lstm_cli.config.train import KEEP_MODELS, TrainConfig, require_keep
from lstm_cli.config.tune import SEARCH_PANEL, TuneConfig

EXAMPLES = (
    "lstm tune runs/load --trials 2 --space 'hidden=8..16:log' --space 'loss=mae|huber'",
    "lstm tune runs/load --show",
)


@with_options_of(TrainConfig, into="training")
@with_options_of(TuneConfig, into="settings")
@with_options_of(TrainOfTasks, into="network")
def tune(
    context: typer.Context,
    run: RunArgument,
    *,
    settings: TuneConfig,
    show: Annotated[
        bool, switch("--show", "List of the trials so far, without a search.", panel=SEARCH_PANEL)
    ] = False,
    training: TrainConfig,
    network: TrainOfTasks,
    keep: KeepOption = KEEP_MODELS,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Search hyperparameters and keep the best model.

    The validation set decides between trials. Each finished trial is stored, so the same command resumes an
    interrupted search. Later, train uses the settings of the winner. The options of train apply to each trial.
    """
    for old in {text.partition("=")[0] for text in settings.space} & RENAMED.keys():
        context.obj.notes.append(renamed_note(f"--space {old}", f"--space {RENAMED[old]}"))
    require_keep(keep)

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
                training,
                listen,
                force=force,
                lock_wait=lock_wait,
                sources=setting_sources(context, settings, training, network),
                keep=keep,
                should_stop=should_stop,
                network=network,
            )
        result.print_result("tune", report, tune_table, as_json=as_json, stages=listen.stages)

    def show_trials() -> None:
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.tune import tune_table
        from lstm_cli.steps.tune.record import read_search

        result.print_result("tune", read_search(run), tune_table, as_json=as_json, stored=True)

    if dry_run and not show:
        return print_plan(
            lambda planning: planning.plan_tune(run, settings, training, force=force, network=network),
            as_json=as_json,
        )
    return show_trials if show else work
