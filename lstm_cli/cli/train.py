"""`lstm train RUN`."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any

from lstm_cli.cli import values
from lstm_cli.cli.app import Work
from lstm_cli.cli.options import (
    ConfigOption,
    JsonOption,
    LockWaitOption,
    ThreadsOption,
    TunedRunArgument,
    option,
    switch,
    winner_of,
)
from lstm_cli.config.extras import require_extra
from lstm_cli.config.space import as_text
from lstm_cli.config.verbs import (
    EFFORTS,
    HEADS,
    INITS,
    LOGS,
    LOSSES,
    MODELS,
    OPTIMIZERS,
    PARTS,
    SCHEDULES,
    STEP_PRECISIONS,
    TrainConfig,
    restored,
)
from lstm_cli.errors import UsageError
from lstm_cli.events import Listener, Noted

EXAMPLES = (
    "lstm train runs/load",
    "lstm train runs/piped --model stacked --hidden 32,16 --epochs 2 --seed 1",
)
DEFAULTS = TrainConfig()
OWN = "the model's own"


def train(
    run: TunedRunArgument,
    model: Annotated[
        str,
        option(
            "--model", "segment: a linear forecast and an LSTM; stacked: the textbook LSTM.", choices=MODELS
        ),
    ] = DEFAULTS.model,
    effort: Annotated[
        str,
        option(
            "--effort",
            "Of segment. fast: linear and anchored parts, no refit; best: several seeds and learning rates.",
            choices=EFFORTS,
        ),
    ] = DEFAULTS.effort,
    parts: Annotated[
        list[str] | None,
        option(
            "--parts", "Train just this part of segment (repeatable).", choices=PARTS, default="by effort"
        ),
    ] = None,
    refit: Annotated[
        bool | None,
        option(
            "--refit/--no-refit",
            "Fit what validation chose again on training and validation rows.",
            default="on for segment unless the rows are too few, off for stacked",
        ),
    ] = DEFAULTS.refit,
    logs: Annotated[
        str,
        option("--logs", "Forecast the logarithm of the targets; auto: as validation says.", choices=LOGS),
    ] = DEFAULTS.logs,
    segment: Annotated[
        int | None,
        option("--segment", "Steps in one segment.", "N", parse=values.whole, default="about a season"),
    ] = DEFAULTS.segment,
    hidden: Annotated[
        Any, option("--hidden", "Sizes of the LSTM layers.", "N,N", parse=values.sizes, default=OWN)
    ] = DEFAULTS.hidden,
    dropout: Annotated[
        float | None,
        option(
            "--dropout",
            "Share of activations dropped while training.",
            "X|N%",
            parse=values.share,
            default=OWN,
        ),
    ] = DEFAULTS.dropout,
    bidirectional: Annotated[
        bool, switch("--bidirectional", "Of stacked: every layer reads backwards too.")
    ] = DEFAULTS.bidirectional,
    batch_norm: Annotated[
        bool, switch("--batch-norm", "Of stacked: batch normalisation after each layer.")
    ] = DEFAULTS.batch_norm,
    layer_norm: Annotated[
        bool, switch("--layer-norm", "Of stacked: layer normalisation after each layer.")
    ] = DEFAULTS.layer_norm,
    attention: Annotated[
        int,
        option(
            "--attention",
            "Self-attention with so many heads over the LSTM's outputs.",
            "HEADS",
            parse=values.whole,
            default="none",
        ),
    ] = DEFAULTS.attention,
    head: Annotated[
        str,
        option(
            "--head",
            "Of stacked: forecast from the last state, the mean output, a learned mean, or by a decoder.",
            choices=HEADS,
        ),
    ] = DEFAULTS.head,
    init: Annotated[
        str | None,
        option(
            "--init",
            "Of stacked: how weights begin; recurrent ones are then orthogonal.",
            choices=INITS,
            default="as torch does",
        ),
    ] = DEFAULTS.init,
    forget_bias: Annotated[
        bool, switch("--forget-bias", "Of stacked: forget gates begin open, with a bias of 1.")
    ] = DEFAULTS.forget_bias,
    epochs: Annotated[
        int | None,
        option(
            "--epochs",
            "At most so many epochs, with a validation after each.",
            "N",
            parse=values.whole,
            default=OWN,
        ),
    ] = DEFAULTS.epochs,
    patience: Annotated[
        int | None,
        option(
            "--patience",
            "Stop after so many epochs without a better one.",
            "N",
            parse=values.whole,
            default=OWN,
        ),
    ] = DEFAULTS.patience,
    min_delta: Annotated[
        float,
        option(
            "--min-delta", "Better is a validation loss lower by more than this.", "X", parse=values.number
        ),
    ] = DEFAULTS.min_delta,
    batch_size: Annotated[
        int | None,
        option("--batch-size", "Windows in one optimizer step.", "N", parse=values.whole, default=OWN),
    ] = DEFAULTS.batch_size,
    optimizer: Annotated[
        str, option("--optimizer", "How weights are moved.", choices=OPTIMIZERS)
    ] = DEFAULTS.optimizer,
    lr: Annotated[
        float | None, option("--lr", "Learning rate at its peak.", "X", parse=values.number, default=OWN)
    ] = DEFAULTS.lr,
    weight_decay: Annotated[
        float, option("--weight-decay", "Pull of the weights towards 0.", "X", parse=values.number)
    ] = DEFAULTS.weight_decay,
    max_norm: Annotated[
        float | None,
        option(
            "--max-norm",
            "Hold the norm of the weights into each unit at or below this.",
            "X",
            parse=values.number,
            default="not held",
        ),
    ] = DEFAULTS.max_norm,
    schedule: Annotated[
        str, option("--schedule", "How the learning rate falls.", choices=SCHEDULES)
    ] = DEFAULTS.schedule,
    clip_norm: Annotated[
        float | None,
        option(
            "--clip-norm",
            "Hold the gradient's norm at or below this; 0: not clipped.",
            "X",
            parse=values.number,
        ),
    ] = DEFAULTS.clip_norm,
    clip_value: Annotated[
        float | None,
        option(
            "--clip-value",
            "Hold each entry of the gradient within +-X.",
            "X",
            parse=values.number,
            default="not held",
        ),
    ] = DEFAULTS.clip_value,
    loss: Annotated[str, option("--loss", "What training minimises.", choices=LOSSES)] = DEFAULTS.loss,
    seed: Annotated[
        int, option("--seed", "Of all chance: same seed, same machine, same result.", "N", parse=values.whole)
    ] = DEFAULTS.seed,
    device: Annotated[str, option("--device", "Where to train.", "auto|cpu|cuda[:N]")] = DEFAULTS.device,
    precision: Annotated[
        str,
        option(
            "--precision",
            "Of the training steps; auto: bf16 where that was measured to be faster and as good.",
            choices=STEP_PRECISIONS,
        ),
    ] = DEFAULTS.precision,
    threads: ThreadsOption = DEFAULTS.threads,
    min: Annotated[
        Any,
        option(
            "--min",
            "No forecast below this, in the file's units; auto: 0 where no training value is negative.",
            "X|auto|none",
            parse=values.lower_bound,
        ),
    ] = DEFAULTS.min,
    max: Annotated[
        Any,
        option(
            "--max",
            "No forecast above this, in the file's units.",
            "X|none",
            parse=values.upper_bound,
            default="none",
        ),
    ] = DEFAULTS.max,
    tuned: Annotated[
        bool,
        option(
            "--tuned/--no-tuned", "Take what 'lstm tune' found best for settings that nothing else gives."
        ),
    ] = True,
    find_lr: Annotated[
        bool,
        switch("--find-lr", "Try learning rates instead: which to take, with a picture; nothing is kept."),
    ] = False,
    output: Annotated[
        str | None,
        option("-o --output", "Where the picture of --find-lr goes.", "FILE", default="RUN/logs/find-lr.png"),
    ] = None,
    tensorboard: Annotated[
        bool,
        switch("--tensorboard", "Write RUN/logs/tensorboard for TensorBoard: losses, weights, forecasts."),
    ] = False,
    wandb: Annotated[
        bool, switch("--wandb", "Write RUN/logs/wandb for Weights & Biases, offline: nothing is sent.")
    ] = False,
    lock_wait: LockWaitOption = 0.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> Work:
    """Train a model on the data of a run.

    Ctrl-C ends the training at its next step; the model that the run had before stays.
    """
    settings = TrainConfig(
        model=model,
        effort=effort,
        parts=tuple(parts or ()),
        refit=refit,
        logs=logs,
        segment=segment,
        hidden=hidden,
        dropout=dropout,
        bidirectional=bidirectional,
        batch_norm=batch_norm,
        layer_norm=layer_norm,
        attention=attention,
        head=head,
        init=init,
        forget_bias=forget_bias,
        epochs=epochs,
        patience=patience,
        min_delta=min_delta,
        batch_size=batch_size,
        optimizer=optimizer,
        lr=lr,
        weight_decay=weight_decay,
        max_norm=max_norm,
        schedule=schedule,
        clip_norm=clip_norm,
        clip_value=clip_value,
        loss=loss,
        seed=seed,
        device=device,
        precision=precision,
        threads=threads,
        min=min,
        max=max,
    )

    for asked, extra in ((tensorboard, "tensorboard"), (wandb, "wandb")):
        if asked:
            require_extra(f"--{extra}", extra)
    if output is not None and not find_lr:
        raise UsageError("--output is a setting of --find-lr", hint="add --find-lr")

    def work() -> None:
        from lstm_cli.cli import page, signals, tables
        from lstm_cli.cli.watching import watching
        from lstm_cli.steps.train import train as step

        if find_lr:
            from lstm_cli.cli.progress import listening
            from lstm_cli.steps.find_lr import find_lr as look

            with listening() as listen, signals.deferred() as should_stop:
                found = look(run, settings, output, listen, should_stop=should_stop)
            page.show(found, tables.find_lr_table, as_json=as_json)
            return
        watched = watching(run, tensorboard=tensorboard, wandb=wandb, config=asdict(settings))
        with watched as listen, signals.deferred() as should_stop:
            if tuned:
                _tell_winner(listen, winner_of(run), settings)
            report = step(run, settings, listen, lock_wait=lock_wait, should_stop=should_stop)
        page.show(report, tables.train_table, as_json=as_json)

    return work


def _tell_winner(listen: Listener, winner: Mapping[str, Any], settings: TrainConfig) -> None:
    """Tell which settings are those that `tune` found best."""
    of_winner = restored(TrainConfig, winner) if winner.get("model") == settings.model else None
    taken = [name for name in winner if of_winner and getattr(of_winner, name) == getattr(settings, name)]
    if taken:
        named = ", ".join(f"{name} {as_text(getattr(settings, name))}" for name in taken)
        listen(Noted(text=f"settings of the winner of 'lstm tune': {named} (--no-tuned leaves them out)"))
