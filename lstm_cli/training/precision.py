"""In which numbers a training step computes: 32-bit floats, or 16-bit ones (bfloat16) where that was measured to pay.

Weights, optimizer, validation and what is shipped are in 32 bits either way; in 16 bits stand the products of matrices
and the LSTM between them (torch's autocast).
"""

import torch

from lstm_cli.config import TrainConfig
from lstm_cli.errors import DeviceError


def settle_precision(config: TrainConfig, device: torch.device) -> tuple[str, str]:
    """The precision of every training step, fp32 or bf16, and why.

    `auto` is bf16 where it was measured to be faster and as good (benchmarks/README.md): for `stacked` on a CPU that
    computes with bfloat16. Raises DeviceError where bf16 is asked of a device without it.
    """
    lacking = _lacks_bf16(device)
    if config.precision == "bf16" and lacking:
        raise DeviceError(
            f"--precision bf16 needs a device that computes with bfloat16: {lacking}",
            hint="use --precision fp32, or --precision auto",
        )
    if config.precision != "auto":
        return config.precision, f"{config.precision}, as --precision says"
    if config.model != "stacked":
        return "fp32", f"fp32: {config.model} trains no faster in bf16"
    if lacking:
        return "fp32", f"fp32: {lacking}"
    if device.type == "cpu":
        return "bf16", "bf16, which this CPU computes with and the textbook LSTM learns as well from, faster"
    return "fp32", "fp32: bf16 was not measured to pay on a GPU"


def _lacks_bf16(device: torch.device) -> str:
    """Why the device does not compute with bfloat16; empty where it does."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            there = torch.cuda.is_bf16_supported(including_emulation=False)
        return "" if there else f"{device} does not"
    return "" if cpu_has_bf16() else "torch finds neither AVX512-BF16 nor AMX on this CPU"


def cpu_has_bf16() -> bool:
    """Whether the CPU multiplies in bfloat16 itself; one that only imitates it is slower with it."""
    # Older versions of torch do not tell what the CPU can do.
    able = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return any(able.get(name, False) for name in ("avx512_bf16", "amx_bf16"))
