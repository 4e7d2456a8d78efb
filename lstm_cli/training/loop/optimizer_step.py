"""Optimizer step: loss, gradient, clipping, and the update of the weights."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from lstm_cli.training.loop.examples import Batch
from lstm_cli.training.setup.hyperparameters import Hyperparameters


def make_optimizer(model: nn.Module, hparams: Hyperparameters) -> torch.optim.Optimizer:
    """Return the named optimizer; on a GPU its state is on the device, so that a step can be recorded."""
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
    """Set the learning rate of the following steps."""
    for group in optimizer.param_groups:
        group["lr"] = replace_value(group["lr"], lr)


def replace_value(current: float | Tensor, value: float) -> float | Tensor:
    """Return `value` in place of `current`; a tensor is filled in place, so that a recorded step sees the change."""
    return current.fill_(value) if isinstance(current, Tensor) else value


def backward(
    model: nn.Module, batch: Batch, hparams: Hyperparameters, *, measured: Tensor | None = None
) -> Tensor:
    """Leave the clipped gradient of the batch's loss in the model and return what `clip_gradient` returns.

    Args:
        model: network.
        batch: examples of the step.
        hparams: loss, precision and clipping.
        measured: divisor of the loss, as in `Batch.loss`.
    """
    model.zero_grad(set_to_none=True)
    return clip_gradient(model, hparams, differentiate(model, batch, hparams, measured=measured))


def differentiate(
    model: nn.Module, batch: Batch, hparams: Hyperparameters, *, measured: Tensor | None = None
) -> Tensor:
    """Return the batch's loss [] and add its gradient to that of the model.

    Args:
        model: network.
        batch: examples of the step.
        hparams: loss and precision.
        measured: divisor of the loss, as in `Batch.loss`.
    """
    with torch.autocast(batch.device.type, torch.bfloat16, enabled=hparams.bf16):
        loss = batch.loss(model, hparams.loss, measured=measured)
    loss.backward()
    return loss


def clip_gradient(model: nn.Module, hparams: Hyperparameters, loss: Tensor) -> Tensor:
    """Clip the gradient in the model.

    Args:
        model: network with a gradient.
        hparams: limits of the gradient.
        loss: loss [] of the batch.

    Returns:
        [3]: the loss, the gradient norm before clipping, and that of the first LSTM layer.
    """
    norm = gradient_norm(model)
    measures = torch.stack([loss.detach(), norm, gradient_norm(first_lstm_layer(model))])
    _clip(model, hparams, norm)
    return measures


def apply_gradients(model: nn.Module, optimizer: torch.optim.Optimizer, hparams: Hyperparameters) -> None:
    """Update the weights and apply the max-norm constraint.

    Args:
        model: network with a gradient.
        optimizer: optimizer of its weights.
        hparams: max-norm, if any.
    """
    optimizer.step()
    if hparams.max_norm is not None:
        apply_max_norm(model, hparams.max_norm)


def first_lstm_layer(model: nn.Module) -> nn.Module:
    """Return the LSTM layer nearest to the input; the model itself if it has none."""
    return next((module for module in model.modules() if isinstance(module, nn.LSTM)), model)


def gradient_norm(model: nn.Module) -> Tensor:
    """Return the norm [] of the whole gradient of a model."""
    return nn.utils.get_total_norm([weight.grad for weight in model.parameters() if weight.grad is not None])


@torch.no_grad()
def apply_max_norm(model: nn.Module, max_norm: float) -> None:
    """Scale the incoming weights of each unit down to the norm `max_norm` if theirs is larger.

    A row of a matrix holds the weights into one unit, or into one of its gates (Srivastava et al. 2014, max-norm).
    """
    for weight in model.parameters():
        if weight.dim() == 2:
            weight.renorm_(2, 0, max_norm)


def _clip(model: nn.Module, hparams: Hyperparameters, norm: Tensor) -> None:
    """Clip each entry of the gradient, and then its norm (now `norm`)."""
    if hparams.clip_value is not None:
        nn.utils.clip_grad_value_(model.parameters(), hparams.clip_value)
        norm = gradient_norm(model)
    if hparams.clip_norm:
        nn.utils.clip_grads_with_norm_(model.parameters(), hparams.clip_norm, norm)
