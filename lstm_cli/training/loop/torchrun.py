"""`train` on several processes, as `torchrun` starts them: rank 0 is the command, the others help and say nothing."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager

from lstm_cli.config import TrainConfig
from lstm_cli.errors import UsageError


def world_size() -> int:
    """How many processes torchrun started; 1 without it."""
    return int(os.environ.get("WORLD_SIZE", "1")) if "TORCHELASTIC_RUN_ID" in os.environ else 1


def is_follower() -> bool:
    """Whether this process is not the one that reads and writes the run."""
    return world_size() > 1 and os.environ.get("RANK", "0") != "0"


def follow(config: TrainConfig) -> None:
    """Compute a share of every gradient until rank 0 says that all is done. Raises DeviceError where it is gone."""
    from lstm_cli.training.loop.distributed import follow as help_leader
    from lstm_cli.training.setup.device import usable_cores

    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.SIG_DFL)  # there is nothing of its own to save
    help_leader(config.device, config.threads or usable_cores())


@contextmanager
def lead(config: TrainConfig) -> Iterator[None]:
    """Within this block the other processes help; without torchrun there are none."""
    if world_size() == 1:
        yield
        return
    from lstm_cli.training.loop.distributed import lead as lead_ranks

    if config.device.startswith("cuda:"):
        raise UsageError(
            f"--device {config.device} is one device, and torchrun gives every process its own",
            hint="use --device cuda; CUDA_VISIBLE_DEVICES says which devices there are",
            flag="--device",
        )
    with lead_ranks(config.device):
        yield
