"""How fast a GPU trains: windows a second beside a bare loop, the share of the card's peak, and that seeds hold.

python benchmarks/gpu.py
python benchmarks/gpu.py --device cpu --quick     tiny sizes, to see that it works

It reads sample_data alone. A row that fails, for want of memory say, tells why, and the rest goes on (exit code 1).
The peak is measured: a product of square matrices in the numbers that the layers multiply in, which are TF32 where the
row says fp32, since torch lets cuDNN do so. The work of an LSTM layer is counted as 8 H (I + H) multiplications and
additions a step and row, that of a linear one as 2 I O, three times for forward and backward.
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
from lstm_cli.training.loop.batches import DeviceWindows
from lstm_cli.training.loop.fit import fit
from lstm_cli.training.recipes.segment_networks import network_shape
from lstm_cli.training.recipes.stacked import network_settings, new_network
from lstm_cli.training.setup.hyperparameters import make_hyperparameters
from lstm_cli.training.setup.precision import choose_precision

SIZES, BATCHES = (64, 512, 2048), (256, 4096, 65536)
REACH = {64: 5.0, 512: 1.3}  # times the bare loop, by hidden units
RATE = 0.15e12  # operations a second and hidden unit that a step is expected to reach: so many steps are measured
SECONDS = 0.5  # of an epoch that is measured, by that expectation
EPOCHS = 3  # of a measurement; in the first one the step is recorded
FULL = ((512, 256), (64, 4096))  # hidden units and batches that are trained to the end in both precisions


def parsed(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--hidden", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--batch", type=int, nargs="+", default=list(BATCHES))
    parser.add_argument("--steps", type=int, default=50, help="in one measurement, at most")
    parser.add_argument("--quick", action="store_true", help="tiny sizes")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    options = parser.parse_args(words)
    if options.quick:
        options.hidden, options.batch, options.steps = [8], [32], 4
    return options


def main(words: list[str] | None = None) -> int:
    options = parsed(words)
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
        with notebook.attempt("seeds"), told():
            seeds_hold(notebook, windows, device, options.hidden)
        with notebook.attempt("elsewhere"):
            forecast_elsewhere(notebook, run_dir, options.device)
        precisions(notebook, run_dir, options)
    return 1 if notebook.failed else 0


def speeds(
    notebook: Notebook,
    windows: Windows,
    device: torch.device,
    options: argparse.Namespace,
    peaks: dict[str, float],
) -> None:
    notebook.say("\n## Windows a second\n")
    notebook.head(
        "model",
        "numbers",
        "hidden",
        "batch",
        "windows/s",
        "of peak, %",
        "over the bare loop",
        "reach",
        "auto",
    )
    for hidden in options.hidden:
        for batch in options.batch:
            beside: float | None = None
            with notebook.attempt("bare loop", "fp32", hidden, batch), told():
                beside = bare(windows, device, hidden, batch, steps_of(windows, hidden, batch, options.steps))
                whole = min(batch, len(windows))  # which its batches are at most
                notebook.row("bare loop", "fp32", hidden, whole, beside, None, None, None, None)
            for model in ("stacked", "segment"):
                for precision in ("fp32", "bf16"):
                    with notebook.attempt(model, precision, hidden, batch), told():
                        steps = steps_of(windows, hidden, batch, options.steps)
                        rate = ours(windows, device, model, hidden, batch, steps, precision)
                        share = 100 * work_of(windows, model, hidden) * rate / peaks[precision]
                        over = rate / beside if beside and model == "stacked" else None
                        aim = REACH.get(hidden) if over else None
                        auto = choose_precision(config_of(model, hidden, batch, "auto"), device)[0]
                        taken = "taken" if auto == precision else None
                        notebook.row(model, precision, hidden, batch, rate, share, over, aim, taken)
                        notebook.keep(
                            model=model, precision=precision, hidden=hidden, batch=batch, rate=rate, over=over
                        )


@contextmanager
def told() -> Iterator[None]:
    """What torch or the CUDA driver cannot do becomes a row."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    try:
        yield
    except RuntimeError as error:
        raise CommandFailed(str(error).splitlines()[0]) from error


def peak(device: torch.device, kind: str, side: int) -> float:
    """Operations a second of a product of square matrices, as training multiplies them."""
    one = torch.randn(side, side, device=device, dtype=torch.bfloat16 if kind == "bf16" else torch.float32)

    def turn() -> None:
        for _ in range(10):
            one @ one

    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("high" if kind == "TF32" else "highest")
    try:
        return 10 * 2 * side**3 / seconds_of(turn, device)
    finally:
        torch.set_float32_matmul_precision(before)


def seconds_of(turn: Callable[[], object], device: torch.device) -> float:
    """Of one turn, after one that is thrown away."""
    turn()
    _wait(device)
    began = time.perf_counter()
    turn()
    _wait(device)
    return time.perf_counter() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def steps_of(windows: Windows, hidden: int, batch: int, most: int) -> int:
    """How many steps make up about a second; one of them at least is recorded."""
    expected = work_of(windows, "stacked", hidden) * batch / (RATE * hidden)
    return max(cuda_graph.EAGER_STEPS + 1, min(most, round(SECONDS / expected)))


def work_of(windows: Windows, model: str, hidden: int) -> float:
    """Operations of forward and backward for one window."""
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
    data = windows.dataset
    if model == "segment":
        torch.manual_seed(config.seed)
        return SegmentLSTM(**network_shape(data, "free", config))
    return new_network(network_settings(data, config), config)


def config_of(model: str, hidden: int, batch: int, precision: str) -> TrainConfig:
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
    """What some epochs of so many steps of `fit` make of a network, as `lstm train` calls it."""
    config = config_of(model, hidden, batch, precision)
    network = network_of(windows, model, config).to(device)
    plan = make_hyperparameters(config, windows=len(windows), targets=windows.dataset.targets)
    plan = replace(plan, epochs=EPOCHS, stop_after=EPOCHS, steps_per_epoch=steps)
    resident = DeviceWindows(windows, device)
    fit(network, resident, None, plan, part="", listen=listen, should_stop=lambda: None)
    return network


def ours(
    windows: Windows, device: torch.device, model: str, hidden: int, batch: int, steps: int, precision: str
) -> float:
    """Windows a second after the first epoch, in which the step is recorded."""
    ends: list[float] = []

    def listen(event: Event) -> None:
        if isinstance(event, EpochEnded):
            ends.append(event.seconds)

    trained(windows, device, model, hidden, batch, steps, precision, listen)
    return (len(ends) - 1) * steps * batch / (ends[-1] - ends[0])


def recording(
    notebook: Notebook, windows: Windows, device: torch.device, options: argparse.Namespace
) -> None:
    """The same steps started kernel by kernel, for small batches, where that takes longer than they do."""
    notebook.say("\n## What it brings to record a step\n")
    notebook.head("model", "hidden", "batch", "recorded, windows/s", "plain", "times")
    batch, plain = options.batch[0], cuda_graph.EAGER_STEPS
    for hidden in options.hidden:
        for model in ("stacked", "segment"):
            with notebook.attempt(model, hidden, batch), told():
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
    """What a person would write: windows stored, a DataLoader, a loss that is read at every step."""
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

    def turn() -> None:
        for _ in range(steps):
            one, other = (side.to(device, non_blocking=True) for side in next(source))
            optimizer.zero_grad()
            loss = nn.functional.l1_loss(network(one), other)
            loss.backward()
            nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimizer.step()
            loss.item()

    return steps * size / seconds_of(turn, device)


def seeds_hold(notebook: Notebook, windows: Windows, device: torch.device, sizes: list[int]) -> None:
    notebook.say("\n## Two trainings of one seed\n")
    notebook.head("model", "hidden", "numbers", "largest difference of a weight")
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


def forecast_elsewhere(notebook: Notebook, run_dir: str, device: str) -> None:
    """A model that was trained on the device forecasts in a process that sees no GPU."""
    lstm("train", run_dir, "--model", "stacked", "--epochs", "1", "--device", device)
    lstm("predict", run_dir, "-o", f"{run_dir}.here.csv")
    subprocess.run(
        [sys.executable, "-m", "lstm_cli", "predict", run_dir, "-o", f"{run_dir}.there.csv"],
        env={**os.environ, "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        check=True,
    )
    same = Path(f"{run_dir}.here.csv").read_bytes() == Path(f"{run_dir}.there.csv").read_bytes()
    notebook.say(f"\nA forecast without a GPU has {'the same' if same else 'other'} bytes.")
    if not same:
        raise CommandFailed("the forecasts differ")


def precisions(notebook: Notebook, run_dir: str, options: argparse.Namespace) -> None:
    """Trained to the end in both precisions: is the error the same, and what does it take?"""
    notebook.say("\n## `lstm train --model stacked` in both precisions\n")
    notebook.head(
        "hidden", "batch", "precision", "epochs", "validation MAE", "over fp32", "train, s", "whole, s"
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
