"""The training loop: early stopping, clipping, a schedule, the best weights kept."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from lstm_cli.errors import TrainingDiverged
from lstm_cli.events import EpochEnded, Listener, TrainingStarted, WeightsSeen, wanted
from lstm_cli.interrupts import heed
from lstm_cli.training.loop.batches import DeviceWindows, sent
from lstm_cli.training.loop.cuda_graph import Pace, Recorded
from lstm_cli.training.loop.distributed import Shared, shared
from lstm_cli.training.loop.optimizer_step import backward, move
from lstm_cli.training.loop.state import Entry, State, Underway
from lstm_cli.training.setup.checkpoint_state import NOWHERE, Keep, is_over
from lstm_cli.training.setup.hyperparameters import Plan, learning_rate

Step = Callable[[Tensor], Tensor]  # places [B] of windows -> [3], as `clipped` gives it


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What a training found."""

    weights: State  # of the best epoch, or the last where nothing was validated; on the CPU
    history: list[Entry]  # one entry an epoch, as in EpochEnded
    best_epoch: int
    best_loss: float | None  # on validation; None where there was none
    steps: int
    stopped: str  # "epochs" or "patience"
    seconds: float


def announce(
    model: nn.Module, windows: DeviceWindows, plan: Plan, *, part: str, listen: Listener, keep: Keep = NOWHERE
) -> None:
    """Tell the listener that a training begins, unless it came to its end in another process."""
    if is_over(keep):
        return
    listen(
        TrainingStarted(
            model=part,
            parameters=sum(weight.numel() for weight in model.parameters()),
            windows=len(windows),
            epochs=plan.stop_after,
            steps_per_epoch=plan.steps_per_epoch,
        )
    )


def fit(
    model: nn.Module,
    windows: DeviceWindows,
    validate: Callable[[nn.Module], float] | None,
    plan: Plan,
    *,
    part: str,
    listen: Listener,
    should_stop: Callable[[], int | None],
    keep: Keep = NOWHERE,
) -> Fitted:
    """Trains the model and returns the weights with the best validation loss; the model keeps the last ones.

    validate: the validation loss of a network in evaluation mode; None: all epochs of the plan are trained and
    the last weights returned. part: the name of what is trained, for the listener. should_stop: asked at every
    step; the number of a signal ends training with Interrupted. All chance comes from the plan's seed. keep: where
    the state is left after every epoch, and one to go on from.
    Raises TrainingDiverged, naming epoch and step, for a loss, gradient or weight that is not finite; StateUnfit
    for a state of another training.
    """
    with shared(model, windows, plan) as share:
        course = Underway(model, windows, plan, part=part)
        if keep.found is not None:
            course.take_up(keep.found)
        take = _step(course, windows, share, should_stop)
        while not course.over:
            _next_epoch(course, windows, validate, take, listen, should_stop)
            if keep.save is not None:
                keep.save(course.saved())
    validated = validate is not None
    return Fitted(
        weights=course.weights,
        history=course.history,
        best_epoch=course.stopping.best_epoch if validated else plan.stop_after,
        best_loss=course.stopping.best if validated else None,
        steps=course.epoch * plan.steps_per_epoch,
        stopped="patience" if course.stopping.over and course.epoch < plan.stop_after else "epochs",
        seconds=course.seconds,
    )


def _step(
    course: Underway, windows: DeviceWindows, share: Shared | None, should_stop: Callable[[], int | None]
) -> Step:
    """A whole optimizer step; on a GPU of one process it is recorded and replayed."""
    model, plan = course.model, course.plan

    def take(chosen: Tensor) -> Tensor:
        found = (
            backward(model, windows.gather(chosen), plan)
            if share is None
            else share.backward(chosen, course.step, should_stop)
        )
        move(model, course.optimizer, plan)
        if course.average is not None:
            course.average.update(model)
        return found

    if share is None and windows.device.type == "cuda":
        return Recorded(take, places=plan.batch_size, device=windows.device, chance=course.dropout)
    return take


def _next_epoch(
    course: Underway,
    windows: DeviceWindows,
    validate: Callable[[nn.Module], float] | None,
    take: Step,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> None:
    """Trains an epoch and validates it; the first is the validation before any step."""
    plan, epoch = course.plan, course.epoch + 1
    step = epoch * plan.steps_per_epoch
    loss = norm = first_norm = None
    if epoch:
        loss, norm, first_norm = _train_epoch(course, windows, take, epoch=epoch, should_stop=should_stop)
    judged = course.judged
    val_loss = None if validate is None else _validated(judged, validate, course.part, epoch, step)
    best = epoch == plan.stop_after if val_loss is None else course.stopping.update(epoch, val_loss)
    if best:
        course.keep_weights()
    ended = EpochEnded(
        part=course.part,
        epoch=epoch,
        epochs=plan.stop_after,
        step=step,
        train_loss=loss,
        val_loss=val_loss,
        best=best and validate is not None,
        lr=plan.lr * course.plateau * learning_rate(plan, max(step - 1, 0)),
        grad_norm=norm,
        first_grad_norm=first_norm,
        seconds=course.seconds,
    )
    if epoch or validate is not None:  # before the first step there is nothing but a validation to tell
        course.history.append(asdict(ended))
        listen(ended)
        if wanted(listen, WeightsSeen):
            listen(_weights(judged, ended))
    course.epoch = epoch
    if plan.schedule == "plateau" and not course.over and course.stopping.due(plan.patience // 3):
        course.plateau *= 0.5


def _weights(model: nn.Module, ended: EpochEnded) -> WeightsSeen:
    return WeightsSeen(
        part=ended.part,
        epoch=ended.epoch,
        step=ended.step,
        validated=ended.val_loss is not None,
        weights={name: weight.detach().cpu().numpy().copy() for name, weight in model.named_parameters()},
    )


def _validated(
    model: nn.Module, validate: Callable[[nn.Module], float], part: str, epoch: int, step: int
) -> float:
    model.eval()
    with torch.no_grad():
        loss = validate(model)
    if not math.isfinite(loss):
        raise diverged(part, "the validation loss", epoch, step)
    return loss


def _train_epoch(
    course: Underway,
    windows: DeviceWindows,
    take: Step,
    *,
    epoch: int,
    should_stop: Callable[[], int | None],
) -> tuple[float, float, float]:
    """One epoch; returns means over its steps: loss, gradient norm, and that of the first LSTM layer."""
    model, plan, part = course.model, course.plan, course.part
    model.train()
    seen: list[Tensor] = []  # [3] of each step
    read = 0  # of them
    pace = Pace(windows.device)
    first = (epoch - 1) * plan.steps_per_epoch
    for number, chosen in enumerate(sent(course.order, plan.steps_per_epoch, windows.device)):
        heed(should_stop)
        course.at(first + number)
        seen.append(take(chosen))
        pace.step()
        if number + 1 == plan.steps_per_epoch or (windows.device.type == "cpu" and number % 10 == 9):
            # A read waits for the device: on a GPU once an epoch, on the CPU in tens, to end a lost one early.
            _require_finite(torch.stack(seen[read:]), part, epoch, first + number + 1)
            read = number + 1
    _require_finite_weights([model, course.judged], part, epoch, first + plan.steps_per_epoch)
    loss_mean, norm_mean, first_mean = torch.stack(seen).mean(dim=0).tolist()
    return loss_mean, norm_mean, first_mean


def _require_finite(recent: Tensor, part: str, epoch: int, step: int) -> None:
    """recent [n, 3]: losses and gradient norms of the last n steps, up to `step`."""
    finite = torch.isfinite(recent).all(dim=1).tolist()
    if not all(finite):
        at = step - len(finite) + 1 + finite.index(False)
        raise diverged(part, "the loss or its gradient", epoch, at)


def _require_finite_weights(models: list[nn.Module], part: str, epoch: int, step: int) -> None:
    """Once an epoch: a weight that left the finite numbers after the last loss was computed shows nowhere else."""
    finite = [torch.isfinite(value).all() for model in models for value in model.parameters()]
    if not bool(torch.stack(finite).all()):
        raise diverged(part, "a weight", epoch, step)


def diverged(part: str, what: str, epoch: int, step: int) -> TrainingDiverged:
    """The error of a training that left the finite numbers."""
    return TrainingDiverged(
        f"training diverged in {part}: {what} is not finite at epoch {epoch}, step {step}",
        hint="lower the learning rate (--lr), or clip harder (--clip-norm 0.1)",
    )
