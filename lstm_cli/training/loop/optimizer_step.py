"""One optimizer step: the loss, its gradient, clipping, and the weights' move."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lstm_cli.training.loop.batches import TensorBatch
from lstm_cli.training.setup.hyperparameters import Hyperparameters


def make_optimizer(model: nn.Module, hparams: Hyperparameters) -> torch.optim.Optimizer:
    """The optimizer that the plan names; on a GPU one whose every figure lies there, so that it can be recorded."""
    kinds: dict[str, Callable[..., torch.optim.Optimizer]] = {
        "adamw": torch.optim.AdamW,
        "adam": torch.optim.Adam,
        "sgd": torch.optim.SGD,
        "rmsprop": torch.optim.RMSprop,
    }
    options: dict[str, Any] = {"lr": hparams.lr, "weight_decay": hparams.weight_decay}
    if hparams.optimizer == "sgd":
        options["momentum"] = 0.9
    device = next(model.parameters()).device
    if device.type == "cuda":
        options["lr"] = torch.tensor(hparams.lr, device=device)
        if hparams.optimizer != "rmsprop":
            options["fused"] = True  # one kernel for all weights
        if hparams.optimizer != "sgd":
            options["capturable"] = True
    return kinds[hparams.optimizer](model.parameters(), **options)


def set_learning_rate(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """The learning rate of the steps from now on."""
    for group in optimizer.param_groups:
        group["lr"] = replace_value(group["lr"], lr)


def replace_value(current: float | Tensor, value: float) -> float | Tensor:
    """A figure with another value: one on a GPU stays where it is, so that a recorded step follows it."""
    return current.fill_(value) if isinstance(current, Tensor) else value


def backward(model: nn.Module, batch: TensorBatch, hparams: Hyperparameters) -> Tensor:
    """Leaves the clipped gradient of the batch's loss in the model. Returns what `clipped` does."""
    model.zero_grad(set_to_none=True)
    return clip_gradient(model, hparams, differentiate(model, batch, hparams))


def differentiate(
    model: nn.Module, batch: TensorBatch, hparams: Hyperparameters, *, measured: Tensor | None = None
) -> Tensor:
    """The batch's loss [], whose gradient is added to the model's. measured: as for `batch_loss`."""
    with torch.autocast(batch.past.device.type, torch.bfloat16, enabled=hparams.bf16):
        loss = batch_loss(model, batch, hparams.loss, measured=measured)
    loss.backward()
    return loss


def clip_gradient(model: nn.Module, hparams: Hyperparameters, loss: Tensor) -> Tensor:
    """Holds the gradient in the model within what the plan says.

    Returns [3]: the loss, the norm that the gradient had before any clipping, and that of the first LSTM layer.
    """
    norm = gradient_norm(model)
    measures = torch.stack([loss.detach(), norm, gradient_norm(first_lstm_layer(model))])
    _clip(model, hparams, norm)
    return measures


def apply_gradients(model: nn.Module, optimizer: torch.optim.Optimizer, hparams: Hyperparameters) -> None:
    """Moves the weights along their gradient, and holds them as the plan says."""
    optimizer.step()
    if hparams.max_norm is not None:
        apply_max_norm(model, hparams.max_norm)


def batch_loss(model: nn.Module, batch: TensorBatch, kind: str, *, measured: Tensor | None = None) -> Tensor:
    """Mean loss over the measured targets, each error divided by the model's loss scale.

    measured: the number [] that the sum is divided by; None: of the measured targets of this batch.
    """
    forecast = model(batch.past, batch.future, batch.mask)
    error = (forecast - batch.target) / model.loss_scale(batch.past, batch.mask)  # type: ignore[operator]
    if kind == "mae":
        cost = error.abs()
    elif kind == "mse":
        cost = error.square()
    else:
        cost = nn.functional.huber_loss(error, torch.zeros_like(error), reduction="none")
    measured = batch.observed.sum().clamp(min=1) if measured is None else measured
    return (cost * batch.observed).sum() / measured


def first_lstm_layer(model: nn.Module) -> nn.Module:
    """The LSTM layer nearest to the input; the model itself where it has none."""
    return next((module for module in model.modules() if isinstance(module, nn.LSTM)), model)


def gradient_norm(model: nn.Module) -> Tensor:
    """The norm [] of the whole gradient of a model."""
    return nn.utils.get_total_norm([weight.grad for weight in model.parameters() if weight.grad is not None])


@torch.no_grad()
def apply_max_norm(model: nn.Module, max_norm: float) -> None:
    """Scales the weights that come into a unit down to the norm `most`, where theirs is larger.

    A row of a matrix is what comes into one unit, or into one gate of it (Srivastava et al. 2014, max-norm).
    """
    for weight in model.parameters():
        if weight.dim() == 2:
            weight.renorm_(2, 0, max_norm)


def _clip(model: nn.Module, hparams: Hyperparameters, norm: Tensor) -> None:
    """Holds each entry of the gradient, and then its norm (now `norm`), within what the plan says."""
    if hparams.clip_value is not None:
        nn.utils.clip_grad_value_(model.parameters(), hparams.clip_value)
        norm = gradient_norm(model)
    if hparams.clip_norm:
        nn.utils.clip_grads_with_norm_(model.parameters(), hparams.clip_norm, norm)
