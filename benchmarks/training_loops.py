"""Worker that trains the textbook LSTM with the loop of lstm, or with one of two plain loops in torch.

echo | .venv/bin/python benchmarks/training_loops.py RUN stored --threads 1

RUN is a run directory with data. Each loop trains two layers on the same windows, with batches of 256, AdamW, dropout
.2 and gradient clipping at 1. For each line on stdin, it trains some steps and prints the windows per second. So
several of these processes can run alternately.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import torch
from timing import CLOCKS
from torch import Tensor, nn

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import Windows, split_windows
from lstm_cli.events import ignore_events
from lstm_cli.rundir import open_run
from lstm_cli.training.loop.fit import fit
from lstm_cli.training.recipes.stacked import network_settings, new_network
from lstm_cli.training.setup.hyperparameters import make_hyperparameters
from lstm_cli.training.setup.malloc import keep_freed_memory
from lstm_cli.training.windows.device_windows import DeviceWindows

BATCH = 256
Loop = Callable[[], float]


class Bare(nn.Module):
    """Network of a typical LSTM guide."""

    def __init__(self, *, inputs: int, hidden: int, horizon: int, targets: int) -> None:
        super().__init__()
        self.shape = (horizon, targets)
        self.lstm = nn.LSTM(inputs, hidden, num_layers=2, dropout=0.2, batch_first=True)
        self.dropout = nn.Dropout(0.2)
        self.head = nn.Linear(hidden, horizon * targets)

    def forward(self, past: Tensor) -> Tensor:
        """Return the forecast [N, H, C] of the windows [N, L, inputs]."""
        outputs, _ = self.lstm(past)
        forecast: Tensor = self.head(self.dropout(outputs[:, -1]))
        return forecast.unflatten(1, self.shape)


def ours(windows: Windows, *, hidden: int, steps: int, precision: str, clock: Loop) -> Loop:
    """Return a function that runs `fit` as `lstm train --model stacked` does, without validation.

    Args:
        windows: training windows.
        hidden: hidden units of each layer.
        steps: steps of each call.
        precision: fp32 or bf16.
        clock: function that returns seconds.

    Returns:
        A function that trains and returns the windows per second.
    """
    config = TrainConfig(model="stacked", hidden=(hidden, hidden), batch_size=BATCH, precision=precision)
    data = windows.dataset
    network = new_network(network_settings(data, config), config)
    plan = make_hyperparameters(config, windows=len(windows), targets=data.targets)
    plan = replace(plan, epochs=1, stop_after=1, steps_per_epoch=steps)
    resident = DeviceWindows.from_windows(windows, torch.device("cpu"))

    def run_steps() -> float:
        began = clock()
        fit(network, resident, None, plan, part="", listen=ignore_events, should_stop=lambda: None)
        return steps * BATCH / (clock() - began)

    return run_steps


def bare(windows: Windows, *, hidden: int, steps: int, stored: bool, clock: Loop) -> Loop:
    """Return a function that runs a plain training loop.

    Args:
        windows: training windows.
        hidden: hidden units of each layer.
        steps: steps of each call.
        stored: true: stored windows and a DataLoader; false: windows gathered by index from one tensor.
        clock: function that returns seconds.

    Returns:
        A function that trains and returns the windows per second.
    """
    data = windows.dataset
    horizon, targets = data.schema.horizon, data.targets
    torch.manual_seed(0)
    network = Bare(inputs=data.inputs.shape[1], hidden=hidden, horizon=horizon, targets=targets)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4)
    batches = _stored(windows) if stored else _gathered(windows)

    def run_steps() -> float:
        network.train()
        total = 0.0
        began = clock()
        for _ in range(steps):
            past, target = next(batches)
            optimizer.zero_grad()
            loss = nn.functional.l1_loss(network(past), target)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            total += loss.item()
        return steps * BATCH / (clock() - began)

    return run_steps


def _stored(windows: Windows) -> Iterator[tuple[Tensor, Tensor]]:
    past, target = (torch.from_numpy(side.copy()) for side in windows.arrays())
    pairs = torch.utils.data.TensorDataset(past, target)
    loader = torch.utils.data.DataLoader(pairs, batch_size=BATCH, shuffle=True, drop_last=True)
    while True:
        yield from loader


def _gathered(windows: Windows) -> Iterator[tuple[Tensor, Tensor]]:
    data = windows.dataset
    values = torch.from_numpy(data.inputs.copy())
    origins = torch.from_numpy(windows.origins)
    back, ahead = torch.arange(-windows.lookback, 0), torch.arange(data.schema.horizon)
    while True:
        for chosen in torch.randperm(len(origins)).split(BATCH):
            if len(chosen) == BATCH:
                rows = origins[chosen][:, None]
                yield values[rows + back], values[rows + ahead][:, :, : data.targets]


LOOPS = ("ours", "ours bf16", "stored", "gathered")


def named(name: str, windows: Windows, *, hidden: int, steps: int, clock: Loop) -> Loop:
    """Return the loop of this name.

    Args:
        name: one of LOOPS.
        windows: training windows.
        hidden: hidden units of each layer.
        steps: steps of each call.
        clock: function that returns seconds.
    """
    if name.startswith("ours"):
        keep_freed_memory()  # as `train_model` does
        precision = "bf16" if "bf16" in name else "fp32"
        return ours(windows, hidden=hidden, steps=steps, precision=precision, clock=clock)
    return bare(windows, hidden=hidden, steps=steps, stored=name == "stored", clock=clock)


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, help="run directory")
    parser.add_argument("loop", choices=LOOPS, help="training loop")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads")
    parser.add_argument("--hidden", type=int, default=64, help="hidden units")
    parser.add_argument("--steps", type=int, default=10, help="steps for each line on stdin")
    parser.add_argument(
        "--clock", choices=CLOCKS, default="wall", help="wall: elapsed seconds; cpu: CPU seconds"
    )
    options = parser.parse_args(words)
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    windows = split_windows(load_dataset(open_run(options.run)), "train")
    clock = getattr(time, CLOCKS[options.clock])
    run_steps = named(options.loop, windows, hidden=options.hidden, steps=options.steps, clock=clock)
    for _ in sys.stdin:
        print(run_steps(), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
