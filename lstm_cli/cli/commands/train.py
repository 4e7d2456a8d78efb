"""`lstm train RUN`."""

from dataclasses import asdict
from functools import partial
from pathlib import Path
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
    TunedRunArgument,
    option,
    switch,
    with_options_of,
)
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.cli.settings import setting_sources
from lstm_cli.config import option_values
from lstm_cli.config.extras import require_installed
from lstm_cli.config.tasks import TrainOfTasks
from lstm_cli.config.train import KEEP_MODELS, TrainConfig, require_keep
from lstm_cli.config.validators import require_at_least
from lstm_cli.errors import UsageError

EXAMPLES = (
    "lstm train runs/load",
    "lstm train runs/piped --model stacked --hidden 32,16 --epochs 2 --seed 1",
)
START_PANEL = "Warm start"
TUNED_PANEL, FIND_LR_PANEL = "Tuned settings", "Learning rate finder"
LOGS_PANEL, RESUME_PANEL = "Logging", "Resuming"


@with_options_of(TrainConfig, into="settings")
@with_options_of(TrainOfTasks, into="network")
def train(
    context: typer.Context,
    run: TunedRunArgument,
    *,
    settings: TrainConfig,
    network: TrainOfTasks,
    tuned: Annotated[
        bool,
        option(
            "--tuned/--no-tuned",
            "Settings of the winner of 'lstm tune' as defaults.",
            panel=TUNED_PANEL,
        ),
    ] = True,
    start: Annotated[
        Path | None,
        option(
            "--from",
            "Run whose model is the start of the training; it may be RUN itself.",
            "RUN2",
            parse=option_values.run_path,
            default="random weights",
            panel=START_PANEL,
        ),
    ] = None,
    find_lr: Annotated[
        bool,
        switch(
            "--find-lr",
            "Learning rate range test with a plot, without training a model.",
            panel=FIND_LR_PANEL,
        ),
    ] = False,
    output: Annotated[
        str | None,
        option(
            "-o --output",
            "Plot file of --find-lr.",
            "FILE",
            default="RUN/logs/find-lr.png",
            panel=FIND_LR_PANEL,
        ),
    ] = None,
    tensorboard: Annotated[
        bool,
        switch(
            "--tensorboard",
            "TensorBoard log of losses, weights and forecasts in RUN/logs/tensorboard.",
            panel=LOGS_PANEL,
        ),
    ] = False,
    wandb: Annotated[
        bool,
        switch(
            "--wandb",
            "Weights & Biases log in RUN/logs/wandb (offline, nothing is sent).",
            panel=LOGS_PANEL,
        ),
    ] = False,
    fresh: Annotated[
        bool,
        switch(
            "--fresh",
            "Start over instead of resuming an interrupted training.",
            panel=RESUME_PANEL,
        ),
    ] = False,
    checkpoint_every: Annotated[
        int | None,
        option(
            "--checkpoint-every",
            "Save a checkpoint every N epochs.",
            "N",
            parse=option_values.whole_number,
            default="each epoch, at least 5 s apart",
            panel=RESUME_PANEL,
        ),
    ] = None,
    keep: KeepOption = KEEP_MODELS,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Train a model on the data of a run.

    Ctrl-C stops the training at its next step, and the previous model of the run stays. The same command resumes
    the training from the last checkpoint.
    """
    for requested, extra in ((tensorboard, "tensorboard"), (wandb, "wandb")):
        if requested:
            require_installed(f"--{extra}", extra)
    if output is not None and not find_lr:
        raise UsageError("--output needs --find-lr", hint="add --find-lr", flag="--output")
    require_at_least("--checkpoint-every", checkpoint_every, 1)
    require_keep(keep)

    def work() -> None:
        from lstm_cli.cli import signals
        from lstm_cli.cli.progress.broadcast import with_loggers
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.classify import classifier_table, draw_task
        from lstm_cli.cli.render.generate import language_model_table
        from lstm_cli.cli.render.train import find_lr_table, train_table
        from lstm_cli.rundir import reading_manifest
        from lstm_cli.steps.shared.tuned_settings import tuned_settings
        from lstm_cli.steps.train import train as step
        from lstm_cli.training.loop import torchrun

        if torchrun.is_follower():
            if not find_lr:
                torchrun.follow(settings)
            return

        if find_lr:
            from lstm_cli.steps.train.find_lr import find_lr as find_lr_step

            with progress_reporter() as reporter, signals.defer_signals() as should_stop:
                lr_report = find_lr_step(
                    run,
                    settings,
                    output,
                    reporter,
                    start=start,
                    should_stop=should_stop,
                    network=network,
                )
            result.print_result(
                "train --find-lr", lr_report, find_lr_table, as_json=as_json, stages=reporter.stages
            )
            return
        with (
            torchrun.lead(settings),
            progress_reporter() as reporter,
            with_loggers(
                reporter, run, tensorboard=tensorboard, wandb=wandb, config=asdict(settings)
            ) as listen,
            signals.defer_signals() as should_stop,
        ):
            with reading_manifest(run):
                winner = tuned_settings(run) if tuned else {}
            report = step(
                run,
                settings,
                listen,
                start=start,
                force=force,
                lock_wait=lock_wait,
                sources=setting_sources(context, settings, network),
                fresh=fresh,
                checkpoint_every=checkpoint_every,
                keep=keep,
                should_stop=should_stop,
                network=network,
                winner=winner,
            )
        other_tasks = {"classify": classifier_table, "generate": language_model_table}
        draw = partial(draw_task(train_table, other_tasks), stages=reporter.stages)
        result.print_result("train", report, draw, as_json=as_json, stages=reporter.stages)

    if dry_run and find_lr:
        return print_plan(lambda planning: planning.plan_find_lr(run, output), as_json=as_json)
    if dry_run:
        return print_plan(
            lambda planning: planning.plan_train(
                run,
                settings,
                force=force,
                fresh=fresh,
                start=start,
                network=network,
                sources=setting_sources(context, settings, network),
            ),
            as_json=as_json,
        )
    return work
