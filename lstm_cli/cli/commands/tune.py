"""`lstm tune RUN`."""

from typing import Annotated

import typer

from lstm_cli.cli import option_values
from lstm_cli.cli.app import Work
from lstm_cli.cli.commands.train_options import train_settings
from lstm_cli.cli.options import (
    ConfigOption,
    DryRunOption,
    ForceOption,
    JsonOption,
    LockWaitOption,
    RunArgument,
    option,
    switch,
    with_options_of,
)
from lstm_cli.cli.render.dry_run import show_plan
from lstm_cli.cli.settings import sources_of
from lstm_cli.config.renamed import RENAMED, renaming
from lstm_cli.config.train import TrainConfig
from lstm_cli.config.tune import METHODS, TuneConfig

EXAMPLES = (
    "lstm tune runs/load --trials 2 --space 'hidden=8..16:log' --space 'loss=mae|huber'",
    "lstm tune runs/load --show",
)
DEFAULTS = TuneConfig()
SEARCH = "The search"  # a panel
EVERY = TrainConfig()


@with_options_of(train_settings, TrainConfig, into="every")
def tune(
    context: typer.Context,
    run: RunArgument,
    method: Annotated[
        str,
        option(
            "--method",
            "How settings are proposed; bayes learns from the trials so far.",
            choices=METHODS,
            panel=SEARCH,
        ),
    ] = DEFAULTS.method,
    trials: Annotated[
        int | None,
        option(
            "--trials",
            "So many trainings.",
            "N",
            parse=option_values.whole,
            default="20, or the whole grid",
            panel=SEARCH,
        ),
    ] = DEFAULTS.trials,
    time: Annotated[
        float | None,
        option(
            "--time",
            "Begin no further trial after so long: seconds, or 10m, 2h.",
            "TIME",
            parse=option_values.duration,
            default="no limit",
            panel=SEARCH,
        ),
    ] = DEFAULTS.time,
    jobs: Annotated[
        int | None,
        option(
            "--jobs",
            "Trials side by side.",
            "N",
            parse=option_values.whole,
            default="1, or all workers of --dask",
            panel=SEARCH,
        ),
    ] = DEFAULTS.jobs,
    space: Annotated[
        list[str] | None,
        option(
            "--space",
            "What to search: hidden=32..256:log, dropout=0..0.5, loss=mae|huber; repeat for several.",
            "NAME=VALUES",
            default="by the model",
            panel=SEARCH,
        ),
    ] = None,
    dask: Annotated[
        str | None,
        option(
            "--dask",
            "Run trials on the workers of this Dask scheduler.",
            "HOST:PORT",
            default="this machine",
            panel=SEARCH,
        ),
    ] = DEFAULTS.dask,
    storage: Annotated[
        str | None,
        option(
            "--storage",
            "With bayes: share proposals and results with other searches in this Optuna storage: a database, or a "
            "journal file in a folder that all machines see.",
            "URL|FILE",
            default="none",
            panel=SEARCH,
        ),
    ] = DEFAULTS.storage,
    show: Annotated[
        bool, switch("--show", "Show the trials so far, and search nothing.", panel=SEARCH)
    ] = False,
    every: TrainConfig = EVERY,
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
    for old in {text.partition("=")[0] for text in space or ()} & RENAMED.keys():
        context.obj.notes.append(renaming(f"--space {old}", f"--space {RENAMED[old]}"))
    settings = TuneConfig(
        method=method,
        trials=trials,
        time=time,
        jobs=jobs,
        space=tuple(space or ()),
        dask=dask,
        storage=storage,
    )

    def work() -> None:
        from lstm_cli.cli import signals
        from lstm_cli.cli.progress.reporters import listening
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.tune import tune_table
        from lstm_cli.steps.tune import tune as step

        with listening() as listen, signals.deferred() as should_stop:
            report = step(
                run,
                settings,
                every,
                listen,
                force=force,
                lock_wait=lock_wait,
                sources=sources_of(context, settings, every),
                should_stop=should_stop,
            )
        result.show("tune", report, tune_table, as_json=as_json, stages=listen.stages)

    def look() -> None:
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.tune import tune_table
        from lstm_cli.steps.tune.record import read_search

        result.show("tune", read_search(run), tune_table, as_json=as_json)

    if dry_run and not show:
        return show_plan(
            lambda planning: planning.plan_tune(run, settings, every, force=force), as_json=as_json
        )
    return look if show else work
