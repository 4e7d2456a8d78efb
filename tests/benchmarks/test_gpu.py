"""Tests of the GPU benchmark that need no GPU."""

import gpu
import numpy as np
import pytest
import torch
from command import CommandFailed
from small_data import dataset

from lstm_cli.data.dataset.windows import split_windows
from lstm_cli.events import ignore_events
from lstm_cli.training.loop import cuda_graph

CPU = torch.device("cpu")
WINDOWS = split_windows(
    dataset(
        [np.random.default_rng(0).normal(size=(80, 2))], train_end=[60], val_end=[70], horizon=4, lookback=8
    ),
    "train",
)


def test_the_work_of_a_window_is_that_of_its_layers() -> None:
    """By hand, 8 steps, 2 inputs, 3 hidden, 4 steps ahead of 2 targets, three times for forward and backward."""
    first, second, head = 12 * (2 + 3), 12 * (3 + 3), 3 * 4 * 2  # weights, each multiplied and added
    assert gpu.work_of(WINDOWS, "stacked", 3) == 3 * 2 * (8 * (first + second) + head)


def test_the_work_of_segments_is_that_of_their_layers() -> None:
    """Each of 2 targets: segments of 4 steps, 2 of them read and 1 forecast, one candidate (no season)."""
    embed, recurrent, heads = 4 * 3, 12 * (3 + 3), 3 * (1 + 4)
    assert gpu.work_of(WINDOWS, "segment", 3) == 3 * 2 * 2 * (2 * (embed + recurrent) + heads)


@pytest.mark.parametrize("model", ["stacked", "segment"])
def test_two_trainings_of_one_seed_are_the_same_and_have_a_rate(model: str) -> None:
    first, second = (
        gpu.trained(WINDOWS, CPU, model, 4, 6, 2, "fp32", ignore_events).state_dict() for _ in range(2)
    )
    assert all(torch.equal(value, second[name]) for name, value in first.items())
    assert gpu.ours(WINDOWS, CPU, model, 4, 6, 2, "fp32") > 0
    assert gpu.bare(WINDOWS, CPU, 4, 200, 2) > 0  # a batch of more windows than there are


def test_a_second_is_measured_but_never_so_little_that_nothing_is_recorded() -> None:
    assert gpu.steps_of(WINDOWS, 3, 8, most=50) == 50
    assert gpu.steps_of(WINDOWS, 2048, 1_000_000, most=50) == cuda_graph.EAGER_STEPS + 1


def test_what_the_device_cannot_do_is_a_row() -> None:
    with pytest.raises(CommandFailed, match="out of memory"), gpu.runtime_error_as_row():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 80 GiB\nmore")
    options = gpu.parse_arguments(["--device", "cpu", "--quick"])
    assert (options.hidden, options.batch, options.steps) == ([8], [32], 4)
