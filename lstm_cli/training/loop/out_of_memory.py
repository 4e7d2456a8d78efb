"""Out of memory: an error that names the flag to change, or another attempt with half the batch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial

import torch
from torch import nn

from lstm_cli.errors import DeviceError
from lstm_cli.events import Listener, Note
from lstm_cli.library_errors import is_out_of_memory
from lstm_cli.models.registry import Architecture
from lstm_cli.training.loop.distributed import LEADER, current_ranks, lost_process_as_error
from lstm_cli.training.loop.examples import Examples
from lstm_cli.training.loop.fit import FitResult, fit
from lstm_cli.training.loop.shared_training import SharedTraining
from lstm_cli.training.loop.state import copy_to_cpu
from lstm_cli.training.setup.checkpoint_state import (
    NO_CHECKPOINT,
    CheckpointSlot,
    is_finished,
    without_resume,
)
from lstm_cli.training.setup.hyperparameters import Hyperparameters

USE_FEWER_ROWS = "use fewer rows (prepare --start) or a shorter --lookback"


class BatchTooLarge(DeviceError):
    """Batch for which at least one of several ranks does not have the memory."""


def fit_in_memory(
    model: nn.Module,
    examples: Examples,
    validate: Callable[[nn.Module], float] | None,
    hparams: Hyperparameters,
    *,
    architecture: Architecture,
    shrink: bool,
    part: str,
    listen: Listener,
    should_stop: Callable[[], int | None],
    slot: CheckpointSlot = NO_CHECKPOINT,
) -> tuple[Hyperparameters, FitResult]:
    """Call `fit` and return the hyperparameters that fit into memory, and the result.

    With `shrink`, training starts over with half the batch as often as needed. Errors of `fit` pass through. Under
    `torchrun`, every rank calls this function. The ranks agree on the batch before the training begins.

    Args:
        model: network to train.
        examples: training examples.
        validate: returns the validation loss of a network; None for a refit.
        hparams: settings of the training, with the largest batch.
        architecture: architecture of the model, from which other ranks build it.
        shrink: halve the batch if memory runs out.
        part: name of the network in events and errors.
        listen: receiver of events.
        should_stop: returns the number of a signal to stop at, else None.
        slot: state to resume from, and where new states are saved.

    Raises:
        DeviceError: memory ran out, or another rank is lost.
    """
    device, ranks = examples.device, current_ranks()
    if shrink:
        hparams = replace(hparams, batch_size=_stored_batch_size(slot, hparams.batch_size))
    train = partial(fit, model, examples, validate, part=part, listen=listen, should_stop=should_stop)
    with lost_process_as_error(should_stop):
        if ranks is not None and not is_finished(slot):
            if ranks.rank == LEADER:
                SharedTraining(
                    architecture=architecture,
                    examples=examples,
                    hparams=hparams,
                    part=part,
                    shrink=shrink,
                    validated=validate is not None,
                    threads=torch.get_num_threads(),
                    stored=slot.stored,
                ).send(ranks)
            while not ranks.can_train(model, examples, hparams):
                if not shrink or hparams.batch_size == 1:
                    raise _out_of_memory_error(device, part, hparams.batch_size, BatchTooLarge)
                hparams, slot = _halve_batch(hparams, part, listen), without_resume(slot)
            shrink = False  # one rank alone cannot halve the batch later
        initial_state = copy_to_cpu(model.state_dict()) if shrink else {}
        while True:
            try:
                return hparams, train(hparams, slot=slot)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                if not shrink or hparams.batch_size == 1:
                    raise _out_of_memory_error(device, part, hparams.batch_size) from error
            # Outside the handler, whose traceback keeps the tensors of the step alive.
            model.zero_grad(set_to_none=True)
            model.load_state_dict(initial_state)
            if device.type == "cuda":
                torch.cuda.empty_cache()
            hparams, slot = _halve_batch(hparams, part, listen), without_resume(slot)


def _halve_batch(hparams: Hyperparameters, part: str, listen: Listener) -> Hyperparameters:
    smaller = hparams.batch_size // 2
    listen(Note(text=f"{part}: out of memory with a batch of {hparams.batch_size}, trying {smaller}"))
    return replace(hparams, batch_size=smaller)


def _stored_batch_size(slot: CheckpointSlot, size: int) -> int:
    """Return the batch size of the stored state; `size` without one."""
    plan = slot.stored.facts.get("plan") if slot.stored is not None else None
    batch_size = plan.get("batch_size") if isinstance(plan, dict) else None
    return batch_size if type(batch_size) is int and 0 < batch_size < size else size


@contextmanager
def as_device_error(what: str, *, hint: str = USE_FEWER_ROWS) -> Iterator[None]:
    """Raise DeviceError if memory runs out within this block; `what` names the device and the work."""
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        raise DeviceError(f"out of memory {what}", hint=hint) from error


def _out_of_memory_error(
    device: torch.device, part: str, batch_size: int, kind: type[DeviceError] = DeviceError
) -> DeviceError:
    return kind(
        f"out of memory on {device} while training {part} with a batch of {batch_size}",
        hint=f"use --batch-size {batch_size // 2}, or --batch-size auto, which finds a size that fits"
        if batch_size > 1
        else "use a smaller --hidden or a shorter --lookback, or --device cpu",
        flag="--batch-size" if batch_size > 1 else "--hidden",
    )
