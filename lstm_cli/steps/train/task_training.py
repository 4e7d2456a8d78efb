"""Parts of `train` that all tasks but the forecast share: the checkpoint, and the files of the network."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lstm_cli.config import TrainConfig
from lstm_cli.errors import UsageError
from lstm_cli.events import Listener, Note
from lstm_cli.rundir import ArtifactFolder, Writer
from lstm_cli.steps.train.checkpointing import CheckpointPolicy, CheckpointWriter, checkpoint_writer
from lstm_cli.steps.train.warm_start import Start
from lstm_cli.tasks.records import FORECAST, Task
from lstm_cli.wording import count_noun

if TYPE_CHECKING:
    from torch import nn


@contextmanager
def begun_training(
    writer: Writer,
    config: TrainConfig,
    listen: Listener,
    *,
    task: Task,
    policy: CheckpointPolicy,
    start: Start | None = None,
) -> Iterator[tuple[str, CheckpointWriter]]:
    """Yield the device and the checkpoint of a training in one process.

    Args:
        writer: writer of the run.
        config: settings of the training.
        listen: receives notes and warnings.
        task: task of the run.
        policy: rules for the checkpoint.
        start: model at which the training starts.

    Raises:
        UsageError: several processes of torchrun train.
        ArtifactError: the checkpoint is of a training with other settings.
        DeviceError: the device was not found.
    """
    from lstm_cli.training.loop.distributed import current_ranks
    from lstm_cli.training.setup.device import choose_device, device_label, usable_cores

    if current_ranks() is not None:
        raise UsageError(
            f"torchrun trains models of the task {FORECAST.name} only, but this run is {task.title}",
            hint="start it without torchrun: lstm train RUN",
        )
    device, threads = device_label(choose_device(config.device)), config.threads or usable_cores()
    with checkpoint_writer(
        writer, config, listen, device=device, threads=threads, policy=policy, start=start
    ) as checkpoints:
        listen(Note(text=f"training on {device}, {count_noun(checkpoints.threads, 'thread')}"))
        yield device, checkpoints


def write_network(folder: ArtifactFolder, network: "nn.Module", history: Sequence[Mapping[str, Any]]) -> None:
    """Write the weights and the history of a network; equal trainings write equal bytes.

    Args:
        folder: new folder of the model.
        network: trained network, on the CPU.
        history: entry of each epoch.
    """
    import safetensors.torch

    folder.write_bytes("weights.safetensors", safetensors.torch.save(network.state_dict()))
    # Times differ between runs, so they are left out.
    lines = [{key: value for key, value in entry.items() if key != "seconds"} for entry in history]
    folder.write_bytes("history.jsonl", "".join(json.dumps(line) + "\n" for line in lines).encode())
