"""Comparison of a quantized model with the trained one, in the same way for every task."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lstm_cli.steps.shared.report_html import HtmlReport
from lstm_cli.steps.shared.report_json import to_plain

ROUNDS = 15  # timed calls of each model


@dataclass(frozen=True, kw_only=True)
class ComparisonReport(HtmlReport):
    """Facts of `quantize` that every task reports. The dicts have the keys `fp32` and `quantized`."""

    run: str
    to: str
    size: dict[str, int]  # bytes
    latency_ms: dict[str, float]  # median time of one batch
    batch: int  # windows or sequences per timed batch
    loss: float  # growth of the validation error
    max_loss: float
    warnings: tuple[str, ...]
    findings: tuple[dict[str, Any], ...] = ()  # the warnings as data; 0.1.0 kept none
    up_to_date: bool | None = None  # True: nothing changed, and this is the stored report

    def to_json(self) -> dict[str, Any]:
        """Return the object that `--json` prints."""
        return to_plain(self, absent=("up_to_date",))


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Quantized model, and its comparison with the trained one."""

    graph: bytes  # quantized
    report: Any  # ComparisonReport of the task
    scores: Mapping[str, Any]  # of both models, for comparison.json


def quantize_graph(graph: bytes, to: str, scratch: Path, *, lstm_only: bool) -> bytes:
    """Return a graph in a smaller precision.

    Args:
        graph: ONNX graph.
        to: int8 or fp16.
        scratch: empty folder for temporary files.
        lstm_only: whether int8 leaves the other layers in float.
    """
    from lstm_cli.inference.quantization import to_fp16, to_int8

    if to == "int8":
        return to_int8(graph, scratch=scratch, lstm_only=lstm_only)
    return to_fp16(graph)


def relative_growth(before: float | None, after: float | None, *, least: float = 0.0) -> float:
    """Return the relative growth of an error; infinite if the new error is not finite.

    Args:
        before: error of the trained model.
        after: error of the quantized model.
        least: a smaller error counts as this one, because its relative change has no meaning.
    """
    if after is None or not np.isfinite(after):
        return float("inf")
    if before is None:
        return 0.0
    relative_to = max(before, least)
    return (after - before) / relative_to if relative_to > 0 else float(after > 0)


def median_latency(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Return the median milliseconds of each call. The calls alternate, so a busy machine slows both models."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(ROUNDS):
        for name, call in calls.items():
            began = time.perf_counter()
            call()
            times[name].append(1000 * (time.perf_counter() - began))
    return {name: round(float(np.median(durations)), 3) for name, durations in times.items()}
