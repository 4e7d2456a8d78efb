"""A training step never reads a number from the device, which on a GPU would wait for all work before it."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from small_data import plan
from test_fit import segment, stacked, windows
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from lstm_cli.training.step import backward


class Reads(TorchDispatchMode):
    """Counts what makes a program wait for the device: a number read, or a shape that hangs on values."""

    WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "equal")

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[str] = []

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        name = func.overloadpacket.__name__
        if name in self.WAITING:
            self.seen.append(name)
        return func(*args, **(kwargs or {}))


def test_a_read_is_seen() -> None:
    with Reads() as reads:
        float(torch.ones(1))
    assert reads.seen == ["_local_scalar_dense"]


@pytest.mark.parametrize("make", [stacked, segment])
def test_a_step_reads_nothing(make: Callable[[], nn.Module]) -> None:
    model, there, chosen = make(), windows(), torch.arange(4)
    settings = plan(clip_norm=1.0, clip_value=0.5)
    with Reads() as reads:
        backward(model, there.gather(chosen), settings)
    assert reads.seen == []
    assert all(weight.grad is not None for weight in model.parameters() if weight.requires_grad)
