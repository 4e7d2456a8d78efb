"""Several processes started by `torchrun`, which train with torch's DistributedDataParallel.

Every rank runs the training loop with its own optimizer, on its share of every batch. Rank 0 alone has the run, and its
decisions count. Tensors go through the process group. Short messages of rank 0 go through the store of `torchrun`,
where the others can wait for as long as rank 0 works. Nothing that is received can run code.
"""

import copy
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from lstm_cli.errors import DeviceError
from lstm_cli.interrupts import raise_if_interrupted
from lstm_cli.library_errors import is_lost_process, is_out_of_memory
from lstm_cli.training.loop.examples import Batch, Examples
from lstm_cli.training.loop.optimizer_step import differentiate
from lstm_cli.training.setup.device import choose_device
from lstm_cli.training.setup.hyperparameters import Hyperparameters

LEADER = 0
START_LIMIT = timedelta(minutes=10)  # until all ranks have loaded torch; for each tensor of the data
STEP_LIMIT = timedelta(seconds=45)  # for the gradients of a step, so that a lost process ends within a minute
BEAT = timedelta(seconds=5)  # between two signs of life of rank 0
MAX_MISSED = 6  # signs of life; not a time, because the whole machine may sleep
END = "end"  # message: rank 0 needs the others no more


class LeaderEnded(Exception):
    """Sign that rank 0 has ended, with or without an error of its own."""


class ParallelNetwork(DistributedDataParallel):
    """Network whose gradient is the mean over the ranks."""

    def loss_scale(self, past: Tensor, mask: Tensor) -> Tensor:
        """Return the loss scale of the network."""
        scale: Tensor = self.module.loss_scale(past, mask)
        return scale


class Ranks:
    """Connection of this rank to the others."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._store, self.rank, self.size = next(dist.rendezvous("env://", timeout=START_LIMIT))
        self._messages = 0  # sent or received
        self._ended = threading.Event()
        if self.rank == LEADER:
            self._store.add("beat", 1)
            threading.Thread(target=self._beat, daemon=True).start()
        backend, place = (
            "nccl" if device.type == "cuda" else "gloo",
            {"rank": self.rank, "world_size": self.size},
        )
        dist.init_process_group(backend, store=self._store, timeout=START_LIMIT, **place)
        self._steps = dist.new_group(timeout=STEP_LIMIT)

    def share(self, value: Any = None) -> Any:
        """Return the JSON value of rank 0 on every rank, or raise LeaderEnded. Rank 0 does not wait for the others."""
        if self.rank == LEADER:
            self._store.set(self._key, json.dumps(value))
        else:
            self._wait_for_message()
            value = json.loads(self._store.get(self._key))
            if value == END:
                raise LeaderEnded
        self._messages += 1
        return value

    def end(self) -> None:
        """Let the other ranks end, if this is rank 0."""
        if self.rank == LEADER:
            with suppress(RuntimeError):  # the store is lost
                self.share(END)
            self._ended.set()

    def has_leader_ended(self) -> bool:
        """Return whether rank 0 has called `end`."""
        with suppress(RuntimeError):  # the store may be lost with rank 0
            return self._store.check([self._key]) and json.loads(self._store.get(self._key)) == END
        return False

    @property
    def _key(self) -> str:
        return f"message {self._messages}"

    def _wait_for_message(self) -> None:
        """Wait until rank 0 sends a message. Raise DistError if it gives no sign of life."""
        beat, missed = b"", 0
        while missed < MAX_MISSED:
            with suppress(dist.DistStoreError):  # there is no message yet
                self._store.wait([self._key], BEAT)
                return
            newest = self._store.get("beat")
            beat, missed = newest, missed + 1 if newest == beat else 0
        raise dist.DistError("rank 0 gives no sign of life")

    def _beat(self) -> None:
        with suppress(RuntimeError):  # the store is lost
            while not self._ended.wait(BEAT.total_seconds()):
                self._store.add("beat", 1)

    def share_tensors(
        self, about: Mapping[str, Any], tensors: Mapping[str, Tensor]
    ) -> tuple[Mapping[str, Any], Mapping[str, Tensor]]:
        """Return JSON values and tensors of rank 0 on every rank. The arguments of the other ranks do not count."""
        kinds = {name: [str(value.dtype), *value.shape] for name, value in tensors.items()}
        text = torch.frombuffer(bytearray(json.dumps([about, kinds]).encode()), dtype=torch.uint8)
        text = self._broadcast(text, torch.uint8, [self.share(len(text))])
        about, kinds = json.loads(text.numpy(force=True).tobytes())
        return about, {
            name: self._broadcast(tensors.get(name), getattr(torch, kind.removeprefix("torch.")), shape)
            for name, (kind, *shape) in kinds.items()
        }

    def _broadcast(self, value: Tensor | None, dtype: torch.dtype, shape: list[int]) -> Tensor:
        if self.rank != LEADER or value is None:
            value = torch.empty(shape, dtype=dtype)
        value = value.to(self.device).contiguous()
        dist.broadcast(value, LEADER)
        return value

    def can_train(self, model: nn.Module, examples: Examples, hparams: Hyperparameters) -> bool:
        """Return whether each rank has the memory for its share of a batch; the model stays as it is.

        Args:
            model: network to train.
            examples: training examples.
            hparams: batch size, loss and precision.
        """
        end = max(hparams.batch_size, self.rank + 1)
        share = torch.arange(self.rank, end, self.size, device=self.device) % len(examples)
        failed = torch.zeros(1, device=self.device)
        try:  # the copy takes the place of the optimizer's state
            differentiate(copy.deepcopy(model).train(), examples.gather(share), hparams)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            failed += 1
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
        return not self.mean(failed).any()

    def parallel(self, model: nn.Module, examples: Examples, hparams: Hyperparameters) -> ParallelNetwork:
        """Return the network with the gradients of all ranks; all begin with the weights and buffers of rank 0.

        Args:
            model: network to train.
            examples: training examples.
            hparams: loss and precision.
        """
        network = ParallelNetwork(model.train(), process_group=self._steps, gradient_as_bucket_view=True)
        network.broadcast_buffers = False  # in later steps
        # The first gradient decides the order of later sums. Here it has no effect, so that a resumed training sums in
        # the same order. Batch normalization updates buffers.
        buffers = {name: value.clone() for name, value in model.named_buffers()}
        differentiate(network, examples.gather(torch.zeros(1, dtype=torch.long, device=self.device)), hparams)
        model.load_state_dict(buffers, strict=False)
        return network

    def share_of_batch(self, examples: Examples, indices: Tensor) -> tuple[Batch, Tensor]:
        """Return the examples of this rank, and the divisor [] of the sum of their losses.

        The mean over the ranks is then the loss of the whole batch. A rank without examples gets one with an infinite
        divisor, because each rank must compute a gradient.

        Args:
            examples: training examples.
            indices: indices [B] of the whole batch; rank r of n takes every nth of them, from the r-th on.
        """
        own = indices[self.rank :: self.size]
        batch = examples.gather(own if len(own) else indices[:1])
        divisor = examples.measured(indices).clamp(min=1) / self.size
        return batch, divisor if len(own) else torch.full_like(divisor, torch.inf)

    def mean(self, values: Tensor) -> Tensor:
        """Return the mean of the tensors of all ranks, which have one shape."""
        total = values.clone()
        dist.all_reduce(total, group=self._steps)
        return total / self.size

    def dropout_seed(self, seed: int, step: int) -> int:
        """Return the seed of a step's dropout. It differs by rank, and is the same in a resumed training."""
        return int(np.random.SeedSequence((seed, self.rank, step)).generate_state(1)[0])


_joined: list[Ranks] = []  # at most one


def current_ranks() -> Ranks | None:
    """Return the connection to the other ranks; None in a single process."""
    return _joined[0] if _joined else None


def join(device: str) -> Ranks:
    """Connect to the other ranks. Raise DeviceError if they do not connect."""
    local_device = choose_device(device)
    if local_device.type == "cuda":
        local_device = choose_device(f"cuda:{os.environ.get('LOCAL_RANK', '0')}")
        torch.cuda.set_device(local_device)
    try:
        _joined[:] = [Ranks(local_device)]
    except (RuntimeError, ValueError) as error:
        raise DeviceError(
            f"the torchrun processes cannot connect: {str(error).splitlines()[0]}",
            hint="start it as torchrun --nproc-per-node N -m lstm_cli train RUN",
        ) from error
    return _joined[0]


def leave() -> None:
    """Leave the other ranks after the last training, if there are any; rank 0 lets them end too."""
    if _joined:
        _joined.pop().end()
        dist.destroy_process_group()


@contextmanager
def lead(device: str) -> Iterator[None]:
    """Lead the other ranks within this block, or until `leave`. Raise DeviceError if they do not connect."""
    ranks = join(device)
    try:
        yield
    finally:
        if current_ranks() is ranks:
            ranks.end()  # without waiting for collective calls that an error has left unfinished
            _joined.clear()


@contextmanager
def lost_process_as_error(should_stop: Callable[[], int | None] = lambda: None) -> Iterator[None]:
    """Raise the loss of another rank as DeviceError within this block, unless rank 0 has ended or was interrupted."""
    try:
        yield
    except RuntimeError as error:
        ranks = current_ranks()
        if ranks is None or not (isinstance(error, dist.DistError) or is_lost_process(error)):
            raise
        raise_if_interrupted(should_stop)
        if ranks.rank != LEADER and ranks.has_leader_ended():
            raise LeaderEnded from error
        raise DeviceError(
            f"rank {ranks.rank} lost the connection to another process",
            hint="run the same command again to resume from the last finished epoch",
        ) from error
