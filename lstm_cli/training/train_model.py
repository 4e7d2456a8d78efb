"""Training of any model, from a dataset to the trained result."""

import time
from collections.abc import Callable
from dataclasses import replace

import torch

from lstm_cli.config import TrainConfig
from lstm_cli.config.train import CHOICES
from lstm_cli.data.dataset.dataset import Dataset
from lstm_cli.events import Listener, Note, WarningRaised
from lstm_cli.findings import MODEL, Finding
from lstm_cli.training.loop.distributed import current_ranks, leave
from lstm_cli.training.loop.out_of_memory import USE_FEWER_ROWS, as_device_error
from lstm_cli.training.recipes.automatic_choices import choose_transforms
from lstm_cli.training.recipes.result import TrainingResult
from lstm_cli.training.recipes.segment import train_segment
from lstm_cli.training.recipes.stacked import train_stacked
from lstm_cli.training.setup.checkpoint_state import Checkpoints
from lstm_cli.training.setup.device import choose_device
from lstm_cli.training.setup.malloc import keep_freed_memory, return_freed_memory
from lstm_cli.training.setup.precision import choose_precision
from lstm_cli.training.setup.start_weights import StartWeights

# Hidden units up to which a recorded step made one GPU 1.6 to 8 times as fast (benchmarks/gpu.md).
MAX_SMALL_HIDDEN = 512


def train_model(
    dataset: Dataset,
    config: TrainConfig,
    *,
    threads: int,
    listen: Listener,
    should_stop: Callable[[], int | None],
    checkpoints: Checkpoints | None = None,
    start: StartWeights | None = None,
) -> TrainingResult:
    """Choose the open settings from the data, train, and refit if the config or the model asks for it.

    The result depends on the data, the config and the machine. It does not depend on the number of threads, nor on how
    often the training was resumed.

    Args:
        dataset: scaled data.
        config: settings of the training.
        threads: CPU threads.
        listen: receiver of events.
        should_stop: returns the number of a signal to stop at, else None.
        checkpoints: stored states to resume from, and where to save new ones.
        start: weights at which the networks start; None: random ones.

    Raises:
        DeviceError: the device is missing or its memory is too small.
        DataError: the data do not allow a setting.
        TrainingDiverged: a loss, gradient or weight is not finite.
        Interrupted: `should_stop` returned a signal.
        IncompatibleState: the checkpoints belong to another training.
    """
    started = time.monotonic()
    checkpoints = checkpoints or Checkpoints()
    device = choose_device(config.device)
    precision, precision_reason = choose_precision(config, device)
    config = replace(config, precision=precision)
    torch.set_num_threads(threads)
    transformed = choose_transforms(
        dataset,
        config,
        workers=threads,
        should_stop=should_stop,
        listen=listen,
        checkpoints=checkpoints,
    )
    transformed = replace(transformed, choices=transformed.choices | {"precision": precision_reason})
    for name, reason in transformed.choices.items():
        listen(Note(text=f"{CHOICES.get(name, name)}: {reason}"))
    if current_ranks() is not None:
        for finding in findings_about_processes(config, device):
            listen(WarningRaised(finding=finding))
    keep_freed_memory()
    with as_device_error(
        f"on {device} while training {config.model}", hint=f"use --device cpu, or {USE_FEWER_ROWS}"
    ):
        if config.model == "stacked":
            trained = train_stacked(
                transformed,
                config,
                device=device,
                listen=listen,
                should_stop=should_stop,
                checkpoints=checkpoints,
                start=start,
            )
        else:
            trained = train_segment(
                transformed,
                config,
                device=device,
                workers=threads if device.type == "cpu" and current_ranks() is None else 1,
                listen=listen,
                should_stop=should_stop,
                checkpoints=checkpoints,
                start=start,
            )
    leave()
    return_freed_memory()  # memory of the refit, before the graphs are compared with torch
    return replace(trained, precision=precision, seconds=time.monotonic() - started)


def findings_about_processes(config: TrainConfig, device: torch.device) -> tuple[Finding, ...]:
    """Return the warning if one GPU is probably faster than several."""
    units = max(config.sizes)
    if device.type != "cuda" or units > MAX_SMALL_HIDDEN:
        return ()
    text = (
        f"one GPU is probably faster than several for {units} hidden units, because only a single process records and "
        "replays its steps: start it without torchrun to compare"
    )
    return (Finding(rule="M211", kind=MODEL, text=text, flags=("--hidden",)),)
