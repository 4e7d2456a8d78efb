"""How fast a GPU trains: windows a second beside a bare loop, the share of the card's peak, and that seeds hold.

python benchmarks/gpu.py
python benchmarks/gpu.py --device cpu --quick     tiny sizes, to see that it works

It reads sample_data alone. A row that fails, for want of memory say, tells why, and the rest goes on (exit code 1).
The peak is measured: a product of square matrices in the same numbers. The work of an LSTM layer is counted as
8 H (I + H) multiplications and additions a step and window, three times for forward and backward.
"""

import argparse
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
from lstm_cli.data.stored import load_dataset
from lstm_cli.data.windows import Windows, split_windows
from lstm_cli.events import silent
from lstm_cli.models.segment import SegmentNetwork
from lstm_cli.rundir import open_run
from lstm_cli.training.batches import DeviceWindows
from lstm_cli.training.fit import fit
from lstm_cli.training.parts import network_shape
from lstm_cli.training.plan import plan_training
from lstm_cli.training.stacked import network_settings, new_network

SIZES, BATCHES = (64, 512, 2048), (256, 4096, 65536)
REACH = {64: 5.0, 512: 1.3}  # times the bare loop, by hidden units


def parsed(words: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--hidden", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--batch", type=int, nargs="+", default=list(BATCHES))
    parser.add_argument("--steps", type=int, default=100, help="in one measurement")
    parser.add_argument("--quick", action="store_true", help="tiny sizes")
    parser.add_argument("--record", type=Path, metavar="FILE", help="append every figure as a line of JSON")
    options = parser.parse_args(words)
    if options.quick:
        options.hidden, options.batch, options.steps = [8], [32], 3
    return options


def main(words: list[str] | None = None) -> int:
    options = parsed(words)
    notebook = Notebook(options.record)
    device = torch.device(options.device)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    notebook.say(f"{name}, torch {torch.__version__}, Python {sys.version.split()[0]}\n")
    side = 256 if options.quick else 8192
    peaks = {kind: peak(device, kind, side) for kind in ("fp32", "bf16")}
    notebook.say("Peak: " + ", ".join(f"{kind} {flops / 1e12:.1f} TFLOP/s" for kind, flops in peaks.items()))
    with tempfile.TemporaryDirectory() as folder:
        run_dir = prepared(folder)
        windows = split_windows(load_dataset(open_run(Path(run_dir))), "train")
        speeds(notebook, windows, device, options, peaks)
        with notebook.attempt("seeds"):
            seeds_hold(notebook, windows, device, options.hidden[0])
        with notebook.attempt("elsewhere"):
            forecast_elsewhere(notebook, run_dir, options.device)
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
        "model", "numbers", "hidden", "batch", "windows/s", "of peak, %", "over the bare loop", "reach"
    )
    for hidden in options.hidden:
        for batch in options.batch:
            beside: float | None = None
            with notebook.attempt("bare loop", "fp32", hidden, batch), told():
                beside = bare(windows, device, hidden, batch, options.steps)
                notebook.row("bare loop", "fp32", hidden, batch, beside, None, None, None)
            for model in ("stacked", "segment"):
                for precision in ("fp32", "bf16"):
                    with notebook.attempt(model, precision, hidden, batch), told():
                        rate = ours(windows, device, model, hidden, batch, options.steps, precision)
                        share = work_of(windows, hidden) * rate / peaks[precision]
                        over = rate / beside if beside and model == "stacked" else None
                        notebook.row(
                            model, precision, hidden, batch, rate, 100 * share if model == "stacked" else None,
                            over, REACH.get(hidden) if model == "stacked" else None,
                        )  # fmt: skip
                        notebook.keep(
                            model=model, precision=precision, hidden=hidden, batch=batch, rate=rate, over=over
                        )


@contextmanager
def told() -> Iterator[None]:
    """What torch or the CUDA driver cannot do becomes a row."""
    try:
        yield
    except RuntimeError as error:
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        raise CommandFailed(str(error).splitlines()[0]) from error


def peak(device: torch.device, kind: str, side: int) -> float:
    """Operations a second of a product of square matrices, as training multiplies them."""
    one = torch.randn(side, side, device=device, dtype=torch.bfloat16 if kind == "bf16" else torch.float32)

    def turn() -> None:
        for _ in range(10):
            one @ one

    return 10 * 2 * side**3 / seconds_of(turn, device)


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


def work_of(windows: Windows, hidden: int) -> float:
    """Operations of forward and backward of two layers for one window."""
    inputs = windows.dataset.inputs.shape[1]
    return 3 * windows.lookback * 8 * hidden * ((inputs + hidden) + 2 * hidden)


def network_of(windows: Windows, model: str, config: TrainConfig) -> nn.Module:
    data = windows.dataset
    if model == "segment":
        torch.manual_seed(config.seed)
        return SegmentNetwork(**network_shape(data, "free", config))
    return new_network(network_settings(data, config), config)


def trained(
    windows: Windows, device: torch.device, model: str, hidden: int, batch: int, steps: int, precision: str
) -> Callable[[], dict[str, torch.Tensor]]:
    """Some steps of `fit`, as `lstm train` calls it; each call goes on with the same network."""
    sizes = (hidden, hidden) if model == "stacked" else (hidden,)
    config = TrainConfig(model=model, hidden=sizes, batch_size=batch, precision=precision)
    network = network_of(windows, model, config).to(device)
    plan = plan_training(config, windows=len(windows), targets=windows.dataset.targets)
    plan = replace(plan, epochs=1, stop_after=1, steps_per_epoch=steps)
    resident = DeviceWindows(windows, device)

    def turn() -> dict[str, torch.Tensor]:
        fit(network, resident, None, plan, part="", listen=silent, should_stop=lambda: None)
        return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}

    return turn


def ours(
    windows: Windows, device: torch.device, model: str, hidden: int, batch: int, steps: int, precision: str
) -> float:
    turn = trained(windows, device, model, hidden, batch, steps, precision)
    return steps * batch / seconds_of(turn, device)


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


def seeds_hold(notebook: Notebook, windows: Windows, device: torch.device, hidden: int) -> None:
    notebook.say("\n## Two trainings of one seed\n")
    notebook.head("model", "largest difference of a weight")
    for model in ("stacked", "segment"):
        first, second = (trained(windows, device, model, hidden, 64, 20, "fp32")() for _ in range(2))
        most = max(float((first[name] - second[name]).abs().max()) for name in first)
        notebook.row(model, most)
        notebook.keep(seeds=model, most=most)


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


if __name__ == "__main__":
    sys.exit(main())
