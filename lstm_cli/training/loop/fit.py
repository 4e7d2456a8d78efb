"""Training loop: early stopping, gradient clipping, learning rate schedule, and the best weights."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from lstm_cli.errors import TrainingDiverged
from lstm_cli.events import EpochEnded, Listener, TrainingStarted, WeightsRecorded, is_wanted
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.training.loop.batches import prefetch_to_device
from lstm_cli.training.loop.cuda_graph import CudaGraphStep, GpuQueueLimiter
from lstm_cli.training.loop.examples import Examples
from lstm_cli.training.loop.optimizer_step import apply_gradients, backward
from lstm_cli.training.loop.state import Entry, State, TrainingState
from lstm_cli.training.setup.checkpoint_state import NO_CHECKPOINT, CheckpointSlot, is_finished
from lstm_cli.training.setup.hyperparameters import Hyperparameters, learning_rate_share

Step = Callable[[Tensor], Tensor]  # indices [B] -> [3] as from `clip_gradient`


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """Result of one training."""

    weights: State  # of the best epoch, or of the last one without validation; on the CPU
    history: list[Entry]  # one entry per epoch, as in EpochEnded
    best_epoch: int
    best_loss: float | None  # validation loss; None without validation
    steps: int
    stopped: str  # "epochs" or "patience"
    seconds: float


def announce_training(
    model: nn.Module,
    examples: Examples,
    hparams: Hyperparameters,
    *,
    part: str,
    listen: Listener,
    slot: CheckpointSlot = NO_CHECKPOINT,
) -> None:
    """Send the event that a training begins, unless it finished in an earlier process.

    Args:
        model: network to train.
        examples: training examples.
        hparams: settings of the training.
        part: name of the network.
        listen: receiver of events.
        slot: stored state of the training.
    """
    if is_finished(slot):
        return
    listen(
        TrainingStarted(
            model=part,
            parameters=sum(weight.numel() for weight in model.parameters()),
            windows=len(examples),
            epochs=hparams.stop_after,
            steps_per_epoch=hparams.steps_per_epoch,
        )
    )


def fit(
    model: nn.Module,
    examples: Examples,
    validate: Callable[[nn.Module], float] | None,
    hparams: Hyperparameters,
    *,
    part: str,
    listen: Listener,
    should_stop: Callable[[], int | None],
    slot: CheckpointSlot = NO_CHECKPOINT,
) -> FitResult:
    """Train the model and return the weights with the best validation loss; the model keeps the last weights.

    All random numbers come from the seed of `hparams`. Under `torchrun`, every rank calls this function.

    Args:
        model: network to train.
        examples: training examples.
        validate: returns the validation loss of a network; None trains all epochs and returns the last weights. Only
            the loss of rank 0 counts.
        hparams: settings of the training.
        part: name of the network in events and errors.
        listen: receiver of events.
        should_stop: asked at every step; returns the number of a signal to stop at, else None.
        slot: state to resume from, and where the state after each epoch is saved.

    Raises:
        TrainingDiverged: a loss, gradient or weight is not finite; the message names epoch and step.
        Interrupted: `should_stop` returned a signal.
        IncompatibleState: the stored state belongs to another training.
    """
    state = TrainingState(model, examples, hparams, part=part)
    if slot.stored is not None:
        state.restore(slot.stored)
    run_step = _make_step(state, examples)
    while not state.is_finished:
        _next_epoch(state, examples, validate, run_step, listen, should_stop)
        if slot.save is not None:
            slot.save(state.save())
        if state.ranks is not None:
            state.ranks.share()  # the other ranks wait until rank 0 has saved
    validated = validate is not None
    return FitResult(
        weights=state.weights,
        history=state.history,
        best_epoch=state.stopping.best_epoch if validated else hparams.stop_after,
        best_loss=state.stopping.best if validated else None,
        steps=state.epoch * hparams.steps_per_epoch,
        stopped="patience" if state.stopping.should_stop and state.epoch < hparams.stop_after else "epochs",
        seconds=state.seconds,
    )


def _make_step(state: TrainingState, examples: Examples) -> Step:
    """Return the function of one optimizer step; on the GPU of a single process it is recorded and replayed."""
    model, hparams, ranks = state.model, state.hparams, state.ranks
    network = model if ranks is None or state.is_finished else ranks.parallel(model, examples, hparams)

    def run_step(indices: Tensor) -> Tensor:
        batch, measured = (
            (examples.gather(indices), None) if ranks is None else ranks.share_of_batch(examples, indices)
        )
        measures = backward(network, batch, hparams, measured=measured)
        apply_gradients(model, state.optimizer, hparams)
        if state.average is not None:
            state.average.update(model)
        return measures

    if ranks is None and examples.device.type == "cuda" and examples.has_fixed_shape:
        return CudaGraphStep(
            run_step, batch_size=hparams.batch_size, device=examples.device, generator=state.dropout
        )
    return run_step


def _next_epoch(
    state: TrainingState,
    examples: Examples,
    validate: Callable[[nn.Module], float] | None,
    run_step: Step,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> None:
    """Train and validate one epoch; epoch 0 is the validation before the first step."""
    hparams, epoch = state.hparams, state.epoch + 1
    step = epoch * hparams.steps_per_epoch
    loss = norm = first_norm = None
    if epoch:
        loss, norm, first_norm = _train_epoch(state, examples, run_step, epoch=epoch, should_stop=should_stop)
    network = state.validated_network
    val_loss = None if validate is None else _validation_loss(state, validate, epoch, step)
    is_best = epoch == hparams.stop_after if val_loss is None else state.stopping.update(epoch, val_loss)
    if is_best:
        state.keep_weights()
    event = EpochEnded(
        part=state.part,
        epoch=epoch,
        epochs=hparams.stop_after,
        step=step,
        train_loss=loss,
        val_loss=val_loss,
        best=is_best and validate is not None,
        lr=hparams.lr * state.plateau * learning_rate_share(hparams, max(step - 1, 0)),
        grad_norm=norm,
        first_grad_norm=first_norm,
        seconds=state.seconds,
    )
    if epoch or validate is not None:  # epoch 0 has nothing to report without a validation
        state.history.append(asdict(event))
        listen(event)
        if is_wanted(listen, WeightsRecorded):
            listen(_weights_event(network, event))
    state.epoch = epoch
    if (
        hparams.schedule == "plateau"
        and not state.is_finished
        and state.stopping.is_due(hparams.patience // 3)
    ):
        state.plateau *= 0.5


def _weights_event(model: nn.Module, event: EpochEnded) -> WeightsRecorded:
    return WeightsRecorded(
        part=event.part,
        epoch=event.epoch,
        step=event.step,
        validated=event.val_loss is not None,
        weights={name: weight.detach().cpu().numpy().copy() for name, weight in model.named_parameters()},
    )


def _validation_loss(
    state: TrainingState, validate: Callable[[nn.Module], float], epoch: int, step: int
) -> float:
    """Return the validation loss of rank 0. Raise TrainingDiverged if it is not finite."""
    model = state.validated_network.eval()
    with torch.no_grad():
        loss = validate(model)
    if state.ranks is not None:
        loss = state.ranks.share(loss)
    if not math.isfinite(loss):
        raise divergence_error(state.part, "the validation loss", epoch, step)
    return loss


def _train_epoch(
    state: TrainingState,
    examples: Examples,
    run_step: Step,
    *,
    epoch: int,
    should_stop: Callable[[], int | None],
) -> tuple[float, float, float]:
    """Train one epoch and return the means over its steps: loss, gradient norm, and that of the first LSTM layer."""
    model, hparams, part = state.model, state.hparams, state.part
    model.train()
    measures: list[Tensor] = []  # [3] per step since the last check
    checked: list[Tensor] = []  # [n, 3] per check of n steps
    limiter = GpuQueueLimiter(examples.device)
    first = (epoch - 1) * hparams.steps_per_epoch
    for number, indices in enumerate(
        prefetch_to_device(state.order, hparams.steps_per_epoch, examples.device)
    ):
        raise_if_interrupted(should_stop)
        state.set_step(first + number)
        measures.append(run_step(indices))
        limiter.wait()
        if number + 1 == hparams.steps_per_epoch or (examples.device.type == "cpu" and number % 10 == 9):
            # A read waits for the device: once per epoch on a GPU, every ten steps on the CPU to stop early.
            recent = torch.stack(measures)
            checked.append(recent if state.ranks is None else state.ranks.mean(recent))
            _require_finite(checked[-1], part, epoch, first + number + 1)
            measures.clear()
    _require_finite_weights([model, state.validated_network], part, epoch, first + hparams.steps_per_epoch)
    loss_mean, norm_mean, first_mean = torch.cat(checked).mean(dim=0).tolist()
    return loss_mean, norm_mean, first_mean


def _require_finite(recent: Tensor, part: str, epoch: int, step: int) -> None:
    """Raise TrainingDiverged unless losses and gradient norms [n, 3] of the last n steps, up to `step`, are finite."""
    finite = torch.isfinite(recent).all(dim=1).tolist()
    if not all(finite):
        failed_step = step - len(finite) + 1 + finite.index(False)
        raise divergence_error(part, "the loss or its gradient", epoch, failed_step)


def _require_finite_weights(models: list[nn.Module], part: str, epoch: int, step: int) -> None:
    """Raise TrainingDiverged for a weight that became infinite after the last loss of the epoch; no loss shows that."""
    finite = [torch.isfinite(value).all() for model in models for value in model.parameters()]
    if not bool(torch.stack(finite).all()):
        raise divergence_error(part, "a weight", epoch, step)


def divergence_error(part: str, what: str, epoch: int, step: int) -> TrainingDiverged:
    """Return the error for a value that is not finite.

    Args:
        part: name of the network.
        what: value that is not finite.
        epoch: epoch, from 1; 0 is the validation before the first step.
        step: optimizer step.
    """
    return TrainingDiverged(
        f"training diverged in {part}: {what} is not finite at epoch {epoch}, step {step}",
        hint="use a lower learning rate (--lr) or stronger gradient clipping (--clip-norm 0.1)",
    )
