"""Formats of `lstm export`: file names, code that opens them, and models that they support."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import Any

from lstm_cli.config.layers import flag_name
from lstm_cli.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Format:
    """Export format."""

    file: str  # file name in `exports/`
    endings: tuple[str, ...]  # allowed endings of other names
    open_code: str  # line of Python code that opens the file
    is_keras: bool = False  # needs the extra `keras`, whose layers do not support all models
    holds_graph: bool = True  # the file can forecast
    holds_parts: bool = False  # the file also returns the forecasts of the parts
    needs_future_input: bool = True  # `future` is an input even if it has no columns
    input_order: tuple[str, ...] = ("past", "future", "mask")  # of inputs that are given by position
    library: str | None = None  # package whose version the file depends on
    promise: str = ""  # versions of the library that open the file


_KERAS = Format(
    file="model.keras",
    endings=(".keras",),
    open_code="model = keras.models.load_model('{file}')",
    is_keras=True,
    needs_future_input=False,
    input_order=("future", "mask", "past"),  # Keras sorts the names of its inputs
    library="keras",
    promise="Keras 3; a newer version opens files of an older one",
)
FORMATS: Mapping[str, Format] = {
    "onnx": Format(
        file="model.onnx",
        endings=(".onnx",),
        open_code="session = onnxruntime.InferenceSession('{file}')",
        holds_parts=True,
    ),
    "torchscript": Format(
        file="model.pt",
        endings=(".pt", ".pth", ".ts"),
        open_code="model = torch.jit.load('{file}')",
        library="torch",
        promise="a newer version opens files of an older one, as long as torch has TorchScript",
    ),
    "pt2": Format(
        file="model.pt2",
        endings=(".pt2",),
        open_code="model = torch.export.load('{file}').module()",
        library="torch",
        promise="this version; torch does not promise that another one opens the file",
    ),
    "keras": _KERAS,
    "h5": replace(_KERAS, file="model.h5", endings=(".h5", ".hdf5")),
    "safetensors": Format(
        file="model.safetensors",
        endings=(".safetensors",),
        open_code="weights = safetensors.numpy.load_file('{file}')",
        holds_graph=False,
    ),
    "npz": Format(
        file="windows.npz",
        endings=(".npz",),
        open_code="windows = numpy.load('{file}', allow_pickle=False)",
        holds_graph=False,
    ),
}
# Keras has no layers for the padded sequences and the simple model of a classifier.
CLASSIFIER_FORMATS: Mapping[str, Format] = {
    **{name: FORMATS[name] for name in ("onnx", "torchscript", "pt2", "safetensors")},
    "npz": replace(
        FORMATS["npz"],
        file="sequences.npz",
        open_code="sequences = numpy.load('{file}', allow_pickle=False)",
    ),
}
# Settings of `stacked` that Keras layers support.
_KERAS_SETTINGS = {
    *("inputs", "targets", "known_ahead", "horizon", "lookback"),
    *("hidden", "dropout", "bidirectional", "layer_norm"),
}
_KERAS_HEADS = {("head", "last"), ("head", "mean")}


def require_ending(to: str, output: str) -> None:
    """Raise UsageError if the ending of the file name does not fit the format."""
    endings = FORMATS[to].endings
    if PurePath(output).suffix.lower() not in endings:
        other = next(
            (name for name, format in FORMATS.items() if output.lower().endswith(format.endings)), None
        )
        alternative = f", or use --to {other}" if other is not None else ""
        raise UsageError(
            f"the output {output} of --to {to} does not end in {' or '.join(endings)}",
            hint=f"name it like {FORMATS[to].file}{alternative}",
        )


def require_supported(to: str, model: str, settings: Mapping[str, Any]) -> None:
    """Raise UsageError if the format does not support a model. The hint names a format that does.

    Args:
        to: Format.
        model: Name of the model, from model.json.
        settings: Settings of the model, from model.json.
    """
    if not FORMATS[to].is_keras:
        return
    if model != "stacked":
        raise UsageError(
            f"--to {to} does not support the model '{model}': Keras has no layers for its linear part and its gates",
            hint="use --to onnx, which supports every model, or train with --model stacked",
            flag="--to",
        )
    refused = [
        f"--head {value}" if name == "head" else flag_name(name)
        for name, value in settings.items()
        if value and name not in _KERAS_SETTINGS and (name, value) not in _KERAS_HEADS
    ]
    if refused:
        raise UsageError(
            f"--to {to} does not support {' and '.join(refused)}: Keras has no such layer for padded windows",
            hint="use --to onnx, which supports every model, or train without these options",
            flag="--to",
        )
