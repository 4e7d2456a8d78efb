"""Precision of a training step: 32-bit floats, or bfloat16 where measurements showed a gain.

Weights, optimizer, validation and the exported model are always in 32 bits. With bfloat16 only the matrix products and
the LSTM between them use 16 bits (torch's autocast).
"""

from collections.abc import Mapping
from typing import Any

import torch

from lstm_cli.config import TrainConfig
from lstm_cli.errors import DeviceError

# Hidden units per layer and batch size above which bf16 on a GPU gains more than the conversion costs.
MIN_HIDDEN, MIN_BATCH = 512, 256


def choose_precision(config: TrainConfig, device: torch.device) -> tuple[str, str]:
    """Return the precision of every training step, fp32 or bf16, and the reason.

    `auto` is bf16 where it was measured to be faster and as accurate (benchmarks/README.md). That holds for `stacked`
    with wide layers and large batches on a GPU, and on AMD CPUs with AVX512-BF16, which multiply bfloat16 at twice the
    rate. Intel CPUs without AMX do not, so the conversion only costs time.

    Raises:
        DeviceError: bf16 was requested and the device does not support it.
    """
    why_not = _why_no_bf16(device)
    if config.precision == "bf16" and why_not:
        raise DeviceError(
            f"--precision bf16 needs a device with bfloat16: {why_not}",
            hint="use --precision fp32, or --precision auto",
        )
    if config.precision != "auto":
        return config.precision, f"{config.precision} (set by --precision)"
    if config.model != "stacked":
        return "fp32", "fp32 (bf16 is not faster for this model)"
    if why_not:
        return "fp32", f"fp32 ({why_not})"
    if device.type == "cuda":
        condition = f"from {MIN_HIDDEN} hidden units and batches of {MIN_BATCH}"
        if (
            min(config.sizes) >= MIN_HIDDEN
            and isinstance(config.batch_size, int)
            and config.batch_size >= MIN_BATCH
        ):
            return "bf16", f"bf16 (faster on a GPU {condition})"
        return "fp32", f"fp32 (bf16 is faster on a GPU only {condition})"
    if "AMD" in cpu_capabilities().get("cpu_name", ""):
        return "bf16", "bf16 (measured to be faster on this kind of CPU, and as accurate)"
    return (
        "fp32",
        "fp32 (bf16 was not measured to be faster on this kind of device, --precision bf16 turns it on)",
    )


def cpu_capabilities() -> Mapping[str, Any]:
    """Return the name and the capabilities of the CPU as torch reports them; empty with an older torch."""
    return torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}


def _why_no_bf16(device: torch.device) -> str:
    """Return why the device has no native bfloat16; empty if it has. Emulation is slower than fp32."""
    if device.type == "cuda":
        with torch.cuda.device(device):
            supported = torch.cuda.is_bf16_supported(including_emulation=False)
        return "" if supported else f"{device} does not support bfloat16"
    capabilities = cpu_capabilities()
    supported = capabilities.get("avx512_bf16", False) or capabilities.get("amx_bf16", False)
    return "" if supported else "torch finds neither AVX512-BF16 nor AMX on this CPU"
