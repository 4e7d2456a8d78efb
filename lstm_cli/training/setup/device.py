"""Device that training runs on."""

import os

import torch

from lstm_cli.errors import DeviceError
from lstm_cli.wording import count_noun


def choose_device(name: str) -> torch.device:
    """Return the named device; `auto` is the first GPU if there is one, else the CPU.

    Raises:
        DeviceError: the device does not exist.
    """
    if name == "auto":
        return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
    device = torch.device(name)
    if device.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if (device.index or 0) >= count:
            message = f"this machine has {count_noun(count, 'CUDA device')}"
            raise DeviceError(
                f"--device {name} was not found: {message}", hint="use --device cpu, or --device auto"
            )
        return torch.device("cuda", device.index or 0)
    return device


def device_label(device: torch.device) -> str:
    """Return the name of the device for a reader."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return "cpu"


def usable_cores() -> int:
    """Return the number of cores for this process; its share of them if torchrun started several processes here."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
