"""`train` on several processes started by `torchrun`: rank 0 runs the command, the others train with it silently."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from lstm_cli.config import TrainConfig
from lstm_cli.errors import UsageError


def world_size() -> int:
    """Return the number of processes that torchrun started; 1 without torchrun."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def is_follower() -> bool:
    """Return whether another process reads and writes the run."""
    return world_size() > 1 and os.environ.get("RANK", "0") != "0"


def follow(config: TrainConfig) -> None:
    """Take part in the trainings of rank 0 until it ends. Raise DeviceError if rank 0 is lost."""
    from lstm_cli.training.loop.follower import follow as follow_leader

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_DFL)  # a follower has nothing to save
    follow_leader(config.device)


@contextmanager
def lead(config: TrainConfig) -> Iterator[None]:
    """Lead the other processes within this block; without torchrun there are none."""
    if world_size() == 1:
        yield
        return
    from lstm_cli.training.loop.distributed import lead as lead_ranks

    if config.device.startswith("cuda:"):
        raise UsageError(
            f"--device {config.device} names one device, but torchrun gives each process its own",
            hint="use --device cuda, and choose the devices with CUDA_VISIBLE_DEVICES",
            flag="--device",
        )
    with lead_ranks(config.device):
        yield
