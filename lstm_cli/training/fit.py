"""The training loop: early stopping, clipping, a schedule, the best weights kept."""

import copy
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass

import torch
from torch import Tensor, nn

from lstm_cli.errors import Interrupted, TrainingDiverged
from lstm_cli.events import EpochEnded, Listener
from lstm_cli.models.dropout import seed_dropout
from lstm_cli.training.batches import DeviceWindows, in_turn
from lstm_cli.training.plan import Plan, learning_rate
from lstm_cli.training.step import backward, make_optimizer, move, set_rate

State = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What a training found."""

    weights: State  # of the best epoch, or the last where nothing was validated; on the CPU
    history: list[dict[str, float | int | str | bool | None]]  # one entry an epoch, as in EpochEnded
    best_epoch: int
    best_loss: float | None  # on validation; None where there was none
    steps: int
    stopped: str  # "epochs" or "patience"
    seconds: float


def fit(
    model: nn.Module,
    windows: DeviceWindows,
    validate: Callable[[nn.Module], float] | None,
    plan: Plan,
    *,
    part: str,
    listen: Listener,
    should_stop: Callable[[], int | None],
) -> Fitted:
    """Trains the model and returns the weights with the best validation loss; the model keeps the last ones.

    validate: the validation loss of a network in evaluation mode; None: all epochs of the plan are trained and
    the last weights returned. part: the name of what is trained, for the listener. should_stop: asked at every
    step; the number of a signal ends training with Interrupted. All chance comes from the plan's seed.
    Raises TrainingDiverged, naming epoch and step, for a loss, gradient or weight that is not finite.
    """
    began = time.monotonic()
    seed_dropout(model, torch.Generator(windows.device).manual_seed(plan.seed))
    order = in_turn(windows, plan.batch_size, torch.Generator().manual_seed(plan.seed))
    optimizer = make_optimizer(model, plan)
    kept = Average(model) if plan.averaged else model
    stopping = Stopping(plan)
    history: list[dict[str, float | int | str | bool | None]] = []
    weights: State = {}
    plateau = 1.0
    for epoch in range(plan.stop_after + 1):
        step = epoch * plan.steps_per_epoch
        loss = norm = first_norm = None
        if epoch:
            first = step - plan.steps_per_epoch
            shares = (plateau * learning_rate(plan, at) for at in range(first, step))
            loss, norm, first_norm = _train_epoch(
                model, kept, windows, order, optimizer, shares, plan, epoch=epoch, should_stop=should_stop
            )
        judged = kept.model if isinstance(kept, Average) else model
        val_loss = None if validate is None else _validated(judged, validate, epoch, step)
        best = epoch == plan.stop_after if val_loss is None else stopping.update(epoch, val_loss)
        if best:
            weights = {key: value.detach().cpu().clone() for key, value in judged.state_dict().items()}
        ended = EpochEnded(
            part=part,
            epoch=epoch,
            epochs=plan.stop_after,
            step=step,
            train_loss=loss,
            val_loss=val_loss,
            best=best and validate is not None,
            lr=plan.lr * plateau * learning_rate(plan, max(step - 1, 0)),
            grad_norm=norm,
            first_grad_norm=first_norm,
            seconds=time.monotonic() - began,
        )
        if epoch or validate is not None:  # before the first step there is nothing but a validation to tell
            history.append(asdict(ended))
            listen(ended)
        if stopping.over:
            break
        if plan.schedule == "plateau" and stopping.due(plan.patience // 3):
            plateau *= 0.5
    return Fitted(
        weights=weights,
        history=history,
        best_epoch=stopping.best_epoch if validate else plan.stop_after,
        best_loss=stopping.best if validate else None,
        steps=step,
        stopped="patience" if stopping.over and epoch < plan.stop_after else "epochs",
        seconds=time.monotonic() - began,
    )


def _validated(model: nn.Module, validate: Callable[[nn.Module], float], epoch: int, step: int) -> float:
    model.eval()
    with torch.no_grad():
        loss = validate(model)
    if not math.isfinite(loss):
        raise diverged("the validation loss", epoch, step)
    return loss


def _train_epoch(
    model: nn.Module,
    kept: "nn.Module | Average",
    windows: DeviceWindows,
    order: Iterator[Tensor],
    optimizer: torch.optim.Optimizer,
    shares: Iterator[float],
    plan: Plan,
    *,
    epoch: int,
    should_stop: Callable[[], int | None],
) -> tuple[float, float, float]:
    """One epoch; returns means over its steps: loss, gradient norm, and that of the first LSTM layer."""
    model.train()
    seen: list[Tensor] = []  # [3] of each step
    first = (epoch - 1) * plan.steps_per_epoch
    for number, share in enumerate(shares):
        signum = should_stop()
        if signum is not None:
            raise Interrupted(signum)
        set_rate(optimizer, plan.lr * share)
        seen.append(backward(model, windows.gather(next(order).to(windows.device)), plan))
        if number % 10 == 9 or number + 1 == plan.steps_per_epoch:
            # Read in tens: every read waits for the device.
            _require_finite(torch.stack(seen[-10:]), epoch, first + number + 1)
        move(model, optimizer, plan)
        if isinstance(kept, Average):
            kept.update(model, first + number)
    loss_mean, norm_mean, first_mean = torch.stack(seen).mean(dim=0).tolist()
    return loss_mean, norm_mean, first_mean


def _require_finite(recent: Tensor, epoch: int, step: int) -> None:
    """recent [n, 3]: losses and gradient norms of the last n steps, up to `step`."""
    finite = torch.isfinite(recent).all(dim=1).tolist()
    if not all(finite):
        raise diverged("the loss or its gradient", epoch, step - len(finite) + 1 + finite.index(False))


def diverged(what: str, epoch: int, step: int) -> TrainingDiverged:
    """The error of a training that left the finite numbers."""
    return TrainingDiverged(
        f"training diverged: {what} is not finite at epoch {epoch}, step {step}",
        hint="lower the learning rate (--lr), or clip harder (--clip-norm 0.1)",
    )


class Average:
    """An exponential moving average of a model's weights, short at first: decay min(.99, (1 + t) / (10 + t))."""

    def __init__(self, model: nn.Module) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Takes in the weights after a step, counted from 0."""
        decay = min(0.99, (1 + step) / (10 + step))
        for own, new in zip(self.model.parameters(), model.parameters(), strict=True):
            own.lerp_(new, 1 - decay)


class Stopping:
    """Early stopping: remembers the best validation loss and how long ago it was."""

    def __init__(self, plan: Plan) -> None:
        self.patience, self.min_delta = plan.patience, plan.min_delta
        self.best = math.inf
        self.best_epoch = 0
        self.waited = 0

    def update(self, epoch: int, loss: float) -> bool:
        """Takes in an epoch's loss; True where it is better than the best by more than min_delta."""
        if loss < self.best - self.min_delta:
            self.best, self.best_epoch, self.waited = loss, epoch, 0
            return True
        self.waited += 1
        return False

    def due(self, every: int) -> bool:
        """Whether a multiple of so many epochs went by since the best one."""
        return self.waited > 0 and self.waited % max(1, every) == 0

    @property
    def over(self) -> bool:
        return self.waited >= self.patience
