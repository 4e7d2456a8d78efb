"""Program for two processes: rank 0 runs one task and prints the result as JSON, rank 1 follows.

two_ranks.py RANK TASK, where a task is one of:

resume     train without interruption, and from two of its checkpoints
gradients  compute the gradient of a batch with and without the other process
lost       train with a process that exits at its second step
starved0   train while rank 0 cannot compute more than three windows at a time
starved1   train while rank 1 cannot compute more than three windows at a time
"""

import json
import os
import sys
from collections.abc import Callable
from typing import Any

import torch
from small_data import plan
from test_fit import segment, stacked, windows
from torch import Tensor, nn

from lstm_cli.data.dataset.windows import Windows
from lstm_cli.errors import DeviceError
from lstm_cli.events import Note, ignore_events
from lstm_cli.training.loop import distributed
from lstm_cli.training.loop.batches import DeviceWindows
from lstm_cli.training.loop.fit import FitResult, fit
from lstm_cli.training.loop.optimizer_step import backward, differentiate
from lstm_cli.training.loop.out_of_memory import fit_in_memory
from lstm_cli.training.setup.checkpoint_state import CheckpointSlot, SavedState

RANK, TASK = int(sys.argv[1]), sys.argv[2]
STEPS = iter(range(1_000_000))


class Doubles(DeviceWindows):
    """Windows in double precision, with every fifth target missing."""

    def __init__(self, windows: Windows, device: torch.device) -> None:
        super().__init__(windows, device)
        self.inputs = self.inputs.double()
        self.measured = self.measured.double()
        self.measured[::5] = 0


def starved(model: nn.Module, batch: Any, *given: Any, **named: Any) -> Tensor:
    if len(batch.past) > 3:
        raise torch.OutOfMemoryError("no more than three")
    return differentiate(model, batch, *given, **named)


def figures(fitted: FitResult) -> list[float]:
    return torch.cat([weight.flatten() for weight in fitted.weights.values()]).tolist()


def run(keep: CheckpointSlot, model: nn.Module) -> FitResult:
    settings = plan(epochs=4, clip_norm=1.0, averaged=True)
    return fit(
        model, windows(), None, settings, part="", listen=ignore_events, should_stop=lambda: None, slot=keep
    )


def in_memory(shrink: bool) -> tuple[int, list[str]]:
    events: list[object] = []
    model, settings = stacked(), plan(batch_size=16, epochs=1)
    followed, _ = fit_in_memory(
        model, windows(), None, settings,
        shrink=shrink, part="a part", listen=events.append, should_stop=lambda: None,
    )  # fmt: skip
    return followed.batch_size, [event.text for event in events if isinstance(event, Note)]


def resumed() -> dict[str, list[list[float]]]:
    """Return for each network the weights of an uninterrupted training and of two resumed ones."""
    result = {}
    for name, make in {"stacked": lambda: stacked(dropout=0.4), "segment": segment}.items():
        states: list[SavedState] = []
        whole = figures(run(CheckpointSlot(save=states.append), make()))
        result[name] = [whole, *(figures(run(CheckpointSlot(stored=state), make())) for state in states[1:3])]
    return result


def gradients() -> dict[str, list[list[float]]]:
    """Return for each network and loss two gradients, each after loss and norms: of this process only, and of both.

    Double precision limits the effect of the order of sums to the last digits. Five windows do not divide by two,
    and some targets are missing.
    """
    data = Doubles(windows().windows, torch.device("cpu"))
    chosen = torch.tensor([0, 17, 3, 41, 28])
    result = {}
    for name, make in {"stacked": stacked, "segment": lambda: segment(dropout=0.0)}.items():
        for loss in ("mae", "mse", "huber"):
            settings = plan(batch_size=5, loss=loss, clip_norm=0.5)
            model = make().double().train()
            alone = [*backward(model, data.gather(chosen), settings).tolist(), *gradient(model)]
            with distributed.share_gradients(model, data, settings) as share:
                assert share is not None
                both = share.backward(chosen, 0, lambda: None)
            result[f"{name} {loss}"] = [alone, [*both.tolist(), *gradient(model)]]
    return result


def gradient(model: nn.Module) -> list[float]:
    return torch.cat(
        [weight.grad.flatten() for weight in model.parameters() if weight.grad is not None]
    ).tolist()


def lost(model: nn.Module, batch: Any, *given: Any, **named: Any) -> Tensor:
    if next(STEPS):
        os._exit(0)
    return differentiate(model, batch, *given, **named)


def refusal(work: Callable[[], object]) -> list[str]:
    """Return the error message and its hint."""
    try:
        work()
    except DeviceError as error:
        return [error.message, error.hint]
    return []


def task() -> dict[str, Any]:
    if TASK == "resume":
        return resumed()
    if TASK == "gradients":
        return gradients()
    if TASK == "lost":
        return {"refused": refusal(lambda: run(CheckpointSlot(), stacked()))}
    error = refusal(lambda: in_memory(shrink=False))
    return {"refused": error, "fitted": in_memory(shrink=True)}


if f"starved{RANK}" == TASK:
    distributed.differentiate = starved
if TASK == "gradients":
    distributed.DeviceWindows = Doubles
if TASK == "lost" and RANK:
    distributed.differentiate = lost
torch.set_num_threads(1)
if RANK:
    distributed.follow("cpu", 1)
else:
    with distributed.lead("cpu"):
        found = task()
    print(json.dumps(found), flush=True)
os._exit(0)  # as `lstm` does, because threads of torch.distributed can abort an interpreter at exit
