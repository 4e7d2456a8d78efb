"""Training on several processes started by `torchrun`; each computes the gradient of its share of every batch.

Rank 0 leads: it has the run, the optimizer and every decision, so the training program is the same on one process and
on many. The other ranks follow. They receive a network and its windows, then weights and a batch at every step, and
their gradients are summed with the leader's. Followers open no files and may run on other machines.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import Tensor, nn

from lstm_cli.data.dataset.windows import Windows
from lstm_cli.errors import DeviceError
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.library_errors import is_lost_process, is_out_of_memory
from lstm_cli.models.dropout import SeededDropout, seed_dropout
from lstm_cli.training.loop.batches import DeviceWindows
from lstm_cli.training.loop.optimizer_step import clip_gradient, differentiate
from lstm_cli.training.setup.device import choose_device
from lstm_cli.training.setup.hyperparameters import Hyperparameters

LEADER = 0
FOLLOWER_TIMEOUT = timedelta(days=7)  # wait for the next task; a lost leader is noticed at once
RANK_SEED_STRIDE = 1_000_003  # between the dropout seeds of two ranks
STEP_SEED_STRIDE = 2_147_483_647  # between the dropout seeds of two steps


@dataclass(frozen=True, kw_only=True)
class SharedTraining:
    """Network, windows and hyperparameters that a follower receives."""

    network: nn.Module
    windows: Windows
    hparams: Hyperparameters


class GradientSync:
    """Training of one network with gradients from all ranks. Only the leader has one."""

    def __init__(self, network: nn.Module, windows: DeviceWindows, hparams: Hyperparameters) -> None:
        self._network, self._windows, self._hparams = network, windows, hparams
        broadcast_task(
            SharedTraining(
                network=_copy_without_generators(network), windows=windows.windows, hparams=hparams
            )
        )

    def backward(self, indices: Tensor, step: int, should_stop: Callable[[], int | None]) -> Tensor:
        """Return what `optimizer_step.backward` returns, computed by all ranks.

        Args:
            indices: window indices [B] of the whole batch.
            step: number of the step, from 0.
            should_stop: asked if another process is lost, because a signal may have reached all of them.

        Raises:
            DeviceError: another process is lost.
            Interrupted: `should_stop` returned a signal.
        """
        try:
            with _lost_process_as_error():
                _broadcast_step(indices, self._windows.device, self._hparams, step=step)
                _broadcast_weights(self._network)
                loss = _reduce_gradients(self._network, self._windows, indices, self._hparams)
        except DeviceError:
            raise_if_interrupted(should_stop)
            raise
        return clip_gradient(self._network, self._hparams, loss)

    def close(self) -> None:
        """Make the followers wait for the next task."""
        with suppress(RuntimeError):  # lost followers need no message
            _broadcast_step(None, self._windows.device, self._hparams)


def has_followers() -> bool:
    """Return whether this process leads others."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


@contextmanager
def share_gradients(
    network: nn.Module, windows: DeviceWindows, hparams: Hyperparameters
) -> Iterator[GradientSync | None]:
    """Yield the gradient sync of a training with followers; None without followers.

    Args:
        network: network that is trained.
        windows: training windows.
        hparams: settings of the training.
    """
    if not has_followers():
        yield None
        return
    with _lost_process_as_error():
        sync = GradientSync(network, windows, hparams)
    try:
        yield sync
    finally:
        sync.close()


@contextmanager
def lead(device: str) -> Iterator[None]:
    """Lead the other ranks within this block. Raises DeviceError if they do not connect."""
    _join(device)
    try:
        yield
    finally:
        with suppress(RuntimeError):
            broadcast_task(None)
        with suppress(RuntimeError):
            dist.destroy_process_group()


def follow(device: str, threads: int) -> None:
    """Compute gradients for the leader until it sends no further task. Raises DeviceError if the leader is lost."""
    torch.set_num_threads(threads)
    local_device = _join(device)
    with _lost_process_as_error():
        while (task := receive_task()) is not None:
            _run_task(task, local_device)
    with suppress(RuntimeError):
        dist.destroy_process_group()


def _run_task(task: SharedTraining, device: torch.device) -> None:
    network = task.network.to(device).train()
    windows = DeviceWindows(task.windows, device)
    dropout, first_seed = torch.Generator(device), task.hparams.seed + RANK_SEED_STRIDE * dist.get_rank()
    seed_dropout(network, dropout)
    while (message := _broadcast_step(None, device, task.hparams)) is not None:
        indices, step = message
        dropout.manual_seed(
            first_seed + STEP_SEED_STRIDE * step
        )  # a resumed training gets the random numbers of an uninterrupted one
        _broadcast_weights(network)
        _reduce_gradients(network, windows, indices, task.hparams)


def _reduce_gradients(
    network: nn.Module, windows: DeviceWindows, indices: Tensor, hparams: Hyperparameters
) -> Tensor:
    """Return the loss [] of the whole batch and leave its gradient in the leader's network; each rank adds its share.

    indices: window indices [B] of the whole batch; rank r of n takes every nth of them, from the r-th on. Raises
    OutOfMemoryError in the leader if any rank runs out of memory. All ranks have then reached the same point, so the
    next step can be a smaller one.
    """
    measured = windows.count_measured_targets(indices).clamp(min=1)
    own_indices = indices[dist.get_rank() :: dist.get_world_size()]
    loss = torch.zeros((), device=windows.device)
    network.zero_grad(set_to_none=True)
    out_of_memory = False
    if len(own_indices):
        try:
            loss = differentiate(network, windows.gather(own_indices), hparams, measured=measured).detach()
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            out_of_memory = True
    if out_of_memory:  # outside the handler, whose traceback keeps the tensors of the step alive
        network.zero_grad(set_to_none=True)
    weights = _trainable_weights(network)
    gradients = [torch.zeros_like(weight) if weight.grad is None else weight.grad for weight in weights]
    facts = torch.stack([loss, torch.full_like(loss, float(out_of_memory))])
    flat = torch.cat([facts, *(gradient.reshape(-1) for gradient in gradients)])
    dist.reduce(flat, LEADER)
    if dist.get_rank() == LEADER:
        if flat[1] > 0:
            raise torch.OutOfMemoryError(f"out of memory in {int(flat[1])} of the processes")
        for weight, gradient in zip(weights, _split_like(weights, flat[2:]), strict=True):
            weight.grad = gradient
    return flat[0]


def _broadcast_step(
    indices: Tensor | None, device: torch.device, hparams: Hyperparameters, *, step: int = 0
) -> tuple[Tensor, int] | None:
    """Return the indices [B] and the number of the next step, sent by the leader; None if there is no further step."""
    message = torch.zeros(hparams.batch_size + 2, dtype=torch.long, device=device)
    if indices is not None:
        message[0], message[1], message[2 : 2 + len(indices)] = len(indices), step, indices
    dist.broadcast(message, LEADER)
    if dist.get_rank() == LEADER:  # the leader knows the values without waiting for its device
        return None if indices is None else (indices, step)
    count, step = message[:2].tolist()
    return (message[2 : 2 + count], step) if count else None


@torch.no_grad()
def _broadcast_weights(network: nn.Module) -> None:
    """Send the leader's trainable weights to all ranks. Other tensors came with the task."""
    weights = _trainable_weights(network)
    flat = torch.cat([weight.reshape(-1) for weight in weights])
    dist.broadcast(flat, LEADER)
    if dist.get_rank() != LEADER:
        for weight, value in zip(weights, _split_like(weights, flat), strict=True):
            weight.copy_(value)


def _trainable_weights(network: nn.Module) -> list[nn.Parameter]:
    return [weight for weight in network.parameters() if weight.requires_grad]


def _split_like(weights: list[nn.Parameter], flat: Tensor) -> list[Tensor]:
    """Return the parts of a flat vector in the shapes of the weights."""
    pieces = flat.split([weight.numel() for weight in weights])
    return [piece.view_as(weight) for piece, weight in zip(pieces, weights, strict=True)]


def _copy_without_generators(network: nn.Module) -> nn.Module:
    """Return a copy on the CPU without random generators, because each rank has its own."""
    for module in network.modules():
        if isinstance(module, SeededDropout):
            module.generator = None
    return deepcopy(network).cpu()


def broadcast_task(task: SharedTraining | None) -> None:
    """Send a task from the leader to the followers; None ends them."""
    dist.broadcast_object_list([task], LEADER)


def receive_task() -> SharedTraining | None:
    """Return the task from the leader; None if there is no further task."""
    received: list[SharedTraining | None] = [None]
    dist.broadcast_object_list(received, LEADER)
    return received[0]


def _join(device: str) -> torch.device:
    """Join the process group and return the device of this rank."""
    local_device = choose_device(device)
    if local_device.type == "cuda":
        local_device = choose_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
        torch.cuda.set_device(local_device)
    try:
        dist.init_process_group("nccl" if local_device.type == "cuda" else "gloo", timeout=FOLLOWER_TIMEOUT)
    except (RuntimeError, ValueError) as error:
        raise DeviceError(
            f"the torchrun processes cannot connect: {str(error).splitlines()[0]}",
            hint="start it as torchrun --nproc-per-node N -m lstm_cli train RUN",
        ) from error
    return local_device


@contextmanager
def _lost_process_as_error() -> Iterator[None]:
    """Raise a lost rank as DeviceError within this block."""
    try:
        yield
    except (dist.DistError, RuntimeError) as error:
        if not isinstance(error, dist.DistError) and not is_lost_process(error):
            raise
        raise DeviceError(
            f"rank {dist.get_rank()} lost the connection to another process",
            hint="run the same command again to resume from the last finished epoch",
        ) from error
