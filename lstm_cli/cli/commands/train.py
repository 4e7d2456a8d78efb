"""`lstm train RUN`."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import Annotated, Any

import typer

from lstm_cli.cli import option_values
from lstm_cli.cli.app import Work
from lstm_cli.cli.options import (
    ConfigOption,
    DryRunOption,
    ForceOption,
    JsonOption,
    LockWaitOption,
    TunedRunArgument,
    option,
    switch,
    with_options_of,
)
from lstm_cli.cli.render.dry_run import print_plan
from lstm_cli.cli.settings import setting_sources
from lstm_cli.config.extras import require_installed
from lstm_cli.config.search_space import value_text
from lstm_cli.config.train import TrainConfig
from lstm_cli.config.validators import restore_settings
from lstm_cli.errors import UsageError
from lstm_cli.events import Listener, Note

EXAMPLES = (
    "lstm train runs/load",
    "lstm train runs/piped --model stacked --hidden 32,16 --epochs 2 --seed 1",
)
SEARCHED, TRIED = "Settings found by tune", "Instead of training"  # panels
LOGS, GOING_ON = "Logs for other programs", "After an interruption"


@with_options_of(TrainConfig, into="settings")
def train(
    context: typer.Context,
    run: TunedRunArgument,
    *,
    settings: TrainConfig,
    tuned: Annotated[
        bool,
        option(
            "--tuned/--no-tuned",
            "Take what 'lstm tune' found best for settings that nothing else gives.",
            panel=SEARCHED,
        ),
    ] = True,
    find_lr: Annotated[
        bool,
        switch(
            "--find-lr",
            "Try learning rates instead: which to take, with a picture; nothing is kept.",
            panel=TRIED,
        ),
    ] = False,
    output: Annotated[
        str | None,
        option(
            "-o --output",
            "Where the picture of --find-lr goes.",
            "FILE",
            default="RUN/logs/find-lr.png",
            panel=TRIED,
        ),
    ] = None,
    tensorboard: Annotated[
        bool,
        switch(
            "--tensorboard",
            "Write RUN/logs/tensorboard for TensorBoard: losses, weights, forecasts.",
            panel=LOGS,
        ),
    ] = False,
    wandb: Annotated[
        bool,
        switch("--wandb", "Write RUN/logs/wandb for Weights & Biases, offline: nothing is sent.", panel=LOGS),
    ] = False,
    fresh: Annotated[
        bool,
        switch(
            "--fresh",
            "Begin at the start where an earlier training was ended, instead of going on from there.",
            panel=GOING_ON,
        ),
    ] = False,
    checkpoint_every: Annotated[
        int | None,
        option(
            "--checkpoint-every",
            "Keep what is trained every N epochs, for a training that is ended to go on from.",
            "N",
            parse=option_values.whole_number,
            default="every epoch, 5 s apart at least",
            panel=GOING_ON,
        ),
    ] = None,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Train a model on the data of a run.

    Ctrl-C ends the training at its next step; the model that the run had before stays. The same command goes on
    from the last epoch that was finished.
    """
    for asked, extra in ((tensorboard, "tensorboard"), (wandb, "wandb")):
        if asked:
            require_installed(f"--{extra}", extra)
    if output is not None and not find_lr:
        raise UsageError("--output is a setting of --find-lr", hint="add --find-lr", flag="--output")
    if checkpoint_every is not None and checkpoint_every < 1:
        raise UsageError(f"--checkpoint-every {checkpoint_every} is not 1 or more", flag="--checkpoint-every")

    def work() -> None:
        from lstm_cli.cli import signals
        from lstm_cli.cli.progress.broadcast import with_loggers
        from lstm_cli.cli.progress.reporters import progress_reporter
        from lstm_cli.cli.render import result
        from lstm_cli.cli.render.train import find_lr_table, train_table
        from lstm_cli.steps.shared.tuned_settings import tuned_settings
        from lstm_cli.steps.train import train as step
        from lstm_cli.training.loop import torchrun

        if torchrun.is_follower():
            if not find_lr:
                torchrun.follow(settings)
            return

        if find_lr:
            from lstm_cli.steps.train.find_lr import find_lr as look

            with progress_reporter() as heard, signals.defer_signals() as should_stop:
                found = look(run, settings, output, heard, should_stop=should_stop)
            result.print_result("train --find-lr", found, find_lr_table, as_json=as_json, stages=heard.stages)
            return
        with (
            torchrun.lead(settings),
            progress_reporter() as heard,
            with_loggers(heard, run, tensorboard=tensorboard, wandb=wandb, config=asdict(settings)) as listen,
            signals.defer_signals() as should_stop,
        ):
            if tuned:
                _print_winner(listen, tuned_settings(run), settings)
            report = step(
                run,
                settings,
                listen,
                force=force,
                lock_wait=lock_wait,
                sources=setting_sources(context, settings),
                fresh=fresh,
                checkpoint_every=checkpoint_every,
                should_stop=should_stop,
            )
        draw = partial(train_table, stages=heard.stages)
        result.print_result("train", report, draw, as_json=as_json, stages=heard.stages)

    if dry_run and find_lr:
        return print_plan(lambda planning: planning.plan_find_lr(run, output), as_json=as_json)
    if dry_run:
        return print_plan(
            lambda planning: planning.plan_train(run, settings, force=force, fresh=fresh), as_json=as_json
        )
    return work


def _print_winner(listen: Listener, winner: Mapping[str, Any], settings: TrainConfig) -> None:
    """Tell which settings are those that `tune` found best."""
    of_winner = restore_settings(TrainConfig, winner) if winner.get("model") == settings.model else None
    taken = [name for name in winner if of_winner and getattr(of_winner, name) == getattr(settings, name)]
    if taken:
        named = ", ".join(f"{name} {value_text(getattr(settings, name))}" for name in taken)
        listen(Note(text=f"settings of the winner of 'lstm tune': {named} (--no-tuned leaves them out)"))
