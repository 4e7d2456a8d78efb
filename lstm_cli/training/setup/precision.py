"""In which numbers a training step computes: 32-bit floats, or 16-bit ones (bfloat16) where that was measured to pay.

Weights, optimizer, validation and what is shipped are in 32 bits either way; in 16 bits stand the products of matrices
and the LSTM between them (torch's autocast).
"""

from collections.abc import Mapping
from typing import Any

import torch

from lstm_cli.config import TrainConfig
from lstm_cli.errors import DeviceError

# Hidden units of each layer and windows of a batch from where on a GPU gains more than turning the numbers costs.
MIN_HIDDEN, MIN_BATCH = 512, 256


def choose_precision(config: TrainConfig, device: torch.device) -> tuple[str, str]:
    """The precision of every training step, fp32 or bf16, and why.

    `auto` is bf16 where that was measured to be faster and as good (benchmarks/README.md): for `stacked` with broad
    layers and batches that are not small on a GPU, and on AMD's CPUs with AVX512-BF16, which multiply bfloat16 at
    twice the rate; Intel's without AMX do not, and lose the time that it takes to turn the numbers. Raises DeviceError
    where bf16 is asked of a device without it.
    """
    why_not = _why_no_bf16(device)
    if config.precision == "bf16" and why_not:
        raise DeviceError(
            f"--precision bf16 needs a device that computes with bfloat16: {why_not}",
            hint="use --precision fp32, or --precision auto",
        )
    if config.precision != "auto":
        return config.precision, f"{config.precision}, as --precision says"
    if config.model != "stacked":
        return "fp32", f"fp32: {config.model} was not measured to train faster in bf16"
    if why_not:
        return "fp32", f"fp32: {why_not}"
    if device.type == "cuda":
        condition = f"measured to pay on a GPU from {MIN_HIDDEN} hidden units and batches of {MIN_BATCH} on"
        if (
            min(config.sizes) >= MIN_HIDDEN
            and isinstance(config.batch_size, int)
            and config.batch_size >= MIN_BATCH
        ):
            return "bf16", f"bf16: {condition}"
        return "fp32", f"fp32: bf16 was {condition}"
    if "AMD" in cpu_capabilities().get("cpu_name", ""):
        return "bf16", "bf16: measured to be faster on this kind of CPU, and as good"
    return "fp32", "fp32: bf16 was not measured to be faster on this device (--precision bf16)"


def cpu_capabilities() -> Mapping[str, Any]:
    """What the CPU can do, and its name, by torch's words; older versions of torch tell nothing."""
    return torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}


def _why_no_bf16(device: torch.device) -> str:
    """Why the device does not multiply in bfloat16 itself; empty where it does. To imitate it is slower than fp32."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            supported = torch.cuda.is_bf16_supported(including_emulation=False)
        return "" if supported else f"{device} does not"
    capabilities = cpu_capabilities()
    supported = capabilities.get("avx512_bf16", False) or capabilities.get("amx_bf16", False)
    return "" if supported else "torch finds neither AVX512-BF16 nor AMX on this CPU"
