"""Speed of training on a GPU: windows per second, ratio to a bare loop, share of the peak, and repeatability.

python benchmarks/gpu.py
python benchmarks/gpu.py --device cpu --quick     tiny sizes, to test the script

It reads only sample_data. A row that fails, for example out of memory, prints its error, and the script continues. The
exit code is then 1. The peak is measured with a product of square matrices. Rows of fp32 use the peak of TF32, because
torch lets cuDNN multiply in TF32. An LSTM layer counts as 8 H (I + H) operations per step and row, a linear layer as
2 I O. Forward and backward together count three times.
"""

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import torch
from command import CommandFailed, Notebook, lstm
from on_training import prepared
from torch import nn
from training_loops import Bare

from lstm_cli.config import TrainConfig
from lstm_cli.data.dataset.load import load_dataset
from lstm_cli.data.dataset.windows import Windows, split_windows
from lstm_cli.events import EpochEnded, Event, ignore_events
from lstm_cli.models.segment_lstm import SegmentLSTM
from lstm_cli.rundir import open_run
from lstm_cli.training.loop import cuda_graph
from lstm_cli.training.loop.fit import fit
from lstm_cli.training.recipes.segment_networks import network_shape
from lstm_cli.training.recipes.stacked import network_settings, new_network
from lstm_cli.training.setup.hyperparameters import make_hyperparameters
from lstm_cli.training.setup.precision import choose_precision
from lstm_cli.training.windows.device_windows import DeviceWindows

SIZES, BATCHES = (64, 512, 2048), (256, 4096, 65536)
GOALS = {64: 5.0, 512: 1.3}  # goal by hidden units: times the bare loop
RATE = 0.15e12  # expected operations per second and hidden unit, to choose the number of steps
SECONDS = 0.5  # expected length of a measured epoch
EPOCHS = 3  # per measurement; the first one records the step
FULL = ((512, 256), (64, 4096))  # hidden units and batch size of the full trainings


def parse_arguments(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda", help="device of torch")
    parser.add_argument("--hidden", type=int, nargs="+", default=list(SIZES), help="hidden units")
    parser.add_argument("--batch", type=int, nargs="+", default=list(BATCHES), help="batch sizes")
    parser.add_argument("--steps", type=int, default=50, help="maximum number of steps in a measurement")
    parser.add_argument("--quick", action="store_true", help="tiny sizes")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    options = parser.parse_args(words)
    if options.quick:
        options.hidden, options.batch, options.steps = [8], [32], 4
    return options


def main(words: list[str] | None = None) -> int:
    options = parse_arguments(words)
    notebook = Notebook(options.record)
    device = torch.device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    notebook.say(f"{name}, torch {torch.__version__}, Python {sys.version.split()[0]}\n")
    side = 256 if options.quick else 8192
    peaks = {kind: peak(device, kind, side) for kind in ("fp32", "TF32", "bf16")}
    notebook.say("Peak: " + ", ".join(f"{kind} {flops / 1e12:.1f} TFLOP/s" for kind, flops in peaks.items()))
    with tempfile.TemporaryDirectory() as folder:
        run_dir = prepared(folder)
        windows = split_windows(load_dataset(open_run(Path(run_dir))), "train")
        speeds(notebook, windows, device, options, {"fp32": peaks["TF32"], "bf16": peaks["bf16"]})
        recording(notebook, windows, device, options)
        with notebook.attempt("seeds"), runtime_error_as_row():
            compare_seeds(notebook, windows, device, options.hidden)
        with notebook.attempt("forecast without a GPU"):
            compare_forecast_without_gpu(notebook, run_dir, options.device)
        precisions(notebook, run_dir, options)
    return 1 if notebook.failed else 0


def speeds(
    notebook: Notebook,
    windows: Windows,
    device: torch.device,
    options: argparse.Namespace,
    peaks: dict[str, float],
) -> None:
    """Print the training speed of each model, precision, size and batch.

    Args:
        notebook: printer of the rows.
        windows: training windows.
        device: device to train on.
        options: sizes, batches and steps.
        peaks: operations per second of the device, by precision.
    """
    notebook.say("\n## Windows per second\n")
    notebook.head(
        "model",
        "precision",
        "hidden",
        "batch",
        "windows/s",
        "of peak, %",
        "ratio to bare loop",
        "goal",
        "auto",
    )
    for hidden in options.hidden:
        for batch in options.batch:
            reference: float | None = None
            with notebook.attempt("bare loop", "fp32", hidden, batch), runtime_error_as_row():
                steps = steps_of(windows, hidden, batch, options.steps)
                reference = bare(windows, device, hidden, batch, steps)
                size = min(batch, len(windows))  # its batches are not larger
                notebook.row("bare loop", "fp32", hidden, size, reference, None, None, None, None)
            for model in ("stacked", "segment"):
                for precision in ("fp32", "bf16"):
                    with notebook.attempt(model, precision, hidden, batch), runtime_error_as_row():
                        steps = steps_of(windows, hidden, batch, options.steps)
                        rate = ours(windows, device, model, hidden, batch, steps, precision)
                        share = 100 * work_of(windows, model, hidden) * rate / peaks[precision]
                        ratio = rate / reference if reference and model == "stacked" else None
                        goal = GOALS.get(hidden) if ratio else None
                        auto = choose_precision(config_of(model, hidden, batch, "auto"), device)[0]
                        used = "used" if auto == precision else None
                        notebook.row(model, precision, hidden, batch, rate, share, ratio, goal, used)
                        notebook.keep(
                            model=model,
                            precision=precision,
                            hidden=hidden,
                            batch=batch,
                            rate=rate,
                            over=ratio,
                        )


@contextmanager
def runtime_error_as_row() -> Iterator[None]:
    """Turn an error of torch or of the CUDA driver into a row of the table."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    try:
        yield
    except RuntimeError as error:
        raise CommandFailed(str(error).splitlines()[0]) from error


def peak(device: torch.device, kind: str, side: int) -> float:
    """Return the operations per second of a product of square matrices.

    Args:
        device: device that multiplies.
        kind: fp32, TF32 or bf16.
        side: rows and columns of the matrices.
    """
    matrix = torch.randn(side, side, device=device, dtype=torch.bfloat16 if kind == "bf16" else torch.float32)

    def multiply() -> None:
        for _ in range(10):
            matrix @ matrix

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if kind == "TF32" else "highest")
    try:
        return 10 * 2 * side**3 / seconds_of(multiply, device)
    finally:
        torch.set_float32_matmul_precision(before)


def seconds_of(call: Callable[[], object], device: torch.device) -> float:
    """Return the seconds of one call, after a call that is not timed."""
    call()
    _wait(device)
    began = time.perf_counter()
    call()
    _wait(device)
    return time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def steps_of(windows: Windows, hidden: int, batch: int, most: int) -> int:
    """Return the number of steps that take about SECONDS, at least one of them recorded.

    Args:
        windows: training windows.
        hidden: hidden units.
        batch: batch size.
        most: maximum number of steps.
    """
    expected = work_of(windows, "stacked", hidden) * batch / (RATE * hidden)
    return max(cuda_graph.EAGER_STEPS + 1, min(most, round(SECONDS / expected)))


def work_of(windows: Windows, model: str, hidden: int) -> float:
    """Return the operations of forward and backward for one window.

    Args:
        windows: training windows.
        model: `stacked` or `segment`.
        hidden: hidden units.
    """
    data = windows.dataset
    inputs, horizon, targets = data.inputs.shape[1], data.schema.horizon, data.targets
    if model == "stacked":
        layers = windows.lookback * 8 * hidden * ((inputs + hidden) + 2 * hidden)
        return 3 * (layers + 2 * hidden * horizon * targets)
    network = network_of(windows, model, TrainConfig(hidden=(hidden,)))
    assert isinstance(network, SegmentLSTM)
    steps = network.lookback // network.segment
    heads = network.blocks * (network.candidates + network.segment)
    return 3 * targets * (steps * (2 * network.segment * hidden + 16 * hidden**2) + 2 * hidden * heads)


def network_of(windows: Windows, model: str, config: TrainConfig) -> nn.Module:
    """Return a new network for the shape of the windows.

    Args:
        windows: training windows.
        model: `stacked` or `segment`.
        config: settings of `train`.
    """
    data = windows.dataset
    if model == "segment":
        torch.manual_seed(config.seed)
        return SegmentLSTM(**network_shape(data, "free", config))
    return new_network(network_settings(data, config), config)


def config_of(model: str, hidden: int, batch: int, precision: str) -> TrainConfig:
    """Return the settings of `train`.

    Args:
        model: `stacked` or `segment`.
        hidden: hidden units of each layer.
        batch: batch size.
        precision: fp32, bf16 or auto.
    """
    sizes = (hidden, hidden) if model == "stacked" else (hidden,)
    return TrainConfig(model=model, hidden=sizes, batch_size=batch, precision=precision)


def trained(
    windows: Windows,
    device: torch.device,
    model: str,
    hidden: int,
    batch: int,
    steps: int,
    precision: str,
    listen: Callable[[Event], None],
) -> nn.Module:
    """Return a network after EPOCHS epochs of `fit`, called as `lstm train` calls it.

    Args:
        windows: training windows.
        device: device to train on.
        model: `stacked` or `segment`.
        hidden: hidden units.
        batch: batch size.
        steps: steps per epoch.
        precision: fp32 or bf16.
        listen: receiver of the events.
    """
    config = config_of(model, hidden, batch, precision)
    network = network_of(windows, model, config).to(device)
    plan = make_hyperparameters(config, windows=len(windows), targets=windows.dataset.targets)
    plan = replace(plan, epochs=EPOCHS, stop_after=EPOCHS, steps_per_epoch=steps)
    resident = DeviceWindows.from_windows(windows, device)
    fit(network, resident, None, plan, part="", listen=listen, should_stop=lambda: None)
    return network


def ours(
    windows: Windows, device: torch.device, model: str, hidden: int, batch: int, steps: int, precision: str
) -> float:
    """Return the windows per second after the first epoch, which records the step.

    Args:
        windows: training windows.
        device: device to train on.
        model: `stacked` or `segment`.
        hidden: hidden units.
        batch: batch size.
        steps: steps per epoch.
        precision: fp32 or bf16.
    """
    ends: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnded):
            ends.append(event.seconds)

    trained(windows, device, model, hidden, batch, steps, precision, listen)
    return (len(ends) - 1) * steps * batch / (ends[-1] - ends[0])


def recording(
    notebook: Notebook, windows: Windows, device: torch.device, options: argparse.Namespace
) -> None:
    """Print the speed with and without a recorded step, for the smallest batch.

    Args:
        notebook: printer of the rows.
        windows: training windows.
        device: device to train on.
        options: sizes, batches and steps.
    """
    notebook.say("\n## Gain of a recorded step\n")
    notebook.head("model", "hidden", "batch", "recorded, windows/s", "not recorded, windows/s", "ratio")
    batch, plain = options.batch[0], cuda_graph.EAGER_STEPS
    for hidden in options.hidden:
        for model in ("stacked", "segment"):
            with notebook.attempt(model, hidden, batch), runtime_error_as_row():
                steps = steps_of(windows, hidden, batch, options.steps)
                rates = []
                for first in (plain, EPOCHS * steps):
                    cuda_graph.EAGER_STEPS = first
                    try:
                        rates.append(ours(windows, device, model, hidden, batch, steps, "fp32"))
                    finally:
                        cuda_graph.EAGER_STEPS = plain
                notebook.row(model, hidden, batch, *rates, rates[0] / rates[1])
                notebook.keep(recording=model, hidden=hidden, batch=batch, rates=rates)


def bare(windows: Windows, device: torch.device, hidden: int, batch: int, steps: int) -> float:
    """Return the windows per second of a plain loop: stored windows, a DataLoader, a loss read at each step.

    Args:
        windows: training windows.
        device: device to train on.
        hidden: hidden units.
        batch: batch size, limited to the number of windows.
        steps: steps that are timed.
    """
    data = windows.dataset
    torch.manual_seed(0)
    network = Bare(
        inputs=data.inputs.shape[1], hidden=hidden, horizon=data.schema.horizon, targets=data.targets
    ).to(device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3, weight_decay=1e-4)
    past, target = (torch.from_numpy(side.copy()) for side in windows.arrays())
    pairs = torch.utils.data.TensorDataset(past, target)
    pinned = device.type == "cuda"
    size = min(batch, len(pairs))
    loader = torch.utils.data.DataLoader(
        pairs, batch_size=size, shuffle=True, drop_last=True, pin_memory=pinned
    )

    def batches() -> Iterator[list[torch.Tensor]]:
        while True:
            yield from loader

    source = batches()

    def run_steps() -> None:
        for _ in range(steps):
            past, target = (side.to(device, non_blocking=True) for side in next(source))
            optimizer.zero_grad()
            loss = nn.functional.l1_loss(network(past), target)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            loss.item()

    return steps * size / seconds_of(run_steps, device)


def compare_seeds(notebook: Notebook, windows: Windows, device: torch.device, sizes: list[int]) -> None:
    """Print the largest difference of a weight between two trainings with the same seed.

    Args:
        notebook: printer of the rows.
        windows: training windows.
        device: device to train on.
        sizes: hidden units.
    """
    notebook.say("\n## Two trainings with the same seed\n")
    notebook.head("model", "hidden", "precision", "largest difference of a weight")
    for model in ("stacked", "segment"):
        for hidden in sizes:
            for precision in ("fp32", "bf16"):
                first, second = (
                    trained(windows, device, model, hidden, 256, 8, precision, ignore_events).state_dict()
                    for _ in range(2)
                )
                most = max(float((first[name] - second[name]).abs().max()) for name in first)
                notebook.row(model, hidden, precision, f"{most:.1e}" if most else "0")
                notebook.keep(seeds=model, hidden=hidden, precision=precision, most=most)


def compare_forecast_without_gpu(notebook: Notebook, run_dir: str, device: str) -> None:
    """Check that a model trained on the device forecasts the same bytes in a process without a GPU.

    Args:
        notebook: printer of the result.
        run_dir: run directory with data.
        device: device to train on.

    Raises:
        CommandFailed: the forecasts differ.
    """
    lstm("train", run_dir, "--model", "stacked", "--epochs", "1", "--device", device)
    lstm("predict", run_dir, "-o", f"{run_dir}.here.csv")
    subprocess.run(
        [sys.executable, "-m", "lstm_cli", "predict", run_dir, "-o", f"{run_dir}.there.csv"],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        check=True,
    )
    same = Path(f"{run_dir}.here.csv").read_bytes() == Path(f"{run_dir}.there.csv").read_bytes()
    notebook.say(f"\nThe forecast without a GPU has {'the same' if same else 'different'} bytes.")
    if not same:
        raise CommandFailed("the forecasts differ")


def precisions(notebook: Notebook, run_dir: str, options: argparse.Namespace) -> None:
    """Print the error and the seconds of full trainings in both precisions.

    Args:
        notebook: printer of the rows.
        run_dir: run directory with data.
        options: device and sizes.
    """
    notebook.say("\n## `lstm train --model stacked` in both precisions\n")
    notebook.head(
        "hidden", "batch", "precision", "epochs", "validation MAE", "ratio to fp32", "train, s", "whole, s"
    )
    words = ["--model", "stacked", "--device", options.device, *(["--epochs", "1"] if options.quick else [])]
    for hidden, batch in [(options.hidden[0], options.batch[0])] if options.quick else FULL:
        plain: float | None = None
        for precision in ("fp32", "bf16"):
            with notebook.attempt(hidden, batch, precision):
                sizes = ["--hidden", f"{hidden},{hidden}", "--batch-size", str(batch)]
                report, whole = lstm("train", run_dir, *words, *sizes, "--precision", precision)
                error, seconds, epochs = report["val"]["mae_scaled"], report["seconds"], report["epochs_run"]
                plain = plain or error
                notebook.row(hidden, batch, precision, epochs, error, error / plain, seconds, whole)
                notebook.keep(
                    full=hidden, batch=batch, precision=precision, val=error, seconds=seconds, whole=whole
                )


if __name__ == "__main__":
    sys.exit(main())
